"""Signs of square images that lie flat in the rows of a table: its sides, and what is smooth."""
import math

import numpy as np

LONG = 4         # times: pictures are seldom that much longer than wide
SMOOTHER = 0.8   # neighbours that differ by less than this share of others are the true ones
_SMALLEST_SIDE = 8   # pixels: a smaller square is no image


def square_side(pixels: int) -> int:
  """Returns the side of a square of so many pixels; 0 where there is none, or it is too small."""
  side = math.isqrt(pixels)
  if side * side != pixels or side < _SMALLEST_SIDE:
    return 0
  return side


def differences_of(x: np.ndarray, side: int) -> tuple[float, float]:
  """Returns the mean difference of pixels one row apart, of a picture and of flattened images."""
  x = x[:1024].astype(np.float32)
  of_picture = np.abs(x[1:] - x[:-1]).mean()
  of_flattened = np.abs(x[:, side:] - x[:, :-side]).mean()
  return float(of_picture), float(of_flattened)
