"""Rivals without training on a synthetic PPG of known baseline, amplitude and frequency modulation."""
import os
import pathlib

import numpy as np
import pytest
from builders import ROOT

from jaxsig.data.ppg import bidmc
from jaxsig.data.records import Record
from jaxsig.systems.respiration.baselines import METHODS, RATE_HZ, find_beats
from jaxsig.systems.respiration.score import score_record
from jaxsig.systems.respiration.waveforms import spectral_rate_bpm

SECONDS = 120
REAL = pathlib.Path(os.environ.get("JAXSIG_DATA_DIR", ROOT.parent / "shared/data"))


def ppg(breaths_bpm=15.0, heart_bpm=80.0, baseline=0.0, amplitude=0.0, frequency=0.0, rate_hz=125.0, seconds=SECONDS):
  """Pulses of two waves (systolic, dicrotic) whose intensity, height and rhythm follow one breathing sinusoid each."""
  t = np.arange(round(seconds * rate_hz)) / rate_hz
  breath = np.sin(2 * np.pi * breaths_bpm / 60 * t)
  turn = np.cumsum(heart_bpm / 60 * (1 + frequency * breath)) / rate_hz % 1
  pulse = np.exp(-((turn - 0.3) / 0.1) ** 2) + 0.3 * np.exp(-((turn - 0.65) / 0.1) ** 2)
  return (1 + amplitude * breath) * pulse + baseline * breath


def record(ppg_t, rate_hz=125.0, breaths_bpm=15.0, name="r1"):
  marks = np.arange(0.5, len(ppg_t) / rate_hz, 60 / breaths_bpm)
  return Record(name, name, rate_hz, {"ppg_t": np.asarray(ppg_t, np.float32)},
                {"breaths_1_s": marks, "breaths_2_s": marks}, {})


def run(name, own, training=()):
  method = METHODS[name]
  return method.predict(method.fit(list(training) or [own]), own)


def minute(x_t):
  return x_t[..., int(30 * RATE_HZ):int(90 * RATE_HZ)]


@pytest.mark.parametrize("heart_bpm", [50, 80, 130])
@pytest.mark.parametrize("rate_hz", [40.0, 125.0])
def test_every_beat_is_found_once(heart_bpm, rate_hz):
  time_s, peak, trough = find_beats(ppg(heart_bpm=heart_bpm, rate_hz=rate_hz), rate_hz)
  assert abs(len(time_s) + 1 - heart_bpm * SECONDS / 60) <= 1
  np.testing.assert_allclose(np.diff(time_s)[3:-3], 60 / heart_bpm, atol=0.004)
  np.testing.assert_allclose((peak - trough)[3:-3], 1.0, atol=0.12)


@pytest.mark.parametrize("name, modulation", [("riiv", {"baseline": 0.1}), ("riav", {"amplitude": 0.1}),
                                              ("rifv", {"frequency": 0.04})])
@pytest.mark.parametrize("bpm", [9.0, 16.3, 24.5])
def test_each_modulation_alone_is_found_by_its_own_series(name, modulation, bpm):
  found = run(name, record(ppg(bpm, **modulation)))
  assert found["rate_hz"] == RATE_HZ and found["resp_t"].shape == (SECONDS * RATE_HZ,)
  assert abs(spectral_rate_bpm(minute(found["resp_t"]), RATE_HZ) - bpm) < 0.1


@pytest.mark.parametrize("modulation, own", [({"baseline": 0.1}, 0), ({"frequency": 0.04}, 2)])
def test_a_series_is_deaf_to_the_other_modulations(modulation, own):
  swing_q = np.std(minute(run("smart_fusion", record(ppg(**modulation)))["modulation_q_t"]), axis=-1)
  want = {0: 0.1, 2: 0.04 * 60 / 80}[own] / np.sqrt(2)
  assert swing_q[own] == pytest.approx(want, rel=0.15)
  assert swing_q[2 - own] < 0.1 * {0: 0.1, 2: 0.04 * 60 / 80}[2 - own]
  assert swing_q[1] < 0.5 * 0.1 / np.sqrt(2)   # peak and trough ride on the baseline, a part of a beat from each other


