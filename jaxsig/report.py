"""Rows -> tables, figures, one page. Nothing else averages: unit -> seed -> record -> patient -> mean over patients."""
import json
import math
import pathlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

import numpy as np

from jaxsig import plots
from jaxsig.config import nearest
from jaxsig.errors import UserError
from jaxsig.metrics.statistics import bootstrap_interval, paired_difference
from jaxsig.plots import Table

BANNER = "SIMULATED recordings: not evidence about patients"
RULE = ("Figures are means over patients: windows are averaged within a seed, seeds within a recording, recordings "
        "within a patient. [low, high] are 95 % intervals by bootstrap over patients; limits of agreement are bias "
        "-+ 1.96 SD, each patient of equal weight.")


def load_rows(workdirs: Iterable[str | pathlib.Path]) -> list[dict]:
  """Joins the rows of several workdirs; what two of them share (rivals, as a rule) is taken from the first.

  A workdir's own system (the method of its first row) that bears the name of another's but gives other results becomes
  `name (workdir)`. Any other shared row whose result differs is marked {"clash": True}, which the tables tell.

  Raises:
    UserError: no workdir, no rows, a broken line, simulated beside real recordings, one row on two versions of data.
  """
  joined, owners = {}, set()
  for workdir in map(pathlib.Path, workdirs):
    rows = _read(workdir)
    own = rows[0]["method"]
    if own in owners and not all(_agree(joined.get(_key(r), r), r) for r in rows if r["method"] == own):
      rows = [{**r, "method": f"{own} ({workdir.name})"} if r["method"] == own else r for r in rows]
    owners.add(own)
    for row in rows:
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
    return [json.loads(line) for line in path.read_text().splitlines()]
  except ValueError as error:
    raise UserError(f"{path} has a broken line ({error}): delete it and run --mode=eval again") from None


def _key(row: dict) -> tuple:
  return tuple(row[k] for k in ("method", "metric", "record", "unit", "member"))


def _agree(a: dict, b: dict) -> bool:
  return a["kept"] == b["kept"] and bool(np.isclose(result(a), result(b), rtol=1e-3, atol=1e-3, equal_nan=True))


def result(row: dict) -> float:
  """The error (estimate - truth) of a row, or its value; NaN where there is none."""
  number = lambda name: math.nan if row[name] is None else float(row[name])
  return number("value") if "value" in row else number("estimate") - number("truth")


def _size(row: dict) -> float:
  return result(row) if "value" in row else abs(result(row))


def _answered(row: dict) -> bool:
  answer = row["value"] if "value" in row else row["estimate"]
  return answer is not None and math.isfinite(answer)


def patient_means(rows: Iterable[dict], of: Callable[[dict], float]) -> dict[str, float]:
  """{patient: mean over records of the mean over members (seeds) of the mean over units of `of(row)`}, sorted."""
  means = defaultdict(list)
  for row in rows:
    means[row["group"], row["record"], row["member"]].append(of(row))
  for _ in range(2):
    above = defaultdict(list)
    for key, values in means.items():
      above[key[:-1]].append(float(np.mean(values)))
    means = above
  return {group: float(np.mean(means[group,])) for group, in sorted(means)}


def aggregate(rows: list[dict], report: dict) -> dict:
  """All figures of the tables as plain JSON values, None where there is none.

  Args:
    rows: as from `load_rows`.
    report: {"primary", "metrics", "unit", "within", "strata", "title", "reference"}; only "primary" must be there.

  Returns:
    {"reference", "methods": [by primary error], "simulated", "paired": {method: figures}, "metrics": {metric:
    {"is_error" (else a value), "patients", "records", "units", "excluded": {why: units}, "strata": {name: sizes},
    "methods": {method: {"kept", "all" (None if none was excluded), "strata": {name: figures}, "by_patient",
    "missing": [patient], "clashes"}}}}}; for the figures see `_figures`.

  Raises:
    UserError: a metric or the reference is in no row.
  """
  methods, known = list(dict.fromkeys(r["method"] for r in rows)), {r["metric"] for r in rows}
  wanted, reference = [report["primary"], *report.get("metrics", [])], report.get("reference") or methods[0]
  for name, names in [(m, known) for m in wanted] + [(reference, methods)]:
    if name not in names:
      raise UserError(f"the report asks for {name!r}, of which there is no row{nearest(name, names)}")
  metrics = {m: _metric([r for r in rows if r["metric"] == m], report) for m in wanted}
  primary, by_error = metrics[report["primary"]]["methods"], metrics[report["primary"]]["is_error"]
  size = {m: found["kept"]["mean"] for m, found in primary.items() if found["by_patient"] and by_error}
  return {"reference": reference, "methods": sorted(methods, key=lambda m: size.get(m, math.inf)), "metrics": metrics,
          "simulated": rows[0]["source"] == "simulated", "paired": _paired(primary, reference)}


