"""A user's own file: CSV, NPY or WFDB, or one sentence that says what is wrong with it."""
import pathlib

import fake_bidmc
import numpy as np
import pytest
from fake_bidmc import options, says, sines

from jaxsig.data import records as core
from jaxsig.data.ppg import bidmc, csv_columns


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
  fake_bidmc.write_bidmc(tmp_path, fake_bidmc.records(2, 20))
  return tmp_path


def saved(path: pathlib.Path, text: str) -> pathlib.Path:
  path.write_text(text)
  return path


def test_read_takes_csv_npy_and_wfdb(tmp_path, folder):
  x_t = np.round(sines(1.2, 20, 50.0).signals["ppg_t"].astype(float), 6)
  rows = [f"{i / 50},0,{x}" for i, x in enumerate(x_t)]
  time_csv = saved(tmp_path / "timed.csv", "\n".join(["time_s,resp,My PPG", *rows]))
  column = saved(tmp_path / "column.txt", "".join(f"{x}\n" for x in x_t))
  np.save(tmp_path / "array.npy", x_t)
  for path, rate_hz in ((time_csv, None), (time_csv, 50.2), (column, 50), (tmp_path / "array.npy", 50.0)):
    record = bidmc.read(str(path), rate_hz, options())
    assert (record.group, record.id, record.info) == ("user", path.stem, {"source": "user"})
    assert record.rate_hz == pytest.approx(50) and list(record.signals) == ["ppg_t"]
    np.testing.assert_allclose(record.signals["ppg_t"], x_t, atol=1e-6)
  for name in ("bidmc02.hea", "bidmc02"):
    record = bidmc.read(str(folder / name), None, options())
    np.testing.assert_array_equal(record.signals["ppg_t"], bidmc.load(folder, options())[1].signals["ppg_t"])
    assert record.id == "bidmc02" and record.rate_hz == 125


def test_read_takes_physionets_rounded_time(tmp_path):
  fake_bidmc.write_bidmc(tmp_path, fake_bidmc.records(1, 300), form="csv")
  record = bidmc.read(tmp_path / "bidmc_csv/bidmc_01_Signals.csv", None, options())
  assert record.rate_hz == pytest.approx(125, abs=0.05)


def test_read_says_what_is_wrong(tmp_path):
  good = "\n".join(f"{np.sin(i):.4f}" for i in range(400))
  assert "--rate_hz" in says(bidmc.read, saved(tmp_path / "a.csv", good), None, options())
  assert "no sampling rate of a PPG" in says(bidmc.read, tmp_path / "a.csv", -5.0, options())
  assert "less than one window" in says(bidmc.read, tmp_path / "a.csv", 125.0, options())
  assert "does not exist" in says(bidmc.read, tmp_path / "b.csv", 50.0, options())
  assert "not one finite value" in says(bidmc.read, saved(tmp_path / "c.csv", "ppg\n" + "nan\n" * 400), 50.0, options())
  assert "flat" in says(bidmc.read, saved(tmp_path / "d.csv", "1\n" * 400), 50.0, options())
  assert "exactly one" in says(bidmc.read, saved(tmp_path / "e.csv", "red,infrared\n1,2\n"), 50.0, options())
  assert "exactly one" in says(bidmc.read, saved(tmp_path / "f.csv", "ppg 1,ppg 2\n1,2\n"), 50.0, options())
  assert "no table of numbers" in says(bidmc.read, saved(tmp_path / "g.csv", "ppg\none\n"), 50.0, options())
  assert "no table of numbers" in says(bidmc.read, saved(tmp_path / "h.csv", ""), 50.0, options())
  (tmp_path / "m.csv").write_bytes(b"\x89PNG\x00\xff\n\x00")
  assert "no table of numbers" in says(bidmc.read, tmp_path / "m.csv", 50.0, options())
  assert "no table of numbers" in says(bidmc.read, saved(tmp_path / "n.csv", "p" * 200000), 50.0, options())
  wide = saved(tmp_path / "k.csv", "ppg\n" + "1,2\n" * 400)
  assert "1 names for 2 columns" in says(bidmc.read, wide, 50.0, options())
  millis = saved(tmp_path / "l.csv", "\n".join(["Time [ms],ppg", *(f"{20 * i},{np.sin(i)}" for i in range(400))]))
  assert "0.05 Hz" in says(bidmc.read, millis, None, options())
  back = [f"{i / 50 - (3 if i > 200 else 0)},{np.sin(i)}" for i in range(400)]
  back = saved(tmp_path / "i.csv", "\n".join(["time,ppg", *back]))
  assert "runs backwards or is missing after 4" in says(bidmc.read, back, None, options())
  year = [f"{i / 50 + (3e7 if i > 200 else 0)},{np.sin(i)}" for i in range(400)]
  assert "347.2 days" in says(bidmc.read, saved(tmp_path / "o.csv", "\n".join(["time,ppg", *year])), None, options())
  blank = [f"{i / 50 if i != 200 else ''},{np.sin(i)}" for i in range(400)]
  assert "is missing after 3.98" in says(bidmc.read, saved(tmp_path / "p.csv", "\n".join(["time,ppg", *blank])), None, options())
  assert "nan Hz" in says(bidmc.read, saved(tmp_path / "q.csv", "time,ppg\n" + "1,2\n" * 400), None, options())
  for rate_hz in (0.5, 8, 2e4, float("nan"), float("inf")):
    assert "no sampling rate of a PPG" in says(bidmc.read, tmp_path / "a.csv", rate_hz, options())
  steady = saved(tmp_path / "j.csv", "\n".join(["time,ppg", *(f"{i / 50},{np.sin(i)}" for i in range(400))]))
  assert "--rate_hz says 60" in says(bidmc.read, steady, 60.0, options())


