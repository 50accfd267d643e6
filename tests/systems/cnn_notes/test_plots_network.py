"""Pictures of networks: a figure where its material is, and in it the values that were given."""
import json
from types import SimpleNamespace

import jax.numpy as jnp
import matplotlib
import numpy as np
import pytest
from test_report import FURTHER, PRIMARY, REPORT, UNEVEN, row, value, workdir

from jaxsig.errors import UserError
from jaxsig.experiment import evaluate
from jaxsig.report import figures as plots
from jaxsig.report import write as report
from jaxsig.systems.cnn_notes import figures as plots_network

RANDOM = np.random.default_rng(0)
KERNELS_R_C_Y_X = RANDOM.normal(size=(2, 3, 5, 4))
MAPS_R_C_Y_X = RANDOM.uniform(size=(4, 2, 6, 6))
ALPHA_S_I_J = RANDOM.uniform(size=(4, 3, 5))


@pytest.fixture(autouse=True)
def style():
  with matplotlib.rc_context(plots.STYLE):
    yield


def showing(folder, member="fold0_seed0", **arrays):
  path = folder / "members" / member / "shown.npz"
  path.parent.mkdir(parents=True)
  np.savez(path, **arrays)
  return folder


def panels(figure):
  """{title: (image, axis)}."""
  return {axis.get_title("left"): (axis.images[0], axis) for axis in figure.axes}


def labels(axis):
  return [text.get_text() for text in axis.get_xticklabels()]


def test_kernels_and_maps_are_tiles_in_their_order(tmp_path):
  w = showing(tmp_path / "w", kernels_c1_r_c_y_x=KERNELS_R_C_Y_X, maps_r_c_y_x=MAPS_R_C_Y_X, weights_f6_i_j=ALPHA_S_I_J[0])
  found = panels(plots_network.shown([tmp_path, w]))
  assert [*found] == ["kernels c1", "maps", "weights f6"]   # by their axes' names, without them
  for (image, _), tiles in zip(found.values(), (KERNELS_R_C_Y_X, MAPS_R_C_Y_X, ALPHA_S_I_J[None, :1])):
    rows, columns, y, x = tiles.shape
    drawn = image.get_array()
    assert drawn.shape == (rows * (y + 1) - 1, columns * (x + 1) - 1) and np.ma.count(drawn) == tiles.size
    for (r, c), _ in np.ndenumerate(tiles[..., 0, 0]):
      np.testing.assert_array_equal(drawn[r * (y + 1):, c * (x + 1):][:y, :x], tiles[r, c])


def test_signed_values_are_symmetric_about_white_and_others_begin_at_it(tmp_path):
  arrays = {"signed_r_c_y_x": KERNELS_R_C_Y_X, "positive_r_c_y_x": MAPS_R_C_Y_X, "nothing_y_x": np.zeros((3, 3))}
  found = panels(plots_network.shown([showing(tmp_path, **arrays)]))
  limits = {title: image.get_clim() for title, (image, _) in found.items()}
  top = np.abs(KERNELS_R_C_Y_X).max()
  assert limits["signed"] == (-top, top) and limits["positive"] == (0, MAPS_R_C_Y_X.max())
  for image, _ in found.values():
    np.testing.assert_allclose(image.to_rgba(np.zeros((1, 1)))[0, 0], 1, atol=0.02)
  assert found["signed"][1].get_xlabel() == f"{-top:.2g} to {top:.2g}"


def test_moments_that_were_not_reached_are_left_out(tmp_path):
  reached = np.where(np.array([1, 0, 1, 0])[:, None, None], ALPHA_S_I_J, np.nan)
  reached[2, 0, 0] = np.inf                                     # a weight that has blown up hides no other
  w = showing(tmp_path, alpha_s_i_j=reached, alpha_at_s=[0, 50, 100, 200], beta_s_i_j=ALPHA_S_I_J, none_y_x=np.full((2, 2), np.nan))
  found = panels(plots_network.shown([w]))
  assert [*found] == ["alpha", "beta"] and labels(found["alpha"][1]) == ["0", "100"] and not labels(found["beta"][1])
  drawn = found["alpha"][0].get_array()
  assert drawn.shape == (3, 11) and np.ma.count(drawn) == 29
  np.testing.assert_array_equal(drawn[:, :5], ALPHA_S_I_J[0])
  np.testing.assert_array_equal(drawn[1:, 6:], ALPHA_S_I_J[2, 1:])
  assert found["alpha"][1].get_xticks().tolist() == [2, 8]      # the middles of the tiles
  assert found["alpha"][0].get_clim() == (0, np.nanmax(drawn))


