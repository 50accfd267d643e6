"""Zero-phase Butterworth filters for offline use, by SciPy on numpy arrays: batched over leading axes."""
import functools

import numpy as np
import scipy.signal


@functools.lru_cache(maxsize=64)
def _design(order: int, edges_hz: tuple, kind: str, rate_hz: float) -> np.ndarray:
  if not all(0 < edge < rate_hz / 2 for edge in edges_hz):
    raise ValueError(f"{kind} edges {edges_hz} Hz must lie between 0 and {rate_hz / 2} Hz")
  return scipy.signal.butter(order, edges_hz if len(edges_hz) > 1 else edges_hz[0], kind, output="sos", fs=rate_hz)


def _run(sos: np.ndarray, x_t: np.ndarray) -> np.ndarray:
  x_t = np.asarray(x_t, np.float64)
  padding = 3 * (2 * len(sos) + 1)   # as much as SciPy takes by default, less where the signal is shorter than that
  return scipy.signal.sosfiltfilt(sos, x_t, padlen=max(0, min(padding, x_t.shape[-1] - 1)))


def low_pass(x_t: np.ndarray, rate_hz: float, cutoff_hz: float, order: int = 4) -> np.ndarray:
  """Low-pass without phase shift: forwards and backwards, so -6 dB at the cutoff and twice the order.

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
  return _run(_design(order, (float(cutoff_hz),), "lowpass", float(rate_hz)), x_t)


def band_pass(x_t: np.ndarray, rate_hz: float, low_hz: float, high_hz: float, order: int = 2) -> np.ndarray:
  """Band-pass without phase shift; arguments, result and errors as in `low_pass`, -6 dB at both edges."""
  return _run(_design(order, (float(low_hz), float(high_hz)), "bandpass", float(rate_hz)), x_t)
