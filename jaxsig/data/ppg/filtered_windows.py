"""Windows of one signal, resampled, filtered and normalised.

There are two ways, which give windows of the same form:
  `filter_record_then_cut`: the whole record is resampled and filtered, and windows are cut from it.
  `cut_then_filter_windows`: windows are cut, and each is resampled and filtered alone, so that
    nothing from outside of a window is in it.

The fields of `config` (the experiment's `config.data`) are explained in `ppg_windows`.
"""
import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.normalised_windows import normalised, stood_still
from jaxsig.data.records import Record
from jaxsig.errors import UserError


def filter_record_then_cut(
    record: Record,
    name: str,
    starts_s_b: np.ndarray,
    multiple: int,
    config: ConfigDict,
) -> np.ndarray:
  """[b, t] windows of a signal that is resampled and filtered as a whole.

  Args:
    record: the record or its warped copy.
    name: of the signal: "ppg" or "resp".
    starts_s_b: [b] starts of the windows in seconds.
    multiple: samples of a window to each sample at `config.rate_hz`.
    config: see the module.
  """
  import scipy.signal  # takes long to import: only where windows are cut

  raw_t = record.signals[f"{name}_t"][:recorded_samples(record)]
  length = multiple * resampled_length(record, config)
  resampled_t = scipy.signal.resample(np.asarray(raw_t, np.float64), length)
  x_t = _filtered(resampled_t, multiple * config.rate_hz, config, name)

  size = whole_samples(config.window_s, config.rate_hz, "window_s")
  starts_b = np.rint(starts_s_b * config.rate_hz).astype(int)
  first_b = multiple * starts_b
  offset_t = np.arange(multiple * size)
  x_b_t = x_t[first_b[:, None] + offset_t]

  still_b = stood_still(raw_t, starts_s_b, config.window_s, record.rate_hz)
  return normalised(x_b_t, x_t, still_b, config, name)


def cut_then_filter_windows(
    record: Record,
    name: str,
    starts_s_b: np.ndarray,
    multiple: int,
    config: ConfigDict,
) -> np.ndarray:
  """[b, t] windows of a signal, each resampled and filtered by itself.

  What is resampled is the difference from the line from a window's first to its last sample;
  otherwise the step from its end to its start would ring at both.

  Args:
    record: as in `filter_record_then_cut`, and so are all others.
  """
  import scipy.signal  # takes long to import: only where windows are cut

  raw_t = record.signals[f"{name}_t"][:recorded_samples(record)]
  raw_size = int(config.window_s * record.rate_hz)
  rate_hz = multiple * config.rate_hz
  size = round(config.window_s * rate_hz)

  windows = []
  for first in np.floor(starts_s_b * record.rate_hz + 1e-6).astype(int):
    raw_window_t = np.asarray(raw_t[first:first + raw_size], np.float64)
    raw_line_t = np.linspace(raw_window_t[0], raw_window_t[-1], raw_size)
    line_t = np.linspace(raw_window_t[0], raw_window_t[-1], size)

    resampled_t = scipy.signal.resample(raw_window_t - raw_line_t, size) + line_t
    windows.append(_filtered(resampled_t, rate_hz, config, name))
  x_b_t = np.stack(windows)

  still_b = stood_still(raw_t, starts_s_b, config.window_s, record.rate_hz)
  return normalised(x_b_t, x_b_t, still_b, config, name)


def whole_samples(seconds: float, rate_hz: float, name: str) -> int:
  """Seconds in samples; UserError where they are no whole number."""
  samples = round(seconds * rate_hz)
  if samples < 1 or abs(seconds * rate_hz - samples) > 1e-6:
    raise UserError(
        f"data.{name}={seconds:g} at data.rate_hz={rate_hz:g} is no whole number of samples: "
        "change one")
  return samples


def recorded_samples(record: Record) -> int:
  """How many samples all signals of a record have."""
  return round(record.duration_s * record.rate_hz)


def resampled_length(record: Record, config: ConfigDict) -> int:
  """How many samples at `rate_hz` a record has."""
  samples = recorded_samples(record) * config.rate_hz / record.rate_hz
  return int(samples + 1e-9)


def _filtered(
    x_t: np.ndarray,
    rate_hz: float,
    config: ConfigDict,
    name: str,
) -> np.ndarray:
  """A signal behind its low-pass filter; the respiration behind its high-pass filter, too."""
  low_pass = f"{name}_low_pass_hz"
  x_t = _butterworth(x_t, rate_hz, getattr(config, low_pass), "lowpass", 8, low_pass)
  if name == "resp":
    x_t = _butterworth(x_t, rate_hz, config.resp_high_pass_hz, "highpass", 2, "resp_high_pass_hz")
  return x_t


def require_edge(edge_hz: float, rate_hz: float, field: str) -> None:
  """Raises UserError where a filter's edge is not below half the rate; 0 is no filter."""
  if edge_hz >= rate_hz / 2:
    raise UserError(
        f"data.{field}={edge_hz:g} is not below half of data.rate_hz={rate_hz:g}: lower it (0 is "
        "no filter)")


def _butterworth(
    x_t: np.ndarray,
    rate_hz: float,
    edge_hz: float,
    kind: str,
    order: int,
    field: str,
) -> np.ndarray:
  """A signal through a Butterworth filter, forward and backward; `field` is for the error."""
  import scipy.signal  # takes long to import: only where windows are cut

  if not edge_hz:
    return x_t
  require_edge(edge_hz, rate_hz, field)
  sections = scipy.signal.butter(order, edge_hz, kind, fs=rate_hz, output="sos")
  return scipy.signal.sosfiltfilt(sections, x_t)
