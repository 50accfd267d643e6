"""What the tests share: small configs, one compilation cache, and a way to run the program as a user does."""
import os
import pathlib
import subprocess
import sys

import pytest

from builders import ROOT
os.environ.setdefault("JAX_PLATFORMS", "cpu")


@pytest.fixture(scope="module", autouse=True)
def programs_are_forgotten():
  """What one file has compiled is of no use to the next, and all of it together takes gigabytes."""
  yield
  if "jax" in sys.modules:
    sys.modules["jax"].clear_caches()


@pytest.fixture
def small(tmp_path):
  """(overrides) -> the smoke config of RespDiff without its control."""
  from jaxsig import config

  def make(file: str = "respdiff.py", **overrides):
    dotted = {key.replace("__", "."): value for key, value in overrides.items()}
    return config.load(ROOT / "configs" / file, "smoke", {"run_controls": False, "train.tensorboard": False, **dotted})

  return make


@pytest.fixture
def trained(small, tmp_path):
  """(name, overrides) -> (run, members) after training in a workdir of that name."""
  from jaxsig.engine import train
  from jaxsig.experiment import sweep

  def go(name: str, **overrides):
    run, members = sweep.open_run(small(**overrides), tmp_path / name)
    train.train(run, members)
    return run, members

  return go


@pytest.fixture
def command():
  """(words, environment) -> the finished process of `python -m jaxsig.main words`."""
  def go(*words: str, **environment: str):
    return subprocess.run([sys.executable, "-m", "jaxsig.main", *map(str, words)], cwd=ROOT, capture_output=True, text=True,
                          env={**os.environ, **environment}, timeout=600, check=False)

  return go
