"""Blood pressure without a network: constants, known readings, and learners on named features."""
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.records import Record
from jaxsig.system import Baseline, Predictions, fitted_once
from jaxsig.systems.blood_pressure import adapted, known_readings, learners, nearest
from jaxsig.systems.blood_pressure.features import table_of
from jaxsig.systems.blood_pressure.pooling import pooled
from jaxsig.systems.blood_pressure.told import told


class Constant(NamedTuple):
  """A pressure for everybody; [p] in mmHg."""
  bp_mmhg_p: np.ndarray


def make(config: ConfigDict) -> dict[str, Baseline]:
  """{name: Baseline} on the windows of `config.data`.

  Those that know readings of the subject (`data.known_share`) say so in their titles. Those of a
  personal split are other ones, see `adapted`.
  """
  if config.split.kind == "personal":
    return adapted.make(config)
  every = {
      "constant": Baseline(
          functools.partial(_fit_constant, config, np.mean),
          functools.partial(_predict_constant, config),
          "Constant: the training subjects' mean",
      ),
      "training_median": Baseline(
          functools.partial(_fit_constant, config, np.median),
          functools.partial(_predict_constant, config),
          "Constant: the training subjects' median",
      ),
  }
  for name, (learner, columns, title) in LEARNERS.items():
    every[name] = _learner(config, learner, columns, title)
  every["nearest"] = nearest.make(config)
  if config.data.known_share:
    every |= _with_known(config, every)
  if config.read.pool:
    every = {name: _pooled(baseline) for name, baseline in every.items()}
  return every


def _pooled(baseline: Baseline) -> Baseline:
  """The baseline with one estimate a record."""

  def predict(fitted: Any, record: Record) -> Predictions:
    return pooled(record, baseline.predict(fitted, record))

  return baseline._replace(predict=predict)


LEARNERS = {
    "rate_only": (learners.fit_ridge, ("rate",), "Ridge regression on the pulse rate alone"),
    "person_only": (
        learners.fit_ridge,
        ("rate", "person"),
        "Ridge regression on age, sex, body mass index and pulse rate, no PPG",
    ),
    "ridge": (learners.fit_ridge, ("ppg",), "Ridge regression on features of the PPG"),
    "ridge_person": (
        learners.fit_ridge,
        ("ppg", "person"),
        "Ridge regression on features of the PPG, age, sex and body mass index",
    ),
    "boosting": (
        learners.fit_boosting,
        ("ppg",),
        "Gradient boosting on features of the PPG",
    ),
    "extra_trees": (
        learners.fit_trees,
        ("ppg",),
        "Extremely randomised trees on features of the PPG",
    ),
}
KNOWS = "knows the subject's first readings"


def _with_known(config: ConfigDict, every: Mapping[str, Baseline]) -> dict[str, Baseline]:
  """The baselines that use the subject's first readings."""
  return {
      "known_mean": Baseline(
          _nothing_to_fit,
          functools.partial(_predict_known_mean, config),
          f"Mean of the readings, no PPG ({KNOWS})",
      ),
      "known_last": Baseline(
          _nothing_to_fit,
          functools.partial(_predict_known_last, config),
          f"Last reading carried forward, no PPG ({KNOWS})",
      ),
      "ridge_offset": _moved(
          config, every["ridge"], f"Ridge regression moved to the readings ({KNOWS})"),
      "boosting_offset": _moved(
          config, every["boosting"], f"Gradient boosting moved to the readings ({KNOWS})"),
  }


def _moved(config: ConfigDict, baseline: Baseline, title: str) -> Baseline:
  """The baseline with its estimates moved to the readings."""

  def predict(fitted: Any, record: Record) -> Predictions:
    return known_readings.moved(record, baseline.predict(fitted, record), config)

  return Baseline(baseline.fit, predict, title)


def _fit_constant(
    config: ConfigDict,
    center: Callable[..., np.ndarray],
    records: Sequence[Record],
) -> Constant:
  """The center of the subjects' centers: each subject counts once."""
  of_subject = {}
  for record in records:
    bp_mmhg_b_p = table_of(record, config.data).bp_mmhg_b_p
    fine_b = np.isfinite(bp_mmhg_b_p).all(-1)
    if fine_b.any():
      of_subject.setdefault(record.group, []).append(bp_mmhg_b_p[fine_b])
  centers = []
  for parts in of_subject.values():
    centers.append(center(np.concatenate(parts), axis=0))
  if not centers:
    return Constant(np.full(2, np.nan))
  return Constant(center(np.array(centers), axis=0))


def _nothing_to_fit(records: Sequence[Record]) -> None:
  del records


def _predict_constant(config: ConfigDict, constant: Constant, record: Record) -> Predictions:
  return told(table_of(record, config.data), constant.bp_mmhg_p)


def _predict_known_mean(config: ConfigDict, params: None, record: Record) -> Predictions:
  del params
  table = table_of(record, config.data)
  known = known_readings.known_of(record, config)
  if not len(known.bp_mmhg_k_p):
    return told(table, np.full(2, np.nan))
  return told(table, known.bp_mmhg_k_p.mean(0))


def _predict_known_last(config: ConfigDict, params: None, record: Record) -> Predictions:
  """The last reading before each window; before the second, the first."""
  del params
  table = table_of(record, config.data)
  known = known_readings.known_of(record, config)
  if not len(known.bp_mmhg_k_p):
    return told(table, np.full(2, np.nan))
  last_b = np.searchsorted(known.start_s_k, table.start_s_b + 1e-6) - 1
  return told(table, known.bp_mmhg_k_p[np.maximum(last_b, 0)])


def _learner(
    config: ConfigDict,
    fit: Callable[..., Any],
    columns: Sequence[str],
    title: str,
) -> Baseline:
  """The baseline that fits a learner on columns of the windows' table."""

  def fit_records(records: Sequence[Record]) -> Mapping[str, Any] | None:
    return learners.fit_tables([table_of(record, config.data) for record in records], fit, columns)

  def predict(fitted: Mapping[str, Any] | None, record: Record) -> Predictions:
    table = table_of(record, config.data)
    return told(table, learners.predict_table(fitted, table, columns))

  return Baseline(fitted_once(fit_records), predict, title)
