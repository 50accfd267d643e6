"""The U-Net of `jaxsig.systems.phase_retrieval.network` in PyTorch, with our weights.

`benchmarks.phase_torch` compares with it.
"""
from collections.abc import Mapping

import numpy as np
import torch
from torch import nn
from torch.nn import functional as fn

Params = Mapping[str, "Params | np.ndarray"]


def _tensor(x: np.ndarray) -> torch.Tensor:
  return torch.tensor(np.asarray(x))


def _conv_kernel(x: np.ndarray) -> torch.Tensor:
  """A kernel of flax [height, width, in, out] in the order of PyTorch."""
  return _tensor(x).permute(3, 2, 0, 1).contiguous()


class CircularConv(nn.Module):
  """3 x 3 circular convolution, group norm and GELU."""

  def __init__(self, params: Params) -> None:
    super().__init__()
    kernel = _conv_kernel(params["Conv_0"]["kernel"])
    features = kernel.shape[0]
    self.conv = nn.Conv2d(
        kernel.shape[1],
        features,
        3,
        padding=1,
        padding_mode="circular",
        bias=False,
    )
    self.conv.weight.data = kernel

    groups = features // min(8, features)
    self.norm = nn.GroupNorm(groups, features, eps=1e-6)
    self.norm.weight.data = _tensor(params["GroupNorm_0"]["scale"])
    self.norm.bias.data = _tensor(params["GroupNorm_0"]["bias"])

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    x = self.norm(self.conv(x))
    return fn.gelu(x, approximate="tanh")


def _level(params: Params) -> nn.Sequential:
  """Two circular convolutions."""
  return nn.Sequential(
      CircularConv(params["CircularConv_0"]),
      CircularConv(params["CircularConv_1"]),
  )


def _linear(params: Params) -> nn.Linear:
  """A dense layer."""
  kernel = _tensor(params["kernel"])
  layer = nn.Linear(*kernel.shape)
  layer.weight.data = kernel.T.contiguous()
  layer.bias.data = _tensor(params["bias"])
  return layer


def _layer_norm(params: Params) -> nn.LayerNorm:
  """A layer normalisation."""
  layer = nn.LayerNorm(len(params["bias"]), eps=1e-6)
  layer.weight.data = _tensor(params["scale"])
  layer.bias.data = _tensor(params["bias"])
  return layer


class UNet(nn.Module):
  """[b, m, m, 2] -> [b, m, m, outputs]; flax names its parts in order of appearance."""

  def __init__(self, params: Params, levels: int) -> None:
    super().__init__()
    p = params["params"]
    global_path = p["GlobalPath_0"]

    self.down = nn.ModuleList(_level(p[f"Level_{i}"]) for i in range(levels))
    self.joined = nn.ModuleList(CircularConv(p[f"CircularConv_{i}"]) for i in range(levels - 1))
    self.up = nn.ModuleList(_level(p[f"Level_{levels + i}"]) for i in range(levels - 1))

    self.dense = nn.ModuleList(_linear(global_path[f"Dense_{i}"]) for i in range(3))
    self.norms = nn.ModuleList(_layer_norm(global_path[f"LayerNorm_{i}"]) for i in range(2))

    kernel = _conv_kernel(p["Conv_0"]["kernel"])
    self.head = nn.Conv2d(kernel.shape[1], kernel.shape[0], 1)
    self.head.weight.data = kernel
    self.head.bias.data = _tensor(p["Conv_0"]["bias"])

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    x = x.permute(0, 3, 1, 2)
    skips = []
    for level in self.down[:-1]:
      x = level(x)
      skips.append(x)
      x = fn.avg_pool2d(x, 2)

    x = self.down[-1](x)
    x = self._global_path(x)

    for join, level, skip in zip(self.joined, self.up, reversed(skips)):
      x = fn.interpolate(x, scale_factor=2, mode="nearest")
      x = torch.cat([join(x), skip], 1)
      x = level(x)
    return self.head(x).permute(0, 2, 3, 1)

  def _global_path(self, x: torch.Tensor) -> torch.Tensor:
    """x plus a perceptron of all of x at once."""
    channels_last = x.permute(0, 2, 3, 1)   # flattened in the order of our arrays
    hidden = channels_last.flatten(1)
    for dense, norm in zip(self.dense, self.norms):
      hidden = fn.gelu(norm(dense(hidden)), approximate="tanh")

    out = self.dense[-1](hidden).reshape(channels_last.shape)
    return (channels_last + out).permute(0, 3, 1, 2)
