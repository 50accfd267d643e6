"""The command line in one process: usage, flags, mistakes in one sentence, and exit codes."""
import os
import re
import subprocess
import sys
import tomllib

import pytest
from builders import ROOT

from jaxsig import command_line, main, quiet_xla, usage
from jaxsig.errors import Interrupted, UserError

CONFIG = f"--config={ROOT}/configs/respdiff.py:smoke"


@pytest.fixture
def dispatched(monkeypatch):
  """The parsed flags of every call of `main.main`, whose modes do nothing."""
  calls = []
  monkeypatch.setattr(main, "dispatch", calls.append)
  return calls


def jaxsig(*words: str) -> int:
  """Runs a command line in this process and returns its exit code."""
  return main.main(["jaxsig", *words])


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",), ("-help",), ("--mode=predict", "-h")])
def test_help_is_one_screen(words, capsys):
  assert jaxsig(*words) == 0
  lines = capsys.readouterr().out.splitlines()
  assert len(lines) <= 40
  assert max(map(len, lines)) <= 100


def test_help_names_every_mode_and_flag():
  for mode in usage.MODES:
    assert re.search(rf"^  {mode} ", usage.USAGE, re.M), mode
  defined = command_line.define_flags(["jaxsig"])
  for flag in defined:
    assert re.search(rf"^  --{flag}[=\[]", usage.USAGE, re.M), flag


def test_the_command_lines_of_the_help_are_parsed(dispatched):
  commands = usage.USAGE.replace("\\\n", " ")
  lines = re.findall(r"^  jaxsig (.*?)(?:   .*)?$", commands, re.M)
  assert len(lines) == 5
  for line in lines:
    assert jaxsig(*line.split()) == 0, line


def test_help_needs_no_jax():
  code = (
      "import sys, jaxsig.__main__\n"
      "print(sorted({'jax', 'scipy', 'pandas'} & sys.modules.keys()))"
  )
  done = subprocess.run(
      [sys.executable, "-c", code],
      cwd=ROOT,
      capture_output=True,
      text=True,
      check=True,
  )
  assert done.stdout.strip() == "[]"


def test_the_package_runs_as_a_module():
  done = subprocess.run(
      [sys.executable, "-m", "jaxsig", "--mode=trian"],
      cwd=ROOT,
      capture_output=True,
      text=True,
      check=False,
  )
  assert done.returncode == main.EXIT_USER
  assert done.stderr == "jaxsig: unknown mode 'trian'; did you mean 'train'?\n"


def test_one_call_leaves_nothing_for_the_next(dispatched):
  assert jaxsig(CONFIG, "--config.train.steps=7", "--cpu_devices=2", "--workdir=w") == 0
  assert jaxsig(CONFIG, "--mode=inspect") == 0
  assert jaxsig("--mode=predict", "--input=x.csv") == 0
  assert jaxsig("--config.train.steps=7", "--workdir=w") == main.EXIT_USER

  first, second, third = dispatched
  assert (first.config.train.steps, first.cpu_devices, first.workdir) == (7, 2, "w")
  assert second.config.train.steps != 7
  assert (second.cpu_devices, second.workdir) == (0, "")
  assert third.config is None


