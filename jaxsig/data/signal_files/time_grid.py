"""Samples at time stamps put on a uniform grid of time."""
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from jaxsig.data.signal_files.time_gaps import COARSE, Pieces, pieces_of
from jaxsig.data.signal_files.time_pace import pace_of
from jaxsig.data.signal_files.time_rates import plain_rate, slope_rate, spread_s
from jaxsig.data.signal_files.time_uneven import resampled_grid
from jaxsig.plurals import count

LONGEST_S = 7 * 24 * 3600.0   # a longer recording is taken to be wrong
_EVEN = 0.05                  # of a sample's duration: stamps off by less are even
_LATE_PACKET_S = 0.75
_MOST_STRETCHES = 0.05        # of the samples: more gaps are another rate


class Grid(NamedTuple):
  """A uniform grid.

  Attributes:
    rate_hz: of the grid.
    samples: on it.
    place: [t] a column in the order of its stamps -> [samples] on the grid, NaN in gaps.
    paces_hz: (slowest, fastest) at which the stamps run.
    notes: a sentence for each thing that was done.
  """
  rate_hz: float
  samples: int
  place: Callable[[np.ndarray], np.ndarray]
  paces_hz: tuple[float, float]
  notes: tuple[str, ...]


def grid_of(time_s: np.ndarray, resolution_s: float, given_hz: float | None) -> Grid:
  """Returns the uniform grid of a recording.

  Even stamps keep their samples, with NaN in gaps; others are resampled.

  Args:
    time_s: [t] ascending, from 0 on, not all equal.
    resolution_s: to which they are rounded.
    given_hz: a rate that is known from elsewhere; taken where it explains the stamps.
  """
  pace_hz = pace_of(time_s)
  if _are_multiples(time_s, resolution_s, pace_hz):
    resolution_s = 1e-3 / pace_hz
  pieces = pieces_of(time_s, resolution_s, pace_hz)
  bounds = pieces.bounds(len(time_s))
  rate_hz = slope_rate(time_s, bounds)
  if np.isfinite(rate_hz) and not pieces.is_coarse:
    pieces = pieces_of(time_s, resolution_s, rate_hz)   # by the better rate
    bounds = pieces.bounds(len(time_s))
    rate_hz = slope_rate(time_s, bounds)

  if pieces.is_coarse:
    rate_hz = _better(time_s, bounds, rate_hz, pieces.rate_hz)

  if np.isfinite(rate_hz):
    rate_hz = plain_rate(time_s, bounds, rate_hz, resolution_s, given_hz)
  if _are_even(time_s, pieces, bounds, rate_hz, resolution_s):
    return _even_grid(time_s, pieces, bounds, rate_hz)
  return Grid(*resampled_grid(time_s, resolution_s, pieces, given_hz))


def even_grid(samples: int, rate_hz: float) -> Grid:
  """Returns the grid of samples that follow each other evenly, whatever their stamps."""
  place = _Placed(((0, samples),), (0,), samples)
  return Grid(rate_hz, samples, place, (rate_hz, rate_hz), ())


def grid_at(time_s: np.ndarray, resolution_s: float, rate_hz: float) -> Grid:
  """Returns the grid of samples at a known rate, with NaN in gaps: see `grid_of`."""
  pieces = pieces_of(time_s, resolution_s, rate_hz)
  return _even_grid(time_s, pieces, pieces.bounds(len(time_s)), rate_hz)


def _better(
    time_s: np.ndarray,
    bounds: Sequence[tuple[int, int]],
    slope_hz: float,
    arrivals_hz: float,
) -> float:
  """The rate that explains more: a few coarse steps tilt the least-squares line."""
  if np.isfinite(slope_hz):
    unexplained_s = spread_s(time_s, bounds, slope_hz)
    if unexplained_s <= spread_s(time_s, bounds, arrivals_hz):
      return slope_hz
  return arrivals_hz


def _are_multiples(time_s: np.ndarray, resolution_s: float, pace_hz: float) -> bool:
  """Whether stamps as coarse as their steps are exact: 10 ms, 10 ms, 20 ms where one is lost."""
  if resolution_s < COARSE / pace_hz:
    return False
  steps_s = np.diff(time_s)
  commonest_s = np.median(steps_s)
  if commonest_s <= 0:
    return False
  multiples = steps_s / commonest_s
  is_whole = np.abs(multiples - np.rint(multiples)) <= 1e-3
  are_whole = np.mean(is_whole & (multiples > 0.5)) > 0.99
  share = np.mean(np.abs(multiples - 1) <= 1e-3)
  if share < 0.6 or not are_whole:
    return False
  whole = [(0, len(time_s))]
  return spread_s(time_s, whole, slope_rate(time_s, whole)) > 1.02 * resolution_s


def _are_even(
    time_s: np.ndarray,
    pieces: Pieces,
    bounds: Sequence[tuple[int, int]],
    rate_hz: float,
    resolution_s: float,
) -> bool:
  """Whether one rate explains the stamps of all stretches."""
  if not np.isfinite(rate_hz):
    return False
  if not pieces.is_coarse and len(pieces.starts) > _MOST_STRETCHES * len(time_s):
    return False
  allowed_s = 1.05 * resolution_s + 2 * _EVEN / rate_hz
  if pieces.in_packets:
    waits_s = np.diff(time_s[pieces.first_a])
    allowed_s = max(allowed_s + 3 * float(np.median(waits_s)), _LATE_PACKET_S)
  return spread_s(time_s, bounds, rate_hz) <= allowed_s


class _Placed(NamedTuple):
  """Puts stretches of samples at their positions on a grid, NaN elsewhere."""
  bounds: tuple[tuple[int, int], ...]
  positions: tuple[int, ...]
  samples: int

  def __call__(self, x_t: np.ndarray) -> np.ndarray:
    """[t] samples -> [samples] on the grid."""
    if len(self.bounds) == 1:
      return np.array(x_t, np.float64)
    on_grid_t = np.full(self.samples, np.nan)
    for (first, last), position in zip(self.bounds, self.positions, strict=True):
      on_grid_t[position:position + last - first] = x_t[first:last]
    return on_grid_t


def _even_grid(
    time_s: np.ndarray,
    pieces: Pieces,
    bounds: Sequence[tuple[int, int]],
    rate_hz: float,
) -> Grid:
  positions = []
  filled = 0   # samples on the grid so far
  for first, last in bounds:
    position = max(filled, round((time_s[first] - time_s[0]) * rate_hz))
    positions.append(position)
    filled = position + last - first

  notes = []
  lost = filled - len(time_s)
  if lost > 0:
    gaps = count(len(pieces.starts), "gap", "gaps")
    notes.append(f"{gaps} in the times, {lost / rate_hz:.4g} s in all, left without samples")
  place = _Placed(tuple(bounds), tuple(positions), filled)
  rate_hz = float(rate_hz)
  return Grid(rate_hz, filled, place, (rate_hz, rate_hz), tuple(notes))
