"""Delimited text as users have it: its columns, read in bounded memory."""
import itertools
import pathlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from jaxsig.data import clock_texts
from jaxsig.data.text_cells import Numbers, bare, numbers_of
from jaxsig.data.text_dialect import BLANKS, Dialect, dialect_of, says_separator, split_lines
from jaxsig.data.text_head import NUMBERS, TEXT, Head, head_of, is_comment
from jaxsig.data.text_lines import Block, encoding_of, line_blocks, no_table
from jaxsig.errors import UserError
from jaxsig.plurals import count, noun

_SAMPLE_LINES = 2000   # from which the layout is taken
_MOST_COLUMNS = 500
_LONG_TABLE_LINES = 20
_MOST_SIGNALS = 20
_DELIMITERS = {
  ";": "semicolons",
  "\t": "tabs",
  "|": "bars",
  BLANKS: "blanks",
}


class Column(NamedTuple):
  """A column of a table.

  Attributes:
    name, unit: as the file spells them; "" where it has none.
    kind: "numbers", "text", or what its texts say: "date and time", "time of day", "date".
    values_t: [t] float64: numbers, or seconds; NaN where a cell is blank or a word for missing.
      Empty for text.
    wrong: a sentence on the first cell that is neither; "" where there is none.
  """
  name: str
  unit: str
  kind: str
  values_t: np.ndarray
  wrong: str


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


def read_table(path: pathlib.Path) -> Table:
  """Reads a text file of columns of numbers, whatever parts its cells and stands above them.

  Raises:
    UserError: it is no table of numbers, or a line has more cells than the others.
  """
  encoding, encoding_note = encoding_of(path)
  blocks = line_blocks(path, encoding)
  first_block = next(blocks, None)
  if first_block is None:
    raise no_table(path, "it is empty")

  sample = list(itertools.islice(filter(_has_text, first_block.lines), _SAMPLE_LINES))
  if not sample:
    raise no_table(path, "it has no text")
  dialect = dialect_of(sample, path)
  head = head_of(sample, dialect)
  if head is None:
    raise no_table(path, f"no line with numbers follows {sample[0].strip()[:40]!r}")

  if len(head.kinds) > _MOST_COLUMNS:
    raise no_table(path, f"it has {len(head.kinds)} columns; samples stand below each other")

  _check_wide(sample[head.body:], dialect, head, path)
  reader = _Reader(path, dialect, head)
  for block in itertools.chain([first_block], blocks):
    reader.add(block)
  notes = [encoding_note, *_layout_notes(dialect, head), *reader.notes()]
  return reader.table(tuple(note for note in notes if note))


def _has_text(line: str) -> bool:
  text = line.lstrip()
  return bool(text) and not (text[0] in 'sS"' and says_separator(text))


def _check_wide(
    lines: Sequence[str],
    dialect: Dialect,
    head: Head,
    path: pathlib.Path,
) -> None:
  """Refuses a long table, in which a column tells by line which signal a sample is of."""
  rows = split_lines(lines, dialect.delimiter)
  for i, kind in enumerate(head.kinds):
    cells = [row[i] for row in rows if len(row) > i]
    if kind != TEXT or len(cells) < _LONG_TABLE_LINES:
      continue
    changes = sum(before != after for before, after in itertools.pairwise(cells))
    if 2 * changes > len(cells) and len(set(cells)) <= _MOST_SIGNALS:
      raise UserError(
        f"column {head.names[i]!r} of {path} tells line by line which signal a sample belongs to: "
        "export it with a column for each signal"
      )


def _layout_notes(dialect: Dialect, head: Head) -> Iterator[str]:
  if dialect.delimiter in _DELIMITERS:
    yield f"columns parted by {_DELIMITERS[dialect.delimiter]}"
  if dialect.decimal == ",":
    yield "decimal commas"
  if head.remarks:
    lines = noun(len(head.remarks), "first line", f"first {len(head.remarks)} lines")
    yield f"the {lines} skipped"
  if any(head.units):
    yield f"units from the line below the names: {', '.join(head.units)}"


class _Reader:
  """Gathers the columns of a table from blocks of its lines."""

  def __init__(self, path: pathlib.Path, dialect: Dialect, head: Head):
    self._path = path
    self._dialect = dialect
    self._head = head
    self._to_skip = head.body
    self._parts = [[] for _ in head.kinds]
    self._lines = []
    self._wrong = [""] * len(head.kinds)
    self._short = 0
    self._comments = 0
    self._cut_line = 0

  def add(self, block: Block) -> None:
    """Adds the samples of a block."""
    numbers = []
    lines = []
    for number, line in enumerate(block.lines, block.first):
      if not _has_text(line):
        continue
      if self._to_skip:
        self._to_skip -= 1
      elif is_comment(line):
        self._comments += 1
      else:
        numbers.append(number)
        lines.append(line)

    rows = split_lines(lines, self._dialect.delimiter)
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

  def _fit(self, row: list[str], number: int) -> None:
    """Makes a row as wide as the table."""
    width = len(self._head.kinds)
    extra = [cell for cell in row[width:] if bare(cell)]
    if extra:
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
      if not self._wrong[i]:
        self._wrong[i] = f"text such as {bare(cells[0])[:40]!r}"
      return

    column = self._column(kind, cells)
    self._parts[i].append(column.values_t)
    if column.wrong is not None:
      self._check_title(i, cells[column.wrong:], numbers[column.wrong:])
      if not self._wrong[i]:
        cell = bare(cells[column.wrong])[:40]
        self._wrong[i] = f"{cell!r} in line {numbers[column.wrong]}"

  def _column(self, kind: str, cells: Sequence[str]) -> Numbers:
    if kind == NUMBERS:
      return numbers_of(cells, self._dialect.decimal)
    return clock_texts.seconds_of(cells)

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
      columns.append(Column(name, self._head.units[i], kind, values_t, self._wrong[i]))
    return Table(
      path=self._path,
      columns=tuple(columns),
      titled=self._head.titled,
      line_t=np.concatenate(self._lines),
      remarks=self._head.remarks,
      notes=notes,
    )
