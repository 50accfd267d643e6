"""Readers of PhysioNet's BIDMC files, each of which raises a `UserError` that names the file and the remedy."""
import csv
import pathlib
import re
from typing import Any, NamedTuple

import numpy as np

from jaxsig.errors import UserError

RATE_HZ = 125.0
AGAIN = "download it again from https://physionet.org/content/bidmc/1.0.0/"
_SAMPLE_BYTES = {"80": 1, "212": 1.5, "16": 2, "61": 2, "160": 2, "24": 3, "32": 4}
_HEADER = re.compile(r"bidmc(\d{2})\.hea")  # not bidmcNNn.hea, the monitor's numerics
_SIGNALS = re.compile(r"bidmc_(\d{2})_Signals\.csv")


class Files(NamedTuple):
  """Where the parts of one recording are; those that are missing are None."""
  id: str
  signals: pathlib.Path  # header of the WFDB form, or the Signals file of the CSV form
  breaths: pathlib.Path | None
  fix: pathlib.Path | None
  numerics: pathlib.Path | None


def find(folder: str | pathlib.Path) -> list[Files]:
  """All recordings in `folder`, its `bidmc/`, or a `bidmc_csv/` in either, by number; a header goes before a CSV."""
  folder = pathlib.Path(folder)
  places = [p for p in (folder, folder / "bidmc", folder / "bidmc_csv", folder / "bidmc/bidmc_csv") if p.is_dir()]
  found = {}
  for pattern in (_HEADER, _SIGNALS):
    for path in (p for place in places for p in sorted(place.iterdir())):
      if match := pattern.fullmatch(path.name):
        found.setdefault(match[1], path)
  return [_files(number, found[number], places) for number in sorted(found)]


def _files(number: str, signals: pathlib.Path, places: list) -> Files:
  def part(name: str) -> pathlib.Path | None:
    return next((p for place in places if (p := place / f"bidmc_{number}_{name}").is_file()), None)
  return Files(f"bidmc{number}", signals, part("Breaths.csv"), part("Fix.txt"), part("Numerics.csv"))


def paths(files: Files) -> list[pathlib.Path]:
  """Every file that reading a recording touches."""
  data = [files.signals.with_suffix(".dat")] if files.signals.suffix == ".hea" else []
  return [p for p in (files.signals, *data, files.breaths, files.fix, files.numerics) if p is not None and p.is_file()]


def read_wfdb(path: pathlib.Path, remedy: str = AGAIN) -> tuple[float, dict]:
  """Rate in Hz and {signal name: [T] float64 in physical units} of a WFDB header; a missing sample is NaN."""
  import wfdb
  stem = str(path.with_suffix(""))
  try:
    header = wfdb.rdheader(stem)
    _check_sizes(path, header, remedy)
    record = wfdb.rdrecord(stem)
    signals = {_name(name): x for name, x in zip(record.sig_name, record.p_signal.T, strict=True)}
  except UserError:
    raise
  except Exception as error:  # wfdb parses by hand: a damaged header raises nearly anything
    raise UserError(f"{path} cannot be read as a WFDB record ({error}): {remedy}") from error
  return float(record.fs), signals


def _name(name: str) -> str:
  return name.strip(" ,").upper()  # PhysioNet's names end in a comma


def _check_sizes(path: pathlib.Path, header: Any, remedy: str) -> None:
  """wfdb's own complaint about a short file names neither the file nor the remedy."""
  for name in dict.fromkeys(header.file_name or []):
    data = path.parent / name
    if not data.is_file():
      raise UserError(f"{data} is missing beside its header {path.name}: {remedy}")
    here = [i for i, other in enumerate(header.file_name) if other == name]
    if header.sig_len is None or any(header.fmt[i] not in _SAMPLE_BYTES for i in here):
      continue
    a_sample = sum(_SAMPLE_BYTES[header.fmt[i]] * (header.samps_per_frame[i] or 1) for i in here)
    wanted = int(header.sig_len * a_sample) + (header.byte_offset[here[0]] or 0)
    if data.stat().st_size < wanted:
      raise UserError(f"{data} is truncated, {data.stat().st_size} bytes of the {wanted} its header promises: {remedy}")


def read_table(path: pathlib.Path, header: bool = True) -> dict:
  """{column name: [T] float64} of a CSV file; blanks are NaN, columns without a header are called by their number."""
  try:
    with open(path, newline="", encoding="utf-8-sig") as file:
      rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row]
    names = rows.pop(0) if header else [str(i) for i in range(len(rows[0]))]
    table = np.array([[float(cell or "nan") for cell in row + [""] * (len(names) - len(row))] for row in rows])
    if table.shape != (len(rows), len(names)):
      raise ValueError(f"{len(names)} names for {table.shape[-1]} columns")
    return dict(zip(names, table.T, strict=True))
  except (IndexError, ValueError, csv.Error) as error:  # a UnicodeDecodeError is a ValueError
    raise UserError(f"{path} is no table of numbers under one header line ({error}): export it as plain CSV") from error


