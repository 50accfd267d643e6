"""Simulated songs: bass, drums, chords and a voice, in stereo, whose sum is the mixture.

Notes have random initial phases and stand in a room with an echo: without these a partial's
amplitude could be told from its phase.

Fields of `config.data` that are read here, besides those of `stem_records`:
  simulate_duration_s: of a song.
"""
from collections.abc import Iterator, Mapping

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.audio import simulated_score as scores
from jaxsig.data.audio.simulated_drums import SOUNDS, Kit, draw_kit, strokes
from jaxsig.data.audio.simulated_room import draw_room, in_room, placed
from jaxsig.data.audio.simulated_score import Note, Score, draw_score
from jaxsig.data.audio.simulated_tones import (
  Render,
  bass_sound,
  modulated_sound,
  pad_sound,
  plucked_sound,
  track,
)
from jaxsig.data.audio.simulated_voice import draw_singer, voice_sound
from jaxsig.data.audio.songs import STEMS
from jaxsig.data.audio.stem_records import place_of, record_of
from jaxsig.data.records import Record

MIXTURE_RMS = 0.1
SPREAD_DB = 3.0   # by which a stem's level is drawn higher or lower
LEVELS_DB = {"vocals": 0.0, "drums": -0.5, "bass": -1.0, "other": -2.0}   # while it plays
LONGEST_ECHO_S = {"vocals": 1.2, "drums": 0.5, "bass": 0.25, "other": 1.0}


def simulate(seed: int, n: int, config: ConfigDict) -> Iterator[Record]:
  """The records of n songs; song i is the same whatever n."""
  for i in range(n):
    stems = song_stems(seed, i, config.simulate_duration_s, config.rate_hz)
    info = {"source": "simulated", "artist": "", "title": "", "part": "", "notes": []}
    name = f"song{i:05d}"
    yield record_of(name, name, _chosen(stems, config.stems), info, config)


def _chosen(
    stems: Mapping[str, np.ndarray],
    names: tuple[str, ...],
) -> dict[str, np.ndarray]:
  """Stems of the names in their order; what is not among them joins "other"."""
  chosen = {name: np.zeros_like(stems["other"]) for name in names}
  for name, samples_t_c in stems.items():
    chosen[place_of(name, names, "a simulated song")] += samples_t_c
  return chosen


def song_stems(seed: int, number: int, duration_s: float, rate_hz: float) -> dict[str, np.ndarray]:
  """{stem: float32 [t, 2]} of song `number`."""
  length = round(duration_s * rate_hz)
  score = draw_score(_generator(seed, number, 0), duration_s, STEMS)
  players = {"vocals": _vocals, "drums": _drums, "bass": _bass, "other": _other}
  stems = {}
  for k, (stem, play) in enumerate(players.items()):
    draw = _generator(seed, number, 1 + k)
    dry_t_c = play(score, length, rate_hz, draw)
    room = draw_room(draw, LONGEST_ECHO_S[stem])
    wet_t_c = in_room(dry_t_c, room, rate_hz, draw)
    level_db = LEVELS_DB[stem] + draw.uniform(-SPREAD_DB, SPREAD_DB)
    played_share = len(score.active_bars(stem)) / score.bars
    stems[stem] = _levelled(wet_t_c, level_db, played_share)
  mixture_t_c = sum(stems.values())
  scale = MIXTURE_RMS / max(float(np.sqrt(np.mean(mixture_t_c**2))), 1e-9)
  return {stem: x * np.float32(scale) for stem, x in stems.items()}


def _generator(seed: int, number: int, part: int) -> np.random.Generator:
  """Random numbers of a part of a song."""
  return np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, number, part, 15))))


def _levelled(samples_t_c: np.ndarray, level_db: float, played_share: float) -> np.ndarray:
  """A stem whose root mean square, while it plays, is 10 ** (level_db / 20)."""
  power = max(float(np.mean(samples_t_c**2)), 1e-12)
  wanted = 10 ** (level_db / 10) * played_share
  return samples_t_c * np.float32(np.sqrt(wanted / power))


def _vocals(score: Score, length: int, rate_hz: float, draw: np.random.Generator) -> np.ndarray:
  """[t, 2] a voice near the middle, sometimes with a second one."""
  notes = scores.sung_notes(score, draw)
  voices = [track(notes, voice_sound(draw_singer(draw)), length, rate_hz, draw)]
  places = [draw.uniform(-0.15, 0.15)]
  if draw.uniform() < 0.3:
    higher = [note._replace(pitch=note.pitch + 12, loudness=0.4 * note.loudness) for note in notes]
    voices.append(track(higher, voice_sound(draw_singer(draw)), length, rate_hz, draw))
    places.append(draw.uniform(-0.7, 0.7))
  return placed(voices, places)


def _drums(score: Score, length: int, rate_hz: float, draw: np.random.Generator) -> np.ndarray:
  """[t, 2] a kit, the kick in the middle."""
  kit = draw_kit(draw)
  gains = {"kick": 1.0, "snare": draw.uniform(0.6, 1.0), "hat": draw.uniform(0.25, 0.6)}
  tracks = []
  for drum, notes in strokes(score, draw).items():
    struck = track(notes, _drum_sound(kit, drum), length, rate_hz, draw)
    tracks.append(gains[drum] * struck)
  return placed(tracks, [0.0, draw.uniform(-0.2, 0.2), draw.uniform(-0.6, 0.6)])


def _drum_sound(kit: Kit, drum: str) -> Render:
  """How a stroke on a drum of a kit is rendered."""

  def render(note: Note, rate_hz: float, draw: np.random.Generator) -> np.ndarray:
    return SOUNDS[drum](kit, note.loudness, rate_hz, draw)

  return render


def _bass(score: Score, length: int, rate_hz: float, draw: np.random.Generator) -> np.ndarray:
  """[t, 2] a bass in the middle."""
  sound = bass_sound(
      brightness=draw.uniform(0.25, 0.5),
      decay=draw.uniform(0.3, 2.0),
      glide=draw.normal(0, 0.06),
  )
  notes = scores.bass_notes(score, draw)
  return placed([track(notes, sound, length, rate_hz, draw)], [draw.uniform(-0.05, 0.05)])


def _other(score: Score, length: int, rate_hz: float, draw: np.random.Generator) -> np.ndarray:
  """[t, 2] held chords, broken chords, or both."""
  kind = draw.uniform()
  tracks, places = [], []
  if kind < 0.75:
    pad = pad_sound(
        slope=draw.uniform(0.9, 1.8),
        detune=draw.uniform(0.001, 0.005),
        attack_s=draw.uniform(0.01, 0.25),
    )
    tracks.append(track(scores.chord_notes(score, draw, "other"), pad, length, rate_hz, draw))
    places.append(draw.uniform(-0.8, 0.8))
  if kind > 0.3:
    struck = plucked_sound(brightness=draw.uniform(0.4, 0.75), decay=draw.uniform(1.5, 5))
    if draw.uniform() < 0.4:
      struck = modulated_sound(
          ratio=float(draw.choice([1, 2, 3])), index=draw.uniform(1, 4), decay=draw.uniform(3, 8))
    notes = scores.broken_chord_notes(score, draw, "other")
    tracks.append(0.7 * track(notes, struck, length, rate_hz, draw))
    places.append(draw.uniform(-0.8, 0.8))
  return placed(tracks, places)
