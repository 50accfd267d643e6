"""Simulated people: what of their circulation and of a sensor shapes a PPG."""
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

MEAN_AGE = 54.0
REFERENCE_MMHG = 95.0   # of mean pressure, at which `pwv_m_per_s` holds


class Person(NamedTuple):
  """One person; pressures in mmHg, times in seconds."""
  age: float
  sex: str
  bmi: float
  mean_mmhg: float         # mean arterial pressure, and pulse pressure, about which they move
  pulse_mmhg: float
  rate_bpm: float
  pwv_m_per_s: float       # pulse wave velocity at REFERENCE_MMHG
  pwv_per_mmhg: float      # its growth: exp(this * (pressure - REFERENCE) / 2)
  path_m: float            # to where the wave is reflected
  reflection: float        # share of the wave
  ejection_s: float        # at 60 beats/min
  decay_s: float           # of the pressure in diastole
  smoothing_s: float       # of the wave by the vessels
  venous_s: float          # of the part of the volume that lies in veins
  contact_mmhg: float      # by which the sensor presses on the skin
  width_mmhg: float        # of the range in which the arteries below the sensor give way
  centre_mmhg: float


def draw_person(draw: np.random.Generator, config: ConfigDict) -> Person:
  """Draws a person so that systolic and diastolic pressures have deviations of 18 and 11 mmHg.

  Args:
    draw: of this person alone.
    config: `simulate_subject_effects` scales how people differ in all but age, rate and pressure:
      at 0 the same pressure gives the same pulse in everybody; `simulate_stiffness_sd` and
      `simulate_contact_mmhg` are deviations of the arteries' stiffness (log) and of the sensor's
      pressure.
  """
  effects = config.simulate_subject_effects
  z = draw.standard_normal(14)
  age = draw.uniform(20, 88)
  older = age - MEAN_AGE
  sex = "female"
  if draw.uniform() < 0.5:
    sex = "male"
  mean_mmhg = 88 + 0.10 * older + 10 * z[0]
  pulse_mmhg = max(50 + 0.25 * older + 15 * (0.4 * z[0] + 0.92 * z[1]), 18.0)
  stiffness = config.simulate_stiffness_sd * effects * z[2]
  age_seen = age
  if not effects:
    age_seen = MEAN_AGE
  pwv = (5 + 0.075 * (age_seen - 20)) * np.exp(stiffness + 0.008 * (pulse_mmhg - 50))
  return Person(
      age=float(np.round(age)),
      sex=sex,
      bmi=float(np.round(np.clip(26 + 4 * z[12], 16, 45), 1)),
      mean_mmhg=mean_mmhg,
      pulse_mmhg=pulse_mmhg,
      rate_bpm=float(np.clip(80 + 14 * z[3], 48, 130)),
      pwv_m_per_s=pwv,
      pwv_per_mmhg=0.017 * np.exp(0.15 * effects * z[4]),
      path_m=0.62 * np.exp(0.07 * effects * z[5]),
      reflection=float(np.clip(0.42 + 0.10 * effects * z[6], 0.1, 0.8)),
      ejection_s=0.29 * np.exp(0.09 * effects * z[7]),
      decay_s=1.1 * np.exp(0.2 * effects * z[8]),
      smoothing_s=0.03 * np.exp(0.27 * effects * z[9]),
      venous_s=0.14 * np.exp(0.27 * effects * z[10]),
      contact_mmhg=35 + config.simulate_contact_mmhg * effects * z[11],
      width_mmhg=32 * np.exp(0.18 * effects * z[13]),
      centre_mmhg=18 + 6 * effects * draw.standard_normal(),
  )


def pwv_at(person: Person, mean_mmhg: float) -> float:
  """Pulse wave velocity in m/s at a mean pressure: stiffer when it is higher."""
  return person.pwv_m_per_s * np.exp(person.pwv_per_mmhg * (mean_mmhg - REFERENCE_MMHG) / 2)
