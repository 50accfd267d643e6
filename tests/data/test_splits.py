"""Splits: who is trained on, validated by and tested, and that no window crosses a border."""
import itertools

import numpy as np
import pytest
from builders import records_of, toy
from ml_collections import ConfigDict

from jaxsig.data import splits
from jaxsig.data.records import Segment
from jaxsig.data.splits import groups_of
from jaxsig.data.windows import Windows
from jaxsig.errors import UserError
from jaxsig.system import make

pytestmark = pytest.mark.quick

GROUPS = [f"s{i:05d}" for i in range(40)]
RECORDS = records_of(GROUPS)
SOME_TWICE = records_of(GROUPS + GROUPS[:7])


def settings(**changes):
  fields = {
    "kind": "kfold",
    "n_folds": 5,
    "folds": (),
    "seeds": (0,),
    "val_groups": 3,
    "val_share": 0.0,
    "salt": 0,
    "inner_folds": 0,
    "adapt": "first",
    "adapt_s": 0.0,
    "guard_s": 0.0,
    "spare_random": False,
    "block_s": 60.0,
  }
  return ConfigDict({**fields, **changes})


def members_of(records, **changes):
  return splits.members(records, settings(**changes))


def sides_of(member):
  """The groups of all sides of a member."""
  return groups_of(member.train + member.val + member.test)


def fold_by_group(members):
  """{group: the fold that tests it}."""
  return {group: member.fold for member in members for group in groups_of(member.test)}


# By group

def test_folds_cover_every_group_once_and_never_share_one():
  members = members_of(SOME_TWICE)
  tested = []
  for member in members:
    tested += groups_of(member.test)
    sides = groups_of(member.train) + groups_of(member.val) + groups_of(member.test)
    assert sorted(sides) == GROUPS
    assert len(groups_of(member.val)) == 3
  assert sorted(tested) == GROUPS


def test_all_records_of_a_group_are_on_its_side():
  for member in members_of(SOME_TWICE):
    of_record = [segment.record for segment in member.train + member.val + member.test]
    assert sorted(of_record) == sorted(record.id for record in SOME_TWICE)


def test_a_fold_does_not_move_when_groups_are_added():
  before = fold_by_group(members_of(RECORDS[:25]))
  after = fold_by_group(members_of(RECORDS))
  assert before.items() <= after.items()
  assert fold_by_group(members_of(RECORDS, salt=1)) != after


def test_leave_one_out_and_seeds_make_members():
  members = members_of(RECORDS, kind="leave_one_out", seeds=(0, 1))
  assert len(members) == 80
  assert len({member.name for member in members}) == 80
  assert all(len(groups_of(member.test)) == 1 for member in members)


def test_a_split_without_tests_trains_on_everybody_but_the_validation():
  [everyone] = members_of(RECORDS, kind="all")
  assert not everyone.test
  assert len(groups_of(everyone.train)) == 37


def test_an_external_split_tests_everybody_and_trains_on_nobody():
  members = members_of(SOME_TWICE, kind="external", seeds=(0, 1), folds=(3,))
  heads = [(member.name, member.fold, member.seed) for member in members]
  assert heads == [("fold0_seed0", 0, 0), ("fold0_seed1", 0, 1)]
  for member in members:
    assert member.trained_on == member.val == ()
    assert groups_of(member.test) == tuple(GROUPS)
    assert [segment.record for segment in member.test] == [record.id for record in SOME_TWICE]


def test_an_external_split_needs_but_one_group():
  [member] = members_of(records_of(["alone"]), kind="external")
  assert groups_of(member.test) == ("alone",)
  with pytest.raises(UserError, match="too few"):
    members_of(records_of(["alone"]), kind="all")


def test_a_data_set_s_own_split_is_kept():
  records = records_of([f"{part}_{i}" for part in ("train", "test") for i in range(6)])
  given = []
  for record in records:
    part = record.group.partition("_")[0]
    given.append(record._replace(info={"part": part}))
  [member] = members_of(given, kind="given", val_groups=2)
  assert groups_of(member.test) == tuple(f"test_{i}" for i in range(6))
  assert len(groups_of(member.val)) == 2
  assert len(groups_of(member.train)) == 4
  with pytest.raises(UserError, match=r"info\['part'\] is 'test'"):
    members_of(RECORDS, kind="given")


