"""The simulator of handwriting: a function of seed and image, every sign whole and inked, a task neither trivial nor impossible."""

import numpy as np
import pytest
from ml_collections import ConfigDict
from scipy.interpolate import BSpline

from jaxsig.data.images import image_blocks
from jaxsig.data.images.handwriting import CLASSES, SIGNS, spline, written
from jaxsig.data.images.simulate_glyphs import LEAST, glyphs, inked, simulate
from jaxsig.data.images.simulate_shapes import Draw
from jaxsig.errors import UserError

BENT = [name for name, strokes in SIGNS.items() if len(set(strokes[0][1])) > 3]   # an affine map takes any three points to any others


def options(**changes) -> ConfigDict:
  fields = dict(size=28, train_images=0, test_images=0, block_images=100, shrink=1)
  return ConfigDict({**fields, **changes})


@pytest.fixture(scope="module")
def made() -> tuple[np.ndarray, np.ndarray]:
  return glyphs(0, np.arange(3000))


def draws(b: int) -> Draw:
  return Draw(np.random.default_rng(0).random((b, 63), np.float32))


def test_an_image_depends_on_seed_and_number_alone(made):
  image_b_y_x, label_b = made
  few = [1999, 3, 512, 700]
  for chosen in (few, *([i] for i in range(0, 3000, 50))):   # whatever its neighbours are
    again, label = glyphs(0, np.array(chosen))
    np.testing.assert_array_equal(again, image_b_y_x[chosen])
    np.testing.assert_array_equal(label, label_b[chosen])
  assert np.mean(glyphs(1, np.arange(300))[1] == label_b[:300]) < 0.2
  assert len(np.unique(image_b_y_x.reshape(3000, -1), axis=0)) == 3000
  assert glyphs(0, np.arange(0))[0].shape == (0, 28, 28)


def test_records_of_more_images_begin_with_those_of_fewer():
  def images(n: int, part: str, **changes) -> np.ndarray:
    return np.concatenate([r.signals["image_t_y_x"] for r in simulate(5, n, options(**changes)) if r.info["part"] == part])
  assert len(images(70, "train")) == 60 and len(images(70, "test")) == 10   # as in MNIST
  np.testing.assert_array_equal(images(700, "train")[:60], images(70, "train"))
  np.testing.assert_array_equal(images(700, "test", test_images=90)[:10], images(70, "test", block_images=3))
  assert not np.array_equal(images(20, "train", test_images=10), images(20, "test", test_images=10))
  for part, n in (("train", 30), ("test", 20)):
    assert len(images(100, part, train_images=30, test_images=20)) == n
  assert [len(r.annotations["label_t"]) for r in simulate(0, 1, options(test_images=500))] == [1]


def test_the_form_is_that_of_the_real_data_sets():
  records = simulate(0, 150, options(shrink=2))
  assert records[0].id == "train_000" and records[0].info == {"part": "train", "first": 0, "source": "simulated"}
  spans = image_blocks.spans(records[0], None)
  windows = image_blocks.cut(records[0], spans, None)
  assert windows["image_b_y_x"].shape == (100, 14, 14) and windows["image_b_y_x"].dtype == np.uint8
  np.testing.assert_array_equal(windows["label_b"], glyphs(0, np.arange(100))[1])
  assert len(np.unique(np.concatenate([r.annotations["id_t"] for r in records]))) == 150


@pytest.mark.parametrize("n, changes, words", [
    (0, {}, "data.simulate_groups=0 of data.size=28 are too few"), (5, {"size": LEAST - 1}, f"at least one of {LEAST} pixels"),
    (5, {"shrink": 3}, "data.shrink=3 does not divide"), (5, {"block_images": 0}, "data.block_images=0")])
def test_mistakes_are_named(n, changes, words):
  with pytest.raises(UserError, match=words) as caught:
    simulate(0, n, options(**changes))
  assert "\n" not in str(caught.value)


def test_signs_are_bright_on_dark_and_equally_common(made):
  image_b_y_x, label_b = made
  assert image_b_y_x.dtype == label_b.dtype == np.uint8 and image_b_y_x.shape[1:] == (28, 28)
  assert np.median(image_b_y_x) < 10 and image_b_y_x.max() == 255 and image_b_y_x.max((1, 2)).min() > 60
  counts = np.bincount(label_b, minlength=10)
  assert len(CLASSES) == len(counts) == 10 and counts.min() > 240 and counts.max() < 360   # 300 +- 16 are expected


