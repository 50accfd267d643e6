"""RespDiff: the respiratory waveform from the PPG by conditional diffusion.

The same network can be trained as a one-pass regressor instead.

Miao, Chen, Li and Mandic, "RespDiff: an end-to-end multi-scale RNN diffusion model for respiratory
waveform estimation from PPG signals" (arXiv 2410.04366).

Batches hold `ppg_b_t_p` (p samples to each of the respiration) and, in training, `resp_b_t`,
`mask_b` and `rate_bpm_b`, the annotators' rate of the window, NaN where there is none.
"""
from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from jaxsig import rng
from jaxsig.config import require_known
from jaxsig.errors import UserError
from jaxsig.nn import diffusion
from jaxsig.system import Batch, Params, Stats, Task
from jaxsig.systems.respiration.losses import (
    SpectralLoss,
    mean_of_rows,
    rate_loss,
    spectral_loss,
)
from jaxsig.systems.respiration.network import RespDiff
from jaxsig.systems.respiration.network_long import RespDiffLong

OBJECTIVES = ("diffusion", "regression")
NETWORKS = {
  "respdiff": RespDiff,
  "respdiff_long": RespDiffLong,
}
# total, (stats, losses by name)
LossOutput = tuple[jax.Array, tuple[Stats, dict[str, jax.Array]]]
# (params, stats, batch, key) -> total, (stats, losses by name)
Loss = Callable[[Params, Stats, Batch, jax.Array], LossOutput]
# (params, stats, batch, keys_b) -> {name_axes: array}
Predict = Callable[[Params, Stats, Batch, jax.Array], dict[str, jax.Array]]


class Parts(NamedTuple):
  """What losses and predictions are made of."""
  network: nn.Module
  process: diffusion.Schedule
  spectral: SpectralLoss
  config: ConfigDict


def make(config: ConfigDict) -> Task:
  """The task of a config.

  Its parts are `config.model` (network and objective), `config.process`, `config.loss` and
  `config.read.sampler`.

  Raises:
    UserError: an unknown network, objective, schedule, target, spectral loss or sampler, or a rate
      head that does not fit.
  """
  require_known("model.objective", config.model.objective, OBJECTIVES)
  require_known("model.network", config.model.network, NETWORKS)
  network = _network(config)

  options = config.process.options.to_dict()
  process = diffusion.make_schedule(config.process.schedule, **options)
  sampler = config.read.sampler
  diffusion.check(process, sampler.name, sampler.steps, config.process.target)
  spectral = spectral_loss(config.loss, config.data.rate_hz)
  parts = Parts(network, process, spectral, config)

  def init(key: jax.Array, batch: Batch) -> tuple[Params, Stats]:
    params = network.init(
        key,
        batch["ppg_b_t_p"],
        _target_like(batch),
        _steps(batch, 0),
    )
    return params, {}

  if config.model.objective == "regression":
    return Task(init, _regression_loss(parts), _regression_predict(parts))
  return Task(init, _diffusion_loss(parts), _diffusion_predict(parts))


def _network(config: ConfigDict) -> nn.Module:
  """The network of `config.model`, whose other settings are its fields."""
  options = config.model.to_dict()
  name = options.pop("network")
  del options["objective"]
  network = NETWORKS[name]

  data_hz = config.data.rate_hz
  model_hz = options.get("rate_hz", data_hz)
  if model_hz != data_hz:
    raise UserError(
        f"model.rate_hz={model_hz:g} is not data.rate_hz={data_hz:g}: set both alike, or the rate "
        "head reads other rates")
  if config.loss.rate_weight and not hasattr(network, "rate_logits"):
    raise UserError(
        f"model.network={name} has no rate head to train: set loss.rate_weight=0, or take "
        "respdiff_long")

  known = network.__dataclass_fields__.keys()
  unknown = sorted(options.keys() - known)
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
  """[b] the same diffusion step for each row."""
  b = len(batch["ppg_b_t_p"])
  return jnp.full(b, step)


def _posterior(
    parts: Parts,
    params: Params,
    features: jax.Array,
) -> dict[str, jax.Array]:
  """{"rate_pmf_b_r"} of a network with a rate head: its logits, tempered."""
  if not parts.config.loss.rate_weight:
    return {}
  temperature = parts.config.read.sampler.temperature
  logits_b_r = parts.network.apply(params, features, method="rate_logits")
  return {"rate_pmf_b_r": jax.nn.softmax(logits_b_r / temperature)}


def _total(
    parts: Parts,
    params: Params,
    features: jax.Array,
    batch: Batch,
    losses: dict[str, jax.Array],
) -> tuple[jax.Array, dict[str, jax.Array]]:
  """(total, losses by name): the sum of losses, and of the rate head's where it counts."""
  total = sum(losses.values())
  rate_weight = parts.config.loss.rate_weight
  if rate_weight:
    logits_b_r = parts.network.apply(params, features, method="rate_logits")
    of_rate = rate_loss(logits_b_r, batch)
    losses = {**losses, "rate": of_rate}
    total += rate_weight * of_rate
  return total, losses


def _noisy_ppg(batch: Batch, key: jax.Array, sd: float) -> jax.Array:
  """The PPG of a training batch, with white noise of a random strength up to `sd`."""
  ppg = batch["ppg_b_t_p"]
  if not sd:
    return ppg
  keys_b = rng.rows(rng.stream(key, "ppg_noise"), len(ppg))
  uniform_b = jax.vmap(jax.random.uniform)(keys_b)
  strength_b = sd * uniform_b
  noise_keys_b = jax.vmap(rng.at_step, (0, None))(keys_b, 1)
  noise = diffusion.row_noise(noise_keys_b, ppg.shape[1:])
  return ppg + strength_b[:, None, None] * noise


