"""A sound file under another name until it is whole."""
import contextlib
import os
import pathlib
from collections.abc import Iterator
from types import TracebackType

from jaxsig.errors import UserError


class UnfinishedSound:
  """A file that is being written; it bears its name only once it is whole.

  Who extends it says how the file is ended (`_finish`) and given up (`_abandon`).

  Attributes:
    path: that it will bear; a file that is there is replaced.
    length_t: samples written so far.
  """

  def __init__(self, path: str | pathlib.Path):
    self.path = pathlib.Path(path)
    self.length_t = 0
    self._aside = self.path.with_name(self.path.name + ".part")

  def __enter__(self) -> "UnfinishedSound":
    return self

  def __exit__(
      self,
      kind: type[BaseException] | None,
      error: BaseException | None,
      trace: TracebackType | None,
  ) -> None:
    if kind is None:
      self.close()
    else:
      self._abandon()
      self._aside.unlink(missing_ok=True)

  def close(self) -> None:
    """Ends the file, and gives it its name.

    Raises:
      UserError: the disk is full.
    """
    with self._told():
      self._finish()
      os.replace(self._aside, self.path)

  @contextlib.contextmanager
  def _told(self, remedy: str = "make room there") -> Iterator[None]:
    """Errors of the disk as a sentence."""
    try:
      yield
    except OSError as error:
      raise UserError(f"{self.path} cannot be written ({error.strerror}): {remedy}") from error

  def _finish(self) -> None:
    raise NotImplementedError

  def _abandon(self) -> None:
    raise NotImplementedError
