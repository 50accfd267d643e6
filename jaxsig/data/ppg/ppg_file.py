"""A user's own PPG: CSV, NPY, WFDB or an array in, a `Record` or one sentence out. Where the signal is missing it is NaN."""
import csv
import itertools
import pathlib
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from jaxsig.data.ppg import bidmc_files
from jaxsig.data.records import Record, runs
from jaxsig.errors import UserError

RATES_HZ = (10.0, 1e4)        # below, a pulse of 150 a minute has no shape left
STILL_S = 2.0                 # a sensor that shows one value for so long is off the finger or saturated
LONGEST_S = 7 * 24 * 3600.0   # beyond, a time column is taken to be wrong rather than the recording long
_LINES = 200_000              # of a CSV read at once: as Python's lists, a night of PPG takes gigabytes


def read_ppg(source: Any, rate_hz: float | None) -> Record:
  """Reads the PPG of a file or array of the user's.

  Args:
    source: an array or list [t], or the path of a .csv or .txt (a column whose name has PPG or PLETH in it, or a single
      column; a column "time" in seconds gives the rate, and leaves a gap where it jumps forward), a .npy (one axis) or a
      WFDB header (with or without its .hea).
    rate_hz: of the samples; only needed where the file does not say.

  Returns:
    Record with signals {"ppg_t"} float32, group "user". NaN where a value is missing, infinite, or stands still for 2 s.

  Raises:
    UserError: the file, its signal or its rate cannot be used.
  """
  if isinstance(source, (str, pathlib.Path)):
    path = pathlib.Path(source)
    name, (own_hz, ppg_t) = str(path), _from_file(path)
    own_id = path.stem if path.suffix else path.name
  else:
    name, own_id, own_hz, ppg_t = "the array", "recording", None, _numbers(source, "the array", "give")
  rate_hz = _agreed_rate(own_hz, rate_hz, name)
  ppg_t = _only_signal(ppg_t, rate_hz, f"the PPG of {name}")
  return Record(own_id, "user", rate_hz, {"ppg_t": ppg_t}, {}, {"source": "user"})


def _from_file(path: pathlib.Path) -> tuple[float | None, np.ndarray]:
  header = path if path.suffix == ".hea" else path.with_name(path.name + ".hea")
  if header.is_file():
    return _from_wfdb(header)
  if not path.is_file():
    raise UserError(f"{path} does not exist: name a .csv, .npy or WFDB file")
  return (None, _from_npy(path)) if path.suffix == ".npy" else _from_csv(path)


def _agreed_rate(own_hz: float | None, given_hz: float | None, name: str) -> float:
  if own_hz is None and not given_hz:
    raise UserError(f"{name} does not say its sampling rate: give it with --rate_hz")
  if own_hz is not None and given_hz and abs(own_hz - given_hz) > 0.01 * own_hz:
    raise UserError(f"{name} says {own_hz:g} Hz, --rate_hz says {given_hz:g}: leave --rate_hz out or correct the file")
  rate_hz = float(own_hz if own_hz is not None else given_hz)
  if not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:
    raise UserError(f"{name}: {rate_hz:g} Hz is no sampling rate of a PPG, which has {RATES_HZ[0]:g} to {RATES_HZ[1]:g}: "
                    "give --rate_hz, and times in seconds")
  return rate_hz


def _only_signal(ppg_t: np.ndarray, rate_hz: float, name: str) -> np.ndarray:
  """float32 copy with NaN for all that is no signal; UserError where nothing is left."""
  if len(ppg_t) > LONGEST_S * rate_hz:
    raise UserError(f"{name} lasts {len(ppg_t) / rate_hz / 86400:.1f} days, more than {LONGEST_S / 86400:g}: cut it")
  with np.errstate(over="ignore"):   # beyond float32 is infinite, which is no signal
    ppg_t = np.array(ppg_t, np.float32)
  ppg_t[~np.isfinite(ppg_t)] = np.nan
  if not np.isfinite(ppg_t).any():
    raise UserError(f"{name} has not one finite value: export it again")
  for first, last in runs(np.diff(ppg_t) == 0):
    if last - first + 1 >= STILL_S * rate_hz:   # k equal steps are k + 1 samples
      ppg_t[first:last + 1] = np.nan
  if not np.isfinite(ppg_t).any():
    raise UserError(f"{name} is flat throughout: check the sensor, or leave the file out")
  return ppg_t


def _ppg_name(names: list[str], path: pathlib.Path) -> str:
  hits = [name for name in names if "PPG" in name.upper() or "PLETH" in name.upper()]
  signals = hits or [name for name in names if not _is_time(name)]
  if len(signals) != 1:
    raise UserError(f"{path} has {len(hits) or 'no'} columns named PPG or PLETH among {', '.join(names) or 'none'}: "
                    "name exactly one so")
  return signals[0]


def _is_time(name: str) -> bool:
  return name.lower().partition("[")[0].strip() in ("time", "t", "time_s", "time (s)", "seconds")


def _from_wfdb(path: pathlib.Path) -> tuple[float, np.ndarray]:
  rate_hz, signals = bidmc_files.read_wfdb(path, "copy or export it again")
  return rate_hz, signals[_ppg_name(list(signals), path)]


