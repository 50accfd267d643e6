"""Members from patients: every fold is a hash of the patient, so it does not move when recordings are added."""
from typing import Any, NamedTuple

from jaxsig.data.records import stable_hash
from jaxsig.errors import UserError


class Member(NamedTuple):
  """One training: a fold's patients and a seed."""
  name: str
  fold: int
  seed: int
  train: tuple[str, ...]
  val: tuple[str, ...]
  test: tuple[str, ...]


def fold_of(group: str, n_folds: int, salt: int) -> int:
  """The fold of a patient: a hash of its name and the salt."""
  return stable_hash(f"{salt}:{group}") % n_folds


def members(groups: list[str], config: Any) -> list[Member]:
  """All members (fold, seed) of `config.split`: kind, n_folds, folds, seeds, val_groups, salt, inner_folds.

  Args:
    groups: the patient of each record (repeats allowed).
    config: `kind` "lopo" (a fold a patient), "kfold", "given" (the data set's own: groups whose name begins with "test"), "all" (no
      test patients: for a model that is shipped), or "external" (all are test patients, none is trained on: for a model that was
      trained elsewhere). With `inner_folds` > 0 a fold's test patients
      are left out altogether and one part in so many of the others is tested instead: for choices that may not see the test patients.

  Raises:
    UserError: too few patients, an unknown kind, or folds that do not exist.
  """
  patients = sorted(set(groups))
  tests = _tests(patients, config)
  out = []
  for seed in config.seeds:
    for fold, test in tests:
      rest = [p for p in patients if p not in test]
      if config.inner_folds:
        test = [p for p in rest if fold_of(f"inner:{p}", config.inner_folds, config.salt) == 0]
        rest = [p for p in rest if p not in test]
        if not test:
          raise UserError(f"fold {fold} leaves no patient to choose by: {len(patients)} patients are too few for "
                          f"split.inner_folds={config.inner_folds}; add recordings, or lower it")
      by_hash = sorted(rest, key=lambda p: stable_hash(f"val:{config.salt}:{p}"))
      val = tuple(sorted(by_hash[:config.val_groups]))
      train = tuple(p for p in rest if p not in val)
      if not train and config.kind != "external":
        raise UserError(f"fold {fold} leaves no patient to train on: {len(patients)} patients are too few for "
                        f"split.kind={config.kind} with split.val_groups={config.val_groups}; add recordings or lower them")
      out.append(Member(f"fold{fold}{'_inner' if config.inner_folds else ''}_seed{seed}", fold, int(seed), train, val, tuple(test)))
  for member in out:
    check(member)
  return out


def _tests(patients: list[str], config: Any) -> list[tuple[int, list[str]]]:
  if config.kind == "all":
    return [(0, [])]
  if config.kind == "external":
    return [(0, patients)]
  if config.kind == "given":
    test = [p for p in patients if p.startswith("test")]
    if not test:
      raise UserError("split.kind=given needs groups whose name begins with test, as data sets with a test part of their own have: "
                      "use kfold here")
    return [(0, test)]
  if config.kind == "lopo":
    tests = list(enumerate([p] for p in patients))
  elif config.kind == "kfold":
    tests = [(f, [p for p in patients if fold_of(p, config.n_folds, config.salt) == f]) for f in range(config.n_folds)]
  else:
    raise UserError(f"unknown split.kind {config.kind!r}: use lopo, kfold, given, all or external")
  wanted = tuple(config.folds) or tuple(f for f, test in tests if test)
  chosen = [(f, test) for f, test in tests if f in wanted]
  missing = sorted(set(wanted) - {f for f, test in chosen if test})
  if missing:
    raise UserError(f"split.folds names fold {missing[0]}, which has no patient: the folds with patients are "
                    f"{', '.join(str(f) for f, test in tests if test)}")
  return chosen


def check(member: Member) -> None:
  """Leakage is an error that names the patient."""
  for a, b in (("train", "test"), ("val", "test"), ("train", "val")):
    both = sorted(set(getattr(member, a)) & set(getattr(member, b)))
    if both:
      raise UserError(f"patient {both[0]} is in both {a} and {b} of member {member.name}: a split must keep each patient on one side")


def records_of(member_groups: tuple[str, ...], groups: list[str]) -> list[int]:
  """Indices of the records that belong to these patients."""
  wanted = set(member_groups)
  return [i for i, g in enumerate(groups) if g in wanted]
