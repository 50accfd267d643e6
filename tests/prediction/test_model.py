"""Models as folders: the same before and after, small, whole, or one sentence on what is wrong."""
import dataclasses
import inspect
import json
import shutil
import subprocess
import sys
import tomllib

import jax
import numpy as np
import pytest
from builders import ROOT, small
from fake_bidmc import says
from fake_recording import LONG, fake, pulse, without
from ml_collections import ConfigDict

import jaxsig
from jaxsig import config as configs
from jaxsig.engine import weights
from jaxsig.prediction import model as models
from jaxsig.systems.respiration.own_file import Respiration

pytestmark = pytest.mark.quick


# Saving

def test_a_saved_model_is_a_folder_of_four_files(saved):
  names = ["about.json", "card.md", "config.json", "params.npz"]
  assert sorted(path.name for path in saved.iterdir()) == names
  assert (saved / "card.md").read_text() == "# a card\n"
  about = json.loads((saved / "about.json").read_text())
  assert about == {"trained_on": ["a", "b"], "calibration": None, "figures": None}


def test_a_loaded_model_is_the_saved_one(tiny, saved):
  again = models.load(saved)
  assert again.name == "tiny"
  assert configs.fingerprint(again.config) == configs.fingerprint(tiny.config)
  jax.tree.map(np.testing.assert_array_equal, again.params, tiny.params)


def test_a_loaded_model_predicts_as_the_saved_one(tiny, saved):
  again = dataclasses.replace(models.load(saved), system=tiny.system)   # one compilation
  before = tiny.predict(pulse(130), 50.0)
  after = again.predict(pulse(130), 50.0)
  np.testing.assert_array_equal(before.predictions["resp_s_t"], after.predictions["resp_s_t"])


def test_the_places_of_the_machine_that_trained_are_left_out(tiny, tmp_path):
  places = dict.fromkeys(models.PLACES, "/home/me/secret")
  at_home = dataclasses.replace(tiny, config=configs.override(tiny.config, places))
  folder = models.save(tmp_path, "mine", at_home, "")
  assert "secret" not in (folder / "config.json").read_text()


def with_params(params) -> models.Model:
  return dataclasses.replace(fake(small()), params=params)


def test_a_large_model_is_halved(tmp_path):
  kernel = np.linspace(0, 1, 600_000, dtype=np.float32).reshape(2, -1)
  folder = models.save(tmp_path, "large", with_params({"params": {"kernel": kernel}}), "")
  with np.load(folder / "params.npz", allow_pickle=False) as stored:
    assert stored["params/params/kernel"].dtype == np.float16
  assert (folder / "params.npz").stat().st_size <= weights.LARGEST_BYTES


@pytest.mark.parametrize(("array", "sentence"), [
    (np.zeros(2**20 + 1, np.float32), "too large to ship"),
    (np.full(3, np.nan, np.float32), "not finite"),
])
def test_a_huge_or_broken_model_is_refused_and_nothing_is_written(array, sentence, tmp_path):
  assert sentence in says(models.save, tmp_path, "bad", with_params({"a": array}), "")
  assert not (tmp_path / "bad").exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
  (tmp_path / "file").touch()
  small_model = with_params({"a": np.zeros(3)})
  assert "--output" in says(models.save, tmp_path / "file", "x", small_model, "")


# Opening

def test_a_model_is_opened_by_name_or_folder(saved, shipped):
  assert models.load("tiny").name == "tiny"
  assert jaxsig.open_model(saved).name == "tiny"
  assert "did you mean 'tiny'" in says(jaxsig.open_model, "tinny")


def test_a_missing_installation_is_told(tmp_path, monkeypatch):
  monkeypatch.setattr(weights, "HOME", tmp_path)
  missing = f"shipped model {jaxsig.DEFAULT_MODEL} is missing"
  assert missing in says(jaxsig.open_model)


@pytest.mark.parametrize("changes", [
    {"model.hidden": 9},
    {"data.window_s": 30.0},
    {"data.normalise": "record"},
])
def test_a_config_of_another_model_is_refused(tiny, shipped, changes):
  [key] = changes
  assert key in says(jaxsig.open_model, "tiny", configs.override(tiny.config, changes))


def test_a_config_that_reads_it_otherwise_is_taken(tiny, shipped):
  otherwise = configs.override(tiny.config, {"read.sampler.steps": 1, "data.stride_s": 30.0})
  model = jaxsig.open_model("tiny", otherwise)
  assert model.config.read.sampler.steps == 1
  assert len(model.predict(pulse(130), 50.0).predictions["start_s_b"]) == 4
  assert jaxsig.open_model("tiny", tiny.config).name == "tiny"


# Broken folders

def edit_config(folder, key, value):
  settings = json.loads((folder / "config.json").read_text())
  settings["model"][key] = value
  (folder / "config.json").write_text(json.dumps(settings))


def edit_arrays(folder, change):
  with np.load(folder / "params.npz", allow_pickle=False) as stored:
    arrays = {name: stored[name] for name in stored.files}
  change(arrays)
  np.savez(folder / "params.npz", **arrays)


def wider(folder):
  edit_config(folder, "hidden", 9)


def cut(folder):
  path = folder / "params.npz"
  path.write_bytes(path.read_bytes()[:5000])


def without_an_array(folder):
  edit_arrays(folder, lambda arrays: arrays.pop(next(iter(arrays))))


def with_one_more(folder):
  edit_arrays(folder, lambda arrays: arrays.update({"params/params/extra": np.zeros(3)}))


def pickled(folder):
  edit_arrays(folder, lambda arrays: arrays.update({"params/x": np.array([{}], object)}))


def without_config(folder):
  (folder / "config.json").write_text("{")


