"""idx files, the format of MNIST and its relatives: a magic number, the dimensions, then the values. Gzipped or plain."""
import gzip
import math
import pathlib
import zlib

import numpy as np

from jaxsig.errors import UserError

AGAIN = "download it again"
_PREFIX = {"train": "train", "test": "t10k"}
_KIND = {1: "labels", 3: "images"}
_BYTES = 8    # the code of unsigned bytes, the only type that this family has


def find(folder: str | pathlib.Path, name: str) -> dict[str, pathlib.Path]:
  """{file's stem: path} of the family's four files, each in `folder` or its subfolder `name`, gzipped or plain; those that are there."""
  places = [pathlib.Path(folder), pathlib.Path(folder) / name]
  stems = [_stem(part, ndim) for part in _PREFIX for ndim in (3, 1)]
  there = {stem: next((p for place in places for end in ("", ".gz") if (p := place / (stem + end)).is_file()), None) for stem in stems}
  return {stem: path for stem, path in there.items() if path}


def _stem(part: str, ndim: int) -> str:
  return f"{_PREFIX[part]}-{_KIND[ndim]}-idx{ndim}-ubyte"


def read_part(folder: str | pathlib.Path, name: str, part: str, remedy: str = AGAIN) -> tuple[np.ndarray, np.ndarray]:
  """Images [t, h, w] and labels [t], both uint8, of one part ("train" or "test").

  Raises:
    UserError: a file is missing or broken, or there are not as many labels as images; it ends in `remedy`.
  """
  found = find(folder, name)
  for ndim in (3, 1):
    if _stem(part, ndim) not in found:
      raise UserError(f"{_stem(part, ndim)}.gz is missing in {folder} and its {name}/: {remedy}")
  (images_t_y_x, label_t), paths = zip(*((read_idx(found[_stem(part, n)], n, remedy), found[_stem(part, n)]) for n in (3, 1)), strict=True)
  if len(images_t_y_x) != len(label_t):
    raise UserError(f"{paths[0]} has {len(images_t_y_x)} images, {paths[1]} has {len(label_t)} labels, so one is of another data set: "
                    f"{remedy}")
  return images_t_y_x, label_t


def read_idx(path: pathlib.Path, ndim: int, remedy: str = AGAIN) -> np.ndarray:
  """The uint8 array of an idx file: two zero bytes, the type's code, the number of axes, big-endian int32 lengths, the values.

  Raises:
    UserError: it is no such file, or of another type or number of axes, or its length is not what its header says.
  """
  content = _content(path, remedy)
  if content[:4] != bytes([0, 0, _BYTES, ndim]):
    raise UserError(f"{path} begins with {content[:4].hex() or 'nothing'}, an idx file of {_KIND[ndim]} with 00000{_BYTES}0{ndim}: "
                    f"{remedy}")
  start = 4 + 4 * ndim
  shape = tuple(int(x) for x in np.frombuffer(content[4:start].ljust(4 * ndim, b"\0"), ">i4"))
  wanted = start + math.prod(shape)   # Python's integers: a damaged header cannot overflow them
  if min(shape) < 1 or len(content) != wanted:
    what = "is truncated" if len(content) < wanted else "has the wrong length"
    raise UserError(f"{path} {what}: its header says {' x '.join(map(str, shape))}, {wanted} bytes in all, it has {len(content)}: {remedy}")
  return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _content(path: pathlib.Path, remedy: str) -> bytes:
  try:
    content = path.read_bytes()
    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content   # browsers unpack, and keep the name
  except (EOFError, zlib.error) as error:
    raise UserError(f"{path} is truncated or damaged ({error}): {remedy}") from error
  except OSError as error:
    raise UserError(f"{path} cannot be read ({error}): {remedy}") from error
