"""Simulated intensive-care patients: a finger PPG, a chest impedance and the true breaths, in the form of BIDMC.

What goes in, per patient and all of it different from one to the next:
  breathing    6 to 35/min that wanders, irregular or by a ventilator; depth, I:E ratio, sighs, pauses of 8 to 15 s
  heart        rate with respiratory (RSA), 0.1 Hz (Mayer) and slow variability, premature beats
  PPG          a pulse a beat with a reflected wave; breathing moves its baseline, height and timing (RIIV, RIAV, RIFV:
               Charlton et al., IEEE Rev Biomed Eng 11:2-20, 2018), each with its own strength and delay, some too weak
               to see
  disturbance  Mayer waves and wander *inside* the breathing band, drift, motion, the monitor's dropouts, clipping
  reference    impedance with its polarity, delay, the heart's own impedance, motion, drift; clipped by its amplifier
So a band-pass filter finds the largest slow oscillation, which in a good part of the patients is not breathing.
"""
from typing import Any, NamedTuple

import numpy as np
import scipy.signal

from jaxsig.data.records import Record

_LEAD_S = 20.0  # simulated before 0 s and dropped, so that filters and delays have settled


class Patient(NamedTuple):
  """What stays with a patient. Strengths are fractions of the pulse's height (`_heart`: of the heart rate)."""
  age: float
  sex: str
  ventilated: bool
  rate_bpm: float
  irregular: float      # SD of the log of a breath's period
  rate_wander: float    # slow SD of the log of the rate
  depth_sd: float
  inspired: float       # share of the breath
  expiry: float         # < 1: falls at once and then tails off
  sighs_hz: float
  pauses_hz: float
  heart_bpm: float
  baseline: float       # signed, as next
  amplitude: float
  rsa_heart: float
  delay_s: np.ndarray   # of baseline, amplitude and heart rate behind breathing
  smooth_s: float       # of the vessels
  mayer_hz: float
  mayer: float
  mayer_heart: float
  wander: float         # 0.08 to 0.6 Hz, the band of breathing
  drift: float          # below it
  slow_heart: float
  premature: float      # share of beats
  beat_sd: float
  upstroke_s: float
  reflected: float
  reflected_s: float
  artefacts_hz: float
  noise: float
  height: float         # of the pulse, in the monitor's full scale
  full_scale: float
  polarity: int         # of the impedance
  resp_delay_s: float
  resp_gain: float      # above 1 it clips
  resp_ripple: float    # of the heart
  resp_noise: float
  resp_drift: float


def simulate(seed: int, n: int, config: Any) -> list[Record]:
  """Recordings of `n` patients; patient i depends on `seed` and i alone.

  Args:
    seed: any non-negative integer.
    n: patients.
    config: `simulate_duration_s`, `simulate_rate_hz`, `simulate_records_per_patient` (the most that one patient has).

  Returns:
    Records in BIDMC's form: signals {"ppg_t", "resp_t"} [T] float32, annotations {"breaths_1_s", "breaths_2_s"}, both
    the true ends of inspiration in seconds.
  """
  records = []
  for i in range(n):
    draw = _generator(seed, i, 0)
    patient = _patient(draw)
    rate_hz = float(config.simulate_rate_hz)
    for j in range(draw.integers(1, config.simulate_records_per_patient, endpoint=True)):
      signals, breaths_s = _recording(_generator(seed, i, 1 + j), patient, config.simulate_duration_s, rate_hz)
      info = {"age": patient.age, "sex": patient.sex, "source": "simulated"}
      name = f"sim{i:04}" + (f"_{j + 1}" if j else "")
      annotations = {"breaths_1_s": breaths_s, "breaths_2_s": breaths_s.copy()}
      records.append(Record(name, f"sim{i:04}", rate_hz, signals, annotations, info))
  return records


def _generator(*key: int) -> np.random.Generator:
  return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))


def _log_normal(rng: np.random.Generator, median: float, spread: float, low: float, high: float) -> float:
  return float(np.clip(median * np.exp(spread * rng.standard_normal()), low, high))


def _breathing_rate(rng: np.random.Generator) -> float:
  """Half of the patients breathe at 12 to 22/min, the others anywhere from 6 to 35/min."""
  if rng.random() < 0.5:
    return _log_normal(rng, 16.5, 0.15, 12, 22)
  return float(np.exp(rng.uniform(np.log(6), np.log(35))))


