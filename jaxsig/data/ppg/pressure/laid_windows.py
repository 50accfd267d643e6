"""Where the windows of a record lie: of one length, or of whole beats."""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure.beat_peaks import find_beats
from jaxsig.data.ppg.pressure.prepared_ppg import Stretch
from jaxsig.data.ppg.pressure.pulse_filters import band_pass

PULSE_HZ = (0.5, 8.0)   # the band in which beats are looked for
SLOWEST_BPM, FASTEST_BPM = 36.0, 180.0


class Laid(NamedTuple):
  """Windows in the order of time; [b] each."""
  start_s_b: np.ndarray
  length_s_b: np.ndarray
  stretch_b: np.ndarray    # the number of the stretch that each lies in
  rate_bpm_b: np.ndarray   # pulse rate by the median distance of the peaks; NaN without two


def laid_windows(parts: Sequence[Stretch], config: ConfigDict) -> Laid:
  """All windows of the stretches of a record.

  Args:
    parts: of `prepared_ppg.stretches`.
    config: `window` "time": windows of `window_s` every `hop_s`, from the start of each stretch;
      "beats": of `beats` whole beats every `hop_beats`, cut by `beat_cut`: "feet", from foot to
      foot; or "spectrum", as many periods of the strongest frequency from 0.6 to 3 Hz in the
      `window_s` from each foot (Schrumpf et al. 2021 lay them by a rate; their code is not public).
  """
  starts, lengths, numbers, rates = [], [], [], []
  for number, part in enumerate(parts):
    pulse_t = band_pass(part.ppg_t, config.rate_hz, *PULSE_HZ)
    beats = find_beats(pulse_t, config.rate_hz)
    if config.window == "time":
      start_s_b = _every_hop(part.duration_s(config.rate_hz), config)
      length_s_b = np.full(len(start_s_b), config.window_s)
    else:
      start_s_b, length_s_b = _whole_beats(pulse_t, beats.foot_k, config)
    rates.append(_rates_bpm(beats.peak_k / config.rate_hz, start_s_b, length_s_b))
    starts.append(part.start_s + start_s_b)
    lengths.append(length_s_b)
    numbers.append(np.full(len(start_s_b), number))
  return Laid(
      start_s_b=np.concatenate([np.zeros(0), *starts]),
      length_s_b=np.concatenate([np.zeros(0), *lengths]),
      stretch_b=np.concatenate([np.zeros(0, int), *numbers]),
      rate_bpm_b=np.concatenate([np.zeros(0), *rates]),
  )


def _every_hop(duration_s: float, config: ConfigDict) -> np.ndarray:
  last_s = duration_s - config.window_s
  return np.arange(0, last_s + 1e-6, config.hop_s)


def _whole_beats(
    pulse_t: np.ndarray,
    foot_k: np.ndarray,
    config: ConfigDict,
) -> tuple[np.ndarray, np.ndarray]:
  """Starts and lengths in seconds of windows of whole beats within a stretch."""
  first_k = foot_k[:-config.beats:config.hop_beats]
  if config.beat_cut == "feet":
    last_k = foot_k[config.beats::config.hop_beats]
    first_k = first_k[:len(last_k)]
    return first_k / config.rate_hz, (last_k - first_k) / config.rate_hz

  lengths = []
  size = round(config.window_s * config.rate_hz)
  for first in first_k:
    frequency_hz = strongest_hz(pulse_t[first:first + size], config.rate_hz)
    lengths.append(config.beats / frequency_hz)
  length_s_b = np.array(lengths)
  start_s_b = first_k / config.rate_hz
  fits_b = start_s_b + length_s_b <= len(pulse_t) / config.rate_hz
  return start_s_b[fits_b], length_s_b[fits_b]


def strongest_hz(x_t: np.ndarray, rate_hz: float, padding: int = 16) -> float:
  """The strongest frequency of a window from 0.6 to 3 Hz, on a spectrum that is padded so often."""
  n = padding * len(x_t)
  power_f = np.abs(np.fft.rfft((x_t - x_t.mean()) * np.hanning(len(x_t)), n)) ** 2
  frequency_hz_f = np.fft.rfftfreq(n, 1 / rate_hz)
  inside_f = (frequency_hz_f >= SLOWEST_BPM / 60) & (frequency_hz_f <= FASTEST_BPM / 60)
  return float(frequency_hz_f[inside_f][np.argmax(power_f[inside_f])])


def _rates_bpm(
    peak_s_k: np.ndarray,
    start_s_b: np.ndarray,
    length_s_b: np.ndarray,
) -> np.ndarray:
  """[b] pulse rate of each window by the median distance of its peaks; NaN without two."""
  rates = []
  for start_s, length_s in zip(start_s_b, length_s_b, strict=True):
    first, last = np.searchsorted(peak_s_k, [start_s, start_s + length_s])
    interval_s_k = np.diff(peak_s_k[first:last])
    if len(interval_s_k):
      rates.append(60 / np.median(interval_s_k))
    else:
      rates.append(np.nan)
  return np.array(rates)
