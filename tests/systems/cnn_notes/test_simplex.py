"""Learnt combinations on the simplex and off it: projections, gradients, penalties, pruning.

Programs are compiled once a kind, for one shape, and shared between tests.
"""
import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from jax.experimental import checkify
from quick import quick_jit

from jaxsig.errors import UserError
from jaxsig.systems.cnn_notes import simplex

ON_SIMPLEX = ("softmax", "sparsemax", "entmax15")
SPARSE = ("sparsemax", "entmax15")
PENALTIES = tuple(simplex.PENALTIES)
BATCHED = (3, 9, 6)   # the shape of most scores: so each kind is compiled once
PLAIN = (7, 5)

compiled_combination = quick_jit(simplex.combination, static_argnums=0)


@pytest.fixture(autouse=True)
def float64():
  with jax.enable_x64(True):
    yield


def combination(kind, score, temperature=1.0):
  """The weights, by a program that takes any temperature."""
  return compiled_combination(kind, score, np.asarray(temperature, score.dtype))


def scores(*shape, spread=1.0, seed=0):
  return spread * np.random.default_rng(seed).standard_normal(shape)


def weighted(kind, score, temperature):
  """A loss with a weight for each alpha, so that no gradient is zero by chance, and alpha."""
  weight = scores(*score.shape, seed=1)
  alpha = simplex.combination(kind, score, temperature)
  return (weight * alpha).sum(), alpha


# (kind, score, temperature) -> ((loss, alpha), (gradient by score, gradient by temperature))
weighted_and_gradient = jax.value_and_grad(weighted, argnums=(1, 2), has_aux=True)
compiled_gradient = quick_jit(weighted_and_gradient, static_argnums=0)


class Penalised(NamedTuple):
  """Penalties of combinations, and a weighted sum, with all their derivatives by the scores."""
  values: jax.Array      # in the order of PENALTIES, and the weighted sum
  jacobian: jax.Array    # [values, *scores]


def penalised(kind, score):
  def values(score):
    alpha = simplex.combination(kind, score)
    penalties = [simplex.penalty(name, alpha) for name in PENALTIES]
    total, _ = weighted(kind, score, 0.7)
    return jnp.stack([*penalties, total])

  return Penalised(values(score), jax.jacrev(values)(score))


penalised = quick_jit(penalised, static_argnums=0)


def differences(f, x, step=6e-6):
  """Central differences of a scalar function by every element."""
  found = np.zeros(x.shape)
  for at in np.ndindex(x.shape):
    move = np.zeros(x.shape)
    move[at] = step
    found[at] = (f(x + move) - f(x - move)) / (2 * step)
  return found


def projected(z):
  """The point of the simplex closest to z: of all supports the closest feasible point."""
  best = None
  least = np.inf
  for choice in itertools.product((False, True), repeat=len(z)):
    support = np.array(choice)
    if not support.any():
      continue
    tau = (z[support].sum() - 1) / support.sum()
    point = np.where(support, z - tau, 0)
    distance = ((point - z) ** 2).sum()
    if point.min() >= 0 and distance < least:
      best = point
      least = distance
  return best


def entmax15_by_bisection(z):
  low = z.max() / 2 - 1
  high = z.max() / 2
  for _ in range(200):
    tau = (low + high) / 2
    if (np.maximum(z / 2 - tau, 0) ** 2).sum() > 1:
      low = tau
    else:
      high = tau
  return np.maximum(z / 2 - tau, 0) ** 2


@pytest.mark.parametrize("kind", simplex.KINDS)
def test_weights_are_where_they_should_be(kind):
  for spread in (1e-9, 0.3, 1, 5, 300):
    score = scores(*BATCHED, spread=spread)
    alpha = np.asarray(combination(kind, score))
    assert alpha.shape == score.shape
    assert alpha.min() >= 0
    if kind == "non_negative":
      np.testing.assert_array_equal(alpha, np.maximum(score, 0))
      continue

    np.testing.assert_allclose(alpha.sum(-2), 1, atol=1e-14)
    shifted = score + scores(3, 1, 6)
    np.testing.assert_allclose(combination(kind, shifted), alpha, atol=1e-13)
    by_score = np.take_along_axis(alpha, score.argsort(-2), -2)
    assert (np.diff(by_score, axis=-2) >= 0).all()

    if kind in SPARSE and spread >= 5:
      assert (alpha == 0).mean() > 0.5
    if kind in SPARSE and spread <= 0.1:
      assert (alpha > 0).all()


