"""Windows of the PPG at a finer rate, z-scores, true rates of windows, and recordings warped in time."""
import numpy as np
import pytest
from fake_bidmc import options, says

from jaxsig.data import cache, feeds
from jaxsig.data.ppg import bidmc
from jaxsig.data.ppg.ppg_windows import prepare
from jaxsig.data.records import Record, warped
from jaxsig.engine import mesh, train
from jaxsig.experiment import evaluate, sweep

LONG = {"window_s": 20.0, "stride_s": 10.0, "rate_hz": 5.0, "ppg_rate_hz": 30.0, "normalise": "zscore", "resp_range": (-1, 1)}


def breathing(duration_s=120.0, drift=0.0, speed=1.0, **annotations) -> Record:
  """15 breaths and 78 beats a minute times `speed`, a line of drift, and the marks of two annotators who agree."""
  t = np.arange(round(duration_s * 125)) / 125
  breath_t, pulse_t = np.sin(2 * np.pi * 0.25 * speed * t), np.sin(2 * np.pi * 1.3 * speed * t)
  marks_s = np.arange(1.0, duration_s * speed, 4.0) / speed
  signals = {"ppg_t": (pulse_t + 0.5 * breath_t).astype("f"), "resp_t": (breath_t + drift * t).astype("f")}
  return Record("r", "p", 125.0, signals, {"breaths_1_s": marks_s, "breaths_2_s": marks_s, **annotations}, {})


def tone_hz(x_t, rate_hz):
  """The frequency of the largest line, to 0.001 Hz."""
  x_t = (x_t - x_t.mean()) * np.hanning(len(x_t))
  return np.argmax(np.abs(np.fft.rfft(x_t, round(1000 * rate_hz)))) / 1000


# Z-scores

def test_zscored_windows_have_mean_0_and_sd_1():
  windows = prepare(breathing(), options(**LONG))
  assert windows["ppg_b_t_p"].shape == (11, 100, 6) and windows["resp_b_t"].shape == (11, 100)
  for x in (windows["ppg_b_t_p"].reshape(11, 600), windows["resp_b_t"]):
    np.testing.assert_allclose(x.mean(-1), 0, atol=1e-5)
    np.testing.assert_allclose(x.std(-1), 1, atol=1e-5)
  record = breathing()
  moved = prepare(record._replace(signals={k: 40 * x - 7 for k, x in record.signals.items()}), options(**LONG))
  for name in windows:
    np.testing.assert_allclose(moved[name], windows[name], atol=1e-4)


def test_an_artefact_is_cut_at_five_sds_and_a_still_window_is_zero():
  record = breathing()
  x_t = record.signals["ppg_t"].copy()
  x_t[125 * 15:125 * 15 + 8] += 60
  x_t[125 * 60:125 * 95] = 0.3
  windows = prepare(record._replace(signals={**record.signals, "ppg_t": x_t}), options(**LONG))
  ppg_b_t, start_s_b = windows["ppg_b_t_p"].reshape(11, -1), windows["start_s_b"]
  struck = (start_s_b <= 15) & (start_s_b + 20 > 15)
  assert struck.sum() == 2 and (ppg_b_t[struck].max(-1) == 5).all() and np.abs(ppg_b_t[~struck]).max() < 5
  still = (start_s_b >= 60) & (start_s_b + 20 <= 95)
  assert still.sum() == 2 and (ppg_b_t[still] == 0).all() and (ppg_b_t[~still].std(-1) > 0.1).all()


# Several samples of the PPG to one of the respiration

@pytest.mark.parametrize("normalise", ["window", "record", "zscore"])
def test_fine_windows_are_the_plain_ones_of_the_finer_rate_reshaped(normalise):
  some = LONG | {"normalise": normalise, "ppg_low_pass_hz": 3.0}
  fine = prepare(breathing(), options(**some))
  plain = prepare(breathing(), options(**some | {"rate_hz": 30.0, "ppg_rate_hz": 0.0}))
  assert fine["ppg_b_t_p"].shape == (11, 100, 6) and plain["ppg_b_t_p"].shape == (11, 600, 1)
  np.testing.assert_array_equal(fine["ppg_b_t_p"].reshape(11, 600), plain["ppg_b_t_p"][..., 0])
  same = prepare(breathing(), options(**some | {"ppg_rate_hz": 5.0, "ppg_low_pass_hz": 0.0}))
  assert same["ppg_b_t_p"].shape == (11, 100, 1)


def test_a_fine_rate_that_is_no_multiple_is_one_sentence():
  for hz in (32.0, 12.5, 2.0):
    sentence = says(prepare, breathing(), options(**LONG | {"ppg_rate_hz": hz}))
    assert f"data.ppg_rate_hz={hz:g}" in sentence and "data.rate_hz=5" in sentence and "change one" in sentence


