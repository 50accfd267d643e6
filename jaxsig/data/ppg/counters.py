"""A column that only counts, such as samples, frames or times, is no PPG."""
import numpy as np

from jaxsig.errors import UserError

BLOCK = 2**22        # samples looked at at once
LEAST_BACK = 0.05    # of its steps: a pulse goes up and down, a counter at most wraps round


def require_no_counter(ppg_t: np.ndarray, name: str) -> None:
  """Raises UserError where a signal [t] only rises or only falls, NaN aside.

  Args:
    ppg_t: [t], NaN in gaps.
    name: for the error.
  """
  rising = 0
  falling = 0
  for first in range(0, len(ppg_t), BLOCK):
    step_t = np.diff(ppg_t[first:first + BLOCK])
    rising += int((step_t > 0).sum())
    falling += int((step_t < 0).sum())

  if min(rising, falling) >= LEAST_BACK * (rising + falling):
    return
  direction = "rises"
  if falling > rising:
    direction = "falls"
  raise UserError(
    f"{name} only {direction}, as a counter or a column of times does, and has no pulse: "
    "choose the signal itself"
  )
