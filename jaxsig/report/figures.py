"""The figures of a report: which there are, and drawing them into files."""
import json
from collections import defaultdict
from collections.abc import Sequence
from functools import partial

import matplotlib
import matplotlib.axes
import matplotlib.figure
import numpy as np
from etils import epath

from jaxsig import figure_style
from jaxsig.figure_style import ACCENT, BASELINE
from jaxsig.report import figures_errors, figures_uncertainty, wording
from jaxsig.report.aggregate import MetricFigures, ReportFigures
from jaxsig.report.along_axis import AxisFigures
from jaxsig.report.comparisons import present
from jaxsig.report.figures_along_axis import figure_along
from jaxsig.report.figures_trade import trade
from jaxsig.report.join import Results
from jaxsig.report.material import material_of
from jaxsig.report.page import Picture
from jaxsig.rows import Row
from jaxsig.system import Figure, Protocol

Curve = list[tuple[int, float]]   # (step, loss)


def draw_figures(
    found: ReportFigures | AxisFigures,
    results: Results,
    protocol: Protocol,
    workdirs: Sequence[epath.Path],
    folder: epath.Path,
) -> list[Picture]:
  """Draws all figures of a report into `folder`; one that lacks its material is left out.

  Args:
    found: the figures of the tables.
    results: the rows they are of.
    protocol: may have figures of its own.
    workdirs: of the report.
    folder: for the PNG files.

  Raises:
    UserError: report.against is none of the report's metrics.
  """
  if isinstance(found, AxisFigures):
    plans = [figure_along(found, key) for key in found.primary]
  else:
    plans = _metrics_figures(found, results)
    if protocol.figures is not None:
      plans += protocol.figures(material_of(found, results, workdirs))
  plans.append(_learning_figure(workdirs))

  marks = []
  if found.simulated:
    marks.append("SIMULATED")
  if found.leaks:
    marks.append("LEAKS")
  pictures = []
  for plan in plans:
    path = folder / f"{plan.name}.png"
    if _draw(plan, path, " ".join(marks)):
      pictures.append(Picture(plan.title, path, plan.note))
  return pictures


def _draw(plan: Figure, path: epath.Path, mark: str) -> bool:
  """Draws a figure into a file and says whether there was material for it."""
  with matplotlib.rc_context(figure_style.STYLE):
    figure = plan.draw()
    if figure is None:
      path.unlink(missing_ok=True)   # of an earlier report
      return False
    if mark:   # a figure travels without its page
      figure.suptitle(mark, x=0.01, ha="left", fontsize=8, color=ACCENT)
    with path.open("wb") as file:
      figure.savefig(file, format="png")
  return True


def _metrics_figures(found: ReportFigures, results: Results) -> list[Figure]:
  """The figures of the primary metrics."""
  rows = defaultdict(list)
  for row in results.rows:
    rows[row.key].append(row)

  plans = []
  for key in found.primary:
    own = [
        *_error_figures(found, key, rows[key]),
        _uncertainty_figure(found, key),
        _trade_figure(found, key),
    ]
    if len(found.primary) > 1:
      own = [_of_metric(plan, found.metrics[key]) for plan in own]
    plans += own
  plans.append(_reliability_figure(found, results))
  return plans


def _of_metric(plan: Figure, figures: MetricFigures) -> Figure:
  """The figure with the metric in its name and title, where several metrics have such a figure."""
  key = figures.key.replace("/", "_")
  return plan._replace(
      name=f"{plan.name}_{key}",
      title=f"{figures.title}: {plan.title}",
  )


def _error_figures(found: ReportFigures, key: str, rows: Sequence[Row]) -> list[Figure]:
  """Each group's figure, errors against truths, and agreement."""
  figures = found.metrics[key]
  words = found.words
  ours = found.reference
  methods = []
  for method in present(found, figures):
    if figures.methods[method].by_group:
      methods.append(method)

  how = figures.metric.aggregate.groups
  shaded = ""
  if figures.metric.within:
    shaded = f" Shaded: within {figures.metric.within[0]:g}."
  return [
      Figure(
          name="groups",
          title=f"The {_size(figures)} of each {words.group}",
          note=(
              f"A faint dot is one {words.group}; the large one the {how} over {words.groups}, "
              "with its 95 % interval."),
          draw=partial(figures_errors.groups_figure, figures, methods, ours, words),
      ),
      Figure(
          name="error_truth",
          title="Error against the truth",
          note=(
              f"Estimate minus truth of all {words.units}; line: median of tenths of them. "
              f"Hollow: excluded {words.units}.{shaded}"),
          draw=partial(figures_errors.error_against_truth, rows, figures, methods, ours),
      ),
      Figure(
          name="bland_altman",
          title="Agreement (Bland-Altman)",
          note=(
              f"All {words.units}; lines: bias and 95 % limits of agreement, "
              f"each {words.group} of equal weight."),
          draw=partial(figures_errors.bland_altman, rows, figures, methods, ours),
      ),
  ]


