"""The waveforms of a user's own PPG as a CSV file."""
import numpy as np
from fake_bidmc import sines

from jaxsig.systems.respiration import own_file


def test_a_column_a_waveform_and_a_sample(tmp_path):
  predictions = {
    "resp_t": np.arange(4.0),
    "resp_s_t": np.ones((2, 4)),
    "rate_hz": 2.0,
    "spread_bpm_b": np.array([1.0, np.nan]),
  }
  record = sines(0.3, 20)._replace(predictions=predictions)
  own_file._write_waveforms(record, tmp_path / "a.csv")
  lines = (tmp_path / "a.csv").read_text().splitlines()
  assert lines[0] == "time_s,resp,resp_0,resp_1"
  assert lines[2] == "0.5,1,1,1"
  assert len(lines) == 5
