"""Gaps: bridged where they are short; stretches between them, and pieces that do not show."""
import numpy as np
import pytest
from fake_bidmc import options, prepare
from fake_recording import pulse

from jaxsig.data import gaps as gaps_module
from jaxsig.data.gaps import Stretch, gaps, pieces, runs, stretches, uncovered
from jaxsig.data.records import Record
from jaxsig.data.stored import StoredArray

pytestmark = pytest.mark.quick

RATE_HZ = 50.0


def record(x_t, rate_hz=RATE_HZ, **more) -> Record:
  signals = {"ppg_t": np.asarray(x_t, np.float32), **more}
  return Record("mine", "user", rate_hz, signals, {"breaths_1_s": np.ones(3)}, {})


@pytest.fixture
def ramp():
  """A ramp of 20 s without its start and end, a second to bridge, and a little more."""
  x_t = np.arange(1000.0)
  for first, last in ((0, 10), (100, 150), (300, 351), (900, 1000)):
    x_t[first:last] = np.nan
  return record(x_t)


def test_short_gaps_are_bridged_but_never_at_the_ends(ramp):
  found = gaps(ramp, 1.0)
  np.testing.assert_allclose(found.bridged_s, [(2, 3)])
  np.testing.assert_allclose(found.lost_s, [(0, 0.2), (6, 7.02), (18, 20)])


def test_a_line_through_a_ramp_is_the_ramp(ramp):
  first, second = stretches(ramp, 1.0)
  assert (first.start_s, second.start_s) == (0.2, 7.02)
  np.testing.assert_allclose(first.record.signals["ppg_t"], np.arange(10, 300))
  np.testing.assert_allclose(second.record.signals["ppg_t"], np.arange(351, 900))


def test_short_stretches_are_left_out_and_the_record_stays_as_it_was(ramp):
  assert [stretch.start_s for stretch in stretches(ramp, 1.0, least_s=6.0)] == [7.02]
  assert len(stretches(ramp, 0.0)) == 3
  assert np.isnan(ramp.signals["ppg_t"][100])


def test_a_record_without_gaps_is_one_stretch_of_the_same_signals():
  whole = record(np.arange(100.0))
  [stretch] = stretches(whole, 1.0)
  assert stretch.record.signals["ppg_t"].tobytes() == whole.signals["ppg_t"].tobytes()
  assert stretches(record(np.full(100, np.nan)), 1.0) == []


def test_a_gap_in_one_signal_is_a_gap_in_all():
  other_t = np.arange(90.0, dtype=np.float32)
  other_t[40:50] = np.nan
  first, second = stretches(record(np.arange(100.0), resp_t=other_t), 0.0)
  assert (first.start_s, second.start_s) == (0.0, 1.0)
  for stretch in (first, second):
    assert set(stretch.record.signals) == {"ppg_t", "resp_t"}
    for x_t in stretch.record.signals.values():
      assert len(x_t) == 40


def test_signals_of_several_channels_are_bridged_channel_by_channel():
  ramp_t = np.arange(100.0, dtype=np.float32)
  x_t_c = np.stack([ramp_t, -ramp_t], -1)
  x_t_c[40:50, 1] = np.nan   # one channel is enough
  [stretch] = stretches(record(ramp_t, mix_t_c=x_t_c), 0.2)
  np.testing.assert_allclose(stretch.record.signals["mix_t_c"], np.stack([ramp_t, -ramp_t], -1))


def test_runs_are_first_and_past_the_last():
  assert runs(np.array([1, 1, 0, 1, 0, 0, 1], bool)).tolist() == [[0, 2], [3, 4], [6, 7]]
  assert runs(np.zeros(3, bool)).shape == (0, 2)


def test_uncovered():
  starts_s = np.array([10.0, 20, 60])
  np.testing.assert_allclose(uncovered(starts_s, 15, 100), [(0, 10), (35, 60), (75, 100)])
  np.testing.assert_allclose(uncovered(np.zeros(0), 15, 100), [(0, 100)])
  assert uncovered(np.array([0.0, 10.0]), 15, 25).shape == (0, 2)


def answered_for(piece, start_s_b):
  """Which windows of a piece it answers for."""
  return (start_s_b >= piece.from_s - 1e-3) & (start_s_b < piece.to_s - 1e-3)


