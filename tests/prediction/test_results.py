"""Results in a folder: names of their own, nothing replaced, nothing half written."""
import json
import os
import pathlib
from typing import NamedTuple

import numpy as np
import pytest
from fake_bidmc import says

from jaxsig import unfinished
from jaxsig.data.records import Record
from jaxsig.prediction import results
from jaxsig.prediction.inputs import files_of, fingerprint_of, input_of
from jaxsig.system import OwnFile, System, Told

pytestmark = pytest.mark.quick


def write_files(told: Told, folder: pathlib.Path) -> None:
  """What a system may write of a record."""
  (folder / f"{told.record.id}_all.json").write_text(json.dumps(told.about))
  (folder / f"{told.record.id}_rates.csv").write_text(told.record.id)


def system_that(write) -> System:
  own = OwnFile(read=None, judge=None, tell=None, write=write, result=None)
  return System(data=None, task=None, protocol=None, own=own)


class Place(NamedTuple):
  """Where inputs and results lie."""
  root: pathlib.Path
  out: pathlib.Path

  def file(self, name: str, text: str = "1\n2\n") -> pathlib.Path:
    path = self.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path

  def write(self, path: pathlib.Path, write=write_files) -> results.Written:
    """Writes the results of an input into `out`."""
    source = input_of(path)
    empty = np.zeros((0, 2))
    record = Record(path.stem, "user", 1.0, {"x_t": np.zeros(3)}, {}, {})
    about = {"record": record.id, "input": source.shown}
    told = Told(record, [], [], empty, empty, about, None)
    return results.write(system_that(write), told, source, self.out)


@pytest.fixture
def place(tmp_path):
  return Place(tmp_path, tmp_path / "out")


def test_results_have_names_of_their_own(place):
  written = place.write(place.file("mine.csv"))
  assert written.name == "mine"
  assert [path.name for path in written.files] == ["mine_all.json", "mine_rates.csv"]
  assert sorted(path.name for path in place.out.iterdir()) == ["mine_all.json", "mine_rates.csv"]


def test_what_was_written_under_a_name_that_is_taken_is_deleted_first(place):
  """It may be as large as the disk."""
  trials = []

  def write(told, folder):
    trials.append(len(list(folder.parent.iterdir())))
    write_files(told, folder)

  place.write(place.file("p01/mine.csv"))
  assert place.write(place.file("p02/mine.csv"), write).name == "p02_mine"
  assert trials == [1, 1]


def test_the_same_input_gets_the_same_names_again(place, monkeypatch):
  path = place.file("p01/mine.csv")
  first = place.write(path)
  path.write_text("corrected")
  monkeypatch.chdir(place.root / "p01")
  for again in (path, pathlib.Path("mine.csv"), pathlib.Path("../p01/mine.csv")):
    assert place.write(again) == first
  os.symlink(place.root / "p01", place.root / "linked")
  assert place.write(place.root / "linked" / "mine.csv") == first


def test_results_that_were_half_moved_are_known_again(place, monkeypatch):
  path = place.file("p01/mine.csv")
  replace = os.replace
  moved = []

  def replace_one(source, target):
    if moved:
      raise KeyboardInterrupt
    moved.append(target)
    replace(source, target)

  with monkeypatch.context() as patch:
    patch.setattr(os, "replace", replace_one)
    with pytest.raises(KeyboardInterrupt):
      place.write(path)
  assert place.write(path).name == "mine"


def test_what_a_killed_run_has_left_goes(place):
  place.write(place.file("a.csv"))
  left = place.out / f".unfinished_{unfinished._machine()}_{2 ** 22 + 1}-abc"   # no such process
  (left / "0").mkdir(parents=True)
  place.write(place.file("b.csv"))
  assert not left.exists()


def test_inputs_of_one_name_do_not_replace_each_others_results(place):
  names = {}
  for folder in ("p01", "p02", "p03/day1", "p04/day1"):
    path = place.file(f"{folder}/ppg.npy", folder)
    names[folder] = place.write(path).name
  assert names == {
      "p01": "ppg",
      "p02": "p02_ppg",
      "p03/day1": "day1_ppg",
      "p04/day1": "p04_day1_ppg",
  }
  for folder, name in names.items():
    about = json.loads((place.out / f"{name}_all.json").read_text())
    assert about["record"] == name
    assert about["input"].endswith(f"{folder}/ppg.npy")
    assert place.write(place.root / folder / "ppg.npy").name == name   # and again


def test_inputs_beside_each_other_are_told_apart_by_their_suffix(place):
  names = [place.write(place.file(f"in/a.b.{kind}")).name for kind in ("csv", "npy", "txt")]
  assert names == ["a.b", "a.b_npy", "a.b_txt"]


