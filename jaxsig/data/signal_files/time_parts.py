"""Times in two columns: whole seconds, and what is left of them."""
from collections.abc import Sequence

import numpy as np

from jaxsig.data.signal_files.text_body import Column, Table
from jaxsig.data.signal_files.text_head import NUMBERS
from jaxsig.data.signal_files.time_columns import words_of

_SECONDS = frozenset(("s", "sec", "secs", "second", "seconds"))
_PARTS_S = {
  "ns": 1e-9, "nsec": 1e-9, "nsecs": 1e-9, "nanosec": 1e-9, "nanoseconds": 1e-9,
  "us": 1e-6, "usec": 1e-6, "usecs": 1e-6, "microsec": 1e-6, "microseconds": 1e-6,
  "ms": 1e-3, "msec": 1e-3, "msecs": 1e-3, "millisec": 1e-3, "milliseconds": 1e-3,
}  # fmt: skip


def with_parts_joined(table: Table) -> Table:
  """Returns a table whose column of whole seconds, as in stamp.secs and stamp.nsecs, is exact."""
  columns = list(table.columns)
  for i, column in enumerate(columns):
    at = _part_of(columns, i)
    if at is None:
      continue
    part = columns[at]
    values_t = column.values_t + _PARTS_S[words_of(part.name)[-1]] * part.values_t
    columns[i] = Column("time_s", "", NUMBERS, values_t, column.wrong or part.wrong)
    del columns[at]
    return table._replace(columns=tuple(columns))
  return table


def _part_of(columns: Sequence[Column], i: int) -> int | None:
  """Index of the column with the parts of the whole seconds of another one."""
  column = columns[i]
  words = words_of(column.name)
  if column.kind != NUMBERS or not words or words[-1] not in _SECONDS:
    return None
  if not np.array_equal(column.values_t, np.rint(column.values_t)):
    return None
  for at, other in enumerate(columns):
    other_words = words_of(other.name)
    if other.kind != NUMBERS or other_words[:-1] != words[:-1]:
      continue
    part_s = _PARTS_S.get("".join(other_words[-1:]))
    if part_s is None:
      continue
    seconds_t = part_s * other.values_t
    goes_back = bool((np.diff(seconds_t) < 0).any())
    if seconds_t.min() >= 0 and seconds_t.max() < 1 and goes_back:
      return at
  return None
