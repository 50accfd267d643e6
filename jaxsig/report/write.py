"""Workdirs' rows -> tables, pictures, one page."""
import json
import math
import pathlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from jaxsig.errors import UserError
from jaxsig.report import along_axis as axis
from jaxsig.report import figures as plots
from jaxsig.report import figures_along_axis as plots_axis
from jaxsig.report import page
from jaxsig.report.aggregate import aggregate, result
from jaxsig.report.page import Table, worded
from jaxsig.report.tables import interval, tables, text

CLOSE = 1e-3   # of a row's result, relative or absolute: what two workdirs may differ by and still agree
BANNER = "SIMULATED: no evidence about real data"
RULE = ("Figures are means over patients: windows are averaged within a seed, seeds within a recording, recordings "
        "within a patient. [low, high] are 95 % intervals by bootstrap over patients; limits of agreement are bias "
        "-+ 1.96 SD, each patient of equal weight.")


def load_rows(workdirs: Iterable[str | pathlib.Path]) -> list[dict]:
  """Joins the rows of several workdirs; what two of them share (rivals, as a rule) is taken from the first.

  A workdir's own method ("methods" in its config.json, or else that of its first row) that bears the name of an earlier one but
  gives other results becomes `name (workdir)`. Any other shared row whose result differs is marked {"clash": True}, which the
  tables tell. Rows get "seconds" from the workdir's timing.json, {method: seconds}, None where it does not say; and where the first
  workdir's config has a report.axis, "at": the number at that key in the config of the row's workdir, by which rows differ.

  Raises:
    UserError: no workdir, no rows, a broken line, simulated beside real recordings, one row on two versions of data, no number at
      report.axis.
  """
  joined, along = {}, None
  for workdir in map(pathlib.Path, workdirs):
    rows, config = _read(workdir), _json(workdir / "config.json")
    along = config.get("report", {}).get("axis", "") if along is None else along
    rows = [{**row, "at": axis.setting(workdir, config, along)} for row in rows] if along else rows
    own = set(config.get("methods") or [rows[0]["method"]])
    differing = {r["method"] for r in rows if r["method"] in own and not _agree(joined.get(_key(r), r), r)}
    for row in rows:
      row = {**row, "method": f"{row['method']} ({workdir.name})"} if row["method"] in differing else row
      first = joined.setdefault(_key(row), row)
      if first["data"] != row["data"]:
        raise UserError(f"{workdir} scored {row['method']} on {row['record']} with data {row['data']}, another workdir "
                        f"with data {first['data']}: evaluate both on the same data or report them separately")
      if not _agree(first, row):
        joined[_key(row)] = {**first, "clash": True}
  sources = sorted({r["source"] for r in joined.values()})
  if "simulated" in sources and len(sources) > 1:
    raise UserError(f"simulated and real recordings ({', '.join(sources)}) share no table: report them separately")
  return list(joined.values())


def _read(workdir: pathlib.Path) -> list[dict]:
  if not (workdir / "config.json").is_file():
    raise UserError(f"{workdir} is not a workdir (it holds no config.json): name the --workdir of a training")
  path = workdir / "rows.jsonl"
  if not path.is_file() or not path.stat().st_size:
    raise UserError(f"{path} is missing or empty: run --mode=eval with --workdir={workdir} first")
  try:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
  except ValueError as error:
    raise UserError(f"{path} has a broken line ({error}): delete it and run --mode=eval again") from None
  seconds = _json(workdir / "timing.json") if (workdir / "timing.json").is_file() else {}
  return [{**row, "seconds": seconds.get(row["method"])} for row in rows]


def _json(path: pathlib.Path) -> dict:
  try:
    return json.loads(path.read_text())
  except ValueError as error:
    raise UserError(f"{path} is broken ({error}): delete it and run --mode=eval again") from None


def _key(row: dict) -> tuple:
  return tuple(row[k] for k in ("method", "metric", "record", "unit", "member")) + (row.get("at"),)


def _agree(a: dict, b: dict) -> bool:
  one, other = result(a), result(b)
  return a["kept"] == b["kept"] and (abs(one - other) <= CLOSE * (1 + abs(other)) or (math.isnan(one) and math.isnan(other)))


class _Form(NamedTuple):
  """How rows become figures, and what is made of those."""
  aggregate: Callable   # (rows, report) -> found
  tables: Callable      # (found, report) -> [Table]
  draw: Callable        # (rows, found, report, workdirs, folder) -> [Picture]
  tiles: Callable       # (found, report) -> [(figure, what it is)]


def _form(report: dict) -> _Form:
  along = _Form(axis.aggregate, axis.tables, plots_axis.draw, axis.tiles)
  return along if report.get("axis") else _Form(aggregate, tables, plots.draw, _tiles)


def markdown(rows: list[dict], report: dict, short: bool = False) -> str:
  """All tables as Markdown, under the title and the banner where recordings are simulated, and how they came about.

  Args:
    rows: as from `load_rows`.
    report: as for `aggregate`.
    short: only the table of the primary metric on what was kept, and the claims.
  """
  return _markdown(_form(report).aggregate(rows, report), rows, report, short)


def _markdown(found: dict, rows: list[dict], report: dict, short: bool = False) -> str:
  head = [f"## {report['title']}"] if "title" in report else []
  head += [f"> **{BANNER}**"] if found["simulated"] else []
  origin = " ".join(f"{label}: {text}." for label, text in _origin(rows, report))
  shown, rule = _form(report).tables(found, report), worded(RULE, report)
  return "\n\n".join([*head, *[page.markdown(t) for t in (_few(shown) if short else shown)], rule, origin]) + "\n"


