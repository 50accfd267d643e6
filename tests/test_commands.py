"""The command line as a user meets it: modes, exit codes, and one sentence for every mistake.

Three real processes: one trains on simulated patients, one evaluates that again on eight devices,
one trains on real files where TensorFlow is missing. All else is called in this process.
"""
import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest
from builders import ROOT
from fake_bidmc import records, write_bidmc
from fake_recording import pulse

from jaxsig import main
from jaxsig.report.rows import read_rows
from jaxsig.rows import Row

pytestmark = pytest.mark.usefixtures("quick_compilation")
CONFIG = f"--config={ROOT}/configs/respdiff.py:smoke"
PHASE = f"--config={ROOT}/configs/phase_retrieval.py:smoke"
TOY = f"--config={ROOT}/tests/toy_config.py"


class Done(NamedTuple):
  """What a command left: its exit code and what it printed."""
  code: int
  out: str
  err: str


@pytest.fixture
def jaxsig(capsys):
  """(words) -> Done, of a command line in this process."""
  def go(*words: str) -> Done:
    capsys.readouterr()
    code = main.main(["jaxsig", *map(str, words)])
    return Done(code, *capsys.readouterr())

  return go


def succeeded(done: Done) -> str:
  """What a command printed that succeeded."""
  assert done.code == 0, done.err
  return done.out


def refused(done: Done, *words: str) -> None:
  """One sentence on stderr that has the words in it, and exit code 2."""
  assert done.code == main.EXIT_USER
  lines = [line for line in done.err.splitlines() if line.startswith("jaxsig: ")]
  assert len(lines) == 1
  assert "Traceback" not in done.err
  for word in words:
    assert word in lines[0]


def in_a_process(*words: str, folder: pathlib.Path = ROOT, **environment: str) -> str:
  """What `python words` printed, in a process of its own that succeeded."""
  quick = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
  done = subprocess.run(
      [sys.executable, *words],
      cwd=folder,
      capture_output=True,
      text=True,
      env={**os.environ, **quick, **environment},
      timeout=600,
      check=False,
  )
  assert done.returncode == 0, done.stderr
  return done.stdout


@pytest.fixture(scope="module")
def first(tmp_path_factory):
  """(workdir, console output) of a whole training; not to be changed."""
  folder = tmp_path_factory.mktemp("first") / "w"
  out = in_a_process("-m", "jaxsig.main", CONFIG, f"--workdir={folder}")
  return folder, out


@pytest.fixture(scope="module")
def workdir(first):
  folder, _ = first
  return folder


@pytest.fixture
def copy(workdir, tmp_path):
  """A copy of that workdir to change."""
  return shutil.copytree(workdir, tmp_path / "copy")


# Modes

def test_train_evaluates_and_reports(first):
  folder, out = first
  for said in ("SIMULATED", "respdiff", "one_pass_regressor", "smart_fusion"):
    assert said in out
  for name in (
      "config.json",
      "split.json",
      "about.json",
      "rows.jsonl",
      "timing.json",
      "report/index.html",
      "report/table.md",
      "ablations/one_pass/rows.jsonl",
  ):
    assert (folder / name).is_file(), name


def test_the_rows_are_of_the_tested_groups(workdir):
  [member] = json.loads((workdir / "split.json").read_text())["members"]
  tested = {segment[0] for segment in member["test"]}
  assert {row.group for row in read_rows(workdir / "rows.jsonl")} == tested


def test_eval_gives_the_same_rows_on_eight_devices(copy):
  before = read_rows(copy / "rows.jsonl")
  for path in copy.rglob("rows.jsonl"):
    path.unlink()
  words = ["--mode=eval", "--cpu_devices=8", "--config.run.ablations=false"]
  in_a_process("-m", "jaxsig.main", CONFIG, f"--workdir={copy}", *words)
  after = read_rows(copy / "rows.jsonl")
  for a, b in zip(before, after, strict=True):
    assert (a.key, a.record, a.unit, a.method) == (b.key, b.record, b.unit, b.method)
    assert (a.truth, a.included, a.strata) == (b.truth, b.included, b.strata)
    assert (a.estimate is None) == (b.estimate is None)
    if a.estimate is not None:
      np.testing.assert_allclose(a.estimate, b.estimate, atol=1e-2)


