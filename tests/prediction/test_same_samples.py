"""The same samples give the same answer, whatever they are called; from Python in silence."""
import json
import os
import shutil

import numpy as np
import pytest
from builders import small
from fake_bidmc import says
from fake_recording import LONG, fake, pulse
from PIL import Image
from predict_builders import untrained

import jaxsig
from jaxsig.prediction import own_file

pytestmark = pytest.mark.quick
PULSE_HZ = 50.0


def numbers(predictions) -> dict[str, np.ndarray]:
  """The arrays of numbers among predictions."""
  arrays = {name: np.asarray(x) for name, x in predictions.items()}
  return {name: x for name, x in arrays.items() if x.dtype.kind in "fciu"}


def assert_same(a, b) -> None:
  a, b = numbers(a), numbers(b)
  assert a.keys() == b.keys()
  for name, x in a.items():
    np.testing.assert_array_equal(x, b[name], err_msg=name)


@pytest.fixture(scope="module")
def model():
  """Its samples are noise by the windows' keys."""
  return fake(small(LONG))


def test_a_recording_is_answered_alike_under_any_name(model, tmp_path):
  x_t = pulse(130)
  names = ["a.npy", "b.npy", "new\nline.npy", "\u3042" * 70 + ".npy"]
  names.append(os.fsdecode(b"Gr\xf6\xdfe.npy"))
  first = model.predict(x_t, PULSE_HZ)
  assert np.ptp(np.diff(first.predictions["resp_s_t"], axis=0)) > 0   # there is noise
  for name in names:
    with (tmp_path / name).open("wb") as file:
      np.save(file, x_t)
    again = model.predict(tmp_path / name, PULSE_HZ)
    assert_same(first.predictions, again.predictions)
    json.dumps(again.to_dict(), ensure_ascii=False).encode("utf-8")


def test_the_seed_alone_changes_the_noise(model):
  other = fake(small(LONG, read__seed=1))
  a = model.predict(pulse(130), PULSE_HZ).predictions["resp_s_t"]
  b = other.predict(pulse(130), PULSE_HZ).predictions["resp_s_t"]
  assert np.abs(a - b).max() > 0


def test_images_are_answered_alike_under_any_name(tmp_path, quick_compilation):
  model = untrained(small("cnn_notes.py"))
  pixels = np.random.default_rng(0).integers(0, 255, (28, 28)).astype(np.uint8)
  Image.fromarray(pixels).save(tmp_path / "a.png")
  shutil.copy(tmp_path / "a.png", tmp_path / "b.png")
  a, b = (model.predict(tmp_path / name) for name in ("a.png", "b.png"))
  np.testing.assert_array_equal(a.probabilities, b.probabilities)
  np.testing.assert_array_equal(a.probabilities, model.predict(pixels).probabilities)


@pytest.mark.parametrize(("show", "lines"), [(False, 0), (True, 1)])
def test_only_the_command_line_shows_progress(show, lines, capfd):
  model = fake(small(LONG, run__predict_batch_size=1))
  own_file.predict(pulse(150), PULSE_HZ, model, block_s=60.0, show=show)
  out, err = capfd.readouterr()
  assert not out
  assert len(err.splitlines()) == lines


def test_the_command_line_shows_progress(model, tmp_path, capfd, monkeypatch):
  monkeypatch.setattr(own_file, "BLOCK_S", 60.0)
  shown = []
  predict_windows = own_file.predict_windows

  def watched(predictor, arrays, names, what):
    shown.append(what)
    return predict_windows(predictor, arrays, names, what)

  monkeypatch.setattr(own_file, "predict_windows", watched)
  np.save(tmp_path / "mine.npy", pulse(130))
  own_file.run(model, tmp_path / "mine.npy", PULSE_HZ, tmp_path / "out")
  assert shown and all(what.startswith("predicting") for what in shown)


def test_results_tell_which_input_made_them(model, tmp_path, capsys):
  for folder in ("p01", "p02"):
    (tmp_path / folder).mkdir()
    np.save(tmp_path / folder / "ppg.npy", pulse(70, seed=len(folder)))
    own_file.run(model, str(tmp_path / folder / "ppg.npy"), PULSE_HZ, tmp_path / "out")
  assert "the results begin with p02_ppg" in capsys.readouterr().out
  for name, folder in (("ppg", "p01"), ("p02_ppg", "p02")):
    about = json.loads((tmp_path / "out" / f"{name}_respiration.json").read_text())
    assert about["input"] == str((tmp_path / folder / "ppg.npy").resolve())
    assert len(about["input_sha256"]) == 64
    assert about["name"] == name
    assert "notes" in about
    rows = (tmp_path / "out" / f"{name}_rows.jsonl").read_text().splitlines()
    assert {json.loads(row)["record"] for row in rows} == {name}


def test_a_refused_prediction_leaves_nothing(model, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  np.save("short.npy", pulse(5))
  before = sorted(tmp_path.iterdir())
  for source in ("short.npy", "none.npy", "gs://b/x.npy", ".", "/dev/null"):
    says(own_file.run, model, source, PULSE_HZ, "out")
  for output in ("short.npy", "short.npy/out", "gs://b", "", "/dev/null", "x" * 300):
    says(own_file.run, model, "short.npy", PULSE_HZ, output)
  assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("rate_hz", ["a", "64", 0, -1, np.nan, np.inf, True, [64], {}, 1 + 2j])
def test_a_rate_is_a_number_above_0(model, rate_hz):
  assert "is no sampling rate" in says(model.predict, pulse(70), rate_hz)


@pytest.mark.parametrize("rate_hz", [50, np.float32(50), np.int64(50)])
def test_any_kind_of_number_is_a_rate(model, rate_hz):
  assert model.predict(pulse(70), rate_hz).rates


@pytest.mark.parametrize("source", [None, 5, "", "a\0b", b"mine", {}, set(), [], object(), open])
def test_what_is_neither_a_file_nor_an_array_is_told(model, source):
  says(model.predict, source, PULSE_HZ)


@pytest.mark.parametrize(
    "model_name", [None, 5, "", "a\0b", b"x", [], {}, "gs://m", "x" * 300, "nope"])
def test_what_is_no_model_is_told(model_name):
  says(jaxsig.open_model, model_name)
  says(jaxsig.predict, pulse(70), PULSE_HZ, model_name)
