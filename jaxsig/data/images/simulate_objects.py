"""Simulated objects on a dark background, for phase retrieval.

They are the embedded default in place of Fashion-MNIST. What differs from one object to the next:
  shape     ten classes: blobs, polygons, rings, bent strokes, grains, and garments with sleeves or
            legs; few of them are symmetric
  place     size, position and orientation (garments stay nearly upright); nothing reaches the edge
            of the image
  texture   shading, panels, stripes, speckle and holes, each in a part of the objects
  phase     of complex objects: smooth, or constant over each of five domains, over 1 to 6 rad
Edges are anti-aliased: a pixel holds about the share of it that is covered. So a low-pass filter
does not do the work of a solver, and neither the mean of an image and its twin nor the mean of all
images is a good answer.
"""
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.images import image_blocks
from jaxsig.data.images.simulate_shapes import DISCS, GARMENTS, Draw, disc
from jaxsig.data.records import Record

SHAPES = (*DISCS, *GARMENTS)
CLASSES = tuple(shape.__name__ for shape in SHAPES)
LEAST = 4        # pixels to a side
_AT_ONCE = 256   # images: their arrays stay in the cache of a core

# Uniform random numbers of an image. Each stage has columns of its own, so that the number of draws
# in one stage does not change another one.
_NUMBERS = 192
_FOR_CLASS = 0
_FOR_PLACE = slice(1, 16)
_FOR_SHAPE = slice(16, 80)
_FOR_TEXTURE = slice(80, 128)
_FOR_PHASE = slice(128, 192)


class Objects(NamedTuple):
  """Simulated images with their phases and classes."""
  image_b_y_x: np.ndarray   # float32, 0 to 1
  phase_b_y_x: np.ndarray   # float32, radians in (-pi, pi), 0 where the image is 0
  label_b: np.ndarray       # uint8, an index into CLASSES


class Frame(NamedTuple):
  """The pixels of an image in the coordinates of its object, in which the object has size 1."""
  x: np.ndarray          # [b, size, size] of each pixel's centre, to the object's right
  y: np.ndarray          # [b, size, size], downwards
  scale_px: np.ndarray   # [b, 1, 1] pixels to the object's unit


