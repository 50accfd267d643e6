"""Losses of pressures, and the distribution that each one's outputs stand for.

All are of standardised targets z, see `targets`.
"""
import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

SQUARED, GAUSSIAN, QUANTILES = "squared", "gaussian", "quantiles"
LOSSES = (SQUARED, GAUSSIAN, QUANTILES)
LEVELS_Q = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
LEAST_LOG_SD, MOST_LOG_SD = -3.0, 2.0
QUARTILES_SD = 1.349   # distance of the quartiles of a normal distribution in deviations


def outputs_of(name: str) -> int:
  """How many outputs a loss needs for each target."""
  if name == SQUARED:
    return 1
  if name == GAUSSIAN:
    return 2
  return len(LEVELS_Q)


def error_b_p(config: ConfigDict, output_b_p_q: jax.Array, z_b_p: jax.Array) -> jax.Array:
  """[b, p] the loss of each target of each window.

  Args:
    config: `config.loss`: `name`; of "gaussian", `beta`: the likelihood of each window is weighted
      by its variance to this power, so that windows of wide spread are learnt, too (Seitzer et al.,
      ICLR 2022, eq. 5).
    output_b_p_q: the network's outputs.
    z_b_p: standardised targets, finite.
  """
  if config.name == SQUARED:
    return (output_b_p_q[..., 0] - z_b_p) ** 2
  if config.name == GAUSSIAN:
    log_sd = log_sd_of(output_b_p_q)
    distance = (z_b_p - output_b_p_q[..., 0]) * jnp.exp(-log_sd)
    weight = jax.lax.stop_gradient(jnp.exp(2 * config.beta * log_sd))
    return weight * (0.5 * distance**2 + log_sd)
  level_q = jnp.array(LEVELS_Q)
  difference = z_b_p[..., None] - output_b_p_q
  return jnp.mean(jnp.maximum(level_q * difference, (level_q - 1) * difference), -1)


def log_sd_of(output_b_p_q: jax.Array) -> jax.Array:
  """[b, p] log of the deviation of a Gaussian output, softly held between two bounds."""
  middle = (LEAST_LOG_SD + MOST_LOG_SD) / 2
  half = (MOST_LOG_SD - LEAST_LOG_SD) / 2
  return middle + half * jnp.tanh((output_b_p_q[..., 1] - middle) / half)


def mean_of(name: str, output_b_p_q: jax.Array) -> jax.Array:
  """[b, p] the estimate: the mean, or the median of quantiles."""
  if name == QUANTILES:
    return output_b_p_q[..., LEVELS_Q.index(0.5)]
  return output_b_p_q[..., 0]


def sd_of(name: str, output_b_p_q: jax.Array) -> jax.Array | None:
  """[b, p] the deviation that a network states; None of one that states none."""
  if name == GAUSSIAN:
    return jnp.exp(log_sd_of(output_b_p_q))
  if name == QUANTILES:
    low = output_b_p_q[..., LEVELS_Q.index(0.25)]
    high = output_b_p_q[..., LEVELS_Q.index(0.75)]
    return jnp.maximum(high - low, 1e-3) / QUARTILES_SD
  return None
