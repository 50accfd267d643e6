"""Gray TIFF files as arrays of their own numbers."""
import pathlib
import warnings
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from jaxsig.data.images.declared_size import check_affordable
from jaxsig.data.images.tiff_pages import (
  is_bytes,
  opened_tiff,
  pillow_is_right,
  undecodable,
  values_of_page,
)
from jaxsig.errors import UserError

if TYPE_CHECKING:
  import tifffile

TIFF = (".tif", ".tiff")
_WHITE_IS_ZERO, _BLACK_IS_ZERO = 0, 1   # how a gray page is meant
_ORIENTATION = 274                      # a tag, and its value where nothing is to be turned
_AS_STORED = 1


def read_tiff(path: pathlib.Path) -> np.ndarray:
  """Returns the page [v, u] of a gray TIFF, or its pages [t, v, u], as they are stored.

  Raises:
    UserError: it cannot be read, or is in colour, too large, or of pages of several sizes.
  """
  try:
    pages = _pages(path)
  except UserError:
    raise
  except Exception as error:   # of a damaged file nearly anything is raised
    reason = " ".join(str(error).split())
    raise UserError(
      f"{path} cannot be read as a TIFF ({reason}): "
      "save it as gray TIFF of 8, 16 or 32 bits, or as NPY"
    ) from error

  for page in pages:
    if page is None or page.shape != pages[0].shape:
      raise UserError(
        f"{path} has pages in colour or of several sizes: "
        "save one gray page a frame, all of one size"
      )
  if len(pages) == 1:
    return pages[0]
  return np.stack(pages)


def _pages(path: pathlib.Path) -> list[np.ndarray | None]:
  with opened_tiff(path) as file:
    first = file.pages[0]
    check_affordable((len(file.pages), *first.shape), str(path))
    values = []
    for k in range(len(file.pages)):
      values.append(_page(file.pages[k], path, k))
  return values


def _page(page: "tifffile.TiffPage", path: pathlib.Path, k: int) -> np.ndarray | None:
  """A page as an array of its own type; None of a page in colour."""
  if page.samplesperpixel != 1 or page.photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO):
    return None
  values = values_of_page(page, str(path))
  if values is None:
    turned = page.tags.valueof(_ORIENTATION, _AS_STORED) != _AS_STORED
    if turned or not pillow_is_right(page):
      raise undecodable(page, str(path))
    return _by_pillow(path, k, page.dtype)
  if is_bytes(page) and page.photometric == _WHITE_IS_ZERO:
    return _inverted(values, page.bitspersample)
  return values


def _inverted(values: np.ndarray, bits: int) -> np.ndarray:
  if values.dtype.kind == "b":
    return ~values
  return 2**bits - 1 - values


def _by_pillow(path: pathlib.Path, k: int, dtype: np.dtype) -> np.ndarray:
  with warnings.catch_warnings():
    # Of tags that nothing here depends on, and of sizes, which were looked at.
    warnings.simplefilter("ignore")
    with Image.open(path, formats=["TIFF"]) as image:
      image.seek(k)
      values = np.array(image)
  if values.dtype.itemsize == dtype.itemsize and values.dtype.kind in "iu":
    return values.view(dtype)   # pillow calls those of four bytes signed, whatever they are
  return values
