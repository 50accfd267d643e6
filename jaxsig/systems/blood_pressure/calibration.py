"""What validation subjects teach of a method: the weight of its changes, and its intervals."""
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure import labels
from jaxsig.data.ppg.pressure.known_windows import known_windows
from jaxsig.data.records import Record, spans_of
from jaxsig.system import Plain, Predictions
from jaxsig.systems.blood_pressure import conformal, known_readings

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
    "weight": [p] of the change of a method that uses readings, see `known_readings`; and the
    widths of `conformal.fit`, where readings are used and where there are none.
  """
  every = [_validation(config, record) for record in records]
  weight_p = _weights(config, every)
  calibration = {"weight": weight_p}
  for name in (WITHOUT, WITH):
    errors = []
    for one in every:
      estimate_b_p = _estimate(one.predictions, name, weight_p)
      if estimate_b_p is not None:
        errors.append(_errors(one, estimate_b_p))
    if errors:
      calibration[name] = conformal.fit(conformal.joined(errors))
  return calibration


def assess(predictions: Predictions, calibration: Plain) -> Mapping[str, np.ndarray]:
  """The estimate by the calibrated weight, and its intervals."""
  name = WITHOUT
  if "start_mmhg_b_p" in predictions:
    name = WITH
  estimate_b_p = _estimate(predictions, name, calibration["weight"])
  arrays = {"bp_mmhg_b_p": estimate_b_p}
  if name in calibration:
    arrays |= conformal.intervals(
        estimate_b_p, predictions.get("sd_mmhg_b_p"), calibration[name])
  return arrays


def _estimate(predictions: Predictions, name: str, weight_p: list[float]) -> np.ndarray | None:
  """[b, p] estimates with or without the readings; None where there are no readings."""
  if name == WITH:
    if "start_mmhg_b_p" not in predictions:
      return None
    return known_readings.shrunk(predictions, weight_p)
  return np.asarray(predictions.get("unmoved_mmhg_b_p", predictions["bp_mmhg_b_p"]))


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


def _weights(config: ConfigDict, every: Iterable[Validation]) -> list[float]:
  """[p] of the change of a method that uses readings; 1 where none is to be learnt."""
  if config.read.known != known_readings.CHANGE:
    return [1.0, 1.0]
  changes, truths, subjects = [], [], []
  for one in every:
    if "start_mmhg_b_p" not in one.predictions:
      continue
    start_b_p = one.predictions["start_mmhg_b_p"][one.is_later_b]
    changes.append(one.predictions["bp_mmhg_b_p"][one.is_later_b] - start_b_p)
    truths.append(one.truth_b_p[one.is_later_b] - start_b_p)
    subjects.append(np.full(len(start_b_p), one.subject))
  if not changes:
    return [0.0, 0.0]
  change_n_p = np.concatenate(changes)
  truth_n_p = np.concatenate(truths)
  subject_n = np.concatenate(subjects)
  return [
      known_readings.change_weight(change_n_p[:, p], truth_n_p[:, p], subject_n) for p in range(2)
  ]


def _errors(one: Validation, estimate_b_p: np.ndarray) -> conformal.Errors:
  sd_b_p = one.predictions.get("sd_mmhg_b_p")
  if sd_b_p is not None:
    sd_b_p = np.asarray(sd_b_p)[one.is_later_b]
  error_b_p = (estimate_b_p - one.truth_b_p)[one.is_later_b]
  return conformal.Errors(error_b_p, sd_b_p, np.full(len(error_b_p), one.subject))
