"""The published RespDiff network in PyTorch, written from the paper (Miao et al. 2410.04366) and from facts about its code.

Module names are those of jaxsig's network, so `tensors` turns our parameters into its state dict. For timings and for parity tests;
it imports torch.
"""
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import jax
import numpy as np
import torch
from torch import nn


class TorchRespDiff(nn.Module):
  """Predicts the noise in y [b, t] at integer steps [b] given the PPG [b, t]; the options of `jaxsig.systems.respiration.network.RespDiff`."""

  def __init__(self, channels, fine_kernels, coarse_kernels, dilations, hidden, layers, head, embed_both, **_):
    super().__init__()
    self.embed_both, width, widths = embed_both, channels * len(fine_kernels), [2 * hidden, *head]
    same = lambda c, k, d=1: nn.Conv1d(c, channels, k, dilation=d, padding="same")
    self.fine_ppg, self.fine_y = (nn.ModuleDict({f"branch_{i}": same(1, k) for i, k in enumerate(fine_kernels)}) for _ in range(2))
    self.coarse_ppg = nn.ModuleDict()
    for i, k in enumerate(coarse_kernels):
      self.coarse_ppg[f"branch_{i}_in"] = same(1, 1)
      for j, dilation in enumerate(dilations):
        self.coarse_ppg[f"branch_{i}_conv_{j}"] = same(channels, k, dilation)
        self.coarse_ppg[f"branch_{i}_norm_{j}"] = nn.BatchNorm1d(channels, track_running_stats=False)
    self.branches, self.blocks, self.head = len(coarse_kernels), len(dilations), len(head)
    self.fusion = nn.Parameter(torch.ones(width))
    self.embedding = nn.ModuleDict({"first": nn.Linear(128, width), "second": nn.Linear(width, width)})
    self.rnn = nn.RNN(2 * width, hidden, layers, bidirectional=True, batch_first=True)
    self.decoder = nn.ModuleDict({f"layer_{i}": nn.Linear(a, b) for i, (a, b) in enumerate(pairwise(widths))})
    self.decoder["out"] = nn.Linear(widths[-1], 1)

  def coarse(self, x, i):
    """Branch i of the coarse encoder: [b, 1, t] -> [b, channels, t]."""
    x = self.coarse_ppg[f"branch_{i}_in"](x)
    for j in range(self.blocks):
      x = self.coarse_ppg[f"branch_{i}_norm_{j}"](torch.relu(self.coarse_ppg[f"branch_{i}_conv_{j}"](x)) + x)
    return x

  def forward(self, ppg, y, step):
    """The prediction [b, t]."""
    ppg, y = ppg[:, None], y[:, None]
    fine = lambda encoder, x: torch.cat([conv(x) for conv in encoder.values()], 1)
    coarse = torch.cat([self.coarse(ppg, i) for i in range(self.branches)], 1)
    angle = step[:, None] * torch.tensor(10.0 ** (4 * np.arange(64) / 63), dtype=torch.float32)
    embedded = torch.cat([torch.sin(angle), torch.cos(angle)], 1)
    for layer in self.embedding.values():
      embedded = nn.functional.silu(layer(embedded))
    from_ppg = fine(self.fine_ppg, ppg) + embedded[..., None] + self.fusion[:, None] * coarse
    from_y = fine(self.fine_y, y) + (embedded[..., None] if self.embed_both else 0)
    x = self.rnn(torch.cat([from_ppg, from_y], 1).transpose(1, 2))[0]
    for i in range(self.head):
      x = torch.relu(self.decoder[f"layer_{i}"](x))
    return self.decoder["out"](x)[..., 0]


def twin(network: Any, params: Any) -> TorchRespDiff:
  """The torch network of a `RespDiff` module's options, with its parameters."""
  theirs = TorchRespDiff(**{name: getattr(network, name) for name in network.__dataclass_fields__})
  theirs.load_state_dict(tensors(params))
  return theirs


def tensors(params: Any) -> dict:
  """Flax parameters under torch's names and layouts; recurrent weights are torch's already."""
  names = {"kernel": "weight", "scale": "weight"}
  turned = {"kernel": lambda value: value.transpose(tuple(range(value.ndim))[::-1])}
  out = {}
  for path, leaf in jax.tree_util.tree_leaves_with_path(params["params"]):
    *parents, name = (part.key for part in path)
    value = turned.get(name, lambda value: value)(np.asarray(leaf))
    out[".".join([*parents, names.get(name, name)])] = torch.tensor(value.copy())
  return out


def training(network: TorchRespDiff, data: dict, alpha_b: np.ndarray, sigma_b: np.ndarray, rate: float, threads: int) -> Callable:
  """() -> the loss before a step of Adam; every call trains a step further on data {"ppg", "x0", "eps": [b, t], "t": [b]}."""
  d = {k: torch.tensor(v) for k, v in data.items()}
  y = torch.tensor(alpha_b)[:, None] * d["x0"] + torch.tensor(sigma_b)[:, None] * d["eps"]
  adam = torch.optim.Adam(network.parameters(), rate)

  def run():
    torch.set_num_threads(threads)
    adam.zero_grad()
    loss = torch.mean((network(d["ppg"], y, d["t"]) - d["eps"]) ** 2)
    loss.backward()
    adam.step()
    return float(loss.detach())
  return run


def sampling(network: TorchRespDiff, ppg: np.ndarray, times: np.ndarray, alpha: np.ndarray, sigma: np.ndarray, threads: int) -> Callable:
  """() -> one sample [b, t] by DDIM as coded, with the whole network at every step; alpha and sigma are those of `times`."""
  ppg, alpha, sigma = torch.tensor(ppg), [*map(float, alpha), 1.0], [*map(float, sigma), 0.0]

  @torch.no_grad()
  def run():
    torch.set_num_threads(threads)
    y = torch.randn(ppg.shape)
    for i, t in enumerate(times):
      eps = network(ppg, y, torch.full((len(ppg),), int(t)))
      x0 = (y - sigma[i] * eps) / alpha[i]
      x0 = (x0 - x0.min()) / (x0.max() - x0.min())
      y = alpha[i + 1] * x0 + sigma[i + 1] * eps
    return y
  return run
