"""PPG-BP: three segments of 2.1 s of a finger's PPG and one reading of a cuff from 219 subjects.

The segments of a subject lie one after another in a record, with a gap of a second between them.
"""
import hashlib
import pathlib
import zipfile
from collections import defaultdict
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure.audited import inspect_audited
from jaxsig.data.ppg.pressure.segments import with_gaps
from jaxsig.data.recordings import load_all
from jaxsig.data.records import Record
from jaxsig.errors import UserError

LICENCE = "CC0 1.0 (the authors ask to be cited)"
CITATION = [
  (
    "Liang Y, Chen Z, Liu G, Elgendi M. A new, short-recorded photoplethysmogram dataset for blood "
    "pressure monitoring in China. Sci Data 5:180020, 2018. doi:10.1038/sdata.2018.20"
  ),
]
RATE_HZ = 1000.0
TABLE = "PPG-BP dataset.xlsx"
COLUMNS = {   # of the table, by how they begin
    "subject": "subject_ID",
    "sex": "Sex",
    "age": "Age",
    "sbp": "Systolic",
    "dbp": "Diastolic",
    "heart_rate": "Heart Rate",
    "bmi": "BMI",
}


class Subject(NamedTuple):
  """A subject's files and what the table says."""
  id: str
  segments: tuple[pathlib.Path, ...]
  row: dict[str, object]


def load(folder: str, config: ConfigDict) -> list[Record]:
  """A record a subject; a segment whose bytes are another's is left out of both.

  Raises:
    UserError: nothing is there, or a file is broken (unless `config.skip_broken`).
  """
  found = subjects(folder)
  doubled = doubled_segments(found)

  def read(subject: Subject) -> Record:
    return read_subject(subject, doubled)

  return load_all(folder, found, read, config)


def _place(folder: str) -> pathlib.Path | None:
  for place in (pathlib.Path(folder) / "ppg_bp", pathlib.Path(folder)):
    if (place / "0_subject").is_dir():
      return place
  return None


def subjects(folder: str) -> list[Subject]:
  """All subjects that have a segment, in the order of their numbers.

  Raises:
    UserError: there is none, or the table is missing or lacks a column.
  """
  place = _place(folder)
  if place is None:
    raise UserError(
        f"no PPG-BP data (0_subject/2_1.txt) in {folder} or its ppg_bp/: correct the folder, or "
        "unpack https://doi.org/10.6084/m9.figshare.5459299 there")
  rows = _table(place / TABLE)
  files = defaultdict(list)
  for path in sorted((place / "0_subject").glob("*_*.txt")):
    files[path.stem.partition("_")[0]].append(path)
  found = []
  for name in sorted(files, key=_number):
    if name in rows:
      found.append(Subject(f"s{name}", tuple(files[name]), rows[name]))
  return found


def _number(name: str) -> tuple[int, str]:
  if name.isdigit():
    return int(name), name
  return 10**9, name


def _table(path: pathlib.Path) -> dict[str, dict[str, object]]:
  """{subject: its row} of the table, whose header is its second line."""
  import openpyxl  # takes long to import: only where a table is read

  if not path.is_file():
    raise UserError(f"{path} is missing: it lies beside 0_subject in the data set")
  try:
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    lines = list(book.active.iter_rows(values_only=True))
    book.close()
  except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
    raise UserError(f"{path} cannot be read as a table ({error}): copy it again") from error
  header = _header(lines, path)
  rows = {}
  for line in lines[header + 1:]:
    row = _row(lines[header], line)
    if row["subject"] is not None:
      rows[str(row["subject"])] = row
  return rows


def _header(lines: list[tuple], path: pathlib.Path) -> int:
  for i, line in enumerate(lines[:10]):
    names = [str(cell) for cell in line]
    if COLUMNS["subject"] in names:
      return i
  raise UserError(f"{path} has no column {COLUMNS['subject']} in its first lines: copy it again")


def _row(header: tuple, line: tuple) -> dict[str, object]:
  row = {}
  for key, begins in COLUMNS.items():
    row[key] = None
    for name, cell in zip(header, line, strict=False):
      if str(name).startswith(begins):
        row[key] = cell
        break
  return row


def doubled_segments(found: list[Subject]) -> set[pathlib.Path]:
  """The segments whose bytes are also those of another subject's segment."""
  owners = defaultdict(list)
  for subject in found:
    for path in subject.segments:
      digest = hashlib.sha256(path.read_bytes()).hexdigest()
      owners[digest].append((subject.id, path))
  doubled = set()
  for same in owners.values():
    if len({owner for owner, _ in same}) > 1:
      doubled |= {path for _, path in same}
  return doubled


def read_subject(subject: Subject, doubled: set[pathlib.Path]) -> Record:
  """A subject's record, with the cuff's pressures at every sample of every segment.

  Raises:
    UserError: a segment is broken, none is left, or the table has no pressure.
  """
  kept = [path for path in subject.segments if path not in doubled]
  if not kept:
    raise UserError(f"{subject.id} has no segment of its own: leave it out")
  pressures = {}
  for target in ("sbp", "dbp"):
    value = subject.row[target]
    if not isinstance(value, (int, float)):
      raise UserError(f"the table has no {target} of {subject.id}: leave the subject out")
    pressures[target] = float(value)
  segments = [_segment(path) for path in kept]
  laid = with_gaps(segments, [pressures] * len(segments), RATE_HZ)
  info = {key: subject.row[key] for key in ("age", "sex", "bmi", "heart_rate")}
  info["source"] = "ppg_bp"
  if len(kept) < len(subject.segments):
    info["notes"] = ["A segment that is also another subject's was left out."]
  return Record(subject.id, subject.id, RATE_HZ, laid.signals, laid.annotations, info)


def _segment(path: pathlib.Path) -> np.ndarray:
  try:
    ppg_t = np.array(path.read_text().split(), np.float32)
  except (OSError, ValueError, UnicodeDecodeError) as error:
    raise UserError(f"{path} is no line of numbers ({error}): copy it again") from error
  if len(ppg_t) < 2 * RATE_HZ or not np.isfinite(ppg_t).all():
    raise UserError(f"{path} has {len(ppg_t)} numbers, less than 2 s: copy it again")
  return ppg_t


def sources(folder: str) -> list[pathlib.Path]:
  """The files that `load` reads; empty where there is none."""
  place = _place(folder)
  if place is None:
    return []
  return [place / TABLE, *sorted((place / "0_subject").glob("*_*.txt"))]


def inspect(folder: str) -> dict[str, object]:
  """What is in the folder, with the findings of the leak audit, licence and citation."""
  found = subjects(folder)
  doubled = doubled_segments(found)

  def read(subject: Subject) -> Record:
    return read_subject(subject, doubled)

  def summary(subject: Subject, record: Record) -> dict[str, object]:
    return {
        "record": record.id,
        "segments": len(subject.segments),
        "age": record.info["age"],
        "sex": record.info["sex"],
        "sbp_mmhg": subject.row["sbp"],
        "dbp_mmhg": subject.row["dbp"],
    }

  listed = inspect_audited(found, lambda subject: subject.id, read, summary)
  for path in sorted(doubled):
    listed["skipped"].append({"record": path.stem, "why": "its bytes are another subject's, too"})
  return {**listed, "licence": LICENCE, "citation": CITATION}
