"""Columns that count are no PPG; pulses that drift are."""
import numpy as np
import pytest
from fake_bidmc import says

from jaxsig.data.ppg.ppg_file import read_ppg

pytestmark = pytest.mark.quick
T = np.arange(6000.0)
PULSE = np.exp(-0.5 * ((T / 50 % 1 - 0.2) / 0.1) ** 2)
GAP = np.where((T > 1000) & (T < 1100), np.nan, T)


@pytest.mark.parametrize(
  "x",
  [T, T / 64, -T, 1.7e9 + T / 64, T % 256, np.floor(0.7 * T), GAP, T**2, range(6000)],
  ids=["samples", "times", "down", "since 1970", "wraps", "rounded", "gap", "bent", "range"],
)
def test_what_only_rises_or_falls_is_refused(x):
  assert "as a counter or a column of times does" in says(read_ppg, x, 50.0)


@pytest.mark.parametrize(
  "x",
  [PULSE, -PULSE, PULSE + 1e-4 * T, np.rint(20 * PULSE) + 0.001 * (T % 2), PULSE**8],
  ids=["upright", "inverted", "drift", "steps", "narrow"],
)
def test_a_pulse_is_read(x):
  assert len(read_ppg(x, 50.0).signals["ppg_t"]) == 6000
