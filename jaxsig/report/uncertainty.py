"""What methods know of their own errors: interval coverage and risk-coverage."""
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jaxsig.report.averages import group_means, group_values, size_of
from jaxsig.rows import Row
from jaxsig.statistics import bootstrap_interval, over_groups
from jaxsig.system import Metric

SHARES = range(20, 101, 5)   # per cent of the units answered: the points of a risk-coverage curve
TOLD_SHARES = (80, 60)       # of them, those that tables tell


class IntervalCoverage(NamedTuple):
  """How often intervals hold the truth, a mean over groups."""
  share: Mapping[str, float]   # {level in per cent: share}
  low: float | None            # of the share at the highest level: its 95 % interval
  high: float | None
  width: float                 # median over units of the interval of the highest level


class Answered(NamedTuple):
  """The figure over the answered units, and how many groups have any."""
  value: float
  groups: int


class RiskCoverage(NamedTuple):
  """The figure of a method that answers only the units of which it is most certain."""
  all: Answered                          # all that it answers
  told: Mapping[int, Answered | None]    # {per cent of the units asked for: ...}; None if fewer
  curve: Sequence[tuple[float, float]]   # (per cent of the units asked for, figure), ascending


class Uncertainty(NamedTuple):
  """What a method says of its own error; None where it says nothing."""
  intervals: IntervalCoverage | None
  risk: RiskCoverage | None


def uncertainty_of(rows: Sequence[Row], metric: Metric) -> Uncertainty:
  """What a method's included rows of one metric say of its own error."""
  return Uncertainty(_interval_coverage(rows), _risk_coverage(rows, metric))


def _interval_coverage(rows: Sequence[Row]) -> IntervalCoverage | None:
  by_level = defaultdict(list)
  for row in rows:
    if row.truth is not None:
      for level in row.interval:
        by_level[level].append(row)
  if not by_level:
    return None

  levels = sorted(by_level, key=float)
  shares_g = {}
  for level in levels:
    by_group = group_means(by_level[level], _truth_inside(level))
    shares_g[level] = list(by_group.values())

  highest = levels[-1]
  low, high = None, None
  if len(shares_g[highest]) > 1:
    low, high = bootstrap_interval(shares_g[highest])
  widths = []
  for row in by_level[highest]:
    lower, upper = row.interval[highest]
    widths.append(upper - lower)
  return IntervalCoverage(
      share={level: over_groups(shares_g[level]) for level in levels},
      low=low,
      high=high,
      width=float(np.median(widths)),
  )


def _truth_inside(level: str) -> Callable[[Row], bool]:
  def is_inside(row: Row) -> bool:
    low, high = row.interval[level]
    return low <= row.truth <= high

  return is_inside


def _risk_coverage(rows: Sequence[Row], metric: Metric) -> RiskCoverage | None:
  answered = [row for row in rows if math.isfinite(row.result)]
  doubts = [_doubt(row, metric) for row in answered]
  if all(doubt == math.inf for doubt in doubts):
    return None

  def least_doubt_first(row: Row) -> tuple[float, str, str]:
    return _doubt(row, metric), row.record, row.unit

  asked = Counter(row.stamp.seed for row in rows)
  by_seed = defaultdict(list)
  for row in sorted(answered, key=least_doubt_first):
    by_seed[row.stamp.seed].append(row)

  everything = _answered(answered, metric)
  told = {}
  for share in TOLD_SHARES:
    told[share] = _most_certain(by_seed, asked, share, metric)
  curve = []
  for share in SHARES:
    some = _most_certain(by_seed, asked, share, metric)
    if some is not None:
      curve.append((share, some.value))
  answered_percent = 100 * len(answered) / len(rows)
  if not curve or curve[-1][0] < answered_percent:
    curve.append((answered_percent, everything.value))
  return RiskCoverage(everything, told, curve)


def _doubt(row: Row, metric: Metric) -> float:
  """What a method says of its doubt in a row; infinite where it says nothing."""
  if row.spread is not None:
    return row.spread
  if metric.is_error or row.probability is None:
    return math.inf
  if metric.better == "higher":
    return 1 - row.probability
  if metric.better == "lower":
    return row.probability
  return math.inf


def _most_certain(
    by_seed: Mapping[int, Sequence[Row]],
    asked: Mapping[int, int],
    share: float,
    metric: Metric,
) -> Answered | None:
  """The figure of the first `share` per cent of each seed's units; None if fewer are answered."""
  chosen = []
  for seed, units in asked.items():
    n = max(1, math.floor(share * units / 100 + 0.5))
    if n > len(by_seed[seed]):
      return None
    chosen.extend(by_seed[seed][:n])
  return _answered(chosen, metric)


def _answered(rows: Sequence[Row], metric: Metric) -> Answered:
  by_group = group_values(rows, size_of(metric), metric.aggregate)
  values_g = list(by_group.values())
  return Answered(over_groups(values_g, metric.aggregate.groups), len(values_g))
