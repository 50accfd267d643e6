"""The task of the notes: a classical network with connections of maps that are given or learnt.

Batches hold `image_b_y_x` (uint8), `label_b` (a user's own images have none) and `mask_b`. Bouvrie,
Notes on Convolutional Neural Networks (2006); LeCun et al., Gradient-based learning applied to
document recognition (1998).
"""
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from jaxsig import rng
from jaxsig.nn import curvature
from jaxsig.system import Batch, Params, Stats, Task
from jaxsig.systems.cnn_notes import from_config, inputs, losses, simplex
from jaxsig.systems.cnn_notes.feature_maps import connections
from jaxsig.systems.cnn_notes.network import ClassicalNetwork, Seen

MOMENTS = 8          # of a training at which the combinations of maps are kept, for a picture
CURVATURE_CHUNK = 50   # examples whose gradients are in memory at once


class Parts(NamedTuple):
  """What losses and predictions are made of."""
  network: ClassicalNetwork   # as it is trained, with all of its connections
  pruned: ClassicalNetwork    # as it is read, with those that `config.read.pruning` leaves
  config: ConfigDict


def make(config: ConfigDict) -> Task:
  """The task of `config.model`, `config.loss`, `config.augment` and `config.read.pruning`.

  Raises:
    UserError: an unknown name, or settings that do not go together.
  """
  from_config.check(config)
  pruned = from_config.network(config)
  whole = pruned.clone(keep=0, threshold=0.0)
  parts = Parts(whole, pruned, config)
  return Task(
      init=functools.partial(_init, parts),
      loss=functools.partial(_loss, parts),
      predict=functools.partial(_predict, parts),
      extras={
          "curvature": functools.partial(_curvature, parts),
          "show": functools.partial(_show, parts),
      },
  )


def temperature(config: ConfigDict, step: jax.Array) -> jax.Array:
  """The temperature of the combinations: from 1 to the last, by the same factor each step."""
  return config.loss.last_temperature ** jnp.minimum(step / config.train.steps, 1)


def _init(parts: Parts, key: jax.Array, batch: Batch) -> tuple[Params, Stats]:
  x_b_y_x_i = inputs.framed(batch["image_b_y_x"][:1], parts.config.model.margin)
  params = parts.network.init(key, x_b_y_x_i)
  stats = {**inputs.first_sums(), "step": jnp.zeros(())}
  if parts.network.combination:
    i, j = params["params"]["c3"]["score"].shape
    stats["alpha_s_i_j"] = jnp.full((MOMENTS, i, j), jnp.nan)
  return params, stats


def _outputs(parts: Parts, seen: Seen) -> jax.Array:
  return losses.outputs(parts.config.loss.name, parts.network.activation, seen.u_b_k)


def _loss(parts: Parts, params: Params, stats: Stats, batch: Batch, key: jax.Array) -> tuple:
  config = parts.config
  label_b = batch["label_b"]
  weight_b = batch["mask_b"]
  step = stats["step"]

  framed_b_y_x_i = inputs.framed(batch["image_b_y_x"], config.model.margin)
  stats = {**stats, **inputs.counted(stats, framed_b_y_x_i, weight_b)}
  x_b_y_x_i = inputs.augmented(
      inputs.standardised(stats, framed_b_y_x_i),
      rng.stream(key, "augment"),
      config.augment.flip,
      config.augment.shift_px,
  )
  dropout = rng.stream(key, "dropout")
  seen = parts.network.apply(
      params, x_b_y_x_i, temperature(config, step), True, rngs={"dropout": dropout})

  error_b = losses.error(config.loss, _outputs(parts, seen), label_b)
  is_right_b = jnp.argmax(seen.u_b_k, 1) == label_b
  value = losses.mean(error_b, weight_b)
  scalars = {"accuracy": losses.mean(is_right_b, weight_b)}
  if parts.network.combination:
    value += _penalty(config, seen.alpha_i_j, step)
    scalars["connections"] = jnp.sum(seen.alpha_i_j > 0).astype(jnp.float32)
    stats["alpha_s_i_j"] = _remembered(config, stats["alpha_s_i_j"], seen.alpha_i_j, step)
  return value, ({**stats, "step": step + 1}, scalars)


