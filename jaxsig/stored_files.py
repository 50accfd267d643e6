"""Files that a run leaves for later ones, JSON objects and arrays: written whole, read with care.

Whatever has happened to a file since, its reader gives a sentence that names it and the remedy.
"""
import json
import os
import pathlib
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsig.errors import UserError

if TYPE_CHECKING:
  from etils import epath

  Path = pathlib.Path | epath.Path

AGAIN = "make the file again by --mode=eval with this --workdir and the config that trained it"
BROKEN = (OSError, ValueError, EOFError, LookupError, zipfile.BadZipFile, zlib.error)


def read_json(path: "Path", remedy: str = AGAIN, needs: Sequence[str] = ()) -> dict[str, Any]:
  """The JSON object of a file.

  Args:
    path: of the file.
    remedy: how it is made again, the end of the sentence.
    needs: names that it must have.

  Raises:
    UserError: it is missing, no file, cannot be read, is no JSON object or lacks a name.
  """
  try:
    value = json.loads(path.read_text())
  except (OSError, ValueError, RecursionError) as error:
    raise UserError(f"{path} {_what_is_wrong(path, error)}: {remedy}") from None
  if not isinstance(value, dict):
    raise UserError(f"{path} is broken (it holds no JSON object): {remedy}")
  for name in needs:
    if name not in value:
      raise UserError(f"{path} is broken (it has no {name!r}): {remedy}")
  return value


def is_json(path: "Path") -> bool:
  """Whether a file holds a JSON object."""
  try:
    read_json(path)
  except UserError:
    return False
  return True


def write_json(path: pathlib.Path, value: Mapping[str, Any]) -> None:
  """Writes a JSON object, atomically.

  Raises:
    UserError: a folder is in its place.
  """
  with written_aside(path) as aside:
    aside.write_text(json.dumps(value, indent=1))


def read_arrays(path: "Path", remedy: str = AGAIN) -> dict[str, np.ndarray]:
  """The arrays of an NPZ file.

  Raises:
    UserError: it is missing, no file, cannot be read or is broken.
  """
  try:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
      return dict(stored)
  except (*BROKEN, TypeError, AttributeError) as error:   # the last two: one array, without a name
    raise UserError(f"{path} {_what_is_wrong(path, error)}: {remedy}") from None


def lines_of(path: "Path", remedy: str = AGAIN) -> list[str]:
  """The lines of a text file.

  Raises:
    UserError: it is missing, no file, or no text.
  """
  try:
    return path.read_text().splitlines()
  except (OSError, ValueError) as error:
    raise UserError(f"{path} {_what_is_wrong(path, error)}: {remedy}") from None


def is_archive(path: pathlib.Path) -> bool:
  """Whether a file is an NPZ that was written to its end."""
  return path.is_file() and zipfile.is_zipfile(path)


def write_arrays(path: pathlib.Path, arrays: Mapping[str, np.ndarray]) -> None:
  """Writes arrays as NPZ, atomically.

  Raises:
    UserError: a folder is in its place.
  """
  path.parent.mkdir(parents=True, exist_ok=True)
  with written_aside(path) as aside, aside.open("wb") as file:
    np.savez(file, **arrays)


@contextmanager
def written_aside(path: pathlib.Path) -> Iterator[pathlib.Path]:
  """A path beside one, whose file takes its place at the end.

  Raises:
    UserError: a folder is in its place.
  """
  aside = path.with_suffix(".tmp")
  for place in (path, aside):
    require_no_folder(place)
  yield aside
  os.replace(aside, path)


def require_no_folder(path: pathlib.Path) -> None:
  """Raises UserError where a folder is in the place of a file that is to be written."""
  if path.is_dir():
    raise UserError(
        f"{path} is a folder where a file is to be written: remove it, and give the same command "
        "again")


def _what_is_wrong(path: "Path", error: Exception) -> str:
  if path.is_dir():
    return "is a folder and should be a file, so remove it"
  if not path.exists():
    return "is missing"
  if isinstance(error, PermissionError):
    return "cannot be read (permission denied)"
  lines = str(error).splitlines() or [type(error).__name__]
  return f"is broken ({lines[0][:120]})"
