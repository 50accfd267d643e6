"""A damaged file of a workdir: a sentence that names it and a remedy that is true, never a trace.

Whatever is damaged, predict, export and report go on without it or refuse with that sentence, and
eval makes the file again, after which all of them work.
"""
import contextlib
import json
import pathlib
import shutil
from collections.abc import Iterator

import jax
import matplotlib.figure
import numpy as np
import pytest
from builders import checkpoints, toy
from ml_collections import ConfigDict

from jaxsig import config as configs
from jaxsig.engine.train import train
from jaxsig.errors import UserError
from jaxsig.experiment import evaluate as evaluate_module
from jaxsig.experiment import sweep
from jaxsig.experiment.evaluate import evaluate
from jaxsig.prediction import export
from jaxsig.prediction import model as models
from jaxsig.report.rows import read_rows

pytestmark = pytest.mark.usefixtures("quick_compilation")
MEMBER = "members/fold0_seed0"
FILES = (
  "config.json",
  "about.json",
  "split.json",
  "rows.jsonl",
  "timing.json",
  f"{MEMBER}/rows.jsonl",
  f"{MEMBER}/timing.json",
  f"{MEMBER}/calibration.json",
  f"{MEMBER}/scalars.jsonl",
  "report/table.json",
  "predictions/fold0_seed0/network/KEPT.npz",   # of the first record
)
CONTENTS = {"empty": b"", "null": b"null", "{}": b"{}"}   # more of them: test_stored_files.py
DAMAGES = (*CONTENTS, "half", "gone", "folder")
# what goes on, as the file tells nothing that this needs
NEEDED = {
  "predict": ("config.json", "split.json", "calibration.json"),
  "export": ("config.json", "about.json", "split.json", "calibration.json", "table.json"),
  "report": ("config.json", "about.json", "split.json", "rows.jsonl", "timing.json", ".npz"),
}


