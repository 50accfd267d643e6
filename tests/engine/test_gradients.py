"""The check of gradients: every system's loss passes, planted errors are found where they are, and wrong steps are seen to be wrong."""
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from builders import ROOT

import jaxsig
from jaxsig.engine import gradients
from jaxsig.errors import UserError
from jaxsig.systems.cnn_notes import hand_backpropagation, hand_gradients
from jaxsig.systems.cnn_notes.feature_maps import convolve

SYSTEMS = {"respdiff", "phase_retrieval", "cnn_notes"}
CONFIGS = [path for path in sorted((ROOT / "configs").glob("*.py")) if jaxsig.load_config(path, "smoke").task in SYSTEMS]
FLOAT32 = {"phase_retrieval"}   # computes in float32 whatever its parameters are: images, and the types of its layers


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_loss_of_every_system(path):
  config = jaxsig.load_config(path, "smoke")
  report = jaxsig.check_gradients(config, elements=3, directions=3)
  assert report.ok, str(report)
  assert report.precision == ("float32" if config.task in FLOAT32 else "float64")
  assert all(row.absolute > 0 for row in report.rows), "a leaf that the loss does not see"


def mlp(params):
  """A smooth loss of two dense layers."""
  x, t = (np.random.default_rng(i).standard_normal((8, 5)) for i in (0, 1))
  hidden = jnp.tanh(x.astype(np.float32) @ params["first"]["weight"] + params["first"]["bias"])
  return jnp.mean((hidden @ params["second"]["weight"] + params["second"]["bias"] - t.astype(np.float32)) ** 2)


def weights(*shapes, seed=0):
  rng = np.random.default_rng(seed)
  return [jnp.asarray(rng.standard_normal(shape) / shape[0] ** 0.5, jnp.float32) for shape in shapes]


def mlp_params():
  first, bias, second, last = weights((5, 6), (6,), (6, 5), (5,))
  return {"first": {"weight": first, "bias": bias}, "second": {"weight": second, "bias": last}}


def backwards(change):
  """The identity, with its derivative changed."""
  identity = jax.custom_vjp(lambda x: x)
  identity.defvjp(lambda x: (x, None), lambda _, g: (change(g),))
  return identity


@pytest.mark.parametrize("x64, tolerance", [(True, 1e-8), (False, 1e-2)])
def test_a_right_gradient_passes(x64, tolerance):
  report = gradients.check_gradients(mlp, mlp_params(), x64=x64)
  assert report.ok and report.precision == ("float64" if x64 else "float32")
  assert report.worst.relative == max(row.relative for row in report.rows) and report.worst.tolerance < tolerance
  assert {row.path: row.shape for row in report.rows} == {
      "first/weight": (5, 6), "first/bias": (6,), "second/weight": (6, 5), "second/bias": (5,)}
  lines = str(report).splitlines()
  assert len(lines) == 3 + 4 + 1 and report.worst.path in lines[3] and "random directions" in lines[-1]


@pytest.mark.parametrize("x64", [True, False])
@pytest.mark.parametrize("layer, leaf", [("first", "weight"), ("second", "bias")])
@pytest.mark.parametrize("change", ["factor", "sign", "entry"])
def test_a_planted_error_is_found_in_its_leaf(x64, layer, leaf, change):
  factor = 1.001 if x64 else 1.1   # float32 has no eyes for a thousandth
  change = {"factor": lambda g: factor * g, "sign": lambda g: -g, "entry": lambda g: g.at[(0,) * g.ndim].multiply(factor)}[change]
  wrong = lambda params: mlp({**params, layer: {**params[layer], leaf: backwards(change)(params[layer][leaf])}})
  report = gradients.check_gradients(wrong, mlp_params(), elements=30, x64=x64)
  assert not report.ok and report.worst.path == f"{layer}/{leaf}"
  assert [row.ok for row in report.rows] == [False, True, True, True]
  assert f"{layer}/{leaf}" in next(line for line in str(report).splitlines() if line.endswith("NO"))


@pytest.mark.parametrize("of_loss, of_params", [(1e-12, 1), (1e12, 1), (1, 1e8)])
def test_neither_the_scale_of_the_loss_nor_large_parameters_matter(of_loss, of_params):
  params = jax.tree.map(lambda x: of_params * x, mlp_params())
  loss = lambda change, p: of_loss * mlp(jax.tree.map(lambda x: backwards(change)(x) / of_params, p))
  assert gradients.check_gradients(functools.partial(loss, lambda g: g), params).ok
  report = gradients.check_gradients(functools.partial(loss, lambda g: 1.001 * g), params)
  assert not report.ok and report.worst.relative == pytest.approx(1e-3, rel=0.01)


def test_the_largest_derivative_is_always_tried():
  wrong = backwards(lambda g: g.at[1234].multiply(1.001))
  loss = lambda w: wrong(w) @ np.where(np.arange(5000) == 1234, 2.0, 1.0)
  assert not gradients.check_gradients(loss, jnp.ones(5000), elements=1, directions=0).ok


