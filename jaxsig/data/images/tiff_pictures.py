"""TIFF pictures of more than eight bits, or of signed ones: their own numbers, upright."""
import pathlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jaxsig.data.images.tiff_pages import (
  is_bytes,
  is_tiff,
  opened_tiff,
  pillow_is_right,
  undecodable,
  values_of_page,
)
from jaxsig.errors import UserError

if TYPE_CHECKING:
  import tifffile

_ORIENTATION = 274   # tags
_MAX_SAMPLE_VALUE = 281
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2   # how the samples are meant
_ALPHA = (1, 2)      # kinds of an extra sample
_QUARTER_TURNS = {1: 0, 2: 0, 3: 2, 4: 2, 5: 3, 6: 3, 7: 1, 8: 1}   # to the left, by orientation
_MIRRORED = (2, 4, 5, 7)   # after the turn, left to right


class DeepPicture(NamedTuple):
  """The numbers of the first page of a file."""
  pixels: np.ndarray   # [h, w], [h, w, 3] or [h, w, 4]
  bits: int            # of each number, where the file says so and they do not fill it; else 0
  pages: int           # that the file has


def read_deep_tiff(path: pathlib.Path) -> DeepPicture | None:
  """Returns the numbers of a TIFF that has more than eight bits, or signed ones.

  None of any other file, and of one that only Pillow unpacks.

  Raises:
    UserError: it is damaged, or holds what no reader here gets right.
  """
  if not is_tiff(path):
    return None
  with opened_tiff(path) as file:
    page = file.pages[0]
    if is_bytes(page):
      return None
    values = values_of_page(page, str(path))
    if values is None and pillow_is_right(page):
      return None
    if values is None:
      raise undecodable(page, str(path))
    pixels = _as_shown(_with_channels(values, page, str(path)), page)
    return DeepPicture(pixels, _bits_used(page), len(file.pages))


def is_deep_tiff(path: pathlib.Path) -> bool:
  """Whether a file is a TIFF of more than eight bits, or of signed ones."""
  if not is_tiff(path):
    return False
  with opened_tiff(path) as file:
    return not is_bytes(file.pages[0])


def _with_channels(values: np.ndarray, page: "tifffile.TiffPage", name: str) -> np.ndarray:
  """[h, w] of a gray page, [h, w, 3] or [h, w, 4] of one in colour or with transparency."""
  colours = 1
  if page.photometric == _RGB:
    colours = 3
  known = page.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB)
  samples = page.samplesperpixel
  extra = samples - colours
  if not known or extra not in (0, 1):
    raise UserError(
      f"{name} has {samples} numbers of {page.dtype} to a pixel, neither gray nor RGB: "
      "save it as one of them"
    )
  if samples == 1:
    return values
  colour_y_x_c = values[..., :colours]
  transparent = extra == 1 and page.extrasamples[0] in _ALPHA
  if not transparent and colours == 1:
    return colour_y_x_c[..., 0]
  if colours == 1:
    colour_y_x_c = np.repeat(colour_y_x_c, 3, axis=-1)
  if not transparent:
    return colour_y_x_c
  return np.concatenate([colour_y_x_c, values[..., colours:]], axis=-1)


def _as_shown(pixels: np.ndarray, page: "tifffile.TiffPage") -> np.ndarray:
  """Upright, as the file says."""
  orientation = page.tags.valueof(_ORIENTATION, 1)
  upright = np.rot90(pixels, _QUARTER_TURNS.get(orientation, 0))
  if orientation in _MIRRORED:
    return upright[:, ::-1]
  return upright


def _bits_used(page: "tifffile.TiffPage") -> int:
  """How many of 16 bits a gray page says that it uses; 0 where it says nothing or all."""
  if page.samplesperpixel != 1 or page.dtype != np.uint16:
    return 0
  bits = page.bitspersample
  largest = page.tags.valueof(_MAX_SAMPLE_VALUE, 0)
  if isinstance(largest, tuple):
    largest = largest[0]
  if largest > 1:
    bits = min(bits, int(largest).bit_length())
  if 8 <= bits < 16:
    return bits
  return 0
