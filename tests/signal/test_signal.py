"""Spectra, filters, peaks and resampling against closed forms and SciPy."""
import jax
import numpy as np
import pytest
import scipy.signal

from jaxsig.signal import filters, peaks, resample, spectra

LOW_HZ = 4 / 60
HIGH_HZ = 1.0


def sine(
    frequency_hz: float,
    rate_hz: float,
    seconds: float,
    phase: float = 0.3,
) -> np.ndarray:
  t_s = np.arange(round(seconds * rate_hz)) / rate_hz
  return np.sin(2 * np.pi * frequency_hz * t_s + phase).astype(np.float32)


def peak_bpm(x_t: np.ndarray, rate_hz: float, n_fft: int | None = None) -> np.ndarray:
  """The peak between 4 and 60 a minute."""
  return 60 * np.asarray(spectra.peak_frequency_hz(x_t, rate_hz, LOW_HZ, HIGH_HZ, n_fft))


# Spectra


@pytest.mark.parametrize("n, n_fft", [(300, 512), (301, 301), (301, 512)])
def test_power_spectrum_is_scipys_periodogram(n, n_fft):
  noise_t = np.random.default_rng(0).standard_normal((2, n))
  x_t = noise_t + 0.01 * np.arange(n)
  frequency_f, power_f = spectra.power_spectrum(x_t, 5.0, n_fft)
  expected_frequency_f, expected_power_f = scipy.signal.periodogram(
      x_t, 5.0, "hann", n_fft, "linear"
  )
  np.testing.assert_allclose(frequency_f, expected_frequency_f, rtol=1e-6)
  tolerance = 1e-5 * expected_power_f.max()
  np.testing.assert_allclose(power_f, expected_power_f, rtol=2e-3, atol=tolerance)


def test_power_spectrum_never_cuts_the_signal():
  with pytest.raises(ValueError, match="shorter"):
    spectra.power_spectrum(np.zeros(300), 5.0, 256)


@pytest.mark.parametrize("rate_hz", [4.0, 5.0, 30.0, 125.0, 99.7])
def test_default_grid_is_a_tenth_per_minute_or_finer(rate_hz):
  assert 60 * rate_hz / spectra.fft_length(100, rate_hz) <= 0.1 + 1e-9
  assert spectra.fft_length(1_000_000, rate_hz) >= 1_000_000


@pytest.mark.parametrize("rate_hz", [4.0, 5.0, 30.0, 125.0])
@pytest.mark.parametrize("bpm", [6.0, 11.37, 14.5, 17.03, 29.99, 43.21])
def test_peak_finds_a_sine_off_the_grid(rate_hz, bpm):
  x_t = sine(bpm / 60, rate_hz, 60) + 3
  assert abs(peak_bpm(x_t, rate_hz) - bpm) < 0.05


@pytest.mark.parametrize("bpm, n_fft, tolerance", [
    (15.5, 300, 0.05),   # bins of 1/min: half-way between two
    (15.3, 1200, 0.03),
])
def test_parabola_is_finer_than_the_grid(bpm, n_fft, tolerance):
  x_t = sine(bpm / 60, 5.0, 60)
  assert abs(peak_bpm(x_t, 5.0, n_fft) - bpm) < tolerance


T = np.arange(300) / 5


@pytest.mark.parametrize("x_t", [
    T**2,
    (T - 9) ** 3,
    np.exp(T / 20),
    np.sqrt(T),
    sine(2 / 60, 5.0, 60),
    sine(80 / 60, 5.0, 60),
    0 * T + 0.5,
    0.1 * T,
    np.nan * T,
])
def test_drift_and_flat_and_gaps_have_no_peak(x_t):
  """Some of the drifts have side lobes in the band."""
  assert np.isnan(peak_bpm(x_t.astype(np.float32), 5.0))


def test_a_peak_on_the_edge_itself_is_none():
  """Bins of 1/256 Hz: a peak exactly on the first, or the last, of the band."""
  x_t = sine(0.25, 4.0, 64)
  assert np.isnan(spectra.peak_frequency_hz(x_t, 4.0, 0.25, 0.5, n_fft=1024))
  assert np.isnan(spectra.peak_frequency_hz(x_t, 4.0, 0.1, 0.25, n_fft=1024))
  inside = spectra.peak_frequency_hz(x_t, 4.0, 0.24, 0.26, n_fft=1024)
  assert inside == pytest.approx(0.25, abs=1e-4)


