"""Ten kinds of silhouettes as signed distances, and the random numbers they are drawn from.

A silhouette is a function (draw, x, y) -> distance [b, h, w], negative inside the outline. x goes
to the right, y goes down. The first five (DISCS) lie in the unit disc and may be turned by any
angle. The other five (GARMENTS) are upright and lie in the square from -1 to 1.
"""
from collections.abc import Sequence

import numpy as np

Array = np.ndarray
Point = tuple[Array, Array]   # x and y, each [b, 1, 1]

_FAR = 4   # a distance beyond every other one


class Draw:
  """Uniform random numbers, handed out column by column.

  Image b gets numbers of its own row alone, so the other images of a batch do not change it.
  """

  def __init__(self, u_b_k: Array):
    """Takes the numbers u_b_k [b, k] in [0, 1)."""
    self._u_b_k = u_b_k
    self._used = 0

  def many(self, k: int, low: float = 0.0, high: float = 1.0) -> Array:
    """Returns the next k columns, [b, k], between low and high.

    Raises:
      ValueError: fewer than k columns are left.
    """
    first = self._used
    self._used += k
    part_b_k = self._u_b_k[:, first:self._used]
    if part_b_k.shape[1] < k:
      raise ValueError(f"{self._used} numbers are drawn of {self._u_b_k.shape[1]}")

    return low + (high - low) * part_b_k

  def __call__(self, low: float = 0.0, high: float = 1.0) -> Array:
    """Returns the next column, [b, 1, 1], between low and high."""
    return self.many(1, low, high)[..., None]

  def chance(self, share: float) -> Array:
    """Returns True for a share of the images, [b, 1, 1]."""
    return self() < share


# --- distances from simple figures

def ellipse(x: Array, y: Array, a: Array, b: Array) -> Array:
  """Distance from an ellipse with semi-axes a and b about the origin, to first order.

  It is the implicit function of the ellipse divided by the length of its gradient.
  """
  radius = np.hypot(x / a, y / b)
  slope = np.hypot(x / a**2, y / b**2)
  slope = np.maximum(slope, 1e-6)
  return radius * (radius - 1) / slope


def disc(x: Array, y: Array, r: Array) -> Array:
  """Distance from a disc of radius r about the origin."""
  return np.hypot(x, y) - r


def _from_polar(r: Array | float, turn: Array) -> Point:
  """The point at a distance and an angle from the origin."""
  x = r * np.cos(turn)
  y = r * np.sin(turn)
  return x, y


def _nearest_on_segment(x: Array, y: Array, a: Point, b: Point) -> tuple[Array, Array]:
  """Where the segment from a to b comes closest to (x, y).

  Returns:
    The place on the segment as a share of its length, 0 at a and 1 at b, and the squared distance.
  """
  a_x, a_y = a
  b_x, b_y = b
  dx = b_x - a_x
  dy = b_y - a_y
  squared_length = dx * dx + dy * dy
  squared_length = np.maximum(squared_length, 1e-12)

  from_a_x = x - a_x
  from_a_y = y - a_y
  projected = from_a_x * dx + from_a_y * dy
  share = np.clip(projected / squared_length, 0, 1)

  away_x = from_a_x - share * dx
  away_y = from_a_y - share * dy
  return share, away_x**2 + away_y**2


def capsule(x: Array, y: Array, a: Point, b: Point, from_r: Array, to_r: Array) -> Array:
  """Distance from a stroke from a to b whose half width goes from from_r to to_r."""
  share, squared = _nearest_on_segment(x, y, a, b)
  half_width = from_r + (to_r - from_r) * share
  return np.sqrt(squared) - half_width


def polygon(x: Array, y: Array, corner_b_k_2: Array) -> Array:
  """Exact distance from a closed polygon whose corners may coincide.

  The distance is that of the nearest edge. A point is inside where a ray from it crosses the
  outline an odd number of times.
  """
  corners = []
  for corner_b_2 in np.moveaxis(corner_b_k_2, 1, 0):
    corners.append((corner_b_2[:, 0, None, None], corner_b_2[:, 1, None, None]))
  next_corners = corners[1:] + corners[:1]

  squared = np.inf
  inside = False
  for a, b in zip(corners, next_corners, strict=True):
    _, squared_to_edge = _nearest_on_segment(x, y, a, b)
    squared = np.minimum(squared, squared_to_edge)
    inside = inside ^ _crosses(x, y, a, b)

  sign = np.where(inside, -1, 1)
  return sign * np.sqrt(squared)


