"""A simulated cohort: PPG and arterial pressure of people who differ, and whose pressure moves.

Of the recording of each person only some stretches are rendered, in the order of time, with a gap
of a second between them.

Fields of `config.data` that are read here:
  cohort: "physiological"; or "null": the PPG tells who somebody is and nothing of the pressure, so
    that any gain over the mean of the training subjects is a leak.
  simulate_duration_s: of a recording, of which are rendered
  simulate_stretches, simulate_stretch_s: so many stretches, each so long.
  simulate_pressure_change: scales how much a person's pressure moves during it.
  simulate_subject_effects, simulate_stiffness_sd, simulate_contact_mmhg: see `simulated_person`.
  simulate_artefacts: scales noise, the breathing in the baseline, and a movement a minute.
  simulate_sensor: "finger", or "camera", which sees the same pulse in the colour of the skin, of
    which camera_pulse makes a PPG, see `camera.colour_pulse.with_ppg`.
"""
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.camera.simulated_camera import camera_record
from jaxsig.data.ppg.pressure.null_cohort import null_person
from jaxsig.data.ppg.pressure.pulse_filters import band_pass
from jaxsig.data.ppg.pressure.simulated_person import Person, draw_person
from jaxsig.data.ppg.pressure.simulated_pulse import RATE_HZ, Pulse, State, render
from jaxsig.data.records import Record

SLOW_MMHG, SLOW_S = 6.0, 400.0   # of the slow part of the mean pressure: deviation, time constant
DRIFT_MMHG = 3.5                 # deviation of a linear drift, at both ends
GAP_S = 1.0                      # between stretches
BASELINE, NOISE = 0.12, 0.04     # of breathing and of noise in the PPG, over the pulse's height


class Course(NamedTuple):
  """A person's slow changes at the stretches; [k] each."""
  slow_mmhg_k: np.ndarray
  reflection_k: np.ndarray
  contact_mmhg_k: np.ndarray


def simulate(seed: int, n: int, config: ConfigDict) -> Iterator[Record]:
  """The recordings of n people, one each; person i is the same whatever n."""
  for i in range(n):
    draw = np.random.default_rng((seed, i, 14))
    if config.cohort == "null":
      yield null_person(f"p{i:05d}", draw, config)
    elif config.simulate_sensor == "camera":
      yield _before_camera(f"c{config.simulate_seed}_{i:05d}", draw, config)
    else:
      yield _person(f"p{i:05d}", draw, config)


def _person(name: str, draw: np.random.Generator, config: ConfigDict) -> Record:
  """The recording of a person with a sensor on a finger."""
  person = draw_person(draw, config)
  parts = []
  for pulse, state in _stretches(person, draw, config):
    parts.append((pulse, _ppg(pulse, state, draw, config)))
  return _joined(name, person, parts)


def _before_camera(name: str, draw: np.random.Generator, config: ConfigDict) -> Record:
  """The recording of a person before a camera."""
  person = draw_person(draw, config)
  pulses = [pulse for pulse, _ in _stretches(person, draw, config)]
  record = camera_record(name, pulses, config.simulate_artefacts, config.camera_pulse, draw)
  return record._replace(info={**record.info, **_about(person)})


def _stretches(
    person: Person,
    draw: np.random.Generator,
    config: ConfigDict,
) -> Iterator[tuple[Pulse, State]]:
  """The pulse of each stretch, and how the person is during it."""
  course = _course(draw, config)
  breathing_hz = draw.uniform(0.18, 0.33)
  for k in range(config.simulate_stretches):
    slow = course.slow_mmhg_k[k]
    state = State(
        mean_mmhg=person.mean_mmhg + slow,
        pulse_mmhg=person.pulse_mmhg * (1 + 0.008 * slow),
        rate_bpm=float(np.clip(person.rate_bpm - 0.15 * slow, 45, 140)),
        reflection=person.reflection + course.reflection_k[k],
        contact_mmhg=person.contact_mmhg + course.contact_mmhg_k[k],
        breathing_hz=breathing_hz,
    )
    yield render(person, state, config.simulate_stretch_s, draw), state


def _course(draw: np.random.Generator, config: ConfigDict) -> Course:
  """Slow changes of pressure, reflection and contact over the recording."""
  k = config.simulate_stretches
  step_s = config.simulate_duration_s / max(k - 1, 1)
  drift_k = DRIFT_MMHG * draw.standard_normal() * np.linspace(-1, 1, k)
  slow_k = SLOW_MMHG * _wandering(draw, k, step_s) + drift_k
  return Course(
      slow_mmhg_k=config.simulate_pressure_change * slow_k,
      reflection_k=0.02 * _wandering(draw, k, step_s),
      contact_mmhg_k=2.0 * _wandering(draw, k, step_s),
  )


def _wandering(draw: np.random.Generator, k: int, step_s: float) -> np.ndarray:
  """[k] an Ornstein-Uhlenbeck process of deviation 1 and SLOW_S."""
  keep = np.exp(-step_s / SLOW_S)
  value_k = np.zeros(k)
  value_k[0] = draw.standard_normal()
  for i in range(1, k):
    value_k[i] = keep * value_k[i - 1] + np.sqrt(1 - keep**2) * draw.standard_normal()
  return value_k


def _ppg(
    pulse: Pulse,
    state: State,
    draw: np.random.Generator,
    config: ConfigDict,
) -> np.ndarray:
  """[t] the PPG of a stretch: the volume with a baseline, noise, and now and then a movement."""
  length = len(pulse.volume_t)
  height = np.ptp(pulse.volume_t)
  time_s = np.arange(length) / RATE_HZ
  scale = config.simulate_artefacts * height
  phase = draw.uniform(0, 2 * np.pi)
  baseline_t = BASELINE * np.sin(2 * np.pi * state.breathing_hz * time_s + phase)
  noise_t = band_pass(draw.standard_normal(length), RATE_HZ, 0.5, 12.0)
  noise_t *= NOISE / max(noise_t.std(), 1e-9)
  bump_t = np.zeros(length)
  if draw.uniform() < length / RATE_HZ / 60:
    centre_s = draw.uniform(0, length / RATE_HZ)
    width_s = draw.uniform(0.2, 0.6)
    size = draw.normal()
    bump_t = size * np.exp(-((time_s - centre_s) / width_s) ** 2 / 2)
  return pulse.volume_t + scale * (baseline_t + noise_t + bump_t)


def _joined(
    name: str,
    person: Person,
    parts: list[tuple[Pulse, np.ndarray]],
) -> Record:
  """The record of all stretches, with gaps between them."""
  gap_t = np.full(round(GAP_S * RATE_HZ), np.nan, np.float32)
  columns = {"ppg_t": [], "abp_t": [], "sbp_t": [], "dbp_t": []}
  for pulse, ppg_t in parts:
    columns["ppg_t"] += [ppg_t, gap_t]
    columns["abp_t"] += [pulse.abp_t, gap_t]
    columns["sbp_t"] += [pulse.sbp_t, gap_t]
    columns["dbp_t"] += [pulse.dbp_t, gap_t]
  arrays = {key: np.concatenate(x[:-1]).astype(np.float32) for key, x in columns.items()}
  return Record(
      id=name,
      group=name,
      rate_hz=RATE_HZ,
      signals={"ppg_t": arrays["ppg_t"], "abp_t": arrays["abp_t"]},
      annotations={"sbp_t": arrays["sbp_t"], "dbp_t": arrays["dbp_t"]},
      info={"source": "simulated", **_about(person)},
  )


def _about(person: Person) -> dict[str, float | str]:
  return {"age": person.age, "sex": person.sex, "bmi": person.bmi}
