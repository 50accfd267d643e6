"""The PPG of a record as windows are cut from it: its stretches at one rate, filtered."""
import fractions
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.gaps import runs
from jaxsig.data.ppg.pressure.pulse_filters import band_pass
from jaxsig.data.ppg.still_values import still_stretches
from jaxsig.data.records import Record


class Stretch(NamedTuple):
  """A part of a record without gaps."""
  start_s: float
  ppg_t: np.ndarray       # float64 at `config.rate_hz`; filtered where `config.filter` is "record"
  is_flat_t: np.ndarray   # bool: the recorded signal stands still here

  def duration_s(self, rate_hz: float) -> float:
    return len(self.ppg_t) / rate_hz


FLAT_S = 0.5   # a PPG that shows one value for longer stands still


def stretches(record: Record, config: ConfigDict) -> list[Stretch]:
  """The parts of a record's PPG that are long enough for a window, in the order of time.

  Args:
    record: with "ppg_t", NaN in gaps.
    config: `window_s` in seconds; `rate_hz` that they get; `filter`, `low_hz`, `high_hz`.
  """
  raw_t = np.asarray(record.signals["ppg_t"])
  found = []
  for first, last in runs(np.isfinite(raw_t)):
    duration_s = (last - first) / record.rate_hz
    if duration_s < config.window_s - 1e-6:
      continue
    own_t = np.asarray(raw_t[first:last], np.float64)
    ppg_t = resampled(own_t, record.rate_hz, config.rate_hz)
    if config.filter == "record":
      ppg_t = band_pass(ppg_t, config.rate_hz, config.low_hz, config.high_hz)
    if not np.ptp(own_t) > 0:
      ppg_t = np.zeros_like(ppg_t)   # what a filter leaves of a constant is rounding
    found.append(Stretch(
        start_s=first / record.rate_hz,
        ppg_t=ppg_t,
        is_flat_t=_resampled_flags(_flat(own_t, record.rate_hz), len(ppg_t)),
    ))
  return found


def resampled(x_t: np.ndarray, rate_hz: float, to_hz: float) -> np.ndarray:
  """[t] a signal at another rate, by a polyphase filter; as it is where the rates agree."""
  import scipy.signal

  if abs(rate_hz - to_hz) < 1e-9:
    return x_t
  ratio = fractions.Fraction(to_hz / rate_hz).limit_denominator(1000)
  offset = x_t.mean()
  return scipy.signal.resample_poly(
      x_t - offset, ratio.numerator, ratio.denominator, padtype="line") + offset


def _flat(x_t: np.ndarray, rate_hz: float) -> np.ndarray:
  """[t] bool: whether the signal shows one value for FLAT_S around a sample."""
  flat_t = np.zeros(len(x_t), bool)
  for first, last in still_stretches(x_t, FLAT_S * rate_hz + 1):
    flat_t[first:last] = True
  return flat_t


def _resampled_flags(flag_t: np.ndarray, length: int) -> np.ndarray:
  index_t = np.minimum(np.arange(length) * len(flag_t) // max(length, 1), len(flag_t) - 1)
  return flag_t[index_t]
