"""Windows of a PPG and, where there is one, of the respiration that was recorded with it.

Fields of `config.data` that are read here:
  window_s, stride_s      length of a window and step between starts; their products with rate_hz
  are whole rate_hz                 of the respiration's windows, by FFT resampling of the whole
  record ppg_rate_hz             of the PPG's, a whole multiple of rate_hz; 0 = the same
  ppg_low_pass_hz         0 = none, as the authors' code; 1.0 = the paper
  resp_low_pass_hz        1.0 in both
  causal                  each window of the PPG is made of its own samples alone: nothing later
  than its end is in it resp_high_pass_hz       0 = none, as in both; removes drift
  normalise               "window" (both) or "record": where minimum and maximum come from;
  "zscore": mean 0, SD 1 of a window
  ppg_range, resp_range   of the first two. Code: (-1, 1) and (0, 1); paper: (0, 1) and (-1, 1)
  time_warp_factors       training also sees each record as if it had gone so many times as fast
"""
from collections.abc import Sequence

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.records import Record, Spans, augmented_spans, joined_spans, spans_of
from jaxsig.errors import UserError

NORMALISE = ("window", "record", "zscore")
MOST_SDS = 5.0                # of a z-score: an artefact must not own the window
MOST_DISAGREEMENT_BPM = 2.0   # of two annotators: beyond it a window has no rate to learn from


def spans(record: Record, config: ConfigDict) -> Spans:
  """Where a record's windows lie: every `stride_s` from its start, the last one ends within the record.

  Then, for training only, as many windows at most of the record warped in time by each of
  `time_warp_factors`, evenly spread; their times are those of the warped record, their kind is the
  factor.

  Raises:
    UserError: the record is shorter than a window, or the options contradict each other.
  """
  check(config)
  own_s_b = _starts_s(long_enough(record, config, record.id), config)
  parts = [spans_of(own_s_b, config.window_s)]

  for factor in config.time_warp_factors:
    copy = warped(record, factor)
    if copy.duration_s < config.window_s:
      continue
    starts_s_b = _starts_s(copy, config)
    few = np.unique(np.linspace(0, len(starts_s_b) - 1, len(own_s_b)).astype(int))
    parts.append(augmented_spans(starts_s_b[few], config.window_s, float(factor)))
  return joined_spans(parts)


def cut(record: Record, spans: Spans, config: ConfigDict) -> dict[str, np.ndarray]:
  """Windows of one record, from nothing but that record.

  As the published code of RespDiff: FFT resampling of the whole record, Butterworth of order 8
  forward and backward (gain 0.5 at its edge), windows, minimum and maximum to the range. A window
  in which the sensor stood still is the middle of the range.

  Returns:
    {"ppg_b_t_p" (p = ppg_rate_hz / rate_hz samples to each of the respiration), "resp_b_t" (where
    the record has it), "rate_bpm_b" (of the annotated breaths, NaN where there are none or the
    annotators differ)}, float32.
  """
  parts, places = [], []
  for factor in np.unique(spans.kind_b):
    of_factor = np.flatnonzero(spans.kind_b == factor)
    seen = record
    if factor != 1:
      seen = warped(record, factor)
    parts.append(_cut(seen, spans.start_s_b[of_factor], config))
    places.append(of_factor)
  back = np.argsort(np.concatenate(places), kind="stable")
  return {name: np.concatenate([part[name] for part in parts])[back] for name in parts[0]}


def _cut(record: Record, starts_s_b: np.ndarray, config: ConfigDict) -> dict[str, np.ndarray]:
  windows = {"rate_bpm_b": _rates(record, starts_s_b, config.window_s)}
  windows["ppg_b_t_p"] = _ppg(record, starts_s_b, config)
  if "resp_t" in record.signals:
    windows["resp_b_t"] = _whole_record(record, "resp", starts_s_b, 1, config)
  return windows


