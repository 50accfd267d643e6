"""Breathing rates and waveforms: every function is a protocol of its own. Rates per minute, NaN where there is none."""
from typing import NamedTuple

import numpy as np

from jaxsig.signal import filters, peaks, spectra

BAND_HZ = (4 / 60, 60 / 60)
COUNT_BAND_HZ = (0.1, 0.5)   # count-orig's own band: a wider one lets the ripple of a breath be counted


class LagCorrelation(NamedTuple):
  """A correlation after the best lag and sign; `lag_s` > 0 means that the second signal comes later."""
  value: float
  sign: int
  lag_s: float


def breath_rate_bpm(breaths_s: np.ndarray, start_s: float, window_s: float) -> float:
  """60 / mean inter-breath interval of the breaths marked inside the window; NaN with fewer than two."""
  return 60 * peaks.event_rate_hz(breaths_s, start_s, window_s)


def spectral_rate_bpm(x_t: np.ndarray, rate_hz: float) -> np.ndarray:
  """Spectral peak of x_t [..., t] in 4-60/min, detrended, under a Hann window, finer than a bin: [...] per minute.

  NaN without a peak inside the band, so that drift is not reported as a rate (see spectra.peak_frequency_hz).
  """
  return 60 * np.asarray(spectra.peak_frequency_hz(np.asarray(x_t, np.float32), rate_hz, *BAND_HZ), np.float64)


def breath_cycles_s(x_t: np.ndarray, rate_hz: float) -> np.ndarray:
  """[k, 2] start and end of the breaths of x_t [t] after 0.1-0.5 Hz (peaks.breath_cycles_s); none where it is flat or has gaps."""
  x_t = np.asarray(x_t, np.float64)
  if not _moves(x_t):
    return np.zeros((0, 2))
  return peaks.breath_cycles_s(filters.band_pass(x_t - x_t.mean(), rate_hz, *COUNT_BAND_HZ), rate_hz)


def count_rate_bpm(x_t: np.ndarray, rate_hz: float) -> np.ndarray:
  """60 / mean length of the breaths counted in x_t [..., t] by `breath_cycles_s`: [...] per minute.

  NaN with fewer than two valid breaths, for a flat signal and for one with gaps. The band pulls what it cannot see
  towards its middle: even noise is counted as about 20/min, so judge it beside the spectral rate and the constant.
  """
  if np.ndim(x_t) > 1:
    return np.stack([count_rate_bpm(x, rate_hz) for x in x_t])
  cycles = breath_cycles_s(x_t, rate_hz)
  return 60 / np.diff(cycles).mean() if len(cycles) > 1 else np.float64("nan")


def authors_rate_bpm(x_t: np.ndarray, rate_hz: float) -> np.ndarray:
  """Largest |FFT| over f > 0 of x_t [..., t] on the grid of 1/window, no detrend, taper or band: [...] per minute.

  The rule of RespDiff's published evaluation, for comparison with its figures alone; NaN for a flat signal.
  """
  x_t = np.asarray(x_t, np.float64)
  size_f = np.abs(np.fft.rfft(x_t, axis=-1))[..., 1:]
  rate_bpm = 60 * (np.argmax(size_f, -1) + 1) * rate_hz / x_t.shape[-1]
  return np.where(_moves(x_t), rate_bpm, np.nan)


def signed_lag_correlation(x_t: np.ndarray, y_t: np.ndarray, rate_hz: float,
                           max_lag_s: float = 1.0) -> LagCorrelation:
  """Largest |Pearson correlation| of the overlapping parts of x_t and y_t [t] over lags up to `max_lag_s`.

  The polarity and the delay of an impedance signal differ between recordings, so both are free here, and unrelated
  signals score above 0. A flat signal scores 0.
  """
  reach = round(max_lag_s * rate_hz)
  n = len(x_t)
  best = LagCorrelation(0.0, 1, 0.0)
  for lag in sorted(range(-reach, reach + 1), key=abs):
    r = _pearson(x_t[max(0, -lag):n - max(0, lag)], y_t[max(0, lag):n - max(0, -lag)])
    if abs(r) > best.value:
      best = LagCorrelation(abs(r), 1 if r > 0 else -1, lag / rate_hz)
  return best


def _pearson(x_t: np.ndarray, y_t: np.ndarray) -> float:
  if not (_moves(x_t) and _moves(y_t)):
    return 0.0
  x_t, y_t = (np.asarray(z, np.float64) - np.mean(z, dtype=np.float64) for z in (x_t, y_t))
  return float((x_t * y_t).sum() / np.sqrt((x_t ** 2).sum() * (y_t ** 2).sum()))


def _moves(x_t: np.ndarray) -> np.ndarray:
  """Whether x_t [..., t] is more than rounding around a constant; False where it is not finite."""
  return np.ptp(x_t, axis=-1) > spectra.FLAT * np.abs(x_t).max(-1)


def unit_scale(x_t: np.ndarray) -> np.ndarray:
  """Scales x_t [..., t] to [0, 1] by its extremes; a flat signal becomes 0.5, the best constant there is."""
  x_t = np.asarray(x_t, np.float64)
  moves = _moves(x_t)[..., None]
  scaled_t = (x_t - x_t.min(-1, keepdims=True)) / np.where(moves, np.ptp(x_t, axis=-1, keepdims=True), 1)
  return np.where(moves | ~np.isfinite(x_t), scaled_t, 0.5)


def waveform_mae(x_t: np.ndarray, y_t: np.ndarray) -> np.ndarray:
  """Mean absolute difference along the last axis, on whatever scale the two have."""
  return np.abs(np.asarray(x_t, np.float64) - np.asarray(y_t, np.float64)).mean(-1)
