"""A user's own PPG: CSV, NPY, WFDB or an array in, a `Record` or one sentence on what is wrong out.

Where the signal is missing it is NaN.
"""
import pathlib
import zipfile
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from jaxsig.data.gaps import runs
from jaxsig.data.ppg.signal_formats import read_wfdb
from jaxsig.data.records import Record
from jaxsig.data.text_channels import read_text_channels
from jaxsig.data.time_grid import LONGEST_S
from jaxsig.errors import UserError

RATES_HZ = (10.0, 1e4)   # below, a pulse of 150 a minute has no shape left
STILL_S = 2.0            # a sensor that shows one value for so long is off the finger or saturated


def read_ppg(source: str | pathlib.Path | ArrayLike, rate_hz: float | None) -> Record:
  """Reads a user's own PPG from a file or an array.

  Args:
    source: an array or list [t], or the path of
      a .csv or .txt: a column whose name has PPG or PLETH in it, or a single column; a column
        "time" in seconds gives the rate, and leaves a gap where it jumps forward;
      a .npy with one axis;
      a WFDB header, with or without its .hea.
    rate_hz: of the samples; only needed where the file does not say.

  Returns:
    Record with signals {"ppg_t"} float32, group "user". NaN where a value is missing, infinite,
    or stands still for 2 s.

  Raises:
    UserError: the file, its signal or its rate cannot be used.
  """
  if isinstance(source, (str, pathlib.Path)):
    path = pathlib.Path(source)
    name = str(path)
    record_id = path.name
    if path.suffix:
      record_id = path.stem
    file_rate_hz, raw_t = _from_file(path, rate_hz)
  else:
    name = "the array"
    record_id = "recording"
    file_rate_hz = None
    raw_t = _one_signal(source, name, "give")

  rate_hz = _agreed_rate(file_rate_hz, rate_hz, name)
  ppg_t = _only_signal(raw_t, rate_hz, f"the PPG of {name}")
  return Record(
    id=record_id,
    group="user",
    rate_hz=rate_hz,
    signals={"ppg_t": ppg_t},
    annotations={},
    info={"source": "user"},
  )


def _from_file(path: pathlib.Path, rate_hz: float | None) -> tuple[float | None, np.ndarray]:
  """The rate in Hz, None where the file does not say, and the samples [t]."""
  header = path
  if path.suffix != ".hea":
    header = path.with_name(path.name + ".hea")
  if header.is_file():
    return _from_wfdb(header)

  if path.is_dir():
    raise UserError(f"{path} is a folder: name one .csv, .npy or WFDB file in it")
  if not path.is_file():
    raise UserError(f"{path} does not exist: name a .csv, .npy or WFDB file")
  if path.suffix == ".npy":
    return None, _from_npy(path)
  return _from_csv(path, rate_hz)


def _from_wfdb(path: pathlib.Path) -> tuple[float, np.ndarray]:
  rate_hz, signals = read_wfdb(path, "copy or export it again")
  name = _ppg_name(list(signals), path)
  return rate_hz, signals[name]


def _from_npy(path: pathlib.Path) -> np.ndarray:
  try:
    with path.open("rb") as file:
      stored = np.load(file, allow_pickle=False)
      return _one_signal(stored, str(path), "save")
  except (ValueError, EOFError, zipfile.BadZipFile) as error:
    raise UserError(
      f"{path} is not a NumPy array of numbers ({error}): save it with numpy.save(path, ppg)"
    ) from error


def _from_csv(path: pathlib.Path, rate_hz: float | None) -> tuple[float | None, np.ndarray]:
  channels = read_text_channels(path, rate_hz).channels
  names = [channel.name for channel in channels]
  name = _ppg_name(names, path)
  channel = channels[names.index(name)]
  return channel.rate_hz, channel.load()


def _ppg_name(names: Sequence[str], path: pathlib.Path) -> str:
  """The one name with PPG or PLETH in it, or else the only one that is not the time."""
  named_ppg = []
  others = []
  for name in names:
    if "PPG" in name.upper() or "PLETH" in name.upper():
      named_ppg.append(name)
    else:
      others.append(name)

  candidates = named_ppg or others
  if len(candidates) != 1:
    count = len(named_ppg) or "no"
    all_names = ", ".join(names) or "none"
    raise UserError(
      f"{path} has {count} columns named PPG or PLETH among {all_names}: name exactly one so"
    )
  return candidates[0]


def _one_signal(source: ArrayLike, name: str, remedy: str) -> np.ndarray:
  """A real array [t]; what NumPy masks is NaN."""
  try:
    if isinstance(source, np.ma.MaskedArray):
      x = np.ma.filled(source.astype(np.float64), np.nan)
    else:
      x = np.asarray(source)
  except ValueError:   # lists of different lengths
    x = np.array(None)

  if x.ndim != 1 or x.dtype.kind not in "iuf" or not len(x):
    raise UserError(
      f"{name} holds {x.shape} of {x.dtype}: {remedy} one PPG as a real array with one axis"
    )
  return x


def _agreed_rate(file_hz: float | None, given_hz: float | None, name: str) -> float:
  """The rate in Hz that the file says, or else the user; UserError where they contradict."""
  if file_hz is None and given_hz is None:
    raise UserError(
      f"{name} does not say its sampling rate: give it with --rate_hz (from Python rate_hz=)"
    )

  if file_hz is not None and given_hz is not None and abs(file_hz - given_hz) > 0.01 * file_hz:
    raise UserError(
      f"{name} says {file_hz:g} Hz, --rate_hz says {given_hz:g}: "
      "leave --rate_hz out or correct the file"
    )

  rate_hz = float(given_hz if file_hz is None else file_hz)
  lowest_hz, highest_hz = RATES_HZ
  if not lowest_hz <= rate_hz <= highest_hz:
    raise UserError(
      f"{name}: {rate_hz:g} Hz is no sampling rate of a PPG, "
      f"which has {lowest_hz:g} to {highest_hz:g}: give --rate_hz, and times in seconds"
    )
  return rate_hz


def _only_signal(raw_t: np.ndarray, rate_hz: float, name: str) -> np.ndarray:
  """float32 copy with NaN for all that is no signal; UserError where nothing is left."""
  duration_s = len(raw_t) / rate_hz
  if len(raw_t) > LONGEST_S * rate_hz:
    raise UserError(
      f"{name} lasts {duration_s / 86400:.1f} days, more than {LONGEST_S / 86400:g}: cut it"
    )

  with np.errstate(over="ignore"):   # beyond float32 is infinite, which is no signal
    ppg_t = np.array(raw_t, np.float32)
  ppg_t[~np.isfinite(ppg_t)] = np.nan
  if not np.isfinite(ppg_t).any():
    raise UserError(f"{name} has not one finite value: export it again")

  for first, last in runs(np.diff(ppg_t) == 0):
    samples = last - first + 1   # k equal steps are k + 1 samples
    if samples >= STILL_S * rate_hz:
      ppg_t[first:last + 1] = np.nan
  if not np.isfinite(ppg_t).any():
    raise UserError(f"{name} is flat throughout: check the sensor, or leave the file out")
  return ppg_t
