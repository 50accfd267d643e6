"""Which reader a user's file gets, and what helps where there is none."""
import functools
import gzip
import os
import pathlib

import numpy as np
import pytest
from fake_bidmc import says
from fake_pulses import pulses

from jaxsig.data.ppg import file_formats, ppg_file
from jaxsig.data.ppg.ppg_file import read_ppg
from jaxsig.data.signal_files.channels import Channel, Channels

PULSES = pulses(20)


def channel(name: str = "PPG", rate_hz: float | None = 64.0, samples: int = 1280) -> Channel:
  return Channel(name, "", rate_hz, samples, functools.partial(np.array, PULSES))


@pytest.fixture
def asked(monkeypatch) -> list[str]:
  """The readers that are asked, in place of the real ones: "text", "wfdb" or "edf"."""
  kinds = []

  def reader(kind: str, *_: object) -> Channels:
    kinds.append(kind)
    return Channels((channel(),), (f"read as {kind}",))

  for kind in ("text", "wfdb", "edf"):
    monkeypatch.setattr(file_formats, f"read_{kind}_channels", functools.partial(reader, kind))
  return kinds


@pytest.mark.parametrize(
  ("name", "content", "kind"),
  [
    ("a.csv", b"ppg\n1\n", "text"),
    ("a.CSV", b"ppg\n1\n", "text"),
    ("a.txt", b"1\n", "text"),
    ("a.tsv", b"1\t2\n", "text"),
    ("a.dat", b"1 2\n", "text"),
    ("a", b"1\n", "text"),
    ("a.log", b"1\n", "text"),
    ("a.csv.gz", gzip.compress(b"1\n", mtime=0), "text"),
    ("a.xls", b"time\tppg\n0\t1\n", "text"),
    ("a.txt", "ppg\n1\n".encode("utf-16"), "text"),
    ("a.edf", b"0       ", "edf"),
    ("a.BDF", b"\xffBIOSEMI", "edf"),
    ("renamed.bin", b"0       X", "edf"),
    ("r.hea", b"r 1 64 10\n", "wfdb"),
    ("v1.2.hea", b"r 1 64 10\n", "wfdb"),
  ],
)
def test_a_format_by_name_and_content(tmp_path, asked, name, content, kind):
  path = tmp_path / name
  path.write_bytes(content)
  record = read_ppg(path, None)
  assert asked == [kind]
  assert record.info["notes"] == [f"Read as {kind}."]


@pytest.mark.parametrize("name", ["r", "r.dat", "r.mat", "r.hea"])
def test_a_wfdb_record_by_any_of_its_names(tmp_path, asked, name):
  (tmp_path / "r.hea").write_text("r 1 64 10\n")
  if "." in name:
    (tmp_path / name).touch()
  read_ppg(str(tmp_path / name), None)
  assert asked == ["wfdb"]


@pytest.mark.parametrize(
  ("name", "record_id"), [("a.csv", "a"), ("a.csv.gz", "a"), ("a.b.txt", "a.b"), ("a", "a")]
)
def test_a_recording_is_called_as_its_file(tmp_path, asked, name, record_id):
  (tmp_path / name).write_bytes(b"1\n")
  assert read_ppg(tmp_path / name, None).id == record_id


def test_a_record_whose_name_has_a_dot(tmp_path, asked):
  (tmp_path / "v1.2.hea").write_text("v1.2 1 64 10\n")
  for name in ("v1.2", "v1.2.hea"):
    assert read_ppg(tmp_path / name, None).id == "v1.2"


def test_what_is_no_regular_file(tmp_path):
  os.mkfifo(tmp_path / "pipe.csv")
  assert "no regular file" in says(read_ppg, tmp_path / "pipe.csv", 64.0)


def test_an_npy_by_another_name(tmp_path):
  np.save(tmp_path / "a.npy", PULSES)
  (tmp_path / "a.npy").rename(tmp_path / "a.bin")
  np.testing.assert_array_equal(
    read_ppg(tmp_path / "a.bin", 64.0).signals["ppg_t"], PULSES.astype(np.float32)
  )


