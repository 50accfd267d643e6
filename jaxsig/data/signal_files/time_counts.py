"""Columns without the name of a time that count the rows of a table or rise as times do."""
from collections.abc import Sequence

import numpy as np

from jaxsig.data.signal_files.text_body import Column, Table
from jaxsig.data.signal_files.text_head import NUMBERS
from jaxsig.data.signal_files.time_columns import TimeName


def time_counts(table: Table, names: Sequence[TimeName]) -> tuple[list[int], list[str]]:
  """Returns the columns that count rows, by name and content; and notes on them."""
  counting = []
  notes = []
  for i, (column, name) in enumerate(zip(table.columns, names, strict=True)):
    if column.kind != NUMBERS or not name.counts or len(table.columns) == 1:
      continue
    if not column.name and i > 0:
      continue
    steps = _steps(column)
    if len(steps) and np.mean(steps == 1) > 0.5 and (steps > 0).all():
      counting.append(i)
      notes.append(f"{count_title(column)} counts the samples, no signal")
  return counting, notes


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
  """Returns the first column, where it rises by even steps as no signal does."""
  rest = [i for i in range(len(table.columns)) if i not in counting]
  if len(rest) < 2 or table.columns[rest[0]].kind != NUMBERS:
    return []
  steps = _steps(table.columns[rest[0]])
  if len(steps) < 3 or not (steps > 0).all():
    return []
  median = np.median(steps)
  is_even = np.quantile(np.abs(steps - median), 0.9) <= 0.1 * median
  if is_even:
    return [rest[0]]
  return []
