"""Separation without a network: nothing at all, ideal masks, and two methods without training.

Oracles know the true stems: they say what masks and filters of this resolution could reach.
"""
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.audio import song_windows
from jaxsig.data.records import Record
from jaxsig.system import Baseline, Batch, Predictions, fitted_once
from jaxsig.systems.music_separation import energies, harmonic_percussive, spectra
from jaxsig.systems.music_separation.filters import Filter, filtered

WINDOWS = 4    # that are separated at once

# (true spectrograms [b, j, c, n, f], mixture [b, c, n, f], what was fitted) -> [b, j, c, n, f]
Separate = Callable[[jax.Array, jax.Array, object], jax.Array]


class Method(NamedTuple):
  """A baseline: what it is called, how it separates, and whether by the mean spectra of songs."""
  title: str
  separate: Separate
  uses_spectra: bool = False


def make(config: ConfigDict) -> dict[str, Baseline]:
  """The baselines of `config.data`; oracles only where `config.baselines.oracles`."""
  methods = dict(METHODS)
  if "drums" not in config.data.stems:
    del methods["hpss"]
  if config.baselines.oracles:
    methods |= ORACLES
  spectra_of = fitted_once(functools.partial(mean_spectra, config))
  made = {}
  for name, method in methods.items():
    fit = _nothing
    if method.uses_spectra:
      fit = spectra_of
    step = jax.jit(functools.partial(_energies, method.separate, config.data))
    made[name] = Baseline(
        fit=fit,
        predict=functools.partial(_predicted, step, config),
        title=method.title,
    )
  return made


def _nothing(records: Sequence[Record]) -> None:
  """What is learnt of the training songs where nothing is."""
  del records


def _predicted(
    step: Callable,
    config: ConfigDict,
    fitted: object,
    record: Record,
) -> Predictions:
  """Energies per second of a song, some windows at a time."""
  where = song_windows.spans(record, config.data)
  parts = []
  for batch in _batches(record, config):
    parts.append(step(batch, fitted))
  joined = {}
  for name in parts[0]:
    whole = np.concatenate([np.asarray(part[name]) for part in parts])
    joined[name] = whole[:len(where)]
  return {**joined, "start_s_b": where.start_s_b, "length_s_b": where.length_s_b}


def _batches(record: Record, config: ConfigDict) -> Iterator[Batch]:
  """All windows of a song, in batches of one size: the last is filled with repetitions."""
  where = song_windows.spans(record, config.data)
  for first in range(0, len(where), WINDOWS):
    ids_b = np.minimum(np.arange(first, first + WINDOWS), len(where) - 1)
    yield song_windows.cut(record, where.at(ids_b), config.data)


def _energies(
    separate: Separate,
    data: ConfigDict,
    batch: Batch,
    fitted: object,
) -> Mapping[str, jax.Array]:
  """Energies of a batch of windows."""
  grid = spectra.grid_of(data)
  gain_b = spectra.gain_of(batch)
  stems_b_t_j_c = spectra.stems_of(batch)
  stems_b_j_c_n_f = spectra.stems_stft_of(spectra.levelled_stems_of(batch), grid)
  reached_b_j_c_n_f = spectra.without_context(stems_b_j_c_n_f, grid)
  mixture_b_c_n_f = reached_b_j_c_n_f.sum(1)

  estimate_b_j_c_n_f = separate(reached_b_j_c_n_f, mixture_b_c_n_f, fitted)
  estimate_b_j_c_t = spectra.samples_of(estimate_b_j_c_n_f, batch["offset_b"], grid, data)
  estimate_b_j_c_t = estimate_b_j_c_t / gain_b[:, None, None, None]
  truth_b_t_j_c = spectra.inside_window(stems_b_t_j_c, batch["offset_b"], grid, data)
  return energies.per_second(truth_b_t_j_c, estimate_b_j_c_t, grid.rate_hz)


# --- what needs no truth


def _mixture(true: jax.Array, mixture: jax.Array, fitted: object) -> jax.Array:
  """The mixture in the place of every stem."""
  del fitted
  return jnp.broadcast_to(mixture[:, None], true.shape)


def mean_spectra(config: ConfigDict, records: Sequence[Record]) -> Mapping[str, np.ndarray]:
  """The mean spectra of training songs' stems, at the songs' one level.

  Returns:
    "power_j_f", and "is_drums_j": 1 for the stem that is percussive.
  """
  grid = spectra.grid_of(config.data)

  @jax.jit
  def power(batch: Batch) -> jax.Array:
    stft_b_j_c_n_f = spectra.stems_stft_of(spectra.levelled_stems_of(batch), grid)
    return jnp.mean(jnp.abs(stft_b_j_c_n_f) ** 2, (0, 2, 3))

  total_j_f = np.zeros((len(config.data.stems), grid.bins))
  count = 0
  for record in records:
    for batch in _batches(record, config):
      total_j_f += np.asarray(power(batch))
      count += 1
  is_drums_j = [float(stem == "drums") for stem in config.data.stems]
  return {"power_j_f": total_j_f / max(count, 1), "is_drums_j": np.array(is_drums_j)}


def _constant(
    true: jax.Array,
    mixture: jax.Array,
    spectra_of: Mapping[str, jax.Array],
) -> jax.Array:
  """The same shares of the mixture in all frames: a Wiener filter of the mean spectra."""
  del true
  power_j_f = spectra_of["power_j_f"]
  share_j_f = power_j_f / jnp.maximum(power_j_f.sum(0), 1e-30)
  return share_j_f[:, None, None].astype(mixture.dtype) * mixture[:, None]


# --- oracles


def _by_true_amplitudes(
    how: Filter,
    true: jax.Array,
    mixture: jax.Array,
    fitted: object,
) -> jax.Array:
  """What a filter makes of the true amplitudes."""
  del fitted
  return filtered(jnp.abs(true), mixture, how)


def _binary_mask(true: jax.Array, mixture: jax.Array, fitted: object) -> jax.Array:
  """All of a bin to the stem that is loudest there."""
  del fitted
  loudest_b_c_n_f = jnp.argmax(jnp.abs(true), 1)
  index_j = jnp.arange(true.shape[1])
  mask_b_j_c_n_f = loudest_b_c_n_f[:, None] == index_j[:, None, None, None]
  return jnp.where(mask_b_j_c_n_f, mixture[:, None], 0)


METHODS = {
    "constant": Method(
        "Constant filter from the mean spectra of the training songs",
        _constant,
        uses_spectra=True,
    ),
    "mixture": Method("The mixture, unseparated", _mixture),
    "hpss": Method(
        "Harmonic and percussive parts by median filters, the harmonic one by mean spectra",
        harmonic_percussive.separate,
        uses_spectra=True,
    ),
}
ORACLES = {
    "ideal_ratio_mask": Method(
        "Oracle: shares by true amplitudes",
        functools.partial(_by_true_amplitudes, Filter("ratio_mask", exponent=1.0)),
    ),
    "ideal_power_mask": Method(
        "Oracle: shares by true powers",
        functools.partial(_by_true_amplitudes, Filter("ratio_mask", exponent=2.0)),
    ),
    "ideal_binary_mask": Method("Oracle: each bin to its loudest stem", _binary_mask),
    "true_amplitude": Method(
        "Oracle: true amplitudes, the mixture's phase",
        functools.partial(_by_true_amplitudes, Filter("mixture_phase")),
    ),
    "oracle_wiener": Method(
        "Oracle: multichannel Wiener filter of true amplitudes",
        functools.partial(_by_true_amplitudes, Filter("wiener")),
    ),
}
