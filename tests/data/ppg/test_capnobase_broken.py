"""CapnoBase: each thing that may be wrong with a file has a sentence of its own."""
import pathlib
import shutil
from collections.abc import Callable, Sequence
from typing import NamedTuple

import fake_capnobase
import h5py
import numpy as np
import pytest
from fake_bidmc import says
from fake_capnobase import options

from jaxsig.data.ppg import capnobase

BROKEN_CASE = "0015_8min.mat"
SAMPLES = 21001   # 70 s and the endpoint


class Broken(NamedTuple):
  """What is done to the .mat of case 0015, and what the sentence says of it."""
  damage: Callable[[pathlib.Path], None]
  words: Sequence[str]


def cut(path: pathlib.Path) -> None:
  content = path.read_bytes()
  path.write_bytes(content[:-20000])


def overwritten(content: bytes) -> Callable[[pathlib.Path], None]:
  def damage(path: pathlib.Path) -> None:
    path.write_bytes(content)

  return damage


def removed(key: str) -> Callable[[pathlib.Path], None]:
  def damage(path: pathlib.Path) -> None:
    with h5py.File(path, "r+") as file:
      del file[key]

  return damage


def changed(
    key: str,
    change: Callable[[np.ndarray], np.ndarray],
) -> Callable[[pathlib.Path], None]:
  def damage(path: pathlib.Path) -> None:
    with h5py.File(path, "r+") as file:
      value = change(file[key][()])
      del file[key]
      file[key] = value

  return damage


def replaced(key: str, value: np.ndarray) -> Callable[[pathlib.Path], None]:
  return changed(key, lambda _: value)


INDEX = np.arange(SAMPLES)
SECONDS = np.array([ord(character) for character in "seconds"], np.uint16)
BREATHS = "labels/co2/startinsp/x"
BROKEN = {
  "truncated": Broken(cut, ["cannot be read"]),
  "no MATLAB": Broken(overwritten(b"<html>please log in</html>" * 20), ["cannot be read"]),
  "empty": Broken(overwritten(b""), ["cannot be read"]),
  "no pleth": Broken(removed("signal/pleth/y"), ["no signal.pleth.y"]),
  "no co2": Broken(removed("signal/co2/y"), ["no signal.co2.y"]),
  "no rate": Broken(
    removed("param/samplingrate/co2"),
    ["no param.samplingrate.co2"],
  ),
  "wrong rate": Broken(
    changed("param/samplingrate/pleth", lambda x: 0 * x),
    ["no sampling rate"],
  ),
  "two rates": Broken(
    changed("param/samplingrate/co2", lambda x: x / 3),
    ["300 Hz", "100 Hz"],
  ),
  "two lengths": Broken(
    changed("signal/co2/y", lambda x: x[:, :-300]),
    ["21001 samples", "20701"],
  ),
  "nan": Broken(
    changed("signal/pleth/y", lambda x: np.where(INDEX == 9000, np.nan, x)),
    ["pleth of", "30.00 s"],
  ),
  "flat": Broken(
    changed("signal/co2/y", lambda x: np.where(INDEX > 9000, 3.0, x)),
    ["co2 of", "flat"],
  ),
  "no breaths": Broken(removed(BREATHS), ["no labels.co2.startinsp.x"]),
  "breath beyond": Broken(
    changed(BREATHS, lambda x: x + SAMPLES),
    ["startinsp", "outside of the 21001"],
  ),
  "breath before": Broken(
    changed(BREATHS, lambda x: -x),
    ["startinsp", "outside of the 21001"],
  ),
  "seconds": Broken(
    replaced("labels/units/x", SECONDS),
    ["'seconds'", "not in samples"],
  ),
  "odd artefact": Broken(
    replaced("labels/pleth/artif/x", np.array([[3.0], [9.0], [12.0]])),
    ["3 numbers", "pairs"],
  ),
  "artefact reversed": Broken(
    replaced("labels/co2/artif/x", np.array([[900.0], [3.0]])),
    ["ends before it starts", "co2.artif"],
  ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_recording_is_named_with_its_remedy(mat_folder, case):
  broken = BROKEN[case]
  broken.damage(mat_folder / BROKEN_CASE)
  sentence = says(capnobase.load, mat_folder, options())
  for word in (BROKEN_CASE, *broken.words):
    assert word in sentence
  assert "download" in sentence or "leave the file out" in sentence

  others = capnobase.load(mat_folder, options(skip_broken=True))
  assert [record.group for record in others] == ["0009", "0370"]
  assert capnobase.inspect(mat_folder)["skipped"] == [{"record": "capnobase0015", "why": sentence}]


def edit(path: pathlib.Path, old: str, new: str) -> None:
  text = path.read_text()
  assert old in text
  path.write_text(text.replace(old, new, 1))


def assert_told(folder: pathlib.Path, file: str, words: str) -> None:
  """The sentence names the file of case 0015 and the remedy, and the other cases can be read."""
  sentence = says(capnobase.load, folder, options())
  assert words in sentence
  assert file in sentence
  assert "download" in sentence
  others = capnobase.load(folder, options(skip_broken=True))
  assert [record.group for record in others] == ["0009", "0370"]


@pytest.mark.parametrize("kind", ["labels", "param"])
def test_a_missing_table_is_named_with_its_remedy(table_folder, kind):
  (table_folder / f"0015_8min_{kind}.csv").unlink()
  words = f"has no 0015_8min_{kind}.csv beside it"
  assert_told(table_folder, "0015_8min_signal.csv", words)


@pytest.mark.parametrize(
  ("kind", "old", "new", "words"),
  [
    ("signal", "pleth_y", "ppg_y", "no signal.pleth.y"),
    ("signal", "\n", "\n<html>", "cannot be read"),
    ("labels", '"samples"', '"s"', "not in samples"),
  ],
  ids=["no column", "no table", "seconds"],
)
def test_a_broken_table_is_named_with_its_remedy(table_folder, kind, old, new, words):
  file = f"0015_8min_{kind}.csv"
  edit(table_folder / file, old, new)
  assert_told(table_folder, file, words)


def test_a_table_with_text_is_named_with_its_remedy(table_folder, cases):
  inspirations = fake_capnobase.samples(cases[1])[::-1]
  file = "0015_8min_labels.csv"
  edit(table_folder / file, f" {inspirations[3]:g} ", " soon ")
  assert_told(table_folder, file, "text in labels.co2")


@pytest.fixture
def one_case(tmp_path, case_folders) -> pathlib.Path:
  """A copy of the tables of case 0009 to break."""
  for path in case_folders["csv"].glob("0009*"):
    shutil.copy(path, tmp_path)
  return tmp_path


@pytest.mark.parametrize(
  ("lines_left", "last_line", "words"),
  [
    (5000, "1.5", "0009_8min_signal.csv cannot be read"),
    (5000, None, "outside of the 4999"),
    (1, None, "0009_8min_signal.csv"),
    (0, None, "0009_8min_signal.csv"),
  ],
  ids=["in a line", "after a line", "after its header", "empty"],
)
def test_a_table_that_is_cut(one_case, lines_left, last_line, words):
  path = one_case / "0009_8min_signal.csv"
  lines = path.read_text().splitlines()[:lines_left]
  if last_line is not None:
    lines.append(last_line)
  path.write_text("\n".join(lines))
  assert words in says(capnobase.load, one_case, options())
