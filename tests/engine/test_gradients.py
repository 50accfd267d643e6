"""The gradient check: losses of all systems pass, planted errors and wrong steps are found."""
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from builders import ROOT
from quick import OPTIONS

import jaxsig
from jaxsig.engine import gradients
from jaxsig.errors import UserError
from jaxsig.systems.cnn_notes import hand_backpropagation, hand_gradients
from jaxsig.systems.cnn_notes.feature_maps import convolve

check = functools.partial(gradients.check_gradients, compiler_options=OPTIONS)

CONFIGS = [path for path in sorted((ROOT / "configs").glob("*.py")) if path.stem != "base"]
# It computes in float32 whatever its parameters are: its images, and the types of its layers.
FLOAT32 = {"phase_retrieval"}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_loss_of_every_system(path):
  config = jaxsig.load_config(path, "smoke")
  with jax.default_prng_impl("unsafe_rbg"):   # half of the compilation would be of threefry
    report = jaxsig.check_gradients(config, elements=3, directions=3, compiler_options=OPTIONS)
  assert report.ok, str(report)
  assert report.precision == ("float32" if config.system in FLOAT32 else "float64")
  assert all(row.absolute > 0 for row in report.rows), "a leaf that the loss does not see"


def mlp(params):
  """A smooth loss of two dense layers."""
  x = np.random.default_rng(0).standard_normal((8, 5)).astype(np.float32)
  t = np.random.default_rng(1).standard_normal((8, 5)).astype(np.float32)
  hidden = jnp.tanh(x @ params["first"]["weight"] + params["first"]["bias"])
  y = hidden @ params["second"]["weight"] + params["second"]["bias"]
  return jnp.mean((y - t) ** 2)


def weights(*shapes, seed=0):
  rng = np.random.default_rng(seed)
  arrays = []
  for shape in shapes:
    arrays.append(jnp.asarray(rng.standard_normal(shape) / shape[0] ** 0.5, jnp.float32))
  return arrays


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
  report = check(mlp, mlp_params(), x64=x64)
  assert report.ok
  assert report.precision == ("float64" if x64 else "float32")
  assert report.worst.relative == max(row.relative for row in report.rows)
  assert report.worst.tolerance < tolerance
  assert {row.path: row.shape for row in report.rows} == {
      "first/weight": (5, 6),
      "first/bias": (6,),
      "second/weight": (6, 5),
      "second/bias": (5,),
  }
  lines = str(report).splitlines()
  assert len(lines) == 3 + 4 + 1
  assert report.worst.path in lines[3]
  assert "random directions" in lines[-1]


def changed_gradient(change, factor, g):
  """A gradient with a planted error."""
  if change == "factor":
    return factor * g
  if change == "sign":
    return -g
  first_entry = (0,) * g.ndim
  return g.at[first_entry].multiply(factor)


@pytest.mark.parametrize("x64", [True, False])
@pytest.mark.parametrize("layer, leaf", [("first", "weight"), ("second", "bias")])
@pytest.mark.parametrize("change", ["factor", "sign", "entry"])
def test_a_planted_error_is_found_in_its_leaf(x64, layer, leaf, change):
  factor = 1.001 if x64 else 1.1   # float32 cannot see a thousandth
  planted = backwards(functools.partial(changed_gradient, change, factor))

  def wrong(params):
    changed = planted(params[layer][leaf])
    return mlp({**params, layer: {**params[layer], leaf: changed}})

  report = check(wrong, mlp_params(), elements=30, x64=x64)
  assert not report.ok
  assert report.worst.path == f"{layer}/{leaf}"
  assert [row.ok for row in report.rows] == [False, True, True, True]
  failed = [line for line in str(report).splitlines() if line.endswith("NO")]
  assert f"{layer}/{leaf}" in failed[0]


@pytest.mark.parametrize("of_loss, of_params", [(1e-12, 1), (1e12, 1), (1, 1e8)])
def test_neither_the_scale_of_the_loss_nor_large_parameters_matter(of_loss, of_params):
  params = jax.tree.map(lambda x: of_params * x, mlp_params())

  def loss(factor, params):
    changed = backwards(lambda g: factor * g)
    unscaled = jax.tree.map(lambda x: changed(x) / of_params, params)
    return of_loss * mlp(unscaled)

  assert check(functools.partial(loss, 1), params).ok
  report = check(functools.partial(loss, 1.001), params)
  assert not report.ok
  assert report.worst.relative == pytest.approx(1e-3, rel=0.01)


def test_the_largest_derivative_is_always_tried():
  wrong = backwards(lambda g: g.at[1234].multiply(1.001))
  slope = np.where(np.arange(5000) == 1234, 2.0, 1.0)
  report = check(lambda w: wrong(w) @ slope, np.ones(5000), elements=1, directions=0)
  assert not report.ok