def _patient(rng: np.random.Generator) -> Patient:
  ventilated = rng.random() < 0.25
  away = 1 if ventilated else -1  # pressure from outside moves the blood the other way than a breath of one's own
  return Patient(
    age=float(rng.integers(19, 90)), sex=str(rng.choice(["F", "M"])), ventilated=ventilated,
    rate_bpm=_breathing_rate(rng),
    irregular=0.01 if ventilated else _log_normal(rng, 0.1, 0.5, 0.03, 0.25),
    rate_wander=0.01 if ventilated else rng.uniform(0.02, 0.12),
    depth_sd=0.03 if ventilated else rng.uniform(0.05, 0.3),
    inspired=rng.uniform(0.28, 0.5), expiry=rng.uniform(0.55, 0.95),
    sighs_hz=0 if ventilated else rng.uniform(0, 1 / 90),
    pauses_hz=rng.uniform(0, 1 / 90) if not ventilated and rng.random() < 0.3 else 0,
    heart_bpm=_log_normal(rng, 88, 0.2, 52, 135),
    baseline=away * _log_normal(rng, 0.09, 0.6, 0.02, 0.25),
    amplitude=-away * _log_normal(rng, 0.04, 0.7, 0.003, 0.15),
    rsa_heart=_log_normal(rng, 0.012, 0.9, 0.001, 0.08),
    delay_s=rng.uniform([0.1, 0.1, 0], [0.9, 1.2, 1]), smooth_s=rng.uniform(0.05, 0.25),
    mayer_hz=rng.uniform(0.07, 0.13), mayer=_log_normal(rng, 0.025, 0.9, 0.002, 0.15),
    mayer_heart=_log_normal(rng, 0.01, 0.7, 0.001, 0.04), slow_heart=rng.uniform(0.005, 0.03),
    wander=_log_normal(rng, 0.025, 0.7, 0.005, 0.12), drift=rng.uniform(0.02, 0.15),
    premature=rng.uniform(0, 0.06) if rng.random() < 0.15 else 0, beat_sd=rng.uniform(0.015, 0.05),
    upstroke_s=rng.uniform(0.13, 0.2), reflected=rng.uniform(0.15, 0.75), reflected_s=rng.uniform(0.34, 0.46),
    artefacts_hz=_log_normal(rng, 1 / 80, 0.8, 0, 1 / 15), noise=rng.uniform(0.002, 0.015),
    height=rng.uniform(0.2, 0.6), full_scale=float(rng.choice([1, 4], p=[0.8, 0.2])),
    polarity=int(rng.choice([1, -1], p=[0.92, 0.08])), resp_delay_s=rng.uniform(0, 0.3),
    resp_gain=_log_normal(rng, 1, 0.4, 0.15, 2), resp_ripple=_log_normal(rng, 0.05, 0.7, 0.01, 0.3),
    resp_noise=rng.uniform(0.005, 0.05), resp_drift=rng.uniform(0.02, 0.25))


def _recording(rng: np.random.Generator, p: Patient, duration_s: float, rate_hz: float) -> tuple[dict, np.ndarray]:
  t_s = np.arange(-round(_LEAD_S * rate_hz), round(duration_s * rate_hz)) / rate_hz
  breaths = _breaths(rng, p, t_s[0], t_s[-1])
  volume_t = _volume(breaths, p, t_s)
  moving_t = _vessels(volume_t, p.smooth_s, rate_hz)
  mayer_t = _noise(rng, t_s, p.mayer_hz - 0.01, p.mayer_hz + 0.01)
  beats_s, heights = _beats(rng, p, t_s, moving_t, mayer_t)
  pulses_t = _pulses(p, t_s, beats_s, heights)
  motion_t, events = _events(rng, p, t_s)
  ppg_t = pulses_t + _baseline(rng, p, t_s, moving_t, mayer_t) + motion_t
  resp_t = _impedance(rng, p, t_s, volume_t, pulses_t, motion_t)
  keep = t_s >= 0
  shown_t = _monitor(rng, p, ppg_t, t_s, events)
  signals = {"ppg_t": shown_t[keep].astype(np.float32), "resp_t": resp_t[keep].astype(np.float32)}
  peaks_s = breaths[0] + p.inspired * breaths[1]
  return signals, peaks_s[(peaks_s >= 0) & (peaks_s <= t_s[-1])]


