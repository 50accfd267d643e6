"""EDF+C files: the onsets of data records against a header that calls the recording continuous."""
import numpy as np
import pytest
from fake_bidmc import says
from fake_edf import PHYSICAL, fast, marks, slow, write

from jaxsig.data.signal_files.edf_files import read_edf_channels

EVEN = {   # onsets of data records of a length, that are as a continuous recording has them
  "whole seconds": (1, range(10)),
  "a late start": (1, range(3600, 3610)),
  "a fraction first": (1, [f"{i + 0.25:.2f}" for i in range(10)]),
  "a jitter": (1, [f"{i + 0.02 * (i % 2):.3f}" for i in range(10)]),
  "a drift": (1, [f"{1.01 * i:.4f}" for i in range(10)]),
  "rounded": (0.5, [f"{0.5 * i:.0f}" for i in range(10)]),
  "cut to whole seconds": (0.3, [int(0.3 * i) for i in range(10)]),
  "cut to tenths": (0.25, [f"{int(2.5 * i) / 10:.1f}" for i in range(10)]),
  "short": ("0.333333", [f"{i / 3:.6f}" for i in range(10)]),
  "long": (60, [60 * i for i in range(10)]),
}
GAPS = {   # onsets of data records of 1 s, and the seconds that are missing before each of some
  "one jump": ([0, 1, 2, 43, 44, 45, 46, 47, 48, 49], {3: 40}),
  "a second": ([0, 1, 2, 3, 4, 5, 7, 8, 9, 10], {6: 1}),
  "half a second": ([0, 1, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5], {2: 0.5}),
  "at the end": ([0, 1, 2, 3, 4, 5, 6, 7, 8, 100], {9: 91}),
  "two": ([0, 1, 5, 6, 7, 8, 9, 10, 13, 14], {2: 3, 8: 2}),
  "a late start": ([100, 101, 102, 103, 120, 121, 122, 123, 124, 125], {4: 16}),
}


@pytest.mark.parametrize("case", EVEN)
def test_a_continuous_recording_is_read_as_one(tmp_path, case):
  record_s, onsets_s = EVEN[case]
  path = write(tmp_path, fast(), marks(onsets_s), record_s=record_s, reserved="EDF+C")
  found = read_edf_channels(path)
  assert found.notes == ()
  np.testing.assert_allclose(found.channels[0].load(), PHYSICAL, atol=1e-12)


@pytest.mark.parametrize("kind", ["EDF", "BDF"])
@pytest.mark.parametrize("case", GAPS)
def test_onsets_decide(tmp_path, case, kind):
  onsets_s, gaps_s = GAPS[case]
  reserved = f"{kind}+C"
  signals = (fast(), slow(), marks(onsets_s, kind))
  found = read_edf_channels(write(tmp_path, *signals, kind=kind, reserved=reserved))
  missing_s = sum(gaps_s.values())
  assert found.notes == (
    f"interrupted, though its header calls it continuous: {missing_s:g} s between its data "
    "records are missing by their own times",
  )
  parts = []
  for record, samples in enumerate(PHYSICAL.reshape(10, 40)):
    parts += [np.full(round(40 * gaps_s.get(record, 0)), np.nan), samples]
  np.testing.assert_allclose(found.channels[0].load(), np.concatenate(parts), atol=1e-12)


def test_a_file_of_no_kind_with_onsets(tmp_path):
  onsets_s, _ = GAPS["one jump"]
  assert "40 s" in read_edf_channels(write(tmp_path, fast(), marks(onsets_s))).notes[0]


@pytest.mark.parametrize(("record_s", "step_s"), [(1, 2), (1, 0.5), (2, 1), (1, 60), (0.5, 1)])
def test_data_records_of_another_length_are_refused(tmp_path, record_s, step_s):
  onsets_s = [step_s * i for i in range(10)]
  path = write(tmp_path, fast(), marks(onsets_s), record_s=record_s, reserved="EDF+C")
  sentence = says(read_edf_channels, path)
  assert f"last {record_s:g} s, and they start every {step_s:g} s" in sentence


@pytest.mark.parametrize("onsets_s", [
  [0, 1, 2, 3, 4, 2, 3, 4, 5, 6],
  [0, 1, 2, 3, 3, 4, 5, 6, 7, 8],
  [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
  [5, 0, 1, 2, 3, 4, 6, 7, 8, 9],
])
def test_onsets_that_go_back_are_refused(tmp_path, onsets_s):
  path = write(tmp_path, fast(), marks(onsets_s), reserved="EDF+C")
  assert "overlap in time" in says(read_edf_channels, path)


def test_onsets_that_are_missing_leave_a_recording_continuous(tmp_path):
  fields, stored = marks(range(10))
  stored = stored.copy()
  for left in (stored[:0], stored[3:5], stored):
    left[:] = 0
    found = read_edf_channels(write(tmp_path, fast(), (fields, stored), reserved="EDF+C"))
    assert found.notes == ()
    np.testing.assert_allclose(found.channels[0].load(), PHYSICAL, atol=1e-12)


def test_a_gap_where_an_onset_is_missing_is_refused(tmp_path):
  fields, stored = marks([0, 1, 2, 3, 4, 45, 46, 47, 48, 49])
  stored = stored.copy()
  stored[5] = 0
  path = write(tmp_path, fast(), (fields, stored), reserved="EDF+C")
  assert "does not say when its data record 6 starts" in says(read_edf_channels, path)
