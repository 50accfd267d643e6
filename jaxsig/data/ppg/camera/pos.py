"""The pulse in traces of R, G and B by POS, the plane orthogonal to the skin.

Wang, den Brinker, Stuijk and de Haan, IEEE Trans Biomed Eng 64(7):1479-1491, 2017, algorithm 1: in
windows of 1.6 s each colour is divided by its mean, projected onto two axes on which changes of the
light alone vanish, and the two are added by their deviations; windows of all frames are added up.
"""
import numpy as np

from jaxsig.errors import UserError

WINDOW_S = 1.6
PLANE = np.array([[0.0, 1.0, -1.0], [-2.0, 1.0, 1.0]])   # rows: the axes; columns: R, G, B
BLOCK = 8192       # windows that are made at once
LEAST_LEVEL = 1e-6   # of a colour's mean: a channel below it holds nothing


def pos(rgb_t_c: np.ndarray, rate_hz: float, edges: str = "published") -> np.ndarray:
  """[t] the pulse, positive where the skin reflects more: upside down to a PPG of volume.

  Args:
    rgb_t_c: [t, 3] means of R, G, B, in this order, above 0 and without gaps.
    rate_hz: frames a second; a window has ceil(1.6 rate_hz) of them.
    edges: where fewer windows overlap than elsewhere, at both ends: "published": the sum is as it
      is; "divided": it is divided by their number, everywhere; "dropped": 0.

  Returns:
    float64, zeros where there are fewer frames than a window.

  Raises:
    UserError: another shape, frames that are not finite, or a colour without light.
  """
  rgb_t_c = _required(rgb_t_c)
  frames = len(rgb_t_c)
  length = int(np.ceil(WINDOW_S * rate_hz - 1e-9))
  pulse_t = np.zeros(frames)
  if frames < length:
    return pulse_t
  count = frames - length + 1
  for first in range(0, count, BLOCK):
    last = min(first + BLOCK, count)
    pulse_n_l = _windows(rgb_t_c[first:last + length - 1], length)
    for place in range(length):
      pulse_t[first + place:last + place] += pulse_n_l[:, place]
  return _with_edges(pulse_t, length, count, edges)


def _required(rgb_t_c: np.ndarray) -> np.ndarray:
  rgb_t_c = np.asarray(rgb_t_c, np.float64)
  if rgb_t_c.ndim != 2 or rgb_t_c.shape[1] != 3:
    raise UserError(f"colours have the shape {rgb_t_c.shape}: give [frames, 3], R, G and B")
  if not np.isfinite(rgb_t_c).all():
    raise UserError("colours have gaps: make the pulse of each part without gaps by itself")
  for name, mean in zip("RGB", rgb_t_c.mean(0), strict=True):
    if not mean > LEAST_LEVEL:
      raise UserError(
          f"the channel {name} is {mean:g} on average, so that POS cannot be made: use minus red "
          "(own.camera=red)")
  return rgb_t_c


def _windows(rgb_t_c: np.ndarray, length: int) -> np.ndarray:
  """[n, length] the pulse in each window, of mean 0."""
  colour_n_c_l = np.lib.stride_tricks.sliding_window_view(rgb_t_c, length, axis=0)
  scaled_n_c_l = colour_n_c_l / colour_n_c_l.mean(-1, keepdims=True)
  first_n_l, second_n_l = np.moveaxis(PLANE @ scaled_n_c_l, 1, 0)
  first_sd_n = first_n_l.std(-1)
  second_sd_n = second_n_l.std(-1)
  moves_n = second_sd_n > 1e-12   # a light that stands still has no pulse
  ratio_n = np.where(moves_n, first_sd_n / np.where(moves_n, second_sd_n, 1), 0)
  pulse_n_l = first_n_l + ratio_n[:, None] * second_n_l
  return pulse_n_l - pulse_n_l.mean(-1, keepdims=True)


def _with_edges(pulse_t: np.ndarray, length: int, count: int, edges: str) -> np.ndarray:
  if edges == "published":
    return pulse_t
  index_t = np.arange(len(pulse_t))
  overlap_t = np.minimum(index_t + 1, len(pulse_t) - index_t)
  overlap_t = np.minimum(overlap_t, min(length, count))
  if edges == "divided":
    return pulse_t / overlap_t
  return np.where(overlap_t == min(length, count), pulse_t, 0)
