"""Simulated objects on a dark background, for phase retrieval: the embedded default in place of Fashion-MNIST.

What differs from one object to the next:
  shape     ten classes: blobs, polygons, rings, bent strokes, grains, and garments with sleeves or legs; few of them symmetric
  place     size, position, and orientation (garments stay nearly upright); nothing reaches the edge of the image
  texture   shading, panels, stripes, speckle, holes, each in a part of the objects
  phase     of complex objects: smooth, or constant over each of five domains, over 1 to 6 rad
Edges are anti-aliased: a pixel holds about the share of it that is covered. So a low-pass filter does not do the work of the solver,
and an image's mean over its twin, or the mean of all images, is a poor answer.
"""
from typing import Any, NamedTuple

import numpy as np

from jaxsig.data.images import image_blocks
from jaxsig.data.images.simulate_shapes import DISCS, GARMENTS, Draw, disc
from jaxsig.data.records import Record

CLASSES = tuple(shape.__name__ for shape in (*DISCS, *GARMENTS))
LEAST = 4        # pixels to a side
_AT_ONCE = 256   # images: their arrays stay in the cache of a core


class Objects(NamedTuple):
  """What is simulated of some images."""
  image_b_y_x: np.ndarray           # float32, 0 to 1
  phase_b_y_x: np.ndarray           # float32, radians in (-pi, pi), 0 where the image is
  label_b: np.ndarray               # uint8, an index into CLASSES


def simulate(seed: int, n: int, config: Any) -> list[Record]:
  """n images as records of the same form as Fashion-MNIST's; image i of a part depends on `seed` and i alone.

  `config.complex_objects` gives them phases; for the rest see `image_blocks.simulated`.
  """
  def draw(ids_b):
    made = objects(seed, ids_b, config.size, config.complex_objects)
    signals = {"image_t_y_x": np.rint(image_blocks.WHITE * made.image_b_y_x).astype(np.uint8)}
    if config.complex_objects:
      signals["phase_t_y_x"] = image_blocks.masked_phase(made.phase_b_y_x, signals["image_t_y_x"])
    return signals, made.label_b
  return image_blocks.simulated(n, config, LEAST, draw)


def objects(seed: int, ids_b: np.ndarray, size: int = 28, complex_objects: bool = False) -> Objects:
  """The images [b, size, size] with these numbers; their phases are 0 unless `complex_objects`."""
  parts = [_some(seed, ids_b[i:i + _AT_ONCE], size, complex_objects) for i in range(0, len(ids_b), _AT_ONCE)]
  if not parts:
    nothing = np.zeros((0, size, size), np.float32)
    return Objects(nothing, nothing, np.zeros(0, np.uint8))
  return Objects(*map(np.concatenate, zip(*parts, strict=True)))


def _some(seed: int, ids_b: np.ndarray, size: int, complex_objects: bool) -> Objects:
  # 2 numbers for class and symmetry, then as many as each stage may use: what one stage draws does not move the next.
  u_b_k = np.empty((len(ids_b), 192), np.float32)
  grain_b_y_x = np.empty((len(ids_b), size, size), np.float32)
  for b, number in enumerate(ids_b):
    rng = np.random.Generator(np.random.Philox(key=np.array([seed, number], np.uint64)))
    u_b_k[b], grain_b_y_x[b] = rng.random(192, np.float32), rng.standard_normal((size, size), np.float32)
  label_b = np.minimum(10 * u_b_k[:, 0], 9).astype(np.uint8)
  x, y, scale_px = _place(Draw(u_b_k[:, 1:16]), label_b, size)
  covered = _covered(u_b_k[:, 16:80], label_b, x, y, scale_px)
  image = _textured(Draw(u_b_k[:, 80:128]), covered, x, y, scale_px, grain_b_y_x)
  phase = _phase(Draw(u_b_k[:, 128:]), x, y) * (image > 0) if complex_objects else np.zeros_like(image)
  return Objects(image.astype(np.float32), phase.astype(np.float32), label_b)


