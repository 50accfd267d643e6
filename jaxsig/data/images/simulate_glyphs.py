"""Simulated handwriting, ten signs of a few strokes on a dark background: the embedded default in place of Fashion-MNIST or MNIST.

The signs are the ten digits; class k is the digit k. What differs from one image to the next:
  hand      smooth warps of the control points, strokes that do not quite meet, strokes that some hands leave out (the bar of a seven)
  place     rotation, slant, aspect, size and position; every sign lies inside the image
  pen       width, pressure along the stroke, brightness, a gap where the ink fails
  paper     stray dashes, marks that reach in from the edge, blur, speckle, noise
Neighbours differ in one detail (3 and 8 in two closures, 4 and 9 in one stroke, 1 and 7 in an angle) that moves about with the hand, so
a class mean or a linear map of the pixels does much worse than local features that are combined: of 2,000 test images after 10,000
training images, nearest class mean finds 68 %, ridge regression 78 %, five nearest neighbours 90 %, a network like LeNet-5 98 %.
"""
import functools
from typing import Any

import numpy as np

from jaxsig.data.images import image_blocks
from jaxsig.data.images.simulate_objects import share
from jaxsig.data.images.simulate_shapes import Draw, capsule
from jaxsig.data.records import Record

Array = np.ndarray

LEAST = 8        # pixels to a side
_AT_ONCE = 512   # images, about 50 of a class: their arrays stay in the cache of a core
_STEPS = 3       # straight segments to a control point

# Strokes as (share of the hands that make it, control points): x right, y down, -1 to 1; a point given twice is a corner.
SIGNS = {
    "zero": [(1, [(0, -1), (-0.7, -1), (-0.7, 1), (0.7, 1), (0.7, -1), (0, -1)])],
    "one": [(1, [(0, -1), (0, 1)]), (0.6, [(0, -1), (-0.45, -0.5)]), (0.3, [(-0.4, 1), (0.4, 1)])],
    "two": [(1, [(-0.6, -0.5), (-0.5, -1.05), (0.6, -1.05), (0.7, -0.2), (-0.65, 1), (-0.65, 1), (0.65, 1)])],
    "three": [(1, [(-0.55, -0.8), (-0.1, -1.1), (0.65, -1), (0.6, -0.1), (-0.15, -0.05), (-0.15, -0.05), (0.75, 0), (0.75, 1), (0, 1.1),
                   (-0.6, 0.75)])],
    "four": [(1, [(-0.1, -1), (-0.65, 0.25), (-0.65, 0.25), (0.65, 0.25)]), (1, [(0.3, -0.4), (0.25, 1)]),
             (0.4, [(0.3, -0.4), (0.3, -1)]), (0.3, [(-0.1, -1), (0.3, -1)])],
    "five": [(1, [(-0.5, -1), (-0.5, -0.1), (-0.5, -0.1), (0, -0.4), (0.75, -0.2), (0.75, 1), (0, 1.1), (-0.6, 0.8)]),
             (0.9, [(-0.5, -1), (0.55, -1)])],
    "six": [(1, [(0.45, -1), (-0.2, -0.9), (-0.65, 0), (-0.65, 1.05), (0.65, 1.05), (0.65, -0.1), (-0.1, -0.2), (-0.55, 0.4)])],
    "seven": [(1, [(-0.6, -1), (0.6, -1), (0.6, -1), (-0.1, 1)]), (0.4, [(-0.3, 0), (0.45, 0)]), (0.3, [(-0.6, -1), (-0.6, -0.65)])],
    "eight": [(1, [(0.5, -0.65), (0.45, -1.05), (-0.6, -1.05), (-0.6, -0.3), (0.65, 0.2), (0.7, 1.05), (-0.7, 1.05), (-0.65, 0.2),
                   (0.55, -0.25), (0.5, -0.65)])],
    "nine": [(1, [(0.55, -0.5), (0.45, -1.05), (-0.6, -1.05), (-0.6, 0.05), (0.4, 0.05), (0.55, -0.5), (0.55, -0.5), (0.4, 1)]),
             (0.3, [(0.4, 1), (-0.25, 1.05)])],
}
CLASSES = tuple(SIGNS)


