"""Combinations on the simplex and off it: projections against brute force, gradients against differences, penalties, pruning."""
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsig.errors import UserError
from jaxsig.systems.cnn_notes import simplex

ON_SIMPLEX = ("softmax", "sparsemax", "entmax15")
SPARSE = ("sparsemax", "entmax15")


combination = jax.jit(simplex.combination, static_argnums=0)


@pytest.fixture(autouse=True)
def float64():
  with jax.enable_x64(True):
    yield


def scores(*shape, spread=1.0, seed=0):
  return spread * np.random.default_rng(seed).standard_normal(shape)


def weighted(kind, seed=1):
  """A loss of the scores that weighs every alpha differently, so that no gradient is zero by chance."""
  return lambda score: (scores(*score.shape, seed=seed) * simplex.combination(kind, score, 0.7)).sum()


def differences(f, x, step=6e-6):
  """Central differences of a scalar function by every element."""
  found = np.zeros(x.shape)
  for at in np.ndindex(x.shape):
    move = np.zeros(x.shape)
    move[at] = step
    found[at] = (f(x + move) - f(x - move)) / (2 * step)
  return found


def projected(z):
  """The point of the simplex closest to z, as the quadratic programme: the closest feasible one over all supports."""
  best = None
  for held in itertools.product((False, True), repeat=len(z)):
    held = np.array(held)
    if held.any():
      point = np.where(held, z - (z[held].sum() - 1) / held.sum(), 0)
      if point.min() >= 0 and (best is None or ((point - z) ** 2).sum() < ((best - z) ** 2).sum()):
        best = point
  return best


def entmax15_by_bisection(z):
  low, high = z.max() / 2 - 1, z.max() / 2
  for _ in range(200):
    tau = (low + high) / 2
    low, high = (tau, high) if (np.maximum(z / 2 - tau, 0) ** 2).sum() > 1 else (low, tau)
  return np.maximum(z / 2 - tau, 0) ** 2


@pytest.mark.parametrize("kind", simplex.KINDS)
def test_weights_are_where_they_should_be(kind):
  for spread in (1e-9, 0.3, 1, 5, 300):
    score = scores(3, 9, 6, spread=spread)
    alpha = np.asarray(combination(kind, score))
    assert alpha.shape == score.shape and alpha.min() >= 0
    if kind == "non_negative":
      np.testing.assert_array_equal(alpha, np.maximum(score, 0))
    else:
      np.testing.assert_allclose(alpha.sum(-2), 1, atol=1e-14)
      np.testing.assert_allclose(combination(kind, score + scores(3, 1, 6)), alpha, atol=1e-13)   # shifts do nothing
      assert (np.diff(np.take_along_axis(alpha, score.argsort(-2), -2), axis=-2) >= 0).all()
    if kind in SPARSE:
      assert (alpha == 0).mean() > 0.5 if spread >= 5 else (alpha > 0).all() or spread > 0.1


@pytest.mark.parametrize("spread", [0.2, 0.6, 3.0])
def test_sparsemax_is_the_closest_point_of_the_simplex(spread):
  score = scores(6, 40, spread=spread)
  want = np.stack([projected(z) for z in score.T], -1)
  found = np.asarray(combination("sparsemax", score))
  np.testing.assert_allclose(found, want, atol=1e-14)
  np.testing.assert_array_equal(found > 0, want > 1e-14)


@pytest.mark.parametrize("spread", [0.2, 1.0, 5.0])
def test_entmax15_is_that_of_a_bisection(spread):
  score = scores(12, 200, spread=spread)
  want = np.stack([entmax15_by_bisection(z) for z in score.T], -1)
  with jax.debug_nans(True):   # not even in what the search for the support throws away
    found = np.asarray(simplex.combination("entmax15", score))
  np.testing.assert_allclose(found, want, atol=1e-12)
  np.testing.assert_array_equal(found > 0, want > 1e-28)


@pytest.mark.parametrize("kind", simplex.KINDS)
def test_gradients_are_those_of_central_differences(kind):
  score, weight = scores(7, 5), scores(7, 5, seed=1)
  f = jax.jit(lambda score, t: (weight * simplex.combination(kind, score, t)).sum())
  by_score, by_temperature = jax.jit(jax.grad(f, (0, 1)))(score, 0.7)
  np.testing.assert_allclose(by_score, differences(lambda c: f(c, 0.7), score), rtol=1e-8, atol=1e-8)
  np.testing.assert_allclose(by_temperature, differences(lambda t: f(score, t), np.array(0.7)), rtol=1e-7, atol=1e-8)
  assert jnp.abs(by_score).max() > 0.1 and (abs(by_temperature) > 1e-3 or kind == "non_negative")


