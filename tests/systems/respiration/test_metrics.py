"""Protocols of breathing: closed forms of every rate, of the waveform measures and of the rows."""
import json

import numpy as np
import pytest
from ml_collections import ConfigDict
from scoring import (
  AUTHORS,
  BREATHS,
  COUNT,
  SECONDS,
  SPECTRAL,
  estimates,
  marks,
  plain,
  record,
  rows_of,
  score,
  target,
  values,
  wave,
)

from jaxsig.errors import UserError
from jaxsig.systems.respiration import protocol, waveforms
from jaxsig.systems.respiration.score import score_record, starts_s, stratum
from jaxsig.systems.respiration.target import Target

# Rates


@pytest.mark.parametrize("bpm", [6.0, 11.7, 15.0, 22.35, 28.9])
@pytest.mark.parametrize("rate_hz", [4.0, 30.0])
def test_estimators_find_the_rate_of_a_sine(bpm, rate_hz):
  x_t = 2 + wave(bpm, rate_hz, 60, 0.4)
  assert abs(waveforms.spectral_rate_bpm(x_t, rate_hz) - bpm) < 0.1
  assert abs(waveforms.count_rate_bpm(x_t, rate_hz) - bpm) < 0.25
  grid_bpm = 1.0   # of the published rule
  assert abs(waveforms.authors_rate_bpm(x_t, rate_hz) - bpm) <= grid_bpm / 2 + 1e-6


@pytest.mark.parametrize("estimator", [
    waveforms.spectral_rate_bpm,
    waveforms.count_rate_bpm,
    waveforms.authors_rate_bpm,
])
def test_rates_are_batched_and_none_where_nothing_moves(estimator):
  breathing_t = wave(10, seconds=60)
  flat_t = np.full(300, 0.5)
  gap_t = np.full(300, np.nan)
  x_s_t = np.stack([breathing_t, flat_t, gap_t])
  np.testing.assert_allclose(estimator(x_s_t, 5.0), [10, np.nan, np.nan], atol=0.15)
  assert np.shape(estimator(x_s_t[None], 5.0)) == (1, 3)


def test_one_breath_is_not_counted_as_a_rate():
  assert np.isnan(waveforms.count_rate_bpm(wave(10, seconds=12), 5.0))
  assert waveforms.count_rate_bpm(wave(10, seconds=24), 5.0) == pytest.approx(10, abs=1)


def test_drift_is_not_reported_as_a_rate():
  drift_t = (np.arange(300) / 300) ** 2
  assert np.isnan(waveforms.spectral_rate_bpm(drift_t, 5.0))


def test_the_published_rule_does_not_detrend():
  """Which is why it is used for nothing else."""
  drift_t = wave(15, seconds=60) + 0.2 * np.arange(300)
  assert waveforms.authors_rate_bpm(drift_t, 5.0) == pytest.approx(1.0)
  assert abs(waveforms.spectral_rate_bpm(drift_t, 5.0) - 15) < 0.1


def test_breath_rate_is_the_mean_interval():
  assert waveforms.breath_rate_bpm(marks(18), 60, 60) == pytest.approx(18)
  assert waveforms.breath_rate_bpm([1, 2, 7, 70], 0, 60) == pytest.approx(20)
  assert np.isnan(waveforms.breath_rate_bpm([5], 0, 60))


# Waveforms


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("lag_s", [-0.8, 0.0, 0.6])
def test_sign_and_lag_are_resolved(sign, lag_s):
  noise_t = np.random.default_rng(0).standard_normal(400)
  long_t = np.convolve(noise_t, np.hanning(9), "same")
  shift = round(lag_s * 5)
  x_t = long_t[20:320]
  y_t = sign * long_t[20 - shift:320 - shift]
  best = waveforms.signed_lag_correlation(x_t, y_t, 5.0)
  assert best.value == pytest.approx(1)
  assert best.sign == sign
  assert best.lag_s == pytest.approx(lag_s)


def test_correlation_of_flat_and_far_signals():
  flat_t = np.full(300, 0.5)
  flat = waveforms.signed_lag_correlation(wave(15, seconds=60), flat_t, 5.0)
  assert flat.value == 0

  slow_t = wave(5, seconds=60)
  quarter_later_t = wave(5, seconds=60, phase=np.pi / 2)   # 3 s, and only 1 s may be made good
  quarter = waveforms.signed_lag_correlation(slow_t, quarter_later_t, 5.0)
  assert quarter.value == pytest.approx(np.sin(2 * np.pi / 12), abs=0.02)


def test_constant_predictor_against_a_sinusoid():
  truth_t = waveforms.unit_scale(wave(15, 30.0, 60))
  constant_t = waveforms.unit_scale(np.full(1800, 7.0))
  assert (constant_t == 0.5).all()
  error = waveforms.waveform_mae(truth_t, constant_t)
  assert error == pytest.approx(1 / np.pi, abs=1e-3)   # the published 0.307
  assert (truth_t.min(), truth_t.max()) == (0, 1)


