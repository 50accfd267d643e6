"""RespDiff's network and recurrent layers: published counts, PyTorch parity, gradients everywhere, separate rows."""
import functools
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsig.errors import UserError
from jaxsig.models.blocks import Norm, ParallelConv, StepEmbedding
from jaxsig.models.recurrent import CELLS, BiRNN, resolve
from jaxsig.models.respdiff import PUBLISHED, CoarseEncoder, RespDiff

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
  args = ppg * jnp.array([[0.1], [1.0], [10.0]]), y, step
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


# Recurrent layers

def birnn(cell, **options):
  return BiRNN(hidden=5, layers=2, cell=cell, **options)


@pytest.mark.parametrize("cell,form", [(cell, "plain") for cell in CELLS] + [("linear", "associative")])
def test_scan_forms_agree_in_value_and_gradient(cell, form):
  x = normal(0, 2, 11, 3)
  params, _ = started(birnn(cell), x)

  def value_and_gradient(form):
    loss = lambda params, x: jnp.sum(jnp.sin(birnn(cell, scan_form=form).apply(params, x)))
    return jax.jit(jax.value_and_grad(loss, (0, 1)))(params, x)

  close = functools.partial(np.testing.assert_allclose, atol=1e-5)
  jax.tree.map(close, value_and_gradient(form), value_and_gradient("hoisted"))


@pytest.mark.parametrize("cell", CELLS)
def test_one_half_of_the_output_reads_the_past_and_the_other_the_future(cell):
  module, x = BiRNN(hidden=5, cell=cell), normal(0, 1, 9, 3)
  params, _ = started(module, x)
  jacobian = jax.jit(jax.jacobian(lambda x: module.apply(params, x)[0, 4]))(x)[:, 0]  # [2h, t, c]
  reads = np.asarray(jnp.abs(jacobian).max(-1) > 0)
  np.testing.assert_array_equal(reads[:5], np.tile(np.arange(9) <= 4, (5, 1)))
  np.testing.assert_array_equal(reads[5:], np.tile(np.arange(9) >= 4, (5, 1)))


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


def test_residual_and_norm_change_the_layers_they_should():
  x = normal(0, 2, 7, 10)
  plain = BiRNN(5, 2)
  params, apply = started(plain, x)
  first = jax.jit(BiRNN(5, 1).apply)({"params": {k: v for k, v in params["params"].items() if "_l0" in k}}, x)
  with_residual = jax.jit(BiRNN(5, 2, residual=True).apply)(params, x)
  np.testing.assert_allclose(with_residual, apply(params, x) + first, atol=1e-6)
  normed, apply = started(BiRNN(5, 1, layer_norm=True), x)
  np.testing.assert_allclose(apply(normed, 3 * x + 2), apply(normed, x), atol=1e-4)


@pytest.mark.parametrize("call,word", [
  (lambda: resolve("auto", "elman"), "elman"),
  (lambda: resolve("fused", "gru"), "fused"),
  (lambda: resolve("associative", "gru"), "not linear"),
  (lambda: Norm("layer").init(KEY, jnp.zeros((1, 2, 3))), "layer"),
  (lambda: RespDiff(fine_kernels=(1,)).init(KEY, *inputs()), "same length"),
])
def test_mistakes_are_named(call, word):
  with pytest.raises(UserError, match=word):
    call()


# PyTorch

@pytest.fixture
def torch():
  module = pytest.importorskip("torch", reason="parity with PyTorch needs torch, which is not installed")
  module.set_num_threads(1)
  return module


def tensors(torch, params):
  """Flax parameters under torch's names and layouts; recurrent weights are torch's already."""
  names = {"kernel": "weight", "scale": "weight"}
  turned = {"kernel": lambda value: value.transpose(tuple(range(value.ndim))[::-1])}
  out = {}
  for path, leaf in jax.tree_util.tree_leaves_with_path(params["params"]):
    *parents, name = (part.key for part in path)
    value = turned.get(name, lambda value: value)(np.asarray(leaf))
    out[".".join([*parents, names.get(name, name)])] = torch.tensor(value.copy())
  return out


@pytest.mark.parametrize("cell,twin", [("tanh", "RNN"), ("gru", "GRU"), ("lstm", "LSTM")])
def test_recurrent_layers_and_their_gradients_are_torchs(torch, cell, twin):
  x = normal(0, 3, 12, 4)
  params, apply = started(birnn(cell), x)
  theirs = getattr(torch.nn, twin)(4, 5, 2, bidirectional=True, batch_first=True)
  theirs.load_state_dict(tensors(torch, params))
  out = theirs(torch.tensor(np.asarray(x)))[0]
  np.testing.assert_allclose(apply(params, x), out.detach().numpy(), atol=1e-6)
  out.square().sum().backward()
  gradient = jax.jit(jax.grad(lambda params: (birnn(cell).apply(params, x) ** 2).sum()))(params)["params"]
  for name, value in theirs.named_parameters():
    np.testing.assert_allclose(gradient[name], value.grad.numpy(), atol=1e-4, err_msg=name)


