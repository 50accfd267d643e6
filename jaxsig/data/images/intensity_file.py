"""A user's own diffraction intensity: square frames, a mask and notes of a file or an array.

The file may be NPY, HDF5/CXI or TIFF; one that cannot be used gives one sentence on what is wrong.
What is done to an intensity, in this order, each with a note:
  mask         the user's (nonzero where a pixel is usable), else that of a CXI file (zero where it
               is)
  not finite   masked, where it is a fifth of the pixels at most
  saturated    masked: the limit of an integer type, or a plateau of the maximum
  layout       the zero frequency goes to [0, 0]; sides are cut to the largest even square about it
Masked pixels are 0 in the frames. A pixel that is unusable in one frame of a stack is so in all.
"""
import pathlib
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jaxsig.data.images.intensity_checks import mask_broken, mask_saturated, share_of_pixels
from jaxsig.data.images.intensity_formats import cxi_mask, read_array
from jaxsig.data.images.intensity_layout import centre_at_zero
from jaxsig.errors import UserError

# Maxima that float32 holds with room for sums.
_SMALLEST_MAXIMUM, _LARGEST_MAXIMUM = 1e-25, 1e30


class Intensity(NamedTuple):
  """Frames with the zero frequency at [0, 0], of an even number of pixels to both sides."""
  frames_t_v_u: np.ndarray      # float32, finite, not negative
  mask_v_u: np.ndarray | None   # bool, True where a pixel is usable; None where all are
  notes: list[str]


def read_intensity(
    source: str | pathlib.Path | ArrayLike,
    dataset: str = "",
    mask: str | pathlib.Path | ArrayLike | None = "",
    centred: str = "auto",
) -> Intensity:
  """Reads one frame [v, u] or a stack [t, v, u] of intensities |F|^2.

  Args:
    source: a path or an array: see `read_array`.
    dataset: which one, of an HDF5 file with several.
    mask: a path or an array [v, u], nonzero where a pixel is usable (a CXI file's own mask says
      the reverse); "" for none.
    centred: where the zero frequency is: "yes" at [h // 2, w // 2], "no" at [0, 0], "auto" where
      more of the intensity is.

  Raises:
    UserError: the file, its numbers or its size cannot be used.
  """
  if centred not in ("auto", "yes", "no"):
    raise UserError(f"own.centred={centred!r} is unknown: use auto, yes or no")

  raw, name = read_array(source, dataset)
  frames = _frames(raw, name)
  usable_v_u, notes = _mask(source, dataset, mask, frames.shape[1:])
  usable_v_u = mask_broken(frames, usable_v_u, name, notes)
  usable_v_u = mask_saturated(frames, usable_v_u, name, notes)

  frames = np.where(usable_v_u, frames, 0)
  frames = _as_float32(frames, notes)
  for t, frame in enumerate(frames):
    if not frame.any():
      raise UserError(
        f"frame {t} of {name} is zero in every usable pixel: "
        "check the detector or the mask, or leave the frame out"
      )

  frames, usable_v_u = centre_at_zero(frames, usable_v_u, centred, name, notes)
  if usable_v_u.all():
    return Intensity(frames, None, notes)
  return Intensity(frames, usable_v_u, notes)


def _frames(x: np.ndarray, name: str) -> np.ndarray:
  """[t, v, u] of real numbers."""
  if x.dtype.kind == "c":
    raise UserError(
      f"{name} is complex ({x.dtype}), an intensity is real: give |F|^2, numpy.abs(F)**2"
    )
  if x.dtype.kind not in "iuf":
    raise UserError(
      f"{name} holds {x.dtype}, not numbers of an intensity: save it as integers or floats"
    )
  if x.ndim not in (2, 3) or x.size == 0:
    raise UserError(
      f"{name} has the shape {x.shape}: give one frame [v, u] or a stack of frames [t, v, u]"
    )
  if x.ndim == 2:
    return x[None]
  return x


def _mask(
    source: str | pathlib.Path | ArrayLike,
    dataset: str,
    mask: str | pathlib.Path | ArrayLike | None,
    shape: tuple[int, ...],
) -> tuple[np.ndarray, list[str]]:
  """Usable pixels [v, u] by the user's mask, or else by the file's own, and a note on them."""
  no_mask = mask is None or (isinstance(mask, str) and mask == "")
  if no_mask:
    usable, name = cxi_mask(source, dataset)
  else:
    usable, name = _users_mask(mask)
  if usable is None:
    return np.ones(shape, bool), []

  fits = usable.shape[-2:] == shape and usable.ndim <= 3
  if not fits or usable.dtype.kind not in "biuf":
    raise UserError(
      f"the mask {name} has the shape {usable.shape} of {usable.dtype}, "
      f"the frames are {shape[0]} x {shape[1]}: give own.mask with a real number "
      "for each pixel, nonzero where it is usable"
    )

  usable_t_v_u = (np.nan_to_num(usable) != 0).reshape(-1, *shape)
  usable_v_u = usable_t_v_u.all(0)
  if not usable_v_u.any():
    raise UserError(
      f"the mask {name} leaves no pixel: it must be nonzero where a pixel is usable"
    )
  return usable_v_u, [f"The mask {name} leaves out {share_of_pixels(~usable_v_u)}."]


def _users_mask(mask: str | pathlib.Path | ArrayLike) -> tuple[np.ndarray, str]:
  try:
    return read_array(mask)
  except UserError as error:
    raise UserError(f"the mask (own.mask) cannot be used: {error}") from error


def _as_float32(frames: np.ndarray, notes: list[str]) -> np.ndarray:
  highest = float(frames.max())
  in_range = _SMALLEST_MAXIMUM < highest < _LARGEST_MAXIMUM
  if highest > 0 and not in_range:
    notes.append(
      f"All values are divided by the largest, {highest:g}, which is beyond single precision."
    )
    frames = frames / frames.max()
  return frames.astype(np.float32)


def undersampled_note(m: int, n: int) -> str:
  """Returns a sentence where m x m intensities are too few for an object of n x n pixels, else "".

  Too few are m < 2 n - 1.
  """
  needed = 2 * n - 1
  if m >= needed:
    return ""
  return (
    f"The intensity has {m} pixels to a side, an object of {n} needs 2 n - 1 = {needed}: "
    "its autocorrelation wraps round, so the object may not be the only one with this intensity, "
    "and a small residual proves less; sample more finely (a longer distance to the detector, "
    "smaller pixels) or train for smaller objects (data.n)."
  )
