"""A U-Net from Fourier magnitudes to an image or to Fourier phases, with a global path at its bottleneck.

Every pixel of an object is in every Fourier magnitude, which a convolution of the spectrum cannot see: fully connected
networks are far better at this than convolutional ones (Uelwer et al. 2021). So the coarsest level has a dense path over the whole
grid, and the convolutions around it are circular, as a discrete spectrum is.
"""
import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsig.errors import UserError

HEADS = {"image": 1, "phase": 2, "both": 3}   # maps of a real object


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
    head: "image" (one real map), "phase" (two: the real and imaginary part of a phase, not yet of unit length) or "both" (phase first).
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
    outputs = HEADS[self.head] + (self.complex_object and self.head != "phase")
    return nn.Conv(outputs, (1, 1), dtype=jnp.float32)(x)


def magnitude_features(intensity_b_v_u: jax.Array) -> jax.Array:
  """Two compressions of the magnitude, DC in the middle, [b, m, m, 2]; the object's scale is taken out."""
  magnitude = jnp.fft.fftshift(jnp.sqrt(intensity_b_v_u), (1, 2)) / jnp.maximum(_norm(intensity_b_v_u), 1e-12)[:, None, None]
  return jnp.stack([jnp.log1p(16 * magnitude), jnp.sqrt(jnp.sqrt(magnitude + 1e-8))], -1)


def heads(head: str, out_b_v_u_c: jax.Array) -> dict[str, jax.Array]:
  """{"phase" or "image": its maps} of a network's output."""
  return {head: out_b_v_u_c} if head != "both" else {"phase": out_b_v_u_c[..., :2], "image": out_b_v_u_c[..., 2:]}


def unit_phases(maps_b_v_u_c: jax.Array) -> jax.Array:
  """[b, m, m] of unit length, DC at the corner."""
  real, imaginary = maps_b_v_u_c[..., 0], maps_b_v_u_c[..., 1]
  length = jax.lax.rsqrt(real**2 + imaginary**2 + 1e-6)
  return jnp.fft.ifftshift(jax.lax.complex(real * length, imaginary * length), (1, 2))


def image_map(maps_b_v_u_c: jax.Array, intensity_b_v_u: jax.Array, n: int) -> jax.Array:
  """The middle [b, n, n] of one map (or two: real and imaginary), in the scale of the measurement."""
  first = (maps_b_v_u_c.shape[1] - n) // 2
  middle = maps_b_v_u_c[:, first:first + n, first:first + n]
  image = jax.lax.complex(middle[..., 0], middle[..., 1]) if middle.shape[-1] == 2 else middle[..., 0]
  return image * (_norm(intensity_b_v_u) / n)[:, None, None]


def _norm(intensity_b_v_u: jax.Array) -> jax.Array:
  """Square root of the sum of |x|^2 [b], by Parseval."""
  return jnp.sqrt(jnp.mean(intensity_b_v_u, (1, 2)))
