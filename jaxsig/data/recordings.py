"""Many recordings of a folder, of which some may be broken."""
import logging
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from jaxsig.data.records import Record
from jaxsig.errors import UserError

_log = logging.getLogger(__name__)


def load_all(folder: Any, found: Iterable, read: Callable, config: Any) -> list[Record]:
  """The records `read(files)` of all `found`.

  Raises:
    UserError: one is broken (unless `config.skip_broken`: then it is left out and logged), or none can be used.
  """
  records = []
  for files in found:
    try:
      records.append(read(files))
    except UserError as error:
      if not config.skip_broken:
        raise
      _log.warning("left out: %s", error)
  if not records:
    raise UserError(f"no recording in {folder} can be used: --mode=inspect says why for each")
  return records


def inspect_all(found: Iterable, name_of: Callable, summary: Callable) -> dict:
  """{"records": [summary(files)], "skipped": [{"record": name_of(files), "why"}]}."""
  records, skipped = [], []
  for files in found:
    try:
      records.append(summary(files))
    except UserError as error:
      skipped.append({"record": name_of(files), "why": str(error)})
  return {"records": records, "skipped": skipped}


def plain(x: Any) -> Any:
  """Plain JSON of numbers and arrays; NaN, which JSON does not have, becomes null."""
  x = np.asarray(x).tolist()
  if isinstance(x, list):
    return [plain(y) for y in x]
  return None if isinstance(x, float) and not np.isfinite(x) else x