def _from_npy(path: pathlib.Path) -> np.ndarray:
  try:
    with path.open("rb") as file:
      return _numbers(np.load(file, allow_pickle=False), str(path), "save")
  except (ValueError, EOFError, zipfile.BadZipFile) as error:
    raise UserError(f"{path} is not a NumPy array of numbers ({error}): save it with numpy.save(path, ppg)") from error


def _numbers(x: Any, name: str, remedy: str) -> np.ndarray:
  try:
    x = np.ma.filled(np.ma.asarray(x, np.float64), np.nan) if isinstance(x, np.ma.MaskedArray) else np.asarray(x)
  except ValueError:   # lists of different lengths
    x = np.array(None)
  if x.ndim != 1 or x.dtype.kind not in "iuf" or not len(x):
    raise UserError(f"{name} holds {x.shape} of {x.dtype}: {remedy} one PPG as a real array with one axis")
  return x


def _from_csv(path: pathlib.Path) -> tuple[float | None, np.ndarray]:
  table = _read_columns(path)
  name = _ppg_name(list(table), path)
  times = [column for column in table if _is_time(column)]
  return _on_a_grid(table[times[0]], table[name], path) if times else (None, table[name])


def _read_columns(path: pathlib.Path) -> dict[str, np.ndarray]:
  """{column name: [t] float64} as bidmc_files.read_table, but part by part."""
  header = not _starts_with_number(path)
  try:
    with open(path, newline="", encoding="utf-8-sig") as file:
      names = [cell.strip() for cell in next(csv.reader(file))] if header else None
      parts = list(_parts(file, names))
    return dict(zip(names or map(str, range(parts[0].shape[1])), np.concatenate(parts).T, strict=True))
  except (IndexError, ValueError, StopIteration, csv.Error) as error:  # a UnicodeDecodeError is a ValueError
    raise UserError(f"{path} is no table of numbers under one header line ({error}): export it as plain CSV") from error


def _parts(file: Any, names: list[str] | None) -> Iterator[np.ndarray]:
  width, filled = len(names or ()), filter(str.strip, file)
  while lines := list(itertools.islice(filled, _LINES)):
    try:
      part = np.loadtxt(lines, np.float64, comments=None, delimiter=",", ndmin=2)   # ten times faster, but knows no blanks
    except ValueError:
      rows = list(csv.reader(lines))
      width = width or len(rows[0])
      part = np.array([[float(cell.strip() or "nan") for cell in row + [""] * (width - len(row))] for row in rows])
    width = width or part.shape[1]
    if part.shape[1:] != (width,):
      raise ValueError(f"{width} names for {part.shape[-1]} columns")
    yield part


def _starts_with_number(path: pathlib.Path) -> bool:
  with open(path, encoding="utf-8-sig", errors="replace") as file:
    first = file.readline(1000).partition(",")[0]
  try:
    float(first)
  except ValueError:
    return False
  return True


def _on_a_grid(time_s: np.ndarray, x_t: np.ndarray, path: pathlib.Path) -> tuple[float, np.ndarray]:
  """(rate, samples on a uniform grid from the first time on); where the time, which may be rounded, jumps, NaN fills the gap."""
  wrong = np.flatnonzero(~(np.diff(time_s) >= 0))
  if len(wrong):
    raise UserError(f"the time column of {path} runs backwards or is missing after {time_s[wrong[0]]:g} (it must count seconds): "
                    "sort or cut the recording, or drop the column and give --rate_hz")
  if time_s[-1] - time_s[0] > LONGEST_S:
    raise UserError(f"the time column of {path} spans {(time_s[-1] - time_s[0]) / 86400:.1f} days, more than {LONGEST_S / 86400:g} "
                    "(it must count seconds): correct or cut it")
  rate_hz, starts = _rate_and_jumps(time_s)
  out, end = [], 0
  for first, last in zip([0, *starts], [*starts, len(x_t)], strict=True):
    gap = max(0, round((time_s[first] - time_s[0]) * rate_hz) - end) if first else 0
    out += [np.full(gap, np.nan), x_t[first:last]]
    end += gap + last - first
  return rate_hz, np.concatenate(out) if len(starts) else x_t


def _rate_and_jumps(time_s: np.ndarray) -> tuple[float, np.ndarray]:
  """Rate of a time column and the indices of the samples before which it jumps forward.

  A rounded column repeats a time and then steps over as much; only what a step has beyond the samples it passed is a jump.
  """
  at = np.concatenate([[0], np.flatnonzero(np.diff(time_s) > 0) + 1])
  passed, step_s = np.diff(at), np.diff(time_s[at])
  if not len(at) > 1:
    return np.nan, at[:0]
  some = slice(None, None, max(1, len(passed) // 100_000))
  order = np.argsort(step_s[some] / passed[some])
  half = np.searchsorted(np.cumsum(passed[some][order]), passed[some].sum() / 2)
  rate_hz = (passed[some] / step_s[some])[order][half]
  for _ in range(2):   # the median is as coarse as the rounding: the mean of what is no jump is not
    jumps = step_s - passed / rate_hz > max(0.1, 3 / rate_hz, np.median(step_s[some]))
    rate_hz = passed[~jumps].sum() / step_s[~jumps].sum()
  return rate_hz, at[1:][jumps]
