"""A U-Net from Fourier magnitudes to an image or to Fourier phases, with a global path at its bottleneck.

Every pixel of an object is in every Fourier magnitude, which a convolution of the spectrum cannot see: fully connected
networks are far better at this than convolutional ones (Uelwer et al. 2021). So the coarsest level has a dense path over the whole
grid, and the convolutions around it are circular, as a discrete spectrum is.
"""
import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsig.errors import UserError

HEADS = {"image": 1, "phase": 2}


class CircularConv(nn.Module):
  """3 x 3 circular convolution, group norm and GELU: [b, v, u, c] -> [b, v, u, features]."""
  features: int
  dtype: jnp.dtype = jnp.float32

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    x = jnp.concatenate([x[:, -1:], x, x[:, :1]], 1)
    x = jnp.concatenate([x[:, :, -1:], x, x[:, :, :1]], 2)
    # "SAME" and cut, not "VALID" or flax's "CIRCULAR": XLA's CPU backend takes three times as long for those
    x = nn.Conv(self.features, (3, 3), padding="SAME", use_bias=False, dtype=self.dtype)(x)[:, 1:-1, 1:-1]
    return nn.gelu(nn.GroupNorm(num_groups=None, group_size=min(8, self.features), dtype=self.dtype)(x))


class Level(nn.Module):
  """Two circular convolutions."""
  features: int
  dtype: jnp.dtype = jnp.float32

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    for _ in range(2):
      x = CircularConv(self.features, self.dtype)(x)
    return x


class GlobalPath(nn.Module):
  """x plus a two-layer perceptron of all of x at once; [b, v, u, c]. It starts as the identity."""
  width: int
  dtype: jnp.dtype = jnp.float32

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    flat = x.reshape(len(x), -1)
    hidden = nn.gelu(nn.LayerNorm(dtype=self.dtype)(nn.Dense(self.width, dtype=self.dtype)(flat)))
    hidden = nn.gelu(nn.LayerNorm(dtype=self.dtype)(nn.Dense(self.width, dtype=self.dtype)(hidden)))
    out = nn.Dense(flat.shape[-1], dtype=self.dtype, kernel_init=nn.initializers.zeros)(hidden)
    return x + out.reshape(x.shape)


class MagnitudeUNet(nn.Module):
  """Standardised, centred magnitudes [b, m, m, 2] -> [b, m, m, outputs of the head].

  Args:
    channels: of the levels, fine to coarse; between two levels the grid halves, so m must divide by 2^(levels - 1).
    global_width: of the dense path at the coarsest level; 0 for none.
    head: "image" (one real map) or "phase" (two: the real and imaginary part of a phase, not yet of unit length).
    complex_object: the image head gives a real and an imaginary map.
    compute: "float32" or "bfloat16"; parameters and output are float32.
  """
  channels: tuple
  global_width: int
  head: str
  complex_object: bool = False
  compute: str = "float32"

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    m, halvings = x.shape[1], len(self.channels) - 1
    if m % 2**halvings:
      raise UserError(f"a U-Net of {halvings + 1} levels halves its grid {halvings} times: data.m={m} must divide by {2**halvings}")
    dtype, skips = jnp.dtype(self.compute), []
    for features in self.channels[:-1]:
      skips.append(x := Level(features, dtype)(x))
      x = nn.avg_pool(x, (2, 2), (2, 2))
    x = Level(self.channels[-1], dtype)(x)
    if self.global_width:
      x = GlobalPath(self.global_width, dtype)(x)
    for features, skip in zip(self.channels[-2::-1], skips[::-1], strict=True):
      x = jnp.repeat(jnp.repeat(x, 2, 1), 2, 2)
      x = Level(features, dtype)(jnp.concatenate([CircularConv(features, dtype)(x), skip], -1))
    outputs = 2 if self.head == "image" and self.complex_object else HEADS[self.head]
    return nn.Conv(outputs, (1, 1), dtype=jnp.float32)(x)
