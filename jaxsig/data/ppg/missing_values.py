"""A PPG in single precision, with NaN for every sample that is no signal, and notes on which."""
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jaxsig.data.ppg import outside_values
from jaxsig.data.ppg.outside_values import BLOCK, Level, Outside
from jaxsig.data.ppg.still_values import STILL_S, filled_stretches, still_stretches
from jaxsig.errors import UserError
from jaxsig.plurals import count, noun

LEAST_STEPS = 1024            # of single precision that the signal's width must have
SINGLE_STEP = 2.0**-23        # relative, of single precision
SMALLEST_WIDTH = 1e-30        # of a signal in single precision, whose numbers end at 1e-38 ...
LARGEST_WIDTH = 1e30          # ... and 1e38


class Cleaned(NamedTuple):
  """A signal [t] float32, and a sentence for each thing that was done to it."""
  ppg_t: np.ndarray
  notes: Sequence[str]


def cleaned(raw_t: np.ndarray, rate_hz: float, name: str) -> Cleaned:
  """The samples that are signal; a recording without any fault keeps each of them as it is.

  Missing are what is infinite, codes such as -9999, spikes, gaps that one value fills, and
  stretches that show one value for 2 s. An offset beside which single precision would lose the
  signal is subtracted.

  Args:
    raw_t: [t] real numbers of any type; it is read in parts.
    rate_hz: its sampling rate.
    name: for the errors.

  Raises:
    UserError: nothing is left.
  """
  level = outside_values.level_of(raw_t)
  outside = outside_values.outside_of(raw_t, level)
  offset, scale = _single_precision_needs(level)
  missing = Counter()
  ppg_t = _in_single_precision(raw_t, outside, offset, scale, missing)
  notes = _outside_notes(missing, outside)
  if not np.isfinite(ppg_t).any():
    raise UserError(f"{name} has not one finite value: export it again")

  still_k_2 = still_stretches(ppg_t, STILL_S * rate_hz)
  if len(still_k_2):
    show = noun(len(still_k_2), "shows", "show")
    notes.append(f"{_in_words(still_k_2, rate_hz)} {show} one value for {STILL_S:g} s or longer: "
                 "taken for missing.")
  _take_out(ppg_t, still_k_2)
  if not np.isfinite(ppg_t).any():
    raise UserError(f"{name} is flat throughout: check the sensor, or leave the file out")

  width = np.inf   # of a signal that hardly moves
  if level is not None:
    width = level.width / scale
  filled_k_2 = filled_stretches(ppg_t, rate_hz, width)
  if len(filled_k_2):
    values = np.unique(scale * ppg_t[filled_k_2[:, 0]].astype(np.float64) + offset)
    shown = " or ".join(f"{value:g}" for value in values)
    notes.append(f"{_in_words(filled_k_2, rate_hz)} hold {shown} between jumps: "
                 "taken for missing.")
  _take_out(ppg_t, filled_k_2)

  if offset:
    notes.append(f"An offset of {offset:g} was subtracted: single precision cannot hold it.")
  if scale != 1:
    notes.append(f"The samples were divided by {scale:g}: single precision cannot hold them.")
  return Cleaned(ppg_t, notes)


def _single_precision_needs(level: Level | None) -> tuple[float, float]:
  """What is to be subtracted, and then what to divide by, so that single precision will do.

  They are 0 and 1 for all ordinary signals.
  """
  offset, scale = 0.0, 1.0
  if level is None or not level.width > 0:
    return offset, scale
  if level.width < LEAST_STEPS * SINGLE_STEP * abs(level.centre):
    offset = level.centre
  if not SMALLEST_WIDTH < level.width < LARGEST_WIDTH:
    scale = level.width
  return offset, scale


def _in_single_precision(
    raw_t: np.ndarray,
    outside: Outside,
    offset: float,
    scale: float,
    missing: Counter,
) -> np.ndarray:
  """The signal less its offset on a scale, float32, with NaN for what `missing` counts."""
  ppg_t = np.empty(len(raw_t), np.float32)
  for first, block_t in outside_values.finite_blocks(raw_t):
    infinite_t = np.isinf(raw_t[first:first + BLOCK])
    for code in outside.codes:
      is_code_t = block_t == code
      missing[code] += int(is_code_t.sum())
      block_t[is_code_t] = np.nan

    is_spike_t = (block_t <= outside.low) | (block_t >= outside.high)
    missing["spikes"] += int(is_spike_t.sum())
    block_t[is_spike_t] = np.nan

    with np.errstate(over="ignore"):   # beyond float32 is infinite, which is no signal
      single_t = ((block_t - offset) / scale).astype(np.float32)
    too_large_t = np.isinf(single_t)
    single_t[too_large_t] = np.nan
    missing["infinite"] += int(infinite_t.sum() + too_large_t.sum())
    ppg_t[first:first + BLOCK] = single_t
  return ppg_t


def _take_out(x_t: np.ndarray, stretches_k_2: np.ndarray) -> None:
  for first, last in stretches_k_2:
    x_t[first:last] = np.nan


def _outside_notes(missing: Counter, outside: Outside) -> list[str]:
  notes = []
  for code in outside.codes:
    samples = count(missing[code], "sample holds", "samples hold")
    notes.append(f"{samples} {code:g}, apart from the signal: taken for missing.")
  if missing["spikes"]:
    samples = count(missing["spikes"], "sample lies", "samples lie")
    notes.append(f"{samples} far outside of the signal (spikes): taken for missing.")
  if missing["infinite"]:
    samples = count(missing["infinite"], "sample is", "samples are")
    notes.append(f"{samples} infinite: taken for missing.")
  return notes


def _in_words(stretches_k_2: np.ndarray, rate_hz: float) -> str:
  """How many stretches, and how long they are in all."""
  samples = (stretches_k_2[:, 1] - stretches_k_2[:, 0]).sum()
  stretches = count(len(stretches_k_2), "stretch", "stretches")
  return f"{stretches} ({samples / rate_hz:.1f} s in all)"
