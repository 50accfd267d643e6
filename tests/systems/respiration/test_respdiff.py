"""The RespDiff task: published size, masks, keys, and that a batch can be learnt."""
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from builders import ROOT

from jaxsig import config as configs
from jaxsig import rng
from jaxsig import system as task
from jaxsig.errors import UserError


def make(file="respdiff.py", arg="smoke", **changes):
  return task.make(configs.load(ROOT / "configs" / file, arg, {k.replace("__", "."): v for k, v in changes.items()}))


def batch(b=6, t=150):
  phase_b_t = 2 * np.pi * (np.arange(t) / 40 + np.arange(b)[:, None] / b)
  ppg = np.sin(phase_b_t) + 0.3 * np.sin(4 * phase_b_t)
  return {"ppg_b_t_p": ppg[..., None].astype("f"), "resp_b_t": np.sin(phase_b_t + 1).astype("f"), "mask_b": np.ones(b, "f"),
          "start_s_b": np.zeros(b, "f"), "rate_bpm_b": np.full(b, 15, "f")}


def test_the_published_config_is_the_published_network():
  shapes, stats = jax.eval_shape(make("respdiff_paper.py", "").init, jax.random.key(0), batch(2))
  assert sum(x.size for x in jax.tree.leaves(shapes)) == 36_875_649 and not stats
  config = configs.load(ROOT / "configs" / "respdiff_paper.py")
  assert (config.sampler.name, config.sampler.steps, config.sampler.samples) == ("ddpm", 50, 100)
  assert (config.train.steps, config.train.batch_size) == (39 * 400, 128)
  assert [round(config.train.steps * d / 39) for d in config.optim.milestones] == [280, 396]


@pytest.mark.parametrize("objective", ["diffusion", "regression"])
def test_padding_changes_neither_loss_nor_gradient(objective):
  system, whole = make(model__objective=objective), batch(6)
  params, stats = system.init(jax.random.key(0), whole)
  padded = {k: np.concatenate([v, 7 * v[:2]]) for k, v in whole.items()}
  padded["mask_b"] = np.array([1] * 6 + [0] * 2, "f")
  grad = jax.jit(jax.value_and_grad(lambda p, b: system.loss(p, stats, b, jax.random.key(1))[0]))
  (a, ga), (b, gb) = grad(params, whole), grad(params, padded)
  np.testing.assert_allclose(a, b, rtol=1e-5)
  jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, atol=1e-5), ga, gb)


@pytest.mark.parametrize("objective", ["diffusion", "regression"])
def test_one_batch_is_learnt(objective):
  system, data = make(model__objective=objective, model__hidden=16, loss__spectral="none"), batch()
  params, stats = system.init(jax.random.key(0), data)
  tx = optax.adam(1e-2)

  @jax.jit
  def step(params, opt, i):
    key = rng.at_step(jax.random.key(1), i)
    (loss, _), grads = jax.value_and_grad(system.loss, has_aux=True)(params, stats, data, key)
    updates, opt = tx.update(grads, opt, params)
    return optax.apply_updates(params, updates), opt, loss

  opt, losses = tx.init(params), []
  for i in range(150):
    params, opt, loss = step(params, opt, i)
    losses.append(float(loss))
  assert np.mean(losses[-10:]) < 0.4 * np.mean(losses[:3])
  out = jax.jit(system.predict)(params, stats, data, rng.rows(jax.random.key(2), 6))["resp_b_t"]
  assert np.corrcoef(np.ravel(out), np.ravel(data["resp_b_t"]))[0, 1] > 0.7


def test_samples_are_kept_and_their_mean_is_the_waveform():
  system, data = make(sampler__samples=3), batch()
  params, stats = system.init(jax.random.key(0), data)
  keys = rng.rows(jax.random.key(2), 6)
  out = jax.jit(system.predict)(params, stats, data, keys)
  assert out["resp_b_s_t"].shape == (6, 3, 150)
  np.testing.assert_allclose(out["resp_b_s_t"].mean(1), out["resp_b_t"], atol=1e-5)
  assert float(jnp.std(out["resp_b_s_t"], 1).min()) >= 0 and float(jnp.std(out["resp_b_s_t"], 1).max()) > 0
  bare = {k: v for k, v in data.items() if k != "resp_b_t"}   # a user's file has no reference
  np.testing.assert_array_equal(jax.jit(system.predict)(params, stats, bare, keys)["resp_b_t"], out["resp_b_t"])


@pytest.mark.parametrize("changes, word", [
    ({"loss__spectral": "band"}, "banded"), ({"sampler__name": "euler"}, "ddim"), ({"sampler__steps": 99}, "99"),
    ({"process__target": "noise"}, "eps"), ({"process__schedule": "quadratic"}, "cosine"), ({"model__objective": "gan"}, "diffusion")])
def test_settings_that_do_not_exist_are_named(changes, word):
  with pytest.raises(UserError, match=word):
    make(**changes)


@pytest.mark.parametrize("changes, word", [
    ({"data__rate_hz": 10.0}, "model.rate_hz=5 is not data.rate_hz=10"), ({"model__network": "respdif"}, "did you mean 'respdiff'"),
    ({"model": {"network": "respdiff", "objective": "diffusion"}}, "no rate head")])
def test_a_rate_head_that_does_not_fit_is_named(changes, word):
  with pytest.raises(UserError, match=word):
    make("respdiff_60s.py", **changes)