@pytest.mark.parametrize("spread", [0.2, 0.6, 3.0])
def test_sparsemax_is_the_closest_point_of_the_simplex(spread):
  score = scores(6, 40, spread=spread)
  want = np.stack([projected(z) for z in score.T], -1)
  found = np.asarray(combination("sparsemax", score))
  np.testing.assert_allclose(found, want, atol=1e-14)
  np.testing.assert_array_equal(found > 0, want > 1e-14)


def entmax15(score):
  return simplex.combination("entmax15", score)


# score -> (error of any step that gives NaN, alpha)
checked_entmax15 = quick_jit(checkify.checkify(entmax15, errors=checkify.nan_checks))


@pytest.mark.parametrize("spread", [0.2, 1.0, 5.0])
def test_entmax15_is_that_of_a_bisection(spread):
  score = scores(12, 200, spread=spread)
  want = np.stack([entmax15_by_bisection(z) for z in score.T], -1)
  error, found = checked_entmax15(score)
  error.throw()   # no NaN, not even in what the search for the support throws away
  np.testing.assert_allclose(found, want, atol=1e-12)
  np.testing.assert_array_equal(found > 0, want > 1e-28)


@pytest.mark.parametrize("kind", simplex.KINDS)
def test_gradients_are_those_of_central_differences(kind):
  score = scores(*PLAIN)

  def loss(score, temperature):
    (value, _), _ = compiled_gradient(kind, score, temperature)
    return float(value)

  _, (by_score, by_temperature) = compiled_gradient(kind, score, np.array(0.7))
  score_differences = differences(lambda c: loss(c, np.array(0.7)), score)
  temperature_differences = differences(lambda t: loss(score, t), np.array(0.7))
  np.testing.assert_allclose(by_score, score_differences, rtol=1e-8, atol=1e-8)
  np.testing.assert_allclose(by_temperature, temperature_differences, rtol=1e-7, atol=1e-8)
  assert np.abs(by_score).max() > 0.1
  assert abs(by_temperature) > 1e-3 or kind == "non_negative"


@pytest.mark.parametrize("kind", ON_SIMPLEX)
def test_jacobians_obey_their_law(kind):
  """Row i is s_i (delta - s / sum s), with s = alpha^(2 - a) on the support (Peters et al. 2019).

  a is 1 of softmax, 1.5 of entmax-1.5 and 2 of sparsemax.
  """
  def column(score_i):
    return simplex.combination(kind, score_i[:, None])[:, 0]

  @quick_jit
  def weights_and_jacobians(score_i):
    return column(score_i), jax.jacrev(column)(score_i), jax.jacfwd(column)(score_i)

  alpha, *jacobians = weights_and_jacobians(scores(8))
  exponent = {"softmax": 1, "entmax15": 0.5, "sparsemax": 0}[kind]
  s = np.where(alpha > 0, alpha ** exponent, 0)
  want = np.diag(s) - np.outer(s, s) / s.sum()
  for found in jacobians:
    np.testing.assert_allclose(found, want, atol=1e-14)


@pytest.mark.parametrize("kind", ON_SIMPLEX)
def test_gradients_of_a_column_sum_to_zero(kind):
  _, (by_score, _) = compiled_gradient(kind, scores(*PLAIN), np.array(0.7))
  found = np.asarray(by_score)
  assert np.abs(found.sum(-2)).max() < 1e-14 < 0.1 < np.abs(found).max()


