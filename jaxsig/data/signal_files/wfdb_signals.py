"""One signal of a WFDB record of one segment: its samples, and its channel."""
import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from jaxsig.data.signal_files.channels import Channel
from jaxsig.data.signal_files.wfdb_header import AGAIN, Header
from jaxsig.data.signal_files.wfdb_lines import Signal
from jaxsig.data.signal_files.wfdb_stated import Tally, check_stated
from jaxsig.errors import UserError

if TYPE_CHECKING:
  import wfdb

MOST_SAMPLES = 4 * 10**8   # of one signal: 9 days at 500 Hz
_BLOCK_SAMPLES = 2**22   # of all signals of a file, read at a time


def channel_of(
  header: Header,
  signal: Signal,
  rate_hz: float | None,
  frames: int,
  load: Callable[[], np.ndarray],
) -> Channel:
  """Returns the channel of a signal.

  Args:
    header: of the whole record.
    signal: as its header, or that of a segment, describes it.
    rate_hz: of the frames.
    frames: how many the record has, with its gaps.
    load: what reads its samples.

  Raises:
    UserError: the record is too long.
  """
  samples = frames * signal.frame_samples
  if samples > MOST_SAMPLES:
    raise UserError(
      f"{header.path} promises {samples} samples of a signal, with its gaps, "
      f"more than {MOST_SAMPLES}: cut the record, or read its segments one by one"
    )
  if rate_hz is not None:
    rate_hz = float(rate_hz * signal.frame_samples)
  return Channel(signal.name, signal.unit, rate_hz, samples, load)


def read_samples(header: Header, channel: int, frames: int) -> np.ndarray:
  """Reads one signal of a record of one segment.

  Args:
    header: of the record.
    channel: position of the signal in it.
    frames: how many to read, from the first.

  Returns:
    [frames * samples in a frame] float64 in physical units, NaN where one is missing.

  Raises:
    UserError: its data file cannot be read, or holds other samples than the header describes.
  """
  signal = header.signals[channel]
  length = signal.frame_samples
  x_t = np.full(frames * length, np.nan)
  if signal.file == "~":
    return x_t

  import wfdb  # costs start-up time

  data = header.path.parent / signal.file
  together = [i for i, other in enumerate(header.signals) if other.file == signal.file]
  group = [header.signals[i] for i in together]
  tally = Tally(signal.format)
  try:
    with tempfile.TemporaryDirectory() as folder:
      record = _plain_copy(data, group, frames, folder)
      for first, last in _blocks(group, frames):
        stored_t = _read_block(wfdb.rdrecord, record, together.index(channel), first, last)
        tally.add(stored_t)
        x_t[first * length:last * length] = (stored_t - signal.baseline) / signal.gain
  except OSError as error:
    raise UserError(f"{data} cannot be read ({error.strerror or error}): {AGAIN}") from error
  except Exception as error:   # wfdb and soundfile raise nearly anything on damaged samples
    reason = " ".join(str(error).split())[:200]
    raise UserError(f"{data} is damaged or truncated ({reason}): {AGAIN}") from error
  check_stated(header, signal, tally, is_whole=frames == (header.frames or frames))

  late = min(signal.skew_frames * length, len(x_t))
  if late:   # wfdb itself loses samples here where a frame has several
    x_t[:len(x_t) - late] = x_t[late:]
    x_t[len(x_t) - late:] = np.nan
  return x_t


def _plain_copy(data: pathlib.Path, group: Sequence[Signal], frames: int, folder: str) -> str:
  """Writes a header of the signals in one data file beside a link to it; returns its name.

  Physical values by it are the stored numbers themselves.

  wfdb reads headers by patterns that stop, or skip letters, at names, units, dates and lengths
  that are common in files from elsewhere: it gets only what tells how samples are stored.
  """
  lines = [f"r {len(group)} 1 {frames}"]
  for signal in group:
    stored = f"{signal.format}x{signal.frame_samples}+{signal.offset}"
    lines.append(f"d {stored} 1(0)/NU 0 0 {signal.start or 0}")
  with open(os.path.join(folder, "r.hea"), "w", encoding="ascii") as file:
    file.write("\n".join(lines))

  link = os.path.join(folder, "d")
  try:
    os.symlink(os.path.abspath(data), link)
  except OSError:   # where links are not allowed
    shutil.copyfile(data, link)
  return os.path.join(folder, "r")


def _blocks(group: Sequence[Signal], frames: int) -> Iterator[tuple[int, int]]:
  """First and past the last frame of each block."""
  step = frames
  if group[0].format != "8":   # which stores differences
    frame_samples = sum(signal.frame_samples for signal in group)
    step = max(_BLOCK_SAMPLES // frame_samples, 1)
  for first in range(0, frames, step):
    yield first, min(first + step, frames)


def _read_block(
  read: Callable[..., "wfdb.Record"],
  record: str,
  place: int,
  first: int,
  last: int,
) -> np.ndarray:
  """The stored numbers of one signal in a few frames, NaN where one is missing."""
  block = read(
    record,
    sampfrom=first,
    sampto=last,
    channels=[place],
    smooth_frames=False,
    ignore_skew=True,
  )
  return block.e_p_signal[0]
