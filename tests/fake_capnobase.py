"""For the tests of CapnoBase: simulated recordings in the layout of its benchmark, with the real files' oddities."""
import pathlib
import types

import h5py
import numpy as np
import scipy.io

from jaxsig.data.ppg.simulate_respiration import simulate
from jaxsig.data.records import Record

RATE_HZ = 300
FORMS = ("hdf5", "mat", "csv", "tab")
CASES = ("0009", "0015", "0370")
SPANS = ((), (901, 1200, 5000, 5400), (0, 656))   # artefacts of the PPG: samples from 1 on, both ends within; a 0 occurs


def options(**changes) -> types.SimpleNamespace:
  """What `load` reads of `config.data`, with changes."""
  return types.SimpleNamespace(**{"window_s": 5.0, "skip_broken": False, **changes})


def records(n: int = 3, duration_s: float = 70, seed: int = 0) -> list[Record]:
  """`n` simulated recordings of as many patients."""
  config = {"simulate_duration_s": duration_s, "simulate_rate_hz": RATE_HZ, "simulate_records_per_patient": 1}
  return simulate(seed, n, types.SimpleNamespace(**config))


def write_capnobase(folder: pathlib.Path | str, made: list[Record], form: str = "hdf5") -> list[str]:
  """Writes `made` as cases 0009, 0015, 0370 into `folder`, in one of `FORMS`. Returns their ids."""
  folder = pathlib.Path(folder)
  folder.mkdir(parents=True, exist_ok=True)
  write = {"hdf5": _write_hdf5, "mat": _write_mat}.get(form, _write_tables)
  for i, record in enumerate(made):
    tree = case(record, i)
    write(folder, CASES[i], tree, *([form] if write is _write_tables else []))
  return [f"capnobase{name}" for name in CASES[:len(made)]]


def samples(record: Record) -> np.ndarray:
  """The labels of a record's breaths: samples, counted from 1."""
  return np.rint(record.annotations["breaths_1_s"] * RATE_HZ) + 1


def case(record: Record, i: int) -> dict:
  """MATLAB's structures of one case: a vector is a row, but a signal a column; the second artefacts are a cell."""
  end = lambda x: np.append(x, x[-1])[:, None].astype(np.float64)   # the endpoint is included: 144001 samples in 480 s
  ppg_t, co2_t = end(record.signals["ppg_t"]), end(record.signals["resp_t"])
  row = lambda x: np.array(x, np.float64)[None] if len(x) else np.empty((0, 0))
  span = row(SPANS[i])
  if i == 1:
    span = np.empty(2, object)
    span[:] = [row(SPANS[i][:2]), row(SPANS[i][2:])]
  return {
    "signal": {"co2": {"y": co2_t}, "pleth": {"y": ppg_t}, "ecg": {"y": np.sin(np.arange(len(ppg_t)) / 60)[:, None]},
               "id": f"{CASES[i]}_8min"},
    "labels": {"co2": {"startexp": {"x": row(samples(record) + 200)}, "startinsp": {"x": row(samples(record)[::-1])},
                       "artif": {"x": row((301, 600) if i == 0 else ())}},
               "pleth": {"peak": {"x": row(np.arange(59, 20000, 183))}, "artif": {"x": span}}, "units": {"x": "samples"}},
    "param": {"samplingrate": {name: np.full((1, 1), float(RATE_HZ)) for name in ("co2", "pleth", "ecg")},
              "case": {"id": f"{CASES[i]}_8min", "ventilation": "spontaneous"}},
    "meta": {"subject": {"age": np.full((1, 1), np.nan if i == 2 else record.info["age"]), "weight": np.full((1, 1), 20.5),
                         "gender": "" if i == 2 else record.info["sex"]},
             "treatment": {"ventilation": "controlled" if i else "spontaneous"}, "persistentID": "doi:10.5683/SP2/NLB8IT"},
    "reference": {"rr": {"co2": {"x": row(record.annotations["breaths_1_s"][1:]), "y": row(np.full(8, 12))}}},
  }


def leaves(tree: dict, path: str = ""):
  """(path, value) of every field."""
  for name, x in tree.items():
    if isinstance(x, dict):
      yield from leaves(x, f"{path}{name}/")
    else:
      yield path + name, x


def _write_hdf5(folder: pathlib.Path, name: str, tree: dict) -> None:
  """MATLAB 7.3: arrays transposed, text as code points, [] as its shape, a cell as references."""
  path = folder / f"{name}_8min.mat"
  with h5py.File(path, "w", userblock_size=512) as file:
    for key, x in leaves(tree):
      _put(file, key, x)
  with open(path, "r+b") as raw:
    raw.write(b"MATLAB 7.3 MAT-file".ljust(116) + bytes(8) + b"\x00\x02IM")


def _put(file: h5py.File, key: str, x) -> h5py.Dataset:
  if isinstance(x, str):
    kind, data = "char", np.array([ord(c) for c in x], np.uint16)[:, None]
  elif x.dtype == object:
    kind, data = "cell", np.array([[_put(file, f"#refs#/{i}", one).ref for i, one in enumerate(x.ravel())]], h5py.ref_dtype)
  else:
    kind, data = "double", x.T
  empty = x == "" if kind == "char" else not x.size
  item = file.create_dataset(key, data=np.zeros(2, np.uint64) if empty else data)
  item.attrs["MATLAB_class"] = np.bytes_(kind)
  if empty:
    item.attrs["MATLAB_empty"] = np.uint8(1)
  return item


def _write_mat(folder: pathlib.Path, name: str, tree: dict) -> None:
  scipy.io.savemat(folder / f"{name}_8min.mat", tree, do_compression=True, long_field_names=True)


def _write_tables(folder: pathlib.Path, name: str, tree: dict, form: str) -> None:
  """The depositor's writer, "%g" and all; "tab" as Borealis converts it."""
  comma = "," if form == "csv" else "\t"
  for kind, part in tree.items():
    fields = {key.replace("/", "_"): x for key, x in leaves(part) if (kind, key) != ("signal", "id")}
    head = comma.join(f'"{key}"' if form == "csv" else key for key in fields)
    if kind == "signal":
      rows = [comma.join(f"{x:g}" for x in row) for row in np.concatenate(list(fields.values()), -1)]
    else:
      rows = [comma.join(_cell(x) for x in fields.values())]
    (folder / f"{name}_8min_{kind}.{form}").write_text("\n".join([head, *rows]) + "\n")


def _cell(x) -> str:
  if isinstance(x, str) or not x.size:
    return f'"{x if isinstance(x, str) else ""}"'
  x = np.concatenate([one.ravel() for one in x.ravel()]) if x.dtype == object else x.ravel()
  return f"{x[0]:g}" if len(x) == 1 else "".join(f" {one:g}" for one in x)
