"""The spectro-temporal network of Slapnicar et al. (Sensors 19:3420, 2019), as released in 2021.

274,387 parameters with one channel, 790,043 with the PPG and two derivatives.
"""
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.systems.blood_pressure.keras_layers import Gru, batch_norm, conv, dense

FILTERS = (32, 64, 64, 64)     # of the blocks
KERNELS = (8, 5, 5)            # of the convolutions of a block
UNITS = 65                     # of the GRU
FRAME = 64                     # samples of a frame of the spectrogram, which do not overlap
FLOOR = 1e-5
RANGE_DB = 80.0
DROPOUT = 0.25


def spectrogram_db(x_b_t: jax.Array) -> jax.Array:
  """[b, frames, 33] levels of frames of 64 samples in dB, no lower than 80 below the highest."""
  frames = x_b_t.shape[-1] // FRAME
  x_b_f_t = x_b_t[:, :frames * FRAME].reshape(len(x_b_t), frames, FRAME)
  hann_t = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
  magnitude = jnp.abs(jnp.fft.rfft(x_b_f_t * hann_t.astype(np.float32)))
  level_db = 10 * jnp.log10(jnp.maximum(magnitude, FLOOR))
  highest_db = level_db.max((1, 2), keepdims=True)
  return jnp.maximum(level_db, highest_db - RANGE_DB)


class Block(nn.Module):
  """Three convolutions with batch normalisation beside a shortcut, then the mean of neighbours."""
  filters: int
  pool_stride: int = 1

  @nn.compact
  def __call__(self, x_b_t_c: jax.Array, shortcut_b_t_c: jax.Array, train: bool) -> jax.Array:
    y = x_b_t_c
    for number, kernel in enumerate(KERNELS, 1):
      y = conv(self.filters, kernel, f"conv_{number}")(y)
      y = batch_norm(train, f"norm_{number}")(y)
      if number < len(KERNELS):
        y = nn.relu(y)
    shortcut = conv(self.filters, 1, "conv_0")(shortcut_b_t_c)
    shortcut = batch_norm(train, "norm_0")(shortcut)
    y = nn.relu(y + shortcut)
    return nn.avg_pool(y, (2,), strides=(self.pool_stride,), padding="VALID")


class SpectroTemporal(nn.Module):
  """Windows [b, t, c] to features [b, 32].

  Attributes:
    filters: of the four blocks.
    units: of the GRU.
    pool_stride: of the means of two neighbours after each block: 1 as published, which leaves the
      GRU 871 steps; 2 is quicker.
  """
  filters: tuple[int, ...] = FILTERS
  units: int = UNITS
  pool_stride: int = 1

  @nn.compact
  def __call__(self, x_b_t_c: jax.Array, train: bool) -> jax.Array:
    temporal, spectral = [], []
    for c in range(x_b_t_c.shape[-1]):
      channel_b_t_1 = x_b_t_c[..., c:c + 1]
      temporal.append(self._temporal(channel_b_t_1, c, train))
      spectral.append(self._spectral(channel_b_t_1[..., 0], c, train))
    in_time = batch_norm(train, "norm_temporal")(jnp.concatenate(temporal, -1))
    in_time = batch_norm(train, "norm_gru")(Gru(self.units, name="gru")(in_time))
    in_frequency = batch_norm(train, "norm_spectral")(jnp.concatenate(spectral, -1))

    features = jnp.concatenate([in_time, in_frequency], -1)
    for layer in (1, 2):
      features = nn.relu(dense(32, f"dense_{layer}")(features))
      features = nn.Dropout(DROPOUT, deterministic=not train)(features)
    return features

  def _temporal(self, x_b_t_1: jax.Array, c: int, train: bool) -> jax.Array:
    y = batch_norm(train, f"norm_input_{c}")(x_b_t_1)
    shortcut = x_b_t_1   # of the first block: the input before its normalisation
    for number, filters in enumerate(self.filters, 1):
      block = Block(filters, self.pool_stride, name=f"channel_{c}_block_{number}")
      y = block(y, shortcut, train)
      shortcut = y
    return y

  def _spectral(self, x_b_t: jax.Array, c: int, train: bool) -> jax.Array:
    level_db = spectrogram_db(x_b_t)
    flat = level_db.reshape(len(level_db), -1)
    y = nn.relu(dense(32, f"dense_spectral_{c}")(flat))
    return batch_norm(train, f"norm_spectral_{c}")(y)
