"""Pixels of an intensity that cannot be used: not finite, or saturated."""
import numpy as np
import scipy.ndimage

from jaxsig.errors import UserError

NOT_FINITE = 0.2   # share of the pixels up to which they are masked
TIED = 3          # pixels that may share the maximum by chance
FEW_VALUES = 64   # few photons: an intensity with no more values has ties without saturation


def share_of_pixels(bad_v_u: np.ndarray) -> str:
  """Returns a share of the pixels in words: "11 of 1024 pixels (1.07 %)"."""
  percent = 100 * bad_v_u.mean()
  return f"{int(bad_v_u.sum())} of {bad_v_u.size} pixels ({percent:.3g} %)"


def mask_broken(
    frames: np.ndarray,
    usable_v_u: np.ndarray,
    name: str,
    notes: list[str],
) -> np.ndarray:
  """Returns the pixels [v, u] that are usable and finite in all frames [t, v, u].

  A note on those left out is added to `notes`.

  Raises:
    UserError: too few are finite.
  """
  finite_v_u = np.isfinite(frames).all(0)
  bad_v_u = ~finite_v_u & usable_v_u
  if bad_v_u.sum() > NOT_FINITE * usable_v_u.sum():
    raise UserError(
      f"{name} is NaN or infinite in {share_of_pixels(bad_v_u)}, "
      f"more than {100 * NOT_FINITE:.0f} %: "
      "export it again, or give a mask (own.mask)"
    )
  if bad_v_u.any():
    notes.append(f"NaN or infinite values are masked: {share_of_pixels(bad_v_u)}.")

  return usable_v_u & ~bad_v_u


def mask_saturated(
    frames: np.ndarray,
    usable_v_u: np.ndarray,
    name: str,
    notes: list[str],
) -> np.ndarray:
  """Returns the usable pixels [v, u] that are saturated in no frame [t, v, u].

  A note on those left out is added to `notes`.

  Raises:
    UserError: there is none.
  """
  bad_v_u = np.zeros_like(usable_v_u)
  for frame in frames:
    usable_frame = np.where(usable_v_u, frame, 0)
    bad_v_u |= _saturated(usable_frame)
  if not bad_v_u.any():
    return usable_v_u

  good_v_u = usable_v_u & ~bad_v_u
  if not good_v_u.any():
    raise UserError(
      f"{name} is saturated in every usable pixel: expose it for a shorter time"
    )
  notes.append(
    "Saturated pixels, which share the largest value, are masked: "
    f"{share_of_pixels(bad_v_u)}."
  )
  return good_v_u


def _saturated(x_v_u: np.ndarray) -> np.ndarray:
  """The pixels at the limit of their integer type, and those of a plateau of the maximum."""
  limit_v_u = _at_limit(x_v_u)
  if limit_v_u.any():
    x_v_u = np.where(limit_v_u, 0, x_v_u)
  return limit_v_u | _plateau(x_v_u)


def _at_limit(x_v_u: np.ndarray) -> np.ndarray:
  """The pixels at the largest value of an integer type, where there are enough of them."""
  nowhere_v_u = np.zeros(x_v_u.shape, bool)
  if x_v_u.dtype.kind not in "iu":
    return nowhere_v_u

  # Four bytes do not fill up: there the limit marks a pixel as bad. An image of fewer bytes that
  # was scaled to 255 reaches it in one pixel or two.
  by_chance = 0
  if x_v_u.dtype.itemsize <= 2:
    by_chance = TIED
  limit_v_u = x_v_u == np.iinfo(x_v_u.dtype).max
  if limit_v_u.sum() > by_chance:
    return limit_v_u
  return nowhere_v_u


def _plateau(x_v_u: np.ndarray) -> np.ndarray:
  """The pixels that share the maximum, where more than `TIED` of them are neighbours."""
  nowhere_v_u = np.zeros(x_v_u.shape, bool)
  top_v_u = (x_v_u == x_v_u.max()) & (x_v_u > 0)
  if top_v_u.sum() <= TIED:
    return nowhere_v_u
  if len(np.unique(x_v_u)) <= FEW_VALUES:
    return nowhere_v_u

  # A plateau about [0, 0] lies in all four corners: shifting makes it one region.
  largest = _largest_region(top_v_u)
  largest_shifted = _largest_region(np.fft.fftshift(top_v_u))
  if max(largest, largest_shifted) <= TIED:
    return nowhere_v_u
  return top_v_u


def _largest_region(there_v_u: np.ndarray) -> int:
  """Pixels of the largest region of neighbours (above, below, left, right)."""
  region_v_u, _ = scipy.ndimage.label(there_v_u)
  sizes = np.bincount(region_v_u[there_v_u])
  return int(sizes.max())
