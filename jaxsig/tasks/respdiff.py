"""RespDiff: the respiratory waveform from the PPG by conditional diffusion, and the same network as a one-pass regressor.

Miao, Chen, Li and Mandic, "RespDiff: an end-to-end multi-scale RNN diffusion model for respiratory waveform estimation from
PPG signals" (arXiv 2410.04366). Batches hold `ppg_b_t` and, in training, `resp_b_t` of the same length and `mask_b`.
"""
import functools
from typing import Any

import jax
import jax.numpy as jnp

from jaxsig import diffusion, rng
from jaxsig.baselines.respiration import METHODS
from jaxsig.config import nearest
from jaxsig.errors import UserError
from jaxsig.metrics.respiration_rows import score_record
from jaxsig.models.respdiff import RespDiff
from jaxsig.task import Task

NAMES = {"diffusion": "respdiff", "regression": "one_pass_regressor"}


def make(config: Any) -> Task:
  """The task of `config.model` (network and objective), `config.process`, `config.loss`, `config.sampler`, `config.score`.

  Raises:
    UserError: an unknown objective, schedule, target, spectral loss or sampler.
  """
  options = config.model.to_dict()
  objective = options.pop("objective")
  if objective not in NAMES:
    raise UserError(f"unknown model.objective {objective!r}{nearest(objective, NAMES)}")
  network = RespDiff(**{k: tuple(v) if isinstance(v, list) else v for k, v in options.items()})
  process = diffusion.make_schedule(config.process.schedule, **config.process.options.to_dict())
  diffusion.check(process, config.sampler.name, config.sampler.steps, config.process.target)
  spectral = _spectral_loss(config.loss, config.data.rate_hz)
  init = lambda key, batch: (network.init(key, batch["ppg_b_t"], _target_like(batch), _steps(batch, 0)), {})
  score = functools.partial(score_record, rate_of=config.score.rate_of, divisor_slip=config.score.divisor_slip)
  if objective == "regression":
    loss, predict = _regression(network, spectral)
  else:
    loss, predict = _diffusion(network, process, spectral, config)
  return Task(init, loss, predict, score, METHODS, NAMES[objective])


def _target_like(batch: dict) -> jax.Array:
  """A clean slate of the target's shape; a user's own file has no `resp_b_t`, and its PPG is as long."""
  return jnp.zeros_like(batch.get("resp_b_t", batch["ppg_b_t"]))


def _steps(batch: dict, step: int) -> jax.Array:
  return jnp.full(len(batch["ppg_b_t"]), step)


def _mean(values_b: jax.Array, batch: dict) -> jax.Array:
  """The mean over real rows: padding weighs nothing."""
  return jnp.sum(values_b * batch["mask_b"]) / jnp.maximum(jnp.sum(batch["mask_b"]), 1.0)


def _spectral_loss(config: Any, rate_hz: float):
  """(x0_hat_b_t, x0_b_t, alpha_b) -> weighted loss [b] of `config.spectral`: none, paper, as_coded or banded."""
  kind = config.spectral
  if kind == "none":
    return lambda x0_hat, x0, alpha_b: jnp.zeros(len(x0))
  if kind in diffusion.SPECTRAL_WEIGHTS:
    weight = diffusion.SPECTRAL_WEIGHTS[kind]
    return lambda x0_hat, x0, alpha_b: weight * diffusion.spectral_loss_as_coded(x0_hat, x0)
  if kind == "banded":
    return lambda x0_hat, x0, alpha_b: config.weight * diffusion.spectral_loss_banded(x0_hat, x0, alpha_b, rate_hz)
  raise UserError(f"unknown loss.spectral {kind!r}{nearest(kind, ('none', 'banded', *diffusion.SPECTRAL_WEIGHTS))}")


def _regression(network: RespDiff, spectral):
  def loss(params, stats, batch, key):
    del key
    x0 = batch["resp_b_t"]
    x0_hat = network.apply(params, batch["ppg_b_t"], jnp.zeros_like(x0), _steps(batch, 0))
    squared = _mean(jnp.mean((x0_hat - x0) ** 2, -1), batch)
    extra = _mean(spectral(x0_hat, x0, jnp.ones(len(x0))), batch)
    return squared + extra, (stats, {"squared_error": squared, "spectral": extra})

  def predict(params, stats, batch, keys_b):
    del stats, keys_b
    return {"resp_b_t": network.apply(params, batch["ppg_b_t"], _target_like(batch), _steps(batch, 0))}

  return loss, predict


def _diffusion(network: RespDiff, process: diffusion.Schedule, spectral, config: Any):
  kind, sampler = config.process.target, config.sampler

  def loss(params, stats, batch, key):
    x0, b = batch["resp_b_t"], len(batch["resp_b_t"])
    t_b = diffusion.sample_times(process, rng.stream(key, "time"), b, config.process.stratified)
    eps = diffusion.row_noise(rng.rows(rng.stream(key, "noise"), b), x0.shape[1:])
    y = diffusion.noised(process, x0, eps, t_b)
    prediction = network.apply(params, batch["ppg_b_t"], y, process.step(t_b))
    error = prediction - diffusion.target_of(kind, process, x0, eps, t_b)
    x0_hat, _ = diffusion.predicted_x0_eps(kind, prediction, y, t_b, process)
    squared = _mean(jnp.mean(error**2, -1), batch)
    extra = _mean(spectral(x0_hat, x0, process.alpha(t_b)), batch)
    return squared + extra, (stats, {"squared_error": squared, "spectral": extra})

  def predict(params, stats, batch, keys_b):
    del stats
    b, s = len(keys_b), sampler.samples
    condition = network.apply(params, batch["ppg_b_t"], method="encode")
    condition = jnp.repeat(condition, s, 0)   # once for all steps and samples
    denoise = lambda y, t_b: network.apply(params, condition, y, process.step(t_b), method="denoise")
    keys = jax.vmap(lambda key: rng.rows(key, s))(keys_b).reshape(b * s)
    x0 = diffusion.sample(denoise, process, keys, _target_like(batch).shape[1:], sampler=sampler.name, steps=sampler.steps,
                          kind=kind, clip=tuple(sampler.clip) or None)
    resp_b_s_t = x0.reshape(b, s, -1)
    mean = {"resp_b_t": resp_b_s_t.mean(1)}
    return {**mean, "resp_b_s_t": resp_b_s_t} if sampler.keep_samples and s > 1 else mean

  return loss, predict
