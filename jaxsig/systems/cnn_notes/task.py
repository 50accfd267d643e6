"""The notes on convolutional networks: classical networks that classify images, with connections of maps that are given or learnt.

Batches hold `image_b_y_x` (uint8), `label_b` (a user's own images have none) and `mask_b`. Bouvrie, Notes on Convolutional Neural
Networks (2006); LeCun et al., Gradient-based learning applied to document recognition (1998).
"""
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsig import rng
from jaxsig.config import nearest
from jaxsig.errors import UserError
from jaxsig.nn import curvature
from jaxsig.system import Task
from jaxsig.systems.cnn_notes import baselines as image_classes
from jaxsig.systems.cnn_notes import score as classes
from jaxsig.systems.cnn_notes import simplex
from jaxsig.systems.cnn_notes.feature_maps import ACTIVATIONS, activation, connections
from jaxsig.systems.cnn_notes.layers import POOLINGS
from jaxsig.systems.cnn_notes.network import ClassicalNetwork, Seen

LOSSES = ("squared", "cross_entropy")
CLASSES = 10
MOMENTS = 8          # at which the combinations of maps are kept, for a picture of their training
_CHUNK = 50          # examples whose gradients are in memory at once, for the curvature


def make(config: Any) -> Task:
  """The task of `config.model`, `config.loss` (name, target, penalty), `config.augment` and `config.sampler` (keep, threshold).

  Raises:
    UserError: an unknown name, or settings that do not go together.
  """
  _check(config)
  network = _network(config)
  whole = network.clone(keep=0, threshold=0.0)   # connections are left out of a trained network, and training knows nothing of it
  of = lambda function, network: functools.partial(function, network, config)
  return Task(of(_init, whole), of(_loss, whole), of(_predict, network), _score, image_classes.methods(), config.method,
              _calibrate, _assess, of(_curvature, whole), of(_show, network))


def _check(config: Any) -> None:
  model, penalty = config.model, config.loss.penalty
  for name, known, what in ((config.loss.name, LOSSES, "loss.name"), (model.pooling, POOLINGS, "model.pooling"),
                            (model.activation, ACTIVATIONS, "model.activation"), (penalty.name, simplex.PENALTIES, "loss.penalty.name"),
                            (model.combination or "softmax", simplex.KINDS, "model.combination")):
    if name not in known:
      raise UserError(f"unknown {what} {name!r}{nearest(name, known)}")
  if not model.combination and (penalty.name != "none" or config.sampler.keep or config.sampler.threshold):
    raise UserError("loss.penalty, sampler.keep and sampler.threshold are of learnt connections: set model.combination, or leave them out")


def _network(config: Any) -> ClassicalNetwork:
  """The network of `config.model`; a first hidden width of 0 becomes what gives it `model.parameters` parameters, or nearly so."""
  options = {k: tuple(v) if isinstance(v, list) else v for k, v in config.model.to_dict().items()}
  wanted, side = options.pop("parameters"), config.data.size // config.data.shrink + 2 * options.pop("margin")
  options |= {"classes": CLASSES, **config.sampler.to_dict()}
  made = lambda width: ClassicalNetwork(**{**options, "hidden": (width, *options["hidden"][1:])})
  if options["hidden"][0]:
    return made(options["hidden"][0])
  one, two = (_parameters(jax.eval_shape(made(width).init, jax.random.key(0), jnp.zeros((1, side, side, 1)))) for width in (1, 2))
  if wanted < one:
    raise UserError(f"model.parameters={wanted} are fewer than the {one} that the network has with a single unit in C5: allow it more")
  return made(1 + round((wanted - one) / (two - one)))


def _parameters(params: Any) -> int:
  return sum(x.size for x in jax.tree.leaves(params))


def _init(network: ClassicalNetwork, config: Any, key: jax.Array, batch: dict) -> tuple:
  stats = {"sum": jnp.zeros(()), "square": jnp.zeros(()), "count": jnp.zeros(()), "step": jnp.zeros(())}
  x_b_y_x_i = _framed(batch["image_b_y_x"][:1], config.model.margin)
  params = network.init(key, x_b_y_x_i)
  if network.combination:
    inputs, outputs = params["params"]["c3"]["score"].shape
    stats["alpha_s_i_j"] = jnp.full((MOMENTS, inputs, outputs), jnp.nan)
  return params, stats