@pytest.mark.parametrize("kind", simplex.KINDS)
def test_ties_edges_and_excluded_inputs_have_finite_gradients(kind):
  inf = np.inf
  columns = [
      [1, 1, 1, 1],
      [1, 0, 0, 1],
      [0, -1, -1, -1],
      [2, 0, -2, -2],
      [0, -inf, 0, -2],
      [3, 3, -1e30, 0],
      [0, 0, -1, -1e-9],
  ]
  score = np.array(columns, float).T
  alpha = np.asarray(combination(kind, score))
  np.testing.assert_array_equal(alpha[score == -inf], 0)
  for a, b in itertools.combinations(range(4), 2):
    assert ((score[a] != score[b]) | (alpha[a] == alpha[b])).all()

  found = penalised(kind, score)
  assert np.isfinite(found.values).all()
  assert np.isfinite(found.jacobian).all()


@pytest.mark.parametrize("kind, column", [("sparsemax", [1, 0]), ("entmax15", [2, 0, 0])])
def test_boundary_of_the_support_is_exactly_zero(kind, column):
  score = np.full((4, 7), -np.inf)
  score[:len(column)] = np.array(column)[:, None]
  expected = np.zeros(score.shape)
  expected[0] = 1
  np.testing.assert_array_equal(combination(kind, score), expected)


@pytest.mark.parametrize("kind", ON_SIMPLEX)
def test_temperature_goes_from_the_largest_alone_to_all_alike(kind):
  score = scores(*BATCHED)

  def at(temperature):
    return np.asarray(combination(kind, score, temperature))

  is_largest = score == score.max(-2, keepdims=True)
  np.testing.assert_allclose(at(1e-4), is_largest, atol=1e-12)
  np.testing.assert_allclose(at(1e9), 1 / 9, atol=1e-8)
  np.testing.assert_allclose(at(2.0), combination(kind, score / 2, 1.0), atol=1e-15)
  entropies = [scipy.special.entr(at(t)).sum() for t in (0.1, 0.5, 1.0, 2.0, 8.0)]
  assert (np.diff(entropies) > 0).all()
  np.testing.assert_array_equal(combination("non_negative", score, 0.1), np.maximum(score, 0))


@pytest.mark.parametrize("kind", simplex.KINDS)
def test_members_and_single_precision_give_the_same(kind):
  score = scores(5, *PLAIN)
  temperature = np.array([0.5, 1, 2, 3, 9])

  of_members = jax.vmap(weighted_and_gradient, in_axes=(None, 0, 0))
  members = quick_jit(of_members, static_argnums=0)(kind, score, temperature)
  for m in range(5):
    alone = compiled_gradient(kind, score[m], temperature[m])
    for found, want in zip(jax.tree.leaves(members), jax.tree.leaves(alone), strict=True):
      np.testing.assert_allclose(found[m], want, atol=1e-15)

  (_, alpha), _ = members
  for m in range(5):
    single = combination(kind, np.float32(score[m]), np.float32(temperature[m]))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, alpha[m], atol=5e-7)


def test_penalties_are_their_formulas():
  alpha = np.array([[0.5, 1.0], [0.25, 0.0], [0.25, 0.0]])
  p = 0.3
  want = {
      "none": 0,
      "l1": 2,
      "l1_notes": 2,
      "entropy": 1.5 * np.log(2),
      "negative_square": -1.375,
      "lp": ((alpha + simplex.EPSILON) ** p).sum(),
  }
  assert set(want) == set(simplex.PENALTIES)

  @quick_jit
  def penalties(alpha):
    found = {name: simplex.penalty(name, alpha, p) for name in PENALTIES}
    return found, simplex.penalty("l1", -alpha), simplex.penalty("lp", alpha)

  found, l1_of_negative, lp_of_default = penalties(alpha)
  for name, value in want.items():
    np.testing.assert_allclose(found[name], value, rtol=1e-14)
  np.testing.assert_allclose(l1_of_negative, 2)
  np.testing.assert_allclose(lp_of_default, np.sqrt(alpha + simplex.EPSILON).sum())


