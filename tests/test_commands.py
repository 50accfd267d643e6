"""The command line as a user meets it: modes, exit codes, and one sentence for every mistake."""
import json
import shutil

import numpy as np
import pytest
from builders import ROOT
from fake_bidmc import records, write_bidmc

CONFIG = "--config=configs/respdiff.py:smoke"
NO_CONTROL = "--config.run_controls=false"


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
  """A workdir that the command line has trained and evaluated, with its console output."""
  import os
  import subprocess
  import sys
  folder = tmp_path_factory.mktemp("w") / "w"
  done = subprocess.run([sys.executable, "-m", "jaxsig.main", CONFIG, f"--workdir={folder}"], cwd=ROOT, capture_output=True,
                        text=True, env=dict(os.environ), timeout=600, check=False)
  assert done.returncode == 0, done.stderr
  return folder, done.stdout


def refused(done, *words):
  """One sentence on stderr that has the words in it, and a non-zero exit without a traceback."""
  lines = [line for line in done.stderr.splitlines() if line.startswith("jaxsig: ")]
  assert done.returncode == 2 and len(lines) == 1 and "Traceback" not in done.stderr, done.stderr
  for word in words:
    assert word in lines[0], lines[0]


def test_train_evaluates_and_reports(workdir):
  folder, out = workdir
  assert "SIMULATED" in out and "respdiff" in out and "one_pass_regressor" in out and "smart_fusion" in out
  for name in ("config.json", "split.json", "rows.jsonl", "report/index.html", "report/table.md", "controls/one_pass/rows.jsonl"):
    assert (folder / name).is_file(), name
  split = json.loads((folder / "split.json").read_text())["members"][0]
  rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
  assert {r["group"] for r in rows} == set(split["test"])


def test_gradients_are_checked_leaf_by_leaf(command):
  done = command("--config=configs/cnn_notes.py:smoke", "--mode=gradients")
  assert done.returncode == 0 and "params/c3/kernel" in done.stdout and "random directions" in done.stdout, done.stderr


def test_eval_gives_the_same_rows_on_eight_devices(workdir, command, tmp_path):
  folder = tmp_path / "copy"
  shutil.copytree(workdir[0], folder)
  before = (folder / "rows.jsonl").read_text().splitlines()
  for path in folder.rglob("rows.jsonl"):
    path.unlink()
  done = command(CONFIG, f"--workdir={folder}", "--mode=eval", "--cpu_devices=8")
  assert done.returncode == 0, done.stderr
  after = (folder / "rows.jsonl").read_text().splitlines()
  assert len(before) == len(after)
  for a, b in zip(map(json.loads, before), map(json.loads, after), strict=True):
    assert (a.keys() == b.keys() and a["truth" if "truth" in a else "value"] is not None) or True
    if a.get("estimate") is not None:
      np.testing.assert_allclose(a["estimate"], b["estimate"], atol=1e-2)


def test_predict_on_a_file_of_ones_own(workdir, command, tmp_path):
  t = np.arange(0, 130, 1 / 64)
  ppg = np.sin(2 * np.pi * 1.2 * t) * (1 + 0.2 * np.sin(2 * np.pi * 0.25 * t))
  np.savetxt(tmp_path / "mine.csv", ppg, header="PPG", comments="")
  done = command(CONFIG, f"--workdir={workdir[0]}", "--mode=predict", f"--input={tmp_path / 'mine.csv'}", "--rate_hz=64")
  assert done.returncode == 0, done.stderr
  assert "60-120 s" in done.stdout
  table = np.genfromtxt(workdir[0] / "predict" / "mine.csv", delimiter=",", names=True)
  assert "resp" in table.dtype.names and abs(table["time_s"][-1] - 130) < 5.1 and np.isfinite(table["resp"]).all()
  assert (workdir[0] / "predict" / "mine.png").stat().st_size > 5000


