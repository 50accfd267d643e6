"""RespDiff's network: published counts, PyTorch parity, gradients everywhere, separate rows."""
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsig.errors import UserError
from jaxsig.nn.blocks import Norm, ParallelConv, StepEmbedding
from jaxsig.nn.recurrent import BiRNN
from jaxsig.systems.respiration.network import PUBLISHED, CoarseEncoder, RespDiff

KEY = jax.random.key(0)
SMALL = {"channels": 4, "fine_kernels": (1, 3), "coarse_kernels": (3, 5), "dilations": (1, 2), "hidden": 6, "layers": 2,
         "head": (8, 5)}


def normal(seed, *shape):
  return jax.random.normal(jax.random.key(seed), shape)


def inputs(b=3, t=20, p=1):
  return normal(1, b, t, p), normal(2, b, t), jnp.arange(b) * 7


def started(module, *args):
  """(params, apply) with every leaf random, biases and scales too; by numpy, as compiling an init takes seconds."""
  random, spread = np.random.default_rng(0), lambda leaf: leaf.size**-0.25 if leaf.ndim > 1 else 0.5
  shapes = jax.eval_shape(module.init, KEY, *args)
  draw = lambda leaf: spread(leaf) * random.uniform(-1, 1, leaf.shape).astype(np.float32)
  return jax.tree.map(draw, shapes), jax.jit(module.apply)


def count(tree):
  return sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(tree))


# Size

def test_the_published_network_has_the_published_number_of_parameters_in_every_block():
  shapes = jax.eval_shape(RespDiff(**PUBLISHED).init, KEY, *inputs(2, 150))["params"]
  blocks = {name: count(block) for name, block in shapes.items()}
  after_rnn = {name: count(layer) for name, layer in shapes["decoder"].items()}
  assert count(shapes) == 36_875_649
  assert blocks["coarse_ppg"] == 149_568 and blocks["embedding"] == 61_824 and blocks["fusion"] == 192
  assert blocks["fine_ppg"] == blocks["fine_y"] == 1_344
  assert blocks["rnn"] + after_rnn["layer_0"] + after_rnn["layer_1"] == 36_594_816
  assert after_rnn["layer_2"] + after_rnn["out"] == 66_561


def test_the_widest_coarse_branch_sees_85_samples():
  encoder = CoarseEncoder(3, (13,), (1, 2, 4), "none")
  x = normal(0, 1, 121, 1)
  params, _ = started(encoder, x)
  seen = jax.jit(jax.grad(lambda x: encoder.apply(params, x)[0, 60].sum()))(x)[0, :, 0]
  np.testing.assert_array_equal(np.flatnonzero(seen)[[0, -1]], [60 - 42, 60 + 42])


# Life in every part

@pytest.mark.parametrize("options", [
  {"cell": cell, "norm": norm, "embed_both": both} for cell, norm, both in
  [("tanh", "batch_as_coded", False), ("gru", "group", True), ("lstm", "none", True)]
] + [{"cell": "linear", "layer_norm": True, "residual": True}], ids=str)
def test_no_leaf_of_the_gradient_is_zero(options):
  network = RespDiff(**SMALL | options)
  args = inputs(p=3 if options["cell"] == "linear" else 1)
  params, apply = started(network, *args)
  gradient = jax.jit(jax.grad(lambda params: jnp.sum((apply(params, *args) - normal(3, 3, 20)) ** 2)))(params)
  for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
    assert float(jnp.abs(leaf).max()) > 1e-7, jax.tree_util.keystr(path)


def test_the_whole_ppg_and_the_step_reach_the_output():
  ppg, y, step = inputs(p=3)
  network = RespDiff(**SMALL)
  params, apply = started(network, ppg, y, step)
  assert apply(params, ppg, y, step).shape == (3, 20)
  slope = jax.jit(jax.grad(lambda ppg: (apply(params, ppg, y, step) ** 2).sum()))(ppg)
  assert (jnp.abs(slope) > 0).all()
  assert jnp.abs(apply(params, ppg, y, step + 1) - apply(params, ppg, y, step)).max() > 1e-4


def test_a_condition_made_once_serves_every_step():
  ppg, y, step = inputs()
  network = RespDiff(**SMALL)
  params, apply = started(network, ppg, y, step)
  encode, denoise = (jax.jit(functools.partial(network.apply, method=method)) for method in ("encode", "denoise"))
  condition = encode(params, ppg)
  for later in (step, step + 3):
    np.testing.assert_allclose(denoise(params, condition, y, later), apply(params, ppg, y, later), atol=1e-6)


def test_embedding_in_one_branch_leaves_the_other_alone():
  ppg, y, step = inputs()
  params, apply = started(RespDiff(**SMALL), ppg, y, step)
  one_branch = jax.jit(RespDiff(**SMALL, embed_both=False).apply)
  assert jnp.abs(apply(params, ppg, y, step) - one_branch(params, ppg, y, step)).max() > 1e-4


def test_members_may_be_vmapped():
  network, args = RespDiff(**SMALL), inputs(2, 9)
  params, apply = started(network, *args)
  stacked = jax.tree.map(lambda leaf: np.stack([leaf, leaf[::-1]]), params)
  together = jax.jit(jax.vmap(network.apply, (0, None, None, None)))(stacked, *args)
  for m in range(2):
    np.testing.assert_allclose(together[m], apply(jax.tree.map(lambda leaf, m=m: leaf[m], stacked), *args), atol=1e-5)


