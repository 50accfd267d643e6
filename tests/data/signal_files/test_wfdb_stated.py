"""A WFDB header's first numbers, checksums and lengths against the samples in its data files."""
import pathlib

import numpy as np
import pytest
import wfdb
from fake_bidmc import says
from fake_wfdb import PHYSICAL, STORED, packed, write

from jaxsig.data.signal_files.wfdb_files import read_wfdb_channels

OTHER = np.random.default_rng(1).integers(-60, 60, (100, 2))
PLAIN = "{file} {form} 50(3)/NU 16 0 0 0 0 {name}"


def line(stored_t: np.ndarray, form: str = "{form}", start: int | None = None) -> str:
  """The line of a signal that states its first number and its checksum."""
  if start is None:
    start = stored_t[0]
  checksum = int(stored_t.sum()) % 65536
  return f"{{file}} {form} 50(3)/NU 16 0 {start} {checksum} 0 {{name}}"


def stated(folder: pathlib.Path, **changes: object) -> pathlib.Path:
  """A record of two signals whose header states what its samples are."""
  return write(folder, **{"lines": [line(STORED[:, 0]), line(STORED[:, 1])], **changes})


def load(header: pathlib.Path, place: int = 0) -> np.ndarray:
  return read_wfdb_channels(header).channels[place].load()


