"""Other sampling grids, in numpy; every series starts at 0 s."""
from fractions import Fraction

import numpy as np
import scipy.interpolate
import scipy.signal


def resample(x_t: np.ndarray, rate_hz: float, to_hz: float) -> np.ndarray:
  """Polyphase resampling by a ratio of whole numbers, with its own anti-aliasing filter and no delay.

  Args:
    x_t: [..., t], finite.
    rate_hz, to_hz: rates; their ratio is taken as the nearest fraction with a denominator up to 1000.

  Returns:
    [..., ceil(t * to_hz / rate_hz)] float64; sample k lies at k / to_hz seconds. The same array where the rates agree.
  """
  x_t = np.asarray(x_t, np.float64)
  ratio = Fraction(to_hz / rate_hz).limit_denominator(1000)
  if ratio == 1:
    return x_t
  # Its phases do not pass a constant equally: the line from the first to the last sample goes around the filter.
  n = x_t.shape[-1]
  first, rise = x_t[..., :1], (x_t[..., -1:] - x_t[..., :1]) / max(1, n - 1)
  rest_t = scipy.signal.resample_poly(x_t - first - rise * np.arange(n), ratio.numerator, ratio.denominator, axis=-1)
  return rest_t + first + rise * np.arange(rest_t.shape[-1]) / float(ratio)


def to_grid(time_s_k: np.ndarray, value_k: np.ndarray, rate_hz: float, n: int, kind: str = "cubic") -> np.ndarray:
  """Interpolates an irregular series (one value a beat) on the grid of `n` samples from 0 s.

  Args:
    time_s_k: [k] increasing; value_k: [k].
    rate_hz: rate of the grid.
    n: its length.
    kind: "cubic" (a natural spline) or "linear"; beyond the first and last time the end value is held.

  Returns:
    [n] float64.

  Raises:
    ValueError: fewer than two values, or an unknown kind.
  """
  if len(time_s_k) < 2:
    raise ValueError("an interpolation needs two values")
  grid_s = np.clip(np.arange(n) / rate_hz, time_s_k[0], time_s_k[-1])
  if kind == "linear":
    return np.interp(grid_s, time_s_k, value_k)
  if kind != "cubic":
    raise ValueError(f"unknown kind {kind!r}: cubic or linear")
  return scipy.interpolate.CubicSpline(time_s_k, value_k, bc_type="natural")(grid_s)


def fill_gaps(x_t: np.ndarray) -> np.ndarray:
  """Bridges what is not finite in x_t [t] by straight lines, end values held; unchanged where nothing is finite."""
  x_t = np.asarray(x_t, np.float64)
  good = np.isfinite(x_t)
  if good.all() or not good.any():
    return x_t
  where = np.arange(len(x_t))
  return np.interp(where, where[good], x_t[good])
