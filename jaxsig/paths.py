"""Files and folders that a user names; each `UserError` names the path and the remedy."""
import errno
import hashlib
import os
import pathlib
import re
import stat
from collections.abc import Sequence

from jaxsig.errors import UserError, printable

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")   # gs://bucket, also as pathlib shortens it
_LONGEST_BYTES = 160   # of a name that results begin with: file systems take 255


def place(name: object, what: str) -> pathlib.Path:
  """The path that a user names; `~` is the home folder, which shells leave after a `=`.

  Args:
    name: text or path.
    what: names it, such as "--workdir".

  Raises:
    UserError: it is no path of this machine.
  """
  if not isinstance(name, (str, os.PathLike)) or isinstance(os.fspath(name), bytes):
    raise UserError(f"{what} is {name!r}, which is no path: give one as text")
  text = os.fspath(name)
  if not text.strip():
    raise UserError(f"{what} is empty: name a file or a folder")
  if "\0" in text:
    raise UserError(f"{what} {text} holds a zero byte, which no path does: correct it")
  if _ADDRESS.match(text):
    raise UserError(
        f"{what} {text} is an address, not a path of this machine: mount the bucket (or download "
        "the file), and name the path there")
  if not text.startswith("~") or os.path.lexists(text):
    return pathlib.Path(text)
  try:
    return pathlib.Path(text).expanduser()
  except RuntimeError:
    raise UserError(
        f"{what} {text} is in the home folder of somebody whom this machine does not know: write "
        "the path in full, or as ./~NAME") from None


def kind_of(path: pathlib.Path) -> str:
  """"file" or "folder", or "" where there is neither.

  Raises:
    UserError: it cannot be looked at, or is a pipe, a device or a link to nothing.
  """
  try:
    mode = path.stat().st_mode
  except OSError as error:
    if os.path.islink(path) and error.errno in (errno.ENOENT, errno.ELOOP):
      raise UserError(
          f"{path} is a link that leads nowhere: name the file or folder itself") from None
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
      return ""
    raise UserError(f"{path} cannot be used ({error.strerror}): name another path") from None
  if stat.S_ISDIR(mode):
    return "folder"
  if stat.S_ISREG(mode):
    return "file"
  raise UserError(
      f"{path} is a pipe, a device or a socket: write what it gives into a file, and name that")


def source(name: object, what: str) -> pathlib.Path:
  """The path of what a user wants read; whether it is there, the reader says.

  Raises:
    UserError: it is no path of this machine, or cannot be read.
  """
  path = place(name, what)
  if path.name in ("", ".."):   # readers look at a name
    path = path.resolve()
  if not path.name:
    raise UserError(f"{what} {path} is the root of all folders: name a file or a folder in it")
  _require_readable(path, kind_of(path))
  return path


def _require_readable(path: pathlib.Path, kind: str) -> None:
  """Raises UserError where a file or folder that is there may not be read."""
  allowed = os.R_OK
  if kind == "folder":
    allowed |= os.X_OK
  if kind and not os.access(path, allowed):
    raise UserError(f"{path} cannot be read (permission denied): allow it, or name another")


def folder(name: object, what: str) -> pathlib.Path:
  """The path of a folder that may be read, where it is there.

  Raises:
    UserError: it is no path of this machine, a file, or may not be read.
  """
  path = place(name, what)
  kind = kind_of(path)
  if kind == "file":
    raise UserError(f"{what} {path} is a file: name a folder")
  _require_readable(path, kind)
  return path


def writable_folder(name: object, what: str) -> pathlib.Path:
  """The path of a folder that can be written or made; nothing is made yet.

  Raises:
    UserError: it is no path of this machine, a file, or may not be written.
  """
  path = folder(name, what)
  nearest = path.absolute()
  while not kind_of(nearest) and nearest != nearest.parent:
    nearest = nearest.parent
  if kind_of(nearest) == "file":
    raise UserError(f"{what} {path} would lie in {nearest}, which is a file: name another folder")
  if not os.access(nearest, os.W_OK | os.X_OK):
    raise UserError(
        f"{what} {path} cannot be written (permission denied in {nearest}): name another with "
        f"{what}")
  return path


def missing_folders(path: pathlib.Path) -> list[pathlib.Path]:
  """The folders that are made when `path` is, the innermost first."""
  return [folder for folder in (path, *path.parents) if not folder.exists()]


def remove_empty(folders: Sequence[pathlib.Path]) -> None:
  """Removes folders, the innermost first, until one holds something."""
  for path in folders:
    try:
      path.rmdir()
    except OSError:
      return


def require_name(name: object, what: str) -> None:
  """Raises UserError where a name cannot be that of a folder.

  Args:
    name: of a method, an experiment or the like.
    what: names it in a sentence.
  """
  if not isinstance(name, str) or not name.strip():
    raise UserError(f"{what} is {name!r}: give it a name of text")
  if "/" in name or name.startswith("."):
    raise UserError(f"{what} {name!r} names a folder: leave / and leading dots out")
  if printable(name) != name:
    raise UserError(f"{what} {name!r} has characters that no console prints: leave them out")
  if len(name.encode()) > _LONGEST_BYTES:
    raise UserError(
        f"{what} {name[:20]!r}... has {len(name)} characters, more than the name of a folder takes "
        f"with its marks: use at most {_LONGEST_BYTES}")


def short_name(text: str) -> str:
  """A name that files can begin with: of moderate length, without a slash, dot or dash in front."""
  name = printable(text).replace("/", "_").lstrip(".-").strip() or "input"
  encoded = name.encode()
  if len(encoded) <= _LONGEST_BYTES:
    return name
  digest = hashlib.sha256(encoded).hexdigest()[:8]
  return encoded[:_LONGEST_BYTES].decode(errors="ignore") + "_" + digest