# Rows


def test_windows_of_480_s():
  whole = record({})
  assert len(starts_s(whole, 60, 20)) == 22
  assert len(starts_s(whole, 60, 60)) == 8
  assert len(starts_s(whole, 32, 32)) == 15
  assert len(starts_s(whole, 64, 64)) == 7
  short = whole._replace(signals={"ppg_t": np.zeros(1000)})
  assert len(starts_s(short, 60, 60)) == 0


def test_strata_borders():
  strata = [stratum(bpm) for bpm in (11.99, 12, 20, 20.01, np.nan)]
  assert strata == ["<12", "12-20", "12-20", ">20", None]


def test_rows_of_a_perfect_prediction():
  rows = score({"resp_t": -3 * wave(15), "rate_hz": 5.0})
  assert json.loads(json.dumps(plain(rows))) == plain(rows)

  counts = {
      AUTHORS: 22,
      "rr_bpm_win60_resp_spectral": 8,
      "resp_corr_lag1s_signed_win60": 8,
      "resp_mae_unit_win60": 8,
      "resp_mae_sym_win60": 8,
      BREATHS: 8,
  }
  for window_s, n in ((32, 15), (60, 8), (64, 7)):
    counts[f"rr_bpm_win{window_s}_annotators_spectral"] = n
    counts[f"rr_bpm_win{window_s}_annotators_count"] = n
  assert {row.metric for row in rows} == set(counts)
  for metric, n in counts.items():
    assert len(rows_of(rows, metric)) == n

  for row in rows:
    assert row.included
    assert row.record == "r01"
    assert row.group == "p1"
    if row.is_error:
      assert abs(row.estimate - row.truth) < 0.3
      assert row.spread is None
      assert row.strata == {"rate": "12-20"}

  assert rows_of(rows, COUNT)[1].unit == "60-120 s"
  for row in rows_of(rows, "resp_corr_lag1s_signed_win60"):
    assert row.value == pytest.approx(1, abs=1e-3)
  unit_rows = rows_of(rows, "resp_mae_unit_win60")
  symmetric_rows = rows_of(rows, "resp_mae_sym_win60")
  for unit, symmetric in zip(unit_rows, symmetric_rows, strict=True):
    assert symmetric.value == pytest.approx(2 * unit.value)


def test_windows_on_which_the_annotators_disagree_are_not_included():
  second = marks(15)
  in_minute_two = (second >= 60) & (second <= 120)
  every_other = np.arange(len(second)) % 2 == 0
  second = second[~in_minute_two | every_other]   # half of those in minute two
  second = second[second < 421]                   # and one in the last
  breaths = {"breaths_1_s": marks(15), "breaths_2_s": second}

  rows = rows_of(score({"resp_t": wave(15), "rate_hz": 5.0}, breaths=breaths), SPECTRAL)
  assert [row.included for row in rows] == [True, False, *[True] * 5, False]
  assert "differ" in rows[1].why
  assert rows[1].truth == pytest.approx(11.25, abs=0.3)
  assert "fewer than 2" in rows[7].why
  assert rows[7].truth is None
  assert rows[7].strata == {}


def test_annotators_who_nearly_agree_have_their_mean_as_truth():
  breaths = {"breaths_1_s": marks(15), "breaths_2_s": marks(16.9)}
  for row in rows_of(score({"rate_bpm": 15.0}, breaths=breaths), SPECTRAL):
    assert row.included
    assert row.truth == pytest.approx(15.95)


@pytest.mark.parametrize("rate_of, expected", [("mean", 25), ("samples", 15)])
def test_sampled_method_rate_of_its_mean_or_its_samples(rate_of, expected):
  samples = np.stack([wave(bpm) for bpm in (14, 15, 19)])
  predictions = {"resp_s_t": samples, "resp_t": wave(25), "rate_hz": 5.0}
  for row in rows_of(score(predictions, rate_of), SPECTRAL):
    assert row.estimate == pytest.approx(expected, abs=0.1)
    assert row.spread == pytest.approx(np.std([14, 15, 19], ddof=1), abs=0.1)


def test_two_of_three_samples_without_a_rate_are_no_consensus():
  samples = np.stack([wave(bpm) for bpm in (14, 15, 19)])
  samples[1:] = 0.5
  predictions = {"resp_s_t": samples, "resp_t": wave(25), "rate_hz": 5.0}
  assert rows_of(score(predictions, "samples"), SPECTRAL)[0].estimate is None


def test_an_unknown_rule_is_named():
  with pytest.raises(UserError, match="rate_of"):
    protocol.make(ConfigDict({"read": {"rate_of": "median"}}))


