"""Simulated intensive-care patients: what of their body and monitor stays the same."""
from typing import NamedTuple

import numpy as np


class Patient(NamedTuple):
  """What stays with a patient.

  Strengths are fractions of the pulse's height; those called `_heart` are fractions of the heart
  rate.
  """
  age: float
  sex: str
  ventilated: bool

  # Breathing
  rate_bpm: float
  irregular: float      # SD of the log of a breath's period
  rate_wander: float    # slow SD of the log of the rate
  depth_sd: float       # SD of the log of a breath's depth
  inspired: float       # share of inspiration in a breath
  expiry: float         # < 1: falls at once and then tails off
  sighs_hz: float
  pauses_hz: float

  # What breathing does to the pulses
  heart_bpm: float
  baseline: float       # signed
  amplitude: float      # signed
  rsa_heart: float      # respiratory sinus arrhythmia
  delay_s: np.ndarray   # of baseline, amplitude and heart rate behind breathing
  smooth_s: float       # time constant of the vessels

  # What else moves them
  mayer_hz: float       # frequency of the Mayer waves, about 0.1 Hz
  mayer: float
  mayer_heart: float
  slow_heart: float
  wander: float         # 0.08 to 0.6 Hz, the band of breathing
  drift: float          # below that band
  premature: float      # share of premature beats
  beat_sd: float        # SD of the pulses' heights

  # The pulse and the monitor
  upstroke_s: float
  reflected: float
  reflected_s: float
  artefacts_hz: float
  noise: float
  height: float         # of the pulse, in the monitor's full scale
  full_scale: float

  # The reference
  polarity: int         # of the impedance
  resp_delay_s: float
  resp_gain: float      # above 1 it clips
  resp_ripple: float    # of the heart
  resp_noise: float
  resp_drift: float


def generator(*key: int) -> np.random.Generator:
  """The random generator of a path of numbers, e.g. `generator(seed, patient, recording)`."""
  return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))


def draw_patient(rng: np.random.Generator) -> Patient:
  """A patient at random; a quarter of them are ventilated, and breathe regularly."""
  ventilated = rng.random() < 0.25
  # Pressure from outside moves the blood the other way than a breath of one's own.
  direction = 1 if ventilated else -1

  # The order of the draws is part of the simulation: a name is drawn where it stands.
  drawn = {"ventilated": ventilated}
  drawn["age"] = float(rng.integers(19, 90))
  drawn["sex"] = str(rng.choice(["F", "M"]))

  drawn["rate_bpm"] = _breathing_rate_bpm(rng)
  if ventilated:
    drawn["irregular"] = 0.01
    drawn["rate_wander"] = 0.01
    drawn["depth_sd"] = 0.03
  else:
    drawn["irregular"] = _log_normal(rng, 0.1, 0.5, 0.03, 0.25)
    drawn["rate_wander"] = rng.uniform(0.02, 0.12)
    drawn["depth_sd"] = rng.uniform(0.05, 0.3)
  drawn["inspired"] = rng.uniform(0.28, 0.5)
  drawn["expiry"] = rng.uniform(0.55, 0.95)

  drawn["sighs_hz"] = 0
  drawn["pauses_hz"] = 0
  if not ventilated:
    drawn["sighs_hz"] = rng.uniform(0, 1 / 90)
    has_pauses = rng.random() < 0.3
    if has_pauses:
      drawn["pauses_hz"] = rng.uniform(0, 1 / 90)

  drawn["heart_bpm"] = _log_normal(rng, 88, 0.2, 52, 135)
  drawn["baseline"] = direction * _log_normal(rng, 0.09, 0.6, 0.02, 0.25)
  drawn["amplitude"] = -direction * _log_normal(rng, 0.04, 0.7, 0.003, 0.15)
  drawn["rsa_heart"] = _log_normal(rng, 0.012, 0.9, 0.001, 0.08)
  drawn["delay_s"] = rng.uniform([0.1, 0.1, 0], [0.9, 1.2, 1])
  drawn["smooth_s"] = rng.uniform(0.05, 0.25)

  drawn["mayer_hz"] = rng.uniform(0.07, 0.13)
  drawn["mayer"] = _log_normal(rng, 0.025, 0.9, 0.002, 0.15)
  drawn["mayer_heart"] = _log_normal(rng, 0.01, 0.7, 0.001, 0.04)
  drawn["slow_heart"] = rng.uniform(0.005, 0.03)
  drawn["wander"] = _log_normal(rng, 0.025, 0.7, 0.005, 0.12)
  drawn["drift"] = rng.uniform(0.02, 0.15)

  drawn["premature"] = 0
  has_premature_beats = rng.random() < 0.15
  if has_premature_beats:
    drawn["premature"] = rng.uniform(0, 0.06)

  return Patient(**drawn, **_draw_sensors(rng))


def _draw_sensors(rng: np.random.Generator) -> dict[str, float]:
  """The fields of a patient that concern the pulse's form, the monitor and the reference."""
  drawn = {}
  drawn["beat_sd"] = rng.uniform(0.015, 0.05)
  drawn["upstroke_s"] = rng.uniform(0.13, 0.2)
  drawn["reflected"] = rng.uniform(0.15, 0.75)
  drawn["reflected_s"] = rng.uniform(0.34, 0.46)

  drawn["artefacts_hz"] = _log_normal(rng, 1 / 80, 0.8, 0, 1 / 15)
  drawn["noise"] = rng.uniform(0.002, 0.015)
  drawn["height"] = rng.uniform(0.2, 0.6)
  drawn["full_scale"] = float(rng.choice([1, 4], p=[0.8, 0.2]))

  drawn["polarity"] = int(rng.choice([1, -1], p=[0.92, 0.08]))
  drawn["resp_delay_s"] = rng.uniform(0, 0.3)
  drawn["resp_gain"] = _log_normal(rng, 1, 0.4, 0.15, 2)
  drawn["resp_ripple"] = _log_normal(rng, 0.05, 0.7, 0.01, 0.3)
  drawn["resp_noise"] = rng.uniform(0.005, 0.05)
  drawn["resp_drift"] = rng.uniform(0.02, 0.25)
  return drawn


def _log_normal(
    rng: np.random.Generator,
    median: float,
    spread: float,
    low: float,
    high: float,
) -> float:
  """A log-normal number, clipped to low..high; `spread` is the SD of its log."""
  number = median * np.exp(spread * rng.standard_normal())
  return float(np.clip(number, low, high))


def _breathing_rate_bpm(rng: np.random.Generator) -> float:
  """Half of the patients breathe at 12 to 22/min, the others anywhere from 6 to 35/min."""
  if rng.random() < 0.5:
    return _log_normal(rng, 16.5, 0.15, 12, 22)
  log_rate = rng.uniform(np.log(6), np.log(35))
  return float(np.exp(log_rate))
