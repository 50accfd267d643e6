"""The task of the network for a minute at a time: losses by masks, keys, the posterior, and that a
batch is learnt."""
from typing import NamedTuple

import jax
import numpy as np
import optax
import pytest
from builders import ROOT
from ml_collections import ConfigDict
from test_models_respdiff import normal

from jaxsig import config as configs
from jaxsig import rng
from jaxsig.system import Task
from jaxsig.systems.respiration import task as respdiff
from jaxsig.systems.respiration.losses import LABEL_SD, rate_loss
from jaxsig.systems.respiration.rates import RATE_BPM_R

pytestmark = pytest.mark.usefixtures("quick_compilation")

BINS = len(RATE_BPM_R)
RATIO = RATE_BPM_R[1] / RATE_BPM_R[0]
TINY = {
    "model.channels": 4,
    "model.fine_kernels": (5,),
    "model.coarse_kernels": (5,),
    "model.dilations": (2,),
    "model.denoiser_dilations": (2,),
}


def settings(**changes) -> ConfigDict:
  dotted = {name.replace("__", "."): value for name, value in changes.items()}
  return configs.load(ROOT / "configs/respdiff_60s.py", "smoke", {**TINY, **dotted})


def batch(b: int = 6, t: int = 300, p: int = 6) -> dict[str, np.ndarray]:
  """Sines of 10 to 25/min, and a PPG that breathes with them."""
  bpm_b = np.linspace(10, 25, b)

  def phase(n):
    return 2 * np.pi * bpm_b[:, None] / 60 * np.arange(n) * 60 / n

  pulse_t = 0.3 * np.sin(2 * np.pi * 1.3 * np.arange(t * p) / 30)
  ppg = np.sin(phase(t * p)) + pulse_t
  return {
      "ppg_b_t_p": ppg.reshape(b, t, p).astype(np.float32),
      "resp_b_t": np.sin(phase(t) + 1).astype(np.float32),
      "mask_b": np.ones(b, np.float32),
      "start_s_b": np.zeros(b, np.float32),
      "rate_bpm_b": bpm_b.astype(np.float32),
  }


class Compiled(NamedTuple):
  """A tiny task and its programs, each compiled once."""
  data: dict[str, np.ndarray]
  params: dict
  losses: object     # (params, batch, step) -> ((total, losses by name), gradient)
  predict: object    # (params, batch, keys_b) -> predictions
  keys_b: jax.Array


@pytest.fixture(scope="module")
def smoke() -> Compiled:
  task = respdiff.make(settings())
  data = batch()
  shapes, stats = jax.eval_shape(task.init, jax.random.key(0), data)
  random = np.random.default_rng(0)

  def draw(leaf):
    return (leaf.size**-0.25 * random.uniform(-1, 1, leaf.shape)).astype(np.float32)

  @jax.jit
  def losses(params, batch, step):
    def total_and_losses(params):
      key = rng.at_step(jax.random.key(1), step)
      total, (_, losses) = task.loss(params, stats, batch, key)
      return total, losses

    return jax.value_and_grad(total_and_losses, has_aux=True)(params)

  @jax.jit
  def predict(params, batch, keys_b):
    return task.predict(params, stats, batch, keys_b)

  keys_b = rng.rows(jax.random.key(2), 6)
  return Compiled(data, jax.tree.map(draw, shapes), losses, predict, keys_b)


def test_a_loss_and_its_gradient_are_the_mean_over_rows_that_are_no_padding(smoke):
  padding = {name: np.concatenate([x[:2], 7 * x[2:] + 1]) for name, x in smoke.data.items()}

  def masked(data, *mask):
    return smoke.losses(smoke.params, {**data, "mask_b": np.array(mask, np.float32)}, 0)

  (first, losses), first_gradient = masked(smoke.data, 1, 0, 0, 0, 0, 0)
  (second, _), second_gradient = masked(padding, 0, 1, 0, 0, 0, 0)
  (both, _), both_gradient = masked(padding, 1, 1, 0, 0, 0, 0)
  assert losses["squared_error"] > 0
  assert losses["rate"] > 0
  assert abs(first - second) > 1e-2
  np.testing.assert_allclose(both, (first + second) / 2, rtol=1e-5)

  gradients = map(jax.tree.leaves, (first_gradient, second_gradient, both_gradient))
  for of_first, of_second, of_both in zip(*gradients, strict=True):
    mean = (np.asarray(of_first) + np.asarray(of_second)) / 2
    np.testing.assert_allclose(of_both, mean, atol=2e-5)


