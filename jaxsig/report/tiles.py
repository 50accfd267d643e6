"""The large figures at the top of a page."""
from jaxsig.report import wording
from jaxsig.report.aggregate import MetricFigures, ReportFigures, best_first
from jaxsig.report.along_axis import AxisFigures, included_at, metric_of_key
from jaxsig.report.averages import direction
from jaxsig.report.page import Tile
from jaxsig.report.tables import included_units
from jaxsig.report.wording import interval, percent


def report_tiles(found: ReportFigures) -> list[Tile]:
  """The reference in each primary metric, how much it answers, and how much was scored."""
  tiles = []
  for key in found.primary:
    tiles.append(_headline(found, found.metrics[key]))
  tiles += _shares(found)

  first = found.metrics[found.primary[0]]
  sizes = wording.sizes(first.groups, first.records, first.units, found.words, found.nesting)
  figure, _, what = sizes.partition(" ")
  tiles.append(Tile(figure, what))
  return tiles


def _headline(found: ReportFigures, figures: MetricFigures) -> Tile:
  """The reference's figure, and beside it the best method's where that is another."""
  metric = figures.metric
  figure = "-"
  if found.reference in figures.methods:
    figure = _figure(found.reference, figures)

  what = f"{wording.statistic(metric)} of {found.reference}"
  what = wording.with_unit(what, metric)
  if len(found.primary) > 1 or not metric.is_error:
    what = f"{figures.title}: {what}"
  if found.simulated:
    what = f"{what}, SIMULATED"

  if direction(metric):
    what += _best(found, figures)
  return Tile(figure, what)


def _best(found: ReportFigures, figures: MetricFigures) -> str:
  """The best method, of those that cover what the reference covers, if any other does.

  How many groups each covers is told where these differ.
  """
  ours = set()
  if found.reference in figures.methods:
    ours = figures.methods[found.reference].by_group.keys()
  covering = []
  for method, own in figures.methods.items():
    if own.by_group and ours <= own.by_group.keys():
      covering.append(method)
  others = [method for method in covering if method != found.reference]

  candidates = found.methods
  if others:
    candidates = [method for method in found.methods if method in covering]
  best = best_first(candidates, figures)[0]
  if best == found.reference:
    return ""

  text = f"; best: {best}, {_figure(best, figures)}"
  n_best = len(figures.methods[best].by_group)
  if n_best != len(ours):
    groups = wording.groups(n_best, found.words)
    text = f"{text} (over {groups}; {found.reference}: {len(ours)})"
  return text


def _figure(method: str, figures: MetricFigures) -> str:
  included = figures.methods[method].included
  return interval(included.estimate, figures.metric.decimals)


def _shares(found: ReportFigures) -> list[Tile]:
  """Of the first primary metric: the share of units with a result, and within each tolerance."""
  first = found.metrics[found.primary[0]]
  if found.reference not in first.methods:
    return []

  included = first.methods[found.reference].included
  asked = found.words.units
  units = included_units(first)
  if included.units < units:
    asked = f"{included.units} of {wording.units(units, found.words)}"
  tiles = [Tile(
      figure=percent(included.coverage),
      what=f"of {asked} with a result",
  )]
  for tolerance, share in zip(first.metric.within, included.within):
    what = f"of these within {tolerance:g}"
    tiles.append(Tile(
        figure=percent(share),
        what=wording.followed_by_unit(what, first.metric),
    ))
  return tiles


def axis_tiles(found: AxisFigures) -> list[Tile]:
  """The reference at the two ends of the axis, and how much is compared."""
  tiles = []
  for key in found.primary:
    tiles += _ends(found, key)

  methods = wording.count(len(found.methods), "method", "methods")
  tiles.append(Tile(
      figure=str(len(found.values)),
      what=f"values of {found.axis}, {methods}",
  ))
  return tiles


def _ends(found: AxisFigures, key: str) -> list[Tile]:
  metric = metric_of_key(found, key).metric
  what = f"{wording.statistic(metric)} of {found.reference}"
  what = wording.with_unit(what, metric)
  if found.simulated:
    what = f"{what}, SIMULATED"

  ours = included_at(found, key, found.reference)
  values = list(ours)
  ends = values[:1]
  if len(values) > 1:
    ends.append(values[-1])
  tiles = []
  for value in ends:
    tiles.append(Tile(
        figure=interval(ours[value].estimate, metric.decimals),
        what=f"{what}, at {found.axis} {value}",
    ))
  return tiles
