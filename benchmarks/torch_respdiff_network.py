"""The published RespDiff network in PyTorch, written from the paper (Miao et al. 2410.04366) and
from facts about its code.

Module names are those of jaxsig's network, so `tensors` turns our parameters into its state dict.
For timings and for parity tests; it imports torch.
"""
from collections.abc import Callable, Mapping
from itertools import pairwise

import jax
import numpy as np
import torch
from torch import nn

from jaxsig.system import Params
from jaxsig.systems.respiration.network import RespDiff


class TorchRespDiff(nn.Module):
  """Predicts the noise in y [b, t] at integer steps [b] given the PPG [b, t].

  The options are those of `jaxsig.systems.respiration.network.RespDiff`.
  """

  def __init__(
      self,
      channels: int,
      fine_kernels: tuple[int, ...],
      coarse_kernels: tuple[int, ...],
      dilations: tuple[int, ...],
      hidden: int,
      layers: int,
      head: tuple[int, ...],
      embed_both: bool,
      **_: object,
  ) -> None:
    super().__init__()
    self.embed_both = embed_both
    self.branches = len(coarse_kernels)
    self.blocks = len(dilations)
    self.head = len(head)
    width = channels * len(fine_kernels)

    self.fine_ppg = fine_encoder(channels, fine_kernels)
    self.fine_y = fine_encoder(channels, fine_kernels)
    self.coarse_ppg = coarse_encoder(channels, coarse_kernels, dilations)
    self.fusion = nn.Parameter(torch.ones(width))
    self.embedding = nn.ModuleDict({
        "first": nn.Linear(128, width),
        "second": nn.Linear(width, width),
    })
    self.rnn = nn.RNN(2 * width, hidden, layers, bidirectional=True, batch_first=True)

    widths = [2 * hidden, *head]
    self.decoder = nn.ModuleDict()
    for i, (inputs, outputs) in enumerate(pairwise(widths)):
      self.decoder[f"layer_{i}"] = nn.Linear(inputs, outputs)
    self.decoder["out"] = nn.Linear(widths[-1], 1)

  def coarse(self, x: torch.Tensor, i: int) -> torch.Tensor:
    """Branch i of the coarse encoder: [b, 1, t] -> [b, channels, t]."""
    x = self.coarse_ppg[f"branch_{i}_in"](x)
    for j in range(self.blocks):
      convolution = self.coarse_ppg[f"branch_{i}_conv_{j}"]
      norm = self.coarse_ppg[f"branch_{i}_norm_{j}"]
      x = norm(torch.relu(convolution(x)) + x)
    return x

  def embed(self, step: torch.Tensor) -> torch.Tensor:
    """The embedded step [b, width, 1]."""
    frequency = torch.tensor(10.0 ** (4 * np.arange(64) / 63), dtype=torch.float32)
    angle = step[:, None] * frequency
    embedded = torch.cat([torch.sin(angle), torch.cos(angle)], 1)
    for layer in self.embedding.values():
      embedded = nn.functional.silu(layer(embedded))
    return embedded[..., None]

  def forward(
      self,
      ppg: torch.Tensor,
      y: torch.Tensor,
      step: torch.Tensor,
  ) -> torch.Tensor:
    """The prediction [b, t]."""
    ppg = ppg[:, None]
    y = y[:, None]
    embedded = self.embed(step)
    coarse = torch.cat([self.coarse(ppg, i) for i in range(self.branches)], 1)
    from_ppg = side_by_side(self.fine_ppg, ppg) + embedded + self.fusion[:, None] * coarse
    from_y = side_by_side(self.fine_y, y)
    if self.embed_both:
      from_y = from_y + embedded

    both = torch.cat([from_ppg, from_y], 1).transpose(1, 2)
    x, _ = self.rnn(both)
    for i in range(self.head):
      x = torch.relu(self.decoder[f"layer_{i}"](x))
    return self.decoder["out"](x)[..., 0]


def conv(
    inputs: int,
    outputs: int,
    kernel: int,
    dilation: int = 1,
) -> nn.Conv1d:
  """A convolution of the same length."""
  return nn.Conv1d(inputs, outputs, kernel, dilation=dilation, padding="same")


def fine_encoder(channels: int, kernels: tuple[int, ...]) -> nn.ModuleDict:
  """One convolution for each kernel."""
  encoder = nn.ModuleDict()
  for i, kernel in enumerate(kernels):
    encoder[f"branch_{i}"] = conv(1, channels, kernel)
  return encoder


