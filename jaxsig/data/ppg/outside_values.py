"""Values that lie outside of a signal: codes for missing samples, and spikes.

A code such as -9999, 65535, -1 or 0 repeats exactly and lies apart from the signal: between the two
there is an empty gap. So the largest value of a clipped signal is no code, nor is a zero that a
signal passes through or rests on.
"""
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

BLOCK = 1 << 20        # samples that are looked at at once
SUBSAMPLE = 500_000
CODE_GAP = 1.0         # widths of the signal between it and a value that repeats
SPIKE_GAP = 5.0        # widths between it and a value that does not
MOST_CODES = 3         # on one side of the signal
MOST_SPIKES = 0.01     # of all samples
MOST_TAIL = 0.6        # of all samples: if more lie far from the centre, they are the signal
COMMON = 0.1           # of all samples: a value that so many show may be a code


class Level(NamedTuple):
  """Where most of a signal lies."""
  centre: float
  width: float         # about that of the middle 90 %


class Outside(NamedTuple):
  """What lies outside of a signal: codes, and spikes at or beyond `low` and `high`."""
  codes: tuple[float, ...] = ()
  low: float = -np.inf
  high: float = np.inf


class _Tail(NamedTuple):
  """The different values on one side that are more than a width from the centre.

  Attributes:
    edge: the nearest value that is not.
    values_k: from the centre outwards.
    count_k: how many samples show each.
  """
  edge: float
  values_k: np.ndarray
  count_k: np.ndarray


def finite_blocks(x_t: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
  """The signal [t] in parts: (first sample, a float64 copy with NaN for all that is infinite)."""
  for first in range(0, len(x_t), BLOCK):
    block_t = np.array(x_t[first:first + BLOCK], np.float64)
    block_t[~np.isfinite(block_t)] = np.nan
    yield first, block_t


def level_of(x_t: np.ndarray) -> Level | None:
  """Median and width of a signal [t] where it moves; None where it never does.

  A sensor that is off shows one value, maybe for most of a recording, which is not the signal's
  level.
  """
  step = max(1, len(x_t) // SUBSAMPLE)
  followers = np.array(x_t[1::step], np.float64)
  samples = np.array(x_t[::step][:len(followers)], np.float64)
  moves = np.isfinite(samples) & np.isfinite(followers) & (samples != followers)
  if not moves.any():
    return None
  moving = _without_most_common(samples[moves])
  low, centre, high = np.quantile(moving, (0.25, 0.5, 0.75))
  return Level(float(centre), float(2 * (high - low)))


def _without_most_common(samples: np.ndarray) -> np.ndarray:
  """The samples without the value that a good part of them show, if there is one."""
  found = np.unique_counts(samples)
  most = np.argmax(found.counts)
  is_common = COMMON * len(samples) < found.counts[most] < len(samples)
  if not is_common:
    return samples
  return samples[samples != found.values[most]]


def outside_of(x_t: np.ndarray, level: Level | None) -> Outside:
  """The codes and spikes of a signal [t] of this level."""
  if level is None or not level.width > 0:
    return Outside()
  tails = [_tail(x_t, level, -1), _tail(x_t, level, 1)]
  in_tails = sum(tail.count_k.sum() for tail in tails)
  if in_tails > MOST_TAIL * len(x_t):
    return Outside()

  codes = []
  bounds = []
  for tail in tails:
    found = _codes(tail, level.width)
    codes += found
    rest = _without(tail, found)
    bounds.append(_spike_bound(rest, level.width, MOST_SPIKES * len(x_t)))

  low, high = -np.inf, np.inf
  if bounds[0] is not None:
    low = bounds[0]
  if bounds[1] is not None:
    high = bounds[1]
  return Outside(tuple(codes), low, high)


def _tail(x_t: np.ndarray, level: Level, sign: int) -> _Tail:
  """The tail of a signal below (sign -1) or above (1) its centre."""
  edge = -np.inf
  parts = []
  for _, block_t in finite_blocks(x_t):
    outwards_t = sign * block_t
    fence = sign * level.centre + level.width
    beyond_t = outwards_t > fence
    parts.append(np.unique_counts(outwards_t[beyond_t]))
    inside_t = outwards_t[outwards_t <= fence]
    if len(inside_t):
      edge = max(edge, inside_t.max())

  all_values = np.concatenate([part.values for part in parts])
  all_counts = np.concatenate([part.counts for part in parts])
  values_k, places = np.unique(all_values, return_inverse=True)
  count_k = np.bincount(places, all_counts, len(values_k)).astype(int)
  return _Tail(sign * edge, sign * values_k, count_k)


def _without(tail: _Tail, codes: list[float]) -> _Tail:
  kept_k = ~np.isin(tail.values_k, codes)
  return _Tail(tail.edge, tail.values_k[kept_k], tail.count_k[kept_k])


def _first_apart(tail: _Tail, gap: float) -> int:
  """Number of the first value that lies more than `gap` beyond the one before it."""
  with np.errstate(over="ignore", invalid="ignore"):
    gap_k = np.abs(np.diff(tail.values_k, prepend=tail.edge))
  apart_k = np.flatnonzero(gap_k > gap)
  if not len(apart_k):
    return len(tail.values_k)
  return int(apart_k[0])


def _codes(tail: _Tail, width: float) -> list[float]:
  """The few values apart from the signal that repeat and make up most of what is there."""
  for gap in (CODE_GAP, SPIKE_GAP):
    first = _first_apart(tail, gap * width)
    values_k = tail.values_k[first:]
    count_k = tail.count_k[first:]
    repeats_k = count_k > 1
    few = 0 < repeats_k.sum() <= MOST_CODES
    if few and 2 * count_k[repeats_k].sum() >= count_k.sum():
      return values_k[repeats_k].tolist()
  return []


def _spike_bound(tail: _Tail, width: float, most: float) -> float | None:
  """The innermost spike of a tail; None where there is none, or too many to be spikes."""
  first = _first_apart(tail, SPIKE_GAP * width)
  spikes = tail.count_k[first:].sum()
  if not 0 < spikes <= most:
    return None
  return float(tail.values_k[first])
