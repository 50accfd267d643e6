"""Phase differences against closed forms; each check is shown to fail on a broken transform."""
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

from jaxsig.signal import phase_derivatives as phases
from jaxsig.signal.stft import stft

pytestmark = pytest.mark.usefixtures("quick_compilation")

N = 4096
HOP = 1024
SHIFTS = phases.shifts(N, HOP)
WRONG_SIGN = SHIFTS._replace(time_f=-SHIFTS.time_f)

transform = jax.jit(stft, static_argnums=(1, 2), static_argnames="pad")


def own(x_t: np.ndarray) -> np.ndarray:
  """The house's transform, without padding: all frames are alike."""
  return np.asarray(transform(x_t, N, HOP, pad=False))


def own_float64(x_t: np.ndarray, window_t: np.ndarray | None = None) -> np.ndarray:
  if window_t is None:
    window_t = scipy.signal.get_window("hann", N)
  frame_n_t = np.lib.stride_tricks.sliding_window_view(x_t, N)[::HOP]
  return np.fft.rfft(frame_n_t * window_t)


def symmetric_window(x_t: np.ndarray) -> np.ndarray:
  return own_float64(x_t, np.hanning(N))


def conjugate(x_t: np.ndarray) -> np.ndarray:
  return own_float64(x_t).conj()


@jax.jit
def from_jax(x_t: jax.Array) -> jax.Array:
  _, _, stft_f_n = jax.scipy.signal.stft(x_t, nperseg=N, noverlap=N - HOP)
  return stft_f_n.T


def centred(x_t: np.ndarray) -> np.ndarray:
  """SciPy's newer transform, whose phase refers to the middle of the frame, without its padding."""
  window_t = scipy.signal.get_window("hann", N)
  stft_f_n = scipy.signal.ShortTimeFFT(window_t, HOP, fs=1).stft(x_t)
  return stft_f_n[:, 3:-3].T


