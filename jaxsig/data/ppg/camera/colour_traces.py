"""Traces of R, G and B in a text table: time, R, G, B."""
import gzip
import pathlib
import re

import numpy as np

from jaxsig.data.ppg.file_formats import TEXT, record_id
from jaxsig.data.ppg.ppg_file import sentence
from jaxsig.data.records import Record
from jaxsig.data.signal_files.channels import Channel
from jaxsig.data.signal_files.text_channels import read_text_channels
from jaxsig.errors import UserError

HEAD_BYTES = 1 << 16   # in which a table names its columns
COLOURS = {"R": ("r", "red"), "G": ("g", "green"), "B": ("b", "blue")}


def read_traces(path: pathlib.Path, rate_hz: float | None) -> Record | None:
  """A record with "rgb_t_c" [t, 3] of a text table; None of a file without three such columns.

  Times are read from the table's own column, whatever its unit; frames that come at uneven times
  are resampled, pauses are gaps.

  Args:
    path: of the table, with a column for each of R, G and B (or red, green, blue).
    rate_hz: frames a second, where the table has no times.

  Raises:
    UserError: it has the columns, but neither times nor a rate.
  """
  suffixes = path.suffixes or [""]
  if suffixes[-1].lower() not in (*TEXT, ".gz") or not path.is_file():
    return None
  if not _may_have_colours(path):
    return None
  channels = read_text_channels(path, rate_hz)
  columns = []
  for names in COLOURS.values():
    column = _named(channels.channels, names)
    if column is None:
      return None
    columns.append(column)
  own_hz = columns[0].rate_hz or rate_hz
  if not own_hz:
    raise UserError(f"{path} has no column of times: give the frames a second with --rate_hz")
  notes = [sentence(note) for note in channels.notes]
  others = [repr(channel.name.strip()) for channel in channels.channels if channel not in columns]
  if others:
    notes.append(f"The columns of R, G and B were read, not {', '.join(others)} (own.signal=NAME "
                 "reads one as a PPG).")
  rgb_t_c = np.stack([column.load() for column in columns], -1).astype(np.float32)
  return Record(
      id=record_id(path),
      group="user",
      rate_hz=float(own_hz),
      signals={"rgb_t_c": rgb_t_c},
      annotations={},
      info={"source": "user", "notes": notes},
  )


def _may_have_colours(path: pathlib.Path) -> bool:
  """Whether a line at the beginning of a text names R, G and B: a long PPG is not parsed for it."""
  open_text = open
  if path.suffix.lower() == ".gz":
    open_text = gzip.open
  try:
    with open_text(path, "rb") as file:
      head = file.read(HEAD_BYTES)
  except (OSError, EOFError):
    return True   # the reader tells what is wrong
  lines = head.replace(b"\x00", b"").decode("latin-1").lower().splitlines()
  for line in lines:
    words = set(re.findall(r"[a-z]+", line))
    if all(words & set(names) for names in COLOURS.values()):
      return True
  return False


def _named(channels: tuple[Channel, ...], names: tuple[str, ...]) -> Channel | None:
  found = [channel for channel in channels if channel.name.strip().lower() in names]
  if len(found) != 1:
    return None
  return found[0]