def losses_of_rates(smoke, rates, mask=(1, 1, 1, 1, 1, 1)):
  data = {
      **smoke.data,
      "rate_bpm_b": np.array(rates, np.float32),
      "mask_b": np.array(mask, np.float32),
  }
  (_, losses), gradient = smoke.losses(smoke.params, data, 0)
  return losses, gradient


def test_without_any_rate_on_the_grid_the_rate_head_learns_nothing(smoke):
  losses, gradient = losses_of_rates(smoke, [np.nan, 3, 61, np.inf, -5, np.nan])
  assert losses["rate"] == 0
  assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))
  head = gradient["params"]["rate_head"]
  assert all((np.asarray(leaf) == 0).all() for leaf in jax.tree.leaves(head))
  assert np.abs(gradient["params"]["out"]["kernel"]).max() > 0


def test_the_rate_loss_is_the_mean_over_windows_that_have_a_rate(smoke):
  some, _ = losses_of_rates(smoke, [12, np.nan, 3, 61, 15, np.nan])
  two = (1, 0, 0, 0, 1, 0)
  only, _ = losses_of_rates(smoke, [12, 20, 20, 20, 15, 20], two)
  np.testing.assert_allclose(some["rate"], only["rate"], rtol=1e-5)
  other, _ = losses_of_rates(smoke, [12, 20, 20, 20, 16, 20], two)
  assert abs(other["rate"] - only["rate"]) > 1e-4


class Logits:
  """In the place of a network: its features are the logits."""
  @staticmethod
  def apply(params, features, method):
    return features


def parts(config: ConfigDict) -> respdiff.Parts:
  return respdiff.Parts(Logits, process=None, spectral=None, config=config)


def test_the_rate_loss_is_least_for_a_log_normal_posterior_of_the_true_rate():
  label = {"rate_bpm_b": np.array([15.0], np.float32), "mask_b": np.ones(1, np.float32)}
  compiled_loss = jax.jit(lambda logits_b_r: rate_loss(logits_b_r, label))

  def loss(bpm, sd):
    log_normal = -0.5 * (np.log(RATE_BPM_R / bpm) / sd)[None] ** 2
    return float(compiled_loss(log_normal.astype(np.float32)))

  best = loss(15, LABEL_SD)
  entropy = np.log(np.sqrt(2 * np.pi * np.e) * LABEL_SD / np.log(RATIO))
  assert best == pytest.approx(entropy, abs=1e-3)
  for bpm, sd in ((15.5, 0.04), (15, 0.06), (15, 0.025), (30, 0.04)):
    assert loss(bpm, sd) > best + 0.01


def test_one_batch_is_learnt_by_waveform_and_rate(smoke):
  optimiser = optax.adam(1e-2)

  @jax.jit
  def update(gradient, state, params):
    updates, state = optimiser.update(gradient, state, params)
    return optax.apply_updates(params, updates), state

  params = smoke.params
  zeros = jax.tree.map(np.zeros_like, params)
  state = jax.tree.map(np.asarray, optimiser.init(zeros))
  history = []
  for step in range(60):
    (_, losses), gradient = smoke.losses(params, smoke.data, step)
    params, state = update(gradient, state, params)
    history.append([losses["squared_error"], losses["rate"]])

  start = np.mean(history[:5], 0)
  end = np.mean(history[-10:], 0)
  assert end[0] < 0.5 * start[0]
  assert end[1] < 0.7 * start[1]

  predictions = smoke.predict(params, smoke.data, smoke.keys_b)
  for estimate_t, truth_t in zip(predictions["resp_b_t"], smoke.data["resp_b_t"], strict=True):
    assert np.corrcoef(estimate_t, truth_t)[0, 1] > 0.9
  mode_bpm_b = RATE_BPM_R[np.argmax(predictions["rate_pmf_b_r"], -1)]
  np.testing.assert_allclose(mode_bpm_b, smoke.data["rate_bpm_b"], rtol=0.05)


def test_batch_mates_do_not_change_an_example(smoke):
  other_mates = {name: np.concatenate([x[:4], 5 - x[[0, 0]]]) for name, x in smoke.data.items()}
  before = smoke.predict(smoke.params, smoke.data, smoke.keys_b)
  after = smoke.predict(smoke.params, other_mates, smoke.keys_b)
  assert set(before) == {"resp_b_t", "resp_b_s_t", "rate_pmf_b_r"}
  for name in before:
    np.testing.assert_allclose(before[name][:4], after[name][:4], atol=1e-5)
    assert np.abs(before[name][4:] - after[name][4:]).max() > 1e-3


