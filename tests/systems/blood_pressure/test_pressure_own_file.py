"""A user's own recording: pressures with and without readings of a cuff, and what is refused."""
import json

import numpy as np
import pytest
from fake_pressure import config_of, people

import jaxsig
from jaxsig.errors import UserError
from jaxsig.rows import Row
from jaxsig.system import Seen
from jaxsig.systems.blood_pressure import quality
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
  with pytest.raises(UserError, match="no skin is named"):
    model.predict(tmp_path / "face.mp4")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("120/80@90", "later than the recording"),
        ("80/120@0", "above the diastolic"),
        ("300/80@0", "outside 50 to 260"),
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
