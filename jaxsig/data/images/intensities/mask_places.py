"""Which masks of an HDF5 file are those of its frames, by where they stand."""
import re
from collections.abc import Sequence

from jaxsig.data.images.intensities.hdf5_tree import Tree
from jaxsig.data.images.intensities.mask_names import is_among_masks, is_mask

CXI_MASK = re.compile(
  r"(entry_\d+)/(data_\d+|image_\d+|instrument_\d+/detector_\d+)/mask(_shared)?"
)
_CXI_DATA = re.compile(r"(entry_\d+)/(data_\d+|image_\d+|instrument_\d+/detector_\d+)/data")
_LISTED = 5   # in a note


def belongs(found: Tree, name: str, frames: Sequence[str]) -> bool:
  """Whether the data set `name` is a mask of the frames.

  It is where it has the name of one and stands in the entry of the frames or above them, unless it
  is that of other data.
  """
  group = name.rpartition("/")[0]
  if not is_mask(name) or name in frames:
    return False

  cxi = CXI_MASK.fullmatch(name)
  if cxi:
    return _same_cxi_entry(found, cxi.group(1), group, frames)
  entries = {frame.split("/")[0] for frame in frames if "/" in frame}
  in_entry = group != "" and name.split("/")[0] in entries
  return group == "" or (in_entry and not _of_other_data(found, group, frames))


def _of_other_data(found: Tree, group: str, frames: Sequence[str]) -> bool:
  """Whether there are other data beside a mask."""
  own = found.datasets.get(f"{group}/data")
  return own is not None and all(own != found.datasets[frame] for frame in frames)


def _same_cxi_entry(found: Tree, entry: str, group: str, frames: Sequence[str]) -> bool:
  """Whether the frames are CXI data of an entry, and not other data than those in the group."""
  chosen = found.datasets[frames[0]]
  if f"{group}/data" in found.datasets:
    return not _of_other_data(found, group, frames[:1])

  for name, dataset in found.datasets.items():
    data = _CXI_DATA.fullmatch(name)
    if data and data.group(1) == entry and dataset == chosen:
      return True
  return False


def note_unused(found: Tree, frames: Sequence[str], masked_by_user: bool) -> list[str]:
  """Returns a note on the masks of a file that are not used.

  These are such as may be of other data, and where the user gives a mask all of them.
  """
  sides = found.datasets[frames[0]].shape[-2:]
  unused = []
  for name, dataset in found.datasets.items():
    if name in frames or not is_among_masks(name) or (dataset.shape or ())[-2:] != sides:
      continue
    if masked_by_user or not belongs(found, name, frames):
      unused.append(name)
  if not unused:
    return []

  names = ", ".join(unused[:_LISTED])
  if len(unused) > _LISTED:
    names += f" and {len(unused) - _LISTED} more"
  if masked_by_user:
    return [f"Of the masks that are given only own.mask is used, not {names} of the file."]
  return [
    f"Not used, as it is not certain that they are masks of these frames: {names}; if they are, "
    "give a mask as a file of its own (own.mask), nonzero where a pixel is usable."
  ]