@pytest.mark.parametrize("size", [LEAST, 14, 28])
@pytest.mark.parametrize("name", CLASSES)
def test_every_sign_is_whole_and_has_ink(name, size):
  draw = draws(300)
  lines, r_px = written(draw, SIGNS[name], size)
  reach_px = np.concatenate([np.abs(line).max((1, 2)) for line in lines]).reshape(len(lines), -1).max(0) + r_px[:, 0, 0]
  assert reach_px.max() <= size / 2 - 1 + 1e-4 and np.quantile(reach_px, 0.9) > size / 2 - 2   # some do come near
  step_px = [np.hypot(*np.moveaxis(np.diff(line, axis=1), 2, 0)).sum(1) for line in lines]
  assert np.min(step_px[0]) > 0.3 * size
  for length_px, (hands, _) in zip(step_px, SIGNS[name], strict=True):
    assert np.mean(length_px > 0) == pytest.approx(hands, abs=0.1)
  ink = inked(draw, lines, r_px, size)
  assert ink.shape == (300, size, size) and ink.min() == 0 and ink.max() <= 1 and ink.max((1, 2)).min() > 0.25
  assert not ink[:, 0].any() and not ink[:, -1].any() and not ink[:, :, 0].any() and not ink[:, :, -1].any()
  assert (ink > 0.1).sum((1, 2)).min() > 0.2 * size


@pytest.mark.parametrize("name", BENT)
def test_hands_bend_a_sign_more_than_turns_and_slants_do(name):
  """By the residue of the best affine map from the model to the hand's stroke, as a share of the sign's size."""
  line_b_s_2 = written(draws(300), SIGNS[name], 28)[0][0]
  points = np.array(SIGNS[name][0][1])
  model_s_3 = np.column_stack([spline(len(points)) @ points, np.ones(line_b_s_2.shape[1])])
  residue = line_b_s_2 - model_s_3 @ (np.linalg.pinv(model_s_3) @ line_b_s_2)
  share = np.sqrt((residue**2).mean((1, 2))) / np.ptp(line_b_s_2, axis=1).max(1)
  assert 0.005 < np.median(share) < 0.05


def test_strokes_are_quadratic_splines_with_corners_where_points_repeat():
  points = np.array([(0, 0), (1, 2), (4, 2), (4, 2), (5, -1), (2, -3)], float)
  got = spline(len(points)) @ points
  ends_twice = np.concatenate([points[:1], points, points[-1:]])
  oracle = BSpline(np.arange(len(ends_twice) + 3), ends_twice, 2)(np.linspace(2, len(ends_twice), len(got)))
  np.testing.assert_allclose(got, oracle, atol=1e-6)
  for k in (0, 2, 5):
    assert np.abs(got - points[k]).sum(1).min() < 1e-6


def test_images_of_a_class_differ(made):
  image_b_y_x, label_b = made
  for label in range(10):
    x = image_b_y_x[label_b == label].reshape(-1, 784) / 255
    energy = (x**2).sum(1)
    apart = energy[:, None] + energy - 2 * x @ x.T + np.diag(np.full(len(x), np.inf))
    assert np.median(apart.min(1) / energy) > 0.2 and np.mean(((x - x.mean(0))**2).sum(1) / energy) > 0.5


def test_the_task_is_neither_trivial_nor_impossible(made):
  """Of 1,000 images after 2,000: a class mean finds 0.64, five neighbours 0.78; a convolutional network after 10,000 finds 0.98."""
  x, label_b = made[0].reshape(-1, 784) / np.float32(255), made[1]
  train, test = slice(0, 2000), slice(2000, None)
  means = np.stack([x[train][label_b[train] == k].mean(0) for k in range(10)])
  by_mean = ((means**2).sum(1) - 2 * x[test] @ means.T).argmin(1)
  near = np.argsort((x[train]**2).sum(1) - 2 * x[test] @ x[train].T, 1)[:, :5]
  by_near = np.array([np.bincount(label_b[i], minlength=10).argmax() for i in near])
  of_mean, of_near = (np.mean(found == label_b[test]) for found in (by_mean, by_near))
  assert 0.55 < of_mean < 0.75 and 0.7 < of_near < 0.9 and of_near > of_mean + 0.08
