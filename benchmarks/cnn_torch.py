"""Training of LeNet-5 with its connection table, here against the same network in PyTorch on CPU.

  python -m benchmarks.cnn_torch                   about a minute on two cores
  python -m benchmarks.cnn_torch --batch=10 --threads=1

Prints images a second. Weights are copied across, and outputs must agree to 1e-4 or nothing is
timed. A step is the squared error to +-1 targets, all gradients and Adam. Both take turns in one
process; the median over rounds counts.
"""
import argparse
import os
from collections.abc import Iterable
from typing import NamedTuple

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
import numpy as np
import torch

from benchmarks.against_torch import compare, must_agree, our_training, their_training
from jaxsig.engine import mesh
from jaxsig.system import Params
from jaxsig.systems.cnn_notes.feature_maps import connections, scaled_tanh
from jaxsig.systems.cnn_notes.network import ClassicalNetwork

RATE = 1e-3
STEPS = 20
SIDE = 32
CLASSES = 10

NETWORK = ClassicalNetwork(
    maps=(6, 16),
    kernel=5,
    block=2,
    hidden=(120, 84),
    classes=CLASSES,
    table="lecun",
    combination="",
    shared=False,
    pooling="trainable",
    activation="scaled_tanh",
)
TABLE_I_J = connections("lecun", 6, 16)


class TorchLeNet(torch.nn.Module):
  """`NETWORK` in PyTorch; a kernel that the table leaves out is zero and stays so."""

  def __init__(self, params: Params):
    """Copies the weights of `params`."""
    super().__init__()
    p = jax.tree.map(np.asarray, params["params"])
    mask_j_i = TABLE_I_J.T[:, :, None, None]
    self.mask = torch.tensor(mask_j_i, dtype=torch.float32)

    c1_kernel = _torch_kernel(p["c1"]["kernel"], np.ones((1, 6), bool))
    c3_kernel = _torch_kernel(p["c3"]["kernel"], TABLE_I_J)
    self.kernels = _trained([c1_kernel, c3_kernel])
    self.kernel_biases = _trained(p[name]["bias"] for name in ("c1", "c3"))

    sub_samplings = [p[name]["SubSampling_0"] for name in ("s2", "s4")]
    self.scales = _trained(layer["beta"] for layer in sub_samplings)
    self.offsets = _trained(layer["bias"] for layer in sub_samplings)

    dense = [p[name] for name in ("c5", "f6", "output")]
    self.weights = _trained(layer["kernel"].T for layer in dense)
    self.dense_biases = _trained(layer["bias"] for layer in dense)

  def forward(self, x_b_y_x: torch.Tensor) -> torch.Tensor:
    """Activated outputs [b, classes]."""
    maps = self._stage(x_b_y_x[:, None], 0, self.kernels[0])
    maps = self._stage(maps, 1, self.kernels[1] * self.mask)

    x_b_c = maps.permute(0, 2, 3, 1).flatten(1)
    for weight, bias in zip(self.weights, self.dense_biases, strict=True):
      u_b_c = torch.nn.functional.linear(x_b_c, weight, bias)
      x_b_c = _torch_scaled_tanh(u_b_c)

    return x_b_c

  def _stage(self, maps: torch.Tensor, i: int, kernel: torch.Tensor) -> torch.Tensor:
    """A convolution and its sub-sampling."""
    u = torch.nn.functional.conv2d(maps, kernel, self.kernel_biases[i])
    sums = 4 * torch.nn.functional.avg_pool2d(_torch_scaled_tanh(u), 2)
    scale = self.scales[i][:, None, None]
    offset = self.offsets[i][:, None, None]
    return _torch_scaled_tanh(scale * sums + offset)


def _trained(arrays: Iterable[np.ndarray]) -> torch.nn.ParameterList:
  parameters = []
  for array in arrays:
    parameters.append(torch.nn.Parameter(torch.tensor(np.array(array))))
  return torch.nn.ParameterList(parameters)


def _torch_kernel(kernel_v_u_k: np.ndarray, table_i_j: np.ndarray) -> np.ndarray:
  """The kernels of a table's connections as PyTorch has them: [j, i, v, u], turned."""
  sides = kernel_v_u_k.shape[:2]
  kernel_v_u_i_j = np.zeros((*sides, *table_i_j.shape), np.float32)
  input_k, output_k = np.nonzero(table_i_j)
  kernel_v_u_i_j[:, :, input_k, output_k] = kernel_v_u_k

  turned_v_u_i_j = kernel_v_u_i_j[::-1, ::-1]   # PyTorch correlates
  return turned_v_u_i_j.transpose(3, 2, 0, 1).copy()


def _torch_scaled_tanh(u: torch.Tensor) -> torch.Tensor:
  return 1.7159 * torch.tanh(2 / 3 * u)


def our_outputs(params: Params, x_b_y_x: jax.Array) -> jax.Array:
  """Activated outputs [b, classes]."""
  seen = NETWORK.apply(params, x_b_y_x[..., None])
  return scaled_tanh(seen.u_b_k)


def our_loss(params: Params, x_b_y_x: jax.Array, t_b_k: jax.Array) -> jax.Array:
  """Half the squared error, summed over outputs: the mean over images."""
  error_b_k = our_outputs(params, x_b_y_x) - t_b_k
  return 0.5 * jnp.mean(jnp.sum(error_b_k ** 2, 1))


def their_loss(
    network: TorchLeNet,
    x_b_y_x: torch.Tensor,
    t_b_k: torch.Tensor,
) -> torch.Tensor:
  """The same in PyTorch."""
  error_b_k = network(x_b_y_x) - t_b_k
  return 0.5 * torch.mean(torch.sum(error_b_k ** 2, 1))


class Batch(NamedTuple):
  """Random images, and targets of +-1."""
  x_b_y_x: np.ndarray
  t_b_k: np.ndarray


def random_batch(size: int) -> Batch:
  """Normal images with classes at random."""
  rng = np.random.default_rng(0)
  images = rng.normal(size=(size, SIDE, SIDE))
  labels = rng.integers(0, CLASSES, size)
  one_hot_b_k = np.eye(CLASSES)[labels]
  targets = 2 * one_hot_b_k - 1
  return Batch(images.astype(np.float32), targets.astype(np.float32))


def _numbers(text: str) -> list[int]:
  return [int(word) for word in text.split(",")]


def main() -> None:
  """Prints images a second and ratios of both."""
  parser = argparse.ArgumentParser()
  parser.add_argument("--batch", type=int, default=100)
  parser.add_argument("--rounds", type=int, default=7)
  parser.add_argument("--threads", type=_numbers, default=[1, 2])
  flags = parser.parse_args()
  mesh.start()

  x_b_y_x, t_b_k = random_batch(flags.batch)
  params = jax.jit(NETWORK.init)(jax.random.key(0), x_b_y_x[:1, ..., None])
  ours = np.asarray(our_outputs(params, x_b_y_x))
  with torch.no_grad():
    theirs = TorchLeNet(params)(torch.tensor(x_b_y_x)).numpy()
  must_agree(ours, theirs, params)

  training = {"jaxsig": our_training(our_loss, params, x_b_y_x, t_b_k, RATE, STEPS)}
  for threads in flags.threads:
    training[f"PyTorch, threads {threads}"] = their_training(
        their_loss,
        TorchLeNet(params),
        x_b_y_x,
        t_b_k,
        RATE,
        STEPS,
        threads,
    )

  images = STEPS * flags.batch
  compare(f"{STEPS} training steps, batch {flags.batch}", training, images, flags.rounds)


if __name__ == "__main__":
  main()
