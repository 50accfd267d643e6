"""Peaks and feet of the beats of a pulse wave, of the pressure or of a PPG."""
import itertools
from typing import NamedTuple

import numpy as np

LEAST_DISTANCE_S = 0.3        # from peak to peak
LOCAL_S = 2.0                 # over which the local height of the pulse is the range of the wave
USUAL_S = 20                  # over whose median that may rise by no more than:
MOST_OF_USUAL = 1.5
PROMINENCE = 0.5              # of the local height, by which a peak stands out
WIDEST_S = 4.0                # around a peak in which its prominence is looked for


class Beats(NamedTuple):
  """The beats of a stretch: samples of their peaks and feet.

  A foot is the lowest between two peaks; before the first peak and after the last one it counts
  where the wave turns inside the stretch.
  """
  peak_k: np.ndarray
  foot_k: np.ndarray


def find_beats(wave_t: np.ndarray, rate_hz: float) -> Beats:
  """The beats of a wave without gaps.

  Args:
    wave_t: [t] finite, systole up, without what is faster than about 16 Hz.
    rate_hz: sampling rate in Hz.
  """
  import scipy.signal  # takes long to import: only where beats are looked for

  distance = max(1, round(LEAST_DISTANCE_S * rate_hz))
  peak_k, _ = scipy.signal.find_peaks(wave_t, distance=distance)
  if len(peak_k):
    width = round(WIDEST_S * rate_hz) | 1
    prominence_k = scipy.signal.peak_prominences(wave_t, peak_k, width)[0]
    needed_t = PROMINENCE * _local_height(wave_t, rate_hz)
    peak_k = peak_k[prominence_k > needed_t[peak_k]]
  return Beats(peak_k, _feet(wave_t, peak_k))


def _feet(wave_t: np.ndarray, peak_k: np.ndarray) -> np.ndarray:
  if not len(peak_k):
    return np.zeros(0, int)
  feet = []
  first = int(np.argmin(wave_t[:peak_k[0] + 1]))
  if first > 0:
    feet.append(first)
  for before, after in itertools.pairwise(peak_k):
    feet.append(before + int(np.argmin(wave_t[before:after])))
  last = peak_k[-1] + int(np.argmin(wave_t[peak_k[-1]:]))
  if last < len(wave_t) - 1:
    feet.append(last)
  return np.array(feet, int)


def _local_height(wave_t: np.ndarray, rate_hz: float) -> np.ndarray:
  """[t] range of the wave in the seconds around each sample, without what artefacts add."""
  import scipy.ndimage

  size = max(3, round(LOCAL_S * rate_hz))
  highest_t = scipy.ndimage.maximum_filter1d(wave_t, size)
  lowest_t = scipy.ndimage.minimum_filter1d(wave_t, size)
  range_t = highest_t - lowest_t
  step = max(1, round(rate_hz))   # a value a second is enough for the median over many
  usual = scipy.ndimage.median_filter(range_t[::step], USUAL_S | 1, mode="nearest")
  usual_t = np.repeat(usual, step)[:len(range_t)]
  return np.minimum(range_t, MOST_OF_USUAL * usual_t)
