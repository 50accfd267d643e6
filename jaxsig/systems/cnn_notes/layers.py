"""The layers of Bouvrie's Notes on Convolutional Neural Networks (2006), for networks on maps x_b_y_x_i; see `signal.feature_maps`."""
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.systems.cnn_notes import simplex
from jaxsig.systems.cnn_notes.feature_maps import activation, block_max, block_sum, connections, convolve

POOLINGS = ("trainable", "average", "max")


def _scaled_normal(std: Any) -> nn.initializers.Initializer:
  return lambda key, shape, dtype=jnp.float32: jax.random.normal(key, shape, dtype) * std


class MapConv(nn.Module):
  """x_j = sum over the connected i of x_i * k_ij, + b_j (Bouvrie, section 2): [b, y, x, i] -> [b, y - k + 1, x - k + 1, features].

  Only connections have kernels, so that a table costs what it uses.

  Args:
    features: output maps.
    kernel: side of the kernels.
    table: which input maps each output map sees: see `signal.feature_maps.connections`.
  """
  features: int
  kernel: int
  table: str | tuple = "all"

  @nn.compact
  def __call__(self, x_b_y_x_i: jax.Array) -> jax.Array:
    table_i_j = connections(self.table, x_b_y_x_i.shape[-1], self.features)
    i_k, j_k = np.nonzero(table_i_j)
    inputs_k = table_i_j.sum(0)[j_k]
    own_v_u_k = self.param("kernel", _scaled_normal(1 / (self.kernel * inputs_k**0.5)), (self.kernel, self.kernel, len(i_k)))
    bias_j = self.param("bias", nn.initializers.zeros, (self.features,))
    all_v_u_i_j = jnp.zeros((self.kernel, self.kernel, *table_i_j.shape), own_v_u_k.dtype).at[:, :, i_k, j_k].set(own_v_u_k)
    return convolve(x_b_y_x_i, all_v_u_i_j) + bias_j


class LearntCombination(nn.Module):
  """x_j = sum over i of alpha_ij (x_i * k_i), + b_j with learnt alpha (Bouvrie, section 4): (x_j, alpha_ij).

  As convolution is linear, it is one with the kernels alpha_ij k_i.

  Args:
    features: output maps.
    kernel: side of the kernels.
    kind: how scores become alpha, by column: see `signal.simplex.combination`.
    shared: one kernel k_i an input map, as in the notes; else k_ij.
    keep: of each output map only so many of the strongest connections; 0 for all.
    threshold: only connections whose alpha is larger.
  """
  features: int
  kernel: int
  kind: str = "softmax"
  shared: bool = True
  keep: int = 0
  threshold: float = 0.0

  @nn.compact
  def __call__(self, x_b_y_x_i: jax.Array, temperature: jax.Array | float = 1.0) -> tuple[jax.Array, jax.Array]:
    inputs, side = x_b_y_x_i.shape[-1], self.kernel
    own = (side, side, inputs, 1 if self.shared else self.features)
    kernel_v_u_i_j = self.param("kernel", _scaled_normal(inputs**0.5 / side), own)   # of variance one after the mean over the inputs
    score_i_j = self.param("score", nn.initializers.normal(1.0), (inputs, self.features))
    bias_j = self.param("bias", nn.initializers.zeros, (self.features,))
    alpha_i_j = pruned(simplex.combination(self.kind, score_i_j, temperature), self.keep, self.threshold)
    return convolve(x_b_y_x_i, alpha_i_j * kernel_v_u_i_j) + bias_j, alpha_i_j


def pruned(alpha_i_j: jax.Array, keep: int, threshold: float) -> jax.Array:
  """alpha on the `keep` strongest connections of each output map (0: all) above `threshold`; each column sums to what it did."""
  if not keep and not threshold:
    return alpha_i_j
  table_i_j = simplex.kept(alpha_i_j, threshold)
  return simplex.renormalised(alpha_i_j, table_i_j & simplex.strongest(alpha_i_j, keep) if keep else table_i_j)


def as_table(params: dict, alpha_i_j: jax.Array) -> tuple[tuple[tuple[int, ...], ...], dict]:
  """(connection table, parameters) of the `MapConv` that a `LearntCombination` with these parameters and alpha is.

  The table lists for each output map the inputs whose alpha is not zero; the others need neither kernel nor work.
  """
  table_i_j = np.asarray(alpha_i_j) != 0
  table = tuple(tuple(int(i) for i in np.flatnonzero(column)) for column in table_i_j.T)
  kernel_v_u_i_j = alpha_i_j * params["kernel"]
  return table, {"kernel": kernel_v_u_i_j[:, :, *np.nonzero(table_i_j)], "bias": params["bias"]}


class SubSampling(nn.Module):
  """f(beta_j * the sum over n x n blocks of x_j, + b_j) (Bouvrie, section 3); beta starts where the block's mean is.

  Args:
    n: side of a block.
    activation: f by name.
    remainder: of maps that n does not divide: "cut" or "pad".
  """
  n: int
  activation: str
  remainder: str = "cut"

  @nn.compact
  def __call__(self, x_b_y_x_j: jax.Array) -> jax.Array:
    maps = x_b_y_x_j.shape[-1:]
    beta_j = self.param("beta", nn.initializers.constant(1 / self.n**2), maps)
    bias_j = self.param("bias", nn.initializers.zeros, maps)
    return activation(self.activation, beta_j * block_sum(x_b_y_x_j, self.n, self.remainder) + bias_j)


class Pooling(nn.Module):
  """Smaller maps by the name of the way: "trainable" (`SubSampling`), or "average" or "max" of blocks, which learn nothing."""
  way: str
  n: int
  activation: str

  @nn.compact
  def __call__(self, x_b_y_x_j: jax.Array) -> jax.Array:
    if self.way == "trainable":
      return SubSampling(self.n, self.activation)(x_b_y_x_j)
    return block_max(x_b_y_x_j, self.n) if self.way == "max" else block_sum(x_b_y_x_j, self.n) / self.n**2