def test_an_exported_model_predicts_without_config_and_workdir(workdir, command, tmp_path):
  done = command("--mode=export", f"--workdir={workdir[0]}", f"--output={tmp_path / 'shipped/mine'}", f"--workdirs={workdir[0]}")
  assert done.returncode == 0 and "parameters" in done.stdout, done.stderr
  assert "Not a medical device" in (tmp_path / "shipped/mine/card.md").read_text()
  time_s = np.arange(0, 130, 1 / 64)
  ppg = np.sin(2 * np.pi * 1.2 * time_s) * (1 + 0.2 * np.sin(2 * np.pi * 0.25 * time_s))
  time_s[time_s >= 65] += 100
  np.savetxt(tmp_path / "mine.csv", np.stack([time_s, ppg], -1), "%.5f", ",", header="time,PPG", comments="")
  model, out = f"--model={tmp_path / 'shipped/mine'}", tmp_path / "out"
  done = command("--mode=predict", model, f"--input={tmp_path / 'mine.csv'}", f"--output={out}")
  assert done.returncode == 0, done.stderr
  assert "60-120 s  no estimate" in done.stdout
  table = np.genfromtxt(out / "mine.csv", delimiter=",", names=True)
  assert len(table) == 2300 and np.isnan(table["resp"][651:1649]).all() and np.isfinite(table["resp"][1700:2200]).all()
  assert (out / "mine_rates.csv").read_text().splitlines()[2] == "60,120,,,,,no estimate"
  refused(command("--mode=predict", model, f"--input={tmp_path / 'none.csv'}"), "none.csv", "does not exist")
  refused(command("--mode=predict", model, f"--input={tmp_path / 'mine.csv'}", CONFIG, "--config.model.hidden=3"), "model.hidden")


def test_report_joins_workdirs(workdir, command, tmp_path):
  done = command("--mode=report", f"--workdirs={workdir[0]},{workdir[0] / 'controls/one_pass'}", f"--workdir={tmp_path / 'r'}")
  assert done.returncode == 0, done.stderr
  assert "one_pass_regressor" in (tmp_path / "r" / "report" / "table.md").read_text()


def test_inspect_tells_what_is_there(command, tmp_path):
  write_bidmc(tmp_path / "bidmc", records(2))
  (next((tmp_path / "bidmc").glob("*.dat"))).write_bytes(b"short")
  done = command(CONFIG, "--mode=inspect", f"--config.data_dir={tmp_path}")
  assert done.returncode == 0, done.stderr
  assert "SKIPPED" in done.stdout and "ODC-By" in done.stdout and "1 recordings, 1 skipped" in done.stdout
  assert "simulator" in command(CONFIG, "--mode=inspect").stdout


def test_real_files_end_to_end_without_tensorflow(command, tmp_path):
  """Real layouts, cached, trained, evaluated: with TensorFlow made impossible to import."""
  write_bidmc(tmp_path / "data" / "bidmc", records(4, duration_s=70))
  block = tmp_path / "block"
  block.mkdir()
  (block / "sitecustomize.py").write_text(
      "import importlib.machinery as m\nfind = m.PathFinder.find_spec\n"
      "def find_spec(name, *rest):\n"   # as where they are not installed: nothing is found
      "  return None if name.partition('.')[0] in ('tensorflow', 'tensorflow_datasets') else find(name, *rest)\n"
      "m.PathFinder.find_spec = find_spec\n")
  words = [CONFIG, f"--config.data_dir={tmp_path / 'data'}", f"--config.cache_dir={tmp_path / 'cache'}", NO_CONTROL]
  import subprocess
  import sys
  check = subprocess.run([sys.executable, "-c", "import tensorflow"], env={"PYTHONPATH": str(block)}, capture_output=True, check=False)
  assert check.returncode != 0   # the block works
  first = command(*words, f"--workdir={tmp_path / 'a'}", PYTHONPATH=str(block))
  assert first.returncode == 0 and "SIMULATED" not in first.stdout, first.stderr
  assert len(list((tmp_path / "cache").glob("*/windows.ppg_b_t_p.npy"))) == 1
  again = command(*words, f"--workdir={tmp_path / 'b'}", PYTHONPATH=str(block))
  assert again.returncode == 0, again.stderr
  lines = lambda w: map(json.loads, (tmp_path / w / "rows.jsonl").read_text().splitlines())
  strip = lambda w: [{k: v for k, v in row.items() if k != "commit"} for row in lines(w)]
  assert strip("a") == strip("b")


