"""Registration and both errors against loops over every place, and against transformations that are known."""
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsig.errors import UserError
from jaxsig.systems.phase_retrieval import far_field, registration

N, M = 6, 15


@pytest.fixture(autouse=True)
def float64():
  with jax.enable_x64(True):
    yield


def random(real, *shape, seed=0):
  rng = np.random.default_rng(seed)
  return rng.standard_normal(shape) + (0 if real else 1j * rng.standard_normal(shape))


def turned(x):
  return np.conj(x[..., ::-1, ::-1])


def moved(x, m, y, t, turn=False, factor=1.0):
  """x, flipped or not, times a factor, at row y and column t of a periodic m-grid of zeros."""
  grid = np.zeros((m, m), np.result_type(x, type(factor)))
  grid[:len(x), :len(x)] = factor * (turned(x) if turn else x)
  return np.roll(grid, (y, t), (0, 1))


def brute_fit(recon, truth, places):
  """(least |A - s B|^2, flipped, y, x, s B) over patches B that begin at `places` of the periodic recon, flipped or not."""
  found, n = [], len(truth)
  for y in places:
    for x in places:
      patch = np.roll(recon, (-y, -x), (0, 1))[:n, :n]
      for turn in (False, True):
        b = turned(patch) if turn else patch
        s = np.vdot(b, truth) / max(np.vdot(b, b).real, 1e-300)
        found.append((np.sum(np.abs(truth - s * b) ** 2), turn, y, x, s * b))
  return min(found, key=lambda entry: entry[0])


def brute_strict(recon, truth):
  """Least |R - e^(i theta) shifted A|^2 over everything cyclic."""
  least, m = np.inf, len(recon)
  for turn in (False, True):
    for y in range(m):
      for x in range(m):
        a = moved(truth, m, y, x, turn)
        product = np.vdot(a, recon)
        phase = product / abs(product)
        least = min(least, np.sum(np.abs(recon - phase * a) ** 2))
  return least


def pairs(real, count=4):
  """Reconstructions that are nothing alike, half alike and nearly right, and their truths."""
  truth, recon = random(real, count, N, N), random(real, count, M, M, seed=1)
  near = [moved(t, M, i, 2 * i, i % 2 == 1, -1.7 if real else np.exp(1j * i)) for i, t in enumerate(truth)]
  return recon * np.array([1, 0.3, 0.01, 0.01])[:, None, None] + near * (np.arange(count) > 0)[:, None, None], truth