def _penalty(config: ConfigDict, alpha_i_j: jax.Array, step: jax.Array) -> jax.Array:
  """The weighted penalty of the combinations, which grows over the share `ramp` of the training."""
  penalty = config.loss.penalty
  ramp_steps = max(penalty.ramp * config.train.steps, 1)
  grown = jnp.minimum(step / ramp_steps, 1)
  return penalty.weight * grown * simplex.penalty(penalty.name, alpha_i_j, penalty.p)


def _remembered(
    config: ConfigDict,
    alpha_s_i_j: jax.Array,
    alpha_i_j: jax.Array,
    step: jax.Array,
) -> jax.Array:
  """The combinations at MOMENTS of the training, each overwritten until its last step."""
  moment = (step * MOMENTS / config.train.steps).astype(jnp.int32)
  return alpha_s_i_j.at[moment].set(jax.lax.stop_gradient(alpha_i_j))


def _seen(parts: Parts, params: Params, stats: Stats, batch: Batch) -> Seen:
  """What the pruned network makes of a batch."""
  x_b_y_x_i = inputs.network_input(stats, batch, parts.config.model.margin)
  return parts.pruned.apply(params, x_b_y_x_i, temperature(parts.config, stats["step"]))


def _predict(
    parts: Parts,
    params: Params,
    stats: Stats,
    batch: Batch,
    keys_b: jax.Array,
) -> dict[str, jax.Array]:
  """Outputs and probabilities; with labels the network's sizes, without them the feature maps."""
  seen = _seen(parts, params, stats, batch)
  output_b_k = _outputs(parts, seen)
  predictions = {"output_b_k": output_b_k, "probability_b_k": jax.nn.softmax(output_b_k)}
  if "label_b" not in batch:   # a user's own images
    for layer, maps_b_y_x_j in seen.maps.items():
      predictions[f"maps_{layer}_b_y_x_j"] = maps_b_y_x_j
    return predictions

  b = len(keys_b)
  predictions["label_b"] = batch["label_b"]
  predictions["connections_b"] = jnp.full(b, _connections(parts.pruned, seen), jnp.float32)
  predictions["parameters_b"] = jnp.full(b, from_config.parameters(params), jnp.float32)
  return predictions


def _connections(network: ClassicalNetwork, seen: Seen) -> jax.Array:
  """The number of connections from maps of S2 to maps of C3."""
  if seen.alpha_i_j is None:
    return jnp.sum(connections(network.table, *network.maps))
  return jnp.sum(seen.alpha_i_j != 0)


def _curvature(
    parts: Parts,
    params: Params,
    stats: Stats,
    batch: Batch,
    key: jax.Array,
) -> Params:
  """Diagonal of the Gauss-Newton matrix of the error, without the penalty.

  See `curvature.gauss_newton_diagonal`.
  """
  config = parts.config
  x_b_y_x_i = inputs.network_input(stats, batch, config.model.margin)

  def outputs_k(params: Params, x_y_x_i: jax.Array) -> jax.Array:
    seen = parts.network.apply(params, x_y_x_i[None], temperature(config, stats["step"]))
    return _outputs(parts, seen)[0]

  return curvature.gauss_newton_diagonal(
      outputs_k,
      params,
      x_b_y_x_i,
      batch["mask_b"],
      key,
      losses.curvature_factor(config.loss.name),
      CURVATURE_CHUNK,
  )


def _show(parts: Parts, params: Params, stats: Stats, batch: Batch) -> dict[str, jax.Array]:
  """Kernels, feature maps of some images, and the combinations over the training."""
  layers = params["params"]
  seen = _seen(parts, params, stats, batch)
  kernels_c1_k_y_x = jnp.moveaxis(layers["c1"]["kernel"], -1, 0)
  arrays = {"kernels_c1_1_k_y_x": kernels_c1_k_y_x[None]}
  for layer, maps_b_y_x_j in seen.maps.items():
    arrays[f"maps_{layer}_b_j_y_x"] = jnp.moveaxis(maps_b_y_x_j, -1, 1)

  if parts.network.combination:
    moments = jnp.arange(MOMENTS) + 1
    arrays["kernels_c3_i_j_y_x"] = jnp.transpose(layers["c3"]["kernel"], (2, 3, 0, 1))
    arrays["alpha_s_i_j"] = stats["alpha_s_i_j"]
    arrays["alpha_at_s"] = moments * parts.config.train.steps / MOMENTS
  return arrays
