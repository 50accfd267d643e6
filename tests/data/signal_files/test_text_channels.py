"""Signals of a text file: columns, rates stated above them, labels, what is refused."""
import numpy as np
import pytest
from fake_text import Folder, formatted, lines, refusal, signal

from jaxsig.data.signal_files.text_channels import read_text_channels

TIME_S, X_T = signal()
CELLS = formatted(X_T, ".5f")
ONLY_CELLS = "\n".join(CELLS) + "\n"


@pytest.fixture
def folder(tmp_path) -> Folder:
  return Folder(tmp_path)


def test_all_columns_but_the_time_are_channels(folder):
  label = ["rest"] * len(X_T)
  read = folder.read(lines(TIME_S, CELLS, X_T / 2, label, head="time_s,a [mV],a [mV],label"))
  assert [channel[:4] for channel in read.channels] == [("a", "mV", 64.0, 640)] * 2
  np.testing.assert_array_equal(read.channels[0].load(), X_T)
  np.testing.assert_array_equal(read.channels[1].load(), X_T / 2)
  assert "'label' holds text" in " ".join(read.notes)


@pytest.mark.parametrize("text", [ONLY_CELLS, '"' + '"\n"'.join(CELLS) + '"\n'])
def test_a_lone_column_without_a_name(folder, text):
  read = folder.read(text)
  assert read.channels[0][:4] == ("", "", None, 640)
  np.testing.assert_array_equal(read.channels[0].load(), X_T)


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("rate_hz", [None, 64.0])
@pytest.mark.parametrize("form", ["{}.000000", "{}"])
def test_a_wearables_start_and_rate(folder, columns, rate_hz, form):
  head = [", ".join([form.format(value)] * columns) for value in (1500000000, 64)]
  read = folder.read(lines(*[CELLS] * columns, head="\n".join(head)), rate_hz)
  assert [channel[:4] for channel in read.channels] == [("", "", 64.0, 640)] * columns
  np.testing.assert_array_equal(read.channels[-1].load(), X_T)
  assert "2017-07-14 02:40:00 UTC" in " ".join(read.notes)


@pytest.mark.parametrize(
  ("head", "expected_hz"),
  [
    ("# fs=64", 64.0),
    ("# fs: 64 Hz\nlevel", 64.0),
    ("Sampling rate: 128 Hz\n\nlevel", 128.0),
    ("sampling_rate,64\nlevel", 64.0),
    ("SampleRate=1 kHz\nlevel", 1000.0),
    ("Sampling Frequency (Hz): 250.5\nlevel", 250.5),
    ("Interval=\t0.004 s\nlevel", 250.0),
    ("export\n15.625 msec/sample\nlevel", 64.0),
    ("sample rate;64,5\nlevel", 64.5),
    ("fps = 30\nlevel", 30.0),
  ],
)
def test_a_rate_above_the_samples(folder, head, expected_hz):
  read = folder.read(f"{head}\n{ONLY_CELLS}")
  assert read.channels[0].rate_hz == expected_hz
  assert read.channels[0].samples == 640
  assert "as a line above the samples says" in " ".join(read.notes)


@pytest.mark.parametrize(
  "head",
  ["fs_a=64\nfs_b=256", "Fs 64 and fs 32", "fs = 0", "offs=64", "Device 64", "fs: unknown"],
)
def test_no_certain_rate_is_none(folder, head):
  assert folder.read(f"{head}\nlevel\n{ONLY_CELLS}").channels[0].rate_hz is None


@pytest.mark.parametrize("head", ["1500000000\n64", "fs=64\nlevel", "Sampling rate: 64 Hz\nlevel"])
def test_a_stated_rate_and_another_given(folder, head):
  sentence = folder.refusal(f"{head}\n{ONLY_CELLS}", 50.0)
  assert "says 64 samples/s" in sentence
  assert "--rate_hz says 50" in sentence


def test_times_outweigh_a_stated_rate(folder):
  read = folder.read(lines(TIME_S, CELLS, head="fs=50\ntime,level"))
  assert read.channels[0].rate_hz == 64
  assert "not 50 samples/s" in " ".join(read.notes)


@pytest.mark.parametrize("name", ["sample", "", "frame number", "Unnamed: 0", "nr"])
def test_a_column_that_counts_is_no_signal(folder, name):
  read = folder.read(lines(range(640), CELLS, head=f"{name},level"))
  assert [channel.name for channel in read.channels] == ["level"]
  assert read.channels[0].rate_hz is None
  assert "counts the samples" in " ".join(read.notes)


@pytest.mark.parametrize("rate_hz", [None, 64.0])
def test_a_count_that_skips_leaves_gaps(folder, rate_hz):
  present = np.flatnonzero((np.arange(640) < 100) | (np.arange(640) >= 140))
  read = folder.read(lines(present, X_T[present], head="frame,level"), rate_hz)
  assert read.channels[0].rate_hz == rate_hz
  missing = np.flatnonzero(np.isnan(read.channels[0].load()))
  assert missing.tolist() == list(range(100, 140))


def test_a_count_of_samples_under_the_names(folder):
  text = lines(CELLS, CELLS, head="15.625 msec/sample\nCH1,CH2\n640,640")
  assert folder.read(text).channels[0].samples == 640


def test_a_wrong_cell_is_told_where_it_is_needed(folder):
  cells = [*CELLS]
  cells[100] = "ERR"
  read = read_text_channels(folder.write(lines(TIME_S, cells, CELLS, head="time,a,b")), None)
  assert "'ERR' in line 102" in refusal(read.channels[0].load)
  np.testing.assert_array_equal(read.channels[1].load(), X_T)


@pytest.mark.parametrize(
  ("text", "words"),
  [
    (lines(TIME_S, head="time"), "only times"),
    (lines(1.7e9 + TIME_S), "only times"),
    (lines(TIME_S, ["1.234,5"] * 640, head="time;level", delimiter=";"), "plain numbers"),
    (lines(TIME_S, ["up"] * 640, head="time,level"), "'level' holds text such as 'up'"),
  ],
)
def test_a_file_without_samples(folder, text, words):
  assert words in folder.refusal(text)


@pytest.mark.parametrize("rate_hz", [float("nan"), float("inf"), 0.0, -5.0])
def test_a_rate_that_cannot_be_is_left_to_the_caller(folder, rate_hz):
  assert folder.read(ONLY_CELLS, rate_hz).channels[0].rate_hz is None


def test_loading_twice_gives_arrays_of_their_own(folder):
  channel = folder.read(ONLY_CELLS).channels[0]
  channel.load()[:] = 0
  np.testing.assert_array_equal(channel.load(), X_T)


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.tsv", "a.csv.dat", "a.csv.ASC", "a.csv"])
def test_the_end_of_the_name_does_not_matter(folder, name):
  path = folder.write(lines(TIME_S, CELLS, head="time,level"), name)
  assert read_text_channels(path, None).channels[0].rate_hz == 64


def test_a_folder_and_a_missing_file(folder):
  (folder.path / "a.csv").mkdir()
  assert "cannot be read" in refusal(read_text_channels, folder.path / "a.csv", None)
  assert "cannot be read" in refusal(read_text_channels, folder.path / "no_a.csv", None)
