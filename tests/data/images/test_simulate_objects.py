"""The simulator of objects: a function of seed and image, honest for phase retrieval, its geometry against closed forms."""
import time
import types

import numpy as np
import pytest

from jaxsig.data.images import fashion_mnist, simulate_objects
from jaxsig.data.images import simulate_shapes as shapes
from jaxsig.data.images.simulate_objects import CLASSES, objects, simulate


def options(**changes) -> types.SimpleNamespace:
  fields = dict(size=28, complex_objects=False, train_images=0, test_images=0, block_images=100, shrink=1)
  return types.SimpleNamespace(**{**fields, **changes})


@pytest.fixture(scope="module")
def made() -> simulate_objects.Objects:
  return objects(0, np.arange(2000), complex_objects=True)


def grid(size: int) -> tuple[np.ndarray, np.ndarray]:
  """x and y [1, size, size] in pixels from the middle."""
  row, column = np.mgrid[:size, :size] - (size - 1) / 2
  return column[None], row[None]


def column(*values: float) -> np.ndarray:
  return np.array(values, float)[:, None, None]


def test_an_image_depends_on_seed_and_number_alone(made):
  few = objects(0, np.array([1999, 3, 700]))
  np.testing.assert_array_equal(few.image_b_y_x, made.image_b_y_x[[1999, 3, 700]])   # whatever its neighbours are, and with no phase
  np.testing.assert_array_equal(few.label_b, made.label_b[[1999, 3, 700]])
  assert not few.phase_b_y_x.any()
  assert not np.array_equal(objects(1, np.arange(3)).image_b_y_x, made.image_b_y_x[:3])
  assert len(np.unique(made.image_b_y_x.reshape(2000, -1), axis=0)) == 2000


def test_records_of_more_images_begin_with_those_of_fewer():
  def images(n: int, part: str, **changes) -> np.ndarray:
    records = [r for r in simulate(5, n, options(**changes)) if r.info["part"] == part]
    return np.concatenate([r.signals["image_t_y_x"] for r in records])
  assert len(images(70, "train")) == 60 and len(images(70, "test")) == 10   # as in Fashion-MNIST
  np.testing.assert_array_equal(images(700, "train")[:60], images(70, "train"))
  np.testing.assert_array_equal(images(700, "test", test_images=90)[:10], images(70, "test", block_images=3))
  assert not np.array_equal(images(20, "train", test_images=10), images(20, "test", test_images=10))
  for part, n in (("train", 30), ("test", 20)):
    assert len(images(100, part, train_images=30, test_images=20)) == n
  assert [len(r.annotations["label_t"]) for r in simulate(0, 1, options(test_images=500))] == [1]


@pytest.mark.parametrize("complex_objects", [False, True])
def test_the_form_is_that_of_fashion_mnist(complex_objects):
  config = options(complex_objects=complex_objects, shrink=2)
  record = simulate(0, 150, config)[0]
  assert record.id == record.group == "train_000" and record.info == {"part": "train", "first": 0, "source": "simulated"}
  windows = fashion_mnist.prepare(record, config)
  assert windows["image_b_y_x"].shape == (100, 14, 14) and windows["image_b_y_x"].dtype == np.uint8
  assert ("phase_b_y_x" in windows) == complex_objects and windows["label_b"].dtype == np.int32
  ids = np.concatenate([fashion_mnist.prepare(r, config)["id_b"] for r in simulate(0, 150, config)])
  assert len(np.unique(ids)) == 150


def test_objects_are_bright_on_dark_and_do_not_reach_the_edge(made):
  image = made.image_b_y_x
  assert image.dtype == np.float32 and image.min() == 0 and image.max((1, 2)).min() >= 0.8 and image.max() <= 1
  assert not image[:, 0].any() and not image[:, -1].any() and not image[:, :, 0].any() and not image[:, :, -1].any()
  small = objects(0, np.arange(500), 14).image_b_y_x
  assert not small[:, 0].any() and small.shape == (500, 14, 14)


def test_classes_are_equally_common_and_not_alike(made):
  counts = np.bincount(made.label_b, minlength=10)
  assert len(CLASSES) == 10 and counts.min() > 150 and counts.max() < 250
  means = np.stack([made.image_b_y_x[made.label_b == k].mean(0) for k in range(10)])
  apart = ((means[:, None] - means[None])**2).sum((2, 3)) / (means**2).sum((1, 2))
  assert apart[~np.eye(10, dtype=bool)].min() > 0.01


def test_sizes_vary(made):
  shown = made.image_b_y_x > 0.02
  width, height = shown.any(1).sum(1), shown.any(2).sum(1)
  for side in (width, height):
    low, middle, high = np.quantile(side, [0.05, 0.5, 0.95])
    assert low <= 12 and 14 < middle < 21 and high >= 21
  assert shown.sum((1, 2)).min() > 8


