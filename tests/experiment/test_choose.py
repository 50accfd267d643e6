"""Choices inside the training patients: the score they go by, the fold's best, and that no test patient has a say."""
import json

import ml_collections
import numpy as np
import pytest
from builders import ROOT
from test_data import PATIENTS

from jaxsig import config as configs
from jaxsig.data import splits
from jaxsig.errors import UserError
from jaxsig.experiment import evaluate, sweep
from jaxsig.experiment import nested_cv as choose
from jaxsig.report.statistics import weighted_interval_score

PRIMARY = "rr_bpm_win60_annotators_spectral"
Z = {"50": 0.67449, "80": 1.28155, "95": 1.95996}
CANDIDATES = {"balanced": {}, "mild": {"data": {"warps": (0.8, 1.25)}, "optim": {"learning_rate": 0.5}}}
READINGS = {"soft": {"sampler": {"temperature": 1.5}}, "softer": {"sampler": {"temperature": 2.0}}}


def row(truth=15.0, estimate=15.0, **more):
  """A row as `evaluate` writes it, of a method without intervals unless there are some in `more`."""
  return {"metric": PRIMARY, "kept": True, "method": "net", "fold": 0, "group": "p0", "record": "r0", "member": "m0", "unit": "0-60 s",
          "truth": truth, "estimate": estimate, **{f"{end}_{level}": None for level in Z for end in ("low", "high")}, **more}


def normal(estimate, sd):
  """Estimate and intervals of a normal forecast."""
  ends = {f"{end}_{level}": estimate + side * z * sd for level, z in Z.items() for end, side in (("low", -1), ("high", 1))}
  return {"estimate": estimate, **ends}


def ours(**overrides):
  return configs.load(ROOT / "configs/respdiff_60s.py", "smoke", {"split.folds": (), **overrides})


# The score

def test_the_interval_score_in_closed_form():
  assert weighted_interval_score(row(15, 12)) == pytest.approx(3)   # without an interval: the absolute error
  inside = row(15, 14, low_50=13, high_50=17)
  assert weighted_interval_score(inside) == pytest.approx((0.5 * 1 + 0.25 * 4) / 1.5)
  below, above = row(10, 14, low_50=13, high_50=17), row(18.5, 14, low_50=13, high_50=17)
  assert weighted_interval_score(below) == pytest.approx((0.5 * 4 + 0.25 * 4 + 3) / 1.5)
  assert weighted_interval_score(above) == pytest.approx((0.5 * 4.5 + 0.25 * 4 + 1.5) / 1.5)
  three = row(20, 15, low_50=14, high_50=16, low_80=12, high_80=18, low_95=10, high_95=21)
  expected = (2.5 + (0.25 * 2 + 4) + (0.1 * 6 + 2) + 0.025 * 11) / 3.5
  assert weighted_interval_score(three) == pytest.approx(expected)
  assert weighted_interval_score(three, ("95",)) == pytest.approx((2.5 + 0.025 * 11) / 1.5)


def test_the_interval_score_is_least_for_the_true_distribution():
  truths = 15 + 2 * np.random.default_rng(0).standard_normal(4000)
  mean = lambda estimate, sd: np.mean([weighted_interval_score(row(y, **normal(estimate, sd))) for y in truths])
  honest = mean(15, 2)
  for estimate, sd in ((15, 1), (15, 1.5), (15, 2.7), (15, 4), (15, 1e-6), (16, 2), (14, 2)):
    assert mean(estimate, sd) > honest + 0.01, (estimate, sd)


# The choice

def of(errors_by_patient, **more):
  """Rows of estimates so far off; a list of errors a patient."""
  return [row(15, 15 + e, group=group, record=f"{group}_rec", unit=f"{k}", **more)
          for group, errors in errors_by_patient.items() for k, e in enumerate(errors)]


