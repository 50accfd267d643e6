"""The simulator of objects: it depends on seed and number alone, and gives no easy answers.

Its geometry is checked against closed forms.
"""
import time

import numpy as np
import pytest
from ml_collections import ConfigDict

from jaxsig.data.images import image_blocks, simulate_objects
from jaxsig.data.images import simulate_shapes as shapes
from jaxsig.data.images.simulate_objects import CLASSES, objects, simulate
from jaxsig.data.records import Record

COUNT = 2000


def options(**changes) -> ConfigDict:
  fields = {
      "size": 28,
      "complex_objects": False,
      "train_images": 0,
      "test_images": 0,
      "block_images": 100,
      "shrink": 1,
      **changes,
  }
  return ConfigDict(fields)


@pytest.fixture(scope="module")
def made() -> simulate_objects.Objects:
  return objects(0, np.arange(COUNT), complex_objects=True)


def windows_of(record: Record, config: ConfigDict) -> dict[str, np.ndarray]:
  spans = image_blocks.spans(record, config)
  return image_blocks.cut(record, spans, config)


def grid(size: int) -> tuple[np.ndarray, np.ndarray]:
  """x and y [1, size, size] in pixels from the middle."""
  row, column = np.mgrid[:size, :size] - (size - 1) / 2
  return column[None], row[None]


def column(*values: float) -> np.ndarray:
  return np.array(values, float)[:, None, None]


def energy_of(x: np.ndarray) -> np.ndarray:
  return (x**2).sum((-2, -1))


# --- a function of seed and number

def test_an_image_depends_on_seed_and_number_alone(made):
  numbers = np.array([1999, 3, 700])
  few = objects(0, numbers)   # other neighbours, and no phase
  np.testing.assert_array_equal(few.image_b_y_x, made.image_b_y_x[numbers])
  np.testing.assert_array_equal(few.label_b, made.label_b[numbers])
  assert not few.phase_b_y_x.any()

  of_other_seed = objects(1, np.arange(3))
  assert not np.array_equal(of_other_seed.image_b_y_x, made.image_b_y_x[:3])
  flat = made.image_b_y_x.reshape(COUNT, -1)
  assert len(np.unique(flat, axis=0)) == COUNT


def test_records_of_more_images_begin_with_those_of_fewer():
  def images(n: int, part: str, **changes) -> np.ndarray:
    blocks = []
    for record in simulate(5, n, options(**changes)):
      if record.info["part"] == part:
        blocks.append(record.signals["image_t_y_x"])
    return np.concatenate(blocks)

  train = images(70, "train")
  test = images(70, "test")
  assert len(train) == 60   # as in Fashion-MNIST
  assert len(test) == 10
  np.testing.assert_array_equal(images(700, "train")[:60], train)
  more_test = images(700, "test", test_images=90)
  np.testing.assert_array_equal(more_test[:10], images(70, "test", block_images=3))

  equally_many_train = images(20, "train", test_images=10)
  assert not np.array_equal(equally_many_train, images(20, "test", test_images=10))
  for part, n in (("train", 30), ("test", 20)):
    assert len(images(100, part, train_images=30, test_images=20)) == n

  one_image = simulate(0, 1, options(test_images=500))
  assert [len(record.annotations["label_t"]) for record in one_image] == [1]


@pytest.mark.parametrize("complex_objects", [False, True])
def test_the_form_is_that_of_fashion_mnist(complex_objects):
  config = options(complex_objects=complex_objects, shrink=2)
  records = simulate(0, 150, config)
  first = records[0]
  assert first.id == "train_000"
  assert first.group == "train_000"
  assert first.info == {"part": "train", "first": 0, "source": "simulated"}

  windows = windows_of(first, config)
  assert windows["image_b_y_x"].shape == (100, 14, 14)
  assert windows["image_b_y_x"].dtype == np.uint8
  assert ("phase_b_y_x" in windows) == complex_objects
  assert windows["label_b"].dtype == np.int32

  ids = np.concatenate([windows_of(record, config)["id_b"] for record in records])
  assert len(np.unique(ids)) == 150


