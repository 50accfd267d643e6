"""Choices inside the training groups: each fold's best, and that no test group has a say."""
import dataclasses
import json

import ml_collections
import numpy as np
import pytest
from builders import records_of, small

from jaxsig import config as configs
from jaxsig.data import splits
from jaxsig.data.splits import groups_of
from jaxsig.errors import UserError
from jaxsig.experiment import nested_cv, sweep
from jaxsig.experiment.nested_cv import Choice
from jaxsig.report.rows import write_rows
from jaxsig.rows import Row, Stamp
from jaxsig.system import Metric

pytestmark = pytest.mark.quick

GROUPS = [f"s{i:05d}" for i in range(40)]
PRIMARY = "rr_bpm_win60_annotators_spectral"
RATE = Metric("Rate", "breaths/min", is_error=True)
METHOD = "respdiff_60s"
Z = {"50": 0.67449, "80": 1.28155, "95": 1.95996}
CANDIDATES = {
  "balanced": {},
  "mild": {"data": {"time_warp_factors": (0.8, 1.25)}, "optim": {"learning_rate": 0.5}},
}
READINGS = {
  "soft": {"sampler": {"temperature": 1.5}},
  "softer": {"sampler": {"temperature": 2.0}},
}


def stamp(fold):
  return Stamp(f"fold{fold}_seed0", fold, 0, 8, "c", "d", "abc", "simulated", False)


def row(estimate, truth=15.0, fold=0, **fields):
  """A row as an evaluation makes it, of a method without intervals unless there are some."""
  place = {"metric": PRIMARY, "group": "p0", "record": "r0", "unit": "0-60 s", "method": METHOD}
  return Row(**{**place, "truth": truth, "estimate": estimate, "stamp": stamp(fold), **fields})


def normal(estimate, sd):
  """The central intervals of a normal forecast."""
  return {level: (estimate - z * sd, estimate + z * sd) for level, z in Z.items()}


def rows_of(errors_by_group, **fields):
  """Rows of estimates so far off; a list of errors a group."""
  rows = []
  for group, errors in errors_by_group.items():
    for number, error in enumerate(errors):
      place = {"group": group, "record": f"{group}_rec", "unit": str(number)}
      rows.append(row(15 + error, **place, **fields))
  return rows


def chosen_of(rows, method=METHOD, metric=RATE):
  return nested_cv.choose_by_fold(rows, method, PRIMARY, metric)


def ours(**overrides):
  """The 60 s config on all its folds."""
  return small("respdiff_60s.py", run__ablations=True, **{"split__folds": (), **overrides})


# The choice

@pytest.fixture
def two_candidates():
  """By windows b would be the best of fold 0, by groups it is a."""
  soft = f"{METHOD}, soft"
  a = rows_of({"p0": [3] * 9, "p1": [0]}) + rows_of({"p0": [2] * 9, "p1": [2.5]}, method=soft)
  b = rows_of({"p0": [1] * 9, "p1": [5]}) + rows_of({"p0": [4] * 9, "p1": [4]}, method=soft)
  return {
    "a": a + rows_of({"p2": [1]}, fold=1),
    "b": b + rows_of({"p2": [0.5]}, fold=1),
  }


def test_each_fold_takes_its_own_best_by_the_mean_over_groups(two_candidates):
  assert chosen_of(two_candidates) == {
    0: Choice("a", "", {"a": 1.5, "a, soft": 2.25, "b": 3.0, "b, soft": 4.0}),
    1: Choice("b", "", {"a": 1.0, "b": 0.5}),
  }


@pytest.mark.parametrize("candidate", ["a", "b"])
@pytest.mark.parametrize("reading", ["", "soft"])
def test_a_planted_best_is_chosen(two_candidates, candidate, reading):
  method = ", ".join(part for part in (METHOD, reading) if part)
  planted = []
  for one in two_candidates[candidate]:
    if one.method == method:
      one = dataclasses.replace(one, estimate=15.1)
    planted.append(one)
  choice = chosen_of({**two_candidates, candidate: planted})[0]
  assert (choice.candidate, choice.reading) == (candidate, reading)