def test_the_first_workdir_shows_all_and_eight_of_the_others_what_came_about_in_training(tmp_path):
  def shows(name, **arrays):
    w = showing(tmp_path / name, "seed0", **arrays)
    return showing(w, "seed1", weights_y_x=np.zeros((2, 2)))

  both = lambda name: dict(maps_y_x=np.full((2, 2), ord(name)), alpha_s_i_j=np.full((3, 2, 2), ord(name)))
  workdirs = [shows("a", **both("a")), shows("b", maps_y_x=np.ones((2, 2))), *[shows(name, **both(name)) for name in "cdefghijk"]]
  found = panels(plots_network.shown(workdirs))
  assert {title: image.get_array()[0, 0] for title, (image, _) in found.items()} == {
      "a: maps": ord("a"), **{f"{name}: alpha": ord(name) for name in "acdefghi"}}


def test_panels_of_a_line_do_not_overlap(tmp_path):
  shapes = {"a": (1, 6, 5, 5), "b": (6, 16, 5, 5), "c": (4, 6, 28, 28), "d": (4, 6, 14, 14), "e": (84, 10), "f": (7, 6, 16)}
  w = showing(tmp_path, **{"_".join([name, *"rcyx"[-len(shape):]]): RANDOM.normal(size=shape) for name, shape in shapes.items()})
  figure = plots_network.shown([w])
  figure.draw_without_rendering()
  boxes = [axis.get_tightbbox() for axis in figure.axes]
  assert len(boxes) == 6 and all(box.count_overlaps(boxes) == 1 for box in boxes)   # each with itself
  assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 for box in boxes)


def figures(mean, half=None):
  return {"kept": {"mean": mean, "low": None if half is None else mean - half, "high": None if half is None else mean + half}}


def traded(points, reference, **more):
  """The figure of {method: (x, y)}, y with an interval of +-0.01."""
  metrics = {"accuracy": {"is_error": False, "methods": {m: figures(y, 0.01) for m, (_, y) in points.items()}},
             "connections": {"is_error": False, "methods": {m: figures(x) for m, (x, _) in points.items()}}}
  found = {"reference": reference, "methods": [*points], "metrics": metrics | more}
  return plots_network.trade(found, {"primary": "accuracy", "against": "connections"})


POINTS = {"hand": (60, 0.893), "learnt": (96, 0.896), "learnt, pruned 0.2": (40, 0.85), "learnt, pruned 0.1": (70, 0.88),
          "learnt, sparse, top 2": (12, 0.84), "learnt, sparse": (33, 0.89), "max, SGD": (61, 0.87), "max, Adam": (62, 0.86)}


def lines(axis):
  """[(x, y)] of the lines through points, {x: (low, high)} of the intervals."""
  curves = [tuple(map(tuple, line.get_data())) for line in axis.lines if line.get_marker() == "o"]
  bars = [line.get_data() for line in axis.lines if line.get_marker() != "o"]
  return curves, {x[0]: tuple(y) for x, y in bars}


def test_points_stand_where_they_are_and_readings_of_a_training_share_a_line():
  [axis] = traded(POINTS, "learnt, pruned 0.1").axes
  curves, bars = lines(axis)
  assert sorted(curves) == [((12, 33), (0.84, 0.89)), ((40, 70, 96), (0.85, 0.88, 0.896)), ((60,), (0.893,)), ((61,), (0.87,)),
                            ((62,), (0.86,))]   # the last two are no readings: there is no "max"
  assert bars == {x: (y - 0.01, y + 0.01) for x, y in POINTS.values()}
  assert (axis.get_xlabel(), axis.get_ylabel()) == ("connections", "accuracy")
  said = {t.get_text(): t for t in axis.texts}
  assert {text: t.xy for text, t in said.items()} == {
      "hand": (60, 0.893), "learnt": (96, 0.896), "learnt, sparse": (33, 0.89), "max, SGD": (61, 0.87), "max, Adam": (62, 0.86)}
  colour = {text: t.get_color() for text, t in said.items()}
  assert colour["learnt"] == "C0" and colour["learnt, sparse"] == "C1" and colour["hand"] == colour["max, SGD"] not in ("C0", "C1")


def test_trainings_of_one_name_in_two_workdirs_have_their_own_lines():
  points = {f"a{reading}{w}": (x + i, 0.5) for i, w in enumerate(("", " (w2)")) for x, reading in ((9, ""), (5, ", b"), (7, ", c"))}
  curves, _ = lines(traded(points, "a").axes[0])
  assert sorted(x for x, _ in curves) == [(5, 7, 9), (6, 8, 10)]