def simulate(seed: int, n: int, config: ConfigDict) -> list[Record]:
  """Returns n images as records of the same form as those of Fashion-MNIST.

  Image i of a part depends on `seed` and i alone.

  Args:
    seed: of all images.
    n: images.
    config: `complex_objects` gives the images phases; for the rest see `image_blocks.simulated`.
  """
  def draw(ids_b: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    made = objects(seed, ids_b, config.size, config.complex_objects)
    grey_b_y_x = np.rint(image_blocks.WHITE * made.image_b_y_x).astype(np.uint8)
    signals = {"image_t_y_x": grey_b_y_x}
    if config.complex_objects:
      signals["phase_t_y_x"] = image_blocks.masked_phase(made.phase_b_y_x, grey_b_y_x)
    return signals, made.label_b

  return image_blocks.simulated(n, config, LEAST, draw)


def objects(
    seed: int,
    ids_b: np.ndarray,
    size: int = 28,
    complex_objects: bool = False,
) -> Objects:
  """Simulates the images with these numbers.

  Args:
    seed: of all images.
    ids_b: [b] numbers of the images.
    size: pixels to a side.
    complex_objects: whether the phases differ from 0.

  Returns:
    Objects with images and phases [b, size, size].
  """
  if not len(ids_b):
    no_image = np.zeros((0, size, size), np.float32)
    no_label = np.zeros(0, np.uint8)
    return Objects(no_image, no_image, no_label)

  parts = []
  for first in range(0, len(ids_b), _AT_ONCE):
    part_ids = ids_b[first:first + _AT_ONCE]
    parts.append(_some_objects(seed, part_ids, size, complex_objects))

  return Objects(
      np.concatenate([part.image_b_y_x for part in parts]),
      np.concatenate([part.phase_b_y_x for part in parts]),
      np.concatenate([part.label_b for part in parts]),
  )


def _some_objects(seed: int, ids_b: np.ndarray, size: int, complex_objects: bool) -> Objects:
  """The images with these numbers, all at once."""
  u_b_k, grain_b_y_x = _random_numbers(seed, ids_b, size)
  label_b = np.minimum(10 * u_b_k[:, _FOR_CLASS], 9).astype(np.uint8)

  draw_place = Draw(u_b_k[:, _FOR_PLACE])
  draw_texture = Draw(u_b_k[:, _FOR_TEXTURE])
  draw_phase = Draw(u_b_k[:, _FOR_PHASE])

  frame = _place(draw_place, label_b, size)
  covered = _covered(u_b_k[:, _FOR_SHAPE], label_b, frame)
  image = _textured(draw_texture, covered, frame, grain_b_y_x)

  phase = np.zeros_like(image)
  if complex_objects:
    phase = _phase(draw_phase, frame) * (image > 0)

  return Objects(
      image.astype(np.float32),
      phase.astype(np.float32),
      label_b,
  )


def _random_numbers(seed: int, ids_b: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
  """Uniform numbers [b, k] and normal ones [b, size, size], from a generator for each image."""
  u_b_k = np.empty((len(ids_b), _NUMBERS), np.float32)
  grain_b_y_x = np.empty((len(ids_b), size, size), np.float32)
  for b, number in enumerate(ids_b):
    key = np.array([seed, number], np.uint64)
    rng = np.random.Generator(np.random.Philox(key=key))
    u_b_k[b] = rng.random(_NUMBERS, np.float32)
    grain_b_y_x[b] = rng.standard_normal((size, size), np.float32)
  return u_b_k, grain_b_y_x


def _place(draw: Draw, label_b: np.ndarray, size: int) -> Frame:
  """Where the object lies in its image: turned, scaled and shifted so that all of it is inside."""
  upright_b = label_b >= len(DISCS)
  upright = upright_b[:, None, None]
  small_turn = draw(-0.25, 0.25)
  any_turn = draw(0, 2 * np.pi)
  turn = np.where(upright, small_turn, any_turn)
  cosine = np.cos(turn)
  sine = np.sin(turn)

  # How far the turned object reaches along the axes: a square by its corners, a disc always 1.
  square_reach = np.abs(cosine) + np.abs(sine)
  reach = np.where(upright, square_reach, 1)
  half_px = size / 2 - 1
  extent_px = half_px * draw(0.7, 1)
  room_px = half_px - extent_px
  scale_px = extent_px / reach

  pixels = np.mgrid[:size, :size].astype(np.float32)
  row, column = pixels - (size - 1) / 2
  right = column - room_px * draw(-1, 1)
  down = row - room_px * draw(-1, 1)
  x = (cosine * right + sine * down) / scale_px
  y = (cosine * down - sine * right) / scale_px

  return Frame(
      x.astype(np.float32),
      y.astype(np.float32),
      scale_px.astype(np.float32),
  )


def _covered(u_b_k: np.ndarray, label_b: np.ndarray, frame: Frame) -> np.ndarray:
  """The share of each pixel that its object covers [b, y, x]."""
  covered = np.zeros_like(frame.x)
  for label in np.unique(label_b):
    members = np.flatnonzero(label_b == label)
    silhouette = SHAPES[label]
    distance = silhouette(
        Draw(u_b_k[members]),
        frame.x[members],
        frame.y[members],
    )
    distance_px = distance * frame.scale_px[members]
    covered[members] = share(distance_px)
  return covered


def share(distance_px: np.ndarray) -> np.ndarray:
  """The share of a pixel that lies behind a straight edge at this distance from its centre.

  Exact for edges along the axes, off by 0.05 at most for others.
  """
  return np.clip(0.5 - distance_px, 0, 1)


# --- texture

def _textured(
    draw: Draw,
    covered: np.ndarray,
    frame: Frame,
    grain_b_y_x: np.ndarray,
) -> np.ndarray:
  """The image [b, y, x]: brightness times coverage, with a brightest pixel of 0.8 to 1."""
  tone = _shading(draw, frame)
  for _ in range(2):
    tone *= _panel(draw, frame)
  tone *= _stripes(draw, frame)
  tone *= _speckle(draw, grain_b_y_x)
  for _ in range(2):
    covered = covered * _hole(draw, frame)

  image = covered * np.maximum(tone, 0.05)
  brightest = image.max((1, 2), keepdims=True)
  brightest = np.maximum(brightest, 1e-3)
  return image * draw(0.8, 1) / brightest


def _shading(draw: Draw, frame: Frame) -> np.ndarray:
  """Smooth waves of brightness [b, y, x]."""
  depth = draw(0, 0.7)
  waves = _waves(draw, frame, count=3, low=0.15, high=0.7)
  return 1 - depth * (0.5 + 0.5 * waves)


def _panel(draw: Draw, frame: Frame) -> np.ndarray:
  """Brightness [b, y, x] that is lower to one side of a line, in a part of the objects."""
  turn = draw(0, 2 * np.pi)
  depth = draw(0.2, 0.6) * draw.chance(0.4)
  distance = _along(frame, turn) - draw(-0.6, 0.6)
  return 1 - depth * share(frame.scale_px * distance)


def _stripes(draw: Draw, frame: Frame) -> np.ndarray:
  """Brightness [b, y, x] with stripes of at least 3 pixels, in a part of the objects."""
  turn = draw(0, np.pi)
  period = np.maximum(draw(0.2, 0.9), 3 / frame.scale_px)
  cycles = _along(frame, turn) / period + draw()
  wave = np.sin(2 * np.pi * cycles)
  wave = np.clip(2 * wave, -1, 1)

  depth = draw(0.3, 0.9) * draw.chance(0.35)
  return 1 - depth * (0.5 + 0.5 * wave)


def _speckle(draw: Draw, grain_b_y_x: np.ndarray) -> np.ndarray:
  """Brightness [b, y, x] that differs from pixel to pixel, in a part of the objects."""
  depth = draw(0.1, 0.4) * draw.chance(0.4)
  return np.clip(1 - depth * np.abs(grain_b_y_x), 0.1, 1)


def _hole(draw: Draw, frame: Frame) -> np.ndarray:
  """The share of each pixel [b, y, x] outside a round hole; 1 in most objects, which have none."""
  r = draw(0.08, 0.25) * draw.chance(0.25)
  x = frame.x - draw(-0.5, 0.5)
  y = frame.y - draw(-0.5, 0.5)
  distance_px = frame.scale_px * disc(x, y, r)
  hole = share(distance_px)
  return np.where(r > 0, 1 - hole, 1)


def _along(frame: Frame, turn: np.ndarray) -> np.ndarray:
  """The coordinate [b, y, x] along a direction turned by this angle from the object's right."""
  return frame.x * np.cos(turn) + frame.y * np.sin(turn)


def _waves(draw: Draw, frame: Frame, count: int, low: float, high: float) -> np.ndarray:
  """The mean of plane waves with `low` to `high` cycles a unit, between -1 and 1 [b, y, x]."""
  total = 0
  for _ in range(count):
    turn = draw(0, 2 * np.pi)
    frequency = draw(low, high)
    start = draw()
    cycles = frequency * _along(frame, turn) + start
    total = total + np.cos(2 * np.pi * cycles)
  return total / count


# --- phase

def _phase(draw: Draw, frame: Frame) -> np.ndarray:
  """The phase [b, y, x] in radians: as smooth as its waves, or constant over five domains."""
  span_rad = draw(0.5, 3)
  smooth = draw.chance(0.5)
  waves = 2 * _waves(draw, frame, count=4, low=0.2, high=0.8)
  waves = np.clip(waves, -1, 1)
  domains = _domains(draw, frame)
  return span_rad * np.where(smooth, waves, domains)


def _domains(draw: Draw, frame: Frame) -> np.ndarray:
  """A value from -1 to 1 [b, y, x] for each pixel, that of the nearest of five points."""
  nearest = np.inf
  domain = 0
  for _ in range(5):
    x = frame.x - draw(-0.8, 0.8)
    y = frame.y - draw(-0.8, 0.8)
    away = np.hypot(x, y)
    value = draw(-1, 1)
    domain = np.where(away < nearest, value, domain)
    nearest = np.minimum(nearest, away)
  return domain
