"""EDF and BDF files: signals as they were written, or one sentence that says what is wrong."""
import pathlib
import re

import edfio
import numpy as np
import pytest
from fake_bidmc import says
from fake_edf import PHYSICAL, SLOW, STORED, edf_bytes, fast, marks, slow, write

from jaxsig.data.signal_files import edf_blocks
from jaxsig.data.signal_files.channels import Channels
from jaxsig.data.signal_files.edf_files import read_edf_channels
from jaxsig.errors import UserError

WRITERS = {
  "edf": (edfio.Edf, edfio.EdfSignal),
  "bdf": (edfio.Bdf, edfio.BdfSignal),
}


def loaded(found: Channels) -> list[np.ndarray]:
  """All channels, checked against what they promise."""
  columns = []
  for channel in found.channels:
    x_t = channel.load()
    assert x_t.dtype == np.float64 and x_t.shape == (channel.samples,)
    columns.append(x_t)
  return columns


def heads(found: Channels) -> list[tuple]:
  return [tuple(channel[:4]) for channel in found.channels]


@pytest.mark.parametrize("annotations", [None, [edfio.EdfAnnotation(1.5, None, "a note")]])
@pytest.mark.parametrize("kind", WRITERS)
def test_what_edfio_writes(tmp_path, monkeypatch, kind, annotations):
  monkeypatch.setattr(edf_blocks, "_BLOCK_BYTES", 300)
  file, signal = WRITERS[kind]
  random = np.random.default_rng(0)
  signals = [
    signal(random.normal(size=640), 64, label="PPG", physical_dimension="mV"),
    signal(random.normal(size=40), 4, label="PPG", physical_range=(-9, 9)),
  ]
  path = tmp_path / f"a.{kind}"
  file(signals, annotations=annotations).write(path)

  found = read_edf_channels(path)
  assert heads(found) == [("PPG", "mV", 64.0, 640), ("PPG", "", 4.0, 40)]
  assert found.notes == ()
  for x_t, written in zip(loaded(found), signals, strict=True):
    np.testing.assert_array_equal(x_t, written.data)


@pytest.mark.parametrize("kind", ["EDF", "BDF"])
def test_what_is_written_by_hand(tmp_path, kind):
  found = read_edf_channels(write(tmp_path, fast(), slow(), kind=kind))
  assert heads(found) == [("PPG", "mV", 40.0, 400), ("Resp", "mV", 2.0, 20)]
  np.testing.assert_allclose(loaded(found)[0], PHYSICAL, atol=1e-12)


def test_bdf_has_24_bits(tmp_path):
  stored = (STORED.astype(np.int64) * 9000).reshape(10, 40)
  low, high = -8388608, 8388607
  fields = {"stored_low": low, "stored_high": high, "low": low, "high": high}
  (x_t,) = loaded(read_edf_channels(write(tmp_path, (fields, stored), kind="BDF")))
  np.testing.assert_array_equal(x_t, stored.ravel())


@pytest.mark.parametrize("annotations_first", [True, False])
@pytest.mark.parametrize("kind", ["EDF", "BDF"])
def test_gaps_of_an_interrupted_recording_are_nan(tmp_path, kind, annotations_first):
  onsets_s = [5, 6, 7, 8, 18, 19, 20, 21, 22.5, "23.50"]
  signals = [fast(), slow(), marks(onsets_s, kind)]
  if annotations_first:
    signals = signals[-1:] + signals[:-1]
  path = write(tmp_path, *signals, kind=kind, reserved=f"{kind}+D")

  found = read_edf_channels(path)
  assert heads(found) == [("PPG", "mV", 40.0, 780), ("Resp", "mV", 2.0, 39)]
  assert found.notes == ("interrupted: 9.5 s between its data records are missing",)
  fast_t, slow_t = loaded(found)
  expected = [PHYSICAL[:160], np.full(360, np.nan), PHYSICAL[160:320], np.full(20, np.nan)]
  np.testing.assert_allclose(fast_t, np.concatenate([*expected, PHYSICAL[320:]]), atol=1e-12)
  assert np.flatnonzero(np.isnan(slow_t)).tolist() == [*range(8, 26), 34]


def test_onsets_that_are_a_little_off_leave_no_gap(tmp_path):
  onsets_s = [f"{i + 0.004 * (i % 2):.3f}" for i in range(10)]
  path = write(tmp_path, fast(), marks(onsets_s), reserved="EDF+D")
  (x_t,) = loaded(read_edf_channels(path))
  np.testing.assert_allclose(x_t, PHYSICAL, atol=1e-12)