def _ppg(record: Record, starts_s_b: np.ndarray, config: ConfigDict) -> np.ndarray:
  """[b, t, p] windows of the PPG."""
  finer = _per_sample(config)
  if config.causal:
    raw_t = record.signals["ppg_t"][:_samples(record)]
    x_b_t = _each_alone(raw_t, record.rate_hz, starts_s_b, finer, config)
    still_b = _still(raw_t, starts_s_b, config.window_s, record.rate_hz)
    windows_b_t = _normalised(x_b_t, x_b_t, config, "ppg", still_b).astype(np.float32)
  else:
    windows_b_t = _whole_record(record, "ppg", starts_s_b, finer, config)
  size = whole_samples(config.window_s, config.rate_hz, "window_s")
  return windows_b_t.reshape(-1, size, finer)


def _whole_record(record: Record, name: str, starts_s_b: np.ndarray, finer: int, config: ConfigDict) -> np.ndarray:
  """[b, t] windows of a signal that is resampled and filtered as a whole, `finer` samples to each of `rate_hz`."""
  import scipy.signal
  size = whole_samples(config.window_s, config.rate_hz, "window_s")
  starts_b = np.rint(starts_s_b * config.rate_hz).astype(int)
  raw_t = record.signals[f"{name}_t"][:_samples(record)]

  length = finer * _length(record, config)
  resampled_t = scipy.signal.resample(np.asarray(raw_t, np.float64), length)
  x_t = _filtered(resampled_t, finer * config.rate_hz, config, name)
  x_b_t = x_t[finer * starts_b[:, None] + np.arange(finer * size)]
  still_b = _still(raw_t, starts_s_b, config.window_s, record.rate_hz)
  return _normalised(x_b_t, x_t, config, name, still_b).astype(np.float32)


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
  return record._replace(rate_hz=record.rate_hz * factor, annotations=annotations)


def long_enough(record: Record, config: ConfigDict, name: object) -> Record:
  """The record; UserError where it is shorter than a window."""
  if record.duration_s < config.window_s:
    raise UserError(
        f"{name} lasts {record.duration_s:.1f} s, less than one window of {config.window_s:g} s: "
        "use a longer recording")
  return record


def _samples(record: Record) -> int:
  """How many samples all signals of a record have."""
  return round(record.duration_s * record.rate_hz)


def _length(record: Record, config: ConfigDict) -> int:
  """How many samples at `rate_hz` a record has."""
  return int(_samples(record) * config.rate_hz / record.rate_hz + 1e-9)


def _starts_s(record: Record, config: ConfigDict) -> np.ndarray:
  """[b] starts of a record's own windows in seconds."""
  size = whole_samples(config.window_s, config.rate_hz, "window_s")
  step = whole_samples(config.stride_s, config.rate_hz, "stride_s")
  starts_b = np.arange(0, _length(record, config) - size + 1, step)
  return starts_b / config.rate_hz


def whole_samples(seconds: float, rate_hz: float, name: str) -> int:
  """Seconds in samples; UserError where they are no whole number."""
  samples = round(seconds * rate_hz)
  if samples < 1 or abs(seconds * rate_hz - samples) > 1e-6:
    raise UserError(
        f"data.{name}={seconds:g} at data.rate_hz={rate_hz:g} is no whole number of samples: "
        "change one")
  return samples


def _per_sample(config: ConfigDict) -> int:
  """Samples of the PPG to each of the respiration."""
  if not config.ppg_rate_hz:
    return 1
  finer = round(config.ppg_rate_hz / config.rate_hz)
  if finer < 1 or abs(finer * config.rate_hz - config.ppg_rate_hz) > 1e-6:
    raise UserError(
        f"data.ppg_rate_hz={config.ppg_rate_hz:g} is no whole multiple of "
        f"data.rate_hz={config.rate_hz:g}: change one")
  return finer


def _each_alone(raw_t: np.ndarray, rate_hz: float, starts_s_b: np.ndarray, finer: int, config: ConfigDict) -> np.ndarray:
  """[b, t] windows of the PPG, each resampled and filtered by itself, around the line from its first to its last sample."""
  import scipy.signal
  to_hz = finer * config.rate_hz
  n = round(config.window_s * to_hz)
  size = int(config.window_s * rate_hz)
  windows = []
  for first in np.floor(starts_s_b * rate_hz + 1e-6).astype(int):
    x_t = np.asarray(raw_t[first:first + size], np.float64)
    # without it a step from end to start would ring at both
    line_t = np.linspace(x_t[0], x_t[-1], size)
    fine_t = scipy.signal.resample(x_t - line_t, n) + np.linspace(x_t[0], x_t[-1], n)
    windows.append(_filtered(fine_t, to_hz, config, "ppg"))
  return np.stack(windows)


