"""Bouvrie's gradients by hand against automatic ones, and convolution against SciPy's.

Where the notes err, their form is shown to fail.
"""
import functools
import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from quick import quick_jit
from scipy.signal import convolve2d

from jaxsig.systems.cnn_notes import hand_backpropagation as classical
from jaxsig.systems.cnn_notes import hand_gradients as hand
from jaxsig.systems.cnn_notes.feature_maps import (
    ACTIVATIONS,
    activation,
    block_sum,
    connections,
    convolve,
)

TOLERANCE = 1e-12   # relative to the largest entry


class Shape(NamedTuple):
  """Of a convolution."""
  sides: tuple[int, int]
  kernel: tuple[int, int]
  inputs: int
  outputs: int


SHAPES = [
    Shape((9, 9), (3, 3), 2, 4),
    Shape((8, 11), (2, 5), 3, 1),
    Shape((7, 6), (1, 4), 1, 3),
]

f = functools.partial(activation, "scaled_tanh")
slope = functools.partial(hand.slope, "scaled_tanh")


class Pair(NamedTuple):
  """A result and what it is compared with."""
  found: jax.Array
  wanted: jax.Array


@pytest.fixture(autouse=True)
def float64():
  with jax.enable_x64(True):
    yield


def normal(seed, *shape):
  return np.random.default_rng([seed, *shape]).standard_normal(shape)


def error(found, wanted, scale=None):
  """The largest difference, relative to the largest entry of `scale` or else of what is wanted."""
  found = np.asarray(found)
  wanted = np.asarray(wanted)
  assert found.shape == wanted.shape
  assert found.dtype == wanted.dtype == np.float64
  if scale is None:
    scale = wanted
  return np.abs(found - wanted).max() / np.abs(scale).max()


def layer(shape):
  """A convolution over a random table, above maps x = f(u): (u, kernel, table, dE/du above)."""
  above = [side - k + 1 for side, k in zip(shape.sides, shape.kernel, strict=True)]
  kernel_v_u_i_j = normal(1, *shape.kernel, shape.inputs, shape.outputs)
  table_i_j = np.random.default_rng(shape.inputs).random((shape.inputs, shape.outputs)) < 0.7
  table_i_j[0] = True
  u = normal(0, 2, *shape.sides, shape.inputs)
  delta = normal(2, 2, *above, shape.outputs)
  return u, kernel_v_u_i_j, table_i_j, delta


def energy(u, kernel, table, delta):
  """Linear in the convolution, so that its sensitivity above is `delta`."""
  return jnp.sum(delta * convolve(f(u), kernel * table))


@pytest.mark.parametrize("shape", SHAPES)
def test_convolution_is_scipys_and_the_unflipped_kernel_is_another(shape):
  @quick_jit
  def both(u, kernel):
    return convolve(u, kernel), convolve(u, hand.rot180_kernel(kernel))

  u, kernel, table, _ = layer(shape)
  found, unflipped = both(u, kernel * table)
  wanted = np.zeros(found.shape)
  for b, (i, j) in itertools.product(range(2), np.argwhere(table)):
    wanted[b, :, :, j] += convolve2d(u[b, :, :, i], kernel[:, :, i, j], "valid")
  assert error(found, wanted) < TOLERANCE
  assert error(unflipped, wanted) > 0.3


def test_slopes():
  @quick_jit
  def pairs(u):
    all_pairs = {}
    for name in ACTIVATIONS:
      automatic = jax.vmap(jax.grad(functools.partial(activation, name)))
      all_pairs[name] = Pair(hand.slope(name, u), automatic(u))
    return all_pairs

  u = np.append(normal(0, 50), [-400.0, -1.0, 1.0, 400.0])
  for name, pair in pairs(u).items():
    assert error(*pair) < TOLERANCE, name


