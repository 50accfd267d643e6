"""Projections and solvers against full-plane NumPy, closed forms, theorems and a slow alignment.

Whole solves have three images and three restarts wherever they can, so that they share compiled
programs.
"""
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from jaxsig.errors import UserError
from jaxsig.systems.phase_retrieval import projections, solvers
from jaxsig.systems.phase_retrieval.iterations import METHODS

M = 32
IMAGES = 3
RESTARTS = 3
KINDS = ("positive", "signed", "complex")

fold_magnitude = jax.jit(projections.fold_magnitude, static_argnums=2)
project_magnitude = jax.jit(projections.project_magnitude)
project_object = jax.jit(projections.project_object, static_argnums=2)
residual = jax.jit(projections.residual)
shrunk_support = jax.jit(projections.shrunk_support)
best = jax.jit(solvers.best)


@pytest.fixture(scope="module", autouse=True)
def quick_compiling():
  """Compiling takes most of the time, and a few runs of each program are all that a test needs."""
  jax.config.update("jax_disable_most_optimizations", True)
  yield
  jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(scope="module")
def as_compiled_in_use():
  """For tests of the last bit, which come last: programs compiled anew, with all optimisations."""
  jax.clear_caches()
  jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture
def x64():
  with jax.enable_x64(True):
    yield


# --- objects and measurements

def objects(b, n=10, m=M, kind="positive"):
  """Random content in the corner, [b, m, m]."""
  rng = np.random.default_rng(b)
  positive = rng.uniform(0.1, 1, (b, n, n))
  signed = rng.normal(size=(b, n, n))
  imaginary = rng.normal(size=(b, n, n))
  content = {
      "positive": positive,
      "signed": signed,
      "complex": signed + 1j * imaginary,
  }[kind]
  return np.pad(content, ((0, 0), (0, m - n), (0, m - n)))


def magnitudes(x, dtype=np.float32):
  return np.abs(np.fft.fft2(x)).astype(dtype)


def keys(b, seed=0):
  return jax.random.split(jax.random.key(seed), b)


def noisy(m, hidden=False, seed=0):
  """A magnitude [m, m] that no real object has, and a mask [m, m].

  Of some pairs of bins one side is hidden, of some both.
  """
  rng = np.random.default_rng(seed)
  seen = np.ones((m, m), bool)
  if hidden:
    seen = rng.uniform(size=(m, m)) > 0.3
  return rng.uniform(0.5, 2, (m, m)), seen


def random_image(m, real):
  image = np.random.default_rng(1).normal(size=(m, m))
  if real:
    return image
  return image + 1j * np.random.default_rng(2).normal(size=(m, m))


def solve(*args, **options):
  """The solution in NumPy: operations on results one by one would each be compiled."""
  return jax.device_get(solvers.solve(*args, **options))


def symmetric_error(x, truth):
  """Smallest relative squared distance over cyclic shifts, both orientations and global phase."""
  x = np.asarray(x, complex)
  least = np.inf
  for oriented in (truth, np.conj(truth[::-1, ::-1])):
    for row in range(len(x)):
      for column in range(len(x)):
        moved = np.roll(oriented, (row, column), (0, 1))
        phase = np.exp(1j * np.angle(np.vdot(moved, x)))
        least = min(least, np.sum(np.abs(x - phase * moved) ** 2))
  return least / np.sum(np.abs(truth) ** 2)


def largest_error(images, truths):
  return max(symmetric_error(image, truth) for image, truth in zip(images, truths))


# --- the two sets

