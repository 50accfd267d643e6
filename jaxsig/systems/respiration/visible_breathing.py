"""Where a PPG shows no breathing: its beats are as alike as those of a simulator.

Breathing changes the baseline, the height and the intervals of the beats. In each minute of 26
recordings of BIDMC and 71 of the Challenge of 2015 one of the three varies by at least 1.1 %, and
by six times as much as the noise of the samples explains.
"""
import numpy as np

from jaxsig.signal import filters, resample
from jaxsig.systems.respiration.beats import Beats, find_beats

MINUTE_S = 60.0
LEAST_VARIATION = 0.005    # of the usual height or interval, in one of the three
BY_NOISE = 1.3             # times the variation that the noise of the samples explains ...
MOST_BY_NOISE = 0.03       # ... if it is so small that it would hide no usual breathing
FEWEST_BEATS = 20          # that tell
MOST_MISSING = 0.1         # of a minute that is judged
LOWEST_HZ = 20.0           # at which beats are found
HIGHEST_HZ = 8.0           # that `find_beats` lets pass
FAR = 5.0                  # median distances from the trend, of a beat beside a gap
TO_DEVIATION = 1.4826      # of a median distance, where values are normally distributed


def silent_spans_s(ppg_t: np.ndarray, rate_hz: float) -> list[list[float]]:
  """Spans of seconds [start, end] in which no breathing is visible, each a minute.

  Args:
    ppg_t: [t], NaN in gaps.
    rate_hz: its sampling rate.
  """
  length = round(MINUTE_S * rate_hz)
  if rate_hz < LOWEST_HZ or len(ppg_t) < length:
    return []
  firsts = list(range(0, len(ppg_t) - length + 1, length))
  if firsts[-1] + length < len(ppg_t):
    firsts.append(len(ppg_t) - length)

  spans_s = []
  for first in firsts:
    minute_t = ppg_t[first:first + length].astype(np.float64)
    if _is_silent(minute_t, rate_hz):
      spans_s.append([first / rate_hz, (first + length) / rate_hz])
  return spans_s


def _is_silent(minute_t: np.ndarray, rate_hz: float) -> bool:
  is_finite_t = np.isfinite(minute_t)
  if is_finite_t.mean() < 1 - MOST_MISSING:
    return False
  whole_t = resample.fill_gaps(minute_t)
  beats = find_beats(whole_t, rate_hz)
  if len(beats.time_s_k) < FEWEST_BEATS:
    return False
  by_noise = min(BY_NOISE * _variation_by_noise(whole_t, rate_hz, beats), MOST_BY_NOISE)
  return variation(beats) < max(by_noise, LEAST_VARIATION)


def _variation_by_noise(x_t: np.ndarray, rate_hz: float, beats: Beats) -> float:
  """How much the height of beats would vary by white noise alone, as strong as above 8 Hz."""
  share = min(HIGHEST_HZ / (rate_hz / 2), 0.9)   # of white noise, that passes the filter
  removed_t = x_t - filters.low_pass(x_t, rate_hz, share * rate_hz / 2)
  removed = TO_DEVIATION * np.median(np.abs(removed_t))
  passed = removed * np.sqrt(share / (1 - share))
  height = np.median(beats.peak_k - beats.trough_k)
  if not height > 0:
    return 0.0
  return float(np.sqrt(2) * passed / height)


def variation(beats: Beats) -> float:
  """How much the baseline, the height or the interval of beats varies, whichever does most.

  Baseline and height are in usual heights, intervals in usual intervals; slow trends do not count.
  """
  height_k = beats.peak_k - beats.trough_k
  interval_k = np.diff(beats.time_s_k)
  height = np.median(height_k)
  interval = np.median(interval_k)
  if not (height > 0 and interval > 0):
    return np.inf
  variations = (
    _deviation(beats.trough_k) / height,
    _deviation(height_k) / height,
    _deviation(interval_k) / interval,
  )
  return max(variations)


def _deviation(x_k: np.ndarray) -> float:
  """Robust standard deviation [k] about a parabola through all but the outliers."""
  place_k = np.linspace(-1, 1, len(x_k))
  distance_k = np.abs(x_k - _parabola(place_k, x_k, place_k))
  near_k = distance_k <= FAR * np.median(distance_k)
  distance_k = np.abs(x_k - _parabola(place_k[near_k], x_k[near_k], place_k))
  return float(TO_DEVIATION * np.median(distance_k))


def _parabola(place_k: np.ndarray, x_k: np.ndarray, wanted_k: np.ndarray) -> np.ndarray:
  return np.polyval(np.polyfit(place_k, x_k, 2), wanted_k)
