"""Pictures of networks: a figure where its material is, and in it the values that were given."""

import matplotlib
import matplotlib.axes
import matplotlib.figure
import matplotlib.image
import numpy as np
import pytest

from jaxsig.figure_style import STYLE
from jaxsig.system import Material, Predictions
from jaxsig.systems.cnn_notes import figures_confusion, figures_inside, figures_report

RANDOM = np.random.default_rng(0)
KERNELS_R_C_Y_X = RANDOM.normal(size=(2, 3, 5, 4))
MAPS_R_C_Y_X = RANDOM.uniform(size=(4, 2, 6, 6))
ALPHA_S_I_J = RANDOM.uniform(size=(4, 3, 5))


@pytest.fixture(autouse=True)
def style():
  with matplotlib.rc_context(STYLE):
    yield


def inside(**arrays: np.ndarray) -> dict[str, matplotlib.axes.Axes]:
  """{title: axis} of what one member shows."""
  return by_title(figures_inside.draw([("fold0_seed0", arrays)]))


ALPHA = "weights of S2 in C3, by training step"


def by_title(figure: matplotlib.figure.Figure) -> dict[str, matplotlib.axes.Axes]:
  return {axis.get_title("left"): axis for axis in figure.axes}


def image(axis: matplotlib.axes.Axes) -> matplotlib.image.AxesImage:
  [only] = axis.images
  return only


def labels(axis: matplotlib.axes.Axes) -> list[str]:
  return [text.get_text() for text in axis.get_xticklabels()]


def test_kernels_and_maps_are_tiles_in_their_order():
  axes = inside(
    kernels_c1_r_c_y_x=KERNELS_R_C_Y_X,
    maps_r_c_y_x=MAPS_R_C_Y_X,
    weights_f6_i_j=ALPHA_S_I_J[0],
  )
  # without the names of their axes
  assert [*axes] == ["kernels of C1", "feature maps", "weights of F6"]
  every = (KERNELS_R_C_Y_X, MAPS_R_C_Y_X, ALPHA_S_I_J[None, :1])
  for axis, tiles in zip(axes.values(), every, strict=True):
    rows, columns, y, x = tiles.shape
    drawn = image(axis).get_array()
    assert drawn.shape == (rows * (y + 1) - 1, columns * (x + 1) - 1)
    assert np.ma.count(drawn) == tiles.size
    for (r, c), _ in np.ndenumerate(tiles[..., 0, 0]):
      tile = drawn[r * (y + 1) :, c * (x + 1) :][:y, :x]
      np.testing.assert_array_equal(tile, tiles[r, c])


def test_signed_values_are_symmetric_about_white_and_others_begin_at_it():
  axes = inside(
    signed_r_c_y_x=KERNELS_R_C_Y_X,
    positive_r_c_y_x=MAPS_R_C_Y_X,
    nothing_y_x=np.zeros((3, 3)),
  )
  top = np.abs(KERNELS_R_C_Y_X).max()
  assert image(axes["signed"]).get_clim() == (-top, top)
  assert image(axes["positive"]).get_clim() == (0, MAPS_R_C_Y_X.max())
  for axis in axes.values():
    colour = image(axis).to_rgba(np.zeros((1, 1)))[0, 0]
    np.testing.assert_allclose(colour, 1, atol=0.02)
  assert axes["signed"].get_xlabel() == f"{-top:.2g} to {top:.2g}"


def test_moments_that_were_not_reached_are_left_out():
  is_reached_s = np.array([1, 0, 1, 0], bool)
  alpha_s_i_j = np.where(is_reached_s[:, None, None], ALPHA_S_I_J, np.nan)
  alpha_s_i_j[2, 0, 0] = np.inf  # a weight that has blown up hides no other
  axes = inside(
    alpha_s_i_j=alpha_s_i_j,
    alpha_at_s=np.array([0, 50, 100, 200]),
    beta_s_i_j=ALPHA_S_I_J,
    none_y_x=np.full((2, 2), np.nan),
  )
  assert [*axes] == [ALPHA, "beta"]
  assert labels(axes[ALPHA]) == ["0", "100"]
  assert not labels(axes["beta"])
  drawn = image(axes[ALPHA]).get_array()
  assert drawn.shape == (3, 11)
  assert np.ma.count(drawn) == 29
  np.testing.assert_array_equal(drawn[:, :5], ALPHA_S_I_J[0])
  np.testing.assert_array_equal(drawn[1:, 6:], ALPHA_S_I_J[2, 1:])
  assert axes[ALPHA].get_xticks().tolist() == [2, 8]  # the middles of the tiles
  assert image(axes[ALPHA]).get_clim() == (0, np.nanmax(drawn))


