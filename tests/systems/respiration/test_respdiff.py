"""The RespDiff task: published size, masks, keys, and that a batch can be learnt."""
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from builders import ROOT

from jaxsig import config as configs
from jaxsig import rng
from jaxsig import system as systems
from jaxsig.errors import UserError
from jaxsig.system import Task

pytestmark = pytest.mark.usefixtures("quick_compilation")
OBJECTIVES = ("diffusion", "regression")


def make(file: str = "respdiff.py", arg: str = "smoke", **changes: object) -> Task:
  dotted = {key.replace("__", "."): value for key, value in changes.items()}
  config = configs.load(ROOT / "configs" / file, arg, dotted)
  return systems.make(config).task


def batch(b: int = 6, t: int = 150) -> dict[str, np.ndarray]:
  """Breathing that the pulses carry, at another phase in each window."""
  phase_b_t = 2 * np.pi * (np.arange(t) / 40 + np.arange(b)[:, None] / b)
  ppg_b_t = np.sin(phase_b_t) + 0.3 * np.sin(4 * phase_b_t)
  return {
      "ppg_b_t_p": ppg_b_t[..., None].astype("f"),
      "resp_b_t": np.sin(phase_b_t + 1).astype("f"),
      "mask_b": np.ones(b, "f"),
      "rate_bpm_b": np.full(b, 15, "f"),
  }


def first_parameters(task: Task, data: dict[str, np.ndarray]):
  return jax.jit(task.init)(jax.random.key(0), data)


def test_the_published_config_has_the_published_parameters():
  shapes, stats = jax.eval_shape(make("respdiff_paper.py", "").init, jax.random.key(0), batch(2))
  assert sum(x.size for x in jax.tree.leaves(shapes)) == 36_875_649
  assert not stats


def test_the_published_config_has_the_published_sampler_and_steps():
  config = configs.load(ROOT / "configs" / "respdiff_paper.py")
  sampler = config.read.sampler
  assert (sampler.name, sampler.steps, sampler.samples) == ("ddpm", 50, 100)
  assert (config.train.steps, config.train.batch_size) == (39 * 400, 128)
  epochs = [round(config.train.steps * fraction / 39) for fraction in config.optim.milestones]
  assert epochs == [280, 396]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_padding_changes_neither_loss_nor_gradient(objective: str):
  task = make(model__objective=objective)
  whole = batch(6)
  padded = {name: np.concatenate([x, 7 * x[:2]]) for name, x in whole.items()}
  padded["mask_b"] = np.array([1] * 6 + [0] * 2, "f")
  params, stats = first_parameters(task, whole)

  @jax.jit
  def gradient(params, data):
    return jax.value_and_grad(lambda p: task.loss(p, stats, data, jax.random.key(1))[0])(params)

  loss, slopes = gradient(params, whole)
  padded_loss, padded_slopes = gradient(params, padded)
  np.testing.assert_allclose(loss, padded_loss, rtol=1e-5)
  for one, other in zip(jax.tree.leaves(slopes), jax.tree.leaves(padded_slopes), strict=True):
    np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_one_batch_is_learnt(objective: str):
  task = make(model__objective=objective, model__hidden=16, loss__spectral="none")
  data = batch()
  params, stats = first_parameters(task, data)
  transformation = optax.adam(1e-2)

  @jax.jit
  def step(params, opt, i):
    key = rng.at_step(jax.random.key(1), i)
    loss_of = jax.value_and_grad(task.loss, has_aux=True)
    (loss, _), slopes = loss_of(params, stats, data, key)
    updates, opt = transformation.update(slopes, opt, params)
    return optax.apply_updates(params, updates), opt, loss

  opt = transformation.init(params)
  losses = []
  for i in range(150):
    params, opt, loss = step(params, opt, i)
    losses.append(float(loss))
  assert np.mean(losses[-10:]) < 0.4 * np.mean(losses[:3])

  keys = rng.rows(jax.random.key(2), 6)
  predicted_b_t = jax.jit(task.predict)(params, stats, data, keys)["resp_b_t"]
  assert np.corrcoef(np.ravel(predicted_b_t), np.ravel(data["resp_b_t"]))[0, 1] > 0.7


def test_samples_are_kept_and_their_mean_is_the_waveform():
  task = make(read__sampler__samples=3)
  data = batch()
  params, stats = first_parameters(task, data)
  keys = rng.rows(jax.random.key(2), 6)
  predict = jax.jit(task.predict)
  predicted = predict(params, stats, data, keys)
  assert predicted["resp_b_s_t"].shape == (6, 3, 150)
  np.testing.assert_allclose(predicted["resp_b_s_t"].mean(1), predicted["resp_b_t"], atol=1e-5)
  sd_b_t = jnp.std(predicted["resp_b_s_t"], 1)
  assert float(sd_b_t.min()) >= 0
  assert float(sd_b_t.max()) > 0

  without_reference = {name: x for name, x in data.items() if name != "resp_b_t"}   # a user's file
  again = predict(params, stats, without_reference, keys)
  np.testing.assert_array_equal(again["resp_b_t"], predicted["resp_b_t"])


@pytest.mark.parametrize("changes, word", [
    ({"loss__spectral": "band"}, "banded"),
    ({"read__sampler__name": "euler"}, "ddim"),
    ({"read__sampler__steps": 99}, "99"),
    ({"process__target": "noise"}, "eps"),
    ({"process__schedule": "quadratic"}, "cosine"),
    ({"model__objective": "gan"}, "diffusion"),
])
def test_settings_that_do_not_exist_are_named(changes: dict[str, object], word: str):
  with pytest.raises(UserError, match=word):
    make(**changes)


@pytest.mark.parametrize("changes, word", [
    ({"data__rate_hz": 10.0}, "model.rate_hz=5 is not data.rate_hz=10"),
    ({"model__network": "respdif"}, "did you mean 'respdiff'"),
    ({"model__network": "respdiff"}, "no rate head"),
])
def test_a_rate_head_that_does_not_fit_is_named(changes: dict[str, object], word: str):
  with pytest.raises(UserError, match=word):
    make("respdiff_60s.py", **changes)
