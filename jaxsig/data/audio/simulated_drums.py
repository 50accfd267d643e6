"""Simulated drums: kicks whose pitch falls, snares of a tone and noise, hats of bright noise."""
from typing import NamedTuple

import numpy as np

from jaxsig.data.audio.simulated_score import BEATS, Note, Score

STEPS = 16         # of a bar
JITTER_S = 0.003   # deviation of a stroke from its time


class Kit(NamedTuple):
  """How a song's drums sound.

  Attributes:
    kick_hz, kick_sweep_hz, kick_decay: of a kick: its last frequency, how much higher it begins,
      and its decay per second.
    snare_hz, snare_decay, snare_noise: its tone, its decay, and the share of noise.
    hat_decay: of a hat, per second.
  """
  kick_hz: float
  kick_sweep_hz: float
  kick_decay: float
  snare_hz: float
  snare_decay: float
  snare_noise: float
  hat_decay: float


def draw_kit(draw: np.random.Generator) -> Kit:
  """The drums of a song."""
  return Kit(
      kick_hz=draw.uniform(42, 62),
      kick_sweep_hz=draw.uniform(80, 220),
      kick_decay=draw.uniform(9, 18),
      snare_hz=draw.uniform(150, 240),
      snare_decay=draw.uniform(14, 26),
      snare_noise=draw.uniform(0.5, 0.85),
      hat_decay=draw.uniform(25, 70),
  )


def strokes(score: Score, draw: np.random.Generator) -> dict[str, list[Note]]:
  """{drum: its strokes}: a pattern of sixteenths a song, with strokes added and left out."""
  pattern = {
      "kick": _chances(draw, [0, 8], [4, 6, 10, 12, 14], 0.35),
      "snare": _chances(draw, [4, 12], [7, 9, 15], 0.12),
      "hat": _chances(draw, range(0, STEPS, 2), range(1, STEPS, 2), draw.uniform(0, 0.6)),
  }
  played = {drum: [] for drum in pattern}
  for bar in score.active_bars("drums"):
    for drum, chance_step in pattern.items():
      for step in np.flatnonzero(draw.uniform(size=STEPS) < chance_step):
        beat = BEATS * (bar + step / STEPS)
        start_s = max(0.0, beat * score.beat_s + draw.normal(0, JITTER_S))
        loudness = draw.uniform(0.8, 1.0)
        if step % 2:
          loudness *= 0.6
        played[drum].append(Note(start_s, 0.0, 0.0, loudness))
  return played


def _chances(
    draw: np.random.Generator,
    always: list[int] | range,
    sometimes: list[int] | range,
    share: float,
) -> np.ndarray:
  """[step] the probability of a stroke: of a song's pattern, which is mostly kept."""
  chance_step = np.full(STEPS, 0.01)
  for step in always:
    chance_step[step] = 0.97
  for step in sometimes:
    if draw.uniform() < share:
      chance_step[step] = 0.85
  return chance_step


def kick(kit: Kit, loudness: float, rate_hz: float, draw: np.random.Generator) -> np.ndarray:
  """[t] a sine whose frequency falls, from a random phase, with a click."""
  time_s_t = np.arange(round(min(0.45, 5 / kit.kick_decay) * rate_hz)) / rate_hz
  swept = kit.kick_sweep_hz * 0.03 * -np.expm1(-time_s_t / 0.03)
  angle_t = 2 * np.pi * (kit.kick_hz * time_s_t + swept + draw.uniform())
  sound_t = np.sin(angle_t) * np.exp(-kit.kick_decay * time_s_t)
  click_t = draw.standard_normal(len(time_s_t)) * np.exp(-time_s_t / 0.002)
  return (loudness * _started(sound_t + 0.15 * click_t, rate_hz)).astype(np.float32)


def snare(kit: Kit, loudness: float, rate_hz: float, draw: np.random.Generator) -> np.ndarray:
  """[t] two tones and noise that die away."""
  time_s_t = np.arange(round(5 / kit.snare_decay * rate_hz)) / rate_hz
  turn = draw.uniform(size=2)
  low_t = np.sin(2 * np.pi * (kit.snare_hz * time_s_t + turn[0]))
  high_t = 0.6 * np.sin(2 * np.pi * (1.6 * kit.snare_hz * time_s_t + turn[1]))
  noise_t = draw.standard_normal(len(time_s_t) + 1)
  noise_t = noise_t[1:] + 0.3 * noise_t[:-1]
  tone_t = (low_t + high_t) * np.exp(-1.6 * kit.snare_decay * time_s_t)
  rattle_t = 0.6 * noise_t * np.exp(-kit.snare_decay * time_s_t)
  sound_t = (1 - kit.snare_noise) * tone_t + kit.snare_noise * rattle_t
  return (loudness * _started(sound_t, rate_hz)).astype(np.float32)


def hat(kit: Kit, loudness: float, rate_hz: float, draw: np.random.Generator) -> np.ndarray:
  """[t] noise, twice differenced, that dies away; one in eight is open."""
  decay = kit.hat_decay
  if draw.uniform() < 0.125:
    decay /= 4
  time_s_t = np.arange(round(4 / decay * rate_hz)) / rate_hz
  noise_t = np.diff(draw.standard_normal(len(time_s_t) + 2), 2)
  sound_t = 0.25 * noise_t * np.exp(-decay * time_s_t)
  return (loudness * _started(sound_t, rate_hz)).astype(np.float32)


def _started(sound_t: np.ndarray, rate_hz: float) -> np.ndarray:
  """A sound that begins within a millisecond rather than at once."""
  rise = max(1, round(0.001 * rate_hz))
  sound_t[:rise] *= (np.arange(rise) + 1) / (rise + 1)
  return sound_t


SOUNDS = {"kick": kick, "snare": snare, "hat": hat}
