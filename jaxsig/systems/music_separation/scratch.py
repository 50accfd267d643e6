"""Signals in files of a temporary folder, which is deleted when nobody needs it any more.

A song of an hour takes some gigabytes there; `TMPDIR` says where that is.
"""
import contextlib
import pathlib
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from types import TracebackType

import numpy as np

from jaxsig.data.stored import StoredArray
from jaxsig.errors import UserError
from jaxsig.unfinished import make_aside


class Scratch:
  """A temporary folder that lives as long as this object and what is stored in it.

  Those that killed processes have left are removed when the next one is made.

  Attributes:
    folder: its path.
  """

  def __init__(self):
    try:
      self.folder = make_aside(pathlib.Path(tempfile.gettempdir()))
    except OSError as error:
      raise UserError(
          f"no temporary folder can be made ({error.strerror or error}): set TMPDIR to a folder "
          "that can be written") from error
    self._remover = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

  def remove(self) -> None:
    """Deletes the folder at once."""
    self._remover()


class ScratchWriter:
  """A float32 signal [t, c] that is being written to a file of a temporary folder."""

  def __init__(self, scratch: Scratch, name: str, channels: int):
    """Begins a signal.

    Args:
      scratch: the folder.
      name: of the signal, one in the folder.
      channels: how many it has.

    Raises:
      UserError: the disk is full.
    """
    self.length_t = 0
    self._scratch = scratch
    self._channels = channels
    self._path = scratch.folder / f"{name}.npy"
    with _told(scratch):
      self._file = self._path.open("wb")
    self._begin = self._header()

  def __enter__(self) -> "ScratchWriter":
    return self

  def __exit__(
      self,
      kind: type[BaseException] | None,
      error: BaseException | None,
      trace: TracebackType | None,
  ) -> None:
    if kind is None:
      with _told(self._scratch):
        self._file.close()
    else:
      with contextlib.suppress(OSError):   # the disk is full, which `error` says
        self._file.close()

  def write(self, samples_t_c: np.ndarray) -> None:
    """Adds samples [t, c].

    Raises:
      UserError: the disk is full.
    """
    with _told(self._scratch):
      self._file.write(np.ascontiguousarray(samples_t_c, np.float32).data)
    self.length_t += len(samples_t_c)

  def stored(self) -> StoredArray:
    """Ends the file; the signal, which keeps the folder.

    Raises:
      UserError: the disk is full.
    """
    with _told(self._scratch):
      self._file.seek(0)
      if self._header() != self._begin:
        raise ValueError("the header of an .npy file has grown")
      self._file.close()
    return StoredArray(self._path, self._scratch)

  def _header(self) -> int:
    """Writes the file's head, whose size does not depend on the length; returns that size."""
    form = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(np.float32)),
        "fortran_order": False,
        "shape": (self.length_t, self._channels),
    }
    with _told(self._scratch):
      np.lib.format.write_array_header_1_0(self._file, form)
    return self._file.tell()


@contextlib.contextmanager
def _told(scratch: Scratch) -> Iterator[None]:
  """Errors of the disk in a sentence."""
  try:
    yield
  except OSError as error:
    raise UserError(
        f"the temporary folder {scratch.folder} cannot be written ({error.strerror or error}): "
        "make room there, or set TMPDIR to a folder on a larger disk") from error
