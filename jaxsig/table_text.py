"""Tables of text, and how they are written as Markdown and for a console."""
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Line(NamedTuple):
  """A line of a table: what it is of, as a rule a method, and the other cells."""
  name: str
  cells: Sequence[str]
  of: str = ""          # which of the method's rows: ", all units"


class Table(NamedTuple):
  """Cells as text, written alike in Markdown, HTML and on a console."""
  title: str
  header: Sequence[str]
  lines: Sequence[Line]
  note: str = ""
  numbers: bool = True             # else of text: set flush left
  name: str = ""                   # the protocol's own name of what the title says
  titles: Mapping[str, str] = {}   # {name of a line: in words}, shown beside the name
  secondary: bool = False          # folded on the page


def markdown_table(table: Table) -> str:
  """A heading, the table as Markdown and its note."""
  heading = f"### {table.title}"
  if table.name:
    heading = f"{heading} (`{table.name}`)"
  alignment = "---"
  if table.numbers:
    alignment = "---:"
  others = len(table.header) - 1
  rule = ["---", *[alignment] * others]

  text = [heading, ""]
  text.append(_markdown_line(table.header))
  text.append(_markdown_line(rule))
  for line in table.lines:
    name = _markdown_name(line.name, table.titles)
    cells = [name + line.of, *line.cells]
    text.append(_markdown_line(cells))
  text += ["", table.note]
  return "\n".join(text).rstrip()


def _markdown_name(name: str, titles: Mapping[str, str]) -> str:
  title = titles.get(name, name)
  if title == name:
    return name
  return f"{title} (`{name}`)"


def _markdown_line(cells: Sequence[str]) -> str:
  escaped = [cell.replace("|", "\\|") for cell in cells]
  return f"| {' | '.join(escaped)} |"


def plain_table(table: Table) -> str:
  """The table in aligned columns, for a console."""
  rows = [list(table.header)]
  for line in table.lines:
    name = line.name + line.of
    rows.append([name, *line.cells])

  widths = []
  for column in zip(*rows):
    lengths = [len(cell) for cell in column]
    widths.append(max(lengths))
  rule = ["-" * width for width in widths]
  rows.insert(1, rule)

  title = table.title
  if table.name:
    title = f"{title} ({table.name})"
  text = [title]
  for row in rows:
    text.append(_aligned(row, widths, table.numbers))
  text.append(table.note)
  return "\n".join(text).rstrip()


def _aligned(cells: Sequence[str], widths: Sequence[int], numbers: bool) -> str:
  """Cells padded to widths: the first one flush left, numbers flush right."""
  padded = []
  for i, (cell, width) in enumerate(zip(cells, widths)):
    if numbers and i > 0:
      padded.append(cell.rjust(width))
    else:
      padded.append(cell.ljust(width))
  return "  ".join(padded).rstrip()
