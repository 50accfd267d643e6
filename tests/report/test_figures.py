"""Figures of a report: in them the values that were given, and labels that hide nothing."""

import matplotlib
import numpy as np
import pytest
from made_rows import (
  FURTHER,
  METRICS,
  ONLY,
  PRIMARY,
  PROTOCOL,
  SETTINGS,
  as_method,
  changed,
  full_rows,
  results,
  row,
  value,
  workdir,
)

from jaxsig import figure_style
from jaxsig.errors import UserError
from jaxsig.report import figures, figures_errors, figures_trade, figures_uncertainty
from jaxsig.report.aggregate import MethodFigures, MetricFigures, ReportFigures, aggregate
from jaxsig.report.averages import Estimate, Figures
from jaxsig.report.settings import Settings, read_settings
from jaxsig.system import Metric


@pytest.fixture(autouse=True)
def style():
  with matplotlib.rc_context(figure_style.STYLE):
    yield


def estimate(mean, half=None):
  return (
    Estimate(mean) if half is None or mean is None else Estimate(mean, mean - half, mean + half)
  )


def metric_figures(key, estimates, metric=None):
  methods = {
    m: MethodFigures(Figures(x, 2, 2, 1.0), None, {}, {}, [], 0) for m, x in estimates.items()
  }
  return MetricFigures(key, metric or Metric(key), key, 2, 2, 2, {}, {}, methods)


def found_of(reference, methods, metrics, against="connections", primary="accuracy"):
  every = {x.key: x for x in metrics}
  return ReportFigures(
    Settings((primary,), against=against),
    PROTOCOL.words,
    reference,
    list(methods),
    {},
    False,
    False,
    (primary,),
    every,
    {},
    [],
  )


def traded(points, reference, cost=None):
  """The figure of {method: (x, y)}, y with an interval of +-0.01."""
  accuracy = metric_figures("accuracy", {m: estimate(y, 0.01) for m, (_, y) in points.items()})
  connections = cost or metric_figures(
    "connections", {m: estimate(x) for m, (x, _) in points.items()}
  )
  return figures_trade.trade(found_of(reference, points, [accuracy, connections]), "accuracy")


POINTS = {
  "hand": (60, 0.893),
  "learnt": (96, 0.896),
  "learnt, pruned 0.2": (40, 0.85),
  "learnt, pruned 0.1": (70, 0.88),
  "learnt, sparse, top 2": (12, 0.84),
  "learnt, sparse": (33, 0.89),
  "max, SGD": (61, 0.87),
  "max, Adam": (62, 0.86),
}


def lines(axis):
  """[(x, y)] of the lines through points, {x: (low, high)} of the intervals."""
  curves = [tuple(map(tuple, line.get_data())) for line in axis.lines if line.get_marker() == "o"]
  bars = [line.get_data() for line in axis.lines if line.get_marker() != "o"]
  return curves, {x[0]: tuple(y) for x, y in bars}


def test_points_stand_where_they_are_and_readings_of_a_training_share_a_line():
  [axis] = traded(POINTS, "learnt, pruned 0.1").axes
  curves, bars = lines(axis)
  assert sorted(curves) == [
    ((12, 33), (0.84, 0.89)),
    ((40, 70, 96), (0.85, 0.88, 0.896)),
    ((60,), (0.893,)),
    ((61,), (0.87,)),
    ((62,), (0.86,)),
  ]  # the last two are no readings: there is no "max"
  assert bars == {x: (y - 0.01, y + 0.01) for x, y in POINTS.values()}
  assert (axis.get_xlabel(), axis.get_ylabel()) == ("connections", "accuracy")
  said = {t.get_text(): t for t in axis.texts}
  assert {text: t.xy for text, t in said.items()} == {
    "hand": (60, 0.893),
    "learnt": (96, 0.896),
    "learnt, sparse": (33, 0.89),
    "max, SGD": (61, 0.87),
    "max, Adam": (62, 0.86),
  }
  colour = {text: t.get_color() for text, t in said.items()}
  assert (
    colour["learnt"] == "C0"
    and colour["learnt, sparse"] == "C1"
    and colour["hand"] == colour["max, SGD"] not in ("C0", "C1")
  )


