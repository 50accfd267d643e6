"""Samples at uneven times, such as a rate that changes, resampled to a uniform grid."""
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from jaxsig.data.signal_files.time_gaps import COARSE, Pieces

_BLOCK = 32            # samples over which a local rate is taken
_SUSTAINED = 0.05      # of the duration for which a local rate has to last
_ROUNDINGS = 50        # that a block has to last at least
_JITTER = 0.05         # of the rate: local rates that differ less are one
_NEAR = 11             # steps before and after, which tell what a gap is
_SMALLEST_GAP_S = 0.1
_GAP_STEPS = 3.0
_POINTS = 200_000      # interpolated at once
_MARGIN = 4


class _Interpolated(NamedTuple):
  """Interpolates samples at uneven times, without overshoot; gaps are NaN."""
  time_s: np.ndarray
  gap_after_t: np.ndarray
  rate_hz: float
  samples: int

  def __call__(self, x_t: np.ndarray) -> np.ndarray:
    """[t] samples -> [samples] on the grid."""
    on_grid_t = np.full(self.samples, np.nan)
    for start in range(0, self.samples, _POINTS):
      stop = min(start + _POINTS, self.samples)
      grid_s = np.arange(start, stop) / self.rate_hz
      first = max(0, np.searchsorted(self.time_s, grid_s[0], "right") - _MARGIN)
      last = np.searchsorted(self.time_s, grid_s[-1], "right") + _MARGIN
      part = slice(first, last)
      on_grid_t[start:stop] = _between(
        self.time_s[part], x_t[part], self.gap_after_t[part], grid_s
      )
    return on_grid_t


def _between(
    time_s: np.ndarray,
    x_t: np.ndarray,
    gap_after_t: np.ndarray,
    grid_s: np.ndarray,
) -> np.ndarray:
  """Values on the grid; NaN in gaps and next to missing samples."""
  import scipy.interpolate

  present_t = np.isfinite(x_t)
  if present_t.sum() < 2:
    return np.full(len(grid_s), np.nan)
  curve = scipy.interpolate.PchipInterpolator(time_s[present_t], x_t[present_t])
  held_s = np.clip(grid_s, time_s[present_t][0], time_s[present_t][-1])
  values = curve(held_s)

  before = np.clip(np.searchsorted(time_s, grid_s, "right") - 1, 0, len(time_s) - 1)
  after = np.minimum(before + 1, len(time_s) - 1)
  on_a_stamp = np.isclose(grid_s, time_s[before], rtol=0, atol=1e-9)
  unknown = ~present_t[before] | (~present_t[after] & ~on_a_stamp)
  unknown |= gap_after_t[before] & (grid_s - time_s[before] > _hold_s(time_s))
  values[unknown] = np.nan
  return values


def _hold_s(time_s: np.ndarray) -> float:
  """For how long the last sample before a gap stands."""
  return float(np.median(np.diff(time_s))) / 2


def resampled_grid(
    time_s: np.ndarray,
    resolution_s: float,
    pieces: Pieces,
    given_hz: float | None,
) -> tuple[float, int, Callable[[np.ndarray], np.ndarray], tuple[float, float], tuple[str, ...]]:
  """Returns the fields of a `Grid` on which samples at uneven times are interpolated.

  Its rate is the highest that lasts, so that nothing is lost.

  Args:
    time_s: [t] ascending, from 0 on.
    resolution_s: to which they are rounded.
    pieces: of them.
    given_hz: a rate that is known from elsewhere; taken where the stamps run about so fast.
  """
  spread_s = _spread(time_s, pieces)
  steps_s = np.diff(spread_s)
  gap_after_t = np.append(_gaps(steps_s), False)
  usual_s = steps_s[~gap_after_t[:-1]]
  slow_hz, fast_hz = _local_rates(usual_s, resolution_s)

  rate_hz = _rounded(fast_hz)
  if given_hz is not None and abs(given_hz - fast_hz) <= 0.1 * fast_hz:
    rate_hz = float(given_hz)
  last_step_s = float(np.median(steps_s[-_NEAR:]))
  samples = round((spread_s[-1] + last_step_s) * rate_hz)
  if slow_hz == fast_hz and abs(samples - len(time_s)) <= 2:
    samples = len(time_s)   # jitter of the first and last stamps costs no sample
  place = _Interpolated(spread_s, gap_after_t, rate_hz, samples)

  paces = f"{slow_hz:.4g} to {fast_hz:.4g}"
  if fast_hz - slow_hz < 0.02 * fast_hz:
    paces = f"about {fast_hz:.4g}"
  notes = [f"{paces} samples/s by uneven time stamps, resampled to {rate_hz:.6g}"]
  gaps = int(gap_after_t.sum())
  if gaps:
    lost_s = float(steps_s[gap_after_t[:-1]].sum())
    notes.append(f"gaps in the times, {lost_s:.4g} s in all, left without samples")
  return rate_hz, samples, place, (slow_hz, fast_hz), tuple(notes)


