"""The figures of `aggregate` as tables of text."""
from collections import defaultdict
from collections.abc import Mapping

from jaxsig.report import wording
from jaxsig.report.aggregate import MethodFigures, MetricFigures, ReportFigures
from jaxsig.report.averages import Figures
from jaxsig.report.comparisons import claims_tables, comparisons, present, time_tables
from jaxsig.report.table_text import Line, Table
from jaxsig.report.wording import interval, number, percent
from jaxsig.system import Metric, Words


def main_tables(found: ReportFigures) -> list[Table]:
  """The tables of the primary metrics, and the claims."""
  primary = [metric_table(found, key) for key in found.primary]
  return primary + claims_tables(found)


def other_tables(found: ReportFigures) -> list[Table]:
  """Comparisons in the primary metrics and times, then the tables of the further metrics, which a page folds."""
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
  words = wording.distinct(found.words)
  lines = []
  for method in present(found, figures):
    own = figures.methods[method]
    lines.append(Line(method, _cells(own.included, figures.metric)))
    if own.everything is not None:
      lines.append(Line(method, _cells(own.everything, figures.metric), f", all {found.words.units}"))

  statistic = f"{wording.statistic(figures.metric)} [95 % CI]"
  header = ["method", wording.with_unit(statistic, figures.metric)]
  header += _more_headings(figures.metric)
  header += ["coverage", words.groups, words.units]
  return Table(
      title=figures.title,
      header=header,
      lines=lines,
      note=" ".join(_notes(found, figures)),
      name=_own_name(figures),
      titles=found.titles,
  )


def _own_name(figures: MetricFigures) -> str:
  """The protocol's own name of a metric, where its title is another."""
  if figures.title == figures.key:
    return ""
  return figures.key


def _more_headings(metric: Metric) -> list[str]:
  if not metric.is_error:
    return [_other_statistic(metric)]
  within = [f"within {tolerance:g}" for tolerance in metric.within]
  return ["RMSE", "bias", "limits of agreement", *within]


def _other_statistic(metric: Metric) -> str:
  if metric.aggregate.groups == "median":
    return "mean"
  return "median"


def _cells(x: Figures, metric: Metric) -> list[str]:
  decimals = metric.decimals
  cells = [interval(x.estimate, decimals)]
  if metric.is_error:
    cells += [number(x.rmse, decimals), number(x.bias, decimals), _limits(x, decimals)]
    within = x.within or [None] * len(metric.within)
    cells += [percent(share) for share in within]
  else:
    cells.append(number(x.other, decimals))
  return [*cells, percent(x.coverage), str(x.groups), str(x.units)]


def _limits(x: Figures, decimals: int) -> str:
  if x.limits is None:
    return "-"
  low, high = x.limits
  return f"[{number(low, decimals)}, {number(high, decimals)}]"


def _notes(found: ReportFigures, figures: MetricFigures) -> list[str]:
  words = found.words
  size = wording.sizes(figures.groups, figures.records, figures.units, words)
  notes = [f"{size}; {_exclusions(figures.excluded, words)}."]
  averages = wording.other_averages(figures.metric, words)
  if averages:
    notes.append(averages)

  nowhere = _in_no_method(figures)
  if nowhere:
    notes.append(f"In no method: {', '.join(sorted(nowhere))}.")
  absent = [method for method in found.methods if method not in figures.methods]
  if absent:
    notes.append(f"Without such rows: {', '.join(absent)}.")

  missing = defaultdict(list)
  for method, own in figures.methods.items():
    missing[_missing(own, nowhere, words)].append(method)
    if own.clashes:
      results = wording.count(own.clashes, "result", "results")
      notes.append(f"{results} of {method} differ between the workdirs: the first's are shown.")
  for who, methods in missing.items():
    if who:
      notes.append(f"Missing in {', '.join(methods)}: {who}.")
  return notes


def _exclusions(excluded: Mapping[str, int], words: Words) -> str:
  if not excluded:
    return "none excluded"
  reasons = [f"{why or 'no reason given'}: {n}" for why, n in excluded.items()]
  total = wording.units(sum(excluded.values()), words)
  return f"{total} excluded ({'; '.join(reasons)})"


def _in_no_method(figures: MetricFigures) -> set[str]:
  missing = [set(own.missing) for own in figures.methods.values()]
  return set.intersection(*missing)


def _missing(own: MethodFigures, nowhere: set[str], words: Words) -> str:
  """The groups that a method lacks and another has."""
  if not own.by_group:
    return f"all {words.groups}"
  groups = [group for group in own.missing if group not in nowhere]
  return wording.names(groups, words)
