"""The simulator: a function of seed and patient, in BIDMC's form, with breaths that are in its own signals."""
import types

import numpy as np
import pytest
import scipy.signal
import scipy.stats

from jaxsig.data.ppg import bidmc
from jaxsig.data.ppg import simulate_respiration as module
from jaxsig.data.ppg.simulate_respiration import simulate


def options(**changes) -> types.SimpleNamespace:
  fields = {"simulate_duration_s": 120.0, "simulate_rate_hz": 125.0, "simulate_records_per_patient": 1}
  return types.SimpleNamespace(**{**fields, **changes})


@pytest.fixture(scope="module")
def records() -> list:
  return simulate(0, 40, options())


def rate_bpm(record) -> float:
  breaths_s = record.annotations["breaths_1_s"]
  return 60 * (len(breaths_s) - 1) / (breaths_s[-1] - breaths_s[0])


def spectral_bpm(x_t: np.ndarray, rate_hz: float, low_hz: float = 0.07, high_hz: float = 0.75) -> float:
  """Highest spectral line between two frequencies, on a grid of 0.1/min."""
  n = round(600 * rate_hz)
  power = np.abs(np.fft.rfft(scipy.signal.detrend(x_t) * np.hanning(len(x_t)), n))**2
  f_hz = np.fft.rfftfreq(n, 1 / rate_hz)
  inside = (f_hz > low_hz) & (f_hz < high_hz)
  return 60 * f_hz[inside][power[inside].argmax()]


def test_form_is_that_of_bidmc(records):
  for record in records:
    assert set(record.signals) == {"ppg_t", "resp_t"} and set(record.annotations) == {"breaths_1_s", "breaths_2_s"}
    assert set(record.info) == {"age", "sex", "source"} and record.info["source"] == "simulated"
    assert record.group == record.id and record.rate_hz == 125 and record.prepared == record.predictions == {}
    for x_t in record.signals.values():
      assert x_t.shape == (15000,) and x_t.dtype == np.float32
      assert np.isfinite(x_t).all() and x_t.min() >= 0 and x_t.max() <= 4 and x_t.std() > 0.005
    breaths_s = record.annotations["breaths_1_s"]
    np.testing.assert_array_equal(breaths_s, record.annotations["breaths_2_s"])
    assert breaths_s[0] >= 0 and breaths_s[-1] <= 120 and np.diff(breaths_s).min() > 0.5


def test_a_patient_depends_on_seed_and_number_alone(records):
  again = simulate(0, 3, options())
  more = [r for r in simulate(0, 3, options(simulate_records_per_patient=2)) if "_" not in r.id]
  for a, b, c in zip(records[:3], again, more, strict=True):
    for name in a.signals:
      np.testing.assert_array_equal(a.signals[name], b.signals[name])
      np.testing.assert_array_equal(a.signals[name], c.signals[name])
    np.testing.assert_array_equal(a.annotations["breaths_1_s"], b.annotations["breaths_1_s"])
  assert not np.array_equal(simulate(1, 1, options())[0].signals["ppg_t"], records[0].signals["ppg_t"])


def test_some_patients_have_a_second_record_of_their_own():
  made = simulate(0, 12, options(simulate_duration_s=30.0, simulate_records_per_patient=2))
  seconds = [r for r in made if r.id.endswith("_2")]
  firsts = {r.id: r for r in made}
  assert len({r.group for r in made}) == 12 and 0 < len(seconds) < 12
  for record in seconds:
    first = firsts[record.group]
    assert first.info == record.info and not np.array_equal(first.signals["ppg_t"], record.signals["ppg_t"])


def test_rates_span_what_patients_do():
  rates = np.array([rate_bpm(r) for r in simulate(2, 60, options())])
  assert rates.min() < 8 and rates.max() > 28 and 0.4 < np.mean((rates > 11) & (rates < 23)) < 0.85


def test_breath_times_are_the_peaks_of_the_reference(records):
  """In most patients: some have a reference of the other polarity, hardly any amplitude, or motion."""
  level = []
  for record in records:
    resp_t = scipy.stats.rankdata(record.signals["resp_t"]) / len(record.signals["resp_t"])
    level.append(np.mean(resp_t[np.rint(record.annotations["breaths_1_s"] * 125).astype(int).clip(0, 14999)]))
  assert np.median(level) > 0.85 and 0.02 < np.mean(np.array(level) < 0.4) < 0.25


def test_the_reference_has_the_annotated_rate(records):
  """Where breathing is regular, the spectrum of the reference and the count of breaths agree."""
  regular = [r for r in records if np.std(np.diff(r.annotations["breaths_1_s"])) < 0.1 * 60 / rate_bpm(r)]
  errors = [abs(spectral_bpm(r.signals["resp_t"], 125) - rate_bpm(r)) for r in regular]
  assert len(regular) >= 10 and np.median(errors) < 0.3


