"""Windows on disk, cut once, of which any few are read: millions of them need no memory."""
import json
import os
import pathlib
import shutil
from collections.abc import Iterable, Mapping

import numpy as np

from jaxsig.errors import UserError
from jaxsig.unfinished import make_aside

LAYOUT = "windows.json"   # {name: {"shape", "dtype"}} of one window, and how many there are
VALUES = "windows.bin"    # a row a window: its arrays one after another


class WindowStore:
  """The arrays of windows in one file, a row a window; rows are read one by one.

  Plain reads of the file: pages of a memory map would count as the process's own.
  """

  def __init__(self, folder: pathlib.Path):
    """Opens a store that `write` has made.

    Raises:
      OSError, ValueError, LookupError: it is missing or damaged.
    """
    layout = json.loads((folder / LAYOUT).read_text())
    self._count = layout["count"]
    self._row = _row_of(layout["arrays"])
    self._path = folder / VALUES
    if self._path.stat().st_size != self._count * self._row.itemsize:
      raise ValueError(f"{self._path} is truncated")

  def __len__(self) -> int:
    return self._count

  def take(self, ids_b: np.ndarray) -> dict[str, np.ndarray]:
    """The arrays {name: [n, ...]} of the windows `ids_b`, in that order."""
    size = self._row.itemsize
    with self._path.open("rb", buffering=0) as file:
      rows = [os.pread(file.fileno(), size, int(i) * size) for i in ids_b]
    row_b = np.frombuffer(b"".join(rows), self._row)
    return {name: row_b[name].copy() for name in self._row.names}


def write(folder: pathlib.Path, parts: Iterable[Mapping[str, np.ndarray]]) -> None:
  """Writes the windows of `parts`, one after another, aside, and renames the folder.

  Args:
    folder: that it becomes; a store is whole or missing.
    parts: {name: [n, ...]} each, of the same names, shapes and types.

  Raises:
    UserError: it cannot be written.
  """
  arrays = {}
  count = 0
  try:
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = make_aside(folder.parent)
    with (aside / VALUES).open("wb") as file:
      for part in parts:
        arrays = {name: {"shape": x.shape[1:], "dtype": x.dtype.str} for name, x in part.items()}
        row_b = np.empty(len(next(iter(part.values()))), _row_of(arrays))
        for name, x in part.items():
          row_b[name] = x
        row_b.tofile(file)
        count += len(row_b)
    (aside / LAYOUT).write_text(json.dumps({"count": count, "arrays": arrays}))
  except OSError as error:
    raise UserError(
        f"the cache folder {folder.parent} cannot be written ({error.strerror}): make room there, "
        "or name another with --config.cache_dir") from error
  try:
    os.replace(aside, folder)
  except OSError:   # another process was first, with the same content
    shutil.rmtree(aside, ignore_errors=True)


def _row_of(arrays: Mapping[str, Mapping]) -> np.dtype:
  """The type of one window: its arrays by name."""
  return np.dtype([(name, one["dtype"], tuple(one["shape"])) for name, one in arrays.items()])
