"""Arrays of NPY files."""
import math
import pathlib
import warnings
from collections.abc import Callable
from typing import IO

import numpy as np

from jaxsig.data.images.declared_size import check_affordable
from jaxsig.errors import UserError

_ZIP_START = b"PK"
NPY_START = np.lib.format.MAGIC_PREFIX
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
      return read_npy_stream(file, path.stat().st_size, str(path))
  except UserError:
    raise
  except OSError as error:
    raise UserError(refusal(path, f"it cannot be read: {error.strerror}")) from error
  except Exception as error:   # the header is parsed as Python: it may raise anything
    raise UserError(refusal(path, reason_of(error))) from error


def read_npy_stream(file: IO[bytes], size_bytes: int, name: str) -> np.ndarray:
  """Returns the array that a file of so many bytes holds.

  Raises:
    ValueError: it is damaged, or declares more than it holds.
    UserError: it is too large.
  """
  start = file.read(len(NPY_START))
  if start != NPY_START:
    raise ValueError(_why_no_npy(start))
  file.seek(0)

  shape, dtype = declared_form(file)
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


def declared_form(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
  """Returns the shape and the type that a header declares, at whose end the file then stands."""
  version = np.lib.format.read_magic(file)
  shape, _, dtype = _HEADERS.get(version, _HEADERS[2, 0])(file)
  return shape, dtype


def reason_of(error: Exception) -> str:
  """Returns in words why a file cannot be read."""
  reason = " ".join(str(error).split())
  if reason.startswith("it "):
    return reason
  return f"it is truncated or damaged: {reason}"


def refusal(path: pathlib.Path, reason: str) -> str:
  """Returns the sentence on a file that holds no array of numbers."""
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
