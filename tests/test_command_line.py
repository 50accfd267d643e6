"""The words of a command line: their forms, and which config their keys change."""
import os

import pytest
from builders import ROOT, small
from fake_bidmc import says
from fake_recording import LONG

import jaxsig
from jaxsig import config as configs
from jaxsig.command_line import parse
from jaxsig.prediction import model as models
from jaxsig.prediction.model import with_own_keys
from jaxsig.system import OwnFile, System

pytestmark = pytest.mark.quick
FILE = f"{ROOT}/configs/respdiff.py"
PREDICT = ("--mode=predict", "--input=mine.csv")


def parsed(*words: str):
  return parse(["jaxsig", *words], lambda given: small(LONG))


@pytest.mark.parametrize("words", [
    (f"--config={FILE}:smoke", "--workdir=w"),
    ("--config", f"{FILE}:smoke", "--workdir", "w"),
    ("-config", f"{FILE}:smoke", "-workdir", "w"),
    (f"-config={FILE}:smoke", "-workdir=w"),
    ("--workdir", "w", "--config", f"{FILE}:smoke"),
    ("--config=none.py", "--workdir=v", f"--config={FILE}:smoke", "--workdir=w"),
    ("--workdir=w", "--config=configs/respdiff.py:smoke"),
])
@pytest.mark.parametrize("key", [("--config.train.steps=3",), ("-config.train.steps", "3")])
@pytest.mark.parametrize("key_first", [True, False])
def test_the_forms_of_a_command(words, key, key_first):
  all_words = (*key, *words) if key_first else (*words, *key)
  given = parsed(*all_words)
  assert given.workdir == "w"
  assert given.config.train.steps == 3


def test_the_last_of_repeated_flags_counts():
  given = parsed(f"--config={FILE}", "--workdir=a", "--workdir=b",
                 "--config.train.steps=3", "--config.train.steps=4")
  assert (given.workdir, given.config.train.steps) == ("b", 4)


@pytest.mark.parametrize(("words", "key", "value"), [
    (["--config.own.reading=one_window"], "own.reading", "one_window"),
    (["--config.own.reading", "one_window"], "own.reading", "one_window"),
    (["-config.data.stride_s=30"], "data.stride_s", 30.0),
    (["--config.data.causal"], "data.causal", True),
    (["--noconfig.data.causal"], "data.causal", False),
    (["--config.run.predict_batch_size=3"], "run.predict_batch_size", 3),
])
def test_predict_without_a_config_changes_the_models_own(words, key, value):
  for every in ([*PREDICT, *words], [*words, *PREDICT]):
    config = parsed(*every).config
    assert configs.flat(config)[key] == value


def test_predict_without_changes_asks_for_no_config():
  def config_of_model(given):
    raise AssertionError

  assert parse(["jaxsig", *PREDICT], config_of_model).config is None


@pytest.mark.parametrize(("words", "parts"), [
    (["--config.own.readin=x"], ["'own.readin'", "did you mean 'own.reading'"]),
    (["--config.own.foo=x"], ["'own.foo'", "did you mean 'own.polarity'"]),
    (["--config.foo=x"], ["'foo'"]),
    (["--config.data.stride_s=abc"], ["data.stride_s", "abc"]),
    (["--config.own=3"], ["own"]),
    (["--config.own.reading"], ["own.reading"]),
    (["--config.train.steps=1", "--config.train={}"], ["train"]),
    (["--rate_hz=abc"], ["--rate_hz=abc"]),
    (["--rate_hz="], ["--rate_hz="]),
    (["--rate_hz=nan"], ["--rate_hz=nan"]),
    (["--cpu_devices=-1"], ["--cpu_devices=-1"]),
    (["--cpu_devices=1000"], ["--cpu_devices=1000"]),
    (["--cpu_devices=1.5"], ["--cpu_devices=1.5"]),
    (["--mode="], ["unknown mode ''"]),
    (["--mode=Predict"], ["did you mean 'predict'"]),
    (["--inputs=x"], ["inputs", "input"]),
    (["--input"], ["input"]),
    (["--flagfile=none"], ["none"]),
    (["--workdir=w", "--model=m", "--config.own.reading=x"], ["--workdir or --model"]),
    (["--config"], ["--config is empty"]),
    (["--config="], ["--config is empty"]),
    (["--config=gs://b/x.py"], ["no config file gs"]),
    ([f"--config={ROOT}/configs"], ["is a folder", "configs/respdiff.py"]),
    (["--config=" + "x" * 300], ["File name too long"]),
    (["--config=/dev/stdin"], ["is a pipe, a device"]),
    (["--config=a\0b"], ["zero byte"]),
])
def test_a_mistake_gets_one_sentence(words, parts):
  sentence = says(parsed, *PREDICT, *words)
  for part in parts:
    assert part in sentence