def test_honest_intervals_win_over_the_same_estimates_with_others():
  errors = 2 * np.random.default_rng(1).standard_normal(200)
  rows = {}
  for name, sd in (("sharp", 0.5), ("honest", 2), ("wide", 8)):
    rows[name] = []
    for number, error in enumerate(errors):
      interval = normal(15 + error, sd)
      rows[name].append(row(15 + error, unit=str(number), interval=interval))
  assert chosen_of(rows)[0].candidate == "honest"


def test_other_metrics_and_windows_that_are_not_included_have_no_say():
  rows = {"a": rows_of({"p0": [1]}), "b": rows_of({"p0": [2]})}
  noise = [
    *rows_of({"p0": [50]}, metric="other"),
    *rows_of({"p0": [50]}, included=False),
    *rows_of({"p9": [0]}, included=False, fold=7),
  ]
  plain = chosen_of(rows)
  assert chosen_of({**rows, "a": rows["a"] + noise}) == plain
  assert plain[0].scores == {"a": 1.0, "b": 2.0}


def test_a_target_of_the_metric_is_not_the_metric():
  rows = {"a": rows_of({"p0": [1]}), "b": rows_of({"p0": [2]})}
  of_target = rows_of({"p0": [50]}, target="other")
  assert chosen_of({**rows, "a": rows["a"] + of_target}) == chosen_of(rows)


def test_a_window_without_an_estimate_costs():
  missing = row(None, unit="9", record="p0_rec")
  rows = {
    "bold": rows_of({"p0": [1, 1, 1, 1]}),
    "shy": [*rows_of({"p0": [0, 0, 0]}), missing],
  }
  assert chosen_of(rows)[0].scores == {"bold": 1.0, "shy": nested_cv.NO_ANSWER / 4}


def test_of_a_metric_that_is_no_error_the_better_value_wins():
  rows = {}
  for name, value in (("low", 0.2), ("high", 0.9)):
    rows[name] = [row(None, truth=None, value=value)]
  assert chosen_of(rows, metric=Metric("F1", better="higher"))[0].candidate == "high"
  assert chosen_of(rows, metric=Metric("Error"))[0].candidate == "low"


def test_a_method_may_have_a_comma_in_its_name():
  name = "faithful, spectral loss"
  rows = {
    "a": rows_of({"p0": [2]}, method=name) + rows_of({"p0": [1]}, method=f"{name}, soft"),
  }
  assert chosen_of(rows, method=name)[0] == Choice("a", "soft", {"a": 2.0, "a, soft": 1.0})


# From candidates to trainings

def test_trials_are_the_candidates_on_the_inner_split_in_all_readings_and_no_more():
  config = ours(split__seeds=(4, 5, 6))
  trials = nested_cv.trials(config, CANDIDATES, READINGS, 3)
  assert list(trials) == ["balanced", "mild"]
  for trial in trials.values():
    assert trial.split.inner_folds == 3
    assert tuple(trial.split.seeds) == (4,)
    assert not trial.run.ablations
    assert not trial.baselines.run
    of_reading = configs.readings(trial)
    assert list(of_reading) == ["", "soft", "softer"]
    temperatures = [one.read.sampler.temperature for one in of_reading.values()]
    assert temperatures == [1.0, 1.5, 2.0]
  differing = configs.differing(trials["balanced"], trials["mild"])
  assert differing == ["data.time_warp_factors", "optim.learning_rate"]
  assert tuple(trials["mild"].data.time_warp_factors) == (0.8, 1.25)


def test_finals_are_what_the_folds_chose_joined_where_they_chose_alike():
  config = ours()
  chosen = {
    0: Choice("mild", "soft", {}),
    1: Choice("balanced", "", {}),
    2: Choice("mild", "soft", {}),
    4: Choice("mild", "", {}),
  }
  finals = nested_cv.finals(config, CANDIDATES, READINGS, chosen)
  folds = {name: tuple(final.split.folds) for name, final in finals.items()}
  assert folds == {"mild_soft": (0, 2), "balanced": (1,), "mild": (4,)}
  assert next(iter(finals)) == "mild_soft"   # the commonest leads

  settings = {}
  for name, final in finals.items():
    settings[name] = (final.read.sampler.temperature, final.optim.learning_rate)
  assert settings == {
    "mild_soft": (1.5, 0.5),
    "balanced": (1.0, config.optim.learning_rate),
    "mild": (1.0, 0.5),
  }
  for final in finals.values():   # whole again: all training groups, baselines and ablations
    assert final.split.inner_folds == 0
    assert final.baselines.run
    assert final.run.ablations == config.run.ablations
    assert list(final.readings) == list(config.readings)


