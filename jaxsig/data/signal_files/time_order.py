"""Time stamps put in order: missing ones, counters that begin again at 0, lines out of order."""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jaxsig.data.signal_files.text_clocks import CLOCK, PAIR
from jaxsig.data.signal_files.time_pace import pace_of
from jaxsig.plurals import count

_MOST_MISSING = 0.1
_SLIP = 0.5         # of a step back in time: lines in order whose clock is not exact
_STILL = 100        # times the usual run of equal stamps: a clock that stopped
_FARTHEST = 256     # lines that a late packet moves at most; else a clock was set back
_SHUFFLED = 0.1     # of the lines out of order: then the sorted times have to be even
_COUNTERS = (2.0**16, 2.0**24, 2.0**32, 86400.0, 86400e3)   # where a counter begins again at 0
_PAIRS = (1440.0, 3600.0)   # and such as 23:59 or 59:59
_DAY_S = 86400.0
_HALF_DAY_S = 43200.0


class Ordered(NamedTuple):
  """Ascending times.

  Attributes:
    values_t: [t] float64, in the column's unit.
    order: [t] row of each; None where they stand in order.
    notes: what was done.
    why_not: a sentence's part that says why there is no order; "" where there is one.
    at: row at which it breaks.
  """
  values_t: np.ndarray
  order: np.ndarray | None = None
  notes: tuple[str, ...] = ()
  why_not: str = ""
  at: int = 0


def ordered(values_t: np.ndarray, kind: str) -> Ordered:
  """Returns times in ascending order, or why they have none.

  Args:
    values_t: [t] as the file has them; NaN where one is missing.
    kind: what the column holds, as in `Column.kind`.
  """
  notes = []
  missing_t = ~np.isfinite(values_t)
  missing = int(missing_t.sum())
  if len(values_t) - missing < 2:
    return Ordered(values_t, why_not="has fewer than two times")
  if missing > _MOST_MISSING * len(values_t):
    at = int(np.argmax(missing_t))
    return Ordered(values_t, why_not=f"lacks {missing} of {len(values_t)} times", at=at)
  if missing:
    values_t = _filled(values_t, missing_t)
    notes.append(f"{count(missing, 'missing time', 'missing times')} filled in evenly")

  steps = np.diff(values_t)
  if not (steps < 0).any():
    if not (steps > 0).any():
      return Ordered(values_t, why_not=f"stands still at {values_t[0]:.15g}")
    stop = _stop(values_t)
    if stop is not None:
      why_not = f"stands still at {values_t[stop]:.15g} for many lines"
      return Ordered(values_t, why_not=why_not, at=stop)
    return Ordered(values_t, None, tuple(notes))

  rising_t = np.maximum.accumulate(values_t)
  slip = (rising_t - values_t).max()
  if slip * pace_of(rising_t) < _SLIP:
    notes.append("the times slip back by less than a step: the lines are left in their order")
    return Ordered(rising_t, None, tuple(notes))

  values_t, restarts = _without_restarts(values_t, kind)
  if restarts:
    notes.append(restarts)
  return _sorted(values_t, notes)


def _stop(values_t: np.ndarray) -> int | None:
  """First row of a run of equal times far longer than rounding or packets make it; or None."""
  firsts = np.concatenate([[0], np.flatnonzero(np.diff(values_t)) + 1])
  runs = np.diff(np.append(firsts, len(values_t)))
  longest = int(np.argmax(runs))
  others = np.delete(runs, longest)
  if runs[longest] > _STILL * max(np.median(others), 1):
    return int(firsts[longest])
  return None


def _filled(values_t: np.ndarray, missing_t: np.ndarray) -> np.ndarray:
  """Missing times between or beyond others, evenly."""
  rows = np.arange(len(values_t))
  known = rows[~missing_t]
  filled_t = np.interp(rows, known, values_t[known])
  step = np.median(np.diff(values_t[known]) / np.diff(known))
  first, last = known[0], known[-1]
  filled_t[:first] = values_t[first] - step * (first - rows[:first])
  filled_t[last + 1:] = values_t[last] + step * (rows[last + 1:] - last)
  return filled_t


