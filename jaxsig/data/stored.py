"""Arrays on disk that are read in slices of time, so that hours of signal need no memory."""
import copy
import pathlib

import numpy as np


class StoredArray:
  """An .npy file whose leading axis is read slice by slice with plain file reads.

  A memory map would do the same, but its pages count as the process's own until the kernel takes
  them back.
  """

  def __init__(self, path: pathlib.Path, holder: object = None):
    """Opens an .npy file.

    Args:
      path: of the file.
      holder: lives as long as the array: who deletes the file when nobody needs it any more.

    Raises:
      ValueError: it holds no numbers in rows.
    """
    self._path = path
    self._holder = holder
    with path.open("rb") as file:
      version = np.lib.format.read_magic(file)
      if version == (1, 0):
        header = np.lib.format.read_array_header_1_0(file)
      else:
        header = np.lib.format.read_array_header_2_0(file)
      self.shape, in_columns, self.dtype = header
      self._offset = file.tell()
    if in_columns or self.dtype.hasobject:
      raise ValueError(f"{path} is not an array of numbers in rows")

  def __len__(self) -> int:
    return self.shape[0]

  @property
  def ndim(self) -> int:
    """Number of axes."""
    return len(self.shape)

  @property
  def nbytes(self) -> int:
    """Size of the whole array in bytes."""
    return int(np.prod(self.shape)) * self.dtype.itemsize

  def between(self, first: int, last: int) -> "StoredArray":
    """The rows from `first` to before `last`, which are read when they are asked for."""
    first, last, _ = slice(first, last).indices(len(self))
    per_row = int(np.prod(self.shape[1:])) * self.dtype.itemsize
    part = copy.copy(self)
    part.shape = (max(0, last - first), *self.shape[1:])
    part._offset = self._offset + first * per_row
    return part

  def __getitem__(self, index: slice) -> np.ndarray:
    if not isinstance(index, slice) or index.step not in (None, 1):
      raise TypeError(
          "a stored array is read in plain slices of its first axis: take np.asarray(x[a:b]) first")
    first, last, _ = index.indices(len(self))
    rows = max(0, last - first)
    per_row = int(np.prod(self.shape[1:]))
    with self._path.open("rb") as file:
      file.seek(self._offset + first * per_row * self.dtype.itemsize)
      flat = np.fromfile(file, self.dtype, rows * per_row)
    return flat.reshape((rows, *self.shape[1:]))

  def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
    del copy
    whole = self[:]
    if dtype is None:
      return whole
    return whole.astype(dtype, copy=False)
