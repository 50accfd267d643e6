"""Arrays of numbers from NPY, HDF5 (CXI, NeXus) and TIFF files.

Each `UserError` names the file and the remedy.
"""
import os
import pathlib
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jaxsig.data.images.declared_size import check_affordable
from jaxsig.data.images.npy_files import read_npy
from jaxsig.data.images.npz_files import read_npz
from jaxsig.data.images.tiff_frames import TIFF, read_tiff
from jaxsig.errors import UserError

_LISTED = 3   # shapes in a sentence
ARRAYS = (".npy", ".npz")
HDF5 = (".h5", ".hdf5", ".cxi", ".nxs", ".hdf", ".nx5")


class NamedArray(NamedTuple):
  """An array, and what to call it in a sentence."""
  values: np.ndarray
  name: str
  note: str = ""   # which of several arrays it is


def read_array(
    source: str | pathlib.Path | ArrayLike,
    dataset: str | None = None,
) -> NamedArray:
  """Reads the array of a file of one array, or takes an array as it is.

  Args:
    source: an array, or the path of a .npy, .npz or .tif / .tiff (gray; pages become the first
      axis). A masked array, or a list of them, keeps its mask.
    dataset: the name of an array of a .npz; "" for the only one that can be images or frames;
      None where a user cannot name one.

  Raises:
    UserError: the file cannot be read, or is none of these, or a list has several shapes.
  """
  if not isinstance(source, (str, pathlib.Path)):
    return NamedArray(_as_array(source), "the array", _unused(dataset, "an array"))

  path = pathlib.Path(source)
  suffix = check_file(path)
  if suffix == ".npy":
    values = read_npy(path)
  elif suffix == ".npz":
    values, note = read_npz(path, dataset)
    return NamedArray(values, str(path), note)
  elif suffix in HDF5:
    raise UserError(f"{path} is HDF5, which is not read here: save its array by numpy.save as .npy")
  else:
    values = read_tiff(path)
  return NamedArray(values, str(path), _unused(dataset, f"a file {suffix}"))


def _unused(dataset: str | None, kind: str) -> str:
  """A note where a data set was named that nothing is chosen by."""
  if not dataset:
    return ""
  return f"own.dataset={dataset} is not used: {kind} is one array"


def _as_array(source: ArrayLike) -> np.ndarray:
  shape = getattr(source, "shape", ())
  if isinstance(shape, tuple) and all(isinstance(side, int) for side in shape):
    check_affordable(shape, "the array")
  if isinstance(source, np.ma.MaskedArray):
    return source
  is_list = isinstance(source, (list, tuple))
  try:
    if is_list and any(isinstance(part, np.ma.MaskedArray) for part in source):
      return np.ma.stack([np.ma.asarray(part) for part in source])
    return np.asarray(source)
  except ValueError as error:
    raise UserError(_of_several_shapes(source)) from error
  except Exception as error:   # a tensor on another device, or one that wants its gradient
    reason = " ".join(str(error).split())
    raise UserError(
      f"the array cannot be taken as one of NumPy ({reason}): give numpy.asarray of it"
    ) from error


def _of_several_shapes(source: ArrayLike) -> str:
  shapes = []
  if isinstance(source, (list, tuple)):
    for part in source:
      shape = getattr(part, "shape", None)
      if isinstance(shape, tuple) and shape not in shapes:
        shapes.append(shape)
  listed = ", ".join(map(str, shapes[:_LISTED]))
  if len(shapes) > _LISTED:
    listed += ", ..."
  if listed:
    listed = f" ({listed})"
  return (
    f"the images or frames do not make one array, their shapes differ{listed}: "
    "give them one shape, or save images in a folder"
  )


def check_file(path: pathlib.Path) -> str:
  """Returns the ending of a file that may hold an array.

  Raises:
    UserError: it does not exist, or its ending is another.
  """
  suffix = path.suffix.lower()
  if os.path.isdir(path):   # False of a name that is too long, where pathlib raises
    raise UserError(f"{path} is a folder: name a file")
  if suffix not in (*ARRAYS, *HDF5, *TIFF):
    others = ", ".join((*ARRAYS[1:], *HDF5, *TIFF))
    raise UserError(f"{path} is none of .npy, {others}: save it as one of them")
  if not os.path.isfile(path):
    raise UserError(f"{path} does not exist: name a file")
  return suffix
