"""A refused run leaves nothing behind, and nothing of what was there is changed."""
import os
import pathlib

import pytest
from builders import ROOT, TOY_CONFIG
from fake_bidmc import says

from jaxsig import main
from jaxsig.errors import UserError
from jaxsig.experiment import sweep
from jaxsig.experiment.workdir import nothing_left, say

pytestmark = [pytest.mark.quick, pytest.mark.usefixtures("quick_compilation")]
TOY = f"--config={TOY_CONFIG}"
REPORT = ("--mode=report", "--workdir=new", "--workdirs=empty")
SWEEP = f"--config={ROOT}/configs/sweeps/respdiff_bidmc.py"


@pytest.fixture
def files(tmp_path, monkeypatch):
  """A folder with a file and a pipe, where the process is."""
  monkeypatch.chdir(tmp_path)
  (tmp_path / "file").write_text("mine")
  (tmp_path / "empty").mkdir()
  os.mkfifo(tmp_path / "pipe")
  return tmp_path


def contents(folder: pathlib.Path) -> dict[pathlib.Path, int]:
  """{path: when the file was changed, 0 of a folder}."""
  times = {}
  for path in folder.rglob("*"):
    times[path] = 0
    if not path.is_dir():
      times[path] = path.lstat().st_mtime_ns
  return times


def refusal(folder: pathlib.Path, capsys: pytest.CaptureFixture, *words: str) -> str:
  """The sentence of a refused command, which has changed nothing in a folder."""
  before = contents(folder)
  assert main.main(["jaxsig", *words]) == main.EXIT_USER
  [sentence] = [line for line in capsys.readouterr().err.splitlines() if "jaxsig: " in line]
  assert contents(folder) == before
  return sentence


@pytest.mark.parametrize("workdir", ["new/w", "empty"])
@pytest.mark.parametrize(("change", "part"), [
    ("train.steps=0", "train.steps=0 trains nothing"),
    ("train.batch_size=0", "batch_size"),
    ("split.seeds=()", "split.seeds"),
    ("split.folds=(9,)", "fold 9"),
    ("split.kind=nope", "'nope'"),
    ("split.n_folds=50", "fold 0"),
    ("split.val_groups=50", "val_groups"),
    ("optim.name=nope", "'nope'"),
    ("optim.schedule=nope", "'nope'"),
    ("optim.learning_rate=-1", "learning_rate"),
    ("trainable=nomatch", "nomatch"),
    ("run.feed=nope", "nope"),
    ("run.members_per_program=0", "members_per_program"),
    ("report.primary=('foo',)", "foo"),
    ("read.shuffle=('x',)", "read.shuffle"),
    ("data.duration_s=0.1", "0.1"),
    ("data.simulate_groups=0", "simulate_groups"),
    ("system=nope", "'nope'"),
    ("data_dir=none", "none is missing"),
    ("data_dir=~/none", "none is missing"),
    ("data_dir=gs://b", "config.data_dir gs://b"),
    ("data_dir=pipe", "pipe"),
    ("data_dir=" + "x" * 300, "File name too long"),
    ("cache_dir=s3://b", "config.cache_dir s3://b"),
    ("cache_dir=file", "is a file"),
    ("cache_dir=file/x", "is a file"),
    ("init_from=gs://b", "config.init_from gs://b"),
    ("init_from=none", "none"),
    ("init_from=" + "x" * 300, "File name too long"),
])
def test_a_refused_training(files, capsys, workdir, change, part):
  sentence = refusal(files, capsys, TOY, f"--workdir={workdir}", f"--config.{change}")
  assert part in sentence


