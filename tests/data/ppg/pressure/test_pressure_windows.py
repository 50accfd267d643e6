"""Windows of a PPG: where they lie, what they hold, what is known before them."""
import numpy as np
import pytest
from fake_pressure import config_of, people

from jaxsig.data.ppg.pressure import known_windows, laid_windows, prepared_ppg, pressure_windows
from jaxsig.data.ppg.pressure.beat_peaks import find_beats
from jaxsig.data.ppg.pressure.usable_windows import spans
from jaxsig.data.records import Record, spans_of

DATA = config_of().data


def pulses(rate_bpm, duration_s=40.0, rate_hz=125.0, arrhythmia=0.0):
  """A PPG whose beats change their length with breathing."""
  time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
  change_s = arrhythmia * (1 - np.cos(2 * np.pi * 0.25 * time_s)) / (2 * np.pi * 0.25)
  place = rate_bpm / 60 * (time_s + change_s)
  return np.exp(-((place % 1 - 0.3) / 0.1) ** 2) + 0.4 * np.exp(-((place % 1 - 0.6) / 0.12) ** 2)


def record_of(ppg_t, rate_hz=125.0):
  return Record("r", "g", rate_hz, {"ppg_t": np.asarray(ppg_t, np.float32)}, {}, {})


def test_no_window_reaches_over_a_gap():
  [record] = people(1, stretches=3, stretch_s=20.0)
  laid = spans(record, DATA)
  ppg_t = record.signals["ppg_t"]
  assert len(laid) == 3 * 4   # of 7 s every 3.5 s in 20 s
  for start_s, length_s in zip(laid.start_s_b, laid.length_s_b, strict=True):
    first = round(start_s * record.rate_hz)
    assert np.isfinite(ppg_t[first:first + round(length_s * record.rate_hz)]).all()


@pytest.mark.parametrize("rate_hz", [100.0, 125.0, 250.0, 1000.0])
def test_windows_are_the_same_at_any_rate(rate_hz):
  at_rate = record_of(pulses(75, rate_hz=rate_hz), rate_hz)
  reference = record_of(pulses(75))
  windows = spans_of(np.array([5.0, 12.0]), 7.0)
  ppg = pressure_windows.cut(at_rate, windows, DATA)["ppg_b_t_c"]
  expected = pressure_windows.cut(reference, windows, DATA)["ppg_b_t_c"]
  assert ppg.shape == (2, 875, 1)
  np.testing.assert_allclose(ppg, expected, atol=0.05)
  np.testing.assert_allclose(ppg.mean(1), 0, atol=1e-5)
  np.testing.assert_allclose(ppg.std(1), 1, atol=1e-4)


def test_the_rate_of_the_pulse_is_told():
  for rate_bpm in (45, 80, 140):
    windows = spans_of(np.array([10.0]), 7.0)
    arrays = pressure_windows.cut(record_of(pulses(rate_bpm)), windows, DATA)
    assert arrays["rate_bpm_b"][0] == pytest.approx(rate_bpm, rel=0.03)


@pytest.mark.parametrize("rate_bpm", [50, 75, 120])
@pytest.mark.parametrize("arrhythmia", [0.0, 0.05])
def test_windows_of_beats_hold_whole_beats(rate_bpm, arrhythmia):
  """From foot to foot seven beats are seven to a hundredth, whatever the rate does."""
  config = config_of(data__window="beats").data
  record = record_of(pulses(rate_bpm, 60.0, arrhythmia=arrhythmia))
  laid = away_from_the_ends(spans(record, config))
  assert len(laid) >= 5
  spectrum = np.abs(np.fft.rfft(pressure_windows.cut(record, laid, config)["ppg_b_t_c"][..., 0]))
  if not arrhythmia:
    assert (np.argmax(spectrum[:, :20], 1) == 7).all()   # seven periods fill the window
    np.testing.assert_allclose(laid.length_s_b, 7 * 60 / rate_bpm, rtol=0.01)
  feet_s = beat_feet(record)
  for start_s, length_s in zip(laid.start_s_b, laid.length_s_b, strict=True):
    after_s = feet_s - start_s
    assert np.sum((after_s >= -0.02) & (after_s < length_s - 0.02)) == 7
    assert np.abs(after_s).min() < 0.02   # it begins at a foot


def away_from_the_ends(laid, duration_s=60.0):
  """Windows that no transient of the filter reaches."""
  ends_s_b = laid.start_s_b + laid.length_s_b
  return laid.at((laid.start_s_b >= 4) & (ends_s_b <= duration_s - 4))


