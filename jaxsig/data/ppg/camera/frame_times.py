"""Colours of frames at uneven times, on a uniform grid."""
from typing import NamedTuple

import numpy as np

from jaxsig.data.signal_files.time_grid import grid_of
from jaxsig.data.signal_files.time_pace import resolution_of
from jaxsig.errors import UserError
from jaxsig.plurals import count


class Uniform(NamedTuple):
  """Colours on a grid of equal steps from the first frame on; NaN rows in gaps."""
  rgb_t_c: np.ndarray
  rate_hz: float
  notes: tuple[str, ...]   # a sentence for each thing that was done


def uniform(time_s_t: np.ndarray, rgb_t_c: np.ndarray, name: str) -> Uniform:
  """Colours on the grid that the times of a text table would get, see `time_grid.grid_of`.

  Args:
    time_s_t: [t] when each frame was taken, in seconds.
    rgb_t_c: [t, 3] its colours.
    name: of the file, for the error.

  Raises:
    UserError: fewer than two frames, or times that do not ascend.
  """
  time_s_t = np.asarray(time_s_t, np.float64)
  if len(time_s_t) < 2:
    frames = count(len(time_s_t), "frame", "frames")
    raise UserError(f"{name} has {frames}: give a longer recording")
  if not (np.diff(time_s_t) > 0).all():
    raise UserError(f"the times of the frames of {name} do not ascend: record it again")
  since_first_s_t = time_s_t - time_s_t[0]
  grid = grid_of(since_first_s_t, resolution_of(since_first_s_t), None)
  columns = [grid.place(x_t) for x_t in np.asarray(rgb_t_c, np.float64).T]
  even_t_c = np.stack(columns, -1).astype(np.float32)

  notes = [f"{note[0].upper()}{note[1:]}." for note in grid.notes]
  missing = int(np.isnan(even_t_c).all(-1).sum())
  if missing:
    notes.append(f"{missing / grid.rate_hz:.1f} s of frames are missing.")
  return Uniform(even_t_c, grid.rate_hz, tuple(notes))
