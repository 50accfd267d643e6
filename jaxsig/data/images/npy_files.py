"""Arrays of NPY files, and of NPZ files with one array."""
import math
import pathlib
import warnings
import zipfile
from collections.abc import Callable
from typing import IO

import numpy as np

from jaxsig.data.images.declared_size import check_affordable
from jaxsig.errors import UserError

_ZIP_START = b"PK"
_NPY_START = np.lib.format.MAGIC_PREFIX
_HEADERS: dict[tuple[int, int], Callable] = {
  (1, 0): np.lib.format.read_array_header_1_0,
  (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npy(path: pathlib.Path) -> np.ndarray:
  """Returns the array of an NPY file.

  Raises:
    UserError: it is none, or is too large, damaged, truncated, or of Python objects.
  """
  try:
    with path.open("rb") as file, warnings.catch_warnings():
      warnings.simplefilter("ignore")   # of headers as Python 2 wrote them
      return _array(file, path.stat().st_size, str(path))
  except UserError:
    raise
  except OSError as error:
    raise UserError(_refusal(path, f"it cannot be read: {error.strerror}")) from error
  except Exception as error:   # the header is parsed as Python: it may raise anything
    raise UserError(_refusal(path, _reason(error))) from error


def _array(file: IO[bytes], size_bytes: int, name: str) -> np.ndarray:
  """The array that a file of so many bytes holds; ValueError where it declares more than that."""
  start = file.read(len(_NPY_START))
  if start != _NPY_START:
    raise ValueError(_why_no_npy(start))
  file.seek(0)

  version = np.lib.format.read_magic(file)
  shape, _, dtype = _HEADERS.get(version, _HEADERS[2, 0])(file)
  if dtype.hasobject:
    raise ValueError("it holds Python objects")
  if min(shape, default=0) < 0:
    raise ValueError("it is damaged: it declares a negative shape")
  declared_bytes = math.prod(shape) * dtype.itemsize
  held_bytes = size_bytes - file.tell()
  if declared_bytes > held_bytes:
    raise ValueError(
      f"it is truncated or damaged: it declares {declared_bytes} bytes and holds {held_bytes}"
    )

  check_affordable(shape, name)
  file.seek(0)
  return np.lib.format.read_array(file, allow_pickle=False)


def _reason(error: Exception) -> str:
  reason = " ".join(str(error).split())
  if reason.startswith("it "):
    return reason
  return f"it is truncated or damaged: {reason}"


def _refusal(path: pathlib.Path, reason: str) -> str:
  return (
    f"{path} is not a NumPy array of numbers ({reason}): "
    "save the numbers again with numpy.save(path, array)"
  )


def _why_no_npy(start: bytes) -> str:
  if not start:
    return "it is empty"
  if start.startswith(_ZIP_START):
    return "it is an archive of several"
  return "it does not begin as one"


def read_npz(path: pathlib.Path) -> np.ndarray:
  """Returns the only array of an NPZ file.

  Raises:
    UserError: it is none, has several arrays or none, or the one cannot be used.
  """
  try:
    with zipfile.ZipFile(path) as archive:
      members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
      if len(members) != 1:
        names = [member.filename.removesuffix(".npy") for member in members]
        raise UserError(
          f"{path} holds {len(members)} arrays ({', '.join(names[:20])}): "
          "save the one that is meant by numpy.save as .npy"
        )
      with archive.open(members[0]) as file:
        return _array(file, members[0].file_size, str(path))
  except UserError:
    raise
  except OSError as error:
    raise UserError(_refusal(path, f"it cannot be read: {error.strerror or error}")) from error
  except Exception as error:   # as of an NPY file, and of the archive
    raise UserError(_refusal(path, _reason(error))) from error