@pytest.mark.parametrize("b, c, k", [(1, 20, 10), (5, 3, 7)])
def test_dense_layers(b, c, k):
  t = normal(3, b, k)

  def squared(u, weight, bias):
    return 0.5 * jnp.sum((t - f(f(u) @ weight.T + bias)) ** 2)

  @quick_jit
  def compared(u, weight, bias):
    total = f(u) @ weight.T + bias
    delta = hand.output_delta(f(total), t, slope(total))
    by_u, by_weight, by_bias = jax.grad(squared, (0, 1, 2))(u, weight, bias)
    right = {
        "u": Pair(hand.dense_delta(delta, weight, slope(u)), by_u),
        "weight": Pair(hand.dense_gradient(f(u), delta), by_weight),
        "bias": Pair(hand.bias_gradient(delta), by_bias),
    }
    as_printed = f(u).T @ delta   # (5)
    return right, as_printed

  weight = normal(1, k, c)
  right, as_printed = compared(normal(0, b, c), weight, normal(2, k))
  for name, pair in right.items():
    assert error(*pair) < TOLERANCE, name
  assert as_printed.shape == (c, k) != weight.shape
  assert error(as_printed.T, right["weight"].wanted) < TOLERANCE


@pytest.mark.parametrize("shape", SHAPES)
def test_convolution_layers(shape):
  def energy_of_bias(bias, delta):
    return jnp.sum(delta * (jnp.zeros_like(delta) + bias))

  @quick_jit
  def pairs(u, kernel, table, delta):
    by_u, by_kernel = jax.grad(energy, (0, 1))(u, kernel, table, delta)
    by_bias = jax.grad(energy_of_bias)(jnp.zeros(shape.outputs), delta)
    x = f(u)
    return {
        "u": Pair(hand.convolution_delta(delta, kernel * table, slope(u)), by_u),
        "kernel": Pair(table * hand.kernel_gradient(x, delta), by_kernel),
        "bias": Pair(hand.bias_gradient(delta), by_bias),
    }

  for name, pair in pairs(*layer(shape)).items():
    assert error(*pair) < TOLERANCE, name


def test_kernel_gradient_is_equation_7_letter_by_letter():
  def turned(a):
    return a[::-1, ::-1]

  u, _, _, delta = layer(SHAPES[1])
  wanted = np.zeros((2, 5, 3, 1))
  for b, i, j in np.ndindex(2, 3, 1):
    valid = convolve2d(u[b, :, :, i], turned(delta[b, :, :, j]), "valid")
    wanted[:, :, i, j] += turned(valid)
  assert error(quick_jit(hand.kernel_gradient)(u, delta), wanted) < TOLERANCE


