"""Prepared windows of Schrumpf et al. 2021 (HDF5): PPG of 7 s at 125 Hz with their labels.

`ppg` (N, 875), `label` (N, 2), `subject_idx` (N, 1); of the camera `rppg` (875, N), `label` (2, N),
`subject_idx` (1, N). The order of a subject's windows in time is lost.
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

LICENCE = "that of MIMIC-III (ODbL) for the PPG; of the camera's windows see the authors' page"
CITATION = [
  (
    "Schrumpf F, Frenzel P, Aust C, Osterhoff G, Fuchs M. Assessment of non-invasive blood "
    "pressure prediction from PPG and rPPG signals using deep learning. Sensors 21(18):6022, 2021. "
    "doi:10.3390/s21186022"
  ),
]
RATE_HZ = 125.0
SAMPLES = 875
NOTE = "The order of the windows in time is lost: nothing said of 'first' readings holds here."


class Subject(NamedTuple):
  """A subject's windows in a file."""
  path: pathlib.Path
  number: int
  index_k: np.ndarray


def _paths(folder: str) -> list[pathlib.Path]:
  return files_in(folder, ("schrumpf",), "*.h5")


def _subjects(folder: str) -> list[Subject]:
  paths = _paths(folder)
  if not paths:
    raise UserError(
        f"no prepared windows (.h5) in {folder} or its schrumpf/: correct the folder, or fetch "
        "them from https://doi.org/10.5281/zenodo.5590603")
  found = []
  for path in paths:
    with opened(path, ("label", "subject_idx")) as file:
      subject_n = column(file, "subject_idx").astype(int)
    for number in np.unique(subject_n):
      found.append(Subject(path, int(number), np.flatnonzero(subject_n == number)))
  return found


def load(folder: str, config: ConfigDict) -> list[Record]:
  """A record a subject of each file.

  Raises:
    UserError: nothing is there, or a file is broken (unless `config.skip_broken`).
  """
  return load_all(folder, _subjects(folder), read_subject, config)


def read_subject(subject: Subject) -> Record:
  """A subject's record, its windows one after another with gaps of a second.

  Raises:
    UserError: the file holds no windows of 875 samples.
  """
  with opened(subject.path, ("label", "subject_idx")) as file:
    name = "ppg"
    if "ppg" not in file:
      name = "rppg"
    windows_n_t = _rows(file, name, SAMPLES, subject)
    label_n_p = _rows(file, "label", 2, subject)
  pressures = [{"sbp": float(sbp), "dbp": float(dbp)} for sbp, dbp in label_n_p]
  laid = with_gaps(list(windows_n_t), pressures, RATE_HZ)
  own = f"{subject.path.stem}_{subject.number}"
  info = {"source": "schrumpf", "notes": [NOTE]}
  return Record(own, own, RATE_HZ, laid.signals, laid.annotations, info)


def _rows(file: h5py.File, name: str, width: int, subject: Subject) -> np.ndarray:
  """[k, width] a subject's rows of an array that is stored as it is or transposed."""
  if name not in file or width not in file[name].shape or file[name].ndim != 2:
    raise UserError(f"{subject.path} has no {name} of {width} numbers a window: copy it again")
  if file[name].shape[1] == width:
    return np.asarray(file[name][subject.index_k], np.float32)
  return np.asarray(file[name][:, subject.index_k], np.float32).T


def sources(folder: str) -> list[pathlib.Path]:
  """The files that `load` reads; empty where there is none."""
  return _paths(folder)


def inspect(folder: str) -> dict[str, object]:
  """What is in the folder, with the findings of the leak audit, licence and citation."""
  def summary(subject: Subject, record: Record) -> dict[str, object]:
    return {"record": record.id, "windows": len(subject.index_k)}

  def name(subject: Subject) -> str:
    return f"{subject.path.stem}_{subject.number}"

  listed = inspect_audited(_subjects(folder), name, read_subject, summary)
  return {**listed, "licence": LICENCE, "citation": CITATION}
