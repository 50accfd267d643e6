"""Members from groups: who is trained on, validated by and tested.

A fold is a hash of the group's name, so it does not move when recordings are added.
"""
import itertools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.personal_splits import RANDOM, personal
from jaxsig.data.records import Record, Segment, stable_hash
from jaxsig.errors import UserError

KINDS = ("leave_one_out", "kfold", "given", "all", "external", "personal", "mixed")
GIVEN_TEST = "test"   # info["part"] of records that a data set keeps for tests


class Member(NamedTuple):
  """One training: the parts of records that it sees and a seed.

  `adapt` are parts of the test groups' own recordings, before the parts that are tested: they are
  trained on as `train` is.
  """
  name: str
  fold: int
  seed: int
  train: tuple[Segment, ...]
  val: tuple[Segment, ...]
  test: tuple[Segment, ...]
  adapt: tuple[Segment, ...] = ()
  leaks: bool = False   # on purpose: windows of one group are trained on and tested

  @property
  def trained_on(self) -> tuple[Segment, ...]:
    """All segments that parameters are trained on."""
    return self.train + self.adapt


class Fold(NamedTuple):
  """The groups of one fold's test."""
  number: int
  test: list[str]


def groups_of(segments: Iterable[Segment]) -> tuple[str, ...]:
  """The groups of segments, sorted."""
  return tuple(sorted({segment.group for segment in segments}))


def fold_of(group: str, n_folds: int, salt: int) -> int:
  """The fold of a group: a hash of its name and the salt."""
  return stable_hash(f"{salt}:{group}") % n_folds


def members(records: Sequence[Record], config: ConfigDict) -> list[Member]:
  """All members (fold, seed) of `config.split`.

  Args:
    records: all that there are.
    config: `kind` is
      "leave_one_out" (a fold a group), "kfold", "given" (the data set's own test part: records
      whose info["part"] is "test"),
      "all" (nobody is tested: for a model that is shipped), "external" (all are tested, none is
      trained on: for a model that was trained elsewhere), "personal" (a part of each test group is
      trained on, from a base of `init_from` that never saw the group, and a later part is tested:
      see `personal_splits`), or "mixed" (blocks of `block_s` seconds are dealt to folds whatever
      their group: this LEAKS, and is for showing what leaking does).
      With `inner_folds` > 0 a fold's test groups are left out altogether and one part in so many of
      the others is tested
      instead: for choices that may not see the test groups. Also read: `n_folds`, `folds` (empty:
        all), `seeds`, `salt`, and `val_groups` or `val_share` of the groups that are not tested,
      whichever is more: they are validated by.

  Raises:
    UserError: too few groups, an unknown kind, or folds that do not exist.
  """
  if config.kind not in KINDS:
    raise UserError(f"unknown split.kind {config.kind!r}: use {', '.join(KINDS)}")
  if config.kind == "mixed":
    every = _mixed(records, config)
  else:
    every = _by_group(records, config)
  for member in every:
    check(member, config.guard_s)
    _require_copies_together(member, records)
  return every


def _require_copies_together(member: Member, records: Sequence[Record]) -> None:
  """Raises UserError where a record is trained on and its copy under another name is tested."""
  if member.leaks:
    return
  tested = {segment.record for segment in member.test}
  seen = {segment.record for segment in member.trained_on + member.val}
  for record in records:
    for copy in record.info.get("copies", ()):
      if record.id in tested and copy in seen:
        raise UserError(
            f"{record.id} of {record.group} and {copy} hold the same samples, and member "
            f"{member.name} is trained on the one and tested on the other: leave one of them out "
            "of the data folder (--mode=inspect lists such pairs)")


def _by_group(records: Sequence[Record], config: ConfigDict) -> list[Member]:
  groups = sorted({record.group for record in records})
  if len(groups) < 2 and config.kind in ("leave_one_out", "kfold"):
    raise UserError(
        f"there is {len(groups)} group only, too few to train on some and test others: add "
        "recordings, or set data.simulate_groups above 1 where they are simulated")
  every = []
  for seed in config.seeds:
    for fold in _folds(groups, records, config):
      every.append(_member(groups, records, fold, int(seed), config))
  return every


def _member(
    groups: Sequence[str],
    records: Sequence[Record],
    fold: Fold,
    seed: int,
    config: ConfigDict,
) -> Member:
  name = f"fold{fold.number}_seed{seed}"
  test = fold.test
  rest = [group for group in groups if group not in set(test)]
  if config.inner_folds:
    name = f"fold{fold.number}_inner_seed{seed}"
    test = []
    for group in rest:
      if fold_of(f"inner:{group}", config.inner_folds, config.salt) == 0:
        test.append(group)
    rest = [group for group in rest if group not in set(test)]
    if not test:
      raise UserError(
          f"fold {fold.number} leaves no group to choose by: {len(groups)} groups are too few for "
          f"split.inner_folds={config.inner_folds}; add recordings, or lower it")

  if config.kind == "personal":
    sides = personal(records, test, config)
    return Member(
        name=name,
        fold=fold.number,
        seed=seed,
        train=(),
        val=(),
        test=sides.test,
        adapt=sides.adapt,
        leaks=config.adapt == RANDOM,
    )

  by_hash = sorted(rest, key=lambda group: stable_hash(f"val:{config.salt}:{group}"))
  count = max(config.val_groups, round(config.val_share * len(rest)))
  val = set(by_hash[:count])
  train = [group for group in rest if group not in val]
  if not train and config.kind != "external":
    raise UserError(
        f"fold {fold.number} leaves no group to train on: {len(groups)} groups are too few for "
        f"split.kind={config.kind} with split.val_groups={config.val_groups} and "
        f"split.val_share={config.val_share:g}; add recordings or lower them")
  return Member(
      name=name,
      fold=fold.number,
      seed=seed,
      train=_whole(records, train),
      val=_whole(records, val),
      test=_whole(records, test),
  )


