"""The simulator: a function of seed and patient, in BIDMC's form, with breaths that are in its own
signals."""
import numpy as np
import pytest
import scipy.signal
import scipy.stats
from ml_collections import ConfigDict

from jaxsig.data.ppg import ppg_windows, simulated_ppg
from jaxsig.data.ppg.simulate_respiration import simulate, simulate_recording
from jaxsig.data.ppg.simulated_breathing import band_noise
from jaxsig.data.ppg.simulated_patient import draw_patient, generator
from jaxsig.data.records import Record


def options(**changes) -> ConfigDict:
  fields = {
      "simulate_duration_s": 120.0,
      "simulate_rate_hz": 125.0,
      "simulate_records_per_patient": 1,
  }
  return ConfigDict({**fields, **changes})


@pytest.fixture(scope="module")
def records() -> list[Record]:
  return simulate(0, 40, options())


def rate_bpm(record: Record) -> float:
  breaths_s = record.annotations["breaths_1_s"]
  return 60 * (len(breaths_s) - 1) / (breaths_s[-1] - breaths_s[0])


def spectral_bpm(
    x_t: np.ndarray,
    rate_hz: float,
    low_hz: float = 0.07,
    high_hz: float = 0.75,
) -> float:
  """Highest spectral line between two frequencies, on a grid of 0.1/min."""
  n = round(600 * rate_hz)
  tapered_t = scipy.signal.detrend(x_t) * np.hanning(len(x_t))
  power = np.abs(np.fft.rfft(tapered_t, n))**2
  f_hz = np.fft.rfftfreq(n, 1 / rate_hz)
  in_band = (f_hz > low_hz) & (f_hz < high_hz)
  return 60 * f_hz[in_band][power[in_band].argmax()]


def test_form_is_that_of_bidmc(records):
  for record in records:
    assert set(record.signals) == {"ppg_t", "resp_t"}
    assert set(record.annotations) == {"breaths_1_s", "breaths_2_s"}
    assert set(record.info) == {"age", "sex", "source"}
    assert record.info["source"] == "simulated"
    assert record.group == record.id
    assert record.rate_hz == 125
    assert record.predictions == {}

    for x_t in record.signals.values():
      assert x_t.shape == (15000,)
      assert x_t.dtype == np.float32
      assert np.isfinite(x_t).all()
      assert x_t.min() >= 0
      assert x_t.max() <= 4
      assert x_t.std() > 0.005

    breaths_s = record.annotations["breaths_1_s"]
    np.testing.assert_array_equal(breaths_s, record.annotations["breaths_2_s"])
    assert breaths_s[0] >= 0
    assert breaths_s[-1] <= 120
    assert np.diff(breaths_s).min() > 0.5


def test_a_patient_depends_on_seed_and_number_alone(records):
  again = simulate(0, 3, options())
  with_second_records = simulate(0, 3, options(simulate_records_per_patient=2))
  firsts = [record for record in with_second_records if "_" not in record.id]

  for a, b, c in zip(records[:3], again, firsts, strict=True):
    for name in a.signals:
      np.testing.assert_array_equal(a.signals[name], b.signals[name])
      np.testing.assert_array_equal(a.signals[name], c.signals[name])
    np.testing.assert_array_equal(a.annotations["breaths_1_s"], b.annotations["breaths_1_s"])

  other_seed = simulate(1, 1, options())[0]
  assert not np.array_equal(other_seed.signals["ppg_t"], records[0].signals["ppg_t"])


def test_some_patients_have_a_second_record_of_their_own():
  config = options(simulate_duration_s=30.0, simulate_records_per_patient=2)
  made = simulate(0, 12, config)
  seconds = [record for record in made if record.id.endswith("_2")]
  by_id = {record.id: record for record in made}
  groups = {record.group for record in made}
  assert len(groups) == 12
  assert 0 < len(seconds) < 12

  for second in seconds:
    first = by_id[second.group]
    assert first.info == second.info
    assert not np.array_equal(first.signals["ppg_t"], second.signals["ppg_t"])


def test_rates_span_what_patients_do():
  rates = np.array([rate_bpm(record) for record in simulate(2, 60, options())])
  usual = np.mean((rates > 11) & (rates < 23))
  assert rates.min() < 8
  assert rates.max() > 28
  assert 0.4 < usual < 0.85


