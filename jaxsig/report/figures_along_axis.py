"""The figure of a report along one setting."""
import functools
import math
import textwrap
from collections.abc import Mapping, Sequence

import matplotlib.axes
import matplotlib.figure
import numpy as np

from jaxsig import figure_style
from jaxsig.figure_style import OTHERS, OURS, WIDTH_IN
from jaxsig.report import wording
from jaxsig.report.along_axis import AxisFigures, included_at, metric_of_key, numbers
from jaxsig.report.averages import Estimate, Figures
from jaxsig.system import Figure

MARKERS = "osD^vP"   # six, with the seven colours of OTHERS: no two of 42 methods look alike
WIDE = 20            # of positive values that span more than this factor, the logarithm is drawn
GAP = Estimate(math.nan)

Look = Mapping[str, str | float | None]   # options of a line


def figure_along(found: AxisFigures, key: str) -> Figure:
  """The figure of a primary metric along the setting."""
  figures = metric_of_key(found, key)
  name = "axis"
  if len(found.primary) > 1:
    name = f"axis_{key.replace('/', '_')}"
  dotted = ""
  if math.inf in numbers(found).values():
    dotted = " Dotted: the step to infinity."
  how = figures.metric.aggregate.groups
  return Figure(
      name=name,
      title=f"{figures.title} along {found.axis}",
      note=(
          f"The {how} over {found.words.groups} with its 95 % interval; methods are set a little "
          f"apart at each value.{dotted}"),
      draw=functools.partial(draw_along, found, key),
  )


def places(values: Sequence[float]) -> list[float]:
  """Where ascending values stand: by their logarithm if the finite ones span a wide range.

  Infinity stands one mean step after the last finite value.
  """
  finite = [value for value in values if math.isfinite(value)]
  at = [float(value) for value in finite]
  if _is_wide(finite):
    at = [math.log10(value) for value in finite]

  step = 1.0
  if len(at) > 1:
    step = (at[-1] - at[0]) / (len(at) - 1)
  beyond = 0.0
  if at:
    beyond = at[-1] + step
  infinite = len(values) - len(finite)
  return at + [beyond] * infinite


def _is_wide(values: Sequence[float]) -> bool:
  """Whether ascending values span a range that only a logarithm shows."""
  if len(values) < 2 or values[0] <= 0:
    return False
  return values[-1] > WIDE * values[0]


def draw_along(found: AxisFigures, key: str) -> matplotlib.figure.Figure | None:
  """A line for each method along the values that are numbers; None where no method has any."""
  value_of = numbers(found)
  lines = {}
  for method in found.methods:
    at = included_at(found, key, method)
    if at.keys() & value_of.keys():
      lines[method] = at
  if not lines:
    return None

  height_in = max(4.2, 1 + 0.3 * len(lines))
  figure = matplotlib.figure.Figure(figsize=(WIDTH_IN, height_in))
  axis = figure.subplots()
  at = places(list(value_of.values()))
  has_infinity = math.inf in value_of.values()
  looks = _looks(list(lines), found.reference)
  width = (at[-1] - at[0]) or 1
  sides = np.linspace(-1, 1, len(lines) + 2)[1:-1]
  shifts = sides * 0.02 * width
  for (method, by_value), shift in zip(lines.items(), shifts):
    estimates = [_estimate(by_value, value) for value in value_of]
    _line(axis, np.add(at, shift), estimates, has_infinity, looks[method])

  figures = metric_of_key(found, key)
  text = f"{wording.statistic(figures.metric)}: {figures.title}"
  axis.set_xticks(at, list(value_of))
  axis.set_xlabel(found.axis)
  label = wording.axis_label(text, figures.metric)
  axis.set_ylabel(figure_style.fitted(label, height_in - 1))
  if figures.metric.is_error:
    axis.set_ylim(bottom=0)
  axis.grid(axis="x", visible=False)
  _legend(figure, axis, list(lines), found.reference)
  return figure


def _estimate(by_value: Mapping[str, Figures], value: str) -> Estimate:
  if value not in by_value:
    return GAP
  return by_value[value].estimate


def _legend(
    figure: matplotlib.figure.Figure,
    axis: matplotlib.axes.Axes,
    methods: Sequence[str],
    ours: str,
) -> None:
  handles, labels = axis.get_legend_handles_labels()
  legend = figure.legend(handles, labels, loc="outside right upper", fontsize=9)
  for text, method in zip(legend.get_texts(), methods):
    text.set_color(figure_style.text_colour(method, ours))
    text.set_weight(figure_style.weight(method, ours))


def _looks(methods: Sequence[str], ours: str) -> dict[str, Look]:
  """{method: how its line is drawn}."""
  others = [method for method in methods if method != ours]
  looks = {}
  for i, method in enumerate(others):
    looks[method] = {
        "color": OTHERS[i % len(OTHERS)],
        "marker": MARKERS[i % len(MARKERS)],
        "lw": 1.3,
        "ms": 4.5,
        "label": textwrap.fill(method, 26),
    }
  looks[ours] = {
      "color": OURS,
      "marker": "o",
      "lw": 2.6,
      "ms": 6.5,
      "zorder": 3,
      "label": textwrap.fill(ours, 26),
  }
  return looks


def _line(
    axis: matplotlib.axes.Axes,
    at: np.ndarray,
    estimates: Sequence[Estimate],
    has_infinity: bool,
    look: Look,
) -> None:
  """Draws a method's line, dotted to infinity, which comes last, and its intervals."""
  means = [estimate.value for estimate in estimates]
  finite = len(at)
  if has_infinity:
    finite -= 1
  last = max(finite - 1, 0)
  axis.plot(at[:finite], means[:finite], **look)
  dotted = {**look, "ls": ":", "label": None}
  axis.plot(at[last:], means[last:], **dotted)

  bars = []
  for x, estimate in zip(at, estimates):
    if estimate.low is not None:
      bars.append((x, estimate.low, estimate.high))
  x, low, high = np.reshape(bars, (-1, 3)).T
  axis.vlines(x, low, high, color=look["color"], lw=look["lw"], alpha=0.6)
