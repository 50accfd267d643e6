"""ISR, SIR and SAR against slow least squares, and where theory knows them."""
import numpy as np
import pytest
import scipy.signal

from jaxsig.signal import bss_eval
from jaxsig.signal.bss_projections import image_ratios

TAPS = 12


def noise(sources: int = 2, samples: int = 900, channels: int = 2, seed: int = 0) -> np.ndarray:
  """Coloured noise [j, t, c], of other colour in each source."""
  rng = np.random.default_rng(seed)
  x_j_t_c = rng.standard_normal((sources, samples, channels))
  coloured = []
  for source in range(sources):
    coloured.append(scipy.signal.lfilter([1], [1, -0.4 * source, 0.3], x_j_t_c[source], axis=0))
  return np.stack(coloured)


def filtered(x_t_c: np.ndarray, taps: int, seed: int = 1) -> np.ndarray:
  """Each channel as a sum of filters of all channels, cut to the signal's length."""
  rng = np.random.default_rng(seed)
  samples, channels = x_t_c.shape
  result_t_c = np.zeros((samples, channels))
  for c in range(channels):
    for d in range(channels):
      taps_a = rng.standard_normal(taps)
      result_t_c[:, c] += scipy.signal.lfilter(taps_a, [1], x_t_c[:, d])
  return result_t_c


def delayed(x_t_c: np.ndarray, taps: int) -> np.ndarray:
  """All channels under all delays [t + taps - 1, c taps]."""
  columns = []
  for x_t in x_t_c.T:
    for delay in range(taps):
      columns.append(np.pad(x_t, (delay, taps - 1 - delay)))
  return np.stack(columns, 1)


def slow_ratios(reference_j_t_c, estimate_j_t_c, taps):
  """The four ratios [4, j] by least squares on the matrix of delayed images."""
  def on(basis, target):
    return basis @ np.linalg.lstsq(basis, target, rcond=1e-10)[0]

  def ratio(signal, error):
    return 10 * np.log10(np.sum(signal**2) / np.sum(error**2))

  all_delayed = np.concatenate([delayed(image, taps) for image in reference_j_t_c], 1)
  columns = []
  for true_t_c, estimate_t_c in zip(reference_j_t_c, estimate_j_t_c):
    true = np.pad(true_t_c, ((0, taps - 1), (0, 0)))
    estimate = np.pad(estimate_t_c, ((0, taps - 1), (0, 0)))
    own = on(delayed(true_t_c, taps), estimate)
    on_all = on(all_delayed, estimate)
    columns.append((
        ratio(true, true - estimate),
        ratio(true, true - own),
        ratio(own, on_all - own),
        ratio(on_all, estimate - on_all),
    ))
  return np.array(columns).T


@pytest.mark.parametrize("sources, channels", [(2, 1), (2, 2), (3, 2)])
def test_ratios_are_those_of_slow_least_squares(sources, channels):
  reference_j_t_c = noise(sources, 400, channels)
  estimate_j_t_c = reference_j_t_c + 0.3 * noise(sources, 400, channels, seed=9)
  for source in range(sources):
    estimate_j_t_c[source] += 0.2 * filtered(reference_j_t_c[source - 1], 20)
  measured = image_ratios(reference_j_t_c, estimate_j_t_c, TAPS)
  expected = slow_ratios(reference_j_t_c, estimate_j_t_c, TAPS)
  np.testing.assert_allclose(measured, expected, atol=1e-8)


def test_the_sdr_is_that_without_projections():
  reference_j_t_c = noise(3)
  estimate_j_t_c = noise(3, seed=5) + reference_j_t_c
  measured = image_ratios(reference_j_t_c, estimate_j_t_c, TAPS).sdr_db_j
  seconds = bss_eval.energies(reference_j_t_c, estimate_j_t_c, 900)
  plain = bss_eval.frame_sdr_db(seconds, bss_eval.V4)[:, 0]
  np.testing.assert_allclose(measured, plain, atol=1e-12)


def test_a_distortion_within_the_filters_is_spatial_only():
  """Filters across channels as long as the projection's; the images end in silence."""
  reference_j_t_c = noise(2)
  reference_j_t_c[:, -2 * TAPS:] = 0
  estimate_j_t_c = np.stack([filtered(image_t_c, TAPS) for image_t_c in reference_j_t_c])
  measured = image_ratios(reference_j_t_c, estimate_j_t_c, TAPS)
  assert (measured.sir_db_j > 150).all()
  assert (measured.sar_db_j > 150).all()
  np.testing.assert_allclose(measured.isr_db_j, measured.sdr_db_j, atol=1e-9)

  too_long = np.stack([filtered(image_t_c, TAPS + 1) for image_t_c in reference_j_t_c])
  assert (image_ratios(reference_j_t_c, too_long, TAPS).sar_db_j < 50).all()