@pytest.mark.parametrize("there", ["mine_rates.csv", "mine_all.json"])
@pytest.mark.parametrize("text", ["precious", "{}", '{"input": 3}', "[1]", '{"input": "/else"}'])
def test_a_file_that_is_no_result_of_the_input_is_kept(place, there, text):
  place.out.mkdir()
  (place.out / there).write_text(text)
  written = place.write(place.file("in/mine.csv"))
  assert written.name == "in_mine"
  assert (place.out / there).read_text() == text


def test_folders_and_links_of_a_results_name_are_kept(place):
  place.out.mkdir()
  (place.out / "mine_rates.csv").mkdir()
  os.symlink(place.root / "nothing", place.out / "other_rates.csv")
  assert place.write(place.file("in/mine.csv")).name == "in_mine"
  assert place.write(place.file("in/other.csv")).name == "in_other"
  assert not (place.root / "nothing").exists()


def test_results_may_lie_beside_their_input(place):
  path = place.file("mine.csv", "precious")
  beside = place._replace(out=place.root)
  beside.write(path)
  beside.write(path)
  assert path.read_text() == "precious"
  assert (place.root / "mine_rates.csv").is_file()


def test_an_input_that_a_result_would_replace_is_kept(place):
  """A header's other file may have the name of a result."""
  header = place.file("mine.hea")
  data = place.file("mine.dat", "precious")

  def write(told: Told, folder: pathlib.Path) -> None:
    write_files(told, folder)
    if told.record.id == "mine":
      (folder / "mine.dat").write_text("result")

  beside = place._replace(out=place.root)
  beside.file("mine_all.json", json.dumps({"input": str(header.resolve())}))
  assert "would replace a file that is read" in says(beside.write, header, write)
  assert data.read_text() == "precious"


def test_results_do_not_lie_in_a_folder_that_is_read(place):
  place.file("in/a.png")
  inside = place._replace(out=place.root / "in")
  assert "the folder that is read" in says(inside.write, place.root / "in")
  place._replace(out=place.root / "in" / "out").write(place.root / "in")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("broken")])
def test_nothing_half_written_is_left(place, error):
  def write(told: Told, folder: pathlib.Path) -> None:
    write_files(told, folder)
    raise error

  path = place.file("mine.csv")
  with pytest.raises(Exception, match="No space left|broken"):
    place.write(path, write)
  assert not place.out.exists()

  place.write(path)
  before = {file.name: file.read_bytes() for file in place.out.iterdir()}
  with pytest.raises(Exception, match="No space left|broken"):
    place.write(path, write)
  assert {file.name: file.read_bytes() for file in place.out.iterdir()} == before


def test_a_system_without_a_json_file_gets_one(place):
  def write(told: Told, folder: pathlib.Path) -> None:
    (folder / f"{told.record.id}.csv").write_text("1")

  path = place.file("in/mine.npy")
  names = ["mine.csv", "mine_about.json"]
  assert [file.name for file in place.write(path, write).files] == names
  assert [file.name for file in place.write(path, write).files] == names
  assert place.write(place.file("other/mine.npy"), write).name == "other_mine"


def test_where_every_name_is_taken_it_is_told(place, monkeypatch):
  monkeypatch.setattr(results, "MOST_FOLDERS", 1)
  place.out.mkdir()
  for name in ("mine", "in_mine", "in_mine_csv"):
    (place.out / f"{name}_rates.csv").write_text("precious")
  assert "under every name" in says(place.write, place.file("in/mine.csv"))


# Inputs

def test_a_file_and_its_copy_have_one_fingerprint(place):
  a, b = place.file("a.csv"), place.file("b.csv")
  assert fingerprint_of(input_of(a)) == fingerprint_of(input_of(b))
  b.write_text("other")
  assert fingerprint_of(input_of(a)) != fingerprint_of(input_of(b))


def test_the_files_of_a_folder_and_of_a_header(place):
  for name in ("in/b.png", "in/a.png", "in/.hidden", "r1.hea", "r1.dat", "r10.dat"):
    place.file(name)
  assert [path.name for path in files_of(place.root / "in")] == ["a.png", "b.png"]
  for name in ("r1.hea", "r1"):
    found = [path.name for path in files_of(place.root / name) if path.exists()]
    assert sorted(found) == ["r1.dat", "r1.hea"]


def test_an_array_is_an_input(place):
  a, b = input_of(np.arange(3.0)), input_of([0.0, 1.0, 2.0])
  assert a.shown == "an array"
  assert fingerprint_of(a) == fingerprint_of(b)
