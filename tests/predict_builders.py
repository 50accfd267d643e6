"""What the tests of predicting build: a breathing pulse with gaps, and models without a network."""
import jax
import jax.numpy as jnp
import numpy as np
from builders import ROOT
from ml_collections import ConfigDict

from jaxsig import config as configs
from jaxsig import system as systems
from jaxsig.engine.run import shapes
from jaxsig.predict.model import Model, simulated_run
from jaxsig.systems.respiration.rates import RATE_BPM_R

SHORT = "respdiff.py"      # windows of 15 s every 5 s; waveforms
LONG = "respdiff_60s.py"   # windows of 60 s every 20 s; waveforms and posteriors of the rate
PULSE_HZ = 50.0


def smoke(file: str = SHORT, **changes: object) -> ConfigDict:
  """Returns a small config; `run__predict_batch_size` stands for the key run.predict_batch_size."""
  dotted = {key.replace("__", "."): value for key, value in changes.items()}
  return configs.load(ROOT / "configs" / file, "smoke", dotted)


def pulse(duration_s: float, rate_hz: float = PULSE_HZ, seed: int = 0) -> np.ndarray:
  """Returns 72 pulses a minute whose size and baseline breathe at 15 a minute, with a little noise."""
  time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
  breath_t = np.sin(2 * np.pi * 0.25 * time_s)
  beat_t = np.sin(2 * np.pi * 1.2 * time_s)
  noise_t = np.random.default_rng(seed).standard_normal(len(time_s))
  return beat_t * (1 + 0.2 * breath_t) + 0.5 * breath_t + 0.01 * noise_t


def without(
    x_t: np.ndarray,
    *spans_s: tuple[float, float],
    rate_hz: float = PULSE_HZ,
) -> np.ndarray:
  """Returns a copy with NaN in these spans."""
  x_t = x_t.copy()
  for first_s, last_s in spans_s:
    x_t[round(first_s * rate_hz):round(last_s * rate_hz)] = np.nan
  return x_t


def smooth(params, stats, batch, keys_b):
  """Instead of a network: 2 s means of the PPG, noise by key, and a posterior around 15 a minute."""
  x_b_t = batch["ppg_b_t_p"].mean(-1)
  samples_in_2_s = 10
  if x_b_t.shape[-1] == 150:   # a window of SHORT
    samples_in_2_s = 20
  kernel = jnp.ones(samples_in_2_s) / samples_in_2_s

  def mean_of_2_s(x_t):
    return jnp.convolve(x_t, kernel, "same")

  def noise(key):
    return 0.01 * jax.random.normal(key, (2, x_b_t.shape[-1]))

  wave_b_t = jax.vmap(mean_of_2_s)(x_b_t)
  samples_b_s_t = wave_b_t[:, None] + jax.vmap(noise)(keys_b)
  return {
      "resp_b_t": wave_b_t,
      "resp_b_s_t": samples_b_s_t,
      **posteriors(params, stats, batch, keys_b),
  }


def posteriors(params, stats, batch, keys_b):
  """Instead of a network: only a posterior around 15 a minute."""
  pmf_r = jax.nn.softmax(-(jnp.log(RATE_BPM_R / 15.0) / 0.05) ** 2)
  return {"rate_pmf_b_r": jnp.tile(pmf_r, (len(keys_b), 1))}


def fake(config: ConfigDict, predict=smooth) -> Model:
  """Returns a model without a network."""
  system = systems.make(config)
  task = system.task._replace(predict=predict)
  return Model("fake", config, system._replace(task=task), {}, {})


def untrained(config: ConfigDict, name: str = "tiny") -> Model:
  """Returns a model of the config's network whose parameters are random."""
  system = systems.make(config)
  draw = np.random.default_rng(0)

  def random_like(x):
    return (0.1 * draw.standard_normal(x.shape)).astype(x.dtype)

  params, stats = shapes(simulated_run(config, system))
  return Model(name, config, system, jax.tree.map(random_like, params), stats)
