"""Recurrent layers: every scan form computes and differentiates the same, reads what it should, and
is PyTorch's."""
import functools
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsig.errors import UserError
from jaxsig.nn import recurrent
from jaxsig.nn.recurrent import CELLS, BiRNN, resolve

pytestmark = pytest.mark.usefixtures("quick_compilation")

HIDDEN = 5
WITH_MATRIX = [name for name, cell in CELLS.items() if not cell.linear]
OTHER_FORMS = {
    "tanh": ("hoisted", "fused"),
    "gru": ("hoisted", "fused"),
    "lstm": ("hoisted", "fused"),
    "linear": ("hoisted", "associative"),
}


def normal(seed: int, *shape: int) -> np.ndarray:
  return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def weights(module: BiRNN, x: np.ndarray):
  """Random parameters, biases too, without compiling an init."""
  random = np.random.default_rng(0)

  def draw(leaf):
    return 0.7 * random.uniform(-1, 1, leaf.shape).astype(np.float32)

  shapes = jax.eval_shape(module.init, jax.random.key(0), x)
  return jax.tree.map(draw, shapes)


def loss_and_gradients(module: BiRNN, params, x):
  """(loss, (gradient of the parameters, gradient of x))."""
  def loss(params, x):
    return jnp.sum(jnp.sin(module.apply(params, x)))

  return jax.value_and_grad(loss, (0, 1))(params, x)


# One result, whatever the form


@functools.cache
def double_precision_results(cell: str, form: str) -> list[np.ndarray]:
  """Loss and gradients of a layer, float64."""
  module = BiRNN(HIDDEN, 1, cell, form)
  x = normal(0, 2, 11, 3)
  params = weights(module, x)
  with jax.enable_x64(True):
    double = jax.tree.map(np.float64, (params, x))
    results = jax.jit(functools.partial(loss_and_gradients, module))(*double)
    return jax.tree.leaves(jax.tree.map(np.asarray, results))


@pytest.mark.parametrize("cell", CELLS)
def test_scan_forms_agree_in_value_and_gradient_to_double_precision(cell):
  plain = double_precision_results(cell, "plain")
  for form in OTHER_FORMS[cell]:
    other = double_precision_results(cell, form)
    for x, expected in zip(other, plain, strict=True):
      assert x.dtype == np.float64
      assert np.abs(expected).max() > 1e-3
      np.testing.assert_allclose(x, expected, rtol=0, atol=1e-10, err_msg=form)


@pytest.mark.parametrize("cell", WITH_MATRIX)
def test_the_fused_form_may_be_vmapped_over_members_and_looped_over(cell):
  fused = functools.partial(loss_and_gradients, BiRNN(HIDDEN, 1, cell, "fused"))
  plain = jax.jit(functools.partial(loss_and_gradients, BiRNN(HIDDEN, 1, cell, "plain")))
  x_m = normal(1, 3, 2, 7, 3)
  params = weights(BiRNN(HIDDEN, 1, cell), x_m[0])
  params_m = jax.tree.map(lambda leaf: np.stack([leaf, -leaf, 0.5 * leaf]), params)

  @jax.jit
  def together(params_m, x_m):
    vmapped = jax.vmap(fused)(params_m, x_m)
    looped = jax.lax.map(lambda one: fused(*one), (params_m, x_m))
    return vmapped, looped

  vmapped, looped = together(params_m, x_m)
  for m in range(3):
    alone = plain(jax.tree.map(lambda leaf, m=m: leaf[m], params_m), x_m[m])
    for results_m in (vmapped, looped):
      for of_all, of_one in zip(jax.tree.leaves(results_m), jax.tree.leaves(alone), strict=True):
        np.testing.assert_allclose(of_all[m], of_one, atol=1e-5)


@pytest.mark.parametrize("cell", WITH_MATRIX)
def test_only_the_fused_form_carries_no_gradient_of_the_weights_through_its_loop(cell):
  x = normal(0, 2, 11, 3)
  weight_shape = (HIDDEN * CELLS[cell].gates, HIDDEN)
  for form, carried in (("hoisted", True), ("fused", False)):
    module = BiRNN(HIDDEN, 2, cell, form)
    gradients = functools.partial(loss_and_gradients, module)
    jaxpr = jax.make_jaxpr(gradients)(weights(module, x), x)
    shapes = [tuple(variable.aval.shape) for variable in carried_variables(jaxpr.jaxpr)]
    assert (2, HIDDEN) in shapes
    has_weight = weight_shape in shapes or weight_shape[::-1] in shapes
    assert has_weight == carried


