"""Bouvrie's gradients by hand against automatic ones, convolution against SciPy's; where the notes err, their form is shown to fail."""
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import convolve2d

from jaxsig.systems.cnn_notes import hand_backpropagation as classical
from jaxsig.systems.cnn_notes import hand_gradients as hand
from jaxsig.systems.cnn_notes.feature_maps import ACTIVATIONS, activation, block_sum, connections, convolve

TOLERANCE = 1e-12   # relative to the largest entry
# (sides of the images, sides of the kernels, input and output maps)
SHAPES = [((9, 9), (3, 3), 2, 4), ((8, 11), (2, 5), 3, 1), ((7, 6), (1, 4), 1, 3)]


@pytest.fixture(autouse=True)
def float64():
  with jax.enable_x64(True):
    yield


def normal(seed, *shape):
  return np.random.default_rng([seed, *shape]).standard_normal(shape)


def error(found, wanted, scale=None):
  found, wanted = np.asarray(found), np.asarray(wanted)
  assert found.shape == wanted.shape and found.dtype == wanted.dtype == np.float64
  return np.abs(found - wanted).max() / np.abs(wanted if scale is None else scale).max()


def compiled(f):
  """f(arrays) -> [(found, wanted)] in one program: a test of many small ones would mostly compile."""
  return lambda *args: jax.tree.map(np.asarray, jax.jit(f)(*args))


def layer(sides, kernel, inputs, outputs):
  """A convolution over a random table, above maps x = f(u): (u, kernel, table, dE/du above)."""
  kernel_v_u_i_j = normal(1, *kernel, inputs, outputs)
  table_i_j = np.random.default_rng(inputs).random((inputs, outputs)) < 0.7
  table_i_j[0] = True
  above = [a - b + 1 for a, b in zip(sides, kernel)]
  return normal(0, 2, *sides, inputs), kernel_v_u_i_j, table_i_j, normal(2, 2, *above, outputs)


def energy(u, kernel, table, delta):
  """Linear in the convolution, so that its sensitivity above is `delta`."""
  return jnp.sum(delta * convolve(activation("scaled_tanh", u), kernel * table))


@pytest.mark.parametrize("shape", SHAPES)
def test_convolution_is_scipys_and_the_unflipped_kernel_is_another(shape):
  u, kernel, table, _ = layer(*shape)
  found, unflipped = compiled(lambda u, kernel: (convolve(u, kernel), convolve(u, hand.rot180_kernel(kernel))))(u, kernel * table)
  wanted = np.zeros(found.shape)
  for b, (i, j) in itertools.product(range(2), np.argwhere(table)):
    wanted[b, :, :, j] += convolve2d(u[b, :, :, i], kernel[:, :, i, j], "valid")
  assert error(found, wanted) < TOLERANCE
  assert error(unflipped, wanted) > 0.3


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slopes(name):
  u = np.append(normal(0, 50), [-400.0, -1.0, 1.0, 400.0])
  automatic = jax.vmap(jax.grad(functools.partial(activation, name)))
  assert error(*compiled(lambda u: (hand.slope(name, u), automatic(u)))(u)) < TOLERANCE


@pytest.mark.parametrize("b, c, k", [(1, 20, 10), (5, 3, 7)])
def test_dense_layers(b, c, k):
  u, weight, bias, t = normal(0, b, c), normal(1, k, c), normal(2, k), normal(3, b, k)
  f, slope = functools.partial(activation, "scaled_tanh"), functools.partial(hand.slope, "scaled_tanh")

  def squared(u, weight, bias):
    return 0.5 * jnp.sum((t - f(f(u) @ weight.T + bias)) ** 2)

  @compiled
  def pairs(u, weight, bias):
    total = f(u) @ weight.T + bias
    delta = hand.output_delta(f(total), t, slope(total))
    found = hand.dense_delta(delta, weight, slope(u)), hand.dense_gradient(f(u), delta), hand.bias_gradient(delta)
    return *zip(found, jax.grad(squared, (0, 1, 2))(u, weight, bias)), (f(u).T @ delta, weight)

  *right, (as_printed, _) = pairs(u, weight, bias)   # (5)
  assert max(error(*pair) for pair in right) < TOLERANCE
  assert as_printed.shape == (c, k) != weight.shape and error(as_printed.T, right[1][1]) < TOLERANCE


