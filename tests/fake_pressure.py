"""Small files of recordings with the pressure, in the layouts of the public data sets."""
import pathlib

import numpy as np
import wfdb
from builders import ROOT

from jaxsig import config as configs
from jaxsig.data.ppg.pressure.simulate_pressure import simulate


def config_of(arg: str = "", **changes):
  """The experiment of configs/blood_pressure.py, with changes by dotted names with __ for dots."""
  config = configs.load(ROOT / "configs" / "blood_pressure.py", arg)
  dotted = {name.replace("__", "."): value for name, value in changes.items()}
  return configs.override(config, dotted)


def people(n: int, seed: int = 1, stretches: int = 3, stretch_s: float = 10.0, **changes):
  """Simulated records of n people."""
  config = config_of(
      data__simulate_stretches=stretches, data__simulate_stretch_s=stretch_s, **changes)
  return list(simulate(seed, n, config.data))


def write_challenge(folder: pathlib.Path, records, groups: str = "") -> list[str]:
  """Writes WFDB records of 125 Hz as those of the Challenge 2015; returns their names."""
  folder.mkdir(parents=True, exist_ok=True)
  names = []
  for number, record in enumerate(records):
    name = f"v{100 + number}s"
    signals_t_c = np.stack([record.signals["ppg_t"], record.signals["abp_t"]], -1)
    wfdb.wrsamp(
        name,
        fs=record.rate_hz,
        units=["NU", "mmHg"],
        sig_name=["PLETH", "ABP"],
        p_signal=signals_t_c.astype(np.float64),
        fmt=["16", "16"],
        write_dir=str(folder),
    )
    names.append(name)
  if groups:
    (folder / "groups.csv").write_text(groups)
  return names


HEADER = [
    "Num.", "subject_ID", "Sex(M/F)", "Age(year)", "Height(cm)", "Weight(kg)",
    "Systolic Blood Pressure(mmHg)", "Diastolic Blood Pressure(mmHg)", "Heart Rate(b/m)",
    "BMI(kg/m^2)", "Hypertension",
]


def write_ppg_bp(folder: pathlib.Path, segments: dict[str, np.ndarray], rows: list[list]) -> None:
  """Writes segments {"2_1": [t] at 1 kHz} and the table in the layout of PPG-BP."""
  import openpyxl

  (folder / "0_subject").mkdir(parents=True)
  for name, ppg_t in segments.items():
    line = "\t".join(f"{x:.1f}" for x in ppg_t) + "\t"
    (folder / "0_subject" / f"{name}.txt").write_text(line)
  book = openpyxl.Workbook()
  book.active.append([None] * len(HEADER))
  book.active.append(HEADER)
  for row in rows:
    book.active.append(row)
  book.save(folder / "PPG-BP dataset.xlsx")


def write_kachuee(path: pathlib.Path, tables) -> None:
  """Writes tables [t, 3] as MATLAB v7.3 has a cell array of them."""
  import h5py

  with h5py.File(path, "w") as file:
    references = []
    for number, table in enumerate(tables):
      references.append(file.create_dataset(f"#refs#/{number}", data=table).ref)
    cells = np.array(references, h5py.ref_dtype).reshape(-1, 1)
    file.create_dataset(path.stem, data=cells, dtype=h5py.ref_dtype)


def write_pulsedb(path: pathlib.Path, signals: np.ndarray, subjects: list[str]) -> None:
  """Writes a subset of segments, with pressures that count up."""
  import h5py

  n = len(subjects)
  with h5py.File(path, "w") as file:
    file["Subset/Signals"] = signals
    file["Subset/SBP"] = 120.0 + np.arange(n)[None]
    file["Subset/DBP"] = 70.0 + np.arange(n)[None]
    file["Subset/Age"] = 60.0 + np.arange(n)[None]
    references = []
    for number, name in enumerate(subjects):
      codes = np.array([[ord(letter)] for letter in name], np.uint16)
      references.append(file.create_dataset(f"#refs#/{number}", data=codes).ref)
    cells = np.array(references, h5py.ref_dtype).reshape(1, -1)
    file.create_dataset("Subset/Subject", data=cells, dtype=h5py.ref_dtype)


def write_schrumpf(path: pathlib.Path, windows, labels, subjects, camera: bool) -> None:
  """Writes prepared windows; those of the camera are transposed."""
  import h5py

  arrays = {"ppg": windows, "label": labels, "subject_idx": subjects[:, None]}
  if camera:
    arrays = {"rppg": windows.T, "label": labels.T, "subject_idx": subjects[None]}
  with h5py.File(path, "w") as file:
    for name, x in arrays.items():
      file[name] = x


def write_empty_hdf5(path: pathlib.Path) -> None:
  import h5py

  with h5py.File(path, "w") as file:
    file["other"] = np.zeros(3)


def write_mimic(folder: pathlib.Path, record) -> None:
  """Writes a record of two segments with 10 s missing between them, and its numerics."""
  folder.mkdir(parents=True)
  signals_t_c = np.stack([record.signals["ppg_t"], record.signals["abp_t"]], -1).astype(float)
  size = len(signals_t_c) // 2
  for number in (1, 2):
    wfdb.wrsamp(
        f"3544749_000{number}",
        fs=125,
        units=["NU", "mmHg"],
        sig_name=["PLETH", "ABP"],
        p_signal=signals_t_c[(number - 1) * size:number * size],
        fmt=["16", "16"],
        write_dir=str(folder),
    )
  name = "p000020-2183-04-28-17-47"
  layout = "3544749_layout 2 125 0\n~ 0 1(0)/NU 16 0 0 0 0 PLETH\n~ 0 1(0)/mmHg 16 0 0 0 0 ABP\n"
  (folder / "3544749_layout.hea").write_text(layout)
  lines = [f"{name}/4 2 125 {2 * size + 1250}", "3544749_layout 0", f"3544749_0001 {size}"]
  lines += ["~ 1250", f"3544749_0002 {size}"]
  (folder / f"{name}.hea").write_text("\n".join(lines) + "\n")
  (folder / f"{name}n.hea").write_text(f"{name}n 1 1 10\n")
