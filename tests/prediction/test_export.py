"""From a workdir to a shipped model: the same model, with the figures of groups held out."""
import json
import pathlib
import shutil
from typing import NamedTuple

import jax
import numpy as np
import pytest
from builders import small, toy
from fake_bidmc import says
from fake_recording import LONG
from predict_builders import untrained

import jaxsig
from jaxsig import config as configs
from jaxsig.data.splits import groups_of
from jaxsig.engine.run import Run
from jaxsig.engine.train import train
from jaxsig.experiment import sweep
from jaxsig.experiment.evaluate import evaluate
from jaxsig.experiment.workdir import read_members
from jaxsig.prediction import export
from jaxsig.prediction import model as models

pytestmark = pytest.mark.quick


class Trained(NamedTuple):
  """Workdirs of one config: trained on everybody, and with groups held out, with a report."""
  everybody: Run
  held_out: Run


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Trained:
  folder = tmp_path_factory.mktemp("exported")
  everybody, members = sweep.open_run(toy(split__kind="all", split__folds=()), folder / "everybody")
  train(everybody, members)
  held_out, members = sweep.open_run(toy(), folder / "held_out")
  train(held_out, members)
  evaluate(held_out, members)
  sweep.report([held_out.workdir], held_out.workdir / "report")
  return Trained(everybody, held_out)


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
  """The folder of the model that was trained on everybody."""
  folder = tmp_path_factory.mktemp("shipped") / "mine"
  export.export(trained.everybody.workdir, folder, [trained.held_out.workdir])
  return folder


def test_an_exported_model_is_that_of_the_workdir(trained, exported):
  of_workdir = jaxsig.open_model(trained.everybody.workdir)
  of_folder = jaxsig.open_model(exported)
  jax.tree.map(np.testing.assert_array_equal, of_workdir.params, of_folder.params)
  jax.tree.map(np.testing.assert_array_equal, of_workdir.stats, of_folder.stats)
  wanted = configs.fingerprint(trained.everybody.config)
  assert configs.fingerprint(of_workdir.config) == configs.fingerprint(of_folder.config) == wanted


def test_it_knows_whom_it_has_seen(trained, exported):
  [member] = read_members(trained.everybody.workdir)
  seen = json.loads((exported / "about.json").read_text())["trained_on"]
  assert seen == sorted(groups_of(member.trained_on + member.val))


def test_the_card_tells_what_it_was_made_from(trained, exported):
  card = (exported / "card.md").read_text()
  [member] = read_members(trained.everybody.workdir)
  groups = groups_of(member.trained_on)
  for said in (
      "Not a medical device",
      configs.fingerprint(trained.everybody.config),
      trained.everybody.meta["data"],
      f"Players trained on: {len(groups)} ({', '.join(groups)})",
      "Players for validation only: 1 (",
  ):
    assert said in card
  assert "held out: " not in card.split("## Figures")[0]


def test_console_report_and_predictions_tell_one_hash_of_a_config(trained):
  run = trained.held_out
  wanted = configs.fingerprint(run.config)
  stamps = json.loads((run.workdir / "report" / "provenance.json").read_text())
  assert {stamp["config"] for stamp in stamps["network"]} == {wanted}
  assert "config: a hash of all settings" in (run.workdir / "report" / "index.html").read_text()
  assert models.from_workdir(run.workdir).made_by == wanted
  assert sweep._summary(run, read_members(run.workdir)).endswith(f"config {wanted}")


def test_the_card_has_the_figures_of_those_held_out(trained, exported):
  card = (exported / "card.md").read_text()
  table = json.loads((trained.held_out.workdir / "report" / "table.json").read_text())
  assert "not evidence about real players" in card
  for key in table["primary"]:
    mean = table["metrics"][key]["methods"]["network"]["included"]["estimate"]["value"]
    assert f"({key})" in card
    assert f"- all: {mean:.2f}" in card


def test_an_export_says_where_and_how_large(trained, tmp_path, capsys):
  export.export(trained.everybody.workdir, tmp_path / "mine", [])
  said = capsys.readouterr().out
  assert f"written to {tmp_path / 'mine'}: 22 parameters, 0.00 MiB" in said


