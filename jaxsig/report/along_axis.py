"""A report along one setting: workdirs that differ in it, the same methods, a column for each of its values."""
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from jaxsig.report import wording
from jaxsig.report.aggregate import MethodFigures, MetricFigures, ReportFigures, aggregate, method_named
from jaxsig.report.averages import Estimate, Figures, direction
from jaxsig.report.claims import NOT_JUDGED, Judgement
from jaxsig.report.comparisons import paired_note
from jaxsig.report.join import Results, Value
from jaxsig.report.settings import Settings, keys_of
from jaxsig.report.table_text import Line, Table
from jaxsig.report.wording import interval
from jaxsig.system import Metric, Protocol, Words

_TO = " to "   # between the ends of a range


class AxisFigures(NamedTuple):
  """The figures of a report at each value of a setting."""
  axis: str                                # the dotted key of the setting
  values: Sequence[str]                    # as text, ascending, ranges last
  by_value: Mapping[str, ReportFigures]    # whose reference is empty where it has no rows
  settings: Settings
  words: Words
  reference: str
  methods: Sequence[str]                   # best first, by the mean over the values at which each has a figure
  titles: Mapping[str, str]
  simulated: bool
  leaks: bool
  primary: Sequence[str]                   # keys
  further: Sequence[str]                   # keys


def aggregate_along(results: Results, settings: Settings, protocol: Protocol) -> AxisFigures:
  """The figures of the rows at each value of the setting `settings.axis`.

  Raises:
    UserError: as `aggregate` does; a further metric or the reference may lack at some values, not at all.
  """
  known = list(dict.fromkeys(row.key for row in results.rows))
  primary = keys_of(settings.primary, known)
  further = keys_of(settings.metrics, known)
  reference = method_named(settings.reference or results.methods[0], results.methods)

  values = sorted(results.at_values, key=lambda value: (isinstance(value, tuple), value))
  by_value = {}
  for label, value in zip(_labels(values), values):
    part = results.at_values[value]
    keys = {row.key for row in part.rows}
    present = tuple(key for key in further if key in keys)
    asked = settings._replace(metrics=present, reference=reference)
    by_value[label] = aggregate(part, asked, protocol, may_lack=results.methods)

  titles = {}
  for one in by_value.values():
    titles.update(one.titles)
  found = AxisFigures(
      axis=settings.axis,
      values=list(by_value),
      by_value=by_value,
      settings=settings,
      words=protocol.words,
      reference=reference,
      methods=results.methods,
      titles=titles,
      simulated=results.simulated,
      leaks=results.leaks,
      primary=primary,
      further=[key for key in further if key not in primary],
  )
  return found._replace(methods=_best_first(found))


def _labels(values: Sequence[Value]) -> list[str]:
  """The values as text, exact where they would look alike."""
  short = [_label(value, "{:g}".format) for value in values]
  if len(set(short)) == len(values):
    return short
  return [_label(value, repr) for value in values]


def _label(value: Value, form: Callable[[float], str]) -> str:
  if isinstance(value, tuple):
    return _TO.join(form(end) for end in value)
  return form(value)


def numbers(found: AxisFigures) -> dict[str, float]:
  """{value: its number}, ascending, without ranges."""
  return {value: float(value) for value in found.values if _TO not in value}


def metric_at(found: AxisFigures, key: str) -> dict[str, MetricFigures]:
  """{value: figures of a metric}, of the values that have rows of it."""
  at = {}
  for value, one in found.by_value.items():
    if key in one.metrics:
      at[value] = one.metrics[key]
  return at


def metric_of_key(found: AxisFigures, key: str) -> MetricFigures:
  """The figures of a metric at the first value that has any: for its title, unit and direction."""
  return next(iter(metric_at(found, key).values()))


def method_at(found: AxisFigures, key: str, method: str) -> dict[str, MethodFigures]:
  """{value: figures of a method}, of the values at which it has rows."""
  at = {}
  for value, figures in metric_at(found, key).items():
    if method in figures.methods:
      at[value] = figures.methods[method]
  return at


def included_at(found: AxisFigures, key: str, method: str) -> dict[str, Figures]:
  """{value: figures of a method's included units}, of the values at which it has a result."""
  at = {}
  for value, own in method_at(found, key, method).items():
    if own.included.estimate.value is not None:
      at[value] = own.included
  return at


def _best_first(found: AxisFigures) -> list[str]:
  key = found.primary[0]
  sign = direction(metric_of_key(found, key).metric)

  def badness(method: str) -> float:
    at = included_at(found, key, method)
    if not at:
      return math.inf
    total = math.fsum(figures.estimate.value for figures in at.values())
    return sign * total / len(at)

  return sorted(found.methods, key=badness)


def main_axis_tables(found: AxisFigures) -> list[Table]:
  """The tables of the primary metrics, and the claims."""
  primary = [_metric_table(found, key) for key in found.primary]
  return primary + _claims_tables(found)


