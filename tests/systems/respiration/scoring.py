"""A record of known breathing, scored: what the tests of respiration's protocols share."""
import dataclasses
from collections.abc import Mapping

import numpy as np

from jaxsig.data.records import Record
from jaxsig.rows import Row
from jaxsig.systems.respiration.score import score_record
from jaxsig.systems.respiration.target import Target

SECONDS = 480
BREATHS = "breath_f1_tol500ms_win60_lag1s_signed"
SPECTRAL = "rr_bpm_win60_annotators_spectral"
COUNT = "rr_bpm_win60_annotators_count"
AUTHORS = "rr_bpm_win60_resp_authors"
LEVELS = ("50", "80", "95")


def wave(
    bpm: float,
    rate_hz: float = 5.0,
    seconds: float = SECONDS,
    phase: float = 0.0,
) -> np.ndarray:
  """A sine of so many cycles a minute."""
  t_s = np.arange(round(seconds * rate_hz)) / rate_hz
  return np.sin(2 * np.pi * bpm / 60 * t_s + phase)


def marks(bpm: float, seconds: float = SECONDS) -> np.ndarray:
  """Even breaths, the first at 0.5 s."""
  return np.arange(0.5, seconds, 60 / bpm)


def target(bpm: float = 15.0) -> Target:
  return Target((1 + wave(bpm)) / 2, 5.0)


def record(
    predictions: Mapping[str, object],
    bpm: float = 15.0,
    breaths: Mapping[str, np.ndarray] | None = None,
) -> Record:
  """A recording of 480 s of a steady patient, with a method's predictions."""
  signals = {
      "ppg_t": np.zeros(SECONDS * 125 + 1),
      "resp_t": wave(bpm, 125.0),
  }
  if breaths is None:
    breaths = {"breaths_1_s": marks(bpm), "breaths_2_s": marks(bpm) + 0.1}
  return Record("r01", "p1", 125.0, signals, breaths, {}, predictions)


def score(predictions: Mapping[str, object], rate_of: str = "mean", **changes) -> list[Row]:
  """The rows of a method on `record(predictions, **changes)` and its target."""
  return score_record(record(predictions, **changes), target(), rate_of)


def rows_of(rows: list[Row], metric: str) -> list[Row]:
  selected = [row for row in rows if row.metric == metric]
  assert selected, f"no rows {metric}"
  return selected


def estimates(rows: list[Row]) -> list[float | None]:
  return [row.estimate for row in rows]


def values(rows: list[Row]) -> list[float | None]:
  return [row.value for row in rows]


def plain(rows: list[Row]) -> list[dict[str, object]]:
  return [dataclasses.asdict(row) for row in rows]


def posteriors(bins: list[int] | range, stride_s: float = 10.0, **others) -> dict[str, object]:
  """One window of 60 s for each bin, each sure of its own rate."""
  pmf_b_r = np.eye(128, dtype=np.float32)[list(bins)]
  start_s_b = np.arange(len(bins), dtype=np.float32) * np.float32(stride_s)
  return {
      "rate_pmf_b_r": pmf_b_r,
      "window_s": 60.0,
      "start_s_b": start_s_b,
      **others,
  }