def _few(every: list[Table]) -> list[Table]:
  first = every[0]._replace(lines=[line for line in every[0].lines if not line[0].endswith(", all windows")])
  return [first, *[t for t in every if t.title == "Claims"]]


def terminal(rows: list[dict], report: dict) -> str:
  """The same tables in aligned columns, for a console."""
  return _terminal(_form(report).aggregate(rows, report), report)


def _terminal(found: dict, report: dict) -> str:
  banner = [f"*** {BANNER} ***"] if found["simulated"] else []
  return "\n\n".join([*banner, *[page.plain(t) for t in _form(report).tables(found, report)]])


def _origin(rows: list[dict], report: dict) -> list[tuple[str, str]]:
  """Where the rows came from, in words: (label, text)."""
  every = lambda name: ", ".join(map(str, sorted({r[name] for r in rows})))
  made = defaultdict(dict)
  for r in rows:
    made[f"config {r['config']}, commit {r['commit']}, data {r['data']}, step {r['step']}"][r["method"]] = None
  count = lambda name: len({r[name] for r in rows})
  own = lambda said: worded(said, report)
  return [(own("recordings").capitalize(), own(f"{count('record')} of {count('group')} patients, {every('source')}")),
          ("Members", f"{count('member')} (folds {every('fold')}; seeds {every('seed')})"),
          *[("Made by", f"{stamp}: {', '.join(names)}") for stamp, names in made.items()]]


def _about(workdirs: list[pathlib.Path]) -> tuple[list[tuple[str, str]], dict[str, list]]:
  """Licence and citations of the data as (label, text), and {workdir: the members of its split}."""
  cards = [_json(w / "config.json").get("data_card", {}) for w in workdirs]
  said = [("Licence", card["licence"]) for card in cards if card.get("licence")]
  said += [("Citation", text) for card in cards for text in card.get("citation", [])]
  paths = [w / "split.json" for w in workdirs]
  return list(dict.fromkeys(said)), {p.parent.name: json.loads(p.read_text())["members"] for p in paths if p.is_file()}


def write(workdirs: Iterable[str | pathlib.Path], folder: str | pathlib.Path, show: Callable[[str], None] | None = None) -> pathlib.Path:
  """Writes index.html (needs no other file), table.md, table.json and the figures; returns the path of the page.

  `show` is given the tables as `terminal` has them, in the end. The first workdir's config says what to report. Raises
  UserError as `load_rows` and `aggregate` do.
  """
  workdirs, folder = [pathlib.Path(w) for w in workdirs], pathlib.Path(folder)
  rows = load_rows(workdirs)
  report = _json(workdirs[0] / "config.json")["report"]
  form, (cards, splits) = _form(report), _about(workdirs)
  found = form.aggregate(rows, report)
  folder.mkdir(parents=True, exist_ok=True)
  (folder / "table.md").write_text(_markdown(found, rows, report) + "".join(f"\n{label}: {text}\n" for label, text in cards))
  everything = {**found, "report": report, "origin": _origin(rows, report) + cards, "split": splits}
  (folder / "table.json").write_text(json.dumps(everything, indent=1, allow_nan=False))
  shown = form.tables(found, report)
  further = len(shown) - len({*report.get("metrics", ())} - {report["primary"]})
  members = [[f"{name} {m['member']}", *[", ".join(m[k]) for k in ("test", "val", "train")]]
             for name, split in splits.items() for m in split]
  last = [Table("Provenance", ["", ""], everything["origin"], worded(RULE, report), False),
          Table(f"Split: {len(members)} members", ["member", "test", "validation", "training"], members, "", False)]
  blocks = [*shown[:further], *form.draw(rows, found, report, workdirs, folder), *shown[further:], *last]
  whole = page.page(report.get("title", "Report"), BANNER if found["simulated"] else "", form.tiles(found, report), blocks,
                    found["reference"])
  (folder / "index.html").write_text(whole)
  if show:
    show(_terminal(found, report))
  return folder / "index.html"


def _tiles(found: dict, report: dict) -> list[tuple[str, str]]:
  metric, ours, unit = found["metrics"][report["primary"]], found["reference"], report.get("unit", "")
  x = metric["methods"][ours]["kept"]
  error = [(text(x.get("within"), ".0%"), f"of these within {report.get('within', math.inf):g} {unit}")]
  tiles = [(interval(x, metric["is_error"]), f"{'MAE' if metric['is_error'] else 'mean'} of {ours}, {unit}".rstrip(", ")),
          (text(x["coverage"], ".0%"), "of windows with an estimate"), *(error if metric["is_error"] else []),
          (str(metric["patients"]), f"patients, {metric['records']} recordings, {metric['units']} windows")]
  return [(figure, worded(said, report)) for figure, said in tiles]


def update_block(path: str | pathlib.Path, name: str, markdown_text: str) -> None:
  """Replaces what stands between `<!-- table:NAME -->` and `<!-- /table -->`: no figure in a text is typed by hand.

  Raises:
    UserError: the file or the marks are missing.
  """
  path = pathlib.Path(path)
  before, mark, rest = (path.read_text() if path.is_file() else "").partition(f"<!-- table:{name} -->\n")
  old, end, after = rest.partition("<!-- /table -->")
  if not mark or not end or "<!-- table:" in old:
    raise UserError(f"{path} has no block <!-- table:{name} --> ... <!-- /table -->: put these two lines into it first")
  path.write_text(before + mark + markdown_text.rstrip() + "\n" + end + after)