def _breaths(rng: np.random.Generator, p: Patient, start_s: float, end_s: float) -> np.ndarray:
  """[3, breaths]: start in s, duration in s (a pause after it is not counted), depth."""
  rows, slow, t = [], p.rate_wander * rng.standard_normal(), start_s
  while t < end_s:
    slow = 0.97 * slow + p.rate_wander * np.sqrt(1 - 0.97**2) * rng.standard_normal()
    period = np.clip(60 / p.rate_bpm * np.exp(slow + p.irregular * rng.standard_normal()), 60 / 42, 60 / 4.5)
    depth, pause, chance = np.exp(p.depth_sd * rng.standard_normal()), 0.0, rng.random() / period
    if chance < p.sighs_hz:
      depth, period, pause = depth * rng.uniform(1.8, 2.6), 1.3 * period, rng.uniform(0, period)
    elif chance < p.sighs_hz + p.pauses_hz:
      pause = rng.uniform(8, 15)
    rows.append((t, period, depth))
    t += period + pause
  return np.array(rows).T


def _volume(breaths: np.ndarray, p: Patient, t_s: np.ndarray) -> np.ndarray:
  """Volume of the lungs [T]: 0 at rest, about 1 at the end of inspiration."""
  start_s, period_s, depth = breaths[:, np.maximum(np.searchsorted(breaths[0], t_s, side="right") - 1, 0)]
  phase = np.clip((t_s - start_s) / period_s, 0, 1)
  up = np.sin(0.5 * np.pi * np.minimum(phase / p.inspired, 1))**2
  down = np.cos(0.5 * np.pi * np.clip((phase - p.inspired) / (1 - p.inspired), 0, 1)**p.expiry)**2
  return depth * np.where(phase < p.inspired, up, down)


def _vessels(volume_t: np.ndarray, smooth_s: float, rate_hz: float) -> np.ndarray:
  """What breathing does to the circulation [T]: smoothed, around zero, amplitude about 1."""
  a = np.exp(-1 / (smooth_s * rate_hz))
  return scipy.signal.lfilter([1 - a], [1, -a], 2 * (volume_t - volume_t.mean()))


def _noise(rng: np.random.Generator, t_s: np.ndarray, low_hz: float, high_hz: float, power: float = 0) -> np.ndarray:
  """Noise [T] between two frequencies, amplitude as frequency**power, SD 1."""
  n = len(t_s)
  f_hz = np.fft.rfftfreq(n, t_s[1] - t_s[0])
  inside = (f_hz >= low_hz) & (f_hz <= high_hz)
  spectrum = np.where(inside, rng.standard_normal(len(f_hz)) + 1j * rng.standard_normal(len(f_hz)), 0)
  x = np.fft.irfft(spectrum * np.maximum(f_hz, f_hz[1])**power, n)
  return x / max(x.std(), 1e-9)


def _beats(rng: np.random.Generator, p: Patient, t_s: np.ndarray, moving_t: np.ndarray, mayer_t: np.ndarray) -> tuple:
  """Times in s and heights of the beats."""
  rate_hz = 1 / (t_s[1] - t_s[0])
  slow_t = _noise(rng, t_s, 0.005, 0.06, -1)
  rsa_t = p.rsa_heart * np.interp(t_s - p.delay_s[2], t_s, moving_t)
  phase_t = np.cumsum(p.heart_bpm / 60 / rate_hz * (1 + rsa_t + p.mayer_heart * mayer_t + p.slow_heart * slow_t))
  beats_s = np.interp(np.arange(1, phase_t[-1]), phase_t, t_s)
  period_s = np.diff(beats_s, prepend=2 * beats_s[0] - beats_s[1])
  heights = 1 + p.amplitude * np.interp(beats_s - p.delay_s[1], t_s, moving_t)
  heights += p.beat_sd * rng.standard_normal(len(beats_s)) + 0.3 * (period_s * p.heart_bpm / 60 - 1)  # a longer filling
  heights += 0.1 * np.interp(beats_s, t_s, _noise(rng, t_s, 0.005, 0.05, -1))
  early = rng.random(len(beats_s)) < p.premature
  heights *= np.where(early, 0.5, 1) * np.where(np.roll(early, 1), 1.2, 1)
  return beats_s - np.where(early, 0.25 * period_s, 0), np.maximum(heights, 0.1)


