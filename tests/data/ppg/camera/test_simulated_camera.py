"""A camera's view of simulated skin, and tables of colours with readings of a cuff."""
import numpy as np
import pytest
from fake_pressure import config_of, people

from jaxsig.data.ppg.camera import rgb_traces
from jaxsig.data.ppg.camera.pos import pos
from jaxsig.data.ppg.camera.simulated_colours import FRAME_RATE_HZ, colours, draw_skin
from jaxsig.data.ppg.pressure import data_sets
from jaxsig.data.ppg.pressure.pulse_filters import band_pass
from jaxsig.data.ppg.pressure.usable_windows import spans
from jaxsig.errors import UserError


def likeness(pulse_t, volume_t):
  """The correlation with the volume from 0.5 to 8 Hz, the camera's delay taken out."""
  first_t = band_pass(pulse_t, FRAME_RATE_HZ, 0.5, 8.0)
  second_t = band_pass(volume_t, FRAME_RATE_HZ, 0.5, 8.0)
  size = len(first_t)
  return max(np.corrcoef(first_t[k:], second_t[:size - k])[0, 1] for k in range(6))


def seen(person, artefacts=1.0):
  """(R, G, B of a camera, the volume) of a simulated finger at the camera's rate."""
  [record] = people(1, seed=person, stretches=1, stretch_s=20.0, data__simulate_artefacts=0.0)
  draw = np.random.default_rng(person)
  volume_t = record.signals["ppg_t"].astype(float)
  rgb_t_c = colours(volume_t, record.rate_hz, draw_skin(draw), artefacts, draw)
  at_s = np.arange(len(rgb_t_c)) / FRAME_RATE_HZ
  return rgb_t_c, np.interp(at_s, np.arange(len(volume_t)) / record.rate_hz, volume_t)


def test_pos_finds_the_pulse_and_green_does_not():
  """With the light's drift, sway and noise: about 0.89 against 0.35 over a cohort."""
  found, green = [], []
  for person in range(12):
    rgb_t_c, volume_t = seen(person)
    assert (rgb_t_c > 0).all()
    found.append(likeness(-pos(rgb_t_c, FRAME_RATE_HZ, "divided"), volume_t))
    green.append(likeness(-rgb_t_c[:, 1], volume_t))
  assert np.mean(found) == pytest.approx(0.89, abs=0.07)
  assert np.mean(green) < np.mean(found) - 0.3


def test_without_artefacts_all_colours_show_the_pulse():
  rgb_t_c, volume_t = seen(3, artefacts=0.0)
  assert likeness(-rgb_t_c[:, 1], volume_t) > 0.95
  assert likeness(-pos(rgb_t_c, FRAME_RATE_HZ, "divided"), volume_t) > 0.95


def test_people_before_a_camera_have_the_pressures_of_their_fingers():
  """The same person with either sensor, under another name."""
  [finger] = people(1, stretches=4)
  [camera] = people(1, stretches=4, data__simulate_sensor="camera")
  assert camera.group != finger.group and camera.rate_hz == FRAME_RATE_HZ
  assert camera.info["age"] == finger.info["age"]
  median = {}
  for record in (finger, camera):
    median[record.group] = np.nanmedian(record.annotations["sbp_t"])
  assert median[camera.group] == pytest.approx(median[finger.group], abs=6)
  beats = [np.isfinite(record.annotations["sbp_t"]).sum() for record in (finger, camera)]
  assert beats[0] == pytest.approx(beats[1], rel=0.1)
  windows = spans(camera, config_of(data__simulate_sensor="camera").data)
  assert len(windows) >= 3


HEAD = "time,R,G,B\n"


def write_trace(path, person=0):
  rgb_t_c, _ = seen(person)
  lines = []
  for k, (r, g, b) in enumerate(rgb_t_c):
    lines.append(f"{1000 * k / FRAME_RATE_HZ:.0f},{r:.4f},{g:.4f},{b:.4f}")
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_text(HEAD + "\n".join(lines) + "\n")


def test_tables_of_colours_have_the_readings_beside_them(tmp_path):
  write_trace(tmp_path / "rgb_traces" / "anna.csv")
  write_trace(tmp_path / "rgb_traces" / "s3" / "PPG.csv", 1)
  (tmp_path / "rgb_traces" / "readings.csv").write_text(
      "file,subject,time_s,sbp,dbp\ns3/PPG.csv,ben,4,120,80\ns3/PPG.csv,ben,12,130,84\n")
  data = data_sets.DATA["rgb_traces"]
  records = {record.id: record for record in data.load(str(tmp_path), config_of().data)}
  assert sorted(records) == ["anna", "s3"]
  assert records["anna"].group == "anna" and records["s3"].group == "ben"
  assert not np.isfinite(records["anna"].annotations["sbp_t"]).any()
  sbp_t = records["s3"].annotations["sbp_t"]
  assert sbp_t[0] == 120 and sbp_t[-1] == 130
  changes_at_s = np.flatnonzero(np.diff(sbp_t)) / records["s3"].rate_hz
  assert changes_at_s == pytest.approx([8.0], abs=0.1)   # halfway between the readings
  assert len(data.sources(str(tmp_path))) == 3
  about = data.inspect(str(tmp_path))
  assert [one["readings"] for one in about["records"]] == [0, 2]
  assert len(spans(records["s3"], config_of().data)) >= 2


@pytest.mark.parametrize("lines, sentence", [
    ("file,subject,time_s,sbp\n", "has no column dbp"),
    ("file,subject,time_s,sbp,dbp\nbert.csv,b,0,120,80\n", "'bert.csv' in line 2"),
    ("file,subject,time_s,sbp,dbp\nanna.csv,b,0,high,80\n", "'high' as sbp in line 2"),
    ("file,subject,time_s,sbp,dbp\nanna.csv,b,900,120,80\n", "at 900 s lies outside"),
    ("file,subject,time_s,sbp,dbp\nanna.csv,b,1,120,80\nanna.csv,c,2,120,80\n", "of b and of c"),
    ("", "has no column file"),
    (None, "there is no readings.csv"),
])
def test_readings_that_are_none_are_told(tmp_path, lines, sentence):
  write_trace(tmp_path / "anna.csv")
  if lines is not None:
    (tmp_path / "readings.csv").write_text(lines)
  with pytest.raises(UserError, match=sentence):
    rgb_traces.load(str(tmp_path), config_of().data)


def test_tables_without_readings_are_inspected_and_audited(tmp_path):
  write_trace(tmp_path / "anna.csv")
  about = data_sets.DATA["rgb_traces"].inspect(str(tmp_path))
  assert len(about["records"]) == 1 and "no copies" in about["findings"][0]
