"""Experiments and lists of them: ablations, the order of a sweep, and what choices train."""
import json

import ml_collections
import pytest
from builders import ROOT, toy

from jaxsig.experiment import lists, sweep
from jaxsig.report.rows import read_rows

pytestmark = pytest.mark.quick


# One experiment

def test_ablations_are_trainings_of_their_own(tmp_path):
  slower = {"optim": {"learning_rate": 1e-4}, "read": {"method": "slower"}}
  config = toy(ablations={"slow": slower}, train__steps=2, baselines__run=False)
  workdirs = sweep.experiment(config, tmp_path / "w")
  assert workdirs == [tmp_path / "w", tmp_path / "w" / "ablations" / "slow"]
  for workdir, method in zip(workdirs, ("network", "slower"), strict=True):
    rows = read_rows(workdir / "rows.jsonl")
    assert {row.method for row in rows} == {method}
    assert (workdir / "members" / "fold0_seed0" / "checkpoints" / "2").is_dir()


def test_ablations_may_be_left_out(tmp_path):
  config = toy(ablations={"slow": {"optim": {"learning_rate": 1e-4}}}, run__ablations=False)
  assert sweep.experiment(config, tmp_path / "w", fit=True) == [tmp_path / "w"]
  assert not (tmp_path / "w" / "ablations").exists()


# Lists

def listing(**bases):
  """A sweep of experiments, each with what it starts from."""
  experiments = {}
  for name, base in bases.items():
    overrides = {}
    if base:
      overrides["init_from"] = base
    experiments[name] = {"config": "configs/respdiff.py", "arg": "smoke", "overrides": overrides}
  fields = {"data_dir": "", "cache_dir": "", "lead": "ours", "experiments": experiments}
  return ml_collections.ConfigDict(fields)


def test_a_sweep_begins_with_what_others_start_from_then_what_leads_the_report():
  many = listing(zeta="", ours="@pretrain", alpha="@pretrain", pretrain="", elsewhere="runs/x")
  assert lists.in_order(many) == ["pretrain", "ours", "alpha", "elsewhere", "zeta"]
  del many["lead"]
  assert lists.in_order(many) == ["pretrain", "alpha", "elsewhere", "ours", "zeta"]


def test_a_sweep_runs_each_in_its_own_workdir(monkeypatch, tmp_path):
  started = {}

  def experiment(config, workdir):
    started[workdir.name] = config.init_from
    workdir.mkdir(parents=True)
    rows = "{}\n"
    if workdir.name == "pretrain":   # it held nobody out
      rows = ""
    (workdir / "rows.jsonl").write_text(rows)
    (workdir / "config.json").write_text(json.dumps({"name": workdir.name}))
    return [workdir]

  monkeypatch.setattr(sweep, "experiment", experiment)
  monkeypatch.chdir(ROOT)
  elsewhere = tmp_path / "elsewhere"
  elsewhere.mkdir()
  (elsewhere / "split.json").touch()
  many = listing(ours="@pretrain", pretrain="", other=str(elsewhere))
  done = sweep.sweep(many, tmp_path)
  assert started == {
    "pretrain": "",
    "ours": str(tmp_path / "pretrain"),
    "other": str(elsewhere),
  }
  assert [workdir.name for workdir in done] == ["ours", "other"]   # what has rows to report
  assert json.loads((tmp_path / "config.json").read_text()) == {"name": "ours"}