@pytest.mark.parametrize("form", ["16", "24", "32", "61", "80", "160", "212", "310", "311"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_true_header_is_read(tmp_path, form, place):
  header = stated(tmp_path, form=form)
  assert read_wfdb_channels(header).notes == ()
  np.testing.assert_array_equal(load(header, place), PHYSICAL[:, place])


@pytest.mark.parametrize(
  "form", ["16", "24", "32", "80", "212", "508", "516", "524"]
)
@pytest.mark.parametrize("missing", [[], [0], [7, 50]])
def test_what_wfdb_writes_is_read(tmp_path, form, missing):
  x = PHYSICAL.copy()
  x[missing] = np.nan
  wfdb.wrsamp("w", 125, ["NU"] * 2, ["PLETH", "II"], p_signal=x, fmt=[form] * 2,
              adc_gain=[50.0] * 2, baseline=[3] * 2, write_dir=str(tmp_path))
  assert np.flatnonzero(np.isnan(load(tmp_path / "w.hea"))).tolist() == missing


@pytest.mark.parametrize("numbers", ["", "16", "16 0", "16 0 0", "16 0 0 0", "16 0 0 0 0"])
def test_a_header_without_these_numbers_is_read(tmp_path, numbers):
  lines = [f"{{file}} {{form}} 50(3)/NU {numbers}"] * 2
  np.testing.assert_array_equal(load(write(tmp_path, lines=lines)), PHYSICAL[:, 0])


def test_a_first_number_without_a_checksum_is_compared(tmp_path):
  """As in the headers of the Challenge of 2017."""
  right = f"{{file}} {{form}} 50(3)/NU 16 0 {STORED[0, 0]} 0 0 {{name}}"
  np.testing.assert_array_equal(load(stated(tmp_path, lines=[right, right])), PHYSICAL[:, 0])
  wrong = right.replace(f"16 0 {STORED[0, 0]}", "16 0 77")
  assert "not with 77" in says(load, stated(tmp_path, lines=[wrong, wrong]))


def test_numbers_of_a_record_with_skew_or_several_samples_in_a_frame(tmp_path):
  fast_t = STORED.ravel()[:100].reshape(20, 5)[:, :4].ravel()
  lines = [line(fast_t, "16x4:3"), PLAIN]
  header = write(tmp_path, first_line="r 2 25 20", lines=lines, stored=STORED.ravel()[:100])
  assert np.isfinite(load(header)[:68]).all()


WRONG = {   # what stands in the data file, what is changed in the header, words of the sentence
  "swapped": (packed(OTHER, "16"), {}, "PLETH starts with"),
  "one sample": (packed(np.concatenate([STORED[:50], STORED[:50]]), "16"), {}, "checksum"),
  "signals in another order": (packed(STORED[:, ::-1], "16"), {}, "PLETH starts with"),
  "bytes in another order": (STORED.astype(">i2").tobytes(), {}, "PLETH starts with"),
  "a byte too many": (b"\0" + packed(STORED, "16"), {}, "PLETH starts with"),
  "upside down": (packed(-STORED, "16"), {}, "PLETH starts with"),
  "late": (packed(np.roll(STORED, 1, axis=0), "16"), {}, "PLETH starts with"),
  "later values": (packed(np.append(STORED[:1], OTHER[1:], axis=0), "16"), {}, "checksum"),
  "1 of 2 signals": (
    packed(STORED, "16"), {"first_line": "r 1 125 200", "lines": [line(STORED[:, 0])]}, "checksum",
  ),
  "2 of 1": (
    packed(STORED[:, 0], "16"),
    {"first_line": "r 2 125 50", "lines": [line(STORED[:, 0]), line(STORED[:, 0])]},
    "checksum",
  ),
  "2 of 1 without a length": (
    packed(STORED[:, 0], "16"),
    {"first_line": "r 2 125", "lines": [line(STORED[:, 0]), line(STORED[:, 0])]},
    "checksum",
  ),
  "24 bits over 16": (
    packed(np.append(STORED, STORED, axis=0), "16"),
    {"lines": [line(STORED[:, 0], "24"), line(STORED[:, 1], "24")]},
    "PLETH starts with",
  ),
  "160 over 16": (
    packed(STORED, "16"),
    {"lines": [line(STORED[:, 0], "160"), line(STORED[:, 1], "160")]},
    "PLETH starts with",
  ),
  "differences over 16": (
    packed(STORED, "16"),
    {"lines": [line(STORED[:, 0], "8", 0), line(STORED[:, 1], "8", 0)]},
    "checksum",
  ),
}


@pytest.mark.parametrize("case", WRONG)
def test_samples_that_are_not_the_headers_are_refused(tmp_path, case):
  stored, changes, words = WRONG[case]
  header = stated(tmp_path, **changes)
  (tmp_path / "r.dat").write_bytes(stored)
  sentence = says(load, header)
  assert words in sentence and "r.dat does not hold the samples that r.hea describes" in sentence
  assert "put a record's own header and data file together" in sentence


def test_the_remedy_for_samples_that_were_changed_works(tmp_path):
  header = stated(tmp_path)
  (tmp_path / "r.dat").write_bytes(packed(OTHER, "16"))
  assert "put 0 for both" in says(load, header)
  write(tmp_path, lines=[PLAIN, PLAIN], stored=OTHER)
  np.testing.assert_array_equal(load(header), (OTHER[:, 0] - 3) / 50)


@pytest.mark.parametrize("frames", [48, 60, 90])
def test_samples_beyond_the_header_are_told(tmp_path, frames):
  left = STORED[:frames]
  lines = [line(left[:, 0]), line(left[:, 1])]
  found = read_wfdb_channels(write(tmp_path, first_line=f"r 2 125 {frames}", lines=lines))
  assert found.notes == (
    f"the data file r.dat goes on for {(100 - frames) / 125:g} s beyond what its header "
    "describes, left out",
  )
  np.testing.assert_array_equal(found.channels[0].load(), PHYSICAL[:frames, 0])


@pytest.mark.parametrize(("signals", "frames", "times"), [(1, 100, 2), (2, 50, 2), (2, 25, 4)])
def test_a_whole_multiple_is_refused_where_no_checksum_can_tell(tmp_path, signals, frames, times):
  header = write(tmp_path, first_line=f"r {signals} 125 {frames}", lines=[PLAIN] * signals)
  assert f"exactly {times} times the samples" in says(read_wfdb_channels, header)


def test_a_whole_multiple_with_a_checksum_is_told(tmp_path):
  lines = [line(STORED[:50, 0]), line(STORED[:50, 1])]
  found = read_wfdb_channels(write(tmp_path, first_line="r 2 125 50", lines=lines))
  assert "goes on for 0.4 s" in found.notes[0]
  np.testing.assert_array_equal(found.channels[0].load(), PHYSICAL[:50, 0])


@pytest.mark.parametrize("surplus", [1, 2, 4, 7])
def test_bytes_that_fill_a_file_are_no_samples(tmp_path, surplus):
  header = stated(tmp_path)
  data = tmp_path / "r.dat"
  data.write_bytes(data.read_bytes() + b"\0" * surplus)
  assert read_wfdb_channels(header).notes == ()


def test_a_segment_of_other_samples_is_refused(tmp_path):
  for name in ("a", "b"):
    stated(tmp_path, name=name, first_line="{name} 2 125 100")
  joined = tmp_path / "j.hea"
  joined.write_text("j/2 2 125 200\na 100\nb 100\n")
  assert len(load(joined)) == 200
  (tmp_path / "b.dat").write_bytes(packed(OTHER, "16"))
  assert "b.dat does not hold the samples that b.hea describes" in says(load, joined)
