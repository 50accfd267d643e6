"""WFDB records of many segments, or one sentence that says what is wrong."""
import pathlib
from collections.abc import Sequence

import numpy as np
import pytest
import wfdb
from fake_bidmc import says
from fake_wfdb import (
  LINE,
  PHYSICAL,
  STORED,
  content,
  cut,
  loaded,
  moved,
  names,
  replaced,
  write,
)

from jaxsig.data.signal_files.wfdb_files import read_wfdb_channels


def layout(folder: pathlib.Path, names: Sequence[str] = ("PLETH", "II")) -> None:
  lines = [f"~ 0 50(3)/NU 16 0 0 0 0 {name}\n" for name in names]
  (folder / "layout.hea").write_text(f"layout {len(names)} 125 0\n" + "".join(lines))


def joined(folder: pathlib.Path, *segments: str, frames: int = 250) -> pathlib.Path:
  header = folder / "all.hea"
  first_line = f"all/{len(segments)} 2 125 {frames}\n"
  header.write_text(first_line + "".join(f"{segment}\n" for segment in segments))
  return header


def part(folder: pathlib.Path, name: str, first: int, past: int, **changes: object) -> pathlib.Path:
  """A record of some of the samples."""
  stored = STORED[first:past]
  line = f"{name} 2 125 {past - first}"
  return write(folder, **{"name": name, "first_line": line, "stored": stored, **changes})


@pytest.fixture
def parts(tmp_path) -> pathlib.Path:
  """A folder of two segments of 60 and 40 samples, and a layout."""
  layout(tmp_path)
  part(tmp_path, "a", 0, 60)
  part(tmp_path, "b", 60, 100)
  return tmp_path


def test_a_fixed_layout(parts):
  found = read_wfdb_channels(joined(parts, "a 60", "b 40", frames=100))
  np.testing.assert_array_equal(loaded(found), PHYSICAL)
  assert found.notes == ("put together from 2 segments",)
  assert [tuple(channel[:4]) for channel in found.channels] == [
    ("PLETH", "NU", 125.0, 100),
    ("II", "NU", 125.0, 100),
  ]


@pytest.mark.parametrize(
  "segments", [["layout 0", "a 60", "~ 150", "b 40"], ["a 60", "~ 150", "b 40"]]
)
def test_a_missing_segment_is_nan(parts, segments):
  found = read_wfdb_channels(joined(parts, *segments))
  gap = np.full((150, 2), np.nan)
  np.testing.assert_array_equal(loaded(found), np.concatenate([PHYSICAL[:60], gap, PHYSICAL[60:]]))
  assert "1.2 s of 2 s are missing: segments 2 of 3" in found.notes[1]


def test_a_signal_that_a_segment_does_not_have_is_nan(parts):
  part(
    parts, "b", 60, 100, first_line="b 1 125 40", lines=[LINE], names=["II"], stored=STORED[60:, 1]
  )
  found = read_wfdb_channels(joined(parts, "layout 0", "a 60", "b 40", frames=100))
  expected = PHYSICAL.copy()
  expected[60:, 0] = np.nan
  np.testing.assert_array_equal(loaded(found), expected)
  assert "PLETH for 0.32 s" in found.notes[1]


def test_segments_in_another_order_with_another_gain_and_format(parts):
  line = "{file} {form} 25(1)/NU 16 0 0 0 0 {name}"
  swapped = STORED[60:, ::-1]
  part(parts, "b", 60, 100, lines=[line] * 2, names=["II,", "PLETH,"], stored=swapped, form="212")
  found = read_wfdb_channels(joined(parts, "layout 0", "a 60", "b 40", frames=100))
  expected = PHYSICAL.copy()
  expected[60:] = (STORED[60:] - 1) / 25
  np.testing.assert_array_equal(loaded(found), expected)


def test_two_signals_of_one_name_in_segments(parts):
  layout(parts, ["PLETH", "PLETH"])
  for name, first, past in (("a", 0, 60), ("b", 60, 100)):
    part(parts, name, first, past, names=["PLETH", "PLETH"])
  found = read_wfdb_channels(joined(parts, "layout 0", "a 60", "b 40", frames=100))
  assert names(found) == ["PLETH", "PLETH"]
  np.testing.assert_array_equal(loaded(found), PHYSICAL)


