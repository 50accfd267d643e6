"""The large figures at the top of a page."""
from jaxsig.report import wording
from jaxsig.report.aggregate import MetricFigures, ReportFigures, best_first
from jaxsig.report.along_axis import AxisFigures, included_at, metric_of_key
from jaxsig.report.averages import direction
from jaxsig.report.page import Tile
from jaxsig.report.wording import interval, percent


def report_tiles(found: ReportFigures) -> list[Tile]:
  """The reference in each primary metric, the best method beside it, how much it answers, and how much was scored."""
  tiles = []
  for key in found.primary:
    tiles.append(_headline(found, found.metrics[key]))

  first = found.metrics[found.primary[0]]
  if found.reference in first.methods:
    included = first.methods[found.reference].included
    tiles.append(Tile(percent(included.coverage), f"of {found.words.units} with a result"))
    for tolerance, share in zip(first.metric.within, included.within):
      what = wording.with_unit_after(f"of these within {tolerance:g}", first.metric)
      tiles.append(Tile(percent(share), what))

  words = wording.distinct(found.words)
  records = wording.records(first.records, words)
  units = wording.units(first.units, words)
  tiles.append(Tile(str(first.groups), f"{wording.noun(first.groups, words.group, words.groups)}, {records}, {units}"))
  return tiles


def _headline(found: ReportFigures, figures: MetricFigures) -> Tile:
  metric = figures.metric
  figure = "-"
  if found.reference in figures.methods:
    figure = interval(figures.methods[found.reference].included.estimate, metric.decimals)

  statistic = wording.statistic(metric)
  what = wording.with_unit(f"{statistic} of {found.reference}", metric)
  if len(found.primary) > 1 or not metric.is_error:
    what = f"{figures.title}: {what}"
  if found.simulated:
    what = f"{what}, SIMULATED"

  best = best_first(found.methods, figures)[0]
  if direction(metric) and best != found.reference:
    estimate = figures.methods[best].included.estimate
    what = f"{what}; best: {best}, {interval(estimate, metric.decimals)}"
  return Tile(figure, what)


def axis_tiles(found: AxisFigures) -> list[Tile]:
  """The reference at the two ends of the axis, and how much is compared."""
  tiles = []
  for key in found.primary:
    figures = metric_of_key(found, key)
    statistic = f"{wording.statistic(figures.metric)} of {found.reference}"
    what = wording.with_unit(statistic, figures.metric)
    if found.simulated:
      what = f"{what}, SIMULATED"

    ours = included_at(found, key, found.reference)
    values = list(ours)
    for value in dict.fromkeys([*values[:1], *values[-1:]]):
      figure = interval(ours[value].estimate, figures.metric.decimals)
      tiles.append(Tile(figure, f"{what}, at {found.axis} {value}"))

  methods = wording.count(len(found.methods), "method", "methods")
  tiles.append(Tile(str(len(found.values)), f"values of {found.axis}, {methods}"))
  return tiles
