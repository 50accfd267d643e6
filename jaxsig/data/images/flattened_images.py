"""Square images that lie flat in the rows of a table, [t, side * side]."""
import math

import numpy as np

from jaxsig.errors import UserError
from jaxsig.plurals import count

_SMALLEST_SIDE = 8   # pixels: a smaller square is no image
_LONG = 4            # times: pictures are seldom that much longer than wide
_LONGEST = 2**13     # pixels to a side of a picture
_SMOOTHER = 0.8      # neighbours that differ by less than this share of others are the true ones


def unflattened(x: np.ndarray, name: str) -> tuple[np.ndarray, str]:
  """Returns [t, h, w] of an image [h, w] or of flattened square images [t, side * side].

  Whether rows are images is seen by their form, and where that is not enough by what lies beside
  what: pixels differ less from their neighbours than from those of another image.

  Returns:
    The images, and a note where they were flattened.

  Raises:
    UserError: both readings are possible.
  """
  rows, columns = x.shape
  side = _side(columns)
  if not side:
    _check_not_in_columns(x.shape, name)
    return x[None], ""

  images = count(rows, "flattened image", "flattened images")
  note = f"The shape {x.shape} is read as {images} of {side} x {side}"
  folded = x.reshape(rows, side, side)
  if rows == 1 or rows > _LONGEST:
    return folded, note

  picture, flat = _differences(x, side)
  looks_flat = flat < _SMOOTHER * picture
  looks_like_picture = picture < _SMOOTHER * flat
  picture_shape = columns <= _LONG * rows and rows <= _LONG * columns
  if not picture_shape and not looks_like_picture:
    return folded, note
  if picture_shape and not looks_flat:
    return x[None], ""
  raise UserError(
    f"{name} has the shape {x.shape}, which may be one image or {rows} flattened ones of "
    f"{side} x {side}: give the one as x[None], the others as x.reshape(-1, {side}, {side})"
  )


def _side(pixels: int) -> int:
  """The side of a square of so many pixels; 0 where there is none, or it is too small."""
  side = math.isqrt(pixels)
  if side * side != pixels or side < _SMALLEST_SIDE:
    return 0
  return side


def _check_not_in_columns(shape: tuple[int, int], name: str) -> None:
  rows, columns = shape
  side = _side(rows)
  if side and rows >= 2 * _LONG * columns:
    raise UserError(
      f"{name} has the shape {shape}, which seems to be {columns} flattened images of "
      f"{side} x {side} in its columns: give them as x.T.reshape(-1, {side}, {side}), "
      "or one image as x[None]"
    )
  colour_side = _side(columns // 3)
  if columns % 3 == 0 and colour_side and columns > 2 * _LONG * rows:
    raise UserError(
      f"{name} has the shape {shape}, which seems to be flattened images in colour: give them as "
      f"x.reshape(-1, {colour_side}, {colour_side}, 3), or one image as x[None]"
    )


def _differences(x: np.ndarray, side: int) -> tuple[float, float]:
  """Mean difference of pixels one row apart, of a picture and of flattened images."""
  x = x[:1024].astype(np.float32)
  of_picture = np.abs(x[1:] - x[:-1]).mean()
  of_flattened = np.abs(x[:, side:] - x[:, :-side]).mean()
  return float(of_picture), float(of_flattened)
