"""Results of a user's own file in a folder: each has a name of its own, and none replaces another.

Results begin with their input's name. Those of another input of that name keep it: the second
begins with its folder's name too. The JSON file of the results tells which input made them.
"""
import dataclasses
import glob
import json
import os
import pathlib
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from jaxsig import paths
from jaxsig.errors import UserError
from jaxsig.prediction.inputs import Input, files_of
from jaxsig.report.rows import write_rows
from jaxsig.system import System, Told
from jaxsig.unfinished import make_aside

MOST_FOLDERS = 4   # of an input's path that a name may begin with


def require_apart(source: Input, folder: pathlib.Path) -> None:
  """Raises UserError where results would lie among the files of a folder that is read."""
  if source.path and source.path.is_dir() and folder.resolve() == source.path.resolve():
    raise UserError(
        f"the results would lie in {source.path}, the folder that is read, among its files: name "
        "another with --output")


class Written(NamedTuple):
  """The files of an input's results, and the name that they begin with."""
  name: str
  files: list[pathlib.Path]


def names_of(source: Input, record_id: str, folder: pathlib.Path) -> Iterator[str]:
  """The names that results of an input may begin with, the first that is free being taken.

  Its own name; with its suffix, where the folder has results of an input beside it; with the names
  of folders that it lies in, ever more of them.
  """
  yield record_id
  if source.path is None:
    return
  beside = _is_beside(source, _makers(folder.glob(f"{glob.escape(record_id)}*.json")))
  suffix = source.path.suffix.removeprefix(".")
  parents = [part for part in source.path.parent.parts if part != source.path.anchor]
  last = parents[-MOST_FOLDERS:]
  if beside and suffix:
    yield paths.short_name(f"{record_id}_{suffix}")
  for first in reversed(range(len(last))):
    yield paths.short_name("_".join([*last[first:], record_id]))
  if suffix:
    yield paths.short_name("_".join([*last, record_id, suffix]))


def write(system: System, told: Told, source: Input, folder: pathlib.Path) -> Written:
  """Writes all files of a user's record into a folder, whole or not at all.

  Raises:
    UserError: the folder cannot be written, or every name is another input's.
  """
  require_apart(source, folder)
  made = paths.missing_folders(folder)
  try:
    folder.mkdir(parents=True, exist_ok=True)
    aside = make_aside(folder)
    try:
      return _written(system, told, source, folder, aside)
    finally:
      shutil.rmtree(aside, ignore_errors=True)
  except OSError as error:
    raise UserError(
        f"the folder {folder} cannot be written ({error.strerror or error}): name another "
        "with --output") from error
  finally:
    paths.remove_empty(made)


def _written(
    system: System,
    told: Told,
    source: Input,
    folder: pathlib.Path,
    aside: pathlib.Path,
) -> Written:
  """Writes into `aside` under the first name that is free in `folder`, and moves the files."""
  for number, name in enumerate(names_of(source, told.record.id, folder)):
    trial = aside / str(number)
    trial.mkdir()
    _write_files(system, _named(told, name), trial, name)
    files = sorted(path.name for path in trial.iterdir())
    if _are_free(files, folder, source):
      _require_no_input(files, folder, source)
      # first the file that names the input: whatever follows is then known as its own
      for file in sorted(files, key=_names_no_input):
        os.replace(trial / file, folder / file)
      return Written(name, [folder / file for file in files])
    shutil.rmtree(trial)   # they may be large
  raise UserError(
      f"{folder} holds results of other inputs under every name for those of {source.shown}: name "
      "another folder with --output")


def _names_no_input(file: str) -> bool:
  return not file.endswith(".json")


def _is_beside(source: Input, makers: Iterable[str]) -> bool:
  """Whether one of the other inputs lies in the same folder and has the same name."""
  here = pathlib.Path(source.shown)
  others = [pathlib.Path(maker) for maker in makers if maker != source.shown]
  return any(other.parent == here.parent and other.stem == here.stem for other in others)


def _write_files(system: System, told: Told, folder: pathlib.Path, name: str) -> None:
  system.own.write(told, folder)
  if told.rows:
    write_rows(folder / f"{name}_rows.jsonl", told.rows)
  if not any(_input_in(path) for path in folder.glob("*.json")):
    (folder / f"{name}_about.json").write_text(json.dumps(dict(told.about), indent=1) + "\n")


def _named(told: Told, name: str) -> Told:
  """The same of a record of this name."""
  if name == told.record.id:
    return told
  return told._replace(
      record=told.record._replace(id=name),
      rows=[dataclasses.replace(row, record=name) for row in told.rows],
      primary=[dataclasses.replace(row, record=name) for row in told.primary],
      about={**told.about, "record": name},
  )


def _are_free(files: Sequence[str], folder: pathlib.Path, source: Input) -> bool:
  """Whether no file of these names is there, or only those that the same input has made."""
  there = [folder / file for file in files if os.path.lexists(folder / file)]
  if not there:
    return True
  return _makers(path for path in there if path.suffix == ".json") == {source.shown}


def _makers(files: Iterable[pathlib.Path]) -> set[str]:
  """The inputs that JSON files of results name."""
  return {_input_in(path) for path in files} - {None}


def _input_in(path: pathlib.Path) -> str | None:
  """The input that a JSON file of results names; None of any other file."""
  try:
    about = json.loads(path.read_text())
  except (OSError, ValueError):
    return None
  if not isinstance(about, Mapping) or not isinstance(about.get("input"), str):
    return None
  return about["input"]


def _require_no_input(files: Sequence[str], folder: pathlib.Path, source: Input) -> None:
  if source.path is None:
    return
  read = {path.resolve() for path in files_of(source.path)}
  for file in files:
    if (folder / file).resolve() in read:
      raise UserError(
          f"the result {folder / file} would replace a file that is read: name another folder "
          "with --output")
