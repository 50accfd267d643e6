"""Respiration from a PPG without training: a constant, a band-pass filter, and what breathing does to the beats.

Breathing moves a pulse wave in three ways: its intensity (RIIV, respiratory-induced intensity
variation), its amplitude (RIAV) and its rhythm (RIFV); Karlen et al. (IEEE TBME 60(7), 2013) read a
rate from each and fuse the three.
"""
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jaxsig.data.records import Record
from jaxsig.signal import filters, peaks, resample
from jaxsig.system import Baseline, Predictions

RATE_HZ = 4.0              # of every waveform made here: twice the fastest breathing, and to spare
BAND_HZ = (4 / 60, 60 / 60)
FEWEST_BEATS = 8           # with fewer there is no series to read a rate from
WINDOW_S = 60.0


class Beats(NamedTuple):
  """Pulses of a PPG: when each peaks, how high, and the lowest value since the peak before."""
  time_s_k: np.ndarray
  peak_k: np.ndarray
  trough_k: np.ndarray


def find_beats(ppg_t: np.ndarray, rate_hz: float) -> Beats:
  """Pulses by two moving averages (Elgendi et al., PLoS ONE 8(10), 2013: 111 ms and 667 ms, offset 0.02).

  Args:
    ppg_t: [t], finite, any scale.
    rate_hz: sampling rate in Hz, at least 20.

  Returns:
    All beats but the first, which has no peak before it.
  """
  import scipy.ndimage
  pulse_t = filters.band_pass(ppg_t, rate_hz, 0.5, min(8.0, 0.45 * rate_hz))
  energy_t = np.clip(pulse_t, 0, None) ** 2
  short_t = scipy.ndimage.uniform_filter1d(energy_t, max(1, round(0.111 * rate_hz)))
  long_t = scipy.ndimage.uniform_filter1d(energy_t, max(1, round(0.667 * rate_hz)))
  above_t = (short_t > long_t + 0.02 * energy_t.mean()).astype(np.int8)
  edges = np.flatnonzero(np.diff(above_t, prepend=0, append=0)).reshape(-1, 2)

  tops = []
  for first, last in edges:
    if last - first >= 0.111 * rate_hz:
      tops.append(first + np.argmax(pulse_t[first:last]))
  top_k = np.array(tops, int)
  top_k = top_k[np.diff(top_k, prepend=-rate_hz) >= 0.3 * rate_hz]

  smooth_t = filters.low_pass(ppg_t, rate_hz, min(8.0, 0.45 * rate_hz))
  trough_k = np.array([smooth_t[before:top].min() for before, top in itertools.pairwise(top_k)])
  return Beats(peaks.refine(pulse_t, top_k)[1:] / rate_hz, smooth_t[top_k[1:]], trough_k)


def modulations(record: Record) -> np.ndarray:
  """RIIV, RIAV and RIFV of the record's PPG in 4-60/min: [3, t] at RATE_HZ; all NaN where there are too few beats."""
  n = _length(record)
  ppg_t = resample.fill_gaps(record.signals["ppg_t"])
  if not np.ptp(ppg_t) > 0:
    return np.full((3, n), np.nan)
  beats = find_beats(ppg_t, record.rate_hz)
  if len(beats.time_s_k) < FEWEST_BEATS:
    return np.full((3, n), np.nan)

  # an interval belongs between its two beats
  middle_s_k = (beats.time_s_k[1:] + beats.time_s_k[:-1]) / 2
  riiv_t = _series(beats.time_s_k, _clip(beats.peak_k), n)
  riav_t = _series(beats.time_s_k, _clip(beats.peak_k - beats.trough_k), n)
  rifv_t = _series(middle_s_k, _clip(np.diff(beats.time_s_k)), n)
  return np.stack([riiv_t, riav_t, rifv_t])


def _length(record: Record) -> int:
  return int(len(record.signals["ppg_t"]) / record.rate_hz * RATE_HZ)


def _clip(value_k: np.ndarray) -> np.ndarray:
  """Limits a series to four robust deviations: an ectopic beat or an artefact must not own the spectrum."""
  middle = np.median(value_k)
  reach = 4 * 1.4826 * np.median(np.abs(value_k - middle))
  return np.clip(value_k, middle - reach, middle + reach)


def _series(time_s_k: np.ndarray, value_k: np.ndarray, n: int) -> np.ndarray:
  """[n] an uneven series on the grid of RATE_HZ, in the band of breathing."""
  return filters.band_pass(resample.to_grid(time_s_k, value_k, RATE_HZ, n), RATE_HZ, *BAND_HZ)


def _no_fit(records: Sequence[Record]) -> None:
  del records


def _fit_constant(records: Sequence[Record]) -> float:
  """Mean over records of each one's mean annotated rate in windows of 60 s, per minute; NaN without annotations."""
  means = []
  for record in records:
    mean_bpm = _annotated_mean_bpm(record)
    if np.isfinite(mean_bpm):
      means.append(mean_bpm)
  if not means:
    return float("nan")
  return float(np.mean(means))


def _annotated_mean_bpm(record: Record) -> float:
  starts_s = np.arange(0, record.duration_s - WINDOW_S + 0.5 / record.rate_hz, WINDOW_S)
  rates_bpm = []
  for name, breaths_s in record.annotations.items():
    if not name.startswith("breaths"):
      continue
    for start_s in starts_s:
      rate_bpm = 60 * peaks.event_rate_hz(breaths_s, start_s, WINDOW_S)
      if np.isfinite(rate_bpm):
        rates_bpm.append(rate_bpm)
  if not rates_bpm:
    return float("nan")
  return float(np.mean(rates_bpm))


def _predict_constant(rate_bpm: float, record: Record) -> Predictions:
  flat_t = np.full(_length(record), 0.5, np.float32)
  return {"rate_bpm": rate_bpm, "resp_t": flat_t, "rate_hz": RATE_HZ}


def _predict_band_pass(params: None, record: Record) -> Predictions:
  del params
  slow_t = resample.resample(resample.fill_gaps(record.signals["ppg_t"]), record.rate_hz, RATE_HZ)
  return {"resp_t": filters.band_pass(slow_t, RATE_HZ, 0.1, 0.6).astype(np.float32), "rate_hz": RATE_HZ}


def _modulation(q: int, title: str) -> Baseline:
  def predict(params: None, record: Record) -> Predictions:
    del params
    return {"resp_t": modulations(record)[q].astype(np.float32), "rate_hz": RATE_HZ}

  return Baseline(_no_fit, predict, title)


def _predict_fusion(params: None, record: Record) -> Predictions:
  del params
  return {"modulation_q_t": modulations(record).astype(np.float32), "rate_hz": RATE_HZ}


METHODS = {
  "constant": Baseline(
    _fit_constant, _predict_constant, "Constant: the training patients' mean rate"
  ),
  "band_pass": Baseline(_no_fit, _predict_band_pass, "Band-pass filter of the PPG, 0.1 to 0.6 Hz"),
  "riiv": _modulation(0, "RIIV: how high the pulses are (respiratory-induced intensity variation)"),
  "riav": _modulation(
    1, "RIAV: how large the pulses are (respiratory-induced amplitude variation)"
  ),
  "rifv": _modulation(
    2, "RIFV: how far apart the pulses are (respiratory-induced frequency variation)"
  ),
  "smart_fusion": Baseline(
    _no_fit, _predict_fusion, "Smart fusion: the mean rate of RIIV, RIAV and RIFV"
  ),
}
