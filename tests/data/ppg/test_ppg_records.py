"""A PPG in records that hold more, WFDB of many segments or EDF: the right signal or a sentence."""
import pathlib

import numpy as np
import pytest
from fake_bidmc import says
from fake_edf import edf_bytes
from fake_wfdb import LINE, write

from jaxsig.data.ppg.ppg_file import read_ppg

PULSE = np.round(100 * np.sin(np.arange(1000) / 8)).astype(int)
OTHER = np.round(100 * np.sin(np.arange(1000) / 3)).astype(int)
BOTH = np.stack([PULSE, OTHER], axis=-1)
PPG = ((PULSE - 3) / 50).astype(np.float32)


def segment(folder: pathlib.Path, name: str, first: int, past: int) -> None:
  write(folder, name, f"{name} 2 125 {past - first}", stored=BOTH[first:past])


@pytest.mark.parametrize("segments", [["layout 0", "a 600", "~ 300", "b 400"], ["a 600", "b 400"]])
def test_a_record_of_many_segments(tmp_path, segments):
  (tmp_path / "layout.hea").write_text("layout 2 125 0\n~ 0 1/NU PLETH\n~ 0 1/NU II\n")
  segment(tmp_path, "a", 0, 600)
  segment(tmp_path, "b", 600, 1000)
  header = tmp_path / "all.hea"
  header.write_text(f"all/{len(segments)} 2 125\n" + "\n".join(segments))

  record = read_ppg(header, None)
  assert record.rate_hz == 125
  ppg_t = record.signals["ppg_t"]
  missing = np.flatnonzero(np.isnan(ppg_t))
  if len(segments) == 4:
    assert missing.tolist() == list(range(600, 900))
  np.testing.assert_allclose(ppg_t[~np.isnan(ppg_t)], PPG, atol=1e-6)


def test_two_signals_of_one_name_are_not_chosen_from(tmp_path):
  header = write(tmp_path, first_line="r 2 125 1000", stored=BOTH, names=["PLETH", "PLETH,"])
  assert "PLETH" in says(read_ppg, header, None)


def test_one_signal_without_a_description(tmp_path):
  lines = ["{file} {form} 50(3)/NU 16 0 0 0 0"]
  header = write(tmp_path, first_line="r 1 125 1000", lines=lines, stored=PULSE)
  np.testing.assert_allclose(read_ppg(header, None).signals["ppg_t"], PPG, atol=1e-6)


def test_a_header_without_a_rate_asks_for_it(tmp_path):
  header = write(tmp_path, first_line="r 1", lines=[LINE], stored=PULSE)
  assert "--rate_hz" in says(read_ppg, header, None)
  record = read_ppg(header, 125.0)
  assert record.rate_hz == 125
  np.testing.assert_allclose(record.signals["ppg_t"], PPG, atol=1e-6)


@pytest.mark.parametrize("kind", ["EDF", "BDF"])
def test_edf_and_bdf(tmp_path, kind):
  ppg = {"samples": 100, "stored_low": -200, "stored_high": 200}, PULSE.reshape(10, 100)
  other = {"samples": 50, "label": "Resp"}, OTHER[:500].reshape(10, 50)
  path = tmp_path / f"night.{kind.lower()}"
  path.write_bytes(edf_bytes(other, ppg, kind=kind))
  record = read_ppg(path, None)
  assert record.rate_hz == 100
  np.testing.assert_allclose(record.signals["ppg_t"], PULSE / 50, atol=1e-6)
