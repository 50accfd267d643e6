"""Metrics of images: closed forms, and a slow reference by scipy."""
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.ndimage

from jaxsig.systems.phase_retrieval import image_errors as images
from jaxsig.systems.phase_retrieval import score as image_rows
from jaxsig.systems.phase_retrieval import solved

RANDOM = np.random.default_rng(0)
A_B_Y_X, B_B_Y_X = RANDOM.uniform(size=(2, 3, 20, 20)).astype(np.float32)


def test_psnr_is_twenty_decibels_for_an_error_of_a_tenth_of_the_peak():
  np.testing.assert_allclose(images.psnr_db(A_B_Y_X + 0.1, A_B_Y_X), 20, atol=1e-4)
  np.testing.assert_allclose(images.psnr_db(5 * A_B_Y_X + 0.5j, 5 * A_B_Y_X, peak=5.0), 20, atol=1e-4)
  assert images.psnr_db(A_B_Y_X, A_B_Y_X).min() > 150


def reference_ssim(a, b):
  blur = lambda x: scipy.ndimage.gaussian_filter(x.astype(np.float64), 1.5, truncate=5 / 1.5)[5:-5, 5:-5]
  ma, mb = blur(a), blur(b)
  va, vb, both = blur(a * a) - ma**2, blur(b * b) - mb**2, blur(a * b) - ma * mb
  return np.mean((2 * ma * mb + 1e-4) * (2 * both + 9e-4) / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4)))


def test_ssim_is_that_of_wang():
  near = (A_B_Y_X + 0.1 * B_B_Y_X).astype(np.float32)
  for other in (A_B_Y_X, near, B_B_Y_X):
    expected = [reference_ssim(a, b) for a, b in zip(A_B_Y_X, other)]
    np.testing.assert_allclose(images.ssim(A_B_Y_X, other), expected, atol=2e-5)
  assert images.ssim(A_B_Y_X, A_B_Y_X).min() == pytest.approx(1) and images.ssim(A_B_Y_X, B_B_Y_X).max() < 0.5


def record(**predictions):
  return SimpleNamespace(id="test_000", predictions=predictions, annotations={"label_t": np.array([3, 1, 4])})


def test_rows_are_of_the_images_that_were_predicted():
  truth = np.zeros((3, 24, 24), np.float32)
  truth[:, 2:16, 5:19] = RANDOM.uniform(size=(3, 14, 14))
  recon = np.zeros((2, 48, 48), np.float32)
  recon[0, 8:32, 9:33] = truth[2][::-1, ::-1]              # another shift, flipped: solved
  recon[1] = RANDOM.uniform(size=(48, 48))
  rows = list(image_rows.score_block(record(image_b_v_u=recon, residual_b=np.array([0.0, np.nan]), index_b=np.array([2, 0])), truth))
  value = {(r["metric"], r["group"]): r["value"] for r in rows}
  assert {r["group"] for r in rows} == {"test_000_2", "test_000_0"}
  assert value["nmse_symmetric", "test_000_2"] < 1e-6 and value["nmse_strict", "test_000_2"] < 1e-6
  assert value["solved_nmse_below_01", "test_000_2"] == 1 and value["solved_nmse_below_01", "test_000_0"] == 0
  assert value["ssim_aligned", "test_000_2"] > 0.999 > value["ssim_aligned", "test_000_0"]
  assert value["nmse_strict", "test_000_0"] > 1 > value["nmse_symmetric", "test_000_0"] > 0.01
  assert value["fourier_residual", "test_000_0"] is None
  assert {r["stratum"] for r in rows} == {"class 4", "class 3"}


def test_a_block_of_which_nothing_was_predicted_has_no_rows():
  nothing = record(image_b_v_u=np.zeros((0, 48, 48)), residual_b=np.zeros(0), index_b=np.zeros(0, int))
  assert not list(image_rows.score_block(nothing, np.zeros((3, 24, 24))))


def test_a_probability_is_the_share_that_was_solved_at_that_residual():
  residual = 10.0 ** RANDOM.uniform(-5, 0, 20_000)
  truth = 1 / (1 + np.exp(6 + 3 * np.log10(residual)))   # even odds at a hundredth
  curve = solved.fit(residual, RANDOM.uniform(size=truth.shape) < truth)
  assert curve["slope"] == pytest.approx(-3, abs=0.15) and curve["intercept"] == pytest.approx(-6, abs=0.3)
  np.testing.assert_allclose(solved.probability(curve, residual), truth, atol=0.02)
  assert solved.probability(curve, np.array([0.0]))[0] > 0.99


def test_a_probability_knows_how_few_it_has_seen_and_never_rises_with_the_residual():
  for count in (8, 98):
    for value in (0, 1):
      curve = solved.fit(RANDOM.uniform(size=count), np.full(count, value))
      expected = (count + 1) / (count + 2)
      assert solved.probability(curve, np.array([0.3])) == pytest.approx(expected if value else 1 - expected)
  backwards = solved.fit(np.array([1e-4, 1e-3, 0.1, 0.5]), np.array([0, 0, 1, 1]))
  assert backwards["slope"] == 0 and solved.probability(backwards, np.array([0.1])) == pytest.approx(0.5, abs=1e-3)
