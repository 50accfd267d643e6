"""The Gauss-Newton diagonal against brute-force Jacobians, and the optimisers by name against loops written by hand."""
import functools
import itertools

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import optax
import pytest
from jax.experimental import io_callback
from jax.flatten_util import ravel_pytree

from jaxsig.engine import optim, train
from jaxsig.errors import UserError
from jaxsig.nn import curvature
from jaxsig.system import Task

B, K = 7, 3
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
  rng = np.random.default_rng(seed)
  params = {"kernel_u": rng.standard_normal(3), "bias": rng.standard_normal(()), "w_t_k": rng.standard_normal((4, K))}
  return jax.tree.map(jnp.asarray, params), jnp.asarray(rng.standard_normal((B, 6)))


def squared_error(y_k, target):
  return 0.5 * jnp.sum((y_k - jax.nn.one_hot(target, K)) ** 2)


def cross_entropy(y_k, target):
  return -jax.nn.log_softmax(y_k)[target]


@functools.partial(jax.jit, static_argnums=0)
def brute_force(loss, params, x_b_t, mask_b=MASK):
  """The mean over the rows that count of diag(J^T H J), from whole Jacobians and the loss's own Hessian, which no target moves."""
  def one(x_t):
    hessian = jax.hessian(loss)(outputs(params, x_t), 1)
    return jax.tree.map(lambda j: jnp.einsum("k...,kl,l...->...", j, hessian, j), jax.jacrev(outputs)(params, x_t))
  return jax.tree.map(lambda d: jnp.tensordot(mask_b, d, 1) / mask_b.sum(), jax.vmap(one)(x_b_t))


@functools.partial(jax.jit, static_argnums=(0, 4))
def estimate(factor, params, x_b_t, mask_b=MASK, chunk=3):
  return curvature.gauss_newton_diagonal(outputs, params, x_b_t, jnp.asarray(mask_b), jax.random.key(0), factor, chunk)


def estimates(factor_of, values, params, x_b_t):
  """One estimate a value, whose factor is factor_of(value, y_k); leaves [value, ...]."""
  return jax.jit(jax.vmap(lambda value: estimate(lambda _, y_k: factor_of(value, y_k), params, x_b_t)))(values)


def assert_close(a, b, **tolerance):
  jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **{"rtol": 1e-12, "atol": 1e-14, **tolerance}), a, b)


def test_over_all_sign_vectors_the_mean_is_the_diagonal_of_squared_error():
  params, x = network()
  signs = jnp.array(list(itertools.product((-1.0, 1.0), repeat=K)))
  each = estimates(lambda v, y_k: v, signs, params, x)
  assert_close(jax.tree.map(lambda d: d.mean(0), each), brute_force(squared_error, params, x))
  assert all((leaf >= 0).all() for leaf in jax.tree.leaves(each))


def test_over_all_classes_by_their_probability_the_mean_is_the_diagonal_of_cross_entropy():
  params, x = network()
  weighted = lambda class_k, y_k: jnp.sqrt(jax.nn.softmax(y_k) @ class_k) * (jax.nn.softmax(y_k) - class_k)
  each = estimates(weighted, jnp.eye(K), params, x)
  assert_close(jax.tree.map(lambda d: d.sum(0), each), brute_force(cross_entropy, params, x))


@pytest.mark.parametrize("factor, loss", [(curvature.squared_error_factor, squared_error), (curvature.cross_entropy_factor, cross_entropy)])
def test_factors_have_the_hessian_as_second_moment(factor, loss):
  y_k, n = jnp.array([0.3, -1.0, 1.4]), 40_000
  v = jax.vmap(factor, (0, None))(jax.random.split(jax.random.key(0), n), y_k)
  products = v[:, :, None] * v[:, None]
  z = (products.mean(0) - jax.hessian(loss)(y_k, 0)) / (products.std(0) / n**0.5 + 1e-12)   # in standard errors
  assert jnp.abs(z).max() < 4


@pytest.mark.parametrize("factor, loss", [(curvature.squared_error_factor, squared_error), (curvature.cross_entropy_factor, cross_entropy)])
def test_rows_draw_for_themselves_and_their_mean_converges_to_the_diagonal(factor, loss):
  params, x = network()
  one, n = x[:1], 20_000
  exact = brute_force(loss, params, one, np.ones(1))
  found = estimate(factor, params, jnp.repeat(one, n, 0), np.ones(n), 500)
  off = max(float(jnp.abs(f / e - 1).max()) for f, e in zip(jax.tree.leaves(found), jax.tree.leaves(exact)))
  assert 1e-4 < off < 0.05