@pytest.mark.parametrize(("breaks", "sentence"), [
    (wider, "does not fit"),
    (cut, "params.npz is broken"),
    (without_an_array, "is absent there"),
    (with_one_more, "not absent"),
    (pickled, "params.npz is broken"),
    (without_config, "config.json is broken"),
])
def test_a_broken_model_gets_one_sentence(broken, breaks, sentence):
  breaks(broken)
  assert sentence in says(models.load, broken)


@pytest.mark.parametrize("content", [
    "", "[]", "null", "3", "{}", '{"system": 3}', '{"system": "respiration", "read": []}',
])
def test_a_model_whose_config_or_memory_is_broken(broken, content):
  for name, read in {"config.json": models.load, "about.json": weights.about_of}.items():
    (broken / name).write_text(content)
    sentence = says(read, broken)
    assert f"{name} is broken (" in sentence
    assert sentence.endswith("install jaxsig again, or export the model again")


def test_what_it_has_seen_must_be_readable(broken):
  (broken / "about.json").write_text("{")
  assert "about.json is broken" in says(weights.about_of, broken)
  (broken / "about.json").unlink()
  assert weights.about_of(broken) == {"trained_on": []}


# The Python face

def test_python_takes_an_array_and_the_shipped_model(saved, tmp_path, monkeypatch):
  shutil.copytree(saved, tmp_path / jaxsig.DEFAULT_MODEL)
  monkeypatch.setattr(weights, "HOME", tmp_path)
  for function in (jaxsig.predict, jaxsig.open_model):
    assert inspect.signature(function).parameters["model"].default == jaxsig.DEFAULT_MODEL

  respiration = jaxsig.predict(without(pulse(200), (130, 150)), 50.0)
  assert isinstance(respiration, Respiration)
  assert respiration.waveform_rate_hz == 5.0
  assert respiration.waveform.shape == (1000,)
  assert len(respiration.rates) == 3
  assert respiration.lost_s.tolist() == [[130, 150]]
  assert "rate_pmf_b_r" in respiration.predictions
  assert respiration.rows


def test_python_takes_a_file_and_a_model_by_folder(saved, tmp_path):
  np.save(tmp_path / "mine.npy", pulse(130))
  from_file = jaxsig.predict(str(tmp_path / "mine.npy"), 50.0, saved)
  from_array = jaxsig.predict(pulse(130).astype(np.float32), 50.0, saved)
  assert from_file.name == "mine"
  # Its noise depends on the record's name.
  assert from_file.waveform.shape == from_array.waveform.shape
  np.testing.assert_allclose(
      from_file.predictions["rate_pmf_b_r"],
      from_array.predictions["rate_pmf_b_r"],
      atol=1e-4,
  )


def test_predict_is_a_function_whatever_is_imported():
  """A module jaxsig/predict would take the function's place as soon as it is loaded."""
  code = (
      "import jaxsig\n"
      "from jaxsig.prediction import own_file\n"
      "import jaxsig.prediction.model\n"
      "assert callable(jaxsig.predict) and callable(own_file.predict)\n"
  )
  done = subprocess.run(
      [sys.executable, "-c", code],
      cwd=ROOT,
      capture_output=True,
      text=True,
      check=False,
  )
  assert done.returncode == 0, done.stderr


def test_opening_a_model_keeps_compiled_programs_for_the_next_session(saved, tmp_path, monkeypatch):
  before = jax.config.jax_compilation_cache_dir
  monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "programs"))
  try:
    jaxsig.open_model(saved)
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "programs")
  finally:
    jax.config.update("jax_compilation_cache_dir", before)


def test_the_repr_of_a_model_is_a_short_line(tiny):
  parameters = sum(x.size for x in jax.tree.leaves(tiny.params))
  assert repr(tiny) == f"<Model tiny: system respiration, {parameters:,} parameters>"
  shipped = repr(jaxsig.open_model())
  assert shipped.startswith(f"<Model {jaxsig.DEFAULT_MODEL}: system respiration, ")
  assert len(shipped) < 100


def test_the_version_is_the_package_s():
  project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
  assert jaxsig.__version__ in (project["version"], "0+checkout")


def test_load_config_takes_keys_with_underscores():
  path = ROOT / "configs" / LONG
  config = jaxsig.load_config(path, "smoke", train__steps=3)
  assert isinstance(config, ConfigDict)
  assert config.train.steps == 3
  sentence = says(jaxsig.load_config, path, "smoke", train__step=3)
  assert "did you mean 'train.steps'" in sentence


# What is shipped

def shipped_folders():
  return sorted(path for path in weights.HOME.glob("*") if path.is_dir())


def test_shipped_models_are_packaged():
  project = tomllib.loads((ROOT / "pyproject.toml").read_text())
  patterns = project["tool"]["setuptools"]["package-data"]["jaxsig"]
  packaged = set()
  for pattern in patterns:
    packaged |= set((ROOT / "jaxsig").glob(pattern))
  assert shipped_folders()
  for folder in shipped_folders():
    assert set(folder.iterdir()) <= packaged


@pytest.mark.parametrize("folder", shipped_folders(), ids=lambda folder: folder.name)
def test_a_shipped_model_is_whole_and_small(folder):
  names = ["about.json", "card.md", "config.json", "params.npz"]
  assert sorted(path.name for path in folder.iterdir()) == names
  assert (folder / "params.npz").stat().st_size <= weights.LARGEST_BYTES
  models.load(folder.name)
  settings = json.loads((folder / "config.json").read_text())
  assert not any(settings[key] for key in models.PLACES)
  assert weights.about_of(folder)["trained_on"]
  assert "Not a medical device" in (folder / "card.md").read_text()
