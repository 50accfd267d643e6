"""A user's own diffraction intensity: square frames, a mask and notes of a file or an array.

The file may be NPY, HDF5/CXI or TIFF; one that cannot be used gives one sentence on what is wrong.
What is done to an intensity, in this order, each with a note:
  axes         one frame or a stack: see `array_axes`
  mask         the user's (nonzero where a pixel is usable), else those of a CXI or NeXus file (zero
               where it is); that of a masked array too
  not finite   masked, where it is a fifth of the pixels at most
  markers      of bad pixels (-1, 2**32 - 1, ...): masked
  negative     made 0, where they are small
  saturated    masked: the limit of an integer type, or a plateau of the maximum
  layout       the zero frequency goes to [0, 0]; sides are cut to the largest even square about it
Masked pixels are 0 in the frames. A pixel that is unusable in one frame of a stack is so in all.
"""
import pathlib
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jaxsig.data.images.array_axes import frames_of
from jaxsig.data.images.array_files import HDF5, check_file, read_array
from jaxsig.data.images.intensities.hdf5_files import DetectorFrames, read_frames
from jaxsig.data.images.intensities.intensity_amplitudes import note_amplitudes
from jaxsig.data.images.intensities.intensity_checks import mask_broken, mask_saturated
from jaxsig.data.images.intensities.intensity_doubts import check_no_mask, note_doubts
from jaxsig.data.images.intensities.intensity_layout import centre_at_zero
from jaxsig.data.images.intensities.intensity_markers import clip_negative, mask_markers
from jaxsig.data.images.intensities.intensity_masks import usable_pixels
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
    dataset: which one, of an HDF5 or NPZ file with several.
    mask: a path or an array [v, u], nonzero where a pixel is usable (a CXI file's own mask says
      the reverse); "" for none.
    centred: where the zero frequency is: "yes" at [h // 2, w // 2], "no" at [0, 0], "auto" where
      more of the intensity is.

  Raises:
    UserError: the file, its numbers or its size cannot be used.
  """
  if centred not in ("auto", "yes", "no"):
    raise UserError(f"own.centred={centred!r} is unknown: use auto, yes or no")

  raw = _read(source, dataset, with_masks=_is_none(mask))
  name = raw.name
  frames = _frames(raw.values, name, raw.notes)
  usable_v_u, notes = usable_pixels(raw, None if _is_none(mask) else mask, frames)
  frames = np.asarray(frames)
  usable_v_u = mask_broken(frames, usable_v_u, name, notes)
  check_no_mask(frames, usable_v_u, name)
  usable_v_u = mask_markers(frames, usable_v_u, name, notes)
  frames = clip_negative(frames, usable_v_u, name, notes)
  usable_v_u = mask_saturated(frames, usable_v_u, name, notes)

  frames = np.where(usable_v_u, frames, 0)
  frames = _as_float32(frames, notes)
  for t, frame in enumerate(frames):
    if not frame.any():
      raise UserError(
        f"frame {t} of {name} is zero in every usable pixel: "
        "check the detector or the mask, or leave the frame out"
      )

  doubts = []
  note_doubts(frames, usable_v_u, name, doubts)
  frames, usable_v_u = centre_at_zero(frames, usable_v_u, centred, name, notes)
  notes += doubts
  if usable_v_u.all():
    note_amplitudes(frames[0], notes)
    return Intensity(frames, None, notes)
  return Intensity(frames, usable_v_u, notes)


def _is_none(mask: str | pathlib.Path | ArrayLike | None) -> bool:
  return mask is None or (isinstance(mask, str) and mask == "")


def _read(
    source: str | pathlib.Path | ArrayLike,
    dataset: str,
    with_masks: bool,
) -> DetectorFrames:
  if isinstance(source, (str, pathlib.Path)):
    path = pathlib.Path(source)
    if check_file(path) in HDF5:
      return read_frames(path, dataset, with_masks)
  values, name, note = read_array(source, dataset)
  notes = []
  if note:
    notes.append(f"{note}.")
  return DetectorFrames(values, name, [], notes)


def _frames(x: np.ndarray, name: str, notes: list[str]) -> np.ndarray:
  """[t, v, u] of real numbers."""
  if x.dtype.kind == "c":
    raise UserError(
      f"{name} is complex ({x.dtype}), an intensity is real: give |F|^2, numpy.abs(F)**2"
    )
  if x.dtype.kind not in "iuf":
    raise UserError(
      f"{name} holds {x.dtype}, not numbers of an intensity: save it as integers or floats"
    )
  frames, note = frames_of(x, name)
  if note:
    notes.append(f"{note}.")
  return frames


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
