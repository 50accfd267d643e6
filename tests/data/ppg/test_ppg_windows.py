"""Windows of the PPG at a finer rate, z-scores, rates of windows, and recordings warped in time."""
import jax
import numpy as np
import pytest
from builders import small
from fake_bidmc import options, says

from jaxsig.data import feeds
from jaxsig.data.ppg import ppg_windows
from jaxsig.data.ppg.ppg_windows import warped
from jaxsig.data.records import Record, joined_spans
from jaxsig.data.splits import groups_of
from jaxsig.engine import mesh, train
from jaxsig.experiment import evaluate, sweep
from jaxsig.system import Batch, Params, Stats
from jaxsig.systems.respiration.target import target_of

pytestmark = pytest.mark.quick

LONG = {
  "window_s": 20.0,
  "stride_s": 10.0,
  "rate_hz": 5.0,
  "ppg_rate_hz": 30.0,
  "normalise": "zscore",
  "resp_range": (-1, 1),
}
FACTORS = (0.8, 1.25)


def prepare(record, config):
  """All windows of a record as they are recorded."""
  spans = ppg_windows.spans(record, config)
  return ppg_windows.cut(record, spans.at(~spans.augmented_b), config)


def starts_s(record, config):
  """[b] where they start."""
  spans = ppg_windows.spans(record, config)
  return spans.start_s_b[~spans.augmented_b]


def breathing(duration_s=120.0, drift=0.0, speed=1.0, **annotations) -> Record:
  """15 breaths and 78 beats a minute times `speed`, a line of drift, two annotators who agree."""
  time_s = np.arange(round(duration_s * 125)) / 125
  breath_t = np.sin(2 * np.pi * 0.25 * speed * time_s)
  pulse_t = np.sin(2 * np.pi * 1.3 * speed * time_s)
  marks_s = np.arange(1.0, duration_s * speed, 4.0) / speed
  return Record(
    id="r",
    group="p",
    rate_hz=125.0,
    signals={
      "ppg_t": (pulse_t + 0.5 * breath_t).astype(np.float32),
      "resp_t": (breath_t + drift * time_s).astype(np.float32),
    },
    annotations={"breaths_1_s": marks_s, "breaths_2_s": marks_s, **annotations},
    info={},
  )


def tone_hz(x_t, rate_hz):
  """The frequency of the largest line, to 0.001 Hz."""
  tapered_t = (x_t - x_t.mean()) * np.hanning(len(x_t))
  return np.argmax(np.abs(np.fft.rfft(tapered_t, round(1000 * rate_hz)))) / 1000


# Z-scores

def test_zscored_windows_have_mean_0_and_sd_1():
  windows = prepare(breathing(), options(**LONG))
  assert windows["ppg_b_t_p"].shape == (11, 100, 6)
  assert windows["resp_b_t"].shape == (11, 100)
  for x in (windows["ppg_b_t_p"].reshape(11, 600), windows["resp_b_t"]):
    np.testing.assert_allclose(x.mean(-1), 0, atol=1e-5)
    np.testing.assert_allclose(x.std(-1), 1, atol=1e-5)


def test_scale_and_offset_do_not_move_a_zscore():
  record = breathing()
  signals = {name: 40 * x - 7 for name, x in record.signals.items()}
  moved = prepare(record._replace(signals=signals), options(**LONG))
  for name, x in prepare(record, options(**LONG)).items():
    np.testing.assert_allclose(moved[name], x, atol=1e-4)


def test_an_artefact_is_cut_at_five_sds_and_a_still_window_is_zero():
  record = breathing()
  x_t = record.signals["ppg_t"].copy()
  x_t[125 * 15:125 * 15 + 8] += 60
  x_t[125 * 60:125 * 95] = 0.3
  broken = record._replace(signals={**record.signals, "ppg_t": x_t})
  ppg_b_t = prepare(broken, options(**LONG))["ppg_b_t_p"].reshape(11, -1)
  start_s_b = starts_s(broken, options(**LONG))

  struck_b = (start_s_b <= 15) & (start_s_b + 20 > 15)
  assert struck_b.sum() == 2
  assert (ppg_b_t[struck_b].max(-1) == 5).all()
  assert np.abs(ppg_b_t[~struck_b]).max() < 5

  still_b = (start_s_b >= 60) & (start_s_b + 20 <= 95)
  assert still_b.sum() == 2
  assert (ppg_b_t[still_b] == 0).all()
  assert (ppg_b_t[~still_b].std(-1) > 0.1).all()


# Several samples of the PPG to one of the respiration

