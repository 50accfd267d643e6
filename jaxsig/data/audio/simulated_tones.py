"""Notes as sums of partials whose initial phases are random, one after another in a track.

A partial is a power of the first one: its phase is so many times as fast, and so is its decay.
"""
from collections.abc import Callable, Sequence

import numpy as np

from jaxsig.data.audio.simulated_score import Note

BAND = 0.46     # over the sampling rate: no partial lies higher
FADE_S = 0.004  # of the beginning and the end of a note, at least

Render = Callable[[Note, float, np.random.Generator], np.ndarray]


def frequency_hz(pitch: float) -> float:
  """Frequency of MIDI's pitch, 69 is 440 Hz."""
  return 440.0 * 2.0 ** ((pitch - 69) / 12)


def track(
    notes: Sequence[Note],
    render: Render,
    length: int,
    rate_hz: float,
    draw: np.random.Generator,
) -> np.ndarray:
  """[t] float32: notes where they begin, each rendered as [n] by `render(note, rate_hz, draw)`."""
  track_t = np.zeros(length, np.float32)
  for note in notes:
    first = round(note.start_s * rate_hz)
    if first >= length:
      continue
    sound_t = render(note, rate_hz, draw)[:length - first]
    track_t[first:first + len(sound_t)] += sound_t
  return track_t


def partials(
    phase_t: np.ndarray,
    decay_t: np.ndarray,
    weight_h: np.ndarray,
    draw: np.random.Generator,
) -> np.ndarray:
  """[t] the sum of partials 1 to h, with random initial phases.

  Args:
    phase_t: of the first partial, in radians.
    decay_t: exponent of its decay, 0 where it does not decay; partial h decays h times as fast.
    weight_h: amplitude of each.
    draw: gives the initial phases.
  """
  first_t = np.exp(decay_t + 1j * phase_t).astype(np.complex64)
  turn_h = np.exp(2j * np.pi * draw.uniform(size=len(weight_h))) * weight_h
  power_t = first_t.copy()
  sum_t = np.zeros(len(phase_t), np.float32)
  for h, turn in enumerate(turn_h.astype(np.complex64)):
    if h:
      power_t *= first_t
    sum_t += power_t.real * turn.real
    sum_t -= power_t.imag * turn.imag
  return sum_t


def count_partials(highest_hz: float, rate_hz: float, most: int) -> int:
  """How many partials of a frequency lie in the band, at most so many and at least one."""
  return int(np.clip(BAND * rate_hz / highest_hz, 1, most))


def faded(sound_t: np.ndarray, attack_s: float, release_s: float, rate_hz: float) -> np.ndarray:
  """A sound with a raised cosine at its beginning and at its end, in place."""
  attack = min(max(2, round(attack_s * rate_hz)), len(sound_t) // 2)
  release = min(max(2, round(release_s * rate_hz)), len(sound_t) // 2)
  if attack:
    sound_t[:attack] *= _rise(attack)
  if release:
    sound_t[-release:] *= _rise(release)[::-1]
  return sound_t


def _rise(n: int) -> np.ndarray:
  return (0.5 - 0.5 * np.cos(np.pi * (np.arange(n) + 0.5) / n)).astype(np.float32)


def bass_sound(brightness: float, decay: float, glide: float) -> Render:
  """Plucked bass.

  Args:
    brightness: each partial is so much weaker than the one below, below 1.
    decay: of the first partial, per second.
    glide: by how much a note begins above or below its pitch, as a part of it.
  """

  def render(note: Note, rate_hz: float, draw: np.random.Generator) -> np.ndarray:
    time_s_t = np.arange(round(note.length_s * rate_hz)) / rate_hz
    f_hz = frequency_hz(note.pitch)
    slid_s_t = time_s_t - 0.04 * glide * np.expm1(-time_s_t / 0.04)
    weight_h = brightness ** np.arange(count_partials(f_hz, rate_hz, 12))
    sound_t = partials(2 * np.pi * f_hz * slid_s_t, -decay * time_s_t, weight_h, draw)
    return note.loudness * faded(sound_t, FADE_S, 0.03, rate_hz)

  return render


def pad_sound(slope: float, detune: float, attack_s: float) -> Render:
  """Two sustained voices that are detuned against each other.

  Args:
    slope: partial h has the amplitude h ** -slope.
    detune: of the voices, as a part of the frequency.
    attack_s: how long a note takes to rise.
  """

  def render(note: Note, rate_hz: float, draw: np.random.Generator) -> np.ndarray:
    release_s = 0.25
    time_s_t = np.arange(round((note.length_s + release_s) * rate_hz)) / rate_hz
    still_t = np.zeros(len(time_s_t))
    sound_t = np.zeros(len(time_s_t), np.float32)
    for side in (-1, 1):
      f_hz = frequency_hz(note.pitch) * (1 + side * detune)
      weight_h = np.arange(1.0, 1 + count_partials(f_hz, rate_hz, 10)) ** -slope
      sound_t += partials(2 * np.pi * f_hz * time_s_t, still_t, weight_h, draw)
    return note.loudness * faded(sound_t, attack_s, release_s, rate_hz)

  return render


def plucked_sound(brightness: float, decay: float) -> Render:
  """A string or key that is struck: partials die away, the high ones faster."""

  def render(note: Note, rate_hz: float, draw: np.random.Generator) -> np.ndarray:
    time_s_t = np.arange(round((note.length_s + 0.1) * rate_hz)) / rate_hz
    f_hz = frequency_hz(note.pitch)
    weight_h = brightness ** np.arange(count_partials(f_hz, rate_hz, 12))
    sound_t = partials(2 * np.pi * f_hz * time_s_t, -decay * time_s_t, weight_h, draw)
    return note.loudness * faded(sound_t, FADE_S, 0.05, rate_hz)

  return render


def modulated_sound(ratio: float, index: float, decay: float) -> Render:
  """Keys by frequency modulation.

  Args:
    ratio: of the modulating frequency to that of the note.
    index: of modulation at the beginning, in radians.
    decay: of index and loudness, per second.
  """

  def render(note: Note, rate_hz: float, draw: np.random.Generator) -> np.ndarray:
    time_s_t = (np.arange(round((note.length_s + 0.1) * rate_hz)) / rate_hz).astype(np.float32)
    f_hz = frequency_hz(note.pitch)
    turn = 2 * np.pi * draw.uniform(size=2)
    fall_t = np.exp(-decay * time_s_t)
    highest = 0.4 * rate_hz / f_hz - 1   # partials that carry power stay below Nyquist
    most = max(0.0, highest / ratio - 1)
    modulator_t = np.sin(2 * np.pi * f_hz * ratio * time_s_t + turn[0])
    angle_t = 2 * np.pi * f_hz * time_s_t + min(index, most) * fall_t * modulator_t + turn[1]
    sound_t = np.sin(angle_t) * fall_t
    return note.loudness * faded(sound_t.astype(np.float32), FADE_S, 0.05, rate_hz)

  return render