# The high-pass of the respiration

def test_the_high_pass_removes_drift_from_the_respiration_and_keeps_breaths_and_ppg():
  drifting, straight = breathing(drift=0.1), breathing()
  long = LONG | {"window_s": 100.0, "normalise": "record", "resp_high_pass_hz": 0.05}
  with_it, without = (prepare(drifting, options(**long | {"resp_high_pass_hz": hz})) for hz in (0.05, 0.0))
  line = lambda windows: np.corrcoef(windows["resp_b_t"][1, 100:400], np.arange(300))[0, 1]
  assert line(without) > 0.9 and abs(line(with_it)) < 0.1
  clean = prepare(straight, options(**long))
  assert np.corrcoef(with_it["resp_b_t"][1, 100:400], clean["resp_b_t"][1, 100:400])[0, 1] > 0.999
  np.testing.assert_array_equal(with_it["ppg_b_t_p"], without["ppg_b_t_p"])


def test_the_high_pass_halves_its_edge():
  """Butterworth of order 2 forward and backward: |H|^2 = 1/(1 + (tan(pi 0.05/5)/tan(pi f/5))^4)."""
  for hz in (0.03, 0.05, 0.1):
    gain = 1 / (1 + (np.tan(np.pi * 0.05 / 5) / np.tan(np.pi * hz / 5)) ** 4)
    t = np.arange(125 * 1000) / 125
    record = Record("r", "p", 125.0, {"resp_t": np.sin(2 * np.pi * hz * t) + np.sin(2 * np.pi * 0.4 * t)}, {}, {})
    whole = LONG | {"window_s": 1000.0, "stride_s": 1000.0, "normalise": "record", "resp_high_pass_hz": 0.05}
    x_t = prepare(record, options(**whole))["resp_b_t"][0]
    line = lambda at: np.abs(np.mean(x_t * np.hanning(5000) * np.exp(-2j * np.pi * at * np.arange(5000) / 5)))
    assert line(hz) / line(0.4) == pytest.approx(gain, abs=0.005)


# The rate of a window

def test_the_rate_of_a_window_is_that_of_its_mean_interval_over_both_annotators():
  first_s = np.array([1, 5, 9.5, 12, 19.9, 20, 23, 29, 31, 33.0])
  second_s = np.array([1.5, 5.5, 9.5, 12.5, 19.5, 20.5, 23, 29.5, 31, 33.0])
  record = breathing(duration_s=40)._replace(annotations={"breaths_1_s": first_s, "breaths_2_s": second_s, "monitor_rr_bpm_k": first_s})
  windows = prepare(record, options(**LONG))
  rate = lambda *marks: np.mean([60 * (len(m) - 1) / (m[-1] - m[0]) for m in map(np.array, marks)])
  expected = [rate([1, 5, 9.5, 12, 19.9], [1.5, 5.5, 9.5, 12.5, 19.5]), rate([12, 19.9, 20, 23, 29], [12.5, 19.5, 20.5, 23, 29.5]),
              rate([20, 23, 29, 31, 33], [20.5, 23, 29.5, 31, 33])]
  assert windows["rate_bpm_b"].dtype == np.float32
  np.testing.assert_allclose(windows["rate_bpm_b"], expected, rtol=1e-6)


def test_windows_on_which_annotators_differ_or_say_nothing_have_no_rate():
  marks_s = np.arange(0.5, 80, 4.0)   # 15 a minute
  at = lambda bpm: 0.5 + (marks_s - 0.5) * 15 / bpm

  def rates(*marks):
    named = {f"breaths_{i}_s": np.asarray(x) for i, x in enumerate(marks)}
    return prepare(breathing(duration_s=80)._replace(annotations=named), options(**LONG))["rate_bpm_b"]

  np.testing.assert_allclose(rates(marks_s, at(16.9)), (15 + 16.9) / 2, rtol=1e-5)
  assert np.isnan(rates(marks_s, at(17.1))[:5]).all()
  np.testing.assert_array_equal(np.isnan(rates(marks_s, marks_s[marks_s < 35])), [False, False, False, True, True, True, True])
  assert np.isnan(rates()).all() and len(rates()) == 7
  np.testing.assert_allclose(rates(marks_s), 15, rtol=1e-6)   # one annotator will do
  assert np.isnan(rates([3.0, 3.0, 25.0])).all()              # no interval, a single mark, none


# Warped in time