@pytest.fixture(scope="module", autouse=True)
def pictures_are_not_drawn():
  """Their material is read all the same."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(matplotlib.figure.Figure, "savefig", lambda *_, **__: None)
    yield


def small_toy() -> ConfigDict:
  """The toy network on short records, with one table."""
  few = {"report__metrics": (), "report__primary": ("level_units",), "report__strata": {}}
  return toy(data__duration_s=10.0, train__steps=2, run__val_windows=0, **few)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
  """An evaluated workdir with its report; not to be changed."""
  workdir = tmp_path_factory.mktemp("whole") / "w"
  opened = sweep.open_run(small_toy(), workdir)
  train(opened.run, opened.members)
  evaluate(opened.run, opened.members)
  sweep.report([workdir], workdir / "report")
  return workdir


@pytest.fixture
def workdir(whole, tmp_path):
  """A copy to damage."""
  return shutil.copytree(whole, tmp_path / "w")


def place(workdir: pathlib.Path, name: str) -> pathlib.Path:
  path = workdir / name
  if path.name != "KEPT.npz":
    return path
  return min(path.parent.iterdir())


def damage(path: pathlib.Path, kind: str) -> None:
  content = path.read_bytes()
  path.unlink()
  if kind == "folder":
    path.mkdir()
  elif kind == "half":
    path.write_bytes(content[:len(content) // 2])
  elif kind != "gone":
    path.write_bytes(CONTENTS[kind])


def reads(workdir: pathlib.Path) -> Iterator[tuple[str, str]]:
  """(mode, what it refuses with) of all that reads a workdir; empty where it does its work."""
  actions = {
    "predict": lambda: models.from_workdir(workdir),
    "export": lambda: export.export(workdir, workdir.parent / "model", [workdir]),
    "report": lambda: sweep.report([workdir], workdir.parent / "joined"),
  }
  for mode, act in actions.items():
    sentence = ""
    try:
      act()
    except UserError as error:
      sentence = str(error)
    yield mode, sentence


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_readers_name_it_or_do_without(workdir, name, kind):
  path = place(workdir, name)
  damage(path, kind)
  for mode, sentence in reads(workdir):
    if sentence:
      assert path.name in sentence, mode
      assert path.name.endswith(NEEDED[mode]), mode
      assert "--mode=eval" in sentence or "--workdirs" in sentence, mode
    elif path.name.endswith(NEEDED[mode]):
      # an object, or nothing at all, may do where only more is told
      assert kind in ("{}", "gone") or MEMBER in name, mode


@pytest.mark.parametrize("kind", ["half", "gone", "folder"])
@pytest.mark.parametrize("name", FILES)
def test_eval_makes_it_again(workdir, whole, name, kind):
  path = place(workdir, name)
  damage(path, kind)
  if kind == "folder" and name not in (f"{MEMBER}/scalars.jsonl", "report/table.json"):
    with contextlib.suppress(UserError):
      sweep.experiment(small_toy(), workdir, fit=False)
    path.rmdir()
  sweep.experiment(small_toy(), workdir, fit=False)
  if "report" not in name:
    assert [sentence for _, sentence in reads(workdir) if sentence] == []
  stripped = [_without_stamps(folder) for folder in (workdir, whole)]
  assert stripped[0] == stripped[1]


def test_what_is_whole_is_not_evaluated_again(workdir, monkeypatch):
  sweep.experiment(small_toy(), workdir, fit=False)   # with the stamp of the code as it is now
  monkeypatch.setattr(evaluate_module, "_evaluate_member", None)
  sweep.experiment(small_toy(), workdir, fit=False)
  place(workdir, FILES[-1]).unlink()
  with pytest.raises(TypeError):
    sweep.experiment(small_toy(), workdir, fit=False)


def _without_stamps(workdir):
  return [(row.unit, row.method, row.result) for row in read_rows(workdir / "rows.jsonl")]


# Checkpoints

def arrays(workdir):
  model = models.from_workdir(workdir)
  return jax.tree.leaves((model.params, model.stats))


# the reader of arrays leaves futures behind, which say so when they are collected
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", ["empty", "half", "gone"])
def test_each_file_of_a_checkpoint(whole, tmp_path, kind):
  """What is read in spite of it is the same; nothing is taken for trained that is not."""
  names = [path.relative_to(whole) for path in checkpoints(whole).rglob("*") if path.is_file()]
  assert len(names) > 5
  refused = 0
  for i, name in enumerate(names):
    workdir = shutil.copytree(whole, tmp_path / str(i))
    damage(workdir / name, kind)
    try:
      read = arrays(workdir)
    except UserError as error:
      refused += 1
      assert "checkpoint" in str(error), name
      continue
    for one, other in zip(read, arrays(whole), strict=True):
      np.testing.assert_array_equal(one, other, err_msg=str(name))
  assert refused >= 2


# Configs

def change_config(workdir, change):
  path = workdir / "config.json"
  settings = json.loads(path.read_text())
  change(settings)
  path.write_text(json.dumps(settings))


CHANGES = {
  "no system": lambda x: x.pop("system"),
  "no text as system": lambda x: x.update(system=3),
  "a list as system": lambda x: x.update(system=[]),
  "a list as read": lambda x: x.update(read=[]),
  "null as data": lambda x: x.update(data=None),
  "a number as readings": lambda x: x.update(readings=3),
  "no read.method": lambda x: x["read"].pop("method"),
  "no model": lambda x: x.pop("model"),
  "no report": lambda x: x.pop("report"),
  "a text as report": lambda x: x.update(report="x"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_config_that_lacks_what_readers_need(workdir, change):
  change_config(workdir, CHANGES[change])
  for mode, sentence in reads(workdir):
    assert "config.json" in sentence and "--mode=eval" in sentence, mode
  if change not in ("null as data", "no model"):   # trainings depend on those: of another config
    sweep.experiment(small_toy(), workdir, fit=False)
    assert [sentence for _, sentence in reads(workdir) if sentence] == []


@pytest.mark.parametrize("kind", ["empty", "half", "{}", "gone"])
def test_a_lost_config_can_be_named(workdir, kind):
  damage(workdir / "config.json", kind)
  export.export(workdir, workdir.parent / "model", [], small_toy())
  card = (workdir.parent / "model" / "card.md").read_text()
  assert configs.fingerprint(small_toy()) in card
  other = configs.override(small_toy(), {"train.steps": 3})
  for act in (lambda: models.from_workdir(workdir, other), lambda: sweep.open_run(other, workdir)):
    with pytest.raises(UserError, match="was made with another config"):
      act()
