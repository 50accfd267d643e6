"""Recordings of a camera as tables of R, G and B, with readings of a cuff beside them.

  traces/                     any depth; one table a recording, see `colour_traces`
    anna_1.csv                time,R,G,B
    subject_03/PPG.csv        (a table that is called PPG has the name of its folder)
    readings.csv              file,subject,time_s,sbp,dbp

A line of readings.csv is one reading of a cuff: the file, who it is, seconds after its first frame,
and the pressures in mmHg. A reading is the label of HOLD_S before and after it, and halfway to the
next. Without readings.csv, as in the recordings of Welltory (Neshitov et al. 2021, CC0), there is
nothing to learn or to score.
"""
import csv
import pathlib
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.camera.colour_pulse import with_ppg
from jaxsig.data.ppg.camera.colour_traces import read_traces
from jaxsig.data.ppg.pressure.audited import inspect_audited
from jaxsig.data.recordings import load_all
from jaxsig.data.records import Record
from jaxsig.errors import UserError

LICENCE = "the recordings are your own; those of Welltory are CC0 1.0"
CITATION = [
  (
    "Neshitov A, Tyapochkin K, Smorodnikova E, Pravdin P. Wavelet analysis and self-similarity of "
    "photoplethysmography signals for HRV estimation and quality assessment. "
    "Sensors 21(20):6798, 2021. doi:10.3390/s21206798"
  ),
]
READINGS = "readings.csv"
COLUMNS = ("file", "subject", "time_s", "sbp", "dbp")
UNNAMED = "ppg"     # of a table that tells nothing by its name
HOLD_S = 30.0


class Reading(NamedTuple):
  """A reading of a cuff."""
  subject: str
  time_s: float
  sbp_mmhg: float
  dbp_mmhg: float


class Trace(NamedTuple):
  """A table of colours, and what is read beside it."""
  path: pathlib.Path
  readings: tuple[Reading, ...]

  @property
  def name(self) -> str:
    """Of the recording."""
    if self.path.stem.lower() == UNNAMED:
      return self.path.parent.name
    return self.path.stem


def traces(folder: str) -> list[Trace]:
  """All tables in `folder` or its rgb_traces/ or welltory/, sorted by path.

  Raises:
    UserError: readings.csv lacks a column, holds no number, or names a file that is not there.
  """
  top = pathlib.Path(folder)
  for place in (top / "rgb_traces", top / "welltory", top):
    found = sorted(path for path in place.rglob("*.csv") if path.name != READINGS)
    if found:
      readings = _readings(place, found)
      return [Trace(path, tuple(readings.get(path, ()))) for path in found]
  return []


def _readings(place: pathlib.Path, found: list[pathlib.Path]) -> dict[pathlib.Path, list[Reading]]:
  """{table: its readings in the order of time} of readings.csv, where there is one."""
  path = place / READINGS
  readings = {}
  if not path.is_file():
    return readings
  with path.open(newline="", encoding="utf-8-sig") as file:
    table = csv.DictReader(file)
    for name in COLUMNS:
      if name not in (table.fieldnames or ()):
        raise UserError(f"{path} has no column {name}: it needs {', '.join(COLUMNS)}")
    for row in table:
      trace = place / row["file"].strip()
      if trace not in found:
        raise UserError(
            f"{path} names {row['file']!r} in line {table.line_num}, which is not there: "
            "correct it")
      readings.setdefault(trace, []).append(_reading(row, path, table.line_num))
  for own in readings.values():
    own.sort(key=lambda reading: reading.time_s)
  return readings


def _reading(row: dict[str, str], path: pathlib.Path, line: int) -> Reading:
  numbers = []
  for name in COLUMNS[2:]:
    try:
      numbers.append(float(row[name]))
    except (TypeError, ValueError):
      raise UserError(
          f"{path} has {row[name]!r} as {name} in line {line}: write a number") from None
  if not np.isfinite(numbers).all():
    raise UserError(f"{path} has a number that is not finite in line {line}: correct it")
  return Reading((row["subject"] or "").strip(), *numbers)