def coarse_encoder(
    channels: int,
    kernels: tuple[int, ...],
    dilations: tuple[int, ...],
) -> nn.ModuleDict:
  """A stack of dilated convolutions and norms for each kernel."""
  encoder = nn.ModuleDict()
  for i, kernel in enumerate(kernels):
    encoder[f"branch_{i}_in"] = conv(1, channels, 1)
    for j, dilation in enumerate(dilations):
      encoder[f"branch_{i}_conv_{j}"] = conv(channels, channels, kernel, dilation)
      encoder[f"branch_{i}_norm_{j}"] = nn.BatchNorm1d(channels, track_running_stats=False)
  return encoder


def side_by_side(encoder: nn.ModuleDict, x: torch.Tensor) -> torch.Tensor:
  """The branches' outputs, concatenated: [b, 1, t] -> [b, c, t]."""
  return torch.cat([branch(x) for branch in encoder.values()], 1)


def twin(network: RespDiff, params: Params) -> TorchRespDiff:
  """The torch network of a `RespDiff` module's options, with its parameters."""
  options = {name: getattr(network, name) for name in network.__dataclass_fields__}
  torch_network = TorchRespDiff(**options)
  torch_network.load_state_dict(tensors(params))
  return torch_network


def tensors(params: Params) -> dict[str, torch.Tensor]:
  """Flax parameters under torch's names and layouts; recurrent weights are torch's already."""
  torch_names = {"kernel": "weight", "scale": "weight"}
  state = {}
  for path, leaf in jax.tree_util.tree_leaves_with_path(params["params"]):
    *parents, name = (part.key for part in path)
    value = np.asarray(leaf)
    if name == "kernel":
      value = value.transpose()   # all axes in the reverse order
    torch_name = ".".join([*parents, torch_names.get(name, name)])
    state[torch_name] = torch.tensor(value.copy())
  return state


def training(
    network: TorchRespDiff,
    data: Mapping[str, np.ndarray],
    alpha_b: np.ndarray,
    sigma_b: np.ndarray,
    rate: float,
    threads: int,
) -> Callable[[], float]:
  """() -> the loss before a step of Adam; every call trains a step further.

  Args:
    network: trained in place.
    data: {"ppg", "x0", "eps": [b, t], "t": [b]}.
    alpha_b: the factor of the signal at the times of the data.
    sigma_b: the standard deviation of the noise at the times of the data.
    rate: learning rate.
    threads: that PyTorch may use.
  """
  batch = {name: torch.tensor(x) for name, x in data.items()}
  alpha = torch.tensor(alpha_b)[:, None]
  sigma = torch.tensor(sigma_b)[:, None]
  y = alpha * batch["x0"] + sigma * batch["eps"]
  adam = torch.optim.Adam(network.parameters(), rate)

  def run() -> float:
    torch.set_num_threads(threads)
    adam.zero_grad()
    prediction = network(batch["ppg"], y, batch["t"])
    loss = torch.mean((prediction - batch["eps"]) ** 2)
    loss.backward()
    adam.step()
    return float(loss.detach())

  return run


def sampling(
    network: TorchRespDiff,
    ppg: np.ndarray,
    times: np.ndarray,
    alpha: np.ndarray,
    sigma: np.ndarray,
    threads: int,
) -> Callable[[], torch.Tensor]:
  """() -> one sample [b, t] by DDIM as coded, with the whole network at every step.

  Args:
    network: trained to predict the noise.
    ppg: [b, t].
    times: at which the network is called, noisiest first.
    alpha: the factor of the signal at these times.
    sigma: the standard deviation of the noise at these times.
    threads: that PyTorch may use.
  """
  ppg = torch.tensor(ppg)
  alpha = [*map(float, alpha), 1.0]   # at last the clean signal
  sigma = [*map(float, sigma), 0.0]

  @torch.no_grad()
  def run() -> torch.Tensor:
    torch.set_num_threads(threads)
    y = torch.randn(ppg.shape)
    for i, t in enumerate(times):
      eps = network(ppg, y, torch.full((len(ppg),), int(t)))
      x0 = (y - sigma[i] * eps) / alpha[i]
      x0 = (x0 - x0.min()) / (x0.max() - x0.min())
      y = alpha[i + 1] * x0 + sigma[i + 1] * eps
    return y

  return run