def test_annotations_are_left_out(tmp_path):
  signals = [marks(range(10)), fast(), marks(range(10)), slow()]
  found = read_edf_channels(write(tmp_path, *signals, reserved="EDF+C"))
  assert [channel.name for channel in found.channels] == ["PPG", "Resp"]
  np.testing.assert_allclose(loaded(found)[0], PHYSICAL, atol=1e-12)


HEADERS = {   # fields of the signal, of the file, and what becomes of (name, unit, rate)
  "half a second": ({}, {"record_s": 0.5}, ("PPG", "mV", 80.0)),
  "a third": ({}, {"record_s": "0.333333"}, ("PPG", "mV", 40 / 0.333333)),
  "a comma": ({}, {"record_s": "0,5"}, ("PPG", "mV", 80.0)),
  "commas": ({"low": "-4,0", "high": "4,0"}, {}, ("PPG", "mV", 40.0)),
  "an exponent": ({"low": "-4e0", "high": "0.4E1"}, {}, ("PPG", "mV", 40.0)),
  "points in whole numbers": ({"stored_low": "-1000.0"}, {}, ("PPG", "mV", 40.0)),
  "zeros for blanks": ({"high": b"4\x00\x00", "samples": b"40\x00"}, {}, ("PPG", "mV", 40.0)),
  "latin 1": ({"label": "\u00b5 PPG".encode("latin-1")}, {}, ("\u00b5 PPG", "mV", 40.0)),
  "utf-8": ({"unit": "\u00b5V".encode()}, {}, ("PPG", "\u00b5V", 40.0)),
  "no label": ({"label": ""}, {}, ("", "mV", 40.0)),
  "a blank first": ({"label": " PPG"}, {}, ("PPG", "mV", 40.0)),
  "no length of a data record": ({}, {"record_s": 0}, ("PPG", "mV", None)),
}


@pytest.mark.parametrize("case", HEADERS)
def test_headers(tmp_path, case):
  fields, changes, expected = HEADERS[case]
  found = read_edf_channels(write(tmp_path, slow(), fast(**fields), **changes))
  channel = found.channels[1]
  assert tuple(channel[:3]) == pytest.approx(expected)
  np.testing.assert_allclose(channel.load(), PHYSICAL, atol=1e-12)
  assert found.notes == ()


def test_a_range_upside_down_is_as_the_file_says(tmp_path):
  (x_t,) = loaded(read_edf_channels(write(tmp_path, fast(low=4, high=-4))))
  np.testing.assert_allclose(x_t, -PHYSICAL, atol=1e-12)


@pytest.mark.parametrize(
  "fields",
  [
    {"low": 4},
    {"low": "", "high": ""},
    {"low": "nan"},
    {"low": "-4_0"},
    {"low": "-\u0664"},
    {"high": "inf"},
    {"high": "1e999"},
    {"stored_low": 1000},
    {"stored_low": "x"},
    {"stored_high": "1000.5"},
    {"stored_high": "1e30"},
  ],
)
def test_an_unknown_unit_is_told(tmp_path, fields):
  found = read_edf_channels(write(tmp_path, fast(**fields), slow()))
  assert found.notes == ("physical units unknown, stored numbers are taken: PPG",)
  assert [channel.unit for channel in found.channels] == ["", "mV"]
  np.testing.assert_array_equal(loaded(found)[0], STORED)


@pytest.mark.parametrize(
  ("records", "left", "kept", "words"),
  [
    (-1, 0, 10, "all 10 data records"),
    (0, 0, 10, "all 10 data records"),
    ("inf", 0, 10, "all 10 data records"),
    ("", 0, 10, "all 10 data records"),
    (-1, 30, 9, "all 9 data records"),
    (12, 0, 10, "10 of the 12 data records that its header promises, 2 s are missing"),
    (10, 1, 9, "9 of the 10 data records"),
    (10, 800 - 80, 1, "1 of the 10 data records"),
    (7, 0, 7, "3 data records beyond the 7"),
    (10, -7, 10, None),
  ],
)
def test_another_length_than_the_header_says(tmp_path, records, left, kept, words):
  path = write(tmp_path, fast(), records=records)
  content = path.read_bytes()
  path.write_bytes(content[:len(content) - left] + b"x" * max(-left, 0))
  found = read_edf_channels(path)
  np.testing.assert_allclose(loaded(found)[0], PHYSICAL[:40 * kept], atol=1e-12)
  if words is None:
    assert found.notes == ()
  else:
    assert words in found.notes[0]


