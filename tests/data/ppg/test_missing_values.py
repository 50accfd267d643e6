"""What of a user's PPG is signal: codes, spikes, fills, still stretches and offsets."""
import numpy as np
import pytest
from fake_bidmc import says
from fake_pulses import pulses

from jaxsig.data.ppg import outside_values, still_values
from jaxsig.data.ppg.missing_values import cleaned

RATE_HZ = 64.0
PULSES = pulses(60)


def put(x_t: np.ndarray, value: float, times: int, length: int = 1) -> np.ndarray:
  """A copy that shows a value so many times, apart from each other."""
  x_t = np.array(x_t)
  for first in np.linspace(70, len(x_t) - 170, times).astype(int):
    x_t[first:first + length] = value
  return x_t


def clean(x_t: np.ndarray) -> tuple[np.ndarray, list[str]]:
  return cleaned(x_t, RATE_HZ, "the PPG")


COUNTS = 2000 + 200 * PULSES
CODED = {
  "-9999": (put(PULSES, -9999.0, 3), 3),
  "-999 once in two": (put(PULSES, -999.0, 2), 2),
  "65535": (put(COUNTS, 65535.0, 3), 3),
  "0 below a level": (put(200000 + 2000 * PULSES, 0.0, 20), 20),
  "-1 in gaps of 1.5 s": (put(COUNTS, -1.0, 10, 96), 960),
  "-32768 of 16 bits": (put(1000 * PULSES, -32768, 4).astype(np.int16), 4),
  "NetCDF": (put(PULSES, 9.969209968386869e36, 4), 4),
  "1e20": (put(PULSES, 1e20, 5, 3), 15),
  "1e300": (put(PULSES, 1e300, 5), 5),
  "2147483647": (put(1000 * PULSES, 2147483647, 3).astype(np.int32), 3),
  "255 of 8 bits": (put(100 + 20 * PULSES, 255, 9).astype(np.uint8), 9),
  "every third": (np.where(np.arange(3840) % 3, COUNTS, 0.0), 1280),
  "several codes": (put(put(PULSES, -9999.0, 3), 65535.0, 2, 2), 5),
  "after a scale": (put(1e-9 * PULSES, -1.0, 3), 3),
}


@pytest.mark.parametrize("name", CODED)
def test_codes_for_missing_values(name):
  x_t, samples = CODED[name]
  ppg_t, notes = clean(x_t)
  assert np.isnan(ppg_t).sum() == samples
  assert "apart from the signal" in notes[0]
  kept = np.isfinite(ppg_t)
  np.testing.assert_array_equal(ppg_t[kept], x_t[kept].astype(np.float32))


def test_a_code_is_told_with_its_count():
  _, notes = clean(put(PULSES, -9999.0, 3))
  assert notes == ["3 samples hold -9999, apart from the signal: taken for missing."]


FAULTLESS = {
  "plain": PULSES,
  "clipped above": np.minimum(PULSES, 0.7),
  "clipped below": np.maximum(PULSES, 0.1),
  "clipped at both ends": np.clip(PULSES, 0.0, 0.9),
  "zeros within": put(PULSES, 0.0, 30),
  "resting on zero": np.maximum(PULSES - 0.3, 0.0),
  "8 bits": np.round(60 + 40 * PULSES).astype(np.uint8),
  "3 bits": np.round(3 * PULSES),
  "a few tall pulses of 4 bits": np.round(8 * np.where(np.arange(3840) < 200, 1.5, 1) * PULSES),
  "half precision": PULSES.astype(np.float16),
  "big endian": PULSES.astype(">f8"),
  "repeated samples": np.repeat(PULSES, 3),
  "a change of gain": np.concatenate([PULSES, 20 * PULSES]),
  "a jump of the level": np.concatenate([PULSES, 40 + PULSES]),
  "a motion": PULSES + 30 * np.exp(-(((np.arange(3840) - 2000) / 40) ** 2)),
  "growing": np.linspace(1, 50, 3840) * PULSES,
  "at 1e6": 1e6 + np.round(1e4 * PULSES),
}