# --- honest for phase retrieval

def test_objects_are_bright_on_dark_and_do_not_reach_the_edge(made):
  image = made.image_b_y_x
  assert image.dtype == np.float32
  assert image.min() == 0
  assert image.max((1, 2)).min() >= 0.8
  assert image.max() <= 1
  for edge in (image[:, 0], image[:, -1], image[:, :, 0], image[:, :, -1]):
    assert not edge.any()

  small = objects(0, np.arange(500), 14).image_b_y_x
  assert small.shape == (500, 14, 14)
  assert not small[:, 0].any()


def test_classes_are_equally_common_and_not_alike(made):
  counts = np.bincount(made.label_b, minlength=10)
  assert len(CLASSES) == 10
  assert counts.min() > 150
  assert counts.max() < 250

  means = np.stack([made.image_b_y_x[made.label_b == k].mean(0) for k in range(10)])
  distance = energy_of(means[:, None] - means[None]) / energy_of(means)
  is_other = ~np.eye(10, dtype=bool)
  assert distance[is_other].min() > 0.01


def test_sizes_vary(made):
  is_bright = made.image_b_y_x > 0.02
  width = is_bright.any(1).sum(1)
  height = is_bright.any(2).sum(1)
  for side in (width, height):
    low, middle, high = np.quantile(side, [0.05, 0.5, 0.95])
    assert low <= 12
    assert 14 < middle < 21
    assert high >= 21
  assert is_bright.sum((1, 2)).min() > 8


def error_of_mean_with(x: np.ndarray, product: np.ndarray) -> np.ndarray:
  """Relative error of the mean of images and their likes at best alignment.

  `product` is the spectrum of their correlation.
  """
  energy = energy_of(x)
  overlap = np.fft.ifft2(product).real.max((1, 2))
  return (energy - overlap) / (2 * energy)


def test_neither_twin_nor_mirror_image_is_near(made):
  x = made.image_b_y_x.astype(float)
  f = np.fft.fft2(x, (64, 64))
  of_twin = error_of_mean_with(x, f * f)   # the twin is turned by 180 degrees
  assert 0.08 < of_twin.mean() < 0.2
  assert np.mean(of_twin < 0.01) < 0.05

  f_mirrored = np.fft.fft2(x[:, :, ::-1], (64, 64))
  of_mirror = error_of_mean_with(x, f * np.conj(f_mirrored))
  for k in range(10):
    assert np.median(of_mirror[made.label_b == k]) > 0.03


def test_neither_the_mean_image_nor_a_blur_is_a_good_answer(made):
  x = made.image_b_y_x.astype(float)
  of_mean_image = energy_of(x - x.mean(0)) / energy_of(x)
  assert of_mean_image.mean() > 0.5

  total = 0
  for i in (-1, 0, 1):
    for j in (-1, 0, 1):
      total = total + np.roll(x, (i, j), (1, 2))
  of_blur = energy_of(x - total / 9) / energy_of(x)
  assert 0.08 < of_blur.mean() < 0.3


def test_phases_are_smooth_or_constant_over_domains(made):
  phase = made.phase_b_y_x
  inside = made.image_b_y_x > 0
  assert phase.dtype == np.float32
  assert np.abs(phase).max() < np.pi
  assert not phase[~inside].any()

  levels = np.array([len(np.unique(p[i])) for p, i in zip(phase, inside, strict=True)])
  is_piecewise = levels <= 5
  assert 0.4 < is_piecewise.mean() < 0.6
  assert np.median(levels[~is_piecewise]) > 50

  both_inside = inside[:, :, 1:] & inside[:, :, :-1]
  is_smooth = ~is_piecewise[:, None, None]
  step = np.abs(np.diff(phase, axis=2))[both_inside & is_smooth]
  assert np.quantile(step, 0.99) < 1.5
  assert (np.ptp(phase, axis=(1, 2)) > 1).mean() > 0.5

  field = made.image_b_y_x * np.exp(1j * phase)
  realness = np.abs((field**2).sum((1, 2))) / energy_of(made.image_b_y_x)
  assert np.mean(realness < 0.9) > 0.6   # by no global phase would most of them be real


