"""An audit of recordings for what would leak through a split: copies, and subjects that dominate.

A copy is found however it is shifted, scaled or resampled: pieces of three beats, from foot to
foot, are compared by their correlation and their length.
"""
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from jaxsig.data.gaps import runs
from jaxsig.data.ppg.pressure.beat_peaks import find_beats
from jaxsig.data.ppg.pressure.copied_pieces import Pieces, copied
from jaxsig.data.ppg.pressure.prepared_ppg import resampled
from jaxsig.data.ppg.pressure.pulse_filters import band_pass
from jaxsig.data.records import Record
from jaxsig.plurals import count

RATE_HZ = 200.0             # at which feet are found: to 2.5 ms, of a piece of some seconds
BEATS = 3
POINTS = 64                 # of a piece
FEWEST_COPIES = 3           # pieces; of a record with few, an eighth of them
DOMINATES = 0.2             # share of all signal, from which on a group dominates


class Copy(NamedTuple):
  """Two records that hold the same samples."""
  first: str
  second: str
  pieces: int
  crosses: bool   # they are of two groups: a split may divide them


class Audit(NamedTuple):
  """What was found in a set of records."""
  copies: tuple[Copy, ...]
  groups_with_several: dict[str, int]       # {group: its records}
  dominating: dict[str, float]              # {group: its share of all signal}
  overlapping: tuple[tuple[str, str], ...]  # records of a group that overlap in time


def audit(records: Sequence[Record]) -> Audit:
  """Looks for copies, groups with several records or most of the signal, and overlaps in time.

  Args:
    records: with "ppg_t"; info["begin_s"], where known, is when a record of its group begins.
  """
  durations_s = Counter()
  for record in records:
    durations_s[record.group] += record.duration_s
  total_s = sum(durations_s.values())
  counts = Counter(record.group for record in records)
  several = {group: n for group, n in counts.items() if n > 1}
  dominating = {}
  for group, duration_s in durations_s.items():
    if len(counts) > 2 and duration_s > DOMINATES * total_s:
      dominating[group] = duration_s / total_s
  return Audit(
      copies=tuple(_copies(records)),
      groups_with_several=several,
      dominating=dominating,
      overlapping=tuple(_overlapping(records)),
  )


def _copies(records: Sequence[Record]) -> Iterable[Copy]:
  pieces = pieces_of(records)
  of_record = Counter(pieces.record_n.tolist())
  for (i, k), number in sorted(copied(pieces).items()):
    share = min(of_record[i], of_record[k]) // 8
    if number >= np.clip(share, 1, FEWEST_COPIES):
      first, second = records[i], records[k]
      yield Copy(first.id, second.id, number, first.group != second.group)


def pieces_of(records: Sequence[Record]) -> Pieces:
  """All pieces of three beats of all records."""
  shapes = [np.zeros((0, POINTS), np.float32)]
  lengths = [np.zeros(0)]
  numbers = [np.zeros(0, int)]
  for number, record in enumerate(records):
    ppg_t = np.asarray(record.signals["ppg_t"])
    for first, last in runs(np.isfinite(ppg_t)):
      if last - first < 2 * record.rate_hz:
        continue
      own_t = resampled(ppg_t[first:last].astype(np.float64), record.rate_hz, RATE_HZ)
      own_t = band_pass(own_t, RATE_HZ, 0.5, 8.0)
      shape_n_x, length_s_n = _pieces(own_t)
      shapes.append(shape_n_x.astype(np.float32))
      lengths.append(length_s_n)
      numbers.append(np.full(len(length_s_n), number))
  return Pieces(np.concatenate(shapes), np.concatenate(lengths), np.concatenate(numbers))


def _pieces(ppg_t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Each three beats of a stretch; of a short one, all of it.

  Returns:
    [n, POINTS] shapes, of mean 0 and length 1, and [n] lengths in seconds.
  """
  foot_k = find_beats(ppg_t, RATE_HZ).foot_k
  first_n, last_n = foot_k[:-BEATS], foot_k[BEATS:]
  if not len(first_n):
    first_n, last_n = np.array([0]), np.array([len(ppg_t) - 1])
  place_n_x = np.linspace(first_n, last_n, POINTS, axis=-1)
  shape_n_x = np.interp(place_n_x, np.arange(len(ppg_t)), ppg_t)
  shape_n_x -= shape_n_x.mean(-1, keepdims=True)
  size_n = np.sqrt(np.sum(shape_n_x**2, -1))
  has_size_n = size_n > 0
  shape_n_x = shape_n_x[has_size_n] / size_n[has_size_n, None]
  return shape_n_x, (last_n - first_n)[has_size_n] / RATE_HZ


def _overlapping(records: Sequence[Record]) -> Iterable[tuple[str, str]]:
  of_group = defaultdict(list)
  for record in records:
    if record.info.get("begin_s") is not None:
      of_group[record.group].append(record)
  for own in of_group.values():
    own.sort(key=lambda record: record.info["begin_s"])
    for first, second in itertools.pairwise(own):
      if second.info["begin_s"] < first.info["begin_s"] + first.duration_s:
        yield first.id, second.id


def findings(found: Audit) -> list[str]:
  """Sentences on what was found; the first says whether a split could leak."""
  crossing = [copy for copy in found.copies if copy.crosses]
  lines = ["Leak audit: no copies of one subject's signal under another's name."]
  if crossing:
    pairs = count(len(crossing), "pair", "pairs")
    lines = [
        f"Leak audit: {pairs} of recordings of different groups hold the same samples; a split "
        "that divides them is refused."]
  for copy in crossing:
    lines.append(f"{copy.first} and {copy.second} share {copy.pieces} pieces of three beats.")
  within = len(found.copies) - len(crossing)
  if within:
    lines.append(f"{within} pairs of recordings of one group hold the same samples.")
  if found.groups_with_several:
    lines.append(f"{len(found.groups_with_several)} groups have several recordings.")
  for group, share in found.dominating.items():
    lines.append(f"The group {group} has {100 * share:.0f} % of all signal.")
  for first, second in found.overlapping:
    lines.append(f"{first} and {second} overlap in time.")
  return lines


def tied(records: Sequence[Record]) -> list[Record]:
  """The records, each with the names of its copies in other groups as info["copies"]."""
  copies = defaultdict(list)
  for copy in _copies(records):
    if copy.crosses:
      copies[copy.first].append(copy.second)
      copies[copy.second].append(copy.first)
  told = []
  for record in records:
    if record.id in copies:
      record = record._replace(info={**record.info, "copies": copies[record.id]})
    told.append(record)
  return told
