"""Ours: masks by a small convolutional network of what a bin's surroundings look like.

The paper's dense layers learn which bins belong to an instrument, and with a few songs to train on
they learn the songs. Here every bin is judged by the same few weights from what holds for any song:
how loud it is beside its surroundings in time (harmonic) and in frequency (percussive), where it
stands between the channels, and, as an option, how its phase advances. A mask starts at the
constant filter of the training songs' mean spectra, and the network learns the rest.
"""
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from jaxsig.signal import phase_derivatives as phases
from jaxsig.signal.spectra import squared_magnitude
from jaxsig.system import Params, Stats
from jaxsig.systems.music_separation import scales, spectra
from jaxsig.systems.music_separation.harmonic_percussive import median

MEDIAN_FRAMES = 9    # along time: what stands out is harmonic
MEDIAN_BINS = 17     # along frequency: what stands out is percussive
FLOOR = 1e-4         # of the mean power, below which all is silence
QUIET = 0.1          # amplitude from which on a phase counts, over the root mean power
FOLD = 4             # neighbouring bins that share a place of the network
PLACE_STEPS = (1, 3)   # places up and down that the layers look, in turn


class MaskNetwork(nn.Module):
  """Convolutions over time and frequency, from features of bins to logits of masks.

  Attributes:
    channels: of each layer.
    dilations: in time, one a layer: a layer looks so many frames back and ahead.
    stems: how many masks there are.
  """
  channels: int
  dilations: tuple[int, ...]
  stems: int

  @nn.compact
  def __call__(self, x_b_n_f_k: jax.Array) -> jax.Array:
    """Logits [b, n - 2 sum(dilations), f, j]; f is a multiple of FOLD."""
    b, n, f, k = x_b_n_f_k.shape
    x = x_b_n_f_k.reshape(b, n, f // FOLD, FOLD * k)
    place_p = jnp.linspace(-1, 1, f // FOLD)
    place = jnp.broadcast_to(place_p[:, None], (b, n, f // FOLD, 1))
    x = jnp.concatenate([x, place], -1)
    x = nn.gelu(nn.Dense(self.channels, name="first")(x))
    for i, dilation in enumerate(self.dilations):
      step = PLACE_STEPS[i % len(PLACE_STEPS)]
      convolution = nn.Conv(
          self.channels,
          kernel_size=(3, 3),
          kernel_dilation=(dilation, step),
          padding=((0, 0), (step, step)),
          name=f"layer_{i}",
      )
      middle = x[:, dilation:x.shape[1] - dilation]
      x = middle + nn.gelu(convolution(x))
    logits = nn.Dense(FOLD * self.stems, name="out", kernel_init=nn.initializers.zeros)(x)
    return logits.reshape(b, x.shape[1], f, self.stems)


class Local(NamedTuple):
  """The mask network by `config.model`, and what it sees."""
  network: MaskNetwork
  grid: spectra.Grid
  config: ConfigDict

  @property
  def reach(self) -> int:
    """Frames before and after one that are looked at."""
    return sum(self.network.dilations) + MEDIAN_FRAMES // 2

  def init(self, key: jax.Array, stats: Stats) -> Params:
    """Parameters; the masks are the constant filter's."""
    silence = jnp.zeros((1, 2, 2 * self.reach + 2, self.grid.bins), jnp.complex64)
    return self.network.init(key, self._features(silence, stats))

  def amplitudes(self, params: Params, stats: Stats, stft_b_c_n_f: jax.Array) -> jax.Array:
    """Estimated amplitudes [j, b, c, n, f] of the stems: shares of the mixture's.

    Args:
      params, stats: of the training.
      stft_b_c_n_f: of the mixture; `reach` + 1 frames stand before the first of the frames that are
        estimated, and `reach` after the last.
    """
    features_b_n_f_k = self._features(stft_b_c_n_f, stats)
    logits_b_n_f_j = self.network.apply(params, features_b_n_f_k)
    logits_b_n_f_j = _with_top_bin(logits_b_n_f_j)
    prior_j_f = jnp.log(scales.mean_power(stats) + 1e-9)
    share_b_n_f_j = jax.nn.softmax(logits_b_n_f_j + prior_j_f.T, -1)
    share_j_b_1_n_f = jnp.moveaxis(share_b_n_f_j, -1, 0)[:, :, None]
    reach = self.reach
    middle_b_c_n_f = stft_b_c_n_f[:, :, 1 + reach:stft_b_c_n_f.shape[2] - reach]
    return share_j_b_1_n_f * jnp.abs(middle_b_c_n_f)

  def _features(self, stft_b_c_n_f: jax.Array, stats: Stats) -> jax.Array:
    """What is seen of each bin but the highest: [b, n - 9, f - 1, k]."""
    scale = scales.input_scale(stats)
    mean_power = jnp.mean(scale.mean_c_f**2 + scale.deviation_c_f**2)
    known_b_c_n_f = stft_b_c_n_f[..., 1:, :-1]
    left, right = known_b_c_n_f[:, 0], known_b_c_n_f[:, 1]
    power_b_n_f = squared_magnitude(left) + squared_magnitude(right)
    floor = FLOOR * mean_power
    level_b_n_f = jnp.log(power_b_n_f + floor) - jnp.log(mean_power)

    half = MEDIAN_FRAMES // 2
    middle = slice(half, power_b_n_f.shape[1] - half)
    harmonic_b_n_f = median(level_b_n_f, MEDIAN_FRAMES, -2)[:, middle]
    percussive_b_n_f = median(level_b_n_f, MEDIAN_BINS, -1)[:, middle]
    level_b_n_f = level_b_n_f[:, middle]
    heard_b_n_f = (power_b_n_f + floor)[:, middle]
    side_b_n_f = squared_magnitude(left - right)[:, middle] / heard_b_n_f
    balance_b_n_f = (squared_magnitude(left) - squared_magnitude(right))[:, middle] / heard_b_n_f
    features = [
        0.3 * level_b_n_f,
        harmonic_b_n_f - level_b_n_f,
        percussive_b_n_f - level_b_n_f,
        side_b_n_f,
        balance_b_n_f,
    ]
    if self.config.model.uses_phase:
      features += self._phase_features(stft_b_c_n_f, mean_power, middle)
    return jax.lax.stop_gradient(jnp.stack(features, -1))

  def _phase_features(
      self,
      stft_b_c_n_f: jax.Array,
      mean_power: jax.Array,
      middle: slice,
  ) -> list[jax.Array]:
    """Cosines and sines of the corrected differences of the middle channel's phase."""
    middle_b_n_f = stft_b_c_n_f.sum(1)
    shift = phases.shifts(self.grid.frame, self.grid.hop)
    floor = QUIET * jnp.sqrt(mean_power)
    features = []
    for product_b_n_f in (
        phases.time_product(middle_b_n_f, shift),
        phases.frequency_product(middle_b_n_f, shift),
    ):
      known_b_n_f = product_b_n_f[:, 1:, :-1][:, middle]
      features += list(phases.cosine_and_sine(known_b_n_f, floor))
    return features


def make(config: ConfigDict, grid: spectra.Grid) -> Local:
  """The network of a config."""
  model = config.model
  network = MaskNetwork(model.hidden, tuple(model.dilations), len(config.data.stems))
  return Local(network, grid, config)


def _with_top_bin(x_b_n_f_j: jax.Array) -> jax.Array:
  """The highest bin, at half the sampling rate, is judged as its neighbour."""
  return jnp.concatenate([x_b_n_f_j, x_b_n_f_j[:, :, -1:]], 2)
