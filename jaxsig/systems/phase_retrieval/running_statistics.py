"""Statistics of all that a network was trained on: of its input, and of the objects' odd part."""
import jax
import jax.numpy as jnp

from jaxsig.system import Stats
from jaxsig.systems.phase_retrieval import canonical


def zeros(m: int, rule: str) -> Stats:
  """Statistics before any training.

  Args:
    m: side of the grid.
    rule: how targets decide the flip; "odd_pca" learns the principal odd component.
  """
  nothing = jnp.zeros((m, m, 2))
  stats = {
      "sum_v_u_c": nothing,
      "square_v_u_c": nothing,
      "count": jnp.zeros(()),
  }
  if rule == "odd_pca":
    first_k = jnp.asarray(canonical.weights_of(m, "both"), jnp.float32)
    stats["odd_k"] = first_k
    stats["moments_k_k"] = jnp.zeros((len(first_k), len(first_k)))
  return stats


def with_features(stats: Stats, features_b_v_u_c: jax.Array, weight_b: jax.Array) -> Stats:
  """The running sums with those of a batch, bin by bin."""
  weight = weight_b[:, None, None, None]
  batch_sum = jnp.sum(weight * features_b_v_u_c, 0)
  batch_square = jnp.sum(weight * features_b_v_u_c**2, 0)
  return {
      **stats,
      "sum_v_u_c": stats["sum_v_u_c"] + batch_sum,
      "square_v_u_c": stats["square_v_u_c"] + batch_square,
      "count": stats["count"] + jnp.sum(weight_b),
  }


def with_odd_moments(stats: Stats, x_b_y_x: jax.Array, weight_b: jax.Array, m: int) -> Stats:
  """The principal odd component of all objects so far, nearer by one power iteration.

  In a few steps it stands still.
  """
  batch_moments = canonical.odd_moments(x_b_y_x * weight_b[:, None, None], m)
  moments_k_k = stats["moments_k_k"] + batch_moments
  odd_k = moments_k_k @ stats["odd_k"]
  length = jnp.maximum(jnp.linalg.norm(odd_k), 1e-12)
  return {
      **stats,
      "moments_k_k": moments_k_k,
      "odd_k": odd_k / length,
  }


def standardised(stats: Stats, features_b_v_u_c: jax.Array) -> jax.Array:
  """Features with mean 0 and variance 1 in each bin, by the running sums."""
  count = jnp.maximum(stats["count"], 1)
  mean = stats["sum_v_u_c"] / count
  variance = jnp.maximum(stats["square_v_u_c"] / count - mean**2, 0)
  return (features_b_v_u_c - mean) * jax.lax.rsqrt(variance + 1e-4)
