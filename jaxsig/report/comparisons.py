"""Tables that compare methods: with the reference, by stratum, in uncertainty and time; claims."""
from collections.abc import Sequence

from jaxsig.report import wording
from jaxsig.report.aggregate import MetricFigures, ReportFigures
from jaxsig.report.averages import direction
from jaxsig.report.claims import NOT_JUDGED, Judgement
from jaxsig.report.uncertainty import TOLD_SHARES, IntervalCoverage, RiskCoverage
from jaxsig.report.wording import interval, number, percent
from jaxsig.system import Metric, Words
from jaxsig.table_text import Line, Table


def present(found: ReportFigures, figures: MetricFigures) -> list[str]:
  """The methods that have rows of a metric, best first."""
  return [method for method in found.methods if method in figures.methods]


def comparisons(found: ReportFigures, key: str) -> list[Table]:
  """The tables of a primary metric beside its main one, as far as they have anything to show."""
  figures = found.metrics[key]
  every = []
  if figures.paired:
    every.append(_paired_table(found, figures))
  if figures.uncertainty:
    every.append(_uncertainty_table(found, figures))
  for name in figures.strata:
    every.append(_strata_table(found, figures, name))

  titled = []
  for table in every:
    title = table.title
    if len(found.primary) > 1:
      title = f"{figures.title}: {title}"
    titled.append(table._replace(title=title, titles=found.titles))
  return titled


def _paired_table(found: ReportFigures, figures: MetricFigures) -> Table:
  lines = []
  for method in found.methods:
    if method not in figures.paired:
      continue
    paired = figures.paired[method]
    cells = [
        interval(paired.difference, figures.metric.decimals),
        wording.p_value(paired.p),
        str(paired.groups),
    ]
    lines.append(Line(method, cells))

  header = [
      "method",
      f"{wording.statistic(figures.metric)} difference [95 % CI]",
      "Wilcoxon p",
      found.words.groups,
  ]
  meaning = paired_note(found.reference, figures.metric, found.words)
  return Table(
      title=f"Against {found.reference}",
      header=header,
      lines=lines,
      note=f"{meaning} p is not corrected for the number of methods.",
  )


def paired_note(reference: str, metric: Metric, words: Words) -> str:
  """What a difference from the reference means."""
  if metric.aggregate.groups == "median":
    note = (
        f"The median over the {words.groups} both cover "
        f"of the method's figure less that of {reference}")
  else:
    note = (
        f"The method's {wording.statistic(metric)} less that of {reference}, "
        f"on the {words.groups} both cover")

  sign = direction(metric)
  if sign > 0:
    return f"{note}: above zero, {reference} is better."
  if sign < 0:
    return f"{note}: below zero, {reference} is better."
  return f"{note}."


def _uncertainty_table(found: ReportFigures, figures: MetricFigures) -> Table:
  """Interval coverage and risk-coverage, those of the two that any method has."""
  metric = figures.metric
  every = figures.uncertainty.values()
  intervals = [one.intervals for one in every if one.intervals is not None]
  risks = [one.risk for one in every if one.risk is not None]
  levels = _levels(intervals)

  header = ["method"]
  notes = []
  if intervals:
    header += [f"{level} % hold" for level in levels]
    header.append(wording.with_unit(f"{levels[-1]} % width", metric))
    notes.append(_interval_note(found.words))
  if risks:
    header.append(f"{wording.statistic(metric)}, all")
    header += [f"most certain {share} %" for share in TOLD_SHARES]
    notes.append(_risk_note(found.words))

  lines = []
  for method in present(found, figures):
    own = figures.uncertainty[method]
    cells = []
    if intervals:
      cells += _interval_cells(own.intervals, levels, metric.decimals)
    if risks:
      cells += _risk_cells(own.risk, metric.decimals)
    if any(cell != "-" for cell in cells):
      lines.append(Line(method, cells))
  return Table("Uncertainty", header, lines, " ".join(notes))


def _levels(intervals: Sequence[IntervalCoverage]) -> list[str]:
  levels = set()
  for one in intervals:
    levels.update(one.share)
  return sorted(levels, key=float)


def _interval_note(words: Words) -> str:
  return (
      f"Hold: share of the {words.units} with an interval whose truth lies inside it, "
      f"a mean over {words.groups}; width: median over {words.units}.")


