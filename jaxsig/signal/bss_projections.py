"""Spatial distortion, interference and artifacts of separated sources, in numpy.

Vincent, Sawada, Bofill, Makino & Rosca, "First stereo audio source separation evaluation
campaign", ICA 2007. The part of an estimate that filters of 512 taps make of its own true
image is the image with spatial distortion; what they make of all images beyond that is
interference; the rest is artifacts.
"""
from typing import NamedTuple

import numpy as np

TAPS = 512
# Added to the diagonal, relative to its mean: the first with which a system can be solved. A panned
# source's filters are not determined without, and what they span is not changed by it.
RIDGES = (1e-14, 1e-12, 1e-10, 1e-8)


class ImageRatios(NamedTuple):
  """Of each source [j] in dB: to all distortion, spatial distortion, interference, artifacts."""
  sdr_db_j: np.ndarray
  isr_db_j: np.ndarray
  sir_db_j: np.ndarray
  sar_db_j: np.ndarray


def image_ratios(
    reference_j_t_c: np.ndarray,
    estimate_j_t_c: np.ndarray,
    taps: int = TAPS,
) -> ImageRatios:
  """SDR, ISR, SIR and SAR of one frame of all sources (BSS Eval v3 of images).

  All are NaN where any reference or estimate is silent, as in `bss_eval.frame_sdr_db`.

  Args:
    reference_j_t_c: [j, t, c] true images.
    estimate_j_t_c: [j, t, c], in the same order.
    taps: length of the filters.

  Raises:
    ValueError: the shapes differ, the frame is not longer than the filters, or a value is not
      finite.
  """
  reference_j_t_c = np.asarray(reference_j_t_c, np.float64)
  estimate_j_t_c = np.asarray(estimate_j_t_c, np.float64)
  if reference_j_t_c.shape != estimate_j_t_c.shape or reference_j_t_c.ndim != 3:
    raise ValueError(
        f"references {reference_j_t_c.shape} and estimates {estimate_j_t_c.shape} are not alike")
  sources, samples, channels = reference_j_t_c.shape
  if samples <= taps:
    raise ValueError(f"{samples} samples are too few for filters of {taps} taps")
  for image_j_t_c in (reference_j_t_c, estimate_j_t_c):
    if not np.isfinite(image_j_t_c).all():
      raise ValueError("a reference or an estimate holds values that are not finite")
    silent_j = np.all(image_j_t_c.sum(2) == 0, 1)
    if silent_j.any():
      nothing_j = np.full(sources, np.nan)
      return ImageRatios(nothing_j, nothing_j, nothing_j, nothing_j)

  reference_j_c_t = reference_j_t_c.transpose(0, 2, 1)
  estimate_j_c_t = estimate_j_t_c.transpose(0, 2, 1)
  on_all_q_t = _projected(
      reference_j_c_t.reshape(sources * channels, samples),
      estimate_j_c_t.reshape(sources * channels, samples),
      taps,
  )
  on_all_j_c_t = on_all_q_t.reshape(sources, channels, -1)

  columns = []
  for source in range(sources):
    own_c_t = _projected(reference_j_c_t[source], estimate_j_c_t[source], taps)
    true_c_t = np.pad(reference_j_c_t[source], ((0, 0), (0, taps - 1)))
    estimate_c_t = np.pad(estimate_j_c_t[source], ((0, 0), (0, taps - 1)))
    columns.append(_ratios_db(true_c_t, estimate_c_t, own_c_t, on_all_j_c_t[source]))
  sdr_db_j, isr_db_j, sir_db_j, sar_db_j = np.array(columns).T
  return ImageRatios(sdr_db_j, isr_db_j, sir_db_j, sar_db_j)


def _ratios_db(
    true_c_t: np.ndarray,
    estimate_c_t: np.ndarray,
    own_c_t: np.ndarray,
    on_all_c_t: np.ndarray,
) -> tuple[float, float, float, float]:
  """SDR, ISR, SIR and SAR of the projections on the own image and on all images."""
  spatial_c_t = own_c_t - true_c_t
  interference_c_t = on_all_c_t - own_c_t
  artifacts_c_t = estimate_c_t - on_all_c_t
  return (
      _ratio_db(true_c_t, estimate_c_t - true_c_t),
      _ratio_db(true_c_t, spatial_c_t),
      _ratio_db(own_c_t, interference_c_t),
      _ratio_db(on_all_c_t, artifacts_c_t),
  )


def _ratio_db(signal_c_t: np.ndarray, error_c_t: np.ndarray) -> float:
  """Ratio of energies in dB; +inf without an error."""
  with np.errstate(divide="ignore", invalid="ignore"):
    ratio = np.sum(signal_c_t**2) / np.sum(error_c_t**2)
    return float(10 * np.log10(ratio))


def _projected(
    basis_r_t: np.ndarray,
    target_q_t: np.ndarray,
    taps: int,
) -> np.ndarray:
  """Least-squares approximation [q, t + taps - 1] of targets by filtered signals of a basis.

  The normal equations are block Toeplitz, and their entries are correlations by FFT.
  """
  import scipy.fft  # takes long to import: only where it is used

  signals, samples = basis_r_t.shape
  length = samples + taps - 1
  size = scipy.fft.next_fast_len(length, real=True)
  basis_r_f = np.fft.rfft(basis_r_t, size)
  target_q_f = np.fft.rfft(target_q_t, size)

  # Entry (r a, s b) is the product of signal r delayed by a and signal s delayed by b.
  delay = np.arange(taps)
  difference_a_b = delay[:, None] - delay[None, :]   # a negative lag counts from the end
  gram_ra_sb = np.empty((signals * taps, signals * taps))
  for r in range(signals):
    rows = slice(r * taps, (r + 1) * taps)
    for s in range(signals):
      correlation_l = np.fft.irfft(basis_r_f[r].conj() * basis_r_f[s], size)
      gram_ra_sb[rows, s * taps:(s + 1) * taps] = correlation_l[difference_a_b]

  right_ra_q = np.empty((signals * taps, len(target_q_t)))
  for r in range(signals):
    product_q_l = np.fft.irfft(basis_r_f[r].conj() * target_q_f, size)
    right_ra_q[r * taps:(r + 1) * taps] = product_q_l[:, :taps].T

  filter_ra_q = _solved(gram_ra_sb, right_ra_q)
  filter_r_a_q = filter_ra_q.reshape(signals, taps, -1)
  sum_q_f = 0
  for r in range(signals):
    filter_q_f = np.fft.rfft(filter_r_a_q[r].T, size)
    sum_q_f = sum_q_f + filter_q_f * basis_r_f[r]
  return np.fft.irfft(sum_q_f, size)[:, :length]


def _solved(gram: np.ndarray, right: np.ndarray) -> np.ndarray:
  """The solution of normal equations by Cholesky, with as small a ridge as they can do with.

  Raises:
    np.linalg.LinAlgError: no ridge was enough; values that are not finite.
  """
  import scipy.linalg  # takes long to import: only where it is used

  mean = np.trace(gram) / len(gram)
  diagonal = np.diag_indices(len(gram))
  for ridge in RIDGES:
    raised = gram.copy()
    raised[diagonal] += ridge * mean
    try:
      factor = scipy.linalg.cho_factor(raised, lower=True, overwrite_a=True, check_finite=False)
    except np.linalg.LinAlgError:
      continue
    return scipy.linalg.cho_solve(factor, right)
  raise np.linalg.LinAlgError("the images' correlations are not positive")
