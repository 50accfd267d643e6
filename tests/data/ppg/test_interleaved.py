"""Samples that stand several times in a row, and signals that alternate, sample by sample."""
import numpy as np
import pytest
from fake_bidmc import says
from fake_pulses import pulses

from jaxsig.data.ppg import interleaved
from jaxsig.data.ppg.interleaved import Layout, layout_of
from jaxsig.data.ppg.ppg_file import read_ppg

RATE_HZ = 64.0
X_T = pulses(seed=1)
OTHER_T = 0.4 * pulses(noise=0.02, seed=2)   # another LED: smaller, with its own noise
COUNTS_T = np.rint(1000 * X_T)
TIME_S = np.arange(2 * len(X_T)) / 100


def turns(*signals: np.ndarray) -> np.ndarray:
  """Signals sample by sample in turn."""
  return np.stack(signals, -1).ravel()


def doubled_but(places: slice, value: float = 0.0) -> np.ndarray:
  x_t = np.repeat(X_T, 2)
  x_t[places] = value
  return x_t


REPEATED = {   # samples, and how many times each value stands
  "twice": (np.repeat(X_T, 2), 2),
  "three times": (np.repeat(X_T, 3), 3),
  "ten times": (np.repeat(X_T, 10), 10),
  "whole numbers": (np.repeat(COUNTS_T.astype(np.int32), 2), 2),
  "coarse": (np.repeat(np.rint(20 * X_T), 2), 2),
  "from the second on": (np.repeat(X_T, 2)[1:], 2),
  "with gaps": (np.repeat(np.where(X_T > 1.3, np.nan, X_T), 2), 2),
  "a line lost": (np.delete(np.repeat(X_T, 2), 1001), 2),
  "a line more": (np.insert(np.repeat(X_T, 4), 999, 5.0), 4),
  "a code": (doubled_but(slice(500, 701), -9999), 2),
  "single precision": (np.repeat(X_T.astype(np.float32), 2), 2),
}
UNEVEN = {"a line lost", "a line more"}   # what their remedy leaves has a sample too many
ALTERNATING = {   # samples, and how many signals they are
  "two levels": (turns(X_T + 50, OTHER_T + 30), 2),
  "two sizes": (turns(X_T, OTHER_T), 2),
  "whole numbers": (turns(COUNTS_T + 90000, np.rint(300 * X_T) + 70000), 2),
  "one upside down": (turns(X_T, -X_T), 2),
  "a PPG and its time": (turns(X_T, TIME_S[:len(X_T)]), 2),
  "a PPG and a number": (turns(X_T, np.full(len(X_T), 7.0)), 2),
  "three": (turns(X_T + 5, OTHER_T + 3, 0.5 * X_T + 1), 3),
  "four": (turns(X_T + 5, OTHER_T + 3, 0.5 * X_T + 1, OTHER_T), 4),
  "with gaps": (turns(np.where(X_T > 1.3, np.nan, X_T), OTHER_T - 2), 2),
}
ORDINARY = {
  "a pulse": X_T,
  "noise": np.random.default_rng(0).standard_normal(5000),
  "a noisy pulse": X_T + 0.3 * np.random.default_rng(0).standard_normal(len(X_T)),
  "no noise": pulses(noise=0.0),
  "whole numbers": COUNTS_T,
  "tens": np.rint(10 * X_T),
  "three levels": np.rint(2 * X_T),
  "coarse and fast": np.rint(30 * pulses(rate_hz=1000.0)),
  "coarse and noisy": np.rint(5 * X_T + 0.4 * np.random.default_rng(0).standard_normal(len(X_T))),
  "a square wave": np.repeat(np.tile([0.0, 1.0], 200), 20) + (np.arange(8000) % 7 == 0),
  "a sine": np.sin(2 * np.pi * 1.2 * np.arange(8000) / 64),
  "held unevenly": X_T[np.sort(np.random.default_rng(0).integers(0, len(X_T), 2 * len(X_T)))],
  "25 in 64": X_T[np.floor(np.arange(len(X_T)) * 25 / 64).astype(int)],
  "a little hum": X_T + 0.005 * (-1.0) ** np.arange(len(X_T)),
  "missing": np.full(5000, np.nan),
  "flat": np.ones(5000),
  "short": X_T[:3],
  "one": X_T[:1],
  "none": X_T[:0],
}


