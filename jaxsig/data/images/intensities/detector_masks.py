"""Masks that stand beside the frames of an HDF5 file, in CXI, NeXus and other files.

A pixel without any bit set is perfect in CXI (Maia, Nature Methods 9:854, 2012) and in NeXus; every
bit counts as a fault here. Of other files it is the larger part of the pixels that is usable.
"""
import pathlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jaxsig.data.images.intensities.hdf5_tree import Tree
from jaxsig.data.images.intensities.hdf5_values import values_of
from jaxsig.errors import UserError

if TYPE_CHECKING:
  import h5py

_NAMES = ("mask", "mask_shared", "pixel_mask", "bad_pixel_mask", "bad_pixels")
_CXI_DATA = re.compile(r"(entry_\d+)/(data_\d+|image_\d+|instrument_\d+/detector_\d+)/data")
_CXI_MASK = re.compile(
  r"(entry_\d+)/(data_\d+|image_\d+|instrument_\d+/detector_\d+)/mask(_shared)?"
)
_UNCLEAR = (0.4, 0.6)   # shares of nonzero pixels of which neither is plainly that of the faults


class Mask(NamedTuple):
  """A mask of a file."""
  usable: np.ndarray   # bool [v, u] or [t, v, u]
  name: str            # of its data set
  certain: bool = True   # whether it must be of the frames: by its place, or as the user says


def masks_of(found: Tree, frames: Sequence[str], path: pathlib.Path) -> list[Mask]:
  """Returns the masks that a file has for some of its data sets.

  Args:
    found: what the file holds.
    frames: the paths of the data sets.
    path: of the file, for the errors.

  Raises:
    UserError: one lies behind a link to a missing file, or does not tell what is usable.
  """
  masks = []
  used = []
  for name in (*found.datasets, *found.broken):
    if not _belongs(found, name, frames):
      continue
    if name in found.broken:
      raise UserError(
        f"{path} has the mask {name} as a link to {found.broken[name]}, which is missing: "
        "put that file where the link says, beside this one, or give a mask (own.mask)"
      )
    dataset = found.datasets[name]
    if any(dataset == other for other in used):   # another name of it
      continue
    used.append(dataset)
    masks.append(_mask(dataset, name, path))
  return masks


def _belongs(found: Tree, name: str, frames: Sequence[str]) -> bool:
  """Whether the data set `name` is a mask of the frames."""
  group, _, last = name.rpartition("/")
  if last.lower() not in _NAMES or name in frames:
    return False

  cxi = _CXI_MASK.fullmatch(name)
  if cxi:
    return _same_cxi_entry(found, cxi.group(1), group, frames)
  if last.lower() == "pixel_mask":   # NeXus: of the detector, wherever in the entry the frames are
    return name.split("/")[0] in {frame.split("/")[0] for frame in frames}
  prefixes = {frame.rpartition("/")[0] for frame in frames}
  return group == "" or any(f"{prefix}/".startswith(f"{group}/") for prefix in prefixes)


def _same_cxi_entry(found: Tree, entry: str, group: str, frames: Sequence[str]) -> bool:
  """Whether the frames are CXI data of an entry, and not other data than those in the group."""
  chosen = found.datasets[frames[0]]
  own = found.datasets.get(f"{group}/data")
  if own is not None:
    return own == chosen

  for name, dataset in found.datasets.items():
    data = _CXI_DATA.fullmatch(name)
    if data and data.group(1) == entry and dataset == chosen:
      return True
  return False


def _mask(dataset: "h5py.Dataset", name: str, path: pathlib.Path) -> Mask:
  values = values_of(dataset, f"{name} of {path}")
  if values.dtype.kind not in "biuf":
    raise UserError(
      f"the mask {name} of {path} holds {values.dtype}: give a mask of numbers (own.mask)"
    )
  faults = np.nan_to_num(values) != 0
  known = _CXI_MASK.fullmatch(name) or name.lower().endswith("pixel_mask")
  nonzero = faults.mean()
  if known or name.lower().endswith("bad_pixels") or nonzero < _UNCLEAR[0]:
    return Mask(~faults, name, bool(known))
  if nonzero > _UNCLEAR[1]:
    return Mask(faults, f"{name} (nonzero where a pixel is usable)", certain=False)
  raise UserError(
    f"the mask {name} of {path} is nonzero in {100 * nonzero:.0f} % of the pixels, which does not "
    "tell whether these are the usable ones: give it as a file of its own (own.mask)"
  )
