"""The sampling rate that explains rounded time stamps: a plain one where one does."""
from collections.abc import Iterator, Sequence

import numpy as np

_DECIMALS_OF_STEP = (2, 3, 4, 5, 6)
_BROADCAST = 1.001   # 30 / 1.001 frames a second and its kin


def slope_rate(time_s: np.ndarray, bounds: Sequence[tuple[int, int]]) -> float:
  """Returns the rate of the least-squares line over stretches, each with its own offset.

  Args:
    time_s: [t] of all samples.
    bounds: (first, past the last) sample of each stretch without a gap.

  Returns:
    Hz; NaN where no stretch has two samples.
  """
  products = 0.0
  squares = 0.0
  for first, last in bounds:
    rows = np.arange(last - first) - (last - first - 1) / 2
    times_s = time_s[first:last]
    products += float(rows @ (times_s - times_s.mean()))
    squares += float(rows @ rows)
  if not products > 0:
    return np.nan
  return squares / products


def spread_s(time_s: np.ndarray, bounds: Sequence[tuple[int, int]], rate_hz: float) -> float:
  """Returns the range of what even steps leave unexplained, of the worst stretch."""
  worst = 0.0
  for first, last in bounds:
    left_s = time_s[first:last] - np.arange(last - first) / rate_hz
    worst = max(worst, float(np.ptp(left_s)))
  return worst


def plain_rate(
    time_s: np.ndarray,
    bounds: Sequence[tuple[int, int]],
    rate_hz: float,
    slack_s: float,
    given_hz: float | None,
) -> float:
  """Returns the given or a plain rate that explains all stamps as well; else rate_hz.

  Args:
    time_s, bounds: as for `slope_rate`.
    rate_hz: of the least-squares line.
    slack_s: the range that rounding explains.
    given_hz: a rate that is known from elsewhere.
  """
  least_s = spread_s(time_s, bounds, rate_hz)
  longest = max(last - first for first, last in bounds)
  for allowed_s in (1.02 * slack_s, 1.02 * least_s):
    for candidate_hz in _candidates(rate_hz, given_hz):
      if candidate_hz <= 0:
        continue
      apart_s = longest * abs(1 / candidate_hz - 1 / rate_hz)
      if apart_s > 2 * allowed_s + least_s:
        continue   # without a look at all stamps
      if spread_s(time_s, bounds, candidate_hz) <= allowed_s:
        return candidate_hz
  return rate_hz


def _candidates(rate_hz: float, given_hz: float | None) -> Iterator[float]:
  if given_hz is not None:
    yield given_hz
  for near in (0, 1, -1):
    yield float(round(rate_hz) + near)
  yield round(2 * rate_hz) / 2
  yield round(3 * rate_hz) / 3
  yield round(rate_hz * _BROADCAST) / _BROADCAST
  for decimals in _DECIMALS_OF_STEP:
    step_s = round(1 / rate_hz, decimals)
    if step_s > 0:
      yield 1 / step_s
  for decimals in (1, 2, 3):
    yield round(rate_hz, decimals)
