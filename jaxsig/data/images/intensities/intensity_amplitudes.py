"""Amplitudes |F| given as intensities |F|^2, by what their Fourier transforms are."""
import numpy as np

_FAR = 0.4     # of the sides of the frame: the autocorrelation of a smaller object ends before it
_SMALL = 0.01  # share of the energy: an autocorrelation that ends before has less, but for noise
_LARGER = 5    # times: the least factor of amplitudes is 7 where the frame is twice the object


def note_amplitudes(frame_v_u: np.ndarray, notes: list[str]) -> None:
  """Adds a note where the squares of the values are an intensity, and the values are none.

  An intensity transforms to the autocorrelation of its object, which is small in size; its square
  and its root reach farther.

  Args:
    frame_v_u: without masked pixels, its zero frequency anywhere.
    notes: gets the sentence.
  """
  scaled_v_u = frame_v_u.astype(np.float64) / frame_v_u.max()
  as_given = _share_far_out(scaled_v_u)
  squared = _share_far_out(scaled_v_u**2)
  if squared < _SMALL and as_given > _LARGER * squared:
    notes.append(
      "The squares of the values look like an intensity, the values themselves do not: "
      "if they are amplitudes |F|, give |F|^2."
    )


def _share_far_out(x_v_u: np.ndarray) -> float:
  """Share of the energy of a transform that lies far from its middle."""
  power = np.abs(np.fft.ifft2(x_v_u)) ** 2
  side = len(x_v_u)
  shift = np.abs(np.fft.fftfreq(side, 1 / side))
  farther = np.maximum(shift[:, None], shift)
  return float(power[farther >= _FAR * side].sum() / power.sum())
