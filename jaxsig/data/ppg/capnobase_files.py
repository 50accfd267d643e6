"""Readers of the files of CapnoBase's respiratory-rate benchmark; each raises a `UserError` that names the file and the remedy.

Two forms hold the same MATLAB structures, here one dict {"labels.co2.startinsp.x": numbers or text, ...}:
  0009_8min.mat                                    all of it; MATLAB 7.3 (HDF5) as deposited, or 5 to 7 if saved again
  0009_8min_{signal,labels,param,meta}.csv (.tab)  a field a column, called co2_startinsp_x; a vector is one cell of numbers
                                                   between blanks, but in `signal` a column; comma, or tab as Borealis converts it
"""
import csv
import pathlib
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import h5py
import numpy as np
import scipy.io

from jaxsig.data.ppg.bidmc_files import check_signal
from jaxsig.data.ppg.ppg_file import RATES_HZ
from jaxsig.errors import UserError

AGAIN = "download it again from https://doi.org/10.5683/SP2/NLB8IT"
KINDS = ("signal", "labels", "param", "meta")
_CASES = (re.compile(r"(\d{4})_8min\.mat"), re.compile(r"(\d{4})_8min_signal\.(?:csv|tab)"))
_TOPS = ("", "capnobase", "TBME2013-PPGRR-Benchmark_R3")   # the last is the name in the zip of capnobase.org
_PLACES = ("", "mat", "csv", "data", "data/mat", "data/csv")


class Files(NamedTuple):
  """Where the parts of one case are: {"signal" | "labels" | "param" | "meta": path}, those that are there."""
  case: str
  parts: dict


def find(folder: str | pathlib.Path) -> list[Files]:
  """All cases in `folder` or where the archives put them below it, by number; a .mat goes before tables."""
  folder = pathlib.Path(folder)
  places = [p for top in _TOPS for place in _PLACES if (p := folder / top / place).is_dir()]
  found = {}
  for pattern in _CASES:
    for path in (p for place in places for p in sorted(place.iterdir())):
      if match := pattern.fullmatch(path.name):
        found.setdefault(match[1], path)
  return [Files(case, _parts(case, found[case])) for case in sorted(found)]


def _parts(case: str, path: pathlib.Path) -> dict:
  if path.suffix == ".mat":
    return dict.fromkeys(KINDS, path)
  ends = dict.fromkeys((path.suffix, ".csv", ".tab"))
  places = {kind: [p for end in ends if (p := path.with_name(f"{case}_8min_{kind}{end}")).is_file()] for kind in KINDS}
  return {kind: some[0] for kind, some in places.items() if some}


def paths(files: Files) -> list[pathlib.Path]:
  """Every file that reading a case touches."""
  return list(dict.fromkeys(files.parts.values()))


def read_fields(files: Files) -> dict:
  """{"labels.co2.startinsp.x": [n] float64, "labels.units.x": text, ...} of all parts of a case."""
  fields = {}
  for kind, path in files.parts.items():
    read = _from_table if path.suffix != ".mat" else _from_hdf5 if h5py.is_hdf5(path) else _from_mat
    fields |= {f"{kind}.{name}": x for name, x in _careful(read, path, kind).items()}
  return fields


def _careful(read: Callable, path: pathlib.Path, kind: str) -> dict:
  try:
    return read(path, kind)
  except Exception as error:  # of a damaged file, the two MATLAB readers raise nearly anything
    why = " ".join(str(error).split())
    raise UserError(f"{path} cannot be read as CapnoBase's {kind} ({why}): {AGAIN}") from error


def _from_hdf5(path: pathlib.Path, kind: str) -> dict:
  out = {}
  with h5py.File(path, "r") as file:
    def take(name: str, item: Any) -> None:
      if isinstance(item, h5py.Dataset):
        out[name.replace("/", ".")] = _hdf5_value(file, item)
    if kind in file:
      file[kind].visititems(take)
  return out