def test_no_cheap_answer_is_a_good_one(made):
  """Relative error (mean over images) of an object's mean over itself and its twin at best alignment, of the mean image, of a blur."""
  x = made.image_b_y_x.astype(float)
  energy = (x**2).sum((1, 2))
  f = np.fft.fft2(x, (64, 64))
  overlap = np.fft.ifft2(f * f).real.max((1, 2))   # the correlation with the image turned by 180 degrees
  twin = (energy - overlap) / (2 * energy)
  assert 0.08 < twin.mean() < 0.2 and np.mean(twin < 0.01) < 0.05
  mirror = (energy - np.fft.ifft2(f * np.conj(np.fft.fft2(x[:, :, ::-1], (64, 64)))).real.max((1, 2))) / (2 * energy)
  assert min(np.median(mirror[made.label_b == k]) for k in range(10)) > 0.03
  assert (((x - x.mean(0))**2).sum((1, 2)) / energy).mean() > 0.5
  blurred = sum(np.roll(x, (i, j), (1, 2)) for i in (-1, 0, 1) for j in (-1, 0, 1)) / 9
  assert 0.08 < (((x - blurred)**2).sum((1, 2)) / energy).mean() < 0.3


def test_phases_are_smooth_or_constant_over_domains(made):
  phase, inside = made.phase_b_y_x, made.image_b_y_x > 0
  assert phase.dtype == np.float32 and np.abs(phase).max() < np.pi and not phase[~inside].any()
  levels = np.array([len(np.unique(p[i])) for p, i in zip(phase, inside, strict=True)])
  piecewise = levels <= 5
  assert 0.4 < piecewise.mean() < 0.6 and np.median(levels[~piecewise]) > 50
  step = np.abs(np.diff(phase, axis=2))[inside[:, :, 1:] & inside[:, :, :-1] & ~piecewise[:, None, None]]
  assert np.quantile(step, 0.99) < 1.5 and (np.ptp(phase, axis=(1, 2)) > 1).mean() > 0.5
  field = made.image_b_y_x * np.exp(1j * phase)
  energy = (made.image_b_y_x**2).sum((1, 2))
  assert np.mean(np.abs((field**2).sum((1, 2))) / energy < 0.9) > 0.6   # by no global phase would most of them be real


def test_coverage_has_the_areas_of_closed_forms():
  x, y = grid(64)
  for a, b in ((20.0, 20.0), (24.3, 11.7), (6.2, 4.1)):
    area = simulate_objects.share(shapes.ellipse(x + 0.3, y - 0.4, column(a), column(b))).sum()
    assert area == pytest.approx(np.pi * a * b, rel=0.01)
  corners = np.array([[[-20.3, -13.1], [17.2, -22.4], [25.1, 9.9], [2.2, 3.3], [-11.7, 21.5]]])
  u, v = corners[0].T
  shoelace = 0.5 * abs(np.sum(u * np.roll(v, -1) - v * np.roll(u, -1)))
  assert simulate_objects.share(shapes.polygon(x, y, corners)).sum() == pytest.approx(shoelace, rel=0.003)
  length, r = np.hypot(20, 12), 3.4
  stroke = shapes.capsule(x, y, (column(-10), column(-6)), (column(10), column(6)), column(r), column(r))
  assert simulate_objects.share(stroke).sum() == pytest.approx(2 * r * length + np.pi * r**2, rel=0.005)


def test_coverage_of_a_half_plane_is_near_the_covered_share():
  """Brute force: 400 x 400 points to a pixel."""
  fine = (np.arange(400) + 0.5) / 400 - 0.5
  for turn in (0, 0.3, np.pi / 4, 1.2):
    for away in (-0.6, -0.3, 0.0, 0.2, 0.45):
      brute = np.mean(fine[:, None] * np.cos(turn) + fine * np.sin(turn) + away < 0)
      assert abs(simulate_objects.share(np.float64(away)) - brute) < (0.051 if turn else 0.003)


def test_polygon_distance_against_brute_force():
  rng = np.random.default_rng(2)
  corners = rng.uniform(-8, 8, (1, 5, 2))
  corners[0, 3] = corners[0, 2]   # corners may coincide
  corners[0, 1, 1] = corners[0, 0, 1]   # and an edge may be level
  x, y = grid(24)
  got = shapes.polygon(x, y, corners)[0]
  u = np.linspace(0, 1, 4001)[:, None]
  ends = zip(corners[0], np.roll(corners[0], -1, 0), strict=True)
  edge = np.concatenate([a + u * (b - a) for a, b in ends])
  points = np.stack([x[0].ravel(), y[0].ravel()], -1)
  brute = np.array([np.hypot(*(edge - p).T).min() for p in points]).reshape(24, 24)
  np.testing.assert_allclose(np.abs(got), brute, atol=0.005)
  for (px, py), d in zip(points, got.ravel(), strict=True):   # winding number of the closed outline about the point
    turns = np.unwrap(np.arctan2(edge[:, 1] - py, edge[:, 0] - px))
    assert abs(d) < 0.01 or (d < 0) == (round((turns[-1] - turns[0]) / (2 * np.pi)) % 2 == 1)


def test_draws_do_not_run_out_silently():
  draw = shapes.Draw(np.zeros((2, 3)))
  assert draw.many(2).shape == (2, 2) and draw(5, 6).tolist() == [[[5]], [[5]]]
  with pytest.raises(ValueError, match="4 numbers are drawn of 3"):
    draw()


def test_eight_thousand_images_take_seconds():
  start = time.process_time()
  objects(3, np.arange(1000))
  assert 8 * (time.process_time() - start) < 10
