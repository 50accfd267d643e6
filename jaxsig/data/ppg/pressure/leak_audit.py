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
from jaxsig.data.ppg.pressure.prepared_ppg import resampled
from jaxsig.data.ppg.pressure.pulse_filters import band_pass
from jaxsig.data.records import Record
from jaxsig.plurals import count

RATE_HZ = 200.0             # at which feet are found: to 2.5 ms, of a piece of some seconds
BEATS = 3
POINTS = 64                 # of a piece
LEAST_CORRELATION = 0.9995  # of pieces of which one is a copy; unlike beats reach 0.998
MOST_LENGTH_S = 0.05        # by which the lengths of copies differ
FEWEST_COPIES = 3           # pieces; of a record with few, an eighth of them
BLOCK = 4096                # pieces that are compared at once
DOMINATES = 0.2             # share of all signal, from which on a group dominates


class Pieces(NamedTuple):
  """The pieces of records; [n] each."""
  shape_n_x: np.ndarray    # mean 0 and length 1
  length_s_n: np.ndarray
  record_n: np.ndarray     # the number of the record


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
  matches = _matches(pieces)
  for (i, k), number in sorted(matches.items()):
    share = min(of_record[i], of_record[k]) // 8
    if number >= np.clip(share, 1, FEWEST_COPIES):
      first, second = records[i], records[k]
      yield Copy(first.id, second.id, number, first.group != second.group)


def pieces_of(records: Sequence[Record]) -> Pieces:
  """All pieces of three beats of all records."""
  shapes, lengths, numbers = [], [], []
  for number, record in enumerate(records):
    ppg_t = np.asarray(record.signals["ppg_t"])
    for first, last in runs(np.isfinite(ppg_t)):
      if last - first < 2 * record.rate_hz:
        continue
      own_t = resampled(ppg_t[first:last].astype(np.float64), record.rate_hz, RATE_HZ)
      own_t = band_pass(own_t, RATE_HZ, 0.5, 8.0)
      found = _pieces(own_t)
      shapes += [shape for shape, _ in found]
      lengths += [length_s for _, length_s in found]
      numbers += [number] * len(found)
  return Pieces(
      np.array(shapes, np.float32).reshape(-1, POINTS),
      np.array(lengths),
      np.array(numbers, int),
  )


def _pieces(ppg_t: np.ndarray) -> list[tuple[np.ndarray, float]]:
  """(shape, length in seconds) of each three beats of a stretch; of a short one, of all of it."""
  foot_k = find_beats(ppg_t, RATE_HZ).foot_k
  spans = list(zip(foot_k[:-BEATS], foot_k[BEATS:], strict=True))
  if not spans:
    spans = [(0, len(ppg_t) - 1)]
  pieces = []
  for first, last in spans:
    place_x = np.linspace(first, last, POINTS)
    shape_x = np.interp(place_x, np.arange(len(ppg_t)), ppg_t)
    shape_x = shape_x - shape_x.mean()
    size = np.sqrt(np.sum(shape_x**2))
    if size > 0:
      pieces.append((shape_x / size, (last - first) / RATE_HZ))
  return pieces


def _matches(pieces: Pieces) -> Counter:
  """{(record, later record): how many pieces of the first have a copy in the second}."""
  matches = Counter()
  n = len(pieces.record_n)
  for first in range(0, n, BLOCK):
    rows = slice(first, min(first + BLOCK, n))
    for other in range(first, n, BLOCK):
      columns = slice(other, min(other + BLOCK, n))
      matches += _block_matches(pieces, rows, columns)
  return matches


def _block_matches(pieces: Pieces, rows: slice, columns: slice) -> Counter:
  correlation = pieces.shape_n_x[rows] @ pieces.shape_n_x[columns].T
  i, k = np.nonzero(correlation > LEAST_CORRELATION)
  length_s = np.abs(pieces.length_s_n[rows][i] - pieces.length_s_n[columns][k])
  first, second = pieces.record_n[rows][i], pieces.record_n[columns][k]
  is_copy = (first < second) & (length_s < MOST_LENGTH_S)
  triples = np.stack([first, second, i], -1)[is_copy]
  return Counter((int(a), int(b)) for a, b, _ in np.unique(triples, axis=0))


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
