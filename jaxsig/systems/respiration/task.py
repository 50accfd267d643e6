"""RespDiff: the respiratory waveform from the PPG by conditional diffusion, and the same network as a one-pass regressor.

Miao, Chen, Li and Mandic, "RespDiff: an end-to-end multi-scale RNN diffusion model for respiratory
waveform estimation from PPG signals" (arXiv 2410.04366). Batches hold `ppg_b_t_p` (p samples to
each of the respiration) and, in training, `resp_b_t`, `mask_b` and `rate_bpm_b`, the annotators'
rate of the window, NaN where there is none.
"""
from collections.abc import Callable, Iterable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from jaxsig import rng
from jaxsig.config import nearest
from jaxsig.errors import UserError
from jaxsig.nn import diffusion
from jaxsig.system import Batch, Params, Stats, Task
from jaxsig.systems.respiration.network import RespDiff
from jaxsig.systems.respiration.network_long import RespDiffLong
from jaxsig.systems.respiration.rates import RATE_BPM_R

OBJECTIVES = ("diffusion", "regression")
NETWORKS = {"respdiff": RespDiff, "respdiff_long": RespDiffLong}
LABEL_SD = 0.04   # of the log of a true rate: annotators, and a rate that moves within the window

# (x0_hat_b_t, x0_b_t, alpha_b) -> [b]
SpectralLoss = Callable[[jax.Array, jax.Array, jax.Array], jax.Array]


class Parts(NamedTuple):
  """What losses and predictions are made of."""
  network: nn.Module
  process: diffusion.Schedule
  spectral: SpectralLoss
  config: ConfigDict


def make(config: ConfigDict) -> Task:
  """The task of `config.model` (network and objective), `config.process`, `config.loss` and `config.read.sampler`.

  Raises:
    UserError: an unknown network, objective, schedule, target, spectral loss or sampler, or a rate
      head that does not fit.
  """
  _require_known(config.model.objective, OBJECTIVES, "objective")
  _require_known(config.model.network, NETWORKS, "network")
  network = _network(config)
  process = diffusion.make_schedule(config.process.schedule, **config.process.options.to_dict())
  sampler = config.read.sampler
  diffusion.check(process, sampler.name, sampler.steps, config.process.target)
  parts = Parts(network, process, _spectral_loss(config.loss, config.data.rate_hz), config)

  def init(key: jax.Array, batch: Batch) -> tuple[Params, Stats]:
    return network.init(key, batch["ppg_b_t_p"], _target_like(batch), _steps(batch, 0)), {}

  if config.model.objective == "regression":
    return Task(init, _regression_loss(parts), _regression_predict(parts))
  return Task(init, _diffusion_loss(parts), _diffusion_predict(parts))


def _require_known(name: str, known: Iterable[str], what: str) -> None:
  if name not in known:
    raise UserError(f"unknown model.{what} {name!r}{nearest(name, known)}")


def _network(config: ConfigDict) -> nn.Module:
  options = config.model.to_dict()
  name = options.pop("network")
  del options["objective"]
  network = NETWORKS[name]
  if options.get("rate_hz", config.data.rate_hz) != config.data.rate_hz:
    raise UserError(
        f"model.rate_hz={options['rate_hz']:g} is not data.rate_hz={config.data.rate_hz:g}: set "
        "both alike, or the rate head reads other rates")
  if config.loss.rate_weight and not hasattr(network, "rate_logits"):
    raise UserError(
        f"model.network={name} has no rate head to train: set loss.rate_weight=0, or take "
        "respdiff_long")
  unknown = sorted(options.keys() - network.__dataclass_fields__.keys())
  if unknown:
    raise UserError(
        f"model.network={name} has no setting model.{unknown[0]}, which is of another network: "
        "start from a config of its own")
  for key, value in options.items():
    if isinstance(value, list):
      options[key] = tuple(value)
  return network(**options)


def _target_like(batch: Batch) -> jax.Array:
  """Zeros of the target's shape; a user's own file has no `resp_b_t`, and its PPG is as long."""
  return jnp.zeros_like(batch["ppg_b_t_p"][..., 0])


def _steps(batch: Batch, step: int) -> jax.Array:
  return jnp.full(len(batch["ppg_b_t_p"]), step)


