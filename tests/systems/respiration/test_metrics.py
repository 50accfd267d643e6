"""Protocols of breathing: closed forms of every rate, of the waveform measures and of the rows."""
import json

import numpy as np
import pytest

from jaxsig.data.records import Record
from jaxsig.systems.respiration import waveforms as respiration
from jaxsig.systems.respiration.score import score_record, starts_s, stratum

SECONDS = 480
BREATHS = "breath_f1_tol500ms_win60_lag1s_signed"


def wave(bpm, rate_hz=5.0, seconds=SECONDS, phase=0.0):
  return np.sin(2 * np.pi * bpm / 60 * np.arange(round(seconds * rate_hz)) / rate_hz + phase)


def marks(bpm, seconds=SECONDS):
  return np.arange(0.5, seconds, 60 / bpm)


def record(predictions, bpm=15.0, breaths=None, **fields):
  own = Record("r01", "p1", 125.0, {"ppg_t": np.zeros(SECONDS * 125 + 1), "resp_t": wave(bpm, 125.0)},
               breaths or {"breaths_1_s": marks(bpm), "breaths_2_s": marks(bpm) + 0.1}, {},
               {"resp_t": (1 + wave(bpm)) / 2, "rate_hz": 5.0}, predictions)
  return own._replace(**fields)


def rows_of(rows, metric):
  found = [r for r in rows if r["metric"] == metric]
  assert found, f"no rows {metric}"
  return found


# Rates


@pytest.mark.parametrize("bpm", [6.0, 11.7, 15.0, 22.35, 28.9])
@pytest.mark.parametrize("rate_hz", [4.0, 30.0])
def test_estimators_find_the_rate_of_a_sine(bpm, rate_hz):
  x_t = 2 + wave(bpm, rate_hz, 60, 0.4)
  assert abs(respiration.spectral_rate_bpm(x_t, rate_hz) - bpm) < 0.1
  assert abs(respiration.count_rate_bpm(x_t, rate_hz) - bpm) < 0.25
  assert abs(respiration.authors_rate_bpm(x_t, rate_hz) - bpm) <= 0.5 + 1e-6   # its grid is 1/min


def test_rates_are_batched_and_none_where_nothing_moves():
  x_s_t = np.stack([wave(10, seconds=60), np.full(300, 0.5), np.full(300, np.nan)])
  for estimator in (respiration.spectral_rate_bpm, respiration.count_rate_bpm, respiration.authors_rate_bpm):
    np.testing.assert_allclose(estimator(x_s_t, 5.0), [10, np.nan, np.nan], atol=0.15)
    assert np.shape(estimator(x_s_t[None], 5.0)) == (1, 3)


def test_one_breath_is_not_counted_as_a_rate():
  assert np.isnan(respiration.count_rate_bpm(wave(10, seconds=12), 5.0))
  assert respiration.count_rate_bpm(wave(10, seconds=24), 5.0) == pytest.approx(10, abs=1)


def test_drift_is_not_reported_as_a_rate():
  assert np.isnan(respiration.spectral_rate_bpm((np.arange(300) / 300) ** 2, 5.0))


def test_the_published_rule_does_not_detrend():
  drift_t = wave(15, seconds=60) + 0.2 * np.arange(300)   # documents why it is used for nothing else
  assert respiration.authors_rate_bpm(drift_t, 5.0) == pytest.approx(1.0)
  assert abs(respiration.spectral_rate_bpm(drift_t, 5.0) - 15) < 0.1


def test_breath_rate_is_the_mean_interval():
  assert respiration.breath_rate_bpm(marks(18), 60, 60) == pytest.approx(18)
  assert respiration.breath_rate_bpm([1, 2, 7, 70], 0, 60) == pytest.approx(20)
  assert np.isnan(respiration.breath_rate_bpm([5], 0, 60))


# Waveforms


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("lag_s", [-0.8, 0.0, 0.6])
def test_sign_and_lag_are_resolved(sign, lag_s):
  rng = np.random.default_rng(0)
  long_t = np.convolve(rng.standard_normal(400), np.hanning(9), "same")
  shift = round(lag_s * 5)
  found = respiration.signed_lag_correlation(long_t[20:320], sign * long_t[20 - shift:320 - shift], 5.0)
  assert found.value == pytest.approx(1) and found.sign == sign and found.lag_s == pytest.approx(lag_s)


def test_correlation_of_flat_and_far_signals():
  assert respiration.signed_lag_correlation(wave(15, seconds=60), np.full(300, 0.5), 5.0).value == 0
  quarter = respiration.signed_lag_correlation(wave(5, seconds=60), wave(5, seconds=60, phase=np.pi / 2), 5.0)
  assert quarter.value == pytest.approx(np.sin(2 * np.pi / 12), abs=0.02)   # 3 s apart, and only 1 s may be made good


