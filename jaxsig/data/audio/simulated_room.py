"""Tracks in stereo: each at its place between left and right, and all in a room that echoes."""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Room(NamedTuple):
  """A room's echo.

  Attributes:
    decay_s: in which it falls by 60 dB.
    delay_s: until it begins.
    level: of its power over that of the direct sound.
  """
  decay_s: float
  delay_s: float
  level: float


def draw_room(draw: np.random.Generator, longest_s: float) -> Room:
  """A room whose echo lasts from 0.15 s to `longest_s`."""
  return Room(
      decay_s=draw.uniform(0.15, longest_s),
      delay_s=draw.uniform(0.002, 0.02),
      level=10 ** (draw.uniform(-16, -6) / 10),
  )


def placed(tracks: Sequence[np.ndarray], places: Sequence[float]) -> np.ndarray:
  """[t, 2] tracks [t] at places from -1, left, to 1, right, of the same power everywhere."""
  stereo_t_c = np.zeros((len(tracks[0]), 2), np.float32)
  for track_t, place in zip(tracks, places, strict=True):
    angle = np.pi / 4 * (1 + place)
    stereo_t_c[:, 0] += np.float32(np.cos(angle)) * track_t
    stereo_t_c[:, 1] += np.float32(np.sin(angle)) * track_t
  return stereo_t_c


def in_room(
    stereo_t_c: np.ndarray,
    room: Room,
    rate_hz: float,
    draw: np.random.Generator,
) -> np.ndarray:
  """[t, 2] a stem and its echo: noise that dies away, another on each side."""
  from scipy.signal import oaconvolve

  response_t_c = _response(room, rate_hz, draw)
  dry_t = stereo_t_c.mean(1)
  echo_t_c = oaconvolve(dry_t[:, None], response_t_c, axes=0)[:len(dry_t)]
  return stereo_t_c + echo_t_c.astype(np.float32)


def _response(room: Room, rate_hz: float, draw: np.random.Generator) -> np.ndarray:
  """[t, 2] the response to an impulse, of the power `room.level` on each side."""
  length = round(room.decay_s * rate_hz)
  delay = round(room.delay_s * rate_hz)
  time_s_t = np.arange(length) / rate_hz
  fall_t = 10 ** (-3 * time_s_t / room.decay_s)
  noise_t_c = draw.standard_normal((length, 2)) * fall_t[:, None]
  noise_t_c *= np.sqrt(room.level / (noise_t_c**2).sum(0))
  return np.pad(noise_t_c, ((delay, 0), (0, 0))).astype(np.float32)