def test_leaks_are_named():
  member = members_of(RECORDS)[0]
  in_val = member._replace(val=member.test[:1])
  in_train = member._replace(train=member.train + member.val[:1])
  for broken in (in_val, in_train):
    with pytest.raises(UserError, match=r"s\d+ is in both"):
      splits.check(broken)


@pytest.mark.parametrize(("n", "changes", "words"), [
  (2, {"kind": "leave_one_out"}, "too few"),
  (40, {"folds": (7,)}, "fold 7"),
  (40, {"kind": "blocked"}, "'blocked'"),
  (40, {"kind": "personal"}, "split.adapt_s above 0"),
  (40, {"kind": "personal", "adapt_s": 50.0, "guard_s": 10.0}, "leaves nothing to test"),
  (40, {"kind": "mixed", "block_s": 0.0}, "split.block_s above 0"),
])
def test_impossible_splits_are_told(n, changes, words):
  with pytest.raises(UserError, match=words):
    members_of(RECORDS[:n], **changes)


# For choosing inside the training groups

def test_an_inner_split_tests_training_groups_and_leaves_the_test_groups_out():
  outer = members_of(RECORDS)
  inner = members_of(RECORDS, inner_folds=3)
  for whole, part in zip(outer, inner, strict=True):
    assert part.name == whole.name.replace("_seed", "_inner_seed")
    assert part.test
    assert not set(groups_of(whole.test)) & set(sides_of(part))
    assert sides_of(part) == groups_of(whole.train + whole.val)


# As plain values

@pytest.mark.parametrize("changes", [
  {},
  {"kind": "personal", "adapt_s": 20.0, "guard_s": 5.0, "val_groups": 0},
  {"kind": "mixed"},
])
def test_a_member_is_the_same_after_it_was_written_out(changes):
  for member in members_of(SOME_TWICE, **changes):
    assert splits.from_plain(splits.to_plain(member)) == member


# Windows of parts of records

@pytest.fixture(scope="module")
def windows():
  """Windows of unequal length of the toy system: six groups of two records."""
  config = toy(data__duration_s=31.0)
  system = make(config)
  return Windows(system.data, config.data, list(system.data.simulate(0, 6, config.data)))


def inside(windows, segments):
  """The ids of the windows inside segments, one after another by hand."""
  ids = []
  for i in range(len(windows)):
    record = windows.records[windows.record_b[i]].id
    start_s = windows.spans.start_s_b[i]
    end_s = start_s + windows.spans.length_s_b[i]
    for segment in segments:
      of_record = segment.record == record
      if of_record and segment.from_s <= start_s + 1e-9 and end_s <= segment.to_s + 1e-9:
        ids.append(i)
        break
  return ids


@pytest.mark.parametrize("changes", [
  {},
  {"kind": "personal", "adapt_s": 10.0, "guard_s": 3.0, "val_groups": 0},
  {"kind": "personal", "n_folds": 0, "adapt_s": 7.3, "val_groups": 0},
  {"kind": "mixed", "block_s": 4.0},
  {"kind": "mixed", "block_s": 7.0},
])
def test_the_windows_of_segments_are_exactly_those_inside(windows, changes):
  for member in members_of(windows.records, **{"n_folds": 3, "val_groups": 1, **changes}):
    for segments in (member.train, member.val, member.test, member.adapt, member.trained_on):
      assert windows.ids_of(segments).tolist() == inside(windows, segments)


def samples_of(windows, segments):
  """{(record, twentieth of a second)} that the windows of segments hold."""
  samples = set()
  for i in windows.ids_of(segments):
    first = round(windows.spans.start_s_b[i] * 20)
    last = first + round(windows.spans.length_s_b[i] * 20)
    samples |= {(windows.record_b[i], t) for t in range(first, last)}
  return samples


@pytest.mark.parametrize("changes", [
  {"kind": "mixed", "block_s": 4.0},
  {"kind": "personal", "adapt_s": 10.0, "guard_s": 3.0, "val_groups": 0},
])
def test_no_sample_is_both_trained_on_and_tested(windows, changes):
  for member in members_of(windows.records, **{"n_folds": 3, **changes}):
    trained = samples_of(windows, member.trained_on)
    tested = samples_of(windows, member.test)
    assert trained
    assert tested
    assert not trained & tested