def _framed(image_b_y_x: jax.Array, margin: int) -> jax.Array:
  """[b, y, x, 1] from 0 to 1, with so many dark pixels about it: what a kernel finds at the edge of an image it must be able to see."""
  x = jnp.asarray(image_b_y_x, jnp.float32) / 255
  return jnp.pad(x, [(0, 0), (margin, margin), (margin, margin)])[..., None]


def _counted(stats: dict, x_b_y_x_i: jax.Array, weight_b: jax.Array) -> dict:
  """Running sums of all pixels that were trained on: networks of tanh want inputs of mean 0 and variance 1 (LeCun et al. 1998)."""
  of = lambda x: jnp.sum(weight_b * jnp.mean(x, (1, 2, 3)))
  return {"sum": stats["sum"] + of(x_b_y_x_i), "square": stats["square"] + of(x_b_y_x_i**2), "count": stats["count"] + jnp.sum(weight_b)}


def _standardised(stats: dict, x_b_y_x_i: jax.Array) -> jax.Array:
  count = jnp.maximum(stats["count"], 1)
  mean = stats["sum"] / count
  return (x_b_y_x_i - mean) * jax.lax.rsqrt(jnp.maximum(stats["square"] / count - mean**2, 0) + 1e-6)


def _temperature(config: Any, step: jax.Array) -> jax.Array:
  """Of the combinations: from 1 to the last, by the same factor each step."""
  return config.loss.last_temperature ** jnp.minimum(step / config.train.steps, 1)


def _loss(network: ClassicalNetwork, config: Any, params: Any, stats: dict, batch: dict, key: jax.Array) -> tuple:
  x_b_y_x_i, weight_b = _framed(batch["image_b_y_x"], config.model.margin), batch["mask_b"]
  stats = {**stats, **_counted(stats, x_b_y_x_i, weight_b)}
  x_b_y_x_i = augmented(_standardised(stats, x_b_y_x_i), rng.stream(key, "augment"), config.augment.flip, config.augment.shift_px)
  seen = network.apply(params, x_b_y_x_i, _temperature(config, stats["step"]), True, rngs={"dropout": rng.stream(key, "dropout")})
  error_b = _error(network, config.loss, seen, batch["label_b"])
  mean = lambda x_b: jnp.sum(x_b * weight_b) / jnp.maximum(jnp.sum(weight_b), 1)
  value, scalars = mean(error_b), {"accuracy": mean(jnp.argmax(seen.u_b_k, 1) == batch["label_b"])}
  if network.combination:
    penalty = config.loss.penalty
    grown = jnp.minimum(stats["step"] / max(penalty.ramp * config.train.steps, 1), 1)
    value += penalty.weight * grown * simplex.penalty(penalty.name, seen.alpha_i_j, penalty.p)
    scalars["connections"] = jnp.sum(seen.alpha_i_j > 0).astype(jnp.float32)
    moment = (stats["step"] * MOMENTS / config.train.steps).astype(jnp.int32)   # each is overwritten until its last step
    stats["alpha_s_i_j"] = stats["alpha_s_i_j"].at[moment].set(jax.lax.stop_gradient(seen.alpha_i_j))
  return value, ({**stats, "step": stats["step"] + 1}, scalars)


def _error(network: ClassicalNetwork, loss: Any, seen: Seen, label_b: jax.Array) -> jax.Array:
  """[b] half the squared error of the activated outputs against +-`loss.target` (Bouvrie, eq. 1-2), or the cross-entropy."""
  output_b_k, one_b_k = _outputs(network, loss, seen.u_b_k), jax.nn.one_hot(label_b, network.classes)
  if loss.name == "cross_entropy":
    return -jnp.sum(one_b_k * jax.nn.log_softmax(output_b_k), 1)
  return 0.5 * jnp.sum((output_b_k - loss.target * (2 * one_b_k - 1)) ** 2, 1)


def augmented(x_b_y_x_i: jax.Array, key: jax.Array, flip: bool, shift_px: int) -> jax.Array:
  """Images shifted by up to so many pixels in each direction, what leaves at one edge coming back at the other, and mirrored by chance."""
  keys_b = rng.rows(key, len(x_b_y_x_i))
  if flip:
    coin_b = jax.vmap(lambda k: jax.random.bernoulli(rng.stream(k, "flip")))(keys_b)
    x_b_y_x_i = jnp.where(coin_b[:, None, None, None], x_b_y_x_i[:, :, ::-1], x_b_y_x_i)
  if not shift_px:
    return x_b_y_x_i
  by_b_2 = jax.vmap(lambda k: jax.random.randint(rng.stream(k, "shift"), (2,), -shift_px, shift_px + 1))(keys_b)
  return jax.vmap(lambda x, by: jnp.roll(x, by, (0, 1)))(x_b_y_x_i, by_b_2)


