"""Networks from frames of a mixture to the amplitudes of each instrument.

Muth et al. 2018 (arXiv 1807.02710), figures 3 and 5: a branch looks at a frame and some frames
around it through a dense layer, which is one convolution over time; the branches of amplitude and
phase meet before the last layer. One network an instrument; their parameters stand side by side
along a leading axis, so that one program trains and runs all.
"""
from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsig import rng
from jaxsig.system import Params


class Branch(nn.Module):
  """Two dense layers, the first over the frames of context.

  Attributes:
    hidden: units of each layer.
    frames: of context, the middle one included.
    stride: every so many frames one is looked at.
  """
  hidden: int
  frames: int
  stride: int

  @nn.compact
  def __call__(self, x_b_n_f: jax.Array) -> jax.Array:
    """Features [b, n - (frames - 1) stride, hidden] of the frames with a whole context."""
    context = nn.Conv(
        self.hidden,
        kernel_size=(self.frames,),
        kernel_dilation=(self.stride,),
        padding="VALID",
        name="context",
    )
    dense = nn.Dense(self.hidden, name="dense")
    x_b_n_h = nn.relu(context(x_b_n_f))
    return nn.relu(dense(x_b_n_h))


class Separator(nn.Module):
  """The branches of one instrument and the layer in which they meet.

  Attributes:
    hidden, frames, stride: of its branches.
    outputs: values a frame: bins, times channels where these are seen together.
  """
  hidden: int
  frames: int
  stride: int
  outputs: int

  @nn.compact
  def __call__(self, inputs: Sequence[jax.Array]) -> jax.Array:
    """Outputs [b, n - (frames - 1) stride, outputs] of inputs [b, n, f], one a branch."""
    features = []
    for i, x_b_n_f in enumerate(inputs):
      branch = Branch(self.hidden, self.frames, self.stride, name=f"branch_{i}")
      features.append(branch(x_b_n_f))
    joined_b_n_h = jnp.concatenate(features, -1)
    return nn.Dense(self.outputs, name="out")(joined_b_n_h)


def init_instruments(
    network: nn.Module,
    key: jax.Array,
    inputs: Sequence[jax.Array],
    instruments: int,
) -> Params:
  """Parameters with a leading axis of instruments, each drawn by a key of its own.

  Args:
    network: of one instrument.
    key: of all.
    inputs: [b, n, f] of one instrument, one a branch.
    instruments: how many.
  """
  keys_j = rng.rows(key, instruments)

  def init(one: jax.Array) -> Params:
    return network.init(one, inputs)

  return jax.vmap(init)(keys_j)


def apply_instruments(
    network: nn.Module,
    params: Params,
    inputs: Sequence[jax.Array],
    own_inputs: bool,
) -> jax.Array:
  """Outputs [j, b, n, o] of all instruments' networks.

  Args:
    network: of one instrument.
    params: with a leading axis of instruments.
    inputs: one a branch, [b, n, f] for all instruments, or [j, b, n, f].
    own_inputs: whether each instrument has its own.
  """
  axis = None
  if own_inputs:
    axis = 0
  each = jax.vmap(network.apply, in_axes=(0, axis))
  return each(params, inputs)
