"""WFDB records: every format, segments, odd headers, or one sentence that says what is wrong."""
import builtins
import os
import pathlib

import numpy as np
import pytest
import soundfile
import wfdb
from fake_bidmc import says
from fake_wfdb import (
  BASELINE,
  GAIN,
  LINE,
  PHYSICAL,
  STORED,
  content,
  cut,
  loaded,
  moved,
  names,
  packed,
  replaced,
  write,
)

from jaxsig.data.signal_files import wfdb_signals
from jaxsig.data.signal_files.wfdb_files import read_wfdb_channels
from jaxsig.errors import UserError


@pytest.mark.parametrize("form", ["8", "16", "24", "32", "61", "80", "160", "212", "310", "311"])
@pytest.mark.parametrize("length", [100, 99, 98])
def test_formats(tmp_path, form, length):
  header = write(tmp_path, first_line=f"r 2 125 {length}", stored=STORED[:length], form=form)
  found = read_wfdb_channels(header)
  np.testing.assert_array_equal(loaded(found), PHYSICAL[:length])
  assert [tuple(channel[:4]) for channel in found.channels] == [
    ("PLETH", "NU", 125.0, length),
    ("II", "NU", 125.0, length),
  ]
  assert found.notes == ()


@pytest.mark.parametrize("form", ["508", "516", "524", "212", "24"])
def test_formats_that_wfdb_writes(tmp_path, form):
  wfdb.wrsamp(
    "w", 125, ["NU"] * 2, ["PLETH", "II"], d_signal=STORED, fmt=[form] * 2,
    adc_gain=[GAIN] * 2, baseline=[BASELINE] * 2, write_dir=str(tmp_path),
  )
  found = read_wfdb_channels(tmp_path / "w.hea")
  np.testing.assert_array_equal(loaded(found), PHYSICAL)


@pytest.mark.parametrize("form", ["16", "212", "310", "8", "160"])
def test_long_records_are_read_in_blocks(tmp_path, monkeypatch, form):
  monkeypatch.setattr(wfdb_signals, "_BLOCK_SAMPLES", 14)
  header = write(tmp_path, form=form)
  np.testing.assert_array_equal(loaded(read_wfdb_channels(header)), PHYSICAL)


def test_only_what_is_asked_for_is_read(tmp_path, monkeypatch):
  asked = []
  real = wfdb.rdrecord

  def observed(*args: object, **kwargs: object) -> wfdb.Record:
    asked.append(kwargs["channels"])
    return real(*args, **kwargs)

  monkeypatch.setattr(wfdb, "rdrecord", observed)
  found = read_wfdb_channels(write(tmp_path))
  assert asked == []
  found.channels[1].load()
  assert asked == [[1]]


def test_a_missing_sample_is_nan(tmp_path):
  stored = STORED.copy()
  stored[7, 0] = -(2**15)
  x = loaded(read_wfdb_channels(write(tmp_path, stored=stored)))
  assert np.argwhere(np.isnan(x)).tolist() == [[7, 0]]


HEADERS = {   # first line, line of a signal, its name, and what must differ from PLETH at 125 Hz
  "counter": ("r 2 125/25(0) 100", LINE, "PLETH", 125.0),
  "counter 2": ("r 2 125/0.5(-3.5) 100 10:20:30", LINE, "PLETH", 125.0),
  "time": ("r 2 125 100 10:20:30.5 01/02/2020", LINE, "PLETH", 125.0),
  "a fraction": ("r 2 62.4725 100", LINE, "PLETH", 62.4725),
  "another name": ("other 2 125 100", LINE, "PLETH", 125.0),
  "no rate": ("r 2", LINE, "PLETH", None),
  "rate 0": ("r 2 0 100", LINE, "PLETH", None),
  "no length": ("r 2 125", LINE, "PLETH", 125.0),
  "tabs": ("r\t2  125\t100", LINE.replace(" ", "\t"), "PLETH", 125.0),
  "comma": ("r 2 125 100", LINE, "PLETH,", 125.0),
  "blanks in the name": ("r 2 125 100", LINE, "PPG  finger 2", 125.0),
  "no name": ("r 2 125 100", "{file} {form} 50(3)/NU 16 0 0 0 0", "", 125.0),
  "few fields": ("r 2 125 100", "{file} {form} 50(3)/NU", "", 125.0),
  "name after few fields": ("r 2 125 100", "{file} {form} 50(3)/NU {name}", "PLETH", 125.0),
  "zero for a baseline": ("r 2 125 100", "{file} {form} 50/NU 16 3 0 0 0 {name}", "PLETH", 125.0),
  "exponent": ("r 2 125 100", "{file} {form} 5e1(3)/NU 16 0 0 0 0 {name}", "PLETH", 125.0),
}


