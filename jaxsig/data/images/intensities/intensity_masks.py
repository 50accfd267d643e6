"""Which pixels of an intensity are usable: by the user's mask, or else by those of its file."""
import pathlib

import numpy as np
from numpy.typing import ArrayLike

from jaxsig.data.images.array_files import HDF5, check_file, read_array
from jaxsig.data.images.intensities.detector_masks import USABLE_WORDS, Mask
from jaxsig.data.images.intensities.hdf5_files import DetectorFrames, read_mask
from jaxsig.data.images.intensities.intensity_checks import share_of_pixels
from jaxsig.errors import UserError

_FEWEST = 0.25   # share of the pixels: a mask that leaves fewer is the wrong way round


def usable_pixels(
    raw: DetectorFrames,
    mask: str | pathlib.Path | ArrayLike | None,
    frames: np.ndarray,
) -> tuple[np.ndarray, list[str]]:
  """Returns the usable pixels [v, u] of frames [t, v, u], and what was done to the frames so far.

  Args:
    raw: the frames as read, with the masks of their file.
    mask: the user's, a path or an array [v, u] or [t, v, u], nonzero where a pixel is usable; None
      for none.
    frames: a masked array brings its own mask.

  Raises:
    UserError: a mask does not fit the frames, or leaves hardly a pixel.
  """
  t, *sides = frames.shape
  shape = tuple(sides)
  notes = list(raw.notes)
  if mask is None:
    masks = _of_file(raw.masks, frames.shape, notes)
  else:
    masks = [_users_mask(mask)]
  for gap_v_u in raw.gaps:
    masks.append(Mask(~gap_v_u, "of the pixels without a source"))
  if isinstance(frames, np.ma.MaskedArray) and np.ma.getmaskarray(frames).any():
    masks.append(Mask(~np.ma.getmaskarray(frames), "of the array"))

  usable_v_u = np.ones(shape, bool)
  for one in masks:
    usable_t_v_u = _checked(one, t, shape)
    usable_v_u = usable_v_u & usable_t_v_u.all(0)
    if (usable_t_v_u != usable_t_v_u[0]).any():
      notes.append(
        f"The mask {one.name} differs between frames: what is unusable in one is left out in all."
      )
  if not masks:
    return usable_v_u, notes

  names = " and ".join(one.name for one in masks)
  plural = "The mask"
  verb = "leaves"
  if len(masks) > 1:
    plural = "The masks"
    verb = "leave"
  if not usable_v_u.any():
    raise UserError(
      f"{plural.lower()} {names} {verb} no pixel: {_polarity(mask is not None, names)}"
    )
  if usable_v_u.mean() < _FEWEST:
    raise UserError(
      f"{plural.lower()} {names} {verb} only {share_of_pixels(usable_v_u)}: "
      f"{_polarity(mask is not None, names)}"
    )
  return usable_v_u, [f"{plural} {names} {verb} out {share_of_pixels(~usable_v_u)}.", *notes]


def _of_file(masks: list[Mask], shape: tuple[int, ...], notes: list[str]) -> list[Mask]:
  """The masks of a file that are those of the frames; what else is called mask there is noted."""
  used = []
  t, v, u = shape
  for mask in masks:
    if mask.certain or _fits(mask.usable, t, (v, u)):
      used.append(mask)
      continue
    notes.append(
      f"The mask {mask.name} has the shape {mask.usable.shape} and is not used: the frames are "
      f"{shape}."
    )
  return used


def _polarity(by_user: bool, names: str) -> str:
  if by_user:
    return "it must be nonzero where a pixel is usable; of faults give mask == 0"
  if USABLE_WORDS in names:
    return "if it is the reverse, give it as a file of its own (own.mask), as mask == 0"
  return (
    "it must be zero where a pixel is usable; if it is the reverse, give it as a file of its own "
    "(own.mask), nonzero where a pixel is usable"
  )


def _fits(usable: np.ndarray, t: int, shape: tuple[int, ...]) -> bool:
  """Whether a mask is [v, u], or [t, v, u] with one for all frames or one for each."""
  longer = [side for side in usable.shape[:-2] if side != 1]
  return usable.shape[-2:] == shape and longer in ([], [t])


def _checked(mask: Mask, t: int, shape: tuple[int, ...]) -> np.ndarray:
  """Usable pixels [t, v, u], or [1, v, u] where they are those of all frames."""
  usable = mask.usable
  if usable.dtype.kind not in "biuf":
    raise UserError(
      f"the mask {mask.name} holds {usable.dtype}: give own.mask with a real number "
      "for each pixel, nonzero where it is usable"
    )
  if not _fits(usable, t, shape):
    raise UserError(
      f"the mask {mask.name} has the shape {usable.shape}, "
      f"the frames are {shape[0]} x {shape[1]}, {t} in number: give own.mask with a real number "
      "for each pixel, nonzero where it is usable, one for all frames or one for each"
    )
  return (np.nan_to_num(usable) != 0).reshape(-1, *shape)


def _users_mask(mask: str | pathlib.Path | ArrayLike) -> Mask:
  try:
    is_path = isinstance(mask, (str, pathlib.Path))
    if is_path and check_file(pathlib.Path(mask)) in HDF5:
      return Mask(read_mask(pathlib.Path(mask)), str(mask))
    values, name, choice = read_array(mask)
    if choice:
      raise UserError(f"{name} holds several arrays: save the mask alone")
    if not is_path:
      name = "own.mask"
  except UserError as error:
    raise UserError(f"the mask (own.mask) cannot be used: {error}") from error
  return Mask(np.ma.filled(values, 0), name)