def _outputs(network: ClassicalNetwork, loss: Any, u_b_k: jax.Array) -> jax.Array:
  return u_b_k if loss.name == "cross_entropy" else activation(network.activation, u_b_k)


def _seen(network: ClassicalNetwork, config: Any, params: Any, stats: dict, batch: dict) -> Seen:
  x_b_y_x_i = _standardised(stats, _framed(batch["image_b_y_x"], config.model.margin))
  return network.apply(params, x_b_y_x_i, _temperature(config, stats["step"]))


def _predict(network: ClassicalNetwork, config: Any, params: Any, stats: dict, batch: dict, keys_b: jax.Array) -> dict:
  seen = _seen(network, config, params, stats, batch)
  output_b_k = _outputs(network, config.loss, seen.u_b_k)
  out = {"output_b_k": output_b_k, "probability_b_k": jax.nn.softmax(output_b_k)}
  if "label_b" not in batch:   # of a user's own
    return out | {f"maps_{layer}_b_y_x_j": maps for layer, maps in seen.maps.items()}
  table_i_j = connections(network.table, *network.maps) if seen.alpha_i_j is None else seen.alpha_i_j != 0
  sizes = {"connections": jnp.sum(table_i_j), "parameters": _parameters(params)}
  return out | {"label_b": batch["label_b"]} | {f"{name}_b": jnp.full(len(keys_b), size, jnp.float32) for name, size in sizes.items()}


def _calibrate(records: list) -> dict[str, Any]:
  outputs, labels = ([r.predictions[name] for r in records] for name in ("output_b_k", "label_b"))
  temperature = classes.fit_temperature(np.concatenate(outputs), np.concatenate(labels))
  return {"temperature": temperature, "classes": records[0].info["classes"]}


def _assess(predictions: dict, calibration: dict) -> dict[str, np.ndarray]:
  probability_b_k = classes.probabilities(predictions["output_b_k"], calibration["temperature"])
  answers = {"answer_b": probability_b_k.argmax(1), "answer_probability_b": probability_b_k.max(1)}
  return {"probability_b_k": probability_b_k, "class_k": np.array(calibration["classes"]), **answers}


def _score(record: Any) -> list[dict]:
  return list(classes.score_classes(record)) if "label_t" in record.annotations else []


def _curvature(network: ClassicalNetwork, config: Any, params: Any, stats: dict, batch: dict, key: jax.Array) -> Any:
  """Diagonal of the Gauss-Newton matrix of the error, without the penalty: see `curvature.gauss_newton_diagonal`."""
  x_b_y_x_i = _standardised(stats, _framed(batch["image_b_y_x"], config.model.margin))
  def outputs(params, x_y_x_i):
    u_b_k = network.apply(params, x_y_x_i[None], _temperature(config, stats["step"])).u_b_k
    return _outputs(network, config.loss, u_b_k)[0]
  factor = curvature.cross_entropy_factor if config.loss.name == "cross_entropy" else curvature.squared_error_factor
  return curvature.gauss_newton_diagonal(outputs, params, x_b_y_x_i, batch["mask_b"], key, factor, _CHUNK)


def _show(network: ClassicalNetwork, config: Any, params: Any, stats: dict, batch: dict) -> dict:
  """Kernels, and maps of some images; and how the combinations came about."""
  seen, layers = _seen(network, config, params, stats, batch), params["params"]
  out = {"kernels_c1_1_k_y_x": jnp.moveaxis(layers["c1"]["kernel"], -1, 0)[None]}
  out |= {f"maps_{layer}_b_j_y_x": jnp.moveaxis(maps, -1, 1) for layer, maps in seen.maps.items()}
  if network.combination:
    out |= {"kernels_c3_i_j_y_x": jnp.transpose(layers["c3"]["kernel"], (2, 3, 0, 1)), "alpha_s_i_j": stats["alpha_s_i_j"],
            "alpha_at_s": (jnp.arange(MOMENTS) + 1) * config.train.steps / MOMENTS}
  return out
