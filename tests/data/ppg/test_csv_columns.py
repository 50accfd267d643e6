"""A user's CSV: its column of times, and reading it in parts."""
import pathlib
from collections.abc import Iterable

import numpy as np
import pytest
from fake_bidmc import says

from jaxsig.data.gaps import runs
from jaxsig.data.ppg import csv_columns
from jaxsig.data.ppg.ppg_file import read_ppg
from jaxsig.data.records import Record

FINE = np.sin(np.arange(400))   # 8 s at 50 Hz


def read(source: pathlib.Path, rate_hz: float | None = None) -> Record:
  return read_ppg(source, rate_hz)


def saved(path: pathlib.Path, lines: Iterable[str]) -> pathlib.Path:
  path.write_text("\n".join(lines))
  return path


def missing_spans(record: Record) -> list[tuple[int, int]]:
  """(first, past the last) sample of each run of NaN."""
  spans = runs(np.isnan(record.signals["ppg_t"]))
  return [(int(first), int(last)) for first, last in spans]


def with_time(path: pathlib.Path, times: Iterable[object], title: str = "time") -> pathlib.Path:
  """A CSV of `FINE` at these times."""
  rows = [f"{time},{x}" for time, x in zip(times, FINE, strict=True)]
  return saved(path, [f"{title},ppg", *rows])


def test_a_time_column_in_milliseconds(tmp_path):
  path = with_time(tmp_path / "a.csv", [20 * i for i in range(400)], "Time [ms]")
  assert "0.05 Hz" in says(read, path)


def test_a_time_column_that_runs_backwards(tmp_path):
  times_s = [i / 50 for i in range(201)] + [i / 50 - 3 for i in range(201, 400)]
  path = with_time(tmp_path / "a.csv", times_s)
  assert "runs backwards or is missing after 4" in says(read, path)


def test_a_time_column_of_a_year(tmp_path):
  times_s = [i / 50 for i in range(201)] + [i / 50 + 3e7 for i in range(201, 400)]
  path = with_time(tmp_path / "a.csv", times_s)
  assert "347.2 days" in says(read, path)


def test_a_time_column_with_a_blank(tmp_path):
  times_s = [i / 50 for i in range(400)]
  times_s[200] = ""
  path = with_time(tmp_path / "a.csv", times_s)
  assert "is missing after 3.98" in says(read, path)


def test_a_time_column_that_stands_still(tmp_path):
  path = with_time(tmp_path / "a.csv", [1] * 400)
  assert "--rate_hz" in says(read, path)


def timed(path: pathlib.Path, time_s: np.ndarray, x_t: np.ndarray, form: str) -> pathlib.Path:
  """A CSV with times in this format."""
  rows = [f"{t:{form}},{x:.6f}" for t, x in zip(time_s, x_t, strict=True)]
  return saved(path, ["time,ppg", *rows])


@pytest.mark.parametrize(
  ("form", "slack"),
  [(".6f", 1), (".1f", 10), (".0f", 100)],
  ids=["exact", "tenths", "seconds"],
)
class TestTimeColumn:
  """3000 samples at 50 Hz; the time may be rounded."""

  time_s = 1000 + np.arange(3000) / 50
  x_t = np.sin(np.arange(3000) / 3)

  def test_a_steady_one_leaves_no_gap(self, tmp_path, form, slack):
    record = read(timed(tmp_path / "steady.csv", self.time_s, self.x_t, form))
    assert record.rate_hz == pytest.approx(50, rel=0.02)
    assert not missing_spans(record)
    assert len(record.signals["ppg_t"]) == 3000

  def test_one_that_jumps_leaves_a_gap_of_its_length(self, tmp_path, form, slack):
    later_s = self.time_s + 9.0 * (self.time_s >= 1020) + 30.0 * (self.time_s >= 1040)
    record = read(timed(tmp_path / "jumps.csv", later_s, self.x_t, form))
    assert record.rate_hz == pytest.approx(50, rel=0.03)   # half a second at each jump, of a minute
    spans = missing_spans(record)
    np.testing.assert_allclose(spans, [(1000, 1450), (2450, 3950)], atol=slack)

    ppg_t = record.signals["ppg_t"]
    present = ppg_t[~np.isnan(ppg_t)]
    np.testing.assert_allclose(present, self.x_t, atol=1e-5)   # no sample is lost or invented


def test_lost_packets_do_not_bend_time(tmp_path):
  time_s = np.arange(6000) / 50
  x_t = np.sin(2 * np.pi * time_s)
  arrived = np.random.default_rng(0).uniform(size=600) > 0.1   # nine in ten packets of 0.2 s
  arrived_t = arrived.repeat(10)
  arrived_t[:10] = True

  path = timed(tmp_path / "lossy.csv", time_s[arrived_t], x_t[arrived_t], ".6f")
  record = read(path)
  assert record.rate_hz == pytest.approx(50, rel=1e-3)
  ppg_t = record.signals["ppg_t"]
  present = np.flatnonzero(np.isfinite(ppg_t))
  expected = np.sin(2 * np.pi * present / 50)
  np.testing.assert_allclose(ppg_t[present], expected, atol=0.05)


def test_a_csv_with_blanks_is_read_in_parts(tmp_path, monkeypatch):
  monkeypatch.setattr(csv_columns, "_LINES", 50)
  cells = [f"{x:.6f}" for x in FINE]
  blanks = range(0, 400, 90)
  for i in blanks:
    cells[i] = ""
  rows = [f"{i},{cell}" for i, cell in enumerate(cells)]

  record = read(saved(tmp_path / "a.csv", ["nr,ppg", *rows, "", " "]), 50.0)
  assert missing_spans(record) == [(i, i + 1) for i in blanks]
  assert len(record.signals["ppg_t"]) == 400


def test_a_csv_whose_last_part_has_another_column(tmp_path, monkeypatch):
  monkeypatch.setattr(csv_columns, "_LINES", 50)
  rows = [f"{i},{x}" for i, x in enumerate(FINE)]
  path = saved(tmp_path / "b.csv", ["nr,ppg", *rows, "3,4,5"])
  assert "no table of numbers" in says(read, path, 50.0)
