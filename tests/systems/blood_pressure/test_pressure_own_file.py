"""A user's own recording: pressures with and without readings of a cuff, and what is refused."""
import json

import numpy as np
import pytest
from fake_pressure import config_of, people

import jaxsig
from jaxsig.errors import UserError
from jaxsig.prediction import own_file as own_file_of
from jaxsig.rows import Row
from jaxsig.system import Seen
from jaxsig.systems.blood_pressure import own_file, pressures, quality
from jaxsig.systems.blood_pressure.pressures import Pressure
from jaxsig.systems.blood_pressure.score import WINDOW


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
  folder = tmp_path_factory.mktemp("pressure") / "bp"
  jaxsig.train(config_of("smoke", run__ablations=False, baselines__run=False), folder)
  return folder


@pytest.fixture(scope="module")
def model(workdir):
  return jaxsig.open_model(workdir)


@pytest.fixture(scope="module")
def ppg_t():
  [record] = people(1, seed=9, stretches=1, stretch_s=60.0)
  return record.signals["ppg_t"]


def calibrated(workdir, text):
  config = jaxsig.open_model(workdir).config.copy_and_resolve_references()
  with config.unlocked():
    config.own.calibration = text
  return jaxsig.open_model(workdir, config.lock())


def test_without_a_reading_the_limits_are_told(model, ppg_t):
  found = model.predict(ppg_t, 125.0)
  assert len(found.pressures) == 16   # of 7 s every 3.5 s
  assert any("little better than the mean of people" in note for note in found.notes)
  assert found.readings == ()
  for pressure in found.pressures:
    assert pressure.sbp_low_95_mmhg < pressure.sbp_mmhg < pressure.sbp_high_95_mmhg


def test_readings_move_the_estimates(workdir, ppg_t, tmp_path):
  model = calibrated(workdir, "150/95@0")
  found = model.predict(ppg_t, 125.0)
  first = found.pressures[0]
  assert first.sbp_mmhg == pytest.approx(150, abs=1) and first.dbp_mmhg == pytest.approx(95, abs=1)
  assert found.readings == ((0.0, 150.0, 95.0),)
  assert not any("little better" in note for note in found.notes)
  json.dumps(found.to_dict())
  assert "150/9" in repr(found)


def test_files_of_a_recording_are_written(workdir, ppg_t, tmp_path):
  from jaxsig import main

  np.save(tmp_path / "mine.npy", ppg_t)
  main.main([
      "jaxsig", "--mode=predict", f"--workdir={workdir}", f"--input={tmp_path}/mine.npy",
      "--rate_hz=125", f"--output={tmp_path}/out", "--config.own.calibration=120/80@0"])
  lines = (tmp_path / "out" / "mine_pressures.csv").read_text().splitlines()
  assert lines[0].startswith("start_s,end_s,sbp_mmhg") and len(lines) == 17
  told = json.loads((tmp_path / "out" / "mine_pressure.json").read_text())
  assert told["unit"] == "mmHg" and told["readings"] == [[0, 120, 80]]
  assert (tmp_path / "out" / "mine_pressure.png").stat().st_size > 5000


def test_an_inverted_recording_is_turned(model, ppg_t):
  upright = model.predict(ppg_t, 125.0)
  turned = model.predict(-ppg_t, 125.0)
  assert any("upside down" in note for note in turned.notes)
  expected = [pressure.sbp_mmhg for pressure in upright.pressures]
  found = [pressure.sbp_mmhg for pressure in turned.pressures]
  np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_traces_of_colour_are_read_with_their_times(model, ppg_t, tmp_path):
  """What a camera sees of the same pulse, in a table with times in ms, says the same pressure."""
  time_ms = np.arange(0, 60_000, 1000 / 30)
  place = np.interp(time_ms, np.arange(len(ppg_t)) * 8, ppg_t)
  volume = (place - place.mean()) / place.std()
  colours = np.array([205, 160, 135]) * (1 - 0.006 * volume[:, None] * np.array([0.43, 1.0, 0.69]))
  lines = ["time_ms,R,G,B"]
  for now, (red, green, blue) in zip(time_ms, colours, strict=True):
    lines.append(f"{now:.1f},{red:.4f},{green:.4f},{blue:.4f}")
  (tmp_path / "face.csv").write_text("\n".join(lines))
  found = model.predict(tmp_path / "face.csv")
  expected = model.predict(ppg_t, 125.0)
  assert abs(len(found.pressures) - len(expected.pressures)) <= 1
  difference = [one.sbp_mmhg - other.sbp_mmhg for one, other in zip(
      found.pressures, expected.pressures, strict=False)]
  assert np.abs(np.median(difference)) < 5


