"""Losses of RespDiff's trainings: of the spectrum, and of the rate head."""
from collections.abc import Callable

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from jaxsig.config import nearest
from jaxsig.errors import UserError
from jaxsig.nn import diffusion
from jaxsig.system import Batch
from jaxsig.systems.respiration.rates import RATE_BPM_R

# of the log of a true rate: annotators, and a rate that moves within the window
LABEL_SD = 0.04
# stands in for a rate that is not known, so that its logarithm is finite
PLACEHOLDER_BPM = 15.0

# (x0_hat_b_t, x0_b_t, alpha_b) -> [b]
SpectralLoss = Callable[[jax.Array, jax.Array, jax.Array], jax.Array]


def mean_of_rows(values_b: jax.Array, weight_b: jax.Array) -> jax.Array:
  """The mean over real rows: padding weighs nothing."""
  total = jnp.sum(values_b * weight_b)
  weight = jnp.sum(weight_b)
  return total / jnp.maximum(weight, 1.0)


def spectral_loss(config: ConfigDict, rate_hz: float) -> SpectralLoss:
  """The weighted spectral loss that `config.spectral` names: none, paper, as_coded or banded.

  Raises:
    UserError: an unknown name.
  """
  kind = config.spectral

  def none(
      x0_hat_b_t: jax.Array,
      x0_b_t: jax.Array,
      alpha_b: jax.Array,
  ) -> jax.Array:
    b = len(x0_b_t)
    return jnp.zeros(b)

  def as_coded(
      x0_hat_b_t: jax.Array,
      x0_b_t: jax.Array,
      alpha_b: jax.Array,
  ) -> jax.Array:
    weight = diffusion.SPECTRAL_WEIGHTS[kind]
    return weight * diffusion.spectral_loss_as_coded(x0_hat_b_t, x0_b_t)

  def banded(
      x0_hat_b_t: jax.Array,
      x0_b_t: jax.Array,
      alpha_b: jax.Array,
  ) -> jax.Array:
    loss_b = diffusion.spectral_loss_banded(x0_hat_b_t, x0_b_t, alpha_b, rate_hz)
    return config.weight * loss_b

  if kind == "none":
    return none
  if kind in diffusion.SPECTRAL_WEIGHTS:
    return as_coded
  if kind == "banded":
    return banded
  known = ("none", "banded", *diffusion.SPECTRAL_WEIGHTS)
  raise UserError(f"unknown loss.spectral {kind!r}{nearest(kind, known)}")


def rate_loss(logits_b_r: jax.Array, batch: Batch) -> jax.Array:
  """Cross-entropy of the rate head with a log-normal label around the annotators' rate.

  Windows without such a rate do not count.
  """
  rate_b = batch["rate_bpm_b"]
  above_b = rate_b > RATE_BPM_R[0]
  below_b = rate_b < RATE_BPM_R[-1]
  in_range_b = above_b & below_b
  known_b = in_range_b * batch["mask_b"]

  finite_rate_b = jnp.where(known_b > 0, rate_b, PLACEHOLDER_BPM)
  log_rate_b = jnp.log(finite_rate_b)
  distance_b_r = (jnp.log(RATE_BPM_R) - log_rate_b[:, None]) / LABEL_SD
  label_b_r = jax.nn.softmax(-0.5 * distance_b_r ** 2)

  log_pmf_b_r = jax.nn.log_softmax(logits_b_r)
  cross_entropy_b = -jnp.sum(label_b_r * log_pmf_b_r, -1)
  return mean_of_rows(cross_entropy_b, known_b)
