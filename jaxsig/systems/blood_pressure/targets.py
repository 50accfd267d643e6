"""Pressures as a network learns them: less the mean of the training labels, over their deviation.

The running sums over all trained windows are part of the statistics; a network whose output is 0
then says the training mean.
"""
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxsig.system import Stats

LEAST_VARIANCE = 1.0   # mmHg squared
BIN_MMHG = 10.0
BINS = 32              # of 10 mmHg from 0: counts of the trained labels


class Scale(NamedTuple):
  """Mean and deviation of the training labels; [p] in mmHg."""
  mean_p: jax.Array
  sd_p: jax.Array


def first_sums() -> dict[str, jax.Array]:
  """The running sums before any window was trained on."""
  return {
      "sum_p": jnp.zeros(2),
      "square_p": jnp.zeros(2),
      "count": jnp.zeros(()),
      "bins_p_k": jnp.zeros((2, BINS)),
  }


def counted(stats: Stats, bp_mmhg_b_p: jax.Array, weight_b: jax.Array) -> dict[str, jax.Array]:
  """The running sums with the labels of a batch added.

  Args:
    stats: with the sums so far.
    bp_mmhg_b_p: [b, p], finite.
    weight_b: 0 for rows that are not counted.
  """
  weight_b_1 = weight_b[:, None]
  is_in_b_p_k = jax.nn.one_hot(bins_of(bp_mmhg_b_p), BINS)
  return {
      "sum_p": stats["sum_p"] + jnp.sum(weight_b_1 * bp_mmhg_b_p, 0),
      "square_p": stats["square_p"] + jnp.sum(weight_b_1 * bp_mmhg_b_p**2, 0),
      "count": stats["count"] + jnp.sum(weight_b),
      "bins_p_k": stats["bins_p_k"] + jnp.sum(weight_b[:, None, None] * is_in_b_p_k, 0),
  }


def scale_of(stats: Stats) -> Scale:
  """Mean and deviation of all labels that were trained on."""
  count = jnp.maximum(stats["count"], 1)
  mean_p = stats["sum_p"] / count
  variance_p = stats["square_p"] / count - mean_p**2
  return Scale(mean_p, jnp.sqrt(jnp.maximum(variance_p, LEAST_VARIANCE)))


def bins_of(bp_mmhg_b_p: jax.Array) -> jax.Array:
  """[b, p] the number of the 10 mmHg bin of each pressure."""
  return jnp.clip(bp_mmhg_b_p // BIN_MMHG, 0, BINS - 1).astype(jnp.int32)


def balance_b_p(stats: Mapping[str, jax.Array], bp_mmhg_b_p: jax.Array) -> jax.Array:
  """[b, p] weights by which pressures of all 10 mmHg bins count more alike.

  The inverse square root of the share of the labels in a bin and its neighbours, with mean 1 over
  the labels.
  """
  bins_p_k = stats["bins_p_k"]
  padded_p_k = jnp.pad(bins_p_k, ((0, 0), (1, 1)), mode="edge")
  smooth_p_k = (padded_p_k[:, :-2] + 2 * bins_p_k + padded_p_k[:, 2:]) / 4 + 1e-3
  weight_p_k = smooth_p_k**-0.5
  total_p = jnp.maximum(bins_p_k.sum(-1), 1)
  mean_p = jnp.sum(bins_p_k * weight_p_k, -1) / total_p
  weight_p_k = weight_p_k / jnp.maximum(mean_p, 1e-6)[:, None]
  rows = bins_of(bp_mmhg_b_p)
  return jnp.stack([weight_p_k[p][rows[:, p]] for p in range(2)], -1)
