"""What the numbers of images are like: their type, ends and steps."""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jaxsig.errors import UserError

_FEWEST_STEPS = 32    # distinct numbers without which even steps prove nothing
_OFF_A_STEP = 0.2     # of a step: by as much rounding may move a number
_MOST_NUMBERS = 2**22 # of an image's numbers that are looked at for steps


class Extent(NamedTuple):
  """The numbers of one or several images of one type."""
  kind: str       # of the type: b, i, u or f
  itemsize: int   # bytes to a number
  bits: int       # that the file says are used; 0 where it does not say
  lowest: float
  highest: float
  step_of_257: bool             # all are bytes times 257
  steps_of_minus_1_to_1: bool   # all are bytes / 127.5 - 1
  steps_of_bytes: bool          # all are from `lowest` to `highest` in 255 even steps
  lone_lowest: int = 0          # numbers that are the lowest, where none lies between it and 0


def extent_of(x: np.ndarray, name: str, bits: int = 0) -> Extent:
  """Returns what the numbers of an image or of several ones are like.

  Args:
    x: an array of any shape.
    name: for the errors.
    bits: that are used of each number, where that is known.

  Raises:
    UserError: these are no real numbers, or they are not finite.
  """
  if x.dtype.kind == "c":
    raise UserError(
      f"{name} holds {x.dtype}, not pixels: save its magnitude, numpy.abs(x)"
    )
  if x.dtype.kind not in "biuf":
    raise UserError(f"{name} holds {x.dtype}, not pixels: save them as integers or floats")
  if isinstance(x, np.ma.MaskedArray) and np.ma.getmaskarray(x).any():
    count = int(np.ma.getmaskarray(x).sum())
    raise UserError(
      f"{name} is masked in {count} of {x.size} values: fill them, as by x.filled(0)"
    )

  x = np.asarray(x)
  finite = np.isfinite(x)
  if not finite.all():
    count = int((~finite).sum())
    raise UserError(
      f"{name} is NaN or infinite in {count} of {x.size} values: "
      "fill them, or leave these images out"
    )

  lowest = float(x.min())
  highest = float(x.max())
  several_bytes = x.dtype.kind in "iu" and x.dtype.itemsize > 1
  step_of_257 = several_bytes and highest > 255 and not (x % 257).any()
  signed_steps, byte_steps, lone_lowest = False, False, 0
  if x.dtype.kind == "f":
    levels = np.unique(x.reshape(-1)[:_MOST_NUMBERS].astype(np.float64))
    signed_steps = lowest >= -1.01 and highest <= 1.01 and _in_steps((levels + 1) * 127.5)
    span = max(highest - lowest, 1e-30)
    byte_steps = _in_steps((levels - lowest) / span * 255)
    lone_lowest = _lone_lowest(x, lowest, highest)
  return Extent(
    x.dtype.kind, x.dtype.itemsize, bits, lowest, highest, bool(step_of_257), signed_steps,
    byte_steps, lone_lowest,
  )


def _lone_lowest(x: np.ndarray, lowest: float, highest: float) -> int:
  """How many numbers are a negative lowest one that no other is near, of more than two numbers."""
  if lowest >= 0:
    return 0
  negative = x[x < lowest / 100]
  others = x[(x >= lowest / 100) & (x < highest)]
  if not others.size or (negative != negative[0]).any():
    return 0
  return int(negative.size)


def _in_steps(levels: np.ndarray) -> bool:
  """Whether numbers are whole but for rounding, and enough of them to prove it."""
  steps = np.rint(levels)
  if (np.abs(levels - steps) > _OFF_A_STEP).any():
    return False
  distinct = np.unique(steps.astype(np.int64))
  return len(distinct) >= _FEWEST_STEPS and np.gcd.reduce(np.diff(distinct)) == 1


def joined(extents: Sequence[Extent]) -> Extent:
  """Returns the extent of the images of several files of one type together.

  Even steps must be those of each: the steps from the lowest number to the highest are of one file
  only where the ends of all are alike.
  """
  first = extents[0]
  lowest = min(extent.lowest for extent in extents)
  highest = max(extent.highest for extent in extents)
  same_ends = all(
    extent.lowest == lowest and extent.highest == highest for extent in extents
  )
  return first._replace(
    bits=max(extent.bits for extent in extents),
    lowest=lowest,
    highest=highest,
    step_of_257=all(extent.step_of_257 for extent in extents),
    steps_of_minus_1_to_1=all(extent.steps_of_minus_1_to_1 for extent in extents),
    steps_of_bytes=same_ends and all(extent.steps_of_bytes for extent in extents),
    lone_lowest=_joined_lowest(extents),
  )


def _joined_lowest(extents: Sequence[Extent]) -> int:
  """How many numbers of all files are a negative lowest one; 0 where some have others below 0."""
  negative = [extent for extent in extents if extent.lowest < 0]
  if any(extent.lone_lowest == 0 for extent in negative):
    return 0
  return sum(extent.lone_lowest for extent in negative)
