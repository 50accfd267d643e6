"""Statistics over groups in closed form: intervals, pairs, agreement, interval scores."""

import numpy as np
import pytest
import scipy.stats
from made_rows import row

from jaxsig import statistics
from jaxsig.report.averages import group_means, group_values
from jaxsig.statistics import weighted_interval_score
from jaxsig.system import Aggregate

Z = {"50": 0.6745, "80": 1.2816, "95": 1.96}


def test_bootstrap_is_deterministic_and_has_the_width_of_the_standard_error():
  values = np.random.default_rng(3).standard_normal(400) + 2
  low, high = statistics.bootstrap_interval(values)
  assert (
    (low, high)
    == statistics.bootstrap_interval(values)
    != statistics.bootstrap_interval(values, seed=1)
  )
  half = 1.96 * values.std() / np.sqrt(400)
  np.testing.assert_allclose([low, high], [values.mean() - half, values.mean() + half], atol=0.01)
  narrow = statistics.bootstrap_interval(values, level=0.5)
  assert low < narrow[0] < narrow[1] < high
  assert (
    statistics.bootstrap_interval([1.5]) == (1.5, 1.5)
    and np.isnan(statistics.bootstrap_interval([])).all()
  )


def test_bootstrap_covers_the_truth_as_often_as_it_says():
  rng = np.random.default_rng(0)
  intervals = [
    statistics.bootstrap_interval(rng.standard_normal(40), n=500, seed=i) for i in range(300)
  ]
  assert 0.90 < np.mean([low < 0 < high for low, high in intervals]) < 0.985


def test_the_interval_of_a_median_is_about_it_and_no_outlier_moves_it():
  values = np.random.default_rng(1).standard_normal(101)
  low, high = statistics.bootstrap_interval(values, statistic="median")
  assert low < np.median(values) < high
  values[values.argmax()] = 1e6
  assert statistics.bootstrap_interval(values, statistic="median") == (low, high)


def test_paired_difference():
  rng = np.random.default_rng(0)
  b = rng.gamma(2, 1, 24)
  a = b + 0.5 + 0.1 * rng.standard_normal(24)
  found = statistics.paired_difference(a, b)
  assert (
    found.difference == pytest.approx((a - b).mean())
    and 0.4 < found.low < found.difference < found.high < 0.6
  )
  assert found.p_value == pytest.approx(scipy.stats.wilcoxon(a, b).pvalue) and found.p_value < 1e-5
  back = statistics.paired_difference(b, a)
  np.testing.assert_allclose(
    [back.difference, back.low, back.high, back.p_value],
    [-found.difference, -found.high, -found.low, found.p_value],
    atol=1e-9,
  )
  assert statistics.paired_difference(a, b, statistic="median").difference == np.median(a - b)


def test_paired_difference_without_difference_or_groups():
  assert statistics.paired_difference([1, 2, 3], [1, 2, 3]) == (0, 0, 0, 1)
  one = statistics.paired_difference([3], [1])
  assert one[:3] == (2, 2, 2) and np.isnan(one.p_value)
  assert np.isnan(statistics.paired_difference([], [])).all()
  with pytest.raises(ValueError, match="paired"):
    statistics.paired_difference([1, 2], [1])


def test_limits_of_agreement():
  assert statistics.limits_of_agreement([-1, 0, 1, 2]) == pytest.approx(
    (0.5, 0.5 - 1.96 * 1.2910, 0.5 + 1.96 * 1.2910), abs=1e-4
  )
  bias, low, high = statistics.limits_of_agreement([2.0])
  assert bias == 2 and np.isnan([low, high]).all()


def told(truth, estimate, **interval):
  return row(
    "A", "a1", estimate - truth, truth=truth, interval={k[1:]: v for k, v in interval.items()}
  )


def test_the_weighted_interval_score_in_closed_form():
  # without an interval: the absolute error
  assert weighted_interval_score(told(15, 12)) == pytest.approx(3)
  assert weighted_interval_score(told(15, 14, _50=(13, 17))) == pytest.approx(
    (0.5 * 1 + 0.25 * 4) / 1.5
  )
  assert weighted_interval_score(told(10, 14, _50=(13, 17))) == pytest.approx(
    (0.5 * 4 + 0.25 * 4 + 3) / 1.5
  )
  assert weighted_interval_score(told(18.5, 14, _50=(13, 17))) == pytest.approx(
    (0.5 * 4.5 + 0.25 * 4 + 1.5) / 1.5
  )
  three = told(20, 15, _50=(14, 16), _80=(12, 18), _95=(10, 21))
  assert weighted_interval_score(three) == pytest.approx(
    (2.5 + (0.25 * 2 + 4) + (0.1 * 6 + 2) + 0.025 * 11) / 3.5
  )
  assert weighted_interval_score(three, ("95",)) == pytest.approx((2.5 + 0.025 * 11) / 1.5)


def test_the_weighted_interval_score_is_least_for_the_true_distribution():
  truths = 15 + 2 * np.random.default_rng(0).standard_normal(2000)

  def mean(estimate, sd):
    interval = {f"_{level}": (estimate - z * sd, estimate + z * sd) for level, z in Z.items()}
    return np.mean([weighted_interval_score(told(y, estimate, **interval)) for y in truths])

  honest = mean(15, 2)
  for estimate, sd in ((15, 1), (15, 1.5), (15, 2.7), (15, 4), (15, 1e-6), (16, 2), (14, 2)):
    assert mean(estimate, sd) > honest + 0.01, (estimate, sd)


def test_group_means_go_over_units_then_seeds_then_records():
  rows = [row("A", "a1", e, k, seed=s) for s in (0, 1) for k, e in enumerate((1.0, 2.0, 6.0))]
  rows += [row("A", "a2", 10.0), row("A", "a3", 11.0), row("B", "b1", 5.0)]
  assert group_means(rows, lambda r: r.result) == {"A": (3 + 10 + 11) / 3, "B": 5}
  assert group_values(rows, lambda r: r.result, Aggregate("median", "median")) == {"A": 10, "B": 5}
