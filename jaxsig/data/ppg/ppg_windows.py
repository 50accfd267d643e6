"""Windows of a PPG and, where there is one, of the respiration that was recorded with it.

From a record to its windows:
  1. `spans` says where the windows lie. First come those of the record as it was recorded. Then,
     for training alone, those of a copy of the record for each time-warp factor; their times are
     the copy's own, and their `kind_b` is the factor (1 for the record itself).
  2. `cut` makes the windows of any such spans. It takes one factor after another, cuts the windows
     of the record or of its copy (`warped`), and puts them back in the order of the spans.
  3. The windows of a signal are made in one of two ways (`filtered_windows`):
     `filter_record_then_cut` resamples and filters the whole record and cuts windows out of that.
     The respiration is always made so, and the PPG where `causal` is off.
     `cut_then_filter_windows` cuts the recorded samples and resamples and filters each window
     alone. The PPG is made so where `causal` is on: nothing later than its end is in a window.
  4. Both ways end in the same normalisation (`normalised_windows`).

Fields of `config.data` that are read here:
  window_s, stride_s: length of a window and step between starts; their products with rate_hz are
    whole.
  rate_hz: of the respiration's windows, by FFT resampling of the whole record.
  ppg_rate_hz: of the PPG's windows, a whole multiple of rate_hz; 0 = the same.
  ppg_low_pass_hz: 0 = none, as the authors' code; 1.0 = the paper.
  resp_low_pass_hz: 1.0 in both.
  resp_high_pass_hz: 0 = none, as in both; removes drift.
  causal: each window of the PPG is made of its own samples alone, so that nothing later than its
    end is in it.
  normalise: "window" (both) or "record": where the minimum and maximum come from; "zscore": mean 0
    and SD 1 of a window.
  ppg_range, resp_range: of "window" and "record". Code: (-1, 1) and (0, 1); paper: (0, 1) and
    (-1, 1).
  time_warp_factors: training also sees each record as if it had gone so many times as fast.
"""
from collections.abc import Sequence

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.filtered_windows import (
    cut_then_filter_windows,
    filter_record_then_cut,
    resampled_length,
    whole_samples,
)
from jaxsig.data.records import Record, Spans, augmented_spans, joined_spans, spans_of
from jaxsig.errors import UserError

NORMALISE = ("window", "record", "zscore")
ROUNDING_S = 1e-6             # by which a division by a rate may fall short of a duration
MOST_DISAGREEMENT_BPM = 2.0   # of two annotators: beyond it a window has no rate to learn from


def spans(record: Record, config: ConfigDict) -> Spans:
  """Where a record's windows lie.

  One begins every `stride_s` from the record's start, and the last one ends within the record.
  Then, for training only, follow windows of the record warped in time by each of
  `time_warp_factors`: at most as many as the record itself has, evenly spread. Their times are
  those of the warped record, their kind is the factor.

  Raises:
    UserError: the record is shorter than a window, or the options contradict each other.
  """
  check(config)
  long_enough(record, config, record.id)
  recorded_s_b = _starts_s(record, config)
  parts = [spans_of(recorded_s_b, config.window_s)]

  for factor in config.time_warp_factors:
    copy = warped(record, factor)
    if copy.duration_s < config.window_s:
      continue

    starts_s_b = _starts_s(copy, config)
    evenly_b = np.linspace(0, len(starts_s_b) - 1, len(recorded_s_b))
    chosen_b = np.unique(evenly_b.astype(int))
    parts.append(augmented_spans(starts_s_b[chosen_b], config.window_s, float(factor)))
  return joined_spans(parts)


def cut(record: Record, spans: Spans, config: ConfigDict) -> dict[str, np.ndarray]:
  """Windows of one record, from nothing but that record.

  As the published code of RespDiff: FFT resampling of the whole record, Butterworth of order 8
  forward and backward (gain 0.5 at its edge), windows, minimum and maximum to the range. A window
  in which the sensor stood still is the middle of the range.

  Returns:
    {"ppg_b_t_p": p = ppg_rate_hz / rate_hz samples to each of the respiration,
    "resp_b_t": where the record has it,
    "rate_bpm_b": of the annotated breaths, NaN where there are none or the annotators differ},
    float32, in the order of `spans`.
  """
  parts = []
  places = []
  for factor in np.unique(spans.kind_b):
    copy = record
    if factor != 1:
      copy = warped(record, factor)

    place_b = np.flatnonzero(spans.kind_b == factor)
    parts.append(_cut_copy(copy, spans.start_s_b[place_b], config))
    places.append(place_b)

  order = np.argsort(np.concatenate(places), kind="stable")
  windows = {}
  for name in parts[0]:
    joined = np.concatenate([part[name] for part in parts])
    windows[name] = joined[order]
  return windows


