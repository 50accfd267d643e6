"""The simulated finger PPG: beats, pulses, baseline, motion, and the monitor that shows them."""
from typing import NamedTuple

import numpy as np

from jaxsig.data.ppg.simulated_breathing import band_noise
from jaxsig.data.ppg.simulated_patient import Patient


class Beats(NamedTuple):
  """Times and heights of the beats [k]."""
  time_s: np.ndarray
  height: np.ndarray


class Disturbances(NamedTuple):
  """Motion [T] and the spans (start, end) in seconds of the monitor's dropouts."""
  motion_t: np.ndarray
  dropouts_s: list[tuple[float, float]]


def sampling_rate_hz(t_s: np.ndarray) -> float:
  """The sampling rate of even times."""
  return 1 / (t_s[1] - t_s[0])


def draw_beats(
    rng: np.random.Generator,
    patient: Patient,
    t_s: np.ndarray,
    circulation_t: np.ndarray,
    mayer_t: np.ndarray,
) -> Beats:
  """The beats of a heart whose rate and strokes follow breathing, Mayer waves and slow noise.

  Args:
    rng: generator.
    patient: whose beats.
    t_s: even times [T].
    circulation_t: what breathing does to the circulation.
    mayer_t: Mayer waves of SD 1.
  """
  slow_t = band_noise(rng, t_s, 0.005, 0.06, -1)
  _, amplitude_delay_s, heart_delay_s = patient.delay_s
  rsa_t = patient.rsa_heart * np.interp(t_s - heart_delay_s, t_s, circulation_t)
  factor_t = 1 + rsa_t + patient.mayer_heart * mayer_t + patient.slow_heart * slow_t
  phase_t = np.cumsum(patient.heart_bpm / 60 / sampling_rate_hz(t_s) * factor_t)   # in beats

  beat_number = np.arange(1, phase_t[-1])
  time_s = np.interp(beat_number, phase_t, t_s)
  period_s = np.diff(time_s, prepend=2 * time_s[0] - time_s[1])

  moved = np.interp(time_s - amplitude_delay_s, t_s, circulation_t)
  height = 1 + patient.amplitude * moved
  random = patient.beat_sd * rng.standard_normal(len(time_s))
  longer_filling = 0.3 * (period_s * patient.heart_bpm / 60 - 1)
  height += random + longer_filling
  height += 0.1 * np.interp(time_s, t_s, band_noise(rng, t_s, 0.005, 0.05, -1))

  premature = rng.random(len(time_s)) < patient.premature
  after_premature = np.roll(premature, 1)
  height *= np.where(premature, 0.5, 1) * np.where(after_premature, 1.2, 1)
  earlier_s = np.where(premature, 0.25 * period_s, 0)
  return Beats(time_s - earlier_s, np.maximum(height, 0.1))


def pulses(patient: Patient, t_s: np.ndarray, beats: Beats) -> np.ndarray:
  """The sum of all pulses [T], each the ejected and the reflected wave.

  They are faster in a faster heart.
  """
  rate_hz = sampling_rate_hz(t_s)
  stretch = np.sqrt(60 / patient.heart_bpm / 0.75)
  length = int(1.6 * rate_hz)   # of a pulse

  first_k = np.ceil((beats.time_s - t_s[0]) * rate_hz).astype(int)
  index_k_t = first_k[:, None] + np.arange(length)
  at_s_k_t = index_k_t / rate_hz + t_s[0]
  since_s_k_t = (at_s_k_t - beats.time_s[:, None]) / stretch

  ejected_k_t = _wave(since_s_k_t, patient.upstroke_s, 4)
  reflected_k_t = patient.reflected * _wave(since_s_k_t, patient.reflected_s, 6)
  pulse_k_t = beats.height[:, None] * (ejected_k_t + reflected_k_t)

  sum_t = np.zeros(index_k_t.max() + 1)
  np.add.at(sum_t, index_k_t, pulse_k_t)
  return sum_t[:len(t_s)]


