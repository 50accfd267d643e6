"""Agreement, standards and statistics against closed forms."""
import math

import numpy as np
import pytest

from jaxsig.systems.blood_pressure import standards
from jaxsig.systems.blood_pressure.agreement import (
  Pairs,
  agreement,
  by_bin,
  compare_distributions,
  limits_of_agreement,
)
from jaxsig.systems.blood_pressure.holm import holm


def pairs(error_n, truth_n=None, subject_n=None):
  error_n = np.asarray(error_n, float)
  if truth_n is None:
    truth_n = np.full(len(error_n), 120.0)
  if subject_n is None:
    subject_n = np.arange(len(error_n)).astype(str)
  return Pairs(truth_n + error_n, np.asarray(truth_n, float), np.asarray(subject_n))


def test_the_figures_of_a_few_errors():
  found = agreement(pairs([1, -3, 5, 5], [100, 110, 120, 130], ["a", "a", "b", "b"]))
  assert (found.windows, found.subjects) == (4, 2)
  assert found.mae == 3.5 and found.mean_error == 2.0
  assert found.rmse == pytest.approx(math.sqrt(15))
  assert found.sd == pytest.approx(np.std([1, -3, 5, 5], ddof=1))
  assert found.sd_of_subject_means == pytest.approx(np.std([-1, 5], ddof=1))
  assert found.r2 == pytest.approx(1 - 15 / 125)


def test_the_best_predictor_has_the_slope_of_what_it_does_not_know():
  """An estimate E[y|x] of a Gaussian y with R2 = 0.3: slope -(1 - R2), by distance as known."""
  draw = np.random.default_rng(0)
  r2, sd, mean = 0.3, 18.0, 120.0
  estimate = mean + sd * math.sqrt(r2) * draw.standard_normal(400_000)
  truth = estimate + sd * math.sqrt(1 - r2) * draw.standard_normal(400_000)
  own = pairs(estimate - truth, truth, np.zeros(400_000))
  found = agreement(own)
  assert found.r2 == pytest.approx(r2, abs=0.01)
  assert found.slope == pytest.approx(-(1 - r2), abs=0.01)
  size = np.abs(own.error_n)
  steps = np.floor(np.abs(truth - mean) / sd * 2)
  by_distance = [size[steps == k].mean() for k in range(5)]
  # MAE in steps of half a deviation from the mean
  assert by_distance == pytest.approx([7.2, 10.4, 15.6, 21.6, 27.9], abs=0.3)


def test_limits_of_agreement_of_single_readings_are_bias_and_two_deviations():
  error = np.random.default_rng(0).normal(2, 5, 500)
  low, high = limits_of_agreement(pairs(error))
  assert (low + high) / 2 == pytest.approx(error.mean())
  assert high - low == pytest.approx(2 * 1.96 * error.std(ddof=1), rel=1e-6)


def test_limits_of_agreement_count_what_subjects_have_in_common():
  draw = np.random.default_rng(0)
  between, within, each = 6.0, 3.0, 20
  own = draw.normal(0, between, 400)
  error = np.repeat(own, each) + draw.normal(0, within, 400 * each)
  low, high = limits_of_agreement(pairs(error, subject_n=np.repeat(np.arange(400), each)))
  assert high - low == pytest.approx(2 * 1.96 * math.hypot(between, within), rel=0.06)


def test_bins_of_the_truth_and_of_the_estimate():
  own = pairs([5, -5, 20], [118, 122, 139], ["a", "b", "b"])
  first, second, third = by_bin(own)
  assert [one.low_mmhg for one in (first, second, third)] == [110, 120, 130]
  assert (third.mae, third.mean_error, third.windows) == (20, 20, 1)
  assert [one.low_mmhg for one in by_bin(own, "estimate")] == [110, 120, 150]


# Standards

def test_the_largest_deviation_of_iso_81060_2():
  mean_errors = np.arange(0, 5.5, 0.5)
  expected = [6.95, 6.93, 6.87, 6.78, 6.65, 6.47, 6.25, 5.97, 5.64, 5.24, 4.81]
  found = [standards.largest_sd(error) for error in mean_errors]
  assert found == pytest.approx(expected, abs=0.006)
  assert standards.largest_sd(-3.0) == standards.largest_sd(3.0)
  assert standards.largest_sd(12.0) == 0


def test_the_criteria_of_iso_say_what_fails():
  draw = np.random.default_rng(1)
  fine = agreement(pairs(draw.normal(0, 4, 90)))
  assert standards.iso_criterion_1(fine).meets and standards.iso_criterion_2(fine).meets
  few = agreement(pairs(draw.normal(0, 4, 60)))
  assert "60 subjects are fewer than 85" in standards.iso_criterion_1(few).words
  biased = standards.iso_criterion_1(agreement(pairs(draw.normal(7, 4, 90))))
  assert not biased.meets and "more than 5" in biased.words
  wide = standards.iso_criterion_2(agreement(pairs(draw.normal(0, 9, 90))))
  assert not wide.meets and "deviation of the subjects' means" in wide.words


@pytest.mark.parametrize(
    ("within", "grade"),
    [((60, 85, 95), "A"), ((59, 85, 95), "B"), ((50, 75, 90), "B"), ((45, 70, 86), "C"),
     ((30, 60, 80), "D")],
)
def test_grades_of_the_british_hypertension_society(within, grade):
  first, second, third = within
  error = [4] * first + [9] * (second - first) + [14] * (third - second) + [30] * (100 - third)
  assert standards.bhs_shares(np.array(error)) == within
  assert standards.bhs_grade(np.array(error)) == grade


@pytest.mark.parametrize(("mae", "grade"), [(5, "A"), (5.5, "B"), (6.5, "C"), (7, "D"), (12, "D")])
def test_grades_of_ieee_1708(mae, grade):
  assert standards.ieee_grade(mae) == grade


def test_a_population_that_lacks_high_and_low_pressures_is_told():
  normal = pairs(np.zeros(200), np.full(200, 120.0))
  assert len(standards.lacking_population("sbp", normal)) == 3
  spread = pairs(np.zeros(300), np.linspace(90, 180, 300))
  assert standards.lacking_population("sbp", spread) == []


def test_holm_is_the_step_down_correction():
  assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == pytest.approx(
      {"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
  assert holm({"a": 0.4, "b": 0.9})["b"] == pytest.approx(0.9)
  assert math.isnan(holm({"a": math.nan, "b": 0.02})["a"])


def test_many_windows_of_few_subjects_are_few_draws():
  """A distance that thousands of windows call certain is none among twenty subjects."""
  draw = np.random.default_rng(0)
  subject_n = np.repeat(np.arange(20), 100)
  first = pairs(draw.standard_normal(2000), subject_n=subject_n)
  second = pairs(0.3 + draw.standard_normal(2000), subject_n=subject_n)
  test = compare_distributions(first, second)
  assert test.distance == pytest.approx(0.119, abs=0.03)   # 2 Phi(0.15) - 1
  assert test.p_of_windows < 1e-6 and test.p_of_subjects > 0.5
  same = compare_distributions(first, first)
  assert same.distance == 0 and same.p_of_windows == 1