def _hdf5_value(file: h5py.File, item: h5py.Dataset) -> np.ndarray | str:
  if item.attrs.get("MATLAB_empty", 0):   # what it holds then is the shape
    return np.empty(0)
  x = np.asarray(item[()]).T.ravel()   # MATLAB's own order is the transposed
  if h5py.check_ref_dtype(item.dtype):
    return _joined([_hdf5_value(file, file[one]) for one in x if one])
  if item.attrs.get("MATLAB_class", b"char" if x.dtype == np.uint16 else b"") == b"char":
    return "".join(map(chr, x))
  return x.astype(np.float64)


def _from_mat(path: pathlib.Path, kind: str) -> dict:
  tree = scipy.io.loadmat(path, variable_names=[kind], simplify_cells=True).get(kind, {})
  return dict(_leaves(tree, ""))


def _leaves(tree: Any, name: str):
  if isinstance(tree, dict):
    for key, branch in tree.items():
      yield from _leaves(branch, f"{name}.{key}" if name else key)
  else:
    yield name, _mat_value(tree)


def _mat_value(x: Any) -> np.ndarray | str:
  x = np.asarray(x)
  if x.dtype.kind == "O":
    return _joined([_mat_value(one) for one in x.ravel()])
  return "".join(x.ravel()) if x.dtype.kind == "U" else x.ravel().astype(np.float64)


def _joined(cell: list) -> np.ndarray | str:
  """A MATLAB cell as its contents one after the other."""
  if cell and all(isinstance(x, str) for x in cell):
    return "".join(cell)
  return np.concatenate([np.empty(0), *(x for x in cell if not isinstance(x, str))])


def _from_table(path: pathlib.Path, kind: str) -> dict:
  with open(path, newline="", encoding="utf-8-sig") as file:
    head, *lines = file.read().splitlines() or [""]
  comma = "\t" if "\t" in head else ","   # the name does not say: Borealis calls the original .tab too
  names = [name.strip().replace("_", ".") for name in next(csv.reader([head], delimiter=comma), [])]
  if kind == "signal":
    wanted = [i for i, name in enumerate(names) if name in ("pleth.y", "co2.y")]   # a blank in the ECG is of no interest
    table = np.loadtxt(lines, np.float64, None, comma, usecols=wanted, ndmin=2, quotechar='"') if lines else np.empty((0, len(wanted)))
    return {names[i]: x for i, x in zip(wanted, table.T, strict=True)}
  rows = list(csv.reader(lines, delimiter=comma))
  return {name: _cell(" ".join(row[i] for row in rows if i < len(row))) for i, name in enumerate(names)}


def _cell(text: str) -> np.ndarray | str:
  try:
    return np.array(text.split(), np.float64)
  except ValueError:
    return text.strip()


def numbers(files: Files, fields: dict, key: str) -> np.ndarray:
  """[n] float64 of a field; UserError where it, its file or a number is missing."""
  kind = key.partition(".")[0]
  if kind not in files.parts:
    signal = files.parts["signal"]
    raise UserError(f"{signal} has no {files.case}_8min_{kind}{signal.suffix} beside it: {AGAIN}")
  x = fields.get(key)
  if x is None:
    raise UserError(f"{files.parts[kind]} has no {key}: {AGAIN}")
  if isinstance(x, str):
    raise UserError(f"{files.parts[kind]} has text in {key} ({x[:20]!r}) where numbers belong: {AGAIN}")
  return x


