"""What the labels of a personal split say without a PPG."""
import numpy as np
import pytest
from fake_pressure import config_of, people

from jaxsig.data.personal_splits import personal
from jaxsig.data.records import clipped
from jaxsig.systems.blood_pressure import baselines
from jaxsig.systems.blood_pressure.features import table_of


@pytest.fixture(scope="module")
def record():
  [record] = people(1, stretches=12)
  return record


def of_split(record, adapt):
  """The baselines, the parts that are trained on, and the record's windows."""
  config = config_of(
      split__kind="personal", split__adapt=adapt, split__adapt_s=44.0, split__block_s=11.0)
  sides = personal([record], [record.group], config.split)
  parts = [clipped(record, segment) for segment in sides.adapt]
  return baselines.make(config), parts, table_of(record, config.data)


def middles_s(table):
  return table.start_s_b + table.length_s_b / 2


def test_the_first_labels_have_a_mean(record):
  every, parts, table = of_split(record, "first")
  assert list(every) == ["first_mean"]
  baseline = every["first_mean"]
  found = baseline.predict(baseline.fit(parts), record)["bp_mmhg_b_p"]
  is_first_b = table.start_s_b + table.length_s_b <= 44.0
  np.testing.assert_allclose(found[0], table.bp_mmhg_b_p[is_first_b].mean(0), rtol=1e-5)
  assert (found == found[0]).all()


def test_between_random_labels_lies_a_straight_line(record):
  every, parts, table = of_split(record, "random")
  baseline = every["random_interpolated"]
  fitted = baseline.fit(parts)
  found = baseline.predict(fitted, record)["bp_mmhg_b_p"]
  labels = fitted[record.group]
  assert len(labels.middle_s_k) >= 4
  for k, middle_s in enumerate(labels.middle_s_k):   # at a label it is that label
    b = int(np.argmin(np.abs(middles_s(table) - middle_s)))
    assert middles_s(table)[b] == pytest.approx(middle_s, abs=0.05)
    np.testing.assert_allclose(found[b], labels.bp_mmhg_k_p[k], atol=0.5)
  mean = every["random_mean"].predict(fitted, record)["bp_mmhg_b_p"]
  np.testing.assert_allclose(mean[0], labels.bp_mmhg_k_p.mean(0), rtol=1e-5)


def test_a_subject_without_labels_has_no_estimate(record):
  every, parts, _ = of_split(record, "random")
  fitted = every["random_mean"].fit(parts)
  stranger = record._replace(group="stranger", id="stranger")
  for baseline in every.values():
    assert np.isnan(baseline.predict(fitted, stranger)["bp_mmhg_b_p"]).all()
