"""Recordings with gaps: bridged, cut into stretches, and long stretches into pieces that do not show."""
import fake_bidmc
import numpy as np
import pytest
from fake_recording import pulse

from jaxsig.data.gaps import Stretch, gaps, pieces, runs, stretches, uncovered
from jaxsig.data.ppg import ppg_windows
from jaxsig.data.records import Record

pytestmark = pytest.mark.quick

WINDOW_S, STRIDE_S = 15.0, 5.0


def record(x_t, rate_hz=50.0, **more):
  signals = {"ppg_t": np.asarray(x_t, np.float32), **more}
  return Record("own", "user", rate_hz, signals, {"breaths_1_s": np.ones(3)}, {})


# Gaps and stretches

@pytest.fixture
def ramp():
  """Twenty seconds of a ramp with gaps of 0.2 s (at its start), 1 s, 1.02 s and 2 s (at its end)."""
  x_t = np.arange(1000.0)
  for first, last in ((0, 10), (100, 150), (300, 351), (900, 1000)):
    x_t[first:last] = np.nan
  return record(x_t)


def test_a_gap_at_an_end_is_never_bridged_however_short(ramp):
  of_ramp = gaps(ramp, 1.0)
  np.testing.assert_allclose(of_ramp.bridged_s, [(2, 3)])
  np.testing.assert_allclose(of_ramp.lost_s, [(0, 0.2), (6, 7.02), (18, 20)])


def test_a_short_gap_is_bridged_by_a_straight_line(ramp):
  first, second = stretches(ramp, 1.0)
  assert (first.start_s, second.start_s) == (0.2, 7.02)
  np.testing.assert_allclose(first.record.signals["ppg_t"], np.arange(10, 300))
  np.testing.assert_allclose(second.record.signals["ppg_t"], np.arange(351, 900))
  assert np.isnan(ramp.signals["ppg_t"][100])   # the record itself is as it was
  assert first.record.annotations == {}


def test_a_short_stretch_is_left_out(ramp):
  assert [stretch.start_s for stretch in stretches(ramp, 1.0, least_s=6.0)] == [7.02]
  assert len(stretches(ramp, 0.0)) == 3


def test_a_record_without_a_gap_is_one_stretch_of_the_very_same_signal():
  whole = record(np.arange(100.0))
  [stretch] = stretches(whole, 1.0)
  assert stretch.record.signals["ppg_t"].tobytes() == whole.signals["ppg_t"].tobytes()


def test_a_record_of_nothing_has_no_stretch():
  assert stretches(record(np.full(100, np.nan)), 1.0) == []


def test_a_gap_in_one_signal_is_a_gap_in_all():
  other_t = np.arange(90.0, dtype=np.float32)
  other_t[40:50] = np.nan
  first, second = stretches(record(np.arange(100.0), resp_t=other_t), 0.0)
  assert (first.start_s, second.start_s) == (0.0, 1.0)
  for stretch in (first, second):
    assert {name: len(x) for name, x in stretch.record.signals.items()} == {"ppg_t": 40, "resp_t": 40}


def test_signals_of_several_channels_are_bridged_channel_by_channel():
  ramp_t = np.arange(100.0, dtype=np.float32)
  x_t_c = np.stack([ramp_t, -ramp_t], -1)
  x_t_c[40:50, 1] = np.nan   # one channel is enough
  [stretch] = stretches(record(ramp_t, mix_t_c=x_t_c), 0.2)
  np.testing.assert_allclose(stretch.record.signals["mix_t_c"], np.stack([ramp_t, -ramp_t], -1))


def test_runs_are_first_and_past_the_last():
  assert runs(np.array([1, 1, 0, 1, 0, 0, 1], bool)).tolist() == [[0, 2], [3, 4], [6, 7]]
  assert runs(np.zeros(3, bool)).shape == (0, 2)


def test_what_no_window_covers():
  np.testing.assert_allclose(
    uncovered(np.array([10.0, 20, 60]), 15, 100), [(0, 10), (35, 60), (75, 100)])
  np.testing.assert_allclose(uncovered(np.zeros(0), 15, 100), [(0, 100)])
  assert uncovered(np.array([0.0, 10.0]), 15, 25).shape == (0, 2)


# Pieces

@pytest.mark.parametrize(
  ("duration_s", "block_s"),
  [(15, 60), (163.4, 60), (240, 60), (901, 100), (900, 37), (655, 20)],
)
def test_every_window_has_one_piece_and_the_end_has_a_window(duration_s, block_s):
  stretch = Stretch(100.0, record(np.arange(round(50 * duration_s))))
  starts_s = []
  for piece in pieces(stretch, WINDOW_S, STRIDE_S, block_s):
    of_piece_s = np.arange(0, piece.record.duration_s - WINDOW_S + 1e-6, STRIDE_S)
    answers = (of_piece_s >= piece.from_s - 1e-3) & (of_piece_s < piece.to_s - 1e-3)
    starts_s += (piece.start_s + of_piece_s[answers]).tolist()
    first_sample = piece.record.signals["ppg_t"][0]
    assert first_sample == pytest.approx(50 * (piece.start_s - 100), abs=1)
    longest_s = round(block_s / 5) * 5 + 3 * 20
    assert piece.record.duration_s <= longest_s + 1e-6 or duration_s <= block_s + 40

  regular_s = 100 + np.arange(0, duration_s - WINDOW_S + 1e-6, STRIDE_S)
  np.testing.assert_allclose(starts_s[:len(regular_s)], regular_s)
  assert len(starts_s) <= len(regular_s) + 1
  left_s = 100 + duration_s - WINDOW_S - starts_s[-1]
  assert -1e-6 <= left_s < 1
  assert (np.diff(starts_s) > 0).all()


@pytest.mark.parametrize(
  ("rate_hz", "tolerance"),
  [(125.0, 1e-3), (64.0, 1e-3), (124.97, 0.15)],
)
def test_blocks_prepare_the_windows_of_the_whole(rate_hz, tolerance):
  """Edges of resampling and filter ring: a block's margin keeps them out.

  At an odd rate a block begins between two samples.
  """
  options = fake_bidmc.options(window_s=WINDOW_S, stride_s=STRIDE_S, rate_hz=10.0)

  def windows_of(part):
    spans = ppg_windows.spans(part, options)
    return spans.start_s_b, ppg_windows.cut(part, spans, options)["ppg_b_t_p"]

  [stretch] = stretches(record(pulse(1200, rate_hz) + 3, rate_hz), 1.0)
  whole_s_b, whole_b_t_p = windows_of(stretch.record)
  starts_s, windows = [], []
  for piece in pieces(stretch, WINDOW_S, STRIDE_S, 200.0):
    start_s_b, x_b_t_p = windows_of(piece.record)
    answers_b = (start_s_b >= piece.from_s - 1e-3) & (start_s_b < piece.to_s - 1e-3)
    starts_s.append(piece.start_s + start_s_b[answers_b])
    windows.append(x_b_t_p[answers_b])

  n = len(whole_s_b)
  np.testing.assert_allclose(np.concatenate(starts_s)[:n], whole_s_b, atol=1e-3)
  in_blocks = np.concatenate(windows)[:n]
  np.testing.assert_allclose(in_blocks[1:-1], whole_b_t_p[1:-1], atol=tolerance)
  # The first sample of all rings with the record's last.
  ends = [0, -1]
  np.testing.assert_allclose(in_blocks[ends], whole_b_t_p[ends], atol=max(0.01, tolerance))