def read_signals(files: Files, fields: dict) -> tuple[float, dict]:
  """(rate in Hz, {"ppg_t", "resp_t"} [T] float32): there, of one rate and length, without NaN and not flat."""
  path = files.parts["signal"]
  rates_hz = [numbers(files, fields, f"param.samplingrate.{name}") for name in ("pleth", "co2")]
  signals = [numbers(files, fields, f"signal.{name}.y") for name in ("pleth", "co2")]
  if any(len(x) != 1 or not RATES_HZ[0] <= x[0] <= RATES_HZ[1] for x in rates_hz):
    raise UserError(f"{files.parts['param']} gives no sampling rate from {RATES_HZ[0]:g} to {RATES_HZ[1]:g} Hz: {AGAIN}")
  if rates_hz[0] != rates_hz[1] or len(signals[0]) != len(signals[1]):
    raise UserError(f"{path} has {len(signals[0])} samples of pleth at {rates_hz[0][0]:g} Hz but {len(signals[1])} of co2 at "
                    f"{rates_hz[1][0]:g} Hz: {AGAIN}")
  if not len(signals[0]):
    raise UserError(f"{path} has not one sample of pleth and co2: {AGAIN}")
  rate_hz = float(rates_hz[0][0])
  names = zip(("ppg_t", "resp_t"), ("pleth", "co2"), signals, strict=True)
  return rate_hz, {key: check_signal(x, rate_hz, f"{name} of {path}") for key, name, x in names}


def read_labels(files: Files, fields: dict, rate_hz: float, n: int) -> dict:
  """{"breaths_1_s" [k], "artif_s" [k, 2], "resp_artif_s" [k, 2]}: the starts of inspiration, and from when to when the expert
  calls the PPG and the capnogram an artefact (left out where the files do not say). Sample 1 of `n` is at 0 s."""
  units = fields.get("labels.units.x", "samples")
  if not isinstance(units, str) or units.strip() != "samples":
    raise UserError(f"{files.parts['labels']} counts its labels in {units!r}, not in samples: {AGAIN}")
  inspirations = _samples(files, fields, "labels.co2.startinsp.x", n)
  out = {"breaths_1_s": np.maximum(np.unique(inspirations) - 1, 0) / rate_hz}
  for name, key in (("artif_s", "labels.pleth.artif.x"), ("resp_artif_s", "labels.co2.artif.x")):
    if key in fields:
      out[name] = _pairs(files, key, _samples(files, fields, key, n), n) / rate_hz
  return out


def _samples(files: Files, fields: dict, key: str, n: int) -> np.ndarray:
  x = numbers(files, fields, key)
  x = x[np.isfinite(x)]
  outside = x[(x < 0) | (x > n + 1)]   # 0 is there, for "from the first on"
  if len(outside):
    raise UserError(f"{files.parts['labels']} has {key} at sample {outside[0]:g}, outside of the {n} in "
                    f"{files.parts['signal']}: the two belong to different recordings, {AGAIN}")
  return x


def _pairs(files: Files, key: str, samples: Sequence, n: int) -> np.ndarray:
  """[k, 2] of first and past-the-last sample, counted from 0."""
  if len(samples) % 2:
    raise UserError(f"{files.parts['labels']} has {len(samples)} numbers in {key}, which are pairs of start and end: {AGAIN}")
  pairs = np.reshape(samples, (-1, 2))
  pairs = np.stack([np.maximum(pairs[:, 0] - 1, 0), np.minimum(pairs[:, 1], n)], -1)
  if (pairs[:, 1] < pairs[:, 0]).any():
    raise UserError(f"{files.parts['labels']} has a span that ends before it starts in {key}: {AGAIN}")
  return pairs


def read_meta(fields: dict) -> dict:
  """{"age": float | None in years, "sex": "F" | "M" | None, "ventilation": text | None}; nothing there is needed."""
  age, sex, ventilation = (fields.get(f"meta.{name}", "") for name in ("subject.age", "subject.gender", "treatment.ventilation"))
  ages = [] if isinstance(age, str) else age[np.isfinite(age)]
  sex = sex.strip().upper()[:1] if isinstance(sex, str) else ""
  return {"age": float(ages[0]) if len(ages) else None, "sex": sex if sex in ("F", "M") else None,
          "ventilation": ventilation.strip() or None if isinstance(ventilation, str) else None}
