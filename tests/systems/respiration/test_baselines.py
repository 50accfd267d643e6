"""Baselines without training on a synthetic PPG of known baseline, amplitude and frequency
modulation."""
import os
import pathlib
from collections.abc import Sequence

import numpy as np
import pytest
from builders import ROOT

from jaxsig.data.ppg import bidmc, bidmc_files
from jaxsig.data.records import Record
from jaxsig.systems.respiration.baselines import METHODS, RATE_HZ, find_beats
from jaxsig.systems.respiration.score import score_record
from jaxsig.systems.respiration.waveforms import spectral_rate_bpm

SECONDS = 120
REAL = pathlib.Path(os.environ.get("JAXSIG_DATA_DIR", ROOT.parent / "shared/data"))


def ppg(
    breaths_bpm: float = 15.0,
    heart_bpm: float = 80.0,
    baseline: float = 0.0,
    amplitude: float = 0.0,
    frequency: float = 0.0,
    rate_hz: float = 125.0,
    seconds: float = SECONDS,
) -> np.ndarray:
  """Pulses of two waves (systolic, dicrotic) whose intensity, height and rhythm follow one
  breathing sinusoid each."""
  t_s = np.arange(round(seconds * rate_hz)) / rate_hz
  breath_t = np.sin(2 * np.pi * breaths_bpm / 60 * t_s)
  heart_hz_t = heart_bpm / 60 * (1 + frequency * breath_t)
  phase_t = np.cumsum(heart_hz_t) / rate_hz % 1
  systolic_t = np.exp(-((phase_t - 0.3) / 0.1) ** 2)
  dicrotic_t = 0.3 * np.exp(-((phase_t - 0.65) / 0.1) ** 2)
  return (1 + amplitude * breath_t) * (systolic_t + dicrotic_t) + baseline * breath_t


def record(
    ppg_t: np.ndarray,
    rate_hz: float = 125.0,
    breaths_bpm: float = 15.0,
) -> Record:
  """A recording of even breaths."""
  marks_s = np.arange(0.5, len(ppg_t) / rate_hz, 60 / breaths_bpm)
  signals = {"ppg_t": np.asarray(ppg_t, np.float32)}
  annotations = {"breaths_1_s": marks_s, "breaths_2_s": marks_s}
  return Record("r1", "r1", rate_hz, signals, annotations, {})


def run(name: str, of: Record, training: Sequence[Record] = ()) -> dict[str, np.ndarray]:
  """The predictions of a baseline that is fitted to the record itself, or to others."""
  baseline = METHODS[name]
  params = baseline.fit(list(training) or [of])
  return baseline.predict(params, of)


def minute(x_t: np.ndarray) -> np.ndarray:
  """The minute in the middle of x_t [..., t]."""
  return x_t[..., int(30 * RATE_HZ):int(90 * RATE_HZ)]


def rate_bpm(predictions: dict[str, np.ndarray]) -> float:
  """The rate of a predicted waveform in the middle minute."""
  return spectral_rate_bpm(minute(predictions["resp_t"]), RATE_HZ)


@pytest.mark.parametrize("heart_bpm", [50, 80, 130])
@pytest.mark.parametrize("rate_hz", [40.0, 125.0])
def test_every_beat_is_found_once(heart_bpm, rate_hz):
  time_s, peak, trough = find_beats(ppg(heart_bpm=heart_bpm, rate_hz=rate_hz), rate_hz)
  expected = heart_bpm * SECONDS / 60
  assert abs(len(time_s) + 1 - expected) <= 1
  np.testing.assert_allclose(np.diff(time_s)[3:-3], 60 / heart_bpm, atol=0.004)
  np.testing.assert_allclose((peak - trough)[3:-3], 1.0, atol=0.12)


@pytest.mark.parametrize("name, modulation", [
    ("riiv", {"baseline": 0.1}),
    ("riav", {"amplitude": 0.1}),
    ("rifv", {"frequency": 0.04}),
])
@pytest.mark.parametrize("bpm", [9.0, 16.3, 24.5])
def test_each_modulation_alone_is_found_by_its_own_series(name, modulation, bpm):
  predictions = run(name, record(ppg(bpm, **modulation)))
  assert predictions["rate_hz"] == RATE_HZ
  assert predictions["resp_t"].shape == (SECONDS * RATE_HZ,)
  assert abs(rate_bpm(predictions) - bpm) < 0.1


