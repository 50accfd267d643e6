"""Windows of a PPG and, where there is one, of the respiration that was recorded with it.

Fields of `config.data` that are read here:
  window_s, stride_s      length of a window and step between starts; their products with rate_hz are whole
  rate_hz                 of the respiration's windows, by FFT resampling of the whole record
  ppg_rate_hz             of the PPG's, a whole multiple of rate_hz; 0 = the same
  ppg_low_pass_hz         0 = none, as the authors' code; 1.0 = the paper
  resp_low_pass_hz        1.0 in both
  causal                  each window of the PPG is made of its own samples alone, so that nothing later than its end is in it
  resp_high_pass_hz       0 = none, as in both; removes drift
  normalise               "window" (both) or "record": where the minimum and maximum come from; "zscore": mean 0 and SD 1 of a window
  ppg_range, resp_range   of the first two. Code: (-1, 1) and (0, 1); paper: (0, 1) and (-1, 1)
"""
from typing import Any

import numpy as np
import scipy.signal

from jaxsig.data.records import Record
from jaxsig.errors import UserError

NORMALISE = ("window", "record", "zscore")
MOST_SDS = 5.0                # of a z-score: an artefact must not own the window
MOST_DISAGREEMENT_BPM = 2.0   # of two annotators: beyond it a window has no rate to learn from


def prepare(record: Record, config: Any) -> dict:
  """Windows of one record, from nothing but that record.

  As the published code of RespDiff: FFT resampling of the whole record, Butterworth of order 8 forward and backward
  (gain 0.5 at its edge), windows, minimum and maximum to the range. A window in which the sensor stood still is the
  middle of the range.

  Returns:
    {"ppg_b_t_p" (p = ppg_rate_hz / rate_hz samples to each of the respiration), "resp_b_t" (where the record has it),
    "rate_bpm_b" (of the annotated breaths, NaN where there are none or the annotators differ), "start_s_b"} float32; the last
    window ends within the record.

  Raises:
    UserError: the record is shorter than a window, or the options contradict each other.
  """
  if config.causal and config.normalise == "record":
    raise UserError("data.causal=True with data.normalise=record: a record's extremes lie in the future; use window or zscore")
  if config.normalise not in NORMALISE:
    raise UserError(f"unknown data.normalise={config.normalise!r}: use {', '.join(NORMALISE)}")
  size = _whole(config.window_s, config.rate_hz, "window_s")
  step = _whole(config.stride_s, config.rate_hz, "stride_s")
  samples = round(long_enough(record, config, record.id).duration_s * record.rate_hz)
  length = int(samples * config.rate_hz / record.rate_hz + 1e-9)
  starts_b = np.arange(0, length - size + 1, step)
  starts_s_b = starts_b / config.rate_hz
  windows = {"start_s_b": starts_s_b.astype(np.float32), "rate_bpm_b": _rates(record, starts_s_b, config.window_s)}
  for name, finer in (("ppg", _per_sample(config)), ("resp", 1)):
    if f"{name}_t" in record.signals:
      raw_t = record.signals[f"{name}_t"][:samples]
      if config.causal and name == "ppg":
        x_t = x_b_t = _each_alone(raw_t, record.rate_hz, starts_s_b, finer, config)
      else:
        x_t = _filtered(scipy.signal.resample(np.asarray(raw_t, np.float64), finer * length), finer * config.rate_hz, config, name)
        x_b_t = x_t[finer * starts_b[:, None] + np.arange(finer * size)]
      x_b_t = _normalised(x_b_t, x_t, config, name, _still(raw_t, starts_s_b, config.window_s, record.rate_hz)).astype(np.float32)
      windows |= {"ppg_b_t_p": x_b_t.reshape(-1, size, finer)} if name == "ppg" else {"resp_b_t": x_b_t}
  return windows


def long_enough(record: Record, config: Any, name: Any) -> Record:
  """The record; UserError where it is shorter than a window."""
  if record.duration_s < config.window_s:
    raise UserError(f"{name} lasts {record.duration_s:.1f} s, less than one window of {config.window_s:g} s: "
                    "use a longer recording")
  return record


def _whole(seconds: float, rate_hz: float, name: str) -> int:
  samples = round(seconds * rate_hz)
  if samples < 1 or abs(seconds * rate_hz - samples) > 1e-6:
    raise UserError(f"data.{name}={seconds:g} at data.rate_hz={rate_hz:g} is no whole number of samples: change one")
  return samples


