"""The text header of a WFDB record: its signals, or the segments that it is put together from."""
import math
import pathlib
import re
from collections.abc import Sequence
from typing import NamedTuple

from jaxsig.data.signal_files.wfdb_lines import Segment, Signal, segment_of, signal_of, whole_number
from jaxsig.errors import UserError

AGAIN = "copy or export it again"
_LONGEST_NAME = 200
_MOST_BYTES = 2**24   # of a header; those of records of a thousand segments have 50 kB


class Header(NamedTuple):
  """A header: signals, or segments of a record that is put together.

  Attributes:
    rate_hz: frames a second; None where the header does not say.
    frames: None where the header does not say; 0 is WFDB's word for an unknown number.
  """
  path: pathlib.Path
  rate_hz: float | None
  frames: int | None
  signals: tuple[Signal, ...]
  segments: tuple[Segment, ...]


def read_header(path: pathlib.Path, remedy: str = AGAIN) -> Header:
  """Reads a header.

  Args:
    path: its name ends in .hea.
    remedy: what the user should do about a damaged file: the last words of its sentence.

  Raises:
    UserError: it is missing or damaged, or names a file outside of its own folder.
  """
  lines = _lines(path, remedy)
  try:
    header = _parsed(path, lines)
  except (ValueError, OverflowError) as error:
    raise UserError(
      f"{path} cannot be read as the header of a WFDB record ({str(error)[:200]}): {remedy}"
    ) from error
  _check_places(header, remedy)
  return header


def _lines(path: pathlib.Path, remedy: str) -> list[str]:
  """The lines that are neither blank nor comments."""
  try:
    if not path.is_file():
      raise UserError(f"{path} is missing or is no file: name the header (.hea) of a WFDB record")
    with path.open("rb") as file:
      content = file.read(_MOST_BYTES)
  except OSError as error:
    raise UserError(f"{path} cannot be opened ({error.strerror}): {remedy}") from error

  try:
    text = content.decode("utf-8-sig")
  except UnicodeDecodeError:
    text = content.decode("latin-1")

  lines = []
  for line in re.split(r"[\r\n]+", text):
    line = line.strip()
    if line and not line.startswith("#"):
      lines.append(line)
  return lines


def _parsed(path: pathlib.Path, lines: Sequence[str]) -> Header:
  if not lines:
    raise ValueError("it is empty")
  name, *fields = lines[0].split()
  if not fields:
    raise ValueError("its first line has no number of signals")

  _, is_joined, count = name.partition("/")
  if not is_joined:
    count = fields[0]
  expected = whole_number(count, "number of lines")
  described = lines[1:]
  if len(described) != expected:
    raise ValueError(f"it announces {expected} lines and has {len(described)}")
  if not described:
    raise ValueError("it has no signals")

  signals = ()
  segments = ()
  if is_joined:
    segments = tuple(segment_of(line) for line in described)
  else:
    signals = tuple(signal_of(line) for line in described)
  return Header(path, _rate_hz(fields), _frames(fields), signals, segments)


def _rate_hz(fields: Sequence[str]) -> float | None:
  """The rate in "125/25(0)" is 125; the rest is that of a counter."""
  if len(fields) < 2:
    return None
  frequency, _, _ = fields[1].partition("/")
  rate_hz = math.nan
  if re.fullmatch(r"[+\d.eE-]+", frequency):
    rate_hz = float(frequency)
  if not 0 <= rate_hz < math.inf:
    raise ValueError(f"{frequency[:40]!r} is no sampling rate")
  return rate_hz or None


def _frames(fields: Sequence[str]) -> int | None:
  if len(fields) < 3:
    return None
  return whole_number(fields[2], "number of samples")


def _check_places(header: Header, remedy: str) -> None:
  """Checks that all files of a record lie in its folder."""
  names = [signal.file for signal in header.signals]
  names += [segment.name for segment in header.segments]
  for name in names:
    if not name.isprintable() or len(name) > _LONGEST_NAME:
      raise UserError(f"{header.path} names {name[:40]!r}, which is no name of a file: {remedy}")
    if "/" in name or "\\" in name:
      raise UserError(
        f"{header.path} names {name[:100]!r}, outside of its own folder, which is not followed: "
        "put all files of the record into one folder and correct the header"
      )
