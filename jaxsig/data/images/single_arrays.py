"""NPY files of one image, as there may be several in a folder."""
import pathlib

import numpy as np

from jaxsig.data.images.array_axes import images_of
from jaxsig.data.images.npy_files import read_npy
from jaxsig.errors import UserError

NPY = ".npy"


def only_image(path: pathlib.Path) -> np.ndarray:
  """Returns the only image [h, w] or [h, w, c] of an NPY file.

  Raises:
    UserError: it has several, or cannot be read.
  """
  frames, _ = images_of(read_npy(path), str(path))
  if len(frames) > 1:
    raise UserError(f"{path} holds {len(frames)} images: name it alone, without the others")
  return frames[0]
