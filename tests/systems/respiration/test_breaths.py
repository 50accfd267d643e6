"""Breaths one by one: matching, F1, and its rows."""
import numpy as np
import pytest
import scipy.sparse
from scoring import BREATHS, SECONDS, marks, posteriors, rows_of, score, values, wave

from jaxsig.systems.respiration import breaths

NONE = np.zeros(0)


def test_matching_is_one_to_one():
  a_s = np.array([1.0, 1.4, 9.0])
  b_s = np.array([0.95, 1.2, 1.3, 1.85, 3.0])
  partner_a, partner_b = breaths.matched(a_s, b_s)
  assert list(partner_a) == [True, True, False]
  assert list(partner_b) == [True, True, False, False, False]


def test_the_tolerance_is_half_a_second():
  zero_s = np.array([0.0])
  assert breaths.matched(zero_s, np.array([0.5]))[0][0]
  assert not breaths.matched(zero_s, np.array([0.51]))[0][0]


def test_as_many_breaths_as_can_be_are_paired():
  rng = np.random.default_rng(0)
  for _ in range(200):
    a_s = np.sort(rng.uniform(0, 6, rng.integers(0, 9)))
    b_s = np.sort(rng.uniform(0, 6, rng.integers(0, 9)))
    partner_a, partner_b = breaths.matched(a_s, b_s)

    most = 0
    if len(a_s) > 0 and len(b_s) > 0:
      near = scipy.sparse.csr_array(np.abs(a_s[:, None] - b_s) <= 0.5)
      pairs = scipy.sparse.csgraph.maximum_bipartite_matching(near)
      most = (pairs >= 0).sum()
    assert partner_a.sum() == partner_b.sum() == most


def test_f1_counts_the_breaths_of_the_window():
  marks_s = np.arange(2.0, 120, 4)
  assert breaths.f1(marks_s + 0.4, marks_s, 0, 60) == 1
  assert breaths.f1(marks_s + 0.6, marks_s, 0, 60) == 0
  assert breaths.f1(marks_s[::2], marks_s, 0, 60) == pytest.approx(2 * 8 / (8 + 15))

  twice_s = np.sort([*marks_s, *marks_s + 2])   # the last in the window would lie at 60 s
  assert breaths.f1(twice_s, marks_s, 0, 60) == pytest.approx(2 * 15 / (15 + 29))
  assert breaths.f1(NONE, marks_s, 0, 60) == 0
  assert breaths.f1(NONE, NONE, 0, 60) == 1


def test_f1_forgives_the_borders_of_the_window():
  behind_s = np.array([30.0, 60.2])
  partner_is_behind = breaths.f1(behind_s, np.array([30.0, 59.9]), 0, 60)
  assert partner_is_behind == 1
  counts_for_nothing = breaths.f1(behind_s, np.array([30.0]), 0, 60)
  assert counts_for_nothing == 1


def of_annotators(marked_s: np.ndarray, later_s: float = 0.0) -> dict[str, np.ndarray]:
  """Marks of two annotators, the second one later."""
  return {"breaths_1_s": marked_s, "breaths_2_s": marked_s + later_s}


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("lag_s", [-0.9, 0.0, 0.7])
def test_breaths_of_a_waveform_are_found_whatever_its_sign_and_lag(sign, lag_s):
  t_s = np.arange(SECONDS * 5) / 5
  breathing_t = np.cos(2 * np.pi * (t_s - 3.3 - lag_s) / 6)   # ten a minute
  marked_s = np.arange(3.3, SECONDS, 6)
  predictions = {"resp_t": sign * breathing_t, "rate_hz": 5.0}
  rows = score(predictions, breaths=of_annotators(marked_s, 0.1))
  for row in rows_of(rows, BREATHS):
    assert row.value == 1
    assert row.included


@pytest.mark.parametrize("offset_s, expected", [(2.0, 0), (1.4, 1), (2.6, 1)])
def test_a_lag_of_more_than_a_second_is_not_made_good(offset_s, expected):
  t_s = np.arange(SECONDS * 5) / 5
  slow_t = np.cos(2 * np.pi * (t_s - 3) / 8)   # maxima at 3 + 8 k, minima at 7 + 8 k
  marked_s = np.arange(3 + offset_s, SECONDS, 8)
  rows = score({"resp_t": slow_t, "rate_hz": 5.0}, breaths=of_annotators(marked_s))
  assert set(values(rows_of(rows, BREATHS))) == {expected}


def test_breath_rows_are_means_over_the_annotators():
  marked_s = marks(15)
  one_in_two = {"breaths_1_s": marked_s, "breaths_2_s": marked_s[::2]}
  for row in rows_of(score({"rate_bpm": 15.0}, breaths=one_in_two), BREATHS):
    assert row.value == pytest.approx((1 + 2 / 3) / 2, abs=0.02)
    assert not row.included
    assert "differ" in row.why


def constant(rate_bpm: float) -> dict[str, object]:
  return {"rate_bpm": rate_bpm, "resp_t": np.full(2400, 0.5), "rate_hz": 5.0}


def test_a_constant_rate_is_scored_as_evenly_spaced_breaths():
  for value in values(rows_of(score(constant(15.0)), BREATHS)):
    assert value == 1
  for value in values(rows_of(score(constant(20.0)), BREATHS)):
    assert 0.3 < value < 0.8
  for row in rows_of(score({"rate_bpm": float("nan")}), BREATHS):
    assert row.value is None
    assert row.included


@pytest.mark.parametrize("offset_s, expected", [(8.0, 1), (4.0, 1), (2.0, 0), (6.0, 0), (5.4, 1)])
def test_a_constant_rate_has_the_signs_and_lags_of_a_waveform_and_no_more(offset_s, expected):
  marked_s = np.arange(offset_s, SECONDS, 8)
  rows = score({"rate_bpm": 7.5}, breaths=of_annotators(marked_s))
  assert set(values(rows_of(rows, BREATHS))) == {expected}


def test_a_flat_waveform_has_no_breaths():
  rows = score({"resp_t": np.full(2400, 0.5), "rate_hz": 5.0})
  assert set(values(rows_of(rows, BREATHS))) == {0.0}


def test_a_window_with_a_gap_has_no_value_and_its_neighbours_do():
  gap_t = wave(15)
  gap_t[5 * 125:5 * 130] = np.nan
  rows = rows_of(score({"resp_t": gap_t, "rate_hz": 5.0}), BREATHS)
  for k, row in enumerate(rows):
    assert (row.value is None) == (k == 2)
  assert len(rows) == 8
  assert rows[1].value > 0.95
  assert rows[3].value > 0.95


def test_a_method_without_a_waveform_has_no_breath_rows():
  without_waveform = (
      posteriors([64]),
      {"modulation_q_t": np.stack([wave(15)] * 3), "rate_hz": 5.0},
  )
  for predictions in without_waveform:
    assert all(row.metric != BREATHS for row in score(predictions))