@pytest.mark.parametrize("mode", ["train", "eval", "inspect", "export", "gradients"])
def test_other_modes_need_the_config_that_they_change(mode):
  assert "needs --config=FILE" in says(parsed, f"--mode={mode}", "--config.train.steps=1")


@pytest.mark.parametrize("text", [
    "raise SystemExit(3)",
    "raise KeyboardInterrupt2",
    "import nosuchmodule",
    "def get_config(arg): return 1 / 0",
    "x = 3",
    "def get_config(): return 3",
    "\0",
    "# \udcf6",
])
def test_a_config_file_that_fails_is_told(text, tmp_path):
  path = tmp_path / "mine.py"
  path.write_text(text, errors="surrogateescape")
  assert str(path) in says(parsed, f"--config={path}:x", "--workdir=w")


@pytest.mark.parametrize(("path", "arg"), [
    (5, ""),
    (None, ""),
    ("", ""),
    (b"x.py", ""),
    ("a\0b", ""),
    ("gs://b/x.py", ""),
    ("x" * 300, ""),
    (ROOT, ""),
    (FILE, 5),
    (FILE, ["smoke"]),
])
def test_python_is_told_what_is_no_config(path, arg):
  says(jaxsig.load_config, path, arg)


@pytest.mark.parametrize("workdir", [
    5, None, "", b"w", [], "a\0b", "gs://b/w", "x" * 300, FILE, FILE + "/w", "/dev/null",
])
def test_python_is_told_what_is_no_workdir(workdir):
  config = small()
  says(jaxsig.train, config, workdir)
  says(jaxsig.evaluate, config, workdir)


# Keys of a stored config

def system_with(**options) -> System:
  own = OwnFile(None, None, None, None, None, options=options)
  return System(data=None, task=None, protocol=None, own=own)


def test_a_stored_config_gets_the_keys_that_came_later():
  config = small(LONG)
  completed = with_own_keys(config, system_with(signal="", reading="other"))
  assert completed.own.signal == ""
  assert completed.own.reading == config.own.reading   # its own value stays
  assert configs.fingerprint(completed) == configs.fingerprint(config)
  changed = configs.override(completed, {"own.signal": "PLETH"})
  assert changed.own.signal == "PLETH"


def test_what_has_no_own_files_stays_as_it_is():
  config = small(LONG)
  assert with_own_keys(config, system_with()._replace(own=None)) is config
  assert with_own_keys(config, system_with()) is config


def test_python_changes_keys_of_a_models_config():
  model = jaxsig.open_model(own__reading="one_window", data__stride_s=30.0)
  assert model.config.data.stride_s == 30.0
  assert model.config.own.reading == "one_window"
  assert "did you mean" in says(jaxsig.open_model, own__readin="x")
  assert "no reading 'x'" in says(jaxsig.open_model, own__reading="x")
  assert "model.hidden" in says(jaxsig.open_model, model__hidden=3)
  assert "is a pipe, a device" in says(models.config_of, os.devnull)