@pytest.mark.parametrize(
  ("name", "content", "words"),
  [
    ("a.mat", b"MATLAB 5.0 MAT-file", "scipy.io.loadmat"),
    ("a.npz", b"PK\x03\x04", "numpy.load"),
    ("a.xlsx", b"PK\x03\x04", "as CSV"),
    ("a.h5", b"\x89HDF\r\n", "h5py"),
    ("a.parquet", b"PAR1", "pandas"),
    ("a.json", b"[1, 2]", "json"),
    ("a.pkl", b"\x80\x04", "where it was made"),
    ("a.zip", b"PK\x03\x04", "unpack"),
    ("a.png", b"\x89PNG", "picture"),
    ("a.mp4", b"\x00\x00", "video"),
    ("a.wav", b"RIFF", "scipy.io.wavfile"),
    ("a.csv", b"PK\x03\x04", "unpack"),
    ("a.xls", b"\xd0\xcf\x11\xe0\x00", "as CSV"),
    ("a.npy.gz", gzip.compress(b"1", mtime=0), "name the .npy file"),
    ("a.edf.gz", gzip.compress(b"1", mtime=0), "name the .edf file"),
    ("a.txt", b"\x89HDF\r\n", "h5py"),
    ("a.dat", b"\x00\x01\x00\x02", "no WFDB header a.hea is beside it"),
    ("a.bin", b"\x00\x01\x00\x02", "convert it to CSV"),
    ("a.csv", b"", "is empty"),
    ("a.npy", b"", "is empty"),
    ("a.npy", b"hello", "not a NumPy array"),
  ],
)
def test_what_helps_with_a_format_that_is_not_read(tmp_path, name, content, words):
  path = tmp_path / name
  path.write_bytes(content)
  sentence = says(read_ppg, path, 64.0)
  assert words in sentence
  assert str(path) in sentence


@pytest.mark.parametrize("name", [
  "missing.csv", "missing", "missing.hea", "missing.dat", "folder", ".", "..", "", "a" * 300,
])
def test_no_file(tmp_path, monkeypatch, name):
  (tmp_path / "folder").mkdir()
  monkeypatch.chdir(tmp_path)
  sentence = says(read_ppg, pathlib.Path(name), 64.0)
  assert any(words in sentence for words in ("does not exist", "is a folder", "cannot be read"))


@pytest.mark.parametrize(
  ("file_hz", "given_hz", "words"),
  [
    (None, None, "give it with --rate_hz"),
    (0.0, None, "give it with --rate_hz"),
    (np.nan, None, "give it with --rate_hz"),
    (64.0, 65.0, "says 64 Hz, --rate_hz says 65"),
    (4.0, None, "says 4 Hz, which is no sampling rate of a PPG"),
    (4.0, 64.0, "says 4 Hz, --rate_hz says 64"),
    (2e4, None, "no sampling rate of a PPG"),
    (None, "a", "rate_hz='a' is no sampling rate"),
    (None, True, "is no sampling rate"),
    (None, [64.0], "is no sampling rate"),
    (None, np.array([64.0]), "is no sampling rate"),
    (None, 64 + 0j, "is no sampling rate"),
    (None, 10**400, "is no sampling rate"),
    (None, -64.0, "is no sampling rate"),
    (64.0, np.nan, "is no sampling rate"),
  ],
)
def test_a_rate_that_cannot_be(tmp_path, monkeypatch, file_hz, given_hz, words):
  found = Channels((channel(rate_hz=file_hz),))
  monkeypatch.setattr(file_formats, "read_text_channels", lambda path, rate_hz: found)
  (tmp_path / "a.csv").write_text("1\n")
  assert words in says(read_ppg, tmp_path / "a.csv", given_hz)


@pytest.mark.parametrize("given_hz", [64, 64.0, np.float32(64), np.array(64.0), np.int16(64)])
@pytest.mark.parametrize("file_hz", [None, 0.0, np.nan, 64.3])
def test_a_rate_that_is_asked_for_helps(tmp_path, monkeypatch, file_hz, given_hz):
  found = Channels((channel(rate_hz=file_hz),))
  monkeypatch.setattr(file_formats, "read_text_channels", lambda path, rate_hz: found)
  (tmp_path / "a.csv").write_text("1\n")
  assert read_ppg(tmp_path / "a.csv", given_hz).rate_hz == pytest.approx(64, abs=0.5)


def test_a_chosen_signal_is_the_only_one_that_is_loaded(tmp_path, monkeypatch):
  def fail() -> np.ndarray:
    raise AssertionError("loaded")

  other = channel("PPG 2")._replace(load=fail)
  found = Channels((channel(), other), ("by the reader",))
  monkeypatch.setattr(file_formats, "read_text_channels", lambda path, rate_hz: found)
  (tmp_path / "a.csv").write_text("1\n")
  record = read_ppg(tmp_path / "a.csv", None, "PPG")
  assert record.info["notes"] == ["By the reader.", "The signal 'PPG' was read, not 'PPG 2' (1)."]


@pytest.mark.parametrize(
  ("samples", "rate_hz", "words"),
  [
    (10**7, 10.0, "11.6 days, more than 7"),
    (ppg_file.MOST_SAMPLES + 1, 1000.0, "310,000,001 samples, more than 310,000,000"),
  ],
)
def test_what_is_too_long_is_not_loaded(tmp_path, monkeypatch, samples, rate_hz, words):
  def fail() -> np.ndarray:
    raise AssertionError("loaded")

  found = Channels((channel(rate_hz=rate_hz, samples=samples)._replace(load=fail),))
  monkeypatch.setattr(file_formats, "read_text_channels", lambda path, rate_hz: found)
  (tmp_path / "a.csv").write_text("1\n")
  assert words in says(read_ppg, tmp_path / "a.csv", None)