def test_it_is_hard_for_a_constant_and_for_a_band_pass_but_not_for_the_reference():
  """Rate over 60 s windows, mean absolute error over patients; the figures to expect are 5, 4 and 0.7 /min."""
  sos = scipy.signal.butter(2, [0.1, 0.6], "bandpass", fs=12.5, output="sos")
  truth, band, reference = [], [], []
  for record in simulate(3, 60, options()):
    breaths_s, slow = record.annotations["breaths_1_s"], {}
    for name, x_t in record.signals.items():
      slow[name] = scipy.signal.sosfiltfilt(sos, scipy.signal.decimate(x_t.astype(float), 10))
    for start in (0, 60):
      inside_s = breaths_s[(breaths_s >= start) & (breaths_s < start + 60)]
      truth.append(60 * (len(inside_s) - 1) / np.ptp(inside_s))
      here = slice(round(start * 12.5), round(start * 12.5) + 750)
      band.append(spectral_bpm(slow["ppg_t"][here], 12.5))
      reference.append(spectral_bpm(slow["resp_t"][here], 12.5))
  truth = np.array(truth)
  constant_error = np.mean(np.abs(truth - np.median(truth)))
  band_error, reference_error = (np.mean(np.abs(truth - np.array(x))) for x in (band, reference))
  assert 4 < constant_error < 6.5 and 2.5 < band_error < 5 and reference_error < 1.2


QUIET = dict.fromkeys((
  "baseline", "amplitude", "rsa_heart", "mayer", "mayer_heart", "wander", "drift", "slow_heart", "beat_sd", "premature",
  "artefacts_hz", "noise", "irregular", "rate_wander", "depth_sd", "sighs_hz", "pauses_hz"), 0)


@pytest.mark.parametrize(("modulation", "strength", "series"),
                         [("baseline", 0.1, "baseline"), ("amplitude", 0.1, "height"), ("rsa_heart", 0.04, "period")])
def test_each_modulation_moves_its_own_series_by_its_strength(modulation, strength, series):
  """A steady patient at 15/min with one modulation: 0.6 to 1 of it is in the line at 0.25 Hz, the rest in harmonics."""
  def line(**changes) -> float:
    patient = module._patient(module._generator(0, 0, 0))
    fixed = {"rate_bpm": 15, "heart_bpm": 80, "smooth_s": 0.1, "height": 0.4, "full_scale": 1, "inspired": 0.4}
    patient = patient._replace(**{**QUIET, **fixed, **changes})
    signals, _ = module._recording(module._generator(0, 0, 1), patient, 120.0, 125.0)
    values = series_of_beats(signals["ppg_t"].astype(float))
    x_t = values[series] / values["period" if series == "period" else "height"].mean()
    window_t = np.hanning(len(x_t))
    turn_t = np.exp(-2j * np.pi * 0.25 * np.arange(len(x_t)) / 4)
    return 2 * np.abs(np.mean((x_t - x_t.mean()) * window_t * turn_t)) / window_t.mean()
  assert 0.6 * strength < line(**{modulation: strength}) < strength
  assert line() < 0.1 * strength


def test_disturbances_lie_inside_the_breathing_band():
  """Mayer waves and wander of strength 0.1 have about that SD between 0.06 and 0.6 Hz; drift is below."""
  t_s = np.arange(0, 240, 0.008)
  sos = scipy.signal.butter(4, [0.06, 0.6], "bandpass", fs=125, output="sos")
  for name, low, high in (("mayer", 0.1, 0.2), ("wander", 0.07, 0.13), ("drift", 0, 0.05)):
    patient = module._patient(module._generator(0, 0, 0))._replace(**{**QUIET, name: 0.1})
    mayer_t = module._noise(module._generator(1), t_s, patient.mayer_hz - 0.01, patient.mayer_hz + 0.01)
    x_t = module._baseline(module._generator(2), patient, t_s, 0 * t_s, mayer_t)
    assert low < scipy.signal.sosfiltfilt(sos, x_t).std() < high, name


def series_of_beats(ppg_t: np.ndarray) -> dict:
  """Trough, height and period of the pulses on a grid of 4 Hz (no artefact handling)."""
  smooth_t = scipy.signal.sosfiltfilt(scipy.signal.butter(2, [0.7, 4], "bandpass", fs=125, output="sos"), ppg_t)
  peaks, _ = scipy.signal.find_peaks(smooth_t, distance=45, prominence=0.4 * smooth_t.std())
  low = np.array([ppg_t[max(p - 60, 0):p + 1].min() for p in peaks])
  high = np.array([ppg_t[max(p - 8, 0):p + 9].max() for p in peaks])
  period = np.diff(peaks, prepend=peaks[0] - np.diff(peaks)[0])
  values = {"baseline": low, "height": high - low, "period": period}
  grid_s = np.arange(0, len(ppg_t) / 125, 0.25)
  return {name: np.interp(grid_s, peaks / 125, x) for name, x in values.items()}


def test_it_prepares_like_a_recording(records):
  config = types.SimpleNamespace(
      window_s=5.0, stride_s=5.0, rate_hz=30.0, ppg_rate_hz=0.0, ppg_low_pass_hz=0.0, resp_low_pass_hz=1.0, resp_high_pass_hz=0.0,
      causal=False, ppg_range=(-1, 1), resp_range=(0, 1), normalise="window")
  windows = bidmc.prepare(records[0], config)
  assert windows["ppg_b_t_p"].shape == (24, 150, 1) and np.isfinite(windows["resp_b_t"]).all()


@pytest.mark.parametrize("rate_hz", [62.5, 100.0])
def test_other_rates_and_lengths(rate_hz):
  record = simulate(0, 1, options(simulate_rate_hz=rate_hz, simulate_duration_s=20.0))[0]
  assert record.rate_hz == rate_hz and len(record.signals["ppg_t"]) == round(20 * rate_hz)