@pytest.mark.parametrize("shape", SHAPES)
def test_convolution_layers(shape):
  @compiled
  def pairs(u, kernel, table, delta):
    by_u, by_kernel = jax.grad(energy, (0, 1))(u, kernel, table, delta)
    by_bias = jax.grad(lambda bias: jnp.sum(delta * (jnp.zeros_like(delta) + bias)))(jnp.zeros(shape[-1]))
    found = hand.convolution_delta(delta, kernel * table, hand.slope("scaled_tanh", u))
    x = activation("scaled_tanh", u)
    return (found, by_u), (table * hand.kernel_gradient(x, delta), by_kernel), (hand.bias_gradient(delta), by_bias)

  assert max(error(*pair) for pair in pairs(*layer(*shape))) < TOLERANCE


def test_kernel_gradient_is_equation_7_letter_by_letter():
  u, _, _, delta = layer(*SHAPES[1])
  turn, wanted = lambda a: a[::-1, ::-1], np.zeros((2, 5, 3, 1))
  for b, i, j in np.ndindex(2, 3, 1):
    wanted[:, :, i, j] += turn(convolve2d(u[b, :, :, i], turn(delta[b, :, :, j]), "valid"))
  assert error(compiled(hand.kernel_gradient)(u, delta), wanted) < TOLERANCE


