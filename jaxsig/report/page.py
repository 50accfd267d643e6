"""What a reader sees of figures: tables as text, and the one page that holds tables and pictures."""
import base64
import html
import pathlib
import re
from collections.abc import Sequence
from typing import NamedTuple

CSS = """
body{font:16px/1.55 system-ui,-apple-system,"Segoe UI","Helvetica Neue",Arial,sans-serif;color:#1f2933;margin:0}
main{max-width:940px;margin:0 auto;padding:40px 24px 80px} h1{font-size:30px;line-height:1.2;margin:0 0 20px}
h2{font-size:19px;margin:44px 0 10px;overflow-wrap:anywhere} figure{margin:0} img{width:100%;height:auto}
p,figcaption{max-width:76ch;color:#52606d;font-size:14px;margin:8px 0}
.banner{background:#fff4e6;border-left:5px solid #d9602b;color:#8a3a12;font-weight:650;padding:14px 18px}
.banner{margin:0 0 22px} .tiles{display:flex;flex-wrap:wrap;border:solid #d9e0e6;border-width:1px 0;padding:16px 0}
.tiles div{flex:1 1 150px;color:#52606d;font-size:13px;padding-right:16px}
.tiles b{display:block;font-size:24px;color:#0b7285;white-space:nowrap} .wide{overflow-x:auto}
table{border-collapse:collapse;font-size:13.5px;font-variant-numeric:tabular-nums;width:100%}
th{font-weight:600;color:#52606d;border-bottom:1.5px solid #9aa5b1;vertical-align:bottom}
th,td{text-align:right;padding:6px 0 6px 12px} td{border-bottom:1px solid #e8ecf0;white-space:nowrap}
th:first-child,td:first-child{text-align:left;padding-left:0;white-space:normal} .second td{color:#7b8794}
.ours td{font-weight:650;color:#0b7285} .text th,.text td{text-align:left;vertical-align:top}
.text td+td{white-space:normal;overflow-wrap:anywhere} .text td:first-child{color:#52606d;white-space:nowrap}
details{margin-top:36px} summary{cursor:pointer;font-weight:600} @media print{h2,figure,table{break-inside:avoid}}
"""


class Table(NamedTuple):
  """Cells as text, written alike in Markdown, HTML and on a console; one that is not of numbers is set flush left."""
  title: str
  header: list
  lines: list
  note: str = ""
  numbers: bool = True


class Picture(NamedTuple):
  """A PNG beside its page."""
  title: str
  path: pathlib.Path
  note: str


def worded(said: str, report: dict) -> str:
  """A text that speaks of patients, recordings and windows, in the report's own "words" for them."""
  for general, own in report.get("words", {}).items():
    said = re.sub(rf"\b{general}(s?)\b", rf"{own}\1", said)
  return said


def markdown(table: Table) -> str:
  """A heading, the table as Markdown and its note."""
  line = lambda cells: "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"
  rule = line(["---"] + ["---:" if table.numbers else "---"] * (len(table.header) - 1))
  lines = [line(table.header), rule, *map(line, table.lines)]
  return "\n".join([f"### {table.title}", "", *lines, "", table.note]).rstrip()


def plain(table: Table) -> str:
  """The table in aligned columns, for a console."""
  widths = [max(map(len, column)) for column in zip(table.header, *table.lines)]
  side = str.rjust if table.numbers else str.ljust
  line = lambda cells: "  ".join([cells[0].ljust(widths[0]), *[side(c, w) for c, w in zip(cells[1:], widths[1:])]]).rstrip()
  rule = line(["-" * w for w in widths])
  return "\n".join([table.title, line(table.header), rule, *map(line, table.lines), table.note]).rstrip()


def page(title: str, banner: str, tiles: Sequence[tuple[str, str]], blocks: Sequence[Table | Picture],
         ours: str) -> str:
  """One HTML page that needs no other file: large figures (number, what it is), then tables and pictures in order.

  Tables of text longer than 12 lines are folded; the lines of the method `ours` are set off.
  """
  head = "".join(f"<div><b>{html.escape(number)}</b>{html.escape(what)}</div>" for number, what in tiles)
  warning = f'<div class="banner">{html.escape(banner)}</div>' if banner else ""
  body = "".join(_html_picture(b) if isinstance(b, Picture) else _html_table(b, ours) for b in blocks)
  return ('<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
          f'<title>{html.escape(title)}</title><style>{CSS}</style><main><h1>{html.escape(title)}</h1>{warning}'
          f'<div class="tiles">{head}</div>{body}</main></html>\n')


def _html_picture(picture: Picture) -> str:
  data, title = base64.b64encode(picture.path.read_bytes()).decode(), html.escape(picture.title)
  return (f'<h2>{title}</h2><figure><img alt="{title}" src="data:image/png;base64,{data}">'
          f"<figcaption>{html.escape(picture.note)}</figcaption></figure>\n")


def _html_table(table: Table, ours: str) -> str:
  row = lambda cells, tag: "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells)
  kind = lambda name: "ours" if name == ours else "second" if name.endswith(", all windows") else ""
  lines = "".join(f'<tr class="{kind(cells[0])}">{row(cells, "td")}</tr>' for cells in table.lines)
  body = (f'<div class="wide"><table class="{"" if table.numbers else "text"}">'
          f'<tr>{row(table.header, "th")}</tr>{lines}</table></div>')
  note, title = f"<p>{html.escape(table.note)}</p>" if table.note else "", html.escape(table.title)
  if not table.numbers and len(table.lines) > 12:
    return f"<details><summary>{title}</summary>{body}{note}</details>\n"
  return f"<h2>{title}</h2>{body}{note}\n"
