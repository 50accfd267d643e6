"""The paper's networks as amplitudes of stems: inputs, branches, and the layers set by statistics.

Muth et al. 2018 (arXiv 1807.02710), section 3. Channels are seen one at a time with the same
parameters, or together, which is the literal reading.
"""
from typing import NamedTuple

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from jaxsig.system import Params, Stats
from jaxsig.systems.music_separation import scales, spectra
from jaxsig.systems.music_separation.features import PLANES, phase_planes
from jaxsig.systems.music_separation.network import (
    Separator,
    apply_instruments,
    init_instruments,
)

INPUTS = {                       # what each branch of a network sees
    "amplitude": ("amplitude",),                        # the paper's DNN_A
    "phase": ("phase",),
    "amplitude_phase": ("amplitude", "phase"),          # the paper's DNN_A&phi
    "amplitude_amplitude": ("amplitude", "again"),      # its capacity without phase
    "amplitude_shuffled": ("amplitude", "shuffled"),    # phase of other excerpts and frames
    "together": ("together",),                          # amplitude and phase in one branch
}


class Dense(NamedTuple):
  """The networks of all stems, by `config.model`."""
  separator: Separator
  grid: spectra.Grid
  config: ConfigDict

  @property
  def reach(self) -> int:
    """Frames before and after one that the network looks at."""
    return self.separator.frames // 2 * self.separator.stride

  def init(self, key: jax.Array, stats: Stats) -> Params:
    """Parameters with a leading axis of stems."""
    silence = jnp.zeros((1, 2, 2 * self.reach + 2, self.grid.bins), jnp.complex64)
    inputs = _inputs(self, silence, scales.input_scale(stats))
    return init_instruments(self.separator, key, inputs, len(self.config.data.stems))

  def amplitudes(self, params: Params, stats: Stats, stft_b_c_n_f: jax.Array) -> jax.Array:
    """Estimated amplitudes [j, b, c, n, f] of the stems in the frames with a whole context.

    Args:
      params, stats: of the training.
      stft_b_c_n_f: [b, c, n, f] of the mixture, or [j, b, c, n, f], each stem's own; `reach` + 1
        frames stand before the first of those frames, and `reach` after the last.
    """
    inputs = _inputs(self, stft_b_c_n_f, scales.input_scale(stats))
    own = stft_b_c_n_f.ndim == 5
    out_j_e_n_o = apply_instruments(self.separator, params, inputs, own)
    scale = scales.output_scale(stats)
    deviation_j = scale.deviation_j[:, None, None, None]
    mean_j_o = self.by_example(scale.mean_j_c_f[:, None, :, None])[:, :1]
    amplitude_j_e_n_o = jax.nn.relu(mean_j_o + deviation_j * out_j_e_n_o)
    return self.by_channel(amplitude_j_e_n_o)

  def by_example(self, x_b_c_n_f: jax.Array) -> jax.Array:
    """[..., b, c, n, f] as [..., b, n, c f], or where channels are seen apart [..., b c, n, f]."""
    *lead, b, c, n, f = x_b_c_n_f.shape
    if not self.config.model.joint_channels:
      return x_b_c_n_f.reshape(*lead, b * c, n, f)
    x_b_n_c_f = jnp.swapaxes(x_b_c_n_f, -3, -2)
    return x_b_n_c_f.reshape(*lead, b, n, c * f)

  def by_channel(self, x_e_n_o: jax.Array) -> jax.Array:
    """The inverse of `by_example`: [..., b, 2, n, f]."""
    *lead, e, n, o = x_e_n_o.shape
    if not self.config.model.joint_channels:
      return x_e_n_o.reshape(*lead, e // 2, 2, n, o)
    x_b_n_c_f = x_e_n_o.reshape(*lead, e, n, 2, o // 2)
    return jnp.swapaxes(x_b_n_c_f, -3, -2)


def make(config: ConfigDict, grid: spectra.Grid) -> Dense:
  """The networks of a config."""
  model = config.model
  channels = 1 + int(model.joint_channels)
  separator = Separator(model.hidden, model.frames, model.stride, channels * grid.bins)
  return Dense(separator, grid, config)


def _inputs(
    dense: Dense,
    stft_b_c_n_f: jax.Array,
    scale: scales.InputScale,
) -> list[jax.Array]:
  """The inputs [..., e, n - 1, f] of the branches, of a spectrogram [..., b, c, n, f]."""
  model = dense.config.model
  kinds = INPUTS[model.inputs]
  low_b_c_n_f = stft_b_c_n_f[..., :model.input_bins]
  mean_c_1_f = scale.mean_c_f[:, None, :model.input_bins]
  deviation_c_1_f = scale.deviation_c_f[:, None, :model.input_bins]
  amplitude_b_c_n_f = jnp.abs(low_b_c_n_f[..., 1:, :])
  standard_b_c_n_f = (amplitude_b_c_n_f - mean_c_1_f) / deviation_c_1_f
  known = {"amplitude": dense.by_example(standard_b_c_n_f)}

  if set(kinds) != {"amplitude"}:
    floor = model.gate * jnp.sqrt(jnp.mean(scale.mean_c_f**2 + scale.deviation_c_f**2))
    planes_b_c_n_f = phase_planes(
        low_b_c_n_f, model.phase, dense.grid.frame, dense.grid.hop, floor)
    known["phase"] = dense.by_example(planes_b_c_n_f[..., 1:, :])
    known["again"] = jnp.concatenate(PLANES[model.phase] * [known["amplitude"]], -1)
    known["shuffled"] = _of_other_examples(known["phase"])
    known["together"] = jnp.concatenate([known["amplitude"], known["phase"]], -1)
  return [known[kind] for kind in kinds]


def _of_other_examples(x_e_n_f: jax.Array) -> jax.Array:
  """The same values at other examples, and in other frames: no information, equal statistics."""
  rolled_e_n_f = jnp.roll(x_e_n_f, x_e_n_f.shape[-3] // 2, -3)
  return rolled_e_n_f[..., ::-1, :]
