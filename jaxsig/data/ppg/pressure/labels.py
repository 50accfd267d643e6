"""Labels of windows: the median pressure of the beats inside, and which are plausible."""
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.records import Record, Spans

TARGETS = ("sbp", "dbp")
LEAST_PULSE_MMHG = 15.0
MOST_SPREAD_MMHG = {"sbp": 30.0, "dbp": 25.0}   # from the 10th to the 90th per cent of the beats
SPIKE_ABOVE_MMHG = 50.0                         # of the wave over the window's systolic pressure
SPIKE_BELOW_MMHG = 25.0                         # under its diastolic one


class Beats(NamedTuple):
  """The labelled beats of a record, of one target."""
  time_s_k: np.ndarray
  mmhg_k: np.ndarray

  def inside(self, start_s: float, end_s: float) -> np.ndarray:
    """The pressures of the beats from `start_s` to before `end_s`."""
    first, last = np.searchsorted(self.time_s_k, [start_s - 1e-9, end_s - 1e-9])
    return self.mmhg_k[first:last]


def beats_of(record: Record) -> dict[str, Beats]:
  """{"sbp", "dbp"}: the labelled beats; {} of a record without labels."""
  if "sbp_t" not in record.annotations:
    return {}
  beats = {}
  for target in TARGETS:
    mmhg_t = np.asarray(record.annotations[f"{target}_t"])
    index_k = np.flatnonzero(np.isfinite(mmhg_t))
    beats[target] = Beats(index_k / record.rate_hz, mmhg_t[index_k].astype(np.float64))
  return beats


def labels(record: Record, spans: Spans, config: ConfigDict) -> np.ndarray:
  """[b, p] systolic and diastolic pressure of each window, in mmHg; NaN where there is no beat.

  The medians of its beats; `config.label_rounding` is "none", or "floor" to whole mmHg.
  """
  bp_mmhg_b_p = _medians(record, spans)
  if config.label_rounding == "floor":
    bp_mmhg_b_p = np.floor(bp_mmhg_b_p)
  return bp_mmhg_b_p


def _medians(record: Record, spans: Spans) -> np.ndarray:
  bp_mmhg_b_p = np.full((len(spans), len(TARGETS)), np.nan)
  beats = beats_of(record)
  for p, target in enumerate(TARGETS):
    if target not in beats:
      continue
    for b, start_s in enumerate(spans.start_s_b):
      inside_k = beats[target].inside(start_s, start_s + spans.length_s_b[b])
      if len(inside_k):
        bp_mmhg_b_p[b, p] = np.median(inside_k)
  return bp_mmhg_b_p


def implausible_b(record: Record, spans: Spans, config: ConfigDict) -> list[str]:
  """[b] why the label of each window cannot be used; "" where it can.

  Args:
    record: labelled.
    spans: its windows.
    config: `sbp_limits`, `dbp_limits` in mmHg; `limit_rule`: whether the median or any beat must
      lie inside; `stable`: whether the beats of a window must agree.
  """
  beats = beats_of(record)
  bp_mmhg_b_p = _medians(record, spans)
  why_b = []
  for b, start_s in enumerate(spans.start_s_b):
    end_s = start_s + spans.length_s_b[b]
    inside = {target: beats[target].inside(start_s, end_s) for target in TARGETS}
    why = _implausible(inside, bp_mmhg_b_p[b], config)
    if not why and config.stable:
      why = _spike(record, start_s, end_s, bp_mmhg_b_p[b])
    why_b.append(why)
  return why_b


def _implausible(
    inside: dict[str, np.ndarray],
    bp_mmhg_p: np.ndarray,
    config: ConfigDict,
) -> str:
  if not np.isfinite(bp_mmhg_p).all():
    return "no beat of the pressure"
  for p, target in enumerate(TARGETS):
    low, high = config[f"{target}_limits"]
    judged = np.array([bp_mmhg_p[p]])
    if config.limit_rule == "any_beat":
      judged = inside[target]
    if judged.min() < low or judged.max() > high:
      return f"{target} outside its limits"
  if not config.stable:
    return ""
  if bp_mmhg_p[0] - bp_mmhg_p[1] < LEAST_PULSE_MMHG:
    return "pulse pressure under 15 mmHg"
  for target in TARGETS:
    low, high = np.percentile(inside[target], [10, 90])
    if high - low > MOST_SPREAD_MMHG[target]:
      return "the beats' pressures disagree"
  return ""


def _spike(record: Record, start_s: float, end_s: float, bp_mmhg_p: np.ndarray) -> str:
  """Whether the pressure wave leaves what its beats say, as flushes and kinks do."""
  if "abp_t" not in record.signals:
    return ""
  first, last = np.rint(np.array([start_s, end_s]) * record.rate_hz).astype(int)
  abp_t = np.asarray(record.signals["abp_t"][first:last])
  if not np.isfinite(abp_t).all():
    return "the pressure has a gap"
  above = abp_t.max() - bp_mmhg_p[0]
  below = bp_mmhg_p[1] - abp_t.min()
  if above > SPIKE_ABOVE_MMHG or below > SPIKE_BELOW_MMHG:
    return "a spike of the pressure"
  return ""