@pytest.mark.parametrize("mark", [" (w2)", " (LEAKS)", " (LEAKS) (w2)"])
def test_trainings_of_one_name_in_two_workdirs_have_their_own_lines(mark):
  points = {
    f"a{reading}{w}": (x + i, 0.5)
    for i, w in enumerate(("", mark))
    for x, reading in ((9, ""), (5, ", b"), (7, ", c"))
  }
  curves, _ = lines(traded(points, "a").axes[0])
  assert sorted(x for x, _ in curves) == [(5, 7, 9), (6, 8, 10)]


def test_a_line_has_one_label_and_labels_keep_apart():
  points = {
    "learnt" if n == 10 else f"learnt, top {n}": (n, 0.8 + 0.01 * np.log(n)) for n in range(1, 11)
  }
  points |= {f"method number {i}": (5 + i % 2, 0.8 + 0.0015 * i) for i in range(8)}
  figure = traded(points, "learnt, top 3")
  texts = figure.axes[0].texts
  assert [t.get_text() for t in texts if "learnt" in t.get_text()] == ["learnt"] and len(texts) == 9
  figure.draw_without_rendering()
  boxes = [t.get_window_extent() for t in texts]
  assert all(box.count_overlaps(boxes) == 1 for box in boxes)
  assert all(figure.axes[0].bbox.count_contains(box.get_points()) == 2 for box in boxes)
  marks = figure.axes[0].transData.transform([*points.values()])
  assert not any(box.count_contains(marks) for box in boxes)


def test_a_label_without_room_is_left_out_and_the_reference_has_its_own():
  crowd = {f"method of a long name and number {i}": (5, 0.8 + 1e-5 * i) for i in range(30)}
  texts = [t.get_text() for t in traded(crowd, "method of a long name and number 15").axes[0].texts]
  assert texts[0] == "method of a long name and number 15" and 3 < len(texts) < 20


def test_labels_stand_on_no_line():
  figure = traded({"a": (0, 0.5), "a, b": (5, 0.5), "a, c": (10, 0.5)}, "a")
  figure.draw_without_rendering()
  line = figure.axes[0].transData.transform(np.linspace((0, 0.5), (10, 0.5), 500))
  assert [t.get_text() for t in figure.axes[0].texts] == ["a"]
  assert not any(t.get_window_extent().count_contains(line) for t in figure.axes[0].texts)


def test_a_method_without_both_means_is_left_out_and_without_any_there_is_no_figure():
  some = {**POINTS, "no estimate": (50, 0.5)}
  lacking = metric_figures(
    "connections",
    {**{m: estimate(x) for m, (x, _) in POINTS.items()}, "no estimate": estimate(None)},
  )
  [axis] = traded(some, "hand", lacking).axes
  assert {t.get_text() for t in axis.texts} >= {"hand", "learnt"} and len(lines(axis)[1]) == len(
    POINTS
  )
  assert traded(some, "hand", metric_figures("connections", {"another": estimate(3)})) is None
  accuracy = metric_figures("accuracy", {"hand": estimate(1)})
  assert figures_trade.trade(found_of("hand", ["hand"], [accuracy], against=""), "accuracy") is None
  with pytest.raises(UserError, match=r"against names 'connections'.*add it to report.metrics"):
    figures_trade.trade(found_of("hand", ["hand"], [accuracy]), "accuracy")


def test_a_point_of_one_group_has_no_interval_and_errors_have_their_unit():
  error = metric_figures("error", {"a": estimate(2.0)}, Metric("error", "mm", is_error=True))
  cost = metric_figures("cost", {"a": estimate(3.0)})
  [axis] = figures_trade.trade(found_of("a", ["a"], [error, cost], "cost", "error"), "error").axes
  assert lines(axis) == ([((3,), (2,))], {}) and axis.get_ylabel() == "MAE: error (mm)"


# The others


def aggregated(rows, settings=ONLY):
  return aggregate(results(rows), read_settings(settings), PROTOCOL)


