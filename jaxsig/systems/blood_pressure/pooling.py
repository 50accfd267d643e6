"""One estimate a recording instead of one a window, where there is one reading of a cuff."""
import numpy as np

from jaxsig.data.records import Record
from jaxsig.system import Predictions


def pooled(record: Record, predictions: Predictions) -> Predictions:
  """The predictions with the mean of all windows as the one of the whole record.

  Args:
    record: with the windows.
    predictions: [b, ...] arrays a window; those that are no numbers of windows stay as they are.
  """
  arrays = dict(predictions)
  for name, x in predictions.items():
    if name.endswith("_mmhg_b_p"):
      arrays[name] = np.asarray(x)[:].mean(0, keepdims=True)
  if not len(predictions["start_s_b"]):
    return predictions
  arrays["start_s_b"] = np.zeros(1)
  arrays["length_s_b"] = np.full(1, record.duration_s)
  return arrays