def test_each_fold_takes_its_own_best_by_the_mean_over_patients():
  rows = {
      "a": of({"p0": [3] * 9, "p1": [0]}) + of({"p0": [2] * 9, "p1": [2.5]}, method="net, soft") + of({"p2": [1]}, fold=1),
      "b": of({"p0": [1] * 9, "p1": [5]}) + of({"p0": [4] * 9, "p1": [4]}, method="net, soft") + of({"p2": [0.5]}, fold=1)}
  chosen = choose.by_fold(rows, PRIMARY)   # by windows, b would be the best of fold 0
  assert chosen == {
      0: {"candidate": "a", "reading": "", "scores": {"a": 1.5, "a, soft": 2.25, "b": 3.0, "b, soft": 4.0}},
      1: {"candidate": "b", "reading": "", "scores": {"a": 1.0, "b": 0.5}}}
  for planted in ("a", "b"):
    for method in ("net", "net, soft"):
      best = {c: [r | {"estimate": 15.1} if (c, r["method"]) == (planted, method) else r for r in own] for c, own in rows.items()}
      assert choose.by_fold(best, PRIMARY)[0] | {"scores": 0} == {"candidate": planted, "reading": method[5:], "scores": 0}


def test_honest_intervals_win_over_the_same_estimates_with_others():
  errors = 2 * np.random.default_rng(1).standard_normal(200)
  rows = {name: [row(15, unit=str(k), **normal(15 + e, sd)) for k, e in enumerate(errors)] for name, sd in (("a", 0.5), ("b", 2), ("c", 8))}
  assert choose.by_fold(rows, PRIMARY)[0]["candidate"] == "b"


def test_other_metrics_and_windows_that_are_not_kept_have_no_say():
  rows = {"a": of({"p0": [1]}), "b": of({"p0": [2]})}
  noise = {"a": of({"p0": [50]}, metric="other") + of({"p0": [50]}, kept=False) + of({"p9": [0]}, kept=False, fold=7), "b": []}
  plain, noisy = choose.by_fold(rows, PRIMARY), choose.by_fold({k: rows[k] + noise[k] for k in rows}, PRIMARY)
  assert plain == noisy and plain[0]["scores"] == {"a": 1.0, "b": 2.0}


def test_a_window_without_an_estimate_costs():
  rows = {"bold": of({"p0": [1, 1, 1, 1]}), "shy": of({"p0": [0, 0, 0]}) + [row(15, None, unit="9", record="p0_rec")]}
  assert choose.by_fold(rows, PRIMARY)[0]["scores"] == {"bold": 1.0, "shy": choose.NO_ANSWER / 4}


def test_a_method_may_have_a_comma_in_its_name():
  rows = {"a": of({"p0": [2]}, method="faithful, spectral loss") + of({"p0": [1]}, method="faithful, spectral loss, soft")}
  assert choose.by_fold(rows, PRIMARY)[0] == {"candidate": "a", "reading": "soft", "scores": {"a": 2.0, "a, soft": 1.0}}


# From candidates to trainings

def test_trials_are_the_candidates_on_the_inner_split_in_all_readings_and_no_more():
  trials = choose.trials(configs.override(ours(), {"split.seeds": (4, 5, 6)}), CANDIDATES, READINGS, 3)
  assert list(trials) == ["balanced", "mild"]
  for trial in trials.values():
    assert trial.split.inner_folds == 3 and tuple(trial.split.seeds) == (4,) and not trial.run_controls and not trial.run_rivals
    assert {k: dict(v.sampler) for k, v in trial.variants.items()} == {"soft": {"temperature": 1.5}, "softer": {"temperature": 2.0}}
    assert list(evaluate.variants(trial)) == ["soft", "softer"]
  assert configs.differing(trials["balanced"], trials["mild"]) == ["data.warps", "optim.learning_rate"]
  assert tuple(trials["mild"].data.warps) == (0.8, 1.25)


