"""For the tests of CapnoBase: simulated recordings in the layout of its benchmark.

The files have the real ones' oddities.
"""
import pathlib
from collections.abc import Iterator, Mapping, Sequence

import h5py
import numpy as np
import scipy.io
from ml_collections import ConfigDict

from jaxsig.data.ppg.simulate_respiration import simulate
from jaxsig.data.records import Record

RATE_HZ = 300
FORMS = ("hdf5", "mat", "csv", "tab")
CASES = ("0009", "0015", "0370")
# Artefacts of the PPG by case: samples from 1 on, both ends within; a 0 occurs.
SPANS = (
  (),
  (901, 1200, 5000, 5400),
  (0, 656),
)

Value = str | np.ndarray
Structure = dict[str, "Value | Structure"]


def options(**changes: object) -> ConfigDict:
  """Returns what `load` reads of `config.data`, with changes."""
  return ConfigDict({"window_s": 5.0, "skip_broken": False, **changes})


def records(n: int = 3, duration_s: float = 70, seed: int = 0) -> list[Record]:
  """Returns `n` simulated recordings of as many patients."""
  config = ConfigDict({
    "simulate_duration_s": duration_s,
    "simulate_rate_hz": RATE_HZ,
    "simulate_records_per_patient": 1,
  })
  return simulate(seed, n, config)


def write_capnobase(
    folder: pathlib.Path | str,
    made: Sequence[Record],
    form: str = "hdf5",
) -> list[str]:
  """Writes `made` as cases 0009, 0015, 0370 into `folder`, in one of `FORMS`; returns their ids."""
  folder = pathlib.Path(folder)
  folder.mkdir(parents=True, exist_ok=True)
  ids = []
  for i, record in enumerate(made):
    name = CASES[i]
    structure = structure_of(record, i)
    if form == "hdf5":
      _write_hdf5(folder, name, structure)
    elif form == "mat":
      _write_mat(folder, name, structure)
    else:
      _write_tables(folder, name, structure, form)
    ids.append(f"capnobase{name}")
  return ids


def samples(record: Record) -> np.ndarray:
  """Returns the labels of a record's breaths: samples, counted from 1."""
  return np.rint(record.annotations["breaths_1_s"] * RATE_HZ) + 1


def structure_of(record: Record, i: int) -> Structure:
  """Returns MATLAB's structures of case i."""
  return {
    "signal": _signals(record, i),
    "labels": _labels(record, i),
    "param": _parameters(i),
    "meta": _meta(record, i),
    "reference": _reference(record),
  }


def _signals(record: Record, i: int) -> Structure:
  ppg_t_1 = _signal(record.signals["ppg_t"])
  ecg_t = np.sin(np.arange(len(ppg_t_1)) / 60)
  return {
    "co2": {"y": _signal(record.signals["resp_t"])},
    "pleth": {"y": ppg_t_1},
    "ecg": {"y": ecg_t[:, None]},
    "id": f"{CASES[i]}_8min",
  }


def _signal(x_t: np.ndarray) -> np.ndarray:
  """A column that includes the endpoint: 144001 samples in 480 s."""
  with_end = np.append(x_t, x_t[-1])
  return with_end[:, None].astype(np.float64)


def _labels(record: Record, i: int) -> Structure:
  inspirations = samples(record)
  co2_artefacts = ()
  if i == 0:
    co2_artefacts = (301, 600)
  return {
    "co2": {
      "startexp": {"x": _row(inspirations + 200)},
      "startinsp": {"x": _row(inspirations[::-1])},
      "artif": {"x": _row(co2_artefacts)},
    },
    "pleth": {
      "peak": {"x": _row(np.arange(59, 20000, 183))},
      "artif": {"x": _ppg_artefacts(i)},
    },
    "units": {"x": "samples"},
  }


def _row(x: Sequence[float] | np.ndarray) -> np.ndarray:
  """MATLAB's vector, which is a row; an empty one has no rows either."""
  if len(x) == 0:
    return np.empty((0, 0))
  return np.array(x, np.float64)[None]


def _ppg_artefacts(i: int) -> np.ndarray:
  """Those of the second case are a cell, of a vector for each artefact."""
  if i != 1:
    return _row(SPANS[i])
  cell = np.empty(2, object)
  cell[0] = _row(SPANS[i][:2])
  cell[1] = _row(SPANS[i][2:])
  return cell


