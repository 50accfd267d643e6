"""Made-up data sets in the form of MNIST's files."""
import gzip
import pathlib
import struct

import numpy as np


def idx_bytes(x: np.ndarray, kind: int = 8) -> bytes:
  """Returns an idx file of the array; written from the format's description, not by its reader."""
  magic = bytes([0, 0, kind, x.ndim])
  lengths = struct.pack(f">{x.ndim}i", *x.shape)
  values = x.astype(np.uint8).tobytes()
  return magic + lengths + values


def write_family(
    folder: pathlib.Path,
    train: int = 23,
    test: int = 7,
    side: int = 8,
    packed: bool = True,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
  """Writes the four files of a data set; pixels and labels are different in every image.

  Returns:
    {"train" | "test": (images, labels)}.
  """
  folder.mkdir(parents=True, exist_ok=True)
  rng = np.random.default_rng(3)
  made = {}
  for part, prefix, n in (("train", "train", train), ("test", "t10k", test)):
    images = rng.integers(0, 256, (n, side, side)).astype(np.uint8)
    labels = (np.arange(n) % 10).astype(np.uint8)
    _write(folder / f"{prefix}-images-idx3-ubyte", images, packed)
    _write(folder / f"{prefix}-labels-idx1-ubyte", labels, packed)
    made[part] = (images, labels)
  return made


def _write(path: pathlib.Path, x: np.ndarray, packed: bool) -> None:
  content = idx_bytes(x)
  if packed:
    path = path.with_name(path.name + ".gz")
    content = gzip.compress(content)
  path.write_bytes(content)
