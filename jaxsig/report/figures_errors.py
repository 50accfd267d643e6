"""Figures of errors and values: each group's, against the truth, and agreement."""
import math
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import matplotlib.axes
import matplotlib.figure
import numpy as np

from jaxsig import figure_style
from jaxsig.figure_style import ACCENT, FAINT, INK
from jaxsig.report import wording
from jaxsig.report.aggregate import MethodFigures, MetricFigures, rows_by_method
from jaxsig.rows import Row
from jaxsig.system import Words

NAME_CHARACTERS = 36   # of a method beside its line


class ErrorPoints(NamedTuple):
  """Truths and errors of one method's rows."""
  truth_n: np.ndarray
  error_n: np.ndarray
  excluded_truth_k: np.ndarray
  excluded_error_k: np.ndarray


class LevelLook(NamedTuple):
  """How a horizontal line is drawn, and where its number stands."""
  style: str
  x: float                      # in axes' fractions
  shift_pt: tuple[float, float]
  ha: str
  va: str


# the numbers of lines that lie close to each other stand at different ends or sides of them
BIAS = LevelLook("-", 0, (2, 2), "left", "bottom")
UPPER_LIMIT = LevelLook("--", 1, (-1, 2), "right", "bottom")
LOWER_LIMIT = LevelLook("--", 1, (-1, -2), "right", "top")
NO_POINTS = ErrorPoints(np.empty(0), np.empty(0), np.empty(0), np.empty(0))


def error_points(rows: Sequence[Row]) -> dict[str, ErrorPoints]:
  """{method: its points}, of the rows with truth and estimate."""
  points = {}
  for method, own in rows_by_method(rows).items():
    included = []
    excluded = []
    for row in own:
      if not row.is_error or math.isnan(row.result):
        continue
      point = (row.truth, row.result)
      if row.included:
        included.append(point)
      else:
        excluded.append(point)
    if included or excluded:
      points[method] = ErrorPoints(*figure_style.columns(included), *figure_style.columns(excluded))
  return points


def groups_figure(
    figures: MetricFigures,
    methods: Sequence[str],
    ours: str,
    words: Words,
) -> matplotlib.figure.Figure | None:
  """Each group's figure in a line for each method, and that over groups with its interval.

  None without methods.
  """
  if not methods:
    return None
  figure, [axis] = figure_style.grid(1, 0.5 + 0.52 * len(methods))
  lines = list(reversed(methods))
  smallest = [0.0]
  for y, method in enumerate(lines):
    own = figures.methods[method]
    _draw_groups(axis, y, own, figure_style.colour(method, ours))
    axis.text(
        1.02,
        y,
        wording.number(own.included.estimate.value, figures.metric.decimals),
        transform=axis.get_yaxis_transform(),
        va="center",
        color=figure_style.colour(method, ours),
        weight=figure_style.weight(method, ours),
    )
    smallest.append(min(own.by_group.values()))

  size = figures.title
  if figures.metric.is_error:
    size = f"{figures.title}: absolute error"
  xlabel = wording.axis_label(f"{size} of each {words.group}", figures.metric)
  axis.set_xlabel(figure_style.fitted(xlabel, figure_style.WIDTH_IN - 3.5))
  axis.set_xlim(left=min(smallest))
  names = [textwrap.fill(name, NAME_CHARACTERS) for name in lines]
  axis.set_yticks(range(len(lines)), names, color=INK)
  axis.set_ylim(-0.6, len(lines) - 0.4)
  axis.grid(axis="y", visible=False)
  return figure