def _crosses(x: Array, y: Array, a: Point, b: Point) -> Array:
  """Whether a ray from (x, y) to the right crosses the edge from a to b."""
  a_x, a_y = a
  b_x, b_y = b
  a_is_below = a_y > y
  b_is_below = b_y > y

  level = a_y == b_y
  rise = np.where(level, 1, b_y - a_y)
  edge_x = (y - a_y) / rise * (b_x - a_x)
  edge_is_right = x - a_x < edge_x
  return (a_is_below != b_is_below) & edge_is_right


# --- silhouettes in the unit disc

def ellipses(draw: Draw, x: Array, y: Array) -> Array:
  """A large ellipse and a smaller one that may overlap it."""
  a = draw(0.6, 1)
  b = draw(0.35, 0.8)
  body = ellipse(x, y, a, b)

  away = draw(0.2, 0.7)
  turn = draw(0, 2 * np.pi)
  centre_x, centre_y = _from_polar(away, turn)
  a = draw(0.15, 0.3)
  b = a * draw(0.6, 1)
  small = ellipse(x - centre_x, y - centre_y, a, b)

  return np.minimum(body, small)


def corners(draw: Draw, x: Array, y: Array) -> Array:
  """A star-shaped polygon with 3 to 8 corners."""
  # Each has eight corners, of which some coincide where the polygon has fewer.
  count_b_1 = np.floor(draw.many(1, 3, 9))
  which_b_k = np.floor(np.arange(8) * count_b_1 / 8)
  which_b_k = which_b_k.astype(int)

  shift_b_k = draw.many(8, -0.35, 0.35)
  shift_b_k = np.take_along_axis(shift_b_k, which_b_k, 1)
  radius_b_k = draw.many(8, 0.45, 1)
  radius_b_k = np.take_along_axis(radius_b_k, which_b_k, 1)

  angle_b_k = 2 * np.pi * (which_b_k + shift_b_k) / count_b_1
  corner_b_k_2 = np.stack(_from_polar(radius_b_k, angle_b_k), -1)
  return polygon(x, y, corner_b_k_2)


def ring(draw: Draw, x: Array, y: Array) -> Array:
  """An elliptic ring of uneven width, in half of the images with a gap."""
  a = draw(0.7, 1)
  b = draw(0.5, 1)
  hole_share = draw(0.35, 0.75)
  shift = draw(-0.8, 0.8) * (1 - hole_share) * a

  body = ellipse(x, y, a, b)
  hole = ellipse(x - shift, y, a * hole_share, b * hole_share)
  closed_ring = np.maximum(body, -hole)

  has_gap = draw.chance(0.5)
  gap_r = np.where(has_gap, draw(0.1, 0.3), -1)
  turn = draw(0, 2 * np.pi)
  zero = np.zeros_like(gap_r)
  middle = (zero, zero)
  outside = _from_polar(2, turn)
  gap = capsule(x, y, middle, outside, gap_r, gap_r)

  return np.maximum(closed_ring, -gap)


def strokes(draw: Draw, x: Array, y: Array) -> Array:
  """A bent line of three strokes of changing width."""
  radii = []
  for _ in range(4):
    radii.append(draw(0.08, 0.22))

  points = []
  for r in radii:
    away = (1 - r) * np.sqrt(draw(0.1, 1))
    turn = draw(0, 2 * np.pi)
    points.append(_from_polar(away, turn))

  distances = []
  for k in range(3):
    stroke = capsule(
        x,
        y,
        points[k],
        points[k + 1],
        radii[k],
        radii[k + 1],
    )
    distances.append(stroke)
  return np.minimum.reduce(distances)


