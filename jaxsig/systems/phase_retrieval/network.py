"""A U-Net from Fourier magnitudes to an image or to Fourier phases.

Every pixel of an object is in every Fourier magnitude, which a convolution of the spectrum cannot
see: fully connected networks are far better at this than convolutional ones (Uelwer et al. 2021).
So the coarsest level has a dense path over the whole grid, the global path, and the convolutions
around it are circular, as a discrete spectrum is.
"""
from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsig.errors import UserError

GROUP = 8   # channels of a group that are normed together
HEADS = {"image": 1, "phase": 2, "both": 3}   # maps of a real object


def require_groups(channels: Sequence[int]) -> None:
  """Raises UserError where the norm cannot divide the channels of a level into its groups."""
  for features in channels:
    if features > GROUP and features % GROUP:
      raise UserError(
          f"model.channels holds {features}, no multiple of {GROUP}, the channels that are normed "
          f"together: take one, or fewer than {GROUP}")


class CircularConv(nn.Module):
  """3 x 3 circular convolution, group norm and GELU: [b, v, u, c] -> [b, v, u, features]."""
  features: int
  dtype: jnp.dtype = jnp.float32

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    x = jnp.concatenate([x[:, -1:], x, x[:, :1]], 1)
    x = jnp.concatenate([x[:, :, -1:], x, x[:, :, :1]], 2)

    # "SAME" and cut, not "VALID" or flax's "CIRCULAR": XLA's CPU backend takes three times as long
    # for those.
    convolution = nn.Conv(
        self.features,
        (3, 3),
        padding="SAME",
        use_bias=False,
        dtype=self.dtype,
    )
    x = convolution(x)[:, 1:-1, 1:-1]

    group_norm = nn.GroupNorm(
        num_groups=None,
        group_size=min(GROUP, self.features),
        dtype=self.dtype,
    )
    return nn.gelu(group_norm(x))


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
  """x [b, v, u, c] plus a two-layer perceptron of all of x at once. It starts as the identity."""
  width: int
  dtype: jnp.dtype = jnp.float32

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    flat = x.reshape(len(x), -1)

    hidden = flat
    for _ in range(2):
      hidden = nn.Dense(self.width, dtype=self.dtype)(hidden)
      hidden = nn.LayerNorm(dtype=self.dtype)(hidden)
      hidden = nn.gelu(hidden)

    last_layer = nn.Dense(
        flat.shape[-1],
        dtype=self.dtype,
        kernel_init=nn.initializers.zeros,
    )
    return x + last_layer(hidden).reshape(x.shape)


class MagnitudeUNet(nn.Module):
  """Standardised, centred magnitudes [b, m, m, 2] -> [b, m, m, outputs of the head].

  Args:
    channels: of the levels, fine to coarse; between two levels the grid halves, so m must divide by
      2^(levels - 1).
    global_width: of the dense path at the coarsest level; 0 for none.
    head: "image" (one real map), "phase" (two: the real and imaginary part of a phase, not yet of
      unit length) or "both" (phase first).
    complex_object: the image head gives a real and an imaginary map.
    compute: "float32" or "bfloat16"; parameters and output are float32.

  Raises:
    UserError: m does not divide by 2^(levels - 1).
  """
  channels: tuple[int, ...]
  global_width: int
  head: str
  complex_object: bool = False
  compute: str = "float32"

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    self._check_size(x.shape[1])
    dtype = jnp.dtype(self.compute)
    finer_channels = self.channels[:-1]

    skips = []
    for features in finer_channels:
      x = Level(features, dtype)(x)
      skips.append(x)
      x = nn.avg_pool(x, (2, 2), (2, 2))

    x = Level(self.channels[-1], dtype)(x)
    if self.global_width:
      x = GlobalPath(self.global_width, dtype)(x)

    for features, skip in zip(reversed(finer_channels), reversed(skips), strict=True):
      x = jnp.repeat(x, 2, 1)
      x = jnp.repeat(x, 2, 2)
      x = CircularConv(features, dtype)(x)
      x = jnp.concatenate([x, skip], -1)
      x = Level(features, dtype)(x)

    outputs = HEADS[self.head]
    if self.complex_object and self.head != "phase":
      outputs += 1
    return nn.Conv(outputs, (1, 1), dtype=jnp.float32)(x)

  def _check_size(self, m: int) -> None:
    """Raises UserError where the grid cannot be halved as often as there are levels."""
    halvings = len(self.channels) - 1
    factor = 2**halvings
    if m % factor:
      raise UserError(
          f"a U-Net of {halvings + 1} levels halves its grid {halvings} times: "
          f"data.m={m} must divide by {factor}")


def magnitude_features(intensity_b_v_u: jax.Array) -> jax.Array:
  """Two compressions of the magnitude [b, m, m, 2], DC in the middle.

  The object's scale is taken out.
  """
  magnitude = jnp.fft.fftshift(jnp.sqrt(intensity_b_v_u), (1, 2))
  norm_b = jnp.maximum(_norm(intensity_b_v_u), 1e-12)
  magnitude = magnitude / norm_b[:, None, None]

  logarithm = jnp.log1p(16 * magnitude)
  fourth_root = jnp.sqrt(jnp.sqrt(magnitude + 1e-8))
  return jnp.stack([logarithm, fourth_root], -1)


def heads(head: str, out_b_v_u_c: jax.Array) -> dict[str, jax.Array]:
  """A network's output as {"phase" or "image": its maps}."""
  if head != "both":
    return {head: out_b_v_u_c}
  return {
      "phase": out_b_v_u_c[..., :2],
      "image": out_b_v_u_c[..., 2:],
  }


def unit_phases(maps_b_v_u_c: jax.Array) -> jax.Array:
  """Phases [b, m, m] of unit length, DC at the corner, of a phase head's maps."""
  real = maps_b_v_u_c[..., 0]
  imaginary = maps_b_v_u_c[..., 1]
  inverse_length = jax.lax.rsqrt(real**2 + imaginary**2 + 1e-6)
  phases = jax.lax.complex(real * inverse_length, imaginary * inverse_length)
  return jnp.fft.ifftshift(phases, (1, 2))


def image_map(maps_b_v_u_c: jax.Array, intensity_b_v_u: jax.Array, n: int) -> jax.Array:
  """The middle [b, n, n] of an image head's maps, in the scale of the measurement.

  One map is a real image, two are the real and the imaginary part of a complex one.
  """
  first = (maps_b_v_u_c.shape[1] - n) // 2
  end = first + n
  middle = maps_b_v_u_c[:, first:end, first:end]

  image = middle[..., 0]
  if middle.shape[-1] == 2:
    image = jax.lax.complex(middle[..., 0], middle[..., 1])
  scale_b = _norm(intensity_b_v_u) / n
  return image * scale_b[:, None, None]


def _norm(intensity_b_v_u: jax.Array) -> jax.Array:
  """Square root of the sum of |x|^2 [b], by Parseval."""
  return jnp.sqrt(jnp.mean(intensity_b_v_u, (1, 2)))
