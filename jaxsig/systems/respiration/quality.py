"""How far a rate per minute may be trusted.

One rule, fixed in advance, from what the model says of itself and of the signal.
"""
import dataclasses
import math
from typing import NamedTuple

from jaxsig.rows import Row
from jaxsig.system import Seen

GOOD = "good"
DOUBTFUL = "doubtful"
NONE = "no estimate"

DOUBTFUL_SPREAD_BPM = 2.0     # what is called agreement between two observers
WIDEST_95_BPM = 12.0          # the span of all resting adults, so nothing was learnt
# the rates that are looked for; at its edge the true rate is most likely outside
BAND_BPM = (4.0, 60.0)
EDGE = 1.02                   # a factor, about the step of the finest grid of rates
MOST_UNSEEN = 0.5             # of a window
MOST_SILENT = 0.5             # of a window, in which no breathing is visible
PASSED_OVER_S = 1.0           # of a window: the end of a stretch that whole seconds leave


class Verdict(NamedTuple):
  """A quality, and why it is not better; empty where it is good."""
  quality: str
  why: str = ""


def judge(row: Row, seen: Seen) -> Row:
  """The rate row with its quality, "good", "doubtful" or "no estimate", and why it is no better.

  "no estimate": there is none; it lies at the edge of the band; its 95 % interval (where there is
  none, two spreads) is wider than 12 a minute; or the model saw less than half of the window, or
  no breathing is visible in more than half.
  "doubtful": else, where the spread is above 2 a minute or unknown, or some of the window was
  bridged, or more than a second of it not seen. "no estimate" takes the row's numbers away. Rows
  that are no rates stay as they are.

  Args:
    row: rates and spreads per minute.
    seen: how much of its window the model saw.
  """
  if row.value is not None or not row.metric.startswith("rr_bpm"):
    return row
  verdict = _verdict(row, seen)
  if verdict.quality == NONE:
    row = dataclasses.replace(row, estimate=None, spread=None, interval={})
  return dataclasses.replace(row, quality=verdict.quality, why=verdict.why)


def _verdict(row: Row, seen: Seen) -> Verdict:
  why_none = _why_none(row, seen)
  if why_none:
    return Verdict(NONE, why_none)
  why_doubtful = _why_doubtful(row, seen)
  if why_doubtful:
    return Verdict(DOUBTFUL, why_doubtful)
  return Verdict(GOOD)


def _why_none(row: Row, seen: Seen) -> str:
  """Why there is no estimate; empty where there is one."""
  if seen.unseen_s > MOST_UNSEEN * seen.length_s:
    seen_s = seen.length_s - seen.unseen_s
    return (
        f"only {seen_s:.0f} of {seen.length_s:.0f} s could be read: the rest is missing or too "
        "short between gaps")
  if seen.silent_s > MOST_SILENT * seen.length_s:
    return "no breathing is visible: all beats are alike, as those of a simulator are"
  if row.estimate is None and seen.unseen_s > PASSED_OVER_S:
    return _missing(seen)
  low_bpm, high_bpm = BAND_BPM
  if row.estimate is None or not math.isfinite(row.estimate):
    return f"no rate stands out between {low_bpm:g} and {high_bpm:g} a minute"
  if not _in_band(row.estimate):
    return f"the rate lies at the edge of {low_bpm:g} to {high_bpm:g} a minute"
  width_bpm = _width_bpm(row)
  if width_bpm is not None and not width_bpm <= WIDEST_95_BPM:
    measure = "twice its spread is"
    if "95" in row.interval:
      measure = "its 95 % interval is as wide as"
    return f"the model is unsure: {measure} {width_bpm:.1f} breaths/min"
  return ""


def _why_doubtful(row: Row, seen: Seen) -> str:
  """Why an estimate is doubtful; empty where it is good."""
  if row.spread is None:
    return "the model does not say how sure it is"
  if row.spread > DOUBTFUL_SPREAD_BPM:
    return f"the model's spread is {row.spread:.1f} breaths/min"
  if seen.unseen_s > PASSED_OVER_S:
    return _missing(seen)
  if seen.bridged_s > 0:
    return f"{seen.bridged_s:.2g} s are bridged by a straight line"
  return ""


def _missing(seen: Seen) -> str:
  return f"{seen.unseen_s:.1f} of {seen.length_s:.0f} s are missing"


def _in_band(rate_bpm: float) -> bool:
  """Whether a rate lies in the band, off its edges."""
  low_bpm, high_bpm = BAND_BPM
  return low_bpm * EDGE < rate_bpm < high_bpm / EDGE


def _width_bpm(row: Row) -> float | None:
  """Width of the 95 % interval, or else two spreads; None where neither is known."""
  if "95" in row.interval:
    low, high = row.interval["95"]
    return high - low
  if row.spread is None:
    return None
  return 2 * row.spread
