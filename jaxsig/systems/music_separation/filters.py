"""From amplitudes of stems and a mixture to the stems: the mixture's phase, masks, filters."""
from typing import NamedTuple

import jax
from ml_collections import ConfigDict

from jaxsig.errors import UserError
from jaxsig.signal import wiener

FILTERS = ("wiener", "ratio_mask", "mixture_phase", "true_phase")


class Filter(NamedTuple):
  """How stems come of amplitudes.

  Attributes:
    name: "wiener", the multichannel Wiener filter; "ratio_mask", shares of the mixture;
      "mixture_phase", the amplitudes with the mixture's phase; "true_phase", an oracle, with the
      true stems' phases.
    iterations, frames, start: of the Wiener filter.
    exponent: of amplitudes in a ratio mask; with 2 it is the Wiener filter of one channel.
  """
  name: str = "wiener"
  iterations: int = 1
  frames: int = 300
  start: str = "mixture_phase"
  exponent: float = 2.0


def filter_of(config: ConfigDict) -> Filter:
  """The filter that `config.read` says.

  Raises:
    UserError: it is unknown.
  """
  read = config.read
  if read.filter not in FILTERS:
    raise UserError(f"unknown read.filter {read.filter!r}: {', '.join(FILTERS)}")
  return Filter(read.filter, read.iterations, read.frames, read.start, read.exponent)


def filtered(
    amplitude_b_j_c_n_f: jax.Array,
    mixture_b_c_n_f: jax.Array,
    how: Filter,
) -> jax.Array:
  """The spectrograms [b, j, c, n, f] of the stems, one window after another."""

  def one(pair: tuple[jax.Array, jax.Array]) -> jax.Array:
    amplitude_j_c_n_f, mixture_c_n_f = pair
    if how.name in ("mixture_phase", "true_phase"):   # the latter of a user's own song
      return wiener.mixture_phase(amplitude_j_c_n_f, mixture_c_n_f)
    if how.name == "ratio_mask":
      return wiener.ratio_mask(amplitude_j_c_n_f, mixture_c_n_f, how.exponent)
    return wiener.wiener(
        amplitude_j_c_n_f,
        mixture_c_n_f,
        iterations=how.iterations,
        frames=how.frames,
        start=how.start,
    )

  return jax.lax.map(one, (amplitude_b_j_c_n_f, mixture_b_c_n_f))