@pytest.mark.parametrize("normalise", ["window", "record", "zscore"])
def test_fine_windows_are_the_plain_ones_of_the_finer_rate_reshaped(normalise):
  some = {**LONG, "normalise": normalise, "ppg_low_pass_hz": 3.0}
  fine = prepare(breathing(), options(**some))
  plain = prepare(breathing(), options(**{**some, "rate_hz": 30.0, "ppg_rate_hz": 0.0}))
  assert fine["ppg_b_t_p"].shape == (11, 100, 6)
  assert plain["ppg_b_t_p"].shape == (11, 600, 1)
  np.testing.assert_array_equal(fine["ppg_b_t_p"].reshape(11, 600), plain["ppg_b_t_p"][..., 0])

  same = prepare(breathing(), options(**{**some, "ppg_rate_hz": 5.0, "ppg_low_pass_hz": 0.0}))
  assert same["ppg_b_t_p"].shape == (11, 100, 1)


@pytest.mark.parametrize("hz", [32.0, 12.5, 2.0])
def test_a_fine_rate_that_is_no_multiple_is_one_sentence(hz):
  sentence = says(prepare, breathing(), options(**{**LONG, "ppg_rate_hz": hz}))
  assert f"data.ppg_rate_hz={hz:g}" in sentence
  assert "data.rate_hz=5" in sentence
  assert "change one" in sentence


# The high-pass of the respiration

def test_the_high_pass_removes_drift_from_the_respiration_and_keeps_breaths_and_ppg():
  long = {**LONG, "window_s": 100.0, "normalise": "record"}
  filtered = options(**{**long, "resp_high_pass_hz": 0.05})
  drifting = breathing(drift=0.1)
  with_it = prepare(drifting, filtered)
  without = prepare(drifting, options(**long))
  clean = prepare(breathing(), filtered)

  def line(windows):
    return np.corrcoef(windows["resp_b_t"][1, 100:400], np.arange(300))[0, 1]

  assert line(without) > 0.9
  assert abs(line(with_it)) < 0.1
  breaths = [windows["resp_b_t"][1, 100:400] for windows in (with_it, clean)]
  assert np.corrcoef(*breaths)[0, 1] > 0.999
  np.testing.assert_array_equal(with_it["ppg_b_t_p"], without["ppg_b_t_p"])


@pytest.mark.parametrize("hz", [0.03, 0.05, 0.1])
def test_the_high_pass_halves_its_edge(hz):
  """Butterworth of order 2 forward and backward.

  |H|^2 = 1/(1 + (tan(pi 0.05/5)/tan(pi f/5))^4).
  """
  ratio = np.tan(np.pi * 0.05 / 5) / np.tan(np.pi * hz / 5)
  gain = 1 / (1 + ratio**4)
  time_s = np.arange(125 * 1000) / 125
  resp_t = np.sin(2 * np.pi * hz * time_s) + np.sin(2 * np.pi * 0.4 * time_s)
  record = Record("r", "p", 125.0, {"ppg_t": resp_t, "resp_t": resp_t}, {}, {})
  whole = {"window_s": 1000.0, "stride_s": 1000.0, "normalise": "record", "resp_high_pass_hz": 0.05}
  x_t = prepare(record, options(**{**LONG, **whole}))["resp_b_t"][0]

  def line(at_hz):
    wave_t = np.exp(-2j * np.pi * at_hz * np.arange(5000) / 5)
    return np.abs(np.mean(x_t * np.hanning(5000) * wave_t))

  assert line(hz) / line(0.4) == pytest.approx(gain, abs=0.005)


# The rate of a window

def rate_bpm(marks_s):
  """60 / mean interval."""
  return 60 * (len(marks_s) - 1) / (marks_s[-1] - marks_s[0])


def test_the_rate_of_a_window_is_that_of_its_mean_interval_over_both_annotators():
  first_s = np.array([1, 5, 9.5, 12, 19.9, 20, 23, 29, 31, 33.0])
  second_s = np.array([1.5, 5.5, 9.5, 12.5, 19.5, 20.5, 23, 29.5, 31, 33.0])
  annotations = {"breaths_1_s": first_s, "breaths_2_s": second_s, "monitor_rr_bpm_k": first_s}
  record = breathing(duration_s=40)._replace(annotations=annotations)
  of_windows = [
    ([1, 5, 9.5, 12, 19.9], [1.5, 5.5, 9.5, 12.5, 19.5]),
    ([12, 19.9, 20, 23, 29], [12.5, 19.5, 20.5, 23, 29.5]),
    ([20, 23, 29, 31, 33], [20.5, 23, 29.5, 31, 33]),
  ]
  expected = [(rate_bpm(first) + rate_bpm(second)) / 2 for first, second in of_windows]
  rate_bpm_b = prepare(record, options(**LONG))["rate_bpm_b"]
  assert rate_bpm_b.dtype == np.float32
  np.testing.assert_allclose(rate_bpm_b, expected, rtol=1e-6)


