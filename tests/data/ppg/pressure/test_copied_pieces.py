"""Copies among many pieces: the same as by comparing all with all."""
from collections import Counter

import numpy as np
import pytest

from jaxsig.data.ppg.pressure import copied_pieces
from jaxsig.data.ppg.pressure.copied_pieces import LEAST_CORRELATION, MOST_LENGTH_S, Pieces

POINTS = 64


def by_all_with_all(pieces: Pieces) -> Counter:
  """What `copied` returns, from the correlations of all pieces."""
  correlation_n_n = pieces.shape_n_x.astype(float) @ pieces.shape_n_x.T.astype(float)
  length_s_n_n = np.abs(pieces.length_s_n[:, None] - pieces.length_s_n)
  is_copy_n_n = (correlation_n_n > LEAST_CORRELATION) & (length_s_n_n < MOST_LENGTH_S)
  found = Counter()
  for second in range(pieces.record_n[-1] + 1):
    has_copy_n = is_copy_n_n[:, pieces.record_n == second].any(1)
    found.update((int(first), second) for first in pieces.record_n[has_copy_n] if first < second)
  return found


def unit(shape_n_x: np.ndarray) -> np.ndarray:
  shape_n_x = shape_n_x - shape_n_x.mean(1, keepdims=True)
  return (shape_n_x / np.linalg.norm(shape_n_x, axis=1, keepdims=True)).astype(np.float32)


def pieces_with(shape_n_x: np.ndarray, draw: np.random.Generator, records: int) -> Pieces:
  """Pieces of those shapes, whose lengths are whole samples of 5 ms, as in recordings."""
  n = len(shape_n_x)
  length_s_n = draw.integers(400, 440, n) / 200
  return Pieces(unit(shape_n_x), length_s_n, np.sort(draw.integers(0, records, n)))


def planted(draw: np.random.Generator) -> Pieces:
  """Random pieces of which some are copies of others, with a little noise."""
  shape_n_x = draw.standard_normal((1500, POINTS))
  source_k, copy_k = draw.integers(0, 1500, (2, 300))
  shape_n_x[copy_k] = shape_n_x[source_k] + 0.01 * draw.standard_normal((300, POINTS))
  return pieces_with(shape_n_x, draw, 40)


def identical(draw: np.random.Generator) -> Pieces:
  """Hundreds of pieces of one shape between random ones."""
  shape_n_x = draw.standard_normal((900, POINTS))
  shape_n_x[draw.permutation(900)[:600]] = shape_n_x[0]
  return pieces_with(shape_n_x, draw, 12)


def nearly_alike(draw: np.random.Generator) -> Pieces:
  """Pieces between two shapes, in steps of which three are still a copy and four are none."""
  angle_n = 0.01 * draw.integers(0, 60, 900)
  turn_x = 2 * np.pi * np.arange(POINTS) / POINTS
  shape_n_x = np.cos(angle_n)[:, None] * np.sin(3 * turn_x)
  shape_n_x += np.sin(angle_n)[:, None] * np.sin(6 * turn_x)
  return pieces_with(shape_n_x, draw, 12)


@pytest.mark.parametrize("in_small_blocks", [False, True])
@pytest.mark.parametrize("make", [planted, identical, nearly_alike])
def test_copies_are_those_of_all_with_all(make, in_small_blocks, monkeypatch):
  if in_small_blocks:
    monkeypatch.setattr(copied_pieces, "BLOCK", 37)
    monkeypatch.setattr(copied_pieces, "CANDIDATES", 50)
  pieces = make(np.random.default_rng(3))
  expected = by_all_with_all(pieces)
  assert len(expected) > 50
  assert copied_pieces.copied(pieces) == expected


def test_what_is_near_is_compared_alone_or_with_all(monkeypatch):
  pieces = nearly_alike(np.random.default_rng(4))
  expected = by_all_with_all(pieces)
  for crowded in (0, 2):
    monkeypatch.setattr(copied_pieces, "CROWDED", crowded)
    assert copied_pieces.copied(pieces) == expected


def test_copies_lie_within_the_radius():
  pieces = nearly_alike(np.random.default_rng(5))
  place_n_d = copied_pieces._places(pieces)
  distance_n_n = np.linalg.norm(place_n_d[:, None] - place_n_d, axis=-1)
  length_s_n_n = np.abs(pieces.length_s_n[:, None] - pieces.length_s_n)
  correlation_n_n = pieces.shape_n_x @ pieces.shape_n_x.T
  is_copy_n_n = (correlation_n_n > LEAST_CORRELATION) & (length_s_n_n < MOST_LENGTH_S)
  assert 0.9 < distance_n_n[is_copy_n_n].max() / copied_pieces.RADIUS < 1


def test_one_record_and_none_have_no_copies():
  alike = np.ones((5, 1)) * np.sin(np.arange(POINTS))
  one = Pieces(unit(alike), np.full(5, 2.0), np.zeros(5, int))
  assert copied_pieces.copied(one) == Counter()
  none = Pieces(np.zeros((0, POINTS), np.float32), np.zeros(0), np.zeros(0, int))
  assert copied_pieces.copied(none) == Counter()
