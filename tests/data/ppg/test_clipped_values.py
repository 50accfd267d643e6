"""How much of a signal rests on its limits."""
import numpy as np
import pytest

from jaxsig.data.ppg.clipped_values import clipped_share


def sine(n=2000):
  return np.sin(2 * np.pi * np.arange(n) / 100)


def test_what_lies_above_a_limit_is_counted():
  """A sine cut at half its height rests there for a third of its time, and at both for two."""
  assert clipped_share(np.minimum(sine(), 0.5)) == pytest.approx(1 / 3, abs=0.02)
  assert clipped_share(np.clip(sine(), -0.5, 0.5)) == pytest.approx(2 / 3, abs=0.02)


def test_a_whole_signal_is_not_clipped():
  assert clipped_share(sine()) == 0
  assert clipped_share(np.round(20 * sine())) < 0.2   # coarse steps, which peaks of a PPG pass
  assert clipped_share(np.zeros(100)) == 0            # it stands still, which is told elsewhere
  assert clipped_share(np.full(100, np.nan)) == 0


def test_gaps_are_not_counted():
  x_t = np.minimum(sine(), 0.5)
  x_t[:500] = np.nan
  assert clipped_share(x_t) == pytest.approx(1 / 3, abs=0.02)
