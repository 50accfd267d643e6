"""Separation by medians over time and over frequency: no network.

Fitzgerald, "Harmonic/percussive separation using median filtering", DAFx 2010: what stands out
along time is harmonic, what stands out along frequency percussive.
"""
from collections.abc import Mapping

import jax
import jax.numpy as jnp

FRAMES = 17   # of the median over time
BINS = 17     # and over frequency


def separate(
    true: jax.Array,
    mixture: jax.Array,
    spectra_of: Mapping[str, jax.Array],
) -> jax.Array:
  """The percussive part as drums; the harmonic part shared by the other stems' mean spectra.

  Args:
    true: [b, j, c, n, f], of which only the shape is used.
    mixture: [b, c, n, f].
    spectra_of: of the stems in training songs, the mean "power_j_f"; "is_drums_j" is 1 for drums.

  Returns:
    [b, j, c, n, f] that add up to the mixture.
  """
  del true
  amplitude_b_c_n_f = jnp.abs(mixture)
  harmonic_b_c_n_f = median(amplitude_b_c_n_f, FRAMES, -2) ** 2
  percussive_b_c_n_f = median(amplitude_b_c_n_f, BINS, -1) ** 2
  sum_b_c_n_f = harmonic_b_c_n_f + percussive_b_c_n_f
  safe_sum_b_c_n_f = jnp.where(sum_b_c_n_f > 0, sum_b_c_n_f, 1)
  percussive_share_b_c_n_f = percussive_b_c_n_f / safe_sum_b_c_n_f

  is_drums_j = spectra_of["is_drums_j"]
  others_j_f = spectra_of["power_j_f"] * (1 - is_drums_j)[:, None]
  of_harmonic_j_f = others_j_f / jnp.maximum(others_j_f.sum(0), 1e-30)
  of_harmonic_j_c_n_f = of_harmonic_j_f[:, None, None]
  of_percussive_j_c_n_f = is_drums_j[:, None, None, None]
  share_b_j_c_n_f = (
      of_percussive_j_c_n_f * percussive_share_b_c_n_f[:, None]
      + of_harmonic_j_c_n_f * (1 - percussive_share_b_c_n_f)[:, None])
  return share_b_j_c_n_f * mixture[:, None]


def median(x: jax.Array, length: int, axis: int) -> jax.Array:
  """The running median over an odd length above 1, of values repeated at both ends of an axis."""
  half = length // 2
  widths = [(0, 0)] * x.ndim
  widths[axis] = (half, half)
  padded = jnp.pad(x, widths, mode="edge")
  size = x.shape[axis]
  shifted = []
  for place in range(length):
    shifted.append(jax.lax.slice_in_dim(padded, place, place + size, axis=axis))
  return _middle(shifted)


def _middle(values: list[jax.Array]) -> jax.Array:
  """The median of an odd number of arrays, elementwise.

  It drops the least and the largest of all but so many as the median needs, again and again:
  comparisons of whole arrays, several times as fast as sorting each place.
  """
  keep = len(values) // 2 + 2   # of so many the extremes cannot be the median
  held = values[:keep]
  for value in values[keep:]:
    held = [*_without_extremes(held), value]
  middle, = _without_extremes(held)
  return middle


def _without_extremes(values: list[jax.Array]) -> list[jax.Array]:
  """The arrays, elementwise exchanged, without the least and the largest."""
  values = list(values)
  for i in range(len(values) - 1):
    low = jnp.minimum(values[i], values[i + 1])
    high = jnp.maximum(values[i], values[i + 1])
    values[i], values[i + 1] = low, high
  rest = values[:-1]   # the last is the largest
  for i in range(len(rest) - 1):
    low = jnp.minimum(rest[i], rest[i + 1])
    high = jnp.maximum(rest[i], rest[i + 1])
    rest[i], rest[i + 1] = high, low
  return rest[:-1]