def own_ppg(folder: pathlib.Path, lost_s: float = 0.0) -> pathlib.Path:
  """130 s of breathing at 64 Hz as a CSV file; with times where `lost_s` are missing after 65 s."""
  path = folder / "mine.csv"
  ppg_t = pulse(130, 64.0)
  if not lost_s:
    np.savetxt(path, ppg_t, header="PPG", comments="")
    return path
  time_s = np.arange(len(ppg_t)) / 64
  time_s[time_s >= 65] += lost_s
  np.savetxt(path, np.stack([time_s, ppg_t], -1), "%.5f", ",", header="time,PPG", comments="")
  return path


def test_predict_on_a_file_of_ones_own(copy, tmp_path, jaxsig):
  source = own_ppg(tmp_path)
  words = ["--mode=predict", f"--input={source}", "--rate_hz=64"]
  said = succeeded(jaxsig(CONFIG, f"--workdir={copy}", *words))
  assert "60-120 s" in said
  table = np.genfromtxt(copy / "predict" / "mine_waveform.csv", delimiter=",", names=True)
  assert "resp" in table.dtype.names
  assert abs(table["time_s"][-1] - 130) < 5.1
  assert np.isfinite(table["resp"]).all()
  assert (copy / "predict" / "mine_respiration.png").stat().st_size > 5000


@pytest.fixture(scope="module")
def exported(workdir, tmp_path_factory):
  folder = tmp_path_factory.mktemp("shipped") / "mine"
  places = [f"--workdir={workdir}", f"--workdirs={workdir}", f"--output={folder}"]
  with contextlib.redirect_stdout(None):
    assert main.main(["jaxsig", "--mode=export", *places]) == 0
  return folder


def test_export_writes_a_model_with_its_card(exported):
  assert "Not a medical device" in (exported / "card.md").read_text()
  assert "Patients trained on" in (exported / "card.md").read_text()


def test_an_exported_model_predicts_without_config_and_workdir(exported, tmp_path, jaxsig):
  source = own_ppg(tmp_path, lost_s=100)
  out = tmp_path / "out"
  places = [f"--model={exported}", f"--input={source}", f"--output={out}"]
  said = succeeded(jaxsig("--mode=predict", *places))
  assert "60-120 s  no estimate" in said
  table = np.genfromtxt(out / "mine_waveform.csv", delimiter=",", names=True)
  assert len(table) == 2300
  assert np.isnan(table["resp"][651:1649]).all()
  assert np.isfinite(table["resp"][1700:2200]).all()
  assert (out / "mine_rates.csv").read_text().splitlines()[2].startswith(
    "60,120,,,,,no estimate,only 5 of 60 s could be read"
  )


def test_an_exported_model_refuses_what_does_not_fit(exported, tmp_path, jaxsig):
  source = own_ppg(tmp_path)
  words = ["--mode=predict", f"--model={exported}"]
  refused(jaxsig(*words, f"--input={tmp_path / 'none.csv'}"), "none.csv", "does not exist")
  refused(jaxsig(*words, f"--input={source}", CONFIG, "--config.model.hidden=3"), "model.hidden")


def test_report_joins_workdirs(workdir, tmp_path, jaxsig):
  joined = f"--workdirs={workdir},{workdir / 'ablations/one_pass'}"
  succeeded(jaxsig("--mode=report", joined, f"--workdir={tmp_path / 'r'}"))
  assert "one_pass_regressor" in (tmp_path / "r" / "report" / "table.md").read_text()


