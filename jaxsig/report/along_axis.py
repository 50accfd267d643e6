"""A report along one setting: workdirs that differ in it, the same methods, a column for each of its values."""
import math
import pathlib
from collections import defaultdict
from collections.abc import Callable

from jaxsig.errors import UserError
from jaxsig.report import aggregate as averages
from jaxsig.report.page import Table, worded
from jaxsig.report.tables import interval

_TO = " to "   # between the ends of a range


def setting(workdir: pathlib.Path, config: dict, key: str) -> float | tuple:
  """The number, infinity or range (low, high) at a dotted key of a workdir's config.

  Raises:
    UserError: there is none.
  """
  value = config
  for name in key.split("."):
    value = value.get(name) if isinstance(value, dict) else None
  numbers = value if isinstance(value, list) else [value]
  if not numbers or not all(isinstance(x, int | float) and x > -math.inf for x in numbers):
    raise UserError(f"{workdir} has no number at {key!r} in its config.json, along which the first workdir's report.axis sets the report: "
                    "leave this workdir out, or report without an axis")
  return tuple(value) if isinstance(value, list) else value


def aggregate(rows: list[dict], report: dict) -> dict:
  """`averages.aggregate` of the rows of each value.

  Args:
    rows: as from `report.load_rows`, with "at", the value of the setting.
    report: as for `averages.aggregate`, with "axis", the dotted key of the setting.

  Returns:
    {"axis", "values": [as text, ascending, ranges last], "by_value": {value: figures, whose "reference" is None where it has no rows},
    "reference", "methods": [the best first, by the mean over the values at which each has a figure], "simulated"}.

  Raises:
    UserError: as `averages.aggregate` does; a further metric or the reference may lack at some values, not at all.
  """
  report = {**report, "reference": report.get("reference") or rows[0]["method"]}
  at = sorted({r["at"] for r in rows}, key=lambda value: (isinstance(value, tuple), value))
  by_value = {label: _figures([r for r in rows if r["at"] == value], rows, report) for label, value in zip(_labels(at), at)}
  found = {"axis": report["axis"], "values": [*by_value], "by_value": by_value, "reference": report["reference"],
           "methods": list(dict.fromkeys(r["method"] for r in rows)), "simulated": rows[0]["source"] == "simulated"}
  return {**found, "methods": _best_first(found, report)}


def _labels(values: list[float | tuple]) -> list[str]:
  ranges = [v if isinstance(v, tuple) else (v,) for v in values]
  short, exact = ([_TO.join(map(form, ends)) for ends in ranges] for form in ("{:g}".format, repr))
  return short if len({*short}) == len(values) else exact


def numbers(found: dict) -> dict[str, float]:
  """{value: its number}, ascending; a range is none."""
  return {v: float(v) for v in found["values"] if _TO not in v}


def _figures(here: list[dict], rows: list[dict], report: dict) -> dict:
  elsewhere = lambda name: {r[name] for r in rows} - {r[name] for r in here}
  metrics = [m for m in report.get("metrics", ()) if m not in elsewhere("metric")]
  if report["reference"] not in elsewhere("method"):
    return averages.aggregate(here, {**report, "metrics": metrics})
  return {**averages.aggregate(here, {**report, "metrics": metrics, "reference": ""}), "reference": None, "paired": {}}


def along(found: dict, metric: str) -> dict[str, dict]:
  """{value: figures of the metric}, of the values that have rows of it."""
  return {v: x["metrics"][metric] for v, x in found["by_value"].items() if metric in x["metrics"]}


def is_error(found: dict, metric: str) -> bool:
  """Whether the metric compares an estimate with a truth; else it is a value."""
  return any(x["is_error"] for x in along(found, metric).values())


def kept(found: dict, metric: str, method: str) -> dict[str, dict]:
  """{value: figures of a method on what was kept}, of the values at which it has an estimate."""
  every = {v: x["methods"][method]["kept"] for v, x in along(found, metric).items() if method in x["methods"]}
  return {v: x for v, x in every.items() if x["mean"] is not None}


def _best_first(found: dict, report: dict) -> list[str]:
  sign = averages.direction(is_error(found, report["primary"]), report)
  means = {m: [x["mean"] for x in kept(found, report["primary"], m).values()] for m in found["methods"]}
  return sorted(means, key=lambda m: sign * math.fsum(means[m]) / len(means[m]) if means[m] else math.inf)


