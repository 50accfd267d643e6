"""Tables that compare methods: differences from the reference, uncertainty, strata, times, claims."""
from collections.abc import Sequence

from jaxsig.report import wording
from jaxsig.report.aggregate import MetricFigures, ReportFigures
from jaxsig.report.averages import direction
from jaxsig.report.claims import NOT_JUDGED, Judgement
from jaxsig.report.table_text import Line, Table
from jaxsig.report.uncertainty import TOLD_SHARES, IntervalCoverage, RiskCoverage
from jaxsig.report.wording import interval, number, percent
from jaxsig.system import Metric, Words


def present(found: ReportFigures, figures: MetricFigures) -> list[str]:
  """The methods that have rows of a metric, best first."""
  return [method for method in found.methods if method in figures.methods]


def comparisons(found: ReportFigures, key: str) -> list[Table]:
  """Differences from the reference, uncertainty and strata of a primary metric, as far as there are any."""
  figures = found.metrics[key]
  every = []
  if figures.paired:
    every.append(_paired_table(found, figures))
  if figures.uncertainty:
    every += _uncertainty_tables(found, figures)
  for name in figures.strata:
    every.append(_strata_table(found, figures, name))

  if len(found.primary) > 1:
    every = [table._replace(title=f"{figures.title}: {table.title}") for table in every]
  return [table._replace(titles=found.titles) for table in every]


def _paired_table(found: ReportFigures, figures: MetricFigures) -> Table:
  decimals = figures.metric.decimals
  lines = []
  for method in found.methods:
    if method in figures.paired:
      x = figures.paired[method]
      cells = [interval(x.difference, decimals), wording.p_value(x.p), str(x.groups)]
      lines.append(Line(method, cells))

  statistic = wording.statistic(figures.metric)
  return Table(
      title=f"Against {found.reference}",
      header=["method", f"{statistic} difference [95 % CI]", "Wilcoxon p", found.words.groups],
      lines=lines,
      note=(
          f"{paired_note(found.reference, figures.metric, found.words)} "
          "p is not corrected for the number of methods."),
  )


def paired_note(reference: str, metric: Metric, words: Words) -> str:
  """What a difference from the reference means."""
  note = f"The method's {wording.statistic(metric)} less that of {reference}, on the {words.groups} both cover"
  if metric.aggregate.groups == "median":
    note = f"The median over the {words.groups} both cover of the method's figure less that of {reference}"

  sign = direction(metric)
  if sign > 0:
    return f"{note}: above zero, {reference} is better."
  if sign < 0:
    return f"{note}: below zero, {reference} is better."
  return f"{note}."


def _uncertainty_tables(found: ReportFigures, figures: MetricFigures) -> list[Table]:
  every = figures.uncertainty
  has_intervals = any(one.intervals is not None for one in every.values())
  has_risk = any(one.risk is not None for one in every.values())
  levels = _levels([one.intervals for one in every.values() if one.intervals is not None])
  lines = []
  for method in present(found, figures):
    cells = []
    if has_intervals:
      cells += _interval_cells(every[method].intervals, levels, figures.metric.decimals)
    if has_risk:
      cells += _risk_cells(every[method].risk, figures.metric.decimals)
    lines.append(Line(method, cells))

  header = ["method"]
  notes = []
  if has_intervals:
    header += [f"{level} % hold" for level in levels]
    header.append(wording.with_unit(f"{levels[-1]} % width", figures.metric))
    notes.append(
        f"Hold: share of the {found.words.units} with an interval whose truth lies inside it, a mean over "
        f"{found.words.groups}; width: median over {found.words.units}.")
  if has_risk:
    header.append(f"{wording.statistic(figures.metric)}, all")
    header += [f"most certain {share} %" for share in TOLD_SHARES]
    notes.append(
        f"Most certain: the figure when only that share of the {found.words.units}, those of which the method is most certain, "
        f"is answered, over the ({found.words.groups}) that remain; - where the method tells no uncertainty, or answers fewer.")
  return [Table("Uncertainty", header, lines, " ".join(notes))]


