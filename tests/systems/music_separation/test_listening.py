"""What is kept of a separated song, drawn and played."""
import types

import numpy as np
import pytest

from jaxsig.data.audio.audio_files import read_audio
from jaxsig.data.audio.stem_records import record_of, stems_of
from jaxsig.systems.music_separation import figures

STEMS = ("vocals", "drums")
RATE_HZ = 8000
WINDOW_S = 4
CONFIG = types.SimpleNamespace(rate_hz=RATE_HZ, window_s=float(WINDOW_S), sample_type="int16")


@pytest.fixture(scope="module")
def record():
  """48 s of two stems, and an estimate of half their size."""
  draw = np.random.default_rng(0)
  stems = {stem: draw.uniform(-0.3, 0.3, (48 * RATE_HZ, 2)).astype(np.float32) for stem in STEMS}
  one = record_of("a song", "a song", stems, {}, CONFIG)
  truth_t_j_c = stems_of(one, STEMS)
  windows = truth_t_j_c.reshape(-1, WINDOW_S * RATE_HZ, 2, 2)
  heard_b_j_t_c = np.rint(np.moveaxis(windows, 2, 1) * 2**14).astype(np.int16)
  return one._replace(predictions={"heard_b_j_t_c": heard_b_j_t_c})


@pytest.fixture(scope="module")
def stored(record):
  return figures.keep(STEMS, record)


@pytest.fixture(scope="module")
def material(stored):
  return types.SimpleNamespace(reference="ours", records=lambda method: [{}, stored])


def test_an_excerpt_of_the_middle_is_kept_true_and_estimated_alike(record, stored):
  assert stored["from_s"] == 12.0
  assert stored["truth_j_t_c"].shape == stored["estimate_j_t_c"].shape == (2, 20 * RATE_HZ, 2)
  truth_t_j_c = stems_of(record, STEMS, 12 * RATE_HZ, 32 * RATE_HZ)
  np.testing.assert_allclose(
      stored["truth_j_t_c"] / 2**15, np.swapaxes(truth_t_j_c, 0, 1), atol=2e-5)
  difference = stored["truth_j_t_c"] - 2.0 * stored["estimate_j_t_c"]
  assert np.abs(difference).max() <= 2


def test_nothing_is_kept_of_a_method_without_an_estimate(record):
  assert figures.keep(STEMS, record._replace(predictions={})) == {}


def test_spectrograms_stand_side_by_side_on_one_scale(material):
  plan, = figures.figures(STEMS, material)
  assert "a song, 12 to 32 s" in plan.title
  drawn = plan.draw()
  pictures = [axis.images[0] for axis in drawn.axes]
  assert len(pictures) == 4
  for truth, estimate in zip(pictures[::2], pictures[1::2]):
    assert truth.get_clim() == estimate.get_clim()
    difference = np.median(np.asarray(truth.get_array()) - np.asarray(estimate.get_array()))
    assert difference == pytest.approx(6.02, abs=0.05)   # half the amplitude


def test_what_is_played_is_what_was_kept(material, stored, tmp_path):
  heard, = figures.listening(STEMS, material)
  labels = [sound.label for sound in heard.sounds]
  assert labels == ["mixture", "vocals, true", "vocals, ours", "drums, true", "drums, ours"]
  for number, wanted_t_c in ((0, stored["truth_j_t_c"].sum(0)), (2, stored["estimate_j_t_c"][0])):
    path = tmp_path / f"{number}.mp3"
    path.write_bytes(heard.sounds[number].encode())
    decoded = read_audio(path)
    assert decoded.rate_hz == RATE_HZ
    length_s = len(decoded.samples_t_c) / RATE_HZ
    assert length_s == pytest.approx(20, abs=0.3)
    power = np.mean(decoded.samples_t_c**2)
    assert power == pytest.approx(np.mean((wanted_t_c / 2**15) ** 2), rel=0.2)
