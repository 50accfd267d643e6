"""Reader of idx files, the format of MNIST and its relatives, gzipped or plain.

A file is a magic number, the lengths of its axes, then the values.
"""
import gzip
import math
import pathlib
import zlib
from typing import NamedTuple

import numpy as np

from jaxsig.errors import UserError

AGAIN = "download it again"
_PREFIX = {"train": "train", "test": "t10k"}
_KIND = {1: "labels", 3: "images"}   # by the number of axes
_UINT8 = 8                           # the type's code; this family has no other type
_GZIP = b"\x1f\x8b"
_IMAGES = bytes([0, 0, _UINT8, 3])   # with which a file of images begins
_NAMES = ("idx3-ubyte", ".idx")


class Part(NamedTuple):
  """Images and labels of one part of a data set."""
  image_t_y_x: np.ndarray   # uint8
  label_t: np.ndarray       # uint8


def find(folder: str | pathlib.Path, name: str) -> dict[str, pathlib.Path]:
  """Returns {file's stem: path} of those of a data set's four files that are there.

  Each may lie in `folder` or its subfolder `name`, gzipped or plain.
  """
  folder = pathlib.Path(folder)
  places = (folder, folder / name)
  existing = {}
  for part in _PREFIX:
    for ndim in (3, 1):
      stem = _stem(part, ndim)
      path = _first_file(places, stem)
      if path is not None:
        existing[stem] = path
  return existing


def _stem(part: str, ndim: int) -> str:
  return f"{_PREFIX[part]}-{_KIND[ndim]}-idx{ndim}-ubyte"


def _first_file(places: tuple[pathlib.Path, ...], stem: str) -> pathlib.Path | None:
  for place in places:
    for suffix in ("", ".gz"):
      path = place / (stem + suffix)
      if path.is_file():
        return path
  return None


def read_part(folder: str | pathlib.Path, name: str, part: str, remedy: str = AGAIN) -> Part:
  """Reads images [t, h, w] and labels [t], both uint8.

  Args:
    folder: where the files lie, or the folder `name` that holds them.
    name: of the data set.
    part: "train" or "test".
    remedy: the last words of an error's sentence.

  Raises:
    UserError: a file is missing or broken, or there are not as many labels as images.
  """
  existing = find(folder, name)
  for ndim in (3, 1):
    stem = _stem(part, ndim)
    if stem not in existing:
      raise UserError(
        f"{stem}.gz is missing in {folder} and its {name}/: {remedy}"
      )

  images_path = existing[_stem(part, 3)]
  labels_path = existing[_stem(part, 1)]
  image_t_y_x = read_idx(images_path, 3, remedy)
  label_t = read_idx(labels_path, 1, remedy)
  if len(image_t_y_x) != len(label_t):
    raise UserError(
      f"{images_path} has {len(image_t_y_x)} images, "
      f"{labels_path} has {len(label_t)} labels, "
      f"so one is of another data set: {remedy}"
    )
  return Part(image_t_y_x, label_t)


def read_idx(path: pathlib.Path, ndim: int, remedy: str = AGAIN) -> np.ndarray:
  """Reads the uint8 array of an idx file.

  The file is two zero bytes, the type's code, the number of axes, a length of 32 bits,
  big-endian, for each axis, and the values.

  Raises:
    UserError: it is no such file, or of another type or number of axes, or its length is not
      what its header says.
  """
  content = _content(path, remedy)
  magic = content[:4]
  if magic != bytes([0, 0, _UINT8, ndim]):
    beginning = magic.hex() or "nothing"
    kind = _KIND[ndim]
    raise UserError(
      f"{path} begins with {beginning}, "
      f"an idx file of {kind} with 00000{_UINT8}0{ndim}: "
      f"{remedy}"
    )

  header_bytes = 4 + 4 * ndim
  shape = _shape(content[4:header_bytes], ndim)
  expected_bytes = header_bytes + math.prod(shape)
  if min(shape) < 1 or len(content) != expected_bytes:
    problem = "has the wrong length"
    if len(content) < expected_bytes:
      problem = "is truncated"
    sides = " x ".join(map(str, shape))
    raise UserError(
      f"{path} {problem}: "
      f"its header says {sides}, {expected_bytes} bytes in all, "
      f"it has {len(content)}: "
      f"{remedy}"
    )
  return np.frombuffer(content, np.uint8, offset=header_bytes).reshape(shape)


def is_idx(path: pathlib.Path) -> bool:
  """Whether a file is one of images in idx form, by its first bytes or else its name."""
  if any(word in path.name for word in _NAMES):
    return True
  try:
    with path.open("rb") as file:
      start = file.read(2)
    if start == _GZIP:
      with gzip.open(path) as file:
        return file.read(4) == _IMAGES
    with path.open("rb") as file:
      return file.read(4) == _IMAGES
  except (OSError, EOFError, zlib.error):   # told where it is read
    return False


def _shape(lengths: bytes, ndim: int) -> tuple[int, ...]:
  """The axes' lengths as Python's integers, which a damaged header cannot overflow."""
  whole = lengths.ljust(4 * ndim, b"\0")
  shape = np.frombuffer(whole, ">u4")
  return tuple(shape.tolist())


def _content(path: pathlib.Path, remedy: str) -> bytes:
  try:
    content = path.read_bytes()
    if content.startswith(_GZIP):   # the name does not tell: browsers unpack, and keep the name
      content = gzip.decompress(content)
    return content
  except (EOFError, zlib.error) as error:
    raise UserError(f"{path} is truncated or damaged ({error}): {remedy}") from error
  except OSError as error:
    raise UserError(f"{path} cannot be read ({error}): {remedy}") from error