def test_without_the_turns_or_the_sum_over_maps_gradients_are_wrong():
  @compiled
  def pairs(u, kernel, table, delta):
    by_u, by_kernel = jax.grad(energy, (0, 1))(u, kernel, table, delta)
    x, slope, kernel = activation("scaled_tanh", u), hand.slope("scaled_tanh", u), kernel * table
    single = lambda j: hand.convolution_delta(delta[..., j:j + 1], kernel[..., j:j + 1], slope)   # one map above, as in the notes
    return ((table * hand.rot180_kernel(hand.kernel_gradient(x, delta)), by_kernel),
            (hand.convolution_delta(delta, hand.rot180_kernel(kernel), slope), by_u), *[(single(j), by_u) for j in range(4)])

  assert min(error(*pair) for pair in pairs(*layer(*SHAPES[0]))) > 0.3


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("remainder", ["cut", "pad"])
@pytest.mark.parametrize("sides", [(6, 6), (7, 11)])
def test_sub_sampling_layers(n, remainder, sides):
  above = [-(-side // n) if remainder == "pad" else side // n for side in sides]

  def energy(u, beta, delta):
    return jnp.sum(delta * beta * block_sum(activation("scaled_tanh", u), n, remainder))

  @compiled
  def pairs(u, beta, delta):
    found = (hand.sub_sampling_delta(delta, beta, hand.slope("scaled_tanh", u), n),
             hand.scale_gradient(activation("scaled_tanh", u), delta, n, remainder))
    return list(zip(found, jax.grad(energy, (0, 1))(u, beta, delta)))

  assert max(error(*pair) for pair in pairs(normal(0, 2, *sides, 3), normal(1, 3), normal(2, 2, *above, 3))) < TOLERANCE


@pytest.mark.parametrize("inputs, outputs", [(6, 4), (2, 5), (1, 1)])
def test_learnt_combinations(inputs, outputs):
  @compiled
  def gradients(x, kernel, score, delta):
    energy = lambda kernel, alpha: jnp.sum(delta * convolve(x, kernel[..., None] * alpha))
    alpha = jax.nn.softmax(score, axis=0)
    by_kernel, by_alpha = jax.grad(energy, (0, 1))(kernel, alpha)
    by_score = jax.grad(lambda c: energy(kernel, jax.nn.softmax(c, axis=0)))(score)
    alphas = hand.combination_gradient(hand.filtered(x, kernel), delta), by_alpha
    through_8 = jnp.einsum("kj,kij->ij", by_alpha, hand.softmax_jacobian(alpha))
    scores = hand.score_gradient(alphas[0], alpha), by_score, through_8
    return (hand.shared_kernel_gradient(x, delta, alpha), by_kernel), alphas, scores

  arrays = normal(0, 2, 7, 8, inputs), normal(1, 3, 2, inputs), normal(2, inputs, outputs), normal(3, 2, 5, 7, outputs)
  kernels, alphas, (found, by_score, through_8) = gradients(*arrays)
  assert error(*kernels) < TOLERANCE and error(*alphas) < TOLERANCE
  for wanted in (by_score, through_8):
    assert error(found, wanted, alphas[1]) < TOLERANCE   # in terms of dE/dalpha: of one input the scores do nothing
  assert error(found.sum(0), np.zeros(outputs), alphas[1]) < TOLERANCE   # softmax does not see a common shift


def test_softmax_jacobian():
  softmax = functools.partial(jax.nn.softmax, axis=0)
  found_k_i_j, all_k_j_i_l = compiled(lambda c: (hand.softmax_jacobian(softmax(c)), jax.jacfwd(softmax)(c)))(normal(0, 5, 3))
  assert error(found_k_i_j, np.einsum("kjij->kij", all_k_j_i_l)) < TOLERANCE
  assert not np.einsum("kjil->jlki", all_k_j_i_l)[~np.eye(3, dtype=bool)].any()   # no column sees another


@pytest.mark.parametrize("weight", [0.05, 5.0, 1e6])
def test_the_l1_penalty_does_nothing_on_the_simplex_and_something_off_it(weight):
  penalty = lambda alpha: weight * jnp.abs(alpha).sum()   # (11)

  @compiled
  def by_score(score):
    alpha = jax.nn.softmax(score, axis=0)
    through_12 = hand.score_gradient(hand.sparsity_gradient(alpha, weight), alpha)   # (13)
    return hand.sparsity_score_gradient(alpha, weight), through_12, jax.grad(lambda c: penalty(jax.nn.softmax(c, axis=0)))(score)

  assert max(np.abs(found).max() for seed in range(50) for found in by_score(3 * normal(seed, 8, 6))) < 1e-15 * weight
  by_alpha = lambda a: (hand.sparsity_gradient(a, weight), jax.grad(penalty)(a), hand.sparsity_score_gradient(a, weight))
  found, wanted, not_zero = compiled(by_alpha)(normal(0, 8, 6))
  assert error(found, wanted) < TOLERANCE and np.abs(not_zero).max() > 0.1 * weight


def network(sides, n, table, seed=0):
  """(parameters, images, targets, table, n) of a network with 3 x 3 kernels on images of two maps, and 2 x 2 ones in c3."""
  table_i_j, draw = connections(table, 2, 3), lambda i, *shape: normal(20 * seed + i, *shape)
  s2 = [(side - 2) // n for side in sides]
  flat = 4 * int(np.prod([(side - 1) // n for side in s2]))
  dense = lambda k, c, i: {"weight": draw(i, k, c) / c**0.5, "bias": 0.3 * draw(i + 1, k)}
  sub_sampling = lambda j, i: {"beta": (1 + 0.3 * draw(i, j)) / n**2, "bias": 0.3 * draw(i + 1, j)}
  params = {"c1": {"kernel": draw(0, 3, 3, 2, 3) / 4, "bias": 0.3 * draw(1, 3)}, "s2": sub_sampling(3, 2),
            "c3": {"kernel": draw(4, 2, 2, 3), "score": draw(5, 3, 4), "bias": 0.3 * draw(6, 4)}, "s4": sub_sampling(4, 7),
            "f5": dense(6, flat, 9), "output": dense(5, 6, 11)}
  return params, draw(13, 4, *sides, 2), np.sign(draw(14, 4, 5)), table_i_j, n


def both_gradients(n, *network_):
  """By hand, automatically."""
  return compiled(lambda *args: (classical.network_gradients(*args, n), jax.grad(classical.energy)(*args, n)))(*network_)


NETWORKS = [((10, 10), 2, "all"), ((13, 12), 2, [[0], [1], [0, 1]]), ((17, 19), 3, [[0], [1], [0, 1]])]


@pytest.mark.parametrize("shape", NETWORKS)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_whole_backward_pass(shape, seed):
  *network_, n = network(*shape, seed)
  found, wanted = both_gradients(n, *network_)
  for (path, a), b in zip(jax.tree_util.tree_leaves_with_path(found), jax.tree.leaves(wanted), strict=True):
    assert error(a, b) < TOLERANCE, jax.tree_util.keystr(path)
  assert jax.tree.structure(found) == jax.tree.structure(wanted)


def test_a_backward_pass_without_the_sum_over_maps_is_wrong_below_and_right_above(monkeypatch):
  *network_, n = network(*NETWORKS[0])
  right = hand.convolution_delta
  monkeypatch.setattr(hand, "convolution_delta", lambda delta, kernel, slope: right(delta[..., :1], kernel[..., :1], slope))
  found, wanted = both_gradients(n, *network_)
  for name in wanted:
    errors = [error(a, b) for a, b in zip(jax.tree.leaves(found[name]), jax.tree.leaves(wanted[name]))]
    assert min(errors) > 0.1 if name in ("c1", "s2") else max(errors) < TOLERANCE