@pytest.mark.parametrize(("words", "part"), [
    ([TOY, "--mode=eval", "--workdir=new"], "--mode=train"),
    ([TOY, "--workdir=gs://b/w"], "--workdir gs://b/w"),
    ([TOY, "--workdir=file"], "is a file"),
    ([TOY, "--workdir=file/w"], "is a file"),
    ([TOY, "--workdir=pipe"], "is a pipe"),
    ([TOY, "--workdir=/dev/null/w"], "is a pipe, a device"),
    ([TOY, "--mode=sweep", "--workdir=new"], "--mode=sweep takes a list"),
    ([SWEEP, "--workdir=new"], "run it with --mode=sweep"),
    ([SWEEP, "--mode=sweep", "--workdir=new", "--config.data_dir=none"], "none is missing"),
    ([SWEEP, "--mode=sweep", "--workdir=new", "--config.data_dir=gs://b"], "gs://b"),
    ([SWEEP, "--mode=sweep", "--workdir=new", "--config.cache_dir=file"], "is a file"),
    (["--mode=report", "--workdir=new", "--workdirs=none"], "none"),
    (["--mode=report", "--workdir=new", "--workdirs=empty,"], "--workdirs is empty"),
    (["--mode=report", "--workdir=new", "--workdirs=gs://b"], "--workdirs gs://b"),
    ([*REPORT, "--update=file:x"], "file has no block"),
    ([*REPORT, "--update=none:x"], "none has no block"),
    ([*REPORT, "--update=pipe:x"], "is a pipe"),
    (["--mode=export", "--workdir=empty", "--output=new"], "split.json"),
    (["--mode=export", "--workdir=empty", "--output=file"], "is a file"),
    (["--mode=export", "--workdir=empty", "--output=gs://b"], "--output gs://b"),
    (["--mode=predict", "--workdir=empty", "--input=file"], "split.json"),
    (["--mode=predict", "--model=none", "--input=file"], "no model 'none'"),
    (["--mode=inspect", TOY, "--config.data_dir=gs://b"], "config.data_dir gs://b"),
])
def test_a_refused_command(files, capsys, words, part):
  assert part in refusal(files, capsys, *words)


def test_a_report_does_not_go_into_the_workdir_of_another_training(toy_folds_copy, files):
  before = sorted(toy_folds_copy.rglob("*"))
  assert "is the workdir of a training" in says(
      sweep.require_apart, [files / "empty"], toy_folds_copy)
  words = ["--mode=report", f"--workdir={toy_folds_copy}", "--workdirs=empty"]
  assert main.main(["jaxsig", *words]) == main.EXIT_USER
  assert sorted(toy_folds_copy.rglob("*")) == before


# What a refusal removes

def refused_after(workdir: pathlib.Path, *names: str) -> None:
  with pytest.raises(UserError, match="refused"), nothing_left(workdir):
    for name in names:
      path = workdir / name
      path.parent.mkdir(parents=True, exist_ok=True)
      path.write_text("{}")
    raise UserError("refused")


@pytest.mark.parametrize("names", [
    [], ["config.json"], ["config.json", "members/a/x.json"], ["members/a/scalars.txt"],
])
def test_what_it_wrote_into_a_new_workdir(tmp_path, names):
  refused_after(tmp_path / "new" / "w", *names)
  assert not list(tmp_path.iterdir())
  (tmp_path / "there").mkdir()
  refused_after(tmp_path / "there", *names)
  assert list(tmp_path.rglob("*")) == [tmp_path / "there"]


@pytest.mark.parametrize("name", [
    "rows.jsonl", "members/a/checkpoints/5/state", "members/a/scalars.jsonl",
    "ablations/b/members/a/checkpoints/5/state",
])
def test_what_was_trained_or_logged_stays(tmp_path, name):
  refused_after(tmp_path / "w", "config.json", name)
  assert (tmp_path / "w" / name).is_file()
  assert (tmp_path / "w" / "config.json").is_file()


def test_what_was_there_stays(tmp_path):
  (tmp_path / "notes.txt").write_text("mine")
  refused_after(tmp_path, "config.json")
  assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_run_that_succeeds_or_breaks_keeps_its_files(tmp_path):
  with nothing_left(tmp_path):
    (tmp_path / "a").touch()
  with pytest.raises(ZeroDivisionError), nothing_left(tmp_path / "w"):
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "b").touch()
    raise ZeroDivisionError
  assert (tmp_path / "a").is_file()
  assert (tmp_path / "w" / "b").is_file()


def test_any_console_takes_any_name(monkeypatch, capsysbinary):
  import io
  import sys
  written = io.BytesIO()
  monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
  say("Gr\u00f6\u00dfe \udcf6")
  assert written.getvalue() == rb"Gr\xf6\xdfe \udcf6" + b"\n"
