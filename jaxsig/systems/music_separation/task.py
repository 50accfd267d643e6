"""Music separation: amplitudes of the stems from amplitudes and phases of the mixture.

Batches hold windows of songs with what their frames reach and some context, by
`jaxsig.data.audio.song_windows.cut`: "stems_b_t_j_c" with "scale_b", or "mixture_b_t_c" of a user's
own song; "offset_b", "level_b" and "mask_b". A training step sees a short excerpt of each window,
at a random place, with stems of several songs mixed; a prediction sees the window whole.
"""
import functools
import math
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from jaxsig import rng
from jaxsig.config import require_known
from jaxsig.errors import UserError
from jaxsig.signal import wiener
from jaxsig.signal.spectra import squared_magnitude
from jaxsig.system import Batch, Params, Stats, Task
from jaxsig.systems.music_separation import (
    dense,
    energies,
    excerpts,
    filters,
    local,
    scales,
    spectra,
)
from jaxsig.systems.music_separation.features import PLANES

HEARD = ("mixture", "own")       # whose spectrogram is the input: "own", each stem's itself
NETWORKS = {"dense": dense.make, "local": local.make}
LOSSES = ("amplitude", "error", "snr")
FLOOR = 0.02                     # of the mixture's energy, added to energies of errors and stems


class Parts(NamedTuple):
  """What the loss and the predictions are made of.

  `network` has `reach`, the frames before and after one that it looks at; `init`, and
  `amplitudes`: see `dense.Dense`.
  """
  network: dense.Dense | local.Local
  grid: spectra.Grid
  filter: filters.Filter
  config: ConfigDict


def make(config: ConfigDict) -> Task:
  """The task of `config.model`, `config.loss`, `config.augment`, `config.data` and `config.read`.

  Raises:
    UserError: an unknown network, input, form of phase, loss or filter, or too little context.
  """
  model = config.model
  require_known("model.network", model.network, NETWORKS)
  require_known("model.inputs", model.inputs, dense.INPUTS)
  require_known("model.phase", model.phase, PLANES)
  require_known("model.heard", model.heard, HEARD)
  require_known("loss.name", config.loss.name, LOSSES)
  grid = spectra.grid_of(config.data)
  network = NETWORKS[model.network](config, grid)
  if network.reach + 1 > grid.context:
    raise UserError(
        f"data.context_frames={grid.context} is too little for this network, which looks "
        f"{network.reach} frames back and one more for the phase: set it to {network.reach + 1}")
  parts = Parts(network, grid, filters.filter_of(config), config)
  return Task(
      init=functools.partial(_init, parts),
      loss=functools.partial(_loss, parts),
      predict=functools.partial(_predict, parts),
  )


def _init(parts: Parts, key: jax.Array, batch: Batch) -> tuple[Params, Stats]:
  del batch
  config = parts.config
  stats = scales.zeros(len(config.data.stems), parts.grid.bins, config.model.joint_channels)
  return parts.network.init(key, stats), stats