@pytest.mark.parametrize("case", HEADERS)
def test_headers(tmp_path, case):
  first_line, line, name, rate_hz = HEADERS[case]
  header = write(tmp_path, first_line=first_line, lines=[line, line], names=[name, "II"])
  found = read_wfdb_channels(header)
  assert found.channels[0].name == name
  assert found.channels[0].rate_hz == rate_hz
  assert found.notes == ()
  np.testing.assert_array_equal(loaded(found), PHYSICAL)


@pytest.mark.parametrize(
  "change",
  [
    lambda text: text.replace("\n", "\r\n").encode(),
    lambda text: text.replace("\n", "\r").encode(),
    lambda text: b"\xef\xbb\xbf" + text.encode(),
    lambda text: ("# made by\n\n" + text + "# end\n#more").encode(),
    lambda text: text.replace("PLETH", "PLETH \u00b5").encode("latin-1"),
    lambda text: text.replace("/NU", "/\u00b0C").encode("latin-1"),
    lambda text: text.replace("PLETH", "PLETH \u00b5").encode(),
    lambda text: text.rstrip("\n").encode(),
  ],
  ids=["crlf", "cr", "bom", "comments", "latin 1", "unit", "utf-8", "no last line end"],
)
def test_texts_of_headers(tmp_path, change):
  header = write(tmp_path)
  header.write_bytes(change(header.read_text()))
  found = read_wfdb_channels(header)
  assert found.channels[0].name in ("PLETH", "PLETH \u00b5")
  np.testing.assert_array_equal(loaded(found), PHYSICAL)


def test_two_signals_of_one_name_both_stay(tmp_path):
  found = read_wfdb_channels(write(tmp_path, names=["PLETH", "PLETH"]))
  assert names(found) == ["PLETH", "PLETH"]
  np.testing.assert_array_equal(loaded(found), PHYSICAL)


@pytest.mark.parametrize("gain", ["", "0", "0/NU", "0(0)/NU"])
def test_an_unknown_gain_is_told(tmp_path, gain):
  line = "{file} {form} " + gain
  found = read_wfdb_channels(write(tmp_path, lines=[line, LINE]))
  (note,) = found.notes
  assert "units unknown" in note and "200" in note
  np.testing.assert_array_equal(found.channels[0].load(), STORED[:, 0] / 200)


def framed(folder: pathlib.Path, first: str, **changes: object) -> pathlib.Path:
  """20 frames of 4 + 1 samples."""
  lines = ["{file} " + first + " 50(3)/NU 16 0 0 0 0 {name}", LINE]
  stored = STORED.ravel()[:100]
  return write(folder, first_line="r 2 25 20", lines=lines, stored=stored, **changes)


def test_several_samples_in_a_frame(tmp_path):
  fast, slow = read_wfdb_channels(framed(tmp_path, "16x4")).channels
  assert (fast.rate_hz, fast.samples) == (100.0, 80)
  assert (slow.rate_hz, slow.samples) == (25.0, 20)
  frames = PHYSICAL.ravel()[:100].reshape(20, 5)
  np.testing.assert_array_equal(fast.load(), frames[:, :4].ravel())
  np.testing.assert_array_equal(slow.load(), frames[:, 4])

  (note,) = read_wfdb_channels(framed(tmp_path, "16x4")).notes
  assert "PLETH has 4 (100 Hz)" in note


@pytest.mark.parametrize("skew", [1, 3, 19, 20, 500])
def test_skew_is_removed(tmp_path, skew):
  found = read_wfdb_channels(framed(tmp_path, f"16x4:{skew}"))
  expected = np.full(80, np.nan)
  kept = max(80 - 4 * skew, 0)
  expected[:kept] = PHYSICAL.ravel()[:100].reshape(20, 5)[:, :4].ravel()[80 - kept:]
  np.testing.assert_array_equal(found.channels[0].load(), expected)
  assert f"PLETH by {skew}" in found.notes[0]