@pytest.mark.parametrize("factor", [0.5, 0.8, 1.6])
def test_a_warped_recording_is_that_of_a_patient_who_does_all_as_much_faster(factor):
  slow = breathing(annotations_k=np.arange(5.0))
  copy, fast = warped(slow, factor), breathing(speed=factor, duration_s=120 / factor)
  assert copy.duration_s == pytest.approx(120 / factor) and copy.signals is slow.signals and copy.id == slow.id
  np.testing.assert_allclose(copy.annotations["breaths_1_s"], fast.annotations["breaths_1_s"])
  np.testing.assert_array_equal(copy.annotations["annotations_k"], np.arange(5.0))   # no times
  found, expected = (prepare(r, options(**LONG)) for r in (copy, fast))
  np.testing.assert_allclose(found["rate_bpm_b"], 15 * factor, rtol=1e-3)
  for name, rate_hz, hz in (("ppg_b_t_p", 30, 1.3), ("resp_b_t", 5, 0.25)):
    inner = [x[name].reshape(len(x[name]), -1)[1:-1] for x in (found, expected)]   # away from the ringing of the ends
    np.testing.assert_allclose(*inner, atol=0.05)
    assert tone_hz(inner[0][0], rate_hz) == pytest.approx(hz * factor, rel=0.01)
  np.testing.assert_array_equal(slow.annotations["breaths_1_s"], breathing().annotations["breaths_1_s"])   # the original stays


def test_a_record_brings_its_own_windows_and_no_more_of_each_warp():
  record, config = breathing(), options(**LONG, warps=(0.5, 2.0, 8.0))   # of 240, 60 and 15 s: 23, 5 and no windows
  own = prepare(record, config)
  windows = cache._with_warps(bidmc.DATA, record, own, config)
  np.testing.assert_array_equal(windows["warp_b"], np.float32([1] * 11 + [0.5] * 11 + [2] * 5))
  assert windows["warp_b"].dtype == np.float32 and all(len(x) == 27 for x in windows.values())
  for name, x in own.items():
    np.testing.assert_array_equal(windows[name][:11], x)
  np.testing.assert_allclose(windows["rate_bpm_b"], 15 * windows["warp_b"], rtol=2e-3)
  slow_s, slow = windows["start_s_b"][11:22], prepare(warped(record, 0.5), config)
  assert slow_s[0] == 0 and slow_s[-1] == 220 and np.all(np.diff(slow_s) >= 20)   # spread over all of it
  np.testing.assert_array_equal(windows["ppg_b_t_p"][11:22], slow["ppg_b_t_p"][(slow_s / 10).astype(int)])
  assert list(cache._with_warps(bidmc.DATA, record, own, options(**LONG, warps=()))["warp_b"]) == [1] * 11


@pytest.fixture
def run(small, tmp_path):
  """(run, member) on recordings with warped copies."""
  run, [member] = sweep.open_run(small(data__warps=(0.8, 1.25), train__feed="resident"), tmp_path / "w")
  return run, member


def test_warped_windows_are_trained_on_and_never_validated_or_evaluated(run, monkeypatch):
  run, member = run
  orders, make_order = [], feeds.Order
  monkeypatch.setattr(feeds, "Order", lambda *args: orders.append(args[2]) or make_order(*args))
  train._feed(run, [member], mesh.make(1))
  windows, [[ids]] = run.prepared.windows, orders
  warp_of = lambda ids: set(windows.arrays["warp_b"][ids].tolist())
  patients = lambda ids: {run.prepared.groups[i] for i in windows.record_b[ids]}
  assert warp_of(ids) == set(np.float32([0.8, 1, 1.25]).tolist()) and patients(ids) == set(member.train)
  assert (train._val_batch(run, [member], mesh.make(1))["warp_b"] == 1).all()
  test = train.window_ids(run.prepared, member.test)
  assert warp_of(test) == {1} and patients(test) == set(member.test)
  assert len(train.window_ids(run.prepared, member.test, warped=True)) > 2 * len(test)
  assert len({tuple(x) for x in windows.id_b_2.tolist()}) == len(windows.id_b_2)   # a name, and so keys, for each


def test_a_warped_copy_is_in_no_prediction_and_in_no_target(run):
  run, member = run
  predict = lambda params, stats, batch, keys_b: {"resp_b_t": batch["resp_b_t"], "warp_b": batch["warp_b"]}
  own = run._replace(task=run.task._replace(predict=predict))
  records = [r for r in run.prepared.records if r.group in member.test]
  _, _, predicted, _ = next(evaluate._all_methods([("own", own)], {}, {}, records, []))
  assert len(predicted) == len(records) > 0
  for record in predicted:
    assert (record.predictions["warp_b"] == 1).all() and (np.diff(record.predictions["start_s_b"]) > 0).all()
    np.testing.assert_allclose(record.predictions["resp_t"], record.prepared["resp_t"], atol=1e-6)
    assert len(record.prepared["resp_t"]) == pytest.approx(record.duration_s * record.prepared["rate_hz"], abs=50)
