"""Bins of a spectrum: the lowest ones, their order by frequency, and which are rounding."""
import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.systems.phase_retrieval.far_field import frequencies

REACH = 8         # the highest frequency that a rule of `canonical` weighs
ROUNDING = 0.75   # eps ** ROUNDING of the largest bin is zero: 2e-12 in float64, 7e-6 in float32


@functools.lru_cache   # int32, so that one table serves both precisions of jax
def low_bins(m: int) -> tuple[np.ndarray, np.ndarray]:
  """Bins (v, u) with |k| <= REACH in each direction, one of each pair k, -k.

  For a real object the other one of a pair holds the conjugate.
  """
  reach = min(REACH, (m - 1) // 2)
  v, u = np.mgrid[0:reach + 1, -reach:reach + 1].reshape(2, -1)
  in_half_plane = (v > 0) | (u > 0)
  v = v[in_half_plane].astype(np.int32)
  u = u[in_half_plane].astype(np.int32)
  return v, u


@functools.lru_cache
def _frequency_order(m: int) -> np.ndarray:
  """Flat indices of all bins by |k|: (0, 0), (0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), ..."""
  v, u = np.meshgrid(frequencies(m), frequencies(m), indexing="ij")
  v = v.ravel()
  u = u.ravel()
  squared = v ** 2 + u ** 2
  is_second_of_pair = (v < 0) | ((v == 0) & (u < 0))

  # np.lexsort takes the most important key last.
  order = np.lexsort((-u, np.abs(v), is_second_of_pair, squared))
  return order.astype(np.int32)


def in_order_of_frequency(x_v_u: jax.Array) -> jax.Array:
  """The bins [..., m * m] by |k|."""
  m = x_v_u.shape[-1]
  flat = x_v_u.reshape(*x_v_u.shape[:-2], -1)
  return flat[..., _frequency_order(m)]


def largest_magnitude(g_v_u: jax.Array) -> jax.Array:
  """The largest |G| [...], and 1 for an empty object."""
  largest = jnp.abs(g_v_u).max((-2, -1))
  return jnp.where(largest > 0, largest, 1)


def rounding_floor(g_v_u: jax.Array) -> jax.Array:
  """The value [...] up to which a bin counts as rounding."""
  relative = jnp.finfo(g_v_u.dtype).eps ** ROUNDING
  return relative * largest_magnitude(g_v_u)


def unit(z: jax.Array, floor: jax.Array) -> jax.Array:
  """z / |z|, and 1 where |z| is not above the floor."""
  z = jnp.where(jnp.abs(z) > floor, z, 1)
  return z / jnp.abs(z)


def phases(g_v_u: jax.Array) -> jax.Array:
  """G / |G| [..., m, m], and 1 where |G| is rounding."""
  floor = rounding_floor(g_v_u)
  return unit(g_v_u, floor[..., None, None])
