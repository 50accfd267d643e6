"""Resampling to other grids of time, in numpy; every series starts at 0 s."""
from fractions import Fraction

import numpy as np


def resample(x_t: np.ndarray, rate_hz: float, to_hz: float) -> np.ndarray:
  """Polyphase resampling by a ratio of whole numbers, with an anti-aliasing filter and no delay.

  Args:
    x_t: [..., t], finite.
    rate_hz: sampling rate of x_t.
    to_hz: rate of the result; to_hz / rate_hz is taken as the nearest fraction with a denominator
      up to 1000.

  Returns:
    [..., ceil(t * to_hz / rate_hz)] float64; sample k lies at k / to_hz seconds. The same array
    where the rates agree.
  """
  import scipy.signal  # takes long to import: only where it is used

  x_t = np.asarray(x_t, np.float64)
  ratio = Fraction(to_hz / rate_hz).limit_denominator(1000)
  if ratio == 1:
    return x_t

  # The phases of the filter do not pass a constant equally: the line from the first to the last
  # sample goes around the filter.
  n = x_t.shape[-1]
  first = x_t[..., :1]
  last = x_t[..., -1:]
  slope = (last - first) / max(1, n - 1)

  without_line_t = x_t - first - slope * np.arange(n)
  resampled_t = scipy.signal.resample_poly(
      without_line_t,
      ratio.numerator,
      ratio.denominator,
      axis=-1,
  )
  line_t = slope * np.arange(resampled_t.shape[-1]) / float(ratio)
  return resampled_t + first + line_t


def to_grid(
    time_s_k: np.ndarray,
    value_k: np.ndarray,
    rate_hz: float,
    n: int,
    kind: str = "cubic",
) -> np.ndarray:
  """Interpolates an irregular series (one value a beat) on the grid of `n` samples from 0 s.

  Args:
    time_s_k: [k] increasing.
    value_k: [k].
    rate_hz: rate of the grid.
    n: its length.
    kind: "cubic" (a natural spline) or "linear"; beyond the first and last time the end value is
      held.

  Returns:
    [n] float64.

  Raises:
    ValueError: fewer than two values, or an unknown kind.
  """
  if len(time_s_k) < 2:
    raise ValueError("an interpolation needs two values")
  if kind not in ("linear", "cubic"):
    raise ValueError(f"unknown kind {kind!r}: cubic or linear")

  grid_s = np.arange(n) / rate_hz
  grid_s = np.clip(grid_s, time_s_k[0], time_s_k[-1])
  if kind == "linear":
    return np.interp(grid_s, time_s_k, value_k)

  import scipy.interpolate  # takes long to import: only where it is used

  spline = scipy.interpolate.CubicSpline(time_s_k, value_k, bc_type="natural")
  return spline(grid_s)


def fill_gaps(x_t: np.ndarray) -> np.ndarray:
  """Bridges what is not finite in x_t [t] by straight lines; the end values are held.

  Unchanged where nothing is finite.
  """
  x_t = np.asarray(x_t, np.float64)
  finite = np.isfinite(x_t)
  if finite.all() or not finite.any():
    return x_t

  index_t = np.arange(len(x_t))
  return np.interp(index_t, index_t[finite], x_t[finite])
