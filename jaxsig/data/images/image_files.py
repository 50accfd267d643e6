"""A user's own images, as files, a folder or an array: small square grey ones and notes out.

An image that cannot be used gives one sentence on what is wrong. What is done to an image is in
`image_preparation`.
"""
import pathlib
import warnings
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageOps, UnidentifiedImageError

from jaxsig.data.images.image_preparation import (
  LARGEST,
  Prepared,
  check_size,
  prepare_image,
  white_value,
)
from jaxsig.data.images.intensity_formats import read_array
from jaxsig.errors import UserError

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF")
_ANY_FORMAT = "PNG, JPEG, TIFF, BMP or GIF"
_LISTED = 3   # names in a note
_LAYOUTS = "[h, w], [t, h, w], [h, w, 3] or [t, h, w, 3], or with 1 or 4 channels"


class Images(NamedTuple):
  """Images as the network is to see them."""
  image_t_y_x: np.ndarray   # uint8 [t, side, side], 255 for white
  names: list[str]          # of the files, or numbers from 0 on
  notes: list[str]          # a sentence for each thing that was done to some of them


def read_images(source: str | pathlib.Path | ArrayLike, side: int) -> Images:
  """Reads images and brings them to `side` pixels to a side: see `image_preparation`.

  Args:
    source: the path of an image (PNG, JPEG, TIFF, BMP or GIF; of several frames the first), of a
      folder of images (in the order of their names; other files are left out), or of an .npy
      file; or an array. Arrays are [h, w], [t, h, w], [h, w, c] or [t, h, w, c] with c = 1, 3 or
      4 channels. A last axis of that length counts as channels.
    side: of the results, in pixels.

  Raises:
    UserError: there is no image, or one that is not in a folder cannot be read, has the wrong
      numbers or shape, or shows nothing.
  """
  if isinstance(source, (str, pathlib.Path)):
    path = pathlib.Path(source)
    if path.is_dir():
      return _of_folder(path, side)
    if path.suffix.lower() != ".npy":
      return _joined({path.name: _of_file(path, side)})
  return _of_array(source, side)


def _of_folder(folder: pathlib.Path, side: int) -> Images:
  paths = _visible_files(folder)
  if not paths:
    raise UserError(
      f"the folder {folder} has no files: name the one that holds the images themselves"
    )

  prepared = {}
  skipped = []
  reasons = []
  for path in paths:
    try:
      prepared[path.name] = _of_file(path, side)
    except UserError as error:
      skipped.append(path.name)
      reasons.append(str(error))

  if not prepared:
    raise UserError(
      f"the folder {folder} has no image that can be used "
      f"({len(paths)} files, the first: {reasons[0]})"
    )
  images = _joined(prepared)
  if not skipped:
    return images

  names = _listed(skipped, len(paths), "files")
  note = f"Left out as no images that can be used: {names}; the first: {reasons[0]}."
  return images._replace(notes=[note, *images.notes])


def _visible_files(folder: pathlib.Path) -> list[pathlib.Path]:
  paths = []
  for path in sorted(folder.iterdir()):
    if path.is_file() and not path.name.startswith("."):
      paths.append(path)
  return paths


def _of_file(path: pathlib.Path, side: int) -> Prepared:
  if not path.is_file():
    raise UserError(
      f"{path} does not exist: name an image, a folder of images or an .npy file"
    )
  name = str(path)
  pixels, left_out = _pixels(path)
  white = white_value(pixels, name)
  image_y_x, changes = prepare_image(pixels, white, name, side)
  return Prepared(image_y_x, [*left_out, *changes])


def _of_array(source: str | pathlib.Path | ArrayLike, side: int) -> Images:
  try:
    x, name = read_array(source)
  except ValueError as error:   # a list of arrays of several shapes
    raise UserError(
      f"the images do not make one array ({error}): "
      "give them one shape, or name a folder of image files"
    ) from error

  frames = _frames(x, name)
  white = white_value(x, name)
  prepared = {}
  for t, frame in enumerate(frames):
    prepared[str(t)] = prepare_image(frame, white, f"image {t} of {name}", side)
  return _joined(prepared)


def _frames(x: np.ndarray, name: str) -> np.ndarray:
  """[t, h, w] or [t, h, w, c]."""
  axes = x.ndim
  if x.ndim > 2 and x.shape[-1] in (1, 3, 4):   # the last axis is that of the channels
    axes = x.ndim - 1
  if axes not in (2, 3) or x.size == 0:
    raise UserError(f"{name} has the shape {x.shape}: give images as {_LAYOUTS}")
  if axes == 2:
    return x[None]
  return x


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


def _pixels(path: pathlib.Path) -> tuple[np.ndarray, list[str]]:
  """A file's own numbers, upright as its camera says, and a note on what was left out.

  They are [h, w], [h, w, 3] or [h, w, 4].
  """
  try:
    with warnings.catch_warnings():
      # Of tags that nothing here depends on, and of sizes, which are looked at below.
      warnings.simplefilter("ignore")
      with Image.open(path, formats=FORMATS) as image:
        check_size((image.height, image.width), str(path))
        notes = _note_on_frames(image)
        upright = ImageOps.exif_transpose(image)
        return _unpacked(upright), notes
  except UserError:
    raise
  except UnidentifiedImageError as error:
    raise UserError(f"{path} is no image of a known kind: save it as {_ANY_FORMAT}") from error
  except Exception as error:   # pillow parses by hand: a damaged file raises nearly anything
    reason = " ".join(str(error).split())
    raise UserError(
      f"{path} cannot be read ({reason}): "
      f"save it again as {_ANY_FORMAT} of at most {LARGEST} pixels to a side"
    ) from error


def _note_on_frames(image: Image.Image) -> list[str]:
  frames = getattr(image, "n_frames", 1)
  if frames > 1 and image.format != "MPO":   # that is a photograph with its preview
    return ["Only the first frame is read"]
  return []


def _unpacked(image: Image.Image) -> np.ndarray:
  """The pixels of a pillow image.

  Gray ones are as they are, all others (palettes, CMYK, ...) as RGB or RGBA.
  """
  if image.mode == "F" or image.mode.startswith("I"):   # more than 8 bits
    return np.array(image)
  if image.has_transparency_data:
    return np.array(image.convert("RGBA"))
  if image.mode in ("1", "L"):
    return np.array(image)
  return np.array(image.convert("RGB"))