def test_a_line_has_one_label_and_labels_keep_apart():
  points = {"learnt" if n == 10 else f"learnt, top {n}": (n, 0.8 + 0.01 * np.log(n)) for n in range(1, 11)}
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
  crowd = {f"method of a long name and number {i}": (5, 0.8 + 1e-5 * i) for i in range(60)}
  texts = [t.get_text() for t in traded(crowd, "method of a long name and number 30").axes[0].texts]
  assert texts[0] == "method of a long name and number 30" and 3 < len(texts) < 30


def test_labels_stand_on_no_line():
  figure = traded({"a": (0, 0.5), "a, b": (5, 0.5), "a, c": (10, 0.5)}, "a")
  figure.draw_without_rendering()
  line = figure.axes[0].transData.transform(np.linspace((0, 0.5), (10, 0.5), 500))
  assert [t.get_text() for t in figure.axes[0].texts] == ["a"]
  assert not any(t.get_window_extent().count_contains(line) for t in figure.axes[0].texts)


def test_a_method_without_both_means_is_left_out_and_without_any_there_is_no_figure():
  some = {**POINTS, "no estimate": (50, 0.5)}
  lacking = {"is_error": False, "methods": {**{m: figures(x) for m, (x, _) in POINTS.items()}, "no estimate": figures(None)}}
  assert {t.get_text() for t in traded(some, "hand", connections=lacking).axes[0].texts} >= {"hand", "learnt"}
  assert len(lines(traded(some, "hand", connections=lacking).axes[0])[1]) == len(POINTS)
  assert traded(some, "hand", connections={"is_error": False, "methods": {"another": figures(3)}}) is None
  found = {"reference": "hand", "methods": ["hand"], "metrics": {"accuracy": {"is_error": False, "methods": {"hand": figures(1)}}}}
  assert plots_network.trade(found, {"primary": "accuracy"}) is None
  with pytest.raises(UserError, match="against names 'connections'.*add it to report.metrics"):
    plots_network.trade(found, {"primary": "accuracy", "against": "connections"})


def test_a_point_of_one_patient_has_no_interval_and_errors_have_their_unit():
  metrics = {"error": {"is_error": True, "methods": {"a": figures(2.0)}}, "cost": {"is_error": False, "methods": {"a": figures(3.0)}}}
  found = {"reference": "a", "methods": ["a"], "metrics": metrics}
  [axis] = plots_network.trade(found, {"primary": "error", "against": "cost", "unit": "mm"}).axes
  assert lines(axis) == ([((3,), (2,))], {}) and axis.get_ylabel() == "mean absolute error (mm)"


def answers(label_b, answer_b, k=3, **more):
  return {"probability_b_k": np.eye(k)[answer_b] * 0.8 + 0.1, "label_b": np.array(label_b), **more}


def predicted(folder, member, record, method="ours", **arrays):
  path = folder / "predictions" / member / method / f"{record}.npz"
  path.parent.mkdir(parents=True, exist_ok=True)
  np.savez(path, **arrays)
  return folder


def test_confusion_is_of_all_members_and_each_true_class_sums_to_a_hundred(tmp_path):
  predicted(tmp_path, "seed0", "a", **answers([0, 0, 1], [0, 2, 1], class_k=np.array(["x", "y", "z"])))
  predicted(tmp_path, "seed0", "b", **answers([0], [0]))
  predicted(tmp_path, "seed1", "a", **answers([0, 1, 1, 1], [1, 0, 0, 1], class_k=np.array(["x", "y", "z"])))
  predicted(tmp_path, "seed1", "a", "rival", **answers([2], [2]))
  [axis] = plots_network.confusion([tmp_path / "none", tmp_path], "ours").axes
  share = axis.images[0].get_array()
  np.testing.assert_allclose(share.filled(-1), [[50, 25, 25], [50, 50, 0], [-1, -1, -1]])   # nothing is known of a third class
  assert {t.get_position(): t.get_text() for t in axis.texts} == {(0, 0): "50", (1, 0): "25", (2, 0): "25", (0, 1): "50", (1, 1): "50"}
  assert labels(axis) == ["x", "y", "z"] == [t.get_text() for t in axis.get_yticklabels()]
  assert labels(plots_network.confusion([tmp_path], "rival").axes[0]) == ["0", "1", "2"]   # which says no names


