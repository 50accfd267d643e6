"""Distributions of a breathing rate on one logarithmic grid, in numpy."""
import numpy as np

# 128 rates from 4 to 60 a minute, 2.15 % apart. A ratio of rates is a shift on this grid, so a
# pattern over harmonics is one too.
RATE_BPM_R = 4.0 * 15.0 ** (np.arange(128) / 127)
EDGE_BINS = 2   # a mode in these bins at either end is most likely a rate beyond the grid, or none


def _normalised(pmf_r: np.ndarray) -> np.ndarray:
  """Distributions [..., r] that sum to 1; NaN throughout where the mass is not finite or zero."""
  pmf_r = np.asarray(pmf_r, np.float64)
  bins = pmf_r.shape[-1]
  if bins != len(RATE_BPM_R):
    raise ValueError(f"a distribution over {bins} rates is not on the grid of {len(RATE_BPM_R)}")

  total = pmf_r.sum(-1, keepdims=True)
  valid = np.isfinite(total) & (total > 0)
  divisor = np.where(valid, total, 1)
  return np.where(valid, pmf_r / divisor, np.nan)


def quantile(pmf_r: np.ndarray, q: float) -> np.ndarray:
  """The q-quantile [...] per minute of distributions [..., r] over RATE_BPM_R.

  Each bin's mass is spread evenly over the bin's logarithmic width. NaN where the mass is not
  finite or zero.

  Raises:
    ValueError: there are not as many bins as rates.
  """
  mass_r = _normalised(pmf_r)
  mass_below_r = np.cumsum(mass_r, -1) - mass_r

  bin_of_q = (mass_below_r <= q).sum(-1, keepdims=True) - 1
  bin_of_q = np.clip(bin_of_q, 0, None)
  mass = np.take_along_axis(mass_r, bin_of_q, -1)
  mass_below = np.take_along_axis(mass_below_r, bin_of_q, -1)

  divisor = np.where(mass > 0, mass, 1)
  fraction = (q - mass_below) / divisor   # of the bin's width
  offset = np.clip(fraction, 0, 1) - 0.5  # from the bin's centre

  log_step = np.log(RATE_BPM_R[1] / RATE_BPM_R[0])
  log_rate = np.log(RATE_BPM_R[bin_of_q]) + offset * log_step
  return np.exp(log_rate)[..., 0]


def mean_sd(pmf_r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Mean and standard deviation, [...] per minute, of distributions [..., r]; NaN as `quantile`."""
  mass_r = _normalised(pmf_r)
  mean = (mass_r * RATE_BPM_R).sum(-1)
  mean_square = (mass_r * RATE_BPM_R**2).sum(-1)
  variance = np.maximum(mean_square - mean**2, 0)
  return mean, np.sqrt(variance)


def at_edge(pmf_r: np.ndarray) -> np.ndarray:
  """Whether the mode of distributions [..., r] lies within EDGE_BINS of an end of the grid: [...].

  True where the distribution is NaN.
  """
  mass_r = np.nan_to_num(_normalised(pmf_r))
  mode = np.argmax(mass_r, -1)
  at_low_end = mode < EDGE_BINS
  at_high_end = mode >= len(RATE_BPM_R) - EDGE_BINS
  return at_low_end | at_high_end
