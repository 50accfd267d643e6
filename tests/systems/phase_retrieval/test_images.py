"""Metrics of images: closed forms, and a slow reference by scipy; rows and their probabilities."""
import numpy as np
import pytest
import scipy.ndimage

from jaxsig.data.records import Record
from jaxsig.systems.phase_retrieval import image_errors, score, solved

RANDOM = np.random.default_rng(0)
A_B_Y_X, B_B_Y_X = RANDOM.uniform(size=(2, 3, 20, 20)).astype(np.float32)


def test_psnr_is_twenty_decibels_for_an_error_of_a_tenth_of_the_peak():
  np.testing.assert_allclose(image_errors.psnr_db(A_B_Y_X + 0.1, A_B_Y_X), 20, atol=1e-4)
  bright = 5 * A_B_Y_X
  of_complex = image_errors.psnr_db(bright + 0.5j, bright, peak=5.0)
  np.testing.assert_allclose(of_complex, 20, atol=1e-4)
  assert image_errors.psnr_db(A_B_Y_X, A_B_Y_X).min() > 150


def blurred(x):
  x = x.astype(np.float64)
  return scipy.ndimage.gaussian_filter(x, 1.5, truncate=5 / 1.5)[5:-5, 5:-5]


def reference_ssim(a, b):
  mean_a, mean_b = blurred(a), blurred(b)
  variance_a = blurred(a * a) - mean_a**2
  variance_b = blurred(b * b) - mean_b**2
  covariance = blurred(a * b) - mean_a * mean_b
  numerator = (2 * mean_a * mean_b + 1e-4) * (2 * covariance + 9e-4)
  denominator = (mean_a**2 + mean_b**2 + 1e-4) * (variance_a + variance_b + 9e-4)
  return np.mean(numerator / denominator)


def test_ssim_is_that_of_wang():
  near = (A_B_Y_X + 0.1 * B_B_Y_X).astype(np.float32)
  for other in (A_B_Y_X, near, B_B_Y_X):
    expected = [reference_ssim(a, b) for a, b in zip(A_B_Y_X, other)]
    np.testing.assert_allclose(image_errors.ssim(A_B_Y_X, other), expected, atol=2e-5)
  assert image_errors.ssim(A_B_Y_X, A_B_Y_X).min() == pytest.approx(1)
  assert image_errors.ssim(A_B_Y_X, B_B_Y_X).max() < 0.5


def block_with(**predictions) -> Record:
  annotations = {"label_t": np.array([3, 1, 4])}
  return Record("test_000", "test_000", 1.0, {}, annotations, {}, predictions)


def test_rows_are_of_the_images_that_were_predicted():
  truth = np.zeros((3, 24, 24), np.float32)
  truth[:, 2:16, 5:19] = RANDOM.uniform(size=(3, 14, 14))
  recon = np.zeros((2, 48, 48), np.float32)
  recon[0, 8:32, 9:33] = truth[2][::-1, ::-1]   # another shift, flipped: solved
  recon[1] = RANDOM.uniform(size=(48, 48))
  record = block_with(
      image_b_v_u=recon,
      residual_b=np.array([0.0, np.nan]),
      index_b=np.array([2, 0]),
  )
  rows = list(score.score_block(record, truth))
  value = {(row.metric, row.group): row.value for row in rows}
  assert {row.group for row in rows} == {"test_000_2", "test_000_0"}
  places = {(row.record, row.unit, row.start_s, row.end_s) for row in rows}
  assert places == {("test_000", "image 2", 2, 3), ("test_000", "image 0", 0, 1)}
  assert value["nmse_symmetric", "test_000_2"] < 1e-6
  assert value["nmse_strict", "test_000_2"] < 1e-6
  assert value["solved_nmse_below_01", "test_000_2"] == 1
  assert value["solved_nmse_below_01", "test_000_0"] == 0
  assert value["ssim_aligned", "test_000_2"] > 0.999 > value["ssim_aligned", "test_000_0"]
  assert value["nmse_strict", "test_000_0"] > 1 > value["nmse_symmetric", "test_000_0"] > 0.01
  assert value["fourier_residual", "test_000_0"] is None
  assert {row.strata["class"] for row in rows} == {"class 4", "class 3"}


def test_a_block_of_which_nothing_was_predicted_has_no_rows():
  truth = np.zeros((3, 24, 24))
  nothing = block_with(
      image_b_v_u=np.zeros((0, 48, 48)),
      residual_b=np.zeros(0),
      index_b=np.zeros(0, int),
  )
  assert not list(score.score_block(nothing, truth))
  assert score.aligned(nothing, truth).shape == (0, 24, 24)
  assert score.solved_b(nothing, truth).shape == (0,)


def test_a_probability_is_the_share_that_was_solved_at_that_residual():
  residual = 10.0 ** RANDOM.uniform(-5, 0, 20_000)
  truth = 1 / (1 + np.exp(6 + 3 * np.log10(residual)))   # even odds at a hundredth
  curve = solved.fit(residual, RANDOM.uniform(size=truth.shape) < truth)
  assert curve["slope"] == pytest.approx(-3, abs=0.15)
  assert curve["intercept"] == pytest.approx(-6, abs=0.3)
  np.testing.assert_allclose(solved.probability(curve, residual), truth, atol=0.02)
  assert solved.probability(curve, np.array([0.0]))[0] > 0.99


@pytest.mark.parametrize("count", [8, 98])
@pytest.mark.parametrize("value", [0, 1])
def test_a_probability_knows_how_few_it_has_seen(count, value):
  curve = solved.fit(RANDOM.uniform(size=count), np.full(count, value))
  expected = (count + 1) / (count + 2)
  if not value:
    expected = 1 - expected
  assert solved.probability(curve, np.array([0.3])) == pytest.approx(expected)


def test_a_probability_never_rises_with_the_residual():
  backwards = solved.fit(np.array([1e-4, 1e-3, 0.1, 0.5]), np.array([0, 0, 1, 1]))
  assert backwards["slope"] == 0
  assert solved.probability(backwards, np.array([0.1])) == pytest.approx(0.5, abs=1e-3)