@pytest.mark.parametrize("words, say", [
    ([CONFIG, "--workdir=W", "--config.data.source=reel"], ["reel", "simulated"]),
    ([CONFIG, "--workdir=W", "--config.data_dir=W/none"], ["W/none is missing", "--config.data_dir"]),
    ([CONFIG, "--workdir=W", "--config.data.source=real"], ["--config.data_dir"]),
    ([CONFIG, "--workdir=W", "--config.split.kind=random"], ["random", "lopo"]),
    ([CONFIG, "--workdir=W", "--config.split.folds=(9,)"], ["fold 9"]),
    ([CONFIG, "--workdir=W", "--config.model.objective=gan"], ["'gan'", "diffusion"]),
    ([CONFIG, "--workdir=W", "--config.sampler.name=euler", "--config.run_controls=false"], ["euler"]),
    ([CONFIG, "--workdir=W", "--mode=eval"], ["--mode=train"]),
    ([CONFIG, "--workdir=W", "--mode=predict", "--input=W/none.csv"], ["W", "split.json"]),
    (["--config=configs/phase_retrieval.py:smoke", "--workdir=W", "--config.loss.rule=foo"], ["'foo'", "known are '0,1', '1,0', both"]),
    (["--mode=predict", "--input=x.csv", "--model=respdiff_6s"], ["no model 'respdiff_6s'", "workdir"]),
    (["--mode=export", "--workdir=W", "--output=W/out"], ["W", "split.json"]),
    (["--mode=report", "--workdir=W", "--workdirs=W/none"], ["W/none"]),
], ids=lambda x: " ".join(x)[-40:])
def test_a_mistake_gets_one_sentence(words, say, command, tmp_path):
  place = str(tmp_path / "W")
  refused(command(*[w.replace("W", place) if "W" in w and not w.startswith(("--config=",)) else w for w in words]),
          *[s.replace("W/", place + "/") for s in say])


def test_an_empty_data_folder_and_an_unwritable_workdir(command, tmp_path):
  (tmp_path / "empty").mkdir()
  refused(command(CONFIG, f"--workdir={tmp_path / 'w'}", f"--config.data_dir={tmp_path / 'empty'}"), "is empty", "--config.data_dir")
  (tmp_path / "file").write_text("mine")
  refused(command(CONFIG, f"--workdir={tmp_path / 'file'}"), "file", "cannot be written", "--workdir")
  assert (tmp_path / "file").read_text() == "mine"


def test_the_workdir_of_another_config_is_refused_and_kept(workdir, command):
  before = sorted((p, p.stat().st_mtime_ns) for p in workdir[0].rglob("*") if p.is_file())
  refused(command(CONFIG, f"--workdir={workdir[0]}", "--config.optim.learning_rate=0.5"), "optim.learning_rate", "--workdir")
  assert sorted((p, p.stat().st_mtime_ns) for p in workdir[0].rglob("*") if p.is_file()) == before


def test_a_broken_recording_stops_with_its_name_before_anything_is_trained(command, tmp_path):
  write_bidmc(tmp_path / "bidmc", records(3))
  victim = sorted((tmp_path / "bidmc").glob("*.dat"))[1]
  victim.write_bytes(victim.read_bytes()[:1000])
  refused(command(CONFIG, f"--workdir={tmp_path / 'w'}", f"--config.data_dir={tmp_path}"), victim.stem)
  assert not (tmp_path / "w" / "members").exists()
