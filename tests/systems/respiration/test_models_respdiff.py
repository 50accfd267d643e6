"""RespDiff's network: published counts, PyTorch parity, gradients everywhere, separate examples."""
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsig.errors import UserError
from jaxsig.nn.blocks import Norm, ParallelConv, StepEmbedding
from jaxsig.nn.recurrent import BiRNN
from jaxsig.systems.respiration.network import PUBLISHED, CoarseEncoder, RespDiff

pytestmark = pytest.mark.usefixtures("quick_compilation")

KEY = jax.random.key(0)
SMALL = {
    "channels": 4,
    "fine_kernels": (1, 3),
    "coarse_kernels": (3, 5),
    "dilations": (2,),
    "hidden": 6,
    "layers": 2,
    "head": (8, 5),
}


def normal(seed: int, *shape: int) -> np.ndarray:
  return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def inputs(b: int = 3, t: int = 20, p: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """(ppg_b_t_p, y_b_t, step_b)."""
  return normal(1, b, t, p), normal(2, b, t), np.arange(b) * 7


def started(module, *args):
  """(params, apply) with every leaf random, biases and scales too; by numpy, as compiling an init
  takes seconds."""
  random = np.random.default_rng(0)

  def draw(leaf):
    spread = 0.5
    if leaf.ndim > 1:
      spread = leaf.size**-0.25
    return spread * random.uniform(-1, 1, leaf.shape).astype(np.float32)

  shapes = jax.eval_shape(module.init, KEY, *args)
  return jax.tree.map(draw, shapes), jax.jit(module.apply)


def count(tree) -> int:
  """Parameters in a tree of shapes."""
  return sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(tree))


@pytest.fixture(scope="module")
def network():
  """(network, parameters, inputs, the compiled call)."""
  module = RespDiff(**SMALL)
  args = inputs(p=3)
  params, apply = started(module, *args)
  return module, params, args, apply


# Size


def test_the_published_network_has_the_published_number_of_parameters_in_every_block():
  shapes = jax.eval_shape(RespDiff(**PUBLISHED).init, KEY, *inputs(2, 150))["params"]
  blocks = {name: count(block) for name, block in shapes.items()}
  decoder = {name: count(layer) for name, layer in shapes["decoder"].items()}
  assert count(shapes) == 36_875_649
  assert blocks["coarse_ppg"] == 149_568
  assert blocks["embedding"] == 61_824
  assert blocks["fusion"] == 192
  assert blocks["fine_ppg"] == blocks["fine_y"] == 1_344
  assert blocks["rnn"] + decoder["layer_0"] + decoder["layer_1"] == 36_594_816
  assert decoder["layer_2"] + decoder["out"] == 66_561


def test_the_widest_coarse_branch_sees_85_samples():
  encoder = CoarseEncoder(3, (13,), (1, 2, 4), "none")
  x = normal(0, 1, 121, 1)
  params, _ = started(encoder, x)
  slope = jax.jit(jax.grad(lambda x: encoder.apply(params, x)[0, 60].sum()))
  seen = np.flatnonzero(slope(x)[0, :, 0])
  np.testing.assert_array_equal(seen[[0, -1]], [60 - 42, 60 + 42])


# Life in every part


@pytest.mark.parametrize("options", [
    {"cell": "tanh", "norm": "batch_as_coded", "embed_both": False},
    {"cell": "gru", "norm": "group", "embed_both": True},
    {"cell": "lstm", "norm": "none", "embed_both": True},
    {"cell": "linear", "layer_norm": True, "residual": True},
], ids=str)
def test_no_leaf_of_the_gradient_is_zero(options):
  module = RespDiff(**SMALL | options)
  args = inputs(p=3 if options["cell"] == "linear" else 1)
  params, _ = started(module, *args)
  target_b_t = normal(3, 3, 20)

  @jax.jit
  @jax.grad
  def gradient(params):
    return jnp.sum((module.apply(params, *args) - target_b_t) ** 2)

  for path, leaf in jax.tree_util.tree_leaves_with_path(gradient(params)):
    assert np.abs(leaf).max() > 1e-7, jax.tree_util.keystr(path)


