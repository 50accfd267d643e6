"""Which windows show a pulse that can be used, by the PPG alone."""
from collections.abc import Sequence

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure import snr
from jaxsig.data.ppg.pressure.laid_windows import Laid
from jaxsig.data.ppg.pressure.prepared_ppg import Stretch
from jaxsig.data.ppg.pressure.window_channels import samples_of


def why_not_b(parts: Sequence[Stretch], laid: Laid, config: ConfigDict) -> list[str]:
  """[b] why each window's PPG cannot be used; "" where it can.

  Args:
    parts: of `prepared_ppg.stretches`.
    laid: windows of them.
    config: `rate_limits_bpm` of the pulse; `snr_form` and `snr_min_db`, see `snr`.
  """
  slowest_bpm, fastest_bpm = config.rate_limits_bpm
  snr_db_b = _snr_db(parts, laid, config)
  why_b = []
  for b, rate_bpm in enumerate(laid.rate_bpm_b):
    why = ""
    if _stands_still(parts[laid.stretch_b[b]], laid, b, config.rate_hz):
      why = "the PPG stands still"
    elif not slowest_bpm <= rate_bpm <= fastest_bpm:
      why = "pulse rate outside its limits"
    elif snr_db_b is not None and not snr_db_b[b] > config.snr_min_db:
      why = "signal-to-noise ratio too low"
    why_b.append(why)
  return why_b


def _stands_still(part: Stretch, laid: Laid, b: int, rate_hz: float) -> bool:
  first = round((laid.start_s_b[b] - part.start_s) * rate_hz)
  last = first + round(laid.length_s_b[b] * rate_hz)
  return bool(part.is_flat_t[first:last].any()) or not np.ptp(part.ppg_t[first:last]) > 0


def _snr_db(parts: Sequence[Stretch], laid: Laid, config: ConfigDict) -> np.ndarray | None:
  """[b] signal-to-noise ratio of each window; None where none is asked for."""
  if not config.snr_form:
    return None
  snr_db_b = np.full(len(laid.start_s_b), np.nan)
  pulse_hz_b = laid.rate_bpm_b / 60
  for b in range(len(pulse_hz_b)):
    part = parts[laid.stretch_b[b]]
    window_t = samples_of(part, laid.start_s_b[b], laid.length_s_b[b], config.rate_hz)
    pulse_hz = pulse_hz_b[b:b + 1]
    snr_db_b[b] = snr.snr_db(window_t[None], config.rate_hz, pulse_hz, config.snr_form)[0]
  return snr_db_b
