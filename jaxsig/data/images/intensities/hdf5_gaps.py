"""Values of a virtual data set without a source, as in the gaps between modules of a detector."""
import itertools
from typing import TYPE_CHECKING

import numpy as np

from jaxsig.data.images.declared_size import check_affordable
from jaxsig.errors import UserError

if TYPE_CHECKING:
  import h5py


def gaps_of(dataset: "h5py.Dataset", name: str) -> np.ndarray | None:
  """Returns the pixels [v, u] of a data set that have no source in any frame; None of none.

  Raises:
    UserError: some have a source in a part of the frames only.
  """
  if not dataset.is_virtual or dataset.ndim < 2:
    return None
  check_affordable(dataset.shape, name)
  covered = np.zeros(dataset.shape, bool)
  for source in dataset.virtual_sources():
    if "%b" in source.file_name or "%b" in source.dset_name:   # the shape ends where they do
      return None
    _cover(covered, source.vspace)
  if covered.all():
    return None

  covered_t_v_u = covered.reshape(-1, *dataset.shape[-2:])
  in_all_v_u = covered_t_v_u.all(0)
  in_some_v_u = covered_t_v_u.any(0)
  if (in_all_v_u != in_some_v_u).any():
    empty = np.flatnonzero(~covered_t_v_u.any((1, 2)))
    frames = "parts of some frames"
    if len(empty):
      frames = f"{len(empty)} of {len(covered_t_v_u)} frames, the first {empty[0]},"
    raise UserError(
      f"{name} is a virtual data set of which {frames} have no source: export it again without "
      "these frames, or save the others as NPY"
    )
  return ~in_all_v_u


def _cover(covered: np.ndarray, space: "h5py.h5s.SpaceID") -> None:
  """Sets `covered` where a data space selects values."""
  import h5py

  if space.get_select_type() == h5py.h5s.SEL_ALL:
    covered[...] = True
    return
  if not space.is_regular_hyperslab():
    for first, last in space.get_select_hyper_blocklist():
      covered[tuple(slice(start, end + 1) for start, end in zip(first, last, strict=True))] = True
    return

  ranges = []
  for start, stride, count, block in zip(*space.get_regular_hyperslab(), strict=True):
    if stride == block or count == 1:
      ranges.append([slice(start, start + count * block)])
    else:
      begins = range(start, start + count * stride, stride)
      ranges.append([slice(begin, begin + block) for begin in begins])
  for place in itertools.product(*ranges):
    covered[place] = True
