"""Colours of frames at uneven times, on a uniform grid."""
from typing import NamedTuple

import numpy as np

from jaxsig.errors import UserError

LONGEST_BRIDGE = 2.5   # frames: a longer pause is a gap


class Uniform(NamedTuple):
  """Colours on a grid of equal steps from the first frame on; NaN rows in gaps."""
  rgb_t_c: np.ndarray
  rate_hz: float
  lost_s: float          # in gaps
  is_uneven: bool


def uniform(time_s_t: np.ndarray, rgb_t_c: np.ndarray, name: str) -> Uniform:
  """Colours at the usual rate of their frames.

  Args:
    time_s_t: [t] when each frame was taken, in seconds.
    rgb_t_c: [t, 3] its colours.
    name: of the file, for the error.

  Raises:
    UserError: fewer than two frames, or times that do not ascend.
  """
  time_s_t = np.asarray(time_s_t, np.float64)
  if len(time_s_t) < 2:
    raise UserError(f"{name} has {len(time_s_t)} frames: give a longer recording")
  step_s = np.diff(time_s_t)
  if not (step_s > 0).all():
    raise UserError(f"the times of the frames of {name} do not ascend: record it again")
  middle_s = float(np.median(step_s))
  is_usual_t = step_s < 1.5 * middle_s
  rate_hz = 1 / float(step_s[is_usual_t].mean())   # times may be rounded: the mean is not
  count = int(np.floor((time_s_t[-1] - time_s_t[0]) * rate_hz + 1e-6)) + 1
  grid_s = time_s_t[0] + np.arange(count) / rate_hz
  columns = [np.interp(grid_s, time_s_t, x) for x in np.asarray(rgb_t_c, np.float64).T]
  even_t_c = np.stack(columns, -1)
  after = np.searchsorted(time_s_t, grid_s - 1e-9).clip(1, len(time_s_t) - 1)
  is_gap_t = step_s[after - 1] > LONGEST_BRIDGE * middle_s
  on_frame_t = np.abs(time_s_t[after] - grid_s) < 1e-6
  even_t_c[is_gap_t & ~on_frame_t] = np.nan
  is_uneven = bool(np.ptp(step_s) > 0.05 * middle_s)
  return Uniform(even_t_c.astype(np.float32), rate_hz, float(is_gap_t.sum() / rate_hz), is_uneven)
