"""Spectra, filters, peaks, resampling and distributions of rates against closed forms and SciPy."""
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

from jaxsig.signal import filters, peaks, resample, spectra
from jaxsig.systems.respiration import rates


def sine(frequency_hz, rate_hz, seconds, phase=0.3):
  return np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * rate_hz)) / rate_hz + phase).astype(np.float32)


@pytest.mark.parametrize("n, n_fft", [(300, 512), (301, 301), (301, 512)])
def test_power_spectrum_is_scipys_periodogram(n, n_fft):
  x_t = np.random.default_rng(0).standard_normal((2, n)) + 0.01 * np.arange(n)
  frequency_f, power_f = spectra.power_spectrum(x_t, 5.0, n_fft)
  want_f, want_power_f = scipy.signal.periodogram(x_t, 5.0, "hann", n_fft, "linear")
  np.testing.assert_allclose(frequency_f, want_f, rtol=1e-6)
  np.testing.assert_allclose(power_f, want_power_f, rtol=2e-3, atol=1e-5 * want_power_f.max())


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
  found = spectra.peak_frequency_hz(sine(bpm / 60, rate_hz, 60) + 3, rate_hz, 4 / 60, 1.0)
  assert abs(60 * found - bpm) < 0.05


def test_parabola_is_finer_than_the_grid():
  found = spectra.peak_frequency_hz(sine(15.5 / 60, 5.0, 60), 5.0, 4 / 60, 1.0, n_fft=300)   # bins of 1/min, half-way
  assert abs(60 * found - 15.5) < 0.05
  found = spectra.peak_frequency_hz(sine(15.3 / 60, 5.0, 60), 5.0, 4 / 60, 1.0, n_fft=1200)
  assert abs(60 * found - 15.3) < 0.03


def test_drift_and_flat_and_gaps_have_no_peak():
  t = np.arange(300) / 5
  drifts = (t ** 2, (t - 9) ** 3, np.exp(t / 20), np.sqrt(t), sine(2 / 60, 5.0, 60))   # some have lobes in the band
  for x_t in (*drifts, sine(80 / 60, 5.0, 60), 0 * t + 0.5, 0.1 * t, np.nan * t):
    assert np.isnan(spectra.peak_frequency_hz(x_t, 5.0, 4 / 60, 1.0))


def test_a_peak_on_the_edge_itself_is_none():
  x_t = sine(0.25, 4.0, 64)   # bins of 1/256 Hz: a peak exactly on the first, or the last, of the band
  assert np.isnan(spectra.peak_frequency_hz(x_t, 4.0, 0.25, 0.5, n_fft=1024))
  assert np.isnan(spectra.peak_frequency_hz(x_t, 4.0, 0.1, 0.25, n_fft=1024))
  assert spectra.peak_frequency_hz(x_t, 4.0, 0.24, 0.26, n_fft=1024) == pytest.approx(0.25, abs=1e-4)


@pytest.mark.parametrize("seconds, bpm", [(60, 6.1), (60, 4.6), (32, 8.0), (64, 59.0)])
def test_a_rhythm_near_the_edge_of_the_band_is_found_over_moderate_drift(seconds, bpm):
  t = np.linspace(0, 1, seconds * 5)
  found = spectra.peak_frequency_hz(sine(bpm / 60, 5.0, seconds) + t ** 2, 5.0, 4 / 60, 1.0)
  assert abs(60 * found - bpm) < 0.1


def test_peak_is_batched_and_jits():
  x_t = np.stack([[sine(f / 60, 5.0, 60) for f in (8, 16, 24)], [np.zeros(300)] * 3])
  found = jax.jit(lambda x: spectra.peak_frequency_hz(x, 5.0, 4 / 60, 1.0))(jnp.asarray(x_t))
  np.testing.assert_allclose(60 * found[0], [8, 16, 24], atol=0.05)
  assert np.isnan(found[1]).all()
  with pytest.raises(ValueError, match="three bins"):
    spectra.peak_frequency_hz(x_t, 5.0, 0.1, 0.1001)


@pytest.mark.parametrize("bpm", [8, 15, 25])
def test_filters_have_no_delay_and_the_gain_of_the_squared_butterworth(bpm):
  x_t = sine(bpm / 60, 5.0, 120)
  middle = slice(150, -150)
  np.testing.assert_allclose(filters.low_pass(x_t, 5.0, 1.0, 8)[middle], x_t[middle], atol=1e-3)
  np.testing.assert_allclose(filters.band_pass(x_t, 5.0, 4 / 60, 1.0)[middle], x_t[middle], atol=0.1)
  batch = filters.band_pass(np.stack([x_t, 2 * x_t])[None], 5.0, 4 / 60, 1.0)
  np.testing.assert_allclose(batch[0, 1], 2 * filters.band_pass(x_t, 5.0, 4 / 60, 1.0), atol=1e-6)


