"""ResNet-50 in one dimension (Schrumpf et al. 2021): 16,070,786 parameters; and a small one."""
import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsig.systems.blood_pressure.keras_layers import batch_norm, conv, max_pool

MOMENTUM = 0.9                                     # of the blocks' batch normalisation
WIDTHS = (64, 128, 256, 512)
DEPTHS = (3, 4, 6, 3)


class Bottleneck(nn.Module):
  """Convolutions of 1, 3 and 1 beside a shortcut; the stride is on the first.

  Attributes:
    width: channels inside; four times as many come out.
    stride: of the block.
    project: whether the shortcut is a convolution, as in the first block of a stage.
  """
  width: int
  stride: int = 1
  project: bool = False

  @nn.compact
  def __call__(self, x_b_t_c: jax.Array, train: bool) -> jax.Array:
    shortcut = x_b_t_c
    if self.project:
      shortcut = conv(4 * self.width, 1, "conv_0", self.stride, "VALID")(x_b_t_c)
      shortcut = batch_norm(train, "norm_0", MOMENTUM)(shortcut)
    y = conv(self.width, 1, "conv_1", self.stride, "VALID")(x_b_t_c)
    y = nn.relu(batch_norm(train, "norm_1", MOMENTUM)(y))
    y = conv(self.width, 3, "conv_2")(y)
    y = nn.relu(batch_norm(train, "norm_2", MOMENTUM)(y))
    y = conv(4 * self.width, 1, "conv_3", 1, "VALID")(y)
    y = batch_norm(train, "norm_3", MOMENTUM)(y)
    return nn.relu(shortcut + y)


class ResNet50(nn.Module):
  """Windows [b, t, c] to flattened features; there is no global pooling.

  Attributes:
    widths: of the four stages.
    depths: blocks of the four stages.
    first_channel_only: the network sees the PPG alone, whatever derivatives come with it, as in the
      published code, which overwrites them.
  """
  widths: tuple[int, ...] = WIDTHS
  depths: tuple[int, ...] = DEPTHS
  first_channel_only: bool = False

  @nn.compact
  def __call__(self, x_b_t_c: jax.Array, train: bool) -> jax.Array:
    if self.first_channel_only:
      x_b_t_c = x_b_t_c[..., :1]
    y = jnp.pad(x_b_t_c, ((0, 0), (3, 3), (0, 0)))
    y = conv(self.widths[0], 7, "conv_1", 2, "VALID")(y)
    y = nn.relu(batch_norm(train, "norm_1", MOMENTUM)(y))
    y = max_pool(y, 3, 3)

    for stage, (width, depth) in enumerate(zip(self.widths, self.depths, strict=True), 1):
      stride = 2
      if stage == 1:
        stride = 1
      y = Bottleneck(width, stride, True, name=f"stage_{stage}_block_1")(y, train)
      for block in range(2, depth + 1):
        y = Bottleneck(width, name=f"stage_{stage}_block_{block}")(y, train)
    y = nn.avg_pool(y, (2,), strides=(2,), padding="VALID")
    return y.reshape(len(y), -1)


class SmallResNet(nn.Module):
  """A residual network that trains in minutes on two cores: [b, t, c] -> [b, 2 channels].

  Strided stages of two convolutions each beside a shortcut; then mean and deviation over time.

  Attributes:
    channels: of the stages.
    kernel: of all convolutions.
  """
  channels: tuple[int, ...] = (16, 24, 32, 48)
  kernel: int = 7

  @nn.compact
  def __call__(self, x_b_t_c: jax.Array, train: bool) -> jax.Array:
    y = conv(self.channels[0], self.kernel, "stem", 3)(x_b_t_c)
    for stage, channels in enumerate(self.channels, 1):
      y = self._stage(y, channels, stage)
    mean_b_c = y.mean(1)
    deviation_b_c = jnp.sqrt(y.var(1) + 1e-6)
    return jnp.concatenate([mean_b_c, deviation_b_c], -1)

  def _stage(self, x_b_t_c: jax.Array, channels: int, stage: int) -> jax.Array:
    shortcut = nn.avg_pool(x_b_t_c, (2,), strides=(2,), padding="SAME")
    shortcut = conv(channels, 1, f"shortcut_{stage}")(shortcut)
    y = nn.relu(nn.GroupNorm(channels // 8, name=f"norm_{stage}_1")(
        conv(channels, self.kernel, f"conv_{stage}_1", 2)(x_b_t_c)))
    y = nn.GroupNorm(channels // 8, name=f"norm_{stage}_2")(
        conv(channels, self.kernel, f"conv_{stage}_2")(y))
    return nn.relu(shortcut + y)