def test_the_missing_sum_over_output_maps_is_found_below_the_convolution():
  @jax.custom_vjp
  def unsummed(x, kernel):
    return convolve(x, kernel)

  def forward(x, kernel):
    return convolve(x, kernel), (x, kernel)

  def backward(saved, delta):
    x, kernel = saved
    ones = jnp.ones_like(x)
    single = hand_gradients.convolution_delta(delta[..., :1], kernel[..., :1], ones)
    return single, hand_gradients.kernel_gradient(x, delta)

  unsummed.defvjp(forward, backward)
  images = np.random.default_rng(0).standard_normal((2, 8, 7, 1))

  def loss(convolution, params):
    x = jnp.asarray(images, params["below"].dtype)
    hidden = jnp.tanh(convolve(x, params["below"]))
    return jnp.mean(convolution(hidden, params["above"]) ** 2)

  below, above = weights((3, 3, 1, 2), (3, 2, 2, 3))
  params = {"below": below, "above": above}
  assert check(functools.partial(loss, convolve), params).ok
  report = check(functools.partial(loss, unsummed), params)
  assert {row.path: row.ok for row in report.rows} == {"below": False, "above": True}
  assert report.worst.relative > 0.1


def test_a_backward_pass_by_hand_is_checked_by_differences_alone():
  kernel, bias, c3_kernel, score, f5, output, x, t = weights(
      (3, 3, 1, 2), (2,), (2, 2, 2), (2, 3), (4, 3), (2, 4), (2, 8, 9, 1), (2, 2))
  table = np.ones((1, 2))
  x = np.asarray(x, np.float64)
  t = np.asarray(t, np.float64)

  @jax.custom_vjp
  def by_hand(params):
    return hand_backpropagation.energy(params, x, t, table, 2)

  def backward(params, g):
    gradient = hand_backpropagation.network_gradients(params, x, t, table, 2)
    return (jax.tree.map(lambda leaf: g * leaf, gradient),)

  by_hand.defvjp(lambda params: (by_hand(params), params), backward)

  def sub_sampling(maps):
    return {"beta": np.full(maps, 0.3, np.float32), "bias": np.full(maps, 0.1, np.float32)}

  f5 = np.asarray(f5)
  output = np.asarray(output)
  params = {
      "c1": {"kernel": kernel, "bias": bias},
      "s2": sub_sampling(2),
      "c3": {"kernel": c3_kernel, "score": score, "bias": np.full(3, 0.2, np.float32)},
      "s4": sub_sampling(3),
      "f5": {"weight": f5, "bias": f5[:, 0]},
      "output": {"weight": output, "bias": output[:, 0]},
  }
  report = check(by_hand, params)
  assert report.ok, str(report)
  assert report.precision == "float64"


STEPS = [   # (x64, step, least and largest relative error of the worst leaf)
    (True, 1e-2, 1e-6, 1e-3),
    (True, 1e-3, 1e-8, 1e-5),
    (True, 1e-5, 1e-13, 3e-9),
    (True, 1e-8, 1e-9, 1e-5),
    (True, 1e-10, 1e-7, 1e-3),
    (False, 5e-3, 1e-7, 3e-3),
    (False, 1e-5, 3e-3, 3),
    (False, 1e-8, 0.9, 1.1),
]


@pytest.mark.parametrize("x64, step, least, largest", STEPS)
def test_the_error_of_a_step_and_the_default_is_right(x64, step, least, largest):
  report = check(mlp, mlp_params(), x64=x64, step=step, elements=30)
  assert least < report.worst.relative < largest
  assert report.ok == (step in (1e-5, 5e-3) and largest < 1)


def test_leaves_without_an_effect_pass():
  params = {
      "unused": np.ones(3),
      "saturated": np.full(2, 500.0),
      "empty": np.zeros((0, 2)),
      "used": np.ones(2),
  }

  def loss(params):
    saturated = jnp.tanh(params["saturated"]).sum()
    return saturated + params["empty"].sum() + (params["used"] ** 3).sum()

  report = check(loss, params)
  assert report.ok
  assert {row.path for row in report.rows} == set(params)


def test_kinks_within_the_step_are_left_behind_and_at_the_entry_are_reported():
  def loss(params):
    return 1 + jax.nn.relu(params["w"]).sum() + sum(x.sum() for x in params.values())

  near = np.array([3e-6, -3e-6, 1e-1])   # the default step is 6e-6
  assert check(loss, {"w": near}).ok

  report = check(loss, {"w": np.array([0.0, 1.0]), "v": np.ones(1)})
  assert [row.ok for row in report.rows] == [False, True]
  assert report.worst.path == "w"
  # Half way between both slopes, where relu's is said to be 0; that of maximum is their mean.
  assert report.worst.absolute == pytest.approx(0.5)
  assert check(lambda w: 1 + jnp.maximum(w, 0).sum(), np.zeros(2)).ok


def test_not_finite_is_not_right():
  def loss(params):
    return jnp.log(params["w"]).sum() + params["v"].sum()

  report = check(loss, {"w": np.array([-1.0]), "v": np.ones(1)})
  assert not report.ok
  assert np.isnan(report.worst.relative)


def test_a_loss_that_computes_in_float32_is_held_to_float32():
  def loss(params):
    single = gradients.cast_floating(params, jnp.float32)
    return mlp(single).astype(params["first"]["bias"].dtype)

  report = check(loss, mlp_params())
  assert report.ok
  assert report.precision == "float32"


def test_only_real_parameters_are_checked():
  with pytest.raises(UserError, match="the parameter steps is int32"):
    check(lambda p: p["w"].sum(), {"w": np.ones(2), "steps": np.arange(3, dtype=np.int32)})
  assert jaxsig.check_gradients(lambda w: (w**2).sum(), np.ones(2)).ok