def _metric(rows: list[dict], report: dict) -> dict:
  units, by_method = {(r["record"], r["unit"]): r for r in rows}, defaultdict(list)
  for row in rows:
    by_method[row["method"]].append(row)
  groups, kept = {r["group"] for r in rows}, [r for r in units.values() if r["kept"]]
  present, asked = {r["stratum"] for r in kept if r.get("stratum")}, report.get("strata", [])
  strata = {s: [r for r in kept if r.get("stratum") == s] for s in [*asked, *sorted(present - {*asked})] if present}
  return {"is_error": "value" not in rows[0], "patients": len(groups), "records": len({r["record"] for r in rows}),
          "units": len(units), "excluded": dict(Counter(r["why"] for r in units.values() if not r["kept"])),
          "strata": {s: {"patients": len({r["group"] for r in x}), "units": len(x)} for s, x in strata.items()},
          "methods": {m: _method(x, groups, strata, report.get("within", math.inf)) for m, x in by_method.items()}}


def _method(rows: list[dict], groups: set, strata: Iterable[str], within: float) -> dict:
  kept = [r for r in rows if r["kept"]]
  by_patient = patient_means([r for r in kept if math.isfinite(result(r))], _size)
  return {"kept": _figures(kept, within), "all": _figures(rows, within) if len(kept) < len(rows) else None,
          "strata": {s: _figures([r for r in kept if r.get("stratum") == s], within) for s in strata},
          "by_patient": by_patient, "missing": sorted(groups - by_patient.keys()),
          "clashes": sum("clash" in r for r in rows)}


def _figures(rows: list[dict], within: float) -> dict:
  """"mean" is the MAE (or the mean value), "patients" those with an estimate, "units" all that are asked for."""
  found = [r for r in rows if math.isfinite(result(r))]
  mean = lambda of, some=found: float(np.mean(list(patient_means(some, of).values()))) if some else None
  mean_g = list(patient_means(found, _size).values())
  low, high = bootstrap_interval(mean_g) if len(mean_g) > 1 else (None, None)
  out = {"mean": mean(_size), "low": low, "high": high, "patients": len(mean_g),
         "units": len({(r["record"], r["unit"]) for r in rows}),
         "coverage": mean(_answered, rows)}
  if not found or "value" in found[0]:
    return out
  bias, rmse = mean(result), math.sqrt(mean(lambda r: result(r) ** 2))
  spread = 1.96 * math.sqrt(max(rmse ** 2 - bias ** 2, 0))
  return {**out, "rmse": rmse, "bias": bias, "limits": [bias - spread, bias + spread],
          "within": mean(lambda r: abs(result(r)) <= within)}


def _paired(methods: dict, reference: str) -> dict:
  by_patient = {m: found["by_patient"] for m, found in methods.items()}
  ours, out = by_patient.pop(reference, {}), {}
  for name, theirs in by_patient.items():
    shared = sorted(theirs.keys() & ours.keys())
    if len(shared) > 1:
      difference = paired_difference([theirs[g] for g in shared], [ours[g] for g in shared])
      out[name] = dict(zip(("mean", "low", "high", "p"), map(float, difference)), patients=len(shared))
  return out


def _text(x: float | None, form: str = "z.2f") -> str:
  return "-" if x is None else f"{x:{form}}"


def _interval(x: dict) -> str:
  return _text(x["mean"]) + (f" [{_text(x['low'])}, {_text(x['high'])}]" if x["low"] is not None else "")


