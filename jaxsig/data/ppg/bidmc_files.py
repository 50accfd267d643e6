"""Readers of PhysioNet's BIDMC files; each `UserError` names the file and the remedy."""
import pathlib
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from jaxsig.data.ppg.signal_formats import (
  check_signal,
  plain_name,
  rate_of,
  read_table,
)
from jaxsig.data.signal_files.wfdb_files import read_wfdb_channels
from jaxsig.errors import UserError

RATE_HZ = 125.0
AGAIN = "download it again from https://physionet.org/content/bidmc/1.0.0/"
_HEADER = re.compile(r"bidmc(\d{2})\.hea")   # not bidmcNNn.hea, the monitor's numerics
_SIGNALS = re.compile(r"bidmc_(\d{2})_Signals\.csv")
_MONITOR = {
  "HR": "hr_bpm",
  "PULSE": "pulse_bpm",
  "RESP": "rr_bpm",
  "SPO2": "spo2_percent",
}


class Files(NamedTuple):
  """Paths of the parts of one recording; None where a part is missing."""
  id: str                 # "bidmc01", ...
  signals: pathlib.Path   # header of the WFDB form, or the Signals file of the CSV form
  breaths: pathlib.Path | None
  fix: pathlib.Path | None
  numerics: pathlib.Path | None

  @property
  def number(self) -> str:
    """The recording's number as it stands in file names: "01", ..."""
    return self.id.removeprefix("bidmc")


def find(folder: str | pathlib.Path) -> list[Files]:
  """Returns the files of all recordings, in the order of their numbers.

  They may lie in `folder`, in its `bidmc/`, or in a `bidmc_csv/` in either. A recording that is
  there in both forms is read from its WFDB header.
  """
  places = _places(pathlib.Path(folder))
  signals_by_number = {}
  for pattern in (_HEADER, _SIGNALS):
    for path in _paths_in(places):
      match = pattern.fullmatch(path.name)
      if match:
        signals_by_number.setdefault(match[1], path)

  recordings = []
  for number in sorted(signals_by_number):
    signals = signals_by_number[number]
    recordings.append(_files_of(number, signals, places))
  return recordings


def _places(folder: pathlib.Path) -> list[pathlib.Path]:
  """The folders that may hold BIDMC files and exist."""
  candidates = (
    folder,
    folder / "bidmc",
    folder / "bidmc_csv",
    folder / "bidmc" / "bidmc_csv",
  )
  return [place for place in candidates if place.is_dir()]


def _paths_in(places: Sequence[pathlib.Path]) -> Iterator[pathlib.Path]:
  for place in places:
    yield from sorted(place.iterdir())


def _files_of(number: str, signals: pathlib.Path, places: Sequence[pathlib.Path]) -> Files:
  return Files(
    id=f"bidmc{number}",
    signals=signals,
    breaths=_first_file(f"bidmc_{number}_Breaths.csv", places),
    fix=_first_file(f"bidmc_{number}_Fix.txt", places),
    numerics=_first_file(f"bidmc_{number}_Numerics.csv", places),
  )


def _first_file(name: str, places: Sequence[pathlib.Path]) -> pathlib.Path | None:
  for place in places:
    path = place / name
    if path.is_file():
      return path
  return None


def paths(files: Files) -> list[pathlib.Path]:
  """Returns every existing file that reading a recording touches."""
  candidates = [files.signals]
  if files.signals.suffix == ".hea":
    candidates.append(files.signals.with_suffix(".dat"))
  candidates += [files.breaths, files.fix, files.numerics]

  existing = []
  for path in candidates:
    if path is not None and path.is_file():
      existing.append(path)
  return existing


def read_signals(files: Files) -> dict[str, np.ndarray]:
  """Reads {"ppg_t", "resp_t"} [T] float32 at 125 Hz.

  Raises:
    UserError: the rate differs, or a signal is missing, flat, or has missing values.
  """
  rate_hz, raw_signals = _raw_signals(files.signals)
  if abs(rate_hz - RATE_HZ) > 0.5:   # the time column of the CSV form is rounded
    raise UserError(
      f"{files.signals} is sampled at {rate_hz:g} Hz, BIDMC at {RATE_HZ:g} Hz: "
      "read a recording of another rate as a file of your own (--mode=predict --input)"
    )

  signals = {}
  for key, name in (("ppg_t", "PLETH"), ("resp_t", "RESP")):
    if name not in raw_signals:
      present = ", ".join(raw_signals) or "none"
      raise UserError(
        f"{files.signals} has no signal {name} (it has {present}): {AGAIN}"
      )
    title = f"{name} of {files.signals}"
    signals[key] = check_signal(raw_signals[name], RATE_HZ, title)
  return signals