def test_the_whole_ppg_and_the_step_reach_the_output(network):
  module, params, (ppg, y, step), apply = network
  out = apply(params, ppg, y, step)
  assert out.shape == (3, 20)
  slope = jax.jit(jax.grad(lambda ppg: (module.apply(params, ppg, y, step) ** 2).sum()))(ppg)
  assert (np.abs(slope) > 0).all()
  assert np.abs(apply(params, ppg, y, step + 1) - out).max() > 1e-4


def test_every_output_depends_on_both_ends(network):
  module, params, (ppg, y, step), _ = network

  @jax.jit
  @jax.jacrev
  def jacobian(y):
    return module.apply(params, ppg[:1], y, step[:1])[0]

  slope_t_t = np.abs(jacobian(y[:1])[:, 0])
  assert (slope_t_t[:, 0] > 0).all()
  assert (slope_t_t[:, -1] > 0).all()


def test_a_condition_made_once_serves_every_step(network):
  module, params, (ppg, y, step), apply = network

  @jax.jit
  def in_two_parts(params, ppg, y, step):
    condition = module.apply(params, ppg, method="encode")
    first = module.apply(params, condition, y, step, method="denoise")
    later = module.apply(params, condition, y, step + 3, method="denoise")
    return first, later

  first, later = in_two_parts(params, ppg, y, step)
  np.testing.assert_allclose(first, apply(params, ppg, y, step), atol=1e-6)
  np.testing.assert_allclose(later, apply(params, ppg, y, step + 3), atol=1e-6)


def test_embedding_in_one_branch_leaves_the_other_alone(network):
  _, params, args, apply = network
  one_branch = jax.jit(RespDiff(**SMALL, embed_both=False).apply)
  assert np.abs(apply(params, *args) - one_branch(params, *args)).max() > 1e-4


def test_members_may_be_vmapped(network):
  module, params, args, apply = network
  params_m = jax.tree.map(lambda leaf: np.stack([leaf, leaf[::-1]]), params)
  together = jax.jit(jax.vmap(module.apply, (0, None, None, None)))(params_m, *args)
  for m in range(2):
    alone = apply(jax.tree.map(lambda leaf, m=m: leaf[m], params_m), *args)
    np.testing.assert_allclose(together[m], alone, atol=1e-5)


# Batch mates


@pytest.mark.parametrize("norm", ["group", "none", "batch_as_coded"])
def test_examples_do_not_see_their_mates_except_with_the_coded_norm(norm):
  module = RespDiff(**SMALL, norm=norm)
  ppg, y, step = inputs()
  ppg = ppg * np.array([0.1, 1.0, 10.0], np.float32)[:, None, None]
  params, _ = started(module, ppg, y, step)

  @jax.jit
  def both_ways(params, ppg, y, step):
    together = module.apply(params, ppg, y, step)
    one_by_one = (ppg[:, None], y[:, None], step[:, None])
    alone = jax.lax.map(lambda one: module.apply(params, *one)[0], one_by_one)
    return together, alone

  together, alone = map(np.asarray, both_ways(params, ppg, y, step))
  difference = np.abs(together - alone).max() / np.abs(alone).max()
  if norm == "batch_as_coded":
    assert difference > 1e-3
  else:
    assert difference < 1e-5


def test_the_coded_norm_standardises_over_batch_and_time_without_state():
  x = 3 * normal(0, 4, 50, 2) + 5
  params, apply = started(Norm("batch_as_coded"), x)
  out = np.asarray(apply(params, x))
  weights = params["params"]
  np.testing.assert_allclose(out.mean((0, 1)), weights["bias"], atol=1e-5)
  np.testing.assert_allclose(out.std((0, 1)), np.abs(weights["scale"]), atol=1e-5)
  assert list(params) == ["params"]