@pytest.mark.parametrize("chunk", [4, 100])
def test_chunks_and_masked_rows_do_not_move_the_estimate(chunk):
  params, x = network()
  factor = curvature.cross_entropy_factor
  want = estimate(factor, params, x)
  assert_close(estimate(factor, params, x.at[2].set(5.0).at[6].set(-9.0), chunk=chunk), want)
  assert_close(estimate(factor, params, x[:6], MASK[:6], chunk), want)
  assert jnp.abs(estimate(factor, params, x.at[1].set(5.0), chunk=chunk)["bias"] / want["bias"] - 1) > 1e-3
  nothing = estimate(factor, params, x, 0 * MASK, chunk)
  assert all((leaf == 0).all() for leaf in jax.tree.leaves(nothing))


def test_the_full_hessian_has_negative_entries_where_gauss_newton_has_none():
  params, x = network()
  flat, unflat = ravel_pytree(params)
  loss = lambda flat: jnp.mean(jax.vmap(lambda x_t: squared_error(outputs(unflat(flat), x_t), 1))(x))
  full = jnp.diag(jax.jit(jax.hessian(loss))(flat))
  ours = ravel_pytree(estimate(curvature.squared_error_factor, params, x))[0]
  assert (full < 0).sum() >= 2 and (ours > 0).all()


def settings(name="gauss_newton", **changes):
  """A config.optim of plain steps at rate 0.1."""
  extra = dict(mu=0.5, curvature_steps=3, curvature_decay=0.9) if name == "gauss_newton" else {}
  return ml_collections.ConfigDict({**dict(name=name, learning_rate=0.1, schedule="constant", warmup_steps=0, milestones=(), clip_norm=0.0,
                                           weight_decay=0.0, ema=0.9), **extra, **changes})


def descend(tx, gradients, p, **extra):
  """The parameters after each step."""
  def one(carry, g):
    updates, state = tx.update(g, carry[1], carry[0], **extra)
    return (carry[0] + updates, state), carry[0] + updates
  return jax.jit(lambda: jax.lax.scan(one, (p, tx.init(p)), gradients)[1])()


