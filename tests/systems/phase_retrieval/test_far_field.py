"""The far-field operator: its symmetries as laws, their identities, and noise by closed forms."""
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxsig.errors import UserError
from jaxsig.systems.phase_retrieval import far_field
from jaxsig.systems.phase_retrieval.far_field import FarField

N = 42
M = 96
MARGIN = 9

spectrum = jax.jit(far_field.spectrum, static_argnums=1)
intensity = jax.jit(far_field.intensity, static_argnums=1)
ramp = jax.jit(far_field.ramp, static_argnums=2)
regrid = jax.jit(far_field.regrid, static_argnums=1)
box = jax.jit(far_field.box)
residual = jax.jit(far_field.residual)
filled = jax.jit(far_field.filled)


@pytest.fixture(scope="module", autouse=True)
def quick_compiling():
  """Compiling takes most of the time, and one run of each program is all that a test needs."""
  jax.config.update("jax_disable_most_optimizations", True)
  yield
  jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(autouse=True)
def float64():
  with jax.enable_x64(True):
    yield


def content(real, n=N, margin=MARGIN, count=100, seed=0):
  """Random content [count, n, n] with a margin of zeros, which gives shifts room."""
  rng = np.random.default_rng(seed)
  x = rng.standard_normal((count, n, n))
  if not real:
    x = x + 1j * rng.standard_normal((count, n, n))

  end = n - margin
  framed = np.zeros_like(x)
  framed[:, margin:end, margin:end] = x[:, margin:end, margin:end]
  return framed


def twin(x):
  return np.conj(x[..., ::-1, ::-1])


def on_grid(x, m=M):
  """Objects [count, n, n] at the corner of a grid of zeros."""
  room = m - x.shape[-1]
  return np.pad(x, ((0, 0), (0, room), (0, room)))


def relative(a, b):
  """Largest difference in an image, over the largest value there."""
  a = np.asarray(a)
  b = np.asarray(b)
  difference = np.abs(a - b).max((-2, -1))
  return (difference / np.abs(b).max((-2, -1))).max()


# --- symmetries

@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("n, m", [(42, 96), (21, 41)])
def test_intensity_obeys_every_symmetry(real, n, m):
  operator = FarField(n, m, real)
  x = jnp.asarray(content(real, n, 4))
  measure = jax.jit(operator)
  expected = measure(x)
  assert set(operator.symmetries) == {"shift", "flip", "phase"}

  for name, move in operator.symmetries.items():
    moved = jax.jit(move)(jax.random.key(1), x)
    assert moved.shape == x.shape
    assert moved.dtype == x.dtype
    assert relative(measure(moved), expected) < 1e-12, name

    largest_share_unmoved = 0.1
    if name == "phase" and real:   # a sign of +1 moves nothing
      largest_share_unmoved = 0.8
    difference = np.abs(np.asarray(moved) - np.asarray(x)).max((-2, -1))
    share_unmoved = (difference == 0).mean()
    assert share_unmoved < largest_share_unmoved, f"{name} does not move its input"


def test_shifts_reach_every_place_in_the_frame_and_never_wrap():
  x = np.zeros((600, 9, 9))
  x[:, 2:6, 4:9] = np.arange(1.0, 21).reshape(4, 5)
  moved = np.asarray(far_field.random_shift(jax.random.key(0), x))
  top, bottom, left, right = jax.device_get(box(moved))
  np.testing.assert_array_equal(np.unique(top), np.arange(6))
  np.testing.assert_array_equal(np.unique(left), np.arange(5))
  assert (bottom - top == 4).all()
  assert (right - left == 5).all()

  first = moved[0, top[0]:bottom[0], left[0]:right[0]]
  np.testing.assert_array_equal(first, x[0, 2:6, 4:9])


def test_box_of_a_pixel_and_of_nothing():
  x = np.zeros((2, 7, 7))
  x[0, 3, 5] = -1
  top, bottom, left, right = box(x)
  np.testing.assert_array_equal(top, [3, 0])
  np.testing.assert_array_equal(bottom, [4, 7])
  np.testing.assert_array_equal(left, [5, 0])
  np.testing.assert_array_equal(right, [6, 7])


@pytest.mark.parametrize("real", [True, False])
def test_a_shift_is_a_ramp_and_the_opposite_ramp_is_not(real):
  x = content(real)
  before = np.asarray(spectrum(x, M))
  after = np.asarray(spectrum(np.roll(x, (5, -8), (-2, -1)), M))
  assert relative(before * np.asarray(ramp(5, -8, M)), after) < 1e-12
  assert relative(before * np.asarray(ramp(-5, 8, M)), after) > 0.5


