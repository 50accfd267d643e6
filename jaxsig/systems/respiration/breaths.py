"""Breath by breath: those detected in a waveform against an annotator's marks, one to one. Times in seconds, ascending."""
from collections.abc import Sequence

import numpy as np

from jaxsig.signal import resample
from jaxsig.systems.respiration import waveforms as respiration

TOLERANCE_S = 0.5
LAGS_S = np.arange(-10, 11) / 10
MARGIN_S = 10.0   # around a window, the longest breath of the band: filter, cycles and matches at its edges are whole


def breath_times_s(x_t: np.ndarray, rate_hz: float) -> np.ndarray:
  """The maxima [k] of x_t [t] that bound the breaths which `respiration.count_rate_bpm` counts; none in a flat signal."""
  return np.unique(respiration.breath_cycles_s(x_t, rate_hz))   # the end of a cycle is the start of the next


def breaths_around(x_t: np.ndarray, rate_hz: float, start_s: float, window_s: float) -> list[np.ndarray]:
  """[breaths of x_t, of -x_t] in a window and MARGIN_S around it; gaps in the margin are bridged."""
  first = max(0, round((start_s - MARGIN_S) * rate_hz))
  piece_t = resample.fill_gaps(x_t[first:round((start_s + window_s + MARGIN_S) * rate_hz)])
  return [first / rate_hz + breath_times_s(sign * piece_t, rate_hz) for sign in (1, -1)]


def constant_breaths(rate_bpm: float, start_s: float, window_s: float) -> list[np.ndarray]:
  """As `breaths_around`, of a sine at a constant rate: evenly spaced, and half a breath later."""
  period_s = 60 / rate_bpm
  first, last = (start_s - MARGIN_S) // period_s, (start_s + window_s + MARGIN_S) // period_s
  return [(np.arange(first, last + 1) + half) * period_s for half in (0, 0.5)]


def matched(a_s: np.ndarray, b_s: np.ndarray, tolerance_s: float = TOLERANCE_S) -> tuple[np.ndarray, np.ndarray]:
  """Which of a_s and of b_s [k], both ascending, have a partner within the tolerance when as many as possible are paired.

  Taking the earliest pair that fits is optimal, as all tolerances are equal.
  """
  hit_a, hit_b, i, j = np.zeros(len(a_s), bool), np.zeros(len(b_s), bool), 0, 0
  while i < len(a_s) and j < len(b_s):
    if abs(a_s[i] - b_s[j]) <= tolerance_s + 1e-9:
      hit_a[i] = hit_b[j] = True
      i, j = i + 1, j + 1
    elif a_s[i] < b_s[j]:
      i += 1
    else:
      j += 1
  return hit_a, hit_b


def f1(found_s: np.ndarray, marks_s: np.ndarray, start_s: float, window_s: float) -> float:
  """F1 of the breaths found in [start_s, start_s + window_s): the share with a partner among all of both; 1 without any.

  A breath inside may have its partner outside, so that the borders of a window cost nothing.
  """
  inside = [(x >= start_s) & (x < start_s + window_s) for x in (found_s, marks_s)]
  hits = [hit[i].sum() for hit, i in zip(matched(found_s, marks_s), inside)]
  total = sum(i.sum() for i in inside)
  return float(sum(hits) / total) if total else 1.0


def best_f1(found: Sequence[np.ndarray], marks: Sequence[np.ndarray], start_s: float, window_s: float) -> float:
  """Largest mean over annotators of `f1` over the two signs in `found` and the lags LAGS_S.

  Polarity and delay of an impedance signal differ between recordings, so both are free in every window. That lifts every
  method, and one that knows nothing of the recording too: compare with the breaths of a constant rate.
  """
  near = [m[(m >= start_s - MARGIN_S) & (m < start_s + window_s + MARGIN_S)] for m in map(np.sort, marks)]
  return max(float(np.mean([f1(times + lag_s, m, start_s, window_s) for m in near])) for times in found for lag_s in LAGS_S)