def _size(figures: MetricFigures) -> str:
  if figures.metric.is_error:
    return "error"
  return "value"


def _uncertainty_figure(found: ReportFigures, key: str) -> Figure:
  figures = found.metrics[key]
  words = found.words
  return Figure(
      name="uncertainty",
      title="What the methods know of their own error",
      note=(
          f"Risk-coverage: the {_size(figures)} when a method answers only that share of the "
          f"{words.units} of which it is most certain. Interval coverage, where there are "
          "intervals: how often they hold the truth; on the dashed line they keep what they "
          "promise, below it they promise too much."),
      draw=partial(figures_uncertainty.uncertainty_figure, figures, found.reference, words),
  )


def _trade_figure(found: ReportFigures, key: str) -> Figure:
  return Figure(
      name="trade",
      title=f"{found.metrics[key].title} against {found.settings.against}",
      note=(
          f"Means over {found.words.groups}; bars: 95 % intervals. A line joins the readings of "
          "one training. Where there is no room for a name, it is in the table."),
      draw=partial(trade, found, key),
  )


def _reliability_figure(found: ReportFigures, results: Results) -> Figure:
  rows = []
  for row in results.rows:
    if row.probability is not None and row.value is not None:
      rows.append(row)
  units = wording.capitalised(found.words.units)
  return Figure(
      name="reliability",
      title="Probability told and found",
      note=(
          f"{units} in bins of the probability that a method tells, the larger the more; "
          "on the line it is right."),
      draw=partial(figures_uncertainty.reliability, rows, found.reference),
  )


def _learning_figure(workdirs: Sequence[epath.Path]) -> Figure:
  return Figure(
      name="learning",
      title="Learning curves",
      note="Thin: one member each. Thick: their median.",
      draw=partial(_learning, workdirs),
  )


def _learning(workdirs: Sequence[epath.Path]) -> matplotlib.figure.Figure | None:
  """Training and validation losses of all members; None where no workdir has any."""
  curves = {}
  for workdir in workdirs:
    paths = sorted(workdir.glob("members/*/scalars.jsonl"))
    if paths:
      curves[workdir.name] = [_read_curves(path) for path in paths]
  if not curves:
    return None

  figure, axes = figure_style.grid(len(curves), 2.7)
  for (name, members), axis in zip(curves.items(), axes):
    _draw_curves(axis, [member["loss"] for member in members], BASELINE, "training")
    _draw_curves(axis, [member["val_loss"] for member in members], ACCENT, "validation")
    axis.set(xlabel="step", ylabel="loss", title=figure_style.panel_title(name))
  handles = {}
  for axis in axes:
    for handle, label in zip(*axis.get_legend_handles_labels()):
      handles.setdefault(label, handle)
  figure.legend(handles.values(), handles, loc="outside upper right", ncols=2)
  return figure


def _draw_curves(
    axis: matplotlib.axes.Axes,
    curves: Sequence[Curve],
    colour: str,
    label: str,
) -> None:
  """Draws the members' curves, and their median at the steps that all have."""
  losses = defaultdict(list)
  for curve in curves:
    axis.plot(*figure_style.columns(curve), color=colour, lw=0.8, alpha=0.3)
    for step, loss in curve:
      losses[step].append(loss)

  middle = []
  for step, values in sorted(losses.items()):
    if len(values) == len(curves):
      middle.append((step, np.median(values)))
  if not losses:   # validation was not asked for
    return
  axis.plot(*figure_style.columns(middle), color=colour, lw=2, label=label)


def _read_curves(path: epath.Path) -> dict[str, Curve]:
  """{"loss" or "val_loss": curve} of a member."""
  curves = {"loss": [], "val_loss": []}
  lines = []
  if path.is_file():
    lines = path.read_bytes().splitlines()
  for line in lines:
    try:
      scalars = dict(json.loads(line))
    except (ValueError, TypeError):   # a killed run may tear the last one
      continue
    for name, curve in curves.items():
      if name in scalars and "step" in scalars:
        curve.append((scalars["step"], scalars[name]))
  return curves
