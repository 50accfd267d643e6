"""Readings of the subject, how much of a model is believed, intervals, and the null cohort."""
import numpy as np
import pytest
from fake_pressure import config_of, people

from jaxsig.data.ppg.pressure import null_cohort
from jaxsig.data.ppg.pressure.known_windows import NOTHING, Known, known_windows
from jaxsig.data.ppg.pressure.simulate_pressure import simulate
from jaxsig.errors import UserError
from jaxsig.systems.blood_pressure import baselines, calibration, conformal, cuff_readings
from jaxsig.systems.blood_pressure.known_readings import known_of, moved, with_readings
from jaxsig.systems.blood_pressure.score import CHANGE_R, SAME_SUBJECT, WINDOW, score_record
from jaxsig.systems.blood_pressure.shrinkage import careful_weight


def told(bp, start_s):
  bp = np.asarray(bp, np.float32)
  return {"bp_mmhg_b_p": bp, "start_s_b": np.asarray(start_s, float),
          "length_s_b": np.full(len(bp), 7.0)}


def test_estimates_are_moved_so_that_their_mean_at_the_readings_is_right():
  known = Known(np.array([0.0, 10.0]), np.full(2, 7.0), np.array([[130, 80], [134, 84.0]]), 20.0)
  moved = with_readings(told([[100, 60], [110, 62], [120, 70]], [0, 10, 50]), known)
  np.testing.assert_allclose(moved["bp_mmhg_b_p"], [[127, 81], [137, 83], [147, 91]])
  np.testing.assert_allclose(moved["start_mmhg_b_p"], [[132, 82]] * 3)
  np.testing.assert_allclose(moved["unmoved_mmhg_b_p"][0], [100, 60])
  plain = told([[100, 60]], [0])
  assert with_readings(plain, NOTHING) is plain


def test_what_needs_readings_is_not_judged_without_one():
  """A labelled record without a reading has no estimate; a user's keeps the model's own."""
  [record] = people(1, stretches=2, stretch_s=8.0)
  config = config_of(data__known_share=0.01)
  predictions = told([[100, 60], [101, 61]], [0, 9])
  assert np.isnan(moved(record, predictions, config)["bp_mmhg_b_p"]).all()
  own = record._replace(annotations={}, info={"readings": []})
  np.testing.assert_array_equal(
      moved(own, predictions, config)["bp_mmhg_b_p"], predictions["bp_mmhg_b_p"])


def test_a_cuffs_reading_counts_at_the_window_nearest_to_it():
  known = Known(np.array([52.0]), np.zeros(1), np.array([[150.0, 90.0]]), 0.0)
  moved = with_readings(told([[100, 60], [110, 62]], [0, 50]), known)
  np.testing.assert_allclose(moved["bp_mmhg_b_p"], [[140, 88], [150, 90]])


def test_what_subjects_do_not_support_is_not_believed():
  draw = np.random.default_rng(0)
  subject = np.repeat(np.arange(40), 10)
  truth = draw.standard_normal(400)
  assert careful_weight(draw.standard_normal(400), truth, subject) < 0.1
  assert careful_weight(truth, truth, subject) == pytest.approx(1, abs=1e-6)
  noisy = truth + draw.standard_normal(400)
  assert careful_weight(noisy, truth, subject) == pytest.approx(0.5, abs=0.12)
  assert careful_weight(-truth, truth, subject) == 0
  assert careful_weight(truth[:10], truth[:10], subject[:10]) == 0   # one subject supports nothing


@pytest.mark.parametrize("states_sd", [False, True])
def test_intervals_hold_as_often_as_they_say_by_subject(states_sd):
  draw = np.random.default_rng(2)

  def errors(subjects):
    each = draw.integers(1, 30, subjects)
    subject = np.repeat(np.arange(subjects), each)
    sd = np.exp(0.4 * draw.standard_normal(len(subject)))
    own = np.repeat(draw.normal(0, 8, subjects), each)
    error = np.stack([own + sd * draw.normal(0, 5, len(subject))] * 2, -1)
    stated = None
    if states_sd:
      stated = np.stack([5 * sd + 4] * 2, -1)
    return conformal.Errors(error, stated, subject)

  widths = conformal.fit(errors(300))
  new = errors(300)
  arrays = conformal.intervals(-new.error_n_p, new.sd_n_p, widths)
  for level, nominal in (("50", 0.5), ("80", 0.8), ("90", 0.9), ("95", 0.95)):
    inside = (arrays[f"low_{level}_mmhg_b_p"] <= 0) & (arrays[f"high_{level}_mmhg_b_p"] >= 0)
    by_subject = [inside[new.subject_n == s, 0].mean() for s in np.unique(new.subject_n)]
    assert np.mean(by_subject) == pytest.approx(nominal, abs=0.05)


