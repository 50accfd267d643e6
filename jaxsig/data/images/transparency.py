"""Images with transparent pixels, on black or on white."""
import numpy as np

from jaxsig.errors import UserError

LUMA = np.array([0.299, 0.587, 0.114], np.float32)   # of red, green and blue
_SLACK = 0.01
_FEWEST = 4   # pixels, mostly transparent, that prove that colours are multiplied by alpha


def opaque(
    colour_y_x_c: np.ndarray,
    alpha_y_x_1: np.ndarray,
    name: str,
    changes: list[str],
) -> np.ndarray:
  """Returns an image on black or on white, whichever its opaque part is further from.

  Args:
    colour_y_x_c: 0 to 1; as they are, or multiplied by alpha, which is seen by the numbers.
    alpha_y_x_1: 0 where a pixel is transparent, 1 where it is opaque.
    name: for the error.
    changes: gets what was done.

  Raises:
    UserError: all of it is transparent.
  """
  if alpha_y_x_1.min() == 1:
    return colour_y_x_c
  if alpha_y_x_1.max() == 0:
    raise UserError(
      f"{name} shows nothing, it is transparent everywhere: "
      "save it without transparency (its fourth channel)"
    )

  multiplied = _is_multiplied(colour_y_x_c, alpha_y_x_1)
  shown_y_x_c = alpha_y_x_1 * colour_y_x_c
  if multiplied:
    shown_y_x_c = colour_y_x_c
    changes.append("Colours are taken as multiplied by their opacity")

  opaque_luma = (shown_y_x_c @ LUMA).sum()
  opaque_area = max(float(alpha_y_x_1.sum()), 1e-6)
  mean_luma = float(opaque_luma / opaque_area)
  ground = 0.0
  ground_name = "black"
  if mean_luma < 0.5:
    ground = 1.0
    ground_name = "white"
  changes.append(f"Transparent pixels are made {ground_name}")
  transparent_y_x_1 = 1 - alpha_y_x_1
  return shown_y_x_c + transparent_y_x_1 * ground


def _is_multiplied(colour_y_x_c: np.ndarray, alpha_y_x_1: np.ndarray) -> bool:
  """Whether no colour is brighter than its alpha, which no other colours but black would be."""
  alpha_y_x = alpha_y_x_1[..., 0]
  if (colour_y_x_c > alpha_y_x_1 + _SLACK).any():
    return False
  brightest_y_x = colour_y_x_c.max(-1)
  faint_y_x = (alpha_y_x > 2 * _SLACK) & (alpha_y_x < 0.5)
  coloured_y_x = brightest_y_x > 0.5 * alpha_y_x
  return int((faint_y_x & coloured_y_x).sum()) >= _FEWEST