def absolute(x_t: np.ndarray) -> np.ndarray:
  """Phases that refer to the start of the signal: no cosine advances, an impulse's place does."""
  stft_n_f = own_float64(x_t)
  turn_n_f = np.outer(np.arange(len(stft_n_f)) * HOP, np.arange(N // 2 + 1)) % N
  return stft_n_f * np.exp(-2j * np.pi * turn_n_f / N)


FOUR_FRAMES = N + 3 * HOP


def tone(bin_: float) -> np.ndarray:
  t = np.arange(FOUR_FRAMES)
  return np.cos(2 * np.pi * ((bin_ * t) % N) / N + 0.3)


def in_time(x_t, shifts=SHIFTS, by=own):
  return np.asarray(phases.time_difference(by(x_t), shifts))


def in_frequency(x_t, shifts=SHIFTS, by=own):
  return np.asarray(phases.frequency_difference(by(x_t), shifts))


# Tones


@pytest.mark.parametrize("k, turn", [(100, 0.0), (101, 0.5), (102, 1.0), (103, -0.5)])
def test_a_tone_of_a_bin_advances_by_the_hop_and_is_corrected_to_0(k, turn):
  raw = in_time(tone(k), phases.NO_SHIFTS)[1:, k] / np.pi
  np.testing.assert_allclose(np.cos(np.pi * (raw - turn)), 1, atol=1e-12)   # +1 is -1
  assert np.abs(in_time(tone(k))[:, k]).max() < 1e-6
  assert np.abs(in_frequency(tone(k))[:, k:k + 2]).max() < 1e-6

  with jax.enable_x64(True):
    exact = in_time(tone(k), by=own_float64)
  assert np.abs(exact[:, k]).max() < 1e-11


def test_the_wrong_sign_is_off_by_pi_on_odd_bins_only():
  """And not seen at all at half overlap: the check must be at three quarters and an odd bin."""
  for k in (101, 103):
    np.testing.assert_allclose(np.abs(in_time(tone(k), WRONG_SIGN)[1:, k]), np.pi, atol=1e-6)
  assert np.abs(in_time(tone(102), WRONG_SIGN)[1:, 102]).max() < 1e-6

  half = phases.shifts(N, N // 2)
  np.testing.assert_allclose(np.exp(1j * half.time_f), np.exp(-1j * half.time_f), atol=1e-12)


@pytest.mark.parametrize("offset", [0.25, 0.5, -0.4, 1.0, 1.6])
def test_between_bins_the_corrected_difference_is_the_distance(offset):
  """2 pi (k0 + d - k) hop / N, in the bin below and the one above."""
  difference = in_time(tone(101 + offset))
  below = np.angle(np.exp(2j * np.pi * offset / 4))
  above = np.angle(np.exp(2j * np.pi * (offset - 1) / 4))
  np.testing.assert_allclose(difference[1:, 101], below, atol=2e-4)   # the mirror image's leakage
  np.testing.assert_allclose(difference[1:, 102], above, atol=2e-4)


def test_a_modulo_in_integers_is_what_keeps_float32_exact():
  bins = np.arange(N // 2 + 1, dtype=np.float32)
  without = np.float32(2 * np.pi) * bins * np.float32(HOP / N)

  def error(angle_f):
    return np.abs(np.angle(np.exp(1j * (angle_f.astype(np.float64) - SHIFTS.time_f)))).max()

  assert error(without) > 1e-4
  assert error(SHIFTS.time_f.astype(np.float32)) < 2e-7


# Impulses


@pytest.mark.parametrize(
    "n0, expected", [(512, 2.356194), (1024, 1.570796), (2048, 0.0), (3000, -1.460350)])
def test_an_impulse_tells_its_place_in_the_frame(n0, expected):
  impulse_t = np.zeros(FOUR_FRAMES)
  impulse_t[n0] = 1
  np.testing.assert_allclose(in_frequency(impulse_t)[0, 1:], expected, atol=2e-5)
  with jax.enable_x64(True):
    exact = in_frequency(impulse_t, by=own_float64)[0, 1:]
  np.testing.assert_allclose(exact, expected, atol=1e-6)
  assert np.ptp(exact) < 1e-11

  raw = in_frequency(impulse_t, phases.NO_SHIFTS)[0, 1:]
  np.testing.assert_allclose(np.exp(1j * raw), -np.exp(1j * expected), atol=2e-5)


def test_a_symmetric_window_errs_by_pi_over_its_length():
  """The difference from bin to bin of a tone tells the middle of the window."""
  with jax.enable_x64(True):
    error = in_frequency(tone(100), by=symmetric_window)[:, 100:102]
    right = in_frequency(tone(100), by=own_float64)[:, 100:102]
  np.testing.assert_allclose(np.abs(error), np.pi / N, rtol=1e-3)
  assert np.abs(right).max() < 1e-10


# Measured shifts


@pytest.mark.parametrize("by", [own, own_float64, from_jax])
def test_shifts_measured_of_transforms_by_the_start_of_the_frame(by):
  measured = phases.measure_shifts(by, N, HOP)
  np.testing.assert_array_equal(measured.time_f, SHIFTS.time_f)
  assert measured.frequency == SHIFTS.frequency


@pytest.mark.parametrize("n_fft, hop", [(256, 128), (256, 32), (512, 64)])
def test_shifts_measured_at_other_overlaps(n_fft, hop):
  measured = phases.measure_shifts(lambda x_t: transform(x_t, n_fft, hop), n_fft, hop)
  np.testing.assert_array_equal(measured.time_f, phases.shifts(n_fft, hop).time_f)


@pytest.mark.parametrize("by", [conjugate, centred])
def test_shifts_measured_of_other_transforms_correct_them(by):
  shifts = phases.measure_shifts(by, N, HOP)
  x_t = tone(101)
  np.testing.assert_allclose(in_time(x_t, shifts, by)[:, 101], 0, atol=1e-6)
  np.testing.assert_allclose(in_frequency(x_t, shifts, by)[:, 101:103], 0, atol=1e-6)

  assumed_time = in_time(x_t, SHIFTS, by)[:, 101]
  assumed_frequency = in_frequency(x_t, SHIFTS, by)[:, 101:103]
  assert max(np.abs(assumed_time).max(), np.abs(assumed_frequency).max()) > 1


def test_a_transform_that_no_shift_corrects_is_refused():
  with pytest.raises(ValueError, match="is left with 0.00077 rad"):
    phases.measure_shifts(symmetric_window, N, HOP)
  loose = phases.measure_shifts(symmetric_window, N, HOP, tolerance=1e-3)
  np.testing.assert_array_equal(loose.time_f, SHIFTS.time_f)

  def other_hop(x_t):
    return own_float64(x_t)[::2]

  for by in (other_hop, absolute):
    with pytest.raises(ValueError, match="over a hop of 1024"):
      phases.measure_shifts(by, N, HOP)


# Laws


def test_differences_move_with_the_signal_and_are_blind_to_gain_and_polarity():
  longer_t = np.random.default_rng(1).standard_normal(FOUR_FRAMES + HOP)
  x_t = longer_t[:-HOP]
  with jax.enable_x64(True):
    for difference in (in_time, in_frequency):
      whole = difference(x_t, by=own_float64)
      later = difference(longer_t[HOP:], by=own_float64)
      np.testing.assert_array_equal(later[1:-1], whole[2:])
      gained = difference(-3.7 * x_t, by=own_float64)
      np.testing.assert_allclose(np.exp(1j * gained), np.exp(1j * whole), atol=1e-9)


def test_they_are_the_wrapped_differences_of_phases():
  x_t = np.random.default_rng(2).standard_normal(FOUR_FRAMES)
  stft_n_f = own_float64(x_t)
  phase_n_f = np.angle(stft_n_f)
  with jax.enable_x64(True):
    time_n_f = np.asarray(phases.time_difference(stft_n_f, SHIFTS))
    frequency_n_f = np.asarray(phases.frequency_difference(stft_n_f, SHIFTS))

  expected = np.diff(phase_n_f, axis=0) - SHIFTS.time_f
  np.testing.assert_allclose(np.exp(1j * time_n_f[1:]), np.exp(1j * expected), atol=1e-13)
  expected = np.diff(phase_n_f, axis=1) - np.pi
  np.testing.assert_allclose(
      np.exp(1j * frequency_n_f[:, 1:]), np.exp(1j * expected), atol=1e-13)

  assert np.abs(time_n_f).max() <= np.pi and np.abs(frequency_n_f).max() <= np.pi
  assert (time_n_f[0] == 0).all() and (frequency_n_f[:, 0] == 0).all()


# Amplitude and gradients


def test_the_gate_is_a_half_at_its_floor_and_0_in_silence():
  product = np.array([0, 4, 4e6, 1e-4], np.complex64)
  np.testing.assert_allclose(phases.gate(product, 2.0), [0, 0.5, 1, 0], atol=1e-4)
  np.testing.assert_allclose(phases.gate(product, 0.0), [0, 1, 1, 1])


def test_cosine_and_sine_are_those_of_the_difference_times_the_gate():
  stft_n_f = own(np.random.default_rng(3).standard_normal(FOUR_FRAMES))
  product_n_f = phases.time_product(stft_n_f, SHIFTS)
  difference_n_f = phases.time_difference(stft_n_f, SHIFTS)
  gate_n_f = phases.gate(product_n_f, 30.0)
  expected = gate_n_f * np.stack([np.cos(difference_n_f), np.sin(difference_n_f)])
  np.testing.assert_allclose(phases.cosine_and_sine(product_n_f, 30.0), expected, atol=1e-6)
  unit = np.asarray(phases.cosine_and_sine(product_n_f))
  np.testing.assert_allclose((unit[:, 1:] ** 2).sum(0), 1, atol=1e-6)


def test_gradients_are_numbers_in_silence_and_right_elsewhere():
  """A gradient of the angle itself, at 0, is not a number."""
  silent = jnp.zeros((4, 9), jnp.complex64)
  faint = silent.at[1:3].set(1e-21)
  shifts = phases.shifts(16, 4)

  def forms(real, imaginary):
    stft_n_f = real + 1j * imaginary
    total = 0
    for product in (phases.time_product, phases.frequency_product):
      product_n_f = product(stft_n_f, shifts)
      total += phases.angle(product_n_f).sum()
      total += phases.gate(product_n_f, 1e-3).sum()
      total += phases.cosine_and_sine(product_n_f).sum()
      total += phases.cosine_and_sine(product_n_f, 0.1).sum()
    return total

  gradient = jax.jit(jax.grad(forms, argnums=(0, 1)))
  for stft_n_f in (silent, faint):
    for part in gradient(stft_n_f.real, stft_n_f.imag):
      assert np.isfinite(part).all()
  naive = jax.grad(lambda real: jnp.angle(real + 0j))(0.0)
  assert np.isnan(naive)

  # A turn of one coefficient by 1 rad turns the difference by 1 rad.
  turned = jax.grad(lambda angle: phases.angle(3 * jnp.exp(1j * angle)))(0.4)
  assert turned == pytest.approx(1, abs=1e-6)


# Noise


def test_noise_has_the_resultant_lengths_of_its_correlations():
  check = phases.noise_check(own, N, HOP, SHIFTS)
  assert check.time_expected == pytest.approx(0.5518, abs=5e-5)
  assert check.frequency_expected == pytest.approx(0.5591, abs=5e-5)
  assert check.time == pytest.approx(check.time_expected, abs=3e-3)
  assert check.frequency == pytest.approx(check.frequency_expected, abs=3e-3)
  assert abs(check.time_mean) < 5e-3
  assert abs(check.frequency_mean) < 5e-3


def test_noise_shows_a_wrong_sign_and_a_wrong_middle():
  assert phases.noise_check(own, N, HOP, WRONG_SIGN).time < 0.01
  raw = phases.noise_check(own, N, HOP, phases.NO_SHIFTS)
  assert raw.time < 0.01
  assert abs(raw.frequency_mean) == pytest.approx(np.pi, abs=5e-3)
