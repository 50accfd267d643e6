"""Simulated intensive-care recordings in the form of BIDMC.

A finger PPG, a chest impedance and the true breaths. What goes in, per patient and all of it
different from one to the next:
- breathing: 6 to 35/min that wanders, irregular or by a ventilator; depth, I:E ratio, sighs, pauses
of 8 to 15 s.
- heart: rate with respiratory (RSA), 0.1 Hz (Mayer) and slow variability, premature beats.
- PPG: a pulse a beat with a reflected wave; breathing moves its baseline, height and timing (RIIV,
  RIAV, RIFV: Charlton et al., IEEE Rev Biomed Eng 11:2-20, 2018), each with its own strength and
  delay, some too weak to see.
- disturbance: Mayer waves and wander *inside* the breathing band, drift, motion, the monitor's
dropouts, clipping.
- reference: impedance with its polarity, delay, the heart's own impedance, motion, drift; clipped
by its amplifier. So a band-pass filter finds the largest slow oscillation, which in a good part of
the patients is not breathing.
"""
import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.simulated_breathing import band_noise, circulation, draw_breaths, lung_volume
from jaxsig.data.ppg.simulated_patient import Patient, draw_patient, generator
from jaxsig.data.ppg.simulated_ppg import (
    baseline,
    draw_beats,
    draw_disturbances,
    on_monitor,
    pulses,
    sampling_rate_hz,
    to_12_bits,
)
from jaxsig.data.records import Record

LEAD_S = 20.0          # simulated before 0 s and dropped, so that filters and delays have settled
CHEST_TO_FINGER_S = 0.2   # of a pulse


def simulate(seed: int, n: int, config: ConfigDict) -> list[Record]:
  """Recordings of `n` patients; patient i depends on `seed` and i alone.

  Args:
    seed: any non-negative integer.
    n: patients.
    config: `simulate_duration_s`, `simulate_rate_hz`, `simulate_records_per_patient` (the most that
      one patient has).

  Returns:
    Records in BIDMC's form: signals {"ppg_t", "resp_t"} [T] float32, annotations {"breaths_1_s",
    "breaths_2_s"}, both the true ends of inspiration in seconds.
  """
  records = []
  for i in range(n):
    rng = generator(seed, i, 0)
    patient = draw_patient(rng)
    most = config.simulate_records_per_patient
    recordings = rng.integers(1, most, endpoint=True)
    for j in range(recordings):
      records.append(_record(seed, i, j, patient, config))
  return records


def _record(
    seed: int,
    i: int,
    j: int,
    patient: Patient,
    config: ConfigDict,
) -> Record:
  """Recording j of patient i."""
  rate_hz = float(config.simulate_rate_hz)
  rng = generator(seed, i, 1 + j)
  signals, breaths_s = simulate_recording(rng, patient, config.simulate_duration_s, rate_hz)

  group = f"sim{i:04}"
  name = group
  if j > 0:
    name = f"{group}_{j + 1}"
  annotations = {
      "breaths_1_s": breaths_s,
      "breaths_2_s": breaths_s.copy(),
  }
  info = {
      "age": patient.age,
      "sex": patient.sex,
      "source": "simulated",
  }
  return Record(name, group, rate_hz, signals, annotations, info)


def simulate_recording(
    rng: np.random.Generator,
    patient: Patient,
    duration_s: float,
    rate_hz: float,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
  """({"ppg_t", "resp_t"} [T] float32, the ends of inspiration in seconds) of one recording."""
  first = -round(LEAD_S * rate_hz)
  last = round(duration_s * rate_hz)
  t_s = np.arange(first, last) / rate_hz

  breaths = draw_breaths(rng, patient, t_s[0], t_s[-1])
  volume_t = lung_volume(breaths, patient, t_s)
  circulation_t = circulation(volume_t, patient.smooth_s, rate_hz)
  mayer_t = band_noise(rng, t_s, patient.mayer_hz - 0.01, patient.mayer_hz + 0.01)

  beats = draw_beats(rng, patient, t_s, circulation_t, mayer_t)
  pulses_t = pulses(patient, t_s, beats)
  motion_t, dropouts_s = draw_disturbances(rng, patient, t_s)
  ppg_t = pulses_t + baseline(rng, patient, t_s, circulation_t, mayer_t) + motion_t
  resp_t = _impedance(rng, patient, t_s, volume_t, pulses_t, motion_t)
  shown_t = on_monitor(rng, patient, ppg_t, t_s, dropouts_s)

  recorded = t_s >= 0
  signals = {
      "ppg_t": shown_t[recorded].astype(np.float32),
      "resp_t": resp_t[recorded].astype(np.float32),
  }
  inspired_s = breaths.start_s + patient.inspired * breaths.period_s
  inside = (inspired_s >= 0) & (inspired_s <= t_s[-1])
  return signals, inspired_s[inside]


def _impedance(
    rng: np.random.Generator,
    patient: Patient,
    t_s: np.ndarray,
    volume_t: np.ndarray,
    pulses_t: np.ndarray,
    motion_t: np.ndarray,
) -> np.ndarray:
  """The reference [T]: chest impedance behind a high-pass filter and an amplifier that clips."""
  import scipy.signal  # takes long to import: only where something is simulated

  breathing_t = patient.polarity * np.interp(t_s - patient.resp_delay_s, t_s, volume_t)
  heart_t = np.interp(t_s + CHEST_TO_FINGER_S, t_s, pulses_t)
  z_t = breathing_t - patient.resp_ripple * (heart_t - heart_t.mean())
  z_t += patient.resp_noise * band_noise(rng, t_s, 0.2, 3, -1)
  z_t += patient.resp_drift * band_noise(rng, t_s, 0.005, 0.08, -1)
  z_t += rng.uniform(0, 1) * np.interp(t_s + CHEST_TO_FINGER_S, t_s, motion_t)

  high_pass = scipy.signal.butter(1, 0.03, "high", fs=sampling_rate_hz(t_s), output="sos")
  z_t = scipy.signal.sosfilt(high_pass, z_t)
  return to_12_bits(0.5 + patient.resp_gain * (z_t - 0.1))