def _pulses(p: Patient, t_s: np.ndarray, beats_s: np.ndarray, heights: np.ndarray) -> np.ndarray:
  """The sum of all pulses [T], each the ejected and the reflected wave; they are faster in a faster heart."""
  rate_hz = 1 / (t_s[1] - t_s[0])
  stretch = np.sqrt(60 / p.heart_bpm / 0.75)
  first = np.ceil((beats_s - t_s[0]) * rate_hz).astype(int)
  where = first[:, None] + np.arange(int(1.6 * rate_hz))
  since = ((where / rate_hz + t_s[0]) - beats_s[:, None]) / stretch
  pulse = _wave(since, p.upstroke_s, 4) + p.reflected * _wave(since, p.reflected_s, 6)
  out_t = np.zeros(where.max() + 1)
  np.add.at(out_t, where, heights[:, None] * pulse)
  return out_t[:len(t_s)]


def _wave(since_s: np.ndarray, peak_s: float, sharp: float) -> np.ndarray:
  x = np.maximum(since_s, 0) / peak_s
  return (x * np.exp(1 - x))**sharp


def _baseline(rng: np.random.Generator, p: Patient, t_s: np.ndarray, moving_t: np.ndarray,
              mayer_t: np.ndarray) -> np.ndarray:
  breathing_t = p.baseline * np.interp(t_s - p.delay_s[0], t_s, moving_t)
  wander_t = p.wander * _noise(rng, t_s, 0.08, 0.6, -0.5)
  return breathing_t + 1.4 * p.mayer * mayer_t + wander_t + p.drift * _noise(rng, t_s, 0.005, 0.08, -1)


def _events(rng: np.random.Generator, p: Patient, t_s: np.ndarray) -> tuple[np.ndarray, list]:
  """Motion [T] and the (start, end) in s of the monitor's dropouts."""
  motion_t, dropouts = np.zeros(len(t_s)), []
  for start_s in rng.uniform(t_s[0], t_s[-1], rng.poisson(p.artefacts_hz * (t_s[-1] - t_s[0]))):
    length_s, size, kind = rng.uniform(1, 6), rng.uniform(0.3, 1.5), rng.integers(3)
    since = t_s - start_s
    if kind == 0:
      dropouts.append((start_s, start_s + length_s))
    elif kind == 1:  # a burst
      shape_t = np.sin(np.pi * np.clip(since / length_s, 0, 1))
      motion_t += size * shape_t * _noise(rng, t_s, 0.3, 4, -1)
    else:            # a jump that the monitor's high-pass filter brings back
      motion_t += rng.choice([-1, 1]) * size * np.where(since > 0, np.exp(-np.maximum(since, 0) / 2), 0)
  return motion_t, dropouts


def _monitor(rng: np.random.Generator, p: Patient, ppg_t: np.ndarray, t_s: np.ndarray, dropouts: list) -> np.ndarray:
  """The PPG [T] as the monitor shows it: noise, scale, dropouts (down, then held), clipping, 12 bits."""
  noisy_t = ppg_t + p.noise * rng.standard_normal(len(ppg_t))
  y_t = 0.5 + p.height * (noisy_t - np.median(ppg_t) - 0.15)
  for start_s, end_s in dropouts:
    inside = (t_s >= start_s) & (t_s < end_s)
    y_t = np.where(inside, np.where(t_s < start_s + 0.25 * (end_s - start_s), 0, 0.5), y_t)
  return p.full_scale * np.rint(4095 * np.clip(y_t, 0, 1)) / 4095


def _impedance(rng: np.random.Generator, p: Patient, t_s: np.ndarray, volume_t: np.ndarray, pulses_t: np.ndarray,
               motion_t: np.ndarray) -> np.ndarray:
  """The reference [T]: chest impedance behind a high-pass filter and an amplifier that clips."""
  rate_hz = 1 / (t_s[1] - t_s[0])
  heart_t = np.interp(t_s + 0.2, t_s, pulses_t)  # the chest is before the finger
  z_t = p.polarity * np.interp(t_s - p.resp_delay_s, t_s, volume_t) - p.resp_ripple * (heart_t - heart_t.mean())
  z_t += p.resp_noise * _noise(rng, t_s, 0.2, 3, -1)
  z_t += p.resp_drift * _noise(rng, t_s, 0.005, 0.08, -1)
  z_t += rng.uniform(0, 1) * np.interp(t_s + 0.2, t_s, motion_t)
  z_t = scipy.signal.sosfilt(scipy.signal.butter(1, 0.03, "high", fs=rate_hz, output="sos"), z_t)
  return np.rint(4095 * np.clip(0.5 + p.resp_gain * (z_t - 0.1), 0, 1)) / 4095