def test_modulations_are_fused():
  modulations = np.stack([wave(bpm) for bpm in (12, 15, 21)])
  rows = score({"modulation_q_t": modulations, "rate_hz": 5.0})
  for metric in (SPECTRAL, COUNT, AUTHORS):
    for row in rows_of(rows, metric):
      assert row.estimate == pytest.approx(16, abs=0.3)
      assert row.spread == pytest.approx(4.58, abs=0.3)
  assert all(row.is_error for row in rows)


def test_constant_rate_and_its_flat_waveform():
  flat_t = np.full(4 * SECONDS, 0.5)
  rows = score({"rate_bpm": 17.0, "resp_t": flat_t, "rate_hz": 4.0})
  assert {row.estimate for row in rows if row.is_error} == {17.0}
  assert set(values(rows_of(rows, "resp_corr_lag1s_signed_win60"))) == {0.0}
  for row in rows_of(rows, "resp_mae_unit_win60"):
    assert row.value == pytest.approx(1 / np.pi, abs=0.01)
  assert score({"rate_bpm": float("nan")})[0].estimate is None


def test_divisor_slip_is_22_over_21_of_the_mean():
  predicted = record({"resp_t": wave(19), "rate_hz": 5.0})
  rows = score_record(predicted, target(), divisor_slip=True)
  errors = [abs(row.estimate - row.truth) for row in rows_of(rows, AUTHORS)]
  slipped, = rows_of(rows, "rr_mae_bpm_win60_resp_authors_div_n_minus_1")
  assert np.mean(errors) == pytest.approx(4)
  assert slipped.value == pytest.approx(np.mean(errors) * 22 / 21)
  assert slipped.unit == "0-480 s"


def test_the_published_post_filter_is_on_the_estimate_alone():
  noisy_t = wave(15) + 2 * wave(110, phase=1.0)
  predicted = record({"resp_t": noisy_t, "rate_hz": 5.0})
  for row in rows_of(score_record(predicted, target()), AUTHORS):
    assert row.estimate == pytest.approx(15)
  for row in rows_of(score_record(predicted, Target(noisy_t, 5.0)), AUTHORS):
    assert row.truth == pytest.approx(110)


def test_predictions_of_another_rate_score_the_same():
  slow_rows = score({"resp_t": wave(15, 4.0, phase=0.5), "rate_hz": 4.0})
  fast_rows = score({"resp_t": wave(15, 30.0, phase=0.5), "rate_hz": 30.0})
  for slow, fast in zip(slow_rows, fast_rows, strict=True):
    assert slow.metric == fast.metric
    if slow.is_error:
      assert slow.estimate == pytest.approx(fast.estimate, abs=0.1)
    else:
      assert slow.value == pytest.approx(fast.value, abs=0.1)


def test_what_a_method_left_out_is_no_estimate_but_stays_an_included_row():
  short_t = wave(15)[:5 * 300]
  short_t[5 * 70:5 * 80] = np.nan
  predicted = record({"resp_t": short_t, "rate_hz": 5.0})
  rows = score_record(predicted, target(), divisor_slip=True)

  without = [False, True, *[False] * 3, *[True] * 3]
  rate_rows = rows_of(rows, SPECTRAL), rows_of(rows, COUNT)
  for minutes in rate_rows:
    assert [row.estimate is None for row in minutes] == without
    assert all(row.included for row in minutes)
  correlations = rows_of(rows, "resp_corr_lag1s_signed_win60")
  assert [row.value is None for row in correlations] == without
  assert all(row.included for row in correlations)

  for k, row in enumerate(rows_of(rows, AUTHORS)):
    start_s = 20 * k
    meets_the_gap = start_s < 80 and start_s + 60 > 70
    beyond_the_end = k > 12
    assert (row.estimate is None) == (meets_the_gap or beyond_the_end)
  slipped, = rows_of(rows, "rr_mae_bpm_win60_resp_authors_div_n_minus_1")
  assert slipped.value is None
  assert slipped.included


def test_a_users_file_gives_estimates_that_no_table_includes():
  whole = record({"resp_t": wave(15), "rate_hz": 5.0})
  bare = whole._replace(annotations={}, signals={"ppg_t": np.zeros(60_000)})
  rows = score_record(bare)

  metrics = set()
  for window_s in (32, 60, 64):
    metrics.add(f"rr_bpm_win{window_s}_annotators_spectral")
    metrics.add(f"rr_bpm_win{window_s}_annotators_count")
  assert {row.metric for row in rows} == metrics
  for row in rows:
    assert row.truth is None
    assert not row.included
    assert row.why == "no annotations"
  np.testing.assert_allclose(estimates(rows_of(rows, SPECTRAL)), 15, atol=0.1)


def test_a_record_shorter_than_a_window_has_no_rows():
  whole = record({"resp_t": wave(15), "rate_hz": 5.0})
  short = whole._replace(signals={"ppg_t": np.zeros(1000)})
  assert score_record(short, target()) == []