def test_an_export_replaces_only_an_export(trained, tmp_path, monkeypatch):
  workdir = shutil.copytree(trained.everybody.workdir, tmp_path / "w")
  monkeypatch.chdir(workdir)
  for output in (workdir, pathlib.Path("."), pathlib.Path("../w")):
    assert "is the workdir of a training" in says(export.export, workdir, output, [])
  assert json.loads((workdir / "about.json").read_text())["data"]

  for name in ("card.md", "config.json"):
    folder = tmp_path / name.partition(".")[0]
    folder.mkdir()
    (folder / name).write_text("mine")
    assert f"holds a {name}" in says(export.export, workdir, folder, [])
    assert (folder / name).read_text() == "mine"

  for _ in range(2):
    export.export(workdir, tmp_path / "mine", [])


def test_an_export_into_the_current_folder_has_its_name(trained, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  export.export(trained.everybody.workdir, pathlib.Path("."), [])
  assert (tmp_path / "card.md").read_text().startswith(f"# {tmp_path.name}\n")


def test_without_evidence_the_card_says_so(trained, tmp_path):
  export.export(trained.everybody.workdir, tmp_path / "mine", [])
  assert "no honest figure is known" in (tmp_path / "mine" / "card.md").read_text()


def test_evidence_without_a_report_is_refused(trained, tmp_path):
  everybody = trained.everybody.workdir
  assert "no report" in says(export.export, everybody, tmp_path / "mine", [everybody])
  assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize(("section", "key", "value"), [
    ("optim", "learning_rate", 1.0),
    ("data", "duration_s", 31.0),
])
def test_evidence_of_another_config_is_refused(trained, tmp_path, section, key, value):
  other = shutil.copytree(trained.held_out.workdir, tmp_path / "other")
  settings = json.loads((other / "config.json").read_text())
  settings[section][key] = value
  (other / "config.json").write_text(json.dumps(settings))
  sentence = says(export.export, trained.everybody.workdir, tmp_path / "mine", [other])
  assert f"{section}.{key}" in sentence


def test_evidence_of_another_reading_is_taken(trained, tmp_path):
  other = shutil.copytree(trained.held_out.workdir, tmp_path / "other")
  settings = json.loads((other / "config.json").read_text())
  settings["read"]["seed"] = 7
  (other / "config.json").write_text(json.dumps(settings))
  export.export(trained.everybody.workdir, tmp_path / "mine", [other])
  assert "- all: " in (tmp_path / "mine" / "card.md").read_text()


def test_a_workdir_of_no_training_is_told(tmp_path):
  assert "split.json" in says(models.from_workdir, tmp_path / "nowhere")
  assert "split.json" in says(export.export, tmp_path / "nowhere", tmp_path / "mine", [])


def test_a_workdir_without_a_checkpoint_is_told(tmp_path):
  run, _ = sweep.open_run(toy(), tmp_path / "w")
  assert "holds no checkpoint of fold0_seed0" in says(jaxsig.open_model, run.workdir)


def test_a_workdir_of_another_config_is_refused(trained):
  wrong = configs.override(trained.everybody.config, {"optim.learning_rate": 1.0})
  assert "optim.learning_rate" in says(jaxsig.open_model, trained.everybody.workdir, wrong)


def test_a_reading_of_a_workdir_is_used_on_own_files(trained):
  label = configs.override(trained.everybody.config, {
      "readings": {"many": {"label": "many samples", "sampler": {"samples": 5}}},
      "own.reading": "many",
  })
  model = jaxsig.open_model(trained.everybody.workdir, label)
  assert model.config.read.sampler.samples == 5
  unknown = configs.override(label, {"own.reading": "menny"})
  assert "did you mean 'many'" in says(jaxsig.open_model, trained.everybody.workdir, unknown)


def test_respiration_is_exported_in_its_own_words(trained, tmp_path):
  """The card of another system, made of a workdir's files."""
  model = untrained(small(LONG))
  [member] = read_members(trained.everybody.workdir)
  lines = export.card("mine", model, trained.everybody.workdir, member, []).splitlines()
  assert any(line.startswith("- Patients trained on: 5 (") for line in lines)
  assert "## Figures of patients that were held out" in lines
