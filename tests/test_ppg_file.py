"""A user's own file: CSV, NPY or WFDB, or one sentence that says what is wrong with it."""
import pathlib

import fake_bidmc
import numpy as np
import pytest
from fake_bidmc import options, says, sines

from jaxsig.data import bidmc


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
  assert "missing values" in says(bidmc.read, saved(tmp_path / "c.csv", "ppg\n" + good + "\nnan"), 50.0, options())
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
  times = [f"{i / 50 + (9 if i > 200 else 0)},{np.sin(i)}" for i in range(400)]
  jump = saved(tmp_path / "i.csv", "\n".join(["time,ppg", *times]))
  assert "jumps after 4" in says(bidmc.read, jump, None, options())
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
  for name, words in (("object", "array of numbers"), ("two", "one axis"), ("text", "array of numbers")):
    assert words in says(bidmc.read, tmp_path / f"{name}.npy", 50.0, options())