def test_the_missing_sum_over_output_maps_is_found_below_the_convolution():
  @jax.custom_vjp
  def unsummed(x, kernel):
    return convolve(x, kernel)

  def backward(saved, delta):
    x, kernel = saved
    single = hand_gradients.convolution_delta(delta[..., :1], kernel[..., :1], jnp.ones_like(x))
    return single, hand_gradients.kernel_gradient(x, delta)

  unsummed.defvjp(lambda x, kernel: (convolve(x, kernel), (x, kernel)), backward)

  def loss(convolution, params):
    x = jnp.asarray(np.random.default_rng(0).standard_normal((2, 8, 7, 1)), params["below"].dtype)
    return jnp.mean(convolution(jnp.tanh(convolve(x, params["below"])), params["above"]) ** 2)

  params = dict(zip(("below", "above"), weights((3, 3, 1, 2), (3, 2, 2, 3))))
  assert gradients.check_gradients(functools.partial(loss, convolve), params).ok
  report = gradients.check_gradients(functools.partial(loss, unsummed), params)
  assert {row.path: row.ok for row in report.rows} == {"below": False, "above": True} and report.worst.relative > 0.1


def test_a_backward_pass_by_hand_is_checked_by_differences_alone():
  by_hand = jax.custom_vjp(lambda params, *data: hand_backpropagation.energy(params, *data, 2))
  by_hand.defvjp(lambda params, *data: (by_hand(params, *data), (params, data)),
                 lambda saved, g: (jax.tree.map(lambda x: g * x, hand_backpropagation.network_gradients(saved[0], *saved[1], 2)),
                                   *(None for _ in saved[1])))
  kernel, bias, own, score, f5, output, x, t = weights((3, 3, 1, 2), (2,), (2, 2, 2), (2, 3), (4, 3), (2, 4), (2, 8, 9, 1), (2, 2))
  pooled = lambda n: {"beta": jnp.full(n, 0.3), "bias": jnp.full(n, 0.1)}
  params = {"c1": {"kernel": kernel, "bias": bias}, "s2": pooled(2), "c3": {"kernel": own, "score": score, "bias": jnp.full(3, 0.2)},
            "s4": pooled(3), "f5": {"weight": f5, "bias": f5[:, 0]}, "output": {"weight": output, "bias": output[:, 0]}}
  x, t = (np.asarray(a, np.float64) for a in (x, t))
  report = gradients.check_gradients(lambda params: by_hand(params, x, t, np.ones((1, 2))), params)
  assert report.ok and report.precision == "float64", str(report)


STEPS = [   # (type, step, least and largest relative error of a weight's gradient)
    (True, 1e-2, 1e-6, 1e-3), (True, 1e-3, 1e-8, 1e-5), (True, 1e-5, 1e-13, 3e-9), (True, 1e-8, 1e-9, 1e-5), (True, 1e-10, 1e-7, 1e-3),
    (False, 5e-3, 1e-7, 3e-3), (False, 1e-5, 3e-3, 3), (False, 1e-8, 0.9, 1.1)]


@pytest.mark.parametrize("x64, step, least, largest", STEPS)
def test_the_error_of_a_step_and_the_default_is_right(x64, step, least, largest):
  params = mlp_params()
  report = gradients.check_gradients(mlp, params, x64=x64, step=step, elements=30)
  assert least < report.worst.relative < largest
  assert report.ok == (step in (1e-5, 5e-3) and largest < 1)


def test_leaves_without_an_effect_pass():
  params = {"unused": jnp.ones(3), "saturated": jnp.full(2, 500.0), "empty": jnp.zeros((0, 2)), "used": jnp.ones(2)}
  loss = lambda p: jnp.tanh(p["saturated"]).sum() + p["empty"].sum() + (p["used"] ** 3).sum()
  report = gradients.check_gradients(loss, params)
  assert report.ok and {row.path for row in report.rows} == set(params)


def test_kinks_within_the_step_are_left_behind_and_at_the_entry_are_reported():
  loss = lambda p: 1 + jax.nn.relu(p["w"]).sum() + sum(x.sum() for x in p.values())
  assert gradients.check_gradients(loss, {"w": jnp.array([3e-6, -3e-6, 1e-1])}).ok   # the default step is 6e-6
  report = gradients.check_gradients(loss, {"w": jnp.array([0.0, 1.0]), "v": jnp.ones(1)})
  assert [row.ok for row in report.rows] == [False, True] and report.worst.path == "w"
  assert report.worst.absolute == pytest.approx(0.5)   # half way between both slopes, where relu's is said to be 0
  assert gradients.check_gradients(lambda w: 1 + jnp.maximum(w, 0).sum(), jnp.zeros(2)).ok   # said to be the mean of both


def test_not_finite_is_not_right():
  report = gradients.check_gradients(lambda p: jnp.log(p["w"]).sum() + p["v"].sum(), {"w": jnp.array([-1.0]), "v": jnp.ones(1)})
  assert not report.ok and np.isnan(report.worst.relative)


def test_a_loss_that_computes_in_float32_is_held_to_float32():
  inner = lambda params: mlp(gradients.cast_floating(params, jnp.float32)).astype(params["first"]["bias"].dtype)
  report = gradients.check_gradients(inner, mlp_params())
  assert report.ok and report.precision == "float32"


def test_only_real_parameters_are_checked():
  with pytest.raises(UserError, match="the parameter steps is int32"):
    gradients.check_gradients(lambda p: p["w"].sum(), {"w": jnp.ones(2), "steps": jnp.arange(3)})
  assert jaxsig.check_gradients(lambda w: (w**2).sum(), jnp.ones(2)).ok
