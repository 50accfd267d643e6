"""The task of blood pressure: a network that sees a window of the PPG and says SBP and DBP.

Batches hold `ppg_b_t_c`, `rate_bpm_b`, `bp_mmhg_b_p` (a user's own windows have none), `mask_b`,
and where `data.known_input` is set `known_ppg_b_t_c` and `known_bp_mmhg_b_p`.
"""
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from jaxsig import rng
from jaxsig.system import Batch, Params, Stats, Task
from jaxsig.systems.blood_pressure import losses, targets
from jaxsig.systems.blood_pressure.network import PressureNetwork, trunk_of


class Parts(NamedTuple):
  """What losses and predictions are made of."""
  network: PressureNetwork
  config: ConfigDict


def make(config: ConfigDict) -> Task:
  """The task of `config.model`, `config.loss` and `config.augment`."""
  network = PressureNetwork(
      trunk=trunk_of(config.model),
      outputs=losses.outputs_of(config.loss.name),
      uses_rate=config.model.uses_rate,
      relu_heads=config.model.relu_heads,
      hidden=config.model.hidden,
      is_relative=config.data.known_input,
  )
  parts = Parts(network, config)
  return Task(
      init=functools.partial(_init, parts),
      loss=functools.partial(_loss, parts),
      predict=functools.partial(_predict, parts),
  )


def _init(parts: Parts, key: jax.Array, batch: Batch) -> tuple[Params, Stats]:
  variables = parts.network.init(
      key, batch["ppg_b_t_c"][:2], batch["rate_bpm_b"][:2], _known(batch, slice(2)))
  stats = {"labels": targets.first_sums()}
  if "batch_stats" in variables:
    stats["batch_stats"] = variables["batch_stats"]
  return {"params": variables["params"]}, stats


def _known(batch: Batch, index: slice) -> jax.Array | None:
  if "known_ppg_b_t_c" not in batch:
    return None
  return batch["known_ppg_b_t_c"][index]


def _loss(parts: Parts, params: Params, stats: Stats, batch: Batch, key: jax.Array) -> tuple:
  config = parts.config
  truth_b_p = _target(parts, batch)
  is_known_b = jnp.isfinite(truth_b_p).all(-1)
  weight_b = batch["mask_b"] * is_known_b
  truth_b_p = jnp.where(is_known_b[:, None], truth_b_p, 0.0)
  labels = targets.counted(stats["labels"], truth_b_p, weight_b)
  scale = targets.scale_of(labels)

  noise = config.augment.noise * jax.random.normal(
      rng.stream(key, "noise"), batch["ppg_b_t_c"].shape)
  noisy = {**batch, "ppg_b_t_c": batch["ppg_b_t_c"] + noise}
  output_b_p_q, batch_stats = _trained(parts, params, stats, noisy, key)
  z_b_p = (truth_b_p - scale.mean_p) / scale.sd_p
  error_b_p = losses.error_b_p(config.loss, output_b_p_q, z_b_p)
  if config.loss.balanced:
    error_b_p = error_b_p * targets.balance_b_p(labels, truth_b_p)

  total = jnp.maximum(jnp.sum(weight_b), 1)
  value = jnp.sum(weight_b * error_b_p.mean(-1)) / total
  estimate_b_p = scale.mean_p + scale.sd_p * losses.mean_of(config.loss.name, output_b_p_q)
  size_p = jnp.sum(weight_b[:, None] * jnp.abs(estimate_b_p - truth_b_p), 0) / total
  scalars = {"mae_sbp_mmhg": size_p[0], "mae_dbp_mmhg": size_p[1]}
  return value, ({**stats, **batch_stats, "labels": labels}, scalars)


def _target(parts: Parts, batch: Batch) -> jax.Array:
  """[b, p] what is learnt: the pressure, or its change from the known one."""
  if parts.network.is_relative:
    return batch["bp_mmhg_b_p"] - batch["known_bp_mmhg_b_p"]
  return batch["bp_mmhg_b_p"]


def _trained(
    parts: Parts,
    params: Params,
    stats: Stats,
    batch: Batch,
    key: jax.Array,
) -> tuple[jax.Array, Stats]:
  """The outputs for training, and the running statistics after it."""
  dropout = {"dropout": rng.stream(key, "dropout")}
  arguments = (batch["ppg_b_t_c"], batch["rate_bpm_b"], _known(batch, slice(None)), True)
  if "batch_stats" not in stats:
    return parts.network.apply(params, *arguments, rngs=dropout), {}
  variables = {**params, "batch_stats": stats["batch_stats"]}
  output_b_p_q, changed = parts.network.apply(
      variables, *arguments, rngs=dropout, mutable=["batch_stats"])
  return output_b_p_q, {"batch_stats": changed["batch_stats"]}


def _predict(
    parts: Parts,
    params: Params,
    stats: Stats,
    batch: Batch,
    keys_b: jax.Array,
) -> dict[str, jax.Array]:
  """Pressures in mmHg, and their deviation where the loss states one."""
  del keys_b
  variables = dict(params)
  if "batch_stats" in stats:
    variables["batch_stats"] = stats["batch_stats"]
  output_b_p_q = parts.network.apply(
      variables, batch["ppg_b_t_c"], batch["rate_bpm_b"], _known(batch, slice(None)), False)
  name = parts.config.loss.name
  scale = targets.scale_of(stats["labels"])
  estimate_b_p = scale.mean_p + scale.sd_p * losses.mean_of(name, output_b_p_q)
  predictions = {
      "bp_mmhg_b_p": estimate_b_p,
      "prior_mmhg_b_p": jnp.broadcast_to(scale.mean_p, estimate_b_p.shape),
  }
  if parts.network.is_relative:
    known_b_p = batch["known_bp_mmhg_b_p"]
    predictions = {"bp_mmhg_b_p": known_b_p + estimate_b_p, "prior_mmhg_b_p": known_b_p}
  sd_b_p = losses.sd_of(name, output_b_p_q)
  if sd_b_p is not None:
    predictions["sd_mmhg_b_p"] = scale.sd_p * sd_b_p
  return predictions
