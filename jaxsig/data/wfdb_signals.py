"""One signal of a WFDB record of one segment: its samples, and its channel."""
from collections.abc import Callable, Iterator

import numpy as np

from jaxsig.data.channels import Channel
from jaxsig.data.wfdb_header import AGAIN, Header
from jaxsig.data.wfdb_lines import Signal
from jaxsig.data.wfdb_sizes import FLAC_FORMATS
from jaxsig.errors import UserError

_BLOCK_SAMPLES = 2**22   # of all signals of a file, read at a time


def channel_of(
  signal: Signal,
  rate_hz: float | None,
  frames: int,
  load: Callable[[], np.ndarray],
) -> Channel:
  """Returns the channel of a signal; `rate_hz` is that of the frames."""
  if rate_hz is not None:
    rate_hz = float(rate_hz * signal.frame_samples)
  return Channel(signal.name, signal.unit, rate_hz, frames * signal.frame_samples, load)


def read_samples(header: Header, channel: int, frames: int) -> np.ndarray:
  """Reads one signal of a record of one segment.

  Args:
    header: of the record.
    channel: position of the signal in it.
    frames: how many to read, from the first.

  Returns:
    [frames * samples in a frame] float64 in physical units, NaN where one is missing.

  Raises:
    UserError: wfdb does not read it.
  """
  signal = header.signals[channel]
  samples = frames * signal.frame_samples
  if signal.file == "~":
    return np.full(samples, np.nan)

  x_t = np.empty(samples)
  for first, last in _blocks(header, channel, frames):
    block_t = _read_block(header, channel, first, last)
    x_t[first * signal.frame_samples:last * signal.frame_samples] = block_t

  late = min(signal.skew_frames * signal.frame_samples, samples)
  if late:   # wfdb itself loses samples here where a frame has several
    x_t[:samples - late] = x_t[late:]
    x_t[samples - late:] = np.nan
  return x_t


def _blocks(header: Header, channel: int, frames: int) -> Iterator[tuple[int, int]]:
  """First and past the last frame of each block."""
  step = frames
  signal = header.signals[channel]
  is_divisible = signal.format != "8"   # which stores differences
  if is_divisible and header.frames is not None and header.rate_hz is not None:
    together = [other.frame_samples for other in header.signals if other.file == signal.file]
    step = max(_BLOCK_SAMPLES // sum(together), 1)
  for first in range(0, frames, step):
    yield first, min(first + step, frames)


def _read_block(header: Header, channel: int, first: int, last: int) -> np.ndarray:
  import wfdb

  signal = header.signals[channel]
  end = last
  if header.frames is None:   # wfdb then takes what the file holds
    end = None
  try:
    record = wfdb.rdrecord(
      str(header.path.with_suffix("")),
      sampfrom=first,
      sampto=end,
      channels=[channel],
      smooth_frames=False,
      ignore_skew=True,
    )
    _check_same(signal, record)
    return record.e_p_signal[0][:(last - first) * signal.frame_samples]
  except Exception as error:   # wfdb parses by hand: an odd header raises nearly anything
    name = signal.name or f"signal {channel + 1}"
    if signal.format in FLAC_FORMATS:
      raise UserError(
        f"{name} of {header.path} cannot be read, {signal.file} is damaged or truncated "
        f"({error}): {AGAIN}"
      ) from error
    raise UserError(
      f"{name} of {header.path} cannot be read by wfdb ({error}): "
      "correct the header, or rewrite the record with plain names in format 16"
    ) from error


def _check_same(signal: Signal, record: object) -> None:
  """Checks that wfdb has read a signal's line as it is written; it stops where it is puzzled."""
  pairs = {
    "file": (signal.file, record.file_name[0]),
    "format": (signal.format, record.fmt[0]),
    "samples in a frame": (signal.frame_samples, record.samps_per_frame[0]),
    "offset": (signal.offset, record.byte_offset[0] or 0),
    "gain": (signal.gain, record.adc_gain[0]),
    "baseline": (signal.baseline, record.baseline[0]),
  }
  for field, (written, read) in pairs.items():
    if written != read:
      raise ValueError(f"it takes the {field} {written} for {read}")