def _spread(time_s: np.ndarray, pieces: Pieces) -> np.ndarray:
  """Times without repeats: samples of one arrival share the time until the next evenly."""
  first_a = pieces.first_a
  if not pieces.is_coarse or len(first_a) < 2:
    first_a = np.concatenate([[0], np.flatnonzero(np.diff(time_s) > 0) + 1])
  samples_a = np.diff(np.append(first_a, len(time_s)))
  times_s_a = time_s[first_a]
  waits_s_a = np.append(np.diff(times_s_a), np.inf)
  step_s_a = np.minimum(waits_s_a / samples_a, 1 / pieces.rate_hz)   # no slower, before a gap
  after_first = np.arange(len(time_s)) - np.repeat(first_a, samples_a)
  return np.repeat(times_s_a, samples_a) + after_first * np.repeat(step_s_a, samples_a)


def _gaps(steps_s: np.ndarray) -> np.ndarray:
  """[t - 1] whether a step is much longer than those before and those after it."""
  import scipy.ndimage

  near = min(_NEAR, len(steps_s))
  usual_s = scipy.ndimage.median_filter(steps_s, near, mode="nearest")
  shift = near // 2 + 1
  before_s = np.concatenate([np.repeat(usual_s[:1], shift), usual_s[:-shift]])
  after_s = np.concatenate([usual_s[shift:], np.repeat(usual_s[-1:], shift)])
  longest_usual_s = np.maximum(before_s, after_s)[:len(steps_s)]
  return steps_s > np.maximum(_SMALLEST_GAP_S, _GAP_STEPS * longest_usual_s)


def _local_rates(steps_s: np.ndarray, resolution_s: float) -> tuple[float, float]:
  """The slowest and the fastest rate in Hz that last."""
  mean_s = float(steps_s.mean())
  block = max(_BLOCK, int(_ROUNDINGS * resolution_s / mean_s))
  block = max(1, min(block, len(steps_s) // 8))
  blocks = len(steps_s) // block
  durations_s = steps_s[:blocks * block].reshape(blocks, block).sum(-1)
  durations_s = np.sort(durations_s)[::-1]
  share = np.cumsum(durations_s) / durations_s.sum()
  slow_hz = block / durations_s[np.searchsorted(share, _SUSTAINED)]
  fast_hz = block / durations_s[np.searchsorted(share, 1 - _SUSTAINED)]
  if fast_hz - slow_hz < _JITTER * fast_hz:
    return 1 / mean_s, 1 / mean_s

  short_s = np.quantile(steps_s, 0.1)   # where samples are lost, the others tell the rate
  near_t = np.abs(steps_s - short_s) <= 0.05 * short_s + 1.05 * resolution_s
  if near_t.mean() >= 0.2 and resolution_s < COARSE * short_s:
    fast_hz = 1 / steps_s[near_t].mean()
  return float(slow_hz), float(fast_hz)


def _rounded(rate_hz: float) -> float:
  """A whole number where that is near; else four digits."""
  whole_hz = float(round(rate_hz))
  if whole_hz and abs(rate_hz - whole_hz) <= 0.02 * rate_hz:
    return whole_hz
  return float(f"{rate_hz:.4g}")
