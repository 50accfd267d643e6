"""A wrong setting is told in one sentence before anything is written."""

import dataclasses
import json
import pathlib
import shutil
import sys
import types

import numpy as np
import pytest
from builders import ROOT, TOY_CONFIG, toy

import jaxsig
from jaxsig import config as configs
from jaxsig import system as systems
from jaxsig.data import cache
from jaxsig.engine.train import train
from jaxsig.errors import UserError
from jaxsig.experiment import checks, sweep
from jaxsig.experiment.evaluate import evaluate
from jaxsig.prediction import model as models
from jaxsig.prediction import own_file

pytestmark = pytest.mark.quick

WRONG = [
  ({"split__n_folds": 0}, "split.kind=kfold needs split.n_folds above 1"),
  ({"split__n_folds": -1}, "config.split.n_folds is -1"),
  ({"split__seeds": ()}, r"config.split.seeds is \(\): set it to a tuple of 1 or more different"),
  ({"train__batch_size": 0}, "config.train.batch_size is 0: set it to a whole number from 1 to"),
  ({"train__steps": -5}, "config.train.steps is -5: set it to a whole number from 0 to"),
  ({"train__steps": 0}, "train.steps=0 trains nothing: this needs config.init_from"),
  ({"split__kind": "external"}, "split.kind=external trains nothing: this needs config.init_from"),
  ({"run__predict_batch_size": 0}, "config.run.predict_batch_size is 0"),
  ({"run__ckpt_steps": 0}, "config.run.ckpt_steps is 0"),
  ({"run__log_steps": 0}, "config.run.log_steps is 0"),
  ({"run__val_steps": 0}, "config.run.val_steps is 0"),
  ({"optim__ema": 2.0}, "config.optim.ema is 2.0: set it to a number from 0 to 1"),
  ({"optim__ema": -0.5}, "config.optim.ema is -0.5"),
  ({"trainable": "("}, r"config.trainable is '\(': set it to a regular expression"),
  ({"report__claims": ("x",)}, "report.claims holds 'x': a claim is"),
  ({"report__metrics": (3,)}, "config.report holds 3"),
  ({"report__claims": ({"text": "t", "better": 3, "worse": "mean"},)}, "has better 3: give it"),
  ({"report__strata": {"length": 5}}, "config.report.strata.length is 5: set it to a tuple"),
  ({"split__seeds": (-1,)}, r"config.split.seeds is \(-1,\)"),
  ({"read__seed": -1}, "config.read.seed is -1"),
  ({"readings": {"a": {"label": 5}}}, "the reading 'a' has the label 5"),
  ({"ablations": {"a": {"train": 5}}}, "'train' is a section with batch_size, steps"),
  ({"readings": {"a": 5}}, "config.readings 'a' holds 5"),
  ({"ablations": {"a": 5}}, "config.ablations 'a' holds 5"),
]


@pytest.mark.parametrize(("changes", "sentence"), WRONG)
def test_a_setting_out_of_range_is_told_and_nothing_is_written(changes, sentence, tmp_path):
  with pytest.raises(UserError, match=sentence):
    sweep.experiment(toy(**changes), tmp_path / "w")
  assert not (tmp_path / "w").exists()


def test_a_wrong_setting_of_an_ablation_is_told_before_the_first_training(tmp_path):
  config = toy(ablations={"larger": {"train": {"batch_size": 0}}})
  with pytest.raises(UserError, match="the ablation 'larger': config.train.batch_size is 0"):
    sweep.experiment(config, tmp_path / "w")
  assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
  ("changes", "sentence"),
  [
    ({"data__simulate_groups": 0}, "data.simulate_groups=0 simulates nothing"),
    ({"data__duration_s": 0.5}, "no record has a window: the longest of 12 lasts 0.5 s"),
    ({"own__reading": "fast"}, "there is no reading 'fast' in this config; none are known"),
  ],
)
def test_what_only_the_data_tell(changes, sentence, tmp_path):
  with pytest.raises(UserError, match=sentence):
    sweep.open_run(toy(**changes), tmp_path / "w")


def test_every_config_passes():
  for path in sorted((ROOT / "configs").glob("*.py")):
    if path.stem != "base":
      for arg in ("", "smoke"):
        checks.require_settings(configs.load(path, arg))


def test_a_missing_section_or_key_is_told():
  for key, sentence in (("own", "no section 'own'"), ("system", "names no system")):
    config = toy().copy_and_resolve_references()
    with config.unlocked():
      del config[key]
    with pytest.raises(UserError, match=sentence):
      checks.require_settings(config)
  config = toy().copy_and_resolve_references()
  with config.unlocked():
    del config.train["steps"]
  with pytest.raises(UserError, match="has no train.steps"):
    checks.require_settings(config)


def test_a_list_is_no_experiment_and_an_experiment_no_list(tmp_path):
  listing = configs.load(ROOT / "configs" / "sweeps" / "respdiff_bidmc.py")
  with pytest.raises(UserError, match="run it with --mode=sweep"):
    sweep.experiment(listing, tmp_path / "w")
  with pytest.raises(UserError, match="takes a list of experiments"):
    sweep.sweep(toy(), tmp_path / "w")