def other_axis_tables(found: AxisFigures) -> list[Table]:
  """Differences from the reference, then the tables of the further metrics, which a page folds."""
  every = []
  for key in found.primary:
    every += _paired_tables(found, key)
  for key in found.further:
    table = _metric_table(found, key)
    every.append(table._replace(secondary=True))
  return every


def _lines(
    found: AxisFigures,
    estimate: Callable[[str, str], Estimate | None],
    metric: Metric,
) -> list[Line]:
  """A line for each method with any `estimate(value, method)`; "-" where there is none."""
  lines = []
  for method in found.methods:
    cells = []
    for value in found.values:
      x = estimate(value, method)
      if x is None:
        cells.append("-")
      else:
        cells.append(interval(x, metric.decimals))
    if any(cell != "-" for cell in cells):
      lines.append(Line(method, cells))
  return lines


def _metric_table(found: AxisFigures, key: str) -> Table:
  figures = metric_of_key(found, key)
  metric = figures.metric
  at = {method: included_at(found, key, method) for method in found.methods}

  def estimate(value: str, method: str) -> Estimate | None:
    if value not in at[method]:
      return None
    return at[method][value].estimate

  heading = wording.with_unit(f"{wording.statistic(metric)} [95 % CI]", metric)
  averages = wording.other_averages(metric, found.words)
  without = [method for method in found.methods if not at[method]]
  notes = [f"{heading}.", averages, *_notes(found, key, without)]
  own_name = key
  if figures.title == key:
    own_name = ""
  return Table(
      title=f"{figures.title} by {found.axis}",
      header=["method", *found.values],
      lines=_lines(found, estimate, metric),
      note=" ".join(note for note in notes if note),
      name=own_name,
      titles=found.titles,
  )


def _notes(found: AxisFigures, key: str, without: Sequence[str]) -> list[str]:
  sizes = {value: _size(figures, found.words) for value, figures in metric_at(found, key).items()}
  notes = [f"{_at_values(sizes, found.values)}."]
  if without:
    notes.append(f"Without a result: {', '.join(without)}.")

  missing = defaultdict(list)
  for method in found.methods:
    if method in without:
      continue
    lacking = {}
    clashes = 0
    for value, own in method_at(found, key, method).items():
      clashes += own.clashes
      if own.missing:
        lacking[value] = wording.groups(len(own.missing), found.words)
    missing[_at_values(lacking, found.values)].append(method)
    if clashes:
      results = wording.count(clashes, "result", "results")
      notes.append(f"{results} of {method} differ between workdirs of one value: the first's are shown.")

  for what, methods in missing.items():
    if what:
      notes.append(f"Missing in {', '.join(methods)}: {what}.")
  return notes


def _size(figures: MetricFigures, words: Words) -> str:
  excluded = sum(figures.excluded.values()) or "none"
  return f"{wording.sizes(figures.groups, figures.records, figures.units, words)}, {excluded} excluded"


def _at_values(texts: Mapping[str, str], values: Sequence[str]) -> str:
  """What holds at single values, in one sentence; what holds at all of them is said once."""
  at = defaultdict(list)
  for value, text in texts.items():
    at[text].append(value)

  parts = []
  for text, where in at.items():
    if where == list(values):
      parts.append(text)
    else:
      parts.append(f"{text} at {', '.join(where)}")
  return "; ".join(parts)


def _paired_tables(found: AxisFigures, key: str) -> list[Table]:
  """The differences from the reference in a metric, if there are any."""
  at = metric_at(found, key)
  figures = metric_of_key(found, key)

  def estimate(value: str, method: str) -> Estimate | None:
    if value not in at or method not in at[value].paired:
      return None
    return at[value].paired[method].difference

  lines = _lines(found, estimate, figures.metric)
  if not lines:
    return []
  title = f"Against {found.reference}"
  if len(found.primary) > 1:
    title = f"{figures.title}: {title}"
  note = paired_note(found.reference, figures.metric, found.words)
  return [Table(
      title=title,
      header=["method", *found.values],
      lines=lines,
      note=f"By {found.axis}, with 95 % intervals. {note}",
      titles=found.titles,
  )]


def _claims_tables(found: AxisFigures) -> list[Table]:
  """The verdict on each claim at each value, if any claims were made."""
  judged = defaultdict(dict)
  for value, one in found.by_value.items():
    for judgement in one.claims:
      judged[judgement.claim.text, judgement.key][value] = judgement
  if not judged:
    return []

  lines = []
  for (text, key), at in judged.items():
    name = text
    if len(found.primary) > 1:
      name = f"{text} ({key})"
    lines.append(Line(name, [_verdict(at.get(value)) for value in found.values]))
  note = (
      "Each judged at each value alone, by what the method named first gains over the other, with its 95 % interval over the "
      f"{found.words.groups} both cover; - where it cannot be. Not corrected for the number of claims and values.")
  return [Table(f"Claims by {found.axis}", ["claim", *found.values], lines, note)]


def _verdict(judgement: Judgement | None) -> str:
  if judgement is None or judgement.verdict == NOT_JUDGED:
    return "-"
  return f"{judgement.verdict}, {interval(judgement.gain, judgement.metric.decimals)}"
