"""Projections and solvers of phase retrieval against full-plane NumPy, closed forms, theorems and a brute-force alignment."""
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from jaxsig.errors import UserError
from jaxsig.systems.phase_retrieval import projections as sets
from jaxsig.systems.phase_retrieval import solvers as phase_solvers
from jaxsig.systems.phase_retrieval.iterations import METHODS

M = 32
fold_magnitude = jax.jit(sets.fold_magnitude, static_argnums=2)
project_magnitude, residual, shrunk_support = map(jax.jit, (sets.project_magnitude, sets.residual, sets.shrunk_support))


@pytest.fixture
def x64():
  with jax.enable_x64(True):
    yield


def objects(b, n=10, m=M, kind="positive"):
  """[b, m, m] with random content in the corner: "positive", "signed" or "complex"."""
  rng = np.random.default_rng(b)
  content = {"positive": rng.uniform(0.1, 1, (b, n, n)), "signed": rng.normal(size=(b, n, n)),
             "complex": rng.normal(size=(b, n, n)) + 1j * rng.normal(size=(b, n, n))}[kind]
  return np.pad(content, ((0, 0), (0, m - n), (0, m - n)))


def magnitudes(x, dtype=np.float32):
  return np.abs(np.fft.fft2(x)).astype(dtype)


def keys(b, seed=0):
  return jax.random.split(jax.random.key(seed), b)


def symmetric_error(x, truth):
  """Smallest relative squared distance over all cyclic shifts, both orientations and the global phase, one by one."""
  x, least = np.asarray(x, complex), np.inf
  for shown in (truth, np.conj(truth[::-1, ::-1])):
    for row in range(len(x)):
      for column in range(len(x)):
        moved = np.roll(shown, (row, column), (0, 1))
        phase = np.exp(1j * np.angle(np.vdot(moved, x)))
        least = min(least, np.sum(np.abs(x - phase * moved) ** 2) / np.sum(np.abs(truth) ** 2))
  return least


def noisy(m, hidden=False, seed=0):
  """(magnitude [m, m] that no real object has, mask [m, m]) with some pairs of bins hidden on one side, some on both."""
  rng = np.random.default_rng(seed)
  seen = rng.uniform(size=(m, m)) > 0.3 if hidden else np.ones((m, m), bool)
  return rng.uniform(0.5, 2, (m, m)), seen


# --- the two sets

@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("m", [8, 9])
def test_residual_is_that_of_the_full_plane(x64, m, real):
  magnitude, seen = noisy(m, hidden=True)
  x = np.random.default_rng(1).normal(size=(m, m)) + (0 if real else 1j * np.random.default_rng(2).normal(size=(m, m)))
  found = residual(jnp.asarray(x), fold_magnitude(jnp.where(seen, magnitude, jnp.nan), jnp.asarray(seen), real))
  want = np.linalg.norm((np.abs(np.fft.fft2(x)) - magnitude)[seen]) / np.linalg.norm(magnitude[seen])
  assert float(found) == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("m", [8, 9])
def test_magnitude_projection_is_the_full_plane_one(x64, m, real):
  magnitude, seen = noisy(m)
  x = np.random.default_rng(1).normal(size=(m, m)) + (0 if real else 1j * np.random.default_rng(2).normal(size=(m, m)))
  f = np.fft.fft2(x)
  want = np.fft.ifft2(magnitude * f / np.abs(f))   # of a real object its real part: the projection onto real images follows
  found = project_magnitude(jnp.asarray(x), fold_magnitude(jnp.asarray(magnitude), jnp.asarray(seen), real))
  np.testing.assert_allclose(found, want.real if real else want, atol=1e-13)


