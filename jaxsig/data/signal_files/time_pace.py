"""How fast time stamps run, and how finely they are written, by the stamps themselves."""
import numpy as np

_MOST = 4096           # stamps that are looked at
_BLOCKS = (16, 128)   # samples over which a pace is taken


def resolution_of(values_t: np.ndarray) -> float:
  """Returns the power of ten to which values are rounded, in their own unit."""
  values = values_t[np.isfinite(values_t)][:_MOST]
  finest = max(np.spacing(np.abs(values).max()) * 2, 1e-12)
  resolution = 1e6
  while resolution > finest:
    whole = np.rint(values / resolution) * resolution
    if np.abs(values - whole).max() <= max(finest, 1e-6 * resolution):
      break
    resolution /= 10

  return max(resolution, finest)


def pace_of(values_t: np.ndarray) -> float:
  """Returns the samples a unit of time of ascending times [t]; NaN where time stands still.

  It is the median over blocks of samples: pauses do not slow it, nor do packets, whose samples
  have almost the same time, speed it up.
  """
  steps = np.diff(values_t)
  span = steps.sum()
  if not span > 0:
    return np.nan
  longest = np.quantile(steps, 0.99, method="lower")
  rising = steps[steps > 0]
  pause = max(longest, 20 * np.median(rising))
  clipped_t = np.concatenate([[0.0], np.cumsum(np.minimum(steps, pause))])

  paces = []
  for samples in _BLOCKS:
    if 4 * samples < len(values_t):
      durations = np.diff(clipped_t[::samples])
      median = np.median(durations)
      if median > 0:
        paces.append(samples / median)
  if not paces:
    median = np.median(steps)
    if median > 0:
      return 1 / median
    return len(steps) / clipped_t[-1]
  return min(paces)