def _risk_note(words: Words) -> str:
  return (
      f"Most certain: the figure when only that share of the {words.units}, those of which the "
      f"method is most certain, is answered, over the ({words.groups}) that remain; "
      "- where the method tells no uncertainty, or answers fewer.")


def _interval_cells(
    x: IntervalCoverage | None,
    levels: Sequence[str],
    decimals: int,
) -> list[str]:
  if x is None:
    return ["-"] * (len(levels) + 1)

  cells = [percent(x.share.get(level)) for level in levels]
  if x.low is not None:
    cells[-1] += f" [{percent(x.low)}, {percent(x.high)}]"
  cells.append(number(x.width, decimals))
  return cells


def _risk_cells(x: RiskCoverage | None, decimals: int) -> list[str]:
  if x is None:
    return ["-"] * (1 + len(TOLD_SHARES))

  told = [x.told[share] for share in TOLD_SHARES]
  cells = []
  for answered in (x.all, *told):
    if answered is None:
      cells.append("-")
    else:
      figure = number(answered.value, decimals)
      cells.append(f"{figure} ({answered.groups})")
  return cells


def _strata_table(found: ReportFigures, figures: MetricFigures, name: str) -> Table:
  """The figures in each stratum of a stratification."""
  sizes = figures.strata[name]
  lines = []
  some_lack = False
  for method in present(found, figures):
    strata = figures.methods[method].strata[name]
    cells = []
    for stratum, own in strata.items():
      cell = interval(own.estimate, figures.metric.decimals)
      if 0 < own.groups < sizes[stratum].groups:
        cell = f"{cell} (n={own.groups})"
        some_lack = True
      cells.append(cell)
    lines.append(Line(method, cells))

  words = wording.distinct(found.words, found.nesting)
  header = ["method"]
  for stratum, size in sizes.items():
    told = wording.groups(size.groups, words)
    if not found.nesting.units_are_groups:
      told = f"{told}, {wording.units(size.units, words)}"
    header.append(f"{stratum} ({told})")

  note = ""
  if some_lack:
    note = f"n: {found.words.groups} with a result, where they are fewer than the stratum's."
  statistic = wording.capitalised(wording.statistic(figures.metric))
  return Table(f"{statistic} by {name}", header, lines, note)


def time_tables(found: ReportFigures) -> list[Table]:
  """The methods' times, as far as they are known."""
  lines = []
  for method in found.methods:
    if method in found.seconds:
      seconds = found.seconds[method]
      lines.append(Line(method, [f"{seconds:.3g}"]))
  if not lines:
    return []
  header = ["method", found.settings.timing]
  return [Table("Time", header, lines, titles=found.titles)]


def claims_tables(found: ReportFigures) -> list[Table]:
  """The claims with their verdicts and what these rest on, if any were made."""
  if not found.claims:
    return []
  lines = []
  for judgement in found.claims:
    cells = [judgement.claim.text, _grounds(judgement, found)]
    lines.append(Line(judgement.verdict, cells))

  note = (
      "Difference: what the method named first gains over the other, with its 95 % interval over "
      f"the {found.words.groups} both cover. Confirmed or refuted where the interval lies wholly "
      "above or below zero; with a margin, wholly within or outside it. Neither intervals nor p "
      "are corrected for the number of claims.")
  header = ["verdict", "claim", "figures"]
  return [Table("Claims", header, lines, note, numbers=False)]


def _grounds(x: Judgement, found: ReportFigures) -> str:
  """What a verdict rests on, in a sentence."""
  is_only_primary = tuple(found.primary) == (x.key,)
  if x.verdict == NOT_JUDGED:
    if is_only_primary:
      return x.why
    return f"{x.key}: {x.why}"

  what = x.key
  if x.metric.is_error:
    what = wording.statistic(x.metric)
    if not is_only_primary:
      what = f"{what} of {x.key}"
  margin = ""
  if x.claim.margin is not None:
    margin = f", margin {x.claim.margin:g}"
  p = wording.p_value(x.p)
  if not p.startswith("<"):
    p = f"= {p}"

  better = number(x.value_better, x.metric.decimals)
  worse = number(x.value_worse, x.metric.decimals)
  gain = interval(x.gain, x.metric.decimals)
  groups = wording.groups(x.groups, found.words)
  return (
      f"{what} {better} ({x.better}) against {worse} ({x.worse}), "
      f"difference {gain} ({groups}){margin}, Wilcoxon p {p}")