def test_every_sample_is_its_own_and_the_posterior_is_no_draw(smoke):
  predictions = smoke.predict(smoke.params, smoke.data, smoke.keys_b)
  samples_b_s_t = np.asarray(predictions["resp_b_s_t"])
  assert samples_b_s_t.shape == (6, 2, 300)
  assert predictions["rate_pmf_b_r"].shape == (6, BINS)
  np.testing.assert_allclose(predictions["rate_pmf_b_r"].sum(-1), 1, atol=1e-5)
  difference_b = np.abs(samples_b_s_t[:, 0] - samples_b_s_t[:, 1]).max(-1)
  assert difference_b.min() > 1e-2

  by_other_keys = smoke.predict(smoke.params, smoke.data, smoke.keys_b[::-1])
  np.testing.assert_array_equal(by_other_keys["rate_pmf_b_r"], predictions["rate_pmf_b_r"])
  assert np.abs(by_other_keys["resp_b_s_t"] - samples_b_s_t).max() > 1e-2


def test_temperature_flattens_a_posterior():
  logits = normal(0, 4, BINS)

  def posterior(temperature):
    config = settings(read__sampler__temperature=temperature, loss__rate_weight=0.3)
    return np.asarray(respdiff._posterior(parts(config), {}, logits)["rate_pmf_b_r"])

  cold, plain, hot = posterior(0.5), posterior(1.0), posterior(3.0)
  entropies = [-np.sum(pmf * np.log(pmf), -1) for pmf in (cold, plain, hot)]
  assert (np.diff(entropies, axis=0) > 0.1).all()
  for pmf in (cold, plain, hot):
    np.testing.assert_allclose(pmf.sum(-1), 1, atol=1e-5)
    np.testing.assert_array_equal(np.argmax(pmf, -1), np.argmax(logits, -1))

  relative_hot = hot / hot.max(-1, keepdims=True)
  relative_plain = plain / plain.max(-1, keepdims=True)
  np.testing.assert_allclose(relative_hot, relative_plain ** (1 / 3), atol=1e-5)


def test_without_a_rate_loss_there_is_no_posterior():
  config = settings(read__sampler__temperature=1.0, loss__rate_weight=0.0)
  assert respdiff._posterior(parts(config), {}, normal(0, 4, BINS)) == {}


def test_noise_on_the_ppg_is_of_a_strength_and_a_key_of_its_own_in_each_row():
  add_noise = jax.jit(respdiff._noisy_ppg, static_argnums=2)

  def noise(n, sd=0.05, key=1):
    silent = {"ppg_b_t_p": np.zeros((n, 60, 6), np.float32)}
    return np.asarray(add_noise(silent, jax.random.key(key), sd))

  many = noise(24)
  np.testing.assert_array_equal(noise(3), many[:3])   # padding and mates have no say
  assert (noise(3, key=2) != many[:3]).mean() > 0.9
  assert not noise(3, sd=0.0).any()

  sd_b = many.std((1, 2))
  assert sd_b.max() <= 0.052
  assert sd_b.min() < 0.015
  assert sd_b.max() > 0.035

  correlation_b_b = np.corrcoef(many.reshape(24, -1))
  assert np.abs(correlation_b_b - np.eye(24)).max() < 0.25
  neighbours = np.corrcoef(many[0, :-1].ravel(), many[0, 1:].ravel())[0, 1]
  assert abs(neighbours) < 0.2   # white


@pytest.mark.parametrize("objective", ["diffusion", "regression"])
def test_training_hears_noise_and_a_prediction_does_not(objective, monkeypatch):
  asked_sd = []
  noisy_ppg = respdiff._noisy_ppg

  def spy(batch, key, sd):
    asked_sd.append(sd)
    return noisy_ppg(batch, key, sd)

  monkeypatch.setattr(respdiff, "_noisy_ppg", spy)
  task: Task = respdiff.make(settings(model__objective=objective, loss__ppg_noise=0.1))
  data = batch(2)
  key = jax.random.key(0)
  params, stats = jax.eval_shape(task.init, key, data)
  jax.eval_shape(task.predict, params, stats, data, rng.rows(key, 2))
  assert asked_sd == []
  jax.eval_shape(task.loss, params, stats, data, key)
  assert asked_sd == [0.1]
