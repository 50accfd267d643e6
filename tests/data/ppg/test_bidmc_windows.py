"""Windows of BIDMC's recordings as the published code of RespDiff cuts them."""
import fake_bidmc
import numpy as np
import pytest
from fake_bidmc import options, prepare, says, sines

from jaxsig.data.ppg import bidmc
from jaxsig.data.records import Record


@pytest.fixture(scope="module")
def record() -> Record:
  return fake_bidmc.records(1, 60)[0]


@pytest.mark.parametrize(
  ("ppg_range", "resp_range"),
  [((-1, 1), (0, 1)), ((0, 1), (-1, 1))],
)
def test_windows_fill_their_range_and_stay_inside_the_record(record, ppg_range, resp_range):
  windows = prepare(record, options(ppg_range=ppg_range, resp_range=resp_range))
  for x in windows.values():
    assert x.dtype == np.float32

  for name, (low, high) in (("ppg_b_t", ppg_range), ("resp_b_t", resp_range)):
    assert windows[name].shape == (12, 150)
    np.testing.assert_allclose(windows[name].min(-1), low, atol=1e-6)
    np.testing.assert_allclose(windows[name].max(-1), high, atol=1e-6)
  assert windows["start_s_b"][-1] + 5 <= record.duration_s


@pytest.mark.parametrize("duration_s", [480, 480.008], ids=["as published", "60,001 samples"])
def test_eight_minutes_have_96_windows(duration_s):
  windows = prepare(sines(0.3, duration_s), options())
  assert len(windows["ppg_b_t"]) == 96


def test_windows_overlap_by_their_stride():
  windows = prepare(sines(0.3, 10.1), options(stride_s=2.5))
  np.testing.assert_array_equal(windows["start_s_b"], [0, 2.5, 5])


@pytest.mark.parametrize("name", ["ppg_b_t", "resp_b_t"])
def test_one_window_may_be_the_whole_record(name):
  whole = options(window_s=20.0, normalise="record", resp_low_pass_hz=0.0)
  assert prepare(sines(0.3, 20), whole)[name].shape == (1, 600)


def test_windows_are_pieces_of_the_resampled_record():
  recorded = sines(0.3)
  windows = prepare(recorded, options(normalise="record", ppg_range=(-1, 1)))
  time_s = np.arange(14400) / 30
  largest = np.abs(recorded.signals["ppg_t"]).max()
  expected_t = np.sin(2 * np.pi * 0.3 * time_s) / largest
  np.testing.assert_allclose(windows["ppg_b_t"].reshape(-1), expected_t, atol=1e-3)


def line(x_t: np.ndarray, hz: float) -> float:
  """The spectral line of a signal of 30 Hz."""
  samples = np.arange(len(x_t))
  wave_t = np.exp(-2j * np.pi * hz * samples / 30)
  return np.abs(np.mean(x_t * np.hanning(len(x_t)) * wave_t))


@pytest.mark.parametrize("hz", [0.8, 1.0, 1.2])
def test_the_low_pass_halves_1_hz_and_only_where_it_is_asked_for(hz):
  """Butterworth forward and backward, gain 0.5 at its edge of 1 Hz.

  |H|^2 = 1/(1 + (tan(pi f/30)/tan(pi/30))^16).
  """
  ratio = np.tan(np.pi * hz / 30) / np.tan(np.pi / 30)
  gain = 1 / (1 + ratio**16)
  fast = sines(hz)
  slow = sines(0.1)
  mixed = {name: x_t + slow.signals[name] for name, x_t in fast.signals.items()}

  whole = options(window_s=480.0, stride_s=480.0, resp_range=(0, 1), ppg_range=(0, 1))
  windows = prepare(fast._replace(signals=mixed), whole)
  resp_t = windows["resp_b_t"][0]
  ppg_t = windows["ppg_b_t"][0]
  assert line(resp_t, hz) / line(resp_t, 0.1) == pytest.approx(gain, abs=0.003)
  assert line(ppg_t, hz) / line(ppg_t, 0.1) == pytest.approx(1, abs=0.003)


def test_both_signals_are_filtered_alike():
  windows = prepare(sines(1.2), options(ppg_low_pass_hz=1.0, ppg_range=(0, 1)))
  np.testing.assert_array_equal(windows["ppg_b_t"], windows["resp_b_t"])


@pytest.mark.parametrize("normalise", ["window", "record"])
def test_scale_and_offset_do_not_matter(record, normalise):
  moved = {name: 8 * x_t + 3 for name, x_t in record.signals.items()}
  windows = prepare(record, options(normalise=normalise))
  of_moved = prepare(record._replace(signals=moved), options(normalise=normalise))
  for name in windows:
    np.testing.assert_allclose(windows[name], of_moved[name], atol=1e-4)


def test_scaling_by_the_record_keeps_the_depth_of_breaths(record):
  resp_b_t = prepare(record, options(normalise="record"))["resp_b_t"]
  assert resp_b_t.min() == 0
  assert resp_b_t.max() == 1
  assert np.ptp(resp_b_t, axis=-1).min() < 0.999


@pytest.mark.parametrize("normalise", ["window", "record"])
def test_a_window_where_the_sensor_stood_still_is_the_middle(record, normalise):
  ppg_t = record.signals["ppg_t"].copy()
  ppg_t[1250:1950] = ppg_t[1250]
  alone = record._replace(signals={"ppg_t": ppg_t})
  windows = prepare(alone, options(normalise=normalise, ppg_range=(0, 1)))
  np.testing.assert_array_equal(windows["ppg_b_t"][2], 0.5)
  assert np.ptp(windows["ppg_b_t"][1]) > 0.1
  assert np.isfinite(windows["ppg_b_t"]).all()
  assert "resp_b_t" not in windows   # a user's file has none


def test_windows_know_no_other_record(tmp_path):
  fake_bidmc.write_bidmc(tmp_path, fake_bidmc.records(2, 20))
  beside_another = prepare(bidmc.load(tmp_path, options())[0], options())
  (tmp_path / "bidmc02.hea").unlink()
  alone = prepare(bidmc.load(tmp_path, options())[0], options())
  for name in alone:
    np.testing.assert_array_equal(beside_another[name], alone[name])


@pytest.mark.parametrize(
  ("changes", "words"),
  [
    ({"window_s": 5.01}, "data.window_s=5.01"),
    ({"stride_s": 0.0}, "data.stride_s=0"),
    ({"rate_hz": 2.0}, "data.resp_low_pass_hz=1"),
    ({"window_s": 61.0}, "less than one window"),
    ({"normalise": "patient"}, "data.normalise='patient'"),
  ],
)
def test_options_that_contradict_each_other(record, changes, words):
  assert words in says(prepare, record, options(**changes))
