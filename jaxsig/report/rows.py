"""Rows as JSON lines."""
import dataclasses
import json
import pathlib
from collections.abc import Iterable

from jaxsig.errors import UserError
from jaxsig.rows import Row, Stamp
from jaxsig.stored_files import AGAIN, lines_of, written_aside
from jaxsig.system import Plain


def to_plain(row: Row) -> Plain:
  """The fields of a row as plain JSON values; defaults are left out."""
  plain = {}
  for field in dataclasses.fields(Row):
    value = getattr(row, field.name)
    if field.name == "stamp":
      if value is not None:
        plain["stamp"] = value._asdict()
    elif field.name in ("interval", "strata"):
      if value:
        plain[field.name] = dict(value)
    elif field.name in ("metric", "group", "record", "unit") or value != field.default:
      plain[field.name] = value
  return plain


def from_plain(plain: Plain) -> Row:
  """The row of `to_plain`'s values."""
  fields = dict(plain)
  if "stamp" in fields:
    fields["stamp"] = Stamp(**fields["stamp"])
  if "interval" in fields:
    fields["interval"] = {level: tuple(ends) for level, ends in fields["interval"].items()}
  return Row(**fields)


def write_rows(path: pathlib.Path, rows: Iterable[Row]) -> None:
  """Writes rows as JSON lines, atomically.

  Raises:
    UserError: a folder is in their place.
  """
  path.parent.mkdir(parents=True, exist_ok=True)
  with written_aside(path) as aside, aside.open("w") as file:
    for row in rows:
      file.write(json.dumps(to_plain(row)) + "\n")


def read_rows(path: pathlib.Path) -> list[Row]:
  """The rows of a file that `write_rows` has written.

  Raises:
    UserError: a broken line, or no text file.
  """
  rows = []
  for line in lines_of(path):
    try:
      rows.append(from_plain(json.loads(line)))
    except (ValueError, TypeError, LookupError, AttributeError) as error:
      raise UserError(f"{path} has a broken line ({error}): {AGAIN}") from None
  return rows