def _per_sample(config: Any) -> int:
  finer = round(config.ppg_rate_hz / config.rate_hz) if config.ppg_rate_hz else 1
  if config.ppg_rate_hz and (finer < 1 or abs(finer * config.rate_hz - config.ppg_rate_hz) > 1e-6):
    raise UserError(f"data.ppg_rate_hz={config.ppg_rate_hz:g} is no whole multiple of data.rate_hz={config.rate_hz:g}: change one")
  return finer


def _each_alone(raw_t: np.ndarray, rate_hz: float, starts_s_b: np.ndarray, finer: int, config: Any) -> np.ndarray:
  """[b, t] windows of the PPG, each resampled and filtered by itself, around the line from its first to its last sample."""
  to_hz, n = finer * config.rate_hz, round(config.window_s * finer * config.rate_hz)
  size = int(config.window_s * rate_hz)
  out = []
  for first in np.floor(starts_s_b * rate_hz + 1e-6).astype(int):
    x_t = np.asarray(raw_t[first:first + size], np.float64)
    line_t = np.linspace(x_t[0], x_t[-1], size)   # without it a step from end to start would ring at both
    fine_t = scipy.signal.resample(x_t - line_t, n) + np.linspace(x_t[0], x_t[-1], n)
    out.append(_filtered(fine_t, to_hz, config, "ppg"))
  return np.stack(out)


def _filtered(x_t: np.ndarray, rate_hz: float, config: Any, name: str) -> np.ndarray:
  x_t = _butterworth(x_t, rate_hz, getattr(config, f"{name}_low_pass_hz"), "lowpass", 8, f"{name}_low_pass_hz")
  if name == "resp":
    x_t = _butterworth(x_t, rate_hz, config.resp_high_pass_hz, "highpass", 2, "resp_high_pass_hz")
  return x_t


def _butterworth(x_t: np.ndarray, rate_hz: float, edge_hz: float, kind: str, order: int, name: str) -> np.ndarray:
  if not edge_hz:
    return x_t
  if edge_hz >= rate_hz / 2:
    raise UserError(f"data.{name}={edge_hz:g} is not below half of data.rate_hz={rate_hz:g}: lower it (0 is no filter)")
  return scipy.signal.sosfiltfilt(scipy.signal.butter(order, edge_hz, kind, fs=rate_hz, output="sos"), x_t)


def _normalised(x_b_t: np.ndarray, x_t: np.ndarray, config: Any, name: str, still_b: np.ndarray) -> np.ndarray:
  # Resampling and filtering ring into a window where the sensor stood still: scaled up, that looks like a signal.
  if config.normalise == "zscore":
    sd_b = x_b_t.std(-1, keepdims=True)
    z_b_t = (x_b_t - x_b_t.mean(-1, keepdims=True)) / np.where(sd_b > 0, sd_b, 1)
    return np.where(still_b[:, None], 0, np.clip(z_b_t, -MOST_SDS, MOST_SDS))
  unit_b_t = _to_unit(x_b_t, {"window": x_b_t, "record": x_t}[config.normalise])
  unit_b_t[still_b] = 0.5
  low, high = getattr(config, f"{name}_range")
  return low + unit_b_t * (high - low)


def _to_unit(x_b_t: np.ndarray, of: np.ndarray) -> np.ndarray:
  low, high = of.min(-1, keepdims=True), of.max(-1, keepdims=True)
  return np.where(high > low, (x_b_t - low) / np.where(high > low, high - low, 1), 0.5)


def _still(raw_t: np.ndarray, starts_s_b: np.ndarray, window_s: float, rate_hz: float) -> np.ndarray:
  first_b = np.ceil(starts_s_b * rate_hz).astype(int)
  size = int(window_s * rate_hz)
  return np.array([np.ptp(raw_t[i:i + size]) == 0 for i in first_b])


def _rates(record: Record, starts_s_b: np.ndarray, window_s: float) -> np.ndarray:
  """Mean of the annotators' rates, 60 / mean interval, in each window [b]; NaN where there is none or they differ."""
  marks = [np.asarray(x, np.float64) for name, x in sorted(record.annotations.items()) if name.startswith("breaths")]
  rates_b_a = np.array([[_rate(m[(m >= s) & (m < s + window_s)]) for m in marks] for s in starts_s_b])
  if not marks:
    return np.full(len(starts_s_b), np.nan, np.float32)
  agreed_b = np.ptp(rates_b_a, -1) <= MOST_DISAGREEMENT_BPM
  return np.where(agreed_b, rates_b_a.mean(-1), np.nan).astype(np.float32)


def _rate(breaths_s: np.ndarray) -> float:
  return 60 * (len(breaths_s) - 1) / np.ptp(breaths_s) if len(breaths_s) > 1 and np.ptp(breaths_s) > 0 else np.nan
