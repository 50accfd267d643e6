"""Ten kinds of silhouettes as signed distances, and the numbers they are drawn from. Distances are negative inside.

A silhouette is a function (draw, x, y) -> distance [b, h, w]; x goes right, y goes down. The first five lie in the unit disc and may be
turned as one likes, the others, upright garments, in the square from -1 to 1.
"""
import numpy as np

Array = np.ndarray


class Draw:
  """Uniform random numbers u_b_k in [0, 1), handed out column by column: what image b gets depends on its own row alone."""

  def __init__(self, u_b_k: Array):
    self._u_b_k, self._used = u_b_k, 0

  def many(self, k: int, low: float = 0.0, high: float = 1.0) -> Array:
    """The next k columns, [b, k], between low and high."""
    part = self._u_b_k[:, self._used:self._used + k]
    self._used += k
    if part.shape[1] < k:
      raise ValueError(f"{self._used} numbers are drawn of {self._u_b_k.shape[1]}")
    return low + (high - low) * part

  def __call__(self, low: float = 0.0, high: float = 1.0) -> Array:
    """The next column, [b, 1, 1]."""
    return self.many(1, low, high)[..., None]

  def chance(self, share: float) -> Array:
    """True for a share of the images, [b, 1, 1]."""
    return self() < share


def ellipse(x: Array, y: Array, a: Array, b: Array) -> Array:
  """Distance from an ellipse with semi-axes a and b about the origin, to first order: the implicit function over its gradient."""
  radius, slope = np.hypot(x / a, y / b), np.hypot(x / a**2, y / b**2)
  return radius * (radius - 1) / np.maximum(slope, 1e-6)


def disc(x: Array, y: Array, r: Array) -> Array:
  """Distance from a disc about the origin."""
  return np.hypot(x, y) - r


def _along(x: Array, y: Array, a: tuple, b: tuple) -> tuple[Array, Array]:
  """Where the segment a b comes closest, as its share from a on, and the squared distance."""
  dx, dy = b[0] - a[0], b[1] - a[1]
  share = np.clip(((x - a[0]) * dx + (y - a[1]) * dy) / np.maximum(dx * dx + dy * dy, 1e-12), 0, 1)
  return share, (x - a[0] - share * dx)**2 + (y - a[1] - share * dy)**2


def capsule(x: Array, y: Array, a: tuple, b: tuple, from_r: Array, to_r: Array) -> Array:
  """Distance from a stroke from a to b (pairs of [b, 1, 1]) whose half width goes from from_r to to_r."""
  share, squared = _along(x, y, a, b)
  return np.sqrt(squared) - (from_r + (to_r - from_r) * share)


def polygon(x: Array, y: Array, corner_b_k_2: Array) -> Array:
  """Exact distance from a closed polygon, by its edges; inside by the parity of crossings. Corners may coincide."""
  points = [(c[:, 0, None, None], c[:, 1, None, None]) for c in np.moveaxis(corner_b_k_2, 1, 0)]
  squared, inside = np.inf, False
  for a, b in zip(points, points[1:] + points[:1], strict=True):
    squared = np.minimum(squared, _along(x, y, a, b)[1])
    rise = np.where(a[1] == b[1], 1, b[1] - a[1])
    inside ^= ((a[1] > y) != (b[1] > y)) & (x - a[0] < (y - a[1]) / rise * (b[0] - a[0]))
  return np.where(inside, -1, 1) * np.sqrt(squared)


def ellipses(draw: Draw, x: Array, y: Array) -> Array:
  """A large ellipse and a smaller one that overlaps it or not."""
  body = ellipse(x, y, draw(0.6, 1), draw(0.35, 0.8))
  away, turn, a = draw(0.2, 0.7), draw(0, 2 * np.pi), draw(0.15, 0.3)
  return np.minimum(body, ellipse(x - away * np.cos(turn), y - away * np.sin(turn), a, a * draw(0.6, 1)))


def corners(draw: Draw, x: Array, y: Array) -> Array:
  """A star-shaped polygon with 3 to 8 corners."""
  count = np.floor(draw.many(1, 3, 9))
  which = np.floor(np.arange(8) * count / 8).astype(int)
  shift, radius = (np.take_along_axis(u, which, 1) for u in (draw.many(8, -0.35, 0.35), draw.many(8, 0.45, 1)))
  angle = 2 * np.pi * (which + shift) / count
  return polygon(x, y, np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1))


