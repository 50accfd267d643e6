"""Rates and intervals read from a posterior, and intervals of samples."""
import numpy as np
import pytest
from scoring import AUTHORS, COUNT, LEVELS, SPECTRAL, estimates, posteriors, rows_of, score, wave

from jaxsig.systems.respiration.method_rates import rates_of
from jaxsig.systems.respiration.rates import RATE_BPM_R, quantile
from jaxsig.systems.respiration.waveforms import spectral_rate_bpm

NORMAL_Z = {"50": 0.67449, "80": 1.28155, "95": 1.95996}
EVERY_MINUTE = [6 * k for k in range(8)]


# The method's windows lie at 10 b seconds, so their centres at 30 + 10 b.
@pytest.mark.parametrize("metric, windows", [
    (SPECTRAL, EVERY_MINUTE),
    (COUNT, EVERY_MINUTE),
    ("rr_bpm_win60_resp_spectral", EVERY_MINUTE),
    (AUTHORS, [2 * k for k in range(22)]),
    ("rr_bpm_win64_annotators_spectral", [0, 7, 13, 19, 26, 32, 39]),   # centres 32 + 64 k
    (
        "rr_bpm_win32_annotators_count",   # centres 16 + 32 k
        [0, 2, 5, 8, 11, 15, 18, 21, 24, 27, 31, 34, 37, 40, 42],
    ),
])
def test_a_scoring_window_is_read_from_the_posterior_whose_centre_is_nearest(metric, windows):
  waveforms = (
      {},
      {"resp_t": wave(20), "rate_hz": 5.0},
      {"resp_t": wave(20), "resp_s_t": wave(20)[None], "rate_hz": 5.0},
  )
  for waveform in waveforms:
    predictions = posteriors(range(40, 83), **waveform)
    rows = rows_of(score(predictions, "posterior"), metric)
    np.testing.assert_allclose(estimates(rows), RATE_BPM_R[40 + np.array(windows)])
    for row in rows:
      low, high = row.interval["95"]
      assert low < row.estimate < high
      assert row.spread < 0.01


def test_median_deviation_and_central_intervals_of_a_posterior():
  sd = 0.1
  log_rate_r = np.log(RATE_BPM_R / 15) / sd   # log-normal: all of it is known
  pmf_r = np.exp(-log_rate_r ** 2 / 2)
  row = score(posteriors([0], rate_pmf_b_r=3 * pmf_r[None]), "posterior")[0]

  assert row.estimate == pytest.approx(15, abs=0.02)
  deviation = 15 * np.exp(0.005) * np.sqrt(np.exp(0.01) - 1)
  assert row.spread == pytest.approx(deviation, rel=0.01)
  for level, z in NORMAL_Z.items():
    low, high = row.interval[level]
    assert low == pytest.approx(15 * np.exp(-sd * z), rel=3e-3)
    assert high == pytest.approx(15 * np.exp(sd * z), rel=3e-3)


def test_a_posterior_that_is_broken_or_at_the_edge_gives_nothing():
  predictions = posteriors([0, 1, 2, 64, 125, 126, 127, 64], stride_s=60)
  predictions["rate_pmf_b_r"][3, 5] = np.nan
  rows = rows_of(score(predictions, "posterior"), SPECTRAL)
  without = [row.estimate is None for row in rows]
  assert without == [True, True, False, True, False, True, True, False]
  for row in rows:
    assert row.included
    assert (row.estimate is None) == (row.spread is None)
    for level in LEVELS:
      assert (row.estimate is None) == (level not in row.interval)


def test_a_posterior_that_is_far_gives_nothing():
  early = posteriors([64, 64, 64], stride_s=15)   # centres 30, 45, 60 s; the rows' are 30, 90, 150
  rows = rows_of(score(early, "posterior"), SPECTRAL)
  assert [row.estimate is None for row in rows] == [False, False, *[True] * 6]

  early["start_s_b"] -= 1
  rows = rows_of(score(early, "posterior"), SPECTRAL)
  assert rows[1].estimate is None


def three_samples() -> np.ndarray:
  return np.stack([wave(bpm) for bpm in (14, 15, 19)])


def test_methods_without_a_posterior_score_as_by_their_mean():
  baselines = (
      {"rate_bpm": 17.0},
      {"resp_t": wave(19), "rate_hz": 5.0},
      {"modulation_q_t": three_samples(), "rate_hz": 5.0},
      {"resp_s_t": three_samples(), "resp_t": wave(25), "rate_hz": 5.0},
  )
  for predictions in baselines:
    assert score(predictions, "posterior") == score(predictions, "mean")


def test_a_method_without_a_waveform_scores_by_its_posterior():
  both = posteriors([64], resp_t=wave(19), rate_hz=5.0)
  assert score(both, "mean")[0].estimate == pytest.approx(19, abs=0.1)
  assert score(posteriors([64]), "mean")[0].estimate == pytest.approx(RATE_BPM_R[64])


@pytest.mark.parametrize("rate_of", ["mean", "samples"])
def test_intervals_of_samples_are_normal(rate_of):
  predictions = {"resp_s_t": three_samples(), "resp_t": wave(16), "rate_hz": 5.0}
  for row in rows_of(score(predictions, rate_of), SPECTRAL):
    for level, z in NORMAL_Z.items():
      low, high = row.interval[level]
      assert low == pytest.approx(row.estimate - z * row.spread, abs=1e-4)
      assert high == pytest.approx(row.estimate + z * row.spread, abs=1e-4)


def test_other_methods_have_no_intervals():
  others = (
      {"rate_bpm": 17.0},
      {"resp_t": wave(19), "rate_hz": 5.0},
      {"modulation_q_t": three_samples(), "rate_hz": 5.0},
  )
  for predictions in others:
    assert all(row.interval == {} for row in score(predictions))


def test_pooled_posteriors_are_weighted_by_overlap_and_skip_broken_ones():
  predictions = posteriors([40, 50, 60, 70, 80, 90], stride_s=30)   # centres 30, 60, 90 ...
  predictions["rate_pmf_b_r"][5] = np.nan
  start_s_k = np.array([30.0, 120.0])   # centres 60 and 150
  pooled = rates_of(predictions, "pooled", spectral_rate_bpm, start_s_k, 60.0)

  of_three = np.zeros(128)
  of_three[[40, 60]] = 0.25
  of_three[50] = 0.5
  np.testing.assert_allclose(pooled.estimate_k[0], quantile(of_three, 0.5))
  interval_80 = [quantile(of_three, 0.1), quantile(of_three, 0.9)]
  np.testing.assert_allclose(pooled.interval_k_i_2[0, 1], interval_80)

  of_two = np.zeros(128)
  of_two[70] = 1 / 3
  of_two[80] = 2 / 3
  np.testing.assert_allclose(pooled.estimate_k[1], quantile(of_two, 0.5))
