"""Many images side by side in one PNG."""
import pathlib

import numpy as np

MOST = 100   # images in one sheet


def save(images_b_y_x: np.ndarray, path: pathlib.Path) -> None:
  """Writes up to MOST images as grey values, each from 0 to its own maximum, with lines between.

  Of complex ones the modulus is shown; what is negative or not finite is black.
  """
  from PIL import Image
  grey_b_y_x = _grey(images_b_y_x[:MOST])
  lined = np.pad(grey_b_y_x, ((0, 0), (0, 1), (0, 1)), constant_values=0.5)

  across = int(np.ceil(np.sqrt(len(lined))))
  missing = -len(lined) % across
  filled = np.pad(lined, ((0, missing), (0, 0), (0, 0)))

  height, width = filled.shape[1:]
  rows = filled.reshape(-1, across, height, width)
  sheet = rows.swapaxes(1, 2).reshape(len(rows) * height, across * width)
  without_last_lines = sheet[:-1, :-1]
  pixels = np.rint(255 * without_last_lines).astype(np.uint8)
  Image.fromarray(pixels).save(path)


def _grey(images_b_y_x: np.ndarray) -> np.ndarray:
  """Images from 0 to 1."""
  if np.iscomplexobj(images_b_y_x):
    shown = np.abs(images_b_y_x)
  else:
    shown = np.maximum(images_b_y_x, 0).astype(float)
  shown = np.nan_to_num(shown)
  largest = shown.max((1, 2), keepdims=True)
  return shown / np.maximum(largest, 1e-30)
