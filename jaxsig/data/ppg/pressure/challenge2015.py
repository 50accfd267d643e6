"""PhysioNet/CinC Challenge 2015: PPG and arterial pressure of intensive-care patients.

Records last 300 or 330 s at 250 Hz and end at, or half a minute after, an alarm: irregular beats
are the rule. No patient ids exist; `groups.csv` beside the records tells which of them may be one
patient by their ECG.
"""
import csv
import pathlib

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure import wave_beats
from jaxsig.data.ppg.pressure.audited import inspect_audited
from jaxsig.data.ppg.pressure.channel_choice import channel_named
from jaxsig.data.recordings import load_all
from jaxsig.data.records import Record
from jaxsig.data.signal_files.wfdb_files import read_wfdb_channels
from jaxsig.errors import UserError

LICENCE = "Open Data Commons Attribution License v1.0 (ODC-By 1.0)"
CITATION = [
  (
    "Clifford GD et al. The PhysioNet/Computing in Cardiology Challenge 2015: Reducing false "
    "arrhythmia alarms in the ICU. Computing in Cardiology 42:273-276, 2015."
  ),
  (
    "Goldberger AL et al. PhysioBank, PhysioToolkit, and PhysioNet. "
    "Circulation 101(23):e215-e220, 2000. doi:10.1161/01.CIR.101.23.e215"
  ),
]
NAMES = "[abftv][0-9][0-9][0-9][ls].hea"   # a letter for the alarm, three digits, long or short


def headers(folder: str) -> list[pathlib.Path]:
  """The headers of all records in `folder` or its challenge2015/, sorted by name."""
  for place in (pathlib.Path(folder) / "challenge2015", pathlib.Path(folder)):
    found = sorted(place.glob(NAMES))
    if found:
      return found
  return []


def load(folder: str, config: ConfigDict) -> list[Record]:
  """All records with a PPG and an arterial pressure.

  Raises:
    UserError: nothing is there, or a record is broken (unless `config.skip_broken`).
  """
  groups = groups_of(headers(folder))

  def read(header: pathlib.Path) -> Record:
    return read_record(header, groups)

  return load_all(folder, required(folder), read, config)


def required(folder: str) -> list[pathlib.Path]:
  """The headers of all records in `folder`; UserError if there is none."""
  found = headers(folder)
  if not found:
    raise UserError(
        f"no record of the Challenge 2015 (v123s.hea) in {folder} or its challenge2015/: correct "
        "the folder, or copy https://physionet.org/content/challenge-2015/1.0.0/training/ there")
  return found


def read_record(header: pathlib.Path, groups: dict[str, str]) -> Record:
  """A record with its PPG, its pressure and the pressures of its beats.

  Raises:
    UserError: it is broken, or lacks a PPG or an arterial pressure in mmHg.
  """
  channels = read_wfdb_channels(header).channels
  ppg = channel_named(channels, ("PLETH",), header)
  abp = channel_named(channels, ("ABP", "ART"), header)
  abp_t = abp.load().astype(np.float32)
  wave_beats.require_mmhg(abp_t, header)
  return Record(
      id=header.stem,
      group=groups.get(header.stem, header.stem),
      rate_hz=float(ppg.rate_hz),
      signals={"ppg_t": ppg.load().astype(np.float32), "abp_t": abp_t},
      annotations=wave_beats.annotated(abp_t, ppg.rate_hz),
      info={"source": "challenge2015"},
  )


def groups_of(found: list[pathlib.Path]) -> dict[str, str]:
  """{record: group} of groups.csv; a record that it leaves empty is a group of its own."""
  groups = {}
  if not found or not (found[0].parent / "groups.csv").is_file():
    return groups
  with (found[0].parent / "groups.csv").open(newline="") as file:
    for row in csv.DictReader(file):
      group = (row.get("group") or "").strip()
      if group:
        groups[row["record"].strip()] = f"group_{group.removesuffix('.0')}"
  return groups


def sources(folder: str) -> list[pathlib.Path]:
  """The files that `load` reads; empty where there is none."""
  found = headers(folder)
  files = []
  for header in found:
    files += [header, header.with_suffix(".mat")]
  if found and (found[0].parent / "groups.csv").is_file():
    files.append(found[0].parent / "groups.csv")
  return files


def inspect(folder: str) -> dict[str, object]:
  """What is in the folder, with the findings of the leak audit, licence and citation."""
  found = required(folder)
  groups = groups_of(found)

  def read(header: pathlib.Path) -> Record:
    return read_record(header, groups)

  def summary(header: pathlib.Path, record: Record) -> dict[str, object]:
    beats = int(np.isfinite(record.annotations["sbp_t"]).sum())
    return {
        "record": record.id,
        "group": record.group,
        "duration_s": round(record.duration_s, 1),
        "beats": beats,
        "sbp_mmhg": round(float(np.nanmedian(record.annotations["sbp_t"])), 1),
        "dbp_mmhg": round(float(np.nanmedian(record.annotations["dbp_t"])), 1),
    }

  listed = inspect_audited(found, lambda header: header.stem, read, summary)
  return {**listed, "licence": LICENCE, "citation": CITATION}
