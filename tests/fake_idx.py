"""Made-up data sets in the form of MNIST's files."""
import gzip
import pathlib
import struct

import numpy as np


def idx_bytes(x: np.ndarray, kind: int = 8) -> bytes:
  """An idx file of the array: written from the format's description, apart from its reader."""
  return bytes([0, 0, kind, x.ndim]) + struct.pack(f">{x.ndim}i", *x.shape) + x.astype(np.uint8).tobytes()


def write_family(folder: pathlib.Path, train: int = 23, test: int = 7, side: int = 8, packed: bool = True) -> dict:
  """Writes the four files; returns {part: (images, labels)}. Pixels and labels are different in every image."""
  folder.mkdir(parents=True, exist_ok=True)
  rng, made = np.random.default_rng(3), {}
  for part, prefix, n in (("train", "train", train), ("test", "t10k", test)):
    made[part] = rng.integers(0, 256, (n, side, side)).astype(np.uint8), (np.arange(n) % 10).astype(np.uint8)
    for x, name in zip(made[part], ("images-idx3-ubyte", "labels-idx1-ubyte"), strict=True):
      content = idx_bytes(x)
      (folder / f"{prefix}-{name}{'.gz' if packed else ''}").write_bytes(gzip.compress(content) if packed else content)
  return made
