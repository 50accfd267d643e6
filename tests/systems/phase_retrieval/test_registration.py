"""Registration and both errors against loops over every place and against known transformations."""
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsig.errors import UserError
from jaxsig.systems.phase_retrieval import far_field, registration

N = 6
M = 15
BATCH = 30   # most tests fill a batch of this size, so that they share compiled programs


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


# --- images

def random(real, *shape, seed=0):
  rng = np.random.default_rng(seed)
  x = rng.standard_normal(shape)
  if real:
    return x
  return x + 1j * rng.standard_normal(shape)


def twin(x):
  return np.conj(x[..., ::-1, ::-1])


def moved(x, m, y, t, flipped=False, factor=1.0):
  """x, flipped or not, times a factor, at row y and column t of a periodic m-grid of zeros."""
  n = len(x)
  if flipped:
    x = twin(x)
  grid = np.zeros((m, m), np.result_type(x, type(factor)))
  grid[:n, :n] = factor * x
  return np.roll(grid, (y, t), (0, 1))


def pairs(real, count=4):
  """Reconstructions that are nothing alike, half alike and nearly right, and their truths."""
  truths = random(real, count, N, N)
  noise = random(real, count, M, M, seed=1)
  noise *= np.array([1, 0.3, 0.01, 0.01])[:, None, None]

  recons = noise
  for i in range(1, count):
    factor = -1.7
    if not real:
      factor = complex(np.exp(1j * i))
    recons[i] += moved(truths[i], M, i, 2 * i, i % 2 == 1, factor)
  return recons, truths


# --- the functions under test, by shared programs

def in_batch(function, recons, truths, **options):
  """The results for a few pairs, filled up to BATCH by repetition."""
  count = len(recons)
  recon = np.resize(recons, (BATCH, *np.shape(recons)[1:]))
  truth = np.resize(truths, (BATCH, *np.shape(truths)[1:]))
  result = jax.device_get(function(recon, truth, **options))
  return jax.tree.map(lambda leaf: leaf[:count], result)


def of_one(function, recon, truth, **options):
  """The result for one pair."""
  result = in_batch(function, recon[None], truth[None], **options)
  return jax.tree.map(lambda leaf: leaf[0], result)


# --- references

class Fit(NamedTuple):
  """The best patch of a loop over places."""
  squared_error: float
  flipped: bool
  y: int
  x: int
  image: np.ndarray


def brute_fit(recon, truth, places):
  """Least |A - s B|^2 over patches B that begin at `places` of the periodic recon, or flipped."""
  n = len(truth)
  best = None
  for y in places:
    for x in places:
      patch = np.roll(recon, (-y, -x), (0, 1))[:n, :n]
      for flipped, b in ((False, patch), (True, twin(patch))):
        energy = max(np.vdot(b, b).real, 1e-300)
        image = np.vdot(b, truth) / energy * b
        squared_error = np.sum(np.abs(truth - image) ** 2)
        if best is None or squared_error < best.squared_error:
          best = Fit(squared_error, flipped, y, x, image)
  return best


def brute_symmetric(recon, truth):
  """Least |A - s B|^2 over patches inside the reconstruction."""
  places = range(len(recon) - len(truth) + 1)
  return brute_fit(recon, truth, places).squared_error


def brute_strict(recon, truth):
  """Least |R - e^(i theta) shifted A|^2 over all cyclic shifts and the flip."""
  m = len(recon)
  least = np.inf
  for flipped in (False, True):
    for y in range(m):
      for x in range(m):
        a = moved(truth, m, y, x, flipped)
        product = np.vdot(a, recon)
        phase = product / abs(product)
        least = min(least, np.sum(np.abs(recon - phase * a) ** 2))
  return least


def energy_of(x):
  return np.sum(np.abs(x) ** 2, (-2, -1))


# --- against brute force

