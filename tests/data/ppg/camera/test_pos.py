"""POS against its closed form, its invariances, and a loop over windows."""
import numpy as np
import pytest

from jaxsig.data.ppg.camera.colour_pulse import with_ppg
from jaxsig.data.ppg.camera.pos import pos
from jaxsig.data.records import Record
from jaxsig.errors import UserError

BASE = np.array([205.0, 160.0, 135.0])
PULSE = np.array([0.33, 0.77, 0.53])   # how much each colour changes with the volume of blood
RATE_HZ = 32.0                          # windows of 52 frames


def colours(frequency_hz=1.2, size=0.005, duration_s=40.0, pulse=PULSE, rate_hz=RATE_HZ):
  time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
  return BASE * (1 + size * pulse * np.sin(2 * np.pi * frequency_hz * time_s)[:, None])


def by_loop(rgb_t_c, rate_hz):
  """The algorithm as it is printed, window by window."""
  length = int(np.ceil(1.6 * rate_hz))
  pulse_t = np.zeros(len(rgb_t_c))
  for first in range(len(rgb_t_c) - length + 1):
    window = rgb_t_c[first:first + length]
    scaled = window / window.mean(0)
    one = scaled[:, 1] - scaled[:, 2]
    two = -2 * scaled[:, 0] + scaled[:, 1] + scaled[:, 2]
    pulse = one + one.std() / two.std() * two
    pulse_t[first:first + length] += pulse - pulse.mean()
  return pulse_t


def test_all_windows_are_those_of_the_printed_algorithm():
  draw = np.random.default_rng(0)
  rgb_t_c = colours() + draw.normal(0, 0.1, (1280, 3))
  np.testing.assert_allclose(pos(rgb_t_c, RATE_HZ), by_loop(rgb_t_c, RATE_HZ), atol=1e-12)


@pytest.mark.parametrize("frequency_hz", [0.5, 1.2, 3.0, 8.0])
def test_a_sinusoid_comes_out_with_the_gain_of_its_closed_form(frequency_hz):
  """H = l 2 (pG - pB) a (1 - D^2) s inside, D the Dirichlet kernel of the window."""
  size, length = 1e-5, 52
  found = pos(colours(frequency_hz, size), RATE_HZ)
  time_s = np.arange(len(found)) / RATE_HZ
  wave = np.sin(2 * np.pi * frequency_hz * time_s)
  angle = 2 * np.pi * frequency_hz / RATE_HZ
  kernel = np.sin(length * angle / 2) / (length * np.sin(angle / 2))
  gain = length * 2 * (PULSE[1] - PULSE[2]) * size * (1 - kernel**2)
  inside = slice(length, -length)
  np.testing.assert_allclose(found[inside], gain * wave[inside], atol=5e-4 * gain)


def test_where_the_second_axis_is_in_antiphase_nothing_is_left():
  found = pos(colours(pulse=np.array([0.9, 0.77, 0.53]), size=1e-6), RATE_HZ)
  assert np.abs(found).max() < 1e-9


def test_gains_of_the_channels_and_a_common_light_do_not_matter():
  rgb_t_c = colours()
  reference = pos(rgb_t_c, RATE_HZ)
  np.testing.assert_allclose(pos(rgb_t_c * [0.3, 2.0, 7.0], RATE_HZ), reference, atol=1e-12)
  time_s = np.arange(len(rgb_t_c)) / RATE_HZ
  light = 1 + 0.01 * np.sin(2 * np.pi * 0.3 * time_s)
  assert np.abs(pos(BASE * light[:, None], RATE_HZ)).max() < 1e-10 * np.abs(reference).max()


def test_what_has_no_pulse_gives_zeros():
  assert not pos(np.tile(BASE, (200, 1)), RATE_HZ).any()
  assert not pos(colours()[:51], RATE_HZ).any()


def test_single_precision_is_enough():
  rgb_t_c = colours()
  reference = pos(rgb_t_c, RATE_HZ)
  found = pos(rgb_t_c.astype(np.float32), RATE_HZ)
  assert np.abs(found - reference).max() < 0.01 * reference.std()


def test_the_order_of_the_colours_shows_under_noise():
  draw = np.random.default_rng(0)
  rgb_t_c = colours(duration_s=120) + BASE * draw.normal(0, 1e-3, (3840, 3))
  wave = np.sin(2 * np.pi * 1.2 * np.arange(3840) / RATE_HZ)

  def correlation(order):
    spectrum = np.fft.rfft(pos(rgb_t_c[:, order], RATE_HZ))
    frequency_hz = np.fft.rfftfreq(3840, 1 / RATE_HZ)
    spectrum[(frequency_hz < 0.5) | (frequency_hz > 8)] = 0
    return np.corrcoef(np.fft.irfft(spectrum), wave)[0, 1]

  right = correlation([0, 1, 2])
  assert right > 0.8
  assert right > correlation([2, 1, 0]) + 0.04   # B, G, R
  assert correlation([1, 0, 2]) < -0.8           # G, R, B


@pytest.mark.parametrize("edges", ["divided", "dropped"])
def test_the_ends_may_be_divided_or_dropped(edges):
  found = pos(colours(size=1e-5), RATE_HZ, edges)
  inside = found[100:-100].std()
  if edges == "divided":
    assert found[:40].std() == pytest.approx(inside, rel=0.5)
    assert pos(colours(size=1e-5), RATE_HZ)[100:-100].std() == pytest.approx(52 * inside, rel=1e-6)
  else:
    assert not found[:51].any() and not found[-51:].any() and found[51:-51].all()


def record_of(rgb_t_c):
  return Record("r", "g", RATE_HZ, {"rgb_t_c": rgb_t_c}, {}, {})


@pytest.mark.parametrize("way", ["auto", "pos", "green", "red"])
def test_the_ppg_of_a_camera_is_upright_and_has_its_gaps(way):
  volume = -np.sin(2 * np.pi * 1.2 * np.arange(1280) / RATE_HZ)   # dark skin is full of blood
  rgb_t_c = colours()
  rgb_t_c[300:320] = np.nan
  ppg_t = with_ppg(record_of(rgb_t_c), way).signals["ppg_t"]
  assert np.isnan(ppg_t[300:320]).all() and np.isfinite(ppg_t[:300]).all()
  inside = slice(400, 1200)
  assert np.corrcoef(ppg_t[inside], volume[inside])[0, 1] > 0.99


def test_under_a_fingertip_minus_red_is_taken_and_told():
  rgb_t_c = colours()
  rgb_t_c[:, 1] = 0
  found = with_ppg(record_of(rgb_t_c))
  assert "minus red" in found.info["notes"][0]
  assert np.isfinite(found.signals["ppg_t"]).all()
  with pytest.raises(UserError, match="channel G is 0"):
    with_ppg(record_of(rgb_t_c), "pos")


@pytest.mark.parametrize("rgb_t_c", [np.ones((100, 4)), np.ones(100), np.full((100, 3), np.nan)])
def test_other_shapes_and_gaps_are_told(rgb_t_c):
  with pytest.raises(UserError):
    pos(rgb_t_c, RATE_HZ)
