"""Distributions of a breathing rate on one logarithmic grid, in numpy."""
import numpy as np

# 128 rates from 4 to 60 a minute, 2.15 % apart: a ratio of rates is a shift on this grid, so a pattern over harmonics is too.
RATE_BPM_R = 4.0 * 15.0 ** (np.arange(128) / 127)
EDGE_BINS = 2   # a mode in so many bins at either end is most likely a rate beyond the grid, or none


def _shares(pmf_r: np.ndarray) -> np.ndarray:
  """Distributions [..., r] that sum to 1; NaN throughout where the mass is not finite or zero."""
  pmf_r = np.asarray(pmf_r, np.float64)
  if pmf_r.shape[-1] != len(RATE_BPM_R):
    raise ValueError(f"a distribution over {pmf_r.shape[-1]} rates is not on the grid of {len(RATE_BPM_R)}")
  total = pmf_r.sum(-1, keepdims=True)
  good = np.isfinite(total) & (total > 0)
  return np.where(good, pmf_r / np.where(good, total, 1), np.nan)


def quantile(pmf_r: np.ndarray, q: float) -> np.ndarray:
  """The q-quantile of distributions [..., r] over RATE_BPM_R, each bin's mass spread evenly over its log width: [...] per minute.

  NaN where the mass is not finite or zero. ValueError where there are not as many bins as rates.
  """
  share_r = _shares(pmf_r)
  below_r = np.cumsum(share_r, -1) - share_r   # the mass below each bin
  r = np.clip((below_r <= q).sum(-1, keepdims=True) - 1, 0, None)
  mass_r = np.take_along_axis(share_r, r, -1)
  into = (q - np.take_along_axis(below_r, r, -1)) / np.where(mass_r > 0, mass_r, 1)
  step = np.log(RATE_BPM_R[1] / RATE_BPM_R[0])
  return np.exp(np.log(RATE_BPM_R[r]) + (np.clip(into, 0, 1) - 0.5) * step)[..., 0]


def mean_sd(pmf_r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Mean and standard deviation of distributions [..., r] over RATE_BPM_R: ([...], [...]) per minute; NaN as in `quantile`."""
  share_r = _shares(pmf_r)
  mean = (share_r * RATE_BPM_R).sum(-1)
  return mean, np.sqrt(np.maximum((share_r * RATE_BPM_R**2).sum(-1) - mean**2, 0))


def at_edge(pmf_r: np.ndarray) -> np.ndarray:
  """Whether the mode of distributions [..., r] lies within EDGE_BINS of an end of the grid: [...] bool; True where it is NaN."""
  mode = np.argmax(np.nan_to_num(_shares(pmf_r)), -1)
  return (mode < EDGE_BINS) | (mode >= len(RATE_BPM_R) - EDGE_BINS)