def _raw_signals(path: pathlib.Path) -> tuple[float, dict[str, np.ndarray]]:
  """Rate in Hz and {name in capitals: [T] float64} of either form."""
  if path.suffix == ".hea":
    return _wfdb_signals(path)

  table = _plain_table(path)
  for name, x_t in table.items():
    if name.startswith("TIME"):
      return rate_of(x_t), table
  return RATE_HZ, table


def _wfdb_signals(path: pathlib.Path) -> tuple[float, dict[str, np.ndarray]]:
  """Rate in Hz and the signals of the WFDB form, whose names must differ."""
  signals = {}
  rates_hz = set()
  for channel in read_wfdb_channels(path, AGAIN).channels:
    name = plain_name(channel.name)
    if name in signals:
      raise UserError(f"{path} has two signals {name}: {AGAIN}")
    signals[name] = channel.load()
    rates_hz.add(channel.rate_hz)

  if len(rates_hz) != 1 or None in rates_hz:
    raise UserError(f"{path} has no sampling rate that all of its signals share: {AGAIN}")
  return rates_hz.pop(), signals


def _plain_table(path: pathlib.Path) -> dict[str, np.ndarray]:
  """The columns of a CSV file by their names in capitals."""
  columns = {}
  for name, x_t in read_table(path).items():
    columns[plain_name(name)] = x_t
  return columns


def read_breaths(files: Files, duration_s: float) -> dict[str, np.ndarray]:
  """Reads {"breaths_1_s", "breaths_2_s"}: both annotators' breath times in seconds, ascending.

  Raises:
    UserError: the file or an annotator is missing, or a breath lies outside of the recording of
      `duration_s`.
  """
  if files.breaths is None:
    raise UserError(
      f"{files.id} has no bidmc_{files.number}_Breaths.csv beside {files.signals}: {AGAIN}"
    )

  samples_by_column = {}
  for title, samples in read_table(files.breaths).items():
    column, _, _ = title.lower().partition(" [")   # without "[signal sample no]"
    samples_by_column[column] = samples

  breaths = {}
  for annotator in (1, 2):
    samples = samples_by_column.get(f"breaths ann{annotator}")
    if samples is None:
      raise UserError(
        f"{files.breaths} has no column for annotator {annotator}: {AGAIN}"
      )
    finite = samples[np.isfinite(samples)]   # the shorter column ends in blanks
    times_s = np.sort(finite) / RATE_HZ
    _check_within_recording(times_s, duration_s, files)
    breaths[f"breaths_{annotator}_s"] = times_s
  return breaths


def _check_within_recording(times_s: np.ndarray, duration_s: float, files: Files) -> None:
  if len(times_s) == 0 or 0 <= times_s[0] <= times_s[-1] <= duration_s:
    return
  farthest_s = max(times_s, key=abs)
  raise UserError(
    f"{files.breaths} has a breath at {farthest_s:.1f} s, "
    f"outside of the recording of {duration_s:.1f} s in {files.signals}: "
    f"the two belong to different recordings, {AGAIN}"
  )


def read_numerics(files: Files) -> dict[str, np.ndarray]:
  """Reads the monitor's own numbers, {"monitor_hr_bpm_k", ...} [k] float32.

  There is one a second from 0 s, NaN where the monitor had none. Without the file there are
  none: {}.
  """
  if files.numerics is None:
    return {}

  table = _plain_table(files.numerics)
  numerics = {}
  for column, name in _MONITOR.items():
    if column in table:
      numerics[f"monitor_{name}_k"] = table[column].astype(np.float32)
  return numerics


def read_fix(files: Files) -> tuple[str, dict[str, float | str | None]]:
  """Reads the patient's id and {"age": years or None, "sex": "F", "M" or None}.

  Raises:
    UserError: the file or the patient's id is missing. The id decides which recordings must not
      be split, so it is never guessed.
  """
  if files.fix is None:
    raise UserError(
      f"{files.id} has no bidmc_{files.number}_Fix.txt beside {files.signals}, "
      f"which names its patient: {AGAIN}"
    )

  fields = _fix_fields(files.fix)
  patient = fields.get("mimic ii matched wdb id", "")
  if not patient:
    raise UserError(
      f'{files.fix} has no line "MIMIC II matched wdb ID: ...", '
      f"so its patient is unknown: {AGAIN}"
    )

  age = None
  age_digits = re.match(r"\d+(\.\d+)?", fields.get("age", ""))   # "NaN" for one recording
  if age_digits:
    age = float(age_digits[0])

  sex = fields.get("gender", "").upper()
  if sex not in ("F", "M"):
    sex = None
  return patient, {"age": age, "sex": sex}


def _fix_fields(path: pathlib.Path) -> dict[str, str]:
  """{key in lower case: value} of the lines "key: value"."""
  text = path.read_text(encoding="utf-8", errors="replace")
  fields = {}
  for line in text.splitlines():
    key, _, value = line.partition(":")
    fields[key.strip().lower()] = value.strip()
  return fields
