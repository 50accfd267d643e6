"""Samples as float32 from 1 up to -1, of the numbers that audio files hold."""
import numpy as np

_UNSIGNED_MIDDLE = 128   # of 8 bits, which alone are unsigned


def floats_of(numbers: np.ndarray) -> np.ndarray:
  """The same samples as float32, where integers of n bits are divided by 2**(n-1).

  Exact for integers of up to 24 bits, also those that lie in the upper bits of 32.
  """
  if numbers.dtype == np.uint8:
    return (numbers.astype(np.float32) - _UNSIGNED_MIDDLE) / _UNSIGNED_MIDDLE
  if numbers.dtype.kind == "i":
    full_scale = np.float32(2.0 ** (8 * numbers.dtype.itemsize - 1))
    return numbers.astype(np.float32) / full_scale
  return numbers.astype(np.float32)


def integers_of(samples: np.ndarray, bits: int) -> np.ndarray:
  """The nearest integers of so many bits as int32; what lies beyond full scale is clipped."""
  full_scale = 2 ** (bits - 1)
  nearest = np.rint(samples.astype(np.float64) * full_scale)
  return np.clip(nearest, -full_scale, full_scale - 1).astype(np.int32)
