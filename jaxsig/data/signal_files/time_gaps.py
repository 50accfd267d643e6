"""Where time stamps jump: the first samples after a gap."""
import itertools
from typing import NamedTuple

import numpy as np

_SMALLEST_GAP_S = 0.1
_SAME_ARRIVAL = 0.15    # of a sample's duration: closer stamps are one packet's or rounded together
COARSE = 0.3           # of a sample's duration: rounding that hides single lost samples
_NEAR = 5               # arrivals before and after, among which one may be late


class Pieces(NamedTuple):
  """A recording cut at its gaps.

  Attributes:
    starts: [k] first sample after each gap.
    is_coarse: single stamps say little: they come in packets, or are rounded to several samples.
    in_packets: they come in packets, which may be late.
    first_a: [a] first sample of each arrival.
    rate_hz: about how fast samples follow each other.
  """
  starts: np.ndarray
  is_coarse: bool
  in_packets: bool
  first_a: np.ndarray
  rate_hz: float

  def bounds(self, samples: int) -> list[tuple[int, int]]:
    """(first, past the last) sample of each stretch."""
    edges = [0, *self.starts.tolist(), samples]
    return list(itertools.pairwise(edges))


def pieces_of(time_s: np.ndarray, resolution_s: float, pace_hz: float) -> Pieces:
  """Cuts ascending times [t] where more time passes than samples explain."""
  steps_s = np.diff(time_s)
  first_a = np.concatenate([[0], np.flatnonzero(steps_s > _SAME_ARRIVAL / pace_hz) + 1])
  arrive_together = len(first_a) < 0.8 * len(time_s)
  if arrive_together or resolution_s > COARSE / pace_hz:
    rate_hz = _rate_of_arrivals(time_s, first_a)
    starts = _lasting_delays(time_s, first_a, rate_hz)
    wait_s = 0.0
    if len(first_a) > 1:
      wait_s = float(np.median(np.diff(time_s[first_a])))
    in_packets = arrive_together and resolution_s <= 0.5 * wait_s
    return Pieces(starts, True, in_packets, first_a, rate_hz)

  starts = np.flatnonzero(steps_s * pace_hz >= 1.5) + 1
  return Pieces(starts, False, False, first_a, pace_hz)


def _rate_of_arrivals(time_s: np.ndarray, first_a: np.ndarray) -> float:
  """Median of the rates from arrival to arrival, refined by all but the longest waits."""
  if len(first_a) < 3:
    return (len(time_s) - 1) / (time_s[-1] - time_s[0])
  samples_a = np.diff(first_a)
  waits_s_a = np.diff(time_s[first_a])

  order = np.argsort(waits_s_a / samples_a)
  passed = np.cumsum(samples_a[order])
  middle = order[np.searchsorted(passed, passed[-1] / 2)]
  rate_hz = samples_a[middle] / waits_s_a[middle]

  usual_s = np.median(waits_s_a)
  for _ in range(2):
    excess_s_a = waits_s_a - samples_a / rate_hz
    short_a = excess_s_a <= max(_SMALLEST_GAP_S, 3 / rate_hz, usual_s)
    rate_hz = samples_a[short_a].sum() / waits_s_a[short_a].sum()
  return float(rate_hz)


def _lasting_delays(time_s: np.ndarray, first_a: np.ndarray, rate_hz: float) -> np.ndarray:
  """First samples of arrivals that are late and after which all others are as late.

  A packet that only waited is followed by others in time.
  """
  import scipy.ndimage

  times_s_a = time_s[first_a]
  waits_s_a = np.diff(times_s_a)
  if len(waits_s_a) == 0:
    return np.zeros(0, np.int64)

  late_s_a = times_s_a - first_a / rate_hz
  centre = _NEAR // 2
  least_after_s_a = scipy.ndimage.minimum_filter1d(
    late_s_a, _NEAR, origin=-centre, mode="nearest"
  )
  least_before_s_a = scipy.ndimage.minimum_filter1d(
    late_s_a, _NEAR, origin=centre, mode="nearest"
  )
  smallest_s = max(_SMALLEST_GAP_S, 3 / rate_hz, float(np.median(waits_s_a)))
  lasting_s_a = least_after_s_a[1:] - least_before_s_a[:-1]
  excess_s_a = waits_s_a - np.diff(first_a) / rate_hz
  is_gap_a = (lasting_s_a > smallest_s) & (excess_s_a > smallest_s)
  return first_a[1:][is_gap_a]
