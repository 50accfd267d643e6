"""Records, segments of them, the spans of their windows, and windows joined again to records."""
import dataclasses
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np


class Record(NamedTuple):
  """One recording of one group.

  Attributes:
    id: its name.
    group: what a split must not divide.
    rate_hz: sampling rate of all signals, which start at 0 s.
    signals: {name_t_...: array with time first, or a StoredArray that is read in slices}.
    annotations: {name_s: times in seconds, name_t: a value a sample}.
    info: plain JSON values: age, sex, source, ...
    predictions: a method's output, stitched: {name_t, name_s_t, ..., "rate_hz"}.
  """
  id: str
  group: str
  rate_hz: float
  signals: Mapping[str, Any]
  annotations: Mapping[str, np.ndarray]   # {name_s: times in seconds, name_t: labels}
  info: Mapping[str, Any]               # plain JSON values: age, sex, source, ...
  predictions: Mapping[str, Any] = {}

  @property
  def duration_s(self) -> float:
    """Length of the shortest signal in seconds."""
    return min(len(x) for x in self.signals.values()) / self.rate_hz


class Segment(NamedTuple):
  """A part of a record, in seconds: a window belongs to it that lies wholly inside."""
  group: str
  record: str
  from_s: float = 0.0
  to_s: float = np.inf


@dataclasses.dataclass(frozen=True)
class Spans:
  """Where a record's windows lie, in seconds, ascending; [b] each.

  Attributes:
    start_s_b, length_s_b: in seconds.
    augmented_b: bool: windows of a changed copy, which only training sees.
    kind_b: a number for `Data.cut` alone, such as the factor by which a copy is changed.
  """
  start_s_b: np.ndarray
  length_s_b: np.ndarray
  augmented_b: np.ndarray
  kind_b: np.ndarray

  def __len__(self) -> int:
    return len(self.start_s_b)

  def at(self, index: np.ndarray | slice) -> "Spans":
    """Some of them."""
    return Spans(
        self.start_s_b[index],
        self.length_s_b[index],
        self.augmented_b[index],
        self.kind_b[index],
    )

  def moved(self, by_s: float) -> "Spans":
    """The same, so many seconds later."""
    return dataclasses.replace(self, start_s_b=self.start_s_b + by_s)


def spans_of(start_s_b: np.ndarray, length_s_b: np.ndarray | float) -> Spans:
  """Spans of windows as they are recorded, of one length or of a length each."""
  start_s_b = np.asarray(start_s_b, np.float64)
  lengths_s_b = np.broadcast_to(np.asarray(length_s_b, np.float64), start_s_b.shape)
  return Spans(start_s_b, lengths_s_b, np.zeros(len(start_s_b), bool), np.ones(len(start_s_b)))


def augmented_spans(start_s_b: np.ndarray, length_s_b: np.ndarray | float, kind: float) -> Spans:
  """Spans of windows of a changed copy, which only training sees."""
  recorded = spans_of(start_s_b, length_s_b)
  n = len(recorded)
  return dataclasses.replace(recorded, augmented_b=np.ones(n, bool), kind_b=np.full(n, kind))


def joined_spans(parts: Sequence[Spans]) -> Spans:
  """Several spans one after another."""
  return Spans(
      np.concatenate([part.start_s_b for part in parts]),
      np.concatenate([part.length_s_b for part in parts]),
      np.concatenate([part.augmented_b for part in parts]),
      np.concatenate([part.kind_b for part in parts]),
  )


def stable_hash(text: str) -> int:
  """A 32-bit hash that is the same on every machine and run (Python's own is salted)."""
  return zlib.crc32(text.encode())


def window_names(record_id: str, index_b: np.ndarray) -> np.ndarray:
  """The names of a record's windows, for their random keys: uint32 [b, 2].

  A name is the hash of the record's id and the window's index in the record.
  """
  hashes_b = np.full(len(index_b), stable_hash(record_id))
  return np.stack([hashes_b, index_b], -1).astype(np.uint32)


def pad_rows(ids_b: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
  """Pads ids to `size` by repeating the first; returns (ids, mask) with mask 0 on the padding."""
  extra = size - len(ids_b)
  mask = np.concatenate([np.ones(len(ids_b), np.float32), np.zeros(extra, np.float32)])
  return np.concatenate([ids_b, np.full(extra, ids_b[0])]), mask


def in_time(signals: Mapping[str, Any], first: int, last: int) -> dict[str, np.ndarray]:
  """The samples from `first` to before `last` of each signal."""
  return {name: np.asarray(x[first:last]) for name, x in signals.items()}


def clipped(record: Record, segment: Segment) -> Record:
  """The part of a record that a segment names, as a record.

  Annotations in `_s` count from its start, those in `_t` are cut as the signals are;
  info["from_s"] is where it begins in the whole record.
  """
  if segment.from_s <= 0 and segment.to_s >= record.duration_s:
    return record
  first = int(np.ceil(segment.from_s * record.rate_hz - 1e-6))
  last = int(np.floor(min(segment.to_s, record.duration_s) * record.rate_hz + 1e-6))
  annotations = dict(record.annotations)
  for name, x in record.annotations.items():
    if name.endswith("_s"):
      inside = (np.asarray(x) >= segment.from_s) & (np.asarray(x) < segment.to_s)
      annotations[name] = np.asarray(x)[inside] - segment.from_s
    elif name.endswith("_t"):
      annotations[name] = np.asarray(x)[first:last]
  return record._replace(
      signals=in_time(record.signals, first, last),
      annotations=annotations,
      info={**record.info, "from_s": first / record.rate_hz},
  )