@pytest.mark.parametrize("kind", ["signed", "complex"])
@pytest.mark.parametrize("m", [12, 13])
def test_magnitude_projection_lands_in_its_set_and_stays(x64, m, kind):
  truth, seen = objects(1, 5, m, kind)[0], noisy(m, hidden=True)[1]
  if kind == "signed":   # hide pairs, so that what is hidden can be read off the full plane
    seen &= np.roll(seen[::-1, ::-1], (1, 1), (0, 1))
  measured = fold_magnitude(jnp.asarray(magnitudes(truth, float)), jnp.asarray(seen), kind == "signed")
  x = jnp.asarray(objects(2, m, m, kind)[1])
  once = project_magnitude(x, measured)
  np.testing.assert_allclose(project_magnitude(once, measured), once, atol=1e-12)
  np.testing.assert_allclose(np.abs(np.fft.fft2(once))[seen], np.abs(np.fft.fft2(truth))[seen], atol=1e-11)
  np.testing.assert_allclose(np.fft.fft2(once)[~seen], np.fft.fft2(x)[~seen], atol=1e-11)
  distance = np.linalg.norm(once - x)   # to the nearest point, by Parseval
  want = np.linalg.norm((np.abs(np.fft.fft2(x)) - np.abs(np.fft.fft2(truth)))[seen]) / m
  assert distance == pytest.approx(want, rel=1e-12)


def test_a_bin_of_zero_gets_the_magnitude(x64):
  measured = fold_magnitude(jnp.full((8, 8), 2.0), jnp.ones((8, 8)), True)
  found = project_magnitude(jnp.zeros((8, 8)), measured)
  np.testing.assert_allclose(np.fft.fft2(found), 2, atol=1e-12)


@pytest.mark.parametrize("positivity", [True, False])
def test_object_projection_is_the_nearest_in_its_set(x64, positivity):
  rng = np.random.default_rng(0)
  x, support = rng.normal(size=(6, 6)), rng.uniform(size=(6, 6)) > 0.4
  near = np.asarray(sets.project_object(jnp.asarray(x), jnp.asarray(support), positivity))
  assert np.all(near[~support] == 0) and (np.all(near >= 0) if positivity else np.any(near < 0))
  np.testing.assert_array_equal(sets.project_object(jnp.asarray(near), jnp.asarray(support), positivity), near)
  for _ in range(100):   # the set is convex: the nearest point sees every other at an obtuse angle from x
    other = np.where(support, rng.normal(size=(6, 6)), 0)
    assert np.sum((x - near) * ((np.abs(other) if positivity else other) - near)) < 1e-12


def test_autocorrelation_support_holds_a_translate(x64):
  rng = np.random.default_rng(0)
  x = np.pad((rng.uniform(size=(9, 7)) > 0.6).astype(float), ((3, M - 12), (4, M - 11)))
  support = np.asarray(sets.autocorrelation_support(jnp.asarray(magnitudes(x, float)), 1e-9))
  brute = np.zeros((M, M), bool)
  inside = np.argwhere(x > 0)
  for a in inside:
    for b in inside:
      brute[tuple((a - b) % M)] = True
  np.testing.assert_array_equal(support, brute)
  assert np.all(support[np.roll(x, -inside[0], (0, 1)) > 0])
  assert np.asarray(sets.autocorrelation_support(jnp.asarray(magnitudes(x, float)), 0.3)).sum() < brute.sum()


@pytest.mark.parametrize("shape", [(24, 24), (25, 21)])
def test_shrunk_support_is_scipys_blur(x64, shape):
  x = np.random.default_rng(0).normal(size=shape) ** 9
  blurred = scipy.ndimage.gaussian_filter(np.abs(x), 1.5, mode="wrap", truncate=8)
  np.testing.assert_array_equal(shrunk_support(jnp.asarray(x), 1.5, 0.2), blurred >= 0.2 * blurred.max())
  assert 0.02 < np.mean(blurred >= 0.2 * blurred.max()) < 0.5


# --- one iteration

def test_updates_are_those_of_the_papers(x64):
  rng = np.random.default_rng(0)
  x, p, support = rng.normal(size=(6, 6)), rng.normal(size=(6, 6)), rng.uniform(size=(6, 6)) > 0.4
  project = lambda a: sets.project_object(a, jnp.asarray(support), True)
  run = lambda name, beta: np.asarray(METHODS[name].update(jnp.asarray(x), jnp.asarray(p), 0, project, beta, None)[0])
  np.testing.assert_allclose(run("er", 0.7), np.where(support & (p > 0), p, 0))
  np.testing.assert_allclose(run("hio", 0.7), np.where(support & (p > 0), p, x - 0.7 * p))
  reflected = 2 * p - x
  twice = 2 * np.where(support & (reflected > 0), reflected, 0) - reflected
  np.testing.assert_allclose(run("raar", 0.7), 0.35 * (twice + x) + 0.3 * p)


