"""Gray TIFF files as arrays of their own numbers."""
import pathlib
import warnings

import numpy as np
from PIL import Image

from jaxsig.data.images.declared_size import check_affordable
from jaxsig.errors import UserError

TIFF = (".tif", ".tiff")
_BITS_PER_SAMPLE = 258   # tags of TIFF
_SAMPLE_FORMAT = 339
_MOST_COMPRESSED = 4096   # pixels to a byte, but of hardly an object
_UNSIGNED, _SIGNED = 1, 2   # values of the latter


def read_tiff(path: pathlib.Path) -> np.ndarray:
  """Returns the page [v, u] of a gray TIFF, or its pages [t, v, u].

  Raises:
    UserError: it cannot be read, or is in colour, too large, or of pages of several sizes.
  """
  try:
    pages = _pages(path)
  except UserError:
    raise
  except Exception as error:   # pillow parses by hand: a damaged file raises nearly anything
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
  with warnings.catch_warnings():
    # Of tags that nothing here depends on, and of sizes, which are looked at below.
    warnings.simplefilter("ignore")
    with Image.open(path, formats=["TIFF"]) as image:
      check_affordable((image.n_frames, image.height, image.width), str(path))
      return [_page(image, k) for k in range(image.n_frames)]


def _check_held(image: Image.Image, k: int) -> None:
  """Raises a UserError where a page declares more pixels than the file can hold."""
  check_affordable((image.height, image.width), f"page {k}")
  file_bytes = pathlib.Path(image.filename).stat().st_size
  most_pixels = file_bytes * 8   # of one bit
  if image.mode != "1":
    most_pixels = file_bytes
  if image.info.get("compression", "raw") != "raw":
    most_pixels *= _MOST_COMPRESSED
  if image.height * image.width > most_pixels:
    raise UserError(
      f"{image.filename} cannot be read as a TIFF (it declares {image.height} x {image.width} "
      f"pixels and holds {file_bytes} bytes): copy or export it again"
    )


def _page(image: Image.Image, k: int) -> np.ndarray | None:
  """Page k as an array of its own type; None of a page in colour."""
  image.seek(k)
  _check_held(image, k)
  if image.mode not in ("1", "L", "F") and not image.mode.startswith("I"):
    return None

  values = np.array(image)
  bits = image.tag_v2.get(_BITS_PER_SAMPLE, (0,))[0]
  sample_format = image.tag_v2.get(_SAMPLE_FORMAT, (_UNSIGNED,))[0]
  if image.mode == "I" and bits == 32 and sample_format != _SIGNED:
    return values.view(np.uint32)   # pillow calls them signed, whatever they are
  return values
