"""Figures of uncertainty: risk-coverage, interval coverage, and reliability of probabilities."""
from collections.abc import Mapping, Sequence

import matplotlib.figure
import numpy as np

from jaxsig import figure_style
from jaxsig.figure_style import BASELINE, MUTED, OTHERS, OURS
from jaxsig.report import wording
from jaxsig.report.aggregate import MetricFigures, rows_by_method
from jaxsig.system import Row, Words


def uncertainty_figure(figures: MetricFigures, ours: str, words: Words) -> matplotlib.figure.Figure | None:
  """Error or value against the share answered, and interval coverage against the level; None where no method tells any."""
  curves = {}
  shares = {}
  for method, one in figures.uncertainty.items():
    if one.risk is not None:
      curves[method] = one.risk.curve
    if one.intervals is not None:
      shares[method] = [(float(level), 100 * share) for level, share in one.intervals.share.items()]
  methods = sorted({**curves, **shares}, key=lambda method: method != ours)
  if not methods:
    return None

  looks = {method: _look(method, i, ours) for i, method in enumerate(methods)}
  figure, (left, right) = figure_style.grid(2, 3.4, columns=2)
  for method, curve in curves.items():
    left.plot(*figure_style.columns(curve), **looks[method])
  for method, points in shares.items():
    right.plot(*figure_style.columns(points), **looks[method])

  size = f"{wording.statistic(figures.metric)}: {figures.title}"
  bottom = None
  if figures.metric.is_error:
    bottom = 0
  left.set(xlabel=f"{words.units} answered (%)", ylabel=wording.label(size, figures.metric), ylim=(bottom, None))
  right.plot((0, 100), (0, 100), color=MUTED, lw=1, ls="--")
  right.set(xlabel="interval (%)", ylabel="truths inside (%)", xlim=(40, 100), ylim=(0, 102))
  right.set_visible(bool(shares))

  handles = {}
  for axis in (left, right):
    for handle, label in zip(*axis.get_legend_handles_labels()):
      handles[label] = handle
  ordered = [handles[method] for method in methods]
  figure.legend(ordered, methods, loc="outside upper right", ncols=min(4, len(methods)))
  return figure


def _look(method: str, i: int, ours: str) -> Mapping[str, str | float]:
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
  """How often a value is 1 against the probability told for it, in a panel for each method; None without rows.

  Args:
    rows: with probability and value.
    ours: the method that is set off.
  """
  by_method = rows_by_method(rows)
  if not by_method:
    return None
  figure, axes = figure_style.panels(list(by_method), ours, "probability told", "share found")
  for axis, own in zip(axes, by_method.values()):
    told_n, found_n = figure_style.columns([(row.probability, row.value) for row in own])
    axis.plot((0, 1), (0, 1), color=MUTED, lw=1, ls="--")
    bin_n = np.minimum((10 * told_n).astype(int), 9)
    for k in np.unique(bin_n):
      inside_n = bin_n == k
      size = 8 + 120 * inside_n.mean()
      axis.scatter(told_n[inside_n].mean(), found_n[inside_n].mean(), s=size, color=BASELINE, alpha=0.8, linewidths=0)
  return figure
