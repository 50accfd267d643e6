"""Records: stitching of windows, parts of records, and padding."""
import numpy as np
import pytest

from jaxsig.data.records import (
  Record,
  Segment,
  clipped,
  joined_spans,
  pad_rows,
  spans_of,
  window_names,
)
from jaxsig.data.stitching import Stitcher, stitch
from jaxsig.data.stored import StoredArray

pytestmark = pytest.mark.quick


# Stitching

@pytest.mark.parametrize("stride_s", [4.0, 2.0, 1.0])
def test_stitching_is_exact_where_windows_agree_and_keeps_what_has_no_time(stride_s):
  rate_hz, window_s = 10.0, 4.0
  whole_t = np.sin(np.arange(200) / 7).astype(np.float32)
  starts_s = np.arange(0, 20 - window_s + 1e-9, stride_s)
  first_b = np.rint(starts_s * rate_hz).astype(int)
  cut_b_t = whole_t[first_b[:, None] + np.arange(40)]
  outputs = {
    "x_b_t": cut_b_t,
    "x_b_s_t": np.stack([cut_b_t, -cut_b_t], 1),
    "rate_bpm_b": starts_s,
  }
  joined = stitch(outputs, spans_of(starts_s, window_s))

  n = joined["x_t"].shape[-1]
  np.testing.assert_allclose(joined["x_t"], whole_t[:n], atol=1e-6)
  np.testing.assert_allclose(joined["x_s_t"], [whole_t[:n], -whole_t[:n]], atol=1e-6)
  assert joined["rate_hz"] == rate_hz
  np.testing.assert_array_equal(joined["rate_bpm_b"], starts_s)
  np.testing.assert_array_equal(joined["start_s_b"], starts_s)
  np.testing.assert_array_equal(joined["length_s_b"], np.full(len(starts_s), window_s))


def test_stitching_fades_from_one_window_to_the_next():
  two_b_t = np.stack([np.zeros(8), np.ones(8)])
  x_t = stitch({"x_b_t": two_b_t}, spans_of([0.0, 0.4], 0.8))["x_t"]
  assert (np.diff(x_t) >= 0).all()
  assert x_t[0] == 0
  assert x_t[-1] == 1
  assert 0 < x_t[5] < x_t[6] < 1


def test_stitching_leaves_gaps():
  x_t = stitch({"x_b_t": np.ones((2, 4))}, spans_of([0.0, 0.8], 0.4))["x_t"]
  assert np.isnan(x_t[4:8]).all()
  assert np.isfinite(x_t[:4]).all()
  assert np.isfinite(x_t[8:]).all()


def test_trailing_stitching_takes_the_first_window_that_reaches_a_sample():
  windows_b_t = np.stack([np.full(4, value) for value in (1.0, 2.0, 3.0)])
  x_t = stitch({"x_b_t": windows_b_t}, spans_of([0.0, 0.2, 0.4], 0.4), trailing=True)["x_t"]
  np.testing.assert_array_equal(x_t, [1, 1, 1, 1, 2, 2, 3, 3])


@pytest.mark.parametrize("trailing", [False, True])
@pytest.mark.parametrize("stride_s", [4.0, 1.3, 7.0])
@pytest.mark.parametrize("size", [1, 3, 7])
def test_stitching_in_batches_is_that_at_once_bit_for_bit(trailing, stride_s, size):
  draw = np.random.default_rng(0)
  spans = spans_of(np.arange(11) * stride_s, 4.0)
  outputs = {
    "x_b_t": draw.standard_normal((11, 40)).astype(np.float32),
    "x_b_s_t": draw.standard_normal((11, 2, 40)).astype(np.float32),
    "pmf_b_r": draw.random((11, 5)),
  }
  at_once = stitch(outputs, spans, trailing)

  stitcher = Stitcher(spans, trailing)
  for first in range(0, 11, size):
    stitcher.add({name: x[first:first + size] for name, x in outputs.items()})
  in_batches = stitcher.result()
  assert in_batches.keys() == at_once.keys()
  for name, x in at_once.items():
    np.testing.assert_array_equal(in_batches[name], x, err_msg=name, strict=True)


def test_windows_of_unequal_length_have_no_waveform():
  spans = joined_spans([spans_of([0.0], 1.0), spans_of([1.0], 2.0)])
  assert list(stitch({"x_b": np.arange(2)}, spans)["x_b"]) == [0, 1]
  with pytest.raises(ValueError, match="x_t cannot be stitched"):
    stitch({"x_b_t": np.ones((2, 4))}, spans)


# Parts of records

@pytest.fixture
def record():
  """Twenty seconds at 10 Hz."""
  time_t = np.arange(200) / 10
  annotations = {
    "marks_s": np.array([0.5, 4.0, 7.9, 8.0, 19.0]),
    "label_t": np.arange(200),
    "ages_k": np.arange(3),
  }
  signals = {"x_t": time_t.astype(np.float32), "y_t_c": np.stack([time_t, -time_t], -1)}
  return Record("r", "g", 10.0, signals, annotations, {"sex": "F"})


def test_a_part_of_a_record_counts_from_its_own_start(record):
  part = clipped(record, Segment("g", "r", 4.0, 8.0))
  assert part.duration_s == 4.0
  np.testing.assert_array_equal(part.signals["x_t"], record.signals["x_t"][40:80])
  np.testing.assert_array_equal(part.signals["y_t_c"], record.signals["y_t_c"][40:80])
  np.testing.assert_allclose(part.annotations["marks_s"], [0.0, 3.9])   # 8.0 is past its end
  np.testing.assert_array_equal(part.annotations["label_t"], np.arange(40, 80))
  np.testing.assert_array_equal(part.annotations["ages_k"], np.arange(3))   # no times
  assert (part.id, part.group, part.info) == ("r", "g", {"sex": "F", "from_s": 4.0})
  assert record.duration_s == 20.0   # the record itself stays as it is


def test_a_part_holds_no_sample_from_outside(record):
  part = clipped(record, Segment("g", "r", 4.03, 7.98))
  np.testing.assert_array_equal(part.signals["x_t"], record.signals["x_t"][41:79])


def test_the_rest_of_a_record_reaches_its_end(record):
  rest = clipped(record, Segment("g", "r", 15.0))
  assert rest.duration_s == 5.0
  np.testing.assert_allclose(rest.annotations["marks_s"], [4.0])


def test_a_whole_record_is_the_record_itself(record):
  assert clipped(record, Segment("g", "r")) is record


def test_a_part_of_a_stored_record_is_the_same(record, tmp_path):
  signals = {}
  for name, x in record.signals.items():
    np.save(tmp_path / f"{name}.npy", x)
    signals[name] = StoredArray(tmp_path / f"{name}.npy")
  segment = Segment("g", "r", 4.0, 8.0)
  part = clipped(record._replace(signals=signals), segment)
  for name, x in clipped(record, segment).signals.items():
    assert isinstance(part.signals[name], np.ndarray)
    np.testing.assert_array_equal(part.signals[name], x, strict=True)


# Ids

def test_padding_is_masked():
  ids, mask = pad_rows(np.array([4, 5]), 5)
  assert list(ids) == [4, 5, 4, 4, 4]
  assert list(mask) == [1, 1, 0, 0, 0]


def test_each_window_has_a_name_of_its_own():
  names = np.concatenate([window_names(record, np.arange(50)) for record in ("a", "b")])
  assert len(np.unique(names, axis=0)) == 100
  np.testing.assert_array_equal(window_names("a", np.array([7])), names[7:8])
