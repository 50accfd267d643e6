"""A PPG that is given as an array, or stored in an NPY file: one real signal [t]."""
import pathlib
import zipfile
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jaxsig.errors import UserError


class Signal(NamedTuple):
  """A real signal [t], and a sentence where an axis was dropped."""
  x_t: np.ndarray
  notes: tuple[str, ...] = ()


def signal_of(source: ArrayLike, name: str, remedy: str) -> Signal:
  """An array, list or pandas Series as a real signal; what is masked is NaN.

  Args:
    source: [t], or [t, 1] or [1, t] of real numbers.
    name: for the errors.
    remedy: what a user does with one: "give" or "save".

  Raises:
    UserError: it is no real signal.
  """
  x = as_array(source)
  if x.dtype.kind not in "iuf" or x.ndim not in (1, 2) or not x.size:
    raise UserError(_no_signal(x, source, name, remedy))
  if x.ndim == 1:
    return Signal(x)
  if min(x.shape) != 1 or x.size == 1:
    raise UserError(_no_signal(x, source, name, remedy))
  shape = " x ".join(str(n) for n in x.shape)
  return Signal(x.reshape(-1), (f"An array of {shape} was read as one signal.",))


def as_array(source: ArrayLike) -> np.ndarray:
  """The source as an array: masked and missing values are NaN; of type object where it is none."""
  if isinstance(source, bytearray):   # NumPy would take each byte for a number
    return np.array(None)
  if isinstance(source, np.ma.MaskedArray):
    if source.dtype.kind not in "iuf":
      return source.data
    return np.ma.filled(source.astype(np.float64), np.nan)
  try:
    x = np.asarray(source)
  except Exception:   # lists of different lengths; what a library's own array raises
    return np.array(None)
  if x.dtype.kind == "O" and x.ndim:
    return _without_missing(x)
  return x


def _without_missing(x: np.ndarray) -> np.ndarray:
  """Python's numbers as float64, None and pandas' NA as NaN; as they are where others are among.
  """
  numbers = np.empty(x.shape)
  for place, value in np.ndenumerate(x):
    if value is None or type(value).__name__ == "NAType":
      numbers[place] = np.nan
    elif isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
      numbers[place] = value
    else:
      return x
  return numbers


def _no_signal(x: np.ndarray, source: ArrayLike, name: str, remedy: str) -> str:
  described = f"{x.shape} of {x.dtype}"
  if not x.ndim and x.dtype.kind == "O":
    described = f"what is no array of numbers ({type(source).__name__})"
  return f"{name} holds {described}: {remedy} one PPG as a real array with one axis"


def read_npy(path: pathlib.Path) -> Signal:
  """The signal of an NPY file, mapped and not yet in memory.

  Raises:
    UserError: it is no NPY file, is shorter than its header says, or holds no real signal.
  """
  names = _names_in_archive(path)
  if names:
    raise UserError(
      f"{path} holds several arrays ({', '.join(names[:5])}): save one with "
      "numpy.save(path, ppg), a real array with one axis"
    )
  try:
    stored = np.lib.format.open_memmap(path, "r")
  except Exception as error:   # a damaged header raises nearly anything
    reason = " ".join(str(error).split())
    raise UserError(
      f"{path} is not a NumPy array of numbers, or is cut short ({reason}): save it with "
      "numpy.save(path, ppg)"
    ) from error
  return signal_of(stored, str(path), "save")


def _names_in_archive(path: pathlib.Path) -> list[str]:
  """The arrays of an NPZ file that is called .npy; none where it is no archive."""
  try:
    with zipfile.ZipFile(path) as archive:
      return archive.namelist()
  except zipfile.BadZipFile:
    return []
