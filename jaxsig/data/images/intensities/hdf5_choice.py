"""Which data sets of an HDF5 file are meant: by name, by form, or the only one."""
import pathlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from jaxsig.data.images.intensities.hdf5_tree import Tree
from jaxsig.data.images.intensities.mask_names import is_map_of_detector
from jaxsig.errors import UserError

if TYPE_CHECKING:
  import h5py

CXI_DATA = "entry_1/data_1/data"
CXI_PLACE = re.compile(r"entry_\d+/(data_\d+|instrument_\d+/detector_\d+)")
_SERIES = re.compile(r"data_\d+")
_EIGER = re.compile(r"data_\d{6}")   # of a master file, which has maps of the detector beside them
_LISTED = 20   # data sets in a sentence


def chosen_frames(found: Tree, path: pathlib.Path, wanted: str) -> list[str]:
  """Returns the data sets that hold the frames, in their order.

  Args:
    found: what the file holds.
    path: of the file, for the errors.
    wanted: by the user; "" for the one of CXI, the series data_000001, ... of a master file, or
      else the only data set of numbers with two or three axes that is no mask, or of several the
      one that NeXus calls a signal.

  Raises:
    UserError: there is none, or several, or it lies behind a link to a file that is missing.
  """
  wanted = wanted.strip("/")
  if wanted:
    _check_link(found, path, wanted)
    if wanted in found.datasets:
      _check_no_mask(wanted, path)
      return [wanted]
    series = _series(found, wanted)
    if series:
      return _without_gaps(found, path, series)
    raise UserError(f"{path} has no data set {wanted}: {_listing(found)}")

  _check_link(found, path, CXI_DATA)
  if CXI_DATA in found.datasets:
    return [CXI_DATA]

  groups = {}
  for name in (*found.datasets, *found.broken):
    group = name.rpartition("/")[0]
    groups[group] = _series(found, group)
  several = [series for series in groups.values() if series]
  names = _candidates(found.datasets)
  plain = len(several) == 1 and set(names) <= set(several[0])
  eiger = len(several) == 1 and _EIGER.fullmatch(several[0][0].rsplit("/", 1)[-1])
  if plain or eiger:
    return _without_gaps(found, path, several[0])

  for name in found.broken:
    if not is_map_of_detector(name):
      _check_link(found, path, name)
  usual = names
  if len(names) > 1:
    usual = _marked(found.datasets, names)
  if len(usual) == 1:
    return usual
  grids = _grids(found.datasets)
  if not names and len(grids) == 1:   # which axes are those of frames is told where it is read
    return grids
  masks = [name for name in found.datasets if is_map_of_detector(name)]
  if not names and masks:
    raise UserError(
      f"{path} holds no frames, only {', '.join(masks[:_LISTED])}: name the file of the frames"
    )
  number = "several data sets"
  if not names:
    number = "no data set"
  raise UserError(f"{path} has {number} of numbers with two or three axes: {_listing(found)}")


def chosen_mask(found: Tree, path: pathlib.Path) -> list[str]:
  """Returns the data set of a file that is given as a mask, the only one called so or of frames."""
  masks = [name for name in found.datasets if is_map_of_detector(name)]
  if len(masks) == 1:
    return masks
  return chosen_frames(found, path, "")


def _check_link(found: Tree, path: pathlib.Path, name: str) -> None:
  for broken, target in found.broken.items():
    if name == broken or name.startswith(f"{broken}/"):
      raise UserError(
        f"{path} has {broken} as a link to {target}, which is missing: "
        "put that file where the link says, beside this one, or name another with own.dataset"
      )


def _check_no_mask(name: str, path: pathlib.Path) -> None:
  if is_map_of_detector(name):
    raise UserError(
      f"{name} of {path} is by its name a mask and no intensity: "
      "name the frames with own.dataset, or rename it"
    )


def _series(found: Tree, group: str) -> list[str]:
  """The paths data_000001, ... of a group in the order of their numbers, whole and broken ones."""
  members = []
  for name in (*found.datasets, *found.broken):
    parent, _, last = name.rpartition("/")
    if parent == group and _SERIES.fullmatch(last):
      members.append(name)
  return sorted(members, key=lambda name: int(name.rsplit("_", 1)[-1]))


def _without_gaps(found: Tree, path: pathlib.Path, series: list[str]) -> list[str]:
  for name in series:
    _check_link(found, path, name)
  return series


def _candidates(datasets: "Mapping[str, h5py.Dataset]") -> list[str]:
  """The data sets that may be frames, each under one name."""
  names = []
  for name, item in datasets.items():
    longer = [side for side in item.shape or () if side != 1]
    axes_fit = item.ndim in (2, 3) or (item.ndim > 3 and len(longer) in (2, 3))
    if not axes_fit or item.dtype.kind not in "iufc" or is_map_of_detector(name):
      continue
    if not any(item == datasets[other] for other in names):
      names.append(name)
  return names


def _grids(datasets: "Mapping[str, h5py.Dataset]") -> list[str]:
  """The data sets of more axes than a stack of frames has."""
  names = []
  for name, item in datasets.items():
    if item.ndim > 3 and item.dtype.kind in "iufc" and not is_map_of_detector(name):
      names.append(name)
  return names


def _marked(datasets: "Mapping[str, h5py.Dataset]", names: list[str]) -> list[str]:
  """The candidates that are in the place of CXI, or that a NeXus group says are its signal."""
  marked = []
  for name in names:
    group, _, last = name.rpartition("/")
    if str(datasets[name].attrs.get("signal", "")) == "1":   # as NeXus had it before 2014
      marked.append(name)
      continue
    signal = datasets[name].parent.attrs.get("signal", "")
    if isinstance(signal, bytes):
      signal = signal.decode(errors="replace")
    is_signal = isinstance(signal, str) and signal == last
    if is_signal or CXI_PLACE.fullmatch(group):
      marked.append(name)
  return marked


def other_cxi_data(found: Tree, chosen: str) -> list[str]:
  """Returns the paths in the places of CXI of data that are not the chosen ones."""
  others = []
  for name in _candidates(found.datasets):
    group, _, last = name.rpartition("/")
    in_place = CXI_PLACE.fullmatch(group) and last == "data"
    if in_place and found.datasets[name] != found.datasets[chosen]:
      others.append(name)
  return others


def _listing(found: Tree) -> str:
  described = []
  for name, item in found.datasets.items():
    sides = " x ".join(map(str, item.shape or ()))
    kind = ""
    if item.dtype.kind not in "iuf":
      kind = f" of {item.dtype}"
    described.append(f"{name} ({sides or 'no axes'}{kind})")
  described += [f"{name} (a link to {target})" for name, target in found.broken.items()]
  listed = ", ".join(described[:_LISTED]) or "none"
  if len(described) > _LISTED:
    listed += f" and {len(described) - _LISTED} more"
  return f"name one with own.dataset; it has {listed}"