def test_no_test_group_of_a_fold_is_in_the_trial_that_its_choice_goes_by():
  config = ours(split__n_folds=5)
  chosen = {fold: Choice("mild", "", {}) for fold in range(5)}
  final = nested_cv.finals(config, CANDIDATES, READINGS, chosen)["mild"]
  records = records_of(GROUPS)
  tested = {}
  for member in splits.members(records, final.split):
    tested[member.fold] = set(groups_of(member.test))

  for trial in nested_cv.trials(config, CANDIDATES, READINGS, 3).values():
    inner = splits.members(records, trial.split)
    assert {member.fold for member in inner} == set(tested) == set(range(5))
    for member in inner:
      seen = groups_of(member.trained_on + member.val)
      assert member.test
      assert not tested[member.fold] & {*seen, *groups_of(member.test)}
      assert not set(groups_of(member.test)) & set(seen)


def test_an_inner_split_that_tests_nobody_is_refused():
  few = [group for group in GROUPS if splits.fold_of(f"inner:{group}", 3, 0) != 0][:6]
  config = ours(split__inner_folds=3, split__n_folds=2)
  with pytest.raises(UserError, match=r"no group to choose by.*split.inner_folds=3"):
    splits.members(records_of(few), config.split)


# In a sweep

def listed(**changes):
  fields = {"candidates": CANDIDATES, "readings": READINGS, "inner_folds": 3}
  return ml_collections.ConfigDict({**fields, **changes})


ERRORS_BY_FOLD = {
  ("balanced", METHOD): (1, 3),
  ("balanced", f"{METHOD}, soft"): (2, 3),
  ("mild", METHOD): (3, 3),
  ("mild", f"{METHOD}, softer"): (2, 1),
}


def test_a_sweep_trains_the_trials_and_goes_on_with_what_each_fold_chose(monkeypatch, tmp_path):
  asked = {}

  def one(config, workdir, fit):
    asked[workdir.name] = (config.split.inner_folds, fit)
    rows = []
    for (candidate, method), errors in ERRORS_BY_FOLD.items():
      for fold, error in enumerate(errors):
        if candidate == workdir.name:
          rows += rows_of({"p0": [error]}, method=method, fold=fold)
    write_rows(workdir / "rows.jsonl", rows)
    return workdir

  monkeypatch.setattr(sweep, "_one", one)
  folder = tmp_path / "ours"
  finals = sweep._chosen(ours(), listed(), folder)
  assert asked == {"balanced": (3, True), "mild": (3, True)}
  assert (folder / "inner" / "mild" / "rows.jsonl").is_file()
  folds = {workdir: tuple(config.split.folds) for workdir, config in finals.items()}
  assert folds == {folder / "balanced": (0,), folder / "mild_softer": (1,)}

  choice = json.loads((folder / "choice.json").read_text())
  assert choice["inner_folds"] == 3
  assert choice["metric"] == PRIMARY
  assert choice["folds"]["1"]["candidate"] == "mild"
  assert choice["folds"]["1"]["reading"] == "softer"
  assert choice["folds"]["1"]["scores"]["mild, softer"] == 1.0


def test_too_many_candidates_are_refused_before_anything_is_trained(monkeypatch, tmp_path):
  monkeypatch.setattr(sweep, "_one", lambda *args: pytest.fail("trained"))
  many = {f"c{i}": {} for i in range(3)}
  with pytest.raises(UserError, match="ours lists more than 8 candidates"):
    sweep._chosen(ours(), listed(candidates=many), tmp_path / "ours")