def ring(draw: Draw, x: Array, y: Array) -> Array:
  """An elliptic ring of uneven width, in half of the images with a gap."""
  a, b, hole = draw(0.7, 1), draw(0.5, 1), draw(0.35, 0.75)
  shift = draw(-0.8, 0.8) * (1 - hole) * a
  open_ring = np.maximum(ellipse(x, y, a, b), -ellipse(x - shift, y, a * hole, b * hole))
  gap = np.where(draw.chance(0.5), draw(0.1, 0.3), -1)
  turn, zero = draw(0, 2 * np.pi), np.zeros_like(gap)
  return np.maximum(open_ring, -capsule(x, y, (zero, zero), (2 * np.cos(turn), 2 * np.sin(turn)), gap, gap))


def strokes(draw: Draw, x: Array, y: Array) -> Array:
  """A bent line of three strokes of changing width."""
  r = [draw(0.08, 0.22) for _ in range(4)]
  ends = [((1 - r[k]) * np.sqrt(draw(0.1, 1)), draw(0, 2 * np.pi)) for k in range(4)]
  points = [(away * np.cos(turn), away * np.sin(turn)) for away, turn in ends]
  return np.minimum.reduce([capsule(x, y, points[k], points[k + 1], r[k], r[k + 1]) for k in range(3)])


def grains(draw: Draw, x: Array, y: Array) -> Array:
  """Two to six discs that may touch."""
  found = []
  for k in range(6):
    r = draw(0.12, 0.4)
    away, turn = (1 - r) * np.sqrt(draw()), draw(0, 2 * np.pi)
    there = draw.chance(0.6) if k > 1 else True
    found.append(np.where(there, disc(x - away * np.cos(turn), y - away * np.sin(turn), r), 4))
  return np.minimum.reduce(found)


_TEE = [(-0.35, -0.9), (0.35, -0.9), (0.9, -0.45), (0.75, -0.1), (0.5, -0.3), (0.5, 0.9), (-0.5, 0.9), (-0.5, -0.3), (-0.75, -0.1),
        (-0.9, -0.45)]
_COAT = [(-0.3, -0.9), (0, -0.7), (0.3, -0.9), (0.7, -0.7), (0.9, 0.6), (0.7, 0.65), (0.5, -0.2), (0.55, 0.9), (-0.55, 0.9), (-0.5, -0.2),
         (-0.7, 0.65), (-0.9, 0.6), (-0.7, -0.7)]
_TROUSERS = [(-0.5, -0.9), (0.5, -0.9), (0.6, 0.9), (0.2, 0.9), (0, -0.3), (-0.2, 0.9), (-0.6, 0.9)]
_BOOT = [(-0.65, -0.9), (0.1, -0.85), (0.15, 0.0), (0.85, 0.35), (0.9, 0.8), (-0.2, 0.8), (-0.3, 0.65), (-0.35, 0.9), (-0.7, 0.9),
         (-0.6, 0.0)]
_BAG = [(-0.8, -0.25), (0.8, -0.25), (0.9, 0.85), (-0.9, 0.85)]


def _cut(draw: Draw, outline: list, x: Array, y: Array) -> Array:
  """The outline made wider or narrower, with every corner moved a little."""
  corner_k_2 = np.array(outline, np.float32)
  moved_b_k_2 = draw.many(corner_k_2.size, -0.1, 0.1).reshape(-1, *corner_k_2.shape)
  width_b_1_2 = np.concatenate([draw(0.75, 1), np.ones((len(x), 1, 1), np.float32)], -1)
  return polygon(x, y, (corner_k_2 + moved_b_k_2) * width_b_1_2)


def tee(draw: Draw, x: Array, y: Array) -> Array:
  """A torso with short sleeves."""
  return _cut(draw, _TEE, x, y)


def coat(draw: Draw, x: Array, y: Array) -> Array:
  """A torso with long sleeves and a neck."""
  return _cut(draw, _COAT, x, y)


def trousers(draw: Draw, x: Array, y: Array) -> Array:
  """A waist and two legs."""
  return _cut(draw, _TROUSERS, x, y)


def boot(draw: Draw, x: Array, y: Array) -> Array:
  """A shaft, a foot and a heel; toes to either side."""
  return _cut(draw, _BOOT, np.where(draw.chance(0.5), -1, 1) * x, y)


def bag(draw: Draw, x: Array, y: Array) -> Array:
  """A box with a handle."""
  r, aside, width = draw(0.35, 0.5), draw(-0.25, 0.25), draw(0.05, 0.12)
  handle = np.abs(ellipse(x - aside, y + 0.3, r, 0.55)) - width
  return np.minimum(_cut(draw, _BAG, x, y), handle)


DISCS = (ellipses, corners, ring, strokes, grains)
GARMENTS = (tee, coat, trousers, boot, bag)
