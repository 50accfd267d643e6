"""What a network sees of a window: the PPG and its derivatives, each of mean 0 and deviation 1."""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure.beat_peaks import find_beats
from jaxsig.data.ppg.pressure.laid_windows import pulse_of, rate_bpm
from jaxsig.data.ppg.pressure.prepared_ppg import Stretch
from jaxsig.data.ppg.pressure.pulse_filters import band_pass
from jaxsig.data.records import Spans

FLOOR = 1e-6            # of a deviation, relative to the largest value


def channels(parts: Sequence[Stretch], spans: Spans, config: ConfigDict) -> dict[str, np.ndarray]:
  """The PPG of windows and their pulse rates.

  Args:
    parts: of `prepared_ppg.stretches`, in which the windows lie.
    spans: the windows.
    config: `samples` of a window; `derivatives`: how many follow the PPG as channels;
      `derivative_form`: "scaled", each with deviation 1, or "released": forward differences times
      the rate, zero at the end and not scaled again, as the published code has them.

  Returns:
    "ppg_b_t_c": float32 [b, samples, 1 + derivatives]; "rate_bpm_b": float32 [b] pulse rate.
  """
  windows, rates = [], []
  pulses = {}
  for start_s, length_s in zip(spans.start_s_b, spans.length_s_b, strict=True):
    number = _stretch_at(parts, start_s)
    part = parts[number]
    if number not in pulses:
      pulses[number] = _pulse_of(part, config)
    raw_t = samples_of(part, start_s, length_s, config.rate_hz)
    if config.filter == "window":
      raw_t = band_pass(raw_t, config.rate_hz, config.low_hz, config.high_hz)
    windows.append(_with_derivatives(resized(raw_t, config.samples), config))
    first = round((start_s - part.start_s) * config.rate_hz)
    rates.append(_rate_bpm(pulses[number], first, len(raw_t), config.rate_hz))
  shape = (len(spans), config.samples, 1 + config.derivatives)
  return {
      "ppg_b_t_c": np.array(windows, np.float32).reshape(shape),
      "rate_bpm_b": np.array(rates, np.float32),
  }


def _stretch_at(parts: Sequence[Stretch], start_s: float) -> int:
  """The number of the stretch that a window begins in."""
  starts_s = [part.start_s for part in parts]
  return int(np.searchsorted(starts_s, start_s + 1e-6, side="right") - 1)


def samples_of(part: Stretch, start_s: float, length_s: float, rate_hz: float) -> np.ndarray:
  """[t] the samples of a window, at the rate of the stretch."""
  first = round((start_s - part.start_s) * rate_hz)
  return part.ppg_t[first:first + round(length_s * rate_hz)]


def resized(x_t: np.ndarray, samples: int) -> np.ndarray:
  """[samples] a window with so many samples, from its first to its last, by a cubic spline."""
  import scipy.interpolate  # takes long to import: only where lengths differ

  if len(x_t) == samples:
    return x_t
  place_t = np.linspace(0, len(x_t) - 1, samples)
  return scipy.interpolate.CubicSpline(np.arange(len(x_t)), x_t)(place_t)


def standardised(x_t: np.ndarray) -> np.ndarray:
  """[t] with mean 0 and deviation 1; zeros where it does not move."""
  centred_t = x_t - x_t.mean()
  deviation = centred_t.std()
  if not deviation > FLOOR * np.abs(x_t).max():
    return np.zeros_like(centred_t)
  return centred_t / deviation


def _with_derivatives(x_t: np.ndarray, config: ConfigDict) -> np.ndarray:
  """[t, c] a window and its derivatives."""
  columns = [standardised(x_t)]
  for _ in range(config.derivatives):
    if config.derivative_form == "released":
      columns.append(np.append(np.diff(columns[-1]), 0) * config.rate_hz)
    else:
      columns.append(standardised(np.gradient(columns[-1])))
  return np.stack(columns, -1)


class _Pulse(NamedTuple):
  """The pulse of a stretch and the samples of its peaks."""
  pulse_t: np.ndarray
  peak_k: np.ndarray


def _pulse_of(part: Stretch, config: ConfigDict) -> _Pulse:
  pulse_t = pulse_of(part, config)
  return _Pulse(pulse_t, find_beats(pulse_t, config.rate_hz).peak_k)


def _rate_bpm(pulse: _Pulse, first: int, length: int, rate_hz: float) -> float:
  """The pulse rate of a window of a stretch."""
  inside = slice(*np.searchsorted(pulse.peak_k, [first, first + length]))
  return rate_bpm(pulse.pulse_t[first:first + length], pulse.peak_k[inside], rate_hz)
