"""Every config runs in smoke mode through the command line's own path, and ends with a report."""
import json
import pathlib

import pytest
from builders import ROOT

from jaxsig import config
from jaxsig.errors import UserError
from jaxsig.experiment import evaluate, sweep

CONFIGS = sorted((ROOT / "configs").glob("*.py"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_a_config_trains_evaluates_and_reports_in_smoke_mode(path, tmp_path):
  experiment = config.load(path, "smoke", {"train.tensorboard": False})
  workdirs = sweep.experiment(experiment, tmp_path / "w")
  sweep.tell(workdirs, tmp_path / "w" / "report")
  page = (tmp_path / "w" / "report" / "index.html").read_text()
  assert "SIMULATED" in page
  methods = {json.loads(line)["method"] for w in workdirs for line in (w / "rows.jsonl").read_text().splitlines()}
  assert "constant" in methods and len(methods) >= 2
  first = json.loads((tmp_path / "w" / "rows.jsonl").read_text().splitlines()[0])
  assert {"config", "commit", "data", "seed", "fold", "step", "member", "source"} <= first.keys()


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_a_config_says_how_to_run_it(path):
  text = path.read_text()
  assert "python -m jaxsig.main" in text.split('"""')[1]


@pytest.mark.parametrize("path", sorted((ROOT / "configs" / "sweeps").glob("*.py")), ids=lambda p: p.stem)
def test_every_experiment_of_a_sweep_exists(path):
  for name, one in config.load(path).experiments.items():
    base = config.load(ROOT / one["config"], one["arg"], config.changes(one["overrides"]))
    for variants in (base.variants, one.get("readings", {})):
      assert set(evaluate.variants(config.override(base, {"variants": variants}))) == set(variants)
    for changes in one.get("candidates", {}).values():
      config.override(base, config.changes(changes))
    assert pathlib.PurePath(name).name == name


def test_arguments_and_overrides_are_checked():
  path = ROOT / "configs" / "respdiff.py"
  with pytest.raises(UserError, match="did you mean 'smoke'"):
    config.load(path, "smok")
  with pytest.raises(UserError, match="did you mean 'train.steps'"):
    config.load(path, "", {"train.step": 1})
  a, b = config.load(path), config.load(path, "", {"optim.learning_rate": 0.5, "train.log_steps": 7})
  assert config.differing(a, b) == ["optim.learning_rate"]
  assert config.fingerprint(a) != config.fingerprint(b)
  assert config.fingerprint(a) == config.fingerprint(config.load(path, "", {"train.log_steps": 7, "cache_dir": "x"}))