MARKS_S = np.arange(0.5, 80, 4.0)   # 15 a minute


def rates(*marks):
  """[b] rates of a record of 80 s with these annotators' marks."""
  named = {f"breaths_{i}_s": np.asarray(marks_s) for i, marks_s in enumerate(marks)}
  record = breathing(duration_s=80)._replace(annotations=named)
  return prepare(record, options(**LONG))["rate_bpm_b"]


def marks_at(bpm):
  """The marks of so many breaths a minute."""
  return 0.5 + (MARKS_S - 0.5) * 15 / bpm


def test_annotators_who_nearly_agree_are_averaged():
  np.testing.assert_allclose(rates(MARKS_S, marks_at(16.9)), (15 + 16.9) / 2, rtol=1e-5)


def test_windows_on_which_annotators_differ_have_no_rate():
  assert np.isnan(rates(MARKS_S, marks_at(17.1))[:5]).all()


def test_windows_that_an_annotator_left_out_have_no_rate():
  missing = np.isnan(rates(MARKS_S, MARKS_S[MARKS_S < 35]))
  np.testing.assert_array_equal(missing, [False, False, False, True, True, True, True])


def test_without_marks_there_is_no_rate():
  assert np.isnan(rates()).all()
  assert len(rates()) == 7
  assert np.isnan(rates([3.0, 3.0, 25.0])).all()   # no interval, a single mark, none


def test_one_annotator_will_do():
  np.testing.assert_allclose(rates(MARKS_S), 15, rtol=1e-6)


# Warped in time

@pytest.mark.parametrize("factor", [0.5, 0.8, 1.6])
def test_a_warped_recording_is_that_of_a_patient_who_does_all_as_much_faster(factor):
  slow = breathing(annotations_k=np.arange(5.0))
  copy = warped(slow, factor)
  fast = breathing(speed=factor, duration_s=120 / factor)
  assert copy.duration_s == pytest.approx(120 / factor)
  assert copy.signals is slow.signals
  assert copy.id == slow.id
  np.testing.assert_allclose(copy.annotations["breaths_1_s"], fast.annotations["breaths_1_s"])
  np.testing.assert_array_equal(copy.annotations["annotations_k"], np.arange(5.0))   # no times

  of_copy = prepare(copy, options(**LONG))
  of_fast = prepare(fast, options(**LONG))
  np.testing.assert_allclose(of_copy["rate_bpm_b"], 15 * factor, rtol=1e-3)
  for name, rate_hz, hz in (("ppg_b_t_p", 30, 1.3), ("resp_b_t", 5, 0.25)):
    n = len(of_copy[name])
    inner = of_copy[name].reshape(n, -1)[1:-1]   # away from the ringing of the ends
    np.testing.assert_allclose(inner, of_fast[name].reshape(n, -1)[1:-1], atol=0.05)
    assert tone_hz(inner[0], rate_hz) == pytest.approx(hz * factor, rel=0.01)
  original_s = slow.annotations["breaths_1_s"]
  np.testing.assert_array_equal(original_s, breathing().annotations["breaths_1_s"])


def test_a_record_brings_its_own_windows_and_no_more_of_each_factor():
  """Of 120 s and, warped, of 240, 60 and 15 s: 11, 23, 5 and no windows."""
  record = breathing()
  config = options(**LONG, time_warp_factors=(0.5, 2.0, 8.0))
  spans = ppg_windows.spans(record, config)
  np.testing.assert_array_equal(spans.kind_b, [1] * 11 + [0.5] * 11 + [2] * 5)
  np.testing.assert_array_equal(spans.augmented_b, [False] * 11 + [True] * 16)
  windows = ppg_windows.cut(record, spans, config)
  assert all(len(x) == 27 for x in windows.values())
  for name, x in prepare(record, config).items():
    np.testing.assert_array_equal(windows[name][:11], x)
  np.testing.assert_allclose(windows["rate_bpm_b"], 15 * spans.kind_b, rtol=2e-3)

  slow_s_b = spans.start_s_b[11:22]
  assert slow_s_b[0] == 0
  assert slow_s_b[-1] == 220
  assert np.all(np.diff(slow_s_b) >= 20)   # spread over all of it
  slow_b_t_p = prepare(warped(record, 0.5), config)["ppg_b_t_p"]
  picked_b = (slow_s_b / 10).astype(int)
  np.testing.assert_array_equal(windows["ppg_b_t_p"][11:22], slow_b_t_p[picked_b])


