"""A control that explains a leak: the label of the training window that is nearest in features.

Windows of one person are alike whatever the pressure. Where a split lets a person's windows be
trained on and tested, the nearest one is the person's own, and so is its label; where it does not,
the label of a stranger is worse than a constant.
"""
import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.records import Record
from jaxsig.system import Baseline, Predictions
from jaxsig.systems.blood_pressure import learners
from jaxsig.systems.blood_pressure.features import table_of
from jaxsig.systems.blood_pressure.told import told

COLUMNS = ("ppg", "rate")


class Fitted(NamedTuple):
  """The labelled training windows, in a tree by their features."""
  scaling: dict[str, np.ndarray]
  tree: Any                  # scipy.spatial.cKDTree
  bp_mmhg_n_p: np.ndarray
  subject_n: np.ndarray


def make(config: ConfigDict) -> Baseline:
  """The control on the windows of `config.data`.

  Its predictions also hold "is_same_subject_b": whether the nearest window is the same subject's.
  """
  return Baseline(
      functools.partial(_fit, config),
      functools.partial(_predict, config),
      "Label of the training window nearest in features (control)",
  )


def _fit(config: ConfigDict, records: Sequence[Record]) -> Fitted | None:
  import scipy.spatial

  rows = learners.joined([table_of(record, config.data) for record in records], COLUMNS)
  if rows is None:
    return None
  scaling = learners.scaling_of(rows.x_n_f)
  tree = scipy.spatial.cKDTree(learners.scaled(rows.x_n_f, scaling))
  return Fitted(scaling, tree, rows.bp_mmhg_n_p, rows.subject_n)


def _predict(config: ConfigDict, fitted: Fitted | None, record: Record) -> Predictions:
  table = table_of(record, config.data)
  if fitted is None or not len(table.start_s_b):
    return told(table, np.full(2, np.nan))
  x_b_f = learners.scaled(table.columns(COLUMNS), fitted.scaling)
  _, index_b = fitted.tree.query(x_b_f)
  return {
      **told(table, fitted.bp_mmhg_n_p[index_b]),
      "is_same_subject_b": fitted.subject_n[index_b] == record.group,
  }