# The step embedding


def test_integer_steps_are_embedded_as_diffwave_does():
  step = np.array([0, 1, 49])
  params, apply = started(StepEmbedding(5, pairs=3), step)
  angle = step[:, None] * np.array([1.0, 100.0, 10000.0])
  hidden = np.concatenate([np.sin(angle), np.cos(angle)], 1)
  for layer in ("first", "second"):
    weights = params["params"][layer]
    x = hidden @ weights["kernel"] + weights["bias"]
    hidden = x / (1 + np.exp(-x))   # SiLU
  np.testing.assert_allclose(apply(params, step), hidden, atol=1e-5)


def test_fractional_steps_lie_between_their_neighbours():
  params, apply = started(StepEmbedding(8), np.zeros(1, np.float32))
  steps = np.array([7.0, 7.001, 7.5, 7.999, 8.0], np.float32)
  seven, after_seven, half, before_eight, eight = np.asarray(apply(params, steps))
  integer_seven = np.asarray(apply(params, np.array([7, 7, 7, 7, 7])))[0]
  np.testing.assert_array_equal(seven, integer_seven)
  np.testing.assert_allclose(after_seven, seven, atol=2e-3)
  np.testing.assert_allclose(before_eight, eight, atol=2e-3)
  assert np.abs(half - seven).max() > 1e-2


# Initial weights


def test_initial_weights_are_spread_as_torch_spreads_them():
  rnn = jax.jit(BiRNN(hidden=100).init)(KEY, normal(0, 1, 2, 40))
  for leaf in jax.tree.leaves(rnn):
    assert np.abs(leaf).max() <= 0.1
    assert np.abs(leaf).max() > 0.09

  conv = jax.jit(ParallelConv(64, (9,)).init)(KEY, normal(0, 1, 20, 32))
  kernel = np.asarray(conv["params"]["branch_0"]["kernel"])
  np.testing.assert_allclose(kernel.std(), (2 / (9 * 32)) ** 0.5, rtol=0.03)

  embedding = jax.jit(StepEmbedding(200).init)(KEY, np.zeros(1, np.float32))
  for leaf in jax.tree.leaves(embedding["params"]["first"]):
    np.testing.assert_allclose(np.abs(leaf).max(), 128**-0.5, rtol=0.02)


@pytest.mark.parametrize("module, args, word", [
    (Norm("layer"), (np.zeros((1, 2, 3)),), "layer"),
    (RespDiff(fine_kernels=(1,)), inputs(), "same length"),
])
def test_mistakes_are_named(module, args, word):
  with pytest.raises(UserError, match=word):
    module.init(KEY, *args)


# PyTorch


@pytest.mark.parametrize("options", [
    SMALL | {"cell": "tanh", "norm": "batch_as_coded", "embed_both": False},
    SMALL | {"cell": "tanh", "norm": "batch_as_coded", "embed_both": True},
    PUBLISHED,
], ids=["small", "small, both branches", "published size"])
def test_the_network_is_the_published_one(options):
  torch = pytest.importorskip(
      "torch", reason="parity with PyTorch needs torch, which is not installed"
  )
  torch.set_num_threads(1)
  from benchmarks.torch_respdiff_network import twin
  ppg, y, step = inputs(2, 24)
  module = RespDiff(**options)
  params, apply = started(module, ppg, y, step)
  torch_network = twin(module, params)
  assert sum(value.numel() for value in torch_network.parameters()) == count(params)

  torch_inputs = [torch.tensor(x) for x in (ppg[..., 0], y, step)]
  with torch.no_grad():
    expected = torch_network(*torch_inputs).numpy()
  assert np.abs(expected).max() > 1e-2
  tolerance = 1e-4 * np.abs(expected).max()
  np.testing.assert_allclose(apply(params, ppg, y, step), expected, atol=tolerance)
