"""The far-field operator: its symmetries as laws, the identities behind them, and its noise against closed forms."""
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxsig.errors import UserError
from jaxsig.systems.phase_retrieval import far_field
from jaxsig.systems.phase_retrieval.far_field import FarField

N, M, MARGIN = 42, 96, 9


@pytest.fixture(autouse=True)
def float64():
  with jax.enable_x64(True):
    yield


def content(real, n=N, margin=MARGIN, count=100, seed=0):
  """Random content [count, n, n] with a margin of zeros, so that a shift has somewhere to go."""
  rng = np.random.default_rng(seed)
  x = rng.standard_normal((count, n, n)) + (0 if real else 1j * rng.standard_normal((count, n, n)))
  x[:, :margin] = x[:, n - margin:] = x[:, :, :margin] = x[:, :, n - margin:] = 0
  return jnp.asarray(x)


def relative(a, b):
  """Largest difference in an image, over the largest value there."""
  return float((jnp.abs(a - b).max((-2, -1)) / jnp.abs(b).max((-2, -1))).max())


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("n, m", [(42, 96), (21, 41)])
def test_intensity_obeys_every_symmetry(real, n, m):
  operator, x = FarField(n, m, real), content(real, n, 4)
  assert set(operator.symmetries) == {"shift", "flip", "phase"}
  for name, move in operator.symmetries.items():
    moved = move(jax.random.key(1), x)
    assert moved.shape == x.shape and moved.dtype == x.dtype
    assert relative(operator(moved), operator(x)) < 1e-12, name
    held = jnp.abs(moved - x).max((-2, -1)) == 0
    assert held.mean() < (0.8 if name == "phase" and real else 0.1), f"{name} does not move its input"


def test_shifts_reach_every_place_in_the_frame_and_never_wrap():
  x = jnp.zeros((600, 9, 9)).at[:, 2:6, 4:9].set(jnp.arange(1.0, 21).reshape(4, 5))
  moved = far_field.random_shift(jax.random.key(0), x)
  top, bottom, left, right = far_field.box(moved)
  np.testing.assert_array_equal(np.unique(top), np.arange(6))
  np.testing.assert_array_equal(np.unique(left), np.arange(5))
  assert (bottom - top == 4).all() and (right - left == 5).all()
  np.testing.assert_array_equal(moved[0, top[0]:bottom[0], left[0]:right[0]], x[0, 2:6, 4:9])


def test_box_of_a_pixel_and_of_nothing():
  x = jnp.zeros((2, 7, 7)).at[0, 3, 5].set(-1)
  np.testing.assert_array_equal(np.stack(far_field.box(x)), [[3, 0], [4, 7], [5, 0], [6, 7]])


@pytest.mark.parametrize("real", [True, False])
def test_a_shift_is_a_ramp_and_the_opposite_ramp_is_not(real):
  x = content(real)
  before = far_field.spectrum(x, M)
  after = far_field.spectrum(jnp.roll(x, (5, -8), (-2, -1)), M)
  assert relative(before * far_field.ramp(5, -8, M), after) < 1e-12
  assert relative(before * far_field.ramp(-5, 8, M), after) > 0.5


@pytest.mark.parametrize("real", [True, False])
def test_a_flip_of_the_frame_is_conjugation_only_about_its_centre(real):
  x = content(real)
  before, after = far_field.spectrum(x, M), far_field.spectrum(far_field.flip(x), M)
  middle = jnp.conj(far_field.ramp((N - 1) / 2, (N - 1) / 2, M))
  assert relative(jnp.conj(before) * far_field.ramp(N - 1, N - 1, M), after) < 1e-12
  assert relative(jnp.conj(before * middle), after * middle) < 1e-12   # the Nyquist row and column too
  assert relative(jnp.conj(before), after) > 0.5
  on_grid = jnp.zeros((len(x), M, M), x.dtype).at[:, :N, :N].set(x)
  about_zero = jnp.roll(far_field.flip(on_grid), (1, 1), (-2, -1))
  assert relative(jnp.conj(before), jnp.fft.fft2(about_zero)) < 1e-12


