"""The two sets of phase retrieval and the nearest points in them.

One set holds the images with the measured magnitude, the other the images that an object can have
(support, positivity). An image of real dtype stands for a real object and is transformed by rfft2,
a complex one by fft2. Every function takes one example and is batched by `vmap`. The zero frequency
and the origin of the object are at [0, 0]; m is even or odd.
"""
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Measured(NamedTuple):
  """The measurement of one object, on the bins of its transform.

  These are [m, m // 2 + 1] of a real object, [m, m] of a complex one.
  """
  magnitude_v_u: jax.Array
  weight_v_u: jax.Array   # measured bins of the full plane that a bin stands for: 0 (hidden) to 2
  scatter: jax.Array      # squared distance of the full-plane magnitude from the nearest valid one
  norm: jax.Array         # of the full-plane magnitude


def fold_magnitude(magnitude_v_u: jax.Array, seen_v_u: jax.Array, real: bool) -> Measured:
  """Folds a full-plane magnitude onto the bins of a real or complex object's transform.

  A real object has the same magnitude at k and -k. Noise makes the two differ: their mean is the
  nearest to both, and where only one of them is seen that one counts. `residual` on the half plane
  is then exactly the one on the full plane.

  Args:
    magnitude_v_u: [m, m].
    seen_v_u: [m, m], above 0 where the magnitude counts.
    real: whether the object is real.
  """
  seen_v_u = (seen_v_u > 0).astype(magnitude_v_u.dtype)
  magnitude_v_u = jnp.where(seen_v_u > 0, magnitude_v_u, 0)   # a hidden bin may hold NaN
  norm = jnp.linalg.norm(magnitude_v_u)
  if not real:
    return Measured(
        magnitude_v_u,
        weight_v_u=seen_v_u,
        scatter=jnp.zeros_like(norm),
        norm=norm,
    )

  pair_v_u = seen_v_u + _mirror(seen_v_u)
  sum_v_u = magnitude_v_u + _mirror(magnitude_v_u)
  mean_v_u = sum_v_u / jnp.maximum(pair_v_u, 1)
  squared_v_u = (magnitude_v_u - mean_v_u) ** 2
  scatter = jnp.sum(seen_v_u * squared_v_u)

  # The columns of frequencies 0 and m / 2 hold both k and -k.
  m = magnitude_v_u.shape[-1]
  half = m // 2 + 1
  u = np.arange(half)
  is_own_mirror = u == -u % m
  share_u = np.where(is_own_mirror, 0.5, 1)
  share_u = share_u.astype(magnitude_v_u.dtype)

  return Measured(
      mean_v_u[:, :half],
      weight_v_u=share_u * pair_v_u[:, :half],
      scatter=scatter,
      norm=norm,
  )


def _mirror(a_v_u: jax.Array) -> jax.Array:
  """The value at -k in every bin k of the full plane."""
  reversed_v_u = a_v_u[::-1, ::-1]
  return jnp.roll(reversed_v_u, (1, 1), (0, 1))


def transform(x_y_x: jax.Array) -> jax.Array:
  """The Fourier transform on the bins of `Measured`."""
  if jnp.iscomplexobj(x_y_x):
    return jnp.fft.fft2(x_y_x)
  return jnp.fft.rfft2(x_y_x)


def inverse(f_v_u: jax.Array, like_y_x: jax.Array) -> jax.Array:
  """The inverse of `transform`, for an image of the shape and kind of `like_y_x`."""
  if jnp.iscomplexobj(like_y_x):
    return jnp.fft.ifft2(f_v_u)
  return jnp.fft.irfft2(f_v_u, like_y_x.shape)


def project_magnitude(x_y_x: jax.Array, measured: Measured) -> jax.Array:
  """P_M: the nearest image with the measured magnitude.

  A hidden bin keeps its value, a bin of zero gets the phase zero.
  """
  f_v_u = transform(x_y_x)
  power_v_u = f_v_u.real ** 2 + f_v_u.imag ** 2
  is_measured = measured.weight_v_u > 0

  factor_v_u = measured.magnitude_v_u * jax.lax.rsqrt(power_v_u)
  factor_v_u = jnp.where(is_measured, factor_v_u, 1)
  scaled_v_u = f_v_u * factor_v_u

  tiny = jnp.finfo(power_v_u.dtype).tiny
  is_empty = is_measured & (power_v_u < tiny)
  projected_v_u = jnp.where(is_empty, measured.magnitude_v_u, scaled_v_u)
  return inverse(projected_v_u, x_y_x)


def project_object(x_y_x: jax.Array, support_y_x: jax.Array, positivity: bool) -> jax.Array:
  """P_S: the nearest image that is zero outside the support and, with positivity, not negative."""
  if positivity:
    x_y_x = jnp.maximum(x_y_x, 0)
  return jnp.where(support_y_x, x_y_x, 0)


def residual(x_y_x: jax.Array, measured: Measured) -> jax.Array:
  """|| |F x| - magnitude || / || magnitude || over the measured bins of the full plane: []."""
  f_v_u = transform(x_y_x)
  magnitude_v_u = jnp.sqrt(f_v_u.real ** 2 + f_v_u.imag ** 2)
  error_v_u = magnitude_v_u - measured.magnitude_v_u
  squared = jnp.sum(measured.weight_v_u * error_v_u ** 2)
  return jnp.sqrt(squared + measured.scatter) / measured.norm


def autocorrelation_support(magnitude_v_u: jax.Array, threshold: float = 0.04) -> jax.Array:
  """Where the autocorrelation exceeds a fraction of its maximum: [m, m] bool.

  The autocorrelation is the transform of the intensity. A translate of the object lies in this
  support, up to dim pixels (Marchesini et al., Phys. Rev. B 68, 140101, 2003). The full plane is
  needed: without the bins behind a beam stop the autocorrelation has no positive background to cut.
  """
  intensity_v_u = magnitude_v_u ** 2
  autocorrelation_y_x = jnp.abs(jnp.fft.ifft2(intensity_v_u))
  return autocorrelation_y_x > threshold * autocorrelation_y_x.max()


def shrunk_support(
    x_y_x: jax.Array,
    sigma_px: jax.Array | float,
    threshold: float,
) -> jax.Array:
  """Where the blurred |x| reaches a fraction of its maximum: [m, m] bool (Marchesini et al. 2003).

  The blur is a cyclic Gaussian of standard deviation sigma_px.
  """
  size_y_x = jnp.abs(x_y_x)
  rows, columns = size_y_x.shape
  frequency_v = np.fft.fftfreq(rows)    # cycles per pixel
  frequency_u = np.fft.rfftfreq(columns)
  square_v_u = frequency_v[:, None] ** 2 + frequency_u ** 2
  square_v_u = square_v_u.astype(size_y_x.dtype)

  gaussian_v_u = jnp.exp(-2 * (np.pi * sigma_px) ** 2 * square_v_u)
  blurred_y_x = inverse(gaussian_v_u * transform(size_y_x), size_y_x)
  return blurred_y_x >= threshold * blurred_y_x.max()