def read_signals(files: Files) -> dict:
  """{"ppg_t", "resp_t"} [T] float32 at 125 Hz, checked: there, whole, without NaN and not flat."""
  if files.signals.suffix == ".hea":
    rate_hz, signals = read_wfdb(files.signals)
  else:
    table = {_name(name): x for name, x in read_table(files.signals).items()}
    time_s = next((x for name, x in table.items() if name.startswith("TIME")), None)
    rate_hz, signals = RATE_HZ if time_s is None else rate_of(time_s), table
  if abs(rate_hz - RATE_HZ) > 0.5:  # the time column of the CSV form is rounded
    raise UserError(f"{files.signals} is sampled at {rate_hz:g} Hz, BIDMC at {RATE_HZ:g} Hz: "
                    "read a recording of another rate as a file of your own (--mode=predict --input)")
  out = {}
  for key, name in (("ppg_t", "PLETH"), ("resp_t", "RESP")):
    if name not in signals:
      raise UserError(f"{files.signals} has no signal {name} (it has {', '.join(signals) or 'none'}): {AGAIN}")
    out[key] = check_signal(signals[name], RATE_HZ, f"{name} of {files.signals}")
  return out


def rate_of(time_s: np.ndarray) -> float:
  """Sampling rate of a time column, from its whole length as single steps are rounded."""
  return (len(time_s) - 1) / (time_s[-1] - time_s[0]) if len(time_s) > 1 and time_s[-1] > time_s[0] else np.nan


def check_signal(x_t: np.ndarray, rate_hz: float, name: str) -> np.ndarray:
  """float32 copy of a signal that is finite and does not stand still for more than half of its length."""
  bad = np.flatnonzero(~np.isfinite(x_t))
  if len(bad):
    raise UserError(f"{name} has {len(bad)} missing values, the first at {bad[0] / rate_hz:.2f} s: "
                    "cut the recording there, fill them, or leave the file out")
  edges = np.flatnonzero(np.diff(x_t, prepend=np.inf, append=np.inf))
  if len(x_t) < 2 or np.diff(edges).max() > len(x_t) / 2:
    raise UserError(f"{name} is flat for more than half of the recording: check the sensor, or leave the file out")
  return np.asarray(x_t, np.float32)


def read_breaths(files: Files, duration_s: float) -> dict:
  """{"breaths_1_s", "breaths_2_s"}: both annotators' breath times in seconds, ascending."""
  if files.breaths is None:
    raise UserError(f"{files.id} has no bidmc_{files.id[5:]}_Breaths.csv beside {files.signals}: {AGAIN}")
  table = {name.lower().partition(" [")[0]: x for name, x in read_table(files.breaths).items()}
  out = {}
  for number in (1, 2):
    samples = table.get(f"breaths ann{number}")
    if samples is None:
      raise UserError(f"{files.breaths} has no column for annotator {number}: {AGAIN}")
    times_s = np.sort(samples[np.isfinite(samples)]) / RATE_HZ
    if len(times_s) and not 0 <= times_s[0] <= times_s[-1] <= duration_s:
      raise UserError(f"{files.breaths} has a breath at {max(times_s, key=abs):.1f} s, outside of the recording of "
                      f"{duration_s:.1f} s in {files.signals}: the two belong to different recordings, {AGAIN}")
    out[f"breaths_{number}_s"] = times_s
  return out


def read_numerics(files: Files) -> dict:
  """{"monitor_..._k"}: the monitor's own numbers, one a second from 0 s, NaN where it had none; {} without the file."""
  if files.numerics is None:
    return {}
  table = {_name(name): x for name, x in read_table(files.numerics).items()}
  names = {"HR": "hr_bpm", "PULSE": "pulse_bpm", "RESP": "rr_bpm", "SPO2": "spo2_percent"}
  return {f"monitor_{new}_k": table[old].astype(np.float32) for old, new in names.items() if old in table}


def read_fix(files: Files) -> tuple[str, dict]:
  """(patient id, {"age": float | None, "sex": "F" | "M" | None}); the patient is read, never guessed."""
  if files.fix is None:
    raise UserError(f"{files.id} has no bidmc_{files.id[5:]}_Fix.txt beside {files.signals}, which names its patient: "
                    f"{AGAIN}")
  text = files.fix.read_text(encoding="utf-8", errors="replace")
  lines = (line.partition(":") for line in text.splitlines())
  fields = {key.strip().lower(): value.strip() for key, _, value in lines}
  patient = fields.get("mimic ii matched wdb id", "")
  if not patient:
    raise UserError(f'{files.fix} has no line "MIMIC II matched wdb ID: ...", so its patient is unknown: {AGAIN}')
  age = re.match(r"\d+(\.\d+)?", fields.get("age", ""))  # "NaN" for one recording
  sex = fields.get("gender", "").upper()
  return patient, {"age": float(age[0]) if age else None, "sex": sex if sex in ("F", "M") else None}
