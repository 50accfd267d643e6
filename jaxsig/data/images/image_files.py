"""A user's own images, as files, a folder or an array: small square grey ones and notes out.

An image that cannot be used gives one sentence on what is wrong. What is done to an image is in
`image_preparation`, which numbers are black and white in `number_range`, which axes are which in
`array_axes`.
"""
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from jaxsig.data.images.array_axes import images_of
from jaxsig.data.images.array_files import ARRAYS, NamedArray, read_array
from jaxsig.data.images.idx_files import is_idx, read_idx
from jaxsig.data.images.image_folder import ground_of_folder, numbers_of_folder, visible_files
from jaxsig.data.images.image_preparation import Prepared, prepare_image
from jaxsig.data.images.number_extent import extent_of
from jaxsig.data.images.number_range import NumberRange, number_range
from jaxsig.data.images.opacity_scale import check_opacity, numbers_that_count
from jaxsig.data.images.picture_files import numbers_of_picture, read_picture, unpacked
from jaxsig.data.images.transparency import common_ground, opaque_luma
from jaxsig.errors import UserError
from jaxsig.plurals import count

_LISTED = 3   # names in a note
_IDX_REMEDY = "download it again, or save its images by numpy.save as .npy"


class Images(NamedTuple):
  """Images as the network is to see them."""
  image_t_y_x: np.ndarray   # uint8 [t, side, side], 255 for white
  names: list[str]          # of the files, or numbers from 0 on
  notes: list[str]          # a sentence for each thing that was done to some of them


def read_images(source: str | pathlib.Path | ArrayLike, side: int) -> Images:
  """Reads images and brings them to `side` pixels to a side: see `image_preparation`.

  Args:
    source: the path of an image (PNG, JPEG, TIFF, BMP, GIF, WebP, ...; of several frames the
      first), of a folder of images (in the order of their names; other files are left out), or of
      an .npy file, an .npz file of which one array can be images or an idx file of MNIST; or an
      array or a
      pillow image. Arrays are [h, w], [t, h, w], [h, w, c] or [t, h, w, c] with c = 1, 3 or 4
      channels: see `array_axes` for others.
    side: of the results, in pixels.

  Raises:
    UserError: there is no image, or one that is not in a folder cannot be read, has the wrong
      numbers or shape, or shows nothing.
  """
  if isinstance(source, Image.Image):
    return _of_array(unpacked(source, "the image"), side)
  if isinstance(source, (str, pathlib.Path)):
    path = pathlib.Path(source)
    if os.path.isdir(path):   # False of a name that is too long, where pathlib raises
      return _of_folder(path, side)
    if os.path.isfile(path) and is_idx(path):
      return _of_named(NamedArray(read_idx(path, 3, _IDX_REMEDY), str(path)), side)
    if path.suffix.lower() not in ARRAYS:
      return _joined({path.name: _of_file(path, side)})
  return _of_array(source, side)


def _of_folder(folder: pathlib.Path, side: int) -> Images:
  paths, left_out = visible_files(folder)
  if not paths:
    raise UserError(
      f"the folder {folder} has no files: name the one that holds the images themselves"
    )

  prepared = {}
  skipped = []
  reasons = []
  numbers_of = numbers_of_folder(paths, str(folder))
  ground = ground_of_folder(paths)
  for path in paths:
    try:
      prepared[path.name] = _of_file(path, side, numbers_of.get(path), ground)
    except UserError as error:
      skipped.append(path.name)
      reasons.append(str(error))

  if not prepared:
    raise UserError(
      f"the folder {folder} has no image that can be used "
      f"({count(len(paths), 'file', 'files')}, the first: {reasons[0]})"
    )
  images = _joined(prepared)
  images.notes[:0] = left_out
  if not skipped:
    return images

  names = _listed(skipped, len(paths), "files")
  note = f"Left out as no images that can be used: {names}; the first: {reasons[0]}."
  return images._replace(notes=[note, *images.notes])


def _of_file(
    path: pathlib.Path,
    side: int,
    numbers: NumberRange | UserError | None = None,
    ground: float | None = None,
) -> Prepared:
  if not os.path.isfile(path):
    raise UserError(
      f"{path} does not exist: name an image, a folder of images or an .npy file"
    )
  name = str(path)
  picture = read_picture(path)
  if isinstance(numbers, UserError):
    raise numbers
  if numbers is None:
    numbers = numbers_of_picture(picture, name)
  check_opacity(picture.pixels, numbers, name)
  image_y_x, changes = prepare_image(picture.pixels, numbers, name, side, ground)
  return Prepared(image_y_x, [*picture.notes, *changes])


def _of_array(source: str | pathlib.Path | ArrayLike, side: int) -> Images:
  return _of_named(read_array(source), side)


def _of_named(named: NamedArray, side: int) -> Images:
  x, name, choice = named
  frames, note = images_of(x, name)
  numbers = number_range(extent_of(numbers_that_count(frames), name), name)
  check_opacity(frames, numbers, name)
  frames = np.asarray(frames)
  ground = common_ground(opaque_luma(frame, numbers) for frame in frames)
  prepared = {}
  for t, frame in enumerate(frames):
    prepared[str(t)] = prepare_image(frame, numbers, f"image {t} of {name}", side, ground)
  images = _joined(prepared)
  told = [f"{one}." for one in (choice, note) if one]
  images.notes[:0] = told
  return images


def _joined(prepared: Mapping[str, Prepared]) -> Images:
  """Joins images by their names; what was done to several is one note."""
  names_of_change = {}
  for name, image in prepared.items():
    for change in image.changes:
      names_of_change.setdefault(change, []).append(name)

  notes = []
  for change, names in names_of_change.items():
    listed = _listed(names, len(prepared), "images")
    notes.append(f"{change}: {listed}.")

  image_t_y_x = np.stack([image.image_y_x for image in prepared.values()])
  return Images(image_t_y_x, list(prepared), notes)


def _listed(names: Sequence[str], total: int, what: str) -> str:
  """The first few names, and how many there are in all."""
  if total > 1 and len(names) == total:
    return f"all {total} {what}"

  listed = ", ".join(names[:_LISTED])
  if len(names) > _LISTED:
    listed += f" and {len(names) - _LISTED} more"
  if total > 1:
    listed += f" of {total} {what}"
  return listed