def test_a_video_without_a_named_region_is_refused(model, tmp_path):
  (tmp_path / "face.mp4").write_text("no video")
  with pytest.raises(UserError, match="not known where the skin is"):
    model.predict(tmp_path / "face.mp4")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("120/80@90", "later than the recording"),
        ("80/120@0", "above the diastolic"),
        ("300/80@0", "outside 60 to 240"),
    ],
)
def test_a_wrong_reading_is_refused(workdir, ppg_t, text, sentence):
  with pytest.raises(UserError, match=sentence):
    calibrated(workdir, text).predict(ppg_t, 125.0)


def test_what_is_too_short_or_flat_is_answered(model, ppg_t):
  with pytest.raises(UserError, match="less than one window of 7 s"):
    model.predict(ppg_t[:600], 125.0)
  with pytest.raises(UserError):
    model.predict(np.zeros(2000), 125.0)


def test_a_saturated_recording_is_refused_and_a_cut_off_one_is_doubtful(workdir, ppg_t):
  model = calibrated(workdir, "120/80@0")
  low, middle, high = np.percentile(ppg_t, [0, 50, 93])
  with pytest.raises(UserError, match="rests on its highest or lowest value in .* saturated"):
    model.predict(np.minimum(ppg_t, low + 0.8 * (middle - low)), 125.0)
  found = model.predict(np.minimum(ppg_t, high), 125.0)
  assert any("out of its range" in note for note in found.notes)
  assert all(pressure.quality != "good" for pressure in found.pressures)


def pressure(start_s):
  return Pressure(start_s, start_s + 7, 120.0, 80.0, 110.0, 130.0, 75.0, 85.0, "good")


def test_far_from_a_reading_a_pressure_is_doubtful():
  info = {"readings": [[0.0, 120.0, 80.0], [1000.0, 124.0, 82.0]]}
  assert pressures.with_caution(pressure(200.0), info).quality == "good"
  assert pressures.with_caution(pressure(800.0), info).quality == "good"
  far = pressures.with_caution(pressure(500.0), info)
  assert far.quality == "doubtful" and "8 min away" in far.why
  assert pressures.with_caution(pressure(500.0), {}).quality == "good"


def test_an_exported_model_keeps_what_validation_subjects_have_taught(workdir, tmp_path):
  """Its intervals are those of the workdir, and its card leads with its limits."""
  from jaxsig.prediction import export

  export.export(workdir, tmp_path / "pressure", [])
  shipped = jaxsig.open_model(tmp_path / "pressure")
  assert shipped.calibration and shipped.calibration == jaxsig.open_model(workdir).calibration
  card = (tmp_path / "pressure" / "card.md").read_text()
  assert "tells little of a stranger's blood pressure" in card
  assert card.index("## Limits") < card.index("## Made from")


def row(target="sbp", estimate=120.0, half=15.0):
  interval = {"95": (estimate - half, estimate + half)}
  return Row(WINDOW, "g", "r", "0 s", target, estimate=estimate, interval=interval)


@pytest.mark.parametrize(
    ("row", "seen", "expected"),
    [
        (row(), Seen(7, 0, 0), "good"),
        (row(half=25), Seen(7, 0, 0), "doubtful"),
        (row(), Seen(7, 0.5, 0), "doubtful"),
        (row(half=40), Seen(7, 0, 0), "no estimate"),
        (row(estimate=300.0), Seen(7, 0, 0), "no estimate"),
        (row(target="dbp", estimate=70.0, half=14), Seen(7, 0, 0), "doubtful"),
    ],
)
def test_how_far_a_pressure_may_be_trusted(row, seen, expected):
  judged = quality.judge(row, seen)
  assert judged.quality == expected
  assert (judged.estimate is None) == (expected == "no estimate")
  assert bool(judged.why) == (expected != "good")