def test_low_pass_halves_at_its_cutoff_and_stops_beyond():
  middle = slice(600, -600)
  gain = [np.std(filters.low_pass(sine(f, 30.0, 120), 30.0, 1.0, 8)[middle]) * np.sqrt(2) for f in (0.8, 0.9, 1.0, 1.2)]
  np.testing.assert_allclose(gain, [0.97, 0.85, 0.50, 0.05], atol=0.01)   # measured on the published post-filter


def test_filters_take_short_signals_and_refuse_impossible_edges():
  assert filters.low_pass(np.ones(3), 5.0, 1.0, 8).shape == (3,)
  with pytest.raises(ValueError, match="between 0 and"):
    filters.low_pass(np.ones(50), 5.0, 2.5)


def test_counted_cycles_are_those_of_the_sine():
  cycles = peaks.breath_cycles_s(sine(0.23, 5.0, 60), 5.0)
  assert len(cycles) in (12, 13)
  np.testing.assert_allclose(np.diff(cycles)[:, 0], 1 / 0.23, atol=0.02)


def test_ripples_and_pauses_are_no_breaths():
  x_t = sine(0.25, 10.0, 60, phase=0)
  split_t = x_t + 0.6 * sine(0.75, 10.0, 60, phase=0)   # no minimum below zero between two maxima, then two of them
  assert len(peaks.breath_cycles_s(split_t, 10.0)) == 0
  corners = np.tile([1, -1, 0.1, 0.05], 15)              # a little maximum below the threshold on each way up
  little_t = np.interp(np.arange(600) / 10, np.arange(60), corners)
  np.testing.assert_allclose(np.diff(peaks.breath_cycles_s(little_t, 10.0)), 4)
  pause_t = x_t.copy()
  pause_t[200:320] = -0.5 + 0.05 * sine(1.0, 10.0, 12)   # many minima below zero: this cycle is not valid
  cycles = peaks.breath_cycles_s(pause_t, 10.0)
  assert np.diff(cycles).max() < 4.5 and len(cycles) == 10
  assert len(peaks.breath_cycles_s(np.zeros(100), 5.0)) == 0


def test_refined_maximum_is_the_vertex():
  x_t = -(np.arange(10) - 4.3) ** 2
  np.testing.assert_allclose(peaks.refine(x_t, peaks.local_maxima(x_t)), [4.3])
  assert list(peaks.local_maxima(np.array([0, 1, 1, 1, 0, 2, 0]))) == [2, 5]


def test_event_rate_counts_intervals_inside_the_window():
  events = np.array([1.0, 5.0, 9.0, 61.0, 62.0])
  assert peaks.event_rate_hz(events, 0, 60) == pytest.approx(0.25)
  assert peaks.event_rate_hz(events[::-1], 0, 61) == pytest.approx(0.25)   # the end is not inside
  assert peaks.event_rate_hz(events, 60, 60) == pytest.approx(1.0)
  assert np.isnan(peaks.event_rate_hz(events, 9, 52)) and np.isnan(peaks.event_rate_hz(np.zeros(0), 0, 60))


@pytest.mark.parametrize("rate_hz, to_hz", [(125, 4), (125, 30), (4, 30), (30, 5), (99.7, 4), (5, 5)])
def test_resampling_keeps_time_and_constants(rate_hz, to_hz):
  x_t = np.stack([sine(0.3, rate_hz, 60), 0.5 * np.ones(round(60 * rate_hz)), 2 + 0.1 * np.arange(round(60 * rate_hz))])
  y_t = resample.resample(x_t, rate_hz, to_hz)
  assert y_t.shape[-1] == round(60 * to_hz)
  want = np.sin(2 * np.pi * 0.3 * np.arange(y_t.shape[-1]) / to_hz + 0.3)
  edge = 10 * to_hz
  np.testing.assert_allclose(y_t[0, edge:-edge], want[edge:-edge], atol=3e-3)
  np.testing.assert_allclose(y_t[1], 0.5, atol=1e-9)
  np.testing.assert_allclose(y_t[2], 2 + 0.1 * np.arange(y_t.shape[-1]) * rate_hz / to_hz, rtol=1e-4)


