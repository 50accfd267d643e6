"""The diagonal of the Gauss-Newton matrix, estimated from a batch by one backward pass per example.

The generalised Gauss-Newton matrix of a loss l(y_k(params)) is J^T H J, where J is the Jacobian of the outputs y_k in the parameters and H
is the Hessian of l in y_k (Schraudolph 2002; Martens 2014). If H is positive semi-definite, so is the matrix, while the diagonal of the
full Hessian of a network may be negative. With a random v_k for which E[v v^T] = H, the squares of J^T v have the diagonal as their
expectation (Martens, Sutskever and Swersky 2012; Dangel, Kunstner and Hennig 2020).
"""
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxsig import rng


def squared_error_factor(key: jax.Array, y_k: jax.Array) -> jax.Array:
  """A random v_k of 1/2 ||t - y||^2, whose Hessian in y [k] is the identity: independent signs."""
  return jax.random.rademacher(key, y_k.shape, y_k.dtype)


def cross_entropy_factor(key: jax.Array, y_k: jax.Array) -> jax.Array:
  """A random v_k of -log softmax(y)_t, whose Hessian in the logits y [k] is diag(p) - p p^T: p less a class drawn from p."""
  drawn = jax.random.categorical(key, y_k)
  return jax.nn.softmax(y_k) - jax.nn.one_hot(drawn, len(y_k), dtype=y_k.dtype)


def gauss_newton_diagonal(outputs: Callable, params: Any, inputs: Any, weight_b: jax.Array, key: jax.Array, factor: Callable,
                          chunk: int) -> Any:
  """Unbiased estimate of the mean over examples of diag(J^T H J): never negative.

  LeCun et al. (1998, "Efficient BackProp", section 9.1) back-propagate second derivatives instead, and thereby drop the terms between
  units, and between the places that share a weight; this diagonal has them all.

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
  b, chunk = len(weight_b), min(chunk, len(weight_b))
  rows = (inputs, weight_b, rng.rows(key, b))

  def squares(x, weight, key):
    y_k, pull_back = jax.vjp(lambda p: outputs(p, x), params)
    return jax.tree.map(lambda g: weight * g**2, *pull_back(factor(key, y_k)))

  def of_chunk(ids):
    x, weight, keys = jax.tree.map(lambda a: a[ids], rows)   # an id beyond the batch reads its last row, with no weight
    each = jax.vmap(squares)(x, jnp.where(ids < b, weight, 0), keys)
    return jax.tree.map(lambda s: s.sum(0), each)

  sums = jax.lax.map(of_chunk, jnp.arange(-(-b // chunk) * chunk).reshape(-1, chunk))
  return jax.tree.map(lambda s: s.sum(0) / jnp.maximum(weight_b.sum(), 1), sums)
