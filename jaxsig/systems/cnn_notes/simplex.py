"""Learnt combinations of feature maps: weights from scores, sparsity penalties, pruning.

score_i_j and alpha_i_j are [..., i, j]: column j holds the weights with which output map j takes
the input maps i.
"""
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient

from jaxsig.errors import UserError

EPSILON = 1e-6   # in `lp`: bounds the slope of the root at zero, p EPSILON^(p - 1)

Scalar = float | jax.Array


def combination(kind: str, score_i_j: jax.Array, temperature: Scalar = 1.0) -> jax.Array:
  """Weights of each output map's combination of the input maps.

  "softmax" is that of Bouvrie (Notes on Convolutional Neural Networks, 2006), whose derivative is
  eq. (8); "sparsemax" (Martins and Astudillo 2016) and "entmax15" (Peters, Niculae and Martins
  2019, with their alpha of 1.5) lie on the same simplex and reach exact zeros. "non_negative"
  leaves the simplex: it is the positive part of the scores.

  Args:
    kind: one of `KINDS`.
    score_i_j: [..., i, j], free parameters; -inf excludes an input.
    temperature: above zero; divides the scores. "non_negative" ignores it.

  Returns:
    alpha_i_j [..., i, j], not negative; on the simplex each column sums to one.

  Raises:
    UserError: an unknown kind.
  """
  _require_known(kind, KINDS, "combination")
  weights = KINDS[kind]
  return weights(score_i_j, temperature)


def penalty(name: str, alpha_i_j: jax.Array, p: Scalar = 0.5) -> jax.Array:
  """Penalty, summed over all weights, whose decrease makes combinations sparse.

  It is to be scaled and added to a loss.

  Args:
    name: one of `PENALTIES`. "l1_notes" is that of Bouvrie (2006), eq. (11). On the simplex it is a
      constant, the number of output maps, so that its gradient by the scores, eq. (14), vanishes
      whatever its scale.
    alpha_i_j: [..., i, j], as from `combination`.
    p: exponent of "lp", between 0 and 1; the others ignore it.

  Returns:
    A scalar; "entropy" is in nats.

  Raises:
    UserError: an unknown name.
  """
  _require_known(name, PENALTIES, "penalty")
  total = PENALTIES[name]
  return total(alpha_i_j, p)


def above_threshold(alpha_i_j: jax.Array, threshold: Scalar = 0.0) -> jax.Array:
  """Table [..., i, j] of the connections with a weight above `threshold`.

  The largest weight of each output map is on the table whatever it is.
  """
  is_largest_i_j = _rank(alpha_i_j) == 0
  return (alpha_i_j > threshold) | is_largest_i_j


def strongest(alpha_i_j: jax.Array, most: int | jax.Array) -> jax.Array:
  """Table [..., i, j] of the `most` largest weights of each output map that are above zero.

  Of equal weights the first are taken.
  """
  is_large_i_j = _rank(alpha_i_j) < most
  return (alpha_i_j > 0) & is_large_i_j


def renormalised(alpha_i_j: jax.Array, table_i_j: jax.Array) -> jax.Array:
  """The weights on the table [..., i, j], scaled so that each output map's sum is as before.

  Weights off the table become zero. A column without a weight above zero on the table becomes zero
  as a whole. A table that drops only zeros changes no bit.
  """
  pruned_i_j = jnp.where(table_i_j, alpha_i_j, 0)
  before_1_j = alpha_i_j.sum(-2, keepdims=True)
  left_1_j = pruned_i_j.sum(-2, keepdims=True)

  divisor_1_j = jnp.where(left_1_j > 0, left_1_j, 1)
  return pruned_i_j * (before_1_j / divisor_1_j)


def _rank(alpha_i_j: jax.Array) -> jax.Array:
  """Place of each weight in its column: 0 is the largest, of equal ones the first."""
  order_i_j = jnp.argsort(-alpha_i_j, axis=-2)
  return jnp.argsort(order_i_j, axis=-2)


def _softmax(score_i_j: jax.Array, temperature: Scalar) -> jax.Array:
  return jax.nn.softmax(score_i_j / temperature, axis=-2)


def _sparsemax(score_i_j: jax.Array, temperature: Scalar) -> jax.Array:
  return _entmax(1, score_i_j / temperature)


def _entmax15(score_i_j: jax.Array, temperature: Scalar) -> jax.Array:
  return _entmax(2, score_i_j / temperature)


def _non_negative(score_i_j: jax.Array, temperature: Scalar) -> jax.Array:
  del temperature
  return jax.nn.relu(score_i_j)


