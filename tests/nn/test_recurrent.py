"""Recurrent layers: every scan form computes and differentiates the same, reads what it should, and is PyTorch's."""
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsig.errors import UserError
from jaxsig.nn import recurrent
from jaxsig.nn.recurrent import CELLS, BiRNN, resolve

WITH_MATRIX = [name for name, cell in CELLS.items() if not cell.linear]
FORMS = [(cell, form) for cell in CELLS for form in ("hoisted", "associative" if CELLS[cell].linear else "fused")]


def birnn(cell, scan_form="auto", **options):
  return BiRNN(hidden=5, layers=2, cell=cell, scan_form=scan_form, **options)


def normal(seed, *shape):
  return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def weights(module, x):
  """Random parameters, biases too, without compiling an init."""
  random = np.random.default_rng(0)
  return jax.tree.map(lambda leaf: 0.7 * random.uniform(-1, 1, leaf.shape).astype(np.float32),
                      jax.eval_shape(module.init, jax.random.key(0), x))


def loss_and_gradients(module, params, x):
  return jax.value_and_grad(lambda params, x: jnp.sum(jnp.sin(module.apply(params, x))), (0, 1))(params, x)


# One result, whatever the form

@pytest.mark.parametrize("cell,form", FORMS)
def test_scan_forms_agree_in_value_and_gradient_to_double_precision(cell, form):
  with jax.enable_x64(True):
    x = normal(0, 2, 11, 3).astype(np.float64)
    params = jax.tree.map(np.float64, weights(birnn(cell), x))
    results = [jax.jit(functools.partial(loss_and_gradients, birnn(cell, name)))(params, x) for name in ("plain", form)]
    for ours, plain in zip(jax.tree.leaves(results[1]), jax.tree.leaves(results[0]), strict=True):
      assert ours.dtype == np.float64 and np.abs(plain).max() > 1e-3
      np.testing.assert_allclose(ours, plain, rtol=0, atol=1e-10)


@pytest.mark.parametrize("cell", WITH_MATRIX)
def test_the_fused_form_may_be_vmapped_over_members_and_looped_over(cell):
  module, x_m = birnn(cell, "fused"), normal(1, 3, 2, 7, 3)
  params = weights(module, x_m[0])
  params_m = jax.tree.map(lambda leaf: np.stack([leaf, -leaf, 0.5 * leaf]), params)
  one = jax.jit(functools.partial(loss_and_gradients, birnn(cell, "plain")))
  alone = [one(jax.tree.map(lambda leaf, m=m: leaf[m], params_m), x_m[m]) for m in range(3)]
  alone = jax.tree.map(lambda *leaves: np.stack(leaves), *alone)
  both = functools.partial(loss_and_gradients, module)
  for together in (jax.jit(jax.vmap(both)), jax.jit(lambda *args: jax.lax.map(lambda one: both(*one), args))):
    jax.tree.map(functools.partial(np.testing.assert_allclose, atol=1e-5), together(params_m, x_m), alone)


@pytest.mark.parametrize("cell", WITH_MATRIX)
def test_only_the_fused_form_carries_no_gradient_of_the_weights_through_its_loop(cell):
  x = normal(0, 2, 11, 3)
  shape = (5 * CELLS[cell].gates, 5)
  for form, carried in (("hoisted", True), ("fused", False)):
    module = birnn(cell, form)
    jaxpr = jax.make_jaxpr(functools.partial(loss_and_gradients, module))(weights(module, x), x)
    shapes = [tuple(v.aval.shape) for carry in _carries(jaxpr.jaxpr) for v in carry]
    assert (2, 5) in shapes
    assert (shape in shapes or shape[::-1] in shapes) == carried


def _carries(jaxpr):
  for eqn in jaxpr.eqns:
    if eqn.primitive.name == "scan":
      yield eqn.outvars[:eqn.params["num_carry"]]
    for inner in jax.tree.leaves(list(eqn.params.values()), is_leaf=lambda p: hasattr(p, "eqns") or hasattr(p, "jaxpr")):
      if hasattr(inner, "eqns") or hasattr(inner, "jaxpr"):
        yield from _carries(getattr(inner, "jaxpr", inner))


def test_auto_is_fused_on_cpu_and_as_before_elsewhere(monkeypatch):
  assert [resolve("auto", cell) for cell in CELLS] == ["fused", "fused", "fused", "hoisted"]
  monkeypatch.setattr(recurrent.jax, "default_backend", lambda: "gpu")
  assert [resolve("auto", cell) for cell in CELLS] == ["hoisted", "hoisted", "hoisted", "associative"]


@pytest.mark.parametrize("form,cell,word", [
  ("auto", "elman", "elman"), ("blocked", "gru", "blocked"), ("associative", "gru", "not linear"), ("fused", "linear", "no matrix")])
def test_mistakes_are_named(form, cell, word):
  with pytest.raises(UserError, match=word):
    resolve(form, cell)


# What reads what

@pytest.mark.parametrize("cell", CELLS)
def test_one_half_of_the_output_reads_the_past_and_the_other_the_future(cell):
  module, x = BiRNN(hidden=5, cell=cell), normal(0, 1, 9, 3)
  params = weights(module, x)
  jacobian = jax.jit(jax.jacobian(lambda x: module.apply(params, x)[0, 4]))(x)[:, 0]  # [2h, t, c]
  reads = np.asarray(jnp.abs(jacobian).max(-1) > 0)
  np.testing.assert_array_equal(reads[:5], np.tile(np.arange(9) <= 4, (5, 1)))
  np.testing.assert_array_equal(reads[5:], np.tile(np.arange(9) >= 4, (5, 1)))


def test_residual_and_norm_change_the_layers_they_should():
  x = normal(0, 2, 7, 10)
  plain = BiRNN(5, 2)
  params, apply = weights(plain, x), jax.jit(plain.apply)
  first = jax.jit(BiRNN(5, 1).apply)({"params": {k: v for k, v in params["params"].items() if "_l0" in k}}, x)
  with_residual = jax.jit(BiRNN(5, 2, residual=True).apply)(params, x)
  np.testing.assert_allclose(with_residual, apply(params, x) + first, atol=1e-6)
  normed = BiRNN(5, 1, layer_norm=True)
  params, apply = weights(normed, x), jax.jit(normed.apply)
  np.testing.assert_allclose(apply(params, 3 * x + 2), apply(params, x), atol=1e-4)


# PyTorch

@pytest.mark.parametrize("cell,twin", [("tanh", "RNN"), ("gru", "GRU"), ("lstm", "LSTM")])
def test_recurrent_layers_and_their_gradients_are_torchs(cell, twin):
  torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch, which is not installed")
  torch.set_num_threads(1)
  x = normal(0, 3, 12, 4)
  params = weights(birnn(cell), x)
  theirs = getattr(torch.nn, twin)(4, 5, 2, bidirectional=True, batch_first=True)
  theirs.load_state_dict({name: torch.tensor(leaf) for name, leaf in params["params"].items()})
  out = theirs(torch.tensor(x))[0]
  np.testing.assert_allclose(jax.jit(birnn(cell).apply)(params, x), out.detach().numpy(), atol=1e-6)
  out.square().sum().backward()
  gradient = jax.jit(jax.grad(lambda params: (birnn(cell).apply(params, x) ** 2).sum()))(params)["params"]
  for name, value in theirs.named_parameters():
    np.testing.assert_allclose(gradient[name], value.grad.numpy(), atol=1e-4, err_msg=name)
