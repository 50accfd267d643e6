"""Layers with Keras's parameters, layouts and starts, for networks that were published in Keras.

Kernels are [k, in, out], recurrent kernels [units, gates * units]; a bidirectional layer's last
output is that of each direction's own last step.
"""
import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsig.nn.cells import CELLS
from jaxsig.nn.recurrent import recurrence, resolve

BATCH_NORM_EPSILON = 1e-3
BATCH_NORM_MOMENTUM = 0.99


def batch_norm(train: bool, name: str, momentum: float = BATCH_NORM_MOMENTUM) -> nn.BatchNorm:
  """Batch normalisation with Keras's constants."""
  return nn.BatchNorm(
      use_running_average=not train,
      momentum=momentum,
      epsilon=BATCH_NORM_EPSILON,
      name=name,
  )


def conv(
    features: int,
    kernel: int,
    name: str,
    stride: int = 1,
    padding: str = "SAME",
) -> nn.Conv:
  """A 1-D convolution with Glorot-uniform kernels and no bias at the start."""
  return nn.Conv(
      features,
      (kernel,),
      strides=(stride,),
      padding=padding,
      kernel_init=nn.initializers.glorot_uniform(),
      name=name,
  )


def dense(features: int, name: str) -> nn.Dense:
  """A dense layer with Glorot-uniform weights."""
  return nn.Dense(features, kernel_init=nn.initializers.glorot_uniform(), name=name)


def max_pool(x_b_t_c: jax.Array, size: int, stride: int) -> jax.Array:
  """Maxima of `size` neighbours, without padding."""
  return nn.max_pool(x_b_t_c, (size,), strides=(stride,), padding="VALID")


class BiLstm(nn.Module):
  """A bidirectional LSTM of Keras: [b, t, c] -> [b, t, 2 units], or [b, 2 units] of the last steps.

  Attributes:
    units: of each direction.
    last_only: whether only each direction's last output is given.
    scan_form: see `recurrent.resolve`.
  """
  units: int
  last_only: bool = False
  scan_form: str = "auto"

  @nn.compact
  def __call__(self, x_b_t_c: jax.Array) -> jax.Array:
    forward_t_b_h = self._direction(x_b_t_c, "forward", False)
    backward_t_b_h = self._direction(x_b_t_c, "backward", True)
    if self.last_only:
      return jnp.concatenate([forward_t_b_h[-1], backward_t_b_h[0]], -1)
    return jnp.concatenate([forward_t_b_h, backward_t_b_h], -1).swapaxes(0, 1)

  def _direction(self, x_b_t_c: jax.Array, name: str, reverse: bool) -> jax.Array:
    rows = 4 * self.units
    channels = x_b_t_c.shape[-1]
    kernel = self.param(f"{name}_kernel", nn.initializers.glorot_uniform(), (channels, rows))
    recurrent = self.param(
        f"{name}_recurrent_kernel", nn.initializers.orthogonal(), (self.units, rows))
    bias = self.param(f"{name}_bias", _forget_one, (rows,))
    weights = {
        "weight_ih": kernel.T,
        "bias_ih": bias,
        "weight_hh": recurrent.T,
        "bias_hh": jnp.zeros(rows, x_b_t_c.dtype),
    }
    form = resolve(self.scan_form, "lstm")
    return recurrence(CELLS["lstm"], x_b_t_c.swapaxes(0, 1), weights, form, reverse)


def _forget_one(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
  """Biases of an LSTM: 1 for the forget gate, the second of four, else 0."""
  del key
  units = shape[0] // 4
  return jnp.zeros(shape).at[units:2 * units].set(1.0)


class Gru(nn.Module):
  """A GRU of Keras with reset_after: [b, t, c] -> [b, units], the last output.

  Gates in the order z, r, h of Keras, and a bias of the input and one of the state.
  """
  units: int
  scan_form: str = "auto"

  @nn.compact
  def __call__(self, x_b_t_c: jax.Array) -> jax.Array:
    rows = 3 * self.units
    channels = x_b_t_c.shape[-1]
    kernel = self.param("kernel", nn.initializers.glorot_uniform(), (channels, rows))
    recurrent = self.param("recurrent_kernel", nn.initializers.orthogonal(), (self.units, rows))
    bias = self.param("bias", nn.initializers.zeros, (2, rows))
    weights = {
        "weight_ih": _reset_first(kernel).T,
        "bias_ih": _reset_first(bias[0]),
        "weight_hh": _reset_first(recurrent).T,
        "bias_hh": _reset_first(bias[1]),
    }
    form = resolve(self.scan_form, "gru")
    return recurrence(CELLS["gru"], x_b_t_c.swapaxes(0, 1), weights, form)[-1]


def _reset_first(x: jax.Array) -> jax.Array:
  """Gates along the last axis in torch's order r, z, n from Keras's z, r, h."""
  update, reset, candidate = jnp.split(x, 3, -1)
  return jnp.concatenate([reset, update, candidate], -1)
