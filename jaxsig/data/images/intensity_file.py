"""A user's own diffraction intensity: NPY, HDF5/CXI, TIFF or an array in; square frames, a mask and notes, or one sentence out.

What is done to an intensity, in this order, each with a note:
  mask         the user's (nonzero where a pixel is usable), else that of a CXI file (zero where it is)
  not finite   masked, where it is a fifth of the pixels at most
  saturated    masked: the limit of an integer type, or a plateau of the maximum
  layout       the zero frequency goes to [0, 0]; sides are cut to the largest even square about it
Masked pixels are 0 in the frames. A pixel that is unusable in one frame of a stack is so in all.
"""
from typing import Any, NamedTuple

import numpy as np
import scipy.ndimage

from jaxsig.data.images.intensity_formats import cxi_mask, read_array
from jaxsig.errors import UserError

SMALLEST = 16           # pixels a side, after cutting
NOT_FINITE = 0.2        # share of the pixels up to which they are masked
_TIED = 3               # pixels that may share the maximum by chance
_FEW_VALUES = 64        # an intensity with no more different values has ties at its maximum without saturation: few photons
_RANGE = (1e-25, 1e30)  # maxima that float32 holds with room for sums


class Intensity(NamedTuple):
  """Frames with the zero frequency at [0, 0], of an even number of pixels to both sides."""
  frames_t_v_u: np.ndarray          # float32, finite, not negative
  mask_v_u: np.ndarray | None       # bool, True where a pixel is usable; None where all are
  notes: list[str]


def read_intensity(source: Any, dataset: str = "", mask: Any = "", centred: str = "auto") -> Intensity:
  """Reads one frame [v, u] or a stack [t, v, u] of intensities |F|^2: see the top of this file and `read_array`.

  Args:
    source: a path or an array.
    dataset: which one, of an HDF5 file with several.
    mask: a path or an array [v, u], nonzero where a pixel is usable (a CXI file's own mask says the reverse); "" for none.
    centred: where the zero frequency is: "yes" at [h // 2, w // 2], "no" at [0, 0], "auto" where more of the intensity is.

  Raises:
    UserError: the file, its numbers or its size cannot be used.
  """
  if centred not in ("auto", "yes", "no"):
    raise UserError(f"data.intensity_centred={centred!r} is unknown: use auto, yes or no")
  raw, name = read_array(source, dataset)
  frames = _frames(raw, name)
  usable_v_u, notes = _mask(source, dataset, mask, frames.shape[1:])
  usable_v_u = _without_broken(frames, usable_v_u, name, notes)
  usable_v_u = _without_saturated(frames, usable_v_u, name, notes)
  frames = _as_float32(np.where(usable_v_u, frames, 0), notes)
  for t, frame in enumerate(frames):
    if not frame.any():
      raise UserError(f"frame {t} of {name} is zero in every usable pixel: check the detector or the mask, or leave the frame out")
  frames, usable_v_u = _layout(frames, usable_v_u, centred, name, notes)
  return Intensity(frames, None if usable_v_u.all() else usable_v_u, notes)


def _frames(x: np.ndarray, name: str) -> np.ndarray:
  """[t, v, u] of real numbers."""
  if x.dtype.kind == "c":
    raise UserError(f"{name} is complex ({x.dtype}), an intensity is real: give |F|^2, numpy.abs(F)**2")
  if x.dtype.kind not in "iuf":
    raise UserError(f"{name} holds {x.dtype}, not numbers of an intensity: save it as integers or floats")
  if x.ndim not in (2, 3) or not x.size:
    raise UserError(f"{name} has the shape {x.shape}: give one frame [v, u] or a stack of frames [t, v, u]")
  return x[None] if x.ndim == 2 else x