def _filtered(x_t: np.ndarray, rate_hz: float, config: ConfigDict, name: str) -> np.ndarray:
  low_pass = f"{name}_low_pass_hz"
  x_t = _butterworth(x_t, rate_hz, getattr(config, low_pass), "lowpass", 8, low_pass)
  if name == "resp":
    x_t = _butterworth(x_t, rate_hz, config.resp_high_pass_hz, "highpass", 2, "resp_high_pass_hz")
  return x_t


def _butterworth(x_t: np.ndarray, rate_hz: float, edge_hz: float, kind: str, order: int, name: str) -> np.ndarray:
  import scipy.signal
  if not edge_hz:
    return x_t
  if edge_hz >= rate_hz / 2:
    raise UserError(
        f"data.{name}={edge_hz:g} is not below half of data.rate_hz={rate_hz:g}: lower it (0 is "
        "no filter)")
  sections = scipy.signal.butter(order, edge_hz, kind, fs=rate_hz, output="sos")
  return scipy.signal.sosfiltfilt(sections, x_t)


def _normalised(
  x_b_t: np.ndarray, x_t: np.ndarray, config: ConfigDict, name: str, still_b: np.ndarray
) -> np.ndarray:
  # Resampling and filtering ring into a window where the sensor stood still: scaled up, that looks
  # like a signal.
  if config.normalise == "zscore":
    sd_b = x_b_t.std(-1, keepdims=True)
    z_b_t = (x_b_t - x_b_t.mean(-1, keepdims=True)) / np.where(sd_b > 0, sd_b, 1)
    return np.where(still_b[:, None], 0, np.clip(z_b_t, -MOST_SDS, MOST_SDS))

  extremes_of = {"window": x_b_t, "record": x_t}[config.normalise]
  unit_b_t = _to_unit(x_b_t, extremes_of)
  unit_b_t[still_b] = 0.5
  low, high = getattr(config, f"{name}_range")
  return low + unit_b_t * (high - low)


def _to_unit(x_b_t: np.ndarray, of: np.ndarray) -> np.ndarray:
  low = of.min(-1, keepdims=True)
  high = of.max(-1, keepdims=True)
  reach = np.where(high > low, high - low, 1)
  return np.where(high > low, (x_b_t - low) / reach, 0.5)


def _still(raw_t: np.ndarray, starts_s_b: np.ndarray, window_s: float, rate_hz: float) -> np.ndarray:
  """[b] whether the sensor showed one value throughout a window."""
  first_b = np.ceil(starts_s_b * rate_hz).astype(int)
  size = int(window_s * rate_hz)
  return np.array([np.ptp(raw_t[first:first + size]) == 0 for first in first_b], bool)


def _rates(record: Record, starts_s_b: np.ndarray, window_s: float) -> np.ndarray:
  """[b] mean of the annotators' rates, 60 / mean interval, in each window; NaN where there is none or they differ."""
  marks = _marks(record)
  if not marks:
    return np.full(len(starts_s_b), np.nan, np.float32)
  rates_b_a = np.full((len(starts_s_b), len(marks)), np.nan)
  for b, start_s in enumerate(starts_s_b):
    for a, breaths_s in enumerate(marks):
      inside = (breaths_s >= start_s) & (breaths_s < start_s + window_s)
      rates_b_a[b, a] = _rate_bpm(breaths_s[inside])
  agreed_b = np.ptp(rates_b_a, -1) <= MOST_DISAGREEMENT_BPM
  return np.where(agreed_b, rates_b_a.mean(-1), np.nan).astype(np.float32)


def _marks(record: Record) -> Sequence[np.ndarray]:
  """Each annotator's breaths in seconds."""
  names = sorted(name for name in record.annotations if name.startswith("breaths"))
  return [np.asarray(record.annotations[name], np.float64) for name in names]


def _rate_bpm(breaths_s: np.ndarray) -> float:
  if len(breaths_s) < 2 or not np.ptp(breaths_s) > 0:
    return np.nan
  return 60 * (len(breaths_s) - 1) / np.ptp(breaths_s)
