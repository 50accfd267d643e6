"""Training of LeNet-5 with its connection table, here against the same network in PyTorch: images a second on CPU.

  python -m benchmarks.cnn_torch                   about a minute on two cores
  python -m benchmarks.cnn_torch --batch=10 --threads=1

Weights are copied across, outputs must agree to 1e-4 or nothing is timed. A step is the squared error to +-1 targets, all gradients
and Adam. Both take turns in one process; the median over rounds counts.
"""
import argparse
import os

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
import numpy as np
import torch

from benchmarks.against_torch import compare, must_agree, our_training, their_training
from jaxsig.engine import mesh
from jaxsig.systems.cnn_notes.feature_maps import connections, scaled_tanh
from jaxsig.systems.cnn_notes.network import ClassicalNetwork

RATE, STEPS = 1e-3, 20
OPTIONS = dict(maps=(6, 16), kernel=5, block=2, hidden=(120, 84), classes=10, table="lecun", combination="", shared=False,
               pooling="trainable", activation="scaled_tanh")


class TorchLeNet(torch.nn.Module):
  """The network of `jaxsig.systems.cnn_notes.network` with the weights of `params`; a kernel that the table leaves out is zero and stays so."""

  def __init__(self, params: dict):
    super().__init__()
    p = jax.tree.map(np.asarray, params["params"])
    self.mask = torch.tensor(connections("lecun", 6, 16).T[:, :, None, None], dtype=torch.float32)
    self.conv = torch.nn.ParameterList([self._kernel(p["c1"]["kernel"], np.ones((1, 6), bool)),
                                        self._kernel(p["c3"]["kernel"], connections("lecun", 6, 16))])
    self.conv_bias = self._trained(p[name]["bias"] for name in ("c1", "c3"))
    self.scale = self._trained(p[name]["SubSampling_0"]["beta"] for name in ("s2", "s4"))
    self.offset = self._trained(p[name]["SubSampling_0"]["bias"] for name in ("s2", "s4"))
    self.dense = self._trained(p[name]["kernel"].T for name in ("c5", "f6", "output"))
    self.dense_bias = self._trained(p[name]["bias"] for name in ("c5", "f6", "output"))

  @staticmethod
  def _trained(arrays) -> torch.nn.ParameterList:
    return torch.nn.ParameterList([torch.nn.Parameter(torch.tensor(np.array(a))) for a in arrays])

  @staticmethod
  def _kernel(own_v_u_k: np.ndarray, table_i_j: np.ndarray) -> torch.nn.Parameter:
    every = np.zeros((*own_v_u_k.shape[:2], *table_i_j.shape), np.float32)
    every[:, :, *np.nonzero(table_i_j)] = own_v_u_k
    return torch.nn.Parameter(torch.tensor(every[::-1, ::-1].transpose(3, 2, 0, 1).copy()))   # turned: torch correlates

  def forward(self, x_b_y_x: torch.Tensor) -> torch.Tensor:
    f = lambda u: 1.7159 * torch.tanh(2 / 3 * u)
    x = x_b_y_x[:, None]
    for i, kernel in enumerate(self.conv):
      x = f(torch.nn.functional.conv2d(x, kernel * self.mask if i else kernel, self.conv_bias[i]))
      sums = 4 * torch.nn.functional.avg_pool2d(x, 2)
      x = f(self.scale[i][:, None, None] * sums + self.offset[i][:, None, None])
    x = x.permute(0, 2, 3, 1).flatten(1)
    for weight, bias in zip(self.dense, self.dense_bias, strict=True):
      x = f(torch.nn.functional.linear(x, weight, bias))
    return x


def main() -> None:
  """Prints images a second and ratios of both."""
  parser = argparse.ArgumentParser()
  parser.add_argument("--batch", type=int, default=100)
  parser.add_argument("--rounds", type=int, default=7)
  parser.add_argument("--threads", type=lambda text: [int(n) for n in text.split(",")], default=[1, 2])
  flags = parser.parse_args()
  mesh.start()
  random = np.random.default_rng(0)
  x = random.normal(size=(flags.batch, 32, 32)).astype(np.float32)
  t = (2 * np.eye(10)[random.integers(0, 10, flags.batch)] - 1).astype(np.float32)
  network = ClassicalNetwork(**OPTIONS)
  params = jax.jit(network.init)(jax.random.key(0), x[:1, ..., None])
  with torch.no_grad():
    ours, other = np.asarray(scaled_tanh(network.apply(params, x[..., None]).u_b_k)), TorchLeNet(params)(torch.tensor(x)).numpy()
  must_agree(ours, other, params)
  error = lambda p, x, t: 0.5 * jnp.mean(jnp.sum((scaled_tanh(network.apply(p, x[..., None]).u_b_k) - t) ** 2, 1))
  training = {"jaxsig": our_training(error, params, x, t, RATE, STEPS)}
  for n in flags.threads:
    loss = lambda network, x, t: 0.5 * torch.mean(torch.sum((network(x) - t) ** 2, 1))
    training[f"PyTorch, threads {n}"] = their_training(loss, TorchLeNet(params), x, t, RATE, STEPS, n)
  compare(f"{STEPS} training steps, batch {flags.batch}", training, STEPS * flags.batch, flags.rounds)


if __name__ == "__main__":
  main()
