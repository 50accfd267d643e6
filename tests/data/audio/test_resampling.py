"""Rates of audio: what passes, what is suppressed, and that blocks give what the whole gives."""
import numpy as np
import pytest
from scipy.signal import resample_poly

from jaxsig.data.audio import resampling
from jaxsig.data.audio.resampling import resampled, resampled_blocks
from jaxsig.errors import UserError

RATES_HZ = [(44100, 22050), (48000, 22050), (22050, 44100)]
ABOVE_K = np.array([1.01, 1.02, 1.03, *np.linspace(1.05, 1.8, 12)])   # over Nyquist
EDGE_T = 3000   # at the ends a tone begins and ends


def sines(frequencies_hz, rate_hz, length):
  """[t, k] a sine a channel."""
  time_s_t = np.arange(length) / rate_hz
  return np.sin(2 * np.pi * time_s_t[:, None] * frequencies_hz)


def worst_and_mean_snr_db(change, from_hz, to_hz):
  """Of 40 tones up to 0.9 of the lower Nyquist frequency."""
  frequencies_hz = np.linspace(0.02, 0.9, 40) * min(from_hz, to_hz) / 2
  found_t_k = change(sines(frequencies_hz, from_hz, from_hz), from_hz, to_hz)
  error_t_k = found_t_k - sines(frequencies_hz, to_hz, len(found_t_k))
  power_k = np.mean(error_t_k[EDGE_T:-EDGE_T] ** 2, 0)
  return -10 * np.log10(2 * power_k.max()), -10 * np.log10(2 * power_k.mean())


def alias_db(change, from_hz, to_hz):
  """[k] what is left of tones from 1.01 to 1.8 of the new Nyquist frequency."""
  frequencies_hz = ABOVE_K * to_hz / 2
  found_t_k = change(sines(frequencies_hz, from_hz, from_hz), from_hz, to_hz)
  return 10 * np.log10(2 * np.mean(found_t_k[EDGE_T:-EDGE_T] ** 2, 0))


@pytest.mark.parametrize("from_hz, to_hz", RATES_HZ)
def test_tones_pass(from_hz, to_hz):
  worst_db, mean_db = worst_and_mean_snr_db(resampled, from_hz, to_hz)
  assert worst_db > 100.5 and mean_db > 112


@pytest.mark.parametrize("from_hz, to_hz", RATES_HZ[:2])
def test_what_would_be_mirrored_is_suppressed(from_hz, to_hz):
  left_db_k = alias_db(resampled, from_hz, to_hz)
  assert left_db_k.max() < -100 and left_db_k[ABOVE_K >= 1.05].max() < -104


def test_the_default_filter_fails_both():
  def default(samples_t_k, from_hz, to_hz):
    return resample_poly(samples_t_k, to_hz, from_hz, axis=0)

  assert worst_and_mean_snr_db(default, 44100, 22050)[1] < 60
  assert alias_db(default, 48000, 22050).max() > -60


@pytest.mark.parametrize("from_hz, to_hz", [
    (44100, 22050), (48000, 22050), (24000, 22050), (8000, 22050), (22050, 44100), (192000, 22050)])
def test_products_of_matrices_give_what_the_filter_gives(from_hz, to_hz, monkeypatch):
  samples_t_c = np.random.default_rng(0).normal(0, 0.3, (30011, 2)).astype(np.float32)
  found_t_c = resampled(samples_t_c, from_hz, to_hz)
  monkeypatch.setattr(resampling, "MOST_WEIGHTS", 0)
  expected_t_c = resampled(samples_t_c, from_hz, to_hz)
  assert found_t_c.shape == expected_t_c.shape and found_t_c.dtype == np.float32
  np.testing.assert_allclose(found_t_c, expected_t_c, atol=2e-6)


@pytest.mark.parametrize("from_hz, to_hz", [(44100, 22050), (48000, 22050), (22050, 48000)])
def test_blocks_join_to_the_whole(from_hz, to_hz, monkeypatch):
  monkeypatch.setattr(resampling, "BLOCK_T", 5000)
  draw = np.random.default_rng(1)
  samples_t_c = draw.normal(0, 0.3, (40007, 2)).astype(np.float32)
  cuts = np.sort(draw.integers(0, len(samples_t_c), 30))
  blocks = np.split(samples_t_c, cuts)
  parts = list(resampled_blocks(iter(blocks), from_hz, to_hz))
  assert len(parts) > 3
  whole_t_c = resampled(samples_t_c, from_hz, to_hz)
  np.testing.assert_allclose(np.concatenate(parts), whole_t_c, atol=1e-6)


@pytest.mark.parametrize("length", [1, 2, 3, 700])
def test_short_signals(length):
  for from_hz, to_hz in RATES_HZ:
    found_t_c = resampled(np.ones((length, 1)), from_hz, to_hz)
    assert len(found_t_c) == -(-length * to_hz // from_hz)


def test_one_rate_is_left_as_it_is():
  samples_t_c = np.arange(6, dtype=np.float32).reshape(3, 2)
  assert resampled(samples_t_c, 44100, 44100) is samples_t_c
  assert len(list(resampled_blocks([samples_t_c] * 3, 8000.0, 8000))) == 3


def test_rates_without_a_simple_ratio():
  found_t_c = resampled(np.ones((4000, 1)), 4001, 2000)   # by the filter itself
  assert found_t_c[1000] == pytest.approx(1, abs=1e-3)
  with pytest.raises(UserError, match="no simple fraction"):
    resampled(np.ones((100, 1)), 192001, 22050.5)