@pytest.mark.parametrize("case", REPEATED)
def test_values_that_repeat(case):
  x_t, times = REPEATED[case]
  assert layout_of(x_t, 100.0) == Layout(repeats=times)
  words = {2: "twice"}.get(times, f"{times} times")
  sentence = says(read_ppg, x_t, 100.0)
  assert f"every value stands {words}" in sentence and f"x[::{times}]" in sentence


@pytest.mark.parametrize("case", ALTERNATING)
def test_signals_that_alternate(case):
  x_t, signals = ALTERNATING[case]
  assert layout_of(x_t, 100.0).signals == signals
  sentence = says(read_ppg, x_t, 100.0)
  assert f"{signals} signals seem to alternate" in sentence and f"x[::{signals}]" in sentence


@pytest.mark.parametrize("rate_hz", [16.0, 64.0, 500.0])
@pytest.mark.parametrize("case", ORDINARY)
def test_ordinary_samples(case, rate_hz):
  assert layout_of(ORDINARY[case], rate_hz) == Layout()
  assert interleaved.check(ORDINARY[case], rate_hz, False, "x") == []


@pytest.mark.parametrize("rate_hz", [10.0, 13.0, 20.0, 30.0, 50.0])
@pytest.mark.parametrize("pulse_bpm", [60.0, 120.0, 150.0, 200.0])
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_few_samples_a_beat(rate_hz, pulse_bpm, noise):
  x_t = pulses(rate_hz=rate_hz, pulse_bpm=pulse_bpm, noise=noise, breath_bpm=12.0)
  assert layout_of(x_t, rate_hz) == Layout()


@pytest.mark.parametrize("case", [*sorted(set(REPEATED) - UNEVEN), "two sizes"])
def test_the_remedy_works(case):
  x_t, n = {**REPEATED, "two sizes": ALTERNATING["two sizes"]}[case]
  record = read_ppg(x_t[::n], RATE_HZ)
  assert record.rate_hz == RATE_HZ and len(record.signals["ppg_t"]) == len(X_T)


@pytest.mark.parametrize("times", [2, 4])
def test_where_the_times_are_known_repeated_values_are_told(tmp_path, times):
  x_t = np.repeat(X_T, times)
  path = tmp_path / "a.csv"
  time_s = np.arange(len(x_t)) / (RATE_HZ * times)
  np.savetxt(path, np.stack([time_s, x_t], -1), "%.6f", ",", header="time,PPG", comments="")
  notes = read_ppg(path, None).info["notes"]
  assert any("64 values a second" in note for note in notes)


def test_where_the_times_are_known_a_little_alternation_is_told(tmp_path):
  x_t = pulses(noise=0.0) + 0.1 * (-1.0) ** np.arange(len(X_T))
  path = tmp_path / "a.csv"
  time_s = np.arange(len(x_t)) / RATE_HZ
  np.savetxt(path, np.stack([time_s, x_t], -1), "%.6f", ",", header="time,PPG", comments="")
  assert any("both are averaged" in note for note in read_ppg(path, None).info["notes"])
  assert "2 signals seem to alternate" in says(read_ppg, x_t, RATE_HZ)


def test_three_signals_are_refused_where_the_times_are_known(tmp_path):
  x_t = turns(X_T, X_T + 0.1, X_T - 0.1)
  path = tmp_path / "a.csv"
  time_s = np.arange(len(x_t)) / (3 * RATE_HZ)
  np.savetxt(path, np.stack([time_s, x_t], -1), "%.6f", ",", header="time,PPG", comments="")
  assert "3 signals seem to alternate" in says(read_ppg, path, None)
