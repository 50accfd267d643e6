"""The diagonal of the Gauss-Newton matrix, estimated from a batch by a backward pass per example.

The generalised Gauss-Newton matrix of a loss l(y_k(params)) is J^T H J, where J is the Jacobian of
the outputs y_k in the parameters and H is the Hessian of l in y_k (Schraudolph 2002; Martens 2014).
If H is positive semi-definite, so is the matrix, while the diagonal of the full Hessian of a
network may be negative. With a random v_k for which E[v v^T] = H, the squares of J^T v have the
diagonal as their expectation (Martens, Sutskever and Swersky 2012; Dangel, Kunstner and Hennig
2020).
"""
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxsig import rng

Params = Any    # a pytree of arrays
Inputs = Any    # a pytree of arrays
Factor = Callable[[jax.Array, jax.Array], jax.Array]   # (key, y_k) -> v_k


def squared_error_factor(key: jax.Array, y_k: jax.Array) -> jax.Array:
  """Random v_k of the loss 1/2 ||t - y||^2: independent signs.

  The loss's Hessian in y [k] is the identity.
  """
  return jax.random.rademacher(key, y_k.shape, y_k.dtype)


def cross_entropy_factor(key: jax.Array, y_k: jax.Array) -> jax.Array:
  """Random v_k of the loss -log softmax(y)_t: p = softmax(y) less a class drawn from p.

  The loss's Hessian in the logits y [k] is diag(p) - p p^T.
  """
  drawn = jax.random.categorical(key, y_k)
  drawn_k = jax.nn.one_hot(drawn, len(y_k), dtype=y_k.dtype)
  return jax.nn.softmax(y_k) - drawn_k


def gauss_newton_diagonal(
    outputs: Callable[[Params, Inputs], jax.Array],
    params: Params,
    inputs: Inputs,
    weight_b: jax.Array,
    key: jax.Array,
    factor: Factor,
    chunk: int,
) -> Params:
  """Unbiased estimate, never negative, of the mean over examples of diag(J^T H J).

  LeCun et al. (1998, "Efficient BackProp", section 9.1) back-propagate second derivatives instead,
  and thereby drop the terms between units, and between the places that share a weight; this
  diagonal has them all.

  Args:
    outputs: (params, inputs of one example) -> y_k [k].
    params: pytree.
    inputs: pytree of arrays [b, ...].
    weight_b: [b], 0 for rows that do not count.
    key: of all random vectors; each row has its own.
    factor: (key, y_k) -> v_k [k] with E[v v^T] = H, such as `squared_error_factor`.
    chunk: examples whose gradients are held at once; it moves the result by rounding only.

  Returns:
    Like `params`, in the loss's unit over the square of the parameter's.
  """
  b = len(weight_b)
  chunk = min(chunk, b)
  rows = (inputs, weight_b, rng.rows(key, b))

  def squares_of_example(x: Inputs, weight: jax.Array, key: jax.Array) -> Params:
    y_k, pull_back = jax.vjp(lambda p: outputs(p, x), params)
    v_k = factor(key, y_k)
    (gradient,) = pull_back(v_k)
    return jax.tree.map(lambda g: weight * g**2, gradient)

  def sum_of_chunk(ids: jax.Array) -> Params:
    # An id beyond the batch reads its last row, and has no weight.
    x, weight, keys = jax.tree.map(lambda rows: rows[ids], rows)
    weight = jnp.where(ids < b, weight, 0)
    squares = jax.vmap(squares_of_example)(x, weight, keys)
    return jax.tree.map(lambda s: s.sum(0), squares)

  def mean_of_chunks(sum_c: jax.Array) -> jax.Array:
    total_weight = jnp.maximum(weight_b.sum(), 1)
    return sum_c.sum(0) / total_weight

  chunks = -(-b // chunk)
  ids = jnp.arange(chunks * chunk)
  ids_c_b = ids.reshape(-1, chunk)
  chunk_sums = jax.lax.map(sum_of_chunk, ids_c_b)
  return jax.tree.map(mean_of_chunks, chunk_sums)
