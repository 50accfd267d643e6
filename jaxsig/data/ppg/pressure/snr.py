"""Signal-to-noise ratio of a pulse: the bands around its rate and twice its rate, over the rest.

After de Haan and Jeanne, IEEE Trans Biomed Eng 60(10), 2013. What counts as band, total and
spectrum differs between published codes and decides how much pure noise passes a threshold, so that
each form has a name, and `noise_pass_share` tells what a threshold is worth.
"""
from typing import NamedTuple

import numpy as np

from jaxsig.errors import UserError


class Form(NamedTuple):
  """A convention of the ratio."""
  first_half_hz: float     # half the width of the band around the rate
  second_half_hz: float    # and of that around twice the rate
  low_hz: float            # what is counted at all
  high_hz: float
  taper: str               # "hann", "hamming" or "boxcar"
  n_fft: int               # points of the spectrum; with `relative` so many times the window's
  relative: bool


FORMS = {
    "snr_db_01_02_05_4_hann_pad16": Form(0.1, 0.2, 0.5, 4.0, "hann", 16, True),
    "snr_db_01_02_05_4_hamming": Form(0.1, 0.2, 0.5, 4.0, "hamming", 16, True),
    "snr_db_01_02_05_8_hann_pad16": Form(0.1, 0.2, 0.5, 8.0, "hann", 16, True),
    "snr_db_02_02_05_8_hann_pad16": Form(0.2, 0.2, 0.5, 8.0, "hann", 16, True),
    "snr_db_01_01_06_33_boxcar_1024": Form(0.1, 0.1, 0.6, 3.3, "boxcar", 1024, False),
    "snr_db_01_02_05_8_boxcar": Form(0.1, 0.2, 0.5, 8.0, "boxcar", 1, True),
}


def snr_db(x_b_t: np.ndarray, rate_hz: float, pulse_hz_b: np.ndarray, form: str) -> np.ndarray:
  """[b] signal-to-noise ratio of windows in dB.

  Args:
    x_b_t: [b, t] windows.
    rate_hz: sampling rate in Hz.
    pulse_hz_b: [b] pulse rate of each in Hz.
    form: a name of `FORMS`: band at the rate and at twice the rate in 0.1 Hz, total in Hz, taper.

  Raises:
    UserError: another form.
  """
  if form not in FORMS:
    raise UserError(f"unknown data.snr_form {form!r}: use one of {', '.join(FORMS)}")
  power = _spectrum(x_b_t, rate_hz, FORMS[form])
  return _ratio_db(power, np.asarray(pulse_hz_b), FORMS[form])


class Power(NamedTuple):
  """Power spectra of windows."""
  power_b_f: np.ndarray
  frequency_hz_f: np.ndarray


def _spectrum(x_b_t: np.ndarray, rate_hz: float, form: Form) -> Power:
  import scipy.signal

  samples = x_b_t.shape[-1]
  n_fft = form.n_fft
  if form.relative:
    n_fft = form.n_fft * samples
  taper_t = scipy.signal.get_window(form.taper, samples)
  centred_b_t = x_b_t - x_b_t.mean(-1, keepdims=True)
  power_b_f = np.abs(np.fft.rfft(centred_b_t * taper_t, n_fft)) ** 2
  return Power(power_b_f, np.fft.rfftfreq(n_fft, 1 / rate_hz))


def _ratio_db(power: Power, pulse_hz_b: np.ndarray, form: Form) -> np.ndarray:
  frequency_hz_f = power.frequency_hz_f
  counted_f = (frequency_hz_f >= form.low_hz) & (frequency_hz_f <= form.high_hz)
  distance_b_f = np.abs(frequency_hz_f - pulse_hz_b[:, None])
  distance_2_b_f = np.abs(frequency_hz_f - 2 * pulse_hz_b[:, None])
  is_pulse_b_f = (distance_b_f <= form.first_half_hz) | (distance_2_b_f <= form.second_half_hz)
  signal_b = np.sum(power.power_b_f * (is_pulse_b_f & counted_f), -1)
  noise_b = np.sum(power.power_b_f * (~is_pulse_b_f & counted_f), -1)
  with np.errstate(divide="ignore", invalid="ignore"):
    return 10 * np.log10(signal_b / noise_b)


def noise_snr_db(form: str, n: int = 1500, seed: int = 0) -> np.ndarray:
  """[n] ratios of pure noise: 7 s from 0.5 to 8 Hz at 125 Hz, the rate by its strongest frequency.

  The rate is looked for from 0.6 to 3 Hz, as it is where the pulse is not known.
  """
  from jaxsig.data.ppg.pressure.laid_windows import strongest_hz
  from jaxsig.data.ppg.pressure.pulse_filters import band_pass

  rate_hz, samples, margin = 125.0, 875, 250
  draw = np.random.default_rng((seed, 40))
  noise_n_t = draw.standard_normal((n, samples + 2 * margin))
  noise_n_t = band_pass(noise_n_t, rate_hz, 0.5, 8.0)[:, margin:margin + samples]
  pulse_hz_n = np.array([strongest_hz(x_t, rate_hz) for x_t in noise_n_t])
  return snr_db(noise_n_t, rate_hz, pulse_hz_n, form)


def noise_pass_share(form: str, threshold_db: float, n: int = 1500, seed: int = 0) -> float:
  """The share of pure noise whose ratio lies above a threshold."""
  return float(np.mean(noise_snr_db(form, n, seed) > threshold_db))


def threshold_db_for(form: str, share: float, n: int = 1500, seed: int = 0) -> float:
  """The threshold that lets so large a share of pure noise pass."""
  return float(np.quantile(noise_snr_db(form, n, seed), 1 - share))