def test_report_updates_a_table_of_a_text_file(workdir, tmp_path, jaxsig):
  text = tmp_path / "page.md"
  text.write_text("# Mine\n<!-- table:first -->\nold\n<!-- /table -->\nend\n")
  places = [f"--workdirs={workdir}", f"--workdir={tmp_path / 'r'}"]
  succeeded(jaxsig("--mode=report", *places, f"--update={text}:first"))
  assert "smart_fusion" in text.read_text() or "Smart fusion" in text.read_text()
  assert "old" not in text.read_text().splitlines()
  assert text.read_text().startswith("# Mine\n")
  assert text.read_text().endswith("end\n")


@pytest.mark.quick
def test_inspect_tells_what_is_there(tmp_path, jaxsig):
  write_bidmc(tmp_path / "bidmc", records(2))
  next((tmp_path / "bidmc").glob("*.dat")).write_bytes(b"short")
  said = succeeded(jaxsig(CONFIG, "--mode=inspect", f"--config.data_dir={tmp_path}"))
  for part in ("SKIPPED", "ODC-By", "1 recording, 1 skipped"):
    assert part in said
  assert "simulator" in succeeded(jaxsig(CONFIG, "--mode=inspect"))


@pytest.mark.quick
def test_gradients_are_checked_leaf_by_leaf(jaxsig):
  said = succeeded(jaxsig(TOY, "--mode=gradients"))
  assert "weight_f_k" in said
  assert "random directions" in said


# Real files

BLOCK = """
import importlib.machinery as machinery
find = machinery.PathFinder.find_spec

def find_spec(name, *rest):   # as where they are not installed: nothing is found
  if name.partition('.')[0] in ('tensorflow', 'tensorflow_datasets'):
    return None
  return find(name, *rest)

machinery.PathFinder.find_spec = find_spec
"""

TWICE = """
import sys
try:
  import tensorflow
except ImportError:
  from jaxsig.main import main
  words = sys.argv[1:]
  codes = [main(["jaxsig", *words, "--workdir=a"]), main(["jaxsig", *words, "--workdir=b"])]
  sys.exit(max(codes))
sys.exit("TensorFlow was imported: the block does not work")
"""


def test_real_files_end_to_end_without_tensorflow(tmp_path):
  """Real layouts, cached, trained, evaluated twice: with TensorFlow made impossible to import."""
  write_bidmc(tmp_path / "data" / "bidmc", records(4, duration_s=70))
  (tmp_path / "sitecustomize.py").write_text(BLOCK)
  (tmp_path / "twice.py").write_text(TWICE)
  places = ["--config.data_dir=data", "--config.cache_dir=cache"]
  words = [CONFIG, *places, "--config.run.ablations=false", "--config.model.objective=regression"]
  out = in_a_process(
      "twice.py", *words,
      folder=tmp_path,
      PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}",
  )
  assert "SIMULATED" not in out
  assert len(list((tmp_path / "cache").iterdir())) == 1
  first = rows_of_any_commit(tmp_path / "a")
  again = rows_of_any_commit(tmp_path / "b")
  assert {row.stamp.source for row in first} == {"bidmc"}
  assert first == again


def rows_of_any_commit(workdir: pathlib.Path) -> list[Row]:
  """The rows of a workdir without the commit, which changes while somebody edits the code."""
  rows = []
  for row in read_rows(workdir / "rows.jsonl"):
    stamp = row.stamp._replace(commit="")
    rows.append(dataclasses.replace(row, stamp=stamp))
  return rows


# Mistakes