def _loss(
    parts: Parts,
    params: Params,
    stats: Stats,
    batch: Batch,
    key: jax.Array,
) -> tuple[jax.Array, tuple[Stats, Mapping[str, jax.Array]]]:
  """The loss on an excerpt of each window, with the statistics of what it was trained on so far."""
  weight_b = batch["mask_b"]
  stems_b_j_c_n_f = _excerpt_stft(parts, batch, key)
  stems_j_b_c_n_f = jnp.swapaxes(stems_b_j_c_n_f, 0, 1)
  mixture_b_c_n_f = stems_j_b_c_n_f.sum(0)

  reach = parts.network.reach
  middle = slice(1 + reach, mixture_b_c_n_f.shape[-2] - reach)
  target_j_b_c_n_f = stems_j_b_c_n_f[..., middle, :]
  middle_b_c_n_f = mixture_b_c_n_f[..., middle, :]
  stats = scales.with_amplitudes(
      stats, jnp.abs(middle_b_c_n_f), jnp.abs(target_j_b_c_n_f), weight_b)
  stats = jax.lax.stop_gradient(stats)

  heard = mixture_b_c_n_f
  if parts.config.model.heard == "own":
    heard = stems_j_b_c_n_f
  estimate_j_b_c_n_f = parts.network.amplitudes(params, stats, heard)
  if parts.config.loss.name == "amplitude":
    loss_j_b = _amplitude_loss(estimate_j_b_c_n_f, target_j_b_c_n_f, stats)
  elif parts.config.loss.name == "error":
    loss_j_b = _error_loss(estimate_j_b_c_n_f, target_j_b_c_n_f, middle_b_c_n_f, stats)
  else:
    loss_j_b = _snr_loss(estimate_j_b_c_n_f, target_j_b_c_n_f, middle_b_c_n_f)
  mean_j = loss_j_b @ weight_b / jnp.maximum(jnp.sum(weight_b), 1)
  return jnp.mean(mean_j), (stats, {})


def _amplitude_loss(
    estimate_j_b_c_n_f: jax.Array,
    target_j_b_c_n_f: jax.Array,
    stats: Stats,
) -> jax.Array:
  """Squared error [j, b] of the amplitudes, over the variance of each stem's: the paper's."""
  error = (estimate_j_b_c_n_f - jnp.abs(target_j_b_c_n_f)) ** 2
  error_j_b = jnp.mean(error, (2, 3, 4))
  variance_j = scales.output_scale(stats).deviation_j ** 2
  return error_j_b / variance_j[:, None]


def _error_loss(
    estimate_j_b_c_n_f: jax.Array,
    target_j_b_c_n_f: jax.Array,
    mixture_b_c_n_f: jax.Array,
    stats: Stats,
) -> jax.Array:
  """Squared error [j, b] of the stems with the mixture's phase, over each stem's mean power.

  Its minimum is the expected stem, so that what is doubtful is quiet.
  """
  stems_j_b_c_n_f = wiener.mixture_phase(estimate_j_b_c_n_f, mixture_b_c_n_f)
  error_j_b = _energy(stems_j_b_c_n_f - target_j_b_c_n_f)
  values = math.prod(target_j_b_c_n_f.shape[2:])
  power_j = jnp.mean(scales.mean_power(stats), -1)
  return error_j_b / (values * power_j[:, None] + 1e-9)


def _snr_loss(
    estimate_j_b_c_n_f: jax.Array,
    target_j_b_c_n_f: jax.Array,
    mixture_b_c_n_f: jax.Array,
) -> jax.Array:
  """Error over signal [j, b] in nepers of power, of the stems with the mixture's phase.

  A share of the mixture's energy is added to both, so that silence has a value.
  """
  stems_j_b_c_n_f = wiener.mixture_phase(estimate_j_b_c_n_f, mixture_b_c_n_f)
  error_j_b = _energy(stems_j_b_c_n_f - target_j_b_c_n_f)
  truth_j_b = _energy(target_j_b_c_n_f)
  floor_b = FLOOR * _energy(mixture_b_c_n_f) + 1e-6
  return jnp.log(error_j_b + floor_b) - jnp.log(truth_j_b + floor_b)


def _energy(x_b_c_n_f: jax.Array) -> jax.Array:
  """The sum [..., b] of squares over channels, frames and bins."""
  return jnp.sum(squared_magnitude(x_b_c_n_f), (-3, -2, -1))


def _excerpt_stft(parts: Parts, batch: Batch, key: jax.Array) -> jax.Array:
  """Spectrograms [b, j, c, n, f] of the stems of excerpts, augmented, at the songs' one level."""
  frames = parts.config.loss.frames + 2 * parts.network.reach + 1
  samples = parts.grid.samples(frames)
  cut = excerpts.excerpt(rng.stream(key, "place"), batch["stems_b_t_j_c"], samples)
  factor_b = batch["scale_b"] * spectra.gain_of(batch)
  stems_b_t_j_c = cut.astype(jnp.float32) * factor_b[:, None, None, None]
  how = excerpts.augmentation_of(parts.config)
  stems_b_t_j_c = excerpts.augmented(rng.stream(key, "augment"), stems_b_t_j_c, how)
  return spectra.stems_stft_of(stems_b_t_j_c, parts.grid)