def test_the_groups_figure_has_a_dot_each_and_the_title_of_the_metric():
  found = aggregated(full_rows()).metrics[PRIMARY]
  [axis] = figures_errors.groups_figure(found, ["rival", "ours"], "ours", PROTOCOL.words).axes
  assert axis.get_xlabel() == "Rate in 60 s: absolute error of each patient (breaths/min)"
  assert [t.get_text() for t in axis.get_yticklabels()] == ["ours", "rival"] and [
    t.get_text() for t in axis.texts
  ] == ["3.00", "2.00"]
  dots = axis.collections[0].get_offsets()
  assert sorted(dots[:, 0]) == [0, 6] and axis.collections[0].get_facecolor()[0][
    :3
  ] == pytest.approx(matplotlib.colors.to_rgb(figure_style.OURS))


def test_errors_stand_over_their_truths_and_excluded_ones_are_hollow():
  rows = full_rows()
  figure = figures_errors.error_against_truth(
    rows, aggregated(rows).metrics[PRIMARY], ["ours", "rival"], "ours"
  )
  shade, solid, hollow = figure.axes[0].patches[0], *figure.axes[0].collections
  assert sorted(solid.get_offsets()[:, 1]) == [-3, 0, 1, 10] and hollow.get_offsets().tolist() == [
    [15, 3]
  ]
  assert not len(hollow.get_facecolor()) and shade.get_extents() is not None
  assert [axis.get_title("left") for axis in figure.axes] == ["ours", "rival"]
  values = [value("A", "a1", 0.5), value("B", "b1", 0.6)]
  found = aggregated(values, {"primary": FURTHER}).metrics[FURTHER]
  assert figures_errors.error_against_truth(values, found, ["ours"], "ours") is None
  assert figures_errors.bland_altman(values, found, ["ours"], "ours") is None


def test_bland_altman_has_bias_and_limits():
  rows = [row(g, f"{g}1", e) for g, e in zip("ABC", (1.0, 2.0, 3.0))]
  found = aggregated(rows).metrics[PRIMARY]
  [axis] = figures_errors.bland_altman(rows, found, ["ours"], "ours").axes
  assert axis.collections[0].get_offsets().tolist() == [[15.5, 1], [16, 2], [16.5, 3]]
  levels = [line.get_ydata()[0] for line in axis.lines[1:]]
  np.testing.assert_allclose(levels, [2, *found.methods["ours"].included.limits])


def test_uncertainty_has_a_panel_for_what_there_is():
  rows = [changed(row("A", "a1", float(k), k), spread=0.1 * k) for k in range(5)]
  risk = figures_uncertainty.uncertainty_figure(
    aggregated(rows).metrics[PRIMARY], "ours", PROTOCOL.words
  )
  assert [axis.get_xlabel() for axis in risk.axes] == ["windows answered (%)"]
  both = [changed(r, interval={"50": (0.0, 30.0)}) for r in rows] + as_method(rows, "rival")
  figure = figures_uncertainty.uncertainty_figure(
    aggregated(both).metrics[PRIMARY], "ours", PROTOCOL.words
  )
  left, right = figure.axes
  assert [line.get_label() for line in left.lines] == ["ours", "rival"] and right.lines[
    0
  ].get_xydata().tolist() == [[50, 100]]
  assert (
    figures_uncertainty.uncertainty_figure(
      aggregated(full_rows()).metrics[PRIMARY], "ours", PROTOCOL.words
    )
    is None
  )


def test_reliability_has_a_dot_in_each_bin():
  rows = [
    value("A", "a1", x, k=k, probability=p)
    for k, (p, x) in enumerate(((0.12, 0.0), (0.18, 1.0), (0.95, 1.0)))
  ]
  [axis] = figures_uncertainty.reliability(rows, "ours").axes
  dots = [dot.get_offsets()[0].tolist() for dot in axis.collections]
  np.testing.assert_allclose(dots, [[0.15, 0.5], [0.95, 1]])
  assert figures_uncertainty.reliability([], "ours") is None


def test_learning_curves_are_thin_for_members_and_thick_for_their_median(tmp_path):
  w = workdir(tmp_path / "w", full_rows())
  [axis] = figures._learning([w, tmp_path]).axes
  member, median = axis.lines[:2]
  np.testing.assert_allclose(member.get_ydata(), 1 / np.arange(1, 9))
  np.testing.assert_allclose(median.get_ydata(), 1 / np.arange(1, 9))
  assert (
    axis.lines[3].get_xdata().tolist() == [2, 4, 6, 8]
    and median.get_linewidth() > member.get_linewidth()
  )