@pytest.mark.parametrize("real", [True, False])
def test_a_flip_of_the_frame_is_conjugation_only_about_its_centre(real):
  x = content(real)
  before = np.asarray(spectrum(x, M))
  flipped = np.asarray(jax.jit(far_field.flip)(x))
  after = np.asarray(spectrum(flipped, M))
  np.testing.assert_array_equal(flipped, twin(x))

  whole_frame = np.asarray(ramp(N - 1, N - 1, M))
  assert relative(np.conj(before) * whole_frame, after) < 1e-12
  half = (N - 1) / 2
  about_centre = np.conj(np.asarray(ramp(half, half, M)))
  conjugated = np.conj(before * about_centre)
  assert relative(conjugated, after * about_centre) < 1e-12   # the Nyquist row and column too
  assert relative(np.conj(before), after) > 0.5

  about_zero = np.roll(twin(on_grid(x)), (1, 1), (-2, -1))
  assert relative(np.conj(before), np.fft.fft2(about_zero)) < 1e-12


def test_half_integer_demodulation_is_hermitian_except_at_nyquist():
  f = np.asarray(spectrum(content(True), M))
  demodulated = f * np.conj(np.asarray(ramp(20.5, 20.5, M)))
  mirrored = np.roll(twin(demodulated), (1, 1), (-2, -1))
  difference = np.abs(demodulated - mirrored).max(0) / np.abs(demodulated).max()

  without_row = np.delete(difference, M // 2, 0)
  inner = np.delete(without_row, M // 2, 1)
  assert inner.max() < 1e-14
  assert difference[M // 2].max() > 1e-3
  assert difference[:, M // 2].max() > 1e-3


def test_wrapping_around_the_frame_breaks_the_intensity_and_around_the_grid_does_not():
  x = content(True)
  measured = intensity(x, M)
  around_frame = np.roll(x, 20, -1)
  around_grid = np.roll(on_grid(x), 70, -1)
  assert relative(intensity(around_frame, M), measured) > 0.1
  assert relative(intensity(around_grid, M), measured) < 1e-12


# --- spectra, shifts and residuals

@pytest.mark.parametrize("m", [9, 10])
def test_spectrum_is_the_sum_that_defines_it(m):
  x = content(False, 5, 0, 1)[0]
  frequencies = np.fft.fftfreq(m, 1 / m)
  wave = np.exp(-2j * np.pi * np.outer(frequencies, np.arange(5)) / m)
  np.testing.assert_allclose(spectrum(x, m), wave @ x @ wave.T, atol=1e-12)
  np.testing.assert_array_equal(far_field.frequencies(m), frequencies)


def test_half_pixel_ramps_are_as_good_as_float32_can_be():
  exact = np.asarray(ramp(20.5, 33.5, 512))
  in_float32 = np.asarray(ramp(np.float32(20.5), np.float32(33.5), 512))
  assert np.abs(in_float32 - exact).max() < 2e-6


def test_each_image_rolls_by_its_own_shift():
  x = content(False, 8, 0, 3)
  shift_y = np.array([0, 3, -9])
  shift_x = np.array([1, -2, 8])
  expected = [np.roll(a, (s, t), (0, 1)) for a, s, t in zip(x, shift_y, shift_x)]
  np.testing.assert_array_equal(far_field.roll(x, shift_y, shift_x), expected)

  broadcast = np.asarray(far_field.roll(x[0], shift_y[:, None], shift_x))
  np.testing.assert_array_equal(broadcast[1, 2], np.roll(x[0], (3, 8), (0, 1)))


def test_residual_is_the_relative_distance_of_magnitudes():
  frame = content(False, 6, 0, 3)
  x = on_grid(frame, 13)
  measured = intensity(x, 13)
  assert np.asarray(residual(x, measured)).max() < 1e-12
  assert np.asarray(residual(twin(x), measured)).max() < 1e-12
  np.testing.assert_allclose(residual(0.7 * x, measured), 0.3)
  np.testing.assert_allclose(residual(0 * x, measured), 1)


# --- noise and hidden bins

@pytest.mark.parametrize("photons", [300.0, 2e4, 1e11])
def test_poisson_noise_has_its_mean_and_variance_and_keeps_the_scale(photons):
  clean = np.asarray(intensity(content(True, 6, 0, 1), 12))[0]
  repeated = np.broadcast_to(clean, (4000, 12, 12))
  noisy = np.asarray(far_field.with_poisson(jax.random.key(3), repeated, photons))
  expected_variance = clean * clean.sum() / photons

  z = (noisy.mean(0) - clean) / np.sqrt(expected_variance / 4000)
  assert np.abs(z).max() < 5
  assert 0.8 < z.std() < 1.2

  largest_deviation = 0.15
  if photons < 1000:
    largest_deviation = 0.35
  ratio = noisy.var(0) / expected_variance
  assert np.abs(ratio - 1).max() < largest_deviation
  assert abs(ratio.mean() - 1) < 0.02
  assert noisy.min() >= 0

  if photons < 1e5:   # counts are whole
    counts = noisy * photons / clean.sum()
    np.testing.assert_allclose(counts, np.round(counts), atol=1e-6)


def test_infinitely_many_photons_and_dark_images_pass_unchanged():
  clean = np.array(intensity(content(True, 6, 0, 3), 12))
  clean[1] = 0
  key = jax.random.key(0)
  np.testing.assert_array_equal(far_field.with_poisson(key, clean, np.inf), clean)

  level_of_image = np.array([np.inf, 1e3, 1e3])
  noisy = np.asarray(far_field.with_poisson(key, clean, level_of_image))
  np.testing.assert_array_equal(noisy[:2], clean[:2])
  assert np.abs(noisy[2] - clean[2]).max() > 0


def test_gaussian_noise_is_relative_to_the_mean_and_never_negative():
  even = np.full((200, 200), 7.0)
  one_bin = np.zeros((200, 200))
  one_bin[0, 0] = 4e4
  clean = np.stack([even, one_bin])
  key = jax.random.key(0)
  noisy = np.asarray(far_field.with_gaussian(key, clean, 0.1))

  assert abs((noisy[0] - 7).std() / 0.7 - 1) < 0.02
  assert noisy.min() >= 0
  mean_of_positive_half = 0.1 / (2 * np.pi) ** 0.5   # of a normal distribution
  assert abs(noisy[1, 1:].mean() / mean_of_positive_half - 1) < 0.03
  np.testing.assert_array_equal(far_field.with_gaussian(key, clean, 0.0), clean)


def test_beam_stop_hides_a_disc_about_dc():
  assert far_field.beam_stop(9, 0).min() == 1
  only_dc = far_field.beam_stop(9, 1)
  assert only_dc.sum() == 80
  assert only_dc[0, 0] == 0

  disc = np.fft.fftshift(far_field.beam_stop(9, 1.5))
  hidden = np.argwhere(disc == 0)
  assert len(hidden) == 9
  np.testing.assert_array_equal(hidden.min(0), [3, 3])
  np.testing.assert_array_equal(hidden.max(0), [5, 5])
  assert far_field.beam_stop(8, 5)[4, 4] == 1


def test_regrid_is_exact_while_the_autocorrelation_fits():
  x = content(True, 21, 4, count=5)
  for old_m, new_m in ((48, 64), (64, 48), (41, 96), (96, 41), (45, 43)):
    regridded = regrid(np.asarray(intensity(x, old_m)), new_m)
    np.testing.assert_allclose(regridded, intensity(x, new_m), atol=1e-9)

  lossy = np.asarray(regrid(np.asarray(intensity(x, 64)), 24))
  assert lossy.min() >= 0
  assert np.abs(lossy - np.asarray(intensity(x, 24))).max() > 1


def test_hidden_bins_are_filled_from_the_mirror_and_else_from_around():
  x = np.abs(content(True, 21, 4, count=5))
  clean = np.asarray(intensity(x, 64))
  one_side = np.ones((64, 64))
  one_side[1:9, :32] = 0
  np.testing.assert_allclose(filled(clean * one_side, one_side), clean, rtol=1e-9, atol=1e-9)

  both_sides = np.ones((64, 64))
  both_sides[0, 0] = 0
  both_sides[40:44, 40:44] = 0
  both_sides[21:25, 21:25] = 0
  guessed = np.asarray(filled(clean * both_sides, both_sides))
  seen = both_sides > 0
  np.testing.assert_array_equal(guessed[:, seen], clean[:, seen])
  assert (guessed[:, 0, 0] > 0.05 * clean[:, 0, 0]).all()
  assert (guessed >= 0).all()


# --- gradients and mistakes

def test_gradients_of_the_forward_model_are_finite_and_right():
  x = content(True, 6, 1, 1)[0]
  measure = jax.jit(lambda x: far_field.intensity(x, 13))
  check_grads(measure, (x,), 1, modes=["rev"])


def test_a_grid_smaller_than_the_object_is_refused():
  with pytest.raises(UserError, match="cuts"):
    FarField(42, 41, True)
  with pytest.raises(UserError, match="cuts"):
    far_field.spectrum(np.ones((42, 42)), 41)
  assert FarField(42, 83, True).oversampled
  assert not FarField(42, 82, True).oversampled