def _mean(values_b: jax.Array, weight_b: jax.Array) -> jax.Array:
  """The mean over real rows: padding weighs nothing."""
  return jnp.sum(values_b * weight_b) / jnp.maximum(jnp.sum(weight_b), 1.0)


def _spectral_loss(config: ConfigDict, rate_hz: float) -> SpectralLoss:
  """The weighted spectral loss that `config.spectral` names: none, paper, as_coded or banded."""
  kind = config.spectral

  def none(x0_hat_b_t: jax.Array, x0_b_t: jax.Array, alpha_b: jax.Array) -> jax.Array:
    return jnp.zeros(len(x0_b_t))

  def as_coded(x0_hat_b_t: jax.Array, x0_b_t: jax.Array, alpha_b: jax.Array) -> jax.Array:
    return diffusion.SPECTRAL_WEIGHTS[kind] * diffusion.spectral_loss_as_coded(x0_hat_b_t, x0_b_t)

  def banded(x0_hat_b_t: jax.Array, x0_b_t: jax.Array, alpha_b: jax.Array) -> jax.Array:
    return config.weight * diffusion.spectral_loss_banded(x0_hat_b_t, x0_b_t, alpha_b, rate_hz)

  if kind == "none":
    return none
  if kind in diffusion.SPECTRAL_WEIGHTS:
    return as_coded
  if kind == "banded":
    return banded
  raise UserError(
      "unknown loss.spectral "
      f"{kind!r}{nearest(kind, ('none', 'banded', *diffusion.SPECTRAL_WEIGHTS))}")


def _rate_loss(parts: Parts, params: Params, features: jax.Array, batch: Batch) -> jax.Array:
  """Cross-entropy of the rate head with a log-normal label around the annotators' rate; windows without one do not count."""
  rate_b = batch["rate_bpm_b"]
  in_range_b = (rate_b > RATE_BPM_R[0]) & (rate_b < RATE_BPM_R[-1])
  known_b = in_range_b * batch["mask_b"]
  log_rate_b = jnp.log(jnp.where(known_b > 0, rate_b, 15.0))
  distance_b_r = (jnp.log(RATE_BPM_R) - log_rate_b[:, None]) / LABEL_SD
  label_b_r = jax.nn.softmax(-0.5 * distance_b_r ** 2)
  logits_b_r = parts.network.apply(params, features, method="rate_logits")
  return _mean(-jnp.sum(label_b_r * jax.nn.log_softmax(logits_b_r), -1), known_b)


def _posterior(parts: Parts, params: Params, features: jax.Array) -> dict[str, jax.Array]:
  """{"rate_pmf_b_r"} of a network with a rate head: its logits, tempered."""
  if not parts.config.loss.rate_weight:
    return {}
  logits_b_r = parts.network.apply(params, features, method="rate_logits")
  return {"rate_pmf_b_r": jax.nn.softmax(logits_b_r / parts.config.read.sampler.temperature)}


def _total(parts: Parts, params: Params, features: jax.Array, batch: Batch, losses: dict[str, jax.Array]) -> tuple:
  """(total, losses by name): the sum of losses, and of the rate head's where it counts."""
  total = sum(losses.values())
  rate_weight = parts.config.loss.rate_weight
  if rate_weight:
    rate_loss = _rate_loss(parts, params, features, batch)
    losses = {**losses, "rate": rate_loss}
    total += rate_weight * rate_loss
  return total, losses


def _noisy_ppg(batch: Batch, key: jax.Array, sd: float) -> jax.Array:
  """The PPG of a training batch, with white noise of a random strength up to `sd`."""
  ppg = batch["ppg_b_t_p"]
  if not sd:
    return ppg
  keys_b = rng.rows(rng.stream(key, "ppg_noise"), len(ppg))
  strength_b = sd * jax.vmap(jax.random.uniform)(keys_b)
  noise_keys_b = jax.vmap(rng.at_step, (0, None))(keys_b, 1)
  return ppg + strength_b[:, None, None] * diffusion.row_noise(noise_keys_b, ppg.shape[1:])


