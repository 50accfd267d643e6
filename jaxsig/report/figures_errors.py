"""Figures of errors and values: each group's, against the truth, and agreement after Bland and Altman."""
import math
from collections.abc import Sequence
from typing import NamedTuple

import matplotlib.figure
import numpy as np

from jaxsig import figure_style
from jaxsig.figure_style import ACCENT, FAINT, INK
from jaxsig.report import wording
from jaxsig.report.aggregate import MetricFigures, rows_by_method
from jaxsig.system import Row, Words


class ErrorPoints(NamedTuple):
  """Truths and errors of one method's rows."""
  truth_n: np.ndarray
  error_n: np.ndarray
  excluded_truth_k: np.ndarray
  excluded_error_k: np.ndarray


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
  """Each group's figure in a line for each method, with the figure over groups and its interval; None without any."""
  if not methods:
    return None
  metric = figures.metric
  figure, [axis] = figure_style.grid(1, 0.5 + 0.52 * len(methods))
  lines = list(reversed(methods))
  for y, method in enumerate(lines):
    own = figures.methods[method]
    estimate = own.included.estimate
    colour = figure_style.colour(method, ours)
    values_g = np.array(list(own.by_group.values()))
    jitter_g = 0.26 * np.sin(2.4 * np.arange(len(values_g)))   # no chance: the same page twice is the same page
    axis.scatter(values_g, y + jitter_g, s=16, color=colour, alpha=0.28, linewidths=0)
    if estimate.low is not None:
      axis.plot((estimate.low, estimate.high), (y, y), color=colour, lw=3, solid_capstyle="round")
    axis.scatter(estimate.value, y, s=70, color=colour, edgecolor="white", linewidth=1.2, zorder=3)
    axis.text(
        1.02,
        y,
        wording.number(estimate.value, metric.decimals),
        transform=axis.get_yaxis_transform(),
        va="center",
        color=colour,
        weight=figure_style.weight(method, ours),
    )

  size = figures.title
  if metric.is_error:
    size = f"{figures.title}: absolute error"
  axis.set_yticks(range(len(lines)), lines, color=INK)
  axis.set(xlabel=wording.axis_label(f"{size} of each {words.group}", metric), ylim=(-0.6, len(lines) - 0.4))
  smallest = min(min(figures.methods[method].by_group.values()) for method in methods)
  axis.set_xlim(left=min(0, smallest))
  axis.grid(axis="y", visible=False)
  return figure


def error_against_truth(
    rows: Sequence[Row],
    figures: MetricFigures,
    methods: Sequence[str],
    ours: str,
) -> matplotlib.figure.Figure | None:
  """Error against truth in a panel for each method, with the median of tenths; None without truths."""
  points = error_points(rows)
  if not points:
    return None
  metric = figures.metric
  xlabel = wording.axis_label(f"{figures.title}: truth", metric)
  figure, axes = figure_style.panels(methods, ours, xlabel, wording.axis_label("error", metric))
  for method, axis in zip(methods, axes):
    own = points.get(method, NO_POINTS)
    if metric.within:
      axis.axhspan(-metric.within[0], metric.within[0], color=FAINT, alpha=0.7, linewidth=0, zorder=0)
    colour = figure_style.colour(method, ours)
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
      medians.append((np.median(points.truth_n[tenth]), np.median(points.error_n[tenth])))
  return figure_style.columns(medians)


def bland_altman(
    rows: Sequence[Row],
    figures: MetricFigures,
    methods: Sequence[str],
    ours: str,
) -> matplotlib.figure.Figure | None:
  """Difference against mean of estimate and truth, with bias and limits of agreement; None without truths.

  Bland & Altman, Lancet 327, 1986.
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
    axis.scatter(own.truth_n + own.error_n / 2, own.error_n, s=9, color=colour, alpha=0.35, linewidths=0)
    included = figures.methods[method].included
    low, high = included.limits
    for level, style in ((included.bias, "-"), (low, "--"), (high, "--")):
      axis.axhline(level, color=INK, lw=1, ls=style)
      axis.annotate(
          f"{level:+z.1f}",
          (1, level),
          (-1, 2),
          xycoords=("axes fraction", "data"),
          textcoords="offset points",
          ha="right",
          fontsize=8.5,
      )
  return figure