def _draw_groups(axis: matplotlib.axes.Axes, y: int, own: MethodFigures, colour: str) -> None:
  """Draws a method's groups as faint dots, and its figure as a large one with the interval."""
  values_g = np.array(list(own.by_group.values()))
  jitter_g = 0.26 * np.sin(2.4 * np.arange(len(values_g)))   # no chance: a page is always the same
  axis.scatter(values_g, y + jitter_g, s=16, color=colour, alpha=0.28, linewidths=0)

  estimate = own.included.estimate
  if estimate.low is not None:
    ends = (estimate.low, estimate.high)
    axis.plot(ends, (y, y), color=colour, lw=3, solid_capstyle="round")
  axis.scatter(
      estimate.value,
      y,
      s=70,
      color=colour,
      edgecolor="white",
      linewidth=1.2,
      zorder=3,
  )


def error_against_truth(
    rows: Sequence[Row],
    figures: MetricFigures,
    methods: Sequence[str],
    ours: str,
) -> matplotlib.figure.Figure | None:
  """Error against truth in a panel for each method, with the medians of tenths.

  None without truths.
  """
  points = error_points(rows)
  if not points:
    return None
  metric = figures.metric
  xlabel = wording.axis_label(f"{figures.title}: truth", metric)
  figure, axes = figure_style.panels(methods, ours, xlabel, wording.axis_label("error", metric))
  for method, axis in zip(methods, axes):
    own = points.get(method, NO_POINTS)
    colour = figure_style.colour(method, ours)
    if metric.within:
      tolerance = metric.within[0]
      axis.axhspan(-tolerance, tolerance, color=FAINT, alpha=0.7, linewidth=0, zorder=0)
    axis.scatter(own.truth_n, own.error_n, s=9, color=colour, alpha=0.35, linewidths=0)
    axis.scatter(
        own.excluded_truth_k,
        own.excluded_error_k,
        s=12,
        facecolor="none",
        edgecolor=ACCENT,
        linewidths=0.7,
        alpha=0.8,
    )
    axis.plot(*_medians_of_tenths(own), color=INK, lw=1.4)
  return figure


def _medians_of_tenths(points: ErrorPoints) -> np.ndarray:
  """[2, <= 10]: medians of truth and error in tenths of the points, by their truth."""
  order = np.argsort(points.truth_n, kind="stable")
  medians = []
  for tenth in np.array_split(order, 10):
    if len(tenth):
      truth = np.median(points.truth_n[tenth])
      error = np.median(points.error_n[tenth])
      medians.append((truth, error))
  return figure_style.columns(medians)


def bland_altman(
    rows: Sequence[Row],
    figures: MetricFigures,
    methods: Sequence[str],
    ours: str,
) -> matplotlib.figure.Figure | None:
  """Difference against mean of estimate and truth, with bias and limits of agreement.

  Bland & Altman, Lancet 327, 1986. None without truths.
  """
  points = error_points(rows)
  if not points:
    return None
  metric = figures.metric
  xlabel = wording.axis_label(f"{figures.title}: mean of estimate and truth", metric)
  ylabel = wording.axis_label("estimate - truth", metric)
  figure, axes = figure_style.panels(methods, ours, xlabel, ylabel)
  for method, axis in zip(methods, axes):
    own = points.get(method, NO_POINTS)
    colour = figure_style.colour(method, ours)
    mean_n = own.truth_n + own.error_n / 2
    axis.scatter(mean_n, own.error_n, s=9, color=colour, alpha=0.35, linewidths=0)
    included = figures.methods[method].included
    low, high = included.limits
    _draw_level(axis, included.bias, BIAS)
    _draw_level(axis, low, LOWER_LIMIT)
    _draw_level(axis, high, UPPER_LIMIT)
  return figure


def _draw_level(axis: matplotlib.axes.Axes, level: float, look: LevelLook) -> None:
  """Draws a horizontal line with its number."""
  axis.axhline(level, color=INK, lw=1, ls=look.style)
  axis.annotate(
      f"{level:+z.1f}",
      (look.x, level),
      look.shift_pt,
      xycoords=("axes fraction", "data"),
      textcoords="offset points",
      ha=look.ha,
      va=look.va,
      fontsize=8.5,
  )
