"""Which numbers of an image stand for black and for white, by the numbers themselves.

What is certain is read, what is likely is read and told, anything else is refused:
  0 to 1, 0 to 255          read
  integers of 10 to 16 bits read, white being the largest number of as many bits, which is told
  -1 to 1                   read and told
  standardised              read and told where the numbers are 0 to 255 in even steps
"""
from typing import NamedTuple

from jaxsig.data.images.image_blocks import WHITE
from jaxsig.data.images.number_extent import Extent
from jaxsig.errors import UserError
from jaxsig.plurals import count

SLACK = 0.01         # by which resampled floats may leave their range
_ROUNDING = 1e-6     # of white: numbers that are farther beyond black or white are told
_BITS = (1, 8, 10, 12, 14, 16)
_DIM = WHITE // 2    # where the largest number is below it, 0 to 255 is worth a note
_DARK = WHITE // 4   # numbers of more than a byte that are all below it are not 0 to 255
_FAINT = 1 / 16      # numbers that are all below it are not 0 to 1


class NumberRange(NamedTuple):
  """What stands for black and for white."""
  black: float
  white: float
  change: str   # what was assumed; "" where nothing was


def number_range(extent: Extent, name: str) -> NumberRange:
  """Returns which numbers of images stand for black and for white: see the top of this file.

  Args:
    extent: of the images' numbers.
    name: for the error.

  Raises:
    UserError: it is not plain what the numbers mean.
  """
  if extent.kind == "b":
    return NumberRange(0.0, 1.0, "")
  if extent.kind == "f":
    return _of_floats(extent, name)
  if extent.lowest < 0:
    raise UserError(_refusal(extent, name))
  return _of_integers(extent, name)


def _of_integers(extent: Extent, name: str) -> NumberRange:
  highest = int(extent.highest)
  if extent.bits > 0:
    white = 2**extent.bits - 1
    return NumberRange(0.0, white, f"White is taken to be {white}, as the file says")
  one_byte = extent.kind == "u" and extent.itemsize == 1
  if highest > 1 and one_byte:
    return NumberRange(0.0, WHITE, "")

  if highest >= 2**16 or 1 < highest < _DARK:
    raise UserError(_refusal(extent, name))
  if extent.step_of_257:   # bytes that were spread over 16 bits
    return NumberRange(0.0, 2.0**16 - 1, "")
  [bits, *_] = [bits for bits in _BITS if highest < 2**bits]
  if bits == 16 and extent.kind == "i" and extent.itemsize == 2:
    bits = 15
  white = 2**bits - 1
  fills_type = bits >= 15 and highest == white
  usual = fills_type or (bits == 8 and extent.itemsize > 2 and highest >= _DIM)
  if usual:
    return NumberRange(0.0, white, "")
  return NumberRange(0.0, white, _assumed(highest, white, count(bits, "bit", "bits") + ", "))


def _assumed(highest: float, white: int, why: str) -> str:
  return (
    f"The largest number is {highest:g}: {why}white {white} assumed "
    "(scaled to 0 to 1 nothing has to be assumed)"
  )


def _of_floats(extent: Extent, name: str) -> NumberRange:
  lowest, highest = extent.lowest, extent.highest
  to_one = lowest >= -SLACK and highest <= 1 + SLACK
  dark = lowest >= 0 and lowest < highest < _FAINT
  if to_one and not dark:
    return NumberRange(0.0, 1.0, _clipped(extent, 1))

  as_bytes = lowest >= -SLACK * WHITE and highest <= (1 + SLACK) * WHITE
  if as_bytes and highest >= _DIM:
    return NumberRange(0.0, WHITE, _clipped(extent, WHITE))

  both_ends = abs(lowest + 1) <= SLACK and abs(highest - 1) <= SLACK
  if (both_ends and not extent.lone_lowest) or extent.steps_of_minus_1_to_1:
    return NumberRange(-1.0, 1.0, "Numbers from -1 to 1 are read as black to white")
  if extent.steps_of_bytes:
    change = (
      f"Numbers from {lowest:.6g} to {highest:.6g} in even steps are read as 0 to {WHITE}, "
      "black to white"
    )
    return NumberRange(lowest, highest, change)
  if as_bytes and highest >= _DARK:
    return NumberRange(0.0, WHITE, _assumed(highest, WHITE, ""))
  raise UserError(_refusal(extent, name))


def _clipped(extent: Extent, white: float) -> str:
  """What is told of numbers that are beyond black or white by more than rounding."""
  slack = _ROUNDING * white
  if extent.lowest >= -slack and extent.highest <= white + slack:
    return ""
  return f"Numbers from {extent.lowest:.4g} to {extent.highest:.4g} are clipped to 0 to {white:g}"


def _refusal(extent: Extent, name: str) -> str:
  sentence = (
    f"{name} has values from {extent.lowest:g} to {extent.highest:g}: "
    f"scale them to 0 to 1, or to 0 to {WHITE}"
  )
  if extent.kind == "i" and extent.itemsize == 1:
    return f"{sentence}; bytes without sign are x.view(numpy.uint8)"
  if extent.lone_lowest:
    values = count(extent.lone_lowest, "value is", "values are")
    return (
      f"{sentence}; {values} {extent.lowest:g} and none lies between it and 0, as if it marked "
      "something: give these pixels a value of the image"
    )
  if extent.lowest < 0 and extent.kind == "f":
    return f"{sentence}; standardised ones are x * deviation + mean"
  return sentence
