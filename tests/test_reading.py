"""How the tree reads, measured: density, nesting, widths, lengths, docstrings, annotations."""

import ast
import dataclasses
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import ROOT

FOLDERS = ("jaxsig", "configs", "benchmarks")
COMPREHENSIONS = (ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp)
BARE = ("Any", "Callable", "dict", "list", "tuple")

MOST_NODES_A_LINE = 6.0
MOST_CONDITIONALS = 15.0  # expressions in 1000 lines
MOST_NESTED = 1.0  # comprehensions in 1000 lines
MOST_WIDE = 0.02  # share of lines over WIDEST
WIDEST = 100
LONGEST_FILE = 400
MEDIAN_FILE = 150
LONGEST_FUNCTION = 70
LEAST_DOCUMENTED = 0.80  # of public functions
LEAST_ANNOTATED = 0.85  # of arguments
MOST_BARE = 0.08  # of arguments


@dataclasses.dataclass
class Reading:
  """Counts over files of Python."""

  lines: int = 0  # with code: no blank lines, comments or docstrings
  nodes: int = 0
  conditionals: int = 0
  nested: int = 0
  wide: int = 0
  public: int = 0
  documented: int = 0
  arguments: int = 0
  annotated: int = 0
  bare: int = 0
  files: dict[str, int] = dataclasses.field(default_factory=dict)
  functions: dict[str, int] = dataclasses.field(default_factory=dict)

  def add(self, name: str, text: str) -> None:
    """Counts one more file."""
    tree = ast.parse(text)
    lines = text.splitlines()
    self.files[name] = len(lines)
    self.wide += sum(len(line) > WIDEST for line in lines)
    documentation = _docstring_lines(tree)
    for number, line in enumerate(lines, 1):
      is_code = line.strip() and not line.strip().startswith("#")
      self.lines += bool(is_code and number not in documentation)
    for node in ast.walk(tree):
      self.nodes += isinstance(node, (ast.expr, ast.stmt))
      self.conditionals += isinstance(node, ast.IfExp)
      self.nested += isinstance(node, COMPREHENSIONS) and _is_nested(node)
      if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        self._add_function(name, node)

  def _add_function(self, file: str, node: ast.FunctionDef) -> None:
    self.functions[f"{file}: {node.name}"] = node.end_lineno - node.lineno + 1
    if not node.name.startswith("_"):
      self.public += 1
      self.documented += ast.get_docstring(node) is not None
    for argument in node.args.args + node.args.kwonlyargs:
      if argument.arg in ("self", "cls"):
        continue
      self.arguments += 1
      self.annotated += argument.annotation is not None
      self.bare += isinstance(argument.annotation, ast.Name) and argument.annotation.id in BARE


def _docstring_lines(tree: ast.Module) -> set[int]:
  lines = set()
  for node in ast.walk(tree):
    has_body = isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef))
    if has_body and ast.get_docstring(node) is not None:
      lines.update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
  return lines


def _is_nested(node: ast.expr) -> bool:
  inner = any(isinstance(other, COMPREHENSIONS) for other in ast.walk(node) if other is not node)
  return inner or len(node.generators) > 1


def sources() -> Iterator[Path]:
  """The Python files that are read here."""
  for folder in FOLDERS:
    yield from sorted((ROOT / folder).rglob("*.py"))


@pytest.fixture(scope="module")
def tree() -> Reading:
  """Counts over the whole tree."""
  counts = Reading()
  for path in sources():
    counts.add(str(path.relative_to(ROOT)), path.read_text())
  return counts


def test_lines_hold_one_idea(tree: Reading):
  assert tree.nodes / tree.lines <= MOST_NODES_A_LINE
  assert 1000 * tree.conditionals / tree.lines <= MOST_CONDITIONALS
  assert 1000 * tree.nested / tree.lines <= MOST_NESTED


def test_lines_are_narrow(tree: Reading):
  assert tree.wide / sum(tree.files.values()) <= MOST_WIDE


def test_files_and_functions_are_short(tree: Reading):
  assert not {name: lines for name, lines in tree.files.items() if lines > LONGEST_FILE}
  assert not {name: lines for name, lines in tree.functions.items() if lines > LONGEST_FUNCTION}
  assert statistics.median(tree.files.values()) <= MEDIAN_FILE


def test_functions_are_documented_and_typed(tree: Reading):
  assert tree.documented / tree.public >= LEAST_DOCUMENTED
  assert tree.annotated / tree.arguments >= LEAST_ANNOTATED
  assert tree.bare / tree.arguments <= MOST_BARE


def test_the_ruler_sees_what_it_measures():
  crammed = (
    "def f(x, y: dict, z: int = 0):\n  return [a if a else [b for b in a] for a in x] # " + 90 * "x"
  )
  counts = Reading()
  counts.add("crammed.py", crammed)
  assert (counts.lines, counts.conditionals, counts.nested, counts.wide) == (2, 1, 1, 1)
  assert (counts.public, counts.documented) == (1, 0)
  assert (counts.arguments, counts.annotated, counts.bare) == (3, 2, 1)
  assert counts.functions == {"crammed.py: f": 2}
