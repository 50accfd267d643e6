"""What the tests share: small configs, trained workdirs, and one cache of compiled programs."""
import mmap
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata

import pytest

os.environ.setdefault("JAX_PLATFORMS", "cpu")

# How XLA compiles for CPUs in all processes of the tests: no MLIR emitter of fused loops and no
# splitting of a program for many threads. Tiny programs compile in half of the time.
QUICK_XLA = {"xla_cpu_use_fusion_emitters": "false", "xla_cpu_parallel_codegen_split_count": "1"}


def compile_quickly() -> None:
  """Adds those of QUICK_XLA that jaxlib knows to XLA_FLAGS, where the user says nothing of them.

  XLA ends a process whose flags it does not know, so each is looked up in the library.
  """
  given = os.environ.get("XLA_FLAGS", "")
  missing = {name: value for name, value in QUICK_XLA.items() if name not in given}
  if not missing:   # a worker or a command of a test has them from its parent
    return

  words = [given] if given else []
  for path in metadata.files("jaxlib") or ():
    if path.name == "libjax_common.so":
      with path.locate().open("rb") as file:
        library = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        words += [f"--{k}={v}" for k, v in missing.items() if library.find(k.encode()) >= 0]
        library.close()
  os.environ["XLA_FLAGS"] = " ".join(words)


compile_quickly()
PROGRAMS = "JAX_COMPILATION_CACHE_DIR"
_made = []   # the folder of compiled programs, where this process has made one


def pytest_configure(config: pytest.Config) -> None:
  """Gives one run's processes a common, empty cache of programs, where the user names none.

  So two files, two workers or a killed process and its successor compile a program once, and no
  test reads or fills the user's own cache.
  """
  if PROGRAMS not in os.environ:
    folder = tempfile.mkdtemp(prefix="jaxsig_tests_xla_")
    os.environ[PROGRAMS] = folder   # workers and the commands of tests inherit it
    _made.append(folder)
  os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
  # A program that another process is just writing is compiled again.
  half_written = "ignore:Error (reading|writing) persistent compilation cache entry"
  config.addinivalue_line("filterwarnings", half_written)


def pytest_unconfigure(config: pytest.Config) -> None:
  """Deletes the cache that this process has made."""
  for folder in _made:
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module", autouse=True)
def programs_are_forgotten():
  """What one file has compiled is of no use to the next, and all of it takes gigabytes."""
  yield
  if "jax" in sys.modules:
    sys.modules["jax"].clear_caches()


@pytest.fixture(scope="module", autouse=True)
def coarse_pictures(request):
  """Draws with few dots and as it comes, but in tests of figures: others look at no picture."""
  from jaxsig import figure_style
  coarse = {"savefig.dpi": 50, "figure.constrained_layout.use": False}
  if "figures" in request.module.__name__:
    coarse = {}
  careful = dict(figure_style.STYLE)
  figure_style.STYLE |= coarse
  yield
  figure_style.STYLE |= careful


@pytest.fixture(scope="module")
def quick_compilation():
  """Compiles without XLA's optimisations: where a program runs little, compiling is what costs."""
  import jax
  jax.config.update("jax_disable_most_optimizations", True)
  yield
  jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture
def small():
  """(file, overrides) -> the smoke config of a file in configs/, without its ablations."""
  import builders
  return builders.small


@pytest.fixture
def trained(tmp_path):
  """(name, overrides) -> (run, members) after training RespDiff in a workdir of that name."""
  import builders

  def go(name: str, **overrides: object):
    return train_in(tmp_path / name, builders.small(**overrides))

  return go


@pytest.fixture
def toy_trained(tmp_path):
  """(name, overrides) -> (run, members) after training the toy network in that workdir."""
  import builders

  def go(name: str, **overrides: object):
    return train_in(tmp_path / name, builders.toy(**overrides))

  return go


def train_in(workdir: pathlib.Path, config):
  """Trains a config in a workdir; returns the run and its members."""
  from jaxsig.engine.train import train
  from jaxsig.experiment import sweep
  opened = sweep.open_run(config, workdir)
  train(opened.run, opened.members)
  return opened


@pytest.fixture(scope="session")
def toy_folds(tmp_path_factory):
  """(run, members) of the toy network on three folds, one after another; not to be changed."""
  import builders
  config = builders.toy(**builders.FOLDS, run__members_per_program="1")
  return train_in(tmp_path_factory.mktemp("toy") / "folds", config)


@pytest.fixture
def toy_folds_copy(toy_folds, tmp_path):
  """A copy of that workdir to change."""
  return shutil.copytree(toy_folds.run.workdir, tmp_path / "folds")


@pytest.fixture
def command():
  """(words, environment) -> the finished process of `python -m jaxsig.main words`."""
  from builders import ROOT

  def go(*words: str, **environment: str):
    return subprocess.run(
      [sys.executable, "-m", "jaxsig.main", *map(str, words)],
      cwd=ROOT,
      capture_output=True,
      text=True,
      env={**os.environ, **environment},
      timeout=600,
      check=False,
    )

  return go
