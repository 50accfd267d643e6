"""Where the zero frequency of an intensity lies, and even square frames with it at [0, 0]."""
import numpy as np
import scipy.ndimage

from jaxsig.data.images.intensities.intensity_symmetry import centre_of_symmetry
from jaxsig.errors import UserError
from jaxsig.plurals import noun

SMALLEST = 16   # pixels a side, after cutting


def centre_at_zero(
    frames: np.ndarray,
    usable_v_u: np.ndarray,
    centred: str,
    name: str,
    notes: list[str],
) -> tuple[np.ndarray, np.ndarray]:
  """Cuts frames to even squares with the zero frequency at [0, 0].

  Args:
    frames: [t, v, u].
    usable_v_u: bool [v, u].
    centred: "yes" where the zero frequency is in the middle, "no" at [0, 0], "auto" to find out.
    name: for the error.
    notes: get a sentence where frames are cut, or where it is in doubt where the middle is.

  Returns:
    The frames and the usable pixels in the new layout.

  Raises:
    UserError: the frames are too small.
  """
  h, w = frames.shape[1:]
  size = min(h, w) // 2 * 2
  if size < SMALLEST:
    raise UserError(
      f"{name} has frames of {h} x {w} pixels, fewer than {SMALLEST} to a side: "
      "give the whole detector, not a part of it"
    )

  if centred == "auto":
    centred = _guess_layout(frames.mean(0), notes)
  if centred == "no":
    frames = np.fft.fftshift(frames, (1, 2))
    usable_v_u = np.fft.fftshift(usable_v_u)

  if (h, w) != (size, size):
    notes.append(
      f"Frames of {h} x {w} are cut to the largest even square about the zero frequency, "
      f"{size} x {size}: the outermost frequencies are left out."
    )
  rows = _middle(h, size)
  columns = _middle(w, size)
  frames = frames[:, rows, columns]
  usable_v_u = usable_v_u[rows, columns]

  _note_offset(frames.mean(0), usable_v_u, notes)
  return np.fft.ifftshift(frames, (1, 2)), np.fft.ifftshift(usable_v_u)


def _middle(side: int, size: int) -> slice:
  """The `size` pixels (even) of a side whose zero frequency is also theirs.

  That is at [side // 2] of an even and of an odd side, and at [size // 2] of what is cut out.
  """
  zero = side // 2
  return slice(zero - size // 2, zero + size // 2)


def _guess_layout(x_v_u: np.ndarray, notes: list[str]) -> str:
  """Returns "yes" where the middle of the frame holds more intensity than its corners, or "no"."""
  in_middle = _intensity_in_middle(x_v_u)
  in_corners = _intensity_in_middle(np.fft.fftshift(x_v_u))
  centred = "no"
  place = "corner"
  if in_middle >= in_corners:
    centred = "yes"
    place = "middle"

  more = max(in_middle, in_corners)
  less = min(in_middle, in_corners)
  if more < 2 * less:
    notes.append(
      "Whether the zero frequency is in the middle or the corner is not clear: "
      f"it is taken to be in the {place}, and own.centred=yes or no says which."
    )
  return centred


def _intensity_in_middle(x_v_u: np.ndarray) -> float:
  reach = max(2, min(x_v_u.shape) // 8)
  v, u = (side // 2 for side in x_v_u.shape)
  middle_v_u = x_v_u[v - reach:v + reach + 1, u - reach:u + reach + 1]
  return float(middle_v_u.sum(dtype=np.float64))


def _note_offset(x_v_u: np.ndarray, usable_v_u: np.ndarray, notes: list[str]) -> None:
  """Adds a note where the beam is not in the middle of the frame.

  It is the brightest spot of 3 x 3 pixels, or a pixel beside the middle about which the frame is
  symmetric.
  """
  middle = len(x_v_u) // 2
  about_middle = slice(middle - 1, middle + 2)
  if not usable_v_u[about_middle, about_middle].all():   # nothing is seen behind a beam stop
    return

  spots_v_u = scipy.ndimage.uniform_filter(x_v_u, 3)
  brightest = np.unravel_index(spots_v_u.argmax(), x_v_u.shape)
  offset = np.array(brightest) - middle
  if np.abs(offset).max() <= 1:
    offset = centre_of_symmetry(x_v_u, usable_v_u)
  if np.abs(offset).max() > 0:
    rows = noun(abs(offset[0]), "row", "rows")
    columns = noun(abs(offset[1]), "column", "columns")
    notes.append(
      f"The brightest spot is {offset[0]} {rows} and {offset[1]} {columns} from where the zero "
      "frequency should be: unless the object is complex, centre the frame on the beam, "
      "or the image is multiplied by a phase ramp."
    )
