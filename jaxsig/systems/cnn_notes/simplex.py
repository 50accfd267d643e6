"""Learnt combinations of feature maps: scores to weights over the inputs, penalties that make them sparse, and pruning.

score_i_j and alpha_i_j are [..., i, j]: column j holds the weights with which output map j takes the input maps i.
"""
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient

from jaxsig.errors import UserError

EPSILON = 1e-6   # in `lp`: bounds the slope of the root at zero, p EPSILON^(p - 1)


def combination(kind: str, score_i_j: jax.Array, temperature: float | jax.Array = 1.0) -> jax.Array:
  """Weights of each output map's combination of the input maps.

  "softmax" is that of Bouvrie (Notes on Convolutional Neural Networks, 2006), whose derivative is eq. (8); "sparsemax" (Martins and
  Astudillo 2016) and "entmax15" (Peters, Niculae and Martins 2019, with their alpha of 1.5) lie on the same simplex and reach exact
  zeros. "non_negative" leaves the simplex: the positive part of the scores.

  Args:
    kind: one of `KINDS`.
    score_i_j: [..., i, j], free parameters; -inf excludes an input.
    temperature: above zero; divides the scores, and "non_negative" has no use for it.

  Returns:
    alpha_i_j [..., i, j], not negative; on the simplex each column sums to one.

  Raises:
    UserError: an unknown kind.
  """
  return _named(KINDS, "combination", kind)(score_i_j, temperature)


def penalty(name: str, alpha_i_j: jax.Array, p: float | jax.Array = 0.5) -> jax.Array:
  """Sum over all weights of a penalty whose decrease makes combinations sparse, to be scaled and added to a loss.

  Args:
    name: one of `PENALTIES`. "l1_notes" is that of Bouvrie (2006), eq. (11). On the simplex it is a constant, the number of output
      maps, so that its gradient by the scores, eq. (14), vanishes whatever its scale.
    alpha_i_j: [..., i, j], as from `combination`.
    p: exponent of "lp", between 0 and 1.

  Returns:
    A scalar; "entropy" is in nats.

  Raises:
    UserError: an unknown name.
  """
  return _named(PENALTIES, "penalty", name)(alpha_i_j, p)


def kept(alpha_i_j: jax.Array, threshold: float | jax.Array = 0.0) -> jax.Array:
  """Table [..., i, j] of the connections with a weight above `threshold`; each output map keeps its largest whatever it is."""
  return (alpha_i_j > threshold) | (_rank(alpha_i_j) == 0)


def strongest(alpha_i_j: jax.Array, most: int | jax.Array) -> jax.Array:
  """Table [..., i, j] of the `most` largest weights of each output map, of equal ones the first, as far as they are above zero."""
  return (alpha_i_j > 0) & (_rank(alpha_i_j) < most)


def renormalised(alpha_i_j: jax.Array, table_i_j: jax.Array) -> jax.Array:
  """The weights on the table [..., i, j] and zeros elsewhere, scaled so that each output map's sum is as before.

  A column without a weight above zero on the table becomes zero. A table that drops only zeros changes no bit.
  """
  total = lambda x_i_j: x_i_j.sum(-2, keepdims=True)
  pruned_i_j = jnp.where(table_i_j, alpha_i_j, 0)
  left = total(pruned_i_j)
  return pruned_i_j * (total(alpha_i_j) / jnp.where(left > 0, left, 1))


def _rank(alpha_i_j: jax.Array) -> jax.Array:
  """Place of each weight in its column: 0 is the largest, of equal ones the first."""
  return jnp.argsort(jnp.argsort(-alpha_i_j, axis=-2), axis=-2)


def _entmax(power: int, score_i_j: jax.Array) -> jax.Array:
  """max(z - tau, 0)^power with z = score / power and in each column the threshold tau for which it sums to one.

  This is entmax of alpha = 1 + 1 / power. The support is found by sorting, which needs no derivative, and the threshold anew on the
  support as it is, in closed form: so automatic differentiation is exact, and equal scores are treated alike.
  """
  z_i_j = score_i_j / power
  # no change by the shift; what lies more than one below the largest has no weight, and clipped it cannot drown the sums
  z_i_j = jnp.maximum(z_i_j - stop_gradient(z_i_j.max(-2, keepdims=True)), -2)
  sorted_i_j = jnp.sort(stop_gradient(z_i_j), axis=-2, descending=True)
  count_i_1 = jnp.arange(1, z_i_j.shape[-2] + 1)[:, None]
  tau_i_j = _threshold(power, count_i_1, jnp.cumsum(sorted_i_j, -2), jnp.cumsum(sorted_i_j ** 2, -2))   # of the i + 1 largest
  tau_j = jnp.where(sorted_i_j > tau_i_j, tau_i_j, -jnp.inf).max(-2, keepdims=True)   # rises until the support is complete
  total = lambda x: jnp.where(z_i_j > tau_j, x, 0).sum(-2, keepdims=True)
  tau_j = _threshold(power, total(1), total(z_i_j), total(z_i_j ** 2))
  return jax.nn.relu(z_i_j - tau_j) ** power


def _threshold(power: int, count: jax.Array, first: jax.Array, second: jax.Array) -> jax.Array:
  """The tau below all of `count` values for which the sum of (z - tau)^power is one; `first` and `second` sum z and z^2."""
  if power == 1:
    return (first - 1) / count
  mean = first / count
  # never zero on a support; a set too wide for any tau gets its mean, which its smallest value is not above
  return mean - jnp.sqrt(jnp.maximum((1 - second + first * mean) / count, 0))


def _entropy(alpha_i_j: jax.Array, p: float) -> jax.Array:
  """- sum of alpha log alpha; a zero weight has no part in the value nor in the gradient."""
  return -(alpha_i_j * jnp.log(jnp.where(alpha_i_j > 0, alpha_i_j, 1))).sum()


def _l1(alpha_i_j: jax.Array, p: float) -> jax.Array:
  return jnp.abs(alpha_i_j).sum()


def _named(choices: dict[str, Callable], what: str, name: str) -> Callable:
  if name not in choices:
    raise UserError(f"there is no {what} {name!r}; take one of {', '.join(choices)}")
  return choices[name]


KINDS = {
  "softmax": lambda score_i_j, temperature: jax.nn.softmax(score_i_j / temperature, axis=-2),
  "sparsemax": lambda score_i_j, temperature: _entmax(1, score_i_j / temperature),
  "entmax15": lambda score_i_j, temperature: _entmax(2, score_i_j / temperature),
  "non_negative": lambda score_i_j, temperature: jax.nn.relu(score_i_j),
}

PENALTIES = {
  "none": lambda alpha_i_j, p: jnp.zeros((), alpha_i_j.dtype),
  "l1": _l1,         # for "non_negative": there it makes exact zeros
  "l1_notes": _l1,   # the same expression; it is the simplex that leaves it without effect
  "entropy": _entropy,
  "lp": lambda alpha_i_j, p: ((alpha_i_j + EPSILON) ** p).sum(),
  "negative_square": lambda alpha_i_j, p: -(alpha_i_j ** 2).sum(),
}
