"""For the tests of diffraction intensities: made-up ones, and files of them."""
import pathlib
import struct

import h5py
import numpy as np
from PIL import Image


def intensity(m: int = 32, n: int = 12, seed: int = 0) -> np.ndarray:
  """Returns |F x|^2 [m, m] of a non-negative object of n x n, zero frequency at [0, 0]."""
  x = np.zeros((m, m))
  x[2:2 + n, 3:3 + n] = np.random.default_rng(seed).uniform(0, 1, (n, n))
  return np.abs(np.fft.fft2(x))**2


def centred(x: np.ndarray) -> np.ndarray:
  """Returns frames with the zero frequency in the middle instead of at [0, 0]."""
  return np.fft.fftshift(x, (-2, -1))


def saved(path: pathlib.Path, x: np.ndarray) -> pathlib.Path:
  """Writes frames in the form that the path's suffix says; returns the path."""
  if path.suffix == ".npy":
    np.save(path, x)
  elif path.suffix == ".tif":
    _save_tiff(path, x)
  else:
    with h5py.File(path, "w") as file:
      file["entry_1/data_1/data"] = x
  return path


def _save_tiff(path: pathlib.Path, x: np.ndarray) -> None:
  frames = x
  if x.ndim == 2:
    frames = x[None]
  pages = [Image.fromarray(frame) for frame in frames]
  pages[0].save(path, save_all=True, append_images=pages[1:])


def tiff_bytes(x_v_u: np.ndarray, signed: bool) -> bytes:
  """Returns a gray TIFF of one strip, by hand: pillow writes no unsigned one of 32 bits."""
  h, w = x_v_u.shape
  header_bytes = 8
  sample_format = 1
  if signed:
    sample_format = 2
  tags = {
    256: w,
    257: h,
    258: 8 * x_v_u.dtype.itemsize,   # bits of a sample
    259: 1,                          # not compressed
    262: 1,                          # black is 0
    273: header_bytes,               # where the strip begins
    277: 1,                          # samples to a pixel
    278: h,                          # rows of the strip
    279: x_v_u.nbytes,
    339: sample_format,
  }
  directory = struct.pack("<H", len(tags))
  for tag, value in tags.items():
    directory += struct.pack("<HHII", tag, 4, 1, value)
  no_next = bytes(4)
  place_of_directory = struct.pack("<I", header_bytes + x_v_u.nbytes)
  return b"II*\0" + place_of_directory + x_v_u.tobytes() + directory + no_next
