"""Models that are shipped: the same before and after, small, whole, and one sentence where they are not."""
import inspect
import json
import shutil
import tomllib

import jax
import numpy as np
import pytest
from builders import ROOT
from fake_bidmc import says
from fake_recording import LONG, pulse, without

import jaxsig
from jaxsig import config as configs
from jaxsig.engine import weights
from jaxsig.experiment import evaluate
from jaxsig.predict import export
from jaxsig.predict import model as shipped
from jaxsig.predict import own_file as infer
from jaxsig.report import write as report
from jaxsig.system import make, make_data
from jaxsig.systems.respiration.rates import RATE_BPM_R


@pytest.fixture
def tiny(small):
  """A model of the smallest network, untrained."""
  def build(file=LONG, **changes):
    config = small(file, **changes)
    task, data = make(config), make_data(config)
    batch = shipped.example(data, config)
    params, stats = task.init(jax.random.key(0), batch)
    return shipped.Model("tiny", config, task, data, params, stats)
  return build


def test_a_saved_model_is_the_same_model(tiny, tmp_path):
  model, x_t = tiny(), pulse(130)
  config = configs.override(model.config, {"data_dir": "/home/me/secret"})
  folder = shipped.save(tmp_path, "tiny", model.params, config, "# a card\n")
  assert sorted(p.name for p in folder.iterdir()) == ["card.md", "config.json", "params.npz"]
  assert "secret" not in (folder / "config.json").read_text()
  again = shipped.load(folder)
  assert again.name == "tiny" and configs.fingerprint(again.config) == configs.fingerprint(model.config)
  jax.tree.map(np.testing.assert_array_equal, again.params, jax.tree.map(np.asarray, model.params))
  a, b = (infer.predict(x_t, 50.0, m).record.predictions["resp_s_t"] for m in (model, again._replace(task=model.task)))   # one compilation
  np.testing.assert_array_equal(a, b)


def test_a_large_model_is_halved_and_a_huge_one_refused(tmp_path, small):
  params = {"params": {"kernel": np.linspace(0, 1, 600_000, dtype=np.float32).reshape(2, -1)}}
  folder = shipped.save(tmp_path, "large", params, small(), "")
  with np.load(folder / "params.npz", allow_pickle=False) as stored:
    assert stored["params/params/kernel"].dtype == np.float16
  assert (folder / "params.npz").stat().st_size <= weights.LARGEST_BYTES
  assert "too large to ship" in says(shipped.save, tmp_path, "huge", {"a": np.zeros(2**20 + 1, np.float32)}, small(), "")
  assert "not finite" in says(shipped.save, tmp_path, "broken", {"a": np.full(3, np.nan, np.float32)}, small(), "")
  assert not (tmp_path / "huge").exists() and not (tmp_path / "broken").exists()
  (tmp_path / "file").touch()
  assert "--output" in says(shipped.save, tmp_path / "file", "x", {"a": np.zeros(3)}, small(), "")


def test_models_that_cannot_be_used_get_one_sentence(tiny, tmp_path, monkeypatch):
  model = tiny()
  folder = shipped.save(tmp_path, "tiny", model.params, model.config, "")
  monkeypatch.setattr(weights, "HOME", tmp_path)
  assert shipped.load("tiny").name == "tiny"
  assert "did you mean 'tiny'" in says(shipped.open_model, "tinny")
  assert f"shipped model {weights.DEFAULT} is missing" in says(shipped.open_model, weights.DEFAULT)
  for wrong in ({"model.hidden": 9}, {"data.window_s": 30.0}, {"data.normalise": "record"}):
    assert next(iter(wrong)) in says(shipped.open_model, "tiny", configs.override(model.config, wrong))
  other = configs.override(model.config, {"sampler.steps": 1, "data.stride_s": 30.0})   # of no concern to the parameters
  assert len(infer.predict(pulse(130), 50.0, shipped.open_model("tiny", other)).record.predictions["start_s_b"]) == 4
  assert shipped.open_model("tiny", model.config).name == "tiny"

  def changed(name, make_change):
    copy = tmp_path / name
    shutil.copytree(folder, copy)
    make_change(copy)
    return says(shipped.load, copy)

  def edit(key, value):
    def go(copy):
      settings = json.loads((copy / "config.json").read_text())
      settings["model"][key] = value
      (copy / "config.json").write_text(json.dumps(settings))
    return go

  def truncate(copy):
    (copy / "params.npz").write_bytes((copy / "params.npz").read_bytes()[:5000])

  def rewrite(drop=None, more=None):
    def go(copy):
      with np.load(copy / "params.npz", allow_pickle=False) as stored:
        flat = {k: stored[k] for k in stored.files}
      flat = dict(list(flat.items())[1:]) if drop else {**flat, **(more or {})}
      np.savez(copy / "params.npz", **flat)
    return go

  assert "does not fit" in changed("wider", edit("hidden", 9)) and "damaged" in changed("cut", truncate)
  assert "is absent there" in changed("less", rewrite(drop=True))
  assert "not absent" in changed("more", rewrite(more={"params/params/extra": np.zeros(3)}))
  assert "damaged" in changed("pickled", rewrite(more={"params/x": np.array([{}], object)}))
  assert "damaged" in changed("no_config", lambda copy: (copy / "config.json").write_text("{"))


