"""About which pixel near the middle a frame is symmetric, as intensities of real objects are."""
import numpy as np

_MORE = 4   # times as symmetric as about the middle: by chance it is not


def centre_of_symmetry(x_v_u: np.ndarray, usable_v_u: np.ndarray) -> np.ndarray:
  """Returns the offset (rows, columns) of the brightest pixel if the frame is symmetric about it.

  It is 0, 0 where that pixel is not beside the middle, or the frame is not far more symmetric about
  it than about the middle.

  Args:
    x_v_u: [m, m] with its zero frequency thought to be at [m // 2, m // 2].
    usable_v_u: bool.
  """
  nowhere = np.zeros(2, int)
  middle = len(x_v_u) // 2
  brightest = np.unravel_index(np.where(usable_v_u, x_v_u, 0).argmax(), x_v_u.shape)
  offset = np.array(brightest) - middle
  if np.abs(offset).max() != 1:
    return nowhere

  amplitude_v_u = np.sqrt(np.maximum(x_v_u, 0))
  about_brightest = _asymmetry(amplitude_v_u, usable_v_u, middle + offset)
  about_middle = _asymmetry(amplitude_v_u, usable_v_u, np.array([middle, middle]))
  if about_middle > _MORE * about_brightest:
    return offset
  return nowhere


def _asymmetry(x_v_u: np.ndarray, usable_v_u: np.ndarray, centre: np.ndarray) -> float:
  """Mean difference of pixels opposite each other about a pixel."""
  reach = len(x_v_u) // 2 - 2
  v, u = centre
  window = (slice(v - reach, v + reach + 1), slice(u - reach, u + reach + 1))
  x_v_u = x_v_u[window]
  usable_v_u = usable_v_u[window]
  both_v_u = usable_v_u & usable_v_u[::-1, ::-1]
  difference_v_u = np.abs(x_v_u - x_v_u[::-1, ::-1])
  return float(difference_v_u[both_v_u].mean())
