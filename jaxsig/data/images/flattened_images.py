"""Square images that lie flat in the rows of a table, [t, side * side]."""
import numpy as np

from jaxsig.data.images.flattened_signs import LONG, SMOOTHER, differences_of, square_side
from jaxsig.data.images.labelled_tables import check_no_table
from jaxsig.errors import UserError
from jaxsig.plurals import count

_LONGEST = 2**13     # pixels to a side of a picture


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
  side = square_side(columns)
  if not side:
    check_no_table(x, name)
    _check_not_in_columns(x.shape, name)
    return x[None], ""

  images = count(rows, "flattened image", "flattened images")
  note = f"The shape {x.shape} is read as {images} of {side} x {side}"
  folded = x.reshape(rows, side, side)
  if rows == 1 or rows > _LONGEST:
    return folded, note

  picture, flat = differences_of(x, side)
  looks_flat = flat < SMOOTHER * picture
  looks_like_picture = picture < SMOOTHER * flat
  picture_shape = columns <= LONG * rows and rows <= LONG * columns
  if not picture_shape and not looks_like_picture:
    return folded, note
  if picture_shape and not looks_flat:
    return x[None], ""
  raise UserError(
    f"{name} has the shape {x.shape}, which may be one image or {rows} flattened ones of "
    f"{side} x {side}: give the one as x[None], the others as x.reshape(-1, {side}, {side})"
  )


def _check_not_in_columns(shape: tuple[int, int], name: str) -> None:
  rows, columns = shape
  side = square_side(rows)
  if side and rows >= 2 * LONG * columns:
    images = count(columns, "flattened image", "flattened images")
    raise UserError(
      f"{name} has the shape {shape}, which seems to be {images} of {side} x {side} in its "
      f"columns: give them as x.T.reshape(-1, {side}, {side}), or one image as x[None]"
    )
  colour_side = square_side(columns // 3)
  if columns % 3 == 0 and colour_side and columns > 2 * LONG * rows:
    raise UserError(
      f"{name} has the shape {shape}, which seems to be flattened images in colour: give them as "
      f"x.reshape(-1, {colour_side}, {colour_side}, 3), or one image as x[None]"
    )
