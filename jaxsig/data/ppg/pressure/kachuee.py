"""Cuff-less blood pressure of UCI (Kachuee et al. 2015): PPG, arterial pressure and ECG at 125 Hz.

The files Part_1.mat to Part_4.mat (v7.3) hold 3,000 pieces of recordings each, without ids: those
that follow one another are often of one patient, so that a part is a group.
"""
import pathlib
from typing import NamedTuple

import h5py
import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure import wave_beats
from jaxsig.data.ppg.pressure.audited import inspect_audited
from jaxsig.data.ppg.pressure.hdf5_sets import files_in, opened
from jaxsig.data.recordings import load_all
from jaxsig.data.records import Record
from jaxsig.errors import UserError

LICENCE = "CC BY 4.0 (UCI Machine Learning Repository)"
CITATION = [
  (
    "Kachuee M, Kiani MM, Mohammadzade H, Shabany M. Cuff-less high-accuracy calibration-free "
    "blood pressure estimation using pulse transit time. IEEE ISCAS 2015. doi:10.24432/C5B602"
  ),
]
RATE_HZ = 125.0
SHORTEST_S = 8.0   # of a piece that is read
NOTE = "Subjects are unknown: a part of the data set is a group."


class Piece(NamedTuple):
  """A piece of a part."""
  path: pathlib.Path
  number: int


def _paths(folder: str) -> list[pathlib.Path]:
  return files_in(folder, ("kachuee", "uci_bp"), "Part_*.mat")


def _pieces(folder: str) -> list[Piece]:
  paths = _paths(folder)
  if not paths:
    raise UserError(
        f"no Part_1.mat in {folder} or its kachuee/: correct the folder, or unpack "
        "https://doi.org/10.24432/C5B602 there")
  pieces = []
  for path in paths:
    with opened(path, [path.stem]) as file:
      count = file[path.stem].size
    pieces += [Piece(path, number) for number in range(count)]
  return pieces


def load(folder: str, config: ConfigDict) -> list[Record]:
  """All pieces that are long enough.

  Raises:
    UserError: nothing is there, or a file is broken (unless `config.skip_broken`).
  """
  return load_all(folder, _pieces(folder), read_piece, config)


def read_piece(piece: Piece) -> Record:
  """A piece as a record of the group of its part.

  Raises:
    UserError: it is too short, or its pressure is not in mmHg.
  """
  name = f"{piece.path.stem}_{piece.number}"
  with opened(piece.path, [piece.path.stem]) as file:
    reference = file[piece.path.stem][()].ravel()[piece.number]
    table_t_c = _table(file, reference, name)
  if len(table_t_c) < SHORTEST_S * RATE_HZ:
    raise UserError(f"{name} lasts {len(table_t_c) / RATE_HZ:.1f} s, less than {SHORTEST_S:g} s")
  ppg_t, abp_t = table_t_c[:, 0], table_t_c[:, 1]
  wave_beats.require_mmhg(abp_t, name)
  return Record(
      id=name,
      group=piece.path.stem,
      rate_hz=RATE_HZ,
      signals={"ppg_t": ppg_t, "abp_t": abp_t},
      annotations=wave_beats.annotated(abp_t, RATE_HZ),
      info={"source": "kachuee", "notes": [NOTE]},
  )


def _table(file: h5py.File, reference: h5py.Reference, name: str) -> np.ndarray:
  """[t, 3] PPG, pressure and ECG of a piece, whichever axis MATLAB has put first."""
  table = np.asarray(file[reference], np.float32)
  if table.ndim != 2 or 3 not in table.shape:
    raise UserError(f"{name} has the shape {table.shape}, not 3 signals: leave it out")
  if table.shape[1] != 3:
    table = table.T
  return table


def sources(folder: str) -> list[pathlib.Path]:
  """The files that `load` reads; empty where there is none."""
  return _paths(folder)


def inspect(folder: str) -> dict[str, object]:
  """What is in the folder, with the findings of the leak audit, licence and citation."""
  def summary(piece: Piece, record: Record) -> dict[str, object]:
    return {
        "record": record.id,
        "group": record.group,
        "duration_s": round(record.duration_s, 1),
        "sbp_mmhg": round(float(np.nanmedian(record.annotations["sbp_t"])), 1),
    }

  def name(piece: Piece) -> str:
    return f"{piece.path.stem}_{piece.number}"

  listed = inspect_audited(_pieces(folder), name, read_piece, summary)
  return {**listed, "licence": LICENCE, "citation": CITATION}
