"""What validation subjects teach of a method: how much to believe it, and its intervals."""
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure import labels
from jaxsig.data.ppg.pressure.known_windows import known_windows
from jaxsig.data.records import Record, spans_of
from jaxsig.system import Plain, Predictions
from jaxsig.systems.blood_pressure import conformal, known_readings
from jaxsig.systems.blood_pressure.shrinkage import careful_weight, shrunk

WITHOUT, WITH = "without_readings", "with_readings"   # of the subject


class Validation(NamedTuple):
  """A validation record's windows after its known readings."""
  truth_b_p: np.ndarray
  predictions: Predictions
  is_later_b: np.ndarray
  subject: str


def calibrate(config: ConfigDict, records: Iterable[Record]) -> Plain:
  """Learns from validation records with predictions.

  Returns:
    "prior_weight": [p] of what a method says beyond the training mean, and "change_weight": [p] of
    its changes from the readings, see `shrinkage`; and the widths of `conformal.fit` without and
    with readings.
  """
  every = [_validation(config, record) for record in records]
  calibration = {
      "prior_weight": _weights(every, "prior_mmhg_b_p", _without_readings),
      "change_weight": [1.0, 1.0],
  }
  if config.read.known == known_readings.CHANGE:
    calibration["change_weight"] = _weights(every, "start_mmhg_b_p", _moved)
  for name in (WITHOUT, WITH):
    errors = []
    for one in every:
      estimate_b_p = _estimate(one.predictions, name, calibration)
      if estimate_b_p is not None:
        errors.append(_errors(one, estimate_b_p))
    if errors:
      calibration[name] = conformal.fit(conformal.joined(errors))
  return calibration


def assess(predictions: Predictions, calibration: Plain) -> Mapping[str, np.ndarray]:
  """The estimate by the weights that were learnt, and its intervals."""
  name = WITHOUT
  if "start_mmhg_b_p" in predictions:
    name = WITH
  estimate_b_p = _estimate(predictions, name, calibration)
  arrays = {"bp_mmhg_b_p": estimate_b_p}
  if name in calibration:
    arrays |= conformal.intervals(
        estimate_b_p, predictions.get("sd_mmhg_b_p"), calibration[name])
  return arrays


def _without_readings(predictions: Predictions) -> np.ndarray:
  """[b, p] what a method says by itself."""
  return np.asarray(predictions.get("unmoved_mmhg_b_p", predictions["bp_mmhg_b_p"]))


def _moved(predictions: Predictions) -> np.ndarray:
  """[b, p] what a method says once it is moved to the readings."""
  return np.asarray(predictions["bp_mmhg_b_p"])


def _estimate(predictions: Predictions, name: str, calibration: Plain) -> np.ndarray | None:
  """[b, p] estimates with or without the readings; None where there are no readings."""
  if name == WITH:
    if "start_mmhg_b_p" not in predictions:
      return None
    return shrunk(_moved(predictions), predictions["start_mmhg_b_p"], calibration["change_weight"])
  own_b_p = _without_readings(predictions)
  if "prior_mmhg_b_p" not in predictions:
    return own_b_p
  return shrunk(own_b_p, predictions["prior_mmhg_b_p"], calibration["prior_weight"])


def _validation(config: ConfigDict, record: Record) -> Validation:
  predictions = record.predictions
  start_s_b = np.asarray(predictions["start_s_b"], np.float64)
  windows = spans_of(start_s_b, predictions["length_s_b"])
  from_s = known_windows(record, config.data).from_s
  return Validation(
      truth_b_p=labels.labels(record, windows, config.data),
      predictions=predictions,
      is_later_b=start_s_b >= from_s - 1e-6,
      subject=record.group,
  )


def _weights(
    every: Iterable[Validation],
    beyond: str,
    estimate_of: Callable[[Predictions], np.ndarray],
) -> list[float]:
  """[p] the weight of estimates beyond an array of the predictions; 1 of a method without it."""
  changes, truths, subjects = [], [], []
  for one in every:
    if beyond not in one.predictions:
      continue
    base_b_p = np.asarray(one.predictions[beyond])[one.is_later_b]
    changes.append(estimate_of(one.predictions)[one.is_later_b] - base_b_p)
    truths.append(one.truth_b_p[one.is_later_b] - base_b_p)
    subjects.append(np.full(len(base_b_p), one.subject))
  if not changes:
    return [1.0, 1.0]
  change_n_p = np.concatenate(changes)
  truth_n_p = np.concatenate(truths)
  subject_n = np.concatenate(subjects)
  return [careful_weight(change_n_p[:, p], truth_n_p[:, p], subject_n) for p in range(2)]


def _errors(one: Validation, estimate_b_p: np.ndarray) -> conformal.Errors:
  sd_b_p = one.predictions.get("sd_mmhg_b_p")
  if sd_b_p is not None:
    sd_b_p = np.asarray(sd_b_p)[one.is_later_b]
  error_b_p = (estimate_b_p - one.truth_b_p)[one.is_later_b]
  return conformal.Errors(error_b_p, sd_b_p, np.full(len(error_b_p), one.subject))