@pytest.mark.parametrize("seconds, bpm", [(60, 6.1), (60, 4.6), (32, 8.0), (64, 59.0)])
def test_a_rhythm_near_the_edge_of_the_band_is_found_over_moderate_drift(seconds, bpm):
  drift_t = np.linspace(0, 1, seconds * 5) ** 2
  x_t = sine(bpm / 60, 5.0, seconds) + drift_t
  assert abs(peak_bpm(x_t, 5.0) - bpm) < 0.1


def test_peak_is_batched_and_jits():
  breathing = [sine(bpm / 60, 5.0, 60) for bpm in (8, 16, 24)]
  flat = [np.zeros(300, np.float32)] * 3
  x_2_3_t = np.stack([breathing, flat])
  compiled = jax.jit(lambda x: spectra.peak_frequency_hz(x, 5.0, LOW_HZ, HIGH_HZ))
  peak_hz = np.asarray(compiled(x_2_3_t))
  np.testing.assert_allclose(60 * peak_hz[0], [8, 16, 24], atol=0.05)
  assert np.isnan(peak_hz[1]).all()


def test_a_band_of_fewer_than_three_bins_is_named():
  with pytest.raises(ValueError, match="three bins"):
    spectra.peak_frequency_hz(np.zeros(300), 5.0, 0.1, 0.1001)


# Filters


@pytest.mark.parametrize("bpm", [8, 15, 25])
def test_filters_have_no_delay_and_the_gain_of_the_squared_butterworth(bpm):
  x_t = sine(bpm / 60, 5.0, 120)
  middle = slice(150, -150)
  low_passed_t = filters.low_pass(x_t, 5.0, 1.0, 8)
  band_passed_t = filters.band_pass(x_t, 5.0, LOW_HZ, HIGH_HZ)
  np.testing.assert_allclose(low_passed_t[middle], x_t[middle], atol=1e-3)
  np.testing.assert_allclose(band_passed_t[middle], x_t[middle], atol=0.1)

  batch = np.stack([x_t, 2 * x_t])[None]
  batch_passed = filters.band_pass(batch, 5.0, LOW_HZ, HIGH_HZ)
  np.testing.assert_allclose(batch_passed[0, 1], 2 * band_passed_t, atol=1e-6)


@pytest.mark.parametrize("frequency_hz, gain", [(0.8, 0.97), (0.9, 0.85), (1.0, 0.50), (1.2, 0.05)])
def test_low_pass_halves_at_its_cutoff_and_stops_beyond(frequency_hz, gain):
  """The gains were measured on the published post-filter."""
  passed_t = filters.low_pass(sine(frequency_hz, 30.0, 120), 30.0, 1.0, 8)
  amplitude = np.std(passed_t[600:-600]) * np.sqrt(2)
  assert amplitude == pytest.approx(gain, abs=0.01)


def test_filters_take_short_signals_and_refuse_impossible_edges():
  assert filters.low_pass(np.ones(3), 5.0, 1.0, 8).shape == (3,)
  with pytest.raises(ValueError, match="between 0 and"):
    filters.low_pass(np.ones(50), 5.0, 2.5)


# Peaks and events


def test_counted_cycles_are_those_of_the_sine():
  cycles_s = peaks.breath_cycles_s(sine(0.23, 5.0, 60), 5.0)
  assert len(cycles_s) in (12, 13)
  length_s = np.diff(cycles_s)[:, 0]
  np.testing.assert_allclose(length_s, 1 / 0.23, atol=0.02)


def test_a_split_breath_is_none():
  """No minimum below zero between two of its maxima, then two of them."""
  breath_t = sine(0.25, 10.0, 60, phase=0)
  split_t = breath_t + 0.6 * sine(0.75, 10.0, 60, phase=0)
  assert len(peaks.breath_cycles_s(split_t, 10.0)) == 0


def test_a_ripple_is_no_breath():
  corners = np.tile([1, -1, 0.1, 0.05], 15)   # a maximum below the threshold on each way up
  x_t = np.interp(np.arange(600) / 10, np.arange(60), corners)
  length_s = np.diff(peaks.breath_cycles_s(x_t, 10.0))
  np.testing.assert_allclose(length_s, 4)


