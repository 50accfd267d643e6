"""How a text table is written: what parts its cells, and its decimal mark."""
import csv
import itertools
import pathlib
import re
from collections.abc import Sequence
from typing import NamedTuple

from jaxsig.data.signal_files.text_cells import bare, is_number
from jaxsig.errors import UserError

BLANKS = " "   # runs of blanks and tabs
ONE_COLUMN = ""
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
_COMMA_OR_WHOLE = re.compile(r"[+-]?\d+(,\d+([eE][+-]?\d+)?)?")
_ONLY_DECIMALS = re.compile(r"0\d*|\d+[eE][+-]?\d+")   # as no whole number is written
_DIGITS = re.compile(r"[+-]?\d[\d.,'\u2019 \u00a0\u202f]*")
_LEAST_GROUPED = 3
_SEPARATOR_LINE = re.compile(r"\"?sep=(.|\\t)\"?", re.IGNORECASE)   # for spreadsheets


class Dialect(NamedTuple):
  """What parts the cells of a line (BLANKS and ONE_COLUMN are names), and the decimal mark."""
  delimiter: str
  decimal: str
  thousands: str = ""   # groups digits: 1.234,5


def dialect_of(lines: Sequence[str], path: pathlib.Path) -> Dialect:
  """Returns how a table is written.

  Args:
    lines: the first ones of the file that are not blank; most hold samples.
    path: for the error.

  Raises:
    UserError: a comma may part columns or be the decimal mark.
  """
  body = lines[len(lines) // 2:][:500]
  if len(body) > 2:
    body = body[:-1]   # the last one may be cut

  commas_with_blanks = all(re.search(r",\s", line) for line in body)
  for delimiter in (";", "\t", "|"):
    if delimiter == "\t" and commas_with_blanks:
      continue
    if all(delimiter in line for line in body):
      rows = split_lines(body, delimiter)
      dialect = Dialect(delimiter, _decimal_in(rows))
      if _has_numbers(rows, dialect.decimal):   # else it stands in a text
        return dialect

  if all(_has_gap(line) for line in body):
    if commas_with_blanks:
      return Dialect(",", _decimal_in(split_lines(body, ",")))
    tokens = split_lines(body, BLANKS)
    if _are_comma_numbers(tokens):
      return Dialect(BLANKS, ",")
    if not any("," in line for line in body):
      return Dialect(BLANKS, ".")

  with_comma = [line for line in body if "," in line]
  if not with_comma:
    return Dialect(ONE_COLUMN, ".")
  return _comma_dialect(lines, body, path)


def says_separator(line: str) -> bool:
  """Returns whether a line, such as sep=;, only tells a spreadsheet what parts the cells."""
  return _SEPARATOR_LINE.fullmatch(line.rstrip("\r\n ").strip(" ")) is not None


def _has_numbers(rows: Sequence[Sequence[str]], decimal: str) -> bool:
  """Whether at least every second line has a number or a word for a missing one."""
  with_number = 0
  for row in rows:
    with_number += any(is_number(cell, decimal) or bare(cell).lower() == "nan" for cell in row)
  return 2 * with_number >= len(rows)


def _has_gap(line: str) -> bool:
  return len(line.split()) > 1


def _are_comma_numbers(rows: Sequence[Sequence[str]]) -> bool:
  """Whether every cell is whole or has a decimal comma, and some have one."""
  cells = [bare(cell) for row in rows for cell in row]
  fit = all(_COMMA_OR_WHOLE.fullmatch(cell) for cell in cells)
  return fit and any("," in cell for cell in cells)


def _decimal_in(rows: Sequence[Sequence[str]]) -> str:
  for row in rows:
    for cell in row:
      if _COMMA_NUMBER.fullmatch(bare(cell)):
        return ","
  return "."


def _comma_dialect(lines: Sequence[str], body: Sequence[str], path: pathlib.Path) -> Dialect:
  """The lines have commas and nothing else that parts cells."""
  rows = split_lines(body, ",")
  if _decimal_in(rows) == ",":   # quotes hold a number and its comma together
    if max(map(len, rows)) == 1:
      return Dialect(ONE_COLUMN, ",")
    return Dialect(",", ",")

  widths = [len(row) for row in rows]
  if not all(_is_whole_or_blank(cell) for row in rows for cell in row):
    return _with_exponents(rows) or Dialect(",", ".")
  if max(widths) != 2:
    _check_decimals_in_pairs(rows, path)
    return Dialect(",", ".")

  if min(widths) == 1 or any(_are_parts_of_one(row) for row in rows):
    return Dialect(ONE_COLUMN, ",")
  names = _names_above(lines)
  if names == 1 and not _counts(rows):
    return Dialect(ONE_COLUMN, ",")
  if names == 2 or _counts(rows) or any(bare(row[1])[:1] in ("-", "+", "") for row in rows):
    return Dialect(",", ".")
  raise UserError(
    f"a line of {path} such as {body[0].strip()!r} is either two whole numbers or one with a "
    "decimal comma: write decimal points, or a header line with the names of the columns"
  )


def _is_whole_or_blank(cell: str) -> bool:
  text = bare(cell).lstrip("+-")
  return not text or text.isdecimal()


def _with_exponents(rows: Sequence[Sequence[str]]) -> Dialect | None:
  """A single column such as 1,5E-01: its second part alone has the exponent."""
  for row in rows:
    if len(row) != 2 or not _is_whole_or_blank(row[0]):
      return None
    if not re.fullmatch(r"\d+[eE][+-]?\d+", bare(row[1])):
      return None
  return Dialect(ONE_COLUMN, ",")


def _are_parts_of_one(row: Sequence[str]) -> bool:
  whole, decimals = (bare(cell) for cell in row)
  if whole == "-0":
    return True
  return len(decimals) > 1 and _ONLY_DECIMALS.fullmatch(decimals) is not None


def _check_decimals_in_pairs(rows: Sequence[Sequence[str]], path: pathlib.Path) -> None:
  """Refuses decimal commas between commas: 0,015,1,523."""
  for row in rows:
    decimals = [bare(cell) for cell in row[1::2]]
    if len(row) % 2 == 0 and any(re.fullmatch(r"0\d+", cell) for cell in decimals):
      raise UserError(
        f"a line of {path} such as {','.join(row).strip()!r} has commas between columns and, it "
        "seems, decimal commas: export it with semicolons or with decimal points"
      )


def _counts(rows: Sequence[Sequence[str]]) -> bool:
  """Whether the first of two columns counts the lines."""
  if len(rows) < 3 or any(not bare(row[0]) for row in rows):
    return False
  firsts = [int(bare(row[0])) for row in rows]
  return all(after - before == 1 for before, after in itertools.pairwise(firsts))


def _names_above(lines: Sequence[str]) -> int:
  """Number of names in the last line of the head without a number; 0 where there is none."""
  names = 0
  for line in lines[:50]:
    cells = split_lines([line], ",")[0]
    if any(is_number(cell, ".") for cell in cells):
      break
    names = len(cells)
  return names


def cells_of(lines: Sequence[str], dialect: Dialect) -> list[list[str]]:
  """Splits lines into cells, whose digits are not grouped."""
  rows = split_lines(lines, dialect.delimiter)
  if not dialect.thousands:
    return rows
  grouped = _grouped(dialect.thousands, dialect.decimal)
  plain_rows = []
  for row in rows:
    plain_row = []
    for cell in row:
      if grouped.fullmatch(bare(cell)):
        cell = bare(cell).replace(dialect.thousands, "")
      plain_row.append(cell)
    plain_rows.append(plain_row)
  return plain_rows


def with_thousands(dialect: Dialect, lines: Sequence[str]) -> Dialect:
  """Returns a dialect with the mark that certainly groups digits, where there is one.

  All numbers that have the mark have it in the places of thousands, some beside a decimal mark.
  """
  if dialect.delimiter not in (";", "\t", "|"):
    return dialect
  rows = split_lines(lines, dialect.delimiter)
  cells = [bare(cell) for row in rows for cell in row]
  for mark in (".", "'", "\u2019", " ", "\u00a0", "\u202f", ","):
    with_mark = [cell for cell in cells if mark in cell and _DIGITS.fullmatch(cell)]
    for decimal in (",", "."):
      pattern = _grouped(mark, decimal)
      if mark == decimal or len(with_mark) < _LEAST_GROUPED:
        continue
      certain = sum(decimal in cell for cell in with_mark)
      if certain >= 2 and all(pattern.fullmatch(cell) for cell in with_mark):
        return Dialect(dialect.delimiter, decimal, mark)
  return dialect


def _grouped(mark: str, decimal: str) -> re.Pattern:
  group = re.escape(mark)
  return re.compile(rf"[+-]?[1-9]\d{{0,2}}(?:{group}\d{{3}})+(?:{re.escape(decimal)}\d*)?")


def split_lines(lines: Sequence[str], delimiter: str) -> list[list[str]]:
  """Splits lines into cells; quotes hold a cell together."""
  if delimiter == ONE_COLUMN:
    return [[line] for line in lines]

  if any('"' in line for line in lines):
    return _split_quoted(lines, delimiter)
  if delimiter == BLANKS:
    return [line.split() for line in lines]
  return [line.split(delimiter) for line in lines]


def _split_quoted(lines: Sequence[str], delimiter: str) -> list[list[str]]:
  plain = lines
  if delimiter == BLANKS:
    plain = [" ".join(line.split()) for line in lines]
  try:
    rows = list(csv.reader(plain, delimiter=delimiter, skipinitialspace=True))
    if len(rows) == len(lines):
      return rows
  except csv.Error:
    pass

  rows = []   # a quote that is not closed would join lines
  for line in plain:
    if line.count('"') % 2:
      rows.append(line.replace('"', "").split(delimiter))
    else:
      rows.append(next(csv.reader([line], delimiter=delimiter, skipinitialspace=True)))
  return rows
