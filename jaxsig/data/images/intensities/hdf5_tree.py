"""The data sets of an HDF5 file, also behind links, and the links that lead nowhere."""
import pathlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
  import h5py

_MOST = 10_000   # data sets of a file that are looked at


class Tree(NamedTuple):
  """What a file holds by the paths in it."""
  datasets: "dict[str, h5py.Dataset]"
  broken: dict[str, str]   # {path of a link: what it should lead to}


def tree(file: "h5py.File") -> Tree:
  """Returns the data sets of a file by their paths, and the links whose targets are missing.

  External links are followed from the folder of the file that they stand in. A group with several
  names has its own before those of links.
  """
  found = Tree({}, {})
  seen = set()
  links = _walk(file, "", found, seen)
  while links:
    group, name, path = links.pop(0)
    links += _follow(group, name, path, found, seen)
  return found


def _walk(
    group: "h5py.Group",
    prefix: str,
    found: Tree,
    seen: set[tuple[int, int]],
) -> list[tuple["h5py.Group", str, str]]:
  """Adds what is in a group; returns its links as (group, name in it, path)."""
  import h5py

  info = h5py.h5o.get_info(group.id)
  place = (info.fileno, info.addr)
  if place in seen or len(found.datasets) > _MOST:
    return []
  seen.add(place)

  links = []
  for name in group:
    if isinstance(group.get(name, getlink=True), h5py.HardLink):
      links += _add(group, name, prefix + name, found, seen)
    else:
      links.append((group, name, prefix + name))
  return links


def _add(
    group: "h5py.Group", name: str, path: str, found: Tree, seen: set[tuple[int, int]]
) -> list[tuple["h5py.Group", str, str]]:
  """Adds a data set, or what is in a group; returns the links in it."""
  import h5py

  try:
    item = group[name]
  except (KeyError, OSError, RuntimeError, ValueError):
    found.broken[path] = _target(group.get(name, getlink=True))
    return []
  if isinstance(item, h5py.Dataset):
    found.datasets[path] = item
  elif isinstance(item, h5py.Group):
    return _walk(item, f"{path}/", found, seen)
  return []


def _follow(
    group: "h5py.Group", name: str, path: str, found: Tree, seen: set[tuple[int, int]]
) -> list[tuple["h5py.Group", str, str]]:
  """Adds what a soft or an external link leads to; returns the links in it."""
  link = group.get(name, getlink=True)
  target = _missing_file(link, pathlib.Path(group.file.filename).parent)
  if target:
    found.broken[path] = target
    return []
  return _add(group, name, path, found, seen)


def _missing_file(link: object, folder: pathlib.Path) -> str:
  """The file of an external link that is not there, else "".

  HDF5 itself would look for it in the working folder too, where another file of that name may be.
  """
  import h5py

  if not isinstance(link, h5py.ExternalLink):
    return ""
  target = pathlib.Path(link.filename)
  if (folder / target).is_file():
    return ""
  if target.is_absolute() and (folder / target.name).is_file():
    return ""
  return _target(link)


def _target(link: object) -> str:
  """What a link should lead to, in words."""
  import h5py

  if isinstance(link, h5py.ExternalLink):
    return f"{link.path} of the file {link.filename}"
  if isinstance(link, h5py.SoftLink):
    return link.path
  return "a data set that cannot be opened"
