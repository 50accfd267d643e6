"""Tables along one setting: a column for each of its values."""
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from jaxsig.report import wording
from jaxsig.report.aggregate import MetricFigures
from jaxsig.report.along_axis import (
  AxisFigures,
  included_at,
  method_at,
  metric_at,
  metric_of_key,
)
from jaxsig.report.averages import Estimate
from jaxsig.report.claims import NOT_JUDGED, Judgement
from jaxsig.report.comparisons import paired_note
from jaxsig.report.tables import own_name
from jaxsig.report.wording import interval
from jaxsig.system import Metric
from jaxsig.table_text import Line, Table


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

  heading = wording.heading(metric)
  averages = wording.other_averages(metric, found.words, found.nesting)
  without = [method for method in found.methods if not at[method]]
  notes = [f"{heading}.", averages, *_notes(found, key, without)]
  if key == found.primary[0]:
    notes += wording.trainings(found.trained, found.reference)
    notes += wording.absent_metrics(found.absent)
  notes += wording.order(found.primary, key, metric_of_key(found, found.primary[0]).title)
  return Table(
      title=f"{figures.title} by {found.axis}",
      header=["method", *found.values],
      lines=_lines(found, estimate, metric),
      note=" ".join(note for note in notes if note),
      name=own_name(figures),
      titles=found.titles,
  )


def _notes(found: AxisFigures, key: str, without: Sequence[str]) -> list[str]:
  sizes = {}
  for value, figures in metric_at(found, key).items():
    sizes[value] = _size(found, figures)
  notes = [f"{_at_values(sizes, found.values)}."]
  if without:
    notes.append(f"Without a result: {wording.listed(without)}.")

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
      notes.append(
          f"{results} of {method} differ between workdirs of one value: the first's are shown.")

  for what, methods in missing.items():
    if what:
      notes.append(f"Missing in {wording.listed(methods)}: {what}.")
  return notes


def _size(found: AxisFigures, figures: MetricFigures) -> str:
  sizes = wording.sizes(
      figures.groups,
      figures.records,
      figures.units,
      found.words,
      found.nesting,
  )
  excluded = sum(figures.excluded.values()) or "none"
  return f"{sizes}, {excluded} excluded"


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
    cells = [_verdict(at.get(value)) for value in found.values]
    lines.append(Line(name, cells))
  note = (
      "Each judged at each value alone, by what the method named first gains over the other, with "
      f"its 95 % interval over the {found.words.groups} both cover; - where it cannot be. Not "
      "corrected for the number of claims and values.")
  header = ["claim", *found.values]
  return [Table(f"Claims by {found.axis}", header, lines, note)]


def _verdict(judgement: Judgement | None) -> str:
  if judgement is None or judgement.verdict == NOT_JUDGED:
    return "-"
  return f"{judgement.verdict}, {interval(judgement.gain, judgement.metric.decimals)}"