@pytest.mark.parametrize("own_part", [0.0, 0.5, 1.0])
def test_intervals_of_few_subjects_hold_as_often_whether_they_are_alike_or_not(own_part):
  draw = np.random.default_rng(3)

  def errors(subjects):
    subject = np.repeat(np.arange(subjects), 15)
    own = np.repeat(draw.standard_normal(subjects), 15)
    error = np.sqrt(own_part) * own + np.sqrt(1 - own_part) * draw.standard_normal(len(subject))
    return conformal.Errors(error[:, None], None, subject)

  held = []
  for _ in range(60):
    widths = conformal.fit(errors(12))
    new_n = np.abs(errors(200).error_n_p[:, 0])
    held.append([np.mean(new_n <= widths[level][0]) for level in ("50", "80", "90")])
  np.testing.assert_allclose(np.mean(held, 0), [0.5, 0.8, 0.9], atol=0.03)


def test_intervals_of_too_few_subjects_are_as_wide_as_the_largest_error():
  error_n_p = np.array([[1.0], [2.0], [9.0], [3.0]])
  widths = conformal.fit(conformal.Errors(error_n_p, None, np.array([0, 0, 1, 2])))
  assert widths["90"] == [9.0]
  assert widths["50"][0] < 9.0
  nine = conformal.fit(conformal.Errors(np.arange(9.0)[:, None], None, np.arange(9)))
  ten = conformal.fit(conformal.Errors(np.arange(10.0)[:, None], None, np.arange(10)))
  assert nine["90"] == [8.0] and ten["90"][0] < 9.0 and ten["95"] == [9.0]
  alone = conformal.fit(conformal.Errors(error_n_p, None, np.zeros(4)))
  assert alone["50"] == [9.0]


def test_windows_among_the_known_readings_are_not_scored():
  [record] = people(1, stretches=12)
  config = config_of()
  table = baselines.make(config)["known_mean"]
  predicted = record._replace(predictions=table.predict(None, record))
  rows = list(score_record(predicted, config.data))
  known = known_windows(record, config.data)
  windows = [row for row in rows if row.metric == WINDOW]
  assert windows and all(row.start_s >= known.from_s for row in windows)
  assert {row.target for row in windows} == {"sbp", "dbp"}
  [change] = [row for row in rows if row.metric == CHANGE_R and row.target == "sbp"]
  assert change.value == 0   # a constant follows nothing
  estimate = next(row.estimate for row in windows if row.target == "sbp")
  assert estimate == pytest.approx(known.bp_mmhg_k_p[:, 0].mean(), rel=1e-5)


def test_a_window_without_an_estimate_has_no_interval():
  [record] = people(1, stretches=4)
  config = config_of(data__known_share=0.0)
  predictions = baselines.make(config)["constant"].predict(
      baselines.Constant(np.full(2, np.nan)), record)
  widths = {"95": [10.0, 8.0]}
  arrays = conformal.intervals(predictions["bp_mmhg_b_p"], None, widths)
  rows = list(score_record(record._replace(predictions={**predictions, **arrays}), config.data))
  windows = [row for row in rows if row.metric == WINDOW]
  assert windows and all(row.estimate is None and not row.interval for row in windows)


def test_only_the_first_readings_are_used_where_so_many_are_asked_for():
  [record] = people(1, stretches=12)
  config = config_of(read__known_readings=1)
  first_mmhg_p = known_windows(record, config.data).bp_mmhg_k_p[0]
  found = baselines.make(config)["known_mean"].predict(None, record)
  np.testing.assert_allclose(found["bp_mmhg_b_p"][-1], first_mmhg_p, rtol=1e-5)
  other = baselines.make(config_of())["known_mean"].predict(None, record)
  assert np.abs(other["bp_mmhg_b_p"][-1] - first_mmhg_p).max() > 0.01
  own = record._replace(info={"readings": [[0.0, 120.0, 80.0], [5.0, 130.0, 84.0]]})
  assert len(known_of(own, config).start_s_k) == 2   # a user's readings are all used


def test_the_last_reading_is_carried_forward():
  [record] = people(1, stretches=12)
  config = config_of()
  found = baselines.make(config)["known_last"].predict(None, record)
  known = known_windows(record, config.data)
  assert len(known.start_s_k) > 1
  np.testing.assert_allclose(found["bp_mmhg_b_p"][-1], known.bp_mmhg_k_p[-1], rtol=1e-5)


def test_a_learner_and_the_same_one_moved_are_fitted_once():
  records = people(4, stretches=8)
  every = baselines.make(config_of())
  fitted = every["ridge"].fit(records)
  assert every["ridge_offset"].fit(records) is fitted
  again = every["ridge"].fit(list(records))   # another training
  assert again is not fitted and again["models"]


@pytest.fixture(scope="module")
def null():
  changes = {"data__cohort": "null", "data__simulate_stretches": 8, "data__known_share": 0.0}
  config = config_of(**changes)
  return config, list(simulate(3, 120, config.data))


