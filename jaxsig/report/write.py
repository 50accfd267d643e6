"""Reports: workdirs' rows to tables, pictures and one page."""
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from etils import epath
from ml_collections import ConfigDict

from jaxsig.errors import UserError
from jaxsig.report import figures, players, provenance, wording
from jaxsig.report.aggregate import ReportFigures, aggregate
from jaxsig.report.along_axis import AxisFigures, aggregate_along
from jaxsig.report.join import LEAKS, Results, load_rows
from jaxsig.report.material import material_of
from jaxsig.report.page import Tile, page
from jaxsig.report.plain import plain_values
from jaxsig.report.provenance import Fact, Split
from jaxsig.report.settings import Settings, read_settings
from jaxsig.report.tables import main_tables, other_tables, short_table
from jaxsig.report.tables_along_axis import main_axis_tables, other_axis_tables
from jaxsig.report.tiles import axis_tiles, report_tiles
from jaxsig.system import Plain, Protocol
from jaxsig.table_text import Table, markdown_table, plain_table

__all__ = ["load_rows", "markdown", "terminal", "update_block", "write_report"]

Config = ConfigDict | Mapping[str, object]   # config.report


def write_report(
    workdirs: Iterable[epath.PathLike],
    folder: epath.PathLike,
    settings: Config,
    protocol: Protocol,
    show: Callable[[str], None] | None = None,
) -> epath.Path:
  """Writes index.html (needs no other file), table.md, table.json, provenance.json and the figures.

  Args:
    workdirs: evaluated ones.
    folder: of the report.
    settings: what to report, `config.report`.
    protocol: of the system.
    show: is given the main tables as `terminal` has them, in the end.

  Returns:
    The path of the page.

  Raises:
    UserError: as `load_rows` and `aggregate` do.
  """
  workdirs = [epath.Path(workdir) for workdir in workdirs]
  folder = epath.Path(folder)
  settings = read_settings(settings)
  results = load_rows(workdirs, settings.axis)
  shown = _shown(results, settings, protocol)
  about = provenance.about_data(workdirs)
  facts = provenance.origin(results, protocol.words) + about
  splits = provenance.splits_of(workdirs)

  folder.mkdir(parents=True, exist_ok=True)
  text = _markdown(shown, results, [*shown.main, *shown.others], provenance.FILE)
  for fact in about:
    text += f"\n{fact.label}: {fact.text}\n"
  (folder / "table.md").write_text(text)
  _write_json(folder / provenance.FILE, provenance.stamps(results))
  _write_json(folder / "table.json", _plain_report(shown, facts, splits))

  pictures = figures.draw_figures(shown.found, results, protocol, workdirs, folder)
  sounds = players.write_sounds(shown.found, results, protocol, workdirs, folder)
  made_by = provenance.provenance_table(results, facts, protocol.words)
  split = provenance.split_table(splits)
  text = page(
      title=_title(shown.found),
      banner=shown.banner,
      tiles=shown.tiles,
      blocks=[*shown.main, *pictures, *sounds, *shown.others, made_by, split],
      ours=shown.found.reference,
  )
  path = folder / "index.html"
  path.write_text(text)
  if show is not None:
    show(_terminal(shown, str(path)))
  return path


def markdown(
    results: Results,
    settings: Config,
    protocol: Protocol,
    short: bool = False,
    link: str = provenance.FILE,
) -> str:
  """All tables as Markdown, under title and banner, with a line on where the figures come from.

  Args:
    results: of `load_rows`.
    settings: what to report, `config.report`.
    protocol: of the system.
    short: only the tables of the primary metrics without excluded units, and the claims.
    link: of the file that tells each method's config, commit and data; empty for none.
  """
  shown = _shown(results, read_settings(settings), protocol)
  tables = [*shown.main, *shown.others]
  if short:
    tables = [short_table(table) for table in shown.main]
  return _markdown(shown, results, tables, link)


