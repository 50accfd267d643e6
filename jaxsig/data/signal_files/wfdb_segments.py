"""WFDB records of many segments, put together; where a segment or a signal is missing it is NaN."""
from collections.abc import Sequence
from functools import partial

import numpy as np

from jaxsig.data.signal_files.channels import Channels
from jaxsig.data.signal_files.wfdb_header import Header
from jaxsig.data.signal_files.wfdb_lines import Signal
from jaxsig.data.signal_files.wfdb_notes import notes_on, notes_on_parts
from jaxsig.data.signal_files.wfdb_parts import Key, Part, keyed, parts_of, segment_header
from jaxsig.data.signal_files.wfdb_signals import channel_of, read_samples
from jaxsig.data.signal_files.wfdb_stated import notes_on_surplus
from jaxsig.errors import UserError


def join_segments(header: Header, remedy: str) -> Channels:
  """Returns the channels of a record of many segments.

  Raises:
    UserError: a segment is missing, truncated, or does not fit the others.
  """
  is_variable = header.segments[0].frames == 0
  layout = None
  if is_variable:
    layout = segment_header(header, 0, remedy)
  parts = list(parts_of(header, remedy))

  present = [part for part in parts if part.header is not None]
  if not present:
    raise UserError(f"{header.path} has no segment with samples: name another record")
  if layout is None:
    layout = present[0].header
    _check_alike(header, present)

  rate_hz = _rate_hz(header, present)
  frames = sum(part.frames for part in parts)
  channels = []
  for key, signal in keyed(layout.signals):
    signal = _as_stored(header, signal, key, present)
    load = partial(_load, parts, key, signal.frame_samples, frames)
    channels.append(channel_of(header, signal, rate_hz, frames, load))

  notes = list(notes_on_parts(header, layout, parts, rate_hz))
  notes += notes_on([part.header for part in present], rate_hz)
  for part in present:
    notes += notes_on_surplus(part.header, part.header.frames or part.frames)
  return Channels(tuple(channels), tuple(notes))


def _check_alike(header: Header, present: Sequence[Part]) -> None:
  """Checks that all segments have the same signals in the same order."""
  expected = present[0]
  for part in present[1:]:
    if list(part.places) != list(expected.places):
      raise UserError(
        f"{part.header.path} has other signals than {expected.header.path.name}, "
        f"and {header.path.name} has no layout that tells which is which: "
        "read the segments one by one"
      )


def _rate_hz(header: Header, present: Sequence[Part]) -> float | None:
  """Frames a second of the record; a segment of another rate is an error."""
  rate_hz = header.rate_hz
  for part in present:
    part_hz = part.header.rate_hz
    if rate_hz is None:
      rate_hz = part_hz
    if part_hz is not None and abs(part_hz - rate_hz) > 1e-6 * rate_hz:
      raise UserError(
        f"{part.header.path} is sampled at {part_hz:g} Hz, "
        f"{header.path.name} at {rate_hz:g}: read the segments one by one"
      )
  return rate_hz


def _as_stored(header: Header, signal: Signal, key: Key, present: Sequence[Part]) -> Signal:
  """The signal as the first segment that has it describes it."""
  stored = []
  for part in present:
    if key in part.places:
      stored.append(part.header.signals[part.places[key]])
  for other in stored:
    if other.frame_samples != signal.frame_samples or other.unit != stored[0].unit:
      raise UserError(
        f"{signal.name} of {header.path} has another unit or another number of samples in a frame "
        "in some segments: read the segments one by one"
      )
  if stored:
    return stored[0]
  return signal


def _load(parts: Sequence[Part], key: Key, frame_samples: int, frames: int) -> np.ndarray:
  x_t = np.full(frames * frame_samples, np.nan)
  for part in parts:
    if key in part.places:
      first = part.first_frame * frame_samples
      part_t = read_samples(part.header, part.places[key], part.frames)
      x_t[first:first + len(part_t)] = part_t
  return x_t
