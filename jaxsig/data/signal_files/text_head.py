"""What stands above the samples of a text table: remarks, names and units."""
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from jaxsig.data.signal_files import text_clocks
from jaxsig.data.signal_files.text_cells import bare, is_missing, is_number
from jaxsig.data.signal_files.text_dialect import Dialect, cells_of

NUMBERS = "numbers"
TEXT = "text"
UNKNOWN = ""
_LINES = 1000         # a longer head is none
_COMMENT_MARKS = ("#", "%", "//", '"#', "'#", '"%')
_LABCHART = "channeltitle="   # LabChart's line of names, among others with settings
_UNITS = frozenset((
  "s", "sec", "secs", "second", "seconds", "ms", "msec", "milliseconds", "us", "µs", "μs", "usec",
  "ns", "min", "h", "hh:mm:ss", "hh:mm:ss.mmm", "date", "v", "mv", "uv", "µv", "μv", "nv",
  "ma", "ua", "na", "nw", "g", "m/s^2", "m/s2", "m/s²", "deg", "deg/s", "dps", "°", "°c",
  "degc", "hz", "%", "a.u.", "au", "a.u", "nu", "adu", "counts", "count", "raw", "lux", "lx",
  "ut", "µt", "us/cm", "ohm", "kohm", "pm", "unitless", "no unit", "no_units", "n/a",
))


class Head(NamedTuple):
  """The head of a table.

  Attributes:
    names, units: one a column, as the file spells them; "" where there is none.
    kinds: NUMBERS, TEXT, or one of text_clocks, a column.
    body: index of the first line with samples.
    remarks: the lines above the names.
    titled: there is a line with names.
  """
  names: tuple[str, ...]
  units: tuple[str, ...]
  kinds: tuple[str, ...]
  body: int
  remarks: tuple[str, ...]
  titled: bool


def is_comment(line: str) -> bool:
  """Returns whether a line is marked as a comment."""
  return line.lstrip().startswith(_COMMENT_MARKS)


