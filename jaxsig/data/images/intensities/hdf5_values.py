"""The values of a data set of HDF5, where all of them are there.

HDF5 gives fill values, without a word, for chunks that were never written and for sources of a
virtual data set that are missing; these are errors here.
"""
import contextlib
import math
import pathlib
from typing import TYPE_CHECKING

import numpy as np

from jaxsig.data.images.declared_size import check_affordable
from jaxsig.data.images.intensities.hdf5_gaps import gaps_of
from jaxsig.data.images.intensities.hdf5_sources import check_external, check_sources
from jaxsig.errors import UserError

if TYPE_CHECKING:
  import h5py

_FILTERS = {   # by their registered numbers
  4: "szip",
  32000: "LZF",
  32001: "Blosc",
  32004: "LZ4",
  32008: "bitshuffle",
  32013: "ZFP",
  32015: "Zstandard",
  32026: "Blosc2",
}
_DEEPEST = 8   # virtual data sets of virtual data sets


def values_of(dataset: "h5py.Dataset", name: str) -> np.ndarray:
  """Returns all values of a data set.

  Raises:
    UserError: some are missing, or it has no shape, too many values, or a filter that is missing.
  """
  check_complete(dataset, name)
  check_affordable(dataset.shape, name)
  if not dataset.external:
    return dataset[()]

  # HDF5 itself would look for the files in the working folder.
  folder = pathlib.Path(dataset.file.filename).parent
  parts = []
  for file_name, offset, size in dataset.external:
    with (folder / file_name).open("rb") as file:
      file.seek(offset)
      parts.append(file.read(min(size, dataset.nbytes)))
  content = b"".join(parts)[:dataset.nbytes]
  return np.frombuffer(content, dataset.dtype).reshape(dataset.shape)


def check_complete(dataset: "h5py.Dataset", name: str, depth: int = 0) -> None:
  """Raises a UserError where HDF5 would make values up, or cannot unpack them."""
  if dataset.shape is None or depth > _DEEPEST:
    raise UserError(f"{name} has no values: name another data set with own.dataset")
  _check_filters(dataset, name)
  folder = pathlib.Path(dataset.file.filename).parent
  if dataset.external:
    check_external(dataset, name, folder)
  elif dataset.is_virtual:

    def check_source(source: "h5py.Dataset") -> None:
      check_complete(source, name, depth + 1)

    check_sources(dataset, name, folder, check_source)
    inner_gaps = depth > 0 and gaps_of(dataset, name) is not None
    if inner_gaps:
      raise UserError(
        f"{name} has a virtual data set as a source, parts of which have no source: "
        "save the frames and a mask (own.mask) as NPY"
      )
  else:
    _check_written(dataset, name)


def _check_filters(dataset: "h5py.Dataset", name: str) -> None:
  import h5py

  created = dataset.id.get_create_plist()
  for i in range(created.get_nfilters()):
    number = created.get_filter(i)[0]
    if h5py.h5z.filter_avail(number):
      continue
    with contextlib.suppress(ImportError):
      import hdf5plugin  # noqa: F401  where it is installed it brings the usual ones
    if not h5py.h5z.filter_avail(number):
      called = _FILTERS.get(number, f"filter {number}")
      raise UserError(
        f"{name} is compressed by {called}, which h5py does not bring: install it beside h5py with "
        "pip install hdf5plugin, or save the frames without compression as NPY"
      )


def _check_written(dataset: "h5py.Dataset", name: str) -> None:
  if dataset.size == 0:
    return
  if dataset.chunks is None:
    needed, written = 1, int(dataset.id.get_storage_size() > 0)
  else:
    shape_in_chunks = [
      math.ceil(side / chunk) for side, chunk in zip(dataset.shape, dataset.chunks, strict=True)
    ]
    needed = math.prod(shape_in_chunks)
    written = dataset.id.get_num_chunks()
  if written < needed:
    sides = " x ".join(map(str, dataset.shape))
    raise UserError(
      f"{name} declares {sides} values, of which the file holds {written} of {needed} parts: "
      "export it again without the frames that were never written"
    )
