"""Spectral losses against closed forms."""
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsig.errors import UserError
from jaxsig.nn import diffusion

pytestmark = pytest.mark.usefixtures("quick_compilation")


def waves(b: int, t: int) -> np.ndarray:
  return np.random.default_rng(7).uniform(size=(b, t)).astype(np.float32)


def test_the_coded_spectral_loss_is_the_time_error_where_phases_agree():
  """Parseval: with X_hat = 1.5 X bin by bin, the mean of (|X_hat| - |X|)^2 is the mean squared
  error in time."""
  loss = jax.jit(diffusion.spectral_loss_as_coded)
  x = waves(3, 150)
  time_error = np.mean((0.5 * x) ** 2, -1)
  np.testing.assert_allclose(loss(1.5 * x, x), time_error, rtol=1e-4)

  rolled = np.roll(x, 7, -1)
  np.testing.assert_allclose(loss(rolled, x), 0, atol=1e-8)   # blind to phase
  assert np.mean((rolled - x) ** 2) > 0.01


def test_the_coded_weights_give_the_authors_total():
  random = np.random.default_rng(0)
  residual, x0_hat, x0 = random.normal(size=(3, 128, 150)).astype(np.float32)

  def spectrum(x):
    return np.abs(np.fft.fft(x, norm="ortho"))

  spectral_error = np.mean((spectrum(x0_hat) - spectrum(x0)) ** 2)
  authors_total = np.sum(residual**2) / 150 + 0.01 * spectral_error

  @jax.jit
  def total(residual, x0_hat, x0):
    spectral = jnp.mean(diffusion.spectral_loss_as_coded(x0_hat, x0))
    return jnp.mean(residual**2) + diffusion.SPECTRAL_WEIGHTS["as_coded"] * spectral

  np.testing.assert_allclose(128 * total(residual, x0_hat, x0), authors_total, rtol=1e-5)


def test_the_banded_loss_measures_the_log_ratio_in_its_band_only():
  t = np.arange(300) / 5
  slow = np.sin(2 * np.pi * 0.25 * t)[None].astype(np.float32)
  between_bins_hz = 2 + 1 / 120
  fast = np.cos(2 * np.pi * between_bins_hz * t)[None].astype(np.float32)
  loss = jax.jit(functools.partial(
      diffusion.spectral_loss_banded,
      rate_hz=5.0,
      low_hz=0.24,
      high_hz=0.26,
      floor=1e-3,
  ))
  alpha = np.ones(1, np.float32)
  log_ratio = np.log(2)
  np.testing.assert_allclose(loss(2 * slow, slow, alpha), log_ratio**2, rtol=1e-3)
  np.testing.assert_allclose(loss(2 * slow, slow, 0.5 * alpha), 0.25 * log_ratio**2, rtol=1e-3)
  np.testing.assert_allclose(loss(slow + 3 * fast, slow, alpha), 0, atol=1e-7)


def test_the_losses_are_smooth_at_silence():
  x0 = waves(1, 300)

  def total(x0_hat):
    banded = diffusion.spectral_loss_banded(x0_hat, x0, jnp.ones(1), 5.0).sum()
    as_coded = diffusion.spectral_loss_as_coded(x0_hat, x0).sum()
    return jnp.stack([banded, as_coded])

  gradients = jax.jit(jax.jacrev(total))(np.zeros((1, 300), np.float32))
  assert gradients.shape == (2, 1, 300)
  assert np.isfinite(gradients).all()


def test_an_empty_band_is_named():
  x = waves(1, 24)
  with pytest.raises(UserError, match="longer windows"):
    diffusion.spectral_loss_banded(x, x, np.ones(1), 5.0, high_hz=0.1)