def error_of(config, name, fitted_on, tested):
  baseline = baselines.make(config)[name]
  fitted = baseline.fit(fitted_on)
  errors = []
  for record in tested:
    rows = score_record(record._replace(predictions=baseline.predict(fitted, record)), config.data)
    errors += [abs(row.result) for row in rows if row.metric == WINDOW and row.target == "sbp"]
  return np.mean(errors)


def test_on_the_null_cohort_no_learner_gains_over_the_mean(null):
  """Any gain on people who were not trained on would be a leak of the protocol."""
  config, records = null
  train, test = records[:80], records[80:]
  mean = error_of(config, "constant", train, test)
  for name in ("rate_only", "ridge", "extra_trees"):
    assert error_of(config, name, train, test) > 0.97 * mean


def halves(records):
  """(the first, the later) part of each recording."""
  first, second = [], []
  size = round(4 * 11 * records[0].rate_hz)
  for record in records:
    for part, chosen in ((slice(None, size), first), (slice(size, None), second)):
      signals = {name: x[part] for name, x in record.signals.items()}
      annotations = {name: x[part] for name, x in record.annotations.items()}
      half = record._replace(signals=signals, annotations=annotations)
      chosen.append(half._replace(id=f"{record.id}_{len(chosen)}"))
  return first, second


def test_on_the_null_cohort_a_mixed_split_flatters(null):
  """The same learner on windows of people it was trained on knows who they are."""
  config, records = null
  first, second = halves(records)
  leaky = error_of(config, "extra_trees", first, second)
  assert leaky < 0.8 * error_of(config, "constant", first, second)


def share_of_same_subject(config, fitted_on, tested):
  control = baselines.make(config)["nearest"]
  fitted = control.fit(fitted_on)
  values = []
  for record in tested:
    rows = score_record(record._replace(predictions=control.predict(fitted, record)), config.data)
    values += [row.value for row in rows if row.metric == SAME_SUBJECT]
  return np.mean(values)


def test_the_nearest_window_explains_a_leak(null):
  """Of strangers its label errs by both people's deviations, of the same person by the windows'."""
  config, records = null
  mean_size = np.sqrt(2 / np.pi)   # of a normal error of deviation 1
  between = np.sqrt(2) * np.hypot(null_cohort.BETWEEN_MMHG, null_cohort.WITHIN_MMHG)
  within = np.sqrt(2) * null_cohort.WITHIN_MMHG

  first, second = halves(records)
  same = share_of_same_subject(config, first, second)
  assert same > 0.95
  expected = mean_size * (same * within + (1 - same) * between)
  assert error_of(config, "nearest", first, second) == pytest.approx(expected, rel=0.1)

  assert share_of_same_subject(config, records[:80], records[80:]) == 0
  strange = error_of(config, "nearest", records[:80], records[80:])
  assert strange == pytest.approx(mean_size * between, rel=0.15)


def test_calibration_learns_to_believe_nothing_of_noise():
  config = config_of(read__known="change")
  draw = np.random.default_rng(0)
  records = []
  for record in people(8, stretches=12):
    base = baselines.make(config)["constant"].predict(
        baselines.Constant(np.array([120.0, 70.0])), record)
    noise = draw.normal(0, 10, base["bp_mmhg_b_p"].shape)
    estimate = {**base, "bp_mmhg_b_p": base["bp_mmhg_b_p"] + noise,
                "prior_mmhg_b_p": base["bp_mmhg_b_p"]}
    predictions = with_readings(estimate, known_windows(record, config.data))
    records.append(record._replace(predictions=predictions))
  learnt = calibration.calibrate(config, records)
  assert max(learnt["prior_weight"] + learnt["change_weight"]) < 0.25
  arrays = calibration.assess(records[0].predictions, learnt)
  start = records[0].predictions["start_mmhg_b_p"]
  assert np.abs(arrays["bp_mmhg_b_p"] - start).max() < 8
  assert (arrays["low_95_mmhg_b_p"] < arrays["high_95_mmhg_b_p"]).all()


# A user's own readings

def test_readings_of_a_cuff_are_read_in_the_order_of_time():
  found = cuff_readings.parse("125/82.5@300; 120/80@0", 400.0)
  assert [tuple(reading) for reading in found] == [(0, 120, 80), (300, 125, 82.5)]
  assert cuff_readings.parse("", 10.0) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("120/80", "no reading"),
        ("120-80@0", "no reading"),
        ("80/120@0", "above the diastolic"),
        ("320/80@0", "outside 60 to 240"),
        ("120/8@0", "outside 25 to 150"),
        ("120/80@500", "later than the recording"),
        ("16/10.5@0", "seems to be in kPa: give it in mmHg, as 120/79@0"),
    ],
)
def test_a_reading_that_is_none_is_told(text, sentence):
  with pytest.raises(UserError, match=sentence):
    cuff_readings.parse(text, 400.0)