def test_read_says_what_is_wrong_with_a_wfdb_record(folder):
  data = (folder / "bidmc02.dat").read_bytes()
  (folder / "bidmc02.dat").write_bytes(data[:-100])
  sentence = says(bidmc.read, folder / "bidmc02", None, options())
  assert "bidmc02.dat" in sentence and "truncated" in sentence and "export it again" in sentence


def test_read_refuses_arrays_that_are_no_signal(tmp_path):
  np.save(tmp_path / "object.npy", np.array([{"run": "me"}], dtype=object), allow_pickle=True)
  np.save(tmp_path / "two.npy", np.zeros((2, 400)))
  (tmp_path / "text.npy").write_text("hello")
  np.save(tmp_path / "complex.npy", np.exp(1j * np.arange(400)))
  np.save(tmp_path / "empty.npy", np.zeros(0))
  (tmp_path / "nothing.npy").touch()
  np.savez(tmp_path / "several.npz", a=np.zeros(400))
  (tmp_path / "several.npz").rename(tmp_path / "several.npy")
  (tmp_path / "zip.npy").write_bytes((tmp_path / "several.npy").read_bytes()[:900])
  (tmp_path / "cut.npy").write_bytes((tmp_path / "complex.npy").read_bytes()[:1000])
  for name in ("object", "text", "nothing", "cut", "zip"):
    assert "not a NumPy array of numbers" in says(bidmc.read, tmp_path / f"{name}.npy", 50.0, options()), name
  for name in ("two", "complex", "empty", "several"):
    assert "real array with one axis" in says(bidmc.read, tmp_path / f"{name}.npy", 50.0, options()), name
  assert "does not exist" in says(bidmc.read, tmp_path, 50.0, options())


def test_read_takes_arrays_and_refuses_others():
  x_t = np.sin(np.arange(400))
  for form in (x_t, list(x_t), np.ma.masked_array(x_t, np.zeros(400))):
    record = bidmc.read(form, 50.0, options())
    assert record.id == "recording" and record.rate_hz == 50
    np.testing.assert_allclose(record.signals["ppg_t"], x_t, atol=1e-6)
  masked = bidmc.read(np.ma.masked_array(x_t, np.arange(400) == 7), 50.0, options())
  assert np.flatnonzero(np.isnan(masked.signals["ppg_t"])).tolist() == [7]
  for wrong, word in ((np.zeros((2, 400)), "one axis"), (np.zeros(0), "one axis"), ([[1, 2], [3]], "one axis"),
                      (["a"] * 400, "real"), (np.array(3.0), "one axis"), (x_t > 0, "real"),
                      (np.full(400, np.nan), "not one finite"), (x_t[:100], "less than one")):
    assert word in says(bidmc.read, wrong, 50.0, options())
  assert "--rate_hz" in says(bidmc.read, x_t, None, options())