def test_the_shipped_model_says_the_reading_and_its_limits(ppg_t):
  """Near a reading it is that reading, with an interval; the figures of those held out are told."""
  shipped = jaxsig.open_model("pressure_7s")
  config = shipped.config.copy_and_resolve_references()
  with config.unlocked():
    config.own.calibration = "131/84@2"
  found = jaxsig.open_model("pressure_7s", config.lock()).predict(ppg_t, 125.0)
  first = found.pressures[0]
  assert first.sbp_mmhg == pytest.approx(131, abs=2) and first.dbp_mmhg == pytest.approx(84, abs=2)
  assert first.sbp_low_95_mmhg < 131 < first.sbp_high_95_mmhg
  assert any("subjects who were held out" in note or "those readings" in note
             for note in found.notes)
  alone = shipped.predict(ppg_t, 125.0)
  assert any("it is no better than that" in note for note in alone.notes)
  assert not any(pressure.quality == "good" for pressure in alone.pressures)


def shipped(calibration=""):
  return jaxsig.open_model("pressure_7s", own__calibration=calibration)


def qualities(found):
  return [pressure.quality for pressure in found.pressures]


def pulse(rate_bpm, seconds=60.0, rate_hz=125.0):
  """Pulses that rise quickly and fall slowly."""
  phase = np.arange(int(seconds * rate_hz)) / rate_hz * rate_bpm / 60 % 1
  return np.exp(-4 * phase) * np.minimum(phase / 0.12, 1)


def test_noise_and_a_pulse_that_is_too_fast_are_never_good():
  model = shipped("120/80@0")
  for seed in (1, 3):   # of which one window each has a narrow interval
    found = model.predict(np.random.default_rng(seed).standard_normal(50_000), 125.0)
    assert "good" not in qualities(found)
  fast = model.predict(pulse(200), 125.0)
  assert set(qualities(fast)) == {"doubtful"}
  assert all("faster than 150" in pressure.why for pressure in fast.pressures)


def test_every_window_is_told_and_one_without_a_pulse_has_no_estimate(ppg_t):
  """A reading is told without numbers where one of the two pressures has no estimate."""
  mixed_t = np.concatenate([ppg_t[:3750], pulse(180, 30.0) * np.std(ppg_t)])
  mixed_t[2000:2500] = np.nan
  found = shipped("120/80@0").predict(mixed_t, 125.0)
  starts = [pressure.start_s for pressure in found.pressures]
  assert starts == [0, 3.5, 7, 9, *np.arange(20, 51.6, 3.5), 52.5]   # up to the ends
  assert "good" in qualities(found)[:3]
  last = found.pressures[-1]
  assert last.quality == "no estimate" and "no pulse of 40 to 150" in last.why
  for pressure in found.pressures:
    is_none = pressure.quality == "no estimate"
    assert (pressure.sbp_mmhg is None) == (pressure.dbp_mmhg is None) == is_none


@pytest.mark.parametrize("calibration", ["", "120/80@0; 130/86@150"])
def test_a_recording_in_pieces_has_the_pressures_of_the_whole(calibration):
  [record] = people(1, seed=9, stretches=1, stretch_s=200.0)
  ppg_t = record.signals["ppg_t"].copy()
  ppg_t[6000:6600] = np.nan
  ppg_t[20_000:] = pulse(180, 40.0) * np.nanstd(ppg_t)   # too quick for the model
  model = shipped(calibration)
  whole = pressures.pressures_of(own_file_of.predict(ppg_t, 125.0, model, block_s=1e9))
  pieces = pressures.pressures_of(own_file_of.predict(ppg_t, 125.0, model, block_s=35.0))
  starts = [one.start_s for one in pieces]
  assert len(starts) > 50 and starts == pytest.approx([one.start_s for one in whole])
  differences = []
  for one, other in zip(pieces, whole, strict=True):
    assert (one.sbp_mmhg is None) == (other.sbp_mmhg is None)
    if one.sbp_mmhg is not None:
      differences.append(np.subtract(one[2:8], other[2:8]))
  # what counts as a beat depends a little on the seconds around it, where a piece may end
  assert np.abs(differences).max() < 2 and np.median(np.abs(differences)) < 0.1