def _entmax(power: int, score_i_j: jax.Array) -> jax.Array:
  """Entmax of alpha = 1 + 1 / power, by column.

  It is max(z - tau, 0)^power with z = score / power, and in each column the threshold tau for which
  the weights sum to one.

  The support (the inputs above tau) is found by sorting, which is not differentiated. The threshold
  is then computed anew, in closed form, on that support. So automatic differentiation is exact, and
  equal scores are treated alike.
  """
  z_i_j = score_i_j / power

  # A shift by the largest changes nothing. What lies more than one below it has no weight; clipped,
  # it cannot drown the sums.
  largest_1_j = z_i_j.max(-2, keepdims=True)
  z_i_j = jnp.maximum(z_i_j - stop_gradient(largest_1_j), -2)

  is_support_i_j = z_i_j > _search_threshold(power, stop_gradient(z_i_j))
  count_1_j = _sum_where(is_support_i_j, 1)
  sum_1_j = _sum_where(is_support_i_j, z_i_j)
  square_sum_1_j = _sum_where(is_support_i_j, z_i_j ** 2)
  tau_1_j = _threshold(power, count_1_j, sum_1_j, square_sum_1_j)
  return jax.nn.relu(z_i_j - tau_1_j) ** power


def _search_threshold(power: int, z_i_j: jax.Array) -> jax.Array:
  """The threshold tau of each column [..., 1, j], by sorting."""
  sorted_i_j = jnp.sort(z_i_j, axis=-2, descending=True)
  inputs = z_i_j.shape[-2]
  count_i_1 = jnp.arange(1, inputs + 1)[:, None]

  # Row i is the threshold if the i + 1 largest were the support. It rises until the support is
  # complete; later rows are above the last score that they count.
  tau_i_j = _threshold(
      power,
      count_i_1,
      jnp.cumsum(sorted_i_j, -2),
      jnp.cumsum(sorted_i_j ** 2, -2),
  )
  is_possible_i_j = sorted_i_j > tau_i_j
  possible_i_j = jnp.where(is_possible_i_j, tau_i_j, -jnp.inf)
  return possible_i_j.max(-2, keepdims=True)


def _sum_where(is_counted_i_j: jax.Array, x: Scalar) -> jax.Array:
  """Sum over each column [..., 1, j] of what counts."""
  counted_i_j = jnp.where(is_counted_i_j, x, 0)
  return counted_i_j.sum(-2, keepdims=True)


def _threshold(
    power: int,
    count: jax.Array,
    value_sum: jax.Array,
    square_sum: jax.Array,
) -> jax.Array:
  """The tau below all of `count` values z for which the sum of (z - tau)^power is one."""
  if power == 1:
    return (value_sum - 1) / count

  mean = value_sum / count
  # Never negative on a support. A set too wide for any tau gets its mean, which is not below its
  # smallest value.
  squared = (1 - square_sum + value_sum * mean) / count
  return mean - jnp.sqrt(jnp.maximum(squared, 0))


def _no_penalty(alpha_i_j: jax.Array, p: Scalar) -> jax.Array:
  del p
  return jnp.zeros((), alpha_i_j.dtype)


def _l1(alpha_i_j: jax.Array, p: Scalar) -> jax.Array:
  del p
  return jnp.abs(alpha_i_j).sum()


def _entropy(alpha_i_j: jax.Array, p: Scalar) -> jax.Array:
  """- sum of alpha log alpha; a zero weight has no part in the value nor in the gradient."""
  del p
  safe_i_j = jnp.where(alpha_i_j > 0, alpha_i_j, 1)
  return -(alpha_i_j * jnp.log(safe_i_j)).sum()


def _lp(alpha_i_j: jax.Array, p: Scalar) -> jax.Array:
  root_i_j = (alpha_i_j + EPSILON) ** p
  return root_i_j.sum()


def _negative_square(alpha_i_j: jax.Array, p: Scalar) -> jax.Array:
  del p
  return -(alpha_i_j ** 2).sum()


def _require_known(name: str, known: Mapping[str, Callable], what: str) -> None:
  if name not in known:
    names = ", ".join(known)
    raise UserError(f"there is no {what} {name!r}; take one of {names}")


KINDS = {
    "softmax": _softmax,
    "sparsemax": _sparsemax,
    "entmax15": _entmax15,
    "non_negative": _non_negative,
}

PENALTIES = {
    "none": _no_penalty,
    "l1": _l1,         # for "non_negative": there it makes exact zeros
    "l1_notes": _l1,   # the same expression; on the simplex it has no effect
    "entropy": _entropy,
    "lp": _lp,
    "negative_square": _negative_square,
}
