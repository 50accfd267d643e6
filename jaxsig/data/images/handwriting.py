"""How simulated writers write the ten digits: strokes of control points, bent and placed."""
import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jaxsig.data.images.simulate_shapes import Draw

Array = np.ndarray

_SEGMENTS = 3   # straight segments to a control point
_WAVES = 3      # that bend a digit


class Stroke(NamedTuple):
  """One stroke of a digit."""
  share: float                              # of the writers who make it
  points: tuple[tuple[float, float], ...]   # control points (x, y): x right, y down, -1 to 1


def _stroke(points: str, share: float = 1) -> Stroke:
  """Parses control points as of an SVG polyline, "x,y x,y"; a point given twice is a corner."""
  pairs = []
  for pair in points.split():
    x, y = pair.split(",")
    pairs.append((float(x), float(y)))

  return Stroke(share, tuple(pairs))


SIGNS = {
    "zero": [
        _stroke("0,-1 -0.7,-1 -0.7,1 0.7,1 0.7,-1 0,-1"),
    ],
    "one": [
        _stroke("0,-1 0,1"),
        _stroke("0,-1 -0.45,-0.5", share=0.6),
        _stroke("-0.4,1 0.4,1", share=0.3),
    ],
    "two": [
        _stroke("-0.6,-0.5 -0.5,-1.05 0.6,-1.05 0.7,-0.2 -0.65,1 -0.65,1 0.65,1"),
    ],
    "three": [
        _stroke("-0.55,-0.8 -0.1,-1.1 0.65,-1 0.6,-0.1 -0.15,-0.05 "
                "-0.15,-0.05 0.75,0 0.75,1 0,1.1 -0.6,0.75"),
    ],
    "four": [
        _stroke("-0.1,-1 -0.65,0.25 -0.65,0.25 0.65,0.25"),
        _stroke("0.3,-0.4 0.25,1"),
        _stroke("0.3,-0.4 0.3,-1", share=0.4),
        _stroke("-0.1,-1 0.3,-1", share=0.3),
    ],
    "five": [
        _stroke("-0.5,-1 -0.5,-0.1 -0.5,-0.1 0,-0.4 0.75,-0.2 0.75,1 0,1.1 -0.6,0.8"),
        _stroke("-0.5,-1 0.55,-1", share=0.9),
    ],
    "six": [
        _stroke("0.45,-1 -0.2,-0.9 -0.65,0 -0.65,1.05 0.65,1.05 0.65,-0.1 -0.1,-0.2 -0.55,0.4"),
    ],
    "seven": [
        _stroke("-0.6,-1 0.6,-1 0.6,-1 -0.1,1"),
        _stroke("-0.3,0 0.45,0", share=0.4),
        _stroke("-0.6,-1 -0.6,-0.65", share=0.3),
    ],
    "eight": [
        _stroke("0.5,-0.65 0.45,-1.05 -0.6,-1.05 -0.6,-0.3 0.65,0.2 "
                "0.7,1.05 -0.7,1.05 -0.65,0.2 0.55,-0.25 0.5,-0.65"),
    ],
    "nine": [
        _stroke("0.55,-0.5 0.45,-1.05 -0.6,-1.05 -0.6,0.05 0.4,0.05 0.55,-0.5 0.55,-0.5 0.4,1"),
        _stroke("0.4,1 -0.25,1.05", share=0.3),
    ],
}
CLASSES = tuple(SIGNS)


def written(draw: Draw, strokes: Sequence[Stroke], size: int) -> tuple[list[Array], Array]:
  """Lays out one digit as each of as many writers as `draw` has rows would write it.

  Args:
    draw: random numbers.
    strokes: of the digit, one of `SIGNS`.
    size: side of the image in pixels.

  Returns:
    Points along each stroke, [b, s, 2] in pixels from the middle of the image, and half the pen's
    width in pixels, [b, 1, 1]. Drawn with that width, the strokes stay a pixel away from the
    image's edge. A stroke that a writer leaves out stays on the first point of the first stroke.
  """
  lines = _unplaced(draw, strokes)
  all_points_b_s_2 = np.concatenate(lines, 1)
  low_b_1_2 = all_points_b_s_2.min(1, keepdims=True)
  high_b_1_2 = all_points_b_s_2.max(1, keepdims=True)
  extent_b_1_2 = high_b_1_2 - low_b_1_2
  middle_b_1_2 = (low_b_1_2 + high_b_1_2) / 2

  pen_px = size / 28 * draw(0.7, 1.7)
  half_width_px = np.maximum(pen_px, 0.5)   # a small image's pen fills a pixel all the same

  room_px = size - 2 - 2 * half_width_px
  longer_side = extent_b_1_2.max(2, keepdims=True)
  scale_px = draw(0.65, 1) * room_px / longer_side

  margin_px = (room_px - scale_px * extent_b_1_2) / 2
  most_shift_px = np.minimum(margin_px, size / 12)
  shift_b_2 = draw.many(2, -1, 1)
  shift_px = most_shift_px * shift_b_2[:, None]

  placed = []
  for line_b_s_2 in lines:
    centred_b_s_2 = line_b_s_2 - middle_b_1_2
    placed.append(scale_px * centred_b_s_2 + shift_px)

  return placed, half_width_px