def test_python_takes_an_array_and_a_model_by_name(tiny, tmp_path, monkeypatch):
  model, x_t = tiny(), without(pulse(200), (130, 150))
  shipped.save(tmp_path, weights.DEFAULT, model.params, model.config, "")
  monkeypatch.setattr(weights, "HOME", tmp_path)
  assert inspect.signature(jaxsig.predict).parameters["model"].default == weights.DEFAULT
  found = jaxsig.predict(x_t, 50.0)
  assert found["rate_hz"] == 5.0 and found["resp_t"].shape == (1000,) and len(found["rates"]) == 3
  assert found["lost_s"].tolist() == [[130, 150]] and found["rate_pmf_b_r"].shape[-1] == len(RATE_BPM_R) and found["rows"]


def test_a_workdir_becomes_a_shipped_model(trained, tmp_path):
  """Trained on everybody, exported with the figures of held-out patients, and the same in both forms."""
  run, members = trained("held_out", run_rivals=False)
  evaluate.evaluate(run, members)
  report.write([run.workdir], run.workdir / "report")
  run, _ = trained("everybody", split__kind="all", split__folds=())
  export.export(run.workdir, tmp_path / "shipped" / "mine", [tmp_path / "held_out"])
  card = (tmp_path / "shipped/mine/card.md").read_text()
  figures = json.loads((tmp_path / "held_out/report/table.json").read_text())
  kept = figures["metrics"][figures["report"]["primary"]]["methods"]["respdiff"]["kept"]
  patients = json.loads((run.workdir / "split.json").read_text())["members"][0]
  for word in ("Not a medical device", "not evidence about patients", f"- all: {kept['mean']:.2f}", run.meta["config"], run.meta["data"],
               f"Patients trained on: {len(patients['train'])} ({', '.join(patients['train'])})", "validation only: 1"):
    assert word in card, word
  assert "held out:" not in card
  a, b = (shipped.open_model(model) for model in (run.workdir, tmp_path / "shipped/mine"))
  assert configs.fingerprint(a.config) == configs.fingerprint(b.config) == configs.fingerprint(run.config)
  jax.tree.map(np.testing.assert_array_equal, a.params, b.params)
  assert "no report" in says(export.export, run.workdir, tmp_path / "shipped" / "mine", [run.workdir])
  other = tmp_path / "other"
  shutil.copytree(tmp_path / "held_out", other)
  settings = json.loads((other / "config.json").read_text())
  settings["optim"]["learning_rate"] = 1.0
  (other / "config.json").write_text(json.dumps(settings))
  assert "optim.learning_rate" in says(export.export, run.workdir, tmp_path / "shipped" / "mine", [other])
  export.export(run.workdir, tmp_path / "shipped" / "mine", [])
  assert "no honest figure is known" in (tmp_path / "shipped/mine/card.md").read_text()
  assert "split.json" in says(shipped.from_workdir, tmp_path / "nowhere")
  wrong = configs.override(run.config, {"optim.learning_rate": 1.0})
  assert "optim.learning_rate" in says(jaxsig.predict, pulse(130), 50.0, run.workdir, wrong)


def test_shipped_models_are_whole_small_and_packaged():
  patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["jaxsig"]
  packaged = {p for pattern in patterns for p in (ROOT / "jaxsig").glob(pattern)}
  for folder in [p for p in weights.HOME.glob("*") if p.is_dir()]:
    files = {p for p in folder.iterdir() if p.is_file()}
    assert {p.name for p in files} == {"params.npz", "config.json", "card.md"} and files <= packaged
    assert (folder / "params.npz").stat().st_size <= weights.LARGEST_BYTES
    shipped.load(folder.name)
    settings = json.loads((folder / "config.json").read_text())
    assert not any(settings[key] for key in shipped.PLACES) and "Not a medical device" in (folder / "card.md").read_text()
  assert packaged or not list(weights.HOME.glob("*/params.npz"))