def test_fusion_is_the_mean_of_three_that_agree():
  own = record(ppg(16.3, baseline=0.1, amplitude=0.1, frequency=0.04), breaths_bpm=16.3)
  found = run("smart_fusion", own)
  assert found["modulation_q_t"].shape == (3, SECONDS * RATE_HZ)
  rows = score_record(own._replace(predictions=found))
  for r in (r for r in rows if r["metric"] == "rr_bpm_win60_annotators_spectral"):
    assert abs(r["estimate"] - 16.3) < 0.1 and r["spread"] < 0.2 and abs(r["truth"] - 16.3) < 0.01


@pytest.mark.parametrize("rate_hz", [40.0, 125.0])
def test_band_pass_finds_the_baseline_and_drops_the_pulse(rate_hz):
  found = run("band_pass", record(5 + ppg(13.4, baseline=0.1, rate_hz=rate_hz), rate_hz))
  assert abs(spectral_rate_bpm(minute(found["resp_t"]), RATE_HZ) - 13.4) < 0.1
  assert np.std(minute(run("band_pass", record(ppg(rate_hz=rate_hz), rate_hz))["resp_t"])) < 0.01


def test_constant_is_the_mean_over_records_of_their_own_means():
  long, short = record(ppg(seconds=240), breaths_bpm=12.0), record(ppg(seconds=60), breaths_bpm=20.0)
  found = run("constant", long, [long, short])
  assert found["rate_bpm"] == pytest.approx(16, abs=0.01)
  assert (found["resp_t"] == 0.5).all() and len(found["resp_t"]) == 240 * RATE_HZ
  assert np.isnan(run("constant", long, [long._replace(annotations={})])["rate_bpm"])


@pytest.mark.parametrize("name", [m for m in METHODS if m != "constant"])
@pytest.mark.parametrize("kind", ["flat", "nan", "three beats", "short"])
def test_a_record_without_beats_gives_no_estimate_and_no_crash(name, kind):
  n = SECONDS * 125
  few_t = np.zeros(n)
  few_t[:300] = ppg()[:300]
  ppg_t = {"flat": np.zeros(n), "nan": np.full(n, np.nan), "three beats": few_t, "short": ppg()[:40]}[kind]
  own = record(ppg_t)
  rows = score_record(own._replace(predictions=run(name, own)))
  if kind in ("flat", "nan") or name != "band_pass":
    rates = [r for r in rows if "estimate" in r]   # the others are of waveforms
    assert (rates or kind == "short") and all(r["estimate"] is None for r in rates)


@pytest.mark.parametrize("name", ["band_pass", "riiv", "riav", "rifv"])
def test_a_gap_and_an_artefact_do_not_own_the_spectrum(name):
  ppg_t = ppg(16.3, baseline=0.1, amplitude=0.1, frequency=0.04)
  ppg_t[6000:6100] = np.nan
  if name != "band_pass":   # which has no beats to clip
    ppg_t[8000:8040] += 5
  assert abs(spectral_rate_bpm(minute(run(name, record(ppg_t))["resp_t"]), RATE_HZ) - 16.3) < 0.4


def _real_records():
  return bidmc.recordings(REAL)[:3] if bidmc.sources(REAL) else []


@pytest.mark.skipif(not _real_records(), reason="no BIDMC recordings: name their folder with JAXSIG_DATA_DIR")
def test_beats_of_real_recordings_are_as_many_as_the_monitor_counts():
  for files in _real_records():
    found = bidmc.read_record(files)
    beats = len(find_beats(found.signals["ppg_t"], found.rate_hz)[0]) + 1
    counted = np.nanmean(found.annotations["monitor_hr_bpm_k"]) * found.duration_s / 60
    assert beats == pytest.approx(counted, rel=0.05)
