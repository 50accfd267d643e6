"""Breaths one by one: matching, F1, and its rows."""
import numpy as np
import pytest
import scipy.sparse
from test_metrics import BREATHS, SECONDS, marks, record, rows_of, wave
from test_posteriors import posteriors

from jaxsig.systems.respiration import breaths
from jaxsig.systems.respiration.score import score_record


def test_matching_is_one_to_one_and_as_large_as_can_be():
  hit_a, hit_b = breaths.matched(np.array([1.0, 1.4, 9.0]), np.array([0.95, 1.2, 1.3, 1.85, 3.0]))
  assert list(hit_a) == [True, True, False] and list(hit_b) == [True, True, False, False, False]
  assert breaths.matched(np.array([0.0]), np.array([0.5]))[0][0] and not breaths.matched(np.array([0.0]), np.array([0.51]))[0][0]
  rng = np.random.default_rng(0)
  for _ in range(200):
    a_s, b_s = (np.sort(rng.uniform(0, 6, rng.integers(0, 9))) for _ in range(2))
    near = scipy.sparse.csr_array(np.abs(a_s[:, None] - b_s) <= 0.5)
    want = 0 if 0 in near.shape else (scipy.sparse.csgraph.maximum_bipartite_matching(near) >= 0).sum()
    hits = breaths.matched(a_s, b_s)
    assert hits[0].sum() == hits[1].sum() == want


def test_f1_counts_the_breaths_of_the_window_and_forgives_its_borders():
  marks_s = np.arange(2.0, 120, 4)
  assert breaths.f1(marks_s + 0.4, marks_s, 0, 60) == 1 and breaths.f1(marks_s + 0.6, marks_s, 0, 60) == 0
  assert breaths.f1(marks_s[::2], marks_s, 0, 60) == pytest.approx(2 * 8 / (8 + 15))
  assert breaths.f1(np.sort([*marks_s, *marks_s + 2]), marks_s, 0, 60) == pytest.approx(2 * 15 / (15 + 29))   # the last lies at 60 s
  assert breaths.f1(np.zeros(0), marks_s, 0, 60) == 0 and breaths.f1(np.zeros(0), np.zeros(0), 0, 60) == 1
  assert breaths.f1(np.array([30.0, 60.2]), np.array([30.0, 59.9]), 0, 60) == 1   # its partner lies behind the border
  assert breaths.f1(np.array([30.0, 60.2]), np.array([30.0]), 0, 60) == 1         # and what lies there counts for nothing


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("lag_s", [-0.9, 0.0, 0.7])
def test_breaths_of_a_waveform_are_found_whatever_its_sign_and_lag(sign, lag_s):
  at_s = np.arange(SECONDS * 5) / 5
  breath_t = np.cos(2 * np.pi * (at_s - 3.3 - lag_s) / 6)                       # ten a minute
  marked = np.arange(3.3, SECONDS, 6)
  predictions, both = {"resp_t": sign * breath_t, "rate_hz": 5.0}, {"breaths_1_s": marked, "breaths_2_s": marked + 0.1}
  assert all(r["value"] == 1 and r["kept"] for r in rows_of(score_record(record(predictions, breaths=both)), BREATHS))


def test_a_lag_of_more_than_a_second_is_not_made_good():
  at_s = np.arange(SECONDS * 5) / 5
  slow = {"resp_t": np.cos(2 * np.pi * (at_s - 3) / 8), "rate_hz": 5.0}       # its maxima or minima are 2 s from what is marked
  for offset_s, want in ((2.0, 0), (1.4, 1), (2.6, 1)):
    marked = {f"breaths_{i}_s": np.arange(3 + offset_s, SECONDS, 8) for i in (1, 2)}
    assert {r["value"] for r in rows_of(score_record(record(slow, breaths=marked)), BREATHS)} == {want}


def test_breath_rows_are_means_over_the_annotators():
  marked = marks(15)
  one_in_two = {"breaths_1_s": marked, "breaths_2_s": marked[::2]}
  rows = rows_of(score_record(record({"rate_bpm": 15.0}, breaths=one_in_two)), BREATHS)
  assert all(r["value"] == pytest.approx((1 + 2 / 3) / 2, abs=0.02) and not r["kept"] and "differ" in r["why"] for r in rows)


def test_a_constant_rate_is_scored_as_evenly_spaced_breaths():
  right, wrong = (rows_of(score_record(record({"rate_bpm": b, "resp_t": np.full(2400, 0.5), "rate_hz": 5.0})), BREATHS)
                  for b in (15.0, 20.0))
  assert all(r["value"] == 1 for r in right) and all(0.3 < r["value"] < 0.8 for r in wrong)
  assert all(r["value"] is None and r["kept"] for r in rows_of(score_record(record({"rate_bpm": float("nan")})), BREATHS))


def test_a_constant_rate_has_the_two_signs_and_the_lags_of_a_waveform_and_no_more():
  for offset_s, want in ((8.0, 1), (4.0, 1), (2.0, 0), (6.0, 0), (5.4, 1)):
    marked = {f"breaths_{i}_s": np.arange(offset_s, SECONDS, 8) for i in (1, 2)}
    assert {r["value"] for r in rows_of(score_record(record({"rate_bpm": 7.5}, breaths=marked)), BREATHS)} == {want}


def test_a_flat_waveform_has_no_breaths_a_gap_no_answer_and_a_method_without_waveform_no_row():
  assert {r["value"] for r in rows_of(score_record(record({"resp_t": np.full(2400, 0.5), "rate_hz": 5.0})), BREATHS)} == {0.0}
  gap_t = wave(15)
  gap_t[5 * 125:5 * 130] = np.nan
  found = rows_of(score_record(record({"resp_t": gap_t, "rate_hz": 5.0})), BREATHS)
  assert [r["value"] is None for r in found] == [k == 2 for k in range(8)] and found[1]["value"] > 0.95 and found[3]["value"] > 0.95
  for silent in (posteriors([64]), {"modulation_q_t": np.stack([wave(15)] * 3), "rate_hz": 5.0}):
    assert not [r for r in score_record(record(silent)) if r["metric"] == BREATHS]
