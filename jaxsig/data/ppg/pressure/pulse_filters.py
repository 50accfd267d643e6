"""Zero-phase filters of pulse waves, by SciPy."""
import functools

import numpy as np

ORDER = 4
PERIODS = 3   # of the lowest edge, by which a signal is continued at its ends


@functools.lru_cache(maxsize=64)
def _sections(edges_hz: tuple[float, ...], kind: str, rate_hz: float) -> np.ndarray:
  import scipy.signal  # takes long to import: only where a filter runs

  edges = edges_hz
  if len(edges_hz) == 1:
    edges = edges_hz[0]
  return scipy.signal.butter(ORDER, edges, kind, output="sos", fs=rate_hz)


def _both_ways(sections: np.ndarray, x_t: np.ndarray, padding: int) -> np.ndarray:
  """[..., t] filtered forward and backward, with so many samples continued at both ends."""
  import scipy.signal

  x_t = np.asarray(x_t, np.float64)
  return scipy.signal.sosfiltfilt(sections, x_t, padlen=min(padding, x_t.shape[-1] - 1))


def low_pass(x_t: np.ndarray, rate_hz: float, edge_hz: float) -> np.ndarray:
  """[..., t] a Butterworth low-pass of order 4, forward and backward."""
  padding = round(PERIODS * rate_hz / edge_hz)
  return _both_ways(_sections((edge_hz,), "lowpass", rate_hz), x_t, padding)


def band_pass(x_t: np.ndarray, rate_hz: float, low_hz: float, high_hz: float) -> np.ndarray:
  """[..., t] a Butterworth band-pass of order 4, forward and backward.

  An upper edge that is not below half the rate is left out.
  """
  padding = round(PERIODS * rate_hz / low_hz)
  if high_hz >= rate_hz / 2:
    return _both_ways(_sections((low_hz,), "highpass", rate_hz), x_t, padding)
  return _both_ways(_sections((low_hz, high_hz), "bandpass", rate_hz), x_t, padding)
