"""Respiration from a PPG without training: a constant, a band-pass filter, and what breathing does to the beats.

Breathing moves a pulse wave in three ways: its intensity (RIIV, respiratory-induced intensity variation), its amplitude
(RIAV) and its rhythm (RIFV); Karlen et al. (IEEE TBME 60(7), 2013) read a rate from each and fuse the three.
"""
import itertools
from typing import Any

import numpy as np
import scipy.ndimage

from jaxsig.signal import filters, peaks, resample
from jaxsig.system import Method

RATE_HZ = 4.0              # of every waveform made here: twice the fastest breathing, and to spare
BAND_HZ = (4 / 60, 60 / 60)
FEWEST_BEATS = 8           # with fewer there is no series to read a rate from
WINDOW_S = 60.0


def find_beats(ppg_t: np.ndarray, rate_hz: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Pulses by two moving averages (Elgendi et al., PLoS ONE 8(10), 2013: 111 ms and 667 ms, offset 0.02).

  Args:
    ppg_t: [t], finite, any scale.
    rate_hz: sampling rate, at least 20.

  Returns:
    (time_s_k, peak_k, trough_k): when each pulse peaks, how high, and the lowest value since the peak before. The
    first pulse has none before it and is left out.
  """
  pulse_t = filters.band_pass(ppg_t, rate_hz, 0.5, min(8.0, 0.45 * rate_hz))
  energy_t = np.clip(pulse_t, 0, None) ** 2
  short_t, long_t = (scipy.ndimage.uniform_filter1d(energy_t, max(1, round(s * rate_hz))) for s in (0.111, 0.667))
  above_t = (short_t > long_t + 0.02 * energy_t.mean()).astype(np.int8)
  edges = np.flatnonzero(np.diff(above_t, prepend=0, append=0)).reshape(-1, 2)
  top_k = np.array([a + np.argmax(pulse_t[a:b]) for a, b in edges if b - a >= 0.111 * rate_hz], int)
  top_k = top_k[np.diff(top_k, prepend=-rate_hz) >= 0.3 * rate_hz]
  smooth_t = filters.low_pass(ppg_t, rate_hz, min(8.0, 0.45 * rate_hz))
  trough_k = np.array([smooth_t[a:b].min() for a, b in itertools.pairwise(top_k)])
  return peaks.refine(pulse_t, top_k)[1:] / rate_hz, smooth_t[top_k[1:]], trough_k


def modulations(record: Any) -> np.ndarray:
  """RIIV, RIAV and RIFV of the record's PPG in 4-60/min: [3, t] at RATE_HZ; all NaN where there are too few beats."""
  n = _length(record)
  ppg_t = resample.fill_gaps(record.signals["ppg_t"])
  if not np.ptp(ppg_t) > 0:
    return np.full((3, n), np.nan)
  time_s, peak_k, trough_k = find_beats(ppg_t, record.rate_hz)
  if len(time_s) < FEWEST_BEATS:
    return np.full((3, n), np.nan)
  middle_s = (time_s[1:] + time_s[:-1]) / 2   # an interval belongs between its two beats
  series = [(time_s, peak_k), (time_s, peak_k - trough_k), (middle_s, np.diff(time_s))]
  return np.stack([_series(t, _clip(v), n) for t, v in series])


def _length(record: Any) -> int:
  return int(len(record.signals["ppg_t"]) / record.rate_hz * RATE_HZ)


def _clip(value_k: np.ndarray) -> np.ndarray:
  """Limits a series to four robust deviations: an ectopic beat or an artefact must not own the spectrum."""
  middle = np.median(value_k)
  reach = 4 * 1.4826 * np.median(np.abs(value_k - middle))
  return np.clip(value_k, middle - reach, middle + reach)


def _series(time_s_k: np.ndarray, value_k: np.ndarray, n: int) -> np.ndarray:
  return filters.band_pass(resample.to_grid(time_s_k, value_k, RATE_HZ, n), RATE_HZ, *BAND_HZ)


def _no_fit(records: list) -> None:
  del records


def _fit_constant(records: list) -> float:
  """Mean over records of each one's mean annotated rate in windows of 60 s, per minute; NaN without annotations."""
  means = [m for m in map(_annotated_mean_bpm, records) if np.isfinite(m)]
  return float(np.mean(means)) if means else float("nan")


def _annotated_mean_bpm(record: Any) -> float:
  starts = np.arange(0, record.duration_s - WINDOW_S + 0.5 / record.rate_hz, WINDOW_S)
  breaths = [times for name, times in record.annotations.items() if name.startswith("breaths")]
  rates = [60 * peaks.event_rate_hz(b, s, WINDOW_S) for b in breaths for s in starts]
  rates = [r for r in rates if np.isfinite(r)]
  return float(np.mean(rates)) if rates else float("nan")


def _predict_constant(rate_bpm: float, record: Any) -> dict[str, Any]:
  return {"rate_bpm": rate_bpm, "resp_t": np.full(_length(record), 0.5, np.float32), "rate_hz": RATE_HZ}


def _predict_band_pass(params: None, record: Any) -> dict[str, Any]:
  del params
  slow_t = resample.resample(resample.fill_gaps(record.signals["ppg_t"]), record.rate_hz, RATE_HZ)
  return {"resp_t": filters.band_pass(slow_t, RATE_HZ, 0.1, 0.6).astype(np.float32), "rate_hz": RATE_HZ}


def _one_modulation(q: int) -> Method:
  def predict(params: None, record: Any) -> dict[str, Any]:
    del params
    return {"resp_t": modulations(record)[q].astype(np.float32), "rate_hz": RATE_HZ}
  return Method(_no_fit, predict)


def _predict_fusion(params: None, record: Any) -> dict[str, Any]:
  del params
  return {"modulation_q_t": modulations(record).astype(np.float32), "rate_hz": RATE_HZ}


METHODS = {
  "constant": Method(_fit_constant, _predict_constant),
  "band_pass": Method(_no_fit, _predict_band_pass),
  "riiv": _one_modulation(0),
  "riav": _one_modulation(1),
  "rifv": _one_modulation(2),
  "smart_fusion": Method(_no_fit, _predict_fusion),
}