def test_a_pause_is_no_breath():
  x_t = sine(0.25, 10.0, 60, phase=0)
  x_t[200:320] = -0.5 + 0.05 * sine(1.0, 10.0, 12)   # many minima below zero
  cycles_s = peaks.breath_cycles_s(x_t, 10.0)
  assert np.diff(cycles_s).max() < 4.5
  assert len(cycles_s) == 10


def test_a_flat_signal_has_no_breaths():
  assert len(peaks.breath_cycles_s(np.zeros(100), 5.0)) == 0


def test_refined_maximum_is_the_vertex():
  x_t = -(np.arange(10) - 4.3) ** 2
  np.testing.assert_allclose(peaks.refine(x_t, peaks.local_maxima(x_t)), [4.3])
  with_plateau_t = np.array([0, 1, 1, 1, 0, 2, 0])
  assert list(peaks.local_maxima(with_plateau_t)) == [2, 5]


def test_event_rate_counts_intervals_inside_the_window():
  events_s = np.array([1.0, 5.0, 9.0, 61.0, 62.0])
  assert peaks.event_rate_hz(events_s, 0, 60) == pytest.approx(0.25)
  assert peaks.event_rate_hz(events_s[::-1], 0, 61) == pytest.approx(0.25)   # its end is outside
  assert peaks.event_rate_hz(events_s, 60, 60) == pytest.approx(1.0)
  assert np.isnan(peaks.event_rate_hz(events_s, 9, 52))
  assert np.isnan(peaks.event_rate_hz(np.zeros(0), 0, 60))


# Resampling


@pytest.mark.parametrize("rate_hz, to_hz", [
    (125, 4),
    (125, 30),
    (4, 30),
    (30, 5),
    (99.7, 4),
    (5, 5),
])
def test_resampling_keeps_time_and_constants(rate_hz, to_hz):
  n = round(60 * rate_hz)
  constant_t = np.full(n, 0.5)
  ramp_t = 2 + 0.1 * np.arange(n)
  x_t = np.stack([sine(0.3, rate_hz, 60), constant_t, ramp_t])
  sine_t, constant_t, ramp_t = resample.resample(x_t, rate_hz, to_hz)
  index = np.arange(round(60 * to_hz))
  assert len(sine_t) == len(index)

  expected_t = np.sin(2 * np.pi * 0.3 * index / to_hz + 0.3)
  inside = slice(10 * to_hz, -10 * to_hz)
  np.testing.assert_allclose(sine_t[inside], expected_t[inside], atol=3e-3)
  np.testing.assert_allclose(constant_t, 0.5, atol=1e-9)
  np.testing.assert_allclose(ramp_t, 2 + 0.1 * index * rate_hz / to_hz, rtol=1e-4)


@pytest.mark.parametrize("kind, tolerance", [("cubic", 0.01), ("linear", 0.16)])
def test_an_irregular_series_lands_on_the_grid(kind, tolerance):
  times_s = np.cumsum(np.random.default_rng(0).uniform(0.5, 0.9, 120))
  values = np.sin(2 * np.pi * 0.2 * times_s)
  y_t = resample.to_grid(times_s, values, 4.0, 280, kind)

  grid_s = np.arange(280) / 4
  inside = (grid_s > times_s[1]) & (grid_s < times_s[-2])
  expected_t = np.sin(2 * np.pi * 0.2 * grid_s[inside])
  np.testing.assert_allclose(y_t[inside], expected_t, atol=tolerance)
  assert y_t[0] == pytest.approx(values[0])   # held before the first beat


def test_mistakes_of_an_irregular_series_are_named():
  times_s = np.arange(1.0, 9.0)
  with pytest.raises(ValueError, match="two values"):
    resample.to_grid(times_s[:1], times_s[:1], 4.0, 10)
  with pytest.raises(ValueError, match="unknown kind"):
    resample.to_grid(times_s, times_s, 4.0, 10, "quintic")


def test_gaps_are_bridged():
  bridged = resample.fill_gaps([np.nan, 1, np.nan, 3, np.nan])
  np.testing.assert_array_equal(bridged, [1, 1, 2, 3, 3])
  assert np.isnan(resample.fill_gaps([np.nan, np.nan])).all()
