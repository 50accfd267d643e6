"""Outputs of the network and their error: half the squared error of the notes, or cross-entropy."""
import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from jaxsig.nn import curvature
from jaxsig.systems.cnn_notes.feature_maps import activation

LOSSES = ("squared", "cross_entropy")


def outputs(loss_name: str, activation_name: str, u_b_k: jax.Array) -> jax.Array:
  """[b, k] what the loss compares with targets: logits as they are, else activated outputs."""
  if loss_name == "cross_entropy":
    return u_b_k
  return activation(activation_name, u_b_k)


def error(config: ConfigDict, output_b_k: jax.Array, label_b: jax.Array) -> jax.Array:
  """[b] the loss of each image, without penalties.

  Args:
    config: `config.loss`. name "squared": half the squared error against +-`target` (Bouvrie, eq.
      1-2); "cross_entropy": minus the log of the probability of the right class.
    output_b_k: from `outputs`.
    label_b: the right classes.
  """
  one_b_k = jax.nn.one_hot(label_b, output_b_k.shape[1])
  if config.name == "cross_entropy":
    return -jnp.sum(one_b_k * jax.nn.log_softmax(output_b_k), 1)
  target_b_k = config.target * (2 * one_b_k - 1)
  return 0.5 * jnp.sum((output_b_k - target_b_k) ** 2, 1)


def curvature_factor(loss_name: str) -> curvature.Factor:
  """Random vectors whose outer product has the loss's Hessian in the outputs as expectation."""
  if loss_name == "cross_entropy":
    return curvature.cross_entropy_factor
  return curvature.squared_error_factor


def mean(x_b: jax.Array, weight_b: jax.Array) -> jax.Array:
  """The mean over real rows: padding weighs nothing."""
  return jnp.sum(x_b * weight_b) / jnp.maximum(jnp.sum(weight_b), 1)
