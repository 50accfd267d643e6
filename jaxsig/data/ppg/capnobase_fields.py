"""The fields of a CapnoBase case from its MATLAB file or tables.

Two forms hold the same MATLAB structures, as read here: {"co2.startinsp.x": numbers or text}.
  0009_8min.mat
    All of a case; MATLAB 7.3 (HDF5) as deposited, or 5 to 7 if saved again.
  0009_8min_{signal,labels,param,meta}.csv (.tab)
    A field a column, called co2_startinsp_x. A vector is one cell of numbers between blanks, but
    in `signal` a column. The columns are separated by commas, or by tabs as Borealis converts them.
"""
import csv
import pathlib
from collections.abc import Iterator, Mapping, Sequence

import h5py
import numpy as np
import scipy.io

Field = np.ndarray | str
_SIGNALS = ("pleth.y", "co2.y")   # the ECG is not read: a blank in it is of no interest


def read_part(path: pathlib.Path, kind: str) -> dict[str, Field]:
  """Reads one part of a case.

  Args:
    path: of a .mat, .csv or .tab.
    kind: "signal", "labels", "param" or "meta".

  Returns:
    {"co2.startinsp.x": [n] float64, "units.x": text, ...}.

  Raises:
    Exception: of nearly any type where the file is damaged.
  """
  if path.suffix != ".mat":
    return _from_table(path, kind)
  if h5py.is_hdf5(path):
    return _from_hdf5(path, kind)
  return _from_mat(path, kind)


def _from_hdf5(path: pathlib.Path, kind: str) -> dict[str, Field]:
  fields = {}
  with h5py.File(path, "r") as file:

    def add(name: str, item: h5py.Dataset | h5py.Group) -> None:
      if isinstance(item, h5py.Dataset):
        fields[name.replace("/", ".")] = _hdf5_value(file, item)

    if kind in file:
      file[kind].visititems(add)
  return fields


def _hdf5_value(file: h5py.File, item: h5py.Dataset) -> Field:
  if item.attrs.get("MATLAB_empty", 0):   # the data set then holds the shape
    return np.empty(0)

  values = np.asarray(item[()]).T.ravel()   # MATLAB's own order is transposed
  if h5py.check_ref_dtype(item.dtype):
    cell = [_hdf5_value(file, file[reference]) for reference in values if reference]
    return _joined(cell)

  usual_class = b""
  if values.dtype == np.uint16:
    usual_class = b"char"
  matlab_class = item.attrs.get("MATLAB_class", usual_class)
  if matlab_class == b"char":
    return "".join(map(chr, values))
  return values.astype(np.float64)


def _from_mat(path: pathlib.Path, kind: str) -> dict[str, Field]:
  contents = scipy.io.loadmat(path, variable_names=[kind], simplify_cells=True)
  structure = contents.get(kind, {})
  return dict(_leaves(structure, ""))


def _leaves(tree: Mapping | np.ndarray | str, name: str) -> Iterator[tuple[str, Field]]:
  """(dotted name, value) of every field of a structure in structures."""
  if not isinstance(tree, dict):
    yield name, _mat_value(tree)
    return

  for key, branch in tree.items():
    branch_name = key
    if name:
      branch_name = f"{name}.{key}"
    yield from _leaves(branch, branch_name)


def _mat_value(value: np.ndarray | str | float) -> Field:
  values = np.asarray(value).ravel()
  if values.dtype.kind == "O":
    cell = [_mat_value(item) for item in values]
    return _joined(cell)
  if values.dtype.kind == "U":
    return "".join(values)
  return values.astype(np.float64)


def _joined(cell: Sequence[Field]) -> Field:
  """A MATLAB cell as its contents one after the other; text among numbers is left out."""
  numbers = [item for item in cell if not isinstance(item, str)]
  if cell and not numbers:
    return "".join(cell)
  return np.concatenate([np.empty(0), *numbers])


def _from_table(path: pathlib.Path, kind: str) -> dict[str, Field]:
  with open(path, newline="", encoding="utf-8-sig") as file:
    lines = file.read().splitlines()
  header = ""
  if lines:
    header = lines.pop(0)

  # The file's name does not tell the separator: Borealis calls the original .tab, too.
  separator = ","
  if "\t" in header:
    separator = "\t"

  columns = next(csv.reader([header], delimiter=separator), [])
  names = [column.strip().replace("_", ".") for column in columns]
  if kind == "signal":
    return _signal_columns(lines, names, separator)
  return _cells(lines, names, separator)


def _signal_columns(
    lines: Sequence[str],
    names: Sequence[str],
    separator: str,
) -> dict[str, np.ndarray]:
  """{name: [t] float64} of the signals, a column each."""
  indices = [i for i, name in enumerate(names) if name in _SIGNALS]
  if lines:
    table = np.loadtxt(
      lines,
      dtype=np.float64,
      comments=None,
      delimiter=separator,
      usecols=indices,
      ndmin=2,
      quotechar='"',
    )
  else:
    table = np.empty((0, len(indices)))

  signals = {}
  for i, x_t in zip(indices, table.T, strict=True):
    signals[names[i]] = x_t
  return signals


def _cells(
    lines: Sequence[str],
    names: Sequence[str],
    separator: str,
) -> dict[str, Field]:
  """{name: numbers or text} of the fields, a cell each."""
  rows = list(csv.reader(lines, delimiter=separator))
  fields = {}
  for i, name in enumerate(names):
    cells = [row[i] for row in rows if i < len(row)]
    fields[name] = _cell_value(" ".join(cells))
  return fields


def _cell_value(text: str) -> Field:
  try:
    return np.array(text.split(), np.float64)
  except ValueError:
    return text.strip()
