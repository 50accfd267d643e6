"""The task: it learns, its mask and its missing labels count for nothing, no parameter is idle."""
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from fake_pressure import config_of

from jaxsig import system as systems
from jaxsig.systems.blood_pressure import losses, targets

pytestmark = pytest.mark.usefixtures("quick_compilation")

KEY = jax.random.key(0)


def batch_of(n=8, samples=128, seed=0, known=False):
  """Windows whose width tells the pressure."""
  draw = np.random.default_rng(seed)
  bp = np.stack([120 + 18 * draw.standard_normal(n), 70 + 10 * draw.standard_normal(n)], -1)
  place = np.linspace(-1, 1, samples)
  width = 0.2 + 0.002 * (bp[:, :1] - 120)
  ppg = np.exp(-(place / width) ** 2) - 0.3
  arrays = {
      "ppg_b_t_c": ppg[..., None].astype(np.float32),
      "bp_mmhg_b_p": bp.astype(np.float32),
      "rate_bpm_b": np.full(n, 75, np.float32),
      "mask_b": np.ones(n, np.float32),
  }
  if known:
    arrays["known_ppg_b_t_c"] = arrays["ppg_b_t_c"][::-1].copy()
    arrays["known_bp_mmhg_b_p"] = arrays["bp_mmhg_b_p"][::-1].copy()
  return {name: jnp.asarray(x) for name, x in arrays.items()}


def task_of(**changes):
  return systems.make(config_of("smoke", **changes)).task


@pytest.mark.parametrize("loss", losses.LOSSES)
def test_no_parameter_is_idle(loss):
  task = task_of(loss__name=loss, loss__balanced=True)
  batch = batch_of()
  params, stats = task.init(KEY, batch)
  grads = jax.jit(jax.grad(lambda p: task.loss(p, stats, batch, KEY)[0]))(params)
  for path, grad in jax.tree_util.tree_leaves_with_path(grads):
    assert np.abs(grad).max() > 0, path


@pytest.mark.parametrize("loss", losses.LOSSES)
def test_rows_of_padding_and_windows_without_a_label_count_for_nothing(loss):
  task = task_of(loss__name=loss, augment__noise=0.0)
  batch = batch_of()
  params, stats = task.init(KEY, batch)
  few = {name: x[:5] for name, x in batch.items()}
  loss_of = jax.jit(task.loss)
  expected, (expected_stats, _) = loss_of(params, stats, few, KEY)

  masked = {**batch, "mask_b": batch["mask_b"].at[5:].set(0)}
  unlabelled = {**batch, "bp_mmhg_b_p": batch["bp_mmhg_b_p"].at[5:, 1].set(jnp.nan)}
  for other in (masked, unlabelled):
    value, (other_stats, _) = loss_of(params, stats, other, KEY)
    assert value == pytest.approx(float(expected), rel=1e-5)
    for name, x in expected_stats["labels"].items():
      np.testing.assert_allclose(other_stats["labels"][name], x, rtol=1e-5)


def learnt(task, batch, steps=400, rate=0.01):
  params, stats = task.init(KEY, batch)
  optimiser = optax.adam(rate)
  state = optimiser.init(params)

  @jax.jit
  def step(params, stats, state, key):
    grads, (stats, _) = jax.grad(task.loss, has_aux=True)(params, stats, batch, key)
    updates, state = optimiser.update(grads, state)
    return optax.apply_updates(params, updates), stats, state

  for i in range(steps):
    params, stats, state = step(params, stats, state, jax.random.fold_in(KEY, i))
  return params, stats


@pytest.mark.parametrize("loss", losses.LOSSES)
def test_one_batch_is_learnt(loss):
  task = task_of(loss__name=loss, augment__noise=0.0)
  batch = batch_of()
  params, stats = learnt(task, batch)
  found = task.predict(params, stats, batch, None)
  error = np.abs(found["bp_mmhg_b_p"] - batch["bp_mmhg_b_p"])[:, 0].mean()
  spread = np.abs(batch["bp_mmhg_b_p"] - batch["bp_mmhg_b_p"].mean(0))[:, 0].mean()
  assert error < 0.5 * spread
  assert ("sd_mmhg_b_p" in found) == (loss != losses.SQUARED)
  np.testing.assert_allclose(found["prior_mmhg_b_p"][0], batch["bp_mmhg_b_p"].mean(0), rtol=1e-3)


def test_a_calibrated_network_says_changes_from_the_known_reading():
  task = task_of(data__known_input=True, loss__name="squared", augment__noise=0.0)
  batch = batch_of(known=True)
  params, stats = learnt(task, batch)
  found = task.predict(params, stats, batch, None)["bp_mmhg_b_p"]
  error = np.abs(found - batch["bp_mmhg_b_p"])[:, 0].mean()
  known = np.abs(batch["known_bp_mmhg_b_p"] - batch["bp_mmhg_b_p"])[:, 0].mean()
  assert error < 0.6 * known


def test_a_gaussian_likelihood_is_that_of_scipy():
  from scipy.stats import norm

  config = config_of(loss__beta=0.0).loss
  output = jnp.array([[[0.3, 0.2], [-1.0, -0.4]]])
  z = jnp.array([[1.0, -2.0]])
  found = losses.error_b_p(config, output, z)
  sd = np.exp(np.asarray(losses.log_sd_of(output)))
  expected = -norm.logpdf(np.asarray(z), np.asarray(output[..., 0]), sd) - 0.5 * np.log(2 * np.pi)
  np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_quantiles_are_those_of_the_least_pinball_loss():
  config = config_of(loss__name="quantiles").loss
  z_n = np.random.default_rng(0).standard_normal(4001)
  grid = np.linspace(-3, 3, 1201)
  output = jnp.broadcast_to(jnp.asarray(grid)[:, None, None], (1201, 1, len(losses.LEVELS_Q)))
  total = np.zeros((len(grid), len(losses.LEVELS_Q)))
  for level, column in zip(losses.LEVELS_Q, total.T, strict=True):
    difference = z_n[None] - grid[:, None]
    column[:] = np.maximum(level * difference, (level - 1) * difference).mean(1)
  best = grid[total.argmin(0)]
  np.testing.assert_allclose(best, np.quantile(z_n, losses.LEVELS_Q), atol=0.02)
  at_zero = losses.error_b_p(config, output[600:601], jnp.zeros((1, 1)))
  assert at_zero[0, 0] == pytest.approx(0, abs=1e-5)


def test_rare_pressures_weigh_more_and_the_mean_weight_is_one():
  stats = targets.first_sums()
  bp = jnp.asarray(np.concatenate([np.full((90, 2), 115.0), np.full((10, 2), 175.0)]), jnp.float32)
  stats = targets.counted(stats, bp, jnp.ones(100))
  weight = targets.balance_b_p(stats, bp)
  assert weight[-1, 0] > 2 * weight[0, 0]
  assert weight.mean() == pytest.approx(1, rel=1e-3)
