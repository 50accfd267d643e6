"""Named features of the pulse in a window of the PPG.

Most are read from the mean beat of the window, which runs from foot to foot and from 0 to 1: times
and widths in seconds, slopes and areas of the scaled beat, and the waves a to e of its second
derivative (Takazawa et al., Hypertension 32:365-370, 1998).
"""
import itertools
from typing import NamedTuple

import numpy as np

from jaxsig.data.ppg.pressure.beat_peaks import find_beats

POINTS = 100          # of the mean beat
WIDTH_LEVELS = (0.1, 0.25, 0.33, 0.5, 0.66, 0.75, 0.9)
HARMONICS = 6
CONTOUR = tuple(range(5, 100, 10))   # per cent of the beat at which its height is a feature

FEATURES = (
    "rate_bpm",
    "interval_sd_s",
    "beat_s",
    "crest_time_s",
    "decay_time_s",
    "crest_share",
    *[f"systolic_width_{round(100 * level)}_s" for level in WIDTH_LEVELS],
    *[f"diastolic_width_{round(100 * level)}_s" for level in WIDTH_LEVELS],
    "area",
    "systolic_area_share",
    "steepest_rise_per_s",
    "steepest_rise_time_s",
    "steepest_fall_per_s",
    "steepest_fall_time_s",
    "b_over_a",
    "c_over_a",
    "d_over_a",
    "e_over_a",
    "ageing_index",
    "a_time_s",
    "b_time_s",
    *[f"height_at_{percent}" for percent in CONTOUR],
    *[f"harmonic_{n}_over_1" for n in range(2, HARMONICS + 1)],
    "skewness",
    "kurtosis",
    "amplitude_variation",
)


class MeanBeat(NamedTuple):
  """The mean beat of a window."""
  height_x: np.ndarray          # [POINTS] from 0 at the feet to 1 at the peak
  beat_s: float
  interval_sd_s: float
  amplitude_variation: float    # deviation of the beats' heights over their mean


def features_b_f(ppg_b_t: np.ndarray, rate_b_hz: np.ndarray) -> np.ndarray:
  """[b, f] the features `FEATURES` of windows; NaN in a row without two whole beats.

  Args:
    ppg_b_t: [b, t] filtered windows, systole up, in any unit.
    rate_b_hz: [b] sampling rate of each in Hz.
  """
  rows = np.full((len(ppg_b_t), len(FEATURES)), np.nan, np.float32)
  for b, (ppg_t, rate_hz) in enumerate(zip(ppg_b_t, rate_b_hz, strict=True)):
    beat = mean_beat(ppg_t, rate_hz)
    if beat is not None:
      rows[b] = _of_beat(beat, ppg_t)
  return rows


def mean_beat(ppg_t: np.ndarray, rate_hz: float) -> MeanBeat | None:
  """The mean beat of a window; None without two whole beats."""
  ppg_t = np.asarray(ppg_t, np.float64)
  foot_k = find_beats(ppg_t, rate_hz).foot_k
  if len(foot_k) < 2:
    return None
  shapes, amplitudes = [], []
  for first, last in itertools.pairwise(foot_k):
    place_x = np.linspace(first, last, POINTS)
    shape_x = np.interp(place_x, np.arange(len(ppg_t)), ppg_t)
    line_x = np.linspace(shape_x[0], shape_x[-1], POINTS)
    shapes.append(shape_x - line_x)
    amplitudes.append(np.ptp(shapes[-1]))
  mean_x = np.mean(shapes, 0)
  height = mean_x.max() - mean_x.min()
  if not height > 0:
    return None
  interval_s_k = np.diff(foot_k) / rate_hz
  return MeanBeat(
      height_x=(mean_x - mean_x.min()) / height,
      beat_s=float(interval_s_k.mean()),
      interval_sd_s=float(interval_s_k.std()),
      amplitude_variation=float(np.std(amplitudes) / np.mean(amplitudes)),
  )


def _of_beat(beat: MeanBeat, ppg_t: np.ndarray) -> list[float]:
  height_x = beat.height_x
  step_s = beat.beat_s / (POINTS - 1)
  peak = int(np.argmax(height_x))
  crest_s = peak * step_s
  systolic, diastolic = _widths_s(height_x, peak, step_s)
  area = float(height_x.mean())
  slope_x = np.gradient(height_x, step_s)
  rise = int(np.argmax(slope_x))
  fall = int(np.argmin(slope_x))
  return [
      60 / beat.beat_s,
      beat.interval_sd_s,
      beat.beat_s,
      crest_s,
      beat.beat_s - crest_s,
      peak / (POINTS - 1),
      *systolic,
      *diastolic,
      area,
      float(height_x[:peak + 1].sum() / height_x.sum()),
      float(slope_x[rise]),
      rise * step_s,
      float(slope_x[fall]),
      fall * step_s,
      *_second_derivative(height_x, step_s),
      *[float(height_x[percent]) for percent in CONTOUR],
      *_harmonics(height_x),
      *_moments(ppg_t),
      beat.amplitude_variation,
  ]


def _widths_s(
    height_x: np.ndarray,
    peak: int,
    step_s: float,
) -> tuple[list[float], list[float]]:
  """Times from the first point above each level to the peak, and from the peak to the last."""
  systolic, diastolic = [], []
  for level in WIDTH_LEVELS:
    above = np.flatnonzero(height_x >= level)
    systolic.append(max(peak - above[0], 0) * step_s)
    diastolic.append(max(above[-1] - peak, 0) * step_s)
  return systolic, diastolic


def _second_derivative(height_x: np.ndarray, step_s: float) -> list[float]:
  """Ratios of the waves b, c, d, e to a, the ageing index, and the times of a and b."""
  kernel = np.ones(5) / 5
  smooth_x = np.convolve(np.pad(height_x, 2, mode="edge"), kernel, "valid")
  curve_x = np.gradient(np.gradient(smooth_x))
  a = int(np.argmax(curve_x[:POINTS // 3]))
  b = a + int(np.argmin(curve_x[a:a + POINTS // 4]))
  c = b + int(np.argmax(curve_x[b:b + POINTS // 5]))
  d = c + int(np.argmin(curve_x[c:c + POINTS // 5]))
  e = d + int(np.argmax(curve_x[d:d + POINTS // 4]))
  top = max(float(curve_x[a]), 1e-9)
  ratios = [float(curve_x[k]) / top for k in (b, c, d, e)]
  ageing = ratios[0] - ratios[1] - ratios[2] - ratios[3]
  return [*ratios, ageing, a * step_s, b * step_s]


def _harmonics(height_x: np.ndarray) -> list[float]:
  """Sizes of the harmonics of the beat over that of the first."""
  size_n = np.abs(np.fft.rfft(height_x - height_x.mean()))
  first = max(float(size_n[1]), 1e-9)
  return [float(size_n[n]) / first for n in range(2, HARMONICS + 1)]


def _moments(ppg_t: np.ndarray) -> list[float]:
  centred_t = ppg_t - ppg_t.mean()
  deviation = max(float(centred_t.std()), 1e-9)
  return [
      float(np.mean(centred_t**3)) / deviation**3,
      float(np.mean(centred_t**4)) / deviation**4,
  ]
