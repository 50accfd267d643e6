"""A line of the header of a WFDB record: a signal or a segment."""
import math
import re
from collections.abc import Sequence
from typing import NamedTuple

_FORMAT = re.compile(r"(\d+)(?:x(\d+))?(?::(\d+))?(?:\+(\d+))?")
_GAIN = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?:\((-?\d+)\))?(?:/([^\s()]*))?")
_LIKE_A_GAIN = re.compile(r"[-+.]?(\d|inf|nan)", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d+")
_NUMBERS_AFTER_GAIN = 5   # resolution, zero, first value, checksum, block size


class Signal(NamedTuple):
  """A line of a header: one signal of a record.

  Attributes:
    file: the name of its data file; "~" where there is none.
    format: WFDB's number of how samples are stored.
    frame_samples: how many samples it has in a frame.
    skew_frames: how many frames late it is.
    offset: of its first sample in the file: bytes, samples in a FLAC file.
    start: the first stored number, or the one before it where differences are stored; None where
      the line does not say.
    checksum: the sum of all stored numbers modulo 2**16; None where the line does not say.
    gain, baseline: stored number = gain * physical value + baseline.
    calibrated: whether the gain is known; WFDB's default of 200 stands in for an unknown one.
    unit, name: as the file spells them.
  """
  file: str
  format: str
  frame_samples: int
  skew_frames: int
  offset: int
  start: int | None
  checksum: int | None
  gain: float
  baseline: int
  calibrated: bool
  unit: str
  name: str


class Segment(NamedTuple):
  """A line of a header: a record of its own that is a part of this one; "~" is a gap."""
  name: str
  frames: int


def segment_of(line: str) -> Segment:
  """Returns the segment of a line; ValueError where it is none."""
  words = line.split()
  frames = " ".join(words[1:2])
  return Segment(words[0], whole_number(frames, f"number of samples of segment {words[0]}"))


def signal_of(line: str) -> Signal:
  """Returns the signal of a line, whose fields may be left out from the right.

  Raises:
    ValueError: it is none.
  """
  words = line.split()
  stored = " ".join(words[1:2])
  match = _FORMAT.fullmatch(stored)
  if match is None:
    raise ValueError(f"{stored[:40]!r} is no format of a signal")
  kind, frame_samples, skew, offset = match.groups()

  used = 2
  gain, baseline, unit = "0", None, None
  match = _GAIN.fullmatch(" ".join(words[2:3]))
  if match:
    gain, baseline, unit = match.groups()
    used = 3
  elif _LIKE_A_GAIN.match(" ".join(words[2:3])):
    raise ValueError(f"{words[2][:40]!r} is no gain")
  if not math.isfinite(float(gain)):
    raise ValueError(f"{gain[:40]!r} is no gain")
  numbers = _leading_numbers(words[used:])
  used += len(numbers)
  if baseline is None:
    baseline = "".join(numbers[1:2])   # the zero of the converter

  parts = line.split(maxsplit=used)
  return Signal(
    file=words[0],
    format=kind.lstrip("0") or "0",
    frame_samples=int(frame_samples or 1) or 1,
    skew_frames=int(skew or 0),
    offset=int(offset or 0),
    start=_optional(numbers[2:3]),
    checksum=_optional(numbers[3:4]),
    gain=float(gain) or 200.0,
    baseline=int(baseline or 0),
    calibrated=float(gain) != 0,
    unit=unit or "",
    name=" ".join(parts[used:]).strip(),
  )


def _leading_numbers(words: Sequence[str]) -> list[str]:
  """The fields between the gain and the description, which may be left out from the right."""
  numbers = []
  for word in words[:_NUMBERS_AFTER_GAIN]:
    if not _NUMBER.fullmatch(word):
      break
    numbers.append(word)
  return numbers


def _optional(numbers: Sequence[str]) -> int | None:
  """The only one of them; None where there is none."""
  for number in numbers:
    return int(number)
  return None


def whole_number(text: str, what: str) -> int:
  """Returns a number of digits only; ValueError, with `what` it should be, for all else."""
  if not re.fullmatch(r"\d{1,18}", text):
    raise ValueError(f"{text[:40]!r} is no {what}")
  return int(text)
