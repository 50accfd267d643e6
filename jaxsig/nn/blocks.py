"""Small blocks that several networks share, with PyTorch's initialisation, for [b, t, c]."""
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.errors import UserError

NORMS = ("batch_as_coded", "group", "none")
GROUP = 4        # channels of a group
EPSILON = 1e-5   # added to a variance, as by torch


def uniform_bias(fan_in: int) -> nn.initializers.Initializer:
  """torch's default bias: uniform in +-1/sqrt(fan_in)."""
  def init(
      key: jax.Array,
      shape: tuple[int, ...],
      dtype: jnp.dtype = jnp.float32,
  ) -> jax.Array:
    return jax.random.uniform(key, shape, dtype, -1, 1) / fan_in**0.5

  return init


def linear(
    features: int,
    fan_in: int,
    name: str | None = None,
) -> nn.Dense:
  """A dense layer as torch.nn.Linear starts it: weights and bias uniform in +-1/sqrt(fan_in)."""
  return nn.Dense(
      features,
      kernel_init=nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform"),
      bias_init=uniform_bias(fan_in),
      name=name,
  )


def conv(
    features: int,
    kernel: int,
    fan_in: int,
    dilation: int = 1,
    name: str | None = None,
) -> nn.Conv:
  """A 1-D convolution of the same length with Kaiming-normal weights (1502.01852).

  Args:
    features: output channels.
    kernel: width in samples.
    fan_in: kernel * input channels.
    dilation: samples between neighbours of the kernel.
    name: of the module.
  """
  return nn.Conv(
      features,
      (kernel,),
      kernel_dilation=(dilation,),
      padding="SAME",
      kernel_init=nn.initializers.variance_scaling(2.0, "fan_in", "normal"),
      bias_init=uniform_bias(fan_in),
      name=name,
  )


def require_groups(channels: int, setting: str) -> None:
  """Raises UserError where the norm "group" cannot divide so many channels into its groups."""
  if channels > GROUP and channels % GROUP:
    raise UserError(
        f"{setting}={channels} is no multiple of {GROUP}, the channels that are normed together: "
        f"take one, or fewer than {GROUP}")


class Norm(nn.Module):
  """Normalises [b, t, c] with a scale and a bias for each channel, by the name of the norm.

  - "group": over time and groups of 4 channels of each example on its own (Wu and He 1803.08494).
  - "batch_as_coded": over batch and time, in evaluation too (torch's BatchNorm1d without running
    statistics, as in RespDiff's code): what comes out for one example depends on the other examples
    of its batch.
  - "none": nothing.
  """
  kind: str = "group"

  @nn.compact
  def __call__(self, x_b_t_c: jax.Array) -> jax.Array:
    channels = x_b_t_c.shape[-1]
    if self.kind == "group":
      norm = nn.GroupNorm(num_groups=None, group_size=min(GROUP, channels), epsilon=EPSILON)
      return norm(x_b_t_c)

    if self.kind == "batch_as_coded":
      centred = x_b_t_c - x_b_t_c.mean((0, 1))
      scale = self.param("scale", nn.initializers.ones, (channels,))
      bias = self.param("bias", nn.initializers.zeros, (channels,))
      variance = (centred**2).mean((0, 1))
      return centred * jax.lax.rsqrt(variance + EPSILON) * scale + bias

    if self.kind == "none":
      return x_b_t_c
    raise UserError(f"unknown norm {self.kind!r}: choose one of {', '.join(NORMS)}")


class StepEmbedding(nn.Module):
  """A vector [b, width] for a diffusion step [b].

  Sines and cosines of step * 10^(4i/63), then two SiLU layers. DiffWave (2009.09761, section 3.1
  and its code). The fastest sine turns 1,600 times from one step to the next, so a fractional step
  (a float) is interpolated between its two neighbours, which keeps the embedding continuous.
  """
  width: int
  pairs: int = 64   # of a sine and a cosine

  @nn.compact
  def __call__(self, step_b: jax.Array) -> jax.Array:
    step_b = jnp.asarray(step_b, jnp.float32)
    below_b = jnp.floor(step_b)
    fraction_b = step_b - jnp.floor(step_b)

    from_below = (1 - fraction_b)[:, None] * self._waves(below_b)
    from_above = fraction_b[:, None] * self._waves(below_b + 1)
    waves_b_c = from_below + from_above

    first = linear(self.width, 2 * self.pairs, "first")
    hidden_b_c = nn.silu(first(waves_b_c))
    second = linear(self.width, self.width, "second")
    return nn.silu(second(hidden_b_c))

  def _waves(self, step_b: jax.Array) -> jax.Array:
    """Sines and cosines [b, 2 pairs] of integer steps."""
    exponent = 4 * np.arange(self.pairs) / (self.pairs - 1)
    frequency = (10.0 ** exponent).astype(np.float32)
    angle = step_b[:, None] * frequency
    return jnp.concatenate([jnp.sin(angle), jnp.cos(angle)], -1)


class ParallelConv(nn.Module):
  """Convolutions of several widths side by side: [b, t, c] -> [b, t, len(kernels) * channels]."""
  channels: int
  kernels: tuple[int, ...]

  @nn.compact
  def __call__(self, x_b_t_c: jax.Array) -> jax.Array:
    input_channels = x_b_t_c.shape[-1]
    branches = []
    for i, kernel in enumerate(self.kernels):
      branch = conv(self.channels, kernel, kernel * input_channels, name=f"branch_{i}")
      branches.append(branch(x_b_t_c))
    return jnp.concatenate(branches, -1)
