"""The short-time Fourier transform: its stated conventions, and perfect reconstruction."""
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

from jaxsig.signal import stft as transforms

pytestmark = pytest.mark.usefixtures("quick_compilation")

SIZES = [(4096, 1024), (256, 64), (256, 128), (96, 12)]

stft = jax.jit(transforms.stft, static_argnums=(1, 2), static_argnames="pad")
istft = jax.jit(transforms.istft, static_argnums=(1, 2, 3))
overlap_add = jax.jit(transforms.overlap_add, static_argnums=(1, 2))


def noise(*shape: int) -> np.ndarray:
  return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("n_fft, hop", SIZES)
def test_reconstruction_is_perfect_at_every_sample_of_any_length(n_fft, hop):
  for samples in (n_fft // 5, 3 * n_fft + hop // 2 + 1):
    x_t = noise(2, samples)
    stft_n_f = stft(x_t, n_fft, hop)
    assert stft_n_f.shape == (2, transforms.frame_count(samples, n_fft, hop), n_fft // 2 + 1)
    back_t = istft(stft_n_f, n_fft, hop, samples)
    np.testing.assert_allclose(back_t, x_t, atol=1e-6 * np.abs(x_t).max())


def test_frames_are_where_they_are_said_to_be():
  """Each frame is NumPy's FFT of n_fft samples from its stated start, under SciPy's window."""
  n_fft, hop, samples = 64, 16, 150
  x_t = noise(samples)
  stft_n_f = stft(x_t, n_fft, hop)
  starts = transforms.frame_starts(samples, n_fft, hop)
  assert len(starts) == len(stft_n_f)

  window_t = scipy.signal.get_window("hann", n_fft)
  padded_t = np.pad(x_t, n_fft)
  for start, spectrum_f in zip(starts, stft_n_f):
    frame_t = padded_t[n_fft + start:2 * n_fft + start]
    np.testing.assert_allclose(spectrum_f, np.fft.rfft(frame_t * window_t), atol=1e-5)

  covered = np.zeros(samples, int)
  for start in starts:
    covered[max(0, start):start + n_fft] += 1
  assert (covered == n_fft // hop).all()


def test_a_unit_cosine_of_a_bin_has_a_quarter_of_the_frame():
  x_t = np.cos(2 * np.pi * 10 * np.arange(1024) / 256)
  magnitude_n_f = np.abs(stft(x_t, 256, 64))
  np.testing.assert_allclose(magnitude_n_f[6, 9:12], [32, 64, 32], rtol=1e-5)


def test_without_padding_the_frames_are_those_within_the_signal():
  x_t = noise(3, 1000)
  padded_n_f = stft(x_t, 256, 64)
  inside_n_f = stft(x_t, 256, 64, pad=False)
  starts = transforms.frame_starts(1000, 256, 64)
  whole = (starts >= 0) & (starts + 256 <= 1000)
  np.testing.assert_allclose(inside_n_f, padded_n_f[:, whole], atol=1e-5)


def test_the_inverse_is_the_nearest_signal_and_not_any():
  """The error of a spectrogram that no signal has is orthogonal to all spectrograms of signals."""
  shape = (transforms.frame_count(600, 128, 32), 65)
  wanted_n_f = (noise(*shape) + 1j * noise(*shape[::-1]).T).astype(np.complex64)
  wanted_n_f[:, [0, -1]] = wanted_n_f[:, [0, -1]].real
  nearest_t = istft(wanted_n_f, 128, 32, 600)

  def distance(x_t):
    error_n_f = transforms.stft(x_t, 128, 32) - wanted_n_f
    power_n_f = jnp.abs(error_n_f) ** 2
    # A bin between DC and Nyquist stands for two.
    return 2 * power_n_f.sum() - power_n_f[:, 0].sum() - power_n_f[:, -1].sum()

  slope = jax.jit(jax.grad(distance))
  slope_t = slope(nearest_t)
  slope_elsewhere_t = slope(1.01 * nearest_t)
  assert np.abs(slope_t).max() < 1e-2 * np.abs(slope_elsewhere_t).max()


def test_frames_in_pieces_give_the_signal_of_all_frames():
  n_fft, hop, samples = 256, 64, 3647   # 60 frames
  x_t = noise(samples)
  stft_n_f = stft(x_t, n_fft, hop)
  tail = n_fft - hop
  carried_t = np.zeros(tail, np.float32)
  pieces = []
  for first in range(0, len(stft_n_f), 10):
    sum_t = np.array(overlap_add(stft_n_f[first:first + 10], n_fft, hop))
    sum_t[:tail] += carried_t
    carried_t = sum_t[-tail:]
    pieces.append(sum_t[:-tail])

  power_h = transforms.window_power(n_fft, hop)
  joined_t = np.concatenate(pieces)
  joined_t = joined_t / np.resize(power_h, len(joined_t))
  np.testing.assert_allclose(joined_t[tail:tail + samples], x_t, atol=2e-6)


def test_it_is_differentiable():
  x_t = noise(2, 500)

  def energy(x_t):
    return jnp.sum(jnp.abs(transforms.stft(x_t, 64, 16)) ** 2)

  value, gradient_t = jax.jit(jax.value_and_grad(energy))(x_t)
  # Energy is a quadratic form: x . gradient is twice its value.
  np.testing.assert_allclose(np.sum(x_t * gradient_t), 2 * value, rtol=1e-5)


@pytest.mark.parametrize("n_fft, hop", [(256, 100), (256, 256), (256, 0)])
def test_a_hop_that_does_not_divide_the_frame_is_refused(n_fft, hop):
  with pytest.raises(ValueError, match="must divide"):
    transforms.stft(noise(1000), n_fft, hop)


def test_a_signal_without_a_frame_and_a_wrong_length_are_refused():
  with pytest.raises(ValueError, match="no frame"):
    transforms.stft(noise(0), 64, 16)
  with pytest.raises(ValueError, match="no frame"):
    transforms.stft(noise(63), 64, 16, pad=False)
  with pytest.raises(ValueError, match="frames, not"):
    transforms.istft(np.zeros((9, 33)), 64, 16, 200)


def test_float64_is_kept():
  with jax.enable_x64(True):
    x_t = np.random.default_rng(0).standard_normal(700)
    back_t = istft(stft(x_t, 64, 16), 64, 16, 700)
    np.testing.assert_allclose(back_t, x_t, atol=1e-14)
