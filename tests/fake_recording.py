"""For the tests of predicting: a breathing pulse with gaps, and models without a network."""
import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.predict import model as shipped
from jaxsig.system import make, make_data
from jaxsig.systems.respiration.rates import RATE_BPM_R

LONG = "respdiff_60s.py"   # windows of 60 s every 20 s, posteriors


def pulse(duration_s: float, rate_hz: float = 50.0, seed: int = 0) -> np.ndarray:
  """A pulse at 72 a minute whose size and baseline breathe at 15 a minute, with a little noise."""
  t = np.arange(round(duration_s * rate_hz)) / rate_hz
  breath = np.sin(2 * np.pi * 0.25 * t)
  return np.sin(2 * np.pi * 1.2 * t) * (1 + 0.2 * breath) + 0.5 * breath + 0.01 * np.random.default_rng(seed).standard_normal(len(t))


def without(x_t: np.ndarray, *spans_s: tuple[float, float], rate_hz: float = 50.0) -> np.ndarray:
  x_t = x_t.copy()
  for first_s, last_s in spans_s:
    x_t[round(first_s * rate_hz):round(last_s * rate_hz)] = np.nan
  return x_t


def smooth(params, stats, batch, keys_b):
  """Instead of a network: the mean of 2 s of the PPG, noise by the window's key, and a posterior around 15 a minute."""
  x_b_t = batch["ppg_b_t_p"].mean(-1)
  n = 20 if x_b_t.shape[-1] == 150 else 10
  kernel = jnp.ones(n) / n
  wave_b_t = jax.vmap(lambda x: jnp.convolve(x, kernel, "same"))(x_b_t)
  noise_b_s_t = jax.vmap(lambda key: 0.01 * jax.random.normal(key, (2, x_b_t.shape[-1])))(keys_b)
  pmf_r = jax.nn.softmax(-(jnp.log(RATE_BPM_R / 15.0) / 0.05) ** 2)
  return {"resp_b_t": wave_b_t, "resp_b_s_t": wave_b_t[:, None] + noise_b_s_t, "rate_pmf_b_r": jnp.tile(pmf_r, (len(keys_b), 1))}


def posteriors(params, stats, batch, keys_b):
  return {"rate_pmf_b_r": smooth(params, stats, batch, keys_b)["rate_pmf_b_r"]}


def fake(config, predict=smooth) -> shipped.Model:
  """A model without a network."""
  return shipped.Model("fake", config, make(config)._replace(predict=predict), make_data(config), {}, {})