@pytest.mark.parametrize("real", [True, False])
def test_symmetric_error_is_that_of_brute_force(real):
  recon, truth = pairs(real)
  want = np.array([brute_fit(r, t, range(M - N + 1))[0] for r, t in zip(recon, truth)])
  energy = np.sum(np.abs(truth) ** 2, (1, 2))
  np.testing.assert_allclose(registration.symmetric_error(recon, truth), want / energy, atol=1e-9, rtol=1e-9)
  np.testing.assert_allclose(registration.symmetric_error(recon, truth, normalise=False), want, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("real", [True, False])
def test_strict_error_is_that_of_brute_force(real):
  recon, truth = pairs(real)
  want = np.array([brute_strict(r, t) / np.sum(np.abs(t) ** 2) for r, t in zip(recon, truth)])
  np.testing.assert_allclose(registration.strict_error(recon, truth), want, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("real", [True, False])
def test_align_is_brute_force_over_cyclic_places(real):
  recon, truth = pairs(real)
  found = registration.align(recon, truth)
  for i, (r, t) in enumerate(zip(recon, truth)):
    least, turn, y, x, image = brute_fit(r, t, range(M))
    np.testing.assert_allclose(found.error[i], least / np.sum(np.abs(t) ** 2), atol=1e-9, rtol=1e-9)
    np.testing.assert_allclose(found.image[i], image, atol=1e-9)
    assert (found.flipped[i], found.shift_y[i] % M, found.shift_x[i] % M) == (turn, y, x)
    assert -M / 2 <= found.shift_y[i] < M / 2 and -M / 2 <= found.shift_x[i] < M / 2


@pytest.mark.parametrize("recon_real, truth_real", [(True, False), (False, True)])
def test_real_against_complex_is_free_in_phase(recon_real, truth_real):
  recon, truth = random(recon_real, 8, 8), random(truth_real, N, N, seed=2)
  want = brute_fit(recon, truth, range(3))[0] / np.sum(np.abs(truth) ** 2)
  np.testing.assert_allclose(registration.symmetric_error(recon, truth), want, rtol=1e-9)
  np.testing.assert_allclose(registration.strict_error(recon, truth), brute_strict(recon, truth) / np.sum(np.abs(truth) ** 2), rtol=1e-9)


@pytest.mark.parametrize("turn, factor, y, x", [(False, -2.5, 3, 7), (True, 0.1, 0, 9), (True, 3 - 4j, 9, 1), (False, 1j, 5, 5)])
def test_what_was_done_to_an_image_is_found(turn, factor, y, x):
  truth = random(not isinstance(factor, complex), N, N)
  recon = moved(truth, M, y, x, turn, factor)
  found = registration.align(recon, truth)
  signed = lambda shift: shift - M if shift >= M / 2 else shift
  assert (bool(found.flipped), found.shift_y, found.shift_x) == (turn, signed(y), signed(x))
  undone = 1 / (np.conj(factor) if turn else factor)
  np.testing.assert_allclose(found.scale, undone)
  np.testing.assert_allclose(found.image, truth, atol=1e-12)
  assert found.error < 1e-25 and registration.symmetric_error(recon, truth) < 1e-25


def test_corrected_a6_is_the_minimum_and_scale_free_and_the_printed_form_is_not():
  a, b = random(False, 2, N, N)
  found = registration.symmetric_error(b, a, normalise=False)
  rng = np.random.default_rng(3)
  energy_a, energy_b = np.sum(abs(a) ** 2), np.sum(abs(b) ** 2)
  best = min(energy_a - abs(np.vdot(c, a)) ** 2 / energy_b for c in (b, turned(b)))
  np.testing.assert_allclose(found, best)
  for scale in rng.standard_normal(200) + 1j * rng.standard_normal(200):
    assert np.sum(abs(a - scale * b) ** 2) >= found - 1e-9
  np.testing.assert_allclose(registration.symmetric_error(10 * b, a, normalise=False), found)
  printed = energy_a - abs(np.vdot(b, a)) ** 2   # what is left of it: no division by |B|^2
  assert abs(printed - found) > 1


def test_the_strict_error_closes_the_loopholes():
  truth = np.abs(random(True, N, N))
  exact = moved(truth, M, 2, 3)
  energy = np.sum(truth ** 2)
  cases = {  # (symmetric, strict)
    "exact": (exact, 0, 0), "half as bright": (0.5 * exact, 0, 0.25), "negative": (-exact, 0, 0),
    "wrapped": (np.roll(exact, (-5, 8), (0, 1)), None, 0), "nothing": (0 * exact, 1, 1)}
  for name, (recon, symmetric, strict) in cases.items():
    if symmetric is not None:
      np.testing.assert_allclose(registration.symmetric_error(recon, truth), symmetric, atol=1e-12, err_msg=name)
    np.testing.assert_allclose(registration.strict_error(recon, truth), strict, atol=1e-12, err_msg=name)
  assert registration.symmetric_error(cases["wrapped"][0], truth) > 0.05
  outside = exact.copy()
  outside[13, 13] = 0.5
  assert registration.symmetric_error(outside, truth) < 1e-12
  np.testing.assert_allclose(registration.strict_error(outside, truth), 0.25 / energy)


def test_nothing_to_find_is_defined():
  truth, zeros = random(True, N, N), np.zeros((M, M))
  assert registration.symmetric_error(zeros, 0 * truth) == 0 and registration.strict_error(zeros, 0 * truth) == 0
  assert registration.symmetric_error(zeros + 1, 0 * truth) == 0 and registration.strict_error(zeros + 1, 0 * truth) == np.inf
  found = registration.align(zeros, truth, subpixel=4)
  assert found.error == 1 and found.scale == 0 and (found.image == 0).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_anywhere_has_no_error(bad):
  truth = random(True, N, N)
  recon = moved(truth, M, 0, 0)
  recon[14, 14] = bad
  errors = registration.symmetric_error(recon, truth), registration.strict_error(recon, truth), registration.align(recon, truth).error
  assert not np.isfinite(errors).any()


@pytest.mark.parametrize("dtype, faint", [(np.float64, 1e-13), (np.float32, 1e-5)])
def test_rounding_in_dark_patches_is_not_a_match(dtype, faint):
  truth = random(True, N, N)
  recon = 1e3 * moved(truth, 30, 24, 24) + faint * random(True, 30, 30, seed=1)
  assert registration.symmetric_error(recon.astype(dtype), truth.astype(dtype)) < 1e-12
  assert registration.align(recon.astype(dtype), truth.astype(dtype)).shift_y == 24 - 30


def blob(real, y, x, m=32):
  """A band-limited object with its middle at (y, x): no symmetry, no energy near the Nyquist frequency."""
  i, j = np.mgrid[:m, :m]
  bump = lambda r, c, s: np.exp(-((i - y - r) ** 2 + (j - x - c) ** 2) / (2 * s * s))
  return bump(0, 0, 2.0) + 0.6 * bump(2, 3, 1.5) - (0.4 if real else 0.4j) * bump(-3, 1, 1.6)


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("turn", [False, True])
def test_subpixel_shifts_of_a_band_limited_object_are_found(real, turn):
  truth = blob(real, 10, 10)[:22, :22]
  recon = np.pad(truth, (0, 10))
  recon = far_field.flip(recon) if turn else recon
  recon = (-2 if real else 2j) * np.asarray(registration._moved(recon, 3.37, -4.84))   # the twin sits at rows 10 to 31
  whole, fine = registration.align(recon, truth), registration.align(recon, truth, subpixel=20)
  assert whole.error > 20 * fine.error and fine.error < 2e-4 and bool(fine.flipped) == turn
  at = np.array([3.37, -4.84]) + 10 * turn
  np.testing.assert_allclose([fine.shift_y, fine.shift_x], at, atol=0.5 / 20 + 1e-9)
  np.testing.assert_allclose(abs(fine.scale), 0.5, rtol=1e-3)
  exact = registration.align(recon, truth, subpixel=100)   # both fractions are on this grid
  assert exact.error < 1e-9   # what the cut at the frame leaves at the Nyquist frequency
  np.testing.assert_allclose(exact.image, truth, atol=1e-4)


def test_subpixel_never_costs():
  recon, truth = random(True, 30, M, M), random(True, 30, N, N, seed=1)
  assert (registration.align(recon, truth, subpixel=8).error <= registration.align(recon, truth).error).all()


def test_leading_axes_broadcast_and_results_do_not_depend_on_batch_mates():
  recon, truth = random(False, 3, 4, M, M), random(False, 4, N, N, seed=1)   # restarts r, images b
  functions = registration.symmetric_error, registration.strict_error, lambda r, t: registration.align(r, t, 3)
  every = jax.jit(lambda r, t: [function(r, t) for function in functions])
  symmetric, strict, aligned = every(recon, truth)
  assert symmetric.shape == strict.shape == aligned.error.shape == (3, 4) and aligned.image.shape == (3, 4, N, N)
  jax.tree.map(lambda a, b: np.testing.assert_allclose(a[2, 1], b, rtol=1e-12, atol=1e-14),
               [symmetric, strict, aligned], every(recon[2, 1], truth[1]))


def test_float32_leaves_little_of_a_perfect_reconstruction():
  truth = np.abs(random(True, 50, 42, 42)).astype(np.float32)
  recon = np.stack([moved(t, 96, i, 53 - i, i % 2 == 1) for i, t in enumerate(truth)]).astype(np.float32)
  for function in (registration.symmetric_error, registration.strict_error):
    found = function(recon, truth)
    assert found.dtype == jnp.float32 and found.max() < 1e-11
  noisy = recon + 0.2 * random(True, *recon.shape, seed=1).astype(np.float32)
  for function in (registration.symmetric_error, registration.strict_error):
    np.testing.assert_allclose(function(noisy, truth), function(noisy.astype(float), truth.astype(float)), rtol=2e-6)


@pytest.mark.parametrize("real", [True, False])
def test_gradients_are_right_and_finite(real):
  errors = registration.symmetric_error, registration.strict_error, lambda x, truth: registration.align(x, truth, 4).error
  loss = jax.jit(jax.value_and_grad(lambda x, truth: sum(error(x, truth) for error in errors)))
  recon, truth = random(real, 9, 9), random(real, N, N, seed=1)
  along = 1e-6 * random(real, 9, 9, seed=2)
  slope = np.sum(loss(recon, truth)[1] * along).real
  np.testing.assert_allclose(slope, (loss(recon + along, truth)[0] - loss(recon - along, truth)[0]) / 2, rtol=1e-5)
  perfect = moved(truth, 9, 1, 2).astype(recon.dtype)
  for x, a in ((0 * recon, truth), (perfect, truth), (recon, 0 * truth), (0 * recon, 0 * truth)):
    assert np.isfinite(loss(x, a)[1]).all()


def test_sizes_that_do_not_fit_are_named():
  for function in (registration.align, registration.symmetric_error, registration.strict_error):
    with pytest.raises(UserError, match="5 x 5 onto one of 6 x 6"):
      function(np.ones((5, 5)), np.ones((6, 6)))
    with pytest.raises(UserError, match="square"):
      function(np.ones((9, 7)), np.ones((6, 6)))