def _metric_table(name: str, metric: dict, order: list[str], report: dict) -> Table:
  error, lines = metric["is_error"], []
  for method in [m for m in order if m in metric["methods"]]:
    found = metric["methods"][method]
    lines.append([method, *_cells(found["kept"], error)])
    if found["all"]:
      lines.append([f"{method}, all windows", *_cells(found["all"], error)])
  more = ["RMSE", "bias", "limits of agreement", f"within {report.get('within', math.inf):g}"] if error else []
  head = ("MAE [95 % CI], " + report.get("unit", "")).rstrip(", ") if error else "mean [95 % CI]"
  return Table(name, ["method", head, *more, "coverage", "patients", "windows"], lines, " ".join(_notes(metric, order)))


def _cells(x: dict, error: bool) -> list[str]:
  limits = f"[{', '.join(map(_text, x['limits']))}]" if "limits" in x else "-"
  more = [_text(x.get("rmse")), _text(x.get("bias")), limits, _text(x.get("within"), ".0%")] if error else []
  return [_interval(x), *more, _text(x["coverage"], ".0%"), str(x["patients"]), str(x["units"])]


def _notes(metric: dict, order: list[str]) -> list[str]:
  why = "; ".join(f"{why or 'unsaid'}: {n}" for why, n in metric["excluded"].items())
  left = f"{sum(metric['excluded'].values())} windows excluded ({why})" if why else "none excluded"
  notes = [f"{metric['patients']} patients, {metric['records']} recordings, {metric['units']} windows; {left}."]
  nowhere = set.intersection(*[set(x["missing"]) for x in metric["methods"].values()])
  notes += [f"In no method: {', '.join(sorted(nowhere))}."] if nowhere else []
  absent = [m for m in order if m not in metric["methods"]]
  notes += [f"Without such rows: {', '.join(absent)}."] if absent else []
  for name, x in metric["methods"].items():
    missing = [g for g in x["missing"] if g not in nowhere]
    if missing:
      notes.append(f"Missing in {name}: {', '.join(missing) if x['by_patient'] else 'all patients'}.")
    if x["clashes"]:
      notes.append(f"{x['clashes']} results of {name} differ between the workdirs: the first's are shown.")
  return notes


def _paired_table(found: dict, error: bool) -> Table:
  reference, lines = found["reference"], []
  for name in [m for m in found["methods"] if m in found["paired"]]:
    x = found["paired"][name]
    lines.append([name, _interval(x), "<0.001" if x["p"] < 0.001 else f"{x['p']:.3f}", str(x["patients"])])
  what, better = ("MAE", f": above zero, {reference} is better") if error else ("mean", "")
  return Table(f"Against {reference}", ["method", f"{what} difference [95 % CI]", "Wilcoxon p", "patients"], lines,
               f"The method's {what} less that of {reference}, on the patients both cover{better}. "
               "p is not corrected for the number of methods.")


def _strata_table(metric: dict, order: list[str]) -> Table:
  sizes, lines = metric["strata"], []
  for name in [m for m in order if m in metric["methods"]]:
    found = metric["methods"][name]["strata"]
    few = {s: f" (n={x['patients']})" for s, x in found.items() if 0 < x["patients"] < sizes[s]["patients"]}
    lines.append([name, *[_interval(found[s]) + few.get(s, "") for s in sizes]])
  header = [f"{s} ({n['patients']} patients, {n['units']} windows)" for s, n in sizes.items()]
  return Table("MAE by stratum of the truth", ["method", *header], lines,
               "n: patients with an estimate, where they are fewer than the stratum's." if "(n=" in str(lines) else "")


def tables(found: dict, report: dict) -> list[Table]:
  """The tables of `aggregate`'s figures: those of the primary metric, then one for each further metric, in order."""
  first, *others = [_metric_table(name, x, found["methods"], report) for name, x in found["metrics"].items()]
  primary = found["metrics"][report["primary"]]
  paired = [_paired_table(found, primary["is_error"])] if found["paired"] else []
  strata = [_strata_table(primary, found["methods"])] if primary["strata"] else []
  return [first, *paired, *strata, *others]


def markdown(rows: list[dict], report: dict) -> str:
  """All tables as Markdown, under the title and the banner where recordings are simulated, and how they came about."""
  found = aggregate(rows, report)
  head = [f"## {report['title']}"] if "title" in report else []
  head += [f"> **{BANNER}**"] if found["simulated"] else []
  origin = " ".join(f"{label}: {text}." for label, text in _origin(rows))
  return "\n\n".join([*head, *[plots.markdown(t) for t in tables(found, report)], RULE, origin]) + "\n"


