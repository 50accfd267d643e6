"""Running statistics of a training's amplitudes: of the mixture's, and of each stem's.

The paper's layers that are initialised from the training set: the input less its mean over its
standard deviation, and the mean amplitude of the stem added to the output, bin by bin. They are
means over all excerpts that a training has seen, augmented as they were.
"""
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxsig.system import Stats

LEAST_SHARE = 1e-3   # of the root mean square deviation of all bins, that no bin goes below


class InputScale(NamedTuple):
  """Mean and standard deviation [c, f] of the mixture's amplitudes, bin by bin."""
  mean_c_f: jax.Array
  deviation_c_f: jax.Array


class OutputScale(NamedTuple):
  """Of each stem's amplitudes the mean bin by bin, and the deviation from it over all bins.

  mean_j_c_f: [j, c, f].
  deviation_j: [j] root mean square over frames, channels and bins.
  """
  mean_j_c_f: jax.Array
  deviation_j: jax.Array


def zeros(stems: int, bins: int, joint_channels: bool) -> Stats:
  """Statistics before any training.

  Args:
    stems: how many.
    bins: how many.
    joint_channels: whether left and right have statistics of their own; else both have the same.
  """
  channels = 1 + int(joint_channels)
  return {
      "count": jnp.zeros(()),
      "input_c_f": jnp.zeros((channels, bins)),
      "input_square_c_f": jnp.zeros((channels, bins)),
      "target_j_c_f": jnp.zeros((stems, channels, bins)),
      "target_square_j_c_f": jnp.zeros((stems, channels, bins)),
  }


def with_amplitudes(
    stats: Stats,
    mixture_b_c_n_f: jax.Array,
    target_j_b_c_n_f: jax.Array,
    weight_b: jax.Array,
) -> Stats:
  """The sums with those of a batch.

  Args:
    stats: sums so far.
    mixture_b_c_n_f: amplitudes of the mixture.
    target_j_b_c_n_f: of the stems.
    weight_b: 0 for padding.
  """
  channels = len(stats["input_c_f"])
  frames = mixture_b_c_n_f.shape[2] * 2 // channels

  def total(x_b_c_n_f: jax.Array) -> jax.Array:
    sum_c_f = jnp.einsum("...bcnf,b->...cf", x_b_c_n_f, weight_b)
    if channels == 1:
      return sum_c_f.sum(-2, keepdims=True)
    return sum_c_f

  return {
      "count": stats["count"] + frames * jnp.sum(weight_b),
      "input_c_f": stats["input_c_f"] + total(mixture_b_c_n_f),
      "input_square_c_f": stats["input_square_c_f"] + total(mixture_b_c_n_f**2),
      "target_j_c_f": stats["target_j_c_f"] + total(target_j_b_c_n_f),
      "target_square_j_c_f": stats["target_square_j_c_f"] + total(target_j_b_c_n_f**2),
  }


def input_scale(stats: Stats) -> InputScale:
  """Mean and deviation of the mixture's amplitudes."""
  count = jnp.maximum(stats["count"], 1)
  mean_c_f = stats["input_c_f"] / count
  variance_c_f = jnp.maximum(stats["input_square_c_f"] / count - mean_c_f**2, 0)
  least = LEAST_SHARE**2 * jnp.mean(variance_c_f)
  deviation_c_f = jnp.sqrt(jnp.maximum(variance_c_f, least))
  return InputScale(mean_c_f, jnp.where(deviation_c_f > 0, deviation_c_f, 1))


def output_scale(stats: Stats) -> OutputScale:
  """Mean and deviation of the stems' amplitudes."""
  count = jnp.maximum(stats["count"], 1)
  mean_j_c_f = stats["target_j_c_f"] / count
  variance_j_c_f = jnp.maximum(stats["target_square_j_c_f"] / count - mean_j_c_f**2, 0)
  deviation_j = jnp.sqrt(jnp.mean(variance_j_c_f, (-2, -1)))
  return OutputScale(mean_j_c_f, jnp.where(deviation_j > 0, deviation_j, 1))


def mean_power(stats: Stats) -> jax.Array:
  """Mean power [j, f] of the stems, bin by bin."""
  count = jnp.maximum(stats["count"], 1)
  return jnp.mean(stats["target_square_j_c_f"], 1) / count
