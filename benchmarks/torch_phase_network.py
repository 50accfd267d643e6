"""The U-Net of `jaxsig.systems.phase_retrieval.network` in PyTorch, with our weights: what `benchmarks.phase_torch` compares with."""
import numpy as np
import torch
from torch import nn
from torch.nn import functional as fn


def _tensor(x: object) -> torch.Tensor:
  return torch.tensor(np.asarray(x))


class CircularConv(nn.Module):
  def __init__(self, p: dict) -> None:
    super().__init__()
    kernel = _tensor(p["Conv_0"]["kernel"]).permute(3, 2, 0, 1).contiguous()
    features = kernel.shape[0]
    self.conv = nn.Conv2d(kernel.shape[1], features, 3, padding=1, padding_mode="circular", bias=False)
    self.norm = nn.GroupNorm(features // min(8, features), features, eps=1e-6)
    self.conv.weight.data = kernel
    self.norm.weight.data, self.norm.bias.data = _tensor(p["GroupNorm_0"]["scale"]), _tensor(p["GroupNorm_0"]["bias"])

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    return fn.gelu(self.norm(self.conv(x)), approximate="tanh")


def _level(p: dict) -> nn.Sequential:
  return nn.Sequential(CircularConv(p["CircularConv_0"]), CircularConv(p["CircularConv_1"]))


def _linear(p: dict) -> nn.Linear:
  kernel = _tensor(p["kernel"])
  out = nn.Linear(*kernel.shape)
  out.weight.data, out.bias.data = kernel.T.contiguous(), _tensor(p["bias"])
  return out


def _layer_norm(p: dict) -> nn.LayerNorm:
  out = nn.LayerNorm(len(p["bias"]), eps=1e-6)
  out.weight.data, out.bias.data = _tensor(p["scale"]), _tensor(p["bias"])
  return out


class UNet(nn.Module):
  """[b, m, m, 2] -> [b, m, m, outputs], as flax names its parts in order of appearance."""

  def __init__(self, params: dict, levels: int) -> None:
    super().__init__()
    p, g = params["params"], params["params"]["GlobalPath_0"]
    self.down = nn.ModuleList(_level(p[f"Level_{i}"]) for i in range(levels))
    self.joined = nn.ModuleList(CircularConv(p[f"CircularConv_{i}"]) for i in range(levels - 1))
    self.up = nn.ModuleList(_level(p[f"Level_{levels + i}"]) for i in range(levels - 1))
    self.dense = nn.ModuleList(_linear(g[f"Dense_{i}"]) for i in range(3))
    self.norms = nn.ModuleList(_layer_norm(g[f"LayerNorm_{i}"]) for i in range(2))
    kernel = _tensor(p["Conv_0"]["kernel"]).permute(3, 2, 0, 1).contiguous()
    self.head = nn.Conv2d(kernel.shape[1], kernel.shape[0], 1)
    self.head.weight.data, self.head.bias.data = kernel, _tensor(p["Conv_0"]["bias"])

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    x, skips = x.permute(0, 3, 1, 2), []
    for level in self.down[:-1]:
      skips.append(x := level(x))
      x = fn.avg_pool2d(x, 2)
    x = self.down[-1](x)
    last = x.permute(0, 2, 3, 1)   # the flat order of our arrays
    flat = last.flatten(1)
    for dense, norm in zip(self.dense, self.norms):
      flat = fn.gelu(norm(dense(flat)), approximate="tanh")
    x = (last + self.dense[-1](flat).reshape(last.shape)).permute(0, 3, 1, 2)
    for join, level, skip in zip(self.joined, self.up, skips[::-1]):
      x = level(torch.cat([join(fn.interpolate(x, scale_factor=2, mode="nearest")), skip], 1))
    return self.head(x).permute(0, 2, 3, 1)
