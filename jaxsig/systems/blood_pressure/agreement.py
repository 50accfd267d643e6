"""Agreement of estimated and true pressures over the windows of many subjects."""
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jaxsig.rows import Row


class Pairs(NamedTuple):
  """Windows with an estimate and a truth; [n] each, pressures in mmHg."""
  estimate_n: np.ndarray
  truth_n: np.ndarray
  subject_n: np.ndarray
  intervals: Mapping[str, np.ndarray] = {}   # {per cent: [n, 2] low and high}, where all have one

  @property
  def error_n(self) -> np.ndarray:
    return self.estimate_n - self.truth_n


class Agreement(NamedTuple):
  """Figures over all windows, each window counted once; in mmHg where not said otherwise."""
  windows: int
  subjects: int
  mae: float
  mean_error: float
  sd: float
  rmse: float
  r2: float                   # 1 - error's energy over that of the truth about its mean
  slope: float                # of the error on the truth: -(1 - R2) of the best predictor
  sd_of_subject_means: float  # of the subjects' mean errors
  limits: tuple[float, float]   # of agreement for repeated measures


def pairs_of(rows: Iterable[Row]) -> Pairs:
  """The included rows that have an estimate."""
  chosen = [row for row in rows if row.included and math.isfinite(row.result)]
  return Pairs(
      np.array([row.estimate for row in chosen], float),
      np.array([row.truth for row in chosen], float),
      np.array([row.group for row in chosen]),
      _intervals(chosen),
  )


def _intervals(rows: Sequence[Row]) -> dict[str, np.ndarray]:
  """{per cent: [n, 2]} of the levels that all rows have."""
  if not rows:
    return {}
  levels = set(rows[0].interval)
  for row in rows:
    levels &= set(row.interval)
  return {level: np.array([row.interval[level] for row in rows]) for level in sorted(levels)}


def agreement(pairs: Pairs) -> Agreement:
  """The figures of pairs; NaN where there are too few."""
  error_n = pairs.error_n
  truth_n = pairs.truth_n
  spread = float(np.var(truth_n))
  r2, slope = math.nan, math.nan
  if spread > 0:
    r2 = 1 - float(np.mean(error_n**2)) / spread
    slope = float(np.cov(truth_n, error_n, bias=True)[0, 1]) / spread
  means = subject_means(pairs)
  return Agreement(
      windows=len(error_n),
      subjects=len(means),
      mae=float(np.mean(np.abs(error_n))),
      mean_error=float(np.mean(error_n)),
      sd=_sd(error_n),
      rmse=float(np.sqrt(np.mean(error_n**2))),
      r2=r2,
      slope=slope,
      sd_of_subject_means=_sd(means),
      limits=limits_of_agreement(pairs),
  )


def subject_means(pairs: Pairs) -> np.ndarray:
  """[s] the mean error of each subject, in the order of their names."""
  errors = _by_subject(pairs)
  return np.array([np.mean(errors[subject]) for subject in sorted(errors)])


def _by_subject(pairs: Pairs) -> dict[str, list[float]]:
  errors = defaultdict(list)
  for subject, error in zip(pairs.subject_n, pairs.error_n, strict=True):
    errors[subject].append(error)
  return errors


def _sd(x: Sequence[float] | np.ndarray) -> float:
  if len(x) < 2:
    return math.nan
  return float(np.std(x, ddof=1))


def limits_of_agreement(pairs: Pairs) -> tuple[float, float]:
  """Bias -+ 1.96 deviations of a single error where subjects have several windows.

  Bland and Altman, J Biopharm Stat 17:571-582, 2007, section 3: the variance within subjects plus
  that between them, from a one-way analysis of variance.
  """
  errors = [np.array(x) for x in _by_subject(pairs).values()]
  if len(errors) < 2:
    return math.nan, math.nan
  count_s = np.array([len(x) for x in errors])
  mean_s = np.array([x.mean() for x in errors])
  total = count_s.sum()
  bias = float(np.concatenate(errors).mean())
  between = float(np.sum(count_s * (mean_s - bias) ** 2) / (len(errors) - 1))
  within = 0.0
  if total > len(errors):
    squares = sum(float(np.sum((x - x.mean()) ** 2)) for x in errors)
    within = squares / (total - len(errors))
  divisor = (total - np.sum(count_s**2) / total) / (len(errors) - 1)
  variance = within + max((between - within) / divisor, 0.0)
  reach = 1.96 * math.sqrt(variance)
  return bias - reach, bias + reach


class Bin(NamedTuple):
  """The windows whose pressure lies in a range of 10 mmHg."""
  low_mmhg: float
  windows: int
  subjects: int
  mae: float
  mean_error: float
  hold: Mapping[str, float]   # {per cent: share of the intervals that hold the truth}


def by_bin(pairs: Pairs, by: str = "truth", width_mmhg: float = 10.0) -> list[Bin]:
  """Errors by bins of the truth, or of the estimate, which is what a user sees; ascending."""
  value_n = pairs.truth_n
  if by == "estimate":
    value_n = pairs.estimate_n
  low_n = np.floor(value_n / width_mmhg) * width_mmhg
  bins = []
  for low in np.unique(low_n):
    inside_n = low_n == low
    error = pairs.error_n[inside_n]
    hold = {}
    for level, interval_n_2 in pairs.intervals.items():
      hold[level] = _share_held(pairs.truth_n[inside_n], interval_n_2[inside_n])
    bins.append(Bin(
        low_mmhg=float(low),
        windows=len(error),
        subjects=len(np.unique(pairs.subject_n[inside_n])),
        mae=float(np.abs(error).mean()),
        mean_error=float(error.mean()),
        hold=hold,
    ))
  return bins


def _share_held(truth_n: np.ndarray, interval_n_2: np.ndarray) -> float:
  held_n = (interval_n_2[:, 0] <= truth_n) & (truth_n <= interval_n_2[:, 1])
  return float(held_n.mean())


class DistributionTest(NamedTuple):
  """A two-sample Kolmogorov-Smirnov test of the errors of two methods."""
  distance: float       # the largest between the two distributions
  p_of_windows: float   # as if every window were an independent draw, which it is not
  p_of_subjects: float  # the same distance among as many draws as there are subjects


def compare_distributions(first: Pairs, second: Pairs) -> DistributionTest:
  """Whether the errors of two methods are distributed alike, on as many windows and subjects.

  Schrumpf et al. 2021 test all windows. Those of one subject overlap and are alike, so that nearly
  any two methods differ by that p; the effective number of draws is that of subjects.
  """
  import scipy.stats

  found = scipy.stats.ks_2samp(first.error_n, second.error_n, method="asymp")
  distance = float(found.statistic)
  windows = min(len(first.error_n), len(second.error_n))
  subjects = min(len(np.unique(first.subject_n)), len(np.unique(second.subject_n)))
  return DistributionTest(
      distance=distance,
      p_of_windows=float(scipy.stats.kstwobign.sf(distance * math.sqrt(windows / 2))),
      p_of_subjects=float(scipy.stats.kstwobign.sf(distance * math.sqrt(subjects / 2))),
  )
