"""Stamps so coarse that many samples share one: which rates a few of them allow."""
from typing import NamedTuple

import numpy as np

_ENOUGH = 100         # different stamps: the rate is certain to 1 %, whatever a single one says
_SHARE = 3            # samples a stamp, on average: fewer are no coarse stamps
_CERTAIN = 0.01       # of the rate
_MAJORITY = 0.6       # of the intervals between stamps, which agree where samples are lost in some
_PLAIN_HZ = (10.0, 1.0, 0.5, 0.1, 0.01)


class Coarse(NamedTuple):
  """What a few coarse stamps say of the rate.

  Attributes:
    step_s: from one stamp to the next.
    rates_hz: (slowest, fastest) that their span allows.
    certain_hz: (slowest, fastest) where they are certain to 1 %; None where they are not.
    is_even: one rate explains all of them.
  """
  step_s: float
  rates_hz: tuple[float, float]
  certain_hz: tuple[float, float] | None
  is_even: bool

  def allows(self, rate_hz: float) -> bool:
    """Whether the samples last about as long as the stamps at this rate."""
    slow_hz, fast_hz = self.rates_hz
    return (1 - _CERTAIN) * slow_hz <= rate_hz <= (1 + _CERTAIN) * fast_hz

  def plain_hz(self, given_hz: float | None) -> float:
    """The given or a plain rate among the certain ones, which there must be."""
    slow_hz, fast_hz = self.certain_hz
    if given_hz is not None and slow_hz <= given_hz <= fast_hz:
      return float(given_hz)
    middle_hz = (slow_hz + fast_hz) / 2
    for multiple_hz in _PLAIN_HZ:
      plain_hz = round(middle_hz / multiple_hz) * multiple_hz
      if slow_hz <= plain_hz <= fast_hz:
        return plain_hz
    return middle_hz


def coarse_of(time_s: np.ndarray) -> Coarse | None:
  """Returns what coarse stamps say of the rate; None where they are fine or many.

  The first sample of a stamp marks a moment, but for the first stamp, which began earlier.

  Args:
    time_s: [t] ascending, from 0 on.
  """
  first_a = np.concatenate([[0], np.flatnonzero(np.diff(time_s) > 0) + 1])
  if len(first_a) > _ENOUGH or _SHARE * len(first_a) > len(time_s):
    return None
  waits_s_a = np.diff(time_s[first_a])
  samples_a = np.diff(first_a)
  step_s = float(np.median(waits_s_a))
  span_s = float(time_s[-1])
  fastest_hz = np.inf
  if span_s > 1.01 * step_s:
    fastest_hz = len(time_s) / (span_s - step_s)
  rates_hz = (len(time_s) / (span_s + step_s), fastest_hz)

  if len(samples_a) > 1 and abs(samples_a[0] / waits_s_a[0] * waits_s_a[1] - samples_a[1]) > 1:
    first_a, waits_s_a, samples_a = first_a[1:], waits_s_a[1:], samples_a[1:]
  if len(samples_a) < 2:
    return Coarse(step_s, rates_hz, None, False)

  certain_hz = _if_even(first_a, time_s[first_a])
  last_fits = certain_hz and len(time_s) - first_a[-1] <= step_s * certain_hz[1] + 1
  if certain_hz is not None and last_fits:
    return Coarse(step_s, rates_hz, certain_hz, True)
  return Coarse(step_s, rates_hz, _by_majority(samples_a, waits_s_a), False)


def _if_even(first_a: np.ndarray, times_s_a: np.ndarray) -> tuple[float, float] | None:
  """The slowest and fastest rate of a line through the moments, where it is certain."""
  slope_s, _ = np.polyfit(first_a, times_s_a, 1)
  if not slope_s > 0:
    return None
  off_s = float(np.ptp(times_s_a - slope_s * first_a))
  span_s = times_s_a[-1] - times_s_a[0]
  uncertain_s = min(max(off_s, slope_s / 100), 1.01 * slope_s)
  if off_s > 1.01 * slope_s:
    uncertain_s = off_s
  if uncertain_s > _CERTAIN * span_s:
    return None
  share = uncertain_s / span_s
  return float((1 - share) / slope_s), float((1 + share) / slope_s)


def _by_majority(samples_a: np.ndarray, waits_s_a: np.ndarray) -> tuple[float, float] | None:
  """The rates on which most intervals agree to a sample, where that is certain."""
  rate_hz = float(np.median(samples_a / waits_s_a))
  agree_a = np.abs(samples_a - rate_hz * waits_s_a) <= 2.01   # halves are rounded to even numbers
  samples = samples_a[agree_a].sum()
  stretches = 1 + int((np.diff(np.flatnonzero(agree_a)) > 1).sum())
  if agree_a.sum() < 3 or agree_a.mean() < _MAJORITY or stretches > _CERTAIN * samples:
    return None
  rate_hz = samples / waits_s_a[agree_a].sum()
  share = stretches / samples
  return float((1 - share) * rate_hz), float((1 + share) * rate_hz)