def test_without_factors_a_record_brings_its_own_windows_alone():
  spans = ppg_windows.spans(breathing(), options(**LONG, time_warp_factors=()))
  assert spans.kind_b.tolist() == [1] * 11
  assert not spans.augmented_b.any()


def test_copies_and_windows_as_recorded_may_be_cut_in_any_order():
  record = breathing()
  config = options(**LONG, time_warp_factors=(0.5, 2.0))
  spans = ppg_windows.spans(record, config)
  whole = ppg_windows.cut(record, spans, config)
  mixed = np.array([26, 0, 12, 1, 13, 25])
  some = ppg_windows.cut(record, spans.at(mixed), config)
  for name, x in whole.items():
    np.testing.assert_array_equal(some[name], x[mixed])
  parts = [spans.at(mixed[:2]), spans.at(mixed[2:])]
  np.testing.assert_array_equal(joined_spans(parts).kind_b, spans.kind_b[mixed])


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
  """(run, [member]) on recordings with warped copies."""
  config = small(data__time_warp_factors=FACTORS, run__feed="resident", baselines__run=False)
  return sweep.open_run(config, tmp_path_factory.mktemp("warped") / "w")


def groups_at(windows, ids):
  """The groups of some windows."""
  return tuple(sorted({windows.records[i].group for i in windows.record_b[ids]}))


def test_warped_windows_are_trained_on(opened, monkeypatch):
  run, [member] = opened
  orders = []
  make_order = feeds.Order

  def noted(**fields):
    orders.append(fields["ids"])
    return make_order(**fields)

  monkeypatch.setattr(feeds, "Order", noted)
  train._feed(run, [member], mesh.make(1))
  windows = run.prepared.windows
  [[ids]] = orders
  assert set(windows.spans.kind_b[ids]) == {0.8, 1.0, 1.25}
  assert groups_at(windows, ids) == groups_of(member.train)


def test_warped_windows_are_never_validated(opened):
  run, [member] = opened
  windows = run.prepared.windows
  batch = train._val_batch(run, [member], mesh.make(1))
  as_recorded = windows.take(windows.ids_of(member.val))["ppg_b_t_p"]
  known = {x.tobytes() for x in as_recorded}
  assert {x.tobytes() for x in np.asarray(batch["ppg_b_t_p"])[0]} <= known
  every = windows.take(windows.ids_of(member.val, augmented=True))["ppg_b_t_p"]
  assert len({x.tobytes() for x in every}) > 2 * len(known)   # a copy would be seen


def test_warped_windows_are_never_evaluated(opened):
  run, [member] = opened
  windows = run.prepared.windows
  tested = windows.ids_of(member.test)
  assert set(windows.spans.kind_b[tested]) == {1.0}
  assert groups_at(windows, tested) == groups_of(member.test)
  assert len(windows.ids_of(member.test, augmented=True)) > 2 * len(tested)


def test_warped_windows_have_names_of_their_own(opened):
  """And so random keys."""
  windows = opened.run.prepared.windows
  assert len(np.unique(windows.name_b_2, axis=0)) == len(windows)


def truth_as_prediction(
    params: Params, stats: Stats, batch: Batch, keys_b: jax.Array) -> dict[str, jax.Array]:
  return {"resp_b_t": batch["resp_b_t"], "rate_bpm_b": batch["rate_bpm_b"]}


def test_a_warped_copy_is_in_no_prediction(opened):
  """A network that tells the truth predicts what the windows as recorded stitch to."""
  run, [member] = opened
  task = run.system.task._replace(predict=truth_as_prediction)
  run = run._replace(system=run.system._replace(task=task))
  predicted = list(evaluate._predict(run, {}, {}, member.test))
  tested = [segment.record for segment in member.test]
  assert [record.id for record in predicted] == tested
  assert tested

  for record in predicted:
    predictions = record.predictions
    plain = starts_s(record, run.config.data)
    np.testing.assert_array_equal(predictions["start_s_b"], plain)
    assert (np.diff(predictions["start_s_b"]) > 0).all()
    as_recorded = prepare(record, run.config.data)
    np.testing.assert_array_equal(predictions["rate_bpm_b"], as_recorded["rate_bpm_b"])
    target = target_of(record, run.config.data)
    np.testing.assert_allclose(predictions["resp_t"], target.resp_t, atol=1e-6)
    samples = record.duration_s * predictions["rate_hz"]
    assert len(predictions["resp_t"]) == pytest.approx(samples, abs=50)


def test_a_warped_copy_is_in_no_target():
  record = breathing()
  target = target_of(record, options(**LONG, time_warp_factors=FACTORS))
  plain = target_of(record, options(**LONG))
  np.testing.assert_array_equal(target.resp_t, plain.resp_t, strict=True)
  assert target.rate_hz == plain.rate_hz == 5.0
