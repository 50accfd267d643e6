"""A user's own PPG: CSV, NPY, WFDB or an array, or one sentence that says what is wrong with it."""
import pathlib
from collections.abc import Iterable

import fake_bidmc
import numpy as np
import pytest
from fake_bidmc import options, says, sines
from numpy.typing import ArrayLike

from jaxsig.data.gaps import runs
from jaxsig.data.ppg import bidmc
from jaxsig.data.ppg.ppg_file import read_ppg
from jaxsig.data.ppg.ppg_windows import long_enough
from jaxsig.data.records import Record

FINE = np.sin(np.arange(400))   # 8 s at 50 Hz


def read(source: str | pathlib.Path | ArrayLike, rate_hz: float | None = None) -> Record:
  """What a user's file gives where a window lasts 5 s."""
  record = read_ppg(source, rate_hz)
  return long_enough(record, options(), "the recording")


def saved(path: pathlib.Path, lines: Iterable[str]) -> pathlib.Path:
  path.write_text("\n".join(lines))
  return path


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> pathlib.Path:
  """A folder of two WFDB recordings; not to be changed."""
  folder = tmp_path_factory.mktemp("wfdb")
  fake_bidmc.write_bidmc(folder, fake_bidmc.records(2, 20))
  return folder


@pytest.fixture(scope="module")
def pulse_t() -> np.ndarray:
  """20 s at 50 Hz."""
  pulse = sines(1.2, 20, 50.0)
  return np.round(pulse.signals["ppg_t"].astype(float), 6)


def assert_is_pulse(record: Record, name: str, pulse_t: np.ndarray) -> None:
  assert (record.group, record.id, record.info) == ("user", name, {"source": "user"})
  assert record.rate_hz == pytest.approx(50)
  assert list(record.signals) == ["ppg_t"]
  np.testing.assert_allclose(record.signals["ppg_t"], pulse_t, atol=1e-6)


@pytest.mark.parametrize("rate_hz", [None, 50.2])
def test_a_csv_with_a_time_column(tmp_path, pulse_t, rate_hz):
  rows = [f"{i / 50},0,{x}" for i, x in enumerate(pulse_t)]
  path = saved(tmp_path / "timed.csv", ["time_s,resp,My PPG", *rows])
  assert_is_pulse(read(str(path), rate_hz), "timed", pulse_t)


def test_a_csv_of_a_single_column(tmp_path, pulse_t):
  path = saved(tmp_path / "column.txt", [*map(str, pulse_t), ""])
  assert_is_pulse(read(str(path), 50), "column", pulse_t)


def test_an_npy_file(tmp_path, pulse_t):
  np.save(tmp_path / "array.npy", pulse_t)
  assert_is_pulse(read(str(tmp_path / "array.npy"), 50.0), "array", pulse_t)


@pytest.mark.parametrize("name", ["bidmc02.hea", "bidmc02"])
def test_a_wfdb_record(recorded, name):
  record = read(str(recorded / name))
  expected = bidmc.load(recorded, options())[1]
  np.testing.assert_array_equal(record.signals["ppg_t"], expected.signals["ppg_t"])
  assert record.id == "bidmc02"
  assert record.rate_hz == 125


def test_physionets_rounded_time(tmp_path):
  fake_bidmc.write_bidmc(tmp_path, fake_bidmc.records(1, 300), form="csv")
  record = read(tmp_path / "bidmc_csv/bidmc_01_Signals.csv")
  assert record.rate_hz == pytest.approx(125, abs=0.05)


@pytest.mark.parametrize(
  ("rate_hz", "words"),
  [
    (None, "--rate_hz"),
    (0, "0 Hz is no sampling rate of a PPG"),
    (-5.0, "no sampling rate of a PPG"),
    (0.5, "no sampling rate of a PPG"),
    (8, "no sampling rate of a PPG"),
    (2e4, "no sampling rate of a PPG"),
    (float("nan"), "no sampling rate of a PPG"),
    (float("inf"), "no sampling rate of a PPG"),
    (125.0, "less than one window"),
  ],
)
def test_a_rate_that_cannot_be(tmp_path, rate_hz, words):
  path = saved(tmp_path / "a.csv", [f"{x:.4f}" for x in FINE])
  assert words in says(read, path, rate_hz)


def test_a_file_that_does_not_exist_and_a_folder(tmp_path):
  assert "does not exist" in says(read, tmp_path / "b.csv", 50.0)
  assert "is a folder: name one" in says(read, tmp_path, 50.0)


def test_an_array_without_a_rate_is_told_how_python_gives_it():
  assert "rate_hz=" in says(read, np.ones(400))


@pytest.mark.parametrize(
  ("content", "words"),
  [
    ("ppg\n" + "nan\n" * 400, "not one finite value"),
    ("1\n" * 400, "flat"),
    ("red,infrared\n1,2\n", "exactly one"),
    ("ppg 1,ppg 2\n1,2\n", "exactly one"),
    ("ppg\none\n", "no table of numbers"),
    ("", "no table of numbers"),
    ("ppg\n", "no table of numbers"),
    ("p" * 200000, "no table of numbers"),
    (b"\x89PNG\x00\xff\n\x00", "no table of numbers"),
    ("ppg\n" + "1.5,2.5\n" * 400, "no columns named PPG"),
  ],
  ids=[
    "nan",
    "flat",
    "no PPG",
    "two PPGs",
    "text",
    "empty",
    "a header only",
    "a long line",
    "a picture",
    "too many columns",
  ],
)
def test_a_csv_that_cannot_be_used(tmp_path, content, words):
  path = tmp_path / "a.csv"
  if isinstance(content, str):
    content = content.encode()
  path.write_bytes(content)
  assert words in says(read, path, 50.0)


