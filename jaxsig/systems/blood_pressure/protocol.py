"""How blood pressure is judged: metrics, baselines, intervals, and what is kept for figures."""
import functools
from collections.abc import Iterable, Mapping

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure import pressure_windows
from jaxsig.data.records import Record, spans_of
from jaxsig.system import (
    Aggregate,
    Figure,
    Material,
    Metric,
    Plain,
    Predictions,
    Protocol,
    Words,
)
from jaxsig.systems.blood_pressure import baselines, conformal, known_readings
from jaxsig.systems.blood_pressure.score import (
    CHANGE_MAE,
    CHANGE_R,
    TARGETS,
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
      calibrate=functools.partial(_calibrate, config),
      assess=functools.partial(_assess, config),
      keep=functools.partial(_keep, config),
      figures=_figures,
      tables=_tables,
  )