def test_half_integer_demodulation_is_hermitian_but_at_nyquist():
  demodulated = far_field.spectrum(content(True), M) * jnp.conj(far_field.ramp(20.5, 20.5, M))
  mirrored = jnp.conj(jnp.roll(demodulated[..., ::-1, ::-1], (1, 1), (-2, -1)))
  off = jnp.abs(demodulated - mirrored).max(0) / jnp.abs(demodulated).max()
  inner = np.delete(np.delete(off, M // 2, 0), M // 2, 1)
  assert inner.max() < 1e-14 and off[M // 2].max() > 1e-3 and off[:, M // 2].max() > 1e-3


def test_wrapping_around_the_frame_breaks_the_intensity_and_around_the_grid_does_not():
  x = content(True)
  measured = far_field.intensity(x, M)
  assert relative(far_field.intensity(jnp.roll(x, 20, -1), M), measured) > 0.1
  on_grid = jnp.zeros((len(x), M, M)).at[:, :N, :N].set(x)
  assert relative(far_field.intensity(jnp.roll(on_grid, 70, -1), M), measured) < 1e-12


@pytest.mark.parametrize("m", [9, 10])
def test_spectrum_is_the_sum_that_defines_it(m):
  x, p = content(False, 5, 0, 1)[0], np.arange(5)
  wave = np.exp(-2j * np.pi * np.outer(np.fft.fftfreq(m, 1 / m), p) / m)
  np.testing.assert_allclose(far_field.spectrum(x, m), wave @ x @ wave.T, atol=1e-12)
  np.testing.assert_array_equal(far_field.frequencies(m), np.fft.fftfreq(m, 1 / m))


def test_half_pixel_ramps_are_as_good_as_float32_can_be():
  exact = far_field.ramp(20.5, 33.5, 512)
  assert np.abs(far_field.ramp(jnp.float32(20.5), jnp.float32(33.5), 512) - exact).max() < 2e-6


def test_each_image_rolls_by_its_own_shift():
  x, shift_y, shift_x = content(False, 8, 0, 3), np.array([0, 3, -9]), np.array([1, -2, 8])
  want = [np.roll(a, (s, t), (0, 1)) for a, s, t in zip(x, shift_y, shift_x)]
  np.testing.assert_array_equal(far_field.roll(x, shift_y, shift_x), want)
  np.testing.assert_array_equal(far_field.roll(x[0], shift_y[:, None], shift_x)[1, 2], np.roll(x[0], (3, 8), (0, 1)))


def test_residual_is_the_relative_distance_of_magnitudes():
  x = jnp.pad(content(False, 6, 0, 3), ((0, 0), (0, 7), (0, 7)))
  measured = far_field.intensity(x, 13)
  assert far_field.residual(x, measured).max() < 1e-12 and far_field.residual(far_field.flip(x), measured).max() < 1e-12
  np.testing.assert_allclose(far_field.residual(0.7 * x, measured), 0.3)
  np.testing.assert_allclose(far_field.residual(0 * x, measured), 1)


@pytest.mark.parametrize("photons", [300.0, 2e4, 1e11])
def test_poisson_noise_has_its_mean_and_variance_and_keeps_the_scale(photons):
  clean = far_field.intensity(content(True, 6, 0, 1), 12)
  noisy = far_field.with_poisson(jax.random.key(3), jnp.broadcast_to(clean, (4000, 12, 12)), photons)
  sd = jnp.sqrt(clean[0] * clean.sum() / photons)
  z = (noisy.mean(0) - clean[0]) / (sd / 4000 ** 0.5)
  assert jnp.abs(z).max() < 5 and 0.8 < z.std() < 1.2
  assert jnp.abs(noisy.var(0) / sd ** 2 - 1).max() < (0.35 if photons < 1000 else 0.15)
  assert abs((noisy.var(0) / sd ** 2).mean() - 1) < 0.02
  assert noisy.min() >= 0
  if photons < 1e5:   # counts are whole
    counts = noisy * photons / clean.sum()
    np.testing.assert_allclose(counts, jnp.round(counts), atol=1e-6)


def test_infinitely_many_photons_and_dark_images_pass_unchanged():
  clean = far_field.intensity(content(True, 6, 0, 3), 12).at[1].set(0)
  np.testing.assert_array_equal(far_field.with_poisson(jax.random.key(0), clean, np.inf), clean)
  noisy = jax.jit(far_field.with_poisson)(jax.random.key(0), clean, np.array([np.inf, 1e3, 1e3]))   # a level an image
  np.testing.assert_array_equal(noisy[:2], clean[:2])
  assert jnp.abs(noisy[2] - clean[2]).max() > 0


def test_gaussian_noise_is_relative_to_the_mean_and_never_negative():
  clean = jnp.stack([jnp.full((200, 200), 7.0), jnp.zeros((200, 200)).at[0, 0].set(4e4)])
  noisy = far_field.with_gaussian(jax.random.key(0), clean, 0.1)
  assert abs((noisy[0] - 7).std() / 0.7 - 1) < 0.02 and noisy.min() >= 0
  assert abs(noisy[1, 1:].mean() / (0.1 / (2 * np.pi) ** 0.5) - 1) < 0.03   # half of a normal distribution
  np.testing.assert_array_equal(far_field.with_gaussian(jax.random.key(0), clean, 0.0), clean)


def test_beam_stop_hides_a_disc_about_dc():
  assert far_field.beam_stop(9, 0).min() == 1
  assert far_field.beam_stop(9, 1).sum() == 80 and far_field.beam_stop(9, 1)[0, 0] == 0
  hidden = np.argwhere(np.fft.fftshift(far_field.beam_stop(9, 1.5)) == 0)
  np.testing.assert_array_equal([hidden.min(0), hidden.max(0)], [[3, 3], [5, 5]])
  assert far_field.beam_stop(8, 5)[4, 4] == 1 and len(hidden) == 9


def test_gradients_of_the_forward_model_are_finite_and_right():
  x = content(True, 6, 1, 1)[0]
  check_grads(lambda x: far_field.intensity(x, 13), (x,), 1, modes=["rev"])


def test_a_grid_smaller_than_the_object_is_refused():
  with pytest.raises(UserError, match="cuts"):
    FarField(42, 41, True)
  with pytest.raises(UserError, match="cuts"):
    far_field.spectrum(jnp.ones((42, 42)), 41)
  assert FarField(42, 83, True).oversampled and not FarField(42, 82, True).oversampled


def test_regrid_is_exact_while_the_autocorrelation_fits():
  x = content(True, 21, 4, count=5)
  for a, b in ((48, 64), (64, 48), (41, 96), (96, 41), (45, 43)):
    np.testing.assert_allclose(far_field.regrid(far_field.intensity(x, a), b), far_field.intensity(x, b), atol=1e-9)
  lossy = far_field.regrid(far_field.intensity(x, 64), 24)
  assert lossy.min() >= 0 and jnp.abs(lossy - far_field.intensity(x, 24)).max() > 1


def test_hidden_bins_are_filled_from_the_mirror_and_else_from_around():
  x = jnp.abs(content(True, 21, 4, count=5))
  intensity = far_field.intensity(x, 64)
  one_side, both = np.ones((2, 64, 64))
  one_side[1:9, :32] = 0
  np.testing.assert_allclose(far_field.filled(intensity * one_side, one_side), intensity, rtol=1e-9, atol=1e-9)
  both[0, 0] = both[40:44, 40:44] = both[21:25, 21:25] = 0
  found = far_field.filled(intensity * both, both)
  np.testing.assert_array_equal(found[:, both > 0], (intensity * both)[:, both > 0])
  assert (found[:, 0, 0] > 0.05 * intensity[:, 0, 0]).all() and (found >= 0).all()