def test_alm_step_minimises_the_augmented_lagrangian(x64):
  rng = np.random.default_rng(0)
  p, dual, support = rng.normal(size=(6, 6)), rng.normal(size=(6, 6)), jnp.asarray(rng.uniform(size=(6, 6)) > 0.4)
  key, project = jax.random.key(3), lambda a: sets.project_object(a, support, True)
  rho = 0.1 * jax.random.uniform(key, (), jnp.float64)
  away = lambda x: x + dual / rho - project(x + dual / rho)
  lagrangian = lambda x: jnp.sum((x - p) ** 2) / 2 + rho / 2 * jnp.sum(away(x) ** 2)
  x, multiplier = METHODS["alm"].update(None, jnp.asarray(p), jnp.asarray(dual), project, 0.1, key)
  np.testing.assert_allclose(jax.grad(lagrangian)(x), 0, atol=1e-12)   # convex: a zero of the gradient is the minimum
  np.testing.assert_allclose(multiplier, rho * away(x), atol=1e-12)
  assert np.abs(multiplier).max() > 0.1


@pytest.mark.parametrize("kind", ["positive", "signed", "complex"])
def test_the_object_is_a_fixed_point(x64, kind):
  x = jnp.asarray(objects(1, kind=kind)[0])
  p = project_magnitude(x, fold_magnitude(magnitudes(x, float), np.ones((M, M)), kind != "complex"))
  project = lambda a: sets.project_object(a, objects(1)[0] > 0, kind == "positive")
  for method in METHODS.values():
    for moved in (method.update(x, p, jnp.zeros_like(x), project, method.beta, jax.random.key(0))[0], project(p)):
      np.testing.assert_allclose(moved, x, atol=1e-13)


@pytest.mark.parametrize("kind", ["positive", "signed", "complex"])
def test_error_reduction_never_increases_the_residual(x64, kind):
  x, (_, seen) = objects(3, kind=kind), noisy(M, hidden=True)
  magnitude, image, found = magnitudes(x, float) + np.random.default_rng(5).uniform(0, 1, (3, M, M)), np.ones((3, M, M)), []
  for _ in range(15):   # from image to image: it remembers nothing else
    solved = phase_solvers.solve(magnitude, keys(3), 12, seen, image, method="er", iterations=1, every=1, tolerance=0.0,
                                 real=kind != "complex", positivity=kind == "positive")
    image = solved.image_b_r_y_x
    found.append(solved.residual_b_r[:, 0])
  assert np.all(np.diff(found, axis=0) < 1e-14) and np.all(found[-1] < found[0])


# --- whole solves

@pytest.mark.parametrize("real", [True, False])
def test_a_start_has_the_measured_magnitude_and_nothing_where_hidden(x64, real):
  magnitude, seen = magnitudes(objects(2), float), np.ones((M, M))
  seen[:2, 0] = seen[-1, 0] = 0
  options = {"real": real, "positivity": False, "iterations": 0, "restarts": 2}
  image = np.asarray(phase_solvers.solve(magnitude, keys(2), M, seen, **options).image_b_r_y_x)
  np.testing.assert_allclose(np.abs(np.fft.fft2(image)), np.broadcast_to((magnitude * seen)[:, None], image.shape), atol=1e-11)
  phase = np.angle(np.fft.fft2(image)[..., 1:9, 1:9])
  assert 1.6 < np.std(phase) < 2.0 and np.std(phase[:, 0] - phase[:, 1]) > 2   # of a uniform one 1.81, of a difference 2.57


@pytest.mark.parametrize("method", ["hio", "raar"])
def test_a_small_object_with_known_support_is_solved(method):
  x = objects(3)
  solved = phase_solvers.solve(magnitudes(x), keys(3), 10, method=method, restarts=3, iterations=600, final_er=40, tolerance=1e-4)
  image, residual = phase_solvers.best(solved)
  assert image.shape == (3, M, M) and image.dtype == jnp.float32
  assert np.all(residual == solved.residual_b_r.min(1)) and np.all(residual < 1e-3)
  assert max(symmetric_error(*pair) for pair in zip(image, x)) < 1e-4
  assert symmetric_error(image[0], x[1]) > 0.05   # the yardstick measures something