def test_another_source_is_interference_and_noise_is_artifacts():
  reference_j_t_c = noise(2, 6000)
  leaked_j_t_c = reference_j_t_c + 0.1 * reference_j_t_c[::-1]
  leaked = image_ratios(reference_j_t_c, leaked_j_t_c, TAPS)
  assert (leaked.sar_db_j > 150).all()
  assert (leaked.isr_db_j > 35).all()
  np.testing.assert_allclose(leaked.sir_db_j, leaked.sdr_db_j, atol=0.3)

  noisy_j_t_c = reference_j_t_c + 0.1 * noise(2, 6000, seed=3)
  noisy = image_ratios(reference_j_t_c, noisy_j_t_c, TAPS)
  assert (noisy.sir_db_j > 35).all()
  np.testing.assert_allclose(noisy.sar_db_j, noisy.sdr_db_j, atol=0.3)


def test_a_single_source_meets_no_interference():
  reference_j_t_c = noise(1)
  measured = image_ratios(reference_j_t_c, noise(1, seed=5) + reference_j_t_c, TAPS)
  assert measured.sir_db_j[0] > 200
  assert 0 < measured.sar_db_j[0] < 10


def test_perfect_and_silent_estimates():
  reference_j_t_c = noise(2)
  perfect = image_ratios(reference_j_t_c, reference_j_t_c, TAPS)
  assert (perfect.sdr_db_j == np.inf).all()
  assert (np.array(perfect[1:]) > 150).all()

  for silent in ((0, 1), (1, 0)):
    images = [reference_j_t_c.copy(), reference_j_t_c.copy()]
    images[silent[0]][silent[1]] = 0
    assert np.isnan(image_ratios(*images, TAPS)).all()


@pytest.mark.parametrize("pan", [(1, 1), (1, 0), (0.3, 0.7)])
def test_a_panned_source_whose_filters_are_not_determined(pan):
  """Left and right are the same signal: what they span is, and so are the ratios."""
  reference_j_t_c = noise(2)
  reference_j_t_c[0] = reference_j_t_c[0, :, :1] * pan
  estimate_j_t_c = reference_j_t_c + 0.3 * noise(2, seed=9)
  measured = image_ratios(reference_j_t_c, estimate_j_t_c, TAPS)
  expected = slow_ratios(reference_j_t_c, estimate_j_t_c, TAPS)
  np.testing.assert_allclose(measured, expected, atol=1e-6)


def test_tones_which_filters_of_two_taps_would_make():
  t = np.arange(900)
  reference_j_t_c = np.stack([np.sin(0.3 * t), np.sin(0.8 * t + 1)])[:, :, None]
  estimate_j_t_c = reference_j_t_c + 0.1 * noise(2, channels=1)
  measured = image_ratios(reference_j_t_c, estimate_j_t_c, TAPS)
  expected = slow_ratios(reference_j_t_c, estimate_j_t_c, TAPS)
  np.testing.assert_allclose(measured, expected, atol=0.01)


def test_faded_tones_of_512_taps_need_a_larger_ridge():
  """No edge, so hardly more than four dimensions of a thousand."""
  t = np.arange(4000)
  tone_j_t = np.stack([np.sin(0.3 * t), np.sin(0.8 * t + 1)])
  reference_j_t_c = (np.hanning(4000) ** 2 * tone_j_t)[:, :, None]
  measured = image_ratios(reference_j_t_c, reference_j_t_c + 0.1 * noise(2, 4000, 1))
  np.testing.assert_allclose(measured.sar_db_j, measured.sdr_db_j, atol=0.2)
  assert (measured.sir_db_j > 30).all()


def test_512_taps_of_a_frame():
  reference_j_t_c = noise(2, 4000, 1)
  reference_j_t_c[:, -512:] = 0
  echo_j_t_c = reference_j_t_c + 0.5 * np.roll(reference_j_t_c, 511, 1)
  late_j_t_c = reference_j_t_c + 0.5 * np.roll(reference_j_t_c, 512, 1)
  assert (image_ratios(reference_j_t_c, echo_j_t_c).sar_db_j > 150).all()
  assert (image_ratios(reference_j_t_c, late_j_t_c).sar_db_j < 20).all()


def test_what_cannot_be_compared_is_refused():
  with pytest.raises(ValueError, match="not alike"):
    image_ratios(noise(2), noise(3), TAPS)
  with pytest.raises(ValueError, match="not finite"):
    image_ratios(noise(2), noise(2) * np.nan, TAPS)
  with pytest.raises(ValueError, match="too few"):
    image_ratios(noise(2, 500), noise(2, 500))