def test_two_primaries_have_figures_of_their_own_names():
  rows = [changed(r, target=t) for r in full_rows() for t in ("low", "high") if r.metric == PRIMARY]
  plans = figures._metrics_figures(aggregated(rows), results(rows))
  assert [plan.name for plan in plans if "groups" in plan.name] == [
    "groups_rate_win60_low",
    "groups_rate_win60_high",
  ]
  assert f"{METRICS[PRIMARY].title}, low: The error of each patient" in [
    plan.title for plan in plans
  ]
  one = figures._metrics_figures(aggregated(full_rows(), SETTINGS), results(full_rows()))
  assert [plan.name for plan in one] == [
    "groups",
    "error_truth",
    "bland_altman",
    "uncertainty",
    "trade",
    "reliability",
  ]


def drawn(figure):
  """The figure laid out, with its size in pixels."""
  figure.draw_without_rendering()
  return figure, figure.bbox


def all_texts(figure):
  texts = [
    t for axis in figure.axes for t in (axis.xaxis.label, axis.yaxis.label, axis.title, *axis.texts)
  ]
  legends = [t for legend in figure.legends for t in legend.get_texts()]
  return [t for t in (*texts, *figure.texts, *legends) if t.get_text()]


def test_long_names_are_not_cut():
  title = "Rate in 60 s against the annotators, by the spectrum, of all the recordings of the study"
  metric = METRICS[PRIMARY]._replace(title=title, unit="breaths/min")
  methods = [f"a method with quite a long name, {i} steps" for i in range(5)]
  rows = [
    row(g, f"r{g}", e, method=m, spread=1.0 + e)
    for m in methods
    for g, e in (("A", 0.1), ("B", 0.2), ("C", 0.4))
  ]
  titled = PROTOCOL._replace(metrics={**METRICS, PRIMARY: metric})
  one = aggregate(results(rows), read_settings({**ONLY, "reference": ""}), titled).metrics[PRIMARY]
  for figure in (
    figures_uncertainty.uncertainty_figure(one, methods[0], PROTOCOL.words),
    figures_errors.groups_figure(one, methods, methods[0], PROTOCOL.words),
    figures_errors.bland_altman(rows, one, methods, methods[0]),
  ):
    figure, bounds = drawn(figure)
    for text in all_texts(figure):
      box = text.get_window_extent()
      assert (
        bounds.x0 <= box.x0 and box.x1 <= bounds.x1 and bounds.y0 <= box.y0 and box.y1 <= bounds.y1
      ), text.get_text()
    titles = [axis.title.get_window_extent() for axis in figure.axes]
    assert not any(
      box.count_overlaps([b for b in titles if b is not box and b.width])
      for box in titles
      if box.width
    )


def test_numbers_of_close_limits_do_not_overprint():
  rows = [row(g, f"r{g}", e) for g, e in (("A", 0.01), ("B", 0.02), ("C", 30.0), ("D", 0.03))]
  rows += [
    row(g, f"r{g}", 0.1 + e, method="close") for g, e in (("A", 0.01), ("B", 0.02), ("C", 0.0))
  ]
  one = aggregate(results(rows), read_settings(ONLY), PROTOCOL).metrics[PRIMARY]
  figure, _ = drawn(figures_errors.bland_altman(rows, one, ["ours", "close"], "ours"))
  for axis in figure.axes:
    boxes = [text.get_window_extent() for text in axis.texts]
    assert len(boxes) == 3
    assert not any(box.count_overlaps([b for b in boxes if b is not box]) for box in boxes)


def test_the_legend_names_no_curve_that_is_not_drawn(tmp_path):
  w = workdir(tmp_path / "w", full_rows())
  path = w / "members/fold0_seed0/scalars.jsonl"
  names = lambda: [t.get_text() for t in figures._learning([w]).legends[0].get_texts()]
  assert names() == ["training", "validation"]
  path.write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.0}\n')
  assert names() == ["training"]