def head_of(lines: Sequence[str], dialect: Dialect) -> Head | None:
  """Returns the head of a table; None where no line holds a number.

  Args:
    lines: the first ones of the file that are not blank.
    dialect: how they are written.
  """
  rows = cells_of(lines, dialect)
  rows = [[bare(cell) for cell in row] for row in rows]
  later = [row for row, line in zip(rows, lines, strict=True) if not is_comment(line)]
  later = later[len(later) // 2:][:500]
  if not later:
    return None

  width = _width(later)
  kinds = [_kind([row[i] for row in later if len(row) > i], dialect) for i in range(width)]
  if NUMBERS not in kinds and UNKNOWN not in kinds:
    return None

  body = _first_of_body(rows, lines, kinds, dialect)
  if body is None:
    return None
  if body == 0 and _are_numbers_names(rows):
    body = 1
  for i, kind in enumerate(kinds):
    if kind == UNKNOWN:   # blank in the later lines
      cells = [row[i] for row in rows[body:] if len(row) > i]
      kinds[i] = _kind(cells, dialect) or NUMBERS

  ends_blank = width > 1 and not any(row[-1] for row in later if len(row) == width)
  titles = _titles(rows[:body], lines[:body], width)
  if ends_blank and (titles.names is None or not rows[titles.names][-1]):
    kinds = kinds[:-1]   # a delimiter at the end of every line
    titles = _titles(rows[:body], lines[:body], width - 1)

  names = [""] * len(kinds)
  if titles.names is not None:
    names = _title_cells(rows[titles.names], lines[titles.names], len(kinds))
  units = [""] * len(kinds)
  if titles.units is not None:
    cells = rows[titles.units][:len(kinds)]
    units = [cell.strip("[]()").strip() for cell in cells]
  remarks = tuple(lines[:titles.first(body)])
  return Head(tuple(names), tuple(units), tuple(kinds), body, remarks, titles.names is not None)


def _width(rows: Sequence[Sequence[str]]) -> int:
  """The commonest number of cells."""
  counts = Counter(len(row) for row in rows)
  return counts.most_common(1)[0][0]


def _kind(cells: Sequence[str], dialect: Dialect) -> str:
  present = [cell for cell in cells if not is_missing(cell)]
  if not present:
    return UNKNOWN
  numbers = sum(is_number(cell, dialect.decimal) for cell in present)
  if 2 * numbers >= len(present):
    return NUMBERS
  counts = Counter(text_clocks.kind_of(cell) for cell in present)
  kind, often = counts.most_common(1)[0]
  if kind and 2 * often >= len(present):
    return kind
  return TEXT


def _first_of_body(
    rows: Sequence[Sequence[str]],
    lines: Sequence[str],
    kinds: Sequence[str],
    dialect: Dialect,
) -> int | None:
  """Index of the first row of samples.

  A row of names may have numbers above it, such as a count of lines.
  """
  is_body = []
  for row, line in zip(rows[:_LINES], lines, strict=False):
    is_body.append(not is_comment(line) and _is_sample(row, kinds, dialect))

  first = None
  for i, yes in enumerate(is_body):
    following = is_body[i + 1:i + 7]
    if yes and 2 * sum(following) >= len(following):
      first = i
      break
  if first is None:
    return None

  width = len(kinds)
  if any(len(row) == width > 1 for row in rows[:first]):
    return first
  for i in range(first + 1, min(first + 4, len(is_body))):   # "1500,2" above the names
    is_title = len(rows[i]) == width > 1 and not is_comment(lines[i])
    if is_title and not any(_fits(cell, NUMBERS, dialect) for cell in rows[i]):
      return i + 1
  return first


def _are_numbers_names(rows: Sequence[Sequence[str]]) -> bool:
  """Whether the first row is of names such as ",0,1" above rows that are counted from 0 on.

  Or such as "0,1" above rows of which none is of whole numbers.
  """
  counted = [str(i) for i in range(len(rows[0]))]
  if len(counted) > 1 and rows[0] == counted and len(rows) > 3:
    return not any(all(cell.isdecimal() for cell in row) for row in rows[2:])
  first_cells = [row[0] for row in rows[:6]]
  counts = [str(i) for i in range(len(first_cells) - 1)]
  return len(rows[0]) > 1 and first_cells == ["", *counts] and len(counts) > 1


def _is_sample(row: Sequence[str], kinds: Sequence[str], dialect: Dialect) -> bool:
  if len(row) < len(kinds):
    return False
  has_number = False
  for cell, kind in zip(row, kinds, strict=False):
    if kind == TEXT:
      continue
    if is_missing(cell):
      has_number = has_number or cell.isalpha() or len(kinds) == 1   # "nan"; a dash may be a unit
      continue
    if kind != UNKNOWN and not _fits(cell, kind, dialect):
      return False
    has_number = has_number or kind == NUMBERS
  return has_number


def _fits(cell: str, kind: str, dialect: Dialect) -> bool:
  if kind == NUMBERS:
    return is_number(cell, dialect.decimal)
  return text_clocks.kind_of(cell) == kind


class _Titles(NamedTuple):
  """Indices of the rows of names and of units above the samples; None where there is none."""
  names: int | None
  units: int | None

  def first(self, body: int) -> int:
    return min(at for at in (self.names, self.units, body) if at is not None)


def _titles(rows: Sequence[Sequence[str]], lines: Sequence[str], width: int) -> _Titles:
  full = []
  for i, row in enumerate(rows):
    cells = _title_cells(row, lines[i], width)
    states = width == 1 or is_comment(lines[i])   # perhaps a setting, such as "fs = 64"
    is_setting = cells[0].endswith("=") or (states and _is_setting(lines[i]))
    if row[0].lower() == _LABCHART and len(cells) == width:
      return _Titles(i, None)
    if len(cells) == width and any(cells) and not is_setting:
      full.append(i)

  last = len(rows) - 1
  if not full or (width == 1 and full[-1] != last):
    return _Titles(None, None)
  last = full[-1]
  if len(full) > 1 and full[-2] == last - 1 and _are_units(rows[last]):
    return _Titles(last - 1, last)
  return _Titles(last, None)


def _is_setting(line: str) -> bool:
  return "=" in line or ":" in line


def _title_cells(row: Sequence[str], line: str, width: int) -> list[str]:
  """The cells of a row of names, which may be marked as a comment.

  R leaves out the name of the column that counts its rows.
  """
  cells = list(row)
  if cells[0].lower() == _LABCHART:
    cells[0] = "time"
  if is_comment(line):
    cells[0] = cells[0].lstrip("#%/ ").strip()
    if not cells[0] and len(cells) > width:
      cells = cells[1:]
  while len(cells) > width and not cells[-1]:
    cells = cells[:-1]
  if len(cells) == width - 1 >= 2 and '"' in line:
    cells = ["", *cells]
  return cells


def _are_units(row: Sequence[str]) -> bool:
  units = [cell.strip("[]()").strip().lower() for cell in row]
  known = sum(unit in _UNITS for unit in units if unit)
  in_brackets = sum(cell[:1] in ("[", "(") for cell in row)
  short = all(len(cell) <= 14 for cell in row)
  filled = sum(bool(unit) for unit in units)
  return short and 2 * (known + in_brackets) >= filled > 0
