"""The rates that a user's own recording is told of.

One a scoring window of a minute; of a causal model, one a window, each from the last minute alone.
"""
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.rows import Row, finite_or_none
from jaxsig.system import Seen, Told
from jaxsig.systems.respiration import method_rates, quality, waveforms
from jaxsig.systems.respiration.visible_breathing import silent_spans_s

MINUTE_S = 60.0
WITHOUT_REFERENCE = "rr_bpm_win60_annotators_spectral"


class Rate(NamedTuple):
  """The breathing rate in a scoring window, per minute; None where there is no estimate."""
  start_s: float
  end_s: float
  rate_bpm: float | None
  spread_bpm: float | None     # standard deviation of the model's posterior or samples
  low_95_bpm: float | None     # 95 % interval
  high_95_bpm: float | None
  quality: str                 # "good", "doubtful" or "no estimate"
  why: str = ""                # it is not good


def rates_of(told: Told) -> tuple[Rate, ...]:
  """The rates of the primary metric, one a scoring window; of a causal model one a window."""
  rows = told.primary
  if not rows:   # it is one against a reference, which a user's recording has not
    rows = [row for row in told.rows if row.metric == WITHOUT_REFERENCE]
  several = len(told.record.predictions["start_s_b"]) > 1
  if told.config.data.get("causal", False) and several:
    rows = _causal_rows(told)
  return tuple(_rate(row) for row in rows)


def _rate(row: Row) -> Rate:
  low_bpm, high_bpm = row.interval.get("95", (None, None))
  return Rate(
      start_s=row.start_s,
      end_s=row.end_s,
      rate_bpm=row.estimate,
      spread_bpm=row.spread,
      low_95_bpm=low_bpm,
      high_95_bpm=high_bpm,
      quality=row.quality,
      why=row.why,
  )


def _causal_rows(told: Told) -> Iterator[Row]:
  """A judged row for the minute before the end of each window of a causal model."""
  predictions = dict(told.record.predictions)
  predictions["window_s"] = float(predictions["length_s_b"][0])
  ends_s = np.asarray(predictions["start_s_b"], np.float64) + predictions["window_s"]
  ends_s = ends_s[ends_s >= MINUTE_S - 1e-6]
  starts_s = ends_s - MINUTE_S
  rates = method_rates.rates_of(
      predictions,
      _causal_rule(told.config),
      waveforms.spectral_rate_bpm,
      starts_s,
      MINUTE_S,
  )
  for k, start_s in enumerate(starts_s):
    row = Row(
        metric=told.config.report.primary,
        group=told.record.group,
        record=told.record.id,
        unit=f"{start_s:g}-{start_s + MINUTE_S:g} s",
        estimate=finite_or_none(rates.estimate_k[k]),
        spread=finite_or_none(rates.spread_k[k]),
        interval=method_rates.finite_intervals(rates.interval_k_i_2[k]),
        start_s=float(start_s),
        end_s=float(start_s + MINUTE_S),
        included=False,
    )
    yield quality.judge(row, _seen(told, row))


def _causal_rule(config: ConfigDict) -> str:
  """How a rate is read without what comes later: pooling would wait for later windows."""
  if config.read.rate_of == "pooled":
    return "posterior"
  return config.read.rate_of


def _seen(told: Told, row: Row) -> Seen:
  """How much of the last minute the model saw, and whether breathing is visible in it."""
  record = told.record
  first, last = round(row.start_s * record.rate_hz), round(row.end_s * record.rate_hz)
  silent_s = silent_spans_s(record.signals["ppg_t"][first:last], record.rate_hz)
  return Seen(
      length_s=MINUTE_S,
      bridged_s=_shared_s(told.bridged_s, row),
      unseen_s=_shared_s(told.lost_s, row),
      silent_s=MINUTE_S * len(silent_s),
  )


def _shared_s(spans_s: np.ndarray, row: Row) -> float:
  """Seconds that [k, 2] spans share with a row's minute."""
  shared_s = np.minimum(spans_s[:, 1], row.end_s) - np.maximum(spans_s[:, 0], row.start_s)
  return float(np.clip(shared_s, 0, None).sum())
