"""Baselines of a personal split: what the labels alone say that a network is personalised with.

A personal split gives a network labelled windows of the tested subject. What needs no PPG to use
those labels is the bar for a network that sees them: their mean, and, where they are drawn from the
whole of a recording, a straight line in time between them.
"""
import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.personal_splits import RANDOM
from jaxsig.data.records import Record
from jaxsig.system import Baseline, Predictions
from jaxsig.systems.blood_pressure.features import WindowTable, table_of
from jaxsig.systems.blood_pressure.told import told


class Labels(NamedTuple):
  """The labelled windows of a subject that are trained on, in the order of time; [k]."""
  record_k: np.ndarray      # names of their records
  middle_s_k: np.ndarray    # of each window, from the start of its record
  bp_mmhg_k_p: np.ndarray


def make(config: ConfigDict) -> dict[str, Baseline]:
  """{name: Baseline} of `config.split`, which is a personal one.

  `first_mean`, or `random_mean` and `random_interpolated`, by `config.split.adapt`.
  """
  fit = functools.partial(_fit, config)
  if config.split.adapt != RANDOM:
    return {
        "first_mean": Baseline(
            fit,
            functools.partial(_predict_mean, config),
            "Mean of the first labels that are trained on, no PPG",
        ),
    }
  return {
      "random_mean": Baseline(
          fit,
          functools.partial(_predict_mean, config),
          "Mean of the random labels that are trained on, no PPG",
      ),
      "random_interpolated": Baseline(
          fit,
          functools.partial(_predict_interpolated, config),
          "Straight line in time between the random labels, no PPG",
      ),
  }


def _fit(config: ConfigDict, records: Sequence[Record]) -> dict[str, Labels]:
  """{subject: the labels of the parts of records that are trained on}."""
  parts = {}
  for record in records:
    table = table_of(record, config.data)
    fine_b = np.isfinite(table.bp_mmhg_b_p).all(-1)
    since_start_s = record.info.get("from_s", 0.0)
    own = Labels(
        record_k=np.full(int(fine_b.sum()), record.id),
        middle_s_k=since_start_s + _middle_s(table)[fine_b],
        bp_mmhg_k_p=table.bp_mmhg_b_p[fine_b],
    )
    parts.setdefault(record.group, []).append(own)
  fitted = {}
  for group, several in parts.items():
    fitted[group] = Labels(*(np.concatenate(arrays) for arrays in zip(*several, strict=True)))
  return fitted


def _middle_s(table: WindowTable) -> np.ndarray:
  return np.asarray(table.start_s_b) + np.asarray(table.length_s_b) / 2


def _predict_mean(
    config: ConfigDict,
    fitted: Mapping[str, Labels],
    record: Record,
) -> Predictions:
  table = table_of(record, config.data)
  labels = fitted.get(record.group)
  if labels is None or not len(labels.middle_s_k):
    return told(table, np.full(2, np.nan))
  return told(table, labels.bp_mmhg_k_p.mean(0))


def _predict_interpolated(
    config: ConfigDict,
    fitted: Mapping[str, Labels],
    record: Record,
) -> Predictions:
  """A straight line between the labels of this record; their mean in one that has none."""
  labels = fitted.get(record.group)
  if labels is None or record.id not in labels.record_k:
    return _predict_mean(config, fitted, record)
  table = table_of(record, config.data)
  own_k = labels.record_k == record.id
  order_k = np.argsort(labels.middle_s_k[own_k])
  time_s_k = labels.middle_s_k[own_k][order_k]
  bp_mmhg_k_p = labels.bp_mmhg_k_p[own_k][order_k]
  columns = []
  for p in range(bp_mmhg_k_p.shape[1]):
    columns.append(np.interp(_middle_s(table), time_s_k, bp_mmhg_k_p[:, p]))
  return told(table, np.stack(columns, -1))
