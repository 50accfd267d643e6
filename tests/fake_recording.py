"""For the tests of predicting: a breathing pulse with gaps, and models without a network."""
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from jaxsig.prediction.model import Model
from jaxsig.system import Batch, Params, Stats, make
from jaxsig.systems.respiration.rates import RATE_BPM_R

LONG = "respdiff_60s.py"   # windows of 60 s every 20 s, posteriors
TRUE_BPM = 15.0


def pulse(duration_s: float, rate_hz: float = 50.0, seed: int = 0) -> np.ndarray:
  """A pulse at 72 a minute whose size and baseline breathe at 15 a minute, with a little noise."""
  time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
  breath_t = np.sin(2 * np.pi * 0.25 * time_s)
  beat_t = np.sin(2 * np.pi * 1.2 * time_s)
  noise_t = 0.01 * np.random.default_rng(seed).standard_normal(len(time_s))
  return beat_t * (1 + 0.2 * breath_t) + 0.5 * breath_t + noise_t


def without(x_t: np.ndarray, *spans_s: tuple[float, float], rate_hz: float = 50.0) -> np.ndarray:
  """A copy that is missing (NaN) in some spans of (start, end) in seconds."""
  x_t = x_t.copy()
  for first_s, last_s in spans_s:
    x_t[round(first_s * rate_hz):round(last_s * rate_hz)] = np.nan
  return x_t


def smooth(params: Params, stats: Stats, batch: Batch, keys_b: jax.Array) -> dict[str, jax.Array]:
  """Instead of a network: the PPG's mean over 2 s with noise, and a posterior around 15 a minute.

  The noise of two samples comes from each window's own key.
  """
  ppg_b_t = batch["ppg_b_t_p"].mean(-1)
  t = ppg_b_t.shape[-1]
  width = 10
  if t == 150:   # at 10 Hz
    width = 20
  kernel = jnp.ones(width) / width

  def smoothed(x_t: jax.Array) -> jax.Array:
    return jnp.convolve(x_t, kernel, "same")

  def noise(key: jax.Array) -> jax.Array:
    return 0.01 * jax.random.normal(key, (2, t))

  wave_b_t = jax.vmap(smoothed)(ppg_b_t)
  noise_b_s_t = jax.vmap(noise)(keys_b)
  return {
    "resp_b_t": wave_b_t,
    "resp_b_s_t": wave_b_t[:, None] + noise_b_s_t,
    **posteriors(params, stats, batch, keys_b),
  }


def posteriors(
    params: Params,
    stats: Stats,
    batch: Batch,
    keys_b: jax.Array,
) -> dict[str, jax.Array]:
  """Instead of a network: a posterior of the rate around 15 a minute, whatever the window holds."""
  logits_r = -(jnp.log(RATE_BPM_R / TRUE_BPM) / 0.05) ** 2
  pmf_r = jax.nn.softmax(logits_r)
  return {"rate_pmf_b_r": jnp.tile(pmf_r, (len(keys_b), 1))}


def fake(config: ConfigDict, predict: Callable[..., dict[str, jax.Array]] = smooth) -> Model:
  """A model without a network."""
  system = make(config)
  task = system.task._replace(predict=predict)
  return Model("fake", config, system._replace(task=task), params={}, stats={})
