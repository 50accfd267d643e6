"""Zero-phase Butterworth filters for offline use, by SciPy on numpy arrays, over the last axis."""
import functools

import numpy as np


@functools.lru_cache(maxsize=64)
def _design(
    order: int,
    edges_hz: tuple[float, ...],
    kind: str,
    rate_hz: float,
) -> np.ndarray:
  """Second-order sections of a Butterworth filter; ValueError for an edge not below Nyquist."""
  import scipy.signal  # takes long to import: only where a filter runs

  nyquist_hz = rate_hz / 2
  if not all(0 < edge_hz < nyquist_hz for edge_hz in edges_hz):
    raise ValueError(f"{kind} edges {edges_hz} Hz must lie between 0 and {nyquist_hz} Hz")

  cutoff_hz = edges_hz
  if len(edges_hz) == 1:
    cutoff_hz = edges_hz[0]
  return scipy.signal.butter(order, cutoff_hz, kind, output="sos", fs=rate_hz)


def _run(sections: np.ndarray, x_t: np.ndarray) -> np.ndarray:
  """Filters x_t [..., t] forwards and backwards."""
  import scipy.signal  # takes long to import: only where a filter runs

  x_t = np.asarray(x_t, np.float64)
  scipys_padding = 3 * (2 * len(sections) + 1)
  longest_padding = x_t.shape[-1] - 1
  padding = max(0, min(scipys_padding, longest_padding))
  return scipy.signal.sosfiltfilt(sections, x_t, padlen=padding)


def low_pass(
    x_t: np.ndarray,
    rate_hz: float,
    cutoff_hz: float,
    order: int = 4,
) -> np.ndarray:
  """Low-pass without phase shift.

  Runs forwards and backwards, so -6 dB at the cutoff and twice the order.

  Args:
    x_t: [..., t], finite.
    rate_hz: sampling rate.
    cutoff_hz: between 0 and rate_hz / 2.
    order: of the Butterworth design.

  Returns:
    [..., t] float64.

  Raises:
    ValueError: the cutoff does not lie below the Nyquist frequency.
  """
  edges_hz = (float(cutoff_hz),)
  sections = _design(order, edges_hz, "lowpass", float(rate_hz))
  return _run(sections, x_t)


def band_pass(
    x_t: np.ndarray,
    rate_hz: float,
    low_hz: float,
    high_hz: float,
    order: int = 2,
) -> np.ndarray:
  """Band-pass without phase shift: -6 dB at both edges.

  Arguments, result and errors are as in `low_pass`.
  """
  edges_hz = (float(low_hz), float(high_hz))
  sections = _design(order, edges_hz, "bandpass", float(rate_hz))
  return _run(sections, x_t)