def tables(found: dict, report: dict) -> list[Table]:
  """The tables of `aggregate`'s figures, as of `tables.tables`: the primary metric's, differences, claims, then further metrics'."""
  first, *others = [_metric_table(m, found, report) for m in dict.fromkeys([report["primary"], *report.get("metrics", ())])]
  further = [_paired_table(found, is_error(found, report["primary"])), _claims_table(found)]
  own = lambda said: worded(said, report)
  return [t._replace(title=own(t.title), note=own(t.note)) for t in (first, *[t for t in further if t.lines], *others)]


def _lines(found: dict, cell: Callable[[str, str], dict | None], error: bool) -> list[list[str]]:
  """A line a method with any figures `cell(value, method)`, "-" where there are none."""
  cells = {m: [cell(v, m) for v in found["values"]] for m in found["methods"]}
  return [[m, *[interval(x, error) if x else "-" for x in line]] for m, line in cells.items() if any(line)]


def _metric_table(metric: str, found: dict, report: dict) -> Table:
  figures, error = {m: kept(found, metric, m) for m in found["methods"]}, is_error(found, metric)
  head = ("MAE [95 % CI], " + report.get("unit", "")).rstrip(", ") if error else "mean [95 % CI]"
  return Table(f"{metric} by {found['axis']}", ["method", *found["values"]], _lines(found, lambda v, m: figures[m].get(v), error),
               " ".join([f"{head}.", *_notes(metric, found, [m for m, x in figures.items() if not x])]))


def _notes(metric: str, found: dict, empty: list[str]) -> list[str]:
  by_value, values = along(found, metric), found["values"]
  notes = [_told({v: _size(x) for v, x in by_value.items()}, values) + "."]
  notes += [f"Without an estimate: {', '.join(empty)}."] if empty else []
  missing = defaultdict(list)
  for name in [m for m in found["methods"] if m not in empty]:
    mine = {v: x["methods"][name] for v, x in by_value.items() if name in x["methods"]}
    missing[_told({v: f"{len(x['missing'])} patients" for v, x in mine.items() if x["missing"]}, values)].append(name)
    if clashes := sum(x["clashes"] for x in mine.values()):
      notes.append(f"{clashes} results of {name} differ between workdirs of one value: the first's are shown.")
  return notes + [f"Missing in {', '.join(names)}: {what}." for what, names in missing.items() if what]


def _size(metric: dict) -> str:
  return (f"{metric['patients']} patients, {metric['records']} recordings, {metric['units']} windows, "
          f"{sum(metric['excluded'].values()) or 'none'} excluded")


def _told(said: dict[str, str], values: list[str]) -> str:
  """What is said of single values, in one sentence: the same of all of them only once."""
  at = defaultdict(list)
  for value, what in said.items():
    at[what].append(value)
  return "; ".join(what if where == values else f"{what} at {', '.join(where)}" for what, where in at.items())


def _paired_table(found: dict, error: bool) -> Table:
  reference = found["reference"]
  what, better = ("MAE", f": above zero, {reference} is better") if error else ("mean", "")
  return Table(f"Against {reference}", ["method", *found["values"]],
               _lines(found, lambda v, m: found["by_value"][v]["paired"].get(m), error),
               f"By {found['axis']}: the method's {what} less that of {reference} [95 % CI], on the patients both cover{better}.")


def _claims_table(found: dict) -> Table:
  judged = zip(*[x["claims"] for x in found["by_value"].values()])   # a claim's judgements, one a value
  lines = [[claims[0]["text"], *[_verdict(c) for c in claims]] for claims in judged]
  return Table(f"Claims by {found['axis']}", ["claim", *found["values"]], lines,
               "Each judged at each value alone, by what the method named first gains over the other, with its 95 % interval over the "
               "patients both cover; - where it cannot be. Not corrected for the number of claims and values.")


def _verdict(claim: dict) -> str:
  return "-" if claim["verdict"] == "not judged" else f"{claim['verdict']}, {interval(claim, claim['is_error'])}"


def tiles(found: dict, report: dict) -> list[tuple[str, str]]:
  """The large figures of the page: (figure, what it is), of the reference at the ends of the axis."""
  error, unit = is_error(found, report["primary"]), report.get("unit", "")
  ours = kept(found, report["primary"], found["reference"])
  what = f"{'MAE' if error else 'mean'} of {found['reference']}, {unit}".rstrip(", ")
  ends = [(interval(ours[v], error), f"{what}, at {found['axis']} {v}") for v in dict.fromkeys([*ours][:1] + [*ours][-1:])]
  return [*ends, (str(len(found["values"])), f"values of {found['axis']}, {len(found['methods'])} methods")]
