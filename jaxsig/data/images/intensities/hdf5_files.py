"""Frames and masks of HDF5 files (CXI, NeXus, master files of detectors)."""
import pathlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jaxsig.data.images.declared_size import check_affordable
from jaxsig.data.images.intensities.detector_masks import Mask, masks_of
from jaxsig.data.images.intensities.hdf5_choice import (
  CXI_DATA,
  chosen_frames,
  chosen_mask,
  other_cxi_data,
)
from jaxsig.data.images.intensities.hdf5_gaps import gaps_of
from jaxsig.data.images.intensities.hdf5_tree import Tree, tree
from jaxsig.data.images.intensities.hdf5_values import values_of
from jaxsig.data.images.intensities.mask_places import note_unused
from jaxsig.errors import UserError

if TYPE_CHECKING:
  import h5py


class DetectorFrames(NamedTuple):
  """Frames of a file with what it says of them."""
  values: np.ndarray
  name: str            # for sentences
  masks: list[Mask]    # the file's own
  notes: list[str]     # which data sets were taken, where several were
  gaps: list[np.ndarray] = []   # bool [v, u]: pixels that no module of the detector has


def read_frames(path: pathlib.Path, dataset: str, with_masks: bool) -> DetectorFrames:
  """Returns the frames of an HDF5 file and the masks that it has for them.

  Args:
    path: of the file; its external links are followed from its folder.
    dataset: by the user, or "": see `chosen_frames`.
    with_masks: whether the file's own masks are wanted.

  Raises:
    UserError: the file cannot be read, frames are missing, or it is not plain which are meant.
  """
  with _opened(path) as file:
    found = tree(file)
    _add_by_name(file, found, dataset.strip("/"))
    names = chosen_frames(found, path, dataset)
    gaps = _gaps(found, names, path)
    values = _joined(found, names, path)
    others = other_cxi_data(found, names[0])
    masks = []
    if with_masks:
      masks = masks_of(found, names, path)
    notes = note_unused(found, names, masked_by_user=not with_masks)

  if len(names) > 1:
    notes.append(f"The frames are those of {names[0]} to {names[-1]}, {len(names)} data sets.")
  if names == [CXI_DATA] and not dataset and others:
    notes.append(f"The frames are those of {CXI_DATA}; {', '.join(others)} are others.")
  return DetectorFrames(values, str(path), masks, notes, gaps)


def read_mask(path: pathlib.Path) -> np.ndarray:
  """Returns the values of an HDF5 file that is given as a mask.

  Raises:
    UserError: the file cannot be read, or it is not plain which data set is meant.
  """
  with _opened(path) as file:
    found = tree(file)
    return _joined(found, chosen_mask(found, path), path)


@contextmanager
def _opened(path: pathlib.Path) -> "Iterator[h5py.File]":
  """The open file; whatever HDF5 raises meanwhile is a UserError."""
  import h5py

  try:
    with h5py.File(path, "r") as file:
      yield file
  except (
    OSError, ValueError, TypeError, RuntimeError, KeyError, MemoryError, OverflowError,
    NotImplementedError, AttributeError,
  ) as error:
    reason = " ".join(str(error).split())
    raise UserError(
      f"{path} cannot be read as HDF5 ({reason}): copy or export it again"
    ) from error


def _add_by_name(file: "h5py.File", found: Tree, name: str) -> None:
  """Adds the data set of a name that leads through a link to a group with another name."""
  import h5py

  if name and name not in found.datasets and isinstance(file.get(name), h5py.Dataset):
    found.datasets[name] = file[name]


def _gaps(found: Tree, names: list[str], path: pathlib.Path) -> list[np.ndarray]:
  gaps = []
  for name in names:
    gap_v_u = gaps_of(found.datasets[name], f"{name} of {path}")
    if gap_v_u is not None:
      gaps.append(gap_v_u)
  return gaps


def _joined(found: Tree, names: list[str], path: pathlib.Path) -> np.ndarray:
  """The values of a data set, or of several one after the other."""
  datasets = [found.datasets[name] for name in names]
  if len(datasets) == 1:
    return values_of(datasets[0], f"{names[0]} of {path}")

  shapes = [dataset.shape for dataset in datasets]
  for name, shape in zip(names, shapes, strict=True):
    if shape is None or len(shape) not in (2, 3) or shape[-2:] != shapes[0][-2:]:
      raise UserError(
        f"{name} of {path} has the shape {shape}, {names[0]} has {shapes[0]}: "
        "name one of them with own.dataset"
      )
  t = sum(shape[0] if len(shape) == 3 else 1 for shape in shapes)
  check_affordable((t, *shapes[0][-2:]), str(path))
  parts = []
  for name, dataset in zip(names, datasets, strict=True):
    values = values_of(dataset, f"{name} of {path}")
    parts.append(values.reshape(-1, *values.shape[-2:]))
  return np.concatenate(parts)
