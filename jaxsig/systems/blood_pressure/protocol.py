"""How blood pressure is judged: metrics, baselines, intervals, and what is kept for figures."""
import functools
from collections.abc import Iterable, Mapping

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure import labels
from jaxsig.data.ppg.pressure.labels import TARGETS
from jaxsig.data.records import Record, spans_of
from jaxsig.rows import Row
from jaxsig.system import (
    Aggregate,
    Figure,
    Material,
    Metric,
    Predictions,
    Protocol,
    Words,
)
from jaxsig.systems.blood_pressure import baselines, calibration, known_readings, tables
from jaxsig.systems.blood_pressure.pooling import pooled
from jaxsig.systems.blood_pressure.rules_table import rules_table
from jaxsig.systems.blood_pressure.score import (
    CHANGE_MAE,
    CHANGE_R,
    SAME_SUBJECT,
    WINDOW,
    score_record,
)
from jaxsig.table_text import Table

UNIT = "mmHg"
WITHIN_MMHG = (5.0, 10.0, 15.0)   # of the grades of the British Hypertension Society
WORDS = Words(
  group="subject",
  groups="subjects",
  record="recording",
  records="recordings",
  unit="window",
  units="windows",
)
STORED = ("bp_mmhg_b_p", "sd_mmhg_b_p", "start_s_b", "length_s_b")

METRICS = {
  WINDOW: Metric(
    "Pressure of a window against the median of its beats",
    UNIT,
    is_error=True,
    within=WITHIN_MMHG,
    targets=TARGETS,
  ),
  CHANGE_MAE: Metric(
    "Error of the changes within a recording",
    UNIT,
    targets=TARGETS,
  ),
  CHANGE_R: Metric(
    "Correlation of the changes within a recording",
    better="higher",
    decimals=2,
    aggregate=Aggregate(groups="median"),
    targets=TARGETS,
  ),
  SAME_SUBJECT: Metric(
    "Share of windows whose nearest training window in features is the same subject's",
    better="",
  ),
}


def make(config: ConfigDict) -> Protocol:
  """The protocol on the windows of `config.data`, with the readings that `config.read.known` uses.

  Raises:
    UserError: settings that do not go together.
  """
  return Protocol(
      score=functools.partial(_score, config),
      metrics=METRICS,
      baselines=baselines.make(config),
      words=WORDS,
      calibrate=functools.partial(calibration.calibrate, config),
      assess=calibration.assess,
      keep=functools.partial(_keep, config),
      figures=_figures,
      tables=functools.partial(_tables, config),
  )


def finish(config: ConfigDict, record: Record, predictions: Predictions) -> Predictions:
  """A network's predictions with the known readings, where `config.read.known` uses them.

  With `config.read.pool` the mean of all windows is the one estimate of the record.
  """
  if config.read.known != known_readings.NONE:
    predictions = known_readings.moved(record, predictions, config)
  if config.read.pool:
    predictions = pooled(record, predictions)
  return predictions


def _score(config: ConfigDict, record: Record) -> Iterable[Row]:
  return score_record(record, config.data)


def _keep(config: ConfigDict, record: Record) -> Mapping[str, np.ndarray]:
  """Estimates, their intervals, and the labels."""
  predictions = record.predictions
  kept = {}
  for name in predictions:
    if name in STORED or name.startswith(("low_95", "high_95")):
      kept[name] = np.asarray(predictions[name])
  windows = spans_of(predictions["start_s_b"], predictions["length_s_b"])
  kept["truth_mmhg_b_p"] = labels.labels(record, windows, config.data)
  return kept


def _figures(material: Material) -> list[Figure]:
  from jaxsig.systems.blood_pressure import figures  # draws: not needed before
  return figures.figures(material)


def _tables(config: ConfigDict, material: Material) -> list[Table]:
  return [*tables.tables(material), rules_table(config.data)]