def test_a_config_of_this_checkout_is_found_from_any_folder(dispatched, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  words = ["--mode=inspect", "--config.train.steps=3"]
  assert jaxsig("--config=configs/respdiff.py:smoke", *words) == 0
  assert jaxsig("--config", "configs/respdiff.py:smoke", *words) == 0
  assert [given.config.train.steps for given in dispatched] == [3, 3]

  nearer = tmp_path / "configs"
  nearer.mkdir()
  (nearer / "respdiff.py").write_text(
      "from ml_collections import ConfigDict\n"
      "def get_config(arg):\n"
      "  return ConfigDict({'name': arg})\n"
  )
  assert jaxsig("--config=configs/respdiff.py:mine", "--mode=inspect") == 0
  assert dispatched[-1].config.name == "mine"


@pytest.mark.parametrize(("words", "parts"), [
    (["--config=configs/respdif.py"], ["configs/respdif.py", "--config=configs/respdiff.py"]),
    (["--config", "configs/respdif.py"], ["configs/respdif.py"]),
    ([CONFIG, "--config.train.stepz=3"], ["'train.stepz'", "did you mean 'train.steps'"]),
    ([CONFIG, "--config.train.steps=many"], ["train.steps", "many"]),
    ([CONFIG[:-1]], ["'smok'", "did you mean 'smoke'"]),
    (["--config.train.steps=3"], ["--config.train.steps", "--config=FILE"]),
    (["--wrokdir=x"], ["'wrokdir'", "workdir"]),
    (["--mode=trian"], ["'trian'", "did you mean 'train'"]),
    (["--mode=predict", "--input=x", "--workdir=w", "--model=m"], ["--workdir or --model"]),
    (["predict"], ["'predict'", "--mode=predict"]),
    (["mine.csv"], ["'mine.csv'", "--config.key=value"]),
    (["--config=README.md"], ["the config ", "README.md cannot be read: SyntaxError", "(line "]),
    (["--mode=predict", "--input=x.csv", "--rate_hz=0"], ["--rate_hz=0 is no sampling rate"]),
    (["--mode=report", "--workdir=w", "--workdirs=a", "--update=README.md"],
     ["--update=README.md names no table", "FILE.md:NAME"]),
])
def test_a_mistake_in_the_flags_gets_one_sentence(words, parts, dispatched, capsys):
  assert jaxsig(*words) == main.EXIT_USER
  assert not dispatched
  lines = capsys.readouterr().err.splitlines()
  assert len(lines) == 1
  assert lines[0].startswith("jaxsig: ")
  for part in parts:
    assert part in lines[0]


@pytest.mark.parametrize(("words", "flag"), [
    (["--mode=train"], "config"),
    (["--mode=eval", CONFIG], "workdir"),
    (["--mode=predict"], "input"),
    (["--mode=sweep", CONFIG], "workdir"),
    (["--mode=sweep", "--workdir=w"], "config"),
    (["--mode=report"], "workdir"),
    (["--mode=report", "--workdir=w"], "workdirs"),
    (["--mode=inspect"], "config"),
    (["--mode=export"], "workdir"),
    (["--mode=export", "--workdir=w"], "output"),
    (["--mode=gradients"], "config"),
])
def test_a_mode_names_the_flag_that_it_needs(words, flag, dispatched, capsys):
  assert jaxsig(*words) == main.EXIT_USER
  assert capsys.readouterr().err.strip().endswith(f"needs --{flag}")


@pytest.mark.parametrize(("error", "code", "text"), [
    (UserError("no such file"), 2, "jaxsig: no such file\n"),
    (Interrupted("stopped at step 3"), 75,
     "jaxsig: stopped at step 3; give the same command again to continue\n"),
])
def test_exit_codes(error, code, text, monkeypatch, capsys):
  def dispatch(given):
    raise error

  monkeypatch.setattr(main, "dispatch", dispatch)
  assert jaxsig("--mode=inspect", CONFIG) == code
  assert capsys.readouterr().err == text


def test_other_errors_keep_their_traceback(monkeypatch):
  def dispatch(given):
    raise ZeroDivisionError

  monkeypatch.setattr(main, "dispatch", dispatch)
  with pytest.raises(ZeroDivisionError):
    jaxsig("--mode=inspect", CONFIG)


@pytest.mark.parametrize(("words", "part"), [
    (["--mode=sweep", CONFIG, "--workdir=w"], "--mode=sweep takes a list of experiments"),
    (["--config=configs/sweeps/respdiff_bidmc.py", "--workdir=w"], "run it with --mode=sweep"),
    (["--mode=report", "--workdir=FILE", "--workdirs=w"], "is a file: name a folder"),
])
def test_a_wrong_kind_of_config_or_workdir_is_told(words, part, tmp_path, monkeypatch, capsys):
  monkeypatch.setattr(main, "_start_devices", lambda cpu_devices: None)
  file = tmp_path / "file"
  file.touch()
  assert jaxsig(*[word.replace("FILE", str(file)) for word in words]) == main.EXIT_USER
  [line] = capsys.readouterr().err.splitlines()
  assert part in line


def test_xla_does_not_tell_of_slow_compilations_unless_asked(monkeypatch):
  monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
  quiet_xla()
  assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"

  monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")
  quiet_xla()
  assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3"


def test_pyproject_names_what_requirements_in_names():
  project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
  named = [*project["dependencies"], *project["optional-dependencies"]["test"]]
  lines = (ROOT / "requirements.in").read_text().replace('"', "'").splitlines()
  required = [line.partition("#")[0].strip() for line in lines]
  assert named == required


def test_the_version_is_told(capsys):
  from jaxsig import __version__
  assert jaxsig("--version") == 0
  assert capsys.readouterr().out == f"jaxsig {__version__}\n"