@pytest.mark.parametrize("kind, tolerance", [("cubic", 0.01), ("linear", 0.16)])
def test_an_irregular_series_lands_on_the_grid(kind, tolerance):
  times = np.cumsum(np.random.default_rng(0).uniform(0.5, 0.9, 120))
  y_t = resample.to_grid(times, np.sin(2 * np.pi * 0.2 * times), 4.0, 280, kind)
  grid = np.arange(280) / 4
  inside = (grid > times[1]) & (grid < times[-2])
  np.testing.assert_allclose(y_t[inside], np.sin(2 * np.pi * 0.2 * grid[inside]), atol=tolerance)
  assert y_t[0] == pytest.approx(np.sin(2 * np.pi * 0.2 * times[0]))   # held before the first beat
  with pytest.raises(ValueError, match="two values"):
    resample.to_grid(times[:1], times[:1], 4.0, 10)
  with pytest.raises(ValueError, match="unknown kind"):
    resample.to_grid(times, times, 4.0, 10, "quintic")


def test_gaps_are_bridged():
  np.testing.assert_array_equal(resample.fill_gaps([np.nan, 1, np.nan, 3, np.nan]), [1, 1, 2, 3, 3])
  assert np.isnan(resample.fill_gaps([np.nan, np.nan])).all()


def test_the_grid_of_rates_is_logarithmic():
  assert (len(rates.RATE_BPM_R), rates.RATE_BPM_R[0]) == (128, 4) and rates.RATE_BPM_R[-1] == pytest.approx(60)
  np.testing.assert_allclose(np.diff(np.log(rates.RATE_BPM_R)), np.log(15) / 127)


def test_quantiles_of_distributions_whose_quantiles_are_known():
  one_r, even_r, two_r = np.eye(128)[70], np.ones(128), np.eye(128)[20] + 3 * np.eye(128)[90]
  step = 15 ** (1 / 127)
  for q in (0.025, 0.3, 0.5, 0.975):   # within a bin the mass is even in the logarithm
    assert rates.quantile(one_r, q) == pytest.approx(rates.RATE_BPM_R[70] * step ** (q - 0.5))
    assert rates.quantile(even_r, q) == pytest.approx(4 * step ** (128 * q - 0.5))
  np.testing.assert_allclose(rates.quantile(two_r, 0.2), rates.RATE_BPM_R[20] * step ** 0.3)
  np.testing.assert_allclose(rates.quantile(two_r, 0.5), rates.RATE_BPM_R[90] * step ** (1 / 3 - 0.5))


def test_quantiles_are_those_of_the_interpolated_distribution_function():
  pmf_b_r = np.random.default_rng(0).dirichlet(np.full(128, 0.2), (3, 5)).astype(np.float32)
  pmf_b_r[0, :2, ::3] = 0
  edges = np.log(4) + np.log(15) / 127 * (np.arange(129) - 0.5)
  for q in (0.1, 0.5, 0.8):
    cdf = [np.concatenate([[0], np.cumsum(p.astype(float)) / p.astype(float).sum()]) for p in pmf_b_r.reshape(-1, 128)]
    want = np.exp([np.interp(q, c, edges) for c in cdf]).reshape(3, 5)
    np.testing.assert_allclose(rates.quantile(pmf_b_r, q), want)
    np.testing.assert_allclose(rates.quantile(7 * pmf_b_r, q), want)


def test_mean_deviation_and_mode_of_rates():
  pmf_b_r = np.stack([np.eye(128)[0] + np.eye(128)[127], np.eye(128)[2], np.eye(128)[125], np.eye(128)[1], np.eye(128)[126]])
  mean, deviation = rates.mean_sd(pmf_b_r)
  np.testing.assert_allclose([mean[0], deviation[0]], [32, 28])
  np.testing.assert_allclose([mean[1], deviation[1]], [rates.RATE_BPM_R[2], 0], atol=1e-5)
  assert list(rates.at_edge(pmf_b_r)) == [True, False, False, True, True]


def test_what_is_no_distribution_has_no_rate():
  for bad_r in (np.zeros(128), np.full(128, np.nan), *(np.where(np.arange(128) == 50, x, 0.1) for x in (np.inf, np.nan))):
    assert np.isnan(rates.quantile(bad_r, 0.5)) and np.isnan(rates.mean_sd(bad_r)).all() and rates.at_edge(bad_r)
  assert rates.quantile(np.zeros((0, 128)), 0.5).shape == (0,)
  with pytest.raises(ValueError, match="64 rates"):
    rates.quantile(np.ones(64), 0.5)
