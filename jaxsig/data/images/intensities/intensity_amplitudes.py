"""Amplitudes |F| given as intensities |F|^2, by what their Fourier transforms are.

An intensity transforms to the autocorrelation of its object, which is small in size; its square and
its root reach farther. Bad pixels and rounding reach as far: neither must look like a root.
"""
import numpy as np

_FAR = 0.4     # of the sides of the frame: the autocorrelation of a smaller object ends before it
_SMALL = 0.01  # share of the energy: an autocorrelation that ends before has less, but for noise
_LARGER = 5    # times: the least factor of amplitudes is 7 where the frame is twice the object
_BAD = 0.1     # share of the pixels that may be bad ones
_LEFT = 0.01   # of the energy far out: less is left of an intensity without its bad pixels
_ZEROS = 0.01  # share of the pixels: a frame that was cut at a threshold has more
_SQUARED_STEP = 1.5   # of the smallest squares: counts of photons have 2
_FREEING, _ROUNDS = 4, 16   # rounds in which bad pixels are found, and all


def note_amplitudes(frame_v_u: np.ndarray, notes: list[str]) -> None:
  """Adds a note where the squares of the values are an intensity, and the values are none.

  Args:
    frame_v_u: without masked pixels, its zero frequency anywhere.
    notes: gets the sentence.
  """
  scaled_v_u = frame_v_u.astype(np.float64) / frame_v_u.max()
  squared = _share_far_out(scaled_v_u**2)
  as_given = _share_far_out(scaled_v_u)
  least = max(_LARGER * squared, 10 * _share_of_rounding(scaled_v_u))
  if squared >= _SMALL or as_given <= least or _is_cut(scaled_v_u):
    return

  without_bad = _share_far_out(_without_bad_pixels(scaled_v_u))
  squared_without_bad = _share_far_out(_without_bad_pixels(scaled_v_u**2))
  if without_bad > max(_LARGER * squared_without_bad, _LEFT * as_given):
    notes.append(
      "The squares of the values look like an intensity, the values themselves do not: "
      "if they are amplitudes |F|, give |F|^2."
    )


def _share_far_out(x_v_u: np.ndarray) -> float:
  """Share of the energy of a transform that lies far from its middle."""
  far_out_v_u = _far_out(x_v_u)
  return float((far_out_v_u**2).sum() / (x_v_u**2).sum())


def _far_out(x_v_u: np.ndarray) -> np.ndarray:
  """The part of a frame whose transform lies far from the middle."""
  side = len(x_v_u)
  shift = np.abs(np.fft.fftfreq(side, 1 / side))
  farther = np.maximum(shift[:, None], shift)
  return np.fft.ifft2(np.fft.fft2(x_v_u) * (farther >= _FAR * side)).real


def _share_of_rounding(x_v_u: np.ndarray) -> float:
  """Share of the energy that is due to rounding to the steps between the values."""
  steps = np.diff(np.unique(x_v_u))
  step = float(steps.min(initial=1.0))
  return step**2 / 12 * x_v_u.size / float((x_v_u**2).sum())


def _is_cut(x_v_u: np.ndarray) -> bool:
  """Whether a row or a column is all one value, as bad ones are, or all below a threshold is 0."""
  if np.ptp(x_v_u, 0).min() == 0 or np.ptp(x_v_u, 1).min() == 0:
    return True
  positive = np.unique(x_v_u[x_v_u > 0])
  larger = positive[positive > 1.001 * positive[0]]
  zeros = float((x_v_u == 0).mean())
  return zeros > _ZEROS and bool((larger[:1] ** 2 < _SQUARED_STEP * positive[0] ** 2).any())


def _without_bad_pixels(x_v_u: np.ndarray) -> np.ndarray:
  """A frame whose few pixels that fit the least are what the others make of them."""
  x_v_u = x_v_u.copy()
  free_v_u = np.zeros(x_v_u.shape, bool)
  found = max(int(_BAD * x_v_u.size) // _FREEING, 1)
  for k in range(_ROUNDS):
    far_out_v_u = _far_out(x_v_u)
    if k < _FREEING:
      misfit_v_u = np.where(free_v_u, 0, np.abs(far_out_v_u))
      worst = np.argpartition(misfit_v_u.ravel(), -found)[-found:]
      free_v_u.ravel()[worst] = True
    x_v_u[free_v_u] -= far_out_v_u[free_v_u]
  return x_v_u
