"""MIMIC-III waveforms as PhysioNet lays them out: multi-segment WFDB of PPG and arterial pressure.

In the matched subset a folder p######/ is a patient; elsewhere a record is taken for one, and the
notes say so. Segments of a record that is read whole are not read again by themselves.
"""
import pathlib
import re

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure import wave_beats
from jaxsig.data.ppg.pressure.audited import inspect_audited
from jaxsig.data.ppg.pressure.channel_choice import channel_named
from jaxsig.data.recordings import load_all
from jaxsig.data.records import Record
from jaxsig.data.signal_files.wfdb_files import read_wfdb_channels
from jaxsig.errors import UserError

LICENCE = "Open Data Commons Open Database License v1.0 (ODbL 1.0)"
CITATION = [
  (
    "Moody B, Moody G, Villarroel M, Clifford GD, Silva I. MIMIC-III Waveform Database Matched "
    "Subset (version 1.0). PhysioNet, 2020. doi:10.13026/c2294b"
  ),
  (
    "Goldberger AL et al. PhysioBank, PhysioToolkit, and PhysioNet. "
    "Circulation 101(23):e215-e220, 2000. doi:10.1161/01.CIR.101.23.e215"
  ),
]
PATIENT = re.compile(r"p\d{6}")
NUMERICS = re.compile(r".*n")          # records of numbers a second or a minute
MASTER = re.compile(r"(\S+)/(\d+)\s")  # the first line of a record of several segments
UNKNOWN = "The patient is unknown: a record is a group."


def headers(folder: str) -> list[pathlib.Path]:
  """The headers of all records, without numerics, layouts and segments of other records."""
  every = []
  for place in (pathlib.Path(folder) / "mimic3wdb", pathlib.Path(folder)):
    every = sorted(place.rglob("*.hea"))
    if every:
      break
  chosen, inside = [], set()
  for header in every:
    if NUMERICS.fullmatch(header.stem) or header.stem.endswith("_layout"):
      continue
    segments = _segments(header)
    inside |= {header.with_name(f"{name}.hea") for name in segments}
    chosen.append(header)
  return [header for header in chosen if header not in inside]


def _segments(header: pathlib.Path) -> list[str]:
  """The names of the segments of a record; none of one that has no segments."""
  lines = [line for line in header.read_text(errors="replace").splitlines()
           if line.strip() and not line.startswith("#")]
  if not lines or not MASTER.match(lines[0]):
    return []
  names = [line.split()[0] for line in lines[1:]]
  return [name for name in names if name != "~"]


def load(folder: str, config: ConfigDict) -> list[Record]:
  """All records with a PPG and an arterial pressure.

  Raises:
    UserError: nothing is there, or a record cannot be used (unless `config.skip_broken`, as most
      records of the database lack one of the two).
  """
  return load_all(folder, _required(folder), read_record, config)


def _required(folder: str) -> list[pathlib.Path]:
  found = headers(folder)
  if not found:
    raise UserError(
        f"no record of MIMIC-III waveforms (.hea) in {folder} or its mimic3wdb/: correct the "
        "folder, or fetch some by "
        "jaxsig.data.ppg.pressure.mimic_waveforms.download(folder, records)")
  return found


def read_record(header: pathlib.Path) -> Record:
  """A record with NaN where its segments are missing.

  Raises:
    UserError: it is broken, or lacks a PPG or an arterial pressure in mmHg.
  """
  found = read_wfdb_channels(header)
  ppg = channel_named(found.channels, ("PLETH",), header)
  abp = channel_named(found.channels, ("ABP", "ART"), header)
  abp_t = abp.load().astype(np.float32)
  wave_beats.require_mmhg(abp_t, header)
  patient = [part for part in header.parts if PATIENT.fullmatch(part)]
  notes = list(found.notes)
  group = header.stem
  if patient:
    group = patient[-1]
  else:
    notes.append(UNKNOWN)
  return Record(
      id=header.stem,
      group=group,
      rate_hz=float(ppg.rate_hz),
      signals={"ppg_t": ppg.load().astype(np.float32), "abp_t": abp_t},
      annotations=wave_beats.annotated(abp_t, ppg.rate_hz),
      info={"source": "mimic3wdb", "notes": notes},
  )


def sources(folder: str) -> list[pathlib.Path]:
  """The files that `load` reads: headers and all data files beside them."""
  files = []
  for header in headers(folder):
    files += [header, *sorted(header.parent.glob("*.dat"))]
  return sorted(set(files))


def inspect(folder: str) -> dict[str, object]:
  """What is in the folder, with the findings of the leak audit, licence and citation."""
  def summary(header: pathlib.Path, record: Record) -> dict[str, object]:
    missing = np.isnan(record.signals["ppg_t"]).mean()
    return {
        "record": record.id,
        "patient": record.group,
        "duration_s": round(record.duration_s, 1),
        "missing": f"{100 * missing:.0f} %",
    }

  found = _required(folder)
  listed = inspect_audited(found, lambda header: header.stem, read_record, summary)
  return {**listed, "licence": LICENCE, "citation": CITATION}


def download(folder: str, records: list[str]) -> None:
  """Fetches records, such as "p00/p000020/p000020-2183-04-28-17-47", into `folder`/mimic3wdb.

  Raises:
    UserError: they could not be fetched.
  """
  import wfdb

  target = pathlib.Path(folder) / "mimic3wdb"
  target.mkdir(parents=True, exist_ok=True)
  try:
    wfdb.dl_database("mimic3wdb-matched", str(target), records=list(records), keep_subdirs=True)
  except Exception as error:  # urllib's, requests' and wfdb's own: to a user they are all one
    raise UserError(
        f"MIMIC-III waveforms could not be fetched from physionet.org ({error}): check the "
        f"network, or copy records into {target} by hand") from error