@pytest.mark.parametrize("kind", ON_SIMPLEX)
def test_jacobians_obey_their_law(kind):
  """Row i is s_i (delta - s / sum s), with s = alpha^(2 - a) on the support: a = 1, 1.5 and 2 (Peters et al. 2019)."""
  score = scores(8, 1)
  alpha = np.asarray(combination(kind, score))[:, 0]
  s = np.where(alpha > 0, alpha ** {"softmax": 1, "entmax15": 0.5, "sparsemax": 0}[kind], 0)
  want = np.diag(s) - np.outer(s, s) / s.sum()
  for jacobian in (jax.jacrev, jax.jacfwd):
    found = jax.jit(jacobian(lambda c: simplex.combination(kind, c)[:, 0]))(score)[..., 0]
    np.testing.assert_allclose(found, want, atol=1e-14)


@pytest.mark.parametrize("kind", ON_SIMPLEX)
def test_gradients_of_a_column_sum_to_zero(kind):
  found = np.asarray(jax.jit(jax.grad(weighted(kind)))(scores(9, 6)))
  assert np.abs(found.sum(-2)).max() < 1e-14 < 0.1 < np.abs(found).max()


@pytest.mark.parametrize("kind", simplex.KINDS)
def test_ties_edges_and_excluded_inputs_have_finite_gradients(kind):
  inf = np.inf
  columns = [[1, 1, 1, 1], [1, 0, 0, 1], [0, -1, -1, -1], [2, 0, -2, -2], [0, -inf, 0, -2], [3, 3, -1e30, 0], [0, 0, -1, -1e-9]]
  score = np.array(columns, float).T
  alpha = np.asarray(combination(kind, score))
  np.testing.assert_array_equal(alpha[score == -inf], 0)
  for a, b in itertools.combinations(range(4), 2):
    assert ((score[a] != score[b]) | (alpha[a] == alpha[b])).all()
  values = lambda c: jnp.stack([simplex.penalty(name, simplex.combination(kind, c)) for name in simplex.PENALTIES])
  both = lambda c: jnp.append(values(c), weighted(kind)(c))
  for found in jax.jit(lambda c: (both(c), jax.jacrev(both)(c)))(score):
    assert np.isfinite(found).all()


def test_boundary_of_the_support_is_exactly_zero():
  np.testing.assert_array_equal(combination("sparsemax", np.array([[1.0], [0.0]])), [[1], [0]])
  np.testing.assert_array_equal(combination("entmax15", np.array([[2.0], [0.0], [0.0]])), [[1], [0], [0]])


@pytest.mark.parametrize("kind", ON_SIMPLEX)
def test_temperature_goes_from_the_largest_alone_to_all_alike(kind):
  score = scores(6, 4)
  at = lambda t: np.asarray(combination(kind, score, t))
  np.testing.assert_allclose(at(1e-4), np.eye(6)[score.argmax(0)].T, atol=1e-12)
  np.testing.assert_allclose(at(1e9), 1 / 6, atol=1e-8)
  np.testing.assert_allclose(at(2.0), combination(kind, score / 2, 1.0), atol=1e-15)
  entropies = [np.asarray(jax.scipy.special.entr(at(t))).sum() for t in (0.1, 0.5, 1.0, 2.0, 8.0)]
  assert (np.diff(entropies) > 0).all()
  np.testing.assert_array_equal(combination("non_negative", score, 0.1), np.maximum(score, 0))


@pytest.mark.parametrize("kind", simplex.KINDS)
def test_members_and_single_precision_give_the_same(kind):
  score, weight, t = scores(5, 7, 3), scores(7, 3, seed=1), np.array([0.5, 1, 2, 3, 9])

  def loss(score, t):
    alpha = simplex.combination(kind, score, t)
    return (weight * alpha).sum(), alpha

  both = jax.jit(jax.value_and_grad(loss, has_aux=True))   # ((loss, alpha), gradient)
  members = jax.tree.leaves(jax.vmap(both)(score, t))
  for found, want in zip(members, zip(*(jax.tree.leaves(both(c, s)) for c, s in zip(score, t)))):
    np.testing.assert_allclose(found, want, atol=1e-15)
  single = combination(kind, score.astype(np.float32), t[:, None, None].astype(np.float32))
  assert single.dtype == np.float32
  np.testing.assert_allclose(single, members[1], atol=5e-7)