def _place(draw: Draw, label_b: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """The object's own coordinates x and y [b, size, size] of each pixel's centre, and pixels to their unit [b, 1, 1]."""
  upright = (label_b >= len(DISCS))[:, None, None]
  turn = np.where(upright, draw(-0.25, 0.25), draw(0, 2 * np.pi))
  reach = np.where(upright, np.abs(np.cos(turn)) + np.abs(np.sin(turn)), 1)   # of a turned square: that of a disc is always 1
  half_px = size / 2 - 1
  extent_px = half_px * draw(0.7, 1)
  row, column = np.mgrid[:size, :size].astype(np.float32) - (size - 1) / 2
  right, down = (p - (half_px - extent_px) * draw(-1, 1) for p in (column, row))
  scale_px = extent_px / reach
  x = (np.cos(turn) * right + np.sin(turn) * down) / scale_px
  y = (np.cos(turn) * down - np.sin(turn) * right) / scale_px
  return x.astype(np.float32), y.astype(np.float32), scale_px.astype(np.float32)


def _covered(u_b_k: np.ndarray, label_b: np.ndarray, x: np.ndarray, y: np.ndarray, scale_px: np.ndarray) -> np.ndarray:
  """Share of each pixel that its object covers [b, y, x]."""
  out = np.zeros_like(x)
  for label in np.unique(label_b):
    here = np.flatnonzero(label_b == label)
    out[here] = share((*DISCS, *GARMENTS)[label](Draw(u_b_k[here]), x[here], y[here]) * scale_px[here])
  return out


def share(distance_px: np.ndarray) -> np.ndarray:
  """Share of a pixel behind a straight edge at a distance from its centre: exact along the axes, off by 0.05 at most elsewhere."""
  return np.clip(0.5 - distance_px, 0, 1)


def _textured(draw: Draw, covered: np.ndarray, x: np.ndarray, y: np.ndarray, scale_px: np.ndarray, grain: np.ndarray) -> np.ndarray:
  """The image [b, y, x]: brightness times coverage, with a brightest pixel of 0.8 to 1."""
  tone = 1 - draw(0, 0.7) * (0.5 + 0.5 * _waves(draw, x, y, 3, 0.15, 0.7))
  for _ in range(2):   # panels: one side of a line is darker
    turn, depth = draw(0, 2 * np.pi), draw(0.2, 0.6) * draw.chance(0.4)
    tone *= 1 - depth * share(scale_px * (x * np.cos(turn) + y * np.sin(turn) - draw(-0.6, 0.6)))
  turn, period = draw(0, np.pi), np.maximum(draw(0.2, 0.9), 3 / scale_px)   # stripes of 3 pixels at least
  wave = np.sin(2 * np.pi * ((x * np.cos(turn) + y * np.sin(turn)) / period + draw()))
  tone *= 1 - draw(0.3, 0.9) * draw.chance(0.35) * (0.5 + 0.5 * np.clip(2 * wave, -1, 1))
  tone *= np.clip(1 - draw(0.1, 0.4) * draw.chance(0.4) * np.abs(grain), 0.1, 1)
  for _ in range(2):   # holes
    r = draw(0.08, 0.25) * draw.chance(0.25)
    hole = share(scale_px * disc(x - draw(-0.5, 0.5), y - draw(-0.5, 0.5), r))
    covered = covered * np.where(r > 0, 1 - hole, 1)
  image = covered * np.maximum(tone, 0.05)
  return image * draw(0.8, 1) / np.maximum(image.max((1, 2), keepdims=True), 1e-3)


def _waves(draw: Draw, x: np.ndarray, y: np.ndarray, count: int, low: float, high: float) -> np.ndarray:
  """Mean of plane waves with `low` to `high` cycles a unit, between -1 and 1."""
  total = 0
  for _ in range(count):
    turn, cycles = draw(0, 2 * np.pi), draw(low, high)
    total = total + np.cos(2 * np.pi * (cycles * (x * np.cos(turn) + y * np.sin(turn)) + draw()))
  return total / count


def _phase(draw: Draw, x: np.ndarray, y: np.ndarray) -> np.ndarray:
  """Radians [b, y, x], as smooth as its waves or constant over the cells of five points, within the span of the object."""
  span_rad, smooth = draw(0.5, 3), draw.chance(0.5)
  waves = np.clip(2 * _waves(draw, x, y, 4, 0.2, 0.8), -1, 1)
  nearest, domain = np.inf, 0
  for _ in range(5):
    away, value = np.hypot(x - draw(-0.8, 0.8), y - draw(-0.8, 0.8)), draw(-1, 1)
    domain = np.where(away < nearest, value, domain)
    nearest = np.minimum(nearest, away)
  return span_rad * np.where(smooth, waves, domain)