def test_a_share_of_the_groups_that_are_not_tested_is_validated_by():
  [few] = members_of(RECORDS, folds=(0,), val_share=0.25)
  rest = len(GROUPS) - len(groups_of(few.test))
  assert len(groups_of(few.val)) == round(0.25 * rest)
  [more] = members_of(RECORDS, folds=(0,), val_share=0.01)
  assert len(groups_of(more.val)) == 3   # val_groups, which is more


def test_copies_of_a_record_under_another_name_may_not_be_divided():
  records = records_of(GROUPS[:8])
  twins = [record.id for record in records[:2]]
  records[0] = records[0]._replace(info={"copies": [twins[1]]})
  records[1] = records[1]._replace(info={"copies": [twins[0]]})
  with pytest.raises(UserError, match=f"{twins[0]} of .* and {twins[1]} hold the same samples"):
    members_of(records, kind="leave_one_out", val_groups=0)
  mixed = members_of(records, kind="mixed", n_folds=2, block_s=20.0)
  assert all(member.leaks for member in mixed)


def test_a_personal_split_tests_what_begins_a_guard_interval_later(windows):
  personal = {"kind": "personal", "n_folds": 3, "adapt_s": 10.0, "guard_s": 3.0, "val_groups": 0}
  for member in members_of(windows.records, **personal):
    assert groups_of(member.adapt) == groups_of(member.test)
    for adapt in member.adapt:
      assert (adapt.from_s, adapt.to_s) == (0.0, 10.0)
      starts_s = [test.from_s for test in member.test if test.group == adapt.group]
      assert starts_s == [13.0, 0.0]   # the rest of its first record, all of its second


def test_random_blocks_leak_and_both_ways_of_adapting_are_tested_on_the_same():
  records = records_of(["a", "b", "c"], duration_s=300.0)
  common = {
    "kind": "personal",
    "n_folds": 0,
    "adapt_s": 60.0,
    "guard_s": 5.0,
    "block_s": 10.0,
    "val_groups": 0,
  }
  random = members_of(records, **common, adapt="random")
  first = members_of(records, **common, spare_random=True)
  assert len(random) == len(first) == 3
  for at_random, at_first in zip(random, first, strict=True):
    assert at_random.leaks and not at_first.leaks
    assert at_random.test == at_first.test
    assert len(at_random.adapt) == 6
    assert sum(segment.to_s - segment.from_s for segment in at_random.adapt) == 60
    for adapt, test in itertools.product(at_random.adapt, at_random.test):
      assert adapt.to_s <= test.from_s or adapt.from_s >= test.to_s
    assert min(test.from_s for test in at_first.test) >= 65
    assert max(adapt.from_s for adapt in at_random.adapt) > 65   # it knows what lies later


def test_blocks_of_a_mixed_split_are_dealt_once_and_leak():
  records = records_of(["a", "b"], duration_s=300.0)
  members = members_of(records, kind="mixed", block_s=30.0, n_folds=3)
  blocks = [segment for member in members for segment in member.test]
  assert len(blocks) == len(set(blocks)) == 20
  for member in members:
    assert member.leaks
    assert sorted(member.train + member.test) == sorted(blocks)
    splits.check(member)   # it says so, so it may


def test_a_segment_that_begins_within_a_window_does_not_have_it(windows):
  """Windows of 1, 1.5 and 2 s: at 0, 1, 2.5, 4.5 ..."""
  record = windows.records[0]
  whole = windows.ids_of([Segment(record.group, record.id)])
  assert windows.ids_of([Segment(record.group, record.id, 1.0, 4.5)]).tolist() == [1, 2]
  assert windows.ids_of([Segment(record.group, record.id, 1.1, 4.6)]).tolist() == [2]
  assert windows.ids_of([Segment(record.group, record.id, 1.1, 4.4)]).tolist() == []
  overlapping = [Segment(record.group, record.id, 0.0, 4.5), Segment(record.group, record.id)]
  np.testing.assert_array_equal(windows.ids_of(overlapping), whole)


@pytest.mark.parametrize("kind", ["kfold", "leave_one_out"])
def test_one_group_is_too_few_to_train_and_test(kind):
  with pytest.raises(UserError, match="1 group only.*data.simulate_groups above 1"):
    members_of(RECORDS[:1], kind=kind, folds=(0,))