def simulate(seed: int, n: int, config: Any) -> list[Record]:
  """n images as records of the same form as MNIST's; image i of a part depends on `seed` and i alone: see `image_blocks.simulated`."""
  def draw(ids_b):
    image_b_y_x, label_b = glyphs(seed, ids_b, config.size)
    return {"image_t_y_x": image_b_y_x}, label_b
  return image_blocks.simulated(n, config, LEAST, draw)


def glyphs(seed: int, ids_b: Array, size: int = 28) -> tuple[Array, Array]:
  """The images with these numbers, uint8 [b, size, size], 255 for white, and their labels, uint8 [b], indices into CLASSES."""
  image_b_y_x, label_b = np.empty((len(ids_b), size, size), np.uint8), np.empty(len(ids_b), np.uint8)
  for first in range(0, len(ids_b), _AT_ONCE):
    here = slice(first, first + _AT_ONCE)
    image_b_y_x[here], label_b[here] = _some(seed, ids_b[here], size)
  return image_b_y_x, label_b


def _some(seed: int, ids_b: Array, size: int) -> tuple[Array, Array]:
  u_b_k, grain_b_y_x = np.empty((len(ids_b), 96), np.float32), np.empty((len(ids_b), size, size), np.float32)
  for b, number in enumerate(ids_b):
    rng = np.random.Generator(np.random.Philox(key=np.array([seed, number], np.uint64)))
    u_b_k[b], grain_b_y_x[b] = rng.random(96, np.float32), rng.standard_normal((size, size), np.float32)
  label_b = np.minimum(10 * u_b_k[:, 0], 9).astype(np.uint8)
  ink_b_y_x = np.empty_like(grain_b_y_x)
  for label in np.unique(label_b):
    here = np.flatnonzero(label_b == label)
    draw = Draw(u_b_k[here, 1:64])   # numbers of its own: what a sign draws does not move what its paper draws
    ink_b_y_x[here] = inked(draw, *written(draw, SIGNS[CLASSES[label]], size), size)
  image_b_y_x = _on_paper(Draw(u_b_k[:, 64:]), ink_b_y_x, grain_b_y_x)
  return np.rint(image_blocks.WHITE * image_b_y_x).astype(np.uint8), label_b


def written(draw: Draw, strokes: list, size: int) -> tuple[list[Array], Array]:
  """One sign in as many hands as `draw` has rows.

  Returns:
    Points along each stroke, [b, s, 2] in pixels from the middle of the image, and half the pen's width in pixels, [b, 1, 1]. With that
    width the strokes lie within the image, a pixel from its edge. A stroke that is left out stays on the first point of the first.
  """
  lines = _by_hand(draw, strokes)
  every_b_s_2 = np.concatenate(lines, 1)
  low, high = every_b_s_2.min(1, keepdims=True), every_b_s_2.max(1, keepdims=True)
  r_px = np.maximum(size / 28 * draw(0.7, 1.7), 0.5)   # a small image's pen fills a pixel all the same
  room_px = size - 2 - 2 * r_px
  scale_px = draw(0.65, 1) * room_px / (high - low).max(2, keepdims=True)
  free_px = np.minimum((room_px - scale_px * (high - low)) / 2, size / 12)
  shift_px = free_px * draw.many(2, -1, 1)[:, None]
  return [scale_px * (line - (low + high) / 2) + shift_px for line in lines], r_px


def _by_hand(draw: Draw, strokes: list) -> list[Array]:
  """Points along each stroke [b, s, 2], in no unit yet: bent by waves that all strokes share, then stretched, slanted and turned."""
  waves = [(draw.many(2, -2.5, 2.5)[:, None], draw(0, 2 * np.pi), draw.many(2, -0.16, 0.16)[:, None]) for _ in range(3)]
  turn, slant, stretch = draw(-0.25, 0.25), draw(-0.15, 0.4), draw(0.65, 1.15)
  c, s = np.cos(turn), np.sin(turn)
  map_b_2_2 = np.block([[c * stretch, s * stretch], [-c * slant - s, c - s * slant]])
  lines = []
  for hands, points in strokes:
    point_k_2 = np.array(points, np.float32)
    bent_b_k_2 = point_k_2 + sum(np.sin((turns * point_k_2).sum(-1, keepdims=True) + start) * far for turns, start, far in waves)
    line_b_s_2 = spline(len(points)) @ (bent_b_k_2 + draw.many(2, -0.06, 0.06)[:, None]) @ map_b_2_2
    lines.append(np.where(draw.chance(hands), line_b_s_2, (lines or [line_b_s_2])[0][:, :1]))
  return lines


