"""The files of a folder of images, and what stands for white in all of them together."""
import pathlib
from collections.abc import Sequence

from jaxsig.data.images.number_extent import Extent, extent_of, joined
from jaxsig.data.images.number_range import SLACK, NumberRange, number_range
from jaxsig.data.images.opacity_scale import numbers_that_count
from jaxsig.data.images.picture_files import (
  is_deep,
  may_be_transparent,
  numbers_of_picture,
  read_picture,
)
from jaxsig.data.images.transparency import common_ground, opaque_luma
from jaxsig.errors import UserError

_LISTED = 3   # names in a note


def visible_files(folder: pathlib.Path) -> tuple[list[pathlib.Path], list[str]]:
  """Returns the files of a folder by their names, but for hidden ones, and notes on what else is.

  Raises:
    UserError: the folder cannot be read.
  """
  try:
    every = sorted(folder.iterdir())
  except OSError as error:
    raise UserError(
      f"the folder {folder} cannot be read ({error.strerror}): allow it, or name another"
    ) from error

  paths, folders, others = [], [], []
  for path in every:
    if path.name.startswith((".", "__")):
      continue
    if path.is_file():
      paths.append(path)
    elif path.is_dir():
      folders.append(path.name)
    else:
      others.append(path.name)
  notes = []
  if folders:
    notes.append(f"Left out, as folders in the folder: {_listed(folders)}.")
  if others:
    notes.append(f"Left out, as links that lead nowhere or no files: {_listed(others)}.")
  return paths, notes


def _listed(names: list[str]) -> str:
  listed = ", ".join(names[:_LISTED])
  if len(names) > _LISTED:
    listed += f" and {len(names) - _LISTED} more"
  return listed


def numbers_of_folder(
    paths: Sequence[pathlib.Path],
    name: str,
) -> dict[pathlib.Path, NumberRange | UserError]:
  """Returns which numbers are black and white in those pictures that have more than 8 bits.

  Files of one type of numbers come from one camera: a dark picture among them has the white of the
  others. Files that cannot be read are left out; where those of a type have no common range, each
  has the error.
  """
  extents_of_type = {}
  for path in paths:
    try:
      if not is_deep(path):
        continue
      picture = read_picture(path)
      counting = numbers_that_count(picture.pixels)
      extent = extent_of(counting, str(path), picture.bits)
    except UserError:   # told where the file itself is read
      continue
    extents_of_type.setdefault(picture.pixels.dtype.str, {})[path] = extent

  numbers_of = {}
  for extents in extents_of_type.values():
    try:
      numbers = number_range(joined(list(extents.values())), name)
    except UserError as error:
      numbers = error
    for path, extent in extents.items():
      numbers_of[path] = _fitting(numbers, extent, path)
  return numbers_of


def ground_of_folder(paths: Sequence[pathlib.Path]) -> float:
  """Returns the ground for what is transparent in pictures, the same for all of them."""
  lumas = []
  for path in paths:
    try:
      if may_be_transparent(path):
        picture = read_picture(path)
        lumas.append(opaque_luma(picture.pixels, numbers_of_picture(picture, str(path))))
    except UserError:   # told where the file itself is read
      continue
  return common_ground(lumas)


def _fitting(
    numbers: NumberRange | UserError,
    extent: Extent,
    path: pathlib.Path,
) -> NumberRange | UserError:
  """The common range, or an error for floats to 1 among others to 255."""
  if isinstance(numbers, UserError) or extent.kind != "f":
    return numbers
  if numbers.white > 1 + SLACK and extent.highest <= 1 + SLACK and numbers.black == 0:
    return UserError(
      f"{path} has values to {extent.highest:g}, other files of the folder to {numbers.white:g}: "
      "give them one scale"
    )
  return numbers