def beat_feet(record):
  [part] = prepared_ppg.stretches(record, DATA)
  return find_beats(part.ppg_t, DATA.rate_hz).foot_k / DATA.rate_hz


def test_one_to_twenty_beats_can_be_asked_for():
  for beats in (1, 3, 20):
    config = config_of(data__window="beats", data__beats=beats, data__window_s=1.0).data
    laid = away_from_the_ends(spans(record_of(pulses(60, 60.0)), config))
    np.testing.assert_allclose(laid.length_s_b, beats, atol=0.03)


def test_a_rate_by_the_spectrum_is_right_on_average():
  config = config_of(data__window="beats", data__beat_cut="spectrum").data
  laid = spans(record_of(pulses(75, 120.0, arrhythmia=0.03)), config)
  assert laid.length_s_b.mean() == pytest.approx(7 * 0.8, rel=0.02)
  assert laid_windows.strongest_hz(pulses(75, 7.0), 125.0) == pytest.approx(1.25, abs=0.02)


@pytest.mark.parametrize("form", ["scaled", "released"])
def test_derivatives_are_channels(form):
  config = config_of(data__derivatives=2, data__derivative_form=form).data
  record = record_of(pulses(75))
  ppg = pressure_windows.cut(record, spans_of(np.array([5.0]), 7.0), config)["ppg_b_t_c"][0]
  assert ppg.shape == (875, 3)
  if form == "released":
    np.testing.assert_allclose(ppg[:-1, 1], np.diff(ppg[:, 0]) * 125, atol=1e-3)
    assert ppg[-1, 1] == 0 and ppg[:, 1].std() > 3
  else:
    np.testing.assert_allclose(ppg.std(0), 1, atol=1e-4)
    slope = np.gradient(ppg[:, 0].astype(np.float64))
    assert np.corrcoef(slope, ppg[:, 1])[0, 1] > 0.999


def test_what_stands_still_is_no_pulse():
  flat_t = pulses(75)
  flat_t[1000:1200] = flat_t[1000]
  laid = spans(record_of(flat_t), DATA)
  assert len(laid)
  for start_s in laid.start_s_b:
    assert start_s >= 9.6 or start_s + 7 <= 8.0
  zeros = pressure_windows.cut(record_of(np.ones(5000)), spans_of(np.array([0.0]), 7.0), DATA)
  assert (zeros["ppg_b_t_c"] == 0).all()


def test_known_readings_end_before_the_tested_windows_begin():
  [record] = people(1, stretches=10)
  known = known_windows.known_windows(record, DATA)
  labelled_s = np.flatnonzero(np.isfinite(record.annotations["sbp_t"])) / record.rate_hz
  until_s = labelled_s[0] + 0.2 * (labelled_s[-1] - labelled_s[0])
  assert known.from_s == pytest.approx(until_s)
  assert len(known.start_s_k) and (known.start_s_k + known.length_s_k <= until_s + 1e-6).all()
  first = known.first(1)
  assert len(first.start_s_k) == 1 and first.from_s == known.from_s
  gap = known_windows.known_windows(record, config_of(data__known_gap_s=30.0).data)
  assert gap.from_s == pytest.approx(known.from_s + 30)
  none = known_windows.known_windows(record, config_of(data__known_share=0.0).data)
  assert not len(none.start_s_k) and none.from_s == 0


def test_a_users_own_readings_are_known():
  record = record_of(pulses(75))._replace(info={"readings": [[0.0, 120.0, 80.0]]})
  known = known_windows.known_windows(record, DATA)
  assert known.bp_mmhg_k_p.tolist() == [[120, 80]] and known.from_s == 0


def test_the_last_known_window_is_an_input_where_asked_for():
  [record] = people(1, stretches=10)
  config = config_of(data__known_input=True, read__known="none").data
  laid = spans(record, config)
  arrays = pressure_windows.cut(record, laid, config)
  known = known_windows.known_windows(record, config)
  assert (arrays["known_bp_mmhg_b_p"] == known.bp_mmhg_k_p[-1].astype(np.float32)).all()
  place = int(np.flatnonzero(laid.start_s_b == known.start_s_k[-1])[0])
  np.testing.assert_array_equal(arrays["known_ppg_b_t_c"][0], arrays["ppg_b_t_c"][place])


def test_a_record_gives_at_most_so_many_windows():
  [record] = people(1, stretches=8)
  few = spans(record, config_of(data__max_windows=3).data)
  every = spans(record, DATA)
  assert few.start_s_b.tolist() == every.start_s_b[[0, 4, 7]].tolist()
