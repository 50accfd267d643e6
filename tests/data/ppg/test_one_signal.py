"""A PPG that is given as an array or stored in an NPY file."""
import array
import io
import pathlib
import tracemalloc

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from fake_bidmc import says
from fake_pulses import pulses

from jaxsig.data.ppg.ppg_file import read_ppg

PULSES = pulses(10).astype(np.float32).astype(np.float64)
READ_ONLY = PULSES.copy()
READ_ONLY.setflags(write=False)

SIGNALS = {
  "list": PULSES.tolist(),
  "tuple": tuple(PULSES),
  "Series": pd.Series(PULSES),
  "Series of objects": pd.Series(PULSES.tolist(), dtype=object),
  "Series that may lack values": pd.Series(PULSES, dtype="Float64"),
  "array.array": array.array("d", PULSES),
  "jax": jnp.asarray(PULSES),
  "read-only": READ_ONLY,
  "big-endian": PULSES.astype(">f8"),
  "single": PULSES.astype(np.float32),
  "long double": PULSES.astype(np.longdouble),
  "every other": np.repeat(PULSES, 2)[::2],
  "column": PULSES[:, None],
  "row": PULSES[None],
  "DataFrame": pd.DataFrame({"ppg": PULSES}),
  "list of lists": [[value] for value in PULSES],
}


@pytest.mark.parametrize("name", SIGNALS)
def test_what_is_one_signal(name):
  record = read_ppg(SIGNALS[name], 64.0)
  np.testing.assert_array_equal(record.signals["ppg_t"], PULSES.astype(np.float32))


@pytest.mark.parametrize("name", ["column", "row", "DataFrame", "list of lists"])
def test_an_axis_that_is_dropped_is_told(name):
  [note] = read_ppg(SIGNALS[name], 64.0).info["notes"]
  assert "640" in note and "as one signal" in note


def test_an_array_has_no_names_to_choose_from(tmp_path):
  np.save(tmp_path / "a.npy", PULSES)
  for source in (PULSES, tmp_path / "a.npy"):
    assert read_ppg(source, 64.0, "0").duration_s == 10
    assert "leave own.signal out" in says(read_ppg, source, 64.0, "PPG")


LACKING = PULSES.tolist()
LACKING[5] = None
FIFTH = np.arange(640) == 5
MISSING = {
  "masked": np.ma.masked_array(PULSES, FIFTH),
  "masked whole numbers": np.ma.masked_array(np.round(99 * PULSES).astype(int), FIFTH),
  "None": LACKING,
  "NA": pd.Series(LACKING, dtype="Float64"),
  "NaN": np.where(FIFTH, np.nan, PULSES),
  "infinite": np.where(FIFTH, -np.inf, PULSES),
}


@pytest.mark.parametrize("name", MISSING)
def test_what_is_missing_is_nan(name):
  ppg_t = read_ppg(MISSING[name], 64.0).signals["ppg_t"]
  assert np.flatnonzero(np.isnan(ppg_t)).tolist() == [5]


NONE = {
  "None": None,
  "a number": 3,
  "no axis": np.array(3.0),
  "nothing": [],
  "two columns": np.stack([PULSES, PULSES], -1),
  "DataFrame of two": pd.DataFrame({"a": PULSES, "b": PULSES}),
  "three axes": PULSES[:, None, None],
  "one by one": np.ones((1, 1)),
  "truth values": PULSES > 0,
  "complex": PULSES + 0j,
  "text": [str(value) for value in PULSES],
  "objects": [object()] * 640,
  "times": np.arange(640).astype("datetime64[s]"),
  "ragged": [[1, 2], [3]],
  "dict": {"ppg": PULSES},
  "generator": (value for value in PULSES),
  "bytes": b"1,2,3",
  "bytearray": bytearray(640),
  "open file": io.BytesIO(b"1"),
  "fields": np.rec.fromarrays([PULSES], names="ppg"),
  "bfloat16": jnp.asarray(PULSES, jnp.bfloat16),
}


@pytest.mark.parametrize("name", NONE)
def test_what_is_no_signal(name):
  assert "as a real array with one axis" in says(read_ppg, NONE[name], 64.0)


def header_alone(path: pathlib.Path, shape: tuple[int, ...], kind: str = "<f8") -> pathlib.Path:
  """An NPY file of 1000 bytes of samples, whatever its header says."""
  with path.open("wb") as file:
    header = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    file.write(bytes(1000))
  return path


@pytest.mark.parametrize("shape", [(10**10,), (10**30,), (126,), (-5,), (10**5, 10**5)])
def test_a_header_that_says_more_than_there_is(tmp_path, shape):
  path = header_alone(tmp_path / "a.npy", shape)
  tracemalloc.start()
  sentence = says(read_ppg, path, 64.0)
  _, peak = tracemalloc.get_traced_memory()
  tracemalloc.stop()
  assert "cut short" in sentence
  assert peak < 2**20


def test_an_npy_is_read_in_bounded_memory(tmp_path):
  """8 MiB of samples in parts: the result in single precision, and little more than half of it."""
  x_t = np.tile(np.round(1000 * pulses(10)).astype(np.int16), 6554)
  np.save(tmp_path / "a.npy", x_t)
  read_ppg(tmp_path / "a.npy", 64.0)   # what is imported on the way does not count
  tracemalloc.start()
  record = read_ppg(tmp_path / "a.npy", 64.0)
  _, peak = tracemalloc.get_traced_memory()
  tracemalloc.stop()
  kept = record.signals["ppg_t"].nbytes
  assert kept == 4 * len(x_t) > 2**24
  assert peak < 1.5 * kept + 5 * 2**23