def _encode_training(
    parts: Parts,
    params: Params,
    batch: Batch,
    key: jax.Array,
) -> jax.Array:
  """Features of a training batch's PPG, which noise makes harder."""
  ppg = _noisy_ppg(batch, key, parts.config.loss.ppg_noise)
  return parts.network.apply(params, ppg, method="encode")


def _regression_loss(parts: Parts) -> Loss:
  """The loss of the network as a one-pass regressor: the denoiser is given zeros at step 0."""

  def loss(
      params: Params,
      stats: Stats,
      batch: Batch,
      key: jax.Array,
  ) -> LossOutput:
    x0_b_t = batch["resp_b_t"]
    features = _encode_training(parts, params, batch, key)
    x0_hat_b_t = parts.network.apply(
        params,
        features,
        jnp.zeros_like(x0_b_t),
        _steps(batch, 0),
        method="denoise",
    )

    error_b_t = x0_hat_b_t - x0_b_t
    squared_b = jnp.mean(error_b_t ** 2, -1)
    squared_error = mean_of_rows(squared_b, batch["mask_b"])
    no_noise_b = jnp.ones(len(x0_b_t))
    spectral_b = parts.spectral(x0_hat_b_t, x0_b_t, no_noise_b)
    losses = {
        "squared_error": squared_error,
        "spectral": mean_of_rows(spectral_b, batch["mask_b"]),
    }
    total, losses = _total(parts, params, features, batch, losses)
    return total, (stats, losses)

  return loss


def _regression_predict(parts: Parts) -> Predict:
  """The waveform in one pass, and the rate's posterior where there is a rate head."""

  def predict(
      params: Params,
      stats: Stats,
      batch: Batch,
      keys_b: jax.Array,
  ) -> dict[str, jax.Array]:
    del stats, keys_b
    features = parts.network.apply(params, batch["ppg_b_t_p"], method="encode")
    resp_b_t = parts.network.apply(
        params,
        features,
        _target_like(batch),
        _steps(batch, 0),
        method="denoise",
    )
    return {
        "resp_b_t": resp_b_t,
        **_posterior(parts, params, features),
    }

  return predict


def _diffusion_loss(parts: Parts) -> Loss:
  """The loss of the conditional diffusion model on noised targets."""
  kind = parts.config.process.target
  stratified = parts.config.process.stratified
  process = parts.process

  def loss(
      params: Params,
      stats: Stats,
      batch: Batch,
      key: jax.Array,
  ) -> LossOutput:
    x0_b_t = batch["resp_b_t"]
    b, length = x0_b_t.shape
    time_key = rng.stream(key, "time")
    t_b = diffusion.sample_times(process, time_key, b, stratified)
    noise_keys_b = rng.rows(rng.stream(key, "noise"), b)
    eps_b_t = diffusion.row_noise(noise_keys_b, (length,))
    noised_b_t = diffusion.noised(process, x0_b_t, eps_b_t, t_b)

    features = _encode_training(parts, params, batch, key)
    prediction_b_t = parts.network.apply(
        params,
        features,
        noised_b_t,
        process.step(t_b),
        method="denoise",
    )

    target_b_t = diffusion.target_of(kind, process, x0_b_t, eps_b_t, t_b)
    error_b_t = prediction_b_t - target_b_t
    x0_hat_b_t, _ = diffusion.predicted_x0_eps(kind, prediction_b_t, noised_b_t, t_b, process)
    squared_b = jnp.mean(error_b_t ** 2, -1)
    squared_error = mean_of_rows(squared_b, batch["mask_b"])
    spectral_b = parts.spectral(x0_hat_b_t, x0_b_t, process.alpha(t_b))
    losses = {
        "squared_error": squared_error,
        "spectral": mean_of_rows(spectral_b, batch["mask_b"]),
    }
    total, losses = _total(parts, params, features, batch, losses)
    return total, (stats, losses)

  return loss


def _diffusion_predict(parts: Parts) -> Predict:
  """Samples of the waveform, their mean, and the rate's posterior where there is a rate head."""
  sampler = parts.config.read.sampler
  process = parts.process

  def predict(
      params: Params,
      stats: Stats,
      batch: Batch,
      keys_b: jax.Array,
  ) -> dict[str, jax.Array]:
    del stats
    b = len(keys_b)
    s = sampler.samples
    features = parts.network.apply(params, batch["ppg_b_t_p"], method="encode")
    condition = jnp.repeat(features, s, 0)   # once for all steps and samples

    def denoise(noised: jax.Array, t_b: jax.Array) -> jax.Array:
      return parts.network.apply(
          params,
          condition,
          noised,
          process.step(t_b),
          method="denoise",
      )

    def keys_of_samples(key: jax.Array) -> jax.Array:
      return rng.rows(key, s)

    keys_b_s = jax.vmap(keys_of_samples)(keys_b)
    x0 = diffusion.sample(
        denoise,
        process,
        keys_b_s.reshape(b * s),
        _target_like(batch).shape[1:],
        sampler=sampler.name,
        steps=sampler.steps,
        kind=parts.config.process.target,
        clip=tuple(sampler.clip) or None,
    )
    resp_b_s_t = x0.reshape(b, s, -1)
    predictions = {
        "resp_b_t": resp_b_s_t.mean(1),
        **_posterior(parts, params, features),
    }
    if sampler.keep_samples and s > 1:
      predictions["resp_b_s_t"] = resp_b_s_t
    return predictions

  return predict