def test_breath_times_are_the_peaks_of_the_reference(records):
  """In most patients: some have a reference of the other polarity, hardly any amplitude, or
  motion."""
  levels = []
  for record in records:
    resp_t = record.signals["resp_t"]
    quantile_t = scipy.stats.rankdata(resp_t) / len(resp_t)
    breath_index = np.rint(record.annotations["breaths_1_s"] * 125).astype(int).clip(0, 14999)
    levels.append(np.mean(quantile_t[breath_index]))

  share_inverted = np.mean(np.array(levels) < 0.4)
  assert np.median(levels) > 0.85
  assert 0.02 < share_inverted < 0.25


def test_the_reference_has_the_annotated_rate(records):
  """Where breathing is regular, the spectrum of the reference and the count of breaths agree."""
  errors = []
  for record in records:
    annotated_bpm = rate_bpm(record)
    intervals_s = np.diff(record.annotations["breaths_1_s"])
    regular = np.std(intervals_s) < 0.1 * 60 / annotated_bpm
    if regular:
      errors.append(abs(spectral_bpm(record.signals["resp_t"], 125) - annotated_bpm))
  assert len(errors) >= 10
  assert np.median(errors) < 0.3


def test_it_is_hard_for_a_constant_and_for_a_band_pass_but_not_for_the_reference():
  """Rate over 60 s windows; expected mean absolute errors over patients are 5, 4 and 0.7 /min."""
  band_pass = scipy.signal.butter(2, [0.1, 0.6], "bandpass", fs=12.5, output="sos")

  def slow(x_t: np.ndarray) -> np.ndarray:
    decimated_t = scipy.signal.decimate(x_t.astype(float), 10)
    return scipy.signal.sosfiltfilt(band_pass, decimated_t)

  truth_bpm = []
  band_pass_bpm = []
  reference_bpm = []
  for record in simulate(3, 60, options()):
    breaths_s = record.annotations["breaths_1_s"]
    ppg_t = slow(record.signals["ppg_t"])
    resp_t = slow(record.signals["resp_t"])
    for start_s in (0, 60):
      inside_s = breaths_s[(breaths_s >= start_s) & (breaths_s < start_s + 60)]
      truth_bpm.append(60 * (len(inside_s) - 1) / np.ptp(inside_s))
      first = round(start_s * 12.5)
      band_pass_bpm.append(spectral_bpm(ppg_t[first:first + 750], 12.5))
      reference_bpm.append(spectral_bpm(resp_t[first:first + 750], 12.5))

  truth_bpm = np.array(truth_bpm)
  constant_error = np.mean(np.abs(truth_bpm - np.median(truth_bpm)))
  band_pass_error = np.mean(np.abs(truth_bpm - np.array(band_pass_bpm)))
  reference_error = np.mean(np.abs(truth_bpm - np.array(reference_bpm)))
  assert 4 < constant_error < 6.5
  assert 2.5 < band_pass_error < 5
  assert reference_error < 1.2


QUIET = dict.fromkeys(
    (
        "baseline",
        "amplitude",
        "rsa_heart",
        "mayer",
        "mayer_heart",
        "wander",
        "drift",
        "slow_heart",
        "beat_sd",
        "premature",
        "artefacts_hz",
        "noise",
        "irregular",
        "rate_wander",
        "depth_sd",
        "sighs_hz",
        "pauses_hz",
    ),
    0,
)
STEADY = {
    "rate_bpm": 15,
    "heart_bpm": 80,
    "smooth_s": 0.1,
    "height": 0.4,
    "full_scale": 1,
    "inspired": 0.4,
}


def line_at_15_bpm(series: str, **changes) -> float:
  """Amplitude at 0.25 Hz of a beats' series of a steady patient, as a fraction of the pulse or
  period."""
  patient = draw_patient(generator(0, 0, 0))._replace(**{**QUIET, **STEADY, **changes})
  signals, _ = simulate_recording(generator(0, 0, 1), patient, 120.0, 125.0)
  values = series_of_beats(signals["ppg_t"].astype(float))

  unit = "height"
  if series == "period":
    unit = "period"
  x_t = values[series] / values[unit].mean()

  window_t = np.hanning(len(x_t))
  turn_t = np.exp(-2j * np.pi * 0.25 * np.arange(len(x_t)) / 4)
  centred_t = x_t - x_t.mean()
  return 2 * np.abs(np.mean(centred_t * window_t * turn_t)) / window_t.mean()


