"""Rates above the samples of a text file: taken only where they are certainly of the samples."""
import pytest
from fake_text import Folder, formatted, lines, signal

TIME_S, X_T = signal()
CELLS = formatted(X_T, ".5f")


@pytest.fixture
def folder(tmp_path) -> Folder:
  return Folder(tmp_path)


@pytest.mark.parametrize(
  ("head", "expected_hz"),
  [
    ("rate_hz: 50", 50.0),
    ("Samples per second: 50", 50.0),
    ("dt = 0.02", 50.0),
    ("Sample period: 0.02", 50.0),
    ("# sampling interval [ms]: 20", 50.0),
    ("# level sampling rate: 50 Hz", 50.0),
    ("# Sampling rate of level = 50 samples/s", 50.0),
    ("# SamplingRate;50", 50.0),
    ('"Sample Rate","50",,', 50.0),
    ("# original sampling rate: 100 Hz\n# sampling rate: 50 Hz", 50.0),
    ("# ACC sampling rate: 32 Hz\n# level sampling rate: 50 Hz", 50.0),
    ("# fs = 50 Hz, gain = 12", 50.0),
    ("# Device: 7; sampling rate: 50 Hz", 50.0),
    ('# {"00:07": {"name": "x", "sampling rate": 1000, "resolution": [10, 10]}}', 1000.0),
    ("# fs: 1,000.0 Hz", 1000.0),
    ("# fs: 1'000 Hz", 1000.0),
    ("# fs: 64.000 Hz", 64.0),
    ("# fs (kHz): 0.5", 500.0),
    ("# sampling rate: 50 Hz\n# decimation: 1", 50.0),
  ],
)
@pytest.mark.parametrize("given", [False, True])
def test_a_certain_rate(folder, head, expected_hz, given):
  text = lines(CELLS, head=f"{head}\nlevel")
  read = folder.read(text, expected_hz if given else None)
  assert read.channels[0][:4] == ("level", "", expected_hz, 640)
  assert f"says {expected_hz:g}" in folder.refusal(text, 2 * expected_hz)


@pytest.mark.parametrize(
  "head",
  [
    "# ACC sampling rate: 32 Hz",
    "# Sampling rate: 100 Hz (downsampled to 50 Hz)",
    "# Original sampling rate: 100 Hz",
    "# Hardware sampling rate: 100 Hz",
    "# max sampling rate: 100 Hz",
    "# ECG sampling rate: 100 Hz",
    "# Sampling rate (ECG): 100 Hz",
    "# Sampling rate: 100 Hz, decimation 2",
    "# Sampling rate: 100 Hz\n# decimation 2",
    "# Sampling rate: 100 Hz\n# Exported at 50 Hz",
    "# fs: 100\n# averaging: 4 samples",
    "# display frame rate: 30 fps",
    "# Averaging interval: 40 ms",
    "# stimulus interval: 0.04 s",
    "# RR interval: 800 ms",
    "# sampling rate: 25 samples/min",
    "# sampling rate: 1,000",
    "# sampling rate: 1.000 Hz",
    "# sampling rate: 25-50 Hz",
    "# channel 2, sampling rate: 32 Hz",
    "# signal: ACC, fs: 32 Hz",
    "# interval: 5 s",
    "# dt = 20",
    "fs_a = 32",
    '# {"a": {"sampling rate": 32}, "b": {"sampling rate": 64}}',
  ],
)
def test_a_rate_of_something_else_neither_counts_nor_contradicts(folder, head):
  text = lines(CELLS, head=f"{head}\nlevel")
  assert folder.read(text).channels[0].rate_hz is None
  read = folder.read(text, 50.0)
  assert read.channels[0][1:4] == ("", None, 640)
  assert "as a line above" not in " ".join(read.notes)
