"""Which way up a PPG is, by the shape of its pulses.

Blood fills a finger faster than it leaves it, so that an upright pulse rises faster than it falls:
the slope of the band-passed signal is skewed to the positive side. Reflective sensors and cameras
record the light that comes back, which falls with each pulse. Their slope has the other sign.
"""
from typing import NamedTuple

import numpy as np

from jaxsig.errors import UserError

CHOICES = ("auto", "upright", "inverted")
BAND_HZ = (0.5, 8.0)      # from the slowest pulse to what gives it its shape
WINDOW_S = 5.0
FEWEST_WINDOWS = 5
MOST_WINDOWS = 720        # of a long recording, evenly spread: an hour of it
MOST_MISSING = 0.1        # of a window
# Of the windows' skewness: the least that its median is, and the share of them of that sign. Of the
# 118 real recordings that these were set by, none is turned the wrong way by either pair.
CERTAIN = ((0.5, 0.8), (0.3, 0.9))
LEANING = 0.2             # a median beyond it is worth a note

TURNED = "The PPG is upside down, by the shape of its pulses: it was turned."
CHOSEN = "The PPG was turned, as own.polarity=inverted says."
IN_DOUBT = (
  "The PPG may be upside down, but the shape of its pulses does not settle it: it was left as it "
  "is (--config.own.polarity=inverted turns it, upright leaves it without this note)."
)


class Upright(NamedTuple):
  """A PPG the right way up, and a sentence on what was done, if anything was."""
  ppg_t: np.ndarray
  notes: tuple[str, ...] = ()


def upright(ppg_t: np.ndarray, rate_hz: float, polarity: str = "auto") -> Upright:
  """Turns a PPG that is upside down.

  An inverted recording gives bit for bit what the upright one gives, wherever the shape of its
  pulses is certain.

  Args:
    ppg_t: [t] float32, NaN in gaps; it is turned in place.
    rate_hz: its sampling rate.
    polarity: "auto" finds out, "upright" leaves it as it is, "inverted" turns it.

  Raises:
    UserError: another `polarity`.
  """
  if polarity not in CHOICES:
    raise UserError(f"unknown own.polarity {polarity!r}: use one of {', '.join(CHOICES)}")
  if polarity == "upright":
    return Upright(ppg_t)
  if polarity == "inverted":
    return Upright(np.negative(ppg_t, out=ppg_t), (CHOSEN,))

  skew_k = slope_skewness(ppg_t, rate_hz)
  if len(skew_k) < FEWEST_WINDOWS:
    return Upright(ppg_t)
  median = np.median(skew_k)
  negative = np.mean(skew_k < 0)
  for least, share in CERTAIN:
    if median <= -least and negative >= share:
      return Upright(np.negative(ppg_t, out=ppg_t), (TURNED,))
  if median < -LEANING:
    return Upright(ppg_t, (IN_DOUBT,))
  return Upright(ppg_t)


def slope_skewness(ppg_t: np.ndarray, rate_hz: float) -> np.ndarray:
  """Skewness [k] of the slope of the band-passed PPG in windows of 5 s.

  Windows are evenly spread; those with gaps or without any change are left out. It turns its sign
  with the signal.
  """
  import scipy.signal  # takes long to import: only where a signal is looked at

  low_hz, high_hz = BAND_HZ
  high_hz = min(high_hz, 0.4 * rate_hz)
  sections = scipy.signal.butter(2, (low_hz, high_hz), "bandpass", fs=rate_hz, output="sos")

  size = int(WINDOW_S * rate_hz)
  windows = len(ppg_t) // size
  chosen_k = np.arange(windows)
  if windows > MOST_WINDOWS:
    chosen_k = np.linspace(0, windows - 1, MOST_WINDOWS).astype(int)

  skews = []
  for k in chosen_k:
    window_t = _without_gaps(ppg_t[k * size:(k + 1) * size])
    if window_t is None:
      continue
    band_t = scipy.signal.sosfiltfilt(sections, window_t)
    slope_t = np.diff(band_t)
    skews.append(_skewness(slope_t))
  return np.array(skews)


def _without_gaps(window_t: np.ndarray) -> np.ndarray | None:
  """A window of about the range -1 to 1, float64; None where much is missing or nothing moves."""
  present_t = np.isfinite(window_t)
  if np.mean(present_t) < 1 - MOST_MISSING:
    return None

  where_t = np.arange(len(window_t))
  x_t = np.interp(where_t, where_t[present_t], window_t[present_t].astype(np.float64))
  x_t = x_t - np.median(x_t)
  largest = np.abs(x_t).max()
  if not largest > 0:
    return None
  return x_t / largest


def _skewness(x_t: np.ndarray) -> float:
  """The third standardised moment of a slope, about zero as a band-passed signal stays level."""
  variance = np.mean(x_t**2)
  return float(np.mean(x_t**3) / max(variance, 1e-30) ** 1.5)