def torch_respdiff(torch, channels, fine_kernels, coarse_kernels, dilations, hidden, layers, head, embed_both, **_):
  """The published architecture (arXiv 2410.04366 and facts about its code) in torch, under this package's names."""
  nn = torch.nn
  width = channels * len(fine_kernels)
  same = lambda c, k, d=1: nn.Conv1d(c, channels, k, dilation=d, padding="same")

  class Network(nn.Module):
    def __init__(self):
      super().__init__()
      self.fine_ppg, self.fine_y = (nn.ModuleDict({f"branch_{i}": same(1, k) for i, k in enumerate(fine_kernels)})
                                    for _ in range(2))
      self.coarse_ppg = nn.ModuleDict()
      for i, k in enumerate(coarse_kernels):
        self.coarse_ppg[f"branch_{i}_in"] = same(1, 1)
        for j, dilation in enumerate(dilations):
          self.coarse_ppg[f"branch_{i}_conv_{j}"] = same(channels, k, dilation)
          self.coarse_ppg[f"branch_{i}_norm_{j}"] = nn.BatchNorm1d(channels, track_running_stats=False)
      self.fusion = nn.Parameter(torch.ones(width))
      self.embedding = nn.ModuleDict({"first": nn.Linear(128, width), "second": nn.Linear(width, width)})
      self.rnn = nn.RNN(2 * width, hidden, layers, bidirectional=True, batch_first=True)
      widths = [2 * hidden, *head]
      self.decoder = nn.ModuleDict({f"layer_{i}": nn.Linear(a, b) for i, (a, b) in enumerate(pairwise(widths))})
      self.decoder["out"] = nn.Linear(widths[-1], 1)

    def coarse(self, x, i):
      x = self.coarse_ppg[f"branch_{i}_in"](x)
      for j in range(len(dilations)):
        x = self.coarse_ppg[f"branch_{i}_norm_{j}"](torch.relu(self.coarse_ppg[f"branch_{i}_conv_{j}"](x)) + x)
      return x

    def forward(self, ppg, y, step):
      ppg, y = ppg[:, None], y[:, None]
      fine = lambda encoder, x: torch.cat([conv(x) for conv in encoder.values()], 1)
      coarse = torch.cat([self.coarse(ppg, i) for i in range(len(coarse_kernels))], 1)
      angle = step[:, None] * torch.tensor(10.0 ** (4 * np.arange(64) / 63), dtype=torch.float32)
      embedded = torch.cat([torch.sin(angle), torch.cos(angle)], 1)
      for layer in self.embedding.values():
        embedded = nn.functional.silu(layer(embedded))
      from_ppg = fine(self.fine_ppg, ppg) + embedded[..., None] + self.fusion[:, None] * coarse
      from_y = fine(self.fine_y, y) + (embedded[..., None] if embed_both else 0)
      x = self.rnn(torch.cat([from_ppg, from_y], 1).transpose(1, 2))[0]
      for i in range(len(head)):
        x = torch.relu(self.decoder[f"layer_{i}"](x))
      return self.decoder["out"](x)[..., 0]

  return Network()


@pytest.mark.parametrize("options", [
  SMALL | {"cell": "tanh", "norm": "batch_as_coded", "embed_both": False},
  SMALL | {"cell": "tanh", "norm": "batch_as_coded", "embed_both": True},
  PUBLISHED,
], ids=["small", "small, both branches", "published size"])
def test_the_network_is_the_published_one(torch, options):
  args = inputs(2, 24)
  network = RespDiff(**options)
  params, apply = started(network, *args)
  fields = {name: getattr(network, name) for name in network.__dataclass_fields__}
  theirs = torch_respdiff(torch, **fields)
  theirs.load_state_dict(tensors(torch, params))
  assert sum(value.numel() for value in theirs.parameters()) == count(params)
  with torch.no_grad():
    out = theirs(*(torch.tensor(np.asarray(x)) for x in (args[0][..., 0], *args[1:]))).numpy()
  assert np.abs(out).max() > 1e-2
  np.testing.assert_allclose(apply(params, *args), out, atol=1e-4 * np.abs(out).max())
