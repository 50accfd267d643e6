"""The layers of Bouvrie's Notes on Convolutional Neural Networks (2006), on maps x_b_y_x_i."""
from collections.abc import Mapping
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.systems.cnn_notes import simplex
from jaxsig.systems.cnn_notes.feature_maps import (
    activation,
    block_max,
    block_sum,
    connections,
    convolve,
)

POOLINGS = ("trainable", "average", "max")

Table = tuple[tuple[int, ...], ...]   # for each output map the numbers of its inputs


def _scaled_normal(std: float | np.ndarray) -> nn.initializers.Initializer:
  def init(key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32) -> jax.Array:
    return jax.random.normal(key, shape, dtype) * std

  return init


class MapConv(nn.Module):
  """x_j = sum over the connected i of x_i * k_ij, + b_j (Bouvrie, section 2).

  [b, y, x, i] -> [b, y - k + 1, x - k + 1, features]. Only connections have kernels, so that a
  table costs what it uses.

  Attributes:
    features: output maps.
    kernel: side of the kernels.
    table: which input maps each output map sees: see `feature_maps.connections`.
  """
  features: int
  kernel: int
  table: str | Table = "all"

  @nn.compact
  def __call__(self, x_b_y_x_i: jax.Array) -> jax.Array:
    inputs = x_b_y_x_i.shape[-1]
    table_i_j = connections(self.table, inputs, self.features)
    input_k, output_k = np.nonzero(table_i_j)   # of each connection

    inputs_j = table_i_j.sum(0)
    fan_in_k = inputs_j[output_k]
    std_k = 1 / (self.kernel * fan_in_k**0.5)
    kernel_v_u_k = self.param(
        "kernel",
        _scaled_normal(std_k),
        (self.kernel, self.kernel, len(input_k)),
    )
    bias_j = self.param("bias", nn.initializers.zeros, (self.features,))

    shape = (self.kernel, self.kernel, *table_i_j.shape)
    zero_v_u_i_j = jnp.zeros(shape, kernel_v_u_k.dtype)
    kernel_v_u_i_j = zero_v_u_i_j.at[:, :, input_k, output_k].set(kernel_v_u_k)
    return convolve(x_b_y_x_i, kernel_v_u_i_j) + bias_j


class LearntCombination(nn.Module):
  """x_j = sum over i of alpha_ij (x_i * k_i), + b_j with learnt alpha (Bouvrie, section 4).

  As convolution is linear, this is one convolution with the kernels alpha_ij k_i. Returns x_j and
  alpha_ij.

  Attributes:
    features: output maps.
    kernel: side of the kernels.
    kind: how scores become alpha, by column: see `simplex.combination`.
    shared: one kernel k_i for each input map, as in the notes; else k_ij.
    keep: how many of the strongest connections each output map keeps; 0 for all.
    threshold: only connections whose alpha is larger.
  """
  features: int
  kernel: int
  kind: str = "softmax"
  shared: bool = True
  keep: int = 0
  threshold: float = 0.0

  @nn.compact
  def __call__(
      self,
      x_b_y_x_i: jax.Array,
      temperature: simplex.Scalar = 1.0,
  ) -> tuple[jax.Array, jax.Array]:
    inputs = x_b_y_x_i.shape[-1]
    kernels_of_an_input = self.features
    if self.shared:
      kernels_of_an_input = 1

    std = inputs**0.5 / self.kernel   # variance one after the mean over the inputs
    kernel_v_u_i_j = self.param(
        "kernel",
        _scaled_normal(std),
        (self.kernel, self.kernel, inputs, kernels_of_an_input),
    )
    score_i_j = self.param(
        "score",
        nn.initializers.normal(1.0),
        (inputs, self.features),
    )
    bias_j = self.param("bias", nn.initializers.zeros, (self.features,))

    full_alpha_i_j = simplex.combination(self.kind, score_i_j, temperature)
    alpha_i_j = pruned(full_alpha_i_j, self.keep, self.threshold)
    x_b_y_x_j = convolve(x_b_y_x_i, alpha_i_j * kernel_v_u_i_j) + bias_j
    return x_b_y_x_j, alpha_i_j


def pruned(alpha_i_j: jax.Array, keep: int, threshold: float) -> jax.Array:
  """alpha with zeros but on the strongest connections; the sum of each column is as before.

  Args:
    alpha_i_j: weights [i, j].
    keep: how many of the strongest connections each output map keeps; 0 for all.
    threshold: connections at or below it are dropped, but for the largest of an output map.
  """
  if not keep and not threshold:
    return alpha_i_j

  table_i_j = simplex.above_threshold(alpha_i_j, threshold)
  if keep:
    table_i_j = table_i_j & simplex.strongest(alpha_i_j, keep)
  return simplex.renormalised(alpha_i_j, table_i_j)


class SparseConv(NamedTuple):
  """A `MapConv` by its connection table and its parameters."""
  table: Table
  params: dict[str, jax.Array]


def as_table(params: Mapping[str, jax.Array], alpha_i_j: jax.Array) -> SparseConv:
  """The `MapConv` that equals a `LearntCombination` with these parameters and alpha.

  Its table lists for each output map the inputs whose alpha is not zero; the others need neither
  kernel nor work.
  """
  table_i_j = np.asarray(alpha_i_j) != 0
  table = []
  for is_input_i in table_i_j.T:
    inputs = np.flatnonzero(is_input_i)
    table.append(tuple(inputs.tolist()))

  input_k, output_k = np.nonzero(table_i_j)
  kernel_v_u_i_j = alpha_i_j * params["kernel"]
  map_conv_params = {
      "kernel": kernel_v_u_i_j[:, :, input_k, output_k],
      "bias": params["bias"],
  }
  return SparseConv(tuple(table), map_conv_params)


class SubSampling(nn.Module):
  """f(beta_j * the sum over n x n blocks of x_j, + b_j) (Bouvrie, section 3).

  Untrained, beta makes the mean of the block.

  Attributes:
    n: side of a block.
    activation: f by name.
    remainder: of maps that n does not divide: "cut" or "pad".
  """
  n: int
  activation: str
  remainder: str = "cut"

  @nn.compact
  def __call__(self, x_b_y_x_j: jax.Array) -> jax.Array:
    shape_j = x_b_y_x_j.shape[-1:]
    of_mean = nn.initializers.constant(1 / self.n**2)
    beta_j = self.param("beta", of_mean, shape_j)
    bias_j = self.param("bias", nn.initializers.zeros, shape_j)

    sum_b_y_x_j = block_sum(x_b_y_x_j, self.n, self.remainder)
    u_b_y_x_j = beta_j * sum_b_y_x_j + bias_j
    return activation(self.activation, u_b_y_x_j)


class Pooling(nn.Module):
  """Smaller maps, by a trained `SubSampling` or by the average or the largest of blocks.

  Attributes:
    way: one of POOLINGS.
    n: side of a block.
    activation: f by name, of "trainable" alone.
  """
  way: str
  n: int
  activation: str

  @nn.compact
  def __call__(self, x_b_y_x_j: jax.Array) -> jax.Array:
    if self.way == "trainable":
      return SubSampling(self.n, self.activation)(x_b_y_x_j)
    if self.way == "max":
      return block_max(x_b_y_x_j, self.n)
    return block_sum(x_b_y_x_j, self.n) / self.n**2
