"""The Gauss-Newton diagonal against whole Jacobians, and optimisers against loops by hand."""
import itertools
import types

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import optax
import pytest
from jax.experimental import io_callback
from jax.flatten_util import ravel_pytree
from quick import quick_jit

from jaxsig.engine import optim, train
from jaxsig.errors import UserError
from jaxsig.nn import curvature
from jaxsig.system import Task

B = 7
K = 3
MASK = np.array([1.0, 1, 0, 1, 1, 1, 0])


@pytest.fixture(autouse=True)
def float64():
  with jax.enable_x64(True):
    yield


def outputs(params, x_t):
  """A tanh network whose first layer shares its kernel between places: x_t [6] -> [K]."""
  places_t_u = jnp.stack([x_t[u:u + 4] for u in range(3)], -1)
  h_t = jnp.tanh(places_t_u @ params["kernel_u"] + params["bias"])
  return jnp.tanh(h_t @ params["w_t_k"])


def network(seed=0):
  """Parameters and B inputs of `outputs`."""
  rng = np.random.default_rng(seed)
  params = {
      "kernel_u": rng.standard_normal(3),
      "bias": np.asarray(rng.standard_normal(())),
      "w_t_k": rng.standard_normal((4, K)),
  }
  return params, rng.standard_normal((B, 6))


def with_row(x, b, value):
  changed = x.copy()
  changed[b] = value
  return changed


def squared_error(y_k, target):
  return 0.5 * jnp.sum((y_k - jax.nn.one_hot(target, K)) ** 2)


def cross_entropy(y_k, target):
  return -jax.nn.log_softmax(y_k)[target]


def weighted_mean(tree, weight_b):
  return jax.tree.map(lambda d: jnp.tensordot(weight_b, d, 1) / weight_b.sum(), tree)


def brute_force(loss, params, x_b_t):
  """The mean over the unmasked rows of diag(J^T H J), from whole Jacobians.

  H is the loss's own Hessian, which no target moves.
  """
  def of_row(x_t):
    hessian = jax.hessian(loss)(outputs(params, x_t), 1)
    jacobians = jax.jacrev(outputs)(params, x_t)
    return jax.tree.map(lambda j: jnp.einsum("k...,kl,l...->...", j, hessian, j), jacobians)

  return weighted_mean(jax.vmap(of_row)(x_b_t), MASK)


brute_force = quick_jit(brute_force, static_argnums=0)


def estimate(factor, params, x_b_t, mask_b, chunk):
  key = jax.random.key(0)
  x_b_t = jnp.asarray(x_b_t)
  mask_b = jnp.asarray(mask_b)
  return curvature.gauss_newton_diagonal(outputs, params, x_b_t, mask_b, key, factor, chunk)


compiled_estimate = quick_jit(estimate, static_argnums=(0, 4))


def estimates(factor_of, values, params, x_b_t):
  """One estimate a value, whose factor is factor_of(value, y_k); leaves [value, ...]."""
  def of_value(value):
    return estimate(lambda _, y_k: factor_of(value, y_k), params, x_b_t, MASK, 3)

  return quick_jit(jax.vmap(of_value))(values)


def assert_close(a, b):
  for leaf, other in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
    np.testing.assert_allclose(leaf, other, rtol=1e-12, atol=1e-14)


def test_over_all_sign_vectors_the_mean_is_the_diagonal_of_squared_error():
  params, x = network()
  signs = np.array(list(itertools.product((-1.0, 1.0), repeat=K)))
  each = jax.device_get(estimates(lambda v, y_k: v, signs, params, x))
  assert_close(jax.tree.map(lambda d: d.mean(0), each), brute_force(squared_error, params, x))
  assert all((leaf >= 0).all() for leaf in jax.tree.leaves(each))


def test_over_all_classes_by_their_probability_the_mean_is_the_diagonal_of_cross_entropy():
  def weighted_factor(class_k, y_k):
    probability_k = jax.nn.softmax(y_k)
    return jnp.sqrt(probability_k @ class_k) * (probability_k - class_k)

  params, x = network()
  each = jax.device_get(estimates(weighted_factor, np.eye(K), params, x))
  assert_close(jax.tree.map(lambda d: d.sum(0), each), brute_force(cross_entropy, params, x))


