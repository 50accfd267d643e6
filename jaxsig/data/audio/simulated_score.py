"""What the players of a simulated song play: tempo, key, chords, rests and notes."""
from typing import NamedTuple

import numpy as np

BEATS = 4              # of a bar
BARS_AT_ONCE = 4       # a player rests or plays for so many bars
REST_PROBABILITY = 0.25
MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)
PROGRESSIONS = (   # degrees of the scale, a chord a bar
    (0, 4, 5, 3),
    (0, 5, 3, 4),
    (5, 3, 0, 4),
    (0, 3, 5, 4),
    (0, 2, 3, 4),
    (0, 6, 5, 6),
    (1, 4, 0, 5),
    (0, 0, 3, 4),
)


class Note(NamedTuple):
  """A note: when it begins, how long it is held, MIDI's number of its pitch, and its loudness."""
  start_s: float
  length_s: float
  pitch: float
  loudness: float


class Score(NamedTuple):
  """A song's plan.

  Attributes:
    beat_s: length of a beat.
    bars: how many bars begin within the song.
    key: pitch class of the tonic, 0 to 11.
    scale: semitones above it.
    degree_bar: degree of the chord of each bar.
    plays: {player: [block] bool}, for blocks of four bars.
  """
  beat_s: float
  bars: int
  key: int
  scale: tuple[int, ...]
  degree_bar: np.ndarray
  plays: dict[str, np.ndarray]

  def pitch(self, degree: int, octave: int) -> int:
    """MIDI's number of a degree of the scale; degrees from 7 on lie an octave higher."""
    return 12 * octave + self.key + 12 * (degree // 7) + self.scale[degree % 7]

  def active_bars(self, player: str) -> np.ndarray:
    """Numbers of the bars in which a player plays."""
    playing_bar = np.repeat(self.plays[player], BARS_AT_ONCE)[:self.bars]
    return np.flatnonzero(playing_bar)


def draw_score(draw: np.random.Generator, duration_s: float, players: tuple[str, ...]) -> Score:
  """The plan of a song of some length for named players."""
  beat_s = 60 / draw.uniform(72, 160)
  bars = int(np.ceil(duration_s / (BEATS * beat_s)))
  scale = (MAJOR, MINOR)[draw.integers(2)]
  progression = PROGRESSIONS[draw.integers(len(PROGRESSIONS))]
  blocks = -(-bars // BARS_AT_ONCE)
  return Score(
      beat_s=beat_s,
      bars=bars,
      key=int(draw.integers(12)),
      scale=scale,
      degree_bar=np.resize(progression, bars),
      plays=_plays(draw, blocks, players),
  )


def _plays(
    draw: np.random.Generator,
    blocks: int,
    players: tuple[str, ...],
) -> dict[str, np.ndarray]:
  """Who plays in each block: somebody always, and everybody once."""
  plays_p_b = draw.uniform(size=(len(players), blocks)) >= REST_PROBABILITY
  for block in range(blocks):
    if not plays_p_b[:, block].any():
      plays_p_b[draw.integers(len(players)), block] = True
  for player in range(len(players)):
    if not plays_p_b[player].any():
      plays_p_b[player, draw.integers(blocks)] = True
  return dict(zip(players, plays_p_b, strict=True))


def bass_notes(score: Score, draw: np.random.Generator) -> list[Note]:
  """A riff of eighths on the root, the fifth and the octave of each chord."""
  is_struck = draw.uniform(size=8) < draw.uniform(0.3, 0.8)
  is_struck[0] = True
  above = draw.choice([0, 0, 0, 7, 12], size=8)
  starts = np.flatnonzero(is_struck)
  lengths = np.diff([*starts, 8])
  notes = []
  for bar in score.active_bars("bass"):
    root = _low(score.pitch(int(score.degree_bar[bar]), 2))
    for start, length in zip(starts, lengths, strict=True):
      start_s = (BEATS * bar + start / 2) * score.beat_s
      held_s = min(length / 2 * score.beat_s, 1.2) * draw.uniform(0.7, 0.95)
      notes.append(Note(start_s, held_s, root + above[start], draw.uniform(0.7, 1.0)))
  return notes


def _low(pitch: int) -> int:
  """The same pitch class from E1, 41 Hz, to D#2, 78 Hz."""
  return 28 + (pitch - 28) % 12


def chord_notes(score: Score, draw: np.random.Generator, player: str) -> list[Note]:
  """The triad of each bar, held."""
  notes = []
  for bar in score.active_bars(player):
    degree = int(score.degree_bar[bar])
    turn = int(draw.integers(3))
    for third in range(3):
      pitch = score.pitch(degree + 2 * third, 4)
      if third < turn:
        pitch += 12
      start_s = BEATS * bar * score.beat_s + draw.uniform(0, 0.02)
      held_s = BEATS * score.beat_s * 0.97
      notes.append(Note(start_s, held_s, pitch, draw.uniform(0.8, 1.0)))
  return notes


def broken_chord_notes(score: Score, draw: np.random.Generator, player: str) -> list[Note]:
  """The chords' notes one after another, in eighths or sixteenths, with gaps."""
  per_beat = int(draw.choice([2, 2, 4]))
  order = draw.integers(0, 5, size=8)
  density = draw.uniform(0.5, 0.95)
  notes = []
  for bar in score.active_bars(player):
    degree = int(score.degree_bar[bar])
    for step in range(BEATS * per_beat):
      if draw.uniform() > density:
        continue
      pitch = score.pitch(degree + 2 * int(order[step % 8]), 5)
      start_s = (BEATS * bar + step / per_beat) * score.beat_s + draw.normal(0, 0.003)
      held_s = score.beat_s / per_beat * draw.uniform(0.8, 1.6)
      notes.append(Note(max(start_s, 0.0), held_s, pitch, draw.uniform(0.5, 1.0)))
  return notes


def sung_notes(score: Score, draw: np.random.Generator) -> list[Note]:
  """A melody in steps of the scale, in phrases of two bars with a breath after them."""
  register = int(draw.choice([3, 4, 4, 5]))
  degree = int(draw.integers(0, 7))
  notes = []
  for bar in score.active_bars("vocals"):
    beat = float(draw.choice([0.0, 0.0, 0.5, 1.0]))
    last = BEATS - draw.uniform(0.2, 1.0) * (bar % 2)
    while beat < last - 0.25:
      length = float(draw.choice([0.5, 0.5, 1.0, 1.0, 1.5, 2.0]))
      length = min(length, last - beat)
      degree = int(np.clip(degree + draw.integers(-2, 3), -3, 9))
      pitch = score.pitch(degree + 7, register - 1) + 12
      start_s = (BEATS * bar + beat) * score.beat_s + abs(draw.normal(0, 0.012))
      is_sung = draw.uniform() < 0.88
      if is_sung:
        notes.append(Note(start_s, length * score.beat_s * 0.96, pitch, draw.uniform(0.6, 1.0)))
      beat += length
  return notes
