"""Pressures that a baseline says of the windows of a table, as predictions."""
import numpy as np

from jaxsig.system import Predictions
from jaxsig.systems.blood_pressure.features import WindowTable


def told(table: WindowTable, bp_mmhg_b_p: np.ndarray) -> Predictions:
  """The predictions of a baseline.

  Args:
    table: of the windows.
    bp_mmhg_b_p: [b, p] in mmHg, or [p], the same for all windows.
  """
  return {
      "bp_mmhg_b_p": np.broadcast_to(bp_mmhg_b_p, (len(table.start_s_b), 2)).astype(np.float32),
      "start_s_b": table.start_s_b,
      "length_s_b": table.length_s_b,
  }
