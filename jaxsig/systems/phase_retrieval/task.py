"""Phase retrieval: a network from Fourier magnitudes to the object, without the symmetries or with.

Shift, conjugate flip and global phase leave the measurement |F x|^2 as it is, so a network that is
told to find the object as it lay learns an average of equivalents (Tayal et al. 2020). Batches hold
`image_b_y_x` (uint8; and `phase_b_y_x` in radians for complex objects), `id_b` (an image's own
number, of which its shift and flip are drawn) and `mask_b`; those of a user's own intensities hold
`intensity_b_v_u` and `mask_b_v_u`, the pixels that count.
"""
import functools
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from jaxsig import rng
from jaxsig.config import require_known
from jaxsig.errors import UserError
from jaxsig.system import Batch, Params, Stats, Task
from jaxsig.systems.phase_retrieval import (
    canonical,
    far_field,
    losses,
    refinement,
    running_statistics,
)
from jaxsig.systems.phase_retrieval.network import HEADS, MagnitudeUNet, magnitude_features
from jaxsig.systems.phase_retrieval.reconstruction import Trained, propose_for_own, reconstruct
from jaxsig.systems.phase_retrieval.scene import Scene, scene_of
from jaxsig.systems.phase_retrieval.targets import TARGETS, target_of


class Parts(NamedTuple):
  """What the loss and the predictions are made of."""
  network: MagnitudeUNet
  scene: Scene
  config: ConfigDict

  def trained(self, params: Params, stats: Stats) -> Trained:
    """The network with its parameters."""
    return Trained(self.network, params, stats, self.config.loss.target)


def make(config: ConfigDict) -> Task:
  """The task of `config.model`, `config.loss`, `config.data` (the scene) and `read.sampler`.

  Raises:
    UserError: unknown symmetries, target, loss, rule or head, or ones that do not go together.
  """
  scene = scene_of(config)
  _check_names(config)
  _check_grid(config)
  parts = Parts(_network(config), scene, config)
  return Task(
      init=functools.partial(_init, parts),
      loss=functools.partial(_loss, parts),
      predict=functools.partial(_predict, parts),
  )


def _network(config: ConfigDict) -> MagnitudeUNet:
  options = config.model.to_dict()
  options["channels"] = tuple(options["channels"])
  return MagnitudeUNet(**options, complex_object=config.data.complex_objects)


def _check_names(config: ConfigDict) -> None:
  head, loss = config.model.head, config.loss
  require_known("loss.target", loss.target, TARGETS)
  require_known("loss.name", loss.name, losses.LOSSES)
  require_known("model.head", head, HEADS)
  require_known("loss.rule", loss.rule, canonical.RULES)

  without_phases = head == "image" and loss.name in losses.OF_PHASES
  without_image = head != "phase" and loss.target == "literal"
  if without_phases or without_image:
    raise UserError(
        f"model.head={head} does not go with loss.name={loss.name}, loss.target={loss.target}: an "
        "image head alone has no phases to train, and literal phases have no image; change one, or "
        "set model.head=phase")


def _check_grid(config: ConfigDict) -> None:
  n, m = config.data.n, config.data.m
  channels = tuple(config.model.channels)
  if not channels or m < n or m % 2 ** (len(channels) - 1):
    raise UserError(
        f"data.m={m} does not suit data.n={n} and the levels of model.channels={channels}: take at "
        f"least n = {n} (from 2 n - 1 = {2 * n - 1} on the autocorrelation does not wrap), and a "
        f"multiple of 2^(levels - 1) = {2 ** max(len(channels) - 1, 0)}")


def _init(parts: Parts, key: jax.Array, batch: Batch) -> tuple[Params, Stats]:
  del batch
  m = parts.scene.m
  params = parts.network.init(key, jnp.zeros((1, m, m, 2)))
  return params, running_statistics.zeros(m, parts.config.loss.rule)


def _loss(
    parts: Parts,
    params: Params,
    stats: Stats,
    batch: Batch,
    key: jax.Array,
) -> tuple[jax.Array, tuple[Stats, Mapping[str, jax.Array]]]:
  scene = parts.scene
  loss = parts.config.loss
  weight_b = batch["mask_b"]

  x = scene.objects(batch["image_b_y_x"], batch.get("phase_b_y_x"))
  x = scene.moved(x, batch["id_b"])
  intensity = scene.measured(x, rng.rows(rng.stream(key, "photons"), len(x)))

  features = magnitude_features(intensity)
  stats = running_statistics.with_features(stats, features, weight_b)
  if "odd_k" in stats:
    stats = running_statistics.with_odd_moments(stats, x, weight_b, scene.m)
  out = parts.network.apply(params, running_statistics.standardised(stats, features))

  target = target_of(loss.target, loss.rule, x, scene.m, stats.get("odd_k"))
  truth = losses.Truth(x, intensity, target)
  error_b = losses.error(scene, parts.network.head, loss.name, out, truth)
  mean = jnp.sum(error_b * weight_b) / jnp.maximum(jnp.sum(weight_b), 1)
  return mean, (stats, {})


def _predict(
    parts: Parts,
    params: Params,
    stats: Stats,
    batch: Batch,
    keys_b: jax.Array,
) -> dict[str, jax.Array]:
  """Images of simulated measurements of the data set's objects, or of a user's own intensities."""
  trained = parts.trained(params, stats)
  if "intensity_b_v_u" in batch:
    return _predict_own(parts, trained, batch, keys_b)

  scene = parts.scene
  x = scene.objects(batch["image_b_y_x"], batch.get("phase_b_y_x"))
  intensity = scene.measured(scene.moved(x, batch["id_b"]), keys_b)
  image = reconstruct(trained, scene, intensity)
  residual_b = far_field.residual(image, intensity)

  sampler = parts.config.read.sampler.to_dict()
  if sampler["iterations"]:
    refine_keys_b = jax.vmap(_refine_key)(keys_b)
    image, residual_b = refinement.refined(image, intensity, refine_keys_b, sampler, scene.real)
  return {"image_b_v_u": image, "residual_b": residual_b}


def _refine_key(key: jax.Array) -> jax.Array:
  return rng.stream(key, "refine")


def _predict_own(
    parts: Parts,
    trained: Trained,
    batch: Batch,
    keys_b: jax.Array,
) -> dict[str, jax.Array]:
  """Images of intensities on their own grid: the network's proposal, then a solver."""
  intensity = batch["intensity_b_v_u"]
  seen_v_u = batch["mask_b_v_u"][0]   # the same in all frames
  proposal = propose_for_own(trained, parts.scene, intensity, seen_v_u)
  image, residual_b = refinement.refined(
      proposal,
      intensity,
      keys_b,
      parts.config.read.sampler.to_dict(),
      parts.scene.real,
      seen_v_u,
  )
  return {"image_b_y_x": image, "residual_b": residual_b}
