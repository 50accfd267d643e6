"""Samples that stand several times in a row, and signals whose samples alternate.

Both are found by the samples alone. Where a file says its rate they are told; where only the user
does, the rate may be that of one value, or of one of the signals, so that they are refused.
"""
from typing import NamedTuple

import numpy as np

from jaxsig.data.ppg.outside_values import BLOCK
from jaxsig.errors import UserError

FEWEST_RUNS = 100
OF_MULTIPLES = 0.98        # of all runs of one value: as long as a multiple of the shortest
OF_SHORTEST = 0.3          # of all runs
MOST_SIGNALS = 4
LONGEST_TURN_S = 0.1       # of all signals once: a pulse has no period as short
ROUGHER = 6.0              # times, a sample beside its neighbours than beside those of its signal
LEAST_APART = 0.02         # widths of a signal between it and the others; less does no harm
FAR_APART = 0.25           # no hum is so strong
_TIMES = {2: "twice"}


class Layout(NamedTuple):
  """How samples follow each other.

  Attributes:
    repeats: how many times each value stands.
    signals: how many signals alternate.
    apart: how far these are from each other, in widths of one.
  """
  repeats: int = 1
  signals: int = 1
  apart: float = 0.0


def check(raw_t: np.ndarray, rate_hz: float, is_stated: bool, name: str) -> list[str]:
  """Returns a sentence on repeated or alternating samples; none for an ordinary signal.

  Args:
    raw_t: [t] real numbers of any type, of which the first million are looked at.
    rate_hz: of the samples.
    is_stated: whether the file says its rate.
    name: for the errors.

  Raises:
    UserError: the rate cannot be relied on, or the samples are clearly those of several signals.
  """
  layout = layout_of(raw_t, rate_hz)
  if layout.repeats > 1:
    times = _TIMES.get(layout.repeats, f"{layout.repeats} times")
    if is_stated:
      return [f"Every value stands {times}: {rate_hz / layout.repeats:g} values a second."]
    raise UserError(
      f"in {name} every value stands {times}: {_kept(layout.repeats)} and give the rate of what "
      "is left"
    )
  if layout.signals == 1:
    return []

  alternate = f"{layout.signals} signals seem to alternate sample by sample"
  if is_stated and layout.signals == 2 and layout.apart < FAR_APART:
    return [f"{alternate}, or hum at half of the sampling rate is added: both are averaged."]
  raise UserError(
    f"in {name} {alternate}: {_kept(layout.signals)}, which is one signal, and give its rate"
  )


def _kept(n: int) -> str:
  every = f"every {n}th"
  if n == 2:
    every = "every other"
  if n == 3:
    every = "every third"
  return f"keep {every} sample, x[::{n}],"


def layout_of(raw_t: np.ndarray, rate_hz: float) -> Layout:
  """How the samples of a signal [t] follow each other."""
  x_t = np.array(raw_t[:BLOCK], np.float64)
  x_t[~np.isfinite(x_t)] = np.nan
  repeats = _repeats(x_t)
  if repeats > 1:
    return Layout(repeats=repeats)
  return _alternation(x_t, rate_hz)


def _repeats(x_t: np.ndarray) -> int:
  """How many times each value stands; 1 where values do not repeat by a rule."""
  is_same_t = (x_t[1:] == x_t[:-1]) | (np.isnan(x_t[1:]) & np.isnan(x_t[:-1]))
  changes = np.flatnonzero(~is_same_t)
  lengths = np.diff(changes)   # of the runs between the first change and the last
  if len(lengths) < FEWEST_RUNS:
    return 1
  found = np.unique_counts(lengths)
  usual = int(found.values[np.argmax(found.counts)])
  is_usual = (lengths == usual).mean() >= OF_SHORTEST
  if usual > 1 and is_usual and (lengths % usual == 0).mean() >= OF_MULTIPLES:
    return usual
  return 1


def _alternation(x_t: np.ndarray, rate_hz: float) -> Layout:
  """How many signals alternate: a sample is far from its neighbours, near to those k away."""
  rough = _roughness(x_t, 1)
  for signals in range(2, MOST_SIGNALS + 1):
    if signals > LONGEST_TURN_S * rate_hz or len(x_t) < FEWEST_RUNS * signals:
      break
    if not rough > ROUGHER * _roughness(x_t, signals):
      continue
    widths = [_width(x_t[first::signals]) for first in range(signals)]
    if rough > LEAST_APART * max(widths) > 0:
      return Layout(signals=signals, apart=rough / max(widths))
  return Layout()


def _roughness(x_t: np.ndarray, step: int) -> float:
  """Median distance of a sample from the mean of those `step` before and after it."""
  around_t = (x_t[:-2 * step] + x_t[2 * step:]) / 2
  distance_t = np.abs(x_t[step:-step] - around_t)
  distance_t = distance_t[np.isfinite(distance_t)]
  if not len(distance_t):
    return 0.0
  return float(np.median(distance_t))


def _width(x_t: np.ndarray) -> float:
  """About that of the middle 90 % of the values."""
  finite_t = x_t[np.isfinite(x_t)]
  if not len(finite_t):
    return 0.0
  low, high = np.quantile(finite_t, (0.25, 0.75))
  return float(2 * (high - low))
