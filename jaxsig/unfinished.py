"""Folders aside, in which files are written before they are moved to their place."""
import os
import pathlib
import re
import shutil
import socket
import tempfile

_NAME = re.compile(r"\.unfinished_(?P<machine>.+)_(?P<process>\d+)-\w+")


def make_aside(folder: pathlib.Path) -> pathlib.Path:
  """A new, empty folder in `folder`, which is there, for files that will be moved from it.

  Those that killed processes of this machine have left are removed.

  Raises:
    OSError: it cannot be made.
  """
  for path in folder.glob(".unfinished_*"):
    if _is_left(path.name):
      shutil.rmtree(path, ignore_errors=True)
  prefix = f".unfinished_{_machine()}_{os.getpid()}-"
  aside = tempfile.mkdtemp(prefix=prefix, dir=folder)
  return pathlib.Path(aside)


def _machine() -> str:
  return re.sub(r"[^\w.-]", "", socket.gethostname())


def _is_left(name: str) -> bool:
  """Whether the process of this machine that has made a folder is no more."""
  match = _NAME.fullmatch(name)
  if match is None or match["machine"] != _machine():
    return False
  try:
    os.kill(int(match["process"]), 0)
  except ProcessLookupError:
    return True
  except (OSError, OverflowError):   # it is another user's, or no number of a process
    return False
  return False
