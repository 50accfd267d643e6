"""The segments of a WFDB record at their places in time."""
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from jaxsig.data.signal_files.wfdb_header import Header, read_header
from jaxsig.data.signal_files.wfdb_lines import Signal
from jaxsig.data.signal_files.wfdb_sizes import frames_of
from jaxsig.errors import UserError

Key = tuple[str, int]      # name of a signal, and how many of that name stand before it


class Part(NamedTuple):
  """A segment at its place in the record; without a header it is a gap."""
  number: int
  first_frame: int
  frames: int
  header: Header | None
  places: dict[Key, int]


def parts_of(header: Header, remedy: str) -> Iterator[Part]:
  """Yields the segments in the order of time.

  Raises:
    UserError: a segment is missing, truncated or damaged.
  """
  number = 0
  first_frame = 0
  for i, segment in enumerate(header.segments):
    if segment.frames == 0:   # the layout, or nothing
      continue
    part_header = None
    places = {}
    if segment.name != "~":
      part_header = segment_header(header, i, remedy)
      frames_of(part_header, segment.frames, remedy)
      for place, (key, _) in enumerate(keyed(part_header.signals)):
        places[key] = place
    number += 1
    yield Part(number, first_frame, segment.frames, part_header, places)
    first_frame += segment.frames


def segment_header(header: Header, i: int, remedy: str) -> Header:
  """Returns the header of a segment.

  Raises:
    UserError: it is missing, or has fewer samples than the record counts on.
  """
  segment = header.segments[i]
  path = header.path.with_name(segment.name + ".hea")
  if not path.is_file():
    raise UserError(f"{path} is missing, a segment of {header.path.name}: {remedy}")

  part = read_header(path, remedy)
  if part.segments:
    raise UserError(
      f"{path}, a segment of {header.path.name}, has segments of its own, "
      "which WFDB does not allow: read it by itself"
    )
  if part.frames is not None and part.frames < segment.frames:
    raise UserError(
      f"{path} is truncated, {part.frames} frames "
      f"of the {segment.frames} that {header.path.name} promises: {remedy}"
    )
  return part


def keyed(signals: Sequence[Signal]) -> Iterator[tuple[Key, Signal]]:
  """Yields each signal with what it is known by in all segments."""
  seen = {}
  for signal in signals:
    name = signal.name.strip(" ,")
    yield (name, seen.get(name, 0)), signal
    seen[name] = seen.get(name, 0) + 1
