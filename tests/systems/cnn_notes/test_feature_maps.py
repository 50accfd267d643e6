"""The layers of the notes: convolution and sub-sampling against SciPy and sums by hand, tables, learnt combinations and their pruning."""
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

from jaxsig.errors import UserError
from jaxsig.systems.cnn_notes import simplex
from jaxsig.systems.cnn_notes.feature_maps import SUB_SAMPLERS, activation, block_max, block_sum, connections, convolve, scaled_tanh, up
from jaxsig.systems.cnn_notes.layers import LearntCombination, MapConv, Pooling, SubSampling, as_table
from jaxsig.systems.cnn_notes.network import ClassicalNetwork

RNG = np.random.default_rng(0)


def maps(b=2, y=9, x=8, i=3):
  return RNG.normal(size=(b, y, x, i))


def test_convolution_turns_its_kernel():
  with jax.enable_x64(True):
    x, kernel = maps(), RNG.normal(size=(3, 2, 3, 4))
    found = convolve(jnp.asarray(x), jnp.asarray(kernel))
    wanted = sum(np.stack([[scipy.signal.convolve2d(x[b, :, :, i], kernel[:, :, i, j], "valid") for j in range(4)] for b in range(2)])
                 for i in range(3))
    assert found.shape == (2, 7, 7, 4)
    np.testing.assert_allclose(found, np.moveaxis(wanted, 1, -1), atol=1e-12)
    assert np.abs(convolve(jnp.asarray(x), jnp.asarray(kernel[::-1, ::-1])) - np.moveaxis(wanted, 1, -1)).max() > 1


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("way", SUB_SAMPLERS)
def test_block_sums_in_three_ways(n, way):
  x = maps().astype(np.float32)
  cut = np.array([[x[:, n * r:n * r + n, n * c:n * c + n].sum((1, 2)) for c in range(8 // n)] for r in range(9 // n)])
  np.testing.assert_allclose(block_sum(x, n, "cut", way), np.moveaxis(cut, 2, 0), atol=1e-5)
  padded = block_sum(x, n, "pad", way)
  assert padded.shape == (2, -(-9 // n), -(-8 // n), 3)
  np.testing.assert_allclose(padded.sum((1, 2)), x.sum((1, 2)), atol=1e-4)   # nothing is lost
  np.testing.assert_allclose(padded[:, :9 // n, :8 // n], np.moveaxis(cut, 2, 0), atol=1e-5)


def test_block_max_and_up():
  x = maps().astype(np.float32)
  np.testing.assert_array_equal(block_max(x, 3)[:, 1, 1], x[:, 3:6, 3:6].max((1, 2)))
  np.testing.assert_array_equal(up(x, 2)[0, :, :, 1], np.kron(x[0, :, :, 1], np.ones((2, 2))))
  np.testing.assert_allclose(block_sum(up(x, 3), 3), 9 * x, rtol=1e-5)


@pytest.mark.parametrize("changes, words", [
    (dict(n=10), "leave nothing"), (dict(n=0), "leave nothing"), (dict(n=2, remainder="round"), "cut, pad"),
    (dict(n=2, way="loop"), "reshape, window")])
def test_wrong_blocks_are_one_sentence(changes, words):
  with pytest.raises(UserError, match=words):
    block_sum(maps(), **changes)


def test_the_scaled_tanh_has_its_true_properties():
  with jax.enable_x64(True):
    slope, bend = jax.grad(scaled_tanh), jax.grad(jax.grad(scaled_tanh))
    assert scaled_tanh(1.0) == pytest.approx(0.9999973, abs=1e-7) and scaled_tanh(-1.0) == -scaled_tanh(1.0)
    assert float(slope(0.0)) == pytest.approx(1.7159 * 2 / 3) and float(slope(1.0)) == pytest.approx(0.755, abs=1e-3)
    u = jnp.linspace(0, 3, 300_001)
    assert float(u[jnp.argmax(jnp.abs(jax.vmap(bend)(u)))]) == pytest.approx(1.5 * np.arctanh(3**-0.5), abs=1e-4)   # not 1
    assert activation("logistic", 0.0) == 0.5 and activation("relu", -1.0) == 0
  with pytest.raises(UserError, match="scaled_tanh"):
    activation("tanh", 0.0)


def test_connection_tables():
  lecun = connections("lecun", 6, 16)
  assert lecun.sum() == 60 and (lecun.sum(0) == [3] * 6 + [4] * 9 + [6]).all() and (lecun.sum(1) == 10).all()
  assert len({tuple(column) for column in lecun.T}) == 16
  for name, each, outputs in (("pairs", 2, 15), ("triplets", 3, 20)):
    table = connections(name, 6, outputs)
    assert (table.sum(0) == each).all() and len({tuple(column) for column in table.T}) == outputs
  assert connections("all", 6, 16).all()
  np.testing.assert_array_equal(connections(((0, 2), (1,)), 3, 2), [[True, False], [False, True], [True, False]])


@pytest.mark.parametrize("table, outputs, words", [
    ("lecun", 15, "16 output maps"), ("pears", 3, "pairs"), (((0,), ()), 2, "each with inputs"), (((0,), (3,)), 2, "0 to 2")])
def test_a_wrong_table_is_one_sentence(table, outputs, words):
  with pytest.raises(UserError, match=words):
    connections(table, 3, outputs)


def test_a_table_s_network_has_kernels_for_its_connections_only_and_sees_no_others():
  layer, x = MapConv(2, 3, ((0, 2), (1,))), jnp.asarray(maps(), jnp.float32)
  params = layer.init(jax.random.key(0), x)
  assert params["params"]["kernel"].shape == (3, 3, 3)
  depends = jax.jacobian(lambda x: layer.apply(params, x).sum((0, 1, 2)))(x)
  np.testing.assert_array_equal(jnp.abs(depends).max((1, 2, 3)) > 0, [[True, False, True], [False, True, False]])


def test_sub_sampling_is_its_equation():
  x = jnp.asarray(maps(), jnp.float32)
  params = {"params": {"beta": jnp.array([0.3, -1.0, 2.0]), "bias": jnp.array([0.1, 0.0, -0.2])}}
  wanted = scaled_tanh(params["params"]["beta"] * block_sum(x, 2) + params["params"]["bias"])
  np.testing.assert_allclose(SubSampling(2, "scaled_tanh").apply(params, x), wanted, rtol=1e-6)
  start = SubSampling(2, "scaled_tanh").init(jax.random.key(0), x)
  average = Pooling("average", 2, "scaled_tanh").apply({}, x)
  np.testing.assert_allclose(SubSampling(2, "scaled_tanh").apply(start, x), scaled_tanh(average), rtol=1e-5)
  np.testing.assert_array_equal(Pooling("max", 2, "relu").apply({}, x), block_max(x, 2))


@pytest.mark.parametrize("shared", [True, False])
def test_a_learnt_combination_is_the_sum_over_its_maps(shared):
  layer, x = LearntCombination(4, 3, "softmax", shared), jnp.asarray(maps(), jnp.float32)
  params = layer.init(jax.random.key(0), x)
  found, alpha = layer.apply(params, x, 0.7)
  kernel = params["params"]["kernel"]
  assert kernel.shape[-1] == (1 if shared else 4)
  np.testing.assert_allclose(alpha, simplex.combination("softmax", params["params"]["score"], 0.7))
  each = jnp.stack([convolve(x[..., i:i + 1], jnp.broadcast_to(kernel, (3, 3, 3, 4))[:, :, i:i + 1]) for i in range(3)])
  np.testing.assert_allclose(found, jnp.einsum("ij,ibyxj->byxj", alpha, each), atol=1e-5)


@pytest.mark.parametrize("options", [
    dict(kind="sparsemax"), dict(kind="entmax15"), dict(keep=2), dict(threshold=0.2), dict(shared=False, keep=1)])
def test_the_pruned_network_equals_the_learnt_one(options):
  layer, x = LearntCombination(5, 3, **options), jnp.asarray(maps(), jnp.float32)
  params = layer.init(jax.random.key(2), x)
  params["params"]["score"] *= 2
  found, alpha = layer.apply(params, x)
  table, fewer = as_table(params["params"], alpha)
  assert fewer["kernel"].shape[-1] == sum(map(len, table)) < 15
  np.testing.assert_allclose(MapConv(5, 3, table).apply({"params": fewer}, x), found, atol=1e-6)
  np.testing.assert_allclose(alpha.sum(0), 1, atol=1e-6)
  if keep := options.get("keep"):
    assert max(map(len, table)) == keep


def lenet(**changes):
  options = dict(maps=(6, 16), kernel=5, block=2, hidden=(120, 84), classes=10, table="lecun", combination="", shared=False,
                 pooling="trainable", activation="scaled_tanh")
  return ClassicalNetwork(**{**options, **changes})


def sizes(network):
  params = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 32, 32, 1)))["params"]
  return {name: sum(x.size for x in jax.tree.leaves(layer)) for name, layer in params.items()}


def test_lenet_has_the_published_number_of_parameters():
  assert sizes(lenet()) == {"c1": 156, "s2": 12, "c3": 1516, "s4": 32, "c5": 48120, "f6": 10164, "output": 850}
  assert sizes(lenet(combination="softmax", shared=True))["c3"] == 6 * 25 + 6 * 16 + 16
  assert "s2" not in sizes(lenet(pooling="max"))


def test_maps_have_the_published_sides():
  seen = jax.eval_shape(lenet().init_with_output, jax.random.key(0), jnp.zeros((1, 32, 32, 1)))[0]
  sides = {name: x.shape[1:] for name, x in seen.maps.items()}
  assert sides == {"c1": (28, 28, 6), "s2": (14, 14, 6), "c3": (10, 10, 16), "s4": (5, 5, 16)}
  assert seen.u_b_k.shape == (1, 10) and seen.alpha_i_j is None
