"""A user's own input: where it lies, and a fingerprint of what it holds."""
import hashlib
import os
import pathlib
from typing import NamedTuple

import numpy as np

from jaxsig import paths
from jaxsig.errors import printable


class Input(NamedTuple):
  """What a user gives to predict: a file, a folder or an array."""
  path: pathlib.Path | None   # absolute; None of an array
  value: object               # what a system reads: the path, or the array

  @property
  def shown(self) -> str:
    """Its absolute path without links, in words that any console takes."""
    if self.path is None:
      return "an array"
    return printable(str(self.path.resolve()))


def input_of(source: object) -> Input:
  """The input that a path or an array is.

  Raises:
    UserError: a path that is none of this machine, or that cannot be read.
  """
  if not isinstance(source, (str, os.PathLike)):
    return Input(None, source)
  path = paths.source(source, "the input")
  return Input(pathlib.Path(os.path.abspath(path)), path)


def files_of(path: pathlib.Path) -> list[pathlib.Path]:
  """The files that a path names: itself, those of a folder, or those with its name and a suffix."""
  if path.is_dir():
    inside = [file for file in path.iterdir() if file.is_file()]
    return sorted(file for file in inside if not file.name.startswith("."))
  name = path.name.removesuffix(".hea")
  beside = []
  if path.with_name(name + ".hea").is_file():   # a header, whose files begin with its name
    beside = [file for file in path.parent.iterdir() if file.name.startswith(name + ".")]
  return sorted({path, *beside})


def fingerprint_of(source: Input) -> str:
  """SHA-256 of the content of the input's files, or of the numbers of an array."""
  digest = hashlib.sha256()
  if source.path is None:
    digest.update(np.ascontiguousarray(np.ma.getdata(source.value)).tobytes())
    return digest.hexdigest()
  files = [path for path in files_of(source.path) if path.is_file()]
  for path in files:
    with path.open("rb") as file:
      of_file = hashlib.file_digest(file, "sha256")
    if len(files) == 1:
      return of_file.hexdigest()
    digest.update(path.name.encode(errors="surrogateescape") + of_file.digest())
  return digest.hexdigest()