@pytest.mark.quick
@pytest.mark.parametrize(("words", "parts"), [
    ([CONFIG, "--workdir=W", "--config.data.source=reel"], ["reel", "simulated"]),
    ([CONFIG, "--workdir=W", "--config.data_dir=W/none"],
     ["W/none is missing", "--config.data_dir"]),
    ([CONFIG, "--workdir=W", "--config.data.source=real"], ["--config.data_dir"]),
    ([CONFIG, "--workdir=W", "--config.split.kind=random"], ["random", "leave_one_out"]),
    ([CONFIG, "--workdir=W", "--config.split.folds=(9,)"], ["fold 9"]),
    ([CONFIG, "--workdir=W", "--config.model.objective=gan"], ["'gan'", "diffusion"]),
    ([CONFIG, "--workdir=W", "--config.read.sampler.name=euler"], ["euler"]),
    ([CONFIG, "--workdir=W", "--mode=eval"], ["--mode=train"]),
    ([CONFIG, "--workdir=W", "--mode=predict", "--input=W/none.csv"], ["W", "split.json"]),
    ([PHASE, "--workdir=W", "--config.loss.rule=foo"], ["'foo'", "one of '0,1', '1,0', 'both'"]),
    (["--mode=predict", "--input=x.csv", "--model=respdiff_6s"],
     ["no model 'respdiff_6s'", "workdir"]),
    (["--mode=export", "--workdir=W", "--output=W/out"], ["W", "split.json"]),
    (["--mode=report", "--workdir=W", "--workdirs=W/none"], ["W/none"]),
], ids=lambda words: " ".join(words)[-40:])
def test_a_mistake_gets_one_sentence(words, parts, jaxsig, tmp_path):
  place = str(tmp_path / "W")

  def placed(text: str) -> str:
    return text.replace("=W", f"={place}").replace("W/", f"{place}/")

  refused(jaxsig(*map(placed, words)), *map(placed, parts))


@pytest.mark.quick
def test_an_empty_data_folder_is_told(tmp_path, jaxsig):
  (tmp_path / "empty").mkdir()
  done = jaxsig(CONFIG, f"--workdir={tmp_path / 'w'}", f"--config.data_dir={tmp_path / 'empty'}")
  refused(done, "is empty", "--config.data_dir")


@pytest.mark.quick
def test_an_unwritable_workdir_is_told_and_left_as_it_is(tmp_path, jaxsig):
  (tmp_path / "file").write_text("mine")
  done = jaxsig(CONFIG, f"--workdir={tmp_path / 'file'}")
  refused(done, str(tmp_path / "file"), "name")   # another folder
  assert (tmp_path / "file").read_text() == "mine"


def files_of(folder: pathlib.Path) -> dict[pathlib.Path, int]:
  """{file: when it was changed}."""
  return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_the_workdir_of_another_config_is_refused_and_kept(workdir, jaxsig):
  before = files_of(workdir)
  done = jaxsig(CONFIG, f"--workdir={workdir}", "--config.optim.learning_rate=0.5")
  refused(done, "optim.learning_rate", "--workdir")
  assert files_of(workdir) == before


@pytest.mark.quick
def test_a_broken_recording_stops_with_its_name_before_anything_is_trained(tmp_path, jaxsig):
  write_bidmc(tmp_path / "bidmc", records(3))
  victim = sorted((tmp_path / "bidmc").glob("*.dat"))[1]
  victim.write_bytes(victim.read_bytes()[:1000])
  done = jaxsig(CONFIG, f"--workdir={tmp_path / 'w'}", f"--config.data_dir={tmp_path}")
  refused(done, victim.stem)
  assert not (tmp_path / "w" / "members").exists()


# The Python face

def test_python_trains_and_evaluates_as_the_command_line(tmp_path, monkeypatch):
  import jax

  import jaxsig as face
  before = jax.config.jax_compilation_cache_dir
  monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "programs"))
  config = face.load_config(ROOT / "tests" / "toy_config.py", train__steps=8)
  try:
    rows = face.train(config, tmp_path / "w")
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "programs")
  finally:
    jax.config.update("jax_compilation_cache_dir", before)
  assert rows == read_rows(tmp_path / "w" / "rows.jsonl")
  assert (tmp_path / "w" / "report" / "index.html").is_file()
  assert face.evaluate(config, str(tmp_path / "w")) == rows
