"""Masks that stand beside the frames of an HDF5 file, in CXI, NeXus and other files.

A pixel without any bit set is perfect in CXI (Maia, Nature Methods 9:854, 2012) and in NeXus. Every
bit of NeXus counts as a fault here, and those of CXI but the ones that only tell what was done.
In other files a name like bad_pixels or valid tells which pixels are usable; where none does, it is
the larger part.
"""
import pathlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jaxsig.data.images.intensities.hdf5_tree import Tree
from jaxsig.data.images.intensities.hdf5_values import values_of
from jaxsig.data.images.intensities.mask_names import is_of_faults, is_of_usable
from jaxsig.data.images.intensities.mask_places import CXI_MASK, belongs
from jaxsig.errors import UserError

if TYPE_CHECKING:
  import h5py

USABLE_WORDS = "(nonzero where a pixel is usable)"
_PIXEL_MASK = re.compile(r"(.*/)?pixel_mask(_\d+)?", re.IGNORECASE)
_UNCLEAR = (0.4, 0.6)   # shares of nonzero pixels of which neither is plainly that of the faults
# Bits of CXI of pixels that can be used: in a mask of peaks, corrected, in a peak, its background
# subtracted, with signal.
_NO_FAULTS = 0x20 | 0x800 | 0x2000 | 0x4000 | 0x10000


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
    if not belongs(found, name, frames):
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


def _mask(dataset: "h5py.Dataset", name: str, path: pathlib.Path) -> Mask:
  if dataset.dtype.kind not in "biuf" or not dataset.shape:
    form = "text"
    if dataset.dtype.kind in "biufcV":
      form = f"{dataset.dtype} of the shape {dataset.shape}"
    raise UserError(
      f"the mask {name} of {path} is {form}, not a number for each pixel: "
      "give a mask of numbers (own.mask)"
    )
  values = values_of(dataset, f"{name} of {path}")
  in_cxi = CXI_MASK.fullmatch(name) is not None
  if in_cxi and values.dtype.kind in "iu":
    values = values.astype(np.int64) & ~_NO_FAULTS
  nonzero_v_u = np.nan_to_num(values) != 0
  if in_cxi or _PIXEL_MASK.fullmatch(name):
    return Mask(~nonzero_v_u, name)
  return _by_name_or_share(nonzero_v_u, name, path)


def _by_name_or_share(nonzero_v_u: np.ndarray, name: str, path: pathlib.Path) -> Mask:
  share = nonzero_v_u.mean()
  if is_of_faults(name):
    return Mask(~nonzero_v_u, name, certain=False)
  if is_of_usable(name) or share > _UNCLEAR[1]:
    return Mask(nonzero_v_u, f"{name} {USABLE_WORDS}", certain=False)
  if share < _UNCLEAR[0]:
    return Mask(~nonzero_v_u, name, certain=False)
  raise UserError(
    f"the mask {name} of {path} is nonzero in {100 * share:.0f} % of the pixels, which does not "
    "tell whether these are the usable ones: give it as a file of its own (own.mask)"
  )
