"""Tables that say which file is which stem: the first pattern that fits a file's name decides."""
import csv
import fnmatch
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

from jaxsig.data.audio.songs import STEMS
from jaxsig.errors import UserError

FILE_NAME = "stems.csv"
MIXTURE, NO_STEM = "mixture", ""
PLACES = (*STEMS, MIXTURE, NO_STEM)


class TableRow(NamedTuple):
  """A pattern of file names with * and ?, in any case, and the stem that such files are.

  The stem may also be "mixture", or "" for files that are left out.
  """
  pattern: str
  stem: str


PLAIN_NAMES = tuple(TableRow(f"{name}.*", name) for name in (*STEMS, MIXTURE))


def stem_of(name: str, table: Sequence[TableRow]) -> str | None:
  """The stem of a file by its name, or None where no pattern fits."""
  for row in table:
    if fnmatch.fnmatchcase(name.casefold(), row.pattern.casefold()):
      return row.stem
  return None


def read_table(folder: pathlib.Path) -> Sequence[TableRow]:
  """The rows of stems.csv in a folder; without one, files are named as the stem they are.

  Raises:
    UserError: the table lacks a column, or names an unknown stem.
  """
  path = folder / FILE_NAME
  if not path.is_file():
    return PLAIN_NAMES
  rows = []
  try:
    with path.open(newline="", encoding="utf-8-sig") as file:
      reader = csv.DictReader(file, skipinitialspace=True)
      if not {"file", "stem"} <= set(reader.fieldnames or ()):
        raise UserError(f"{path} needs the columns file and stem in its first line: add them")
      for line in reader:
        rows.append(_row(line, path, reader.line_num))
  except (OSError, UnicodeDecodeError, csv.Error) as error:
    raise UserError(f"{path} cannot be read as a table ({error}): write it as CSV") from error
  return rows


def _row(line: dict[str, str | None], path: pathlib.Path, number: int) -> TableRow:
  pattern = (line["file"] or "").strip()
  stem = (line["stem"] or "").strip().lower()
  if not pattern:
    raise UserError(f"line {number} of {path} names no file: write a pattern such as *VOX*")
  if stem not in PLACES:
    raise UserError(
        f"line {number} of {path} has the stem {stem!r}: use {', '.join(STEMS)}, mixture, or leave "
        "it empty for files that are no stem")
  return TableRow(pattern, stem)