@pytest.mark.parametrize(
    ("modulation", "strength", "series"),
    [("baseline", 0.1, "baseline"), ("amplitude", 0.1, "height"), ("rsa_heart", 0.04, "period")],
)
def test_each_modulation_moves_its_own_series_by_its_strength(modulation, strength, series):
  """With one modulation 0.6 to 1 of it is in the line at 0.25 Hz, the rest in harmonics."""
  with_modulation = line_at_15_bpm(series, **{modulation: strength})
  without = line_at_15_bpm(series)
  assert 0.6 * strength < with_modulation < strength
  assert without < 0.1 * strength


def test_disturbances_lie_inside_the_breathing_band():
  """Mayer waves and wander of strength 0.1 have about that SD in 0.06-0.6 Hz; drift is below."""
  t_s = np.arange(0, 240, 0.008)
  band_pass = scipy.signal.butter(4, [0.06, 0.6], "bandpass", fs=125, output="sos")
  expected = (
      ("mayer", 0.1, 0.2),
      ("wander", 0.07, 0.13),
      ("drift", 0, 0.05),
  )
  for name, low, high in expected:
    patient = draw_patient(generator(0, 0, 0))._replace(**{**QUIET, name: 0.1})
    low_hz = patient.mayer_hz - 0.01
    high_hz = patient.mayer_hz + 0.01
    mayer_t = band_noise(generator(1), t_s, low_hz, high_hz)
    x_t = simulated_ppg.baseline(generator(2), patient, t_s, 0 * t_s, mayer_t)
    assert low < scipy.signal.sosfiltfilt(band_pass, x_t).std() < high, name


def series_of_beats(ppg_t: np.ndarray) -> dict[str, np.ndarray]:
  """Trough, height and period of the pulses on a grid of 4 Hz (no artefact handling)."""
  band_pass = scipy.signal.butter(2, [0.7, 4], "bandpass", fs=125, output="sos")
  smooth_t = scipy.signal.sosfiltfilt(band_pass, ppg_t)
  prominence = 0.4 * smooth_t.std()
  peaks, _ = scipy.signal.find_peaks(smooth_t, distance=45, prominence=prominence)

  low = np.array([ppg_t[max(peak - 60, 0):peak + 1].min() for peak in peaks])
  high = np.array([ppg_t[max(peak - 8, 0):peak + 9].max() for peak in peaks])
  intervals = np.diff(peaks)
  values = {
      "baseline": low,
      "height": high - low,
      "period": np.diff(peaks, prepend=peaks[0] - intervals[0]),
  }

  grid_s = np.arange(0, len(ppg_t) / 125, 0.25)
  on_grid = {}
  for name, x in values.items():
    on_grid[name] = np.interp(grid_s, peaks / 125, x)
  return on_grid


def test_it_is_cut_into_windows_as_a_recording_is(records):
  config = ConfigDict({
      "window_s": 5.0,
      "stride_s": 5.0,
      "rate_hz": 30.0,
      "ppg_rate_hz": 0.0,
      "ppg_low_pass_hz": 0.0,
      "resp_low_pass_hz": 1.0,
      "resp_high_pass_hz": 0.0,
      "causal": False,
      "ppg_range": (-1, 1),
      "resp_range": (0, 1),
      "normalise": "window",
      "time_warp_factors": (),
  })
  spans = ppg_windows.spans(records[0], config)
  windows = ppg_windows.cut(records[0], spans, config)
  assert windows["ppg_b_t_p"].shape == (24, 150, 1)
  assert np.isfinite(windows["resp_b_t"]).all()


@pytest.mark.parametrize("rate_hz", [62.5, 100.0])
def test_other_rates_and_lengths(rate_hz):
  record = simulate(0, 1, options(simulate_rate_hz=rate_hz, simulate_duration_s=20.0))[0]
  assert record.rate_hz == rate_hz
  assert len(record.signals["ppg_t"]) == round(20 * rate_hz)
