"""Delimited text as users have it: its columns, read in bounded memory."""
import itertools
import pathlib
from collections.abc import Iterator, Sequence

from jaxsig.data.signal_files.text_body import Body, Table, has_text
from jaxsig.data.signal_files.text_dialect import (
  BLANKS,
  Dialect,
  cells_of,
  dialect_of,
  with_thousands,
)
from jaxsig.data.signal_files.text_head import TEXT, Head, head_of
from jaxsig.data.signal_files.text_lines import encoding_of, line_blocks, no_table
from jaxsig.errors import UserError
from jaxsig.plurals import noun

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

  sample = list(itertools.islice(filter(has_text, first_block.lines), _SAMPLE_LINES))
  if not sample:
    raise no_table(path, "it has no text")
  dialect = with_thousands(dialect_of(sample, path), sample)
  head = head_of(sample, dialect)
  if head is None:
    raise no_table(path, f"no line with numbers follows {sample[0].strip()[:40]!r}")

  if len(head.kinds) > _MOST_COLUMNS:
    raise no_table(path, f"it has {len(head.kinds)} columns; samples stand below each other")

  _check_wide(sample[head.body:], dialect, head, path)
  body = Body(path, dialect, head)
  for block in itertools.chain([first_block], blocks):
    body.add(block)
  notes = [encoding_note, *_layout_notes(dialect, head), *body.notes()]
  return body.table(tuple(note for note in notes if note))


def _check_wide(
    lines: Sequence[str],
    dialect: Dialect,
    head: Head,
    path: pathlib.Path,
) -> None:
  """Refuses a long table, in which a column tells by line which signal a sample is of."""
  rows = cells_of(lines, dialect)
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
  if dialect.thousands:
    yield f"digits grouped by {dialect.thousands!r}"
  if head.remarks:
    lines = noun(len(head.remarks), "first line", f"first {len(head.remarks)} lines")
    yield f"the {lines} skipped"
  if any(head.units):
    yield f"units from the line below the names: {', '.join(head.units)}"