# --- geometry against closed forms

def area_of(distance_px: np.ndarray) -> float:
  return simulate_objects.share(distance_px).sum()


@pytest.mark.parametrize("a, b", [(20.0, 20.0), (24.3, 11.7), (6.2, 4.1)])
def test_an_ellipse_covers_its_area(a, b):
  x, y = grid(64)
  ellipse = shapes.ellipse(x + 0.3, y - 0.4, column(a), column(b))
  assert area_of(ellipse) == pytest.approx(np.pi * a * b, rel=0.01)


def test_a_polygon_covers_its_area():
  x, y = grid(64)
  corners = np.array([[-20.3, -13.1], [17.2, -22.4], [25.1, 9.9], [2.2, 3.3], [-11.7, 21.5]])
  u, v = corners.T
  shoelace = 0.5 * abs(np.sum(u * np.roll(v, -1) - v * np.roll(u, -1)))
  polygon = shapes.polygon(x, y, corners[None])
  assert area_of(polygon) == pytest.approx(shoelace, rel=0.003)


def test_a_stroke_covers_its_area():
  x, y = grid(64)
  r = 3.4
  length = np.hypot(20, 12)
  start = (column(-10), column(-6))
  end = (column(10), column(6))
  stroke = shapes.capsule(x, y, start, end, column(r), column(r))
  expected = 2 * r * length + np.pi * r**2
  assert area_of(stroke) == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize("turn", [0, 0.3, np.pi / 4, 1.2])
def test_coverage_of_a_half_plane_is_near_the_covered_share(turn):
  """Brute force: 400 x 400 points to a pixel."""
  fine = (np.arange(400) + 0.5) / 400 - 0.5
  tolerance = 0.051
  if turn == 0:
    tolerance = 0.003

  for away in (-0.6, -0.3, 0.0, 0.2, 0.45):
    distance = fine[:, None] * np.cos(turn) + fine * np.sin(turn) + away
    covered = np.mean(distance < 0)
    assert abs(simulate_objects.share(np.float64(away)) - covered) < tolerance


def test_polygon_distance_against_brute_force():
  rng = np.random.default_rng(2)
  corners = rng.uniform(-8, 8, (5, 2))
  corners[3] = corners[2]         # corners may coincide
  corners[1, 1] = corners[0, 1]   # and an edge may be level
  x, y = grid(24)
  distance = shapes.polygon(x, y, corners[None])[0].ravel()

  along = np.linspace(0, 1, 4001)[:, None]
  edges = []
  for a, b in zip(corners, np.roll(corners, -1, 0), strict=True):
    edges.append(a + along * (b - a))
  outline = np.concatenate(edges)

  points = np.stack([x[0].ravel(), y[0].ravel()], -1)
  for point, d in zip(points, distance, strict=True):
    to_outline = outline - point
    assert np.abs(d) == pytest.approx(np.hypot(*to_outline.T).min(), abs=0.005)

    # Inside where the outline winds around the point an odd number of times.
    angle = np.unwrap(np.arctan2(to_outline[:, 1], to_outline[:, 0]))
    windings = round((angle[-1] - angle[0]) / (2 * np.pi))
    is_inside = windings % 2 == 1
    assert abs(d) < 0.01 or (d < 0) == is_inside


# --- draws and time

def test_draws_do_not_run_out_silently():
  draw = shapes.Draw(np.zeros((2, 3)))
  assert draw.many(2).shape == (2, 2)
  assert draw(5, 6).tolist() == [[[5]], [[5]]]
  with pytest.raises(ValueError, match="4 numbers are drawn of 3"):
    draw()


def test_eight_thousand_images_take_seconds():
  start = time.process_time()
  objects(3, np.arange(1000))
  assert 8 * (time.process_time() - start) < 10
