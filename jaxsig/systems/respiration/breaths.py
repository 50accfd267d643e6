"""Breaths detected in a waveform, matched one to one with an annotator's marks.

Times are in seconds and ascending.
"""
from collections.abc import Sequence

import numpy as np

from jaxsig.signal import resample
from jaxsig.systems.respiration import waveforms

TOLERANCE_S = 0.5
LAGS_S = np.arange(-10, 11) / 10
# The longest breath of the band: with so much around a window, breaths and matches at its edges are
# whole.
MARGIN_S = 10.0
_ROUNDING_S = 1e-9


def breath_times_s(x_t: np.ndarray, rate_hz: float) -> np.ndarray:
  """Times [k] of the maxima of x_t [t] that bound its breaths; none in a flat signal.

  The breaths are those that `waveforms.count_rate_bpm` counts.
  """
  cycles_s = waveforms.breath_cycles_s(x_t, rate_hz)
  return np.unique(cycles_s)   # the end of a cycle is the start of the next


def breaths_around(
    x_t: np.ndarray,
    rate_hz: float,
    start_s: float,
    window_s: float,
) -> list[np.ndarray]:
  """[breaths of x_t, breaths of -x_t] in a window and MARGIN_S around it.

  Gaps in the margin are bridged.
  """
  first = max(0, round((start_s - MARGIN_S) * rate_hz))
  last = round((start_s + window_s + MARGIN_S) * rate_hz)
  piece_t = resample.fill_gaps(x_t[first:last])
  piece_start_s = first / rate_hz

  upright_s = piece_start_s + breath_times_s(piece_t, rate_hz)
  inverted_s = piece_start_s + breath_times_s(-piece_t, rate_hz)
  return [upright_s, inverted_s]


def constant_breaths(
    rate_bpm: float,
    start_s: float,
    window_s: float,
) -> list[np.ndarray]:
  """[breaths, breaths half a period later] at a constant rate, as by `breaths_around`."""
  period_s = 60 / rate_bpm
  first = (start_s - MARGIN_S) // period_s
  last = (start_s + window_s + MARGIN_S) // period_s
  number_k = np.arange(first, last + 1)
  return [number_k * period_s, (number_k + 0.5) * period_s]


def matched(
    a_s: np.ndarray,
    b_s: np.ndarray,
    tolerance_s: float = TOLERANCE_S,
) -> tuple[np.ndarray, np.ndarray]:
  """Which of a_s [k] and of b_s [j], both ascending, have a partner within the tolerance.

  As many as possible are paired, one to one. Taking the earliest pair that fits is optimal, as all
  tolerances are equal.

  Returns:
    ([k] bool, [j] bool).
  """
  has_partner_a = np.zeros(len(a_s), bool)
  has_partner_b = np.zeros(len(b_s), bool)

  i = 0
  j = 0
  while i < len(a_s) and j < len(b_s):
    if abs(a_s[i] - b_s[j]) <= tolerance_s + _ROUNDING_S:
      has_partner_a[i] = True
      has_partner_b[j] = True
      i += 1
      j += 1
    elif a_s[i] < b_s[j]:
      i += 1
    else:
      j += 1
  return has_partner_a, has_partner_b


def f1(
    found_s: np.ndarray,
    marks_s: np.ndarray,
    start_s: float,
    window_s: float,
) -> float:
  """F1 score of the breaths detected in [start_s, start_s + window_s) against the marked ones.

  That is the share, of the detected and the marked breaths together, that has a partner; 1 where
  there are none. A breath inside the window may have its partner outside, so that the borders of a
  window cost nothing.

  Args:
    found_s: detected breaths, ascending.
    marks_s: marked breaths, ascending.
    start_s: start of the window.
    window_s: its length.
  """
  found_has_partner, mark_has_partner = matched(found_s, marks_s)
  found_inside = (found_s >= start_s) & (found_s < start_s + window_s)
  mark_inside = (marks_s >= start_s) & (marks_s < start_s + window_s)

  total = found_inside.sum() + mark_inside.sum()
  if total == 0:
    return 1.0
  partnered = found_has_partner[found_inside].sum() + mark_has_partner[mark_inside].sum()
  return float(partnered / total)


def best_f1(
    found: Sequence[np.ndarray],
    marks: Sequence[np.ndarray],
    start_s: float,
    window_s: float,
) -> float:
  """Mean of `f1` over annotators at the best sign in `found` and the best lag of LAGS_S.

  Polarity and delay of an impedance signal differ between recordings, so both are free in every
  window. That lifts every method, and one that knows nothing of the recording too: compare with the
  breaths of a constant rate.

  Args:
    found: detected breaths of the upright and of the inverted waveform.
    marks: each annotator's marked breaths.
    start_s: start of the window.
    window_s: its length.
  """
  nearby_marks = []
  for marks_s in marks:
    marks_s = np.sort(marks_s)
    nearby = (marks_s >= start_s - MARGIN_S) & (marks_s < start_s + window_s + MARGIN_S)
    nearby_marks.append(marks_s[nearby])

  means = []
  for found_s in found:
    for lag_s in LAGS_S:
      scores = [f1(found_s + lag_s, marks_s, start_s, window_s) for marks_s in nearby_marks]
      means.append(float(np.mean(scores)))
  return max(means)
