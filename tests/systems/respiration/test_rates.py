"""Distributions of a breathing rate: quantiles, means and modes that are known."""
import numpy as np
import pytest

from jaxsig.systems.respiration import rates
from jaxsig.systems.respiration.rates import RATE_BPM_R

R = len(RATE_BPM_R)
STEP = 15 ** (1 / 127)   # the ratio of neighbours
ONE_HOT = np.eye(R)


def test_the_grid_of_rates_is_logarithmic():
  assert R == 128
  assert RATE_BPM_R[0] == 4
  assert RATE_BPM_R[-1] == pytest.approx(60)
  np.testing.assert_allclose(np.diff(np.log(RATE_BPM_R)), np.log(15) / 127)


@pytest.mark.parametrize("q", [0.025, 0.3, 0.5, 0.975])
def test_within_a_bin_the_mass_is_even_in_the_logarithm(q):
  one_bin_r = ONE_HOT[70]
  assert rates.quantile(one_bin_r, q) == pytest.approx(RATE_BPM_R[70] * STEP ** (q - 0.5))
  even_r = np.ones(R)
  assert rates.quantile(even_r, q) == pytest.approx(4 * STEP ** (128 * q - 0.5))


def test_quantiles_of_two_bins():
  pmf_r = ONE_HOT[20] + 3 * ONE_HOT[90]
  below = RATE_BPM_R[20] * STEP**0.3
  above = RATE_BPM_R[90] * STEP ** (1 / 3 - 0.5)
  np.testing.assert_allclose(rates.quantile(pmf_r, 0.2), below)
  np.testing.assert_allclose(rates.quantile(pmf_r, 0.5), above)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.8])
def test_quantiles_are_those_of_the_interpolated_distribution_function(q):
  pmf_b_r = np.random.default_rng(0).dirichlet(np.full(R, 0.2), (3, 5)).astype(np.float32)
  pmf_b_r[0, :2, ::3] = 0
  log_edges = np.log(4) + np.log(15) / 127 * (np.arange(R + 1) - 0.5)

  expected = []
  for pmf_r in pmf_b_r.reshape(-1, R).astype(float):
    cdf = np.concatenate([[0], np.cumsum(pmf_r) / pmf_r.sum()])
    expected.append(np.exp(np.interp(q, cdf, log_edges)))
  expected = np.reshape(expected, (3, 5))
  np.testing.assert_allclose(rates.quantile(pmf_b_r, q), expected)
  np.testing.assert_allclose(rates.quantile(7 * pmf_b_r, q), expected)


def test_mean_and_deviation():
  pmf_b_r = np.stack([ONE_HOT[0] + ONE_HOT[127], ONE_HOT[2]])
  mean_b, sd_b = rates.mean_sd(pmf_b_r)
  np.testing.assert_allclose([mean_b[0], sd_b[0]], [32, 28])
  np.testing.assert_allclose([mean_b[1], sd_b[1]], [RATE_BPM_R[2], 0], atol=1e-5)


def test_a_mode_in_the_two_outer_bins_is_at_the_edge():
  pmf_b_r = np.stack([
      ONE_HOT[0] + ONE_HOT[127],
      ONE_HOT[2],
      ONE_HOT[125],
      ONE_HOT[1],
      ONE_HOT[126],
  ])
  assert list(rates.at_edge(pmf_b_r)) == [True, False, False, True, True]


def with_value(value: float) -> np.ndarray:
  """Finite masses but for one."""
  pmf_r = np.full(R, 0.1)
  pmf_r[50] = value
  return pmf_r


@pytest.mark.parametrize("pmf_r", [
    np.zeros(R),
    np.full(R, np.nan),
    with_value(np.inf),
    with_value(np.nan),
], ids=["zeros", "nan", "one infinite", "one nan"])
def test_what_is_no_distribution_has_no_rate(pmf_r):
  assert np.isnan(rates.quantile(pmf_r, 0.5))
  assert np.isnan(rates.mean_sd(pmf_r)).all()
  assert rates.at_edge(pmf_r)


def test_shapes():
  assert rates.quantile(np.zeros((0, R)), 0.5).shape == (0,)
  with pytest.raises(ValueError, match="64 rates"):
    rates.quantile(np.ones(64), 0.5)
