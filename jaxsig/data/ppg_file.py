"""A user's own PPG: CSV, NPY or WFDB in, a `Record` or one sentence out."""
import pathlib

import numpy as np

from jaxsig.data import bidmc_files
from jaxsig.data.core import Record
from jaxsig.errors import UserError


def read_ppg(path: pathlib.Path, rate_hz: float | None) -> Record:
  """Reads the PPG of a file of the user's.

  Args:
    path: .csv or .txt (a column whose name has PPG or PLETH in it, or a single column; a column "time" in seconds gives
      the rate), .npy (one axis) or WFDB (the header, with or without its .hea).
    rate_hz: of the samples; only needed where the file does not say.

  Returns:
    Record with signals {"ppg_t"}, group "user".

  Raises:
    UserError: the file, its signal or its rate cannot be used.
  """
  header = path if path.suffix == ".hea" else path.with_name(path.name + ".hea")
  if header.is_file():
    own_hz, ppg_t = _from_wfdb(header)
  elif not path.is_file():
    raise UserError(f"{path} does not exist: name a .csv, .npy or WFDB file")
  elif path.suffix == ".npy":
    own_hz, ppg_t = None, _from_npy(path)
  else:
    own_hz, ppg_t = _from_csv(path)
  rate_hz = _agreed_rate(own_hz, rate_hz, path)
  ppg_t = bidmc_files.check_signal(ppg_t, rate_hz, f"the PPG of {path}")
  return Record(path.stem if path.suffix else path.name, "user", rate_hz, {"ppg_t": ppg_t}, {}, {"source": "user"})


def _agreed_rate(own_hz: float | None, given_hz: float | None, path: pathlib.Path) -> float:
  if own_hz is None and not given_hz:
    raise UserError(f"{path} does not say its sampling rate: give it with --rate_hz")
  if own_hz is not None and given_hz and abs(own_hz - given_hz) > 0.01 * own_hz:
    raise UserError(f"{path} says {own_hz:g} Hz, --rate_hz says {given_hz:g}: leave --rate_hz out or correct the file")
  rate_hz = float(own_hz if own_hz is not None else given_hz)
  if not 5 <= rate_hz <= 1e5:
    raise UserError(f"{path}: {rate_hz:g} Hz is no sampling rate of a PPG: give --rate_hz, and times in seconds")
  return rate_hz


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
    x = np.load(path, allow_pickle=False)
  except (ValueError, EOFError) as error:
    raise UserError(f"{path} is not a NumPy array of numbers ({error}): save it with numpy.save(path, ppg)") from error
  if not isinstance(x, np.ndarray) or x.ndim != 1 or x.dtype.kind not in "iuf":
    raise UserError(f"{path} holds {getattr(x, 'shape', 'several arrays')} of {getattr(x, 'dtype', 'files')}: "
                    "save one PPG as a real array with one axis")
  return x.astype(np.float64)


def _from_csv(path: pathlib.Path) -> tuple[float | None, np.ndarray]:
  table = bidmc_files.read_table(path, header=not _starts_with_number(path))
  name = _ppg_name(list(table), path)
  times = [column for column in table if _is_time(column)]
  return (_rate_without_gaps(table[times[0]], path) if times else None), table[name]


def _starts_with_number(path: pathlib.Path) -> bool:
  first = path.read_text(encoding="utf-8-sig", errors="replace")[:1000].partition("\n")[0].partition(",")[0]
  try:
    float(first)
  except ValueError:
    return False
  return True


def _rate_without_gaps(time_s: np.ndarray, path: pathlib.Path) -> float:
  """Rate of a time column that may be rounded but neither jumps nor runs backwards."""
  rate_hz = bidmc_files.rate_of(time_s)
  wrong = np.flatnonzero(~(np.abs(np.diff(time_s) - 1 / rate_hz) < max(0.1, 3 / rate_hz)) | (np.diff(time_s) < 0))
  if len(wrong):
    raise UserError(f"the time column of {path} jumps after {time_s[wrong[0]]:g} (it must count seconds without gaps): "
                    "cut the recording there, or drop the column and give --rate_hz")
  return rate_hz
