"""What may be said of one figure a patient: intervals, pairs of methods, agreement. Numpy and SciPy, deterministic."""
from typing import NamedTuple

import numpy as np


class PairedDifference(NamedTuple):
  """Mean of a - b over patients with its bootstrap interval and the p value of Wilcoxon's signed-rank test."""
  mean: float
  low: float
  high: float
  p_value: float


def bootstrap_interval(values_g: np.ndarray, n: int = 10_000, seed: int = 0,
                       level: float = 0.95) -> tuple[float, float]:
  """Percentile bootstrap interval of the mean over patients (Efron & Tibshirani 1993, section 13.3).

  Args:
    values_g: one finite figure a patient (never one a window: those of one patient are not independent).
    n: resamples.
    seed: of the resampling, so that a table can be made again.
    level: coverage.

  Returns:
    (low, high); both NaN without patients.
  """
  values_g = np.asarray(values_g, np.float64)
  if not len(values_g):
    return float("nan"), float("nan")
  picks = np.random.default_rng(seed).integers(0, len(values_g), (n, len(values_g)))
  low, high = np.quantile(values_g[picks].mean(-1), [(1 - level) / 2, (1 + level) / 2])
  return float(low), float(high)


def paired_difference(a_g: np.ndarray, b_g: np.ndarray, n: int = 10_000, seed: int = 0) -> PairedDifference:
  """Compares two methods on the same patients.

  Args:
    a_g, b_g: one figure a patient and method, in the same order of patients.
    n, seed: as in `bootstrap_interval`.

  Returns:
    The difference a - b; p is 1 where all differences are zero and NaN with fewer than two patients.

  Raises:
    ValueError: the two are not of one length.
  """
  if len(a_g) != len(b_g):
    raise ValueError(f"{len(a_g)} and {len(b_g)} patients cannot be paired")
  difference_g = np.asarray(a_g, np.float64) - np.asarray(b_g, np.float64)
  if not len(difference_g):
    return PairedDifference(*[float("nan")] * 4)
  low, high = bootstrap_interval(difference_g, n, seed)
  return PairedDifference(float(difference_g.mean()), low, high, _wilcoxon_p(difference_g))


def _wilcoxon_p(difference_g: np.ndarray) -> float:
  if len(difference_g) < 2:
    return float("nan")
  moved_g = difference_g[difference_g != 0]   # Wilcoxon's own rule for ties with zero
  import scipy.stats  # over a second to import: only where a test runs
  return float(scipy.stats.wilcoxon(moved_g).pvalue) if len(moved_g) else 1.0


def limits_of_agreement(errors: np.ndarray) -> tuple[float, float, float]:
  """Bias and 95 % limits of agreement, bias -+ 1.96 SD (Bland & Altman, Lancet 327, 1986).

  Args:
    errors: [n] estimate - truth; the formula takes them for independent.

  Returns:
    (bias, low, high); the limits are NaN with fewer than two errors, all three without any.
  """
  errors = np.asarray(errors, np.float64)
  if not len(errors):
    return float("nan"), float("nan"), float("nan")
  bias = float(errors.mean())
  spread = 1.96 * float(errors.std(ddof=1)) if len(errors) > 1 else float("nan")
  return bias, bias - spread, bias + spread


def weighted_interval_score(row: dict, levels: tuple[str, ...] = ("50", "80", "95")) -> float:
  """How far estimate and central intervals of a row lie from its truth: small for the sharp and honest (a proper score).

  Bracher et al., PLoS Comput Biol 17(2), 2021, eq. 1: (|y - m| / 2 + sum alpha/2 IS_alpha) / (K + 1/2), of which an interval scores
  its width and 2/alpha times what the truth lies outside (Gneiting and Raftery 2007, eq. 43).

  Args:
    row: "truth", "estimate", and "low_50", "high_50", ...; a level without an interval is left out.
    levels: in per cent.
  """
  y, parts = row["truth"], [0.5 * abs(row["truth"] - row["estimate"])]
  for level in levels:
    low, high = row.get(f"low_{level}"), row.get(f"high_{level}")
    if low is not None and high is not None:
      alpha = 1 - int(level) / 100
      parts.append(0.5 * alpha * (high - low) + max(low - y, 0) + max(y - high, 0))
  return sum(parts) / (len(parts) - 0.5)
