"""The table of a record's windows that learners without a network are fitted on."""
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure import labels, pressure_windows, pulse_features, usable_windows
from jaxsig.data.ppg.pressure.kept import Kept
from jaxsig.data.records import Record

PERSON = ("age", "is_male", "bmi")


class WindowTable(NamedTuple):
  """What is known of the windows of a record; a row a window."""
  group: str
  start_s_b: np.ndarray
  length_s_b: np.ndarray
  ppg_b_f: np.ndarray       # `pulse_features.FEATURES`, NaN where a window has no two beats
  rate_b_f: np.ndarray      # [b, 1] pulse rate in beats/min
  person_b_f: np.ndarray    # `PERSON`, NaN where unknown
  bp_mmhg_b_p: np.ndarray   # NaN without a label

  def columns(self, names: tuple[str, ...]) -> np.ndarray:
    """[b, f] the features of these kinds: "ppg", "rate", "person"."""
    kinds = {"ppg": self.ppg_b_f, "rate": self.rate_b_f, "person": self.person_b_f}
    return np.concatenate([kinds[name] for name in names], -1)


def _made(record: Record, config: ConfigDict) -> WindowTable:
  spans = usable_windows.spans(record, config)
  arrays = pressure_windows.cut(record, spans, config)
  rate_b_hz = config.samples / np.maximum(spans.length_s_b, 1e-9)
  n = len(spans)
  return WindowTable(
      group=record.group,
      start_s_b=spans.start_s_b,
      length_s_b=spans.length_s_b,
      ppg_b_f=pulse_features.features_b_f(arrays["ppg_b_t_c"][..., 0], rate_b_hz),
      rate_b_f=arrays["rate_bpm_b"][:, None],
      person_b_f=np.broadcast_to(person_of(record), (n, len(PERSON))),
      bp_mmhg_b_p=labels.labels(record, spans, config),
  )


def person_of(record: Record) -> np.ndarray:
  """[f] age in years, 1 for male and 0 for female, body mass index; NaN where unknown."""
  sex = str(record.info.get("sex") or "").lower()
  is_male = np.nan
  if sex[:1] in ("m", "f"):
    is_male = float(sex[0] == "m")
  return np.array([_number(record.info.get("age")), is_male, _number(record.info.get("bmi"))])


def _number(x: float | None) -> float:
  if x is None:
    return float("nan")
  return float(x)


_TABLES = Kept(_made)


def table_of(record: Record, config: ConfigDict) -> WindowTable:
  """The table of a record's windows by `config.data`; several baselines use the same."""
  return _TABLES.of(record, config)
