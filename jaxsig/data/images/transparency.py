"""Images with transparent pixels, on black or on white."""
from collections.abc import Iterable

import numpy as np

from jaxsig.data.images.number_range import NumberRange
from jaxsig.errors import UserError

LUMA = np.array([0.299, 0.587, 0.114], np.float32)   # of red, green and blue
_SLACK = 0.01
_FEWEST = 4   # pixels, mostly transparent, that prove that colours are multiplied by alpha
_GROUNDS = {0.0: "black", 1.0: "white"}


def common_ground(lumas: Iterable[float | None]) -> float:
  """Returns the ground for several images, whichever the nearest opaque part is further from.

  Args:
    lumas: of the images' opaque parts; None of those without transparency.
  """
  known = [luma for luma in lumas if luma is not None]
  darkest = min(known, default=1.0)
  brightest = max(known, default=1.0)
  if 1 - brightest > darkest:
    return 1.0
  return 0.0


def opaque_luma(pixels: np.ndarray, numbers: NumberRange) -> float | None:
  """Returns the mean luma of an image's opaque part; None where nothing or all is transparent.

  Args:
    pixels: [h, w] or [h, w, c].
    numbers: that stand for black and for white.
  """
  if pixels.ndim != 3 or pixels.shape[-1] != 4:
    return None
  scaled = (pixels.astype(np.float32) - numbers.black) / (numbers.white - numbers.black)
  scaled = np.clip(scaled, 0, 1)
  alpha_y_x_1 = scaled[..., 3:]
  if alpha_y_x_1.min() == alpha_y_x_1.max():
    return None
  shown_y_x_c, _ = _shown(scaled[..., :3], alpha_y_x_1)
  area = max(float(alpha_y_x_1.sum()), 1e-6)
  return float((shown_y_x_c @ LUMA).sum() / area)


def opaque(
    colour_y_x_c: np.ndarray,
    alpha_y_x_1: np.ndarray,
    ground: float,
    name: str,
    changes: list[str],
) -> np.ndarray:
  """Returns an image on a ground.

  Args:
    colour_y_x_c: 0 to 1; as they are, or multiplied by alpha, which is seen by the numbers.
    alpha_y_x_1: 0 where a pixel is transparent, 1 where it is opaque; one that is the same
      everywhere, and not 0, counts as opaque.
    ground: 0 for black, 1 for white: see `common_ground`.
    name: for the error.
    changes: gets what was done.

  Raises:
    UserError: all of it is transparent.
  """
  if alpha_y_x_1.max() == 0:
    raise UserError(
      f"{name} shows nothing, it is transparent everywhere: "
      "save it without transparency (its fourth channel)"
    )
  if alpha_y_x_1.min() == alpha_y_x_1.max():
    if alpha_y_x_1.max() < 1:
      changes.append("An opacity that is the same everywhere is left out")
    return colour_y_x_c

  shown_y_x_c, multiplied = _shown(colour_y_x_c, alpha_y_x_1)
  if multiplied:
    changes.append("Colours are taken as multiplied by their opacity")
  changes.append(f"Transparent pixels are made {_GROUNDS[ground]}")
  transparent_y_x_1 = 1 - alpha_y_x_1
  return shown_y_x_c + transparent_y_x_1 * ground


def _shown(colour_y_x_c: np.ndarray, alpha_y_x_1: np.ndarray) -> tuple[np.ndarray, bool]:
  """Colours multiplied by their opacity, and whether they were so already."""
  if _is_multiplied(colour_y_x_c, alpha_y_x_1):
    return colour_y_x_c, True
  return alpha_y_x_1 * colour_y_x_c, False


def _is_multiplied(colour_y_x_c: np.ndarray, alpha_y_x_1: np.ndarray) -> bool:
  """Whether no colour is brighter than its alpha, which no other colours but black would be."""
  alpha_y_x = alpha_y_x_1[..., 0]
  if (colour_y_x_c > alpha_y_x_1 + _SLACK).any():
    return False
  brightest_y_x = colour_y_x_c.max(-1)
  faint_y_x = (alpha_y_x > 2 * _SLACK) & (alpha_y_x < 0.5)
  coloured_y_x = brightest_y_x > 0.5 * alpha_y_x
  return int((faint_y_x & coloured_y_x).sum()) >= _FEWEST