def test_a_recording_without_any_pulse_is_refused_with_its_reason():
  with pytest.raises(UserError, match="no window of an array can be used"):
    shipped().predict(pulse(180), 125.0)


def test_times_late_in_a_recording_are_written_in_full():
  assert own_file._cell(86383.5) == "86383.5" and own_file._cell(122.49999) == "122.5"
  assert own_file._cell(26 + 2 / 3) == "26.667" and own_file._cell(100000.0) == "100000"


def test_a_reading_in_kilopascal_is_told(ppg_t):
  with pytest.raises(UserError, match="in kPa: give it in mmHg, as 120/80@0"):
    shipped("16/10.7@0").predict(ppg_t, 125.0)


def colours_of(ppg_t):
  """[t, 3] what a camera of 30 frames a second sees of a pulse."""
  time_s = np.arange(0, len(ppg_t) / 125, 1 / 30)
  place = np.interp(time_s, np.arange(len(ppg_t)) / 125, ppg_t)
  volume = (place - place.mean()) / place.std()
  return np.array([205, 160, 135]) * (1 - 0.02 * volume[:, None] * np.array([0.43, 1.0, 0.69]))


def test_three_columns_are_colours_in_an_array_and_in_a_file(ppg_t, tmp_path):
  rgb_t_c = colours_of(ppg_t)
  np.save(tmp_path / "face.npy", rgb_t_c)
  model = shipped("120/80@0")
  found = model.predict(rgb_t_c, 30.0)
  stored = model.predict(tmp_path / "face.npy", 30.0)
  assert found.pressures == stored.pressures and "good" in qualities(found)
  assert any("taken for R, G and B" in note for note in found.notes)


@pytest.mark.parametrize(
    ("source", "rate_hz", "sentence"),
    [
        (np.ones((900, 3), complex), 30.0, "of complex128"),
        (np.full((900, 3), "a"), 30.0, "of <U1"),
        (np.ones((0, 3)), 30.0, r"\(0, 3\)"),
        ([[1, 2, 3], [1, 2]], 30.0, "no array of numbers"),
        (np.full((900, 3), np.nan), 30.0, "no frame with a value of each"),
        (np.zeros((900, 3)), 30.0, "dark throughout"),
        (np.ones((900, 3)), 2.0, "2 frames a second"),
        (np.ones((900, 3)), None, "give the frames a second"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_is_no_colours_is_told(source, rate_hz, sentence):
  with pytest.raises(UserError, match=sentence):
    shipped().predict(source, rate_hz)


def test_settings_that_say_nothing_of_an_input_are_told(ppg_t, tmp_path):
  model = jaxsig.open_model("pressure_7s", own__camera="green", own__polarity="inverted")
  assert any("own.camera=green was not used" in note for note in model.predict(ppg_t, 125.0).notes)
  found = model.predict(colours_of(ppg_t), 30.0)
  assert any("own.polarity=inverted was not used" in note for note in found.notes)

  time_s = np.arange(0, 60, 1 / 30)
  table = np.column_stack([time_s, colours_of(ppg_t), np.sin(7 * time_s)])
  np.savetxt(tmp_path / "face.csv", table, delimiter=",", header="time,R,G,B,PPG", comments="")
  notes = model.predict(tmp_path / "face.csv").notes
  assert any("R, G and B were read, not 'PPG'" in note for note in notes)
  assert all(note[0].isupper() and note[-1] == "." for note in notes)
  chosen = jaxsig.open_model("pressure_7s", own__signal="G").predict(tmp_path / "face.csv")
  assert any("'G' was read" in note for note in chosen.notes)
