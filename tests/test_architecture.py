"""The house as a test: who imports whom, which words stand where, what a system brings."""

import ast
import io
import keyword
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from builders import ROOT

PACKAGE = ROOT / "jaxsig"
SYSTEMS = sorted(
  folder.name for folder in (PACKAGE / "systems").iterdir() if (folder / "__init__.py").is_file()
)
SOURCES = sorted(PACKAGE.rglob("*.py"))

# Room: what it may import of the package, besides errors and itself. A system is a room of its own.
LOW = {
  "config",
  "paths",
  "plurals",
  "rows",
  "setting_rules",
  "statistics",
  "stored_files",
  "table_text",
  "unfinished",
}
ALLOWED = {
  "": {"engine", "experiment", "prediction", "report", "system", *LOW},
  "__main__": {"main"},
  "main": {"", "command_line", "interrupts", "usage", "engine", "experiment", "prediction", *LOW},
  "command_line": {"config", "usage"},
  "interrupts": {"engine"},
  "usage": set(),
  "errors": set(),
  "paths": set(),
  "config": {"paths"},
  "config_arguments": {"config"},
  "rng": set(),
  "figure_style": set(),
  "plurals": set(),
  "stored_files": set(),
  "unfinished": set(),
  "setting_rules": set(),
  "rows": set(),
  "statistics": {"rows"},
  "table_text": set(),
  # data for type annotations only
  "system": {"config", "rows", "setting_rules", "table_text", "data"},
  "data": {"system", *LOW},
  "signal": {"rng"},
  "nn": {"signal", "rng"},
  "engine": {"data", "system", "rng", *LOW},
  "report": {"system", "figure_style", *LOW},
  "experiment": {"engine", "report", "data", "system", "rng", *LOW},
  "prediction": {"experiment", "engine", "report", "data", "system", "rng", *LOW},
  "systems": {"nn", "signal", "data", "system", "rng", "figure_style", *LOW},
}
NUMPY_ONLY = {"data", "report", "config", "errors", "system", "figure_style", *LOW}

# Where no word of any system may stand.
SHARED = [
  path
  for path in SOURCES
  if path.relative_to(PACKAGE).parts[0] in ("engine", "experiment", "report", "prediction")
]
SHARED += sorted((PACKAGE / "data").glob("*.py"))
SHARED += sorted((PACKAGE / "data" / "signal_files").glob("*.py"))
VOCABULARY = {
  "respiration": "respiration respiratory resp respdiff breath breaths breathe breathes "
  "breathing ppg pulse bpm bidmc "
  "capnobase annotator annotators warp warps warped patient patients",
  "phase_retrieval": "image images pixel pixels intensity intensities solver solvers "
  "shrinkwrap hio diffraction "
  "detector reconstruction symmetry symmetries flip",
  "cnn_notes": "class classes glyph glyphs mnist confusion pooling",
  "blood_pressure": "mmhg pressure sbp dbp cuff camera rgb subject subjects",
  "music_separation": "song songs stem stems vocals drums bass mixture audio stereo wiener "
  "instrument instruments",
}


def room_of(path: Path) -> str:
  """The room of a file: its folder below the package, or its own name."""
  parts = path.relative_to(PACKAGE).with_suffix("").parts
  if parts[0] == "systems" and len(parts) > 2:
    return f"systems.{parts[1]}"
  if parts == ("__init__",):
    return ""
  return parts[0]


class Import(NamedTuple):
  """An import of a module, whether at the top of the file, whether for annotations only."""

  module: str
  at_top: bool
  for_types: bool


def imports(text: str) -> Iterator[Import]:
  """Every import of a file."""
  tree = ast.parse(text)
  top = {id(node) for node in tree.body}
  for_types = set()
  for node in tree.body:
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
      for_types |= {id(inner) for inner in ast.walk(node)}
  for node in ast.walk(tree):
    names = []
    if isinstance(node, ast.Import):
      names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module:
      names = [f"{node.module}.{alias.name}" for alias in node.names]
    for name in names:
      yield Import(name, id(node) in top, id(node) in for_types)


def offences(path: Path, text: str) -> Iterator[str]:
  """What a file imports against the table."""
  room = room_of(path)
  kind = room.partition(".")[0]
  for one in imports(text):
    parts = one.module.split(".")
    if parts[0] == "jaxsig" and len(parts) > 1 and not one.for_types:
      yield from _package_offences(path, room, kind, parts)
    if parts[0] in ("jax", "flax", "optax") and kind in NUMPY_ONLY:
      yield f"{path.name} imports {one.module}: {room} is numpy only"
    if (
      parts[0] in ("tensorflow", "tensorflow_datasets")
      and one.at_top
      and not path.name.startswith("tfds_")
    ):
      yield f"{path.name} imports {one.module} at its top: it costs 10 s"
    if parts[0] == "orbax" and path.relative_to(PACKAGE) != Path("engine/checkpoint.py"):
      yield f"{path.name} imports orbax"
    if parts[0] == "matplotlib" and "figure" not in path.name:
      yield f"{path.name} imports matplotlib"


