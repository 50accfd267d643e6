"""Many recordings of a folder, of which some may be broken."""
import logging
import pathlib
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np
from ml_collections import ConfigDict
from numpy.typing import ArrayLike

from jaxsig.data.records import Record
from jaxsig.errors import UserError

_log = logging.getLogger(__name__)

Files = TypeVar("Files")   # what a reader needs to know of one recording's files


def load_all(
    folder: str | pathlib.Path,
    found: Iterable[Files],
    read: Callable[[Files], Record],
    config: ConfigDict,
) -> list[Record]:
  """Returns the records `read(files)` of all `found` recordings.

  Args:
    folder: where they were found, for the error.
    found: files of each recording.
    read: makes a record of them, or raises a UserError.
    config: `skip_broken`: leave a broken recording out, with a warning.

  Raises:
    UserError: a recording is broken and `skip_broken` is off, or none can be used.
  """
  records = list(usable(found, read, config.skip_broken))
  if not records:
    raise UserError(f"no recording in {folder} can be used: --mode=inspect says why for each")
  return records


def usable(
    found: Iterable[Files],
    read: Callable[[Files], Record],
    skip_broken: bool,
) -> Iterator[Record]:
  """The records `read(files)`, one after another; broken ones may be left out, with a warning."""
  for files in found:
    try:
      record = read(files)
    except UserError as error:
      if not skip_broken:
        raise
      _log.warning("left out: %s", error)
      continue
    yield record


def inspect_all(
    found: Iterable[Files],
    name_of: Callable[[Files], str],
    summary: Callable[[Files], dict[str, object]],
) -> dict[str, list[dict[str, object]]]:
  """Returns {"records": [summary(files)], "skipped": [{"record": name_of(files), "why"}]}."""
  records = []
  skipped = []
  for files in found:
    try:
      records.append(summary(files))
    except UserError as error:
      skipped.append({"record": name_of(files), "why": str(error)})
  return {"records": records, "skipped": skipped}


def plain(x: ArrayLike) -> object:
  """Converts numbers and arrays to JSON values; NaN, which JSON does not have, becomes null."""
  value = np.asarray(x).tolist()
  if isinstance(value, list):
    return [plain(item) for item in value]
  if isinstance(value, float) and not np.isfinite(value):
    return None
  return value