def spans(record) -> list:
  """(first, last) in samples of the runs of NaN."""
  return [tuple(map(int, run)) for run in core.runs(np.isnan(record.signals["ppg_t"]))]


def test_what_is_no_signal_is_nan():
  x_t = np.sin(np.arange(1000) / 3)
  x_t[100:130] = np.nan
  x_t[200], x_t[201] = np.inf, 1e300
  x_t[300:400] = 0.7          # 2 s at 50 Hz
  x_t[500:599] = 0.7          # not quite
  x_t[900:] = -3.0
  record = bidmc.read(x_t, 50.0, options())
  assert spans(record) == [(100, 130), (200, 202), (300, 400), (900, 1000)]
  assert "flat throughout" in says(bidmc.read, np.r_[np.full(300, 1.0), np.nan, np.full(300, 2.0)], 50.0, options())


def timed(path: pathlib.Path, time_s: np.ndarray, x_t: np.ndarray, form: str = ".6f") -> pathlib.Path:
  return saved(path, "\n".join(["time,ppg", *(f"{t:{form}},{x:.6f}" for t, x in zip(time_s, x_t))]))


@pytest.mark.parametrize("form, slack", [(".6f", 1), (".1f", 10), (".0f", 100)], ids=["exact", "tenths", "seconds"])
def test_a_time_column_that_jumps_leaves_a_gap_of_its_length(tmp_path, form, slack):
  rate_hz = 50
  time_s, x_t = 1000 + np.arange(3000) / rate_hz, np.sin(np.arange(3000) / 3)
  steady = bidmc.read(timed(tmp_path / "steady.csv", time_s, x_t, form), None, options())
  assert steady.rate_hz == pytest.approx(rate_hz, rel=0.02) and not spans(steady) and len(steady.signals["ppg_t"]) == 3000
  later_s = time_s + 9.0 * (time_s >= 1020) + 30.0 * (time_s >= 1040)
  record = bidmc.read(timed(tmp_path / "jumps.csv", later_s, x_t, form), None, options())
  assert record.rate_hz == pytest.approx(rate_hz, rel=0.03)   # half a second at each jump, of a minute
  found = spans(record)
  np.testing.assert_allclose(found, [(1000, 1450), (2450, 3950)], atol=slack)
  kept = record.signals["ppg_t"][~np.isnan(record.signals["ppg_t"])]
  np.testing.assert_allclose(kept, x_t, atol=1e-5)   # not a sample is lost or invented


def test_lost_packets_do_not_bend_time(tmp_path):
  time_s = np.arange(6000) / 50
  keep = np.random.default_rng(0).uniform(size=600).repeat(10) > 0.1   # a tenth of all packets of 0.2 s
  keep[:10] = True
  x_t = np.sin(2 * np.pi * time_s)
  record = bidmc.read(timed(tmp_path / "lossy.csv", time_s[keep], x_t[keep]), None, options())
  assert record.rate_hz == pytest.approx(50, rel=1e-3)
  got_t = record.signals["ppg_t"]
  good = np.flatnonzero(np.isfinite(got_t))
  np.testing.assert_allclose(got_t[good], np.sin(2 * np.pi * good / 50), atol=0.05)


def test_a_csv_with_blanks_is_read_in_parts(tmp_path, monkeypatch):
  monkeypatch.setattr(csv_columns, "_LINES", 50)
  x_t = np.sin(np.arange(400))
  lines = [f"{x:.6f}" if i % 90 else "" for i, x in enumerate(x_t)]
  gaps = saved(tmp_path / "a.csv", "\n".join(["nr,ppg", *(f"{i},{x}" for i, x in enumerate(lines)), "", " "]))
  record = bidmc.read(gaps, 50.0, options())
  assert spans(record) == [(i, i + 1) for i in range(0, 400, 90)] and len(record.signals["ppg_t"]) == 400
  late = saved(tmp_path / "b.csv", "\n".join(["nr,ppg", *(f"{i},{x}" for i, x in enumerate(x_t)), "3,4,5"]))
  assert "no table of numbers" in says(bidmc.read, late, 50.0, options())