def test_shrinkwrap_solves_without_any_support():
  x = objects(3)
  x *= scipy.ndimage.gaussian_filter(np.random.default_rng(1).normal(size=x.shape), (0, 1, 1)) > -0.1   # ragged outlines
  options = {"iterations": 600, "final_er": 40, "restarts": 3}
  solved = phase_solvers.solve(magnitudes(x), keys(3), "autocorrelation", shrinkwrap=phase_solvers.Shrinkwrap(1.5, 0.7), **options)
  assert max(symmetric_error(*pair) for pair in zip(phase_solvers.best(solved)[0], x)) < 0.01
  loose = phase_solvers.solve(magnitudes(x), keys(3), "autocorrelation", **options)
  assert np.sum(solved.residual_b_r > 3e-3) < np.sum(loose.residual_b_r > 3e-3)


def test_a_complex_object_with_tight_support_is_solved():
  support = np.pad(np.tri(10), ((0, M - 10), (0, M - 10)))   # a triangle is no flip of itself
  x = objects(2, kind="complex") * support
  solved = phase_solvers.solve(magnitudes(x), keys(2), support, real=False, positivity=False, restarts=3, tolerance=1e-4)
  image, _ = phase_solvers.best(solved)
  assert image.dtype == jnp.complex64 and np.all(np.asarray(image)[:, support == 0] == 0)
  assert max(symmetric_error(*pair) for pair in zip(image, x)) < 1e-4


def test_a_beam_stop_hides_and_is_filled_in():
  x, seen = objects(2), np.ones((M, M))
  seen[np.ix_([0, 1, -1], [0, 1, -1])] = 0
  magnitude = np.where(seen > 0, magnitudes(x), np.nan)
  options = {"restarts": 3, "iterations": 600, "final_er": 40, "tolerance": 1e-4}
  image, residual = phase_solvers.best(phase_solvers.solve(magnitude, keys(2), 10, seen, **options))
  assert np.all(residual < 1e-3) and max(symmetric_error(*pair) for pair in zip(image, x)) < 1e-3
  taken_for_zero = phase_solvers.solve(np.nan_to_num(magnitude), keys(2), 10, **options)
  assert np.all(taken_for_zero.residual_b_r > 0.05)


def test_alm_comes_closer_than_where_it_began():
  x = objects(3)
  run = lambda **o: np.asarray(phase_solvers.solve(magnitudes(x), keys(3), 10, tolerance=0.0, final_er=0, **o).residual_b_r)
  begin, end = run(method="alm", iterations=0), run(method="alm", iterations=1000)
  assert np.all(begin == run(method="er", iterations=0)) and np.all(end < 0.2 * begin)


# --- batches

def test_neither_batch_mates_nor_restarts_nor_groups_move_a_result():
  x, options = objects(4, n=9), {"iterations": 120, "final_er": 20, "shrinkwrap": phase_solvers.Shrinkwrap(1.5), "tolerance": 0.02}
  solve = lambda x, keys_b, **o: phase_solvers.solve(magnitudes(x), keys_b, "autocorrelation", **o, **options)
  whole = solve(x, keys(4), restarts=2, group=4)
  assert np.ptp(whole.iterations_b_r) > 0
  alone = solve(x[2:3], keys(4)[2:3])
  np.testing.assert_array_equal(alone.image_b_r_y_x[0, 0], whole.image_b_r_y_x[2, 0])
  np.testing.assert_array_equal(alone.iterations_b_r[0, 0], whole.iterations_b_r[2, 0])
  np.testing.assert_allclose(alone.residual_b_r[0, 0], whole.residual_b_r[2, 0], rtol=1e-5)
  turned = solve(x[::-1], keys(4)[np.array([3, 2, 1, 3])], restarts=2, group=4)   # other places, and another key for the last
  for one, many in zip(turned, whole):
    np.testing.assert_array_equal(one[:3], many[:0:-1])
  images = np.concatenate([whole.image_b_r_y_x, turned.image_b_r_y_x[3:]]).reshape(10, -1)
  assert len(np.unique(images, axis=0)) == 10   # every restart and every key is its own


