"""Where the windows of a record lie: of one length, or of whole beats."""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure.beat_peaks import Beats, find_beats
from jaxsig.data.ppg.pressure.prepared_ppg import Stretch
from jaxsig.data.ppg.pressure.pulse_filters import band_pass

PULSE_HZ = (0.5, 8.0)   # the band in which beats are looked for
END_S = 2.0             # at the ends of a stretch, where no window of beats begins or ends
SLOWEST_BPM, FASTEST_BPM = 36.0, 180.0


class Laid(NamedTuple):
  """Windows in the order of time; [b] each."""
  start_s_b: np.ndarray
  length_s_b: np.ndarray
  stretch_b: np.ndarray    # the number of the stretch that each lies in
  rate_bpm_b: np.ndarray   # pulse rate, see `rate_bpm`


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
    pulse_t = pulse_of(part, config)
    beats = find_beats(pulse_t, config.rate_hz)
    if config.window == "time":
      start_s_b = _every_hop(part.duration_s(config.rate_hz), config)
      length_s_b = np.full(len(start_s_b), config.window_s)
    else:
      start_s_b, length_s_b = _whole_beats(pulse_t, _off_the_ends(beats, pulse_t, config), config)
    rates.append(_rates_bpm(pulse_t, beats.peak_k, start_s_b, length_s_b, config.rate_hz))
    starts.append(part.start_s + start_s_b)
    lengths.append(length_s_b)
    numbers.append(np.full(len(start_s_b), number))
  return Laid(
      start_s_b=np.concatenate([np.zeros(0), *starts]),
      length_s_b=np.concatenate([np.zeros(0), *lengths]),
      stretch_b=np.concatenate([np.zeros(0, int), *numbers]),
      rate_bpm_b=np.concatenate([np.zeros(0), *rates]),
  )


def pulse_of(part: Stretch, config: ConfigDict) -> np.ndarray:
  """[t] a stretch in the band in which beats are looked for."""
  low_hz, high_hz = PULSE_HZ
  is_filtered = config.filter == "record"
  if is_filtered and config.low_hz >= low_hz and config.high_hz <= high_hz:
    return part.ppg_t
  return band_pass(part.ppg_t, config.rate_hz, low_hz, high_hz)


def _off_the_ends(beats: Beats, pulse_t: np.ndarray, config: ConfigDict) -> np.ndarray:
  """The feet that no end of the stretch is near, where the filter shifts them."""
  margin = round(END_S * config.rate_hz)
  is_inside_k = (beats.foot_k >= margin) & (beats.foot_k < len(pulse_t) - margin)
  return beats.foot_k[is_inside_k]


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


def rate_bpm(pulse_t: np.ndarray, peak_k: np.ndarray, rate_hz: float) -> float:
  """The pulse rate of a window by the median distance of its peaks.

  Where there are fewer than two it is that of the strongest frequency.

  Args:
    pulse_t: [t] the window, from 0.5 to 8 Hz.
    peak_k: samples of the peaks in it.
    rate_hz: sampling rate.
  """
  if len(peak_k) > 1:
    return float(60 * rate_hz / np.median(np.diff(peak_k)))
  return 60 * strongest_hz(pulse_t, rate_hz)


def _rates_bpm(
    pulse_t: np.ndarray,
    peak_k: np.ndarray,
    start_s_b: np.ndarray,
    length_s_b: np.ndarray,
    rate_hz: float,
) -> np.ndarray:
  """[b] pulse rate of each window of a stretch."""
  rates = []
  for start_s, length_s in zip(start_s_b, length_s_b, strict=True):
    first = round(start_s * rate_hz)
    last = first + round(length_s * rate_hz)
    inside = slice(*np.searchsorted(peak_k, [first, last]))
    rates.append(rate_bpm(pulse_t[first:last], peak_k[inside], rate_hz))
  return np.array(rates)