FACTORS = [
    (curvature.squared_error_factor, squared_error),
    (curvature.cross_entropy_factor, cross_entropy),
]


@pytest.mark.parametrize("factor, loss", FACTORS)
def test_factors_have_the_hessian_as_second_moment(factor, loss):
  n = 40_000

  @quick_jit
  def deviations(y_k):
    """From the Hessian, in standard errors."""
    keys = jax.random.split(jax.random.key(0), n)
    v = jax.vmap(factor, (0, None))(keys, y_k)
    products = v[:, :, None] * v[:, None]
    standard_error = products.std(0) / n**0.5 + 1e-12
    return (products.mean(0) - jax.hessian(loss)(y_k, 0)) / standard_error

  assert np.abs(deviations(np.array([0.3, -1.0, 1.4]))).max() < 4


@pytest.mark.parametrize("factor, loss", FACTORS)
def test_rows_draw_for_themselves_and_their_mean_converges_to_the_diagonal(factor, loss):
  params, x = network()
  n = 20_000
  exact = brute_force(loss, params, np.repeat(x[:1], B, 0))
  found = compiled_estimate(factor, params, np.repeat(x[:1], n, 0), np.ones(n), 500)
  errors = []
  for f, e in zip(jax.tree.leaves(found), jax.tree.leaves(exact), strict=True):
    errors.append(np.abs(np.asarray(f) / np.asarray(e) - 1).max())
  assert 1e-4 < max(errors) < 0.05


@pytest.mark.parametrize("chunk", [4, 100])
def test_chunks_and_masked_rows_do_not_move_the_estimate(chunk):
  params, x = network()

  def found(x, mask, chunk=chunk):
    return compiled_estimate(curvature.cross_entropy_factor, params, x, mask, chunk)

  wanted = found(x, MASK, chunk=3)
  other_masked_rows = with_row(with_row(x, 2, 5.0), 6, -9.0)
  assert_close(found(other_masked_rows, MASK), wanted)
  assert_close(found(x[:6], MASK[:6]), wanted)
  moved = found(with_row(x, 1, 5.0), MASK)
  assert abs(float(moved["bias"]) / float(wanted["bias"]) - 1) > 1e-3
  nothing = found(x, 0 * MASK)
  assert all((np.asarray(leaf) == 0).all() for leaf in jax.tree.leaves(nothing))


def test_the_full_hessian_has_negative_entries_where_gauss_newton_has_none():
  params, x = network()

  @quick_jit
  def both(params):
    flat, unflat = ravel_pytree(params)

    def loss(flat):
      errors_b = jax.vmap(lambda x_t: squared_error(outputs(unflat(flat), x_t), 1))(x)
      return jnp.mean(errors_b)

    ours = estimate(curvature.squared_error_factor, params, x, MASK, 3)
    return jnp.diag(jax.hessian(loss)(flat)), ravel_pytree(ours)[0]

  full, ours = jax.device_get(both(params))
  assert (full < 0).sum() >= 2
  assert (ours > 0).all()


def settings(name="gauss_newton", **changes):
  """A config.optim of plain steps at rate 0.1."""
  options = dict(
      name=name,
      learning_rate=0.1,
      schedule="constant",
      warmup_steps=0,
      milestones=(),
      clip_norm=0.0,
      weight_decay=0.0,
      ema=0.9,
  )
  if name == "gauss_newton":
    options |= dict(mu=0.5, curvature_steps=3, curvature_decay=0.9)
  return ml_collections.ConfigDict({**options, **changes})


def descend(tx, gradients, p, **extra):
  """The parameters after each step."""
  def step(carry, g):
    p, state = carry
    updates, state = tx.update(g, state, p, **extra)
    p = p + updates
    return (p, state), p

  @quick_jit
  def all_steps(p):
    _, course = jax.lax.scan(step, (p, tx.init(p)), gradients)
    return course

  return all_steps(p)