def _without_restarts(values_t: np.ndarray, kind: str) -> tuple[np.ndarray, str]:
  """Times of a clock or counter that begins again at 0, continued; and a note."""
  steps = np.diff(values_t)
  back = np.flatnonzero(steps < 0)
  rising = steps[steps > 0]
  if len(rising) == 0:
    return values_t, ""
  usual = max(20 * np.median(rising), np.quantile(rising, 0.99))

  if kind == CLOCK:
    periods = _clock_periods(values_t, back, steps, usual)
    words = "the clock passes midnight or noon"
  else:
    counters = _COUNTERS
    if kind == PAIR:
      counters = _PAIRS
    periods = _counter_periods(values_t, back, steps, usual, counters)
    words = "the counter of time begins again at 0"
  if periods is None:
    return values_t, ""

  added_t = np.zeros(len(values_t))
  added_t[back + 1] = periods
  times = count(len(back), "time", "times")
  return values_t + np.cumsum(added_t), f"{words} {times}, continued"


def _clock_periods(
    values_t: np.ndarray,
    back: np.ndarray,
    steps: np.ndarray,
    usual: float,
) -> list[float] | None:
  periods = []
  for at in back:
    over_noon = 0 <= steps[at] + _HALF_DAY_S <= usual
    if over_noon and values_t[at] >= _HALF_DAY_S:
      periods.append(_HALF_DAY_S)
    elif steps[at] < -_HALF_DAY_S:
      periods.append(_DAY_S)
    else:
      return None
  return periods


def _counter_periods(
    values_t: np.ndarray,
    back: np.ndarray,
    steps: np.ndarray,
    usual: float,
    counters: Sequence[float],
) -> list[float] | None:
  for period in counters:
    after_s = steps[back] + period
    small = (after_s >= 0) & (after_s <= usual)
    within = values_t.min() >= 0 and values_t.max() <= period
    if values_t.min() < 0:   # an integer with a sign
      within = -period / 2 <= values_t.min() and values_t.max() < period / 2
    if small.all() and within and usual <= period / 10:
      return [period] * len(back)
  return None


def _sorted(values_t: np.ndarray, notes: list[str]) -> Ordered:
  """Lines in the order of their times, unless that would mix two recordings."""
  steps = np.diff(values_t)
  back = np.flatnonzero(steps < 0)
  if len(back) == 0:
    return Ordered(values_t, None, tuple(notes))

  if not (steps > 0).any():
    order = np.arange(len(values_t))[::-1]
    notes.append("the lines run backwards in time, turned")
    return Ordered(values_t[order], order, tuple(notes))

  order = np.argsort(values_t, kind="stable")
  breaks = int((np.diff(order) != 1).sum())
  sorted_steps = np.diff(values_t[order])
  apart = np.abs(sorted_steps - np.median(sorted_steps))
  is_even = np.quantile(apart, 0.9) <= 0.1 * np.median(sorted_steps)
  is_shuffled = len(back) > _SHUFFLED * len(steps)
  farthest = int(np.abs(order - np.arange(len(order))).max())
  moved_far = farthest > min(_FARTHEST, len(order) / 4)
  # Lines or packets that moved leave three breaks each.
  is_mixed = breaks > 3 * len(back)
  if is_mixed or (is_shuffled and not is_even) or (moved_far and not is_shuffled):
    at = int(back[0])
    why_not = f"goes back from {values_t[at]:.15g} to {values_t[at + 1]:.15g}"
    return Ordered(values_t, why_not=why_not, at=at)
  back_words = count(len(back), "place", "places")
  notes.append(f"lines sorted by their times, which go back in {back_words}")
  return Ordered(values_t[order], order, tuple(notes))