def _mask(source: Any, dataset: str, mask: Any, shape: tuple) -> tuple[np.ndarray, list[str]]:
  given = mask is not None and not (isinstance(mask, str) and not mask)
  usable, name = _users_mask(mask) if given else cxi_mask(source, dataset)
  if usable is None:
    return np.ones(shape, bool), []
  if usable.shape[-2:] != shape or usable.ndim > 3 or usable.dtype.kind not in "biuf":
    raise UserError(f"the mask {name} has the shape {usable.shape} of {usable.dtype}, the frames are {shape[0]} x {shape[1]}: "
                    "give data.intensity_mask with a real number for each pixel, nonzero where it is usable")
  usable_v_u = (np.nan_to_num(usable) != 0).reshape(-1, *shape).all(0)
  if not usable_v_u.any():
    raise UserError(f"the mask {name} leaves no pixel: it must be nonzero where a pixel is usable")
  return usable_v_u, [f"The mask {name} leaves out {_count(~usable_v_u)}."]


def _users_mask(mask: Any) -> tuple[np.ndarray, str]:
  try:
    return read_array(mask)
  except UserError as error:
    raise UserError(f"the mask (data.intensity_mask) cannot be used: {error}") from error


def _count(bad_v_u: np.ndarray) -> str:
  return f"{int(bad_v_u.sum())} of {bad_v_u.size} pixels ({100 * bad_v_u.mean():.3g} %)"


def _without_broken(frames: np.ndarray, usable_v_u: np.ndarray, name: str, notes: list[str]) -> np.ndarray:
  """Usable and finite pixels; UserError where too few are, or one is negative."""
  bad_v_u = ~np.isfinite(frames).all(0) & usable_v_u
  if bad_v_u.sum() > NOT_FINITE * usable_v_u.sum():
    raise UserError(f"{name} is NaN or infinite in {_count(bad_v_u)}, more than {100 * NOT_FINITE:.0f} %: export it again, or give a mask "
                    "(data.intensity_mask)")
  if bad_v_u.any():
    notes.append(f"NaN or infinite values are masked: {_count(bad_v_u)}.")
  usable_v_u = usable_v_u & ~bad_v_u
  counted = frames[:, usable_v_u]
  if (counted < 0).any():
    raise UserError(f"{name} has {int((counted < 0).sum())} negative values, the smallest {counted.min():g}, and an intensity has none: "
                    "subtract the background and clip at 0, or mask these pixels (data.intensity_mask)")
  return usable_v_u


def _without_saturated(frames: np.ndarray, usable_v_u: np.ndarray, name: str, notes: list[str]) -> np.ndarray:
  bad_v_u = np.zeros_like(usable_v_u)
  for frame in frames:
    bad_v_u |= _saturated(np.where(usable_v_u, frame, 0))
  if not bad_v_u.any():
    return usable_v_u
  if not (usable_v_u & ~bad_v_u).any():
    raise UserError(f"{name} is saturated in every usable pixel: expose it for a shorter time")
  notes.append(f"Saturated pixels, which share the largest value, are masked: {_count(bad_v_u)}.")
  return usable_v_u & ~bad_v_u


def _saturated(x_v_u: np.ndarray) -> np.ndarray:
  """The pixels at the limit of their integer type, and those of a plateau, more than three neighbours at the maximum."""
  bad_v_u = np.zeros(x_v_u.shape, bool)
  if x_v_u.dtype.kind in "iu":
    limit_v_u = x_v_u == np.iinfo(x_v_u.dtype).max
    # Four bytes do not fill up: there the limit marks a pixel as bad. An image that was scaled to 255 reaches it in one pixel or two.
    if limit_v_u.sum() > (_TIED if x_v_u.dtype.itemsize <= 2 else 0):
      bad_v_u, x_v_u = limit_v_u, np.where(limit_v_u, 0, x_v_u)
  top_v_u = (x_v_u == x_v_u.max()) & (x_v_u > 0)
  if top_v_u.sum() <= _TIED or len(np.unique(x_v_u)) <= _FEW_VALUES:
    return bad_v_u
  plateau = max(_largest_region(top_v_u), _largest_region(np.fft.fftshift(top_v_u)))   # that about [0, 0] lies in all four corners
  return bad_v_u | top_v_u if plateau > _TIED else bad_v_u


def _largest_region(there_v_u: np.ndarray) -> int:
  """Pixels of the largest region of neighbours (above, below, left, right)."""
  region_v_u, _ = scipy.ndimage.label(there_v_u)
  return int(np.bincount(region_v_u[there_v_u]).max())


