"""Rates and intervals read from a posterior, and intervals of samples."""
import numpy as np
import pytest
from test_metrics import record, rows_of, wave

from jaxsig.systems.respiration.method_rates import rates_of
from jaxsig.systems.respiration.rates import RATE_BPM_R, quantile
from jaxsig.systems.respiration.score import score_record

ENDS = [f"{end}_{level}" for level in (50, 80, 95) for end in ("low", "high")]


def posteriors(bins, stride_s=10.0, **more):
  """One window of 60 s a bin, each sure of its own rate."""
  return {"rate_pmf_b_r": np.eye(128, dtype=np.float32)[list(bins)], "window_s": 60.0,
          "start_s_b": np.arange(len(bins), dtype=np.float32) * np.float32(stride_s), **more}


@pytest.mark.parametrize("metric, windows", [
    ("rr_bpm_win60_annotators_spectral", [6 * k for k in range(8)]), ("rr_bpm_win60_annotators_count", [6 * k for k in range(8)]),
    ("rr_bpm_win60_resp_authors", [2 * k for k in range(22)]), ("rr_bpm_win60_resp_spectral", [6 * k for k in range(8)]),
    ("rr_bpm_win64_annotators_spectral", [0, 7, 13, 19, 26, 32, 39]),                                 # centres 32 + 64 k against 30 + 10 b
    ("rr_bpm_win32_annotators_count", [0, 2, 5, 8, 11, 15, 18, 21, 24, 27, 31, 34, 37, 40, 42])])     # centres 16 + 32 k
def test_a_posterior_speaks_for_the_scoring_window_whose_centre_is_nearest(metric, windows):
  for other in ({}, {"resp_t": wave(20), "rate_hz": 5.0}, {"resp_t": wave(20), "resp_s_t": wave(20)[None], "rate_hz": 5.0}):
    rows = rows_of(score_record(record(posteriors(range(40, 83), **other)), rate_of="posterior"), metric)
    np.testing.assert_allclose([r["estimate"] for r in rows], RATE_BPM_R[40 + np.array(windows)])
    assert all(r["low_95"] < r["estimate"] < r["high_95"] and r["spread"] < 0.01 for r in rows)


def test_median_deviation_and_central_intervals_of_a_posterior():
  log_rate_r = np.log(RATE_BPM_R / 15) / 0.1                        # log-normal: all of it is known
  pmf_r = np.exp(-log_rate_r ** 2 / 2)
  found = score_record(record(posteriors([0], rate_pmf_b_r=3 * pmf_r[None])), rate_of="posterior")[0]
  assert found["estimate"] == pytest.approx(15, abs=0.02)
  assert found["spread"] == pytest.approx(15 * np.exp(0.005) * np.sqrt(np.exp(0.01) - 1), rel=0.01)
  for level, z in ((50, 0.6745), (80, 1.2816), (95, 1.9600)):
    assert found[f"low_{level}"] == pytest.approx(15 * np.exp(-0.1 * z), rel=3e-3)
    assert found[f"high_{level}"] == pytest.approx(15 * np.exp(0.1 * z), rel=3e-3)


def test_a_posterior_that_is_far_or_broken_or_at_the_edge_gives_nothing():
  metric, bins = "rr_bpm_win60_annotators_spectral", [0, 1, 2, 64, 125, 126, 127]
  predictions = posteriors([*bins, 64], stride_s=60)
  predictions["rate_pmf_b_r"][3, 5] = np.nan
  rows = rows_of(score_record(record(predictions), rate_of="posterior"), metric)
  assert [r["estimate"] is None for r in rows] == [True, True, False, True, False, True, True, False]
  assert all(r["kept"] and (r["estimate"] is None) == (r[name] is None) for r in rows for name in ("spread", *ENDS))
  early = posteriors([64, 64, 64], stride_s=15)                     # centres 30, 45 and 60 s; the windows' are 30, 90, 150 ...
  rows = rows_of(score_record(record(early), rate_of="posterior"), metric)
  assert [r["estimate"] is None for r in rows] == [False, False, *[True] * 6]
  early["start_s_b"] -= 1
  assert rows_of(score_record(record(early), rate_of="posterior"), metric)[1]["estimate"] is None


def test_methods_without_a_posterior_score_as_by_their_mean_and_one_without_a_waveform_by_its_posterior():
  samples = np.stack([wave(b) for b in (14, 15, 19)])
  for rival in ({"rate_bpm": 17.0}, {"resp_t": wave(19), "rate_hz": 5.0}, {"modulation_q_t": samples, "rate_hz": 5.0},
                {"resp_s_t": samples, "resp_t": wave(25), "rate_hz": 5.0}):
    assert score_record(record(rival), rate_of="posterior") == score_record(record(rival), rate_of="mean")
  both = posteriors([64], resp_t=wave(19), rate_hz=5.0)
  assert score_record(record(both), rate_of="mean")[0]["estimate"] == pytest.approx(19, abs=0.1)
  assert score_record(record(posteriors([64])), rate_of="mean")[0]["estimate"] == pytest.approx(RATE_BPM_R[64])


def test_intervals_of_samples_are_normal_and_others_have_none():
  samples = np.stack([wave(b) for b in (14, 15, 19)])
  for rate_of in ("mean", "samples"):
    for r in rows_of(score_record(record({"resp_s_t": samples, "resp_t": wave(16), "rate_hz": 5.0}), rate_of=rate_of),
                     "rr_bpm_win60_annotators_spectral"):
      for level, z in ((50, 0.67449), (80, 1.28155), (95, 1.95996)):
        assert r[f"low_{level}"] == pytest.approx(r["estimate"] - z * r["spread"], abs=1e-4)
        assert r[f"high_{level}"] == pytest.approx(r["estimate"] + z * r["spread"], abs=1e-4)
  for none in ({"rate_bpm": 17.0}, {"resp_t": wave(19), "rate_hz": 5.0}, {"modulation_q_t": samples, "rate_hz": 5.0}):
    assert all(r[name] is None for r in score_record(record(none)) if "truth" in r for name in ENDS)


def test_pooled_posteriors_are_weighted_by_overlap_and_skip_broken_ones():
  predictions = posteriors([40, 50, 60, 70, 80, 90], stride_s=30)     # centres 30, 60, 90 ...
  predictions["rate_pmf_b_r"][5] = np.nan
  found = rates_of(predictions, "pooled", None, np.array([30.0, 120.0]), 60.0)   # centres 60 and 150
  half = np.zeros(128)
  half[[40, 60]], half[50] = 0.25, 0.5
  np.testing.assert_allclose(found.estimate_k[0], quantile(half, 0.5))
  np.testing.assert_allclose(found.interval_k_i_2[0, 1], [quantile(half, 0.1), quantile(half, 0.9)])
  alone = np.zeros(128)
  alone[70], alone[80] = 1 / 3, 2 / 3
  np.testing.assert_allclose(found.estimate_k[1], quantile(alone, 0.5))