def test_the_first_workdir_shows_all_and_eight_of_the_others_what_came_about_in_training():
  members = []
  for number, workdir in enumerate("abcdefghijk"):
    arrays = {"maps_y_x": np.full((2, 2), number)}
    if workdir != "b":
      arrays["alpha_s_i_j"] = np.full((3, 2, 2), number)
    members.append((f"{workdir}: seed0", arrays))
    members.append((f"{workdir}: seed1", {"weights_y_x": np.zeros((2, 2))}))
  axes = by_title(figures_inside.draw(members))

  values = {title: image(axis).get_array()[0, 0] for title, axis in axes.items()}
  others = {f"{workdir}: {ALPHA}": "abcdefghijk".index(workdir) for workdir in "acdefghi"}
  assert values == {"a: feature maps": 0, **others}


def test_panels_of_a_line_do_not_overlap():
  shapes = {
    "a_r_c_y_x": (1, 6, 5, 5),
    "b_r_c_y_x": (6, 16, 5, 5),
    "c_r_c_y_x": (4, 6, 28, 28),
    "d_r_c_y_x": (4, 6, 14, 14),
    "e_r_c": (84, 10),
    "f_r_c_y": (7, 6, 16),
  }
  arrays = {name: RANDOM.normal(size=shape) for name, shape in shapes.items()}
  figure = figures_inside.draw([("seed0", arrays)])
  figure.draw_without_rendering()
  boxes = [axis.get_tightbbox() for axis in figure.axes]
  assert len(boxes) == 6
  assert all(box.count_overlaps(boxes) == 1 for box in boxes)  # each with itself
  assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 for box in boxes)


def test_without_arrays_there_is_no_figure():
  assert figures_inside.draw([]) is None
  assert figures_inside.draw([("seed0", {"none_y_x": np.full((2, 2), np.nan)})]) is None


def answers(label_b: list[int], answer_b: list[int], k: int = 3) -> Predictions:
  """Predictions with the given answers."""
  return {"probability_b_k": np.eye(k)[answer_b] * 0.8 + 0.1, "label_b": np.array(label_b)}


def share_of(axis: matplotlib.axes.Axes) -> np.ndarray:
  """Per cent of each true class; -1 where nothing is known."""
  return image(axis).get_array().filled(-1)


def test_confusion_is_of_all_records_and_each_true_class_sums_to_a_hundred():
  names = {"class_k": np.array(["x", "y", "z"])}
  records = [
    {**answers([0, 0, 1], [0, 2, 1]), **names},
    {**answers([0], [0]), **names},
    {**answers([0, 1, 1, 1], [1, 0, 0, 1]), **names},
  ]
  [axis] = figures_confusion.draw(records, "ours").axes
  share_k_k = share_of(axis)
  np.testing.assert_allclose(share_k_k, [[50, 25, 25], [50, 50, 0], [-1, -1, -1]])
  assert {text.get_position(): text.get_text() for text in axis.texts} == {
    (0, 0): "50",
    (1, 0): "25",
    (2, 0): "25",
    (0, 1): "50",
    (1, 1): "50",
  }
  assert labels(axis) == ["x", "y", "z"]
  assert [text.get_text() for text in axis.get_yticklabels()] == ["x", "y", "z"]
  assert axis.get_xlabel() == "answer of ours (% of the row)"


def test_classes_without_names_are_numbers():
  [axis] = figures_confusion.draw([answers([2], [2])], "constant").axes
  assert labels(axis) == ["0", "1", "2"]


def test_images_without_a_label_or_finite_probabilities_are_left_out():
  record = answers([0, 1, -1, 2, 1], [0, 0, 0, 2, 1])
  record["probability_b_k"][4, 1] = np.nan
  record["label_b"] = np.append(record["label_b"], [np.nan, 3])
  more = np.eye(3)[[0, 0]]
  record["probability_b_k"] = np.concatenate([record["probability_b_k"], more])
  [axis] = figures_confusion.draw([record], "ours").axes
  np.testing.assert_allclose(share_of(axis), [[100, 0, 0], [100, 0, 0], [0, 0, 100]])


def test_without_labels_or_probabilities_there_is_no_figure():
  without_labels = answers([0], [0])
  del without_labels["label_b"]
  waveform = {"resp_t": np.zeros(3), "label_b": np.zeros(1)}
  for records in ([], [without_labels], [waveform], [answers([-1], [0])]):
    assert figures_confusion.draw(records, "ours") is None


def test_a_report_gets_both_figures_of_its_reference():
  def records(method: str) -> list[Predictions]:
    assert method == "ours"
    return [answers([0, 1], [0, 2])]

  def shown() -> list[tuple[str, Predictions]]:
    return [("seed0", {"kernels_r_c_y_x": KERNELS_R_C_Y_X})]

  material = Material((), ("ours",), "ours", ("accuracy_top1",), None, records, shown)
  confusion, network = figures_report.figures(material)
  assert (confusion.name, network.name) == ("confusion", "shown")
  assert confusion.title == "Which classes ours confuses"
  assert len(confusion.draw().axes) == len(network.draw().axes) == 1
