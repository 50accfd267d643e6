"""Minutes of a PPG in which no breathing is visible: of a finger simulator or a phantom."""
import numpy as np
import pytest
from builders import small
from fake_recording import LONG, fake, posteriors

from jaxsig.prediction import own_file
from jaxsig.systems.respiration.own_rates import rates_of
from jaxsig.systems.respiration.visible_breathing import silent_spans_s

ROUND = {"baseline": 0.0, "height": 0.0, "interval": 0.0}


def beats(
  duration_s: float = 60.0,
  rate_hz: float = 100.0,
  pulse_bpm: float = 72.0,
  noise: float = 0.0,
  breath_bpm: float = 15.0,
  **depths: float,
) -> np.ndarray:
  """Pulses of height 1 whose baseline, height and interval breathe by these depths."""
  depth = {**ROUND, **depths}
  time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
  angle_t = 2 * np.pi * breath_bpm / 60 * time_s
  breath_t = np.sin(angle_t)
  swing_bpm = depth["interval"] * pulse_bpm / breath_bpm   # of the phase, in turns of a breath
  phase_t = (time_s * pulse_bpm / 60 - swing_bpm * np.cos(angle_t) / (2 * np.pi)) % 1.0
  main_t = np.exp(-0.5 * ((phase_t - 0.2) / np.where(phase_t < 0.2, 0.06, 0.16)) ** 2)
  second_t = 0.2 * np.exp(-0.5 * ((phase_t - 0.6) / 0.1) ** 2)
  noise_t = noise * np.random.default_rng(0).standard_normal(len(time_s))
  height_t = 1 + depth["height"] * breath_t
  return height_t * (main_t + second_t) + depth["baseline"] * breath_t + noise_t


@pytest.mark.parametrize("pulse_bpm", [40.0, 60.0, 72.0, 80.0, 90.0, 150.0])
@pytest.mark.parametrize("changes", [
  {},
  {"noise": 0.003},
  {"noise": 0.008},
  {"noise": 0.02},
  {"noise": 0.03},
  {"rate_hz": 250.0, "noise": 0.005},
  {"rate_hz": 64.0},
])
def test_a_simulator_shows_no_breathing(pulse_bpm, changes):
  assert silent_spans_s(beats(pulse_bpm=pulse_bpm, **changes), changes.get("rate_hz", 100.0))


@pytest.mark.parametrize("make", [
  lambda x_t: 3000 * x_t + 80000,
  lambda x_t: np.rint(2000 * x_t),
  lambda x_t: x_t.astype(np.float32),
  lambda x_t: np.where(np.arange(len(x_t)) // 100 == 20, np.nan, x_t),
  lambda x_t: x_t + np.linspace(0, 2, len(x_t)),
], ids=["counts", "whole numbers", "single precision", "a gap", "a trend"])
def test_a_simulator_in_other_forms(make):
  assert silent_spans_s(make(beats()), 100.0) == [[0.0, 60.0]]


@pytest.mark.parametrize("pulse_bpm", [50.0, 72.0, 110.0])
@pytest.mark.parametrize("breath_bpm", [6.0, 15.0, 24.0])
@pytest.mark.parametrize("depths", [
  {"baseline": 0.02},
  {"height": 0.02},
  {"interval": 0.02},
  {"baseline": 0.2, "height": 0.2, "interval": 0.05},
])
def test_breathing_that_is_visible_in_one_of_the_three(pulse_bpm, breath_bpm, depths):
  assert silent_spans_s(beats(pulse_bpm=pulse_bpm, breath_bpm=breath_bpm, **depths), 100.0) == []


@pytest.mark.parametrize("noise", [0.005, 0.02, 0.05])
@pytest.mark.parametrize("depths", [{"baseline": 0.05}, {"height": 0.05}, {"interval": 0.05}])
def test_breathing_in_noise_is_visible(noise, depths):
  assert silent_spans_s(beats(noise=noise, **depths), 100.0) == []


@pytest.mark.parametrize("x_t", [
  np.random.default_rng(0).standard_normal(6000),
  np.zeros(6000),
  np.full(6000, np.nan),
  np.arange(6000.0),
  beats(duration_s=59.0),
  beats(noise=0.15),
  beats(duration_s=0.0),
], ids=["noise", "flat", "missing", "a line", "short", "a noisy pulse", "nothing"])
def test_what_is_not_judged(x_t):
  assert silent_spans_s(x_t, 100.0) == []


def test_minutes_are_judged_one_by_one():
  person_t = beats(duration_s=120.0, baseline=0.1)
  x_t = np.concatenate([person_t, beats(duration_s=90.0)])
  assert silent_spans_s(x_t, 100.0) == [[120.0, 180.0], [150.0, 210.0]]


def test_ten_samples_a_second_are_too_few():
  assert silent_spans_s(beats(rate_hz=10.0), 10.0) == []


STREAM = {"data__causal": True, "data__stride_s": 2.0, "read__rate_of": "posterior"}


@pytest.mark.parametrize("changes", [{}, STREAM], ids=["file", "stream"])
@pytest.mark.parametrize("form", ["whole", "upside down", "with a gap"])
def test_a_simulator_has_no_rate(changes, form):
  x_t = beats(duration_s=130.0)
  if form == "upside down":
    x_t = -x_t
  if form == "with a gap":
    x_t[2000:2050] = np.nan
  rates = rates_of(own_file.predict(x_t, 100.0, fake(small(LONG, **changes), posteriors)))
  assert rates
  for rate in rates:
    assert (rate.rate_bpm, rate.quality) == (None, "no estimate")
    assert "no breathing is visible" in rate.why


@pytest.mark.parametrize("changes", [{}, STREAM], ids=["file", "stream"])
def test_a_person_before_a_simulator_keeps_the_rates(changes):
  x_t = np.concatenate([beats(duration_s=120.0, baseline=0.1), beats(duration_s=120.0)])
  rates = rates_of(own_file.predict(x_t, 100.0, fake(small(LONG, **changes), posteriors)))
  for rate in rates:
    if rate.end_s <= 120:
      assert (rate.quality, rate.why) == ("good", "")
    if rate.start_s >= 122:
      assert rate.rate_bpm is None


def test_a_streams_quality_depends_on_nothing_later():
  model = fake(small(LONG, **STREAM, own__polarity="upright"), posteriors)
  person_t = beats(duration_s=100.0, height=0.1)
  a = rates_of(own_file.predict(person_t, 100.0, model))
  b = rates_of(own_file.predict(np.append(person_t, beats(duration_s=90.0)), 100.0, model))
  assert b[:len(a)] == a
