"""Averages of rows: over units of a record, members (seeds), records of a group, then groups.

Nothing else in the package averages scores.
"""
import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from jaxsig.rows import Row
from jaxsig.statistics import bootstrap_interval
from jaxsig.system import Aggregate, Metric

MEANS = Aggregate()   # at every stage


class Estimate(NamedTuple):
  """A figure with its 95 % interval by bootstrap over groups; None where there is none."""
  value: float | None
  low: float | None = None
  high: float | None = None


class Figures(NamedTuple):
  """What tables say of one method's rows in one metric."""
  estimate: Estimate           # of the error's size or the value, as `Metric.aggregate` says
  groups: int                  # that have a result
  units: int                   # that are asked for
  coverage: float | None       # share of units with a result, a mean over groups

  # of a value: the median over groups, or the mean where `estimate` is a median
  other: float | None = None

  # of an error; means at every stage
  rmse: float | None = None
  bias: float | None = None
  limits: tuple[float, float] | None = None   # of agreement: bias +/- 1.96 SD
  within: tuple[float, ...] = ()              # share of units within each of the tolerances


def center(values: Sequence[float], how: str) -> float:
  """The "mean" or "median" of values.

  Plain Python: numpy takes minutes for millions of short lists.
  """
  if how == "median":
    return statistics.median(values)
  return math.fsum(values) / len(values)


def group_values(
    rows: Iterable[Row],
    of: Callable[[Row], float],
    how: Aggregate = MEANS,
) -> dict[str, float]:
  """One figure a group: `of(row)` averaged over units, then members, then records.

  Args:
    rows: with stamps.
    of: the figure of a row.
    how: mean or median over units and over records. Members (seeds) of one record are always
      averaged by their mean.

  Returns:
    {group: figure}, sorted by group.
  """
  by_member = defaultdict(list)
  for row in rows:
    by_member[row.group, row.record, row.stamp.member].append(of(row))

  by_record = defaultdict(list)
  for (group, record, _), values in by_member.items():
    by_record[group, record].append(center(values, how.units))

  by_group = defaultdict(list)
  for (group, _), values in by_record.items():
    by_group[group].append(center(values, "mean"))

  figures = {}
  for group in sorted(by_group):
    figures[group] = center(by_group[group], how.records)
  return figures


def group_means(rows: Iterable[Row], of: Callable[[Row], float]) -> dict[str, float]:
  """One figure a group: the mean of `of(row)` over units, then members (seeds), then records.

  Returns:
    {group: mean}, sorted by group.
  """
  return group_values(rows, of, MEANS)


def result_groups(rows: Iterable[Row], metric: Metric) -> dict[str, float]:
  """One figure a group of the rows with a result: the size of their errors, or their values."""
  found = [row for row in rows if math.isfinite(row.result)]
  return group_values(found, size_of(metric), metric.aggregate)


def size_of(metric: Metric) -> Callable[[Row], float]:
  """The function that gives a row's size of error, or its value."""
  if metric.is_error:
    return _absolute_error
  return _result


def direction(metric: Metric) -> int:
  """1 where less is better (as of any error), -1 where more is, 0 where neither is."""
  if metric.is_error or metric.better == "lower":
    return 1
  if metric.better == "higher":
    return -1
  return 0


def figures_of(rows: Sequence[Row], metric: Metric) -> Figures:
  """The figures of one method's rows in one metric."""
  found = [row for row in rows if math.isfinite(row.result)]
  by_group = group_values(found, size_of(metric), metric.aggregate)
  values_g = list(by_group.values())
  units = {(row.record, row.unit) for row in rows}
  estimate = estimate_of(values_g, metric.aggregate.groups)
  if metric.is_count:
    estimate = Estimate(estimate.value)
  figures = Figures(
      estimate=estimate,
      groups=len(values_g),
      units=len(units),
      coverage=_mean(rows, _is_answered),
  )
  if not found:
    return figures
  if metric.is_error:
    return _with_errors(figures, found, metric)

  other = "median"
  if metric.aggregate.groups == "median":
    other = "mean"
  return figures._replace(other=center(values_g, other))


def estimate_of(values_g: Sequence[float], how: str) -> Estimate:
  """The mean or median over groups with its interval, which needs two groups."""
  if not values_g:
    return Estimate(None)
  value = center(values_g, how)
  if len(values_g) == 1:
    return Estimate(value)
  low, high = bootstrap_interval(values_g, statistic=how)
  return Estimate(value, low, high)


def _with_errors(figures: Figures, found: Sequence[Row], metric: Metric) -> Figures:
  bias = _mean(found, _result)
  rmse = math.sqrt(_mean(found, _squared_error))
  variance = max(rmse ** 2 - bias ** 2, 0)
  spread = 1.96 * math.sqrt(variance)

  within = []
  for tolerance in metric.within:
    share = _mean(found, _is_within(tolerance))
    within.append(share)
  return figures._replace(
      rmse=rmse,
      bias=bias,
      limits=(bias - spread, bias + spread),
      within=tuple(within),
  )


def _mean(rows: Sequence[Row], of: Callable[[Row], float]) -> float | None:
  """The mean over groups of their means."""
  if not rows:
    return None
  means = group_means(rows, of)
  return center(list(means.values()), "mean")


def _result(row: Row) -> float:
  return row.result


def _absolute_error(row: Row) -> float:
  return abs(row.result)


def _squared_error(row: Row) -> float:
  return row.result ** 2


def _is_within(tolerance: float) -> Callable[[Row], bool]:
  def is_within(row: Row) -> bool:
    return abs(row.result) <= tolerance

  return is_within


def _is_answered(row: Row) -> bool:
  """Whether the method gave an answer, even where no truth is known."""
  answer = row.value
  if answer is None:
    answer = row.estimate
  return answer is not None and math.isfinite(answer)