@pytest.mark.parametrize("first_line", ["r 2 125 100", "r 2 125"])
def test_an_offset_is_skipped(tmp_path, first_line):
  header = write(tmp_path, first_line=first_line, lines=[LINE.replace("{form}", "16+24")] * 2)
  data = tmp_path / "r.dat"
  data.write_bytes(b"x" * 24 + data.read_bytes())
  np.testing.assert_array_equal(loaded(read_wfdb_channels(header)), PHYSICAL)


def test_signals_in_files_of_their_own(tmp_path):
  header = write(tmp_path, lines=[LINE, "r2.dat 212 50(3)/NU 16 0 0 0 0 II"], stored=STORED[:, 0])
  (tmp_path / "r2.dat").write_bytes(packed(STORED[:, 1], "212"))
  np.testing.assert_array_equal(loaded(read_wfdb_channels(header)), PHYSICAL)


def test_files_of_other_lengths_and_a_header_without_one(tmp_path):
  lines = [LINE, "r2.dat 16 50(3)/NU 16 0 0 0 0 II"]
  header = write(tmp_path, first_line="r 2 125", lines=lines, stored=STORED[:, 0])
  (tmp_path / "r2.dat").write_bytes(packed(STORED[:50, 1], "16"))
  assert "r2.dat has 50 frames, r.dat 100" in says(read_wfdb_channels, header)


@pytest.mark.parametrize("name", ["r.hea", "r.dat", "r"])
def test_any_file_of_a_record_finds_its_header(tmp_path, name):
  write(tmp_path)
  np.testing.assert_array_equal(loaded(read_wfdb_channels(tmp_path / name)), PHYSICAL)


@pytest.mark.parametrize("form", ["508", "516", "524"])
def test_flac_files_of_several_rates(tmp_path, form):
  """As in MIMIC-IV: a file for each rate."""
  subtype = {"508": "PCM_S8", "516": "PCM_16", "524": "PCM_24"}[form]
  shift = {"508": 8, "516": 0, "524": 8}[form]
  width = {"508": np.int16, "516": np.int16, "524": np.int32}[form]
  fast, slow = STORED.ravel()[:80], STORED[:20]
  for name, stored in (("fast.dat", fast), ("slow.dat", slow)):
    shifted = (stored << shift).astype(width)
    soundfile.write(tmp_path / name, shifted, 96000, subtype, format="FLAC")
  slow_line = "slow.dat {form} 50(3)/NU"
  lines = ["fast.dat {form}x4 50(3)/NU 0 0 0 0 0 {name}", slow_line, slow_line]
  header = write(tmp_path, first_line="r 3 25 20", lines=lines, form=form, stored=STORED)
  found = read_wfdb_channels(header).channels
  assert [channel.rate_hz for channel in found] == [100, 25, 25]
  np.testing.assert_array_equal(found[0].load(), (fast - 3) / 50)
  np.testing.assert_array_equal(found[2].load(), (slow[:, 1] - 3) / 50)


def test_a_mat_file_finds_its_header(tmp_path):
  header = write(tmp_path)
  (tmp_path / "r.dat").rename(tmp_path / "r.mat")
  header.write_text(header.read_text().replace(".dat", ".mat"))
  np.testing.assert_array_equal(loaded(read_wfdb_channels(tmp_path / "r.mat")), PHYSICAL)


