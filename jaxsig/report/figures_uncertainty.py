"""Figures of uncertainty: risk-coverage, interval coverage, and reliability of probabilities."""
import math
from collections.abc import Mapping, Sequence

import matplotlib.axes
import matplotlib.figure
import numpy as np

from jaxsig import figure_style
from jaxsig.figure_style import BASELINE, MUTED, OTHERS, OURS
from jaxsig.report import wording
from jaxsig.report.aggregate import MetricFigures, rows_by_method
from jaxsig.rows import Row
from jaxsig.system import Words

Look = Mapping[str, str | float]         # options of a line
Points = Sequence[tuple[float, float]]

HEIGHT_IN = 3.0        # of the panels of uncertainty
LEGEND_LINE_IN = 0.2   # above them


def uncertainty_figure(
    figures: MetricFigures,
    ours: str,
    words: Words,
) -> matplotlib.figure.Figure | None:
  """Risk-coverage and interval coverage, those of the two that any method has; None without."""
  curves = {}
  shares = {}
  for method, one in figures.uncertainty.items():
    if one.risk is not None:
      curves[method] = one.risk.curve
    if one.intervals is not None:
      points = [(float(level), 100 * share) for level, share in one.intervals.share.items()]
      shares[method] = points
  methods = sorted({**curves, **shares}, key=lambda method: method != ours)
  if not methods:
    return None

  looks = {}
  for i, method in enumerate(methods):
    looks[method] = _look(method, i, ours)
  panels = bool(curves) + bool(shares)
  columns = figure_style.legend_columns(methods)
  legend_in = LEGEND_LINE_IN * math.ceil(len(methods) / columns)
  figure, axes = figure_style.grid(panels, HEIGHT_IN + legend_in, columns=2)
  if curves:
    _draw_risk_coverage(axes[0], curves, looks, figures, words)
  if shares:
    _draw_interval_coverage(axes[-1], shares, looks)

  handles = {}
  for axis in axes:
    for handle, label in zip(*axis.get_legend_handles_labels()):
      handles[label] = handle
  ordered = [handles[method] for method in methods]
  figure.legend(ordered, methods, loc="outside upper right", ncols=columns)
  return figure


def _draw_risk_coverage(
    axis: matplotlib.axes.Axes,
    curves: Mapping[str, Points],
    looks: Mapping[str, Look],
    figures: MetricFigures,
    words: Words,
) -> None:
  for method, curve in curves.items():
    axis.plot(*figure_style.columns(curve), **looks[method])

  text = f"{wording.statistic(figures.metric)}: {figures.title}"
  axis.set_xlabel(f"{words.units} answered (%)")
  label = wording.axis_label(text, figures.metric)
  axis.set_ylabel(figure_style.fitted(label, HEIGHT_IN - 0.4))
  if figures.metric.is_error:
    axis.set_ylim(bottom=0)


def _draw_interval_coverage(
    axis: matplotlib.axes.Axes,
    shares: Mapping[str, Points],
    looks: Mapping[str, Look],
) -> None:
  for method, points in shares.items():
    axis.plot(*figure_style.columns(points), **looks[method])

  axis.plot((0, 100), (0, 100), color=MUTED, lw=1, ls="--")
  axis.set_xlabel("interval (%)")
  axis.set_ylabel("truths inside (%)")
  axis.set_xlim(40, 100)
  axis.set_ylim(0, 102)


def _look(method: str, i: int, ours: str) -> Look:
  look = {
      "color": OTHERS[i % len(OTHERS)],
      "lw": 1.3,
      "marker": "o",
      "ms": 3.5,
      "label": method,
  }
  if method == ours:
    look.update(color=OURS, lw=2.4)
  return look


def reliability(rows: Sequence[Row], ours: str) -> matplotlib.figure.Figure | None:
  """How often a value is 1 against the probability told for it, in a panel for each method.

  Args:
    rows: with probability and value.
    ours: the method that is set off.

  Returns:
    The figure; None without rows.
  """
  by_method = rows_by_method(rows)
  if not by_method:
    return None
  methods = list(by_method)
  figure, axes = figure_style.panels(methods, ours, "probability told", "share found")
  for axis, own in zip(axes, by_method.values()):
    pairs = [(row.probability, row.value) for row in own]
    told_n, found_n = figure_style.columns(pairs)
    axis.plot((0, 1), (0, 1), color=MUTED, lw=1, ls="--")
    bin_n = np.minimum((10 * told_n).astype(int), 9)
    for k in np.unique(bin_n):
      inside_n = bin_n == k
      told = told_n[inside_n].mean()
      found = found_n[inside_n].mean()
      size = 8 + 120 * inside_n.mean()
      axis.scatter(told, found, s=size, color=BASELINE, alpha=0.8, linewidths=0)
  return figure
