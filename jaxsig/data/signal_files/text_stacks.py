"""Recordings stacked in one column, told apart by a column that names them: they are not joined."""
import numpy as np

from jaxsig.data.signal_files.text_body import Column, Table
from jaxsig.data.signal_files.text_head import NUMBERS, TEXT
from jaxsig.data.signal_files.time_columns import words_of
from jaxsig.errors import UserError

_RECORDINGS = ("subj", "partici", "person", "proband", "file", "recording", "record", "patien")
_PARTS = ("session", "trial", "run", "id", "pid", "sid", "uid", "segment", "visit", "block")
_SIGNALS = ("channel", "variable", "sensor", "lead", "modality", "signal", "device")
_BESIDE = frozenset(("id", "name", "number", "no", "nr", "type", "code", "label", "index", "path"))
_LEAST_ROWS = 20      # on average, before the next: else it is a label of single samples
_JUMP = 3.0           # usual steps of time: the samples do not go on


def check_unstacked(table: Table, time_s: np.ndarray | None) -> None:
  """Refuses a table in which recordings or signals stand below each other.

  Args:
    table: of the file.
    time_s: [t] of its rows, where it has times and they are in the order of the lines.

  Raises:
    UserError: a column tells which recording or signal a line belongs to, and has several.
  """
  for column in table.columns:
    kind = _kind(column)
    if not kind:
      continue
    changes = _changes(column)
    if not len(changes) or len(table.line_t) < _LEAST_ROWS * (len(changes) + 1):
      continue
    if kind == "parts" and time_s is not None and _goes_on(time_s, changes):
      continue   # marks in one recording
    line = table.line_t[changes[0]]
    what = "recordings"
    remedy = "write one file for each"
    if kind == "signals":
      what = "signals"
      remedy = "write one file, or one column, for each"
    raise UserError(
      f"column {column.name!r} of {table.path} changes in line {line}, as {what} stand below each "
      f"other: {remedy}"
    )


def _kind(column: Column) -> str:
  words = words_of(column.name)
  named = [word for word in words if word not in _BESIDE]
  if len(named) > 1 or not words:
    return ""
  word = (named or words)[0]
  if word.startswith(_RECORDINGS):
    return "recordings"
  if word in _PARTS:
    return "parts"
  if column.kind == TEXT and word in _SIGNALS:
    return "signals"
  return ""


def _changes(column: Column) -> np.ndarray:
  """Rows whose value differs from that of the row before."""
  if column.kind == TEXT:
    return np.array(column.changes, np.int64)
  if column.kind != NUMBERS:
    return np.zeros(0, np.int64)
  known = np.flatnonzero(np.isfinite(column.values_t))
  return known[1:][np.diff(column.values_t[known]) != 0]


def _goes_on(time_s: np.ndarray, changes: np.ndarray) -> bool:
  """Whether time runs over the changes as elsewhere."""
  steps_s = np.diff(time_s)
  usual_s = max(float(np.median(steps_s)), float(np.quantile(steps_s, 0.9)))
  return bool((steps_s[changes - 1] <= _JUMP * usual_s).all())
