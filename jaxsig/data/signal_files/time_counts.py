"""Columns without the name of a time that count the rows of a table or rise as times do."""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jaxsig.data.signal_files.text_body import Column, Table
from jaxsig.data.signal_files.text_head import NUMBERS
from jaxsig.data.signal_files.time_columns import TimeName

_SHORTEST_RECORDING = 256   # samples: a counter that begins again sooner is one of packets
_PERIODS = frozenset((1e3, 2.0**12, 1e4, 2.0**15, 2.0**16, 1e5, 1e6, 2.0**24, 2.0**31, 2.0**32))

class Count(NamedTuple):
  """How a column counts.

  Attributes:
    step: the commonest, from line to line; 0 where none is.
    counts_t: [t] from 0 on, by that step; the line's number where there is none.
    restart: the first row after which it goes back as no counter does; None where none is.
  """
  step: float
  counts_t: np.ndarray
  restart: int | None


def time_counts(table: Table, names: Sequence[TimeName]) -> tuple[list[int], list[str]]:
  """Returns the columns that count rows, by name and content; and notes on them."""
  counting = []
  notes = []
  for i, (column, name) in enumerate(zip(table.columns, names, strict=True)):
    if column.kind != NUMBERS or not name.counts or len(table.columns) == 1:
      continue
    count = count_of(column)
    if count is None or (not column.name and (i > 0 or count.step > 1) and not table.titled):
      continue
    if column.name or i == 0:
      counting.append(i)
      notes.append(_note(column, count))
  return counting, notes


def _note(column: Column, count: Count) -> str:
  by = ""
  if count.step > 1:
    by = f" by {count.step:g} a line"
  return f"{count_title(column)} counts the samples{by}, no signal"


def count_of(column: Column) -> Count | None:
  """Returns how a column of whole numbers counts; None where it does not."""
  values_t = _filled(column.values_t)
  steps = np.diff(values_t)
  if not len(steps):
    return None
  sizes, often = np.unique(steps, return_counts=True)
  step = float(sizes[np.argmax(often)])
  if step <= 0 or (often.max() <= 0.5 * len(steps) and not (steps > 0).all()):
    return None

  back = np.flatnonzero(steps <= 0)
  restart = None
  if len(back):
    if len(back) > 0.2 * len(steps) or not column.name:
      return None
    period = step - float(np.median(steps[back]))
    begins_again = period <= _SHORTEST_RECORDING or period in _PERIODS
    steps[back] += period
    if not begins_again or not (steps > 0).all():
      restart = int(back[0])
  if np.mean(steps % step == 0) <= 0.9:   # the samples are not by even counts
    return Count(0.0, np.arange(len(values_t)), restart)
  return Count(step, np.concatenate([[0.0], np.cumsum(steps / step)]), restart)


def _filled(values_t: np.ndarray) -> np.ndarray:
  """Whole numbers with a few missing ones filled in; none where many are missing, or not whole."""
  known = np.flatnonzero(np.isfinite(values_t))
  known_t = values_t[known]
  if len(known) < 0.9 * len(values_t) or not (known_t == np.rint(known_t)).all():
    return np.zeros(0)
  rows = np.arange(len(values_t))
  return np.rint(np.interp(rows, known, known_t))


def _steps(column: Column) -> np.ndarray:
  """From one row to the next; NaN where a value is missing or infinite."""
  finite = np.isfinite(column.values_t)
  return np.diff(np.where(finite, column.values_t, np.nan))


def count_title(column: Column) -> str:
  """Returns how sentences call a column that counts."""
  if not column.name:
    return "the column without a name"
  return f"column {column.name!r}"


def ramps(table: Table, counting: Sequence[int]) -> list[int]:
  """Returns the first column, or one of two, where it rises by even steps as no signal does."""
  rest = [i for i in range(len(table.columns)) if i not in counting]
  if len(rest) < 2:
    return []
  if _is_ramp(table.columns[rest[0]]):
    return [rest[0]]
  if len(rest) == 2 and _is_ramp(table.columns[rest[1]]):
    return [rest[1]]
  return []


def _is_ramp(column: Column) -> bool:
  if column.kind != NUMBERS:
    return False
  steps = _steps(column)
  if len(steps) < 3 or not (steps > 0).all():
    return False
  median = np.median(steps)
  return bool(np.quantile(np.abs(steps - median), 0.9) <= 0.1 * median)