def grains(draw: Draw, x: Array, y: Array) -> Array:
  """Two to six discs that may touch."""
  distances = []
  for k in range(6):
    r = draw(0.12, 0.4)
    away = (1 - r) * np.sqrt(draw())
    turn = draw(0, 2 * np.pi)
    centre_x, centre_y = _from_polar(away, turn)
    distance = disc(x - centre_x, y - centre_y, r)

    if k > 1:
      present = draw.chance(0.6)
      distance = np.where(present, distance, _FAR)
    distances.append(distance)
  return np.minimum.reduce(distances)


# --- upright garments: outlines by their corners (x, y), clockwise from the top left

_TEE = [
    (-0.35, -0.9),   # neck
    (0.35, -0.9),
    (0.9, -0.45),    # right sleeve
    (0.75, -0.1),
    (0.5, -0.3),
    (0.5, 0.9),      # hem
    (-0.5, 0.9),
    (-0.5, -0.3),    # left sleeve
    (-0.75, -0.1),
    (-0.9, -0.45),
]
_COAT = [
    (-0.3, -0.9),    # neck
    (0, -0.7),
    (0.3, -0.9),
    (0.7, -0.7),     # right sleeve
    (0.9, 0.6),
    (0.7, 0.65),
    (0.5, -0.2),
    (0.55, 0.9),     # hem
    (-0.55, 0.9),
    (-0.5, -0.2),    # left sleeve
    (-0.7, 0.65),
    (-0.9, 0.6),
    (-0.7, -0.7),
]
_TROUSERS = [
    (-0.5, -0.9),    # waist
    (0.5, -0.9),
    (0.6, 0.9),      # right leg
    (0.2, 0.9),
    (0, -0.3),       # between the legs
    (-0.2, 0.9),     # left leg
    (-0.6, 0.9),
]
_BOOT = [
    (-0.65, -0.9),   # top of the shaft
    (0.1, -0.85),
    (0.15, 0.0),     # foot
    (0.85, 0.35),
    (0.9, 0.8),
    (-0.2, 0.8),     # heel
    (-0.3, 0.65),
    (-0.35, 0.9),
    (-0.7, 0.9),
    (-0.6, 0.0),
]
_BAG = [
    (-0.8, -0.25),
    (0.8, -0.25),
    (0.9, 0.85),
    (-0.9, 0.85),
]


def _garment(draw: Draw, outline: Sequence[tuple[float, float]], x: Array, y: Array) -> Array:
  """The outline made narrower by up to a quarter, with every corner moved a little."""
  corner_k_2 = np.array(outline, np.float32)
  shift_b_n = draw.many(corner_k_2.size, -0.1, 0.1)
  shift_b_k_2 = shift_b_n.reshape(-1, *corner_k_2.shape)

  width_b_1_1 = draw(0.75, 1)
  height_b_1_1 = np.ones((len(x), 1, 1), np.float32)
  size_b_1_2 = np.concatenate([width_b_1_1, height_b_1_1], -1)

  corner_b_k_2 = (corner_k_2 + shift_b_k_2) * size_b_1_2
  return polygon(x, y, corner_b_k_2)


def tee(draw: Draw, x: Array, y: Array) -> Array:
  """A torso with short sleeves."""
  return _garment(draw, _TEE, x, y)


def coat(draw: Draw, x: Array, y: Array) -> Array:
  """A torso with long sleeves and a neck."""
  return _garment(draw, _COAT, x, y)


def trousers(draw: Draw, x: Array, y: Array) -> Array:
  """A waist and two legs."""
  return _garment(draw, _TROUSERS, x, y)


def boot(draw: Draw, x: Array, y: Array) -> Array:
  """A shaft, a foot and a heel, with the toes to either side."""
  toes_left = draw.chance(0.5)
  side = np.where(toes_left, -1, 1)
  return _garment(draw, _BOOT, side * x, y)


def bag(draw: Draw, x: Array, y: Array) -> Array:
  """A box with a handle."""
  r = draw(0.35, 0.5)
  aside = draw(-0.25, 0.25)
  half_width = draw(0.05, 0.12)
  outline = ellipse(x - aside, y + 0.3, r, 0.55)
  handle = np.abs(outline) - half_width

  box = _garment(draw, _BAG, x, y)
  return np.minimum(box, handle)


DISCS = (ellipses, corners, ring, strokes, grains)
GARMENTS = (tee, coat, trousers, boot, bag)