def test_several_samples_in_the_frames_of_segments(parts):
  line = "{file} 16x2 50(3)/NU 16 0 0 0 0 {name}"
  for name, first, past in (("a", 0, 60), ("b", 60, 100)):
    first_line = f"{name} 1 125 {past - first}"
    part(parts, name, first, past, lines=[line], first_line=first_line)
  found = read_wfdb_channels(joined(parts, "a 60", "~ 10", "b 40", frames=110))
  (channel,) = found.channels
  assert channel.rate_hz == 250
  gap = np.full(20, np.nan)
  expected = np.concatenate([PHYSICAL[:60].ravel(), gap, PHYSICAL[60:].ravel()])
  np.testing.assert_array_equal(channel.load(), expected)


def test_a_record_takes_the_rate_of_its_segments(parts):
  header = joined(parts, "a 60", "b 40")
  header.write_text(header.read_text().replace(" 125 250", ""))
  assert read_wfdb_channels(header).channels[0].rate_hz == 125


def test_a_segment_longer_than_its_place_is_cut(parts):
  found = read_wfdb_channels(joined(parts, "a 50", "b 40", frames=90))
  np.testing.assert_array_equal(loaded(found), np.delete(PHYSICAL, range(50, 60), axis=0))


def test_another_length_than_the_record_promises_is_told(parts):
  found = read_wfdb_channels(joined(parts, "a 60", "b 40", frames=900))
  assert "promises 900 frames, its segments have 100" in found.notes[1]


def test_a_signal_that_the_layout_does_not_list_is_told(parts):
  layout(parts, ["PLETH"])
  found = read_wfdb_channels(joined(parts, "layout 0", "a 60", "b 40", frames=100))
  assert names(found) == ["PLETH"]
  assert "does not list, left out: II" in found.notes[1]


def test_wfdb_reads_the_same(parts):
  header = joined(parts, "layout 0", "a 60", "~ 150", "b 40")
  record = wfdb.rdrecord(str(header.with_suffix("")))
  np.testing.assert_array_equal(loaded(read_wfdb_channels(header)), record.p_signal)


def part_of_segments(folder: pathlib.Path) -> None:
  (folder / "b.hea").write_text("b/1 2 125 40\na 40\n")


def other_unit(folder: pathlib.Path) -> None:
  replaced("/NU", "/mV", "b.hea")(folder)


SEGMENTS = {
  "missing": (moved("b.hea"), ["b.hea is missing, a segment of all.hea", "export it again"]),
  "no data": (moved("b.dat"), ["b.dat is missing beside"]),
  "truncated": (cut("b.dat", 100), ["b.dat is truncated, 100 bytes of the 160"]),
  "shorter": (replaced("125 40", "125 30", "b.hea"), ["b.hea is truncated, 30 frames of the 40"]),
  "no layout": (moved("layout.hea"), ["layout.hea is missing"]),
  "rate": (replaced("125", "250", "b.hea"), ["b.hea", "250 Hz", "one by one"]),
  "segments": (part_of_segments, ["segments of its own"]),
  "unit": (other_unit, ["another unit", "one by one"]),
  "frames": (replaced("dat 16", "dat 16x2", "b.hea"), ["b.dat", "truncated"]),
  "path": (replaced("b 40", "../b 40", "all.hea"), ["not followed"]),
  "a line lost": (cut("all.hea", 30), ["announces"]),
  "no length": (replaced("b 40", "b", "all.hea"), ["no number of samples"]),
  "a gap of years": (replaced("~ 150", "~ 15000000000", "all.hea"), ["with its gaps"]),
  "nothing but gaps": (content(b"all/1 2 125 9\n~ 9\n", "all.hea"), ["no segment with samples"]),
  "itself": (content(b"all/1 2 125 9\nall 9\n", "all.hea"), ["segments of its own"]),
}


@pytest.mark.parametrize("case", SEGMENTS)
def test_broken_segments_are_one_sentence(parts, case):
  damage, words = SEGMENTS[case]
  header = joined(parts, "layout 0", "a 60", "~ 150", "b 40")
  damage(parts)
  sentence = says(read_wfdb_channels, header)
  for word in words:
    assert word in sentence


def test_a_fixed_layout_of_other_signals(parts):
  part(parts, "b", 60, 100, names=["II", "PLETH"])
  sentence = says(read_wfdb_channels, joined(parts, "a 60", "b 40"))
  assert "b.hea has other signals than a.hea" in sentence


def test_signals_without_a_name_are_counted_in_their_segment(parts):
  for name, first, past in (("a", 0, 60), ("b", 60, 100)):
    part(parts, name, first, past, lines=["{file} {form}"] * 2)
  found = read_wfdb_channels(joined(parts, "a 60", "b 40", frames=100))
  assert found.notes[-1].endswith(": signal 1, signal 2")