def _whole(records: Sequence[Record], groups: Iterable[str]) -> tuple[Segment, ...]:
  """The whole records of these groups, in the order of `records`."""
  groups = set(groups)
  return tuple(Segment(record.group, record.id) for record in records if record.group in groups)


def _folds(groups: Sequence[str], records: Sequence[Record], config: ConfigDict) -> list[Fold]:
  if config.kind == "all":
    return [Fold(0, [])]
  if config.kind == "external":
    return [Fold(0, groups)]
  if config.kind == "given":
    test = sorted({record.group for record in records if record.info.get("part") == GIVEN_TEST})
    if not test:
      raise UserError(
          "split.kind=given needs records whose info['part'] is 'test', as data sets with a test "
          "part of their own have: use kfold here")
    return [Fold(0, test)]

  if config.kind == "kfold" or (config.kind == "personal" and config.n_folds):
    folds = [Fold(number, []) for number in range(config.n_folds)]
    for group in groups:
      folds[fold_of(group, config.n_folds, config.salt)].test.append(group)
  else:
    folds = [Fold(number, [group]) for number, group in enumerate(groups)]
  occupied = [fold.number for fold in folds if fold.test]
  return [folds[number] for number in _wanted(config, occupied)]


def _wanted(config: ConfigDict, occupied: list[int]) -> list[int]:
  """The folds of `split.folds`, or all, ascending."""
  wanted = set(config.folds) or set(occupied)
  missing = sorted(wanted - set(occupied))
  if missing:
    numbers = ", ".join(map(str, occupied))
    raise UserError(
        f"split.folds names fold {missing[0]}, which has no group: the folds with groups are "
        f"{numbers}")
  return sorted(wanted)


def _mixed(records: Sequence[Record], config: ConfigDict) -> list[Member]:
  """Members whose blocks are dealt out by the hash of record and place, whatever their group."""
  if not config.n_folds or config.block_s <= 0:
    raise UserError("split.kind=mixed needs split.n_folds and split.block_s above 0")
  dealt = {number: [] for number in range(config.n_folds)}
  for record in records:
    for start_s in np.arange(0, record.duration_s, config.block_s):
      number = fold_of(f"{record.id}:{start_s:g}", config.n_folds, config.salt)
      end_s = start_s + config.block_s
      dealt[number].append(Segment(record.group, record.id, float(start_s), float(end_s)))

  occupied = [number for number, blocks in dealt.items() if blocks]
  every = []
  for seed in config.seeds:
    for number in _wanted(config, occupied):
      others = [dealt[k] for k in occupied if k != number]
      every.append(Member(
          name=f"fold{number}_mixed_seed{seed}",
          fold=number,
          seed=int(seed),
          train=tuple(itertools.chain(*others)),
          val=(),
          test=tuple(dealt[number]),
          leaks=True,
      ))
  return every


def check(member: Member, guard_s: float = 0.0) -> None:
  """Raises UserError that names the group where a member leaks; one that says it leaks may."""
  if member.leaks:
    return
  sides = {"train": member.train, "val": member.val, "test": member.test}
  for a, b in (("train", "test"), ("val", "test"), ("train", "val")):
    shared = sorted(set(groups_of(sides[a])) & set(groups_of(sides[b])))
    if shared:
      raise UserError(
          f"{shared[0]} is in both {a} and {b} of member {member.name}: "
          "a split must keep each group on one side")

  for adapt, test in itertools.product(member.adapt, member.test):
    same_record = adapt.record == test.record
    if same_record and test.from_s < adapt.to_s + guard_s:
      raise UserError(
          f"{adapt.group}: member {member.name} adapts until {adapt.to_s:g} s of {adapt.record} "
          f"and tests from {test.from_s:g} s: leave split.guard_s={guard_s:g} s between them")
    if adapt.group == test.group and not same_record and not _later(adapt, test, member):
      raise UserError(
          f"{adapt.group}: member {member.name} adapts on {adapt.record} and tests on "
          f"{test.record}, which is earlier: adapt on the first record of a group")


def _later(adapt: Segment, test: Segment, member: Member) -> bool:
  """Whether a tested record comes after the adapted one in the order of the group's records."""
  order = [segment.record for segment in member.test if segment.group == test.group]
  return adapt.record not in order or order.index(adapt.record) <= order.index(test.record)


def to_plain(member: Member, seen: Iterable[str] = ()) -> dict[str, Any]:
  """A member as plain JSON values; the end of a record is null.

  Args:
    member: one.
    seen: all groups that it, its base and the base's own bases have seen.
  """
  plain = {
      "member": member.name,
      "fold": member.fold,
      "seed": member.seed,
      "leaks": member.leaks,
      "seen": sorted(seen),
  }
  for side in ("train", "val", "test", "adapt"):
    rows = []
    for segment in getattr(member, side):
      end_s = segment.to_s
      if np.isinf(end_s):
        end_s = None
      rows.append([segment.group, segment.record, segment.from_s, end_s])
    plain[side] = rows
  return plain


def from_plain(plain: dict[str, Any]) -> Member:
  """The member of `to_plain`'s values."""
  sides = []
  for side in ("train", "val", "test", "adapt"):
    segments = []
    for group, record, from_s, to_s in plain[side]:
      if to_s is None:
        to_s = np.inf
      segments.append(Segment(group, record, from_s, to_s))
    sides.append(tuple(segments))
  return Member(plain["member"], plain["fold"], plain["seed"], *sides, plain["leaks"])
