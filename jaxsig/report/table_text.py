"""Tables of text, and how they are written as Markdown and for a console."""
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Line(NamedTuple):
  """A line of a table: what it is of, as a rule a method, and the other cells."""
  name: str
  cells: Sequence[str]
  of: str = ""          # which of the method's rows, such as ", all windows"


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
  alignment = "---"
  if table.numbers:
    alignment = "---:"
  rule = ["---"] + [alignment] * (len(table.header) - 1)
  lines = [_markdown_line(table.header), _markdown_line(rule)]
  for line in table.lines:
    name = _markdown_name(line.name, table.titles) + line.of
    lines.append(_markdown_line([name, *line.cells]))

  heading = f"### {table.title}"
  if table.name:
    heading = f"{heading} (`{table.name}`)"
  text = "\n".join([heading, "", *lines, "", table.note])
  return text.rstrip()


def _markdown_name(name: str, titles: Mapping[str, str]) -> str:
  if name in titles and titles[name] != name:
    return f"{titles[name]} (`{name}`)"
  return name


def _markdown_line(cells: Sequence[str]) -> str:
  escaped = [cell.replace("|", "\\|") for cell in cells]
  return f"| {' | '.join(escaped)} |"


def plain_table(table: Table) -> str:
  """The table in aligned columns, for a console."""
  cells = [list(table.header)]
  for line in table.lines:
    cells.append([line.name + line.of, *line.cells])
  widths = []
  for column in zip(*cells):
    widths.append(max(len(cell) for cell in column))

  rule = ["-" * width for width in widths]
  lines = [_aligned(line, widths, table.numbers) for line in (cells[0], rule, *cells[1:])]
  title = table.title
  if table.name:
    title = f"{title} ({table.name})"
  text = "\n".join([title, *lines, table.note])
  return text.rstrip()


def _aligned(cells: Sequence[str], widths: Sequence[int], numbers: bool) -> str:
  padded = [cells[0].ljust(widths[0])]
  for cell, width in zip(cells[1:], widths[1:]):
    if numbers:
      padded.append(cell.rjust(width))
    else:
      padded.append(cell.ljust(width))
  return "  ".join(padded).rstrip()
