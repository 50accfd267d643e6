"""RespDiff: the respiratory waveform from the PPG by conditional diffusion, and the same network as a one-pass regressor.

Miao, Chen, Li and Mandic, "RespDiff: an end-to-end multi-scale RNN diffusion model for respiratory waveform estimation from
PPG signals" (arXiv 2410.04366). Batches hold `ppg_b_t_p` (p samples to each of the respiration) and, in training, `resp_b_t`,
`mask_b` and `rate_bpm_b`, the annotators' rate of the window, NaN where there is none.
"""
import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsig import rng
from jaxsig.config import nearest
from jaxsig.errors import UserError
from jaxsig.nn import diffusion
from jaxsig.system import Task
from jaxsig.systems.respiration.baselines import METHODS
from jaxsig.systems.respiration.network import RespDiff
from jaxsig.systems.respiration.network_long import RespDiffLong
from jaxsig.systems.respiration.rates import RATE_BPM_R
from jaxsig.systems.respiration.score import score_record

NAMES = {"diffusion": "respdiff", "regression": "one_pass_regressor"}
NETWORKS = {"respdiff": RespDiff, "respdiff_long": RespDiffLong}
LABEL_SD = 0.04   # of the log of a true rate: annotators, and a rate that moves within the window


def make(config: Any) -> Task:
  """The task of `config.model` (network and objective), `config.process`, `config.loss`, `config.sampler`, `config.score`.

  Raises:
    UserError: an unknown network, objective, schedule, target, spectral loss or sampler, or a rate head that does not fit.
  """
  options = config.model.to_dict()
  objective, network = options.pop("objective"), options.pop("network")
  for name, known, what in ((objective, NAMES, "objective"), (network, NETWORKS, "network")):
    if name not in known:
      raise UserError(f"unknown model.{what} {name!r}{nearest(name, known)}")
  if options.get("rate_hz", config.data.rate_hz) != config.data.rate_hz:
    raise UserError(f"model.rate_hz={options['rate_hz']:g} is not data.rate_hz={config.data.rate_hz:g}: set both alike, or the rate "
                    "head reads other rates")
  if config.loss.rate_weight and not hasattr(NETWORKS[network], "rate_logits"):
    raise UserError(f"model.network={network} has no rate head to train: set loss.rate_weight=0, or take respdiff_long")
  if wrong := sorted(options.keys() - NETWORKS[network].__dataclass_fields__.keys()):
    raise UserError(f"model.network={network} has no setting model.{wrong[0]}, which is of another network: start from a config of its own")
  network = NETWORKS[network](**{k: tuple(v) if isinstance(v, list) else v for k, v in options.items()})
  process = diffusion.make_schedule(config.process.schedule, **config.process.options.to_dict())
  diffusion.check(process, config.sampler.name, config.sampler.steps, config.process.target)
  spectral = _spectral_loss(config.loss, config.data.rate_hz)
  init = lambda key, batch: (network.init(key, batch["ppg_b_t_p"], _target_like(batch), _steps(batch, 0)), {})
  score = functools.partial(score_record, rate_of=config.score.rate_of, divisor_slip=config.score.divisor_slip)
  loss, predict = (_regression if objective == "regression" else _diffusion)(network, process, spectral, config)
  return Task(init, loss, predict, score, METHODS, config.method or NAMES[objective])


def _target_like(batch: dict) -> jax.Array:
  """A clean slate of the target's shape; a user's own file has no `resp_b_t`, and its PPG is as long."""
  return jnp.zeros_like(batch["ppg_b_t_p"][..., 0])


def _steps(batch: dict, step: int) -> jax.Array:
  return jnp.full(len(batch["ppg_b_t_p"]), step)


def _mean(values_b: jax.Array, weight_b: jax.Array) -> jax.Array:
  """The mean over real rows: padding weighs nothing."""
  return jnp.sum(values_b * weight_b) / jnp.maximum(jnp.sum(weight_b), 1.0)


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


def _rate_loss(network: nn.Module, params: Any, features: jax.Array, batch: dict) -> jax.Array:
  """Cross-entropy of the rate head with a log-normal label around the annotators' rate; windows without one do not count."""
  rate_b = batch["rate_bpm_b"]
  known_b = ((rate_b > RATE_BPM_R[0]) & (rate_b < RATE_BPM_R[-1])) * batch["mask_b"]
  log_rate_b = jnp.log(jnp.where(known_b > 0, rate_b, 15.0))
  label_b_r = jax.nn.softmax(-0.5 * ((jnp.log(RATE_BPM_R) - log_rate_b[:, None]) / LABEL_SD) ** 2)
  logits_b_r = network.apply(params, features, method="rate_logits")
  return _mean(-jnp.sum(label_b_r * jax.nn.log_softmax(logits_b_r), -1), known_b)


