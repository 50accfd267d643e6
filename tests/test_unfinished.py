"""Folders aside: what a killed process has left goes, what a living one is writing stays."""
import os
import subprocess
import sys

import pytest

from jaxsig import unfinished


@pytest.fixture
def dead() -> int:
  """The number of a process that is no more."""
  process = subprocess.Popen([sys.executable, "-c", ""])
  process.wait()
  return process.pid


def left_by(folder, process, machine=None):
  path = folder / f".unfinished_{machine or unfinished._machine()}_{process}-abc_1"
  (path / "0").mkdir(parents=True)
  (path / "0" / "x.json").write_text("{}")
  return path


def test_what_a_killed_process_has_left_goes(tmp_path, dead):
  old = left_by(tmp_path, dead)
  made = unfinished.make_aside(tmp_path)
  assert list(tmp_path.iterdir()) == [made] != [old]
  assert not list(made.iterdir())


PROCESSES = {"own": os.getpid(), "parent": os.getppid(), "first": 1, "no number": 10 ** 30}


@pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES.keys())
def test_what_others_are_writing_stays(tmp_path, process):
  other = left_by(tmp_path, process)
  unfinished.make_aside(tmp_path)
  assert (other / "0" / "x.json").is_file()


def test_what_another_machine_is_writing_stays(tmp_path, dead):
  other = left_by(tmp_path, dead, "elsewhere")
  unfinished.make_aside(tmp_path)
  assert other.is_dir()


@pytest.mark.parametrize("name", [".unfinished_mine", ".unfinished_a_b-c", "unfinished", ".x"])
def test_folders_of_other_names_stay(tmp_path, name):
  (tmp_path / name).mkdir()
  unfinished.make_aside(tmp_path)
  assert (tmp_path / name).is_dir()