@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("m", [8, 9])
def test_residual_is_that_of_the_full_plane(x64, m, real):
  magnitude, seen = noisy(m, hidden=True)
  x = random_image(m, real)
  measured = fold_magnitude(np.where(seen, magnitude, np.nan), seen, real)

  error = (np.abs(np.fft.fft2(x)) - magnitude)[seen]
  expected = np.linalg.norm(error) / np.linalg.norm(magnitude[seen])
  assert float(residual(x, measured)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("m", [8, 9])
def test_magnitude_projection_is_the_full_plane_one(x64, m, real):
  magnitude, seen = noisy(m)
  x = random_image(m, real)
  f = np.fft.fft2(x)
  expected = np.fft.ifft2(magnitude * f / np.abs(f))
  if real:
    expected = expected.real   # the projection onto real images follows

  projected = project_magnitude(x, fold_magnitude(magnitude, seen, real))
  np.testing.assert_allclose(projected, expected, atol=1e-13)


@pytest.mark.parametrize("kind", ["signed", "complex"])
@pytest.mark.parametrize("m", [12, 13])
def test_magnitude_projection_lands_in_its_set_and_stays(x64, m, kind):
  real = kind == "signed"
  truth = objects(1, 5, m, kind)[0]
  _, seen = noisy(m, hidden=True)
  if real:   # hide pairs, so that what is hidden can be read off the full plane
    seen &= np.roll(seen[::-1, ::-1], (1, 1), (0, 1))

  measured = fold_magnitude(magnitudes(truth, float), seen, real)
  x = objects(2, m, m, kind)[1]
  once = np.asarray(project_magnitude(x, measured))
  np.testing.assert_allclose(project_magnitude(once, measured), once, atol=1e-12)

  f_truth = np.fft.fft2(truth)
  f_once = np.fft.fft2(once)
  f_x = np.fft.fft2(x)
  np.testing.assert_allclose(np.abs(f_once)[seen], np.abs(f_truth)[seen], atol=1e-11)
  np.testing.assert_allclose(f_once[~seen], f_x[~seen], atol=1e-11)

  distance = np.linalg.norm(once - x)   # to the nearest point, by Parseval
  expected = np.linalg.norm((np.abs(f_x) - np.abs(f_truth))[seen]) / m
  assert distance == pytest.approx(expected, rel=1e-12)


def test_a_bin_of_zero_gets_the_magnitude(x64):
  measured = fold_magnitude(np.full((8, 8), 2.0), np.ones((8, 8)), True)
  projected = project_magnitude(np.zeros((8, 8)), measured)
  np.testing.assert_allclose(np.fft.fft2(projected), 2, atol=1e-12)


@pytest.mark.parametrize("positivity", [True, False])
def test_object_projection_is_the_nearest_in_its_set(x64, positivity):
  rng = np.random.default_rng(0)
  x = rng.normal(size=(6, 6))
  support = rng.uniform(size=(6, 6)) > 0.4
  near = np.asarray(project_object(x, support, positivity))
  assert np.all(near[~support] == 0)
  assert np.all(near >= 0) == positivity
  np.testing.assert_array_equal(project_object(near, support, positivity), near)

  for _ in range(100):   # the set is convex: x and every other point are at an obtuse angle
    other = np.where(support, rng.normal(size=(6, 6)), 0)
    if positivity:
      other = np.abs(other)
    assert np.sum((x - near) * (other - near)) < 1e-12


def test_autocorrelation_support_holds_a_translate(x64):
  rng = np.random.default_rng(0)
  content = (rng.uniform(size=(9, 7)) > 0.6).astype(float)
  x = np.pad(content, ((3, M - 12), (4, M - 11)))
  inside = np.argwhere(x > 0)
  expected = np.zeros((M, M), bool)
  for a in inside:
    for b in inside:
      expected[tuple((a - b) % M)] = True

  autocorrelation_support = jax.jit(projections.autocorrelation_support)
  support = np.asarray(autocorrelation_support(magnitudes(x, float), 1e-9))
  np.testing.assert_array_equal(support, expected)
  assert np.all(support[np.roll(x, -inside[0], (0, 1)) > 0])
  smaller = np.asarray(autocorrelation_support(magnitudes(x, float), 0.3))
  assert smaller.sum() < expected.sum()


@pytest.mark.parametrize("shape", [(24, 24), (25, 21)])
def test_shrunk_support_is_scipys_blur(x64, shape):
  x = np.random.default_rng(0).normal(size=shape) ** 9
  blurred = scipy.ndimage.gaussian_filter(np.abs(x), 1.5, mode="wrap", truncate=8)
  expected = blurred >= 0.2 * blurred.max()
  np.testing.assert_array_equal(shrunk_support(x, 1.5, 0.2), expected)
  assert 0.02 < np.mean(expected) < 0.5


# --- one iteration

def test_updates_are_those_of_the_papers(x64):
  rng = np.random.default_rng(0)
  x = rng.normal(size=(6, 6))
  p = rng.normal(size=(6, 6))
  support = rng.uniform(size=(6, 6)) > 0.4

  def project(a):
    return np.where(support, np.maximum(a, 0), 0)

  def update(name):
    updated, _ = METHODS[name].update(x, p, 0, project, 0.7, None)
    return updated

  is_allowed = support & (p > 0)
  np.testing.assert_allclose(update("er"), np.where(is_allowed, p, 0))
  np.testing.assert_allclose(update("hio"), np.where(is_allowed, p, x - 0.7 * p))

  reflected = 2 * p - x
  twice = 2 * np.where(support & (reflected > 0), reflected, 0) - reflected
  np.testing.assert_allclose(update("raar"), 0.35 * (twice + x) + 0.3 * p)


def test_alm_step_minimises_the_augmented_lagrangian(x64):
  rng = np.random.default_rng(0)
  p = rng.normal(size=(6, 6))
  dual = rng.normal(size=(6, 6))
  support = rng.uniform(size=(6, 6)) > 0.4
  key = jax.random.key(3)

  @jax.jit
  def step():
    def project(a):
      return projections.project_object(a, support, True)

    rho = 0.1 * jax.random.uniform(key, (), jnp.float64)

    def outside(x):
      shifted = x + dual / rho
      return shifted - project(shifted)

    def lagrangian(x):
      return jnp.sum((x - p) ** 2) / 2 + rho / 2 * jnp.sum(outside(x) ** 2)

    x, multiplier = METHODS["alm"].update(None, jnp.asarray(p), dual, project, 0.1, key)
    return jax.grad(lagrangian)(x), multiplier, rho * outside(x)

  gradient, multiplier, expected = jax.device_get(step())
  np.testing.assert_allclose(gradient, 0, atol=1e-12)   # convex: this is the minimum
  np.testing.assert_allclose(multiplier, expected, atol=1e-12)
  assert np.abs(multiplier).max() > 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_the_object_is_a_fixed_point(x64, kind):
  x = objects(1, kind=kind)[0]
  support = objects(1)[0] > 0
  measured = fold_magnitude(magnitudes(x, float), np.ones((M, M)), kind != "complex")

  @jax.jit
  def moved_by_all_methods(x, measured):
    def project(a):
      return projections.project_object(a, support, kind == "positive")

    p = projections.project_magnitude(x, measured)
    moved = {"object": project(p)}
    for name, method in METHODS.items():
      key = jax.random.key(0)
      moved[name], _ = method.update(x, p, jnp.zeros_like(x), project, method.beta, key)
    return moved

  for moved in moved_by_all_methods(x, measured).values():
    np.testing.assert_allclose(moved, x, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_error_reduction_never_increases_the_residual(x64, kind):
  _, seen = noisy(M, hidden=True)
  noise = np.random.default_rng(5).uniform(0, 1, (IMAGES, M, M))
  magnitude = magnitudes(objects(IMAGES, kind=kind), float) + noise

  image = np.ones((IMAGES, RESTARTS, M, M))
  residuals = []
  for _ in range(15):   # from image to image: nothing else is remembered
    solution = solve(
        magnitude,
        keys(IMAGES),
        12,
        seen,
        image,
        method="er",
        iterations=1,
        every=1,
        restarts=RESTARTS,
        tolerance=0.0,
        real=kind != "complex",
        positivity=kind == "positive",
    )
    image = solution.image_b_r_y_x
    residuals.append(solution.residual_b_r)

  assert np.all(np.diff(residuals, axis=0) < 1e-14)
  assert np.all(residuals[-1] < residuals[0])


# --- whole solves

@pytest.mark.parametrize("real", [True, False])
def test_a_start_has_the_measured_magnitude_and_nothing_where_hidden(x64, real):
  magnitude = magnitudes(objects(IMAGES), float)
  seen = np.ones((M, M))
  seen[:2, 0] = 0
  seen[-1, 0] = 0
  options = {"real": real, "positivity": False, "iterations": 0, "restarts": RESTARTS}
  image = solve(magnitude, keys(IMAGES), M, seen, **options).image_b_r_y_x

  f = np.fft.fft2(image)
  expected = np.broadcast_to((magnitude * seen)[:, None], image.shape)
  np.testing.assert_allclose(np.abs(f), expected, atol=1e-11)

  phase = np.angle(f[..., 1:9, 1:9])
  assert 1.6 < np.std(phase) < 2.0                    # of a uniform one it is 1.81
  assert np.std(phase[:, 0] - phase[:, 1]) > 2        # of a difference 2.57


WHOLE_SOLVE = {"restarts": RESTARTS, "iterations": 600, "final_er": 40, "tolerance": 1e-4}


@pytest.mark.parametrize("method", ["hio", "raar"])
def test_a_small_object_with_known_support_is_solved(method):
  x = objects(IMAGES)
  solution = solve(magnitudes(x), keys(IMAGES), 10, method=method, **WHOLE_SOLVE)
  image, least_residual = jax.device_get(best(solution))
  assert image.shape == (IMAGES, M, M)
  assert image.dtype == np.float32
  assert np.all(least_residual == solution.residual_b_r.min(1))
  assert np.all(least_residual < 1e-3)
  assert largest_error(image, x) < 1e-4
  assert symmetric_error(image[0], x[1]) > 0.05   # another object is far away


def test_shrinkwrap_solves_without_any_support():
  x = objects(IMAGES)
  noise = np.random.default_rng(6).normal(size=x.shape)
  x *= scipy.ndimage.gaussian_filter(noise, (0, 1, 1)) > -0.1   # ragged outlines

  options = {**WHOLE_SOLVE, "tolerance": 3e-3}
  shrinkwrap = solvers.Shrinkwrap(1.5, 0.7)
  solution = solve(
      magnitudes(x),
      keys(IMAGES),
      "autocorrelation",
      shrinkwrap=shrinkwrap,
      **options,
  )
  image, _ = jax.device_get(best(solution))
  assert largest_error(image, x) < 0.01

  loose = solve(magnitudes(x), keys(IMAGES), "autocorrelation", **WHOLE_SOLVE)
  assert np.sum(solution.residual_b_r > 3e-3) < np.sum(loose.residual_b_r > 3e-3)


def test_a_complex_object_with_tight_support_is_solved():
  support = np.pad(np.tri(10), ((0, M - 10), (0, M - 10)))   # a triangle is no flip of itself
  x = objects(2, kind="complex") * support
  solution = solve(
      magnitudes(x),
      keys(2),
      support,
      real=False,
      positivity=False,
      restarts=RESTARTS,
      tolerance=1e-4,
  )
  image, _ = jax.device_get(best(solution))
  assert image.dtype == np.complex64
  assert np.all(image[:, support == 0] == 0)
  assert largest_error(image, x) < 1e-4


def test_a_beam_stop_hides_and_is_filled_in():
  x = objects(IMAGES)
  seen = np.ones((M, M))
  seen[np.ix_([0, 1, -1], [0, 1, -1])] = 0
  magnitude = np.where(seen > 0, magnitudes(x), np.nan)

  solution = solve(magnitude, keys(IMAGES), 10, seen, **WHOLE_SOLVE)
  image, least_residual = jax.device_get(best(solution))
  assert np.all(least_residual < 1e-3)
  assert largest_error(image, x) < 1e-3

  taken_for_zero = solve(np.nan_to_num(magnitude), keys(IMAGES), 10, **WHOLE_SOLVE)
  assert np.all(taken_for_zero.residual_b_r > 0.05)


def test_alm_comes_closer_than_where_it_began():
  magnitude = magnitudes(objects(IMAGES))
  options = {"restarts": RESTARTS, "tolerance": 0.0, "final_er": 0}

  def residuals(method, iterations):
    solution = solve(
        magnitude,
        keys(IMAGES),
        10,
        method=method,
        iterations=iterations,
        **options,
    )
    return solution.residual_b_r

  begin = residuals("alm", 0)
  end = residuals("alm", 1000)
  assert np.all(begin == residuals("er", 0))
  assert np.all(end < 0.2 * begin)


def test_the_last_iterations_are_error_reduction_on_the_last_support(x64):
  magnitude = magnitudes(objects(IMAGES), float)
  start = objects(IMAGES, n=14, kind="signed")
  wide = np.outer(np.arange(M) < 20, np.arange(M) < 20)

  def first_images(start, support, **options):
    solution = solve(
        magnitude,
        keys(IMAGES),
        support,
        start=start,
        restarts=RESTARTS,
        tolerance=0.0,
        every=1,
        final_er=3,
        **options,
    )
    return solution.image_b_r_y_x[:, 0]

  shrinkwrap = solvers.Shrinkwrap(1.0, 1.0)
  images = first_images(start, wide, iterations=4, shrinkwrap=shrinkwrap)

  # The same by hand: one iteration of HIO, a new support, then error reduction.
  moved = np.empty_like(start)
  support = np.empty(start.shape, bool)
  for b in range(IMAGES):
    measured = fold_magnitude(magnitude[b], np.ones((M, M)), True)
    p = np.asarray(project_magnitude(start[b], measured))
    is_allowed = wide & (p >= 0)
    moved[b] = np.where(is_allowed, p, start[b] - 0.9 * p)
    support[b] = shrunk_support(np.where(is_allowed, p, 0), 1.0, 0.1)
    assert 0 < support[b].sum() < 400

  on_last_support = first_images(moved, support, iterations=3)
  np.testing.assert_allclose(images, on_last_support, atol=1e-12)
  on_wide_support = first_images(moved, wide, iterations=3)
  assert np.abs(images - on_wide_support).max() > 1e-3


def test_what_is_left_open_is_the_methods_own():
  magnitude = magnitudes(objects(IMAGES))
  images = functools.partial(_images_of_40_iterations, magnitude)
  by_default = images()
  np.testing.assert_array_equal(by_default, images(method="hio", beta=0.9, final_er=2))
  assert np.any(by_default != images(final_er=0))
  assert np.any(by_default != images(beta=0.8))


def _images_of_40_iterations(magnitude, **options):
  solution = solve(magnitude, keys(IMAGES), 10, iterations=40, restarts=RESTARTS, **options)
  return solution.image_b_r_y_x


def test_single_precision_stays_single_where_double_is_on(x64):
  solution = solve(
      magnitudes(objects(1)),
      keys(1),
      10,
      method="alm",
      iterations=20,
      shrinkwrap=solvers.Shrinkwrap(),
  )
  assert solution.image_b_r_y_x.dtype == np.float32
  assert solution.residual_b_r.dtype == np.float32


@pytest.mark.parametrize("given, message", [
    ({"method": "hioo"}, "unknown method 'hioo'.*did you mean 'hio'"),
    ({"method": "wirtinger"}, "known are er, hio, raar, alm"),
    ({"restart": 2}, "did you mean 'restarts'"),
    ({"real": False}, "positivity=False"),
    ({"every": 0}, "from 1"),
    ({"support": "autocorelation"}, "did you mean 'autocorrelation'"),
    ({"support": 33}, "33 pixels"),
    ({"support": np.ones((2, M, M))}, "support has shape .2, 32, 32."),
    ({"measured_v_u": np.ones(M)}, "measured has shape"),
    ({"start": np.ones((1, M, 9))}, "start has shape"),
    ({"keys_b": keys(2)}, "keys has shape .2."),
    ({"magnitude_b_v_u": np.ones((M, M))}, "magnitude has shape"),
])
def test_mistakes_are_named(given, message):
  arguments = {
      "magnitude_b_v_u": magnitudes(objects(1)),
      "keys_b": keys(1),
      "support": 10,
      **given,
  }
  with pytest.raises(UserError, match=message):
    solvers.solve(**arguments)


# --- batches

def test_neither_batch_mates_nor_restarts_nor_groups_move_a_result(as_compiled_in_use):
  x = objects(4, n=9)[:IMAGES]
  options = {
      "iterations": 120,
      "final_er": 20,
      "shrinkwrap": solvers.Shrinkwrap(1.5),
      "tolerance": 0.02,
  }

  def solved(x, keys_b, **more):
    return solve(magnitudes(x), keys_b, "autocorrelation", **more, **options)

  whole = solved(x, keys(IMAGES), restarts=RESTARTS, group=4)
  assert np.ptp(whole.iterations_b_r) > 0

  alone = solved(x[2:3], keys(IMAGES)[2:3])
  np.testing.assert_array_equal(alone.image_b_r_y_x[0, 0], whole.image_b_r_y_x[2, 0])
  np.testing.assert_array_equal(alone.iterations_b_r[0, 0], whole.iterations_b_r[2, 0])
  np.testing.assert_allclose(alone.residual_b_r[0, 0], whole.residual_b_r[2, 0], rtol=1e-5)

  # In other places of the batch, and with another key for the last.
  turned = solved(x[::-1], keys(IMAGES)[np.array([2, 1, 2])], restarts=RESTARTS, group=4)
  for one, many in zip(turned, whole):
    np.testing.assert_array_equal(one[:2], many[:0:-1])

  images = np.concatenate([whole.image_b_r_y_x, turned.image_b_r_y_x[2:]])
  flat = images.reshape(4 * RESTARTS, -1)
  assert len(np.unique(flat, axis=0)) == 4 * RESTARTS   # every restart and every key is its own


def test_a_solved_image_is_frozen_while_others_go_on(as_compiled_in_use):
  x = objects(IMAGES)

  def solved_to(tolerance):
    return solve(
        magnitudes(x),
        keys(IMAGES),
        10,
        start=x[:, None],
        restarts=RESTARTS,
        group=IMAGES * RESTARTS,
        iterations=75,
        final_er=30,
        tolerance=tolerance,
    )

  stopped = solved_to(6e-3)
  moving = solved_to(0.0)
  np.testing.assert_array_equal(stopped.image_b_r_y_x[:, 0], x.astype(np.float32))
  assert np.all(stopped.iterations_b_r[:, 0] == 0)   # solved before it began
  assert np.all(moving.iterations_b_r == 75)

  iterations = stopped.iterations_b_r
  is_solved = stopped.residual_b_r <= 6e-3
  assert set(iterations[:, 1:].flat) <= {20, 40, 60, 75}
  assert np.all(is_solved | (iterations == 75))
  assert np.sum(iterations == 75) > 0
  assert np.any(is_solved[:, 1:])

  is_same = np.all(stopped.image_b_r_y_x == moving.image_b_r_y_x, (2, 3))
  np.testing.assert_array_equal(is_same, iterations == 75)