# Batch mates

@pytest.mark.parametrize("norm", ["group", "none", "batch_as_coded"])
def test_rows_do_not_see_their_mates_except_with_the_coded_norm(norm):
  ppg, y, step = inputs()
  args = ppg * jnp.array([0.1, 1.0, 10.0])[:, None, None], y, step
  params, apply = started(RespDiff(**SMALL, norm=norm), *args)
  alone = jnp.concatenate([apply(params, *(x[i:i + 1] for x in args)) for i in range(3)])
  difference = float(jnp.abs(apply(params, *args) - alone).max() / jnp.abs(alone).max())
  assert difference > 1e-3 if norm == "batch_as_coded" else difference < 1e-5


def test_the_coded_norm_standardises_over_batch_and_time_without_state():
  x = 3 * normal(0, 4, 50, 2) + 5
  params, apply = started(Norm("batch_as_coded"), x)
  out, weights = apply(params, x), params["params"]
  np.testing.assert_allclose(out.mean((0, 1)), weights["bias"], atol=1e-5)
  np.testing.assert_allclose(out.std((0, 1)), jnp.abs(weights["scale"]), atol=1e-5)
  assert list(params) == ["params"]


# The step embedding

def test_integer_steps_are_embedded_as_diffwave_does():
  module, step = StepEmbedding(5, pairs=3), np.array([0, 1, 49])
  params, apply = started(module, step)
  silu = lambda x: x / (1 + np.exp(-x))
  angle = step[:, None] * np.array([1.0, 100.0, 10000.0])
  hidden = np.concatenate([np.sin(angle), np.cos(angle)], 1)
  for layer in ("first", "second"):
    weights = jax.tree.map(np.asarray, params["params"][layer])
    hidden = silu(hidden @ weights["kernel"] + weights["bias"])
  np.testing.assert_allclose(apply(params, step), hidden, atol=1e-5)


def test_fractional_steps_lie_between_their_neighbours():
  params, apply = started(StepEmbedding(8), jnp.zeros(1))
  at = lambda step: apply(params, jnp.array([step]))
  np.testing.assert_array_equal(at(7.0), apply(params, jnp.array([7])))
  np.testing.assert_allclose(at(7.001), at(7.0), atol=2e-3)
  np.testing.assert_allclose(at(7.999), at(8.0), atol=2e-3)
  assert jnp.abs(at(7.5) - at(7.0)).max() > 1e-2


def test_every_output_depends_on_both_ends():
  args = inputs(1)
  network = RespDiff(**SMALL)
  params, _ = started(network, *args)
  slope = jax.jit(jax.jacobian(lambda y: network.apply(params, args[0], y, args[2])[0]))(args[1])[:, 0]  # [t, t]
  assert (jnp.abs(slope[:, 0]) > 0).all() and (jnp.abs(slope[:, -1]) > 0).all()


def test_initial_weights_are_spread_as_torch_spreads_them():
  rnn = BiRNN(hidden=100).init(KEY, normal(0, 1, 2, 40))
  for leaf in jax.tree.leaves(rnn):
    assert jnp.abs(leaf).max() <= 0.1 and jnp.abs(leaf).max() > 0.09
  conv = ParallelConv(64, (9,)).init(KEY, normal(0, 1, 20, 32))
  np.testing.assert_allclose(conv["params"]["branch_0"]["kernel"].std(), (2 / (9 * 32)) ** 0.5, rtol=0.03)
  dense = StepEmbedding(200).init(KEY, jnp.zeros(1))["params"]["first"]
  for leaf in jax.tree.leaves(dense):
    np.testing.assert_allclose(jnp.abs(leaf).max(), 128**-0.5, rtol=0.02)


@pytest.mark.parametrize("call,word", [
  (lambda: Norm("layer").init(KEY, jnp.zeros((1, 2, 3))), "layer"),
  (lambda: RespDiff(fine_kernels=(1,)).init(KEY, *inputs()), "same length"),
])
def test_mistakes_are_named(call, word):
  with pytest.raises(UserError, match=word):
    call()


# PyTorch

@pytest.mark.parametrize("options", [
  SMALL | {"cell": "tanh", "norm": "batch_as_coded", "embed_both": False},
  SMALL | {"cell": "tanh", "norm": "batch_as_coded", "embed_both": True},
  PUBLISHED,
], ids=["small", "small, both branches", "published size"])
def test_the_network_is_the_published_one(options):
  torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch, which is not installed")
  torch.set_num_threads(1)
  from benchmarks.torch_respdiff_network import twin
  ppg, y, step = inputs(2, 24)
  network = RespDiff(**options)
  params, apply = started(network, ppg, y, step)
  theirs = twin(network, params)
  assert sum(value.numel() for value in theirs.parameters()) == count(params)
  with torch.no_grad():
    out = theirs(*(torch.tensor(np.asarray(x)) for x in (ppg[..., 0], y, step))).numpy()
  assert np.abs(out).max() > 1e-2
  np.testing.assert_allclose(apply(params, ppg, y, step), out, atol=1e-4 * np.abs(out).max())
