"""The layers of the notes: convolution and sub-sampling, tables, learnt combinations, pruning.

Convolution is compared with SciPy's, sub-sampling with sums by hand.
"""
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal
from quick import quick_jit

from jaxsig.errors import UserError
from jaxsig.systems.cnn_notes import simplex
from jaxsig.systems.cnn_notes.feature_maps import (
    REMAINDERS,
    SUB_SAMPLERS,
    activation,
    block_max,
    block_sum,
    connections,
    convolve,
    scaled_tanh,
    up,
)
from jaxsig.systems.cnn_notes.layers import (
    LearntCombination,
    MapConv,
    Pooling,
    SubSampling,
    as_table,
)
from jaxsig.systems.cnn_notes.network import ClassicalNetwork

RNG = np.random.default_rng(0)
SIDES = (1, 2, 3, 4)   # of blocks


def maps(b=2, y=9, x=8, i=3):
  return RNG.normal(size=(b, y, x, i))


def single_maps():
  return maps().astype(np.float32)


def test_convolution_turns_its_kernel():
  x = maps()
  kernel = RNG.normal(size=(3, 2, 3, 4))
  wanted = np.zeros((2, 7, 7, 4))
  for b, i, j in itertools.product(range(2), range(3), range(4)):
    wanted[b, :, :, j] += scipy.signal.convolve2d(x[b, :, :, i], kernel[:, :, i, j], "valid")

  with jax.enable_x64(True):
    compiled = quick_jit(convolve)
    found = np.asarray(compiled(x, kernel))
    unturned = np.asarray(compiled(x, kernel[::-1, ::-1]))
  assert found.shape == (2, 7, 7, 4)
  np.testing.assert_allclose(found, wanted, atol=1e-12)
  assert np.abs(unturned - wanted).max() > 1


@quick_jit
def all_block_sums(x):
  """{(way, remainder, n): sums}."""
  sums = {}
  for way, remainder, n in itertools.product(SUB_SAMPLERS, REMAINDERS, SIDES):
    sums[f"{way} {remainder} {n}"] = block_sum(x, n, remainder, way)
  return sums