def test_a_recording_of_just_one_window_is_long_enough():
  pulse_t = np.sin(np.arange(2000) / 6)
  record = read_ppg(pulse_t, 100 / 3)
  assert long_enough(record, options(window_s=60), "the recording") is record


def test_a_time_column_and_another_rate(tmp_path):
  rows = [f"{i / 50},{x}" for i, x in enumerate(FINE)]
  path = saved(tmp_path / "a.csv", ["time,ppg", *rows])
  assert "--rate_hz says 60" in says(read, path, 60.0)


def test_a_truncated_wfdb_record(tmp_path, recorded):
  for suffix in (".hea", ".dat"):
    content = (recorded / f"bidmc02{suffix}").read_bytes()
    (tmp_path / f"bidmc02{suffix}").write_bytes(content)
  (tmp_path / "bidmc02.dat").write_bytes(content[:-100])

  sentence = says(read, tmp_path / "bidmc02")
  for word in ("bidmc02.dat", "truncated", "export it again"):
    assert word in sentence


@pytest.fixture(scope="module")
def wrong_npy(tmp_path_factory) -> pathlib.Path:
  """A folder of files that are no array of a signal."""
  folder = tmp_path_factory.mktemp("npy")
  np.save(folder / "object.npy", np.array([{"run": "me"}], dtype=object), allow_pickle=True)
  np.save(folder / "two.npy", np.zeros((2, 400)))
  np.save(folder / "complex.npy", np.exp(1j * np.arange(400)))
  np.save(folder / "empty.npy", np.zeros(0))
  (folder / "text.npy").write_text("hello")
  (folder / "nothing.npy").touch()

  np.savez(folder / "several.npz", a=np.zeros(400))
  (folder / "several.npz").rename(folder / "several.npy")
  archive = (folder / "several.npy").read_bytes()
  (folder / "zip.npy").write_bytes(archive[:900])
  whole = (folder / "complex.npy").read_bytes()
  (folder / "cut.npy").write_bytes(whole[:1000])
  return folder


@pytest.mark.parametrize("name", ["object", "text", "nothing", "cut", "zip"])
def test_an_npy_that_is_no_array_of_numbers(wrong_npy, name):
  sentence = says(read, wrong_npy / f"{name}.npy", 50.0)
  assert "not a NumPy array of numbers" in sentence


@pytest.mark.parametrize("name", ["two", "complex", "empty", "several"])
def test_an_npy_that_is_no_signal(wrong_npy, name):
  sentence = says(read, wrong_npy / f"{name}.npy", 50.0)
  assert "real array with one axis" in sentence


@pytest.mark.parametrize(
  "source",
  [FINE, list(FINE), np.ma.masked_array(FINE, np.zeros(400))],
  ids=["array", "list", "masked array"],
)
def test_arrays_and_lists(source):
  record = read(source, 50.0)
  assert record.id == "recording"
  assert record.rate_hz == 50
  np.testing.assert_allclose(record.signals["ppg_t"], FINE, atol=1e-6)


def test_what_is_masked_is_nan():
  record = read(np.ma.masked_array(FINE, np.arange(400) == 7), 50.0)
  missing = np.flatnonzero(np.isnan(record.signals["ppg_t"]))
  assert missing.tolist() == [7]


@pytest.mark.parametrize(
  ("source", "words"),
  [
    (np.zeros((2, 400)), "one axis"),
    (np.zeros(0), "one axis"),
    ([[1, 2], [3]], "one axis"),
    (np.array(3.0), "one axis"),
    (["a"] * 400, "real"),
    (FINE > 0, "real"),
    (np.full(400, np.nan), "not one finite"),
    (FINE[:100], "less than one"),
  ],
  ids=["two axes", "empty", "ragged", "no axis", "text", "truth values", "nan", "short"],
)
def test_arrays_that_are_no_signal(source, words):
  assert words in says(read, source, 50.0)


def test_an_array_does_not_tell_its_rate():
  assert "--rate_hz" in says(read, FINE)


def missing_spans(record: Record) -> list[tuple[int, int]]:
  """(first, past the last) sample of each run of NaN."""
  spans = runs(np.isnan(record.signals["ppg_t"]))
  return [(int(first), int(last)) for first, last in spans]


def test_what_is_no_signal_is_nan():
  x_t = np.sin(np.arange(1000) / 3)
  x_t[100:130] = np.nan
  x_t[200] = np.inf
  x_t[201] = 1e300
  x_t[300:400] = 0.7   # 2 s at 50 Hz
  x_t[500:599] = 0.7   # not quite
  x_t[900:] = -3.0
  record = read(x_t, 50.0)
  assert missing_spans(record) == [(100, 130), (200, 202), (300, 400), (900, 1000)]


def test_a_sensor_that_stands_still_at_two_values_is_flat():
  x_t = np.concatenate([np.full(300, 1.0), [np.nan], np.full(300, 2.0)])
  assert "flat throughout" in says(read, x_t, 50.0)
