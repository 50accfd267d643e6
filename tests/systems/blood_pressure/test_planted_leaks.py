"""Five leaks, each planted and each caught: refused by name, or marked in the rows."""
import numpy as np
import pytest
from fake_pressure import config_of, people

from jaxsig.data import splits
from jaxsig.data.ppg.pressure import leak_audit
from jaxsig.data.records import Segment, clipped
from jaxsig.errors import UserError
from jaxsig.systems.blood_pressure import baselines


@pytest.fixture(scope="module")
def cohort():
  return people(6, stretches=8)


def test_a_subject_on_both_sides_is_refused(cohort):
  first, second, *_ = cohort
  shared = second._replace(id="again", group=first.group)
  member = splits.Member(
      "planted", 0, 0,
      train=(Segment(first.group, first.id),), val=(), test=(Segment(shared.group, shared.id),))
  with pytest.raises(UserError, match=f"{first.group} is in both train and test"):
    splits.check(member)


def test_a_copy_under_another_name_is_refused(cohort):
  """Shifted, scaled and resampled by the sensor's clock: still the same pulse."""
  copied = cohort[0]
  ppg_t = 3 * copied.signals["ppg_t"][40:] + 5
  annotations = {name: x[40:] for name, x in copied.annotations.items()}
  stranger = copied._replace(
      id="x", group="x", signals={"ppg_t": ppg_t}, annotations=annotations)
  records = leak_audit.tied([*cohort, stranger])
  config = config_of(split__kind="leave_one_out", split__folds=(), split__val_groups=1).split
  with pytest.raises(UserError, match="hold the same samples"):
    splits.members(records, config)


def test_time_that_is_trained_on_and_tested_is_refused(cohort):
  record = cohort[0]
  member = splits.Member(
      "planted", 0, 0, train=(), val=(),
      test=(Segment(record.group, record.id, 40.0),),
      adapt=(Segment(record.group, record.id, 0.0, 50.0),))
  with pytest.raises(UserError, match="adapts until 50 s .* and tests from 40 s"):
    splits.check(member)


def test_what_is_fitted_sees_nothing_of_the_test(cohort):
  """Features' scaling and labels' mean are those of the training part, whatever comes after it."""
  config = config_of()
  train = [clipped(record, Segment(record.group, record.id, 0.0, 44.0)) for record in cohort]
  changed = []
  for record in cohort:
    later = np.arange(len(record.signals["ppg_t"])) >= 44 * record.rate_hz
    sbp_t = np.where(later, record.annotations["sbp_t"] + 60, record.annotations["sbp_t"])
    ppg_t = np.where(later, 100 * record.signals["ppg_t"], record.signals["ppg_t"])
    whole = record._replace(
        signals={**record.signals, "ppg_t": ppg_t},
        annotations={**record.annotations, "sbp_t": sbp_t})
    changed.append(clipped(whole, Segment(record.group, record.id, 0.0, 44.0)))
  every = baselines.make(config)
  for name in ("constant", "ridge", "nearest"):
    told = []
    for records in (train, changed):
      told.append(every[name].predict(every[name].fit(records), cohort[0])["bp_mmhg_b_p"])
    np.testing.assert_array_equal(*told)


@pytest.mark.parametrize("changes", [
    {"split__kind": "personal", "split__adapt": "random", "split__adapt_s": 22.0},
    {"split__kind": "mixed"},
])
def test_random_windows_of_the_tested_are_marked(cohort, changes):
  config = config_of(split__block_s=11.0, split__folds=(), split__n_folds=2, **changes)
  assert all(member.leaks for member in splits.members(cohort, config.split))
