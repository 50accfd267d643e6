"""The pressure wave of simulated beats, and the PPG that a finger shows of it."""
import itertools
from typing import NamedTuple

import numpy as np

from jaxsig.data.ppg.pressure.simulated_person import Person, pwv_at

RATE_HZ = 125.0
LEAD_S = 4.0              # rendered before a stretch, so that no filter starts inside it,
TAIL_S = 2.0              # and after it, so that its last beat is a whole one
MAYER_HZ, MAYER_MMHG = 0.1, 2.0
BREATHING_MMHG = 2.5
TRANSIT_S = 0.12          # from the pressure to the finger
IMPEDANCE = 0.10          # of the aorta, over the resistance of the body
ARRHYTHMIA = 0.03         # how much breathing changes the beat's length


class State(NamedTuple):
  """How a person is during a stretch."""
  mean_mmhg: float
  pulse_mmhg: float
  rate_bpm: float
  reflection: float
  contact_mmhg: float
  breathing_hz: float


class Pulse(NamedTuple):
  """A stretch; [t] each."""
  abp_t: np.ndarray       # mmHg
  volume_t: np.ndarray    # of the finger's vessels, without unit
  sbp_t: np.ndarray       # NaN but at the systolic peaks, in mmHg
  dbp_t: np.ndarray       # NaN but at the feet


def render(person: Person, state: State, duration_s: float, draw: np.random.Generator) -> Pulse:
  """The pressure and the PPG of a stretch.

  Args:
    person: whose.
    state: of the person during it.
    duration_s: of the stretch.
    draw: of this stretch alone.
  """
  length = round((LEAD_S + duration_s + TAIL_S) * RATE_HZ)
  time_s = np.arange(length) / RATE_HZ
  phase = draw.uniform(0, 2 * np.pi, 2)
  breath_t = np.sin(2 * np.pi * state.breathing_hz * time_s + phase[0])
  mayer_t = np.sin(2 * np.pi * MAYER_HZ * time_s + phase[1])

  onset_k = _onsets(state, breath_t, length)
  wave_t = _wave(person, state, onset_k, length)
  foot_k = _feet(wave_t, onset_k)
  unit_t = _unit(wave_t, foot_k)
  moving_t = MAYER_MMHG * mayer_t + BREATHING_MMHG * breath_t
  diastolic_t = state.mean_mmhg - state.pulse_mmhg / 3 + moving_t
  abp_t = diastolic_t + state.pulse_mmhg * unit_t
  sbp_t, dbp_t = _annotated(abp_t, foot_k)
  first = round(LEAD_S * RATE_HZ)
  inside = slice(first, first + round(duration_s * RATE_HZ))
  volume_t = _volume(person, state, abp_t)
  return Pulse(abp_t[inside], volume_t[inside], sbp_t[inside], dbp_t[inside])


def _onsets(state: State, breath_t: np.ndarray, length: int) -> np.ndarray:
  """Samples at which the heart begins to eject."""
  onsets = [0]
  while onsets[-1] < length:
    breath = breath_t[onsets[-1]]
    interval_s = 60 / state.rate_bpm * (1 + ARRHYTHMIA * breath)
    onsets.append(onsets[-1] + round(interval_s * RATE_HZ))
  return np.array(onsets[:-1])


def _wave(person: Person, state: State, onset_k: np.ndarray, length: int) -> np.ndarray:
  """[t] the pressure wave in an arbitrary unit: ejection, run-off, and the reflected wave."""
  flow_t = _flow(person, state, onset_k, length)
  stored_t = _low_pass(flow_t, person.decay_s)
  forward_t = _low_pass(stored_t + IMPEDANCE * flow_t, person.smoothing_s)
  delay_s = 2 * person.path_m / pwv_at(person, state.mean_mmhg)
  reflected_t = _low_pass(_delayed(forward_t, delay_s), 0.045)
  return forward_t + state.reflection * reflected_t


def _flow(person: Person, state: State, onset_k: np.ndarray, length: int) -> np.ndarray:
  """[t] flow out of the heart: a steep rise and a slower fall over each ejection."""
  ejection_s = person.ejection_s * (1 - 0.0035 * (state.rate_bpm - 60))
  size = round(ejection_s * RATE_HZ)
  place_x = (np.arange(size) + 0.5) / size
  beat_x = np.sin(np.pi * place_x) ** 1.5 * np.exp(-place_x)
  flow_t = np.zeros(length + size)
  for onset in onset_k:
    flow_t[onset:onset + size] += beat_x
  return flow_t[:length]


def _low_pass(x_t: np.ndarray, time_s: float) -> np.ndarray:
  """[t] through a vessel that empties with this time constant."""
  import scipy.signal

  keep = np.exp(-1 / (RATE_HZ * time_s))
  return scipy.signal.lfilter([1 - keep], [1, -keep], x_t)


def _delayed(x_t: np.ndarray, delay_s: float) -> np.ndarray:
  """[t] so many seconds later, between samples by a straight line."""
  index_t = np.arange(len(x_t))
  return np.interp(index_t - delay_s * RATE_HZ, index_t, x_t, left=x_t[0])


def _feet(wave_t: np.ndarray, onset_k: np.ndarray) -> np.ndarray:
  """Samples of the lowest pressure about each onset, ascending."""
  before, after = round(0.08 * RATE_HZ), round(0.12 * RATE_HZ)
  feet = []
  for onset in onset_k[1:]:
    first = max(onset - before, 0)
    feet.append(first + int(np.argmin(wave_t[first:onset + after])))
  return np.array(feet)


def _unit(wave_t: np.ndarray, foot_k: np.ndarray) -> np.ndarray:
  """[t] the wave from 0 at the feet to 1 at each beat's peak; 0 outside of whole beats."""
  unit_t = np.zeros(len(wave_t))
  for first, last in itertools.pairwise(foot_k):
    beat_t = wave_t[first:last + 1]
    raised_t = beat_t - np.linspace(beat_t[0], beat_t[-1], len(beat_t))
    unit_t[first:last + 1] = np.maximum(raised_t / raised_t.max(), 0)
  return unit_t


def _volume(person: Person, state: State, abp_t: np.ndarray) -> np.ndarray:
  """[t] volume of the vessels under the sensor: arteries that give way, and veins behind them."""
  pressure_t = _delayed(abp_t, TRANSIT_S)
  across_t = pressure_t - state.contact_mmhg - person.centre_mmhg
  arterial_t = 0.5 + np.arctan(across_t / person.width_mmhg) / np.pi
  return 0.55 * arterial_t + 0.45 * _low_pass(arterial_t, person.venous_s)


def _annotated(abp_t: np.ndarray, foot_k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """[t] the pressures at the systolic peaks and at the feet, NaN elsewhere."""
  sbp_t = np.full(len(abp_t), np.nan, np.float32)
  dbp_t = np.full(len(abp_t), np.nan, np.float32)
  for before, after in itertools.pairwise(foot_k):
    peak = before + int(np.argmax(abp_t[before:after]))
    sbp_t[peak] = abp_t[peak]
    dbp_t[before] = abp_t[before]
  return sbp_t, dbp_t
