"""Respiration from a PPG without training.

By a constant, by a band-pass filter, and by what breathing does to the beats.

Breathing moves a pulse wave in three ways: its intensity (RIIV, respiratory-induced intensity
variation), its amplitude (RIAV) and its rhythm (RIFV); Karlen et al. (IEEE TBME 60(7), 2013) read a
rate from each and fuse the three.
"""
from collections.abc import Sequence

import numpy as np

from jaxsig.data.records import Record
from jaxsig.signal import filters, peaks, resample
from jaxsig.system import Baseline, Predictions
from jaxsig.systems.respiration.beats import find_beats

RATE_HZ = 4.0              # of every waveform made here: twice the fastest breathing, and to spare
LOWEST_HZ = 4 / 60         # of breathing
HIGHEST_HZ = 60 / 60
FEWEST_BEATS = 8           # with fewer there is no series to read a rate from
WINDOW_S = 60.0
MOST_DEVIATIONS = 4
SD_OVER_MAD = 1.4826       # of a normal distribution


def modulations(record: Record) -> np.ndarray:
  """RIIV, RIAV and RIFV of the record's PPG in 4-60/min: [3, t] at RATE_HZ.

  All NaN where there are too few beats.
  """
  n = _length(record)
  nothing = np.full((3, n), np.nan)
  ppg_t = resample.fill_gaps(record.signals["ppg_t"])
  if not np.ptp(ppg_t) > 0:
    return nothing
  beats = find_beats(ppg_t, record.rate_hz)
  time_s_k = beats.time_s_k
  if len(time_s_k) < FEWEST_BEATS:
    return nothing

  intensity_k = _clip(beats.peak_k)
  amplitude_k = _clip(beats.peak_k - beats.trough_k)
  interval_s_k = _clip(np.diff(time_s_k))
  # an interval belongs between its two beats
  middle_s_k = (time_s_k[1:] + time_s_k[:-1]) / 2

  riiv_t = _series(time_s_k, intensity_k, n)
  riav_t = _series(time_s_k, amplitude_k, n)
  rifv_t = _series(middle_s_k, interval_s_k, n)
  return np.stack([riiv_t, riav_t, rifv_t])


def _length(record: Record) -> int:
  """Samples of a record at RATE_HZ."""
  duration_s = len(record.signals["ppg_t"]) / record.rate_hz
  return int(duration_s * RATE_HZ)


def _clip(value_k: np.ndarray) -> np.ndarray:
  """Limits a series to four robust deviations.

  An ectopic beat or an artefact must not own the spectrum.
  """
  middle = np.median(value_k)
  distance_k = np.abs(value_k - middle)
  reach = MOST_DEVIATIONS * SD_OVER_MAD * np.median(distance_k)
  return np.clip(value_k, middle - reach, middle + reach)


def _series(
    time_s_k: np.ndarray,
    value_k: np.ndarray,
    n: int,
) -> np.ndarray:
  """[n] an uneven series on the grid of RATE_HZ, in the band of breathing."""
  even_t = resample.to_grid(time_s_k, value_k, RATE_HZ, n)
  return filters.band_pass(even_t, RATE_HZ, LOWEST_HZ, HIGHEST_HZ)


def _no_fit(records: Sequence[Record]) -> None:
  del records


def _fit_constant(records: Sequence[Record]) -> float:
  """Mean over records of each one's mean annotated rate in windows of 60 s, per minute.

  NaN without annotations.
  """
  means = []
  for record in records:
    mean_bpm = _annotated_mean_bpm(record)
    if np.isfinite(mean_bpm):
      means.append(mean_bpm)
  if not means:
    return float("nan")
  return float(np.mean(means))


def _annotated_mean_bpm(record: Record) -> float:
  """Mean rate of all annotators in all windows of 60 s; NaN where there is none."""
  last_s = record.duration_s - WINDOW_S
  half_sample_s = 0.5 / record.rate_hz
  starts_s = np.arange(0, last_s + half_sample_s, WINDOW_S)

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
  return {
      "rate_bpm": rate_bpm,
      "resp_t": np.full(_length(record), 0.5, np.float32),
      "rate_hz": RATE_HZ,
  }


def _predict_band_pass(params: None, record: Record) -> Predictions:
  del params
  ppg_t = resample.fill_gaps(record.signals["ppg_t"])
  slow_t = resample.resample(ppg_t, record.rate_hz, RATE_HZ)
  resp_t = filters.band_pass(slow_t, RATE_HZ, 0.1, 0.6)
  return {
      "resp_t": resp_t.astype(np.float32),
      "rate_hz": RATE_HZ,
  }


def _modulation(q: int, title: str) -> Baseline:
  """The baseline that takes one of `modulations` for the respiration."""

  def predict(params: None, record: Record) -> Predictions:
    del params
    resp_t = modulations(record)[q]
    return {
        "resp_t": resp_t.astype(np.float32),
        "rate_hz": RATE_HZ,
    }

  return Baseline(_no_fit, predict, title)


def _predict_fusion(params: None, record: Record) -> Predictions:
  del params
  modulation_q_t = modulations(record)
  return {
      "modulation_q_t": modulation_q_t.astype(np.float32),
      "rate_hz": RATE_HZ,
  }


METHODS = {
  "constant": Baseline(
    _fit_constant,
    _predict_constant,
    "Constant: the training patients' mean rate",
  ),
  "band_pass": Baseline(
    _no_fit,
    _predict_band_pass,
    "Band-pass filter of the PPG, 0.1 to 0.6 Hz",
  ),
  "riiv": _modulation(
    0,
    "RIIV: how high the pulses are (respiratory-induced intensity variation)",
  ),
  "riav": _modulation(
    1,
    "RIAV: how large the pulses are (respiratory-induced amplitude variation)",
  ),
  "rifv": _modulation(
    2,
    "RIFV: how far apart the pulses are (respiratory-induced frequency variation)",
  ),
  "smart_fusion": Baseline(
    _no_fit,
    _predict_fusion,
    "Smart fusion: the mean rate of RIIV, RIAV and RIFV",
  ),
}
