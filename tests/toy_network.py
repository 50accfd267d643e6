"""The toy system with a network of two layers, noise in its loss and samples in its predictions.

`config.system = "toy_network"` is for tests of what is promised of any training: it compiles in a
second, its loss draws by key, its statistics move, and its parameters have names to choose from.
"""
import jax
import jax.numpy as jnp
import toy_system
from ml_collections import ConfigDict

from jaxsig import rng
from jaxsig.system import Batch, Params, Stats, System

HIDDEN = 4
SETTINGS = toy_system.SETTINGS


def features(batch: Batch) -> jax.Array:
  """[b, 2] mean and standard deviation of each window's valid samples."""
  valid_b_s = batch["valid_b_s"]
  wave_b_s = batch["mix_b_s_c"][..., 0]
  count_b = valid_b_s.sum(1)
  mean_b = (wave_b_s * valid_b_s).sum(1) / count_b
  squared_b_s = (wave_b_s - mean_b[:, None]) ** 2
  variance_b = (squared_b_s * valid_b_s).sum(1) / count_b
  return jnp.stack([mean_b, jnp.sqrt(variance_b)], -1)


def network(params: Params, batch: Batch) -> jax.Array:
  """[b, k] targets of each window."""
  encoder = params["encoder"]
  decoder = params["decoder"]
  hidden_b_h = jnp.tanh(features(batch) @ encoder["kernel"] + encoder["bias"])
  return hidden_b_h @ decoder["kernel"] + decoder["bias"]


def _layer(key: jax.Array, inputs: int, outputs: int) -> dict[str, jax.Array]:
  return {
    "kernel": 0.5 * jax.random.normal(key, (inputs, outputs)),
    "bias": jnp.zeros(outputs),
  }


def _init(key: jax.Array, batch: Batch) -> tuple[Params, Stats]:
  del batch
  params = {
    "encoder": _layer(rng.stream(key, "encoder"), 2, HIDDEN),
    "decoder": _layer(rng.stream(key, "decoder"), HIDDEN, len(toy_system.TARGETS)),
  }
  return params, {"windows_seen": jnp.zeros(())}


def _loss(params: Params, stats: Stats, batch: Batch, key: jax.Array) -> tuple:
  """Squared error of targets with noise, one key a row, so that padding moves nothing."""
  targets_b_k = batch["target_b_k"]
  mask_b = batch["mask_b"]

  def noise(row_key: jax.Array) -> jax.Array:
    return 0.1 * jax.random.normal(row_key, targets_b_k.shape[1:])

  noisy_b_k = targets_b_k + jax.vmap(noise)(rng.rows(rng.stream(key, "noise"), len(mask_b)))
  error_b = jnp.mean((network(params, batch) - noisy_b_k) ** 2, -1)
  loss = jnp.sum(error_b * mask_b) / jnp.sum(mask_b)
  return loss, ({"windows_seen": stats["windows_seen"] + jnp.sum(mask_b)}, {"rmse": jnp.sqrt(loss)})


def make(config: ConfigDict) -> System:
  """The system."""
  sampler = config.read.sampler

  def predict(
      params: Params,
      stats: Stats,
      batch: Batch,
      keys_b: jax.Array,
  ) -> dict[str, jax.Array]:
    del stats
    mean_b_k = network(params, batch)

    def sample_mean(key: jax.Array) -> jax.Array:
      draws_s_k = jax.random.normal(key, (sampler.samples, mean_b_k.shape[-1]))
      return sampler.temperature * draws_s_k.mean(0)

    return {"target_b_k": mean_b_k + jax.vmap(sample_mean)(keys_b)}

  toy = toy_system.make(config)
  task = toy.task._replace(init=_init, loss=_loss, predict=predict)
  return toy._replace(task=task)