def terminal(results: Results, settings: Config, protocol: Protocol, where: str = "") -> str:
  """The tables of the primary metrics and the claims, for a console; `where` the others lie."""
  shown = _shown(results, read_settings(settings), protocol)
  return _terminal(shown, where)


class Block(NamedTuple):
  """A text file in three parts: the middle one is what a table's marks enclose."""
  before: str
  inside: str
  after: str


def block_of(path: epath.PathLike, name: str) -> Block:
  """What stands between `<!-- table:NAME -->` and `<!-- /table -->` of a text file.

  Raises:
    UserError: the file or the marks are missing.
  """
  path = epath.Path(path)
  text = ""
  try:
    if path.exists():
      text = path.read_text()
  except (OSError, UnicodeDecodeError) as error:
    raise UserError(f"{path} cannot be read as text ({error}): name a text file") from error
  mark = f"<!-- table:{name} -->\n"
  end = "<!-- /table -->"
  before, found, rest = text.partition(mark)
  inside, ended, after = rest.partition(end)
  if not found or not ended or "<!-- table:" in inside:
    raise UserError(
        f"{path} has no block <!-- table:{name} --> ... <!-- /table -->: "
        "put these two lines into it first")
  return Block(before + mark, inside, end + after)


def update_block(path: epath.PathLike, name: str, markdown_text: str) -> None:
  """Replaces what stands between `<!-- table:NAME -->` and `<!-- /table -->`.

  No figure in a text is typed by hand.

  Raises:
    UserError: the file or the marks are missing.
  """
  block = block_of(path, name)
  epath.Path(path).write_text(block.before + markdown_text.rstrip() + "\n" + block.after)


class _Shown(NamedTuple):
  """What is shown of the figures, with or without an axis."""
  found: ReportFigures | AxisFigures
  main: Sequence[Table]     # of the primary metrics, and the claims
  others: Sequence[Table]
  tiles: Sequence[Tile]
  banner: str


def _shown(results: Results, settings: Settings, protocol: Protocol) -> _Shown:
  if settings.axis:
    found = aggregate_along(results, settings, protocol)
    main = main_axis_tables(found)
    others = other_axis_tables(found)
    tiles = axis_tiles(found)
  else:
    found = aggregate(results, settings, protocol)
    main = main_tables(found)
    others = other_tables(found)
    if protocol.tables is not None:
      others = [*protocol.tables(material_of(found, results, ())), *others]
    tiles = report_tiles(found)

  banner = wording.banner(found.simulated, found.methods)
  return _Shown(found, main, others, tiles, banner)


def _title(found: ReportFigures | AxisFigures) -> str:
  """The title of a report, which says that a split leaks on purpose."""
  title = found.settings.title
  if found.leaks and LEAKS not in title:
    title += LEAKS
  return title


def _markdown(shown: _Shown, results: Results, tables: Sequence[Table], link: str) -> str:
  words = shown.found.words
  parts = [f"## {_title(shown.found)}"]
  if shown.banner:
    parts.append(f"> **{shown.banner}**")
  for table in tables:
    parts.append(markdown_table(table))
  parts.append(wording.how_averaged(words, shown.found.nesting, _has_errors(results)))
  parts.append(provenance.origin_line(results, words, link))
  return "\n\n".join(parts) + "\n"


def _has_errors(results: Results) -> bool:
  return any(row.is_error for row in results.rows)


def _terminal(shown: _Shown, where: str) -> str:
  parts = []
  if shown.banner:
    parts.append(f"*** {shown.banner} ***")
  for table in shown.main:
    parts.append(plain_table(table))
  if where:
    parts.append(f"All tables and figures: {where}")
  return "\n\n".join(parts)


def _plain_report(shown: _Shown, facts: Sequence[Fact], splits: Sequence[Split]) -> Plain:
  """All figures as plain values."""
  report = plain_values(shown.found)
  origin = [list(fact) for fact in facts]
  members = {split.workdir: split.members for split in splits}
  return {**report, "origin": origin, "split": members}


def _write_json(path: epath.Path, plain: Plain) -> None:
  path.write_text(json.dumps(plain, indent=1, allow_nan=False))