def test_a_solved_image_is_frozen_while_others_go_on():
  x = objects(3)
  run = lambda tolerance: phase_solvers.solve(magnitudes(x), keys(3), 10, start=x[:, None], restarts=2, group=6, iterations=75,
                                              final_er=30, tolerance=tolerance)
  solved, moving = run(6e-3), run(0.0)
  np.testing.assert_array_equal(solved.image_b_r_y_x[:, 0], x.astype(np.float32))   # solved before it began
  assert np.all(solved.iterations_b_r[:, 0] == 0) and np.all(moving.iterations_b_r == 75)
  done, iterations = np.asarray(solved.residual_b_r <= 6e-3), np.asarray(solved.iterations_b_r)
  assert set(iterations[:, 1]) <= {20, 40, 60, 75} and np.all(done | (iterations == 75))
  assert np.sum(iterations == 75) > 0 and np.any(done[:, 1])
  same = np.all(np.asarray(solved.image_b_r_y_x == moving.image_b_r_y_x), (2, 3))
  np.testing.assert_array_equal(same, iterations == 75)


def test_the_last_iterations_are_error_reduction_on_the_last_support(x64):
  x, start, wide = objects(1), objects(1, n=14, kind="signed"), np.outer(np.arange(M) < 20, np.arange(M) < 20)
  run = lambda start, support, **o: phase_solvers.solve(magnitudes(x, float), keys(1), support, start=start, tolerance=0.0, every=1,
                                                        final_er=3, **o).image_b_r_y_x[:, 0]
  found = run(start, wide, iterations=4, shrinkwrap=phase_solvers.Shrinkwrap(1.0, 1.0))
  p = project_magnitude(start[0], fold_magnitude(magnitudes(x, float)[0], np.ones((M, M)), True))
  moved = np.where(wide & (p >= 0), p, start[0] - 0.9 * p)
  support = np.asarray(shrunk_support(jnp.where(wide, jnp.maximum(p, 0), 0), 1.0, 0.1))
  assert 0 < support.sum() < 400
  np.testing.assert_allclose(found, run(moved[None], support, iterations=3), atol=1e-12)
  assert np.abs(found - run(moved[None], wide, iterations=3)).max() > 1e-3


def test_what_is_left_open_is_the_methods_own():
  run = lambda **o: np.asarray(phase_solvers.solve(magnitudes(objects(1)), keys(1), 10, iterations=40, **o).image_b_r_y_x)
  np.testing.assert_array_equal(run(), run(method="hio", beta=0.9, final_er=2))
  assert np.any(run() != run(final_er=0)) and np.any(run() != run(beta=0.8))


def test_single_precision_stays_single_where_double_is_on(x64):
  solved = phase_solvers.solve(magnitudes(objects(1)), keys(1), 10, method="alm", iterations=20, shrinkwrap=phase_solvers.Shrinkwrap())
  assert solved.image_b_r_y_x.dtype == solved.residual_b_r.dtype == jnp.float32


@pytest.mark.parametrize("given, message", [
    ({"method": "hioo"}, "unknown method 'hioo'.*did you mean 'hio'"), ({"method": "wirtinger"}, "known are er, hio, raar, alm"),
    ({"restart": 2}, "did you mean 'restarts'"), ({"real": False}, "positivity=False"), ({"every": 0}, "from 1"),
    ({"support": "autocorelation"}, "did you mean 'autocorrelation'"), ({"support": 33}, "33 pixels"),
    ({"support": np.ones((2, M, M))}, "support has shape .2, 32, 32."), ({"measured_v_u": np.ones(M)}, "measured has shape"),
    ({"start": np.ones((1, M, 9))}, "start has shape"), ({"keys_b": keys(2)}, "keys has shape .2."),
    ({"magnitude_b_v_u": np.ones((M, M))}, "magnitude has shape")])
def test_mistakes_are_named(given, message):
  with pytest.raises(UserError, match=message):
    phase_solvers.solve(**{"magnitude_b_v_u": magnitudes(objects(1)), "keys_b": keys(1), "support": 10, **given})
