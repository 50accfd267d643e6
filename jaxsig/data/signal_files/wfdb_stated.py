"""Whether a WFDB data file holds the samples that its header describes.

A header may state the first stored number of a signal and a checksum, the sum of all stored
numbers modulo 2**16. Many writers leave 0 where they do not know them.
"""
import pathlib
from collections.abc import Iterator

import numpy as np

from jaxsig.data.signal_files.wfdb_header import Header
from jaxsig.data.signal_files.wfdb_lines import Signal
from jaxsig.data.signal_files.wfdb_sizes import frames_in_files
from jaxsig.errors import UserError

_UNKNOWN = -2**15        # WFDB's word for a missing sample, whatever number stands for it in a file
_MODULUS = 2**16
_BITS = {   # of a sample, by format, where they are not 16
  "8": 8,
  "24": 24,
  "32": 32,
  "80": 8,
  "212": 12,
  "310": 10,
  "311": 10,
  "508": 8,
  "524": 24,
}
_PADDING = 2             # frames that may fill the end of a file
_REMEDY = (
  "put a record's own header and data file together, or copy or export it again (only where the "
  "samples were changed on purpose, put 0 for both numbers)"
)


class Tally:
  """What the stored numbers of a signal add up to, block by block."""

  def __init__(self, form: str) -> None:
    """Starts with none of a signal in this format."""
    self.first = np.nan
    self._bits = _BITS.get(form, 16)
    self._samples = 0
    self._missing = 0
    self._total = 0

  def add(self, stored_t: np.ndarray) -> None:
    """Adds a block [t] of stored numbers, NaN where a sample is missing."""
    if not self._samples:
      self.first = float(stored_t[0])
    self._samples += len(stored_t)
    self._missing += int(np.isnan(stored_t).sum())
    self._total += int(np.nansum(stored_t))

  def checksums(self) -> set[int]:
    """The sum modulo 2**16, with what writers may count a missing sample as."""
    found = set()
    for marker in (-2 ** (self._bits - 1), _UNKNOWN, 0):
      found.add((self._total + self._missing * marker) % _MODULUS)
    return found


def check_stated(header: Header, signal: Signal, tally: Tally, is_whole: bool) -> None:
  """Checks a signal against the first number and the checksum that its header states.

  Args:
    header: of the record.
    signal: one of its signals.
    tally: of its samples.
    is_whole: whether they are all of its samples.

  Raises:
    UserError: they are other samples.
  """
  data = header.path.parent / signal.file
  name = signal.name.strip(" ,") or "a signal without a name"
  described = f"{data} does not hold the samples that {header.path.name} describes: {name}"
  is_stated = signal.start is not None and bool(signal.start or signal.checksum)
  is_comparable = signal.format != "8" and np.isfinite(tally.first)   # 8 stores differences
  if is_stated and is_comparable and tally.first != signal.start:
    raise UserError(
      f"{described} starts with {tally.first:.0f}, not with {signal.start}: {_REMEDY}"
    )
  if not is_whole or not signal.checksum:
    return
  if signal.checksum % _MODULUS not in tally.checksums():
    raise UserError(f"{described} has another checksum: {_REMEDY}")


def notes_on_surplus(header: Header, frames: int) -> Iterator[str]:
  """Yields a sentence for each data file that holds more than is read.

  Args:
    header: of a record of one segment.
    frames: how many are read.

  Raises:
    UserError: a file holds exactly twice as much, or three times, so that its header seems to
      leave out signals, and no checksum can tell.
  """
  for data, present in frames_in_files(header).items():
    surplus = present - frames
    if surplus <= _PADDING:
      continue
    times = present // frames
    is_multiple = times > 1 and present % frames <= _PADDING
    if is_multiple and not _has_checksum(header, data):
      raise UserError(
        f"{data} holds exactly {times} times the samples that {header.path.name} describes, so "
        "that it seems to leave out signals or frames: correct the numbers of both in the header"
      )
    missed = f"{surplus} frames"
    if header.rate_hz:
      missed = f"{surplus / header.rate_hz:g} s"
    yield (
      f"the data file {data.name} goes on for {missed} beyond what its header describes, left out"
    )


def _has_checksum(header: Header, data: pathlib.Path) -> bool:
  stored = [signal for signal in header.signals if signal.file == data.name]
  return any(signal.checksum for signal in stored)
