"""Values of a data set of HDF5 that lie in other files: whether these are there."""
import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from jaxsig.errors import UserError

if TYPE_CHECKING:
  import h5py


def check_external(dataset: "h5py.Dataset", name: str, folder: pathlib.Path) -> None:
  """Raises a UserError where the files of the values are missing or too short."""
  held = 0
  for file_name, offset, size in dataset.external:
    path = folder / file_name
    if path.is_file():
      held += max(min(size, path.stat().st_size - offset), 0)
    if held < min(size, dataset.nbytes):
      raise UserError(
        f"{name} has its values in the file {file_name}, which is missing or too short: "
        "put it beside the file that names it"
      )


def check_sources(
  dataset: "h5py.Dataset",
  name: str,
  folder: pathlib.Path,
  check: "Callable[[h5py.Dataset], None]",
) -> None:
  """Raises a UserError where sources of a virtual data set are missing: see `hdf5_gaps` for gaps.

  Args:
    dataset: virtual.
    name: for the errors.
    folder: of its file, where its sources lie.
    check: of a source, whether it is complete itself.
  """
  import h5py

  for source in dataset.virtual_sources():
    if "%b" in source.file_name or "%b" in source.dset_name:
      continue   # blocks with numbers: the shape ends where they do
    if source.file_name == ".":
      _check_source(dataset.file, source, name, check)
      continue

    path = folder / source.file_name
    if not path.is_file():
      raise _missing(name, source)
    with h5py.File(path, "r") as file:
      _check_source(file, source, name, check)


def _check_source(
  file: "h5py.File",
  source: "h5py.VDSmap",
  name: str,
  check: "Callable[[h5py.Dataset], None]",
) -> None:
  item = file.get(source.dset_name)
  if item is None or not hasattr(item, "shape"):
    raise _missing(name, source)
  check(item)
  if not _holds_selection(item, source):
    raise _missing(name, source)


def _holds_selection(item: "h5py.Dataset", source: "h5py.VDSmap") -> bool:
  """Whether a data set is as large as what is selected of it."""
  import h5py

  if source.src_space.get_select_type() == h5py.h5s.SEL_ALL:
    return item.size == source.vspace.get_select_npoints()
  _, ends = source.src_space.get_select_bounds()
  if len(ends) != len(item.shape):
    return False
  return all(end < side for end, side in zip(ends, item.shape, strict=True))


def _missing(name: str, source: "h5py.VDSmap") -> UserError:
  return UserError(
    f"{name} is a virtual data set whose source {source.dset_name} of {source.file_name} is "
    "missing or smaller than declared: put it beside the file that names it"
  )
