"""Sums of squares per second of true stems, estimates and errors: all that an evaluation keeps.

They add up to every policy of frames, so that no separated audio need be stored.
"""
import jax
import jax.numpy as jnp


def per_second(
    truth_b_t_j_c: jax.Array,
    estimate_b_j_c_t: jax.Array,
    rate_hz: int,
) -> dict[str, jax.Array]:
  """Energies of windows of whole seconds.

  Args:
    truth_b_t_j_c: true stems.
    estimate_b_j_c_t: estimates.
    rate_hz: samples a second.

  Returns:
    "truth_b_s_j", "estimate_b_s_j" and "error_b_s_j" [b, s, j], sums over samples and channels.
  """
  truth_b_j_c_t = jnp.moveaxis(truth_b_t_j_c, 1, -1)
  return {
      "truth_b_s_j": _sums(truth_b_j_c_t, rate_hz),
      "estimate_b_s_j": _sums(estimate_b_j_c_t, rate_hz),
      "error_b_s_j": _sums(truth_b_j_c_t - estimate_b_j_c_t, rate_hz),
  }


def _sums(x_b_j_c_t: jax.Array, rate_hz: int) -> jax.Array:
  """Squares summed over each second and the channels: [b, s, j]."""
  seconds = x_b_j_c_t.shape[-1] // rate_hz
  x_b_j_c_s_t = x_b_j_c_t.reshape(*x_b_j_c_t.shape[:-1], seconds, rate_hz)
  return jnp.einsum("bjcst,bjcst->bsj", x_b_j_c_s_t, x_b_j_c_s_t)
