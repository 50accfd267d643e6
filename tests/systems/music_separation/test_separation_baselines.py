"""Baselines and scores of songs, against direct formulas."""
import functools

import numpy as np
import pytest
import scipy.ndimage
from builders import small
from quick import quick_jit

from jaxsig import system as systems
from jaxsig.data.audio.simulate_music import simulate
from jaxsig.data.audio.stem_records import mixture_of, stems_of
from jaxsig.signal import bss_eval
from jaxsig.systems.music_separation import harmonic_percussive, score

separate = quick_jit(harmonic_percussive.separate)


@pytest.fixture(scope="module")
def config():
  return small(
      "music_separation.py",
      data__simulate_duration_s=33.3,
      data__window_s=4,
      baselines__oracles=True,
  )


@pytest.fixture(scope="module")
def records(config):
  return list(simulate(3, 2, config.data))


@pytest.fixture(scope="module")
def predicted(config, records):
  """(method) -> the second song with a baseline's predictions, fitted on the first."""
  baselines = systems.make(config).protocol.baselines

  @functools.cache
  def go(method):
    baseline = baselines[method]
    fitted = baseline.fit(records[:1])
    return records[1]._replace(predictions=baseline.predict(fitted, records[1]))

  return go


def values(config, record, metric):
  """{stem: [value of each frame]}."""
  found = {stem: [] for stem in config.data.stems}
  for row in score.score(config, record):
    if row.metric == metric:
      found[row.target].append(row.value)
  return found


def test_the_mixture_scores_as_bss_eval_of_the_whole_song(config, predicted):
  record = predicted("mixture")
  length = record.info["length_t"]
  truth_j_t_c = np.moveaxis(stems_of(record, config.data.stems), 1, 0)[:, :length]
  estimate_j_t_c = np.broadcast_to(mixture_of(record)[:length], truth_j_t_c.shape)
  seconds = bss_eval.energies(truth_j_t_c, estimate_j_t_c, int(record.rate_hz))
  for metric, (policy, gate) in score.POLICIES.items():
    wanted_j_w = bss_eval.frame_sdr_db(seconds, policy, gate)
    found = values(config, record, metric)
    for j, stem in enumerate(config.data.stems):
      for value, wanted in zip(found[stem], wanted_j_w[j], strict=True):
        if np.isnan(wanted):
          assert value is None
        else:
          assert value == pytest.approx(wanted, abs=2e-3)
  assert len(found["vocals"]) == 1


def test_frames_with_a_silent_stem_are_not_counted(config, records, predicted):
  record = predicted("mixture")
  quiet = dict(record.predictions)
  truth_b_s_j = np.array(quiet["truth_b_s_j"])
  truth_b_s_j[:, :, 1] *= 1e-9
  quiet["truth_b_s_j"] = truth_b_s_j
  rows = list(score.score(config, record._replace(predictions=quiet)))
  gated = [row for row in rows if row.metric == score.GATED]
  assert gated and all(row.value is None and not row.included and row.why for row in gated)
  assert all(row.included for row in rows if row.metric == score.FRAMEWISE)


def test_oracles_stand_above_what_needs_no_truth(config, predicted):
  figures = {}
  for method in systems.make(config).protocol.baselines:
    found = values(config, predicted(method), score.SONG)
    figures[method] = np.array([found[stem][0] for stem in config.data.stems])
  for oracle in ("ideal_ratio_mask", "ideal_power_mask", "ideal_binary_mask", "oracle_wiener"):
    for method in ("mixture", "constant", "hpss"):
      assert np.all(figures[oracle] > figures[method] + 2), (oracle, method)
  assert np.all(figures["constant"] > figures["mixture"])
  assert np.all(figures["oracle_wiener"] > figures["ideal_ratio_mask"])


@pytest.mark.parametrize("axis, size", [(-2, (1, 17, 1)), (-1, (1, 1, 17))])
def test_medians_are_those_of_scipy(axis, size):
  x = np.random.default_rng(0).uniform(size=(2, 30, 25)).astype(np.float32)
  wanted = scipy.ndimage.median_filter(x, size=size, mode="nearest")
  np.testing.assert_array_equal(harmonic_percussive.median(x, 17, axis), wanted)


def test_harmonic_and_percussive_parts_make_the_mixture():
  draw = np.random.default_rng(0)
  mixture = draw.standard_normal((1, 2, 30, 25)) + 1j * draw.standard_normal((1, 2, 30, 25))
  mean = {"power_j_f": draw.uniform(size=(3, 25)), "is_drums_j": np.array([0.0, 1.0, 0.0])}
  stems = separate(np.zeros((1, 3, 2, 30, 25)), mixture, mean)
  np.testing.assert_allclose(np.sum(stems, 1), mixture, atol=1e-5)


def test_a_steady_tone_is_harmonic_and_a_click_percussive():
  mixture = np.zeros((1, 2, 40, 40), np.complex64)
  mixture[..., 10] = 1.0
  mixture[:, :, 20] = 1.0
  mean = {"power_j_f": np.ones((3, 40)), "is_drums_j": np.array([0.0, 1.0, 0.0])}
  stems = np.asarray(separate(np.zeros((1, 3, 2, 40, 40)), mixture, mean))
  np.testing.assert_allclose(stems[0, 1, 0, 5, 10], 0, atol=1e-6)    # the tone is not in drums
  np.testing.assert_allclose(stems[0, 1, 0, 20, 30], 1, atol=1e-6)   # the click is


def test_oracles_can_be_left_out():
  methods = set(systems.make(small("music_separation.py")).protocol.baselines)
  assert methods == {"constant", "mixture", "hpss"}


def test_without_drums_there_are_no_percussive_parts():
  config = small("music_separation.py", data__stems=("vocals", "other"))
  assert "hpss" not in systems.make(config).protocol.baselines
