"""Beats of a PPG by two moving averages (Elgendi et al., PLoS ONE 8(10), 2013)."""
import itertools
from typing import NamedTuple

import numpy as np

from jaxsig.signal import filters, peaks

SHORT_S = 0.111            # of the moving average over a pulse, and the shortest pulse
LONG_S = 0.667             # of the moving average over a beat
OFFSET = 0.02              # of the mean energy
REFRACTORY_S = 0.3         # at least, from peak to peak


class Beats(NamedTuple):
  """Pulses of a PPG: when each peaks, how high, and the lowest value since the peak before."""
  time_s_k: np.ndarray
  peak_k: np.ndarray
  trough_k: np.ndarray


def find_beats(ppg_t: np.ndarray, rate_hz: float) -> Beats:
  """Pulses by two moving averages.

  After Elgendi et al., PLoS ONE 8(10), 2013: 111 ms and 667 ms, offset 0.02.

  Args:
    ppg_t: [t], finite, any scale.
    rate_hz: sampling rate in Hz, at least 20.

  Returns:
    All beats but the first, which has no peak before it.
  """
  highest_hz = min(8.0, 0.45 * rate_hz)
  pulse_t = filters.band_pass(ppg_t, rate_hz, 0.5, highest_hz)

  tops = []
  for first, last in _raised_stretches(pulse_t, rate_hz):
    if last - first >= SHORT_S * rate_hz:
      tops.append(first + np.argmax(pulse_t[first:last]))
  top_k = np.array(tops, int)
  interval_k = np.diff(top_k, prepend=-rate_hz)
  top_k = top_k[interval_k >= REFRACTORY_S * rate_hz]
  refined_k = peaks.refine(pulse_t, top_k)

  smooth_t = filters.low_pass(ppg_t, rate_hz, highest_hz)
  troughs = []
  for before, top in itertools.pairwise(top_k):
    since_last_t = smooth_t[before:top]
    troughs.append(since_last_t.min())
  return Beats(
      time_s_k=refined_k[1:] / rate_hz,
      peak_k=smooth_t[top_k[1:]],
      trough_k=np.array(troughs),
  )


def _raised_stretches(pulse_t: np.ndarray, rate_hz: float) -> np.ndarray:
  """[k, 2] from where to where the energy's short average is above its long one."""
  import scipy.ndimage  # takes long to import: only where beats are looked for

  energy_t = np.clip(pulse_t, 0, None) ** 2
  short_size = max(1, round(SHORT_S * rate_hz))
  long_size = max(1, round(LONG_S * rate_hz))
  short_t = scipy.ndimage.uniform_filter1d(energy_t, short_size)
  long_t = scipy.ndimage.uniform_filter1d(energy_t, long_size)

  threshold_t = long_t + OFFSET * energy_t.mean()
  raised_t = (short_t > threshold_t).astype(np.int8)
  step_t = np.diff(raised_t, prepend=0, append=0)
  edges = np.flatnonzero(step_t)
  return edges.reshape(-1, 2)
