"""Pieces of pulse waves of which one is a copy of the other, found among millions.

Two pieces are copies where their shapes correlate by more than LEAST_CORRELATION and their lengths
differ by less than MOST_LENGTH_S. Comparing all with all would take an hour at a million pieces.
Shapes are vectors of length 1, so that a high correlation is a short distance, and a projection on
a few directions makes no distance longer: what is near a piece in the projection is found by a
tree, and only that is compared in full. The copies are those of comparing all with all.
"""
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

LEAST_CORRELATION = 0.9995  # of pieces of which one is a copy; unlike beats reach 0.998
MOST_LENGTH_S = 0.05        # by which the lengths of copies differ
ROUNDING = 1e-5             # more than float32 adds to the square of a distance
FARTHEST = np.sqrt(2 * (1 - LEAST_CORRELATION) + ROUNDING)   # shapes of copies from each other
DIRECTIONS = 8              # on which shapes are projected
LENGTH_SCALE = FARTHEST / 2 / MOST_LENGTH_S   # the length in seconds is one more coordinate
RADIUS = np.sqrt(1.25) * FARTHEST             # so that copies lie within this distance
BLOCK = 2048                # pieces that are looked for at once
CANDIDATES = 2**17          # pairs that are compared at once
CROWDED = 1 / 32            # share of all pieces near one, from which on it is compared with all


class Pieces(NamedTuple):
  """The pieces of records, in the order of the records; [n] each."""
  shape_n_x: np.ndarray    # float32, mean 0 and length 1
  length_s_n: np.ndarray
  record_n: np.ndarray     # the number of the record, ascending


def copied(pieces: Pieces) -> Counter:
  """{(record, later record): how many pieces of the first have a copy in the second}.

  The records are halved again and again, and the pieces of one half are looked for in the other:
  those of one record, which may all be alike, are never compared.
  """
  place_n_d = _places(pieces)
  found = Counter()
  waiting = [slice(0, len(pieces.record_n))]
  while waiting:
    part = waiting.pop()
    middle = _boundary(pieces.record_n, part)
    if middle is None:
      continue
    earlier = slice(part.start, middle)
    later = slice(middle, part.stop)
    found.update(_copied_in(pieces, place_n_d, earlier, later))
    waiting += [earlier, later]
  return found


def _places(pieces: Pieces) -> np.ndarray:
  """[n, DIRECTIONS + 1] where pieces lie: copies are no farther apart than RADIUS.

  The directions are orthonormal, and those in which the shapes differ most.
  """
  shape_n_x = pieces.shape_n_x
  _, direction_x_x = np.linalg.eigh(shape_n_x.T @ shape_n_x)   # in ascending order
  projected_n_d = shape_n_x @ direction_x_x[:, -DIRECTIONS:]
  return np.column_stack([projected_n_d, LENGTH_SCALE * pieces.length_s_n])


def _boundary(record_n: np.ndarray, part: slice) -> int | None:
  """The first piece of a record that is nearest to the middle of a part; None in one record."""
  starts = part.start + 1 + np.flatnonzero(np.diff(record_n[part]))
  if not len(starts):
    return None
  middle = (part.start + part.stop) / 2
  return int(starts[np.argmin(np.abs(starts - middle))])


def _copied_in(
    pieces: Pieces,
    place_n_d: np.ndarray,
    earlier: slice,
    later: slice,
) -> Counter:
  """The same as `copied`, between the records of two parts."""
  import scipy.spatial  # takes long to import: only where pieces are compared

  tree = scipy.spatial.cKDTree(place_n_d[later])
  records = int(pieces.record_n[-1]) + 1
  found = Counter()
  for first in range(earlier.start, earlier.stop, BLOCK):
    own_i = np.arange(first, min(first + BLOCK, earlier.stop))
    near_i = tree.query_ball_point(place_n_d[own_i], RADIUS, return_length=True)
    is_crowded_i = near_i > CROWDED * tree.n

    pairs = list(_crowded_pairs(pieces, own_i[is_crowded_i], later))
    has_near_i = ~is_crowded_i & (near_i > 0)
    for chosen_i in _chunks(own_i[has_near_i], near_i[has_near_i]):
      near = tree.query_ball_point(place_n_d[chosen_i], RADIUS)
      i = np.repeat(chosen_i, [len(one) for one in near])
      k = later.start + np.concatenate(near).astype(int)
      pairs.append(_copies_of(pieces, i, k))
    if pairs:
      found.update(_counted(np.concatenate(pairs), pieces.record_n, records))
  return found


def _chunks(own_i: np.ndarray, near_i: np.ndarray) -> Iterator[np.ndarray]:
  """Parts of some pieces that have about CANDIDATES pieces near them together."""
  chunk_i = np.cumsum(near_i) // CANDIDATES
  edges = np.flatnonzero(np.diff(chunk_i)) + 1
  for part_i in np.split(own_i, edges):
    if len(part_i):
      yield part_i


def _copies_of(pieces: Pieces, i: np.ndarray, k: np.ndarray) -> np.ndarray:
  """[copies, 2] piece and the record of its copy, of the pairs of pieces i and k that are such."""
  length_s = np.abs(pieces.length_s_n[i] - pieces.length_s_n[k])
  is_close = length_s < MOST_LENGTH_S
  i, k = i[is_close], k[is_close]
  correlation = np.einsum("nx,nx->n", pieces.shape_n_x[i], pieces.shape_n_x[k])
  is_copy = correlation > LEAST_CORRELATION
  return np.stack([i[is_copy], pieces.record_n[k[is_copy]]], -1)


def _crowded_pairs(
    pieces: Pieces,
    own_i: np.ndarray,
    later: slice,
) -> Iterator[np.ndarray]:
  """[copies, 2] the same of some pieces and all of a part: quicker where most are near."""
  if not len(own_i):
    return
  own_length_s = pieces.length_s_n[own_i, None]
  for first in range(later.start, later.stop, BLOCK):
    block = slice(first, min(first + BLOCK, later.stop))
    correlation_i_k = pieces.shape_n_x[own_i] @ pieces.shape_n_x[block].T
    length_s_i_k = np.abs(own_length_s - pieces.length_s_n[block])
    is_copy_i_k = (correlation_i_k > LEAST_CORRELATION) & (length_s_i_k < MOST_LENGTH_S)

    record_k = pieces.record_n[block]
    starts_r = np.flatnonzero(np.diff(record_k, prepend=-1))
    has_copy_i_r = np.logical_or.reduceat(is_copy_i_k, starts_r, axis=1)
    i, r = np.nonzero(has_copy_i_r)
    yield np.stack([own_i[i], record_k[starts_r[r]]], -1)


def _counted(pairs: np.ndarray, record_n: np.ndarray, records: int) -> Counter:
  """{(record, later record): pieces} of [pairs, 2] piece and later record, some of them twice."""
  once = np.unique(pairs[:, 0] * records + pairs[:, 1])
  first, second = record_n[once // records], once % records
  both, numbers = np.unique(first * records + second, return_counts=True)
  found = Counter()
  for one, number in zip(both.tolist(), numbers.tolist(), strict=True):
    found[one // records, one % records] = number
  return found
