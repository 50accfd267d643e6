"""Opening the HDF5 files (also MATLAB v7.3) of data sets, with one sentence where that fails."""
import contextlib
import pathlib
from collections.abc import Iterator, Sequence

import h5py
import numpy as np

from jaxsig.errors import UserError


@contextlib.contextmanager
def opened(path: pathlib.Path, names: Sequence[str]) -> Iterator[h5py.File]:
  """An HDF5 file that holds what is named.

  Raises:
    UserError: it cannot be read, or lacks one of the names.
  """
  try:
    file = h5py.File(path, "r")
  except OSError as error:
    raise UserError(
        f"{path} cannot be read as HDF5 or MATLAB v7.3 ({error}): copy it again") from error
  with file:
    for name in names:
      if name not in file:
        present = ", ".join(list(file)[:8])
        raise UserError(f"{path} has no {name} (it has {present}): it is another data set's file")
    yield file


def files_in(folder: str, places: Sequence[str], pattern: str) -> list[pathlib.Path]:
  """The files of a pattern in the first of the places below a folder that has any, or in it."""
  for place in (*places, "."):
    found = sorted((pathlib.Path(folder) / place).glob(pattern))
    if found:
      return found
  return []


def column(file: h5py.File, name: str) -> np.ndarray:
  """[n] the numbers of a data set of one row or column; NaN of one that is missing."""
  if name not in file:
    return np.full(0, np.nan)
  return np.asarray(file[name], np.float64).ravel()