def terminal(rows: list[dict], report: dict) -> str:
  """The same tables in aligned columns, for a console."""
  found = aggregate(rows, report)
  banner = [f"*** {BANNER} ***"] if found["simulated"] else []
  return "\n\n".join([*banner, *[plots.plain(t) for t in tables(found, report)]])


def _origin(rows: list[dict]) -> list[tuple[str, str]]:
  """Where the rows came from, in words: (label, text)."""
  every = lambda name: ", ".join(map(str, sorted({r[name] for r in rows})))
  made = defaultdict(dict)
  for r in rows:
    made[f"config {r['config']}, commit {r['commit']}, data {r['data']}, step {r['step']}"][r["method"]] = None
  count = lambda name: len({r[name] for r in rows})
  return [("Recordings", f"{count('record')} of {count('group')} patients, {every('source')}"),
          ("Members", f"{count('member')} (folds {every('fold')}; seeds {every('seed')})"),
          *[("Made by", f"{stamp}: {', '.join(names)}") for stamp, names in made.items()]]


def _about(workdirs: list[pathlib.Path]) -> tuple[list[tuple[str, str]], dict[str, list]]:
  """Licence and citations of the data as (label, text), and {workdir: the members of its split}."""
  cards = [json.loads((w / "config.json").read_text()).get("data_card", {}) for w in workdirs]
  said = [("Licence", card["licence"]) for card in cards if card.get("licence")]
  said += [("Citation", text) for card in cards for text in card.get("citation", [])]
  paths = [w / "split.json" for w in workdirs]
  return list(dict.fromkeys(said)), {p.parent.name: json.loads(p.read_text())["members"] for p in paths if p.is_file()}


def write(workdirs: Iterable[str | pathlib.Path], folder: str | pathlib.Path) -> pathlib.Path:
  """Writes index.html (needs no other file), table.md, table.json and the figures; returns the path of the page.

  The first workdir's config says what to report. Raises UserError as `load_rows` and `aggregate` do.
  """
  workdirs, folder = [pathlib.Path(w) for w in workdirs], pathlib.Path(folder)
  rows = load_rows(workdirs)
  report = json.loads((workdirs[0] / "config.json").read_text())["report"]
  found, (cards, splits) = aggregate(rows, report), _about(workdirs)
  folder.mkdir(parents=True, exist_ok=True)
  (folder / "table.md").write_text(markdown(rows, report) + "".join(f"\n{label}: {text}\n" for label, text in cards))
  everything = {**found, "report": report, "origin": _origin(rows) + cards, "split": splits}
  (folder / "table.json").write_text(json.dumps(everything, indent=1, allow_nan=False))
  shown = tables(found, report)
  further = len(shown) - len(found["metrics"]) + 1
  members = [[f"{name} {m['member']}", *[", ".join(m[k]) for k in ("test", "val", "train")]]
             for name, split in splits.items() for m in split]
  last = [Table("Provenance", ["", ""], everything["origin"], RULE, False),
          Table(f"Split: {len(members)} members", ["member", "test", "validation", "training"], members, "", False)]
  blocks = [*shown[:further], *plots.draw(rows, found, report, workdirs, folder), *shown[further:], *last]
  page = plots.page(report.get("title", "Report"), BANNER if found["simulated"] else "", _tiles(found, report), blocks,
                    found["reference"])
  (folder / "index.html").write_text(page)
  return folder / "index.html"


def _tiles(found: dict, report: dict) -> list[tuple[str, str]]:
  metric, ours, unit = found["metrics"][report["primary"]], found["reference"], report.get("unit", "")
  x = metric["methods"][ours]["kept"]
  error = [(_text(x.get("within"), ".0%"), f"of these within {report.get('within', math.inf):g} {unit}")]
  return [(_interval(x), f"{'MAE' if metric['is_error'] else 'mean'} of {ours}, {unit}".rstrip(", ")),
          (_text(x["coverage"], ".0%"), "of windows with an estimate"), *(error if metric["is_error"] else []),
          (str(metric["patients"]), f"patients, {metric['records']} recordings, {metric['units']} windows")]


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