def test_rates_by_curvature_are_the_formula_and_ask_every_few_steps():
  rng = np.random.default_rng(0)
  mu = 0.5
  decay = 0.9
  diagonals = rng.uniform(0, 2, (3, 4))
  gradients = rng.standard_normal((8, 4))
  asked = []

  def next_diagonal():
    asked.append(len(asked))
    return diagonals[asked[-1]]

  def diagonal():
    return io_callback(next_diagonal, jax.ShapeDtypeStruct((4,), float), ordered=True)

  tx = optim.by_curvature(mu, 3, decay)
  update = quick_jit(lambda g, state: tx.update(g, state, curvature=diagonal))
  state = tx.init(jnp.zeros(4))
  for step, g in enumerate(gradients):
    found, state = update(g, state)
    refreshes = step // 3 + 1
    weights = decay ** np.arange(refreshes - 1, -1, -1)
    h = weights @ diagonals[:refreshes] / weights.sum()
    np.testing.assert_allclose(found, g / (mu + h), rtol=1e-12)
    assert (state.step, state.refreshes, len(asked)) == (step + 1, refreshes, refreshes)


@pytest.mark.parametrize("name", ["sgd", "gauss_newton"])
@pytest.mark.parametrize("momentum, weight_decay", [(0.0, 0.0), (0.8, 0.0), (0.8, 0.3)])
def test_sgd_with_and_without_curvature_equals_its_loop_by_hand(name, momentum, weight_decay):
  config = settings(
      name,
      momentum=momentum,
      weight_decay=weight_decay,
      clip_norm=1.5,
      schedule="milestones",
      milestones=(0.5,),
  )
  gradients = np.random.default_rng(0).standard_normal((10, 2))
  p = np.array([1.0, -2.0])
  velocity = np.zeros(2)
  h = np.array([0.25, 3.0])
  found = descend(optim.make(config, 10), gradients, p, curvature=lambda: jnp.asarray(h))
  assert np.linalg.norm(gradients, axis=1).max() > 1.5

  for step, g in enumerate(gradients):
    g = g * min(1, 1.5 / np.linalg.norm(g))
    if name == "gauss_newton":
      g = g / (0.5 + h)
    velocity = g + momentum * velocity
    rate = 0.1 if step < 5 else 0.01
    p = p - rate * (velocity + weight_decay * p)
    np.testing.assert_allclose(found[step], p, rtol=1e-12)


@pytest.mark.parametrize("weight_decay", [0.0, 1e-2])
def test_adam_is_the_chain_it_was(weight_decay):
  rate = optim.schedule("constant", 0.1, 9)
  adam = optax.adam(rate)
  if weight_decay:
    adam = optax.adamw(rate, weight_decay=weight_decay)
  was = optax.chain(optax.clip_by_global_norm(1.0), adam)

  config = settings("adam", weight_decay=weight_decay, clip_norm=1.0)
  nameless = ml_collections.ConfigDict({k: v for k, v in config.items() if k != "name"})
  gradients = np.random.default_rng(0).standard_normal((9, 3))
  p = np.ones(3)
  wanted = descend(was, gradients, p)
  for ours in (optim.make(config, 9), optim.make(nameless, 9)):
    assert jax.tree.structure(ours.init(p)) == jax.tree.structure(was.init(p))
    np.testing.assert_array_equal(descend(ours, gradients, p, curvature=None), wanted)


def test_what_is_not_trainable_stands_still_and_has_no_curvature():
  params = {"encoder": np.ones(2), "decoder": np.ones(3)}
  tx = optim.make(settings(), 10, "decoder")

  def diagonal():
    return {"encoder": jnp.ones(2), "decoder": jnp.full(3, 1.5)}

  @quick_jit
  def update(gradient):
    return tx.update(gradient, tx.init(params), params, curvature=diagonal)

  updates, state = update(params)
  np.testing.assert_array_equal(updates["encoder"], 0)
  np.testing.assert_allclose(updates["decoder"], -0.1 / 2)
  assert [x.shape for x in jax.tree.leaves(state) if x.ndim] == [(3,)]


def test_unknown_optimisers_are_told_the_known():
  with pytest.raises(UserError, match="'adagrad': use adam, sgd, gauss_newton"):
    optim.make(settings("adagrad"), 10)


def toy_steps(optimiser, m, curvature_of=None):
  """(init, step) of the loop itself on a task of two parameters, whose curvature is its batch."""
  def init(key, batch):
    return {"p": jnp.array([1.0, -2.0])}, {}

  def loss(params, stats, batch, key):
    return jnp.sum(params["p"] ** 2), (stats, {})

  extras = {}
  if curvature_of is not None:
    extras["curvature"] = curvature_of
  task = Task(init, loss, predict=None, extras=extras)
  config = dict(optim=settings(optimiser), train=dict(steps=9), trainable="")
  run = types.SimpleNamespace(
      config=ml_collections.ConfigDict(config),
      system=types.SimpleNamespace(task=task),
  )
  steps = train.make_steps(run, m)
  return quick_jit(steps.init), quick_jit(steps.step)