def test_finals_are_what_the_folds_chose_joined_where_they_chose_alike():
  choice = lambda candidate, reading: {"candidate": candidate, "reading": reading, "scores": {}}
  chosen = {0: choice("mild", "soft"), 1: choice("balanced", ""), 2: choice("mild", "soft"), 4: choice("mild", "")}
  finals = choose.finals(ours(), CANDIDATES, READINGS, chosen)
  assert {name: tuple(x.split.folds) for name, x in finals.items()} == {"mild_soft": (0, 2), "balanced": (1,), "mild": (4,)}
  assert {name: (x.sampler.temperature, x.optim.learning_rate) for name, x in finals.items()} == {
      "mild_soft": (1.5, 0.5), "balanced": (1.0, ours().optim.learning_rate), "mild": (1.0, 0.5)}
  for final in finals.values():   # whole again: all training patients, rivals, controls and the config's own variants
    assert final.split.inner_folds == 0 and final.run_rivals and final.run_controls == ours().run_controls
    assert list(final.variants) == list(ours().variants)


def test_no_test_patient_of_a_fold_is_in_the_trial_that_its_choice_goes_by():
  config = ours(**{"split.n_folds": 5})
  finals = choose.finals(config, CANDIDATES, READINGS, {f: {"candidate": "mild", "reading": "", "scores": {}} for f in range(5)})
  tested = {m.fold: set(m.test) for m in splits.members(PATIENTS, finals["mild"].split)}
  for trial in choose.trials(config, CANDIDATES, READINGS, 3).values():
    inner = splits.members(PATIENTS, trial.split)
    assert {m.fold for m in inner} == set(tested) == set(range(5))
    for m in inner:
      assert m.test and not tested[m.fold] & {*m.train, *m.val, *m.test}
      assert not set(m.test) & {*m.train, *m.val}


def test_an_inner_split_that_tests_nobody_is_refused():
  few = [p for p in PATIENTS if splits.fold_of(f"inner:{p}", 3, 0) != 0][:6]
  with pytest.raises(UserError, match=r"no patient to choose by.*split.inner_folds=3"):
    splits.members(few, ours(**{"split.inner_folds": 3, "split.n_folds": 2}).split)


# In a sweep

def listed(**changes):
  return ml_collections.ConfigDict({"candidates": CANDIDATES, "readings": READINGS, "inner_folds": 3, **changes})


def test_a_sweep_trains_the_trials_and_goes_on_with_what_each_fold_chose(monkeypatch, tmp_path):
  errors = {("balanced", ""): (1, 3), ("balanced", ", soft"): (2, 3), ("mild", ""): (3, 3), ("mild", ", softer"): (2, 1)}
  asked = {}

  def one(config, workdir, fit):
    asked[workdir.name] = config.split.inner_folds, fit
    workdir.mkdir(parents=True)
    evaluate.write_rows(workdir / "rows.jsonl", [
        r for (candidate, reading), by_fold in errors.items() if candidate == workdir.name
        for fold, e in enumerate(by_fold) for r in of({"p0": [e]}, method=f"net{reading}", fold=fold)])
    return workdir

  monkeypatch.setattr(sweep, "_one", one)
  finals = sweep._chosen(ours(), listed(), tmp_path / "ours")
  assert asked == {"balanced": (3, True), "mild": (3, True)} and (tmp_path / "ours/inner/mild/rows.jsonl").is_file()
  assert {w: tuple(c.split.folds) for w, c in finals.items()} == {tmp_path / "ours/balanced": (0,), tmp_path / "ours/mild_softer": (1,)}
  told = json.loads((tmp_path / "ours/choice.json").read_text())
  assert told["inner_folds"] == 3 and told["metric"] == PRIMARY
  assert told["folds"]["1"]["candidate"] == "mild" and told["folds"]["1"]["scores"]["mild, softer"] == 1.0


def test_too_many_candidates_are_refused_before_anything_is_trained(monkeypatch, tmp_path):
  monkeypatch.setattr(sweep, "_one", lambda *args: pytest.fail("trained"))
  many = {f"c{i}": {} for i in range(3)}
  with pytest.raises(UserError, match=r"ours lists more than 8 candidates"):
    sweep._chosen(ours(), listed(candidates=many), tmp_path / "ours")