@pytest.mark.parametrize("kind", ON_SIMPLEX)
def test_the_l1_of_the_notes_does_nothing_on_the_simplex(kind):
  """Eq. (14), lambda (|alpha| - alpha sum |alpha|), is zero; entropy, L_p and the square are not.

  Nor is L1 off the simplex.
  """
  score = scores(4, 7)
  slopes = largest_slopes(kind, score)
  assert slopes["l1_notes"] < 1e-15
  for name in ("entropy", "lp", "negative_square"):
    assert slopes[name] > 0.1

  alpha = np.asarray(combination(kind, score))
  by_hand = 5 * (np.abs(alpha) - alpha * np.abs(alpha).sum(0))
  assert np.abs(by_hand).max() < 1e-14
  assert largest_slopes("non_negative", score)["l1"] == 5


def largest_slopes(kind, score):
  """The largest derivative by a score of five times each penalty."""
  jacobian = np.abs(penalised(kind, score).jacobian)
  slopes = 5 * jacobian.max((1, 2))
  return dict(zip(PENALTIES, slopes))


def test_tables_of_connections():
  alpha = np.array([
      [0.5, 0.3, 0.0, 0.1],
      [0.2, 0.3, 0.0, 0.0],
      [0.3, 0.4, 0.0, 0.9],
      [0.0, 0.0, 0.0, 0.0],
  ])

  @quick_jit
  def tables(alpha):
    return {
        "above 0": simplex.above_threshold(alpha),
        "above 0.45": simplex.above_threshold(alpha, 0.45),
        "two": simplex.strongest(alpha, 2),
        "nine": simplex.strongest(alpha, 9),
        "none, one": jax.vmap(simplex.strongest)(jnp.stack([alpha, alpha]), jnp.array([0, 1])),
    }

  found = tables(alpha)
  np.testing.assert_array_equal(
      found["above 0"],
      [[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 0, 1], [0, 0, 0, 0]],
  )
  np.testing.assert_array_equal(
      found["above 0.45"],
      [[1, 0, 1, 0], [0, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]],
  )
  np.testing.assert_array_equal(
      found["two"],
      [[1, 1, 0, 1], [0, 0, 0, 0], [1, 1, 0, 1], [0, 0, 0, 0]],
  )
  np.testing.assert_array_equal(found["nine"], alpha > 0)
  np.testing.assert_array_equal(found["none, one"].sum(1), [[0, 0, 0, 0], [1, 1, 0, 1]])


# Bit for bit as in training: with all optimisations.
renormalised = jax.jit(simplex.renormalised)


@jax.jit
def without_zeros(alpha):
  return simplex.renormalised(alpha, simplex.above_threshold(alpha))


@pytest.mark.parametrize("kind", [*SPARSE, "non_negative"])
def test_a_pruned_combination_is_the_learnt_one_bit_for_bit(kind):
  alpha = combination(kind, scores(*BATCHED, spread=2))
  assert (alpha == 0).any()
  np.testing.assert_array_equal(without_zeros(alpha), alpha)


def test_what_is_pruned_goes_to_the_rest_in_proportion():
  alpha = 3 * np.asarray(combination("softmax", scores(*BATCHED)))
  table = alpha >= np.sort(alpha, -2)[:, [-2]]
  np.testing.assert_array_equal(quick_jit(simplex.strongest)(alpha, 2), table)

  left = np.asarray(renormalised(alpha, table))
  np.testing.assert_allclose(left.sum(-2), 3, rtol=1e-14)
  np.testing.assert_array_equal(left > 0, table)
  factor = left / alpha
  smallest = np.where(table, factor, np.inf).min(-2)
  np.testing.assert_allclose(factor.max(-2), smallest, rtol=1e-14)
  np.testing.assert_array_equal(renormalised(alpha, np.zeros_like(table)), 0)


def test_unknown_names_list_the_known():
  with pytest.raises(UserError, match="'hardmax'.*sparsemax"):
    simplex.combination("hardmax", np.ones((2, 2)))
  with pytest.raises(UserError, match="'l2'.*negative_square"):
    simplex.penalty("l2", np.ones((2, 2)))
