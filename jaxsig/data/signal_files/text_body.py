"""The lines of samples of a text table, gathered block by block into columns."""
import pathlib
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from jaxsig.data.signal_files import text_clocks
from jaxsig.data.signal_files.text_cells import Numbers, bare, is_missing, is_number, numbers_of
from jaxsig.data.signal_files.text_dialect import Dialect, cells_of, says_separator
from jaxsig.data.signal_files.text_head import NUMBERS, TEXT, Head, is_comment
from jaxsig.data.signal_files.text_lines import Block, no_table
from jaxsig.errors import UserError
from jaxsig.plurals import count

_MOST_CHANGES = 1000
_COMMENT_IN_LINE = re.compile(r"#(\*|\d+|\s|$)|//")   # "#1 start" or "#* start", as LabChart has it


class Column(NamedTuple):
  """A column of a table.

  Attributes:
    name, unit: as the file spells them; "" where it has none.
    kind: "numbers", "text", or what its texts say: "date and time", "time of day", "date".
    values_t: [t] float64: numbers, or seconds; NaN where a cell is blank or a word for missing.
      Empty for text.
    wrong: a sentence on the first cell that is neither; "" where there is none.
    changes: rows whose text differs from that of the row before; the first thousand.
  """
  name: str
  unit: str
  kind: str
  values_t: np.ndarray
  wrong: str
  changes: tuple[int, ...] = ()


class Table(NamedTuple):
  """A text file of numbers.

  Attributes:
    path: of the file.
    columns: in the order of the file; names may repeat.
    titled: it has a line of names.
    line_t: [t] int32 number of each row's line in the file, from 1 on.
    remarks: the lines above the names.
    notes: a sentence for each thing that was assumed.
  """
  path: pathlib.Path
  columns: tuple[Column, ...]
  titled: bool
  line_t: np.ndarray
  remarks: tuple[str, ...]
  notes: tuple[str, ...]


def has_text(line: str) -> bool:
  """Returns whether a line is one of a table: not blank, nor a word to a spreadsheet."""
  text = line.lstrip()
  return bool(text) and not (text[0] in 'sS"' and says_separator(text))


class Body:
  """Gathers the columns of a table from blocks of its lines."""

  def __init__(self, path: pathlib.Path, dialect: Dialect, head: Head):
    self._path = path
    self._dialect = dialect
    self._head = head
    self._to_skip = head.body
    self._parts = [[] for _ in head.kinds]
    self._lines = []
    self._wrong = [""] * len(head.kinds)
    self._changes = [[] for _ in head.kinds]
    self._texts = [None] * len(head.kinds)   # of the last row
    self._rows = 0
    self._short = 0
    self._comments = 0
    self._comments_in_lines = 0
    self._cut_line = 0

  def add(self, block: Block) -> None:
    """Adds the samples of a block."""
    numbers = []
    lines = []
    for number, line in enumerate(block.lines, block.first):
      if not has_text(line):
        continue
      if self._to_skip:
        self._to_skip -= 1
      elif is_comment(line):
        self._comments += 1
      else:
        numbers.append(number)
        lines.append(line)

    rows = cells_of(lines, self._dialect)
    width = len(self._head.kinds)
    if block.is_open and rows and len(rows[-1]) < width:
      self._cut_line = numbers[-1]
      rows.pop()
      numbers.pop()
    if not rows:
      return

    for number, row in zip(numbers, rows, strict=True):
      if len(row) != width:
        self._fit(row, number)
    self._lines.append(np.array(numbers, np.int32))
    for i, cells in enumerate(zip(*rows, strict=True)):
      self._add_column(i, cells, numbers)
    self._rows += len(rows)

  def _fit(self, row: list[str], number: int) -> None:
    """Makes a row as wide as the table."""
    width = len(self._head.kinds)
    extra = [cell for cell in row[width:] if bare(cell)]
    if extra and _COMMENT_IN_LINE.match(extra[0]):
      self._comments_in_lines += 1
    elif extra:
      raise UserError(
        f"line {number} of {self._path} has {len(row)} cells where the others have {width}: "
        "correct the line, or cut the file there"
      )
    del row[width:]
    self._short += len(row) < width
    row.extend([""] * (width - len(row)))

  def _add_column(self, i: int, cells: Sequence[str], numbers: Sequence[int]) -> None:
    kind = self._head.kinds[i]
    if kind == TEXT:
      self._check_title(i, cells, numbers)
      self._note_changes(i, cells)
      if not self._wrong[i]:
        decimal = self._dialect.decimal
        texts = [cell for cell in cells if not is_number(cell, decimal) and not is_missing(cell)]
        cell = (texts or cells)[0]
        self._wrong[i] = f"text such as {bare(cell)[:40]!r}"
      return

    column = self._column(kind, cells)
    self._parts[i].append(column.values_t)
    if column.wrong is not None:
      self._check_title(i, cells[column.wrong:], numbers[column.wrong:])
      if not self._wrong[i]:
        cell = bare(cells[column.wrong])[:40]
        self._wrong[i] = f"{cell!r} in line {numbers[column.wrong]}"

  def _note_changes(self, i: int, cells: Sequence[str]) -> None:
    changes = self._changes[i]
    for row, cell in enumerate(cells, self._rows):
      if len(changes) >= _MOST_CHANGES:
        return
      if not cell.strip():
        continue
      if self._texts[i] not in (None, cell):
        changes.append(row)
      self._texts[i] = cell

  def _column(self, kind: str, cells: Sequence[str]) -> Numbers:
    if kind == NUMBERS:
      return numbers_of(cells, self._dialect.decimal)
    return text_clocks.seconds_of(cells)

  def _check_title(self, i: int, cells: Sequence[str], numbers: Sequence[int]) -> None:
    name = self._head.names[i]
    if not name:
      return
    for cell, number in zip(cells, numbers, strict=True):
      if name in cell and bare(cell) == name:
        raise UserError(
          f"line {number} of {self._path} repeats the names of the columns, so another recording "
          "begins there: cut the file in front of it"
        )

  def notes(self) -> Iterator[str]:
    """What was done to single lines."""
    if self._comments:
      yield f"{count(self._comments, 'line', 'lines')} of comments skipped"
    if self._comments_in_lines:
      lines = count(self._comments_in_lines, "comment", "comments")
      yield f"{lines} at the end of lines left out"
    if self._short:
      lines = count(self._short, "line", "lines")
      yield f"{lines} shorter than the others, what lacks taken as missing"
    if self._cut_line:
      yield f"line {self._cut_line}, the last one, is cut off and left out"

  def table(self, notes: tuple[str, ...]) -> Table:
    """The table that was read."""
    if not self._lines:
      raise no_table(self._path, "it has no numbers")
    columns = []
    for i, kind in enumerate(self._head.kinds):
      values_t = np.zeros(0)
      if kind != TEXT:
        values_t = np.concatenate(self._parts[i])
        self._parts[i] = []
      name = self._head.names[i]
      unit = self._head.units[i]
      changes = tuple(self._changes[i])
      columns.append(Column(name, unit, kind, values_t, self._wrong[i], changes))
    return Table(
      path=self._path,
      columns=tuple(columns),
      titled=self._head.titled,
      line_t=np.concatenate(self._lines),
      remarks=self._head.remarks,
      notes=notes,
    )
