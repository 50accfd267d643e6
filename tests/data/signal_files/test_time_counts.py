"""Columns that count samples, frames or packets: no times, whatever their step."""
import numpy as np
import pytest
from fake_text import Folder, lines, signal

_, X_T = signal()
NAMES = (
  "sample", "index", "sample number", "Sample #", "frame", "counter", "nSeq", "n", "idx", "",
  "time_index", "packet no", "row",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path) -> Folder:
  return Folder(tmp_path)


@pytest.mark.parametrize("step", [1, 2, 4, 20, 1000])
@pytest.mark.parametrize("name", NAMES)
def test_a_count_by_any_step_has_no_unit_of_time(folder, name, step):
  text = lines(step * np.arange(640) + 17, X_T, head=f"{name},level")
  read = folder.read(text)
  assert [channel[:4] for channel in read.channels] == [("level", "", None, 640)]
  assert "counts the samples" in " ".join(read.notes)
  for rate_hz in (25.0, 64.0, 250.0):
    channel = folder.read(text, rate_hz).channels[0]
    assert channel.rate_hz in (None, rate_hz)
    np.testing.assert_array_equal(channel.load(), X_T)


@pytest.mark.parametrize("step", [1, 2, 4, 20])
@pytest.mark.parametrize("rate_hz", [None, 64.0])
def test_gaps_are_by_the_commonest_step(folder, step, rate_hz):
  present = np.flatnonzero((np.arange(640) < 100) | (np.arange(640) >= 140))
  read = folder.read(lines(step * present, X_T[present], head="sample,level"), rate_hz)
  assert read.channels[0].rate_hz == rate_hz
  missing = np.flatnonzero(np.isnan(read.channels[0].load()))
  assert missing.tolist() == list(range(100, 140))
  assert "skips 40" in " ".join(read.notes)


def test_whole_times_without_a_head_stay_times(folder):
  read = folder.read(lines(20 * np.arange(640), X_T))
  assert read.channels[0].rate_hz == 50.0


@pytest.mark.parametrize("name", ["time", "timestamp", "t", "ts", "elapsed", "millis"])
def test_whole_times_by_name_stay_times(folder, name):
  read = folder.read(lines(20 * np.arange(640), X_T, head=f"{name},level"))
  assert read.channels[0].rate_hz == 50.0


@pytest.mark.parametrize("period", [16, 101, 128, 256])
def test_a_counter_of_packets_that_begins_again(folder, period):
  present = np.flatnonzero((np.arange(640) < 100) | (np.arange(640) >= 105))
  text = lines(present % period, X_T[present], head="nSeq,level")
  channel = folder.read(text, 64.0).channels[0]
  missing = np.flatnonzero(np.isnan(channel.load()))
  assert missing.tolist() == list(range(100, 105))


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("name", ["sample", "index", "frame", "n"])
def test_a_count_that_restarts_is_another_recording(folder, name, first):
  text = lines(first + np.arange(640) % 320, X_T, head=f"{name},level")
  assert "after line 321, as if another recording began" in folder.refusal(text)
  assert "after line 321" in folder.refusal(text, 64.0)


def test_a_count_by_uneven_steps_is_no_signal(folder):
  text = lines(np.arange(640) * 5 // 2, X_T, head="sample,level")
  assert len(folder.read(text, 64.0).channels) == 1


@pytest.mark.parametrize("rate_hz", [None, 64.0])
@pytest.mark.parametrize("name", ["0", "x", "a"])
def test_a_ramp_of_two_columns_is_the_time(folder, name, rate_hz):
  time_s, _ = signal()
  read = folder.read(lines(X_T, time_s, head=f"level,{name}"), rate_hz)
  assert [channel[:4] for channel in read.channels] == [("level", "", 64.0, 640)]
  assert "in seconds" in " ".join(read.notes)


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_numbers_as_names(folder, columns):
  time_s, _ = signal()
  head = ",".join(map(str, range(columns + 1)))
  read = folder.read(lines(time_s, *[X_T] * columns, head=head))
  assert [channel[1:4] for channel in read.channels] == [("", 64.0, 640)] * columns
  np.testing.assert_array_equal(read.channels[-1].load(), X_T)


@pytest.mark.parametrize("cell", ["", "nan", "inf", "-inf"])
def test_a_count_with_a_missing_one(folder, cell):
  counts = [cell if i in (5, 100) else i for i in range(640)]
  for rate_hz in (None, 64.0):
    read = folder.read(lines(counts, X_T, head="sample,level"), rate_hz)
    assert [channel[1:4] for channel in read.channels] == [("", None, 640)]
