"""For the tests of a user's own images: a made-up one, and files of it."""
import pathlib

import numpy as np
from PIL import Image

SIDE = 28


def drawn(h: int = SIDE, w: int = SIDE, seed: int = 0) -> np.ndarray:
  """Returns uint8 [h, w], a bright textured rectangle on black."""
  top = h // 4
  left = w // 4
  texture = np.random.default_rng(seed).integers(100, 256, (h - 2 * top, w - 2 * left))
  x = np.zeros((h, w), np.uint8)
  x[top:h - top, left:w - left] = texture
  return x


def saved(path: pathlib.Path, x: np.ndarray, **options: object) -> pathlib.Path:
  """Writes pixels in the form that the path's suffix says; returns the path."""
  if path.suffix == ".npy":
    np.save(path, x)
  else:
    Image.fromarray(x).save(path, **options)
  return path