def _predict(
    parts: Parts,
    params: Params,
    stats: Stats,
    batch: Batch,
    keys_b: jax.Array,
) -> dict[str, jax.Array]:
  """Energies per second of windows whose stems are known, or the stems of a user's own song."""
  del keys_b   # nothing is drawn
  grid = parts.grid
  gain_b = spectra.gain_of(batch)
  mixture_b_t_c = spectra.mixture_of(batch) * gain_b[:, None, None]
  mixture_b_c_n_f = spectra.stft_of(mixture_b_t_c, grid)
  spare = grid.context - parts.network.reach
  inner = slice(spare - 1, mixture_b_c_n_f.shape[2] - spare)

  known = None
  heard = mixture_b_c_n_f[..., inner, :]
  if "stems_b_t_j_c" in batch:
    known_b_t_j_c = spectra.stems_of(batch)
    known = spectra.stems_stft_of(spectra.levelled_stems_of(batch), grid)
    if parts.config.model.heard == "own":
      heard = jnp.swapaxes(known[..., inner, :], 0, 1)

  amplitude_j_b_c_n_f = parts.network.amplitudes(params, stats, heard)
  amplitude_b_j_c_n_f = jnp.swapaxes(amplitude_j_b_c_n_f, 0, 1)

  reached_b_c_n_f = spectra.without_context(mixture_b_c_n_f, grid)
  if parts.filter.name == "true_phase" and known is not None:
    known_b_j_c_n_f = spectra.without_context(known, grid)
    stft_b_j_c_n_f = wiener.mixture_phase(amplitude_b_j_c_n_f, known_b_j_c_n_f)
  else:
    stft_b_j_c_n_f = filters.filtered(amplitude_b_j_c_n_f, reached_b_c_n_f, parts.filter)
  stems_b_j_c_t = spectra.samples_of(
      stft_b_j_c_n_f, batch["offset_b"], grid, parts.config.data)
  stems_b_j_c_t = stems_b_j_c_t / gain_b[:, None, None, None]
  if known is None:
    return {"stems_b_j_c_t": stems_b_j_c_t}

  truth_b_t_j_c = spectra.inside_window(known_b_t_j_c, batch["offset_b"], grid, parts.config.data)
  outputs = energies.per_second(truth_b_t_j_c, stems_b_j_c_t, grid.rate_hz)
  outputs["heard_b_j_t_c"] = spectra.sixteen_bits(jnp.swapaxes(stems_b_j_c_t, -1, -2))
  target_b_j_c_n_f = jnp.abs(spectra.without_context(known, grid))
  return {**outputs, **_amplitude_errors(stats, amplitude_b_j_c_n_f, target_b_j_c_n_f)}


def _amplitude_errors(
    stats: Stats,
    estimate_b_j_c_n_f: jax.Array,
    target_b_j_c_n_f: jax.Array,
) -> dict[str, jax.Array]:
  """Squared errors [b, j] of amplitudes, and those of the mean spectrum of the training."""
  mean_j_c_f = scales.output_scale(stats).mean_j_c_f
  mean_j_c_n_f = mean_j_c_f[:, :, None]
  of_mean_b_j_c_n_f = mean_j_c_n_f - target_b_j_c_n_f
  return {
      "amplitude_error_b_j": jnp.sum((estimate_b_j_c_n_f - target_b_j_c_n_f) ** 2, (2, 3, 4)),
      "amplitude_constant_b_j": jnp.sum(of_mean_b_j_c_n_f**2, (2, 3, 4)),
  }