def test_constant_predictor_against_a_sinusoid():
  truth_t = respiration.unit_scale(wave(15, 30.0, 60))
  constant_t = respiration.unit_scale(np.full(1800, 7.0))
  assert (constant_t == 0.5).all()
  assert respiration.waveform_mae(truth_t, constant_t) == pytest.approx(1 / np.pi, abs=1e-3)   # the published 0.307
  assert (truth_t.min(), truth_t.max()) == (0, 1)


# Rows


def test_windows_of_480_s():
  own = record({})
  assert len(starts_s(own, 60, 20)) == 22 and len(starts_s(own, 60, 60)) == 8
  assert len(starts_s(own, 32, 32)) == 15 and len(starts_s(own, 64, 64)) == 7
  assert not len(starts_s(own._replace(signals={"ppg_t": np.zeros(1000)}), 60, 60))


def test_strata_borders():
  assert [stratum(x) for x in (11.99, 12, 20, 20.01, np.nan)] == ["<12", "12-20", "12-20", ">20", None]


def test_rows_of_a_perfect_prediction():
  rows = score_record(record({"resp_t": -3 * wave(15), "rate_hz": 5.0}))
  assert json.loads(json.dumps(rows)) == rows
  counts = {"rr_bpm_win60_resp_authors": 22, "rr_bpm_win60_resp_spectral": 8, "resp_corr_lag1s_signed_win60": 8,
            "resp_mae_unit_win60": 8, "resp_mae_sym_win60": 8, BREATHS: 8}
  for window_s, n in ((32, 15), (60, 8), (64, 7)):
    counts |= {f"rr_bpm_win{window_s}_annotators_{e}": n for e in ("spectral", "count")}
  assert {r["metric"] for r in rows} == set(counts)
  for metric, n in counts.items():
    found = rows_of(rows, metric)
    assert len(found) == n and all(r["kept"] and r["record"] == "r01" and r["group"] == "p1" for r in found)
  for r in rows:
    if "truth" in r:
      assert abs(r["estimate"] - r["truth"]) < 0.3 and r["spread"] is None and r["stratum"] == "12-20"
  assert rows_of(rows, "rr_bpm_win60_annotators_count")[1]["unit"] == "60-120 s"
  assert all(r["value"] == pytest.approx(1, abs=1e-3) for r in rows_of(rows, "resp_corr_lag1s_signed_win60"))
  for unit, sym in zip(rows_of(rows, "resp_mae_unit_win60"), rows_of(rows, "resp_mae_sym_win60")):
    assert sym["value"] == pytest.approx(2 * unit["value"])


def test_windows_on_which_the_annotators_disagree_are_kept_apart():
  second = marks(15)
  second = second[(second < 60) | (second > 120) | (np.arange(len(second)) % 2 == 0)]   # half of those in minute two
  breaths = {"breaths_1_s": marks(15), "breaths_2_s": second[second < 421]}             # and one in the last
  found = rows_of(score_record(record({"resp_t": wave(15), "rate_hz": 5.0}, breaths=breaths)),
                  "rr_bpm_win60_annotators_spectral")
  assert [r["kept"] for r in found] == [True, False, *[True] * 5, False]
  assert "differ" in found[1]["why"] and found[1]["truth"] == pytest.approx(11.25, abs=0.3)
  assert "fewer than 2" in found[7]["why"] and found[7]["truth"] is None and found[7]["stratum"] is None
  agreed = {"breaths_1_s": marks(15), "breaths_2_s": marks(16.9)}
  found = rows_of(score_record(record({"rate_bpm": 15.0}, breaths=agreed)), "rr_bpm_win60_annotators_spectral")
  assert all(r["kept"] and r["truth"] == pytest.approx(15.95) for r in found)


def test_sampled_method_rate_of_its_mean_or_its_samples():
  samples = np.stack([wave(b) for b in (14, 15, 19)])
  mean = {"resp_s_t": samples, "resp_t": wave(25), "rate_hz": 5.0}
  metric = "rr_bpm_win60_annotators_spectral"
  for rate_of, want in (("mean", 25), ("samples", 15)):
    for r in rows_of(score_record(record(mean), rate_of=rate_of), metric):
      assert r["estimate"] == pytest.approx(want, abs=0.1)
      assert r["spread"] == pytest.approx(np.std([14, 15, 19], ddof=1), abs=0.1)
  samples[1:] = 0.5   # two of three samples have no rate: no consensus
  assert rows_of(score_record(record(mean), rate_of="samples"), metric)[0]["estimate"] is None
  with pytest.raises(ValueError, match="rate_of"):
    score_record(record(mean), rate_of="median")


