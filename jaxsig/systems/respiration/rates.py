"""Distributions of a breathing rate on one logarithmic grid, in numpy."""
import numpy as np

LOWEST_BPM = 4.0
HIGHEST_OVER_LOWEST = 15.0
BINS = 128
# rates from 4 to 60 a minute, 2.15 % apart. A ratio of rates is a shift on this grid, so a pattern
# over harmonics is one too.
_FRACTION_R = np.arange(BINS) / (BINS - 1)
RATE_BPM_R = LOWEST_BPM * HIGHEST_OVER_LOWEST ** _FRACTION_R
# a mode in these bins at either end is most likely a rate beyond the grid, or none
EDGE_BINS = 2


def _normalised(pmf_r: np.ndarray) -> np.ndarray:
  """Distributions [..., r] that sum to 1; NaN throughout where the mass is not finite or zero."""
  pmf_r = np.asarray(pmf_r, np.float64)
  bins = pmf_r.shape[-1]
  if bins != BINS:
    raise ValueError(f"a distribution over {bins} rates is not on the grid of {BINS}")

  total = pmf_r.sum(-1, keepdims=True)
  is_positive = total > 0
  valid = np.isfinite(total) & is_positive
  divisor = np.where(valid, total, 1)
  mass_r = pmf_r / divisor
  return np.where(valid, mass_r, np.nan)


def quantile(pmf_r: np.ndarray, q: float) -> np.ndarray:
  """The q-quantile [...] per minute of distributions [..., r] over RATE_BPM_R.

  Each bin's mass is spread evenly over the bin's logarithmic width. NaN where the mass is not
  finite or zero.

  Raises:
    ValueError: there are not as many bins as rates.
  """
  mass_r = _normalised(pmf_r)
  mass_up_to_r = np.cumsum(mass_r, -1)
  mass_below_r = mass_up_to_r - mass_r

  # the last bin that begins at or below the quantile
  begins_below_r = mass_below_r <= q
  bins_below = begins_below_r.sum(-1, keepdims=True)
  last_bin = bins_below - 1
  bin_of_q = np.clip(last_bin, 0, None)
  mass = _at_bin(mass_r, bin_of_q)
  mass_below = _at_bin(mass_below_r, bin_of_q)

  # where in its width
  divisor = np.where(mass > 0, mass, 1)
  wanted = q - mass_below
  fraction = wanted / divisor
  fraction = np.clip(fraction, 0, 1)
  from_centre = fraction - 0.5

  centre_bpm = RATE_BPM_R[bin_of_q]
  ratio = RATE_BPM_R[1] / RATE_BPM_R[0]
  log_step = np.log(ratio)
  offset = from_centre * log_step
  log_rate = np.log(centre_bpm) + offset
  rate = np.exp(log_rate)
  return rate[..., 0]


def _at_bin(x_r: np.ndarray, index_1: np.ndarray) -> np.ndarray:
  """The values [..., 1] of x_r [..., r] at one bin [..., 1] each."""
  return np.take_along_axis(
      x_r,
      index_1,
      axis=-1,
  )


def mean_sd(pmf_r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Mean and standard deviation, [...] per minute, of distributions [..., r]; NaN as `quantile`."""
  mass_r = _normalised(pmf_r)
  first_moment_r = mass_r * RATE_BPM_R
  second_moment_r = mass_r * RATE_BPM_R**2
  mean = first_moment_r.sum(-1)
  mean_square = second_moment_r.sum(-1)
  variance = mean_square - mean**2
  not_negative = np.maximum(variance, 0)   # by rounding it might be
  return mean, np.sqrt(not_negative)


def at_edge(pmf_r: np.ndarray) -> np.ndarray:
  """Whether the mode of distributions [..., r] lies within EDGE_BINS of an end of the grid: [...].

  True where the distribution is NaN.
  """
  mass_r = np.nan_to_num(_normalised(pmf_r))
  mode = np.argmax(mass_r, -1)
  first_high_bin = BINS - EDGE_BINS
  at_low_end = mode < EDGE_BINS
  at_high_end = mode >= first_high_bin
  return at_low_end | at_high_end