def test_penalties_are_their_formulas():
  alpha, p = np.array([[0.5, 1.0], [0.25, 0.0], [0.25, 0.0]]), 0.3
  want = {"none": 0, "l1": 2, "l1_notes": 2, "entropy": 1.5 * np.log(2), "negative_square": -1.375,
          "lp": ((alpha + simplex.EPSILON) ** p).sum()}
  assert set(want) == set(simplex.PENALTIES)
  for name, value in want.items():
    np.testing.assert_allclose(simplex.penalty(name, alpha, p), value, rtol=1e-14)
  np.testing.assert_allclose(simplex.penalty("l1", -alpha), 2)
  np.testing.assert_allclose(simplex.penalty("lp", alpha), np.sqrt(alpha + simplex.EPSILON).sum())


@pytest.mark.parametrize("kind", ON_SIMPLEX)
def test_the_l1_of_the_notes_does_nothing_on_the_simplex(kind):
  """Eq. (14), lambda (|alpha| - alpha sum |alpha|), is zero; entropy, L_p and the square are not; nor L1 off the simplex."""
  score, names = scores(8, 1), ("l1_notes", "entropy", "lp", "negative_square")
  penalties = lambda c: 5 * jnp.stack([simplex.penalty(name, simplex.combination(kind, c)) for name in names])
  slopes = np.abs(jax.jit(jax.jacrev(penalties))(score)).max((1, 2))
  assert slopes[0] < 1e-15 and slopes[1:].min() > 0.1
  alpha = np.asarray(combination(kind, score))
  assert np.abs(5 * (np.abs(alpha) - alpha * np.abs(alpha).sum(0))).max() < 1e-14
  assert jnp.abs(jax.grad(lambda c: 5 * simplex.penalty("l1", simplex.combination("non_negative", c)))(score)).max() == 5


def test_tables_of_connections():
  alpha = jnp.array([[0.5, 0.3, 0.0, 0.1], [0.2, 0.3, 0.0, 0.0], [0.3, 0.4, 0.0, 0.9], [0.0, 0.0, 0.0, 0.0]])
  np.testing.assert_array_equal(simplex.above_threshold(alpha), [[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 0, 1], [0, 0, 0, 0]])
  np.testing.assert_array_equal(simplex.above_threshold(alpha, 0.45), [[1, 0, 1, 0], [0, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]])
  np.testing.assert_array_equal(simplex.strongest(alpha, 2), [[1, 1, 0, 1], [0, 0, 0, 0], [1, 1, 0, 1], [0, 0, 0, 0]])
  np.testing.assert_array_equal(simplex.strongest(alpha, 9), alpha > 0)
  np.testing.assert_array_equal(jax.jit(jax.vmap(simplex.strongest))(jnp.stack([alpha, alpha]), jnp.array([0, 1])).sum(1),
                                [[0, 0, 0, 0], [1, 1, 0, 1]])


@pytest.mark.parametrize("kind", [*SPARSE, "non_negative"])
def test_a_pruned_combination_is_the_learnt_one_bit_for_bit(kind):
  alpha = combination(kind, scores(3, 16, 10, spread=2))
  assert (alpha == 0).any()
  same = jax.jit(lambda a: simplex.renormalised(a, simplex.above_threshold(a)))(alpha)
  np.testing.assert_array_equal(same, alpha)


def test_what_is_pruned_goes_to_the_rest_in_proportion():
  alpha = 3 * np.asarray(combination("softmax", scores(2, 6, 5)))
  table = np.asarray(simplex.strongest(alpha, 2))
  renormalised = jax.jit(simplex.renormalised)
  left = np.asarray(renormalised(alpha, table))
  np.testing.assert_allclose(left.sum(-2), 3, rtol=1e-14)
  np.testing.assert_array_equal(left > 0, table)
  factor = left / alpha
  np.testing.assert_allclose(factor.max(-2), np.where(table, factor, np.inf).min(-2), rtol=1e-14)
  np.testing.assert_array_equal(renormalised(alpha, np.zeros_like(table)), 0)


def test_unknown_names_list_the_known():
  with pytest.raises(UserError, match="'hardmax'.*sparsemax"):
    simplex.combination("hardmax", jnp.ones((2, 2)))
  with pytest.raises(UserError, match="'l2'.*negative_square"):
    simplex.penalty("l2", jnp.ones((2, 2)))
