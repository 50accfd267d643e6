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
