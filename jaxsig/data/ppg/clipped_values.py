"""Signals whose highest or lowest values are cut off, as a sensor out of its range does."""
import numpy as np

from jaxsig.data.gaps import runs

FEWEST = 3   # samples of one value in a row: fewer are chance, or coarse steps at a peak


def clipped_share(x_t: np.ndarray) -> float:
  """The share of the samples at which a signal rests on its highest or lowest value.

  Runs of fewer than FEWEST samples are not counted, nor a signal that never moves.

  Args:
    x_t: [t], NaN in gaps.
  """
  x_t = np.asarray(x_t)
  finite_t = np.isfinite(x_t)
  total = int(finite_t.sum())
  if not total:
    return 0.0
  low, high = np.nanmin(x_t), np.nanmax(x_t)
  if low == high:
    return 0.0
  resting = 0
  for limit in (low, high):
    for first, last in runs(x_t == limit):
      if last - first >= FEWEST:
        resting += last - first
  return resting / total
