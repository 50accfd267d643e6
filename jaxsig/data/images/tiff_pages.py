"""Pages of TIFF files by tifffile: of all types of numbers, in both byte orders.

Pillow knows fewer types, and gives wrong numbers for signed bytes and for compressed ones whose
most significant byte comes first. It is the second choice, for what tifffile cannot unpack alone.
"""
import logging
import math
import pathlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from jaxsig.data.images.declared_size import check_affordable
from jaxsig.errors import UserError

if TYPE_CHECKING:
  import tifffile

_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_MOST_COMPRESSED = 4096   # values to a byte, but of hardly an object
_UNCOMPRESSED = 1
_BITS_PER_BYTE = 8


def is_tiff(path: pathlib.Path) -> bool:
  """Whether a file begins as a TIFF."""
  try:
    with path.open("rb") as file:
      return file.read(4) in _STARTS
  except OSError:   # told where the file is read
    return False


@contextmanager
def opened_tiff(path: pathlib.Path) -> "Iterator[tifffile.TiffFile]":
  """The open file, without the warnings that its tags give rise to."""
  import tifffile

  logger = logging.getLogger("tifffile")
  level = logger.level
  logger.setLevel(logging.CRITICAL + 1)
  try:
    with tifffile.TiffFile(path, _multifile=False) as file:
      yield file
  finally:
    logger.setLevel(level)


def is_bytes(page: "tifffile.TiffPage") -> bool:
  """Whether the numbers of a page are unsigned ones of at most eight bits."""
  return _bits(page) <= _BITS_PER_BYTE and _is_unsigned(page)


def pillow_is_right(page: "tifffile.TiffPage") -> bool:
  """Whether Pillow reads the numbers of a page as they are."""
  if is_bytes(page):
    return True
  if _bits(page) <= _BITS_PER_BYTE:
    return False
  little_endian = page.parent.byteorder == "<"
  return little_endian or (_bits(page) == 16 and _is_unsigned(page))


def values_of_page(page: "tifffile.TiffPage", name: str) -> np.ndarray | None:
  """Returns the numbers of a page, [v, u] or with its samples as the last axis.

  None where tifffile cannot unpack them.

  Raises:
    UserError: it declares more than the file holds.
  """
  check_held(page, name)
  try:
    values = page.asarray()
  except ValueError as error:
    if "imagecodecs" in str(error):
      return None
    raise
  values = values.astype(values.dtype.newbyteorder("="), copy=False)
  separate, _, v, u, samples = page.shaped
  if separate > 1:   # one plane a sample
    return np.moveaxis(values.reshape(separate, v, u), 0, -1)
  if samples > 1:
    return values.reshape(v, u, samples)
  return values.reshape(v, u)


def check_held(page: "tifffile.TiffPage", name: str) -> None:
  """Raises a UserError where a page declares more than its file can hold."""
  check_affordable(page.shaped, name)
  file_bytes = page.parent.filehandle.size
  most = file_bytes * _BITS_PER_BYTE // max(_bits(page), 1)
  if page.compression != _UNCOMPRESSED:
    most = file_bytes * _MOST_COMPRESSED
  ends = [start + size for start, size in zip(page.dataoffsets, page.databytecounts, strict=False)]
  whole = len(ends) >= math.prod(page.chunked) and min(page.databytecounts, default=0) > 0
  if math.prod(page.shaped) > most or not whole or max(ends) > file_bytes:
    sides = " x ".join(map(str, page.shape))
    raise UserError(
      f"{name} cannot be read as a TIFF (it declares {sides} values and holds {file_bytes} bytes, "
      "not all of them): copy or export it again"
    )


def undecodable(page: "tifffile.TiffPage", name: str) -> UserError:
  """The error of a page that neither tifffile alone nor Pillow reads rightly."""
  method = getattr(page.compression, "name", page.compression)
  return UserError(
    f"{name} holds {page.dtype} in a form that is not read here (compression {method}): "
    "save it without compression, or as NPY"
  )


def _bits(page: "tifffile.TiffPage") -> int:
  bits = page.bitspersample
  if isinstance(bits, tuple):
    return max(bits)
  return bits


def _is_unsigned(page: "tifffile.TiffPage") -> bool:
  return page.dtype is not None and page.dtype.kind in "bu"