def test_rates_by_curvature_are_the_formula_and_ask_every_few_steps():
  rng, asked, mu, decay = np.random.default_rng(0), [], 0.5, 0.9
  diagonals, gradients = rng.uniform(0, 2, (3, 4)), rng.standard_normal((8, 4))

  def tell():
    asked.append(len(asked))
    return diagonals[asked[-1]]

  tx = optim.by_curvature(mu, 3, decay)
  thunk = lambda: io_callback(tell, jax.ShapeDtypeStruct((4,), float), ordered=True)
  update = jax.jit(lambda g, s: tx.update(g, s, curvature=thunk))
  state = tx.init(jnp.zeros(4))
  for step, g in enumerate(gradients):
    found, state = update(g, state)
    weights = decay ** np.arange(step // 3, -1, -1)
    h = weights @ diagonals[:step // 3 + 1] / weights.sum()
    np.testing.assert_allclose(found, g / (mu + h), rtol=1e-12)
    assert (state.step, state.refreshes, len(asked)) == (step + 1, step // 3 + 1, step // 3 + 1)


@pytest.mark.parametrize("name", ["sgd", "gauss_newton"])
@pytest.mark.parametrize("momentum, weight_decay", [(0.0, 0.0), (0.8, 0.0), (0.8, 0.3)])
def test_sgd_with_and_without_curvature_equals_its_loop_by_hand(name, momentum, weight_decay):
  config = settings(name, momentum=momentum, weight_decay=weight_decay, clip_norm=1.5, schedule="milestones", milestones=(0.5,))
  gradients, p, velocity = np.random.default_rng(0).standard_normal((10, 2)), np.array([1.0, -2.0]), np.zeros(2)
  h = np.array([0.25, 3.0])
  found = descend(optim.make(config, 10), gradients, p, curvature=lambda: jnp.asarray(h))
  assert np.linalg.norm(gradients, axis=1).max() > 1.5
  for step, g in enumerate(gradients):
    g = g * min(1, 1.5 / np.linalg.norm(g)) / (0.5 + h if name == "gauss_newton" else 1)
    velocity = g + momentum * velocity
    p = p - (0.1 if step < 5 else 0.01) * (velocity + weight_decay * p)
    np.testing.assert_allclose(found[step], p, rtol=1e-12)


@pytest.mark.parametrize("weight_decay", [0.0, 1e-2])
def test_adam_is_the_chain_it_was(weight_decay):
  config = settings("adam", weight_decay=weight_decay, clip_norm=1.0)
  was = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(optim.schedule("constant", 0.1, 9), weight_decay=weight_decay)
                    if weight_decay else optax.adam(optim.schedule("constant", 0.1, 9)))
  gradients, p = np.random.default_rng(0).standard_normal((9, 3)), jnp.ones(3)
  nameless = ml_collections.ConfigDict({k: v for k, v in config.items() if k != "name"})
  for ours in (optim.make(config, 9), optim.make(nameless, 9)):
    assert jax.tree.structure(ours.init(p)) == jax.tree.structure(was.init(p))
    np.testing.assert_array_equal(descend(ours, gradients, p, curvature=None), descend(was, gradients, p))


def test_what_is_not_trainable_stands_still_and_has_no_curvature():
  params = {"encoder": jnp.ones(2), "decoder": jnp.ones(3)}
  tx = optim.make(settings(), 10, "decoder")
  updates, state = jax.jit(lambda g, s: tx.update(g, s, params, curvature=lambda: {"encoder": jnp.ones(2), "decoder": jnp.full(3, 1.5)}))(
      {"encoder": jnp.ones(2), "decoder": jnp.ones(3)}, tx.init(params))
  np.testing.assert_array_equal(updates["encoder"], 0)
  np.testing.assert_allclose(updates["decoder"], -0.1 / 2)
  assert [x.shape for x in jax.tree.leaves(state) if x.ndim] == [(3,)]


def test_unknown_optimisers_are_told_the_known():
  with pytest.raises(UserError, match="'adagrad': use adam, sgd, gauss_newton"):
    optim.make(settings("adagrad"), 10)


def toy_steps(optimiser, m, curvature_of=None):
  """(init, step) of the loop itself on a task of two parameters, whose curvature is its batch."""
  task = Task(init=lambda key, batch: ({"p": jnp.array([1.0, -2.0])}, {}),
              loss=lambda params, stats, batch, key: (jnp.sum(params["p"] ** 2), (stats, {})),
              predict=None, score=None, rivals={}, curvature=curvature_of)
  config = ml_collections.ConfigDict(dict(optim=settings(optimiser), train=dict(steps=9), trainable=""))
  init, step, _ = train.make_steps(train.Run(config, None, task, None, {}), m)
  return init, jax.jit(step)


@pytest.mark.parametrize("m", [1, 2])
def test_the_loop_hands_the_curvature_to_the_optimiser_alone_and_in_company(m):
  init, step = toy_steps("gauss_newton", m, lambda params, stats, batch, key: {"p": batch["h_p"] * params["p"] ** 2})
  keys, h = jnp.stack([jax.random.key(0)] * m), np.array([[0.5, 2.0], [4.0, 0.0]])[:m]
  state, p, total = init(keys, {}, None), np.tile([1.0, -2.0], (m, 1)), 0.0
  for number in range(5):
    if number in (0, 3):
      total = 0.9 * total + h * p**2
    p = p - 0.1 * 2 * p / (0.5 + total / (1 if number < 3 else 1.9))
    state, _ = step(state, {"h_p": jnp.asarray(h)}, keys)
    np.testing.assert_allclose(state["params"]["p"], p, rtol=1e-12)


def test_the_curvature_draws_with_a_key_of_its_own_at_every_step():
  draw = lambda params, stats, batch, key: {"p": jax.random.uniform(key, (2,))}
  init, step = toy_steps("gauss_newton", 1, draw)
  keys = jax.random.key(0)[None]
  first, _ = step(init(keys, {}, None), {}, keys)
  later, _ = step({**init(keys, {}, None), "step": jnp.array([3], jnp.int32)}, {}, keys)
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
  rng, n = np.random.default_rng(0), 400
  x = jnp.asarray(rng.standard_normal((n, 8)) * np.logspace(0, -1.5, 8))
  y = x @ rng.standard_normal(8)
  hessian = x.T @ x / n
  eigenvalues = np.linalg.eigvalsh(hessian)
  diagonal = lambda: curvature.gauss_newton_diagonal(lambda p, row: row @ p[:, None], jnp.zeros(8), x, jnp.ones(n), jax.random.key(0),
                                                     curvature.squared_error_factor, 100)
  np.testing.assert_allclose(diagonal(), jnp.diag(hessian), rtol=1e-12)   # exact where the network is linear and has one output

  def steps_needed(name, rate, limit=6000):
    tx = optim.make(settings(name, learning_rate=rate, **(dict(mu=1e-9, curvature_steps=limit) if name == "gauss_newton" else {})), limit)

    def one(carry, _):
      p, state = carry
      error = x @ p - y
      updates, state = tx.update(x.T @ error / n, state, p, curvature=diagonal)
      return (p + updates, state), jnp.mean(error**2)

    losses = jax.jit(lambda: jax.lax.scan(one, (jnp.zeros(8), tx.init(jnp.zeros(8))), None, limit)[1])()
    return int(np.argmax(losses < 1e-8 * losses[0])) if losses[-1] < 1e-8 * losses[0] else limit

  best = 2 / (eigenvalues[0] + eigenvalues[-1])
  plain, ours = steps_needed("sgd", best), steps_needed("gauss_newton", 1.0)
  print(f"condition {eigenvalues[-1] / eigenvalues[0]:.0f}; plain {plain}, by curvature {ours}")
  assert steps_needed("sgd", 1.05 * best) == 6000
  assert ours < 40 and plain / ours > 100