@pytest.mark.parametrize("real", [True, False])
def test_symmetric_error_is_that_of_brute_force(real):
  recons, truths = pairs(real)
  expected = np.array([brute_symmetric(r, t) for r, t in zip(recons, truths)])

  relative = in_batch(registration.symmetric_error, recons, truths)
  np.testing.assert_allclose(relative, expected / energy_of(truths), atol=1e-9, rtol=1e-9)

  absolute = in_batch(registration.symmetric_error, recons, truths, normalise=False)
  np.testing.assert_allclose(absolute, expected, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("real", [True, False])
def test_strict_error_is_that_of_brute_force(real):
  recons, truths = pairs(real)
  expected = np.array([brute_strict(r, t) for r, t in zip(recons, truths)])
  error = in_batch(registration.strict_error, recons, truths)
  np.testing.assert_allclose(error, expected / energy_of(truths), atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("real", [True, False])
def test_align_is_brute_force_over_cyclic_places(real):
  recons, truths = pairs(real)
  aligned = in_batch(registration.align, recons, truths)
  for i, (recon, truth) in enumerate(zip(recons, truths)):
    best = brute_fit(recon, truth, range(M))
    expected_error = best.squared_error / energy_of(truth)
    np.testing.assert_allclose(aligned.error[i], expected_error, atol=1e-9, rtol=1e-9)
    np.testing.assert_allclose(aligned.image[i], best.image, atol=1e-9)

    shift_y = aligned.shift_y[i]
    shift_x = aligned.shift_x[i]
    assert aligned.flipped[i] == best.flipped
    assert (shift_y % M, shift_x % M) == (best.y, best.x)
    assert -M / 2 <= shift_y < M / 2
    assert -M / 2 <= shift_x < M / 2


@pytest.mark.parametrize("recon_real, truth_real", [(True, False), (False, True)])
def test_real_against_complex_is_free_in_phase(recon_real, truth_real):
  recon = random(recon_real, 8, 8)
  truth = random(truth_real, N, N, seed=2)

  expected = brute_symmetric(recon, truth) / energy_of(truth)
  np.testing.assert_allclose(registration.symmetric_error(recon, truth), expected, rtol=1e-9)

  expected = brute_strict(recon, truth) / energy_of(truth)
  np.testing.assert_allclose(registration.strict_error(recon, truth), expected, rtol=1e-9)


# --- known transformations and closed forms

@pytest.mark.parametrize("flipped, factor, y, x", [
    (False, -2.5, 3, 7),
    (True, 0.1, 0, 9),
    (True, 3 - 4j, 9, 1),
    (False, 1j, 5, 5),
])
def test_what_was_done_to_an_image_is_found(flipped, factor, y, x):
  truth = random(not isinstance(factor, complex), N, N)
  recon = moved(truth, M, y, x, flipped, factor)
  aligned = of_one(registration.align, recon, truth)

  def signed(shift):
    if shift >= M / 2:
      return shift - M
    return shift

  assert bool(aligned.flipped) == flipped
  assert (aligned.shift_y, aligned.shift_x) == (signed(y), signed(x))

  applied_to_patch = factor
  if flipped:
    applied_to_patch = np.conj(factor)
  np.testing.assert_allclose(aligned.scale, 1 / applied_to_patch)
  np.testing.assert_allclose(aligned.image, truth, atol=1e-12)
  assert aligned.error < 1e-25
  assert of_one(registration.symmetric_error, recon, truth) < 1e-25


def test_corrected_a6_is_the_minimum_and_scale_free_and_the_printed_form_is_not():
  a, b = random(False, 2, N, N)
  error = registration.symmetric_error(b, a, normalise=False)

  energy_a = energy_of(a)
  energy_b = energy_of(b)
  candidates = [energy_a - abs(np.vdot(c, a)) ** 2 / energy_b for c in (b, twin(b))]
  np.testing.assert_allclose(error, min(candidates))

  rng = np.random.default_rng(3)
  scales = rng.standard_normal(200) + 1j * rng.standard_normal(200)
  for scale in scales:
    assert np.sum(abs(a - scale * b) ** 2) >= error - 1e-9

  brighter = registration.symmetric_error(10 * b, a, normalise=False)
  np.testing.assert_allclose(brighter, error)
  printed = energy_a - abs(np.vdot(b, a)) ** 2   # as A.6 is printed: not divided by |B|^2
  assert abs(printed - error) > 1


def test_the_strict_error_closes_the_loopholes():
  truth = np.abs(random(True, N, N))
  exact = moved(truth, M, 2, 3)
  wrapped = np.roll(exact, (-5, 8), (0, 1))
  outside = exact.copy()
  outside[13, 13] = 0.5

  recons = np.stack([exact, 0.5 * exact, -exact, 0 * exact, wrapped, outside])
  truths = np.stack([truth] * len(recons))
  symmetric = in_batch(registration.symmetric_error, recons, truths)
  strict = in_batch(registration.strict_error, recons, truths)

  np.testing.assert_allclose(symmetric[:4], [0, 0, 0, 1], atol=1e-12)
  np.testing.assert_allclose(strict[:5], [0, 0.25, 0, 1, 0], atol=1e-12)
  assert symmetric[4] > 0.05    # wrapped around the grid
  assert symmetric[5] < 1e-12   # something outside the object
  np.testing.assert_allclose(strict[5], 0.25 / energy_of(truth))


def test_nothing_to_find_is_defined():
  truth = random(True, N, N)
  zeros = np.zeros((M, M))
  assert of_one(registration.symmetric_error, zeros, 0 * truth) == 0
  assert of_one(registration.symmetric_error, zeros + 1, 0 * truth) == 0
  assert of_one(registration.strict_error, zeros, 0 * truth) == 0
  assert of_one(registration.strict_error, zeros + 1, 0 * truth) == np.inf

  aligned = of_one(registration.align, zeros, truth, subpixel=4)
  assert aligned.error == 1
  assert aligned.scale == 0
  assert (aligned.image == 0).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_anywhere_has_no_error(bad):
  truth = random(True, N, N)
  recon = moved(truth, M, 0, 0)
  recon[14, 14] = bad
  assert not np.isfinite(of_one(registration.symmetric_error, recon, truth))
  assert not np.isfinite(of_one(registration.strict_error, recon, truth))
  assert not np.isfinite(of_one(registration.align, recon, truth).error)


@pytest.mark.parametrize("dtype, faint", [(np.float64, 1e-15), (np.float32, 1e-5)])
def test_rounding_in_dark_patches_is_not_a_match(dtype, faint):
  truth = random(True, N, N)
  recon = 1e3 * moved(truth, M, 9, 9) + faint * random(True, M, M, seed=1)
  recon = recon.astype(dtype)
  truth = truth.astype(dtype)
  assert of_one(registration.symmetric_error, recon, truth) < 1e-12
  assert of_one(registration.align, recon, truth).shift_y == 9 - M


# --- fractions of a pixel

def blob(real, y, x, m=32):
  """A band-limited object about (y, x): no symmetry, no energy near the Nyquist frequency."""
  i, j = np.mgrid[:m, :m]

  def bump(row, column, sigma):
    squared = (i - y - row) ** 2 + (j - x - column) ** 2
    return np.exp(-squared / (2 * sigma * sigma))

  third_weight = 0.4
  if not real:
    third_weight = 0.4j
  return bump(0, 0, 2.0) + 0.6 * bump(2, 3, 1.5) - third_weight * bump(-3, 1, 1.6)


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("flipped", [False, True])
def test_subpixel_shifts_of_a_band_limited_object_are_found(real, flipped):
  shift = np.array([3.37, -4.84])
  truth = blob(real, 10, 10)[:22, :22]
  recon = np.pad(truth, (0, 10))
  place = shift
  if flipped:
    recon = twin(recon)
    place = shift + 10   # the twin is at rows 10 to 31

  recon = np.fft.ifft2(np.fft.fft2(recon) * np.asarray(far_field.ramp(*shift, 32)))
  if real:
    recon = -2 * recon.real
  else:
    recon = 2j * recon

  whole = jax.device_get(registration.align(recon, truth))
  fine = jax.device_get(registration.align(recon, truth, subpixel=20))
  assert whole.error > 20 * fine.error
  assert fine.error < 2e-4
  assert bool(fine.flipped) == flipped
  np.testing.assert_allclose([fine.shift_y, fine.shift_x], place, atol=0.5 / 20 + 1e-9)
  np.testing.assert_allclose(abs(fine.scale), 0.5, rtol=1e-3)

  exact = jax.device_get(registration.align(recon, truth, subpixel=100))   # shifts are on this grid
  assert exact.error < 1e-9   # what the cut at the frame leaves at the Nyquist frequency
  np.testing.assert_allclose(exact.image, truth, atol=1e-4)


def test_subpixel_never_costs():
  recons = random(True, BATCH, M, M)
  truths = random(True, BATCH, N, N, seed=1)
  fine = registration.align(recons, truths, subpixel=4)
  whole = registration.align(recons, truths)
  assert (np.asarray(fine.error) <= np.asarray(whole.error)).all()


# --- batches, precision, gradients

def test_leading_axes_broadcast_and_results_do_not_depend_on_batch_mates():
  recon = random(False, 3, 4, M, M)   # restarts, images
  truth = random(False, 4, N, N, seed=1)

  @jax.jit
  def every(recon, truth):
    symmetric = registration.symmetric_error(recon, truth)
    strict = registration.strict_error(recon, truth)
    aligned = registration.align(recon, truth, 3)
    return symmetric, strict, aligned

  symmetric, strict, aligned = batched = jax.device_get(every(recon, truth))
  assert symmetric.shape == strict.shape == aligned.error.shape == (3, 4)
  assert aligned.image.shape == (3, 4, N, N)

  alone = jax.device_get(every(recon[2, 1], truth[1]))
  in_whole_batch = jax.tree.map(lambda leaf: leaf[2, 1], batched)
  for a, b in zip(jax.tree.leaves(in_whole_batch), jax.tree.leaves(alone)):
    np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("function", [registration.symmetric_error, registration.strict_error])
def test_float32_leaves_little_of_a_perfect_reconstruction(function):
  truth = np.abs(random(True, 50, 42, 42)).astype(np.float32)
  recons = [moved(t, 96, i, 53 - i, i % 2 == 1) for i, t in enumerate(truth)]
  recon = np.stack(recons).astype(np.float32)

  error = function(recon, truth)
  assert error.dtype == jnp.float32
  assert np.asarray(error).max() < 1e-11

  noisy = recon + 0.2 * random(True, *recon.shape, seed=1).astype(np.float32)
  in_float64 = function(noisy.astype(float), truth.astype(float))
  np.testing.assert_allclose(function(noisy, truth), in_float64, rtol=2e-6)


@pytest.mark.parametrize("real", [True, False])
def test_gradients_are_right_and_finite(real):
  @jax.jit
  @jax.value_and_grad
  def loss(x, truth):
    symmetric = registration.symmetric_error(x, truth)
    strict = registration.strict_error(x, truth)
    return symmetric + strict + registration.align(x, truth, 4).error

  recon = random(real, 9, 9)
  truth = random(real, N, N, seed=1)
  step = 1e-6 * random(real, 9, 9, seed=2)
  _, gradient = loss(recon, truth)
  slope = np.sum(np.asarray(gradient) * step).real
  above = float(loss(recon + step, truth)[0])
  below = float(loss(recon - step, truth)[0])
  np.testing.assert_allclose(slope, (above - below) / 2, rtol=1e-5)

  perfect = moved(truth, 9, 1, 2).astype(recon.dtype)
  degenerate = [(0 * recon, truth), (perfect, truth), (recon, 0 * truth), (0 * recon, 0 * truth)]
  for x, a in degenerate:
    assert np.isfinite(loss(x, a)[1]).all()


FUNCTIONS = [
    registration.align,
    registration.symmetric_error,
    registration.strict_error,
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_sizes_that_do_not_fit_are_named(function):
  with pytest.raises(UserError, match="5 x 5 onto one of 6 x 6"):
    function(np.ones((5, 5)), np.ones((6, 6)))
  with pytest.raises(UserError, match="square"):
    function(np.ones((9, 7)), np.ones((6, 6)))
