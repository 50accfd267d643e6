"""The house as a test: who imports whom, what a system must bring, and the configs in smoke mode."""
import ast
import re
import sys

import pytest
from builders import ROOT

PACKAGE = ROOT / "jaxsig"
EVERYWHERE = {"errors"}
ALLOWED = {
    "": {"infer", "shipped", "gradients", "config"},
    "errors": set(), "config": set(), "rng": set(), "log": set(), "mesh": set(), "optim": set(), "page": set(), "quality": set(),
    "main": {"train", "evaluate", "infer", "sweep", "report", "shipped", "export", "weights", "gradients", "config",
             "mesh"},
    "checkpoint": {"mesh", "config"}, "weights": {"config"},
    "task": {"config"},
    "train": {"task", "data", "checkpoint", "mesh", "rng", "optim", "log", "config"},
    "evaluate": {"train", "task", "data", "checkpoint", "weights", "mesh", "rng", "log", "config"},
    "sweep": {"train", "evaluate", "choose", "report", "config", "mesh", "data", "task"},
    "choose": {"averages", "config", "metrics"},
    "shipped": {"train", "evaluate", "checkpoint", "weights", "sweep", "data", "task", "config"},
    "export": {"shipped", "evaluate", "checkpoint", "sweep", "config"},
    "infer": {"shipped", "evaluate", "sweep", "plots_recording", "quality", "data", "config", "mesh"},
    "report": {"averages", "axis", "tables", "plots", "plots_axis", "page"},
    "axis": {"averages", "tables", "page"},
    "averages": {"config", "metrics"},
    "tables": {"page"},
    "plots": {"page", "plots_images", "plots_network"},
    "plots_axis": {"axis", "plots", "page"},
    "plots_images": set(), "plots_network": {"page"},
    "plots_recording": {"plots", "quality"},
    "curvature": {"rng"},
    "gradients": {"task", "data", "page"},
    "diffusion": {"rng"},
    "tasks": {"models", "curvature", "diffusion", "signal", "metrics", "baselines", "rng", "task", "config"},
    "models": {"models", "signal"},
    "baselines": {"baselines", "metrics", "signal", "task"},
    "metrics": {"metrics", "signal"},
    "signal": {"signal"},
    "data": {"data", "task"},
}
NO_JAX = {"data", "report", "averages", "axis", "tables", "plots", "plots_axis", "plots_images", "plots_network", "plots_recording",
          "quality", "page", "log", "config", "errors", "main"}
SYSTEMS = sorted(p.stem for p in (PACKAGE / "tasks").glob("*.py") if p.stem != "__init__")
# what the shared loop may not know
SHARED = ("train", "evaluate", "infer", "sweep", "choose", "checkpoint", "mesh", "report", "averages", "axis", "tables", "plots",
          "plots_axis", "plots_images", "plots_network", "plots_recording", "export", "page", "data/core", "data/feeds", "data/cache",
          "data/splits", "main", "log", "config", "rng", "optim", "task")


def room(path):
  relative = path.relative_to(PACKAGE).with_suffix("").parts
  return "" if relative == ("__init__",) else relative[0]


def imports(text):
  """(module, at top level) of every import."""
  tree = ast.parse(text)
  top = set(map(id, tree.body))
  for node in ast.walk(tree):
    if isinstance(node, ast.Import):
      yield from ((alias.name, id(node) in top) for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
      names = [f"jaxsig.{a.name}" for a in node.names] if node.module == "jaxsig" else [node.module]
      yield from ((name, id(node) in top) for name in names)


def offences(path, text):
  here = room(path)
  for name, top in imports(text):
    parts = name.split(".")
    if parts[0] == "jaxsig" and len(parts) > 1 and parts[1] not in ALLOWED[here] | EVERYWHERE:
      yield f"{path.name} imports {name}"
    if parts[0] in ("jax", "flax", "optax") and here in NO_JAX:
      yield f"{path.name} imports {name}: {here} is numpy only"
    if parts[0] in ("tensorflow", "tensorflow_datasets") and top and not path.name.startswith("tfds_"):
      yield f"{path.name} imports {name} at its top: it costs 10 s"
    if parts[0] == "orbax" and here != "checkpoint":
      yield f"{path.name} imports orbax"
    if parts[0] == "matplotlib" and not here.startswith("plots"):
      yield f"{path.name} imports matplotlib"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_follow_the_table(path):
  assert not list(offences(path, path.read_text()))


@pytest.mark.parametrize("where, line", [
    ("train.py", "from jaxsig.models import respdiff"), ("data/core.py", "import jax"), ("train.py", "import tensorflow"),
    ("models/blocks.py", "from jaxsig import rng"), ("evaluate.py", "import orbax.checkpoint")])
def test_the_import_check_sees_an_offence(where, line):
  assert list(offences(PACKAGE / where, line))


@pytest.mark.parametrize("name", SHARED)
def test_shared_code_knows_no_system(name):
  text = (PACKAGE / f"{name}.py").read_text().lower()
  text = re.sub(r"configs/\w+\.py|runs/\w+", "", text)   # examples of a command line
  words = [w for w in (*SYSTEMS, "resp", "ppg", "breath", "bidmc") if re.search(rf"\b{w}", text)]
  assert not words


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_system_is_complete(system):
  for path in (PACKAGE / "models" / f"{system}.py", PACKAGE / "tasks" / f"{system}.py", ROOT / "configs" / f"{system}.py"):
    assert path.is_file(), f"{path.relative_to(ROOT)} is missing"
  assert list((ROOT / "tests").glob(f"test*{system}.py")), f"no tests of {system}"
  assert system in (ROOT / "README.md").read_text().lower()


def test_sources_stay_readable():
  for path in PACKAGE.rglob("*.py"):
    text = path.read_text()
    assert text.count("\n") <= 350, f"{path.name} is too long"
    for node in ast.walk(ast.parse(text)):
      if isinstance(node, ast.FunctionDef):
        limit = 90 if path.name == "train.py" else 70
        assert node.end_lineno - node.lineno < limit, f"{path.name}: {node.name} is too long"


def test_no_pickles():
  for path in PACKAGE.rglob("*.py"):
    text = path.read_text()
    assert not re.search(r"allow_pickle\s*=\s*True|\bimport pickle\b|torch\.load", text), path.name
    for call in re.findall(r"np\.load\([^)]*\)", text):
      assert "allow_pickle=False" in call, f"{path.name}: {call}"


def test_python_and_lock_agree():
  assert sys.version_info >= (3, 11)
  lock = (ROOT / "requirements.txt").read_text()
  for name in re.findall(r"^([a-z][\w-]*)", (ROOT / "requirements.in").read_text(), re.M):
    assert re.search(rf"^{name.replace('_', '-').lower()}==", lock, re.M), f"{name} is not in the lock"