def _unplaced(draw: Draw, strokes: Sequence[Stroke]) -> list[Array]:
  """Points along each stroke [b, s, 2], in no unit yet: bent, then stretched, slanted and turned.

  All strokes of a digit share the waves that bend them.
  """
  waves = [_wave(draw) for _ in range(_WAVES)]
  map_b_2_2 = _affine_map(draw)

  lines = []
  for stroke in strokes:
    point_k_2 = np.array(stroke.points, np.float32)
    bent_b_k_2 = point_k_2 + _displacement(waves, point_k_2)
    apart_b_2 = draw.many(2, -0.06, 0.06)
    controls_b_k_2 = bent_b_k_2 + apart_b_2[:, None]

    spline_s_k = spline(len(point_k_2))
    line_b_s_2 = spline_s_k @ controls_b_k_2 @ map_b_2_2
    lines.append(line_b_s_2)

    start_b_1_2 = lines[0][:, :1]
    is_made_b_1_1 = draw.chance(stroke.share)
    lines[-1] = np.where(is_made_b_1_1, line_b_s_2, start_b_1_2)

  return lines


class _Wave(NamedTuple):
  """A smooth displacement of the plane: offset * sin(frequency . point + phase)."""
  frequency_b_1_2: Array
  phase_b_1_1: Array
  offset_b_1_2: Array


def _wave(draw: Draw) -> _Wave:
  frequency_b_2 = draw.many(2, -2.5, 2.5)
  phase_b_1_1 = draw(0, 2 * np.pi)
  offset_b_2 = draw.many(2, -0.16, 0.16)
  return _Wave(
      frequency_b_2[:, None],
      phase_b_1_1,
      offset_b_2[:, None],
  )


def _displacement(waves: Sequence[_Wave], point_k_2: Array) -> Array:
  """Sum of the waves at each point, [b, k, 2]."""
  total_b_k_2 = np.float32(0)
  for wave in waves:
    turns_b_k_2 = wave.frequency_b_1_2 * point_k_2
    angle_b_k_1 = turns_b_k_2.sum(-1, keepdims=True) + wave.phase_b_1_1
    total_b_k_2 = total_b_k_2 + np.sin(angle_b_k_1) * wave.offset_b_1_2

  return total_b_k_2


def _affine_map(draw: Draw) -> Array:
  """Stretches along x, slants and turns: [b, 2, 2], which multiplies points from the right."""
  turn = draw(-0.25, 0.25)
  slant = draw(-0.15, 0.4)
  stretch = draw(0.65, 1.15)

  cosine = np.cos(turn)
  sine = np.sin(turn)
  of_x = [cosine * stretch, sine * stretch]
  of_y = [
      -cosine * slant - sine,
      cosine - sine * slant,
  ]
  return np.block([of_x, of_y])


@functools.cache
def spline(k: int) -> Array:
  """The matrix [s, k] from k control points to points along their uniform quadratic B-spline.

  The spline runs from the first control point to the last.
  """
  identity_k_k = np.eye(k, dtype=np.float32)
  index_k = np.arange(k)
  previous_k = np.clip(index_k - 1, 0, k - 1)
  next_k = np.clip(index_k + 1, 0, k - 1)

  step_s = np.arange(_SEGMENTS, dtype=np.float32)
  t = step_s[:, None] / _SEGMENTS

  pieces = []
  for i in range(k):
    before = identity_k_k[previous_k[i]]
    middle = identity_k_k[i]
    after = identity_k_k[next_k[i]]
    start = (1 - t)**2 * (before + middle) / 2
    bend = 2 * t * (1 - t) * middle
    end = t**2 * (middle + after) / 2
    pieces.append(start + bend + end)

  last = identity_k_k[-1:]
  return np.concatenate([*pieces, last])
