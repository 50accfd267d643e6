"""Small blocks that several networks share, in PyTorch's initialisation and eps; sequences are [b, t, c]."""
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.errors import UserError

NORMS = ("batch_as_coded", "group", "none")


def uniform_bias(fan_in: int) -> nn.initializers.Initializer:
  """torch's default bias: uniform in +-1/sqrt(fan_in)."""
  return lambda key, shape, dtype=jnp.float32: jax.random.uniform(key, shape, dtype, -1, 1) / fan_in**0.5


def linear(features: int, fan_in: int, name: str | None = None) -> nn.Dense:
  """A dense layer as torch.nn.Linear starts it: weights and bias uniform in +-1/sqrt(fan_in)."""
  kernel_init = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")
  return nn.Dense(features, kernel_init=kernel_init, bias_init=uniform_bias(fan_in), name=name)


def conv(features: int, kernel: int, fan_in: int, dilation: int = 1, name: str | None = None) -> nn.Conv:
  """A 1-D convolution of the same length with Kaiming-normal weights (1502.01852); fan_in = kernel * input channels."""
  return nn.Conv(features, (kernel,), kernel_dilation=(dilation,), padding="SAME",
                 kernel_init=nn.initializers.variance_scaling(2.0, "fan_in", "normal"),
                 bias_init=uniform_bias(fan_in), name=name)


class Norm(nn.Module):
  """Normalises [b, t, c] with a scale and a bias for each channel, by the name of the norm.

  - "group": over time and groups of 4 channels of each example on its own (Wu and He 1803.08494).
  - "batch_as_coded": over batch and time, in evaluation too (torch's BatchNorm1d without running statistics, as in
    RespDiff's code): what comes out for one example depends on its batch mates.
  - "none": nothing.
  """
  kind: str = "group"

  @nn.compact
  def __call__(self, x_b_t_c: jax.Array) -> jax.Array:
    if self.kind == "group":
      return nn.GroupNorm(num_groups=None, group_size=min(4, x_b_t_c.shape[-1]), epsilon=1e-5)(x_b_t_c)
    if self.kind == "batch_as_coded":
      centred = x_b_t_c - x_b_t_c.mean((0, 1))
      scale = self.param("scale", nn.initializers.ones, x_b_t_c.shape[-1:])
      bias = self.param("bias", nn.initializers.zeros, x_b_t_c.shape[-1:])
      return centred * jax.lax.rsqrt((centred**2).mean((0, 1)) + 1e-5) * scale + bias
    if self.kind == "none":
      return x_b_t_c
    raise UserError(f"unknown norm {self.kind!r}: choose one of {', '.join(NORMS)}")


class StepEmbedding(nn.Module):
  """A vector [b, width] for a diffusion step [b]: sines and cosines of step * 10^(4i/63), then two SiLU layers.

  DiffWave (2009.09761, section 3.1 and its code). The fastest sine turns 1,600 times from one step to the next, so a
  fractional step (a float) is interpolated between its two neighbours, which keeps the embedding continuous.
  """
  width: int
  pairs: int = 64

  @nn.compact
  def __call__(self, step_b: jax.Array) -> jax.Array:
    step_b = jnp.asarray(step_b, jnp.float32)
    below, part = jnp.floor(step_b), step_b - jnp.floor(step_b)
    table = (1 - part)[:, None] * self._waves(below) + part[:, None] * self._waves(below + 1)
    hidden = nn.silu(linear(self.width, 2 * self.pairs, "first")(table))
    return nn.silu(linear(self.width, self.width, "second")(hidden))

  def _waves(self, step_b):
    rates = (10.0 ** (4 * np.arange(self.pairs) / (self.pairs - 1))).astype(np.float32)
    angle = step_b[:, None] * rates
    return jnp.concatenate([jnp.sin(angle), jnp.cos(angle)], -1)


class ParallelConv(nn.Module):
  """Convolutions of several kernel widths side by side, concatenated: [b, t, c] -> [b, t, len(kernels) * channels]."""
  channels: int
  kernels: tuple

  @nn.compact
  def __call__(self, x_b_t_c: jax.Array) -> jax.Array:
    fan_in = x_b_t_c.shape[-1]
    return jnp.concatenate([conv(self.channels, k, k * fan_in, name=f"branch_{i}")(x_b_t_c)
                            for i, k in enumerate(self.kernels)], -1)