def _parameters(i: int) -> Structure:
  return {
    "samplingrate": {
      "co2": _scalar(RATE_HZ),
      "pleth": _scalar(RATE_HZ),
      "ecg": _scalar(RATE_HZ),
    },
    "case": {"id": f"{CASES[i]}_8min", "ventilation": "spontaneous"},
  }


def _scalar(x: float) -> np.ndarray:
  return np.full((1, 1), float(x))


def _meta(record: Record, i: int) -> Structure:
  """Age and gender of the last case are not known."""
  age = record.info["age"]
  gender = record.info["sex"]
  if i == 2:
    age = np.nan
    gender = ""
  ventilation = "controlled"
  if i == 0:
    ventilation = "spontaneous"
  return {
    "subject": {"age": _scalar(age), "weight": _scalar(20.5), "gender": gender},
    "treatment": {"ventilation": ventilation},
    "persistentID": "doi:10.5683/SP2/NLB8IT",
  }


def _reference(record: Record) -> Structure:
  breaths_s = record.annotations["breaths_1_s"]
  rates_bpm = np.full(8, 12)
  return {"rr": {"co2": {"x": _row(breaths_s[1:]), "y": _row(rates_bpm)}}}


def leaves(structure: Structure, path: str = "") -> Iterator[tuple[str, Value]]:
  """Yields (path with slashes, value) of every field."""
  for name, value in structure.items():
    if isinstance(value, dict):
      yield from leaves(value, f"{path}{name}/")
    else:
      yield path + name, value


def _write_hdf5(folder: pathlib.Path, name: str, structure: Structure) -> None:
  """MATLAB 7.3: arrays transposed, text as code points, [] as its shape, a cell as references."""
  path = folder / f"{name}_8min.mat"
  with h5py.File(path, "w", userblock_size=512) as file:
    for key, value in leaves(structure):
      _put(file, key, value)
  with open(path, "r+b") as raw:
    raw.write(b"MATLAB 7.3 MAT-file".ljust(116) + bytes(8) + b"\x00\x02IM")


def _put(file: h5py.File, key: str, value: Value) -> h5py.Dataset:
  if isinstance(value, str):
    matlab_class = "char"
    code_points = [ord(character) for character in value]
    data = np.array(code_points, np.uint16)[:, None]
  elif value.dtype == object:
    matlab_class = "cell"
    contents = [_put(file, f"#refs#/{i}", one) for i, one in enumerate(value.ravel())]
    references = [item.ref for item in contents]
    data = np.array([references], h5py.ref_dtype)
  else:
    matlab_class = "double"
    data = value.T

  empty = data.size == 0
  if empty:
    data = np.zeros(2, np.uint64)   # the shape
  item = file.create_dataset(key, data=data)
  item.attrs["MATLAB_class"] = np.bytes_(matlab_class)
  if empty:
    item.attrs["MATLAB_empty"] = np.uint8(1)
  return item


def _write_mat(folder: pathlib.Path, name: str, structure: Structure) -> None:
  scipy.io.savemat(
    folder / f"{name}_8min.mat",
    structure,
    do_compression=True,
    long_field_names=True,
  )


def _write_tables(folder: pathlib.Path, name: str, structure: Structure, form: str) -> None:
  """As the depositor's writer makes them, "%g" and all; "tab" as Borealis converts them."""
  for kind, part in structure.items():
    fields = {key.replace("/", "_"): value for key, value in leaves(part)}
    if kind == "signal":
      del fields["id"]
      rows = _signal_rows(fields)
    else:
      rows = [[_cell(value) for value in fields.values()]]

    separator = "\t"
    header = list(fields)
    if form == "csv":
      separator = ","
      header = [f'"{key}"' for key in fields]
    lines = [separator.join(cells) for cells in [header, *rows]]
    path = folder / f"{name}_8min_{kind}.{form}"
    path.write_text("\n".join(lines) + "\n")


def _signal_rows(fields: Mapping[str, np.ndarray]) -> list[list[str]]:
  rows = []
  for row in np.concatenate(list(fields.values()), -1).tolist():
    rows.append([f"{x:g}" for x in row])
  return rows


def _cell(value: Value) -> str:
  if isinstance(value, str):
    return f'"{value}"'
  if value.size == 0:
    return '""'

  numbers = value.ravel()
  if value.dtype == object:
    numbers = np.concatenate([one.ravel() for one in numbers])
  if len(numbers) == 1:
    return f"{numbers[0]:g}"
  return "".join(f" {x:g}" for x in numbers)
