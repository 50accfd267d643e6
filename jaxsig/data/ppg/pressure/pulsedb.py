"""PulseDB subsets (Wang et al. 2023): segments of 10 s of PPG and arterial pressure at 125 Hz.

MATLAB v7.3 with `Subset/Signals` (ECG, PPG, raw pressure), `SBP`, `DBP`, `Age`, ... and `Subject`.
The segments of a subject lie one after another in a record, with a gap of a second between them.
"""
import pathlib
from typing import NamedTuple

import h5py
import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure.audited import inspect_audited
from jaxsig.data.ppg.pressure.hdf5_sets import column, files_in, opened
from jaxsig.data.ppg.pressure.segments import with_gaps
from jaxsig.data.recordings import load_all
from jaxsig.data.records import Record
from jaxsig.errors import UserError

LICENCE = "MIT for the code; data under the terms of MIMIC-III (ODbL) and VitalDB (CC BY-NC-SA 4.0)"
CITATION = [
  (
    "Wang W, Mohseni P, Kilgore KL, Najafizadeh L. PulseDB: A large, cleaned dataset based on "
    "MIMIC-III and VitalDB for benchmarking cuff-less blood pressure estimation methods. "
    "Front Digit Health 4:1090854, 2023. doi:10.3389/fdgth.2022.1090854"
  ),
]
RATE_HZ = 125.0
SIGNALS = "Subset/Signals"
NAMES = (SIGNALS, "Subset/SBP", "Subset/DBP", "Subset/Subject")
PPG = 1   # of the three signals


class Subject(NamedTuple):
  """A subject's segments in a file."""
  path: pathlib.Path
  name: str
  index_k: np.ndarray
  segments_in_file: int


def _subjects(folder: str) -> list[Subject]:
  paths = files_in(folder, ("pulsedb", "PulseDB"), "*.mat")
  if not paths:
    raise UserError(
        f"no PulseDB subset (.mat) in {folder} or its pulsedb/: correct the folder, or make one by "
        "https://github.com/pulselabteam/PulseDB")
  found = []
  for path in paths:
    with opened(path, NAMES) as file:
      names = _names(file)
    for name in sorted(set(names)):
      index_k = np.flatnonzero(np.array(names) == name)
      found.append(Subject(path, name, index_k, len(names)))
  return found


def _names(file: h5py.File) -> list[str]:
  """The subject of each segment, as MATLAB's cell array of texts has them."""
  names = []
  for reference in file["Subset/Subject"][()].ravel():
    codes = np.asarray(file[reference]).ravel()
    names.append("".join(chr(code) for code in codes))
  return names


def load(folder: str, config: ConfigDict) -> list[Record]:
  """A record a subject of each file.

  Raises:
    UserError: nothing is there, or a file is broken (unless `config.skip_broken`).
  """
  return load_all(folder, _subjects(folder), read_subject, config)


def read_subject(subject: Subject) -> Record:
  """A subject's record, with the pressures of each segment at each of its samples.

  Raises:
    UserError: its segments cannot be read.
  """
  with opened(subject.path, NAMES) as file:
    signals = file[SIGNALS]
    segments = [_ppg(signals, k, subject) for k in subject.index_k]
    sbp = column(file, "Subset/SBP")[subject.index_k]
    dbp = column(file, "Subset/DBP")[subject.index_k]
    age = column(file, "Subset/Age")
  pressures = []
  for one_sbp, one_dbp in zip(sbp, dbp, strict=True):
    pressures.append({"sbp": float(one_sbp), "dbp": float(one_dbp)})
  laid = with_gaps(segments, pressures, RATE_HZ)
  info = {"source": "pulsedb", "age": None, "sex": None, "bmi": None}
  if len(age):
    info["age"] = float(age[subject.index_k[0]])
  name = f"{subject.path.stem}_{subject.name}"
  return Record(name, subject.name, RATE_HZ, laid.signals, laid.annotations, info)


def _ppg(signals: h5py.Dataset, k: int, subject: Subject) -> np.ndarray:
  """[t] the PPG of a segment: of [N, 3, t], or of [t, 3, N], as HDF5 shows MATLAB's arrays."""
  n = subject.segments_in_file
  if signals.ndim == 3 and signals.shape[1] == 3:
    if signals.shape[0] == n:
      return np.asarray(signals[k, PPG, :], np.float32)
    if signals.shape[2] == n:
      return np.asarray(signals[:, PPG, k], np.float32)
  raise UserError(
      f"Signals of {subject.path} have the shape {signals.shape}, not ({n}, 3, samples): it is "
      "another data set's file")


def sources(folder: str) -> list[pathlib.Path]:
  """The files that `load` reads; empty where there is none."""
  return files_in(folder, ("pulsedb", "PulseDB"), "*.mat")


def inspect(folder: str) -> dict[str, object]:
  """What is in the folder, with the findings of the leak audit, licence and citation."""
  def summary(subject: Subject, record: Record) -> dict[str, object]:
    return {
        "record": record.id,
        "segments": len(subject.index_k),
        "age": record.info["age"],
        "sbp_mmhg": round(float(np.nanmedian(record.annotations["sbp_t"])), 1),
    }

  found = _subjects(folder)
  listed = inspect_audited(found, lambda subject: subject.name, read_subject, summary)
  return {**listed, "licence": LICENCE, "citation": CITATION}