@pytest.mark.parametrize("m", [1, 2])
def test_the_loop_hands_the_curvature_to_the_optimiser_alone_and_in_company(m):
  def diagonal(params, stats, batch, key):
    return {"p": batch["h_p"] * params["p"] ** 2}

  init, step = toy_steps("gauss_newton", m, diagonal)
  keys = jnp.stack([jax.random.key(0)] * m)
  h = np.array([[0.5, 2.0], [4.0, 0.0]])[:m]
  state = init(keys, {}, None)
  p = np.tile([1.0, -2.0], (m, 1))
  total = 0.0
  for number in range(5):
    if number in (0, 3):
      total = 0.9 * total + h * p**2
    weight = 1 if number < 3 else 1.9
    p = p - 0.1 * 2 * p / (0.5 + total / weight)
    state, _ = step(state, {"h_p": h}, keys)
    np.testing.assert_allclose(state["params"]["p"], p, rtol=1e-12)


def test_the_curvature_draws_with_a_key_of_its_own_at_every_step():
  def random_diagonal(params, stats, batch, key):
    return {"p": jax.random.uniform(key, (2,))}

  init, step = toy_steps("gauss_newton", 1, random_diagonal)
  keys = jax.random.key(0)[None]
  state = init(keys, {}, None)
  first, _ = step(state, {}, keys)
  later, _ = step({**state, "step": np.array([3], np.int32)}, {}, keys)
  assert not np.array_equal(first["params"]["p"], later["params"]["p"])


def test_a_task_without_curvature_is_refused_only_where_it_is_wanted():
  keys = jax.random.key(0)[None]
  init, step = toy_steps("gauss_newton", 1)
  with pytest.raises(UserError, match="curvature"):
    step(init(keys, {}, None), {}, keys)
  init, step = toy_steps("sgd", 1)
  state, _ = step(init(keys, {}, None), {}, keys)
  np.testing.assert_allclose(state["params"]["p"], [[0.8, -1.6]])


def test_an_ill_conditioned_problem_takes_a_hundredth_of_the_steps():
  rng = np.random.default_rng(0)
  n = 400
  limit = 6000
  x = rng.standard_normal((n, 8)) * np.logspace(0, -1.5, 8)
  y = x @ rng.standard_normal(8)
  hessian = x.T @ x / n
  eigenvalues = np.linalg.eigvalsh(hessian)

  def output(p, row):
    return row @ p[:, None]

  @jax.jit
  def diagonal():
    factor = curvature.squared_error_factor
    key = jax.random.key(0)
    return curvature.gauss_newton_diagonal(
        output, jnp.zeros(8), jnp.asarray(x), jnp.ones(n), key, factor, 100)

  # Exact where the network is linear and has one output.
  np.testing.assert_allclose(diagonal(), np.diag(hessian), rtol=1e-12)

  def steps_needed(name, **changes):
    """Until the error is 1e-8 of the first; `limit` where it is not at the end."""
    tx = optim.make(settings(name, **changes), limit)

    def step(carry, _):
      p, state = carry
      error = x @ p - y
      updates, state = tx.update(x.T @ error / n, state, p, curvature=diagonal)
      return (p + updates, state), jnp.mean(error**2)

    @jax.jit
    def errors(p):
      _, course = jax.lax.scan(step, (p, tx.init(p)), None, limit)
      return course

    course = np.asarray(errors(np.zeros(8)))
    reached = course < 1e-8 * course[0]
    if not reached[-1]:
      return limit
    return int(np.argmax(reached))

  best_rate = 2 / (eigenvalues[0] + eigenvalues[-1])
  plain = steps_needed("sgd", learning_rate=best_rate)
  ours = steps_needed("gauss_newton", learning_rate=1.0, mu=1e-9, curvature_steps=limit)
  assert steps_needed("sgd", learning_rate=1.05 * best_rate) == limit
  assert ours < 40
  assert plain / ours > 100
