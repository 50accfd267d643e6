"""Maxima, cycles and events in time, in numpy: what a person would count."""
import numpy as np
import scipy.signal


def local_maxima(x_t: np.ndarray) -> np.ndarray:
  """Indices [k] of the local maxima of x_t [t], at the middle of a plateau."""
  return scipy.signal.find_peaks(x_t)[0]


def refine(x_t: np.ndarray, index_k: np.ndarray) -> np.ndarray:
  """Positions [k] of maxima in samples with fraction: the vertex of the parabola through each and its neighbours."""
  index_k = np.asarray(index_k)
  left, mid, right = (x_t[np.clip(index_k + k, 0, len(x_t) - 1)] for k in (-1, 0, 1))
  bend = left - 2 * mid + right
  shift_k = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, 1), 0)
  return index_k + np.clip(shift_k, -0.5, 0.5)


def breath_cycles_s(x_t: np.ndarray, rate_hz: float) -> np.ndarray:
  """Breaths of one waveform by the rule count-orig (Schaefer & Kratky, Ann. Biomed. Eng. 36, 2008).

  Maxima above 0.2 times the third quartile of all maxima count; a valid cycle lies between two such maxima that
  follow each other and holds exactly one minimum below zero: neither a ripple nor a pause is taken for a breath.

  Args:
    x_t: [t], zero-mean, free of anything faster than breathing.
    rate_hz: sampling rate.

  Returns:
    [k, 2] start and end of each valid cycle in seconds.
  """
  maxima, minima = local_maxima(x_t), local_maxima(-x_t)
  if not len(maxima):
    return np.zeros((0, 2))
  maxima = maxima[x_t[maxima] > 0.2 * np.quantile(x_t[maxima], 0.75)]
  if len(maxima) < 2:
    return np.zeros((0, 2))
  valid = np.histogram(minima[x_t[minima] < 0], bins=maxima)[0] == 1
  time_s = refine(x_t, maxima) / rate_hz
  return np.stack([time_s[:-1], time_s[1:]], -1)[valid]


def event_rate_hz(events_s: np.ndarray, start_s: float, window_s: float) -> float:
  """One over the mean interval between the events inside [start_s, start_s + window_s); NaN with fewer than two."""
  events_s = np.asarray(events_s, np.float64)
  inside = np.sort(events_s[(events_s >= start_s) & (events_s < start_s + window_s)])
  if len(inside) < 2 or inside[-1] == inside[0]:
    return float("nan")
  return float((len(inside) - 1) / (inside[-1] - inside[0]))
