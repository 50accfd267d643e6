"""Images [.., n, n] against their truth, pixel on pixel, float: what is left to say once they are aligned."""
import functools

import jax
import jax.numpy as jnp
import numpy as np

SIGMA_PX, RADIUS_PX = 1.5, 5
STABILISER = (0.01**2, 0.03**2)   # of mean and variance, for a range of one


def psnr_db(image: jax.Array, truth: jax.Array, peak: float = 1.0) -> jax.Array:
  """Peak signal-to-noise ratio [..] in dB of images whose largest possible value is `peak`; real or complex."""
  error = jnp.mean(jnp.abs(image - truth) ** 2, (-2, -1))
  return 10 * jnp.log10(peak**2 / jnp.maximum(error, 1e-20))


def _blurred(x: jax.Array) -> jax.Array:
  """[.., n, n] under a Gaussian window that lies wholly inside: [.., n - 2 RADIUS_PX, ...]."""
  weight = np.exp(-0.5 * (np.arange(-RADIUS_PX, RADIUS_PX + 1) / SIGMA_PX) ** 2)
  weight /= weight.sum()
  for axis in (-2, -1):
    size = x.shape[axis] - 2 * RADIUS_PX
    x = sum(w * jax.lax.slice_in_dim(x, i, i + size, axis=x.ndim + axis) for i, w in enumerate(weight))
  return x


@functools.partial(jax.jit, static_argnames="peak")
def ssim(image: jax.Array, truth: jax.Array, peak: float = 1.0) -> jax.Array:
  """Mean structural similarity [..] of real images of at least 11 x 11.

  Wang et al., IEEE TIP 13(4), 2004: Gaussian window of 1.5 px and 11 px width, K = (0.01, 0.03), population moments, over the
  windows that lie wholly inside.
  """
  c1, c2 = (c * peak**2 for c in STABILISER)
  mean_a, mean_b = _blurred(image), _blurred(truth)
  var_a, var_b = _blurred(image**2) - mean_a**2, _blurred(truth**2) - mean_b**2
  both = _blurred(image * truth) - mean_a * mean_b
  return jnp.mean((2 * mean_a * mean_b + c1) * (2 * both + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)), (-2, -1))