@pytest.mark.parametrize(("duration_s", "block_s"), [
    (15, 60), (163.4, 60), (240, 60), (901, 100), (900, 37), (655, 20),
])
def test_every_window_has_one_piece_and_the_end_has_a_window(duration_s, block_s):
  begin_s, window_s, stride_s, margin_s = 100.0, 15.0, 5.0, 20.0
  stretch = Stretch(begin_s, record(np.arange(round(RATE_HZ * duration_s))))
  starts_s = []
  for piece in pieces(stretch, window_s, stride_s, block_s):
    own_s = np.arange(0, piece.record.duration_s - window_s + 1e-6, stride_s)
    starts_s += [*(piece.start_s + own_s[answered_for(piece, own_s)])]
    first_sample = piece.record.signals["ppg_t"][0]
    assert first_sample == pytest.approx(RATE_HZ * (piece.start_s - begin_s), abs=1)
    if duration_s > block_s + 2 * margin_s:
      whole_strides_s = round(block_s / stride_s) * stride_s
      assert piece.record.duration_s <= whole_strides_s + 3 * margin_s + 1e-6

  regular_s = begin_s + np.arange(0, duration_s - window_s + 1e-6, stride_s)
  np.testing.assert_allclose(starts_s[:len(regular_s)], regular_s)
  assert len(starts_s) <= len(regular_s) + 1
  assert (np.diff(starts_s) > 0).all()
  after_the_last_s = begin_s + duration_s - window_s - starts_s[-1]
  assert -1e-6 <= after_the_last_s < 1


@pytest.mark.parametrize(("rate_hz", "tolerance"), [(125.0, 1e-3), (64.0, 1e-3), (124.97, 0.15)])
def test_blocks_prepare_the_windows_of_the_whole(rate_hz, tolerance):
  """Edges of resampling and filter ring: a block's margin keeps them out.

  At an odd rate a block begins between two samples. The first sample of all rings with the last.
  """
  config = options(window_s=15.0, stride_s=5.0, rate_hz=10.0)
  [stretch] = stretches(record(pulse(1200, rate_hz) + 3, rate_hz), 1.0)
  whole = prepare(stretch.record, config)

  windows, starts_s = [], []
  for piece in pieces(stretch, 15.0, 5.0, 200.0):
    part = prepare(piece.record, config)
    answers_b = answered_for(piece, part["start_s_b"])
    windows.append(part["ppg_b_t"][answers_b])
    starts_s.append(piece.start_s + part["start_s_b"][answers_b])

  n = len(whole["start_s_b"])
  np.testing.assert_allclose(np.concatenate(starts_s)[:n], whole["start_s_b"], atol=1e-3)
  got_b_t, want_b_t = np.concatenate(windows)[:n], whole["ppg_b_t"]
  np.testing.assert_allclose(got_b_t[1:-1], want_b_t[1:-1], atol=tolerance)
  np.testing.assert_allclose(got_b_t[[0, -1]], want_b_t[[0, -1]], atol=max(0.01, tolerance))


@pytest.mark.parametrize("block", [1, 7, 50, 1000])
def test_blocks_that_are_looked_through_do_not_show(block, ramp, monkeypatch):
  whole = stretches(ramp, 1.0)
  monkeypatch.setattr(gaps_module, "BLOCK_T", block)
  np.testing.assert_allclose(gaps(ramp, 1.0).lost_s, [(0, 0.2), (6, 7.02), (18, 20)])
  for a, b in zip(whole, stretches(ramp, 1.0), strict=True):
    assert a.start_s == b.start_s
    np.testing.assert_array_equal(a.record.signals["ppg_t"], b.record.signals["ppg_t"])


class Spied(StoredArray):
  """Counts what is read at once."""

  def __init__(self, path):
    super().__init__(path)
    self.read = []

  def __getitem__(self, index):
    x = super().__getitem__(index)
    self.read.append(len(x))
    return x


def test_what_is_on_disk_is_read_block_by_block_and_stays_there(tmp_path, monkeypatch):
  monkeypatch.setattr(gaps_module, "BLOCK_T", 100)
  x_t_c = np.arange(2000.0).reshape(1000, 2)
  np.save(tmp_path / "x.npy", x_t_c)
  spied = Spied(tmp_path / "x.npy")
  stored = record(np.zeros(1000))._replace(signals={"x_t_c": spied})
  [stretch] = stretches(stored, 1.0)
  assert stretch.record.signals["x_t_c"] is spied
  parts = list(pieces(stretch, 1.0, 1.0, 3.0))
  assert max(spied.read) == 100
  assert len(parts) > 3
  for part in parts:
    first = round(part.start_s * RATE_HZ)
    signal = part.record.signals["x_t_c"]
    assert isinstance(signal, StoredArray)
    np.testing.assert_array_equal(signal[:], x_t_c[first:first + len(signal)])


def test_a_gap_on_disk_is_bridged_in_its_stretch_alone(tmp_path):
  x_t_c = np.arange(2000.0).reshape(1000, 2)
  broken_t_c = x_t_c.copy()
  broken_t_c[100:110] = np.nan
  broken_t_c[300:600] = np.nan
  np.save(tmp_path / "x.npy", broken_t_c)
  stored = record(np.zeros(1000))._replace(signals={"x_t_c": StoredArray(tmp_path / "x.npy")})
  first, second = stretches(stored, 1.0)
  np.testing.assert_allclose(first.record.signals["x_t_c"], x_t_c[:300])
  assert isinstance(second.record.signals["x_t_c"], StoredArray)
  np.testing.assert_array_equal(second.record.signals["x_t_c"], x_t_c[600:])
