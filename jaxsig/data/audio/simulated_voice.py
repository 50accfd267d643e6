"""A simulated voice: harmonics under formants that move between vowels, vibrato and breath."""
from typing import NamedTuple

import numpy as np

from jaxsig.data.audio.simulated_score import Note
from jaxsig.data.audio.simulated_tones import Render, count_partials, faded, frequency_hz

# Frequencies of the first four formants of vowels, in Hz.
VOWELS_HZ = (
    (730, 1090, 2440, 3400),
    (530, 1840, 2480, 3500),
    (270, 2290, 3010, 3600),
    (570, 840, 2410, 3300),
    (300, 870, 2240, 3250),
    (490, 1350, 1690, 3300),
)
FORMANT_GAINS = (1.0, 0.6, 0.3, 0.18)
BANDWIDTH_HZ = (80.0, 110.0, 160.0, 220.0)
MOST_PARTIALS = 40
JITTER = 4e-3     # deviation of the pitch, as a part of it
JITTER_S = 0.02   # between its values


class Singer(NamedTuple):
  """How a song's voice sounds.

  Attributes:
    tract: factor of all formants.
    vibrato_hz, vibrato: its rate, and its depth as a part of the frequency.
    breath: level of noise over that of the harmonics.
    tilt: partial h of the source has the amplitude h ** -tilt.
  """
  tract: float
  vibrato_hz: float
  vibrato: float
  breath: float
  tilt: float


def draw_singer(draw: np.random.Generator) -> Singer:
  """The voice of a song."""
  return Singer(
      tract=draw.uniform(0.9, 1.2),
      vibrato_hz=draw.uniform(4.8, 6.6),
      vibrato=draw.uniform(0.004, 0.018),
      breath=draw.uniform(0.01, 0.05),
      tilt=draw.uniform(0.8, 1.3),
  )


def voice_sound(singer: Singer) -> Render:
  """Sung notes, each from one vowel to another."""

  def render(note: Note, rate_hz: float, draw: np.random.Generator) -> np.ndarray:
    length = max(8, round((note.length_s + 0.06) * rate_hz))
    f_hz_t = frequency_hz(note.pitch) * _course(singer, length, rate_hz, draw)
    h = count_partials(float(f_hz_t.max()), rate_hz, MOST_PARTIALS)
    from_h = _weights(singer, f_hz_t.mean(), h, draw)
    to_h = _weights(singer, f_hz_t.mean(), h, draw)
    phase_t = 2 * np.pi * np.cumsum(f_hz_t) / rate_hz
    sound_t = _between(phase_t, from_h, to_h, draw)
    breath_t = draw.standard_normal(length + 1, np.float32)
    sound_t += singer.breath * (breath_t[1:] - 0.5 * breath_t[:-1])
    return note.loudness * faded(sound_t, draw.uniform(0.015, 0.05), 0.06, rate_hz)

  return render


def _course(
    singer: Singer,
    length: int,
    rate_hz: float,
    draw: np.random.Generator,
) -> np.ndarray:
  """[t] the frequency over that of the note: a slide into it, vibrato that sets in, jitter."""
  time_s_t = np.arange(length) / rate_hz
  slide_t = draw.normal(0, 0.025) * np.exp(-time_s_t / 0.04)
  set_in_t = np.clip((time_s_t - 0.12) / 0.25, 0, 1)
  turn = draw.uniform()
  vibrato_t = singer.vibrato * set_in_t * np.sin(
      2 * np.pi * (singer.vibrato_hz * time_s_t + turn))
  knots = int(length / rate_hz / JITTER_S) + 2
  jitter_t = np.interp(time_s_t, JITTER_S * np.arange(knots), draw.normal(0, JITTER, knots))
  return 1 + slide_t + vibrato_t + jitter_t


def _weights(singer: Singer, f_hz: float, h: int, draw: np.random.Generator) -> np.ndarray:
  """[h] amplitudes of the harmonics of a frequency in a vowel, of unit power."""
  formants_hz = singer.tract * np.array(VOWELS_HZ[draw.integers(len(VOWELS_HZ))])
  at_hz_h = f_hz * np.arange(1, h + 1)
  weight_h = np.full(h, 0.02)
  for formant_hz, gain, width_hz in zip(formants_hz, FORMANT_GAINS, BANDWIDTH_HZ, strict=True):
    weight_h += gain / (1 + ((at_hz_h - formant_hz) / width_hz) ** 2)
  weight_h *= np.arange(1.0, h + 1) ** -singer.tilt
  return weight_h / np.sqrt((weight_h**2).sum() / 2)


def _between(
    phase_t: np.ndarray,
    from_h: np.ndarray,
    to_h: np.ndarray,
    draw: np.random.Generator,
) -> np.ndarray:
  """[t] harmonics with random initial phases whose weights go from some to others."""
  first_t = np.exp(1j * phase_t).astype(np.complex64)
  turn_h = np.exp(2j * np.pi * draw.uniform(size=len(from_h)))
  from_h = (turn_h * from_h).astype(np.complex64)
  to_h = (turn_h * to_h).astype(np.complex64)
  power_t = first_t.copy()
  begin_t = np.zeros(len(phase_t), np.float32)
  end_t = np.zeros(len(phase_t), np.float32)
  for h in range(len(from_h)):
    if h:
      power_t *= first_t
    begin_t += power_t.real * from_h[h].real - power_t.imag * from_h[h].imag
    end_t += power_t.real * to_h[h].real - power_t.imag * to_h[h].imag
  share_t = np.linspace(0, 1, len(phase_t), dtype=np.float32)
  return begin_t + share_t * (end_t - begin_t)