@functools.cache
def spline(k: int) -> Array:
  """The matrix [s, k] that takes k control points to points along their uniform quadratic B-spline, from the first to the last of them."""
  own = np.eye(k, dtype=np.float32)
  before, after = (own[np.clip(np.arange(k) + step, 0, k - 1)] for step in (-1, 1))
  t = np.arange(_STEPS, dtype=np.float32)[:, None] / _STEPS
  pieces = [(1 - t)**2 * (a + b) / 2 + 2 * t * (1 - t) * b + t**2 * (b + c) / 2 for a, b, c in zip(before, own, after, strict=True)]
  return np.concatenate([*pieces, own[-1:]])


def _grid(size: int) -> tuple[Array, Array]:
  """x and y of the pixels' centres [1, size, size], from the middle."""
  y, x = np.mgrid[:size, :size].astype(np.float32)[:, None] - (size - 1) / 2
  return x, y


def inked(draw: Draw, lines: list[Array], r_px: Array, size: int) -> Array:
  """Ink from 0 to 1 [b, y, x]: the pen's width swells along the strokes, and in some images a gap is left."""
  x, y = _grid(size)
  start, swell = draw(0, 2 * np.pi), draw(0, 0.4)
  distance = np.full((len(r_px), size, size), np.inf, np.float32)
  for line_b_s_2 in lines:
    points = [(p[:, :1, None], p[:, 1:, None]) for p in np.moveaxis(line_b_s_2, 1, 0)]
    half = [r_px * (1 - swell * (0.5 + 0.5 * np.sin(start + 0.3 * s))) for s in range(len(points))]
    for s in range(len(points) - 1):
      np.minimum(distance, capsule(x, y, points[s], points[s + 1], half[s], half[s + 1]), out=distance)
  at = draw(0, lines[0].shape[1] - 1).astype(int)
  gap_b_1_2 = np.take_along_axis(lines[0], at, 1)
  gap_px = np.where(draw.chance(0.25), r_px * draw(1, 2), -1)
  hole = gap_px - np.hypot(x - gap_b_1_2[..., :1], y - gap_b_1_2[..., 1:])
  return draw(0.5, 1) * share(np.maximum(distance, hole))


def _on_paper(draw: Draw, ink_b_y_x: Array, grain_b_y_x: Array) -> Array:
  """The image [b, y, x] from 0 to 1: two marks at the edge, a dash anywhere, each in a part of the images; then blur and noise."""
  size = ink_b_y_x.shape[1]
  half_px, image = size / 2, ink_b_y_x
  for _ in range(2):
    turn, inward = draw(0, 2 * np.pi), draw(0.65, 0.95)
    along = np.stack([np.cos(turn), np.sin(turn)])
    start = half_px * along / np.abs(along).max(0)
    end = inward * start + half_px * np.stack([draw(-0.3, 0.3), draw(-0.3, 0.3)])
    image = _marked(draw, image, start, end, 0.4)
  start = half_px * np.stack([draw(-0.9, 0.9), draw(-0.9, 0.9)])
  image = _marked(draw, image, start, start + size / 7 * np.stack([draw(-1, 1), draw(-1, 1)]), 0.3)
  image = _blurred(image, draw(0, 0.25))
  return np.clip(image + (draw(0, 0.06) + draw(0, 0.25) * image) * grain_b_y_x, 0, 1)


def _marked(draw: Draw, image: Array, start: Array, end: Array, chance: float) -> Array:
  """With a straight stroke between two points (x and y, each [b, 1, 1]) in a share of the images."""
  r_px = image.shape[1] / 28 * draw(0.4, 1.2)
  tone = draw(0.3, 0.9) * draw.chance(chance)
  return np.maximum(image, tone * share(capsule(*_grid(image.shape[1]), start, end, r_px, r_px)))


def _blurred(image: Array, weight: Array) -> Array:
  """Along both axes, each pixel with this share of either neighbour [b, 1, 1], 0 to 1/3."""
  for _ in range(2):
    wide = np.pad(image, ((0, 0), (1, 1), (0, 0)), "edge")
    image = ((1 - 2 * weight) * image + weight * (wide[:, :-2] + wide[:, 2:])).swapaxes(1, 2)
  return image