@pytest.mark.parametrize("modulation, series, strength, other, other_strength", [
    ({"baseline": 0.1}, 0, 0.1, 2, 0.04 * 60 / 80),
    ({"frequency": 0.04}, 2, 0.04 * 60 / 80, 0, 0.1),
])
def test_a_series_is_deaf_to_the_other_modulations(
    modulation, series, strength, other, other_strength
):
  predictions = run("smart_fusion", record(ppg(**modulation)))
  sd_q = np.std(minute(predictions["modulation_q_t"]), axis=-1)
  assert sd_q[series] == pytest.approx(strength / np.sqrt(2), rel=0.15)
  assert sd_q[other] < 0.1 * other_strength
  # Peak and trough ride on the baseline, a part of a beat from each other.
  assert sd_q[1] < 0.5 * 0.1 / np.sqrt(2)


def test_fusion_is_the_mean_of_three_that_agree():
  ppg_t = ppg(16.3, baseline=0.1, amplitude=0.1, frequency=0.04)
  of = record(ppg_t, breaths_bpm=16.3)
  predictions = run("smart_fusion", of)
  assert predictions["modulation_q_t"].shape == (3, SECONDS * RATE_HZ)

  rows = score_record(of._replace(predictions=predictions))
  spectral_rows = [row for row in rows if row.metric == "rr_bpm_win60_annotators_spectral"]
  assert spectral_rows
  for row in spectral_rows:
    assert abs(row.estimate - 16.3) < 0.1
    assert row.spread < 0.2
    assert abs(row.truth - 16.3) < 0.01


@pytest.mark.parametrize("rate_hz", [40.0, 125.0])
def test_band_pass_finds_the_baseline_and_drops_the_pulse(rate_hz):
  with_baseline_t = 5 + ppg(13.4, baseline=0.1, rate_hz=rate_hz)
  assert abs(rate_bpm(run("band_pass", record(with_baseline_t, rate_hz))) - 13.4) < 0.1

  pulses_alone = run("band_pass", record(ppg(rate_hz=rate_hz), rate_hz))
  assert np.std(minute(pulses_alone["resp_t"])) < 0.01


def test_constant_is_the_mean_over_records_of_their_own_means():
  long = record(ppg(seconds=240), breaths_bpm=12.0)
  short = record(ppg(seconds=60), breaths_bpm=20.0)
  predictions = run("constant", long, [long, short])
  assert predictions["rate_bpm"] == pytest.approx(16, abs=0.01)
  assert (predictions["resp_t"] == 0.5).all()
  assert len(predictions["resp_t"]) == 240 * RATE_HZ

  without_annotations = long._replace(annotations={})
  assert np.isnan(run("constant", long, [without_annotations])["rate_bpm"])


def without_beats(kind: str) -> np.ndarray:
  """A PPG in which too few beats can be found."""
  n = SECONDS * 125
  if kind == "flat":
    return np.zeros(n)
  if kind == "nan":
    return np.full(n, np.nan)
  if kind == "short":
    return ppg()[:40]

  three_beats_t = np.zeros(n)
  three_beats_t[:300] = ppg()[:300]
  return three_beats_t


@pytest.mark.parametrize("name", [name for name in METHODS if name != "constant"])
@pytest.mark.parametrize("kind", ["flat", "nan", "three beats", "short"])
def test_a_record_without_beats_gives_no_estimate_and_no_crash(name, kind):
  of = record(without_beats(kind))
  rows = score_record(of._replace(predictions=run(name, of)))
  if name == "band_pass" and kind not in ("flat", "nan"):
    return   # it needs no beats

  rates = [row for row in rows if row.metric.startswith("rr_bpm")]
  assert rates or kind == "short"
  assert all(row.estimate is None for row in rates)


@pytest.mark.parametrize("name", ["band_pass", "riiv", "riav", "rifv"])
def test_a_gap_and_an_artefact_do_not_own_the_spectrum(name):
  ppg_t = ppg(16.3, baseline=0.1, amplitude=0.1, frequency=0.04)
  ppg_t[6000:6100] = np.nan
  if name != "band_pass":   # which has no beats to clip
    ppg_t[8000:8040] += 5
  assert abs(rate_bpm(run(name, record(ppg_t))) - 16.3) < 0.4


def _real_records() -> list[bidmc_files.Files]:
  if not bidmc.sources(REAL):
    return []
  return bidmc.recordings(REAL)[:3]


@pytest.mark.skipif(
    not _real_records(),
    reason="no BIDMC recordings: name their folder with JAXSIG_DATA_DIR",
)
def test_beats_of_real_recordings_are_as_many_as_the_monitor_counts():
  for files in _real_records():
    recording = bidmc.read_record(files)
    time_s, _, _ = find_beats(recording.signals["ppg_t"], recording.rate_hz)
    beats = len(time_s) + 1
    heart_bpm = np.nanmean(recording.annotations["monitor_hr_bpm_k"])
    assert beats == pytest.approx(heart_bpm * recording.duration_s / 60, rel=0.05)
