"""The two sets of phase retrieval and the nearest points in them: images with the measured magnitude, images of an object.

An image of real dtype stands for a real object and is transformed by rfft2, a complex one by fft2. Every function takes one
example and is batched by `vmap`. The zero frequency and the origin of the object are at [0, 0]; m is even or odd.
"""
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Measured(NamedTuple):
  """The measurement of one object, on the bins of its transform: [m, m // 2 + 1] of a real one, [m, m] of a complex one."""
  magnitude_v_u: jax.Array
  weight_v_u: jax.Array   # how many measured bins of the full plane a bin stands for: 0 (hidden) to 2
  scatter: jax.Array      # squared distance of the full-plane magnitude from the nearest that such an object can have
  norm: jax.Array         # of the full-plane magnitude


def fold_magnitude(magnitude_v_u: jax.Array, seen_v_u: jax.Array, real: bool) -> Measured:
  """What a full-plane magnitude [m, m], of which only the bins with seen_v_u > 0 count, says of a real or complex object.

  A real object has the same magnitude at k and -k. Noise makes the two differ: their mean is the nearest to both, and where
  only one of them is seen that one counts. `residual` on the half plane is then exactly the one on the full plane.
  """
  seen_v_u = (seen_v_u > 0).astype(magnitude_v_u.dtype)
  magnitude_v_u = jnp.where(seen_v_u > 0, magnitude_v_u, 0)   # whatever a hidden bin holds, NaN too
  norm = jnp.linalg.norm(magnitude_v_u)
  if not real:
    return Measured(magnitude_v_u, seen_v_u, jnp.zeros_like(norm), norm)
  pair_v_u = seen_v_u + _mirror(seen_v_u)
  mean_v_u = (magnitude_v_u + _mirror(magnitude_v_u)) / jnp.maximum(pair_v_u, 1)
  scatter = jnp.sum(seen_v_u * (magnitude_v_u - mean_v_u) ** 2)
  m = magnitude_v_u.shape[-1]
  half, u = m // 2 + 1, np.arange(m // 2 + 1)
  share_u = np.where(u == -u % m, 0.5, 1).astype(magnitude_v_u.dtype)   # the columns of 0 and m / 2 hold both k and -k
  return Measured(mean_v_u[:, :half], share_u * pair_v_u[:, :half], scatter, norm)


def _mirror(a_v_u: jax.Array) -> jax.Array:
  """The value at -k in every bin k of the full plane."""
  return jnp.roll(a_v_u[::-1, ::-1], (1, 1), (0, 1))


def transform(x_y_x: jax.Array) -> jax.Array:
  """The Fourier transform on the bins of `Measured`."""
  return jnp.fft.fft2(x_y_x) if jnp.iscomplexobj(x_y_x) else jnp.fft.rfft2(x_y_x)


def inverse(f_v_u: jax.Array, like_y_x: jax.Array) -> jax.Array:
  """Undoes `transform` for an image of the shape and kind of `like_y_x`."""
  return jnp.fft.ifft2(f_v_u) if jnp.iscomplexobj(like_y_x) else jnp.fft.irfft2(f_v_u, like_y_x.shape)


def project_magnitude(x_y_x: jax.Array, measured: Measured) -> jax.Array:
  """P_M: the nearest image with the measured magnitude; a hidden bin keeps its own, a bin of zero gets the phase zero."""
  f_v_u = transform(x_y_x)
  power_v_u = f_v_u.real ** 2 + f_v_u.imag ** 2
  known_v_u = measured.weight_v_u > 0
  scaled_v_u = f_v_u * jnp.where(known_v_u, measured.magnitude_v_u * jax.lax.rsqrt(power_v_u), 1)
  empty_v_u = known_v_u & (power_v_u < jnp.finfo(power_v_u.dtype).tiny)
  return inverse(jnp.where(empty_v_u, measured.magnitude_v_u, scaled_v_u), x_y_x)


def project_object(x_y_x: jax.Array, support_y_x: jax.Array, positivity: bool) -> jax.Array:
  """P_S: the nearest image that is zero outside the support and, with positivity, nowhere negative."""
  return jnp.where(support_y_x, jnp.maximum(x_y_x, 0) if positivity else x_y_x, 0)


def residual(x_y_x: jax.Array, measured: Measured) -> jax.Array:
  """|| |F x| - magnitude || / || magnitude || over the measured bins of the full plane: []."""
  f_v_u = transform(x_y_x)
  miss_v_u = jnp.sqrt(f_v_u.real ** 2 + f_v_u.imag ** 2) - measured.magnitude_v_u
  return jnp.sqrt(jnp.sum(measured.weight_v_u * miss_v_u ** 2) + measured.scatter) / measured.norm


def autocorrelation_support(magnitude_v_u: jax.Array, threshold: float = 0.04) -> jax.Array:
  """Where the autocorrelation, the transform of the intensity, exceeds a fraction of its maximum: [m, m] bool.

  A translate of the object lies in it, up to dim pixels (Marchesini et al., Phys. Rev. B 68, 140101, 2003). The full plane is
  needed: without the bins behind a beam stop the autocorrelation has no positive background to cut.
  """
  autocorrelation_y_x = jnp.abs(jnp.fft.ifft2(magnitude_v_u ** 2))
  return autocorrelation_y_x > threshold * autocorrelation_y_x.max()


def shrunk_support(x_y_x: jax.Array, sigma_px: jax.Array | float, threshold: float) -> jax.Array:
  """Where |x|, blurred by a (cyclic) Gaussian, reaches a fraction of its maximum: [m, m] bool (Marchesini et al. 2003)."""
  size_y_x = jnp.abs(x_y_x)
  rows, columns = size_y_x.shape
  square_v_u = np.fft.fftfreq(rows)[:, None] ** 2 + np.fft.rfftfreq(columns) ** 2   # cycles per pixel
  gauss_v_u = jnp.exp(-2 * (np.pi * sigma_px) ** 2 * square_v_u.astype(size_y_x.dtype))
  blurred_y_x = inverse(gauss_v_u * transform(size_y_x), size_y_x)
  return blurred_y_x >= threshold * blurred_y_x.max()