def _package_offences(path: Path, room: str, kind: str, parts: list[str]) -> Iterator[str]:
  imported = parts[1]
  is_module = (PACKAGE / imported).is_dir() or (PACKAGE / f"{imported}.py").is_file()
  if not is_module:  # a name of the package itself
    imported = ""
  if imported == "systems" and kind == "systems":
    if len(parts) > 2 and f"systems.{parts[2]}" != room:
      yield f"{path.name} imports {'.'.join(parts)}: systems never import each other"
  elif imported not in ALLOWED[kind] | {"errors", kind}:
    yield f"{path.name} imports {'.'.join(parts)}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_follow_the_table(path: Path):
  assert not list(offences(path, path.read_text()))


@pytest.mark.parametrize(
  "where, line",
  [
    ("engine/train.py", "from jaxsig.systems.respiration import task"),
    ("engine/train.py", "from jaxsig.experiment import sweep"),
    ("data/records.py", "import jax"),
    ("report/page.py", "import jax.numpy as jnp"),
    ("engine/train.py", "import tensorflow"),
    ("nn/blocks.py", "from jaxsig.engine import mesh"),
    ("experiment/evaluate.py", "import orbax.checkpoint"),
    ("report/tables.py", "import matplotlib"),
    ("systems/cnn_notes/task.py", "from jaxsig.systems.respiration import rates"),
    ("systems/cnn_notes/task.py", "from jaxsig.report import page"),
  ],
)
def test_the_import_check_sees_an_offence(where: str, line: str):
  assert list(offences(PACKAGE / where, line))


def words_of(text: str) -> Iterator[str]:
  """The words of names, strings and comments; Python's own keywords and `path.stem` are none."""
  # examples of a command line; HTML's attributes and tags
  text = re.sub(r"configs/\w+\.py|runs/\w+|class=|</?audio|data:audio|audio{", "", text)
  before = ""
  for token in tokenize.generate_tokens(io.StringIO(text).readline):
    is_keyword = token.type == tokenize.NAME and keyword.iskeyword(token.string)
    is_path_stem = token.string == "stem" and before == "."
    if (
      token.type in (tokenize.NAME, tokenize.STRING, tokenize.COMMENT)
      and not is_keyword
      and not is_path_stem
    ):
      apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", token.string)
      yield from re.findall(r"[a-z]+", apart.lower())
    elif token.type == getattr(tokenize, "FSTRING_MIDDLE", -1):
      yield from re.findall(r"[a-z]+", token.string.lower())
    before = token.string


def foreign_words(text: str) -> set[str]:
  """The words of systems in a file."""
  forbidden = {word for words in VOCABULARY.values() for word in words.split()}
  return forbidden & set(words_of(text))


@pytest.mark.parametrize("path", SHARED, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_shared_code_knows_no_system(path: Path):
  assert not foreign_words(path.read_text())


@pytest.mark.parametrize(
  "text",
  ["x = record.ppg_t", "# a song's stems", "class_k = 1", '"an image"', "def sbp_mmhg(): pass"],
)
def test_the_word_check_sees_a_system(text: str):
  assert foreign_words(text)


def test_the_word_check_leaves_python_alone():
  assert not foreign_words("class Path:\n  name = path.stem\n")


def test_every_system_has_its_vocabulary():
  assert set(SYSTEMS) <= set(VOCABULARY)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_system_is_a_complete_folder(system: str):
  folder = PACKAGE / "systems" / system
  for name in ("__init__", "settings", "task", "network", "protocol", "baselines", "own_file"):
    assert (folder / f"{name}.py").is_file(), f"{name}.py of {system} is missing"
  assert list((ROOT / "tests" / "systems" / system).glob("test_*.py")), f"no tests of {system}"
  configs = [path.read_text() for path in (ROOT / "configs").glob("*.py")]
  assert any(f'config.system = "{system}"' in text for text in configs), f"no config of {system}"
  assert (
    list((ROOT / "docs").glob("*.md"))
    and system.replace("_", " ") in (ROOT / "README.md").read_text().lower()
  )


def test_no_pickles():
  for path in SOURCES:
    text = path.read_text()
    assert not re.search(r"allow_pickle\s*=\s*True|\bimport pickle\b|torch\.load", text), path.name
    for call in re.findall(r"np\.load\([^)]*\)", text):
      assert "allow_pickle=False" in call, f"{path.name}: {call}"


def test_the_lock_has_all_that_is_asked_for():
  lock = (ROOT / "requirements.txt").read_text()
  for name in re.findall(r"^([a-z][\w-]*)", (ROOT / "requirements.in").read_text(), re.M):
    assert re.search(rf"^{name.replace('_', '-').lower()}==", lock, re.M), (
      f"{name} is not in the lock"
    )
