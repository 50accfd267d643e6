"""Whether the opacity of images is on the scale of their colours."""
import numpy as np

from jaxsig.data.images.number_range import SLACK, NumberRange
from jaxsig.errors import UserError

_BYTE = 255   # by which the scales of floats, bytes and two bytes differ


def numbers_that_count(x: np.ndarray) -> np.ndarray:
  """Returns the part of images by which their black and white are found.

  That is the colours without the opacity, where this is constant or may be on another scale, but
  of black ones, which say nothing.
  """
  if not has_opacity(x):
    return x
  colours = x[..., :3]
  constant = x[..., 3].min() == x[..., 3].max()
  if constant or (x.dtype.kind == "f" and colours.any()):
    return colours
  return x


def has_opacity(x: np.ndarray) -> bool:
  """Whether images have four channels, of numbers."""
  return x.ndim in (3, 4) and x.shape[-1] == 4 and x.dtype.kind in "biuf" and x.size > 0


def check_opacity(x: np.ndarray, numbers: NumberRange, name: str) -> None:
  """Raises a UserError where the opacity of images varies on another scale than the colours.

  Args:
    x: [h, w, c] or [t, h, w, c].
    numbers: that stand for black and for white.
    name: for the error.
  """
  if not has_opacity(x):
    return
  lowest = float(x[..., 3].min())
  highest = float(x[..., 3].max())
  brightest = float(x[..., :3].max())
  if not np.isfinite(lowest + highest):
    raise UserError(f"{name} has an opacity (fourth channel) that is NaN or infinite: fill it")
  if lowest == highest:
    return
  span = numbers.white - numbers.black
  low_beside_colours = span > 1 and highest <= span / _BYTE * (1 + SLACK)
  colours_low_beside_it = numbers.white > 1 and 0 < brightest <= numbers.white / _BYTE
  beyond = highest > numbers.white + SLACK * span
  signed = numbers.black < 0 <= lowest
  if low_beside_colours or colours_low_beside_it or beyond or signed:
    raise UserError(
      f"{name} has an opacity (fourth channel) of {lowest:g} to {highest:g} beside colours to "
      f"{brightest:g}: scale both alike, or leave it out, x[..., :3]"
    )