def load(folder: str, config: ConfigDict) -> list[Record]:
  """All recordings, with the pulse by `config.camera_pulse` (by default "auto").

  Raises:
    UserError: nothing is there, no reading of a cuff stands beside it, or a table is broken (unless
      `config.skip_broken`).
  """
  found = _required(folder)
  if not any(trace.readings for trace in found):
    raise UserError(
        f"there is no {READINGS} beside the {len(found)} tables in {folder}, so that no pressure "
        f"is known: write one with the columns {', '.join(COLUMNS)}")
  way = config.get("camera_pulse", "auto")
  return load_all(folder, found, lambda trace: read_trace(trace, way), config)


def _required(folder: str) -> list[Trace]:
  found = traces(folder)
  if not found:
    raise UserError(
        f"no table of time, R, G and B (.csv) in {folder} or its rgb_traces/: correct the folder")
  return found


def read_trace(trace: Trace, way: str = "auto") -> Record:
  """A record with "ppg_t" and the pressures at the samples around each reading.

  Raises:
    UserError: the table has no R, G and B, is of two subjects, or a reading lies outside of it.
  """
  record = read_traces(trace.path, None)
  if record is None:
    raise UserError(f"{trace.path} has no columns R, G and B: leave it out of the folder")
  record = with_ppg(record, way)
  subjects = sorted({reading.subject for reading in trace.readings if reading.subject})
  if len(subjects) > 1:
    raise UserError(f"{trace.path} is of {subjects[0]} and of {subjects[1]} in {READINGS}")
  group = trace.name
  if subjects:
    group = subjects[0]
  for reading in trace.readings:
    if not 0 <= reading.time_s <= record.duration_s:
      raise UserError(
          f"a reading of {trace.path} at {reading.time_s:g} s lies outside of its "
          f"{record.duration_s:.0f} s: correct {READINGS}")
  return record._replace(
      id=trace.name,
      group=group,
      annotations=_labels(trace.readings, len(record.signals["ppg_t"]), record.rate_hz),
      info={**record.info, "source": "rgb_traces"},
  )


def _labels(readings: tuple[Reading, ...], length: int, rate_hz: float) -> dict[str, np.ndarray]:
  """"sbp_t" and "dbp_t" [t]: the reading of each sample, NaN away from all."""
  sbp_t = np.full(length, np.nan, np.float32)
  dbp_t = np.full(length, np.nan, np.float32)
  time_s_t = np.arange(length) / rate_hz
  for k, reading in enumerate(readings):
    from_s = reading.time_s - HOLD_S
    to_s = reading.time_s + HOLD_S
    if k > 0:
      from_s = max(from_s, (readings[k - 1].time_s + reading.time_s) / 2)
    if k + 1 < len(readings):
      to_s = min(to_s, (reading.time_s + readings[k + 1].time_s) / 2)
    inside_t = (time_s_t >= from_s) & (time_s_t < to_s)
    sbp_t[inside_t] = reading.sbp_mmhg
    dbp_t[inside_t] = reading.dbp_mmhg
  return {"sbp_t": sbp_t, "dbp_t": dbp_t}


def sources(folder: str) -> list[pathlib.Path]:
  """The files that `load` reads; empty where there is none."""
  found = traces(folder)
  files = [trace.path for trace in found]
  for place in {path.parent for path in files} | {path.parent.parent for path in files}:
    if (place / READINGS).is_file():
      files.append(place / READINGS)
  return sorted(files)


def inspect(folder: str) -> dict[str, object]:
  """What is in the folder, with the findings of the leak audit, licence and citation."""
  def summary(trace: Trace, record: Record) -> dict[str, object]:
    return {
        "record": record.id,
        "group": record.group,
        "duration_s": round(record.duration_s, 1),
        "frames_per_s": round(record.rate_hz, 1),
        "readings": len(trace.readings),
        "notes": list(record.info["notes"]),
    }

  def name(trace: Trace) -> str:
    return trace.name

  listed = inspect_audited(_required(folder), name, read_trace, summary)
  return {**listed, "licence": LICENCE, "citation": CITATION}