def _posterior(network: nn.Module, params: Any, features: jax.Array, config: Any) -> dict:
  """{"rate_pmf_b_r"} of a network with a rate head: its logits, tempered."""
  if not config.loss.rate_weight:
    return {}
  logits_b_r = network.apply(params, features, method="rate_logits")
  return {"rate_pmf_b_r": jax.nn.softmax(logits_b_r / config.sampler.temperature)}


def _total(network: nn.Module, params: Any, features: jax.Array, batch: dict, config: Any, parts: dict) -> tuple:
  """The sum of the parts of a loss, and of the rate head's where it counts."""
  total = sum(parts.values())
  if config.loss.rate_weight:
    parts = {**parts, "rate": _rate_loss(network, params, features, batch)}
    total += config.loss.rate_weight * parts["rate"]
  return total, parts


def _heard(batch: dict, key: jax.Array, sd: float) -> jax.Array:
  """The PPG of a training batch, with white noise of a random strength up to `sd`."""
  ppg = batch["ppg_b_t_p"]
  if not sd:
    return ppg
  keys_b = rng.rows(rng.stream(key, "ppg_noise"), len(ppg))
  strength_b = sd * jax.vmap(jax.random.uniform)(keys_b)
  return ppg + strength_b[:, None, None] * diffusion.row_noise(jax.vmap(rng.at_step, (0, None))(keys_b, 1), ppg.shape[1:])


def _regression(network: nn.Module, process: diffusion.Schedule, spectral: Callable, config: Any) -> tuple:
  del process

  def loss(params, stats, batch, key):
    x0 = batch["resp_b_t"]
    features = network.apply(params, _heard(batch, key, config.loss.ppg_noise), method="encode")
    x0_hat = network.apply(params, features, jnp.zeros_like(x0), _steps(batch, 0), method="denoise")
    parts = {"squared_error": _mean(jnp.mean((x0_hat - x0) ** 2, -1), batch["mask_b"]),
             "spectral": _mean(spectral(x0_hat, x0, jnp.ones(len(x0))), batch["mask_b"])}
    total, parts = _total(network, params, features, batch, config, parts)
    return total, (stats, parts)

  def predict(params, stats, batch, keys_b):
    del stats, keys_b
    features = network.apply(params, batch["ppg_b_t_p"], method="encode")
    resp = network.apply(params, features, _target_like(batch), _steps(batch, 0), method="denoise")
    return {"resp_b_t": resp, **_posterior(network, params, features, config)}

  return loss, predict


def _diffusion(network: nn.Module, process: diffusion.Schedule, spectral: Callable, config: Any) -> tuple:
  kind, sampler = config.process.target, config.sampler

  def loss(params, stats, batch, key):
    x0, b = batch["resp_b_t"], len(batch["resp_b_t"])
    t_b = diffusion.sample_times(process, rng.stream(key, "time"), b, config.process.stratified)
    eps = diffusion.row_noise(rng.rows(rng.stream(key, "noise"), b), x0.shape[1:])
    y = diffusion.noised(process, x0, eps, t_b)
    features = network.apply(params, _heard(batch, key, config.loss.ppg_noise), method="encode")
    prediction = network.apply(params, features, y, process.step(t_b), method="denoise")
    error = prediction - diffusion.target_of(kind, process, x0, eps, t_b)
    x0_hat, _ = diffusion.predicted_x0_eps(kind, prediction, y, t_b, process)
    parts = {"squared_error": _mean(jnp.mean(error**2, -1), batch["mask_b"]),
             "spectral": _mean(spectral(x0_hat, x0, process.alpha(t_b)), batch["mask_b"])}
    total, parts = _total(network, params, features, batch, config, parts)
    return total, (stats, parts)

  def predict(params, stats, batch, keys_b):
    del stats
    b, s = len(keys_b), sampler.samples
    features = network.apply(params, batch["ppg_b_t_p"], method="encode")
    condition = jnp.repeat(features, s, 0)   # once for all steps and samples
    denoise = lambda y, t_b: network.apply(params, condition, y, process.step(t_b), method="denoise")
    keys = jax.vmap(lambda key: rng.rows(key, s))(keys_b).reshape(b * s)
    x0 = diffusion.sample(denoise, process, keys, _target_like(batch).shape[1:], sampler=sampler.name, steps=sampler.steps,
                          kind=kind, clip=tuple(sampler.clip) or None)
    resp_b_s_t = x0.reshape(b, s, -1)
    out = {"resp_b_t": resp_b_s_t.mean(1), **_posterior(network, params, features, config)}
    return {**out, "resp_b_s_t": resp_b_s_t} if sampler.keep_samples and s > 1 else out

  return loss, predict
