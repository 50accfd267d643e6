"""A damaged file of a workdir: a sentence that names it and a remedy that is true, never a trace.

Whatever is damaged, predict, export and report go on without it or refuse with that sentence, and
eval makes the file again, after which all of them work.
"""
import contextlib
import pathlib
import shutil
from collections.abc import Iterator

import matplotlib.figure
import pytest
from builders import toy
from ml_collections import ConfigDict

from jaxsig.engine.train import train
from jaxsig.errors import UserError
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


def _without_stamps(workdir):
  return [(row.unit, row.method, row.result) for row in read_rows(workdir / "rows.jsonl")]
