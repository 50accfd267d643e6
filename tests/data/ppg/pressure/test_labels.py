"""Pressures of beats, and labels of windows."""
import dataclasses

import numpy as np
import pytest
from fake_pressure import config_of, people

from jaxsig.data.ppg.pressure import labels, usable_windows, wave_beats
from jaxsig.data.records import Record, spans_of
from jaxsig.errors import UserError

DATA = config_of().data


def wave(sbp=120.0, dbp=80.0, rate_bpm=72.0, duration_s=30.0, rate_hz=125.0):
  """A pressure with steep systoles and a second wave of a third of their height."""
  time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
  place = (time_s * rate_bpm / 60) % 1
  beat = np.exp(-((place - 0.2) / 0.07) ** 2 / 2) + 0.3 * np.exp(-((place - 0.55) / 0.08) ** 2 / 2)
  return (dbp + (sbp - dbp) * (beat - beat.min()) / np.ptp(beat)).astype(np.float32)


def record_of(abp_t, rate_hz=125.0):
  signals = {"ppg_t": abp_t, "abp_t": abp_t}
  return Record("r", "g", rate_hz, signals, wave_beats.annotated(abp_t, rate_hz), {})


@pytest.mark.parametrize("rate_bpm", [45, 72, 110, 145])
def test_each_beat_has_one_peak_and_one_foot(rate_bpm):
  found = wave_beats.annotated(wave(rate_bpm=rate_bpm), 125.0)
  beats = 30 * rate_bpm / 60
  for name in ("sbp_t", "dbp_t"):
    assert abs(np.isfinite(found[name]).sum() - beats) <= 2
  assert np.nanmedian(found["sbp_t"]) == pytest.approx(120, abs=2.5)   # behind the low-pass
  assert np.nanmedian(found["dbp_t"]) == pytest.approx(80, abs=1.0)


def test_labels_are_those_of_the_simulated_beats():
  [record] = people(1)
  found = wave_beats.annotated(record.signals["abp_t"], record.rate_hz)
  for name in ("sbp_t", "dbp_t"):
    truth = np.nanmedian(record.annotations[name])
    assert np.nanmedian(found[name]) == pytest.approx(truth, abs=1.5)


def test_a_label_is_the_median_of_the_beats_inside():
  mmhg_t = np.full(100, np.nan, np.float32)
  mmhg_t[[10, 30, 50, 70, 90]] = [100, 110, 130, 150, 200]
  annotations = {"sbp_t": mmhg_t, "dbp_t": mmhg_t - 50.5}
  record = Record("r", "g", 10.0, {"ppg_t": np.zeros(100)}, annotations, {})
  windows = spans_of(np.array([0.0, 3.0, 9.5]), np.array([6.0, 6.0, 0.5]))
  found = labels.labels(record, windows, DATA)
  np.testing.assert_allclose(found, [[110, 59.5], [130, 79.5], [np.nan, np.nan]])
  floored = labels.labels(record, windows, config_of(data__label_rounding="floor").data)
  np.testing.assert_allclose(floored[0], [110, 59])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"sbp": 230.0}, "sbp outside its limits"),
        ({"dbp": 20.0, "sbp": 70.0}, "dbp outside its limits"),
        ({"sbp": 90.0}, "pulse pressure under 15 mmHg"),
        ({}, ""),
    ],
)
def test_implausible_labels_are_named(change, why):
  record = record_of(wave(**change))
  [found] = labels.implausible_b(record, spans_of(np.array([5.0]), 7.0), DATA)
  assert found == why


def test_a_spike_and_beats_that_disagree_are_left_out():
  spiked_t = wave()
  spiked_t[1000:1003] = 250
  record = record_of(wave())
  spiked = record._replace(signals={"ppg_t": spiked_t, "abp_t": spiked_t})
  [why] = labels.implausible_b(spiked, spans_of(np.array([5.0]), 7.0), DATA)
  assert why == "a spike of the pressure"

  rising_t = wave() + np.linspace(-45, 195, 3750).astype(np.float32)
  [why] = labels.implausible_b(record_of(rising_t), spans_of(np.array([5.0]), 7.0), DATA)
  assert why == "the beats' pressures disagree"
  loose = config_of(data__stable=False).data
  [why] = labels.implausible_b(record_of(rising_t), spans_of(np.array([5.0]), 7.0), loose)
  assert not why


def test_any_beat_outside_rejects_where_the_rule_says_so():
  record = record_of(wave())
  peaks = np.flatnonzero(np.isfinite(record.annotations["sbp_t"]))
  record.annotations["sbp_t"][peaks[6]] = 225
  windows = spans_of(np.array([0.0]), 30.0)
  assert labels.implausible_b(record, windows, DATA) == [""]
  strict = config_of(data__limit_rule="any_beat").data
  assert labels.implausible_b(record, windows, strict) == ["sbp outside its limits"]


@pytest.mark.parametrize("scale", [0.01, 13.3322])   # volts, and tenths of a kilopascal
def test_a_pressure_that_is_not_in_mmhg_is_refused(scale):
  with pytest.raises(UserError, match="not in mmHg"):
    wave_beats.require_mmhg(wave() * scale, "v100s.hea")
  wave_beats.require_mmhg(wave(), "v100s.hea")


def test_reasons_count_all_windows():
  [record] = people(1, stretches=4)
  broken_t = record.signals["ppg_t"].copy()
  broken_t[:1250] = broken_t[0]   # the first stretch stands still
  signals = {**record.signals, "ppg_t": broken_t}
  counts = usable_windows.reasons(record._replace(signals=signals), DATA)
  assert counts == {"used": 3, "the PPG stands still": 1}
  assert dataclasses.asdict(usable_windows.spans(record, DATA))["start_s_b"].tolist() == [
      0.0, 11.0, 22.0, 33.0]
