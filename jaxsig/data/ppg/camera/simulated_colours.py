"""Traces of R, G and B of skin that a camera sees, of a simulated pulse.

The skin reflects light that blood has weakened (de Haan and Jeanne 2013; Wang et al. 2017, Eq. 1):

  C(t) = I(t) (base (1 - a p v(t)) + mean(base) g (1 + s(t))) + noise

with the light I, which drifts and sways as the head does; the skin's colour `base`; the strength
of the pulse a; how each colour feels it, p; the volume v; and a glare g that holds no pulse and
moves with s.
"""
from typing import NamedTuple

import numpy as np

FRAME_RATE_HZ = 30.0
ABSORPTION_C = np.array([0.33, 0.77, 0.53]) / 0.77   # of blood for R, G, B, over that of green
FAIR_C = np.array([205.0, 160.0, 135.0])             # skins, of 255
DARK_C = np.array([80.0, 52.0, 40.0])
FACE_S = 0.06          # by which a region of a face smooths the pulse
STRENGTH = 0.006       # of the pulse in green, of the skin's reflection
STRENGTH_LOG_SD = 0.4  # of people
LIGHT_SD, LIGHT_S = 0.05, 3.0   # of the light's drift: deviation, time constant
SWAY = 0.01
SWAY_HZ = (0.15, 0.5)
GLARE = 0.15           # of the skin's mean reflection
GLARE_SD = 0.1         # of its movement
NOISE = 4e-4           # of the mean over the region in a frame, of 255


class Skin(NamedTuple):
  """How the skin of a person looks."""
  base_c: np.ndarray    # [3] R, G, B
  strength: float


def draw_skin(draw: np.random.Generator) -> Skin:
  """A skin between fair and dark, and the strength of the pulse in it."""
  darkness = draw.uniform()
  base_c = FAIR_C + darkness * (DARK_C - FAIR_C)
  return Skin(base_c, STRENGTH * np.exp(STRENGTH_LOG_SD * draw.standard_normal()))


def colours(
    volume_t: np.ndarray,
    rate_hz: float,
    skin: Skin,
    artefacts: float,
    draw: np.random.Generator,
) -> np.ndarray:
  """[t, 3] R, G and B of a stretch at FRAME_RATE_HZ.

  Args:
    volume_t: [t] blood volume in the vessels, without unit.
    rate_hz: its sampling rate.
    skin: whose.
    artefacts: scales the light's drift, the sway, the glare's movement and the noise.
    draw: of this stretch alone.
  """
  import scipy.signal

  keep = np.exp(-1 / (rate_hz * FACE_S))
  smooth_t = scipy.signal.lfilter([1 - keep], [1, -keep], volume_t - volume_t[0]) + volume_t[0]
  frames = int(len(volume_t) / rate_hz * FRAME_RATE_HZ)
  time_s = np.arange(frames) / FRAME_RATE_HZ
  volume_t = np.interp(time_s, np.arange(len(smooth_t)) / rate_hz, smooth_t)
  volume_t = (volume_t - volume_t.mean()) / max(volume_t.std(), 1e-9)

  sway_hz = draw.uniform(*SWAY_HZ)
  sway_t = np.sin(2 * np.pi * sway_hz * time_s + draw.uniform(0, 2 * np.pi))
  drift_t = LIGHT_SD * _walk(draw, frames) + SWAY * sway_t
  light_t = 1 + artefacts * drift_t
  shine_t = artefacts * GLARE_SD * _walk(draw, frames)

  reflected_t_c = skin.base_c * (1 - skin.strength * ABSORPTION_C * volume_t[:, None])
  glare_t = skin.base_c.mean() * GLARE * (1 + shine_t)
  noise_t_c = NOISE * 255 * draw.standard_normal((frames, 3))
  return light_t[:, None] * (reflected_t_c + glare_t[:, None]) + artefacts * noise_t_c


def _walk(draw: np.random.Generator, frames: int) -> np.ndarray:
  """[t] a wandering of deviation 1 with the time constant LIGHT_S."""
  import scipy.signal

  keep = np.exp(-1 / (FRAME_RATE_HZ * LIGHT_S))
  step_t = np.sqrt(1 - keep**2) * draw.standard_normal(frames)
  first = draw.standard_normal()
  walk_t, _ = scipy.signal.lfilter([1.0], [1, -keep], step_t, zi=[keep * first])
  return walk_t
