"""Errors of images [..., n, n] against their truth, pixel by pixel, once they are aligned."""
import functools

import jax
import jax.numpy as jnp
import numpy as np

SIGMA_PX = 1.5
RADIUS_PX = 5
STABILISER = (0.01**2, 0.03**2)   # of mean and variance, for a range of one


def psnr_db(image: jax.Array, truth: jax.Array, peak: float = 1.0) -> jax.Array:
  """Peak signal-to-noise ratio [...] in dB; images are real or complex.

  `peak` is the largest possible value of an image.
  """
  squared_error = jnp.abs(image - truth) ** 2
  mean_error = jnp.mean(squared_error, (-2, -1))
  mean_error = jnp.maximum(mean_error, 1e-20)
  return 10 * jnp.log10(peak**2 / mean_error)


def _blurred(x: jax.Array) -> jax.Array:
  """Means of images [..., n, n] under the Gaussian windows that lie wholly inside.

  Each side of the result is 2 RADIUS_PX shorter.
  """
  offsets = np.arange(-RADIUS_PX, RADIUS_PX + 1)
  weights = np.exp(-0.5 * (offsets / SIGMA_PX) ** 2)
  weights /= weights.sum()

  for axis in (-2, -1):
    size = x.shape[axis] - 2 * RADIUS_PX
    total = 0
    for first, weight in enumerate(weights):
      part = jax.lax.slice_in_dim(x, first, first + size, axis=x.ndim + axis)
      total = total + weight * part
    x = total
  return x


@functools.partial(jax.jit, static_argnames="peak")
def ssim(image: jax.Array, truth: jax.Array, peak: float = 1.0) -> jax.Array:
  """Mean structural similarity [...] of real images of at least 11 x 11.

  Wang et al., IEEE TIP 13(4), 2004: Gaussian window of 1.5 px and 11 px width, K = (0.01, 0.03),
  population moments, over the windows that lie wholly inside.
  """
  mean_stabiliser = STABILISER[0] * peak**2
  variance_stabiliser = STABILISER[1] * peak**2

  mean_a = _blurred(image)
  mean_b = _blurred(truth)
  variance_a = _blurred(image**2) - mean_a**2
  variance_b = _blurred(truth**2) - mean_b**2
  covariance = _blurred(image * truth) - mean_a * mean_b

  luminance = 2 * mean_a * mean_b + mean_stabiliser
  structure = 2 * covariance + variance_stabiliser
  luminance_norm = mean_a**2 + mean_b**2 + mean_stabiliser
  structure_norm = variance_a + variance_b + variance_stabiliser
  similarity = luminance * structure / (luminance_norm * structure_norm)
  return jnp.mean(similarity, (-2, -1))
