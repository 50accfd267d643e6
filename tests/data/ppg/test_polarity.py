"""Which way up a PPG is, by the shape of its pulses."""
import numpy as np
import pytest
from fake_bidmc import says
from fake_pulses import pulses

from jaxsig.data.ppg import polarity
from jaxsig.data.ppg.ppg_file import read_ppg

RATE_HZ = 64.0


def turned(x_t: np.ndarray, rate_hz: float = RATE_HZ, choice: str = "auto") -> bool:
  """Whether a signal comes back as its negative, and nothing else."""
  before_t = np.array(x_t, np.float32)
  after = polarity.upright(before_t.copy(), rate_hz, choice)
  is_turned = polarity.TURNED in after.notes or polarity.CHOSEN in after.notes
  sign = 1
  if is_turned:
    sign = -1
  np.testing.assert_array_equal(after.ppg_t, sign * before_t)
  return is_turned


def with_gaps(x_t: np.ndarray) -> np.ndarray:
  x_t = x_t.copy()
  for first in range(100, len(x_t), 1000):
    x_t[first:first + 90] = np.nan
  return x_t


FORMS = {
  "plain": pulses(),
  "slow": pulses(pulse_bpm=45),
  "quick": pulses(pulse_bpm=130),
  "noisy": pulses(noise=0.1),
  "gaps": with_gaps(pulses(120)),
  "large": 3e5 + 1e4 * pulses(),
  "small": 1e-9 * pulses(),
  "whole numbers": np.round(100 * pulses()),
  "clipped": np.minimum(pulses(), 0.8),
  "drifting": pulses() + np.linspace(0, 5, 3840),
}


@pytest.mark.parametrize("name", FORMS)
def test_an_upright_one_is_left_and_an_inverted_one_is_turned(name):
  x_t = FORMS[name]
  assert not turned(x_t)
  assert turned(-x_t)


@pytest.mark.parametrize("rate_hz", [25.0, 50.0, 125.0, 333.0, 500.0])
def test_at_any_rate(rate_hz):
  x_t = pulses(rate_hz=rate_hz)
  assert not turned(x_t, rate_hz)
  assert turned(-x_t, rate_hz)


TIME_S = np.arange(3840) / RATE_HZ


@pytest.mark.parametrize(
  "x_t",
  [
    np.sin(2 * np.pi * 1.2 * TIME_S),
    np.random.default_rng(0).standard_normal(3840),
    np.cumsum(np.random.default_rng(1).standard_normal(3840)),
    np.sign(np.sin(2 * np.pi * 1.2 * TIME_S)),
    np.random.default_rng(2).standard_t(2, 3840),
    np.zeros(3840),
    np.full(3840, np.nan),
    -pulses(14),
  ],
  ids=["sine", "noise", "walk", "square", "outliers", "flat", "missing", "too short to tell"],
)
def test_what_has_no_shape_is_left(x_t):
  assert not turned(x_t)


def test_one_that_leans_without_being_certain_is_told():
  """Most windows have no shape; the few that have one are inverted."""
  x_t = -pulses(60, noise=0.35, seed=3)
  skew = np.median(polarity.slope_skewness(x_t.astype(np.float32), RATE_HZ))
  assert -0.3 < skew < -polarity.LEANING
  assert polarity.upright(x_t.astype(np.float32), RATE_HZ).notes == (polarity.IN_DOUBT,)


def test_a_user_may_choose():
  assert turned(pulses(), choice="inverted")
  assert not turned(-pulses(), choice="upright")
  for wrong in ("Auto", "", "up", None, 1):
    assert "own.polarity" in says(polarity.upright, np.ones(9, np.float32), RATE_HZ, wrong)


def test_skewness_turns_with_the_signal():
  x_t = pulses().astype(np.float32)
  np.testing.assert_allclose(
    polarity.slope_skewness(-x_t, RATE_HZ),
    -polarity.slope_skewness(x_t, RATE_HZ),
    rtol=1e-9,
  )


def test_a_long_recording_is_looked_at_in_few_windows():
  x_t = np.tile(pulses(60), 100)
  assert len(polarity.slope_skewness(x_t, RATE_HZ)) == polarity.MOST_WINDOWS


@pytest.mark.parametrize("change", [0.0, 1e9])
def test_an_inverted_ppg_gives_the_upright_record_bit_for_bit(change):
  upright = read_ppg(pulses() + change, RATE_HZ)
  inverted = read_ppg(-(pulses() + change), RATE_HZ)
  np.testing.assert_array_equal(inverted.signals["ppg_t"], upright.signals["ppg_t"])
  assert polarity.TURNED in inverted.info["notes"]
  assert polarity.TURNED not in upright.info.get("notes", ())
