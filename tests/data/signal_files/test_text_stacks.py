"""Recordings that stand below each other in one table are not joined."""
import numpy as np
import pytest
from fake_text import Folder, lines, signal

TIME_S, X_T = signal()
HALVES = np.repeat([0, 1], 320)


@pytest.fixture
def folder(tmp_path) -> Folder:
  return Folder(tmp_path)


@pytest.mark.parametrize(
  "name", ["subject", "Subject ID", "session", "id", "trial", "file", "participant", "recording"]
)
@pytest.mark.parametrize("values", [("1", "2"), ("0", "7"), ("S01", "S02"), ("a.csv", "b.csv")])
@pytest.mark.parametrize("rate_hz", [None, 64.0])
def test_stacked_recordings_are_refused(folder, name, values, rate_hz):
  label = np.array(values)[HALVES]
  sentence = folder.refusal(lines(label, X_T, head=f"{name},level"), rate_hz)
  assert f"column {name!r}" in sentence
  assert "changes in line 322" in sentence
  assert "write one file for each" in sentence
  restarts = lines(label, TIME_S % 5, X_T, head=f"{name},time,level")
  assert f"column {name!r}" in folder.refusal(restarts, rate_hz)
  apart = lines(label, TIME_S + 600 * HALVES, X_T, head=f"{name},time,level")
  assert f"column {name!r}" in folder.refusal(apart, rate_hz)


@pytest.mark.parametrize("name", ["channel", "variable", "sensor"])
def test_stacked_signals_are_refused(folder, name):
  label = np.array(["left", "right"])[HALVES]
  assert "for each" in folder.refusal(lines(label, X_T, head=f"{name},level"), 64.0)


@pytest.mark.parametrize("values", [("1", "1"), ("S01", "S01")])
@pytest.mark.parametrize("name", ["subject", "session", "id", "trial", "file"])
def test_one_recording_is_read(folder, name, values):
  label = np.array(values)[HALVES]
  read = folder.read(lines(label, TIME_S, X_T, head=f"{name},time,level"))
  np.testing.assert_array_equal(read.channels[-1].load(), X_T)


@pytest.mark.parametrize("name", ["trial", "block", "signal quality", "recording state"])
@pytest.mark.parametrize("values", [("1", "2"), ("rest", "walk")])
def test_marks_within_one_recording_are_no_other_recordings(folder, name, values):
  label = np.array(values)[HALVES]
  read = folder.read(lines(TIME_S, X_T, label, head=f"time,level,{name}"))
  assert read.channels[0].rate_hz == 64