def carried_variables(jaxpr) -> Iterator:
  """What the scans in a jaxpr, and in those within it, carry from step to step."""
  def is_jaxpr(x):
    return hasattr(x, "eqns") or hasattr(x, "jaxpr")

  for equation in jaxpr.eqns:
    if equation.primitive.name == "scan":
      yield from equation.outvars[:equation.params["num_carry"]]
    parameters = list(equation.params.values())
    for inner in jax.tree.leaves(parameters, is_leaf=is_jaxpr):
      if is_jaxpr(inner):
        yield from carried_variables(getattr(inner, "jaxpr", inner))


def test_auto_is_fused_on_cpu_and_as_before_elsewhere(monkeypatch):
  on_cpu = [resolve("auto", cell) for cell in CELLS]
  assert on_cpu == ["fused", "fused", "fused", "hoisted"]
  monkeypatch.setattr(recurrent.jax, "default_backend", lambda: "gpu")
  on_gpu = [resolve("auto", cell) for cell in CELLS]
  assert on_gpu == ["hoisted", "hoisted", "hoisted", "associative"]


@pytest.mark.parametrize("form, cell, word", [
    ("auto", "elman", "elman"),
    ("blocked", "gru", "blocked"),
    ("associative", "gru", "not linear"),
    ("fused", "linear", "no matrix"),
])
def test_mistakes_are_named(form, cell, word):
  with pytest.raises(UserError, match=word):
    resolve(form, cell)


# What reads what


@pytest.mark.parametrize("cell", CELLS)
def test_one_half_of_the_output_reads_the_past_and_the_other_the_future(cell):
  module = BiRNN(HIDDEN, cell=cell)
  x = normal(0, 1, 9, 3)
  params = weights(module, x)

  @jax.jit
  @jax.jacrev
  def jacobian(x):
    return module.apply(params, x)[0, 4]

  slope_h_t_c = np.asarray(jacobian(x))[:, 0]
  reads_h_t = np.abs(slope_h_t_c).max(-1) > 0
  t = np.arange(9)
  np.testing.assert_array_equal(reads_h_t[:HIDDEN], np.tile(t <= 4, (HIDDEN, 1)))
  np.testing.assert_array_equal(reads_h_t[HIDDEN:], np.tile(t >= 4, (HIDDEN, 1)))


def test_residual_adds_the_input_from_the_second_layer_on():
  x = normal(0, 2, 7, 10)
  params = weights(BiRNN(HIDDEN, 2), x)
  of_first_layer = {}
  for name, leaf in params["params"].items():
    if "_l0" in name:
      of_first_layer[name] = leaf

  @jax.jit
  def outputs(params, x):
    first = BiRNN(HIDDEN, 1).apply({"params": of_first_layer}, x)
    plain = BiRNN(HIDDEN, 2).apply(params, x)
    residual = BiRNN(HIDDEN, 2, residual=True).apply(params, x)
    return first, plain, residual

  first, plain, residual = map(np.asarray, outputs(params, x))
  np.testing.assert_allclose(residual, plain + first, atol=1e-6)


def test_a_normed_layer_knows_no_level_or_scale_of_its_input():
  x = normal(0, 2, 7, 10)
  module = BiRNN(HIDDEN, 1, layer_norm=True)
  params = weights(module, x)
  apply = jax.jit(module.apply)
  np.testing.assert_allclose(apply(params, 3 * x + 2), apply(params, x), atol=1e-4)


# PyTorch


@pytest.mark.parametrize("cell, name", [("tanh", "RNN"), ("gru", "GRU"), ("lstm", "LSTM")])
def test_recurrent_layers_and_their_gradients_are_torchs(cell, name):
  torch = pytest.importorskip(
      "torch", reason="parity with PyTorch needs torch, which is not installed"
  )
  torch.set_num_threads(1)
  module = BiRNN(HIDDEN, 2, cell)
  x = normal(0, 3, 12, 4)
  params = weights(module, x)
  torch_layers = getattr(torch.nn, name)(4, HIDDEN, 2, bidirectional=True, batch_first=True)
  state = {name: torch.tensor(leaf) for name, leaf in params["params"].items()}
  torch_layers.load_state_dict(state)

  expected, _ = torch_layers(torch.tensor(x))
  expected.square().sum().backward()

  @jax.jit
  def output_and_gradient(params):
    gradient = jax.grad(lambda params: (module.apply(params, x) ** 2).sum())(params)
    return module.apply(params, x), gradient

  output, gradient = output_and_gradient(params)
  np.testing.assert_allclose(output, expected.detach().numpy(), atol=1e-6)
  for name, value in torch_layers.named_parameters():
    expected_gradient = value.grad.numpy()
    np.testing.assert_allclose(
        gradient["params"][name], expected_gradient, atol=1e-4, err_msg=name
    )