def test_labels_may_be_those_of_the_prepared_record_and_what_is_unknown_is_left_out(tmp_path):
  told = answers([0] * 5, [2, 1, 0, 0, 0], index_b=np.array([3, 1, 0, 2, 4]))
  told["probability_b_k"][2, 1] = np.nan
  del told["label_b"]
  predicted(tmp_path, "seed0", "a", **told)
  assert plots_network.confusion([tmp_path], "ours") is None                       # no labels
  predicted(tmp_path, "seed0", "a", "_prepared", label_b=np.array([0, 1, -1, 2, 1]))    # 2 -> 2, 1 -> 1, NaN, -1, 1 -> 0
  share = plots_network.confusion([tmp_path], "ours").axes[0].images[0].get_array()
  np.testing.assert_allclose(share.filled(-1), [[-1, -1, -1], [50, 50, 0], [0, 0, 100]])
  assert plots_network.confusion([tmp_path], "rival") is None
  predicted(tmp_path / "wave", "seed0", "a", resp_t=np.zeros(3), label_b=np.zeros(1))
  assert plots_network.confusion([tmp_path / "wave"], "ours") is None


def test_a_page_has_all_three_where_their_material_is_and_none_elsewhere(tmp_path):
  rows = [*UNEVEN, *[row(r["group"], r["record"], 2.0, method="ours, rounded", unit=r["unit"]) for r in UNEVEN],
          *[value(g, f"{g.lower()}1", x, m) for g in "AB" for m, x in (("ours", 8.0), ("ours, rounded", 4.0))]]
  settings = {**REPORT, "against": FURTHER}
  w = workdir(tmp_path / "w", rows, settings)
  showing(w, "fold0_seed1", kernels_r_c_y_x=KERNELS_R_C_Y_X)
  predicted(w, "fold0_seed0", "a1", **answers([0, 1], [0, 2]))
  page = report.write([w], tmp_path / "out").read_text()
  titles = (f"{PRIMARY} against {FURTHER}", "Which classes ours confuses", "Inside the network")
  assert all((tmp_path / "out" / f"{name}.png").is_file() for name in ("trade", "confusion", "shown"))
  assert all(f"<h2>{title}</h2>" in page for title in titles)
  bare = workdir(tmp_path / "bare", rows, REPORT)
  page = report.write([bare], tmp_path / "out").read_text()
  assert not any(title in page for title in titles)
  assert not any((tmp_path / "out" / f"{name}.png").exists() for name in ("trade", "confusion", "shown"))
  (bare / "config.json").write_text(json.dumps({"report": {**REPORT, "metrics": [], "against": FURTHER}}))
  with pytest.raises(UserError, match="add it to report.metrics"):
    report.write([bare], tmp_path / "out")


def test_evaluation_stores_what_a_task_shows_of_the_first_windows_of_the_test_records(tmp_path, monkeypatch):
  n, seen = 12, []
  arrays = {"x_b_t": np.arange(2.0 * n).reshape(n, 2).astype(np.float32), "warp_b": np.ones(n, np.float32)}
  windows = SimpleNamespace(arrays=arrays, record_b=np.repeat([0, 1, 2], 4))
  prepared = SimpleNamespace(records=[], windows=windows, groups=["A", "B", "C"])

  def show(params, stats, batch):
    seen.append({k: v.shape for k, v in batch.items()})
    return {"maps_r_c_y_x": params * batch["x_b_t"][:, None, None], "weights_y_x": jnp.eye(2) * batch["mask_b"].sum() * stats}

  task = SimpleNamespace(show=show, calibrate=None)
  run = SimpleNamespace(workdir=tmp_path, task=task, prepared=prepared)
  monkeypatch.setattr(evaluate, "restore_ema", lambda *args: (np.float32(3), np.float32(args[2])))
  monkeypatch.setattr(evaluate, "_all_methods", lambda *args: [])
  monkeypatch.setattr(evaluate, "records_of", lambda *args: [])
  for test, expected in ((("B", "C"), arrays["x_b_t"][4:8]), (("C",), arrays["x_b_t"][8:])):
    member = SimpleNamespace(name="seed0", test=test, val=(), train=())
    evaluate._member_rows([("ours", run)], member, 7)
    with np.load(tmp_path / "members/seed0/shown.npz", allow_pickle=False) as stored:
      np.testing.assert_array_equal(stored["maps_r_c_y_x"], 3 * expected[:, None, None])
      np.testing.assert_array_equal(stored["weights_y_x"], 28 * np.eye(2))
  assert seen == [{"x_b_t": (4, 2), "warp_b": (4,), "mask_b": (4,)}]   # compiled once for both
  (tmp_path / "members/seed0/shown.npz").unlink()
  task.show = None
  evaluate._member_rows([("ours", run)], member, 7)
  assert not (tmp_path / "members/seed0/shown.npz").exists()