def _levels(intervals: Sequence[IntervalCoverage]) -> list[str]:
  levels = set()
  for one in intervals:
    levels.update(one.share)
  return sorted(levels, key=float)


def _interval_cells(x: IntervalCoverage | None, levels: Sequence[str], decimals: int) -> list[str]:
  if x is None:
    return ["-"] * (len(levels) + 1)
  cells = [percent(x.share.get(level)) for level in levels]
  if x.low is not None:
    cells[-1] += f" [{percent(x.low)}, {percent(x.high)}]"
  return [*cells, number(x.width, decimals)]


def _risk_cells(x: RiskCoverage | None, decimals: int) -> list[str]:
  if x is None:
    return ["-"] * (1 + len(TOLD_SHARES))
  cells = []
  for answered in (x.all, *[x.told[share] for share in TOLD_SHARES]):
    if answered is None:
      cells.append("-")
    else:
      cells.append(f"{number(answered.value, decimals)} ({answered.groups})")
  return cells


def _strata_table(found: ReportFigures, figures: MetricFigures, name: str) -> Table:
  sizes = figures.strata[name]
  lines = []
  some_lack = False
  for method in present(found, figures):
    cells = []
    for stratum, x in figures.methods[method].strata[name].items():
      cell = interval(x.estimate, figures.metric.decimals)
      if 0 < x.groups < sizes[stratum].groups:
        cell += f" (n={x.groups})"
        some_lack = True
      cells.append(cell)
    lines.append(Line(method, cells))

  header = ["method"]
  words = wording.distinct(found.words)
  for stratum, size in sizes.items():
    header.append(f"{stratum} ({wording.groups(size.groups, words)}, {wording.units(size.units, words)})")
  note = ""
  if some_lack:
    note = f"n: {found.words.groups} with a result, where they are fewer than the stratum's."
  statistic = wording.statistic(figures.metric)
  return Table(f"{statistic[0].upper()}{statistic[1:]} by {name}", header, lines, note)


def time_tables(found: ReportFigures) -> list[Table]:
  """The methods' times, as far as they are known."""
  lines = []
  for method in found.methods:
    if method in found.seconds:
      lines.append(Line(method, [f"{found.seconds[method]:.3g}"]))
  if not lines:
    return []
  return [Table("Time", ["method", found.settings.timing], lines, titles=found.titles)]


def claims_tables(found: ReportFigures) -> list[Table]:
  """The claims with their verdicts and what these rest on, if any were made."""
  if not found.claims:
    return []
  lines = []
  for judgement in found.claims:
    lines.append(Line(judgement.verdict, [judgement.claim.text, _grounds(judgement, found)]))
  note = (
      f"Difference: what the method named first gains over the other, with its 95 % interval over the {found.words.groups} "
      "both cover. Confirmed or refuted where the interval lies wholly above or below zero; with a margin, wholly within or "
      "outside it. Neither intervals nor p are corrected for the number of claims.")
  return [Table("Claims", ["verdict", "claim", "figures"], lines, note, numbers=False)]


def _grounds(x: Judgement, found: ReportFigures) -> str:
  """What a verdict rests on, in a sentence."""
  metric = x.metric
  only_primary = x.key in found.primary and len(found.primary) == 1
  what = x.key
  if metric.is_error:
    what = wording.statistic(metric)
    if not only_primary:
      what = f"{what} of {x.key}"
  if x.verdict == NOT_JUDGED:
    if only_primary:
      return x.why
    return f"{x.key}: {x.why}"

  margin = ""
  if x.claim.margin is not None:
    margin = f", margin {x.claim.margin:g}"
  p = wording.p_value(x.p)
  if not p.startswith("<"):
    p = f"= {p}"
  decimals = metric.decimals
  return (
      f"{what} {number(x.value_better, decimals)} ({x.better}) against {number(x.value_worse, decimals)} ({x.worse}), "
      f"difference {interval(x.gain, decimals)} ({wording.groups(x.groups, found.words)}){margin}, Wilcoxon p {p}")