ONE = edf_bytes(fast())
BROKEN = {
  "empty": (b"", ["it is empty", "export it again"]),
  "text": (b"time,ppg\n" * 99, ["does not start as EDF or BDF", "by what it is"]),
  "a picture": (b"\x89PNG\x00\xff\n\x00" * 99, ["does not start as EDF or BDF"]),
  "cut in the header": (ONE[:100], ["number of signals"]),
  "cut among signals": (ONE[:300], ["header of 1 signals is cut off"]),
  "a header only": (ONE[:512], ["no whole data record"]),
  "half a data record": (ONE[:512 + 70], ["no whole data record"]),
  "no signals": (edf_bytes(fast(), count="0"), ["no signals"]),
  "signals -1": (edf_bytes(fast(), count=-1), ["'-1' is no number of signals"]),
  "9999 signals": (edf_bytes(fast(), count=9999), ["header of 9999 signals is cut off"]),
  "a longer header": (edf_bytes(fast(), header_bytes=1024), ["512 bytes of 1 signals"]),
  "samples": (edf_bytes(fast(samples="many")), ["'many' is no number of samples"]),
  "samples -40": (edf_bytes(fast(samples=-40)), ["'-40' is no number of samples"]),
  "no samples": (edf_bytes(fast(samples=0)), ["no whole data record"]),
  "too many samples": (edf_bytes(fast(samples=99999999)), ["no whole data record"]),
  "data record -1 s": (edf_bytes(fast(), record_s=-1), ["no length of a data record"]),
  "data record nan": (edf_bytes(fast(), record_s="nan"), ["no length of a data record"]),
  "data record inf": (edf_bytes(fast(), record_s="inf"), ["no length of a data record"]),
  "data record text": (edf_bytes(fast(), record_s="short"), ["no length of a data record"]),
  "annotations": (edf_bytes(marks(range(10)), reserved="EDF+C"), ["annotations only"]),
  "no onsets": (edf_bytes(fast(), reserved="EDF+D"), ["does not say when its parts start"]),
  "onsets text": (
    edf_bytes(fast(), marks(["a"] * 10), reserved="EDF+D"),
    ["when its data record 1 starts"],
  ),
  "onsets backwards": (
    edf_bytes(fast(), marks(range(10, 0, -1)), reserved="EDF+D"),
    ["overlap in time, the first at -1 s"],
  ),
  "onsets that stand still": (
    edf_bytes(fast(), marks([0] * 10), reserved="EDF+D"),
    ["overlap in time"],
  ),
  "a gap of years": (
    edf_bytes(fast(), marks([*range(9), 10**9]), reserved="EDF+D"),
    ["11574.1 days", "cut it"],
  ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_one_sentence(tmp_path, case):
  content, words = BROKEN[case]
  path = tmp_path / "a.edf"
  path.write_bytes(content)
  sentence = says(read_edf_channels, path)
  assert "a.edf" in sentence and len(sentence) < 500
  for word in words:
    assert word in sentence


def test_what_is_no_file(tmp_path):
  assert "is a folder" in says(read_edf_channels, tmp_path)
  assert "does not exist" in says(read_edf_channels, tmp_path / "b.edf")


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
  def refuse(*args: object, **kwargs: object) -> None:
    raise PermissionError(13, "Permission denied")

  path = write(tmp_path, fast())
  found = read_edf_channels(path)
  monkeypatch.setattr(pathlib.Path, "open", refuse)
  assert "cannot be opened (Permission denied)" in says(read_edf_channels, path)
  assert "cannot be read (Permission denied)" in says(found.channels[0].load)


def test_a_file_that_shrinks_while_it_is_read(tmp_path):
  path = write(tmp_path, fast())
  found = read_edf_channels(path)
  path.write_bytes(path.read_bytes()[:600])
  assert "has changed" in says(found.channels[0].load)


def test_random_damage_is_never_a_traceback(tmp_path):
  random = np.random.default_rng(1)
  good = edf_bytes(fast(), slow(), marks(range(10)), reserved="EDF+D")
  numbers = [match.start() for match in re.finditer(rb"[0-9+-]", good[:1024])]
  refused = 0
  for _ in range(150):
    changed = bytearray(good)
    for place in random.choice(numbers, random.integers(1, 5)):
      changed[place] = random.choice(list(b" 0159+-.,e\x00\xff"))
    path = tmp_path / "a.edf"
    path.write_bytes(changed)
    try:
      loaded(read_edf_channels(path))
    except UserError:
      refused += 1
  assert 10 < refused < 140


def test_memory_is_bounded_by_blocks(tmp_path, monkeypatch):
  sizes = []
  real = edfio.read_bdf
  monkeypatch.setattr(
    edfio, "read_bdf", lambda file: sizes.append(len(file.getvalue())) or real(file)
  )
  monkeypatch.setattr(edf_blocks, "_BLOCK_BYTES", 400)
  found = read_edf_channels(write(tmp_path, fast(), slow(), kind="BDF"))
  assert sizes == []
  np.testing.assert_allclose(found.channels[1].load(), SLOW / 250, atol=1e-12)
  assert len(sizes) == 4
  assert max(sizes) < 256 * 3 + 400
