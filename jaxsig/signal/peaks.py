"""Maxima, cycles and events in time, in numpy: what a person would count."""
import numpy as np


def local_maxima(x_t: np.ndarray) -> np.ndarray:
  """Indices [k] of the local maxima of x_t [t], at the middle of a plateau."""
  import scipy.signal  # takes long to import: only where it is used

  indices, _ = scipy.signal.find_peaks(x_t)
  return indices


def refine(x_t: np.ndarray, index_k: np.ndarray) -> np.ndarray:
  """Positions [k] of maxima in samples with fraction.

  Each is the vertex of the parabola through the maximum at `index_k` and its two neighbours.
  """
  index_k = np.asarray(index_k)
  last = len(x_t) - 1
  left_k = x_t[np.clip(index_k - 1, 0, last)]
  middle_k = x_t[np.clip(index_k, 0, last)]
  right_k = x_t[np.clip(index_k + 1, 0, last)]

  bend_k = left_k - 2 * middle_k + right_k
  is_maximum_k = bend_k < 0
  divisor_k = np.where(is_maximum_k, bend_k, 1)
  vertex_k = 0.5 * (left_k - right_k) / divisor_k
  shift_k = np.where(is_maximum_k, vertex_k, 0)
  return index_k + np.clip(shift_k, -0.5, 0.5)


def breath_cycles_s(x_t: np.ndarray, rate_hz: float) -> np.ndarray:
  """Breaths of one waveform by the rule count-orig (Schaefer & Kratky, Ann. Biomed. Eng. 36, 2008).

  Maxima above 0.2 times the third quartile of all maxima count; a valid cycle lies between two such
  maxima that follow each other and holds exactly one minimum below zero: neither a ripple nor a
  pause is taken for a breath.

  Args:
    x_t: [t], zero-mean, free of anything faster than breathing.
    rate_hz: sampling rate.

  Returns:
    [k, 2] start and end of each valid cycle in seconds.
  """
  no_cycles = np.zeros((0, 2))
  maxima = local_maxima(x_t)
  minima = local_maxima(-x_t)
  if len(maxima) == 0:
    return no_cycles

  threshold = 0.2 * np.quantile(x_t[maxima], 0.75)
  high_maxima = maxima[x_t[maxima] > threshold]
  if len(high_maxima) < 2:
    return no_cycles

  negative_minima = minima[x_t[minima] < 0]
  minima_in_cycle, _ = np.histogram(negative_minima, bins=high_maxima)
  valid = minima_in_cycle == 1

  time_s = refine(x_t, high_maxima) / rate_hz
  cycles_s = np.stack([time_s[:-1], time_s[1:]], -1)
  return cycles_s[valid]


def event_rate_hz(events_s: np.ndarray, start_s: float, window_s: float) -> float:
  """One over the mean interval between the events inside [start_s, start_s + window_s).

  NaN with fewer than two events, or where all of them are at the same time.
  """
  events_s = np.asarray(events_s, np.float64)
  inside = (events_s >= start_s) & (events_s < start_s + window_s)
  inside_s = np.sort(events_s[inside])
  if len(inside_s) < 2:
    return float("nan")

  span_s = inside_s[-1] - inside_s[0]
  if span_s == 0:
    return float("nan")
  intervals = len(inside_s) - 1
  return float(intervals / span_s)