def test_what_python_gives_is_told(tmp_path):
  with pytest.raises(UserError, match=r"give what jaxsig.load_config"):
    jaxsig.train("configs/respdiff.py", tmp_path / "w")
  with pytest.raises(UserError, match=r"give what jaxsig.load_config"):
    jaxsig.check_gradients("configs/respdiff.py")
  with pytest.raises(UserError, match="5 is no model"):
    jaxsig.predict(np.ones(640), 64, model=5)
  with pytest.raises(UserError, match="3 is no model"):
    jaxsig.open_model(3)


def test_a_count_may_stand_for_a_text_and_a_bool_is_no_number():
  config = jaxsig.load_config(TOY_CONFIG, run__members_per_program=1)
  assert config.run.members_per_program == "1"
  with pytest.raises(UserError, match="'train.steps' holds 200: .*not True"):
    jaxsig.load_config(TOY_CONFIG, train__steps=True)


@pytest.mark.parametrize(
  ("text", "sentence"),
  [
    ("# a title\n\nno python here\n", r"SyntaxError: invalid syntax \(line 3\)"),
    ("x = 1\n", "has no function get_config"),
    ("def get_config():\n  raise ValueError('two\\nlines')\n", r"ValueError: two lines \(line 2\)"),
    ("def get_config():\n  return {}['steps']\n", r"KeyError: 'steps' \(line 2\)"),
    ("import nothing_of_this_name\n", r"ModuleNotFoundError: No module .* \(line 1\)"),
    ("def get_config():\n  return 5\n", "get_config of .* gives int"),
  ],
)
def test_a_config_file_that_fails_is_told_with_its_line(text, sentence, tmp_path):
  path = tmp_path / "mine.md"
  path.write_text(text)
  with pytest.raises(UserError, match=sentence) as told:
    configs.load(path)
  assert "\n" not in str(told.value)
  assert "mine.md" in str(told.value)


def test_a_make_that_gives_no_system_is_told(monkeypatch):
  module = types.ModuleType("no_system")
  module.make = lambda config: None
  monkeypatch.setitem(sys.modules, "no_system", module)
  with pytest.raises(UserError, match=r"make\(config\) of the module no_system gives NoneType"):
    systems.make(toy(system="no_system"))


@pytest.mark.parametrize("part", ["load", "inspect", "sources"])
def test_a_system_without_a_reader_is_told(part, tmp_path):
  config = toy(data__source="real", data_dir=str(tmp_path))
  data = systems.make(config).data._replace(**{part: None})
  with pytest.raises(UserError, match=f"its Data has no {part}"):
    cache.load(data, config)


@pytest.mark.parametrize("name", ["records.json", "00000/signal.mix_t_c.npy"])
@pytest.mark.parametrize("damage", ["cut", "lost"])
def test_a_damaged_cache_is_made_again(name, damage, tmp_path):
  config = toy(cache_dir=str(tmp_path / "cache"))
  data = systems.make(config).data
  first = cache.load(data, config)
  [folder] = (tmp_path / "cache").iterdir()
  path = folder / name
  if damage == "cut":
    path.write_bytes(path.read_bytes()[:50])
  else:
    path.unlink()
  assert cache.load(data, config).fingerprint == first.fingerprint
  assert path.is_file()


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
  """(run, members) of the toy network, evaluated."""
  opened = sweep.open_run(toy(), tmp_path_factory.mktemp("checks") / "w")
  train(opened.run, opened.members)
  evaluate(opened.run, opened.members)
  return opened


def test_broken_timings_and_calibrations_are_made_again(evaluated):
  folder = evaluated.run.workdir / "members" / evaluated.members[0].name
  (folder / "timing.json").write_text("{")
  (folder / "calibration.json").write_text("")
  with pytest.raises(UserError, match=r"calibration.json is broken .*--mode=eval"):
    models.from_workdir(evaluated.run.workdir)
  evaluate(evaluated.run, evaluated.members)
  assert "network" in json.loads((folder / "timing.json").read_text())
  models.from_workdir(evaluated.run.workdir)


def test_a_model_that_reads_no_own_file_is_told(evaluated):
  model = models.from_workdir(evaluated.run.workdir)
  silent = dataclasses.replace(model, system=model.system._replace(own=None))
  with pytest.raises(UserError, match="reads no files of your own"):
    silent.predict(np.ones((200, 2)))
  with pytest.raises(UserError, match="reads no files of your own"):
    own_file.run(silent, np.ones((200, 2)), None, pathlib.Path("nowhere"))


def test_a_damaged_checkpoint_is_told_in_one_sentence(evaluated, tmp_path, capfd):
  folder = shutil.copytree(evaluated.run.workdir, tmp_path / "w")
  for path in (folder / "members").rglob("*"):
    inside_a_checkpoint = "checkpoints" in path.parts and "state" in path.parts
    if inside_a_checkpoint and path.is_file():
      path.write_bytes(b"")
  capfd.readouterr()
  with pytest.raises(UserError, match="cannot be restored"):
    models.from_workdir(folder)
  captured = capfd.readouterr()
  assert captured.out == "" and captured.err == ""
