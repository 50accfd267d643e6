"""Zero-phase filters of pulse waves, by SciPy."""
import functools

import numpy as np

ORDER = 4


@functools.lru_cache(maxsize=64)
def _sections(edges_hz: tuple[float, ...], kind: str, rate_hz: float) -> np.ndarray:
  import scipy.signal  # takes long to import: only where a filter runs

  edges = edges_hz
  if len(edges_hz) == 1:
    edges = edges_hz[0]
  return scipy.signal.butter(ORDER, edges, kind, output="sos", fs=rate_hz)


def _both_ways(sections: np.ndarray, x_t: np.ndarray) -> np.ndarray:
  import scipy.signal

  x_t = np.asarray(x_t, np.float64)
  padding = min(3 * (2 * len(sections) + 1), x_t.shape[-1] - 1)
  return scipy.signal.sosfiltfilt(sections, x_t, padlen=padding)


def low_pass(x_t: np.ndarray, rate_hz: float, edge_hz: float) -> np.ndarray:
  """[..., t] a Butterworth low-pass of order 4, forward and backward."""
  return _both_ways(_sections((edge_hz,), "lowpass", rate_hz), x_t)


def band_pass(x_t: np.ndarray, rate_hz: float, low_hz: float, high_hz: float) -> np.ndarray:
  """[..., t] a Butterworth band-pass of order 4, forward and backward.

  An upper edge that is not below half the rate is left out.
  """
  if high_hz >= rate_hz / 2:
    return _both_ways(_sections((low_hz,), "highpass", rate_hz), x_t)
  return _both_ways(_sections((low_hz, high_hz), "bandpass", rate_hz), x_t)
