"""One metric against another: what methods pay for what they save."""
import itertools
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib
import matplotlib.axes
import matplotlib.figure
import matplotlib.text
import numpy as np

from jaxsig.errors import UserError
from jaxsig.figure_style import WIDTH_IN, fitted
from jaxsig.report import wording
from jaxsig.report.aggregate import MetricFigures, ReportFigures
from jaxsig.report.settings import keys_of_name

Place = tuple[float, float]
Stroke = tuple[Place, Place]   # a straight line between two points of the data

HEIGHT_IN = 5.4   # of the figure


class Point(NamedTuple):
  """A method's means, and the interval of that along y."""
  x: float
  y: float
  low: float | None
  high: float | None


class Label(NamedTuple):
  """A name that stands beside a point."""
  text: str
  at: Place
  colour: str


def _places_pt() -> list[Place]:
  """Where a label may stand, from its point, nearest first."""
  sides = [
      (1, 0),
      (-1, 0),
      (0, 1),
      (0, -1),
      (0.7, 0.7),
      (-0.7, 0.7),
      (0.7, -0.7),
      (-0.7, -0.7),
  ]
  places = []
  for distance_pt in (7, 14, 24):
    for x, y in sides:
      places.append((distance_pt * x, distance_pt * y))
  return places


PLACES_PT = _places_pt()


def trade(found: ReportFigures, key: str) -> matplotlib.figure.Figure | None:
  """A primary metric, with its interval, against the metric `report.against`.

  A point for each method. A line joins a method with those that add ", " and one thing more to its
  name: readings of one training, of which it alone is labelled. A method that lacks one of the
  means is left out; None where all do, or where the report has no such metric or no row of it.

  Raises:
    UserError: report.against is none of the report's metrics.
  """
  against = found.settings.against
  if not against:
    return None
  against_keys = keys_of_name(against, list(found.metrics))
  if keys_of_name(against, found.absent):
    return None
  if not against_keys:
    raise UserError(
        f"report.against names {against!r}, which the report does not aggregate: "
        "add it to report.metrics")
  along = found.metrics[against_keys[0]]
  up = found.metrics[key]
  points = _points(along, up)
  if not points:
    return None

  figure = matplotlib.figure.Figure(figsize=(WIDTH_IN, HEIGHT_IN))
  axis = figure.subplots()
  axis.set_xlabel(fitted(_axis_label(along), WIDTH_IN - 1))
  axis.set_ylabel(fitted(_axis_label(up), HEIGHT_IN - 1))
  axis.margins(0.1)
  methods = [method for method in found.methods if method in points]
  labels, strokes = _draw_families(axis, families(methods), points, found.reference)
  _place_labels(axis, labels, strokes)
  return figure


def _axis_label(figures: MetricFigures) -> str:
  text = figures.title
  if figures.metric.is_error:
    text = f"{wording.statistic(figures.metric)}: {text}"
  return wording.axis_label(text, figures.metric)


def _points(along: MetricFigures, up: MetricFigures) -> dict[str, Point]:
  """{method: its point}, of those that have both means."""
  points = {}
  for method in along.methods:
    if method not in up.methods:
      continue
    x = along.methods[method].included.estimate
    y = up.methods[method].included.estimate
    if x.value is not None and y.value is not None:
      points[method] = Point(x.value, y.value, y.low, y.high)
  return points


def families(methods: Sequence[str]) -> list[list[str]]:
  """Methods joined with their readings: "a" with "a, b" and "a, c".

  Where "a (workdir)" tells two trainings apart, the readings are "a, b (workdir)".
  """
  trainings = {}
  for method in methods:
    trainings[method] = re.sub(r", [^,]*?((?: \([^()]*\))*)$", r"\1", method)
  heads = set()
  for method, training in trainings.items():
    if training != method and training in methods:
      heads.add(training)

  joined = defaultdict(list)
  for method in methods:
    is_reading = trainings[method] in heads and method not in heads
    if is_reading:
      joined[trainings[method]].append(method)
    else:
      joined[method].append(method)
  return list(joined.values())


def _draw_families(
    axis: matplotlib.axes.Axes,
    every: Sequence[Sequence[str]],
    points: Mapping[str, Point],
    reference: str,
) -> tuple[list[Label], list[Stroke]]:
  """Draws each family in a colour of its own, that of the reference first.

  Returns:
    (the labels, all strokes).
  """
  labels = []
  strokes = []
  colours = (f"C{1 + i % 7}" for i in itertools.count())

  def reference_then_largest(family: Sequence[str]) -> tuple[bool, int]:
    return reference not in family, -len(family)

  for family in sorted(every, key=reference_then_largest):
    if reference in family:
      colour = "C0"
    elif len(family) == 1:
      colour = matplotlib.rcParams["xtick.color"]
    else:
      colour = next(colours)
    in_order = sorted(points[method] for method in family)
    strokes += _draw_line(axis, in_order, colour)
    name = min(family, key=len)
    at = (points[name].x, points[name].y)
    labels.append(Label(name, at, colour))
  return labels, strokes


def _draw_line(axis: matplotlib.axes.Axes, points: Sequence[Point], colour: str) -> list[Stroke]:
  """Draws points in order with their intervals, and returns all strokes."""
  ends = [(point.x, point.y) for point in points]
  x, y = zip(*ends)
  axis.plot(x, y, "o-", color=colour, lw=1.3, ms=6, mec="white")

  bars = []
  for point in points:
    if point.low is not None:
      bars.append(((point.x, point.low), (point.x, point.high)))
  for bar in bars:
    x, y = zip(*bar)
    axis.plot(x, y, color=colour, lw=1.3, alpha=0.6, zorder=1.9)
  lines = list(itertools.pairwise(ends))
  if not lines:
    lines = [(ends[0], ends[0])]
  return lines + bars


def _place_labels(
    axis: matplotlib.axes.Axes,
    labels: Sequence[Label],
    strokes: Sequence[Stroke],
) -> None:
  """Puts each label beside its point where it hides least of the strokes.

  One that would hide another is left out.
  """
  axis.figure.draw_without_rendering()   # lays the axes out
  along_strokes = [np.linspace(start, end, 30) for start, end in strokes]
  marks = axis.transData.transform(np.concatenate(along_strokes))
  placed = []
  for label in labels:
    tried = [_beside(axis, label, place_pt) for place_pt in PLACES_PT]
    boxes = [text.get_window_extent() for text in tried]
    costs = []
    for box in boxes:
      outside = 2 - axis.bbox.count_contains(box.get_points())
      costs.append((outside, box.count_overlaps(placed), box.count_contains(marks)))

    best = costs.index(min(costs))
    hides_another = costs[best][1] > 0
    for i, text in enumerate(tried):
      if i != best or hides_another:
        text.remove()
    if not hides_another:
      placed.append(boxes[best])


def _beside(
    axis: matplotlib.axes.Axes,
    label: Label,
    place_pt: Place,
) -> matplotlib.text.Annotation:
  """Writes a label so far from its point."""
  x = int(np.sign(place_pt[0]))
  y = int(np.sign(place_pt[1]))
  return axis.annotate(
      label.text,
      label.at,
      place_pt,
      textcoords="offset points",
      color=label.colour,
      fontsize=8.5,
      ha=("center", "left", "right")[x],
      va=("center", "bottom", "top")[y],
  )