def test_modulations_are_fused():
  three = np.stack([wave(b) for b in (12, 15, 21)])
  rows = score_record(record({"modulation_q_t": three, "rate_hz": 5.0}))
  for metric in ("rr_bpm_win60_annotators_spectral", "rr_bpm_win60_annotators_count", "rr_bpm_win60_resp_authors"):
    for r in rows_of(rows, metric):
      assert r["estimate"] == pytest.approx(16, abs=0.3) and r["spread"] == pytest.approx(4.58, abs=0.3)
  assert not [r for r in rows if "value" in r]


def test_constant_rate_and_its_flat_waveform():
  rows = score_record(record({"rate_bpm": 17.0, "resp_t": np.full(4 * SECONDS, 0.5), "rate_hz": 4.0}))
  assert {r["estimate"] for r in rows if "truth" in r} == {17.0}
  assert {r["value"] for r in rows_of(rows, "resp_corr_lag1s_signed_win60")} == {0.0}
  assert all(r["value"] == pytest.approx(1 / np.pi, abs=0.01) for r in rows_of(rows, "resp_mae_unit_win60"))
  assert score_record(record({"rate_bpm": float("nan")}))[0]["estimate"] is None


def test_divisor_slip_is_22_over_21_of_the_mean():
  rows = score_record(record({"resp_t": wave(19), "rate_hz": 5.0}), divisor_slip=True)
  mean = np.mean([abs(r["estimate"] - r["truth"]) for r in rows_of(rows, "rr_bpm_win60_resp_authors")])
  slipped, = rows_of(rows, "rr_mae_bpm_win60_resp_authors_div21")
  assert mean == pytest.approx(4) and slipped["value"] == pytest.approx(mean * 22 / 21) and slipped["unit"] == "0-480 s"


def test_the_published_post_filter_is_on_the_estimate_alone():
  noisy = {"resp_t": wave(15) + 2 * wave(110, phase=1.0), "rate_hz": 5.0}
  rows = rows_of(score_record(record(noisy)), "rr_bpm_win60_resp_authors")
  assert all(r["estimate"] == pytest.approx(15) for r in rows)
  prepared = {"resp_t": noisy["resp_t"], "rate_hz": 5.0}
  rows = rows_of(score_record(record(noisy, prepared=prepared)), "rr_bpm_win60_resp_authors")
  assert all(r["truth"] == pytest.approx(110) for r in rows)


def test_predictions_of_another_rate_score_the_same():
  slow, fast = (score_record(record({"resp_t": wave(15, hz, phase=0.5), "rate_hz": hz})) for hz in (4.0, 30.0))
  for a, b in zip(slow, fast, strict=True):
    assert a["metric"] == b["metric"]
    assert a.get("value", a.get("estimate")) == pytest.approx(b.get("value", b.get("estimate")), abs=0.1)


def test_what_a_method_left_out_is_no_estimate_but_stays_a_kept_row():
  short_t = wave(15)[:5 * 300]
  short_t[5 * 70:5 * 80] = np.nan
  rows = score_record(record({"resp_t": short_t, "rate_hz": 5.0}), divisor_slip=True)
  for metric in ("rr_bpm_win60_annotators_spectral", "rr_bpm_win60_annotators_count", "resp_corr_lag1s_signed_win60"):
    found = rows_of(rows, metric)
    assert [r.get("estimate", r.get("value")) is None for r in found] == [False, True, *[False] * 3, *[True] * 3]
    assert all(r["kept"] for r in found)
  found = rows_of(rows, "rr_bpm_win60_resp_authors")
  assert [r["estimate"] is None for r in found] == [(20 * k < 80 and 20 * k + 60 > 70) or k > 12 for k in range(22)]
  slipped, = rows_of(rows, "rr_mae_bpm_win60_resp_authors_div21")
  assert slipped["value"] is None and slipped["kept"]


def test_a_users_file_gives_estimates_that_no_table_keeps():
  bare = record({"resp_t": wave(15), "rate_hz": 5.0}, annotations={}, prepared={}, signals={"ppg_t": np.zeros(60_000)})
  rows = score_record(bare)
  assert {r["metric"] for r in rows} == {f"rr_bpm_win{w}_annotators_{e}" for w in (32, 60, 64) for e in ("spectral", "count")}
  assert all(r["truth"] is None and not r["kept"] and r["why"] == "no annotations" for r in rows)
  spectral = rows_of(rows, "rr_bpm_win60_annotators_spectral")
  np.testing.assert_allclose([r["estimate"] for r in spectral], 15, atol=0.1)
  assert score_record(record({"resp_t": wave(15), "rate_hz": 5.0}, signals={"ppg_t": np.zeros(1000)})) == []