def _as_float32(frames: np.ndarray, notes: list[str]) -> np.ndarray:
  top = float(frames.max())
  if top > 0 and not _RANGE[0] < top < _RANGE[1]:
    notes.append(f"All values are divided by the largest, {top:g}, which is beyond single precision.")
    frames = frames / frames.max()
  return frames.astype(np.float32)


def _layout(frames: np.ndarray, usable_v_u: np.ndarray, centred: str, name: str, notes: list[str]) -> tuple[np.ndarray, np.ndarray]:
  """Even square frames and mask with the zero frequency at [0, 0]."""
  h, w = frames.shape[1:]
  size = min(h, w) // 2 * 2
  if size < SMALLEST:
    raise UserError(f"{name} has frames of {h} x {w} pixels, fewer than {SMALLEST} to a side: give the whole detector, not a part of it")
  if centred == "auto":
    centred = _guess_layout(frames.mean(0), notes)
  if centred == "no":
    frames, usable_v_u = np.fft.fftshift(frames, (1, 2)), np.fft.fftshift(usable_v_u)
  if (h, w) != (size, size):
    notes.append(f"Frames of {h} x {w} are cut to the largest even square about the zero frequency, {size} x {size}: the outermost "
                 "frequencies are left out.")
  # [h // 2] is the zero frequency of an even and of an odd side, and [size // 2] is that of what is cut out.
  cut = tuple(slice(side // 2 - size // 2, side // 2 + size // 2) for side in (h, w))
  frames, usable_v_u = frames[:, *cut], usable_v_u[cut]
  _note_offset(frames.mean(0), usable_v_u, notes)
  return np.fft.ifftshift(frames, (1, 2)), np.fft.ifftshift(usable_v_u)


def _guess_layout(x_v_u: np.ndarray, notes: list[str]) -> str:
  """"yes" where the middle of the frame holds more intensity than its corners do, "no" otherwise."""
  reach = max(2, min(x_v_u.shape) // 8)
  def middle(y_v_u: np.ndarray) -> float:
    v, u = (side // 2 for side in y_v_u.shape)
    return float(y_v_u[v - reach:v + reach + 1, u - reach:u + reach + 1].sum(dtype=np.float64))
  inside, corners = middle(x_v_u), middle(np.fft.fftshift(x_v_u))
  found = "yes" if inside >= corners else "no"
  if max(inside, corners) < 2 * min(inside, corners):
    notes.append(f"Whether the zero frequency is in the middle or the corner is not clear: it is taken to be in the "
                 f"{'middle' if found == 'yes' else 'corner'}, and data.intensity_centred=yes or no says which.")
  return found


def _note_offset(x_v_u: np.ndarray, usable_v_u: np.ndarray, notes: list[str]) -> None:
  """A note where the brightest spot of 3 x 3 pixels is not about the zero frequency, which a centred frame has in its middle."""
  middle = len(x_v_u) // 2
  if not usable_v_u[middle - 1:middle + 2, middle - 1:middle + 2].all():   # behind a beam stop there is nothing to see
    return
  top = np.array(np.unravel_index(scipy.ndimage.uniform_filter(x_v_u, 3).argmax(), x_v_u.shape)) - middle
  if np.abs(top).max() > 1:
    notes.append(f"The brightest spot is {top[0]} rows and {top[1]} columns from where the zero frequency should be: unless the object "
                 "is complex, centre the frame on the beam, or the image is multiplied by a phase ramp.")


def undersampled_note(m: int, n: int) -> str:
  """A sentence where m x m intensities are too few for an object within n x n pixels, m < 2 n - 1; else ""."""
  if m >= 2 * n - 1:
    return ""
  return (f"The intensity has {m} pixels to a side, an object of {n} needs 2 n - 1 = {2 * n - 1}: its autocorrelation wraps round, so the "
          "object may not be the only one with this intensity, and a small residual proves less; sample more finely (a longer distance "
          "to the detector, smaller pixels) or train for smaller objects (data.n).")
