"""Statistics of one figure a group: intervals, pairs of methods, agreement.

Numpy and SciPy, deterministic.
"""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jaxsig.rows import Row

NAN = float("nan")
LEVELS = ("50", "80", "95")   # per cent, of central intervals


class PairedDifference(NamedTuple):
  """Mean (or median) of a - b over groups, with its bootstrap interval.

  p is that of Wilcoxon's signed-rank test.
  """
  difference: float
  low: float
  high: float
  p_value: float


def over_groups(values_g: np.ndarray, statistic: str = "mean") -> float:
  """The "mean" or "median" of one figure a group."""
  if statistic == "median":
    return float(np.median(values_g))
  return float(np.mean(values_g))


def bootstrap_interval(
    values_g: np.ndarray,
    n: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
    statistic: str = "mean",
) -> tuple[float, float]:
  """Percentile bootstrap interval of the mean over groups (Efron & Tibshirani 1993, section 13.3).

  Args:
    values_g: one finite figure a group (never one a unit: those of one group are not independent).
    n: resamples.
    seed: of the resampling, so that a table can be made again.
    level: coverage.
    statistic: "mean" or "median".

  Returns:
    (low, high); both NaN without groups.
  """
  values_g = np.asarray(values_g, np.float64)
  if not len(values_g):
    return NAN, NAN

  groups = len(values_g)
  rng = np.random.default_rng(seed)
  picks = rng.integers(0, groups, (n, groups))
  resamples = values_g[picks]
  if statistic == "median":
    estimates = np.median(resamples, -1)
  else:
    estimates = resamples.mean(-1)

  ends = [(1 - level) / 2, (1 + level) / 2]
  low, high = np.quantile(estimates, ends)
  return float(low), float(high)


def paired_difference(
    a_g: np.ndarray,
    b_g: np.ndarray,
    n: int = 10_000,
    seed: int = 0,
    statistic: str = "mean",
) -> PairedDifference:
  """Compares two methods on the same groups.

  Args:
    a_g, b_g: one figure a group and method, in the same order of groups.
    n, seed, statistic: as in `bootstrap_interval`.

  Returns:
    The difference a - b; p is 1 where all differences are zero and NaN with fewer than two groups.

  Raises:
    ValueError: the two are not of one length.
  """
  if len(a_g) != len(b_g):
    raise ValueError(f"{len(a_g)} and {len(b_g)} groups cannot be paired")

  a_g = np.asarray(a_g, np.float64)
  b_g = np.asarray(b_g, np.float64)
  difference_g = a_g - b_g
  if not len(difference_g):
    return PairedDifference(NAN, NAN, NAN, NAN)

  low, high = bootstrap_interval(difference_g, n, seed, statistic=statistic)
  return PairedDifference(
      difference=over_groups(difference_g, statistic),
      low=low,
      high=high,
      p_value=_wilcoxon_p(difference_g),
  )


def _wilcoxon_p(difference_g: np.ndarray) -> float:
  if len(difference_g) < 2:
    return NAN

  moved_g = difference_g[difference_g != 0]   # Wilcoxon's own rule for ties with zero
  if not len(moved_g):
    return 1.0

  import scipy.stats  # takes over a second to import: only where a test runs
  return float(scipy.stats.wilcoxon(moved_g).pvalue)


def limits_of_agreement(errors: np.ndarray) -> tuple[float, float, float]:
  """Bias and 95 % limits of agreement, bias +/- 1.96 SD (Bland & Altman, Lancet 327, 1986).

  Args:
    errors: [n] estimate - truth; the formula takes them for independent.

  Returns:
    (bias, low, high); the limits are NaN with fewer than two errors, all three without any.
  """
  errors = np.asarray(errors, np.float64)
  if not len(errors):
    return NAN, NAN, NAN

  bias = float(errors.mean())
  spread = NAN
  if len(errors) > 1:
    deviation = float(errors.std(ddof=1))
    spread = 1.96 * deviation
  return bias, bias - spread, bias + spread


def weighted_interval_score(row: Row, levels: Sequence[str] = LEVELS) -> float:
  """How far the estimate and the central intervals of a row lie from its truth.

  A proper score, small for the sharp and honest. Bracher et al., PLoS Comput Biol 17(2), 2021,
  eq. 1: (|y - m| / 2 + sum alpha/2 IS_alpha) / (K + 1/2), of which an interval scores its width and
  2/alpha times what the truth lies outside (Gneiting and Raftery 2007, eq. 43).

  Args:
    row: with a truth and an estimate; a level without an interval is left out.
    levels: in per cent.
  """
  parts = [0.5 * abs(row.truth - row.estimate)]
  for level in levels:
    if level not in row.interval:
      continue
    low, high = row.interval[level]
    alpha = 1 - int(level) / 100
    width = 0.5 * alpha * (high - low)
    below = max(low - row.truth, 0)
    above = max(row.truth - high, 0)
    parts.append(width + below + above)
  return sum(parts) / (len(parts) - 0.5)