def _wave(since_s: np.ndarray, peak_s: float, sharpness: float) -> np.ndarray:
  """A wave that starts at 0 s, peaks with 1 at `peak_s` and decays."""
  x = np.maximum(since_s, 0) / peak_s
  return (x * np.exp(1 - x))**sharpness


def baseline(
    rng: np.random.Generator,
    patient: Patient,
    t_s: np.ndarray,
    circulation_t: np.ndarray,
    mayer_t: np.ndarray,
) -> np.ndarray:
  """The baseline [T] of the pulses: breathing, Mayer waves, wander in its band, and drift.

  Args:
    rng: generator.
    patient: whose baseline.
    t_s: even times [T].
    circulation_t: what breathing does to the circulation.
    mayer_t: Mayer waves of SD 1.
  """
  delay_s = patient.delay_s[0]
  breathing_t = patient.baseline * np.interp(t_s - delay_s, t_s, circulation_t)
  wander_t = patient.wander * band_noise(rng, t_s, 0.08, 0.6, -0.5)
  drift_t = patient.drift * band_noise(rng, t_s, 0.005, 0.08, -1)
  return breathing_t + 1.4 * patient.mayer * mayer_t + wander_t + drift_t


def draw_disturbances(rng: np.random.Generator, patient: Patient, t_s: np.ndarray) -> Disturbances:
  """Motion and dropouts at random times: a third of each of bursts, jumps and dropouts."""
  duration_s = t_s[-1] - t_s[0]
  count = rng.poisson(patient.artefacts_hz * duration_s)
  starts_s = rng.uniform(t_s[0], t_s[-1], count)

  motion_t = np.zeros(len(t_s))
  dropouts_s = []
  for start_s in starts_s:
    length_s = rng.uniform(1, 6)
    size = rng.uniform(0.3, 1.5)
    kind = rng.integers(3)
    since_s = t_s - start_s

    if kind == 0:
      dropouts_s.append((start_s, start_s + length_s))
    elif kind == 1:   # a burst
      shape_t = np.sin(np.pi * np.clip(since_s / length_s, 0, 1))
      motion_t += size * shape_t * band_noise(rng, t_s, 0.3, 4, -1)
    else:             # a jump that the monitor's high-pass filter brings back
      direction = rng.choice([-1, 1])
      decay_t = np.exp(-np.maximum(since_s, 0) / 2)
      motion_t += direction * size * np.where(since_s > 0, decay_t, 0)
  return Disturbances(motion_t, dropouts_s)


def on_monitor(
    rng: np.random.Generator,
    patient: Patient,
    ppg_t: np.ndarray,
    t_s: np.ndarray,
    dropouts_s: list[tuple[float, float]],
) -> np.ndarray:
  """The PPG [T] as the monitor shows it: with noise, scale, dropouts, clipping and 12 bits.

  In a dropout the signal falls to the bottom for a quarter of the time, and then holds the middle.

  Args:
    rng: generator.
    patient: whose monitor.
    ppg_t: the signal.
    t_s: even times [T].
    dropouts_s: (start, end) of each dropout.
  """
  noisy_t = ppg_t + patient.noise * rng.standard_normal(len(ppg_t))
  shown_t = 0.5 + patient.height * (noisy_t - np.median(ppg_t) - 0.15)

  for start_s, end_s in dropouts_s:
    in_dropout = (t_s >= start_s) & (t_s < end_s)
    at_bottom = t_s < start_s + 0.25 * (end_s - start_s)
    dropout_t = np.where(at_bottom, 0, 0.5)
    shown_t = np.where(in_dropout, dropout_t, shown_t)
  return patient.full_scale * to_12_bits(shown_t)


def to_12_bits(x_t: np.ndarray) -> np.ndarray:
  """Clips to [0, 1] and rounds to 4096 levels."""
  return np.rint(4095 * np.clip(x_t, 0, 1)) / 4095
