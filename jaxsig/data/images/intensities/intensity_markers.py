"""Numbers of a detector that are no intensities: markers of bad pixels, and negative ones."""
import numpy as np

from jaxsig.data.images.intensities.intensity_checks import (
  FEW_VALUES,
  NOT_FINITE,
  TIED,
  share_of_pixels,
)
from jaxsig.errors import UserError
from jaxsig.plurals import count

_NEGATIVE = (-1, -2, -99, -999, -9999, -99999, -32768, -2**31)   # below what a detector counts
_LIMITS = (2**31 - 1, 2**32 - 2, 2**32 - 1)   # of 4 bytes, in a type that holds more
_FAR = 0.1      # of the largest number: the others are below it
_SMALL = 0.01   # of the largest value and of the sum: negative values up to it are clipped


def mask_markers(
    frames: np.ndarray,
    usable_v_u: np.ndarray,
    name: str,
    notes: list[str],
) -> np.ndarray:
  """Returns the usable pixels [v, u] without those that a detector marks as bad.

  Markers are -1, -2, -9999 and the like, where no other value is negative, the largest numbers of
  4 bytes in a larger type (in their own they are saturated: see `mask_saturated`), and a number
  that several pixels share far above all others. A note on those left out is added to `notes`.

  Raises:
    UserError: there are too many.
  """
  marked = np.zeros(frames.shape, bool)
  negative = frames[(frames < 0) & usable_v_u]
  if negative.size and np.isin(negative, _NEGATIVE).all():
    marked = np.isin(frames, _NEGATIVE)
  marked |= _at_limit_of_less(frames)
  marked &= usable_v_u
  marked |= _far_above(np.where(marked, 0, frames), usable_v_u)
  found = [f"{value:.10g}" for value in np.unique(frames[marked])]

  bad_v_u = marked.any(0)
  if not bad_v_u.any():
    return usable_v_u
  if bad_v_u.sum() > NOT_FINITE * usable_v_u.sum():
    raise UserError(
      f"{name} has {', '.join(found)} in {share_of_pixels(bad_v_u)}, more than "
      f"{100 * NOT_FINITE:.0f} %: mask these pixels if they are bad ones (own.mask), "
      "or subtract the background and clip at 0"
    )
  notes.append(
    f"Pixels with {', '.join(found)}, as bad or saturated ones are marked, are masked: "
    f"{share_of_pixels(bad_v_u)}."
  )
  return usable_v_u & ~bad_v_u


def _at_limit_of_less(frames: np.ndarray) -> np.ndarray:
  """Where a larger type holds the largest numbers of 4 bytes."""
  if frames.dtype.kind == "f" and frames.dtype.itemsize >= 4:
    return np.isin(frames, np.array(_LIMITS, np.float64).astype(frames.dtype))
  if frames.dtype.kind in "iu" and frames.dtype.itemsize > 4:
    return np.isin(frames, np.array(_LIMITS, frames.dtype))
  return np.zeros(frames.shape, bool)


def _far_above(frames: np.ndarray, usable_v_u: np.ndarray) -> np.ndarray:
  """Where several pixels share a largest number that is far above all others."""
  nowhere = np.zeros(frames.shape, bool)
  largest = frames.max(where=usable_v_u, initial=0)
  top = (frames == largest) & usable_v_u
  if not largest > 0 or top.any(0).sum() <= TIED:
    return nowhere
  below = frames.max(where=usable_v_u & ~top, initial=0)
  distinct_below = np.unique(frames[np.broadcast_to(usable_v_u, top.shape) & ~top][:2**16])
  if len(distinct_below) <= FEW_VALUES or float(below) > _FAR * float(largest):
    return nowhere
  return top


def clip_negative(
    frames: np.ndarray,
    usable_v_u: np.ndarray,
    name: str,
    notes: list[str],
) -> np.ndarray:
  """Returns frames whose usable pixels are not negative: small negative values become 0.

  Those are what is left where a background was subtracted. A note on them is added to `notes`.

  Raises:
    UserError: they are not small.
  """
  if not frames.min(where=usable_v_u, initial=0) < 0:
    return frames

  values = frames[:, usable_v_u]
  negative = values[values < 0].astype(np.float64)
  largest = float(values.max())
  total = float(values.sum(dtype=np.float64, where=values > 0))
  small = -negative.min() <= _SMALL * largest and -negative.sum() <= _SMALL * total
  if not small:
    raise UserError(
      f"{name} has {count(negative.size, 'negative value', 'negative values')}, "
      f"the smallest {negative.min():g}, "
      "and an intensity has none: subtract the background and clip at 0, "
      "or mask these pixels (own.mask)"
    )
  notes.append(
    f"{count(negative.size, 'negative value', 'negative values')} of {values.size}, the smallest "
    f"{negative.min():.4g}, are made 0."
  )
  return np.where(frames < 0, 0, frames)
