"""Estimates that use a subject's known readings: mean reading + weight * the model's change.

A reading is a pressure that is known of a window (a cuff's, or a label): see
`pressure_windows.known_windows`.
"""
import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure import labels
from jaxsig.data.ppg.pressure.known_windows import Known, known_windows
from jaxsig.data.records import Record
from jaxsig.system import Predictions

NONE, OFFSET, CHANGE = "none", "offset", "change"
WAYS = (NONE, OFFSET, CHANGE)   # no readings are used; weight 1; the weight of validation subjects


def known_of(record: Record, config: ConfigDict) -> Known:
  """The known readings of a record that are used.

  Args:
    record: with info["readings"], or labelled.
    config: `config.data`, see `known_windows`; `config.read.known_readings`: the first so many
      of a labelled record are used, 0 for all. A user's own readings are all used.
  """
  known = known_windows(record, config.data)
  count = config.read.known_readings
  if not count or record.info.get("readings"):
    return known
  return known.first(count)


def moved(record: Record, predictions: Predictions, config: ConfigDict) -> Predictions:
  """The predictions of a record moved to its known readings, see `with_readings`.

  A labelled record without a known reading has no estimate: what needs readings cannot be judged on
  it. A user's own record without one keeps what the model says by itself.

  Args:
    record: with info["readings"], or labelled.
    predictions: of a method.
    config: see `known_of`.
  """
  known = known_of(record, config)
  if not len(known.bp_mmhg_k_p) and labels.beats_of(record):
    nothing_b_p = np.full_like(predictions["bp_mmhg_b_p"], np.nan)
    return {**predictions, "bp_mmhg_b_p": nothing_b_p, "start_mmhg_b_p": nothing_b_p}
  return with_readings(predictions, known)


def with_readings(predictions: Predictions, known: Known) -> Predictions:
  """The predictions moved so that their mean at the known readings is right.

  As they are where there is no reading. Otherwise they also hold `start_mmhg_b_p`, the mean
  reading, and `unmoved_mmhg_b_p`, what the model said by itself.

  Args:
    predictions: with `bp_mmhg_b_p` [b, p] in mmHg, `start_s_b` and `length_s_b`.
    known: readings of the same record; the estimate at a reading is that of the window nearest to
      it in time.
  """
  estimate_b_p = np.asarray(predictions["bp_mmhg_b_p"], np.float64)
  if not len(known.bp_mmhg_k_p) or not len(estimate_b_p):
    return predictions
  start_s_b = np.asarray(predictions["start_s_b"], np.float64)
  middle_s_b = start_s_b + np.asarray(predictions["length_s_b"], np.float64) / 2
  known_s_k = known.start_s_k + known.length_s_k / 2
  distance_s_k_b = np.abs(middle_s_b[None] - known_s_k[:, None])
  at_reading_k_p = estimate_b_p[np.argmin(distance_s_k_b, axis=1)]

  start_p = known.bp_mmhg_k_p.mean(0)
  moved_b_p = start_p + estimate_b_p - at_reading_k_p.mean(0)
  return {
      **predictions,
      "bp_mmhg_b_p": moved_b_p.astype(np.float32),
      "start_mmhg_b_p": np.broadcast_to(start_p, moved_b_p.shape).astype(np.float32),
      "unmoved_mmhg_b_p": estimate_b_p.astype(np.float32),
  }