def test_without_the_turns_or_the_sum_over_maps_gradients_are_wrong():
  @quick_jit
  def pairs(u, kernel, table, delta):
    by_u, by_kernel = jax.grad(energy, (0, 1))(u, kernel, table, delta)
    kernel = kernel * table
    unturned = table * hand.rot180_kernel(hand.kernel_gradient(f(u), delta))
    wrong = {
        "kernel without a turn": Pair(unturned, by_kernel),
        "delta without a turn": Pair(
            hand.convolution_delta(delta, hand.rot180_kernel(kernel), slope(u)), by_u),
    }
    for j in range(4):   # one map above, as in the notes
      single = hand.convolution_delta(delta[..., j:j + 1], kernel[..., j:j + 1], slope(u))
      wrong[f"delta of map {j}"] = Pair(single, by_u)
    return wrong

  for name, pair in pairs(*layer(SHAPES[0])).items():
    assert error(*pair) > 0.3, name


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("remainder", ["cut", "pad"])
@pytest.mark.parametrize("sides", [(6, 6), (7, 11)])
def test_sub_sampling_layers(n, remainder, sides):
  above = [side // n for side in sides]
  if remainder == "pad":
    above = [-(-side // n) for side in sides]

  def energy(u, beta, delta):
    return jnp.sum(delta * beta * block_sum(f(u), n, remainder))

  @quick_jit
  def pairs(u, beta, delta):
    by_u, by_beta = jax.grad(energy, (0, 1))(u, beta, delta)
    return {
        "u": Pair(hand.sub_sampling_delta(delta, beta, slope(u), n), by_u),
        "beta": Pair(hand.scale_gradient(f(u), delta, n, remainder), by_beta),
    }

  for name, pair in pairs(normal(0, 2, *sides, 3), normal(1, 3), normal(2, 2, *above, 3)).items():
    assert error(*pair) < TOLERANCE, name


def softmax(score_i_j):
  return jax.nn.softmax(score_i_j, axis=0)


@pytest.mark.parametrize("inputs, outputs", [(6, 4), (2, 5), (1, 1)])
def test_learnt_combinations(inputs, outputs):
  def energy(kernel, score, x, delta):
    return energy_of_alpha(kernel, softmax(score), x, delta)

  def energy_of_alpha(kernel, alpha, x, delta):
    return jnp.sum(delta * convolve(x, kernel[..., None] * alpha))

  @quick_jit
  def gradients(x, kernel, score, delta):
    alpha = softmax(score)
    by_kernel, by_alpha = jax.grad(energy_of_alpha, (0, 1))(kernel, alpha, x, delta)
    by_score = jax.grad(energy, 1)(kernel, score, x, delta)
    through_8 = jnp.einsum("kj,kij->ij", by_alpha, hand.softmax_jacobian(alpha))

    kernel_by_hand = hand.shared_kernel_gradient(x, delta, alpha)
    alpha_by_hand = hand.combination_gradient(hand.filtered(x, kernel), delta)
    score_by_hand = hand.score_gradient(alpha_by_hand, alpha)
    kernels = Pair(kernel_by_hand, by_kernel)
    alphas = Pair(alpha_by_hand, by_alpha)
    return kernels, alphas, Pair(score_by_hand, by_score), through_8

  kernels, alphas, scores, through_8 = gradients(
      normal(0, 2, 7, 8, inputs),
      normal(1, 3, 2, inputs),
      normal(2, inputs, outputs),
      normal(3, 2, 5, 7, outputs),
  )
  assert error(*kernels) < TOLERANCE
  assert error(*alphas) < TOLERANCE

  # In terms of dE/dalpha: of one input the scores do nothing.
  for wanted in (scores.wanted, through_8):
    assert error(scores.found, wanted, alphas.wanted) < TOLERANCE
  sum_j = np.asarray(scores.found).sum(0)   # softmax does not see a common shift
  assert error(sum_j, np.zeros(outputs), alphas.wanted) < TOLERANCE


def test_softmax_jacobian():
  @quick_jit
  def both(score):
    return hand.softmax_jacobian(softmax(score)), jax.jacfwd(softmax)(score)

  found_k_i_j, all_k_j_i_l = both(normal(0, 5, 3))
  assert error(found_k_i_j, np.einsum("kjij->kij", all_k_j_i_l)) < TOLERANCE
  other_columns = np.einsum("kjil->jlki", all_k_j_i_l)[~np.eye(3, dtype=bool)]
  assert not other_columns.any()


def l1(alpha, weight):
  return weight * jnp.abs(alpha).sum()   # (11)


def l1_of_scores(score, weight):
  return l1(softmax(score), weight)


@quick_jit
def l1_gradients_by_score(score, weight):
  alpha = softmax(score)
  through_12 = hand.score_gradient(hand.sparsity_gradient(alpha, weight), alpha)   # (13)
  automatic = jax.grad(l1_of_scores)(score, weight)
  return hand.sparsity_score_gradient(alpha, weight), through_12, automatic


@quick_jit
def l1_gradients_by_alpha(alpha, weight):
  by_hand = Pair(hand.sparsity_gradient(alpha, weight), jax.grad(l1)(alpha, weight))
  return by_hand, hand.sparsity_score_gradient(alpha, weight)


@pytest.mark.parametrize("weight", [0.05, 5.0, 1e6])
def test_the_l1_penalty_does_nothing_on_the_simplex_and_something_off_it(weight):
  for seed in range(50):
    score = 3 * normal(seed, 8, 6)
    for found in l1_gradients_by_score(score, weight):
      assert np.abs(found).max() < 1e-15 * weight

  by_alpha, off_the_simplex = l1_gradients_by_alpha(normal(0, 8, 6), weight)
  assert error(*by_alpha) < TOLERANCE
  assert np.abs(off_the_simplex).max() > 0.1 * weight


class NetworkShape(NamedTuple):
  """Of a network, and the connections of its first layer."""
  sides: tuple[int, int]
  n: int
  table: str | list


NETWORKS = [
    NetworkShape((10, 10), 2, "all"),
    NetworkShape((13, 12), 2, [[0], [1], [0, 1]]),
    NetworkShape((17, 19), 3, [[0], [1], [0, 1]]),
]


def network(shape, seed=0):
  """Arguments of `energy` of a network, with 3 x 3 kernels on two maps and 2 x 2 kernels in c3."""
  after_s2 = [(side - 2) // shape.n for side in shape.sides]
  after_s4 = [(side - 1) // shape.n for side in after_s2]
  flat = 4 * int(np.prod(after_s4))

  def draw(i, *array_shape):
    return normal(20 * seed + i, *array_shape)

  def dense(k, c, i):
    return {"weight": draw(i, k, c) / c**0.5, "bias": 0.3 * draw(i + 1, k)}

  def sub_sampling(j, i):
    return {"beta": (1 + 0.3 * draw(i, j)) / shape.n**2, "bias": 0.3 * draw(i + 1, j)}

  params = {
      "c1": {"kernel": draw(0, 3, 3, 2, 3) / 4, "bias": 0.3 * draw(1, 3)},
      "s2": sub_sampling(3, 2),
      "c3": {"kernel": draw(4, 2, 2, 3), "score": draw(5, 3, 4), "bias": 0.3 * draw(6, 4)},
      "s4": sub_sampling(4, 7),
      "f5": dense(6, flat, 9),
      "output": dense(5, 6, 11),
  }
  images = draw(13, 4, *shape.sides, 2)
  targets = np.sign(draw(14, 4, 5))
  return params, images, targets, connections(shape.table, 2, 3), shape.n


by_hand = quick_jit(classical.network_gradients, static_argnums=4)
automatic = quick_jit(jax.grad(classical.energy), static_argnums=4)


@pytest.mark.parametrize("shape", NETWORKS)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_whole_backward_pass(shape, seed):
  arguments = network(shape, seed)
  found = by_hand(*arguments)
  wanted = automatic(*arguments)
  assert jax.tree.structure(found) == jax.tree.structure(wanted)
  for (path, a), b in zip(
      jax.tree_util.tree_leaves_with_path(found), jax.tree.leaves(wanted), strict=True):
    assert error(a, b) < TOLERANCE, jax.tree_util.keystr(path)


def test_a_backward_pass_without_the_sum_over_maps_is_wrong_below_and_right_above(monkeypatch):
  right = hand.convolution_delta

  def of_one_map(delta, kernel, slope):
    return right(delta[..., :1], kernel[..., :1], slope)

  def wrong_gradients(*arguments):   # a function of its own, so that it is traced anew
    return classical.network_gradients(*arguments)

  arguments = network(NETWORKS[0])
  monkeypatch.setattr(hand, "convolution_delta", of_one_map)
  found = quick_jit(wrong_gradients, static_argnums=4)(*arguments)
  wanted = automatic(*arguments)
  for name in wanted:
    errors = []
    for a, b in zip(jax.tree.leaves(found[name]), jax.tree.leaves(wanted[name]), strict=True):
      errors.append(error(a, b))
    if name in ("c1", "s2"):
      assert min(errors) > 0.1
    else:
      assert max(errors) < TOLERANCE
