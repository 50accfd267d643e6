"""Breathing rates of a waveform, and errors between two waveforms.

Every function is a protocol of its own. Rates are per minute, NaN where there is none.
"""
from typing import NamedTuple

import numpy as np

from jaxsig.signal import filters, peaks, spectra

BAND_HZ = (4 / 60, 60 / 60)
# The band of count-orig: in a wider one the ripple of a breath would be counted.
COUNT_BAND_HZ = (0.1, 0.5)


class LagCorrelation(NamedTuple):
  """A correlation at the best lag and sign; at `lag_s` > 0 the second signal comes later."""
  value: float
  sign: int
  lag_s: float


def breath_rate_bpm(
    breaths_s: np.ndarray,
    start_s: float,
    window_s: float,
) -> float:
  """60 / mean interval of the breaths marked inside the window; NaN with fewer than two."""
  return 60 * peaks.event_rate_hz(breaths_s, start_s, window_s)


def spectral_rate_bpm(x_t: np.ndarray, rate_hz: float) -> np.ndarray:
  """Rate [...] per minute of the largest spectral peak of x_t [..., t] in 4-60/min.

  The signal is detrended and tapered by a Hann window; the peak is located more finely than a bin.
  NaN without a peak inside the band, so that drift is not reported as a rate (see
  spectra.peak_frequency_hz).
  """
  low_hz, high_hz = BAND_HZ
  peak_hz = spectra.peak_frequency_hz(np.asarray(x_t, np.float32), rate_hz, low_hz, high_hz)
  return 60 * np.asarray(peak_hz, np.float64)


def breath_cycles_s(x_t: np.ndarray, rate_hz: float) -> np.ndarray:
  """Start and end [k, 2] in seconds of the breaths of x_t [t].

  The signal goes through a band-pass of 0.1-0.5 Hz first. The rule is that of
  peaks.breath_cycles_s. No breaths where the signal is flat or has gaps.
  """
  x_t = np.asarray(x_t, np.float64)
  if not _varies(x_t):
    return np.zeros((0, 2))

  low_hz, high_hz = COUNT_BAND_HZ
  breathing_t = filters.band_pass(x_t - x_t.mean(), rate_hz, low_hz, high_hz)
  return peaks.breath_cycles_s(breathing_t, rate_hz)


def count_rate_bpm(x_t: np.ndarray, rate_hz: float) -> np.ndarray:
  """60 / mean length of the breaths of x_t [..., t]: a rate [...] per minute.

  The breaths are those of `breath_cycles_s`. NaN with fewer than two valid breaths, for a flat
  signal and for one with gaps. The band pulls what it cannot see towards its middle: even noise is
  counted as about 20/min, so judge it beside the spectral rate and the constant.
  """
  if np.ndim(x_t) > 1:
    return np.stack([count_rate_bpm(row_t, rate_hz) for row_t in x_t])

  cycles_s = breath_cycles_s(x_t, rate_hz)
  if len(cycles_s) < 2:
    return np.float64("nan")
  return 60 / np.diff(cycles_s).mean()


def authors_rate_bpm(x_t: np.ndarray, rate_hz: float) -> np.ndarray:
  """Rate [...] per minute of the largest |FFT| of x_t [..., t] over f > 0, on a grid of 1/window.

  No detrending, taper or band. The rule of RespDiff's published evaluation, for comparison with its
  figures alone. NaN for a flat signal.
  """
  x_t = np.asarray(x_t, np.float64)
  magnitude_f = np.abs(np.fft.rfft(x_t, axis=-1))[..., 1:]
  cycles = np.argmax(magnitude_f, -1) + 1
  rate_bpm = 60 * cycles * rate_hz / x_t.shape[-1]
  return np.where(_varies(x_t), rate_bpm, np.nan)


def signed_lag_correlation(
    x_t: np.ndarray,
    y_t: np.ndarray,
    rate_hz: float,
    max_lag_s: float = 1.0,
) -> LagCorrelation:
  """Largest |Pearson correlation| of x_t and y_t [t] over lags up to `max_lag_s`.

  At each lag the parts that overlap are correlated. The polarity and the delay of an impedance
  signal differ between recordings, so both are free in this measure, and unrelated signals score
  above 0. A flat signal scores 0. Of equal correlations the one of the smallest lag counts.
  """
  n = len(x_t)
  most = round(max_lag_s * rate_hz)
  lags = sorted(range(-most, most + 1), key=abs)

  best = LagCorrelation(0.0, 1, 0.0)
  for lag in lags:
    later = max(0, lag)      # samples by which y comes later
    earlier = max(0, -lag)
    x_overlap_t = x_t[earlier:n - later]
    y_overlap_t = y_t[later:n - earlier]

    correlation = _pearson(x_overlap_t, y_overlap_t)
    if abs(correlation) > best.value:
      sign = 1 if correlation > 0 else -1
      best = LagCorrelation(abs(correlation), sign, lag / rate_hz)
  return best


def _pearson(x_t: np.ndarray, y_t: np.ndarray) -> float:
  """Pearson's correlation; 0 where a signal is flat."""
  if not (_varies(x_t) and _varies(y_t)):
    return 0.0

  x_t = np.asarray(x_t, np.float64) - np.mean(x_t, dtype=np.float64)
  y_t = np.asarray(y_t, np.float64) - np.mean(y_t, dtype=np.float64)
  covariance = (x_t * y_t).sum()
  scale = np.sqrt((x_t ** 2).sum() * (y_t ** 2).sum())
  return float(covariance / scale)


def _varies(x_t: np.ndarray) -> np.ndarray:
  """Whether x_t [..., t] is more than rounding around a constant; False where it is not finite."""
  span = np.ptp(x_t, axis=-1)
  largest = np.abs(x_t).max(-1)
  return span > spectra.FLAT * largest


def unit_scale(x_t: np.ndarray) -> np.ndarray:
  """Scales x_t [..., t] to [0, 1] by its extremes; a flat signal becomes 0.5, the best constant."""
  x_t = np.asarray(x_t, np.float64)
  varies = _varies(x_t)[..., None]
  low = x_t.min(-1, keepdims=True)
  span = np.ptp(x_t, axis=-1, keepdims=True)
  divisor = np.where(varies, span, 1)
  scaled_t = (x_t - low) / divisor
  return np.where(varies | ~np.isfinite(x_t), scaled_t, 0.5)


def waveform_mae(x_t: np.ndarray, y_t: np.ndarray) -> np.ndarray:
  """Mean absolute difference [...] of x_t and y_t [..., t], on the scale that the two have."""
  difference_t = np.asarray(x_t, np.float64) - np.asarray(y_t, np.float64)
  return np.abs(difference_t).mean(-1)
