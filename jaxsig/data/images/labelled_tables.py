"""Tables of flattened square images beside columns of labels, as of MNIST in CSV form."""
import numpy as np

from jaxsig.data.images.flattened_signs import LONG, SMOOTHER, differences_of, square_side
from jaxsig.errors import UserError
from jaxsig.plurals import count, noun

_MOST_LABELS = 2   # columns beside those of the pixels: an index and a label
_CHANNELS = (1, 3)


def check_no_table(x: np.ndarray, name: str) -> None:
  """Raises a UserError where an array [h, w] seems to be flattened images beside labels.

  It does where the sides fit and either no picture has such a form, or pixels differ less from
  those that lie below them in the flattened images than from those in the next row.
  """
  rows, columns = x.shape
  for labels in range(1, _MOST_LABELS + 1):
    for channels in _CHANNELS:
      side = _side_beside(columns, labels, channels)
      if side and (_is_long(x.shape) or _is_flat(x[:, labels:], side * channels)):
        raise UserError(_refusal(x.shape, name, labels, side, channels))
    side = _side_beside(rows, labels, 1)
    if side and _is_long(x.shape):
      images = count(columns, "flattened image", "flattened images")
      raise UserError(
        f"{name} has the shape {x.shape}, which seems to be {images} of {side} x {side} in its "
        f"columns, below {labels} {noun(labels, 'row', 'rows')} of labels: "
        f"give the images alone, x[{labels}:].T.reshape(-1, {side}, {side}), "
        "or one image as x[None]"
      )


def _side_beside(length: int, labels: int, channels: int) -> int:
  """The side of the squares beside some labels; 0 where there are none."""
  pixels = length - labels
  if pixels < 1 or pixels % channels:
    return 0
  return square_side(pixels // channels)


def _is_long(shape: tuple[int, ...]) -> bool:
  return max(shape) > LONG * min(shape)


def _is_flat(x: np.ndarray, row_length: int) -> bool:
  if len(x) < 2 or x.dtype.kind not in "biuf":
    return False
  picture, flat = differences_of(x, row_length)
  return flat < SMOOTHER * picture


def _refusal(shape: tuple[int, ...], name: str, labels: int, side: int, channels: int) -> str:
  colours = ""
  form = f"-1, {side}, {side}"
  if channels > 1:
    colours = " in colour"
    form += f", {channels}"
  images = count(shape[0], "flattened image", "flattened images")
  return (
    f"{name} has the shape {shape}, which seems to be {images} of {side} x {side}{colours} "
    f"beside {labels} {noun(labels, 'column', 'columns')} of labels: "
    f"give the images alone, x[:, {labels}:].reshape({form}) where the labels come first, "
    "or one image as x[None]"
  )
