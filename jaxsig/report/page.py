"""The page of a report: one HTML file that holds tables and pictures and needs no other file."""
import base64
import html
import mimetypes
from collections.abc import Sequence
from typing import NamedTuple

from etils import epath

from jaxsig.table_text import Line, Table

MOST_LINES = 12   # of a table; the others are folded

STYLE = """
body{font:16px/1.55 system-ui,-apple-system,"Segoe UI","Helvetica Neue",Arial,sans-serif}
body{color:#1f2933;margin:0}
main{max-width:940px;margin:0 auto;padding:40px 24px 80px}
h1{font-size:30px;line-height:1.2;margin:0 0 20px;overflow-wrap:anywhere}
h2{font-size:19px;margin:44px 0 10px;overflow-wrap:anywhere}
small{font-weight:400;font-size:12px;color:#7b8794;overflow-wrap:anywhere}
figure{margin:0} img{width:100%;height:auto}
p,figcaption{max-width:76ch;color:#52606d;font-size:14px;margin:8px 0}
.banner{background:#fff4e6;border-left:5px solid #d9602b;color:#8a3a12;font-weight:650}
.banner{padding:14px 18px;margin:0 0 22px}
.tiles{display:flex;flex-wrap:wrap;border:solid #d9e0e6;border-width:1px 0;padding:16px 0}
.tiles div{flex:1 1 150px;color:#52606d;font-size:13px;padding-right:16px}
.tiles b{display:block;font-size:24px;color:#0b7285;white-space:nowrap}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:13.5px;font-variant-numeric:tabular-nums;width:100%}
th{font-weight:600;color:#52606d;border-bottom:1.5px solid #9aa5b1;vertical-align:bottom}
th,td{text-align:right;padding:6px 0 6px 12px}
td{border-bottom:1px solid #e8ecf0;white-space:nowrap}
th:first-child,td:first-child{text-align:left;padding-left:0;white-space:normal;min-width:110px}
.second td{color:#7b8794}
.ours td{font-weight:650;color:#0b7285}
.text th,.text td{text-align:left;vertical-align:top}
.text td+td{white-space:normal;overflow-wrap:anywhere}
.text td:first-child{color:#52606d;white-space:nowrap}
.track{display:flex;align-items:center;gap:12px;flex-wrap:wrap;margin:6px 0}
.track span{flex:0 0 220px;font-size:14px} audio{flex:1 1 260px;height:34px;max-width:100%}
details{margin-top:14px} details.section{margin-top:36px}
summary{cursor:pointer;font-weight:600;overflow-wrap:anywhere}
@media (max-width:600px){main{padding:20px 14px 48px} h1{font-size:24px} .tiles b{font-size:20px}}
@media print{h2,figure,table{break-inside:avoid}}
"""


class Picture(NamedTuple):
  """A PNG beside its page."""
  title: str
  path: epath.Path
  note: str


class Track(NamedTuple):
  """An MP3 file beside its page."""
  label: str
  path: epath.Path


class Player(NamedTuple):
  """Tracks to be listened to side by side."""
  title: str
  note: str
  tracks: Sequence[Track]


class Tile(NamedTuple):
  """A large figure at the top of the page."""
  figure: str
  what: str


def page(
    title: str,
    banner: str,
    tiles: Sequence[Tile],
    blocks: Sequence[Table | Picture | Player],
    ours: str,
) -> str:
  """One HTML page: large figures, then tables and pictures in order.

  Secondary tables are folded, and so is what a table has beyond its first 12 lines. The lines of
  the method `ours` are set off.
  """
  warning = ""
  if banner:
    warning = f'<div class="banner">{html.escape(banner)}</div>'
  body = []
  for block in blocks:
    if isinstance(block, Picture):
      body.append(_picture(block))
    elif isinstance(block, Player):
      body.append(_player(block))
    else:
      body.append(_table(block, ours))

  title = html.escape(title)
  return (
      '<!doctype html><html lang="en"><meta charset="utf-8">'
      '<meta name="viewport" content="width=device-width, initial-scale=1">'
      f"<title>{title}</title><style>{STYLE}</style><main><h1>{title}</h1>{warning}"
      f'<div class="tiles">{_tiles(tiles)}</div>{"".join(body)}</main></html>\n')


def _tiles(tiles: Sequence[Tile]) -> str:
  parts = []
  for tile in tiles:
    parts.append(f"<div><b>{html.escape(tile.figure)}</b>{html.escape(tile.what)}</div>")
  return "".join(parts)


def _picture(picture: Picture) -> str:
  data = base64.b64encode(picture.path.read_bytes()).decode()
  kind = mimetypes.types_map[picture.path.suffix]
  title = html.escape(picture.title)
  note = html.escape(picture.note)
  return (
      f'<h2>{title}</h2><figure><img alt="{title}" src="data:{kind};base64,{data}">'
      f"<figcaption>{note}</figcaption></figure>\n")


def _player(player: Player) -> str:
  lines = []
  for track in player.tracks:
    data = base64.b64encode(track.path.read_bytes()).decode()
    label = html.escape(track.label)
    lines.append(
        f'<div class="track"><span>{label}</span><audio controls preload="none" '
        f'aria-label="{label}" src="data:audio/mpeg;base64,{data}"></audio></div>')
  title = html.escape(player.title)
  note = html.escape(player.note)
  return f"<h2>{title}</h2>{''.join(lines)}<p>{note}</p>\n"


def _table(table: Table, ours: str) -> str:
  body = _lines(table, table.lines[:MOST_LINES], ours)
  folded = table.lines[MOST_LINES:]
  if folded:
    body += f"<details><summary>{len(folded)} more</summary>{_lines(table, folded, ours)}</details>"
  if table.note:
    body += f"<p>{html.escape(table.note)}</p>"

  title = _titled(table.title, table.name)
  if table.secondary:
    return f'<details class="section"><summary>{title}</summary>{body}</details>\n'
  return f"<h2>{title}</h2>{body}\n"


def _lines(table: Table, lines: Sequence[Line], ours: str) -> str:
  """A table of some of the lines, which scrolls sideways where it is wider than the page."""
  header = "".join(f"<th>{html.escape(cell)}</th>" for cell in table.header)
  rows = [f"<tr>{header}</tr>"]
  for line in lines:
    name = _titled(table.titles.get(line.name, line.name), line.name, line.of)
    cells = [name, *[html.escape(cell) for cell in line.cells]]
    inner = "".join(f"<td>{cell}</td>" for cell in cells)
    rows.append(f'<tr class="{_line_kind(line, ours)}">{inner}</tr>')

  kind = ""
  if not table.numbers:
    kind = "text"
  return f'<div class="wide"><table class="{kind}">{"".join(rows)}</table></div>'


def _line_kind(line: Line, ours: str) -> str:
  if line.of:
    return "second"
  if line.name == ours:
    return "ours"
  return ""


def _titled(title: str, name: str, of: str = "") -> str:
  """A title with the protocol's own name small beside it, where that is another."""
  text = html.escape(title + of)
  if name and name != title:
    text += f" <small>{html.escape(name)}</small>"
  return text