def _encode_training(parts: Parts, params: Params, batch: Batch, key: jax.Array) -> jax.Array:
  ppg = _noisy_ppg(batch, key, parts.config.loss.ppg_noise)
  return parts.network.apply(params, ppg, method="encode")


def _regression_loss(parts: Parts) -> Callable:
  """The loss of the network as a one-pass regressor: the denoiser is given zeros at step 0."""
  def loss(params: Params, stats: Stats, batch: Batch, key: jax.Array) -> tuple:
    x0 = batch["resp_b_t"]
    features = _encode_training(parts, params, batch, key)
    x0_hat = parts.network.apply(params, features, jnp.zeros_like(x0), _steps(batch, 0), method="denoise")
    losses = {
        "squared_error": _mean(jnp.mean((x0_hat - x0) ** 2, -1), batch["mask_b"]),
        "spectral": _mean(parts.spectral(x0_hat, x0, jnp.ones(len(x0))), batch["mask_b"]),
    }
    total, losses = _total(parts, params, features, batch, losses)
    return total, (stats, losses)

  return loss


def _regression_predict(parts: Parts) -> Callable:
  def predict(params: Params, stats: Stats, batch: Batch, keys_b: jax.Array) -> dict[str, jax.Array]:
    del stats, keys_b
    features = parts.network.apply(params, batch["ppg_b_t_p"], method="encode")
    resp_b_t = parts.network.apply(params, features, _target_like(batch), _steps(batch, 0), method="denoise")
    return {"resp_b_t": resp_b_t, **_posterior(parts, params, features)}

  return predict


def _diffusion_loss(parts: Parts) -> Callable:
  """The loss of the conditional diffusion model on noised targets."""
  kind = parts.config.process.target
  process = parts.process

  def loss(params: Params, stats: Stats, batch: Batch, key: jax.Array) -> tuple:
    x0 = batch["resp_b_t"]
    b = len(x0)
    t_b = diffusion.sample_times(process, rng.stream(key, "time"), b, parts.config.process.stratified)
    eps = diffusion.row_noise(rng.rows(rng.stream(key, "noise"), b), x0.shape[1:])
    noised = diffusion.noised(process, x0, eps, t_b)

    features = _encode_training(parts, params, batch, key)
    prediction = parts.network.apply(params, features, noised, process.step(t_b), method="denoise")
    error = prediction - diffusion.target_of(kind, process, x0, eps, t_b)
    x0_hat, _ = diffusion.predicted_x0_eps(kind, prediction, noised, t_b, process)
    losses = {
        "squared_error": _mean(jnp.mean(error**2, -1), batch["mask_b"]),
        "spectral": _mean(parts.spectral(x0_hat, x0, process.alpha(t_b)), batch["mask_b"]),
    }
    total, losses = _total(parts, params, features, batch, losses)
    return total, (stats, losses)

  return loss


def _diffusion_predict(parts: Parts) -> Callable:
  """Samples of the waveform, their mean, and the rate's posterior where there is a rate head."""
  sampler = parts.config.read.sampler
  process = parts.process

  def predict(params: Params, stats: Stats, batch: Batch, keys_b: jax.Array) -> dict[str, jax.Array]:
    del stats
    b, s = len(keys_b), sampler.samples
    features = parts.network.apply(params, batch["ppg_b_t_p"], method="encode")
    condition = jnp.repeat(features, s, 0)   # once for all steps and samples

    def denoise(noised: jax.Array, t_b: jax.Array) -> jax.Array:
      return parts.network.apply(params, condition, noised, process.step(t_b), method="denoise")

    keys = jax.vmap(lambda key: rng.rows(key, s))(keys_b).reshape(b * s)
    x0 = diffusion.sample(
      denoise,
      process,
      keys,
      _target_like(batch).shape[1:],
      sampler=sampler.name,
      steps=sampler.steps,
      kind=parts.config.process.target,
      clip=tuple(sampler.clip) or None,
    )
    resp_b_s_t = x0.reshape(b, s, -1)
    predictions = {"resp_b_t": resp_b_s_t.mean(1), **_posterior(parts, params, features)}
    if sampler.keep_samples and s > 1:
      predictions["resp_b_s_t"] = resp_b_s_t
    return predictions

  return predict