@pytest.mark.parametrize("name", FAULTLESS)
def test_a_recording_without_a_fault_is_left_as_it_is(name):
  x_t = FAULTLESS[name]
  ppg_t, notes = clean(x_t)
  np.testing.assert_array_equal(ppg_t, x_t.astype(np.float32))
  assert notes == []


@pytest.mark.parametrize("value", [1e3, -1e3, 1e12, -500.0])
def test_single_spikes(value):
  x_t = put(PULSES, value, 1)
  x_t[3000] = 1.3 * value
  ppg_t, notes = clean(x_t)
  assert np.isnan(ppg_t).sum() == 2
  assert notes == ["2 samples lie far outside of the signal (spikes): taken for missing."]


@pytest.mark.parametrize(("value", "length"), [(0.0, 60), (0.3, 100), (-1.0, 90), (2.5, 30)])
def test_a_value_that_fills_gaps(value, length):
  ppg_t, notes = clean(put(PULSES, value, 8, length))
  assert np.isnan(ppg_t).sum() == pytest.approx(8 * length, abs=8)
  assert "taken for missing" in notes[0]


def test_a_stretch_that_stands_still():
  x_t = PULSES.copy()
  x_t[1000:1200] = 0.4
  ppg_t, notes = clean(x_t)
  assert np.flatnonzero(np.isnan(ppg_t)).tolist() == list(range(1000, 1200))
  assert notes == ["1 stretch (3.1 s in all) shows one value for 2 s or longer: taken for missing."]


def test_infinite_values_are_told():
  ppg_t, notes = clean(put(PULSES, np.inf, 5))
  assert np.isnan(ppg_t).sum() == 5
  assert notes == ["5 samples are infinite: taken for missing."]


@pytest.mark.parametrize(
  ("offset", "scale"), [(1e9, 100), (-1e9, 100), (1e6, 0.01), (1e12, 1e6), (1.7e18, 1e6)]
)
def test_an_offset_that_single_precision_cannot_hold(offset, scale):
  ppg_t, notes = clean(offset + scale * PULSES)
  assert "offset" in notes[0]
  assert np.corrcoef(ppg_t, PULSES)[0, 1] > 0.9999


def test_whole_numbers_beside_a_huge_offset():
  x_t = (2**62 + 1e6 * PULSES).astype(np.int64)
  assert np.corrcoef(clean(x_t)[0], PULSES)[0, 1] > 0.9999


@pytest.mark.parametrize("scale", [1e300, 1e39, 1e-40, 1e-300])
def test_a_scale_that_single_precision_cannot_hold(scale):
  ppg_t, notes = clean(scale * PULSES)
  assert "divided" in notes[0]
  assert np.corrcoef(ppg_t, PULSES)[0, 1] > 0.9999


@pytest.mark.parametrize(
  ("x_t", "words"),
  [
    (np.full(400, np.nan), "not one finite value"),
    (np.full(400, np.inf), "not one finite value"),
    (np.full(400, -9999.0), "flat throughout"),
    (np.repeat([1.0, 2.0], 200), "flat throughout"),
  ],
  ids=["nan", "infinite", "one code", "two values"],
)
def test_nothing_is_left(x_t, words):
  assert words in says(clean, x_t)


@pytest.mark.parametrize("size", [7, 64, 200, 1000])
def test_parts_do_not_show(monkeypatch, size):
  x_t = put(put(PULSES, -9999.0, 3), 1e3, 1)
  x_t[1000:1200] = 0.4
  whole_t, notes = clean(x_t)
  for module in (outside_values, still_values):
    monkeypatch.setattr(module, "BLOCK", size)
  monkeypatch.setattr("jaxsig.data.ppg.missing_values.BLOCK", size)
  parts_t, notes_of_parts = clean(x_t)
  np.testing.assert_array_equal(parts_t, whole_t)
  assert notes_of_parts == notes
