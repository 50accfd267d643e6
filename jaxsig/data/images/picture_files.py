"""Pictures of files by Pillow, tifffile or NumPy: their own numbers, upright, first frame."""
import pathlib
import warnings
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from jaxsig.data.images.image_preparation import LARGEST, check_size
from jaxsig.data.images.number_extent import extent_of
from jaxsig.data.images.number_range import NumberRange, number_range
from jaxsig.data.images.opacity_scale import numbers_that_count
from jaxsig.data.images.single_arrays import NPY, only_image
from jaxsig.data.images.tiff_pictures import is_deep_tiff, read_deep_tiff
from jaxsig.errors import UserError

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "AVIF", "JPEG2000", "PPM", "ICO")
_ANY_FORMAT = "PNG, JPEG, TIFF, BMP or GIF"
_BITS_PER_SAMPLE = 258   # tags of TIFF
_MAX_SAMPLE_VALUE = 281
_PNG_DEPTH = 24   # the byte of a PNG with the bits of each number
_DARK = 64        # of 255


class Picture(NamedTuple):
  """A picture's own numbers."""
  pixels: np.ndarray   # [h, w], [h, w, 3] or [h, w, 4]
  bits: int            # of each number, where the file says so and they do not fill it; else 0
  notes: list[str]     # what was left out


def read_picture(path: pathlib.Path) -> Picture:
  """Returns a file's own numbers, upright as its camera says.

  Raises:
    UserError: it is no picture, or too large or too small, or damaged.
  """
  if path.suffix.lower() == NPY:
    return Picture(only_image(path), 0, [])
  try:
    with warnings.catch_warnings():
      # Of tags that nothing here depends on, and of sizes, which are looked at below.
      warnings.simplefilter("ignore")
      deep = read_deep_tiff(path)
      if deep is not None:
        check_size(deep.pixels.shape[:2], str(path))
        return Picture(deep.pixels, deep.bits, _note_on_frames(deep.pages))
      with Image.open(path, formats=FORMATS) as image:
        check_size((image.height, image.width), str(path))
        notes = []
        if image.format != "MPO":   # that is a photograph with its preview
          notes = _note_on_frames(getattr(image, "n_frames", 1))
        bits = _bits(image)
        deep_colours = _has_deep_colours(image, path)
        upright = ImageOps.exif_transpose(image)
        pixels = unpacked(upright, str(path))
        if deep_colours and pixels[..., :3].max() < _DARK:
          raise UserError(
            f"{path} has colours of 16 bits, none brighter than a quarter of white: "
            "scale them to all of their range, or save it as gray"
          )
        return Picture(pixels, bits, notes)
  except UserError:
    raise
  except UnidentifiedImageError as error:
    raise UserError(
      f"{path} is no image of a known kind: save it as {_ANY_FORMAT}, "
      "or its numbers by numpy.save as .npy"
    ) from error
  except Exception as error:   # pillow parses by hand: a damaged file raises nearly anything
    reason = " ".join(str(error).split())
    raise UserError(
      f"{path} cannot be read ({reason}): "
      f"save it again as {_ANY_FORMAT} of at most {LARGEST} pixels to a side"
    ) from error


def numbers_of_picture(picture: Picture, name: str) -> NumberRange:
  """Returns which numbers of a picture are black and white.

  Raises:
    UserError: it is not plain which are.
  """
  counting = numbers_that_count(picture.pixels)
  return number_range(extent_of(counting, name, picture.bits), name)


def may_be_transparent(path: pathlib.Path) -> bool:
  """Whether a file is a picture with an opacity; False where it cannot be opened."""
  if path.suffix.lower() == NPY:
    return True
  try:
    with warnings.catch_warnings():
      warnings.simplefilter("ignore")
      if is_deep_tiff(path):
        return True
      with Image.open(path, formats=FORMATS) as image:
        return image.has_transparency_data
  except Exception:   # told where the file is read
    return False


def is_deep(path: pathlib.Path) -> bool:
  """Whether a file is a picture of more than 8 bits; False where it cannot be opened."""
  if path.suffix.lower() == NPY:
    return True
  try:
    with warnings.catch_warnings():
      warnings.simplefilter("ignore")
      if is_deep_tiff(path):
        return True
      with Image.open(path, formats=FORMATS) as image:
        return image.mode == "F" or image.mode.startswith("I")
  except Exception:   # told where the file is read
    return False


def _has_deep_colours(image: Image.Image, path: pathlib.Path) -> bool:
  """Whether colours have 16 bits in the file, of which pillow keeps the upper 8."""
  if image.mode not in ("RGB", "RGBA", "LA"):
    return False
  if image.format == "TIFF":
    return max(image.tag_v2.get(_BITS_PER_SAMPLE, (8,))) > 8
  if image.format != "PNG":
    return False
  with path.open("rb") as file:
    file.seek(_PNG_DEPTH)
    return file.read(1) == b"\x10"


def _note_on_frames(frames: int) -> list[str]:
  if frames > 1:
    return ["Only the first frame is read"]
  return []


def _bits(image: Image.Image) -> int:
  """How many of 16 bits a TIFF says that it uses; 0 where it says nothing or all."""
  if image.format != "TIFF" or not image.mode.startswith("I;16"):
    return 0
  bits = image.tag_v2.get(_BITS_PER_SAMPLE, (16,))[0]
  largest = image.tag_v2.get(_MAX_SAMPLE_VALUE, (0,))
  if isinstance(largest, tuple):
    largest = largest[0]
  if largest > 1:
    bits = min(bits, int(largest).bit_length())
  if 8 <= bits < 16:
    return bits
  return 0


def unpacked(image: Image.Image, name: str) -> np.ndarray:
  """Returns the pixels of a pillow image.

  Gray ones are as they are, all others (palettes, CMYK, ...) as RGB or RGBA.

  Raises:
    UserError: one gray of 16 bits is transparent.
  """
  if image.mode == "F" or image.mode.startswith("I"):   # more than 8 bits
    if "transparency" in image.info:
      raise UserError(
        f"{name} has 16 bits and a transparent gray: save it with 8 bits or without transparency"
      )
    return np.array(image)
  if image.has_transparency_data:
    return np.array(image.convert("RGBA"))
  if image.mode in ("1", "L"):
    return np.array(image)
  return np.array(image.convert("RGB"))