def check(config: ConfigDict) -> None:
  """Raises UserError where the options contradict each other."""
  if config.causal and config.normalise == "record":
    raise UserError(
        "data.causal=True with data.normalise=record: a record's extremes lie in the future; use "
        "window or zscore")
  if config.normalise not in NORMALISE:
    raise UserError(f"unknown data.normalise={config.normalise!r}: use {', '.join(NORMALISE)}")


def warped(record: Record, factor: float) -> Record:
  """The record as if all that it shows had gone `factor` times as fast."""
  annotations = dict(record.annotations)
  for name, x in record.annotations.items():
    if name.endswith("_s"):
      annotations[name] = np.asarray(x) / factor
  return record._replace(
      rate_hz=record.rate_hz * factor,
      annotations=annotations,
  )


def long_enough(record: Record, config: ConfigDict, name: object) -> Record:
  """The record; UserError where it is shorter than a window."""
  if record.duration_s < config.window_s - ROUNDING_S:
    remedy = "use a longer recording"
    for note in record.info.get("notes", ()):
      if note.lower().startswith(("time column", "the first column in")):
        remedy += f", or name the unit if another is meant ({note.rstrip('.')})"
    raise UserError(
        f"{name} lasts {record.duration_s:.6g} s, less than one window of {config.window_s:g} s: "
        f"{remedy}")
  return record


# Where windows lie

def _starts_s(record: Record, config: ConfigDict) -> np.ndarray:
  """[b] starts in seconds of a record's windows."""
  size = whole_samples(config.window_s, config.rate_hz, "window_s")
  step = whole_samples(config.stride_s, config.rate_hz, "stride_s")
  last = resampled_length(record, config) - size
  starts_b = np.arange(0, last + 1, step)
  return starts_b / config.rate_hz


def samples_each(config: ConfigDict) -> int:
  """Samples of the PPG to each of the respiration."""
  if not config.ppg_rate_hz:
    return 1

  multiple = round(config.ppg_rate_hz / config.rate_hz)
  if multiple < 1 or abs(multiple * config.rate_hz - config.ppg_rate_hz) > 1e-6:
    raise UserError(
        f"data.ppg_rate_hz={config.ppg_rate_hz:g} is no whole multiple of "
        f"data.rate_hz={config.rate_hz:g}: change one")
  return multiple


# What is in them

def _cut_copy(
    record: Record,
    starts_s_b: np.ndarray,
    config: ConfigDict,
) -> dict[str, np.ndarray]:
  """Windows that begin at `starts_s_b`, of a record or of its warped copy."""
  windows = {}
  windows["rate_bpm_b"] = _rates(record, starts_s_b, config.window_s)
  windows["ppg_b_t_p"] = _ppg_windows(record, starts_s_b, config)
  if "resp_t" in record.signals:
    windows["resp_b_t"] = filter_record_then_cut(record, "resp", starts_s_b, 1, config)
  return windows


def _ppg_windows(record: Record, starts_s_b: np.ndarray, config: ConfigDict) -> np.ndarray:
  """[b, t, p] windows of the PPG."""
  p = samples_each(config)
  if config.causal:
    x_b_t = cut_then_filter_windows(record, "ppg", starts_s_b, p, config)
  else:
    x_b_t = filter_record_then_cut(record, "ppg", starts_s_b, p, config)
  size = whole_samples(config.window_s, config.rate_hz, "window_s")
  return x_b_t.reshape(-1, size, p)


# Annotated rates

def _rates(record: Record, starts_s_b: np.ndarray, window_s: float) -> np.ndarray:
  """[b] mean of the annotators' rates, 60 / mean interval, in each window.

  NaN where there is none or they differ.
  """
  marks = _marks(record)
  if not marks:
    return np.full(len(starts_s_b), np.nan, np.float32)

  rates_b_a = np.full((len(starts_s_b), len(marks)), np.nan)
  for b, start_s in enumerate(starts_s_b):
    end_s = start_s + window_s
    for a, breaths_s in enumerate(marks):
      inside = (breaths_s >= start_s) & (breaths_s < end_s)
      rates_b_a[b, a] = _rate_bpm(breaths_s[inside])

  mean_b = rates_b_a.mean(-1)
  agreed_b = np.ptp(rates_b_a, -1) <= MOST_DISAGREEMENT_BPM
  return np.where(agreed_b, mean_b, np.nan).astype(np.float32)


def _marks(record: Record) -> Sequence[np.ndarray]:
  """Each annotator's breaths in seconds."""
  names = sorted(name for name in record.annotations if name.startswith("breaths"))
  return [np.asarray(record.annotations[name], np.float64) for name in names]


def _rate_bpm(breaths_s: np.ndarray) -> float:
  """60 / mean interval; NaN of fewer than two breaths."""
  if len(breaths_s) < 2 or not np.ptp(breaths_s) > 0:
    return np.nan
  return 60 * (len(breaths_s) - 1) / np.ptp(breaths_s)