@pytest.mark.parametrize("n", SIDES)
@pytest.mark.parametrize("way", SUB_SAMPLERS)
def test_block_sums_in_three_ways(n, way):
  x = np.random.default_rng(1).normal(size=(2, 9, 8, 3)).astype(np.float32)
  wanted = np.zeros((2, 9 // n, 8 // n, 3))
  for row, column in np.ndindex(9 // n, 8 // n):
    block = x[:, n * row:n * row + n, n * column:n * column + n]
    wanted[:, row, column] = block.sum((1, 2))

  sums = all_block_sums(x)
  np.testing.assert_allclose(sums[f"{way} cut {n}"], wanted, atol=1e-5)
  padded = sums[f"{way} pad {n}"]
  assert padded.shape == (2, -(-9 // n), -(-8 // n), 3)
  np.testing.assert_allclose(padded.sum((1, 2)), x.sum((1, 2)), atol=1e-4)   # nothing is lost
  np.testing.assert_allclose(padded[:, :9 // n, :8 // n], wanted, atol=1e-5)


def test_block_max_and_up():
  @quick_jit
  def results(x):
    return block_max(x, 3), up(x, 2), block_sum(up(x, 3), 3)

  x = single_maps()
  largest, repeated, nine_times = results(x)
  np.testing.assert_array_equal(largest[:, 1, 1], x[:, 3:6, 3:6].max((1, 2)))
  np.testing.assert_array_equal(repeated[0, :, :, 1], np.kron(x[0, :, :, 1], np.ones((2, 2))))
  np.testing.assert_allclose(nine_times, 9 * x, rtol=1e-5)


@pytest.mark.parametrize("changes, words", [
    (dict(n=10), "leave nothing"),
    (dict(n=0), "leave nothing"),
    (dict(n=2, remainder="round"), "cut, pad"),
    (dict(n=2, way="loop"), "reshape, window"),
])
def test_wrong_blocks_are_one_sentence(changes, words):
  with pytest.raises(UserError, match=words):
    block_sum(maps(), **changes)


def test_the_scaled_tanh_has_its_true_properties():
  slope = jax.grad(scaled_tanh)
  bend = jax.grad(slope)

  @quick_jit
  def properties(at, u):
    steepest_bend = jnp.argmax(jnp.abs(jax.vmap(bend)(u)))
    activated = activation("logistic", 0.0), activation("relu", -1.0)
    return jax.vmap(scaled_tanh)(at), jax.vmap(slope)(at), u[steepest_bend], activated

  with jax.enable_x64(True):
    found = jax.device_get(properties(np.array([-1.0, 0.0, 1.0]), np.linspace(0, 3, 300_001)))
  values, slopes, steepest_bend, activated = found
  assert values[2] == pytest.approx(0.9999973, abs=1e-7)
  assert values[0] == -values[2]
  assert float(slopes[1]) == pytest.approx(1.7159 * 2 / 3)
  assert float(slopes[2]) == pytest.approx(0.755, abs=1e-3)
  assert float(steepest_bend) == pytest.approx(1.5 * np.arctanh(3**-0.5), abs=1e-4)   # not 1
  assert activated == (0.5, 0)
  with pytest.raises(UserError, match="scaled_tanh"):
    activation("tanh", 0.0)


def different_columns(table):
  return len({tuple(column) for column in table.T})


def test_connection_tables():
  lecun = connections("lecun", 6, 16)
  assert lecun.sum() == 60
  assert (lecun.sum(0) == [3] * 6 + [4] * 9 + [6]).all()
  assert (lecun.sum(1) == 10).all()
  assert different_columns(lecun) == 16
  for name, inputs, outputs in (("pairs", 2, 15), ("triplets", 3, 20)):
    table = connections(name, 6, outputs)
    assert (table.sum(0) == inputs).all()
    assert different_columns(table) == outputs

  assert connections("all", 6, 16).all()
  by_lists = connections(((0, 2), (1,)), 3, 2)
  np.testing.assert_array_equal(by_lists, [[True, False], [False, True], [True, False]])


@pytest.mark.parametrize("table, outputs, words", [
    ("lecun", 15, "16 output maps"),
    ("pears", 3, "pairs"),
    (((0,), ()), 2, "each with inputs"),
    (((0,), (3,)), 2, "0 to 2"),
])
def test_a_wrong_table_is_one_sentence(table, outputs, words):
  with pytest.raises(UserError, match=words):
    connections(table, 3, outputs)


def test_a_table_s_network_has_kernels_for_its_connections_only_and_sees_no_others():
  layer = MapConv(2, 3, ((0, 2), (1,)))

  @quick_jit
  def params_and_jacobian(x):
    params = layer.init(jax.random.key(0), x)
    jacobian = jax.jacrev(lambda x: layer.apply(params, x).sum((0, 1, 2)))(x)
    return params, jacobian

  params, jacobian = params_and_jacobian(single_maps())
  assert params["params"]["kernel"].shape == (3, 3, 3)
  depends_j_i = np.abs(jacobian).max((1, 2, 3)) > 0
  np.testing.assert_array_equal(depends_j_i, [[True, False, True], [False, True, False]])


def test_sub_sampling_is_its_equation():
  layer = SubSampling(2, "scaled_tanh")
  beta = np.array([0.3, -1.0, 2.0], np.float32)
  bias = np.array([0.1, 0.0, -0.2], np.float32)

  @quick_jit
  def results(x):
    first_params = layer.init(jax.random.key(0), x)
    return {
        "found": layer.apply({"params": {"beta": beta, "bias": bias}}, x),
        "wanted": scaled_tanh(beta * block_sum(x, 2) + bias),
        "at first": layer.apply(first_params, x),
        "average": scaled_tanh(Pooling("average", 2, "scaled_tanh").apply({}, x)),
        "max": Pooling("max", 2, "relu").apply({}, x),
        "block max": block_max(x, 2),
    }

  result = results(single_maps())
  np.testing.assert_allclose(result["found"], result["wanted"], rtol=1e-6)
  np.testing.assert_allclose(result["at first"], result["average"], rtol=1e-5)
  np.testing.assert_array_equal(result["max"], result["block max"])


@pytest.mark.parametrize("shared", [True, False])
def test_a_learnt_combination_is_the_sum_over_its_maps(shared):
  layer = LearntCombination(4, 3, "softmax", shared)

  @quick_jit
  def results(x):
    params = layer.init(jax.random.key(0), x)
    found, alpha = layer.apply(params, x, 0.7)
    kernel = params["params"]["kernel"]
    wanted_alpha = simplex.combination("softmax", params["params"]["score"], 0.7)
    every_kernel = jnp.broadcast_to(kernel, (3, 3, 3, 4))
    of_each_map = [convolve(x[..., i:i + 1], every_kernel[:, :, i:i + 1]) for i in range(3)]
    wanted = jnp.einsum("ij,ibyxj->byxj", alpha, jnp.stack(of_each_map))
    return kernel, (alpha, wanted_alpha), (found, wanted)

  kernel, alphas, maps_found_and_wanted = results(single_maps())
  assert kernel.shape[-1] == (1 if shared else 4)
  np.testing.assert_allclose(*alphas)
  np.testing.assert_allclose(*maps_found_and_wanted, atol=1e-5)


@functools.cache
def first_params(shared):
  """Parameters of a combination of three maps to five, with scores far from each other."""
  layer = LearntCombination(5, 3, shared=shared)
  init = quick_jit(layer.init)
  params = jax.device_get(init(jax.random.key(2), np.zeros((1, 9, 8, 3), np.float32)))["params"]
  return {**params, "score": 2 * params["score"]}


@pytest.mark.parametrize("options", [
    dict(kind="sparsemax"),
    dict(kind="entmax15"),
    dict(keep=2),
    dict(threshold=0.2),
    dict(shared=False, keep=1),
])
def test_the_pruned_network_equals_the_learnt_one(options):
  layer = LearntCombination(5, 3, **options)
  params = first_params(options.get("shared", True))
  x = single_maps()
  found, alpha = jax.device_get(quick_jit(layer.apply)({"params": params}, x))
  table, fewer = as_table(params, alpha)
  assert fewer["kernel"].shape[-1] == sum(map(len, table)) < 15

  pruned = quick_jit(MapConv(5, 3, table).apply)({"params": fewer}, x)
  np.testing.assert_allclose(pruned, found, atol=1e-6)
  np.testing.assert_allclose(alpha.sum(0), 1, atol=1e-6)
  if "keep" in options:
    assert max(map(len, table)) == options["keep"]


def lenet(**changes):
  options = dict(
      maps=(6, 16),
      kernel=5,
      block=2,
      hidden=(120, 84),
      classes=10,
      table="lecun",
      combination="",
      shared=False,
      pooling="trainable",
      activation="scaled_tanh",
  )
  return ClassicalNetwork(**{**options, **changes})


IMAGE = jax.ShapeDtypeStruct((1, 32, 32, 1), jnp.float32)


def sizes(network):
  """{layer: number of parameters}."""
  params = jax.eval_shape(network.init, jax.random.key(0), IMAGE)["params"]
  return {name: sum(x.size for x in jax.tree.leaves(layer)) for name, layer in params.items()}


def test_lenet_has_the_published_number_of_parameters():
  assert sizes(lenet()) == {
      "c1": 156,
      "s2": 12,
      "c3": 1516,
      "s4": 32,
      "c5": 48120,
      "f6": 10164,
      "output": 850,
  }
  assert sizes(lenet(combination="softmax", shared=True))["c3"] == 6 * 25 + 6 * 16 + 16
  assert "s2" not in sizes(lenet(pooling="max"))


def test_maps_have_the_published_sides():
  seen, _ = jax.eval_shape(lenet().init_with_output, jax.random.key(0), IMAGE)
  sides = {name: x.shape[1:] for name, x in seen.maps.items()}
  assert sides == {"c1": (28, 28, 6), "s2": (14, 14, 6), "c3": (10, 10, 16), "s4": (5, 5, 16)}
  assert seen.u_b_k.shape == (1, 10)
  assert seen.alpha_i_j is None