BROKEN = {
  "no header": (moved("r.hea"), ["r.hea", "missing"]),
  "empty": (content(b""), ["r.hea", "it is empty", "export it again"]),
  "comments": (content(b"# nothing\n"), ["it is empty"]),
  "binary": (content(bytes(range(256)) * 99), ["r.hea", "cannot be read"]),
  "text": (content(b"Dear all, here it is\nbye\n"), ["cannot be read"]),
  "one word": (content(b"r\n"), ["no number of signals"]),
  "no signals": (content(b"r 0 125 100\n"), ["no signals"]),
  "a line lost": (replaced("r 2", "r 3"), ["announces 3 lines and has 2"]),
  "a line too many": (replaced("r 2", "r 1"), ["announces 1 lines and has 2"]),
  "no rate": (replaced("125", "fast"), ["fast", "cannot be read"]),
  "rate nan": (replaced("125", "nan"), ["no sampling rate"]),
  "rate -1": (replaced("125", "-1"), ["no sampling rate"]),
  "rate inf": (replaced("125", "1e999"), ["no sampling rate"]),
  "length -1": (replaced("125 100", "125 -100"), ["no number of samples"]),
  "format": (replaced("dat 16", "dat 17"), ["r.dat", "format 17, which wfdb does not read"]),
  "format text": (replaced("dat 16", "dat abc"), ["no format of a signal"]),
  "two formats": (replaced("dat 16", "dat 212x") , ["no format"]),
  "no data": (moved("r.dat"), ["r.dat", "missing beside", "export it again"]),
  "truncated": (cut("r.dat", 399), ["r.dat is truncated, 399 bytes of the 400"]),
  "rate 12_5": (replaced("125", "12_5"), ["no sampling rate"]),
  "gain with a comma": (replaced("50(3)", "50,5(3)"), ["no gain"]),
  "gain without an end": (replaced("50(3)", "1e999(3)"), ["no gain"]),
  "baseline after the unit": (replaced("50(3)/NU", "50/NU(3)"), ["no gain"]),
  "a name of 3000 letters": (replaced("r.dat", "r" * 3000), ["no name of a file"]),
  "a name of nothing": (replaced("r.dat", "r\0.dat"), ["no name of a file"]),
  "no samples": (cut("r.dat", 0), ["r.dat is truncated, 0 bytes"]),
  "a longer header": (replaced("125 100", "125 99999999999"), ["truncated", "399999999996"]),
  "an offset beyond": (replaced("dat 16", "dat 16+300"), ["truncated"]),
  "absolute": (replaced("r.dat", "/etc/passwd"), ["/etc/passwd", "not followed"]),
  "dots": (replaced("r.dat", "../r.dat"), ["../r.dat", "not followed", "one folder"]),
  "backslash": (replaced("r.dat", "..\\r.dat"), ["not followed"]),
  "url": (replaced("r.dat", "https://x.org/r.dat"), ["not followed"]),
  "only a layout": (replaced("r.dat", "~"), ["layout of a longer record"]),
  "flac of another kind": (replaced("dat 16", "dat 516"), ["r.dat", "cannot be read as FLAC"]),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_record_is_one_sentence(tmp_path, case):
  damage, words = BROKEN[case]
  header = write(tmp_path)
  damage(tmp_path)
  sentence = says(read_wfdb_channels, header)
  assert len(sentence) < 600
  for word in words:
    assert word in sentence


@pytest.mark.parametrize("name", ["", "x", "x.hea", "x.dat", "deep/x.hea"])
def test_what_is_no_record(tmp_path, name):
  sentence = says(read_wfdb_channels, tmp_path / name)
  assert "name the header (.hea)" in sentence


def test_a_folder_named_like_a_header(tmp_path):
  (tmp_path / "x.hea").mkdir()
  assert "is no file" in says(read_wfdb_channels, tmp_path / "x.hea")


def test_a_header_that_may_not_be_read(tmp_path, monkeypatch):
  def refuse(*args: object, **kwargs: object) -> None:
    raise PermissionError(13, "Permission denied")

  header = write(tmp_path)
  monkeypatch.setattr(pathlib.Path, "open", refuse)
  assert "cannot be opened (Permission denied)" in says(read_wfdb_channels, header)


def test_flac_without_soundfile(tmp_path, monkeypatch):
  real = builtins.__import__

  def without(name: str, *args: object) -> object:
    if name == "soundfile":
      raise OSError("sndfile library not found")
    return real(name, *args)

  header = write(tmp_path)
  replaced("dat 16", "dat 516")(tmp_path)
  monkeypatch.setattr(builtins, "__import__", without)
  assert "pip install soundfile" in says(read_wfdb_channels, header)


@pytest.mark.parametrize("left", [10, 50, 90, 100])
def test_a_truncated_flac_file(tmp_path, left):
  wfdb.wrsamp("w", 125, ["NU"], ["PLETH"], d_signal=STORED[:, :1], fmt=["516"], adc_gain=[GAIN],
              baseline=[BASELINE], write_dir=str(tmp_path))
  data = tmp_path / "w.dat"
  data.write_bytes(data.read_bytes()[:left])
  with pytest.raises(UserError, match="w"):
    read_wfdb_channels(tmp_path / "w.hea").channels[0].load()


@pytest.mark.parametrize(
  ("old", "new"),
  [
    ("r.dat", "r.0.dat"),
    ("r.dat", "r\u00e4.dat"),
    ("r.dat", "(1)+r"),
    ("50/NU", "50/l*min"),
    ("50/NU", "5E1/a.u."),
    ("50/NU", "+50.0/\u00b5V"),
    ("125 100", "125 100 99:99:99"),
    ("125 100", "125 100 10:20:30 2020-01-02"),
    ("125 100", "125 100 01/02/2020"),
    ("125 100", "1.25e2 100"),
    ("125 100", "125 0"),
    ("PLETH", "PL\x0bETH"),
    ("r 2", "r.0 2"),
    ("r 2", "r\u00a02"),
  ],
)
def test_what_wfdb_does_not_read_of_a_header(tmp_path, old, new):
  header = write(tmp_path, lines=["{file} {form} 50/NU 16 3 0 0 0 {name}"] * 2)
  text = header.read_text()
  assert old in text
  header.write_text(text.replace(old, new), encoding="utf-8")
  if old == "r.dat":
    (tmp_path / old).rename(tmp_path / new)
  found = read_wfdb_channels(header)
  np.testing.assert_array_equal(loaded(found), PHYSICAL)
  assert found.channels[0].rate_hz == 125


@pytest.mark.parametrize("folder", ["a::b", "a[1]", "a*b", "\u00e4", "zip::x", "a b", "~"])
def test_names_of_folders(tmp_path, folder):
  (tmp_path / folder).mkdir()
  np.testing.assert_array_equal(loaded(read_wfdb_channels(write(tmp_path / folder))), PHYSICAL)


def test_what_is_not_in_the_file_is_bounded(tmp_path):
  lines = ["~ 16x99999999 50(3)/NU 16 0 0 0 0 {name}", LINE]
  header = write(tmp_path, lines=lines, stored=STORED[:, 0])
  assert "9999999900 samples of a signal" in says(read_wfdb_channels, header)


def test_where_links_are_not_allowed(tmp_path, monkeypatch):
  def refuse(*args: object) -> None:
    raise OSError("not allowed")

  monkeypatch.setattr(os, "symlink", refuse)
  np.testing.assert_array_equal(loaded(read_wfdb_channels(write(tmp_path))), PHYSICAL)


def test_differences_count_from_the_first_value(tmp_path):
  line = "{file} {form} 50(3)/NU 8 0 7 0 0 {name}"
  found = read_wfdb_channels(write(tmp_path, lines=[line] * 2, form="8"))
  np.testing.assert_array_equal(loaded(found), (STORED + 7 - 3) / 50)


def test_a_record_that_is_gone_when_it_is_loaded(tmp_path):
  found = read_wfdb_channels(write(tmp_path))
  (tmp_path / "r.dat").unlink()
  assert "r.dat cannot be read (No such file" in says(found.channels[0].load)


def test_a_path_that_is_too_long(tmp_path):
  for name in ("x" * 5000, "x" * 5000 + ".hea"):
    assert "cannot be opened (File name too long)" in says(read_wfdb_channels, tmp_path / name)


def test_random_damage_is_never_a_traceback(tmp_path):
  random = np.random.default_rng(1)
  good = write(tmp_path).read_bytes()
  refused = 0
  for _ in range(150):
    changed = bytearray(good)
    for place in random.integers(0, len(good), random.integers(1, 4)):
      changed[place] = random.choice(list(b" 019+-/(x~.\n\tA\xff\x00"))
    (tmp_path / "r.hea").write_bytes(changed)
    try:
      for channel in read_wfdb_channels(tmp_path / "r.hea").channels:
        assert channel.load().shape == (channel.samples,)
    except UserError:
      refused += 1
  assert 10 < refused < 140
