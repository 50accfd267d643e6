"""Stretches in which a signal shows one value: a sensor that is off, or a code that fills a gap."""
import numpy as np

from jaxsig.data.gaps import runs
from jaxsig.data.ppg.outside_values import BLOCK

STILL_S = 2.0            # for so long no pulse stands still: off the finger, or saturated
FILL_S = 0.25            # a fill of a gap lasts as long at least
FEWEST_SAMPLES = 4
FEWEST_FILLS = 3         # of one value
INSIDE_JUMP = 0.1        # widths that a signal jumps at one end of most fills within its range ...
END_JUMP = 0.4           # ... and at both ends of each at its end, where it might be clipped
LEAST_LEVELS = 4         # that a jump must span, of a coarsely quantised signal


def still_stretches(x_t: np.ndarray, least: float) -> np.ndarray:
  """[k, 2] first and past-the-last index of each stretch of one value of at least `least` samples.

  The signal [t] is read in parts.
  """
  found = [np.zeros((0, 2), int)]
  unfinished = np.zeros((0, 2), int)   # a run of equal steps that goes on in the next part
  for first in range(0, len(x_t), BLOCK):
    block_t = x_t[first:first + BLOCK + 1]
    equal = runs(block_t[1:] == block_t[:-1]) + first
    if len(unfinished) and len(equal) and equal[0, 0] == unfinished[0, 1]:
      equal[0, 0] = unfinished[0, 0]
    else:
      equal = np.concatenate([unfinished, equal])

    goes_on = equal[:, 1] == first + BLOCK
    unfinished = equal[goes_on]
    found.append(_long(equal[~goes_on], least))
  found.append(_long(unfinished, least))
  return np.concatenate(found)


def _long(equal_k_2: np.ndarray, least: float) -> np.ndarray:
  """Stretches of samples, of runs of equal steps: k steps are k + 1 samples."""
  stretches = equal_k_2 + (0, 1)
  return stretches[stretches[:, 1] - stretches[:, 0] >= least]


def filled_stretches(x_t: np.ndarray, rate_hz: float, width: float) -> np.ndarray:
  """[k, 2] stretches of a signal [t] where one value, such as 0 or -1, fills several gaps.

  A signal jumps into such a stretch and out of it, to the same value each time. A plateau of a
  pulse, clipped or coarsely quantised, it enters and leaves in small steps.

  Args:
    x_t: NaN in gaps.
    rate_hz: its sampling rate.
    width: about that of the middle 90 % of its values.
  """
  least = max(FEWEST_SAMPLES, FILL_S * rate_hz)
  candidates = still_stretches(x_t, least)
  inside = (candidates[:, 0] > 0) & (candidates[:, 1] < len(x_t))
  candidates = candidates[inside]
  if len(candidates) < FEWEST_FILLS:
    return candidates[:0]

  value_k = x_t[candidates[:, 0]].astype(np.float64)
  before_k = x_t[candidates[:, 0] - 1]
  after_k = x_t[candidates[:, 1]]
  jump_2_k = np.nan_to_num(np.abs(np.stack([before_k, after_k]) - value_k))   # 0 beside a gap
  low, high = np.nanmin(x_t), np.nanmax(x_t)

  is_fill_k = np.zeros(len(candidates), bool)
  for value in _repeated(value_k):
    same_k = value_k == value
    jumps = jump_2_k[:, same_k]
    if value in (low, high):
      is_fill = jumps.min() > END_JUMP * width
    else:
      is_fill = np.median(jumps.max(0)) > _least_jump(x_t, width)
    is_fill_k |= same_k & is_fill
  return candidates[is_fill_k]


def _repeated(value_k: np.ndarray) -> np.ndarray:
  """The values that so many stretches show as a fill does."""
  found = np.unique_counts(value_k)
  return found.values[found.counts >= FEWEST_FILLS]


def _least_jump(x_t: np.ndarray, width: float) -> float:
  """The least jump into a fill within the range: more than the steps between quantised levels."""
  steps = np.abs(np.diff(x_t[:BLOCK].astype(np.float64)))
  steps = steps[steps > 0]
  if not len(steps):
    return np.inf
  return max(INSIDE_JUMP * width, LEAST_LEVELS * float(np.quantile(steps, 0.05)))
