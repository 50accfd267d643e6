"""The figures of `aggregate` as tables of text."""
from collections import defaultdict
from collections.abc import Mapping

from jaxsig.report import wording
from jaxsig.report.aggregate import MethodFigures, MetricFigures, ReportFigures
from jaxsig.report.averages import Figures
from jaxsig.report.comparisons import claims_tables, comparisons, present, time_tables
from jaxsig.report.nesting import Nesting
from jaxsig.report.wording import interval, number, percent
from jaxsig.system import Metric, Words
from jaxsig.table_text import Line, Table


def main_tables(found: ReportFigures) -> list[Table]:
  """The tables of the primary metrics, and the claims."""
  primary = [metric_table(found, key) for key in found.primary]
  return primary + claims_tables(found)


def other_tables(found: ReportFigures) -> list[Table]:
  """Comparisons and times, then the tables of the further metrics, which a page folds."""
  every = []
  for key in found.primary:
    every += comparisons(found, key)
  every += time_tables(found)

  for key in found.metrics:
    if key not in found.primary:
      table = metric_table(found, key)
      every.append(table._replace(secondary=True))
  return every


def short_table(table: Table) -> Table:
  """The table without the lines of excluded units."""
  lines = [line for line in table.lines if not line.of]
  return table._replace(lines=lines)


def metric_table(found: ReportFigures, key: str) -> Table:
  """All methods in one metric."""
  figures = found.metrics[key]
  metric = figures.metric
  included = included_units(figures)
  all_units = f", all {found.words.units}"
  lines = []
  for method in present(found, figures):
    own = figures.methods[method]
    cells = _cells(own.included, metric, found.nesting, included)
    lines.append(Line(method, cells))
    if own.everything is not None:
      cells = _cells(own.everything, metric, found.nesting, figures.units)
      lines.append(Line(method, cells, all_units))

  notes = _notes(found, figures)
  if key == found.primary[0]:
    notes += wording.trainings(found.trained, found.reference)
    notes += wording.absent_metrics(found.absent)
    notes += wording.absent_strata(found.absent_strata, found.words)
  notes += wording.order(found.primary, key, found.metrics[found.primary[0]].title)
  return Table(
      title=figures.title,
      header=_header(metric, found.words, found.nesting),
      lines=lines,
      note=" ".join(notes),
      name=own_name(figures),
      titles=found.titles,
  )


def own_name(figures: MetricFigures) -> str:
  """The protocol's own name of a metric; empty where that is its title."""
  if figures.title == figures.key:
    return ""
  return figures.key


def _header(metric: Metric, words: Words, nesting: Nesting) -> list[str]:
  header = ["method", wording.heading(metric), *_further_columns(metric)]
  words = wording.distinct(words, nesting)
  header += ["coverage", words.groups]
  if not nesting.units_are_groups:
    header.append(words.units)
  return header


def _further_columns(metric: Metric) -> list[str]:
  """The columns of a metric's further figures, after the first."""
  if metric.is_count:
    return []
  if metric.is_error:
    within = [f"within {tolerance:g}" for tolerance in metric.within]
    return ["RMSE", "bias", "limits of agreement", *within]
  if metric.aggregate.groups == "median":
    return ["mean"]
  return ["median"]


def _cells(x: Figures, metric: Metric, nesting: Nesting, units: int) -> list[str]:
  """The cells below `_header`, but for the method's name; `units` that any method has rows of."""
  cells = [interval(x.estimate, metric.decimals), *_further_cells(x, metric)]
  cells.append(coverage(x, units))
  cells.append(str(x.groups))
  if not nesting.units_are_groups:
    cells.append(str(x.units))
  return cells


def _further_cells(x: Figures, metric: Metric) -> list[str]:
  """The cells below `_further_columns`."""
  decimals = metric.decimals
  if metric.is_count:
    return []
  if metric.is_error:
    errors = [number(x.rmse, decimals), number(x.bias, decimals), _limits(x, decimals)]
    return errors + _within(x, metric)
  return [number(x.other, decimals)]


def included_units(figures: MetricFigures) -> int:
  """How many units of a metric are included, of those that any method has rows of."""
  return figures.units - sum(figures.excluded.values())


def coverage(x: Figures, units: int) -> str:
  """The share of units with a result; of how many, where a method has not rows of all: "100% of 4".
  """
  if x.units < units:
    return f"{percent(x.coverage)} of {x.units}"
  return percent(x.coverage)


def _limits(x: Figures, decimals: int) -> str:
  if x.limits is None:
    return "-"
  low = number(x.limits[0], decimals)
  high = number(x.limits[1], decimals)
  return f"[{low}, {high}]"


def _within(x: Figures, metric: Metric) -> list[str]:
  if not x.within:
    return ["-"] * len(metric.within)
  return [percent(share) for share in x.within]


def _notes(found: ReportFigures, figures: MetricFigures) -> list[str]:
  """Sentences on how much there is of a metric, how it is averaged, and what is missing."""
  words = found.words
  size = wording.sizes(figures.groups, figures.records, figures.units, words, found.nesting)
  exclusions = _exclusions(figures.excluded, words)
  notes = [f"{size}; {exclusions}."]
  averages = wording.other_averages(figures.metric, words, found.nesting)
  if averages:
    notes.append(averages)

  units = included_units(figures)
  if any(own.included.units < units for own in figures.methods.values()):
    all_units = wording.units(units, words)
    notes.append(f"Coverage \"of n\": the method has rows of n of the {all_units} only.")
  nowhere = _in_no_method(figures)
  if nowhere:
    groups = ", ".join(sorted(nowhere))
    notes.append(f"In no method: {groups}.")
  absent = [method for method in found.methods if method not in figures.methods]
  if absent:
    notes.append(f"Without such rows: {wording.listed(absent)}.")

  missing = defaultdict(list)
  for method, own in figures.methods.items():
    who = _missing(own, nowhere, words)
    missing[who].append(method)
    if own.clashes:
      results = wording.count(own.clashes, "result", "results")
      notes.append(f"{results} of {method} differ between the workdirs: the first's are shown.")
  for who, methods in missing.items():
    if who:
      notes.append(f"Missing in {wording.listed(methods)}: {who}.")
  return notes


def _exclusions(excluded: Mapping[str, int], words: Words) -> str:
  if not excluded:
    return "none excluded"
  reasons = []
  for why, n in excluded.items():
    reasons.append(f"{why or 'no reason given'}: {n}")
  total = wording.units(sum(excluded.values()), words)
  return f"{total} excluded ({'; '.join(reasons)})"


def _in_no_method(figures: MetricFigures) -> set[str]:
  """The groups that no method has a result for."""
  missing = [set(own.missing) for own in figures.methods.values()]
  return set.intersection(*missing)


def _missing(own: MethodFigures, nowhere: set[str], words: Words) -> str:
  """The groups that a method lacks and another has."""
  if not own.by_group:
    return f"all {words.groups}"
  groups = [group for group in own.missing if group not in nowhere]
  return wording.names(groups, words)
