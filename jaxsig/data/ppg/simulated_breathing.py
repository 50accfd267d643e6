"""Simulated breathing: the breaths of a patient, the volume of the lungs, and noise in a band."""
from typing import NamedTuple

import numpy as np

from jaxsig.data.ppg.simulated_patient import Patient

SLOWEST_BPM = 4.5
FASTEST_BPM = 42


class Breaths(NamedTuple):
  """Breaths [k] in their order."""
  start_s: np.ndarray
  period_s: np.ndarray   # a pause after the breath is not counted
  depth: np.ndarray


def draw_breaths(
    rng: np.random.Generator,
    patient: Patient,
    from_s: float,
    to_s: float,
) -> Breaths:
  """The patient's breaths that begin between two times."""
  memory = 0.97   # of the slow wander of the rate, from breath to breath
  wander = patient.rate_wander * rng.standard_normal()
  start_s = from_s

  rows = []
  while start_s < to_s:
    innovation = patient.rate_wander * np.sqrt(1 - memory**2) * rng.standard_normal()
    wander = memory * wander + innovation
    log_factor = wander + patient.irregular * rng.standard_normal()
    period_s = 60 / patient.rate_bpm * np.exp(log_factor)
    period_s = np.clip(period_s, 60 / FASTEST_BPM, 60 / SLOWEST_BPM)

    depth = np.exp(patient.depth_sd * rng.standard_normal())
    pause_s = 0.0
    chance_hz = rng.random() / period_s
    if chance_hz < patient.sighs_hz:
      depth = depth * rng.uniform(1.8, 2.6)
      pause_s = rng.uniform(0, period_s)
      period_s = 1.3 * period_s
    elif chance_hz < patient.sighs_hz + patient.pauses_hz:
      pause_s = rng.uniform(8, 15)

    rows.append((start_s, period_s, depth))
    start_s += period_s + pause_s

  start_s_k, period_s_k, depth_k = np.array(rows).T
  return Breaths(start_s_k, period_s_k, depth_k)


def lung_volume(breaths: Breaths, patient: Patient, t_s: np.ndarray) -> np.ndarray:
  """Volume of the lungs [T] at times t_s: 0 at rest, about 1 at the end of inspiration."""
  latest = np.searchsorted(breaths.start_s, t_s, side="right") - 1
  latest = np.maximum(latest, 0)
  since_s = t_s - breaths.start_s[latest]
  phase = np.clip(since_s / breaths.period_s[latest], 0, 1)

  inspiring = np.minimum(phase / patient.inspired, 1)
  rising = np.sin(0.5 * np.pi * inspiring)**2

  expiring = np.clip((phase - patient.inspired) / (1 - patient.inspired), 0, 1)
  falling = np.cos(0.5 * np.pi * expiring**patient.expiry)**2

  volume = np.where(phase < patient.inspired, rising, falling)
  return breaths.depth[latest] * volume


def circulation(volume_t: np.ndarray, smooth_s: float, rate_hz: float) -> np.ndarray:
  """What breathing does to the circulation [T]: the volume, smoothed, of mean 0, amplitude 1."""
  import scipy.signal  # takes long to import: only where something is simulated

  memory = np.exp(-1 / (smooth_s * rate_hz))
  centred_t = 2 * (volume_t - volume_t.mean())
  return scipy.signal.lfilter([1 - memory], [1, -memory], centred_t)


def band_noise(
    rng: np.random.Generator,
    t_s: np.ndarray,
    low_hz: float,
    high_hz: float,
    power: float = 0,
) -> np.ndarray:
  """Noise [T] of SD 1 between two frequencies, its amplitude as frequency**power."""
  n = len(t_s)
  f_hz = np.fft.rfftfreq(n, t_s[1] - t_s[0])
  real = rng.standard_normal(len(f_hz))
  imaginary = rng.standard_normal(len(f_hz))

  in_band = (f_hz >= low_hz) & (f_hz <= high_hz)
  spectrum = np.where(in_band, real + 1j * imaginary, 0)
  slope = np.maximum(f_hz, f_hz[1])**power
  noise_t = np.fft.irfft(spectrum * slope, n)
  return noise_t / max(noise_t.std(), 1e-9)
