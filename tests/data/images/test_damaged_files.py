"""Files of every kind, damaged at random: each is read, or refused in one line."""
import pathlib

import h5py
import numpy as np
import pytest
from fake_images import drawn
from fake_intensity import centred, intensity, saved
from PIL import Image

from jaxsig.data.images.image_files import read_images
from jaxsig.data.images.intensities.intensity_file import read_intensity
from jaxsig.errors import UserError

FRAME = np.rint(centred(intensity())).astype(np.uint16)
IMAGES = ["a.png", "a.jpg", "a.gif", "a.bmp", "a.webp", "a.jp2", "a.pgm", "a.ico", "lzw.tif"]
ARRAYS = ["a.npy", "a.npz", "a.tif", "a.cxi", "a.h5"]
TIMES = 25


def written(path: pathlib.Path) -> pathlib.Path:
  """A sound file of the kind that its name says."""
  if path.name == "lzw.tif":
    Image.fromarray(drawn()).save(path, compression="tiff_lzw")
  elif path.name in IMAGES:
    Image.fromarray(drawn()).save(path)
  elif path.suffix == ".npz":
    np.savez_compressed(path, FRAME)
  elif path.suffix == ".h5":
    with h5py.File(path, "w") as file:
      stack = np.stack([FRAME] * 3)
      file.create_dataset("x", data=stack, chunks=(1, 32, 32), compression="gzip")
      file["mask"] = FRAME > 5
      file["link"] = h5py.ExternalLink("nowhere.cxi", "/entry_1/data_1/data")
  else:
    saved(path, FRAME)
  return path


def damaged(content: bytes, generator: np.random.Generator) -> bytes:
  """The content cut off, with other bytes, or with bytes too many."""
  place = int(generator.integers(len(content)))
  kind = generator.integers(4)
  if kind == 0:
    return content[:place]
  if kind == 1:
    return content[:place] + b"\xff" * 8 + content[place + 8:]
  if kind == 2:
    return content[:place] + generator.bytes(9) + content[place:]
  changed = bytearray(content)
  for reach in (64, 256, 2048):
    changed[int(generator.integers(min(reach, len(content))))] = int(generator.integers(256))
  return bytes(changed)


@pytest.mark.parametrize("name", [*IMAGES, *ARRAYS])
def test_damaged_files_are_read_or_refused(tmp_path, name):
  path = written(tmp_path / name)
  content = path.read_bytes()
  generator = np.random.default_rng(0)
  refused = 0
  for _ in range(TIMES):
    path.write_bytes(damaged(content, generator))
    readers = [lambda: read_images(path, 28)]
    if name in ARRAYS:
      readers = [
        *readers,
        lambda: read_intensity(path),
        lambda: read_intensity(FRAME, mask=path),
      ]
    for read in readers:
      try:
        read()
      except UserError as error:
        refused += 1
        assert "\n" not in str(error)
        assert name in str(error) or "the mask" in str(error)
  assert refused > TIMES / 4
