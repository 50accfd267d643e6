"""Rows of blood pressure: a window against its label, and how changes within a record are followed.

Targets are "sbp" and "dbp", in mmHg.
"""
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure import labels
from jaxsig.data.ppg.pressure.known_windows import known_windows
from jaxsig.data.ppg.pressure.labels import TARGETS
from jaxsig.data.records import Record, spans_of
from jaxsig.rows import Row, finite_or_none
from jaxsig.systems.blood_pressure.conformal import LEVELS

WINDOW = "bp_mmhg_win_median"        # a row a window: estimate against the median of its beats
CHANGE_R = "bp_change_corr_record"   # a row a record: correlation of estimate and truth inside it
CHANGE_MAE = "bp_change_mae_mmhg_record"
SAME_SUBJECT = "nearest_is_same_subject_win"   # a row a window, of the control `nearest`
FEWEST_FOR_CHANGES = 8               # windows of a record
LEAST_CHANGE_SD_MMHG = 1.0           # of the truth: less is no change to follow
BINS_MMHG = {
    "sbp": (80, 90, 100, 110, 120, 130, 140, 150, 160, 170, 180),
    "dbp": (40, 50, 60, 70, 80, 90, 100, 110),
}


class Windows(NamedTuple):
  """The scored windows of a record, of one target; [b] each."""
  truth_b: np.ndarray      # mmHg, as the next
  estimate_b: np.ndarray
  start_s_b: np.ndarray
  end_s_b: np.ndarray


def score_record(record: Record, config: ConfigDict) -> Iterator[Row]:
  """The rows of a record with predictions.

  Windows that begin before the end of the known readings (`data.known_share`) have none, for no
  method.

  Args:
    record: with predictions `bp_mmhg_b_p` [b, p], `start_s_b`, `length_s_b` in seconds, and
      `low_LEVEL_mmhg_b_p`, `high_LEVEL_mmhg_b_p`, `sd_mmhg_b_p` where the method gives them.
    config: `config.data`.
  """
  predictions = record.predictions
  start_s_b = np.asarray(predictions["start_s_b"], np.float64)
  length_s_b = np.asarray(predictions["length_s_b"], np.float64)
  truth_b_p = labels.labels(record, spans_of(start_s_b, length_s_b), config)
  estimate_b_p = np.asarray(predictions["bp_mmhg_b_p"], np.float64)
  from_s = known_windows(record, config).from_s
  is_later_b = start_s_b >= from_s - 1e-6

  for p, target in enumerate(TARGETS):
    for b in np.flatnonzero(is_later_b):
      yield _window_row(record, target, p, b, truth_b_p[b, p], float(estimate_b_p[b, p]))
    later = Windows(
        truth_b=truth_b_p[is_later_b, p],
        estimate_b=estimate_b_p[is_later_b, p],
        start_s_b=start_s_b[is_later_b],
        end_s_b=(start_s_b + length_s_b)[is_later_b],
    )
    yield from _change_rows(record, target, later)
  if "is_same_subject_b" in predictions:
    for b in np.flatnonzero(is_later_b):
      yield _same_subject_row(record, b)


def bin_of(target: str, mmhg: float | None) -> str:
  """The 10 mmHg bin of a pressure, such as "120-130"."""
  if mmhg is None:
    return ""
  edges = BINS_MMHG[target]
  if mmhg < edges[0]:
    return f"<{edges[0]}"
  if mmhg >= edges[-1]:
    return f">={edges[-1]}"
  low = max(edge for edge in edges if edge <= mmhg)
  return f"{low}-{low + 10}"


def _window_row(
    record: Record,
    target: str,
    p: int,
    b: int,
    truth: float,
    estimate: float,
) -> Row:
  predictions = record.predictions
  start_s = float(predictions["start_s_b"][b])
  end_s = start_s + float(predictions["length_s_b"][b])
  spread = None
  if "sd_mmhg_b_p" in predictions:
    spread = finite_or_none(float(predictions["sd_mmhg_b_p"][b, p]))

  interval = {}
  for level in LEVELS:
    if f"low_{level}_mmhg_b_p" in predictions:
      low = float(predictions[f"low_{level}_mmhg_b_p"][b, p])
      high = float(predictions[f"high_{level}_mmhg_b_p"][b, p])
      if np.isfinite([low, high]).all():   # not where there is no estimate
        interval[level] = (low, high)
  truth = finite_or_none(truth)
  why = ""
  if truth is None:
    why = "no plausible label"
  return Row(
      metric=WINDOW,
      group=record.group,
      record=record.id,
      unit=f"{start_s:g} s",
      target=target,
      truth=truth,
      estimate=finite_or_none(estimate),
      spread=spread,
      interval=interval,
      strata={target: bin_of(target, truth)},
      start_s=start_s,
      end_s=end_s,
      included=truth is not None,
      why=why,
  )


def _same_subject_row(record: Record, b: int) -> Row:
  """Whether the window from which a control has its label is the same subject's."""
  predictions = record.predictions
  start_s = float(predictions["start_s_b"][b])
  return Row(
      metric=SAME_SUBJECT,
      group=record.group,
      record=record.id,
      unit=f"{start_s:g} s",
      value=float(predictions["is_same_subject_b"][b]),
      start_s=start_s,
      end_s=start_s + float(predictions["length_s_b"][b]),
  )


def _change_rows(record: Record, target: str, windows: Windows) -> Iterator[Row]:
  fine_b = np.isfinite(windows.truth_b) & np.isfinite(windows.estimate_b)
  truth_b = windows.truth_b[fine_b]
  estimate_b = windows.estimate_b[fine_b]
  if len(truth_b) < FEWEST_FOR_CHANGES or truth_b.std() < LEAST_CHANGE_SD_MMHG:
    return
  truth_change_b = truth_b - truth_b.mean()
  change_b = estimate_b - estimate_b.mean()

  correlation = 0.0   # of an estimate that does not change
  if change_b.std() > 1e-6:
    correlation = float(np.mean(truth_change_b * change_b) / (truth_b.std() * change_b.std()))
  error = float(np.abs(change_b - truth_change_b).mean())
  for metric, value in ((CHANGE_R, correlation), (CHANGE_MAE, error)):
    yield Row(
        metric=metric,
        group=record.group,
        record=record.id,
        unit="whole",
        target=target,
        value=value,
        start_s=float(windows.start_s_b[fine_b].min()),
        end_s=float(windows.end_s_b[fine_b].max()),
    )
