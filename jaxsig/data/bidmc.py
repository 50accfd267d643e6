"""BIDMC: finger PPG and chest impedance of intensive-care patients, 8 min each, with the breaths of two annotators.

Fields of `config.data` that are read here:
  window_s, stride_s      length of a window and step between starts; their products with rate_hz are whole
  rate_hz                 of the windows, by FFT resampling of the whole record
  ppg_low_pass_hz         0 = none, as the authors' code; 1.0 = the paper
  resp_low_pass_hz        1.0 in both
  ppg_range, resp_range   code: (-1, 1) and (0, 1); paper: (0, 1) and (-1, 1)
  normalise               "window" (both) or "record": where the minimum and maximum come from
  skip_broken             leave a broken recording out, with a warning, instead of stopping at it
  simulate_duration_s, simulate_rate_hz, simulate_records_per_patient     of the simulator
"""
import json
import logging
import pathlib
from typing import Any

import numpy as np
import scipy.signal

from jaxsig.data import bidmc_files, ppg_file, simulate_respiration
from jaxsig.data.core import Record
from jaxsig.errors import UserError
from jaxsig.task import Data

LICENCE = "Open Data Commons Attribution License v1.0 (ODC-By 1.0)"
CITATION = [
  ("Pimentel MAF et al. Toward a robust estimation of respiratory rate from pulse oximeters. IEEE Trans Biomed Eng "
   "64(8):1914-1923, 2017. doi:10.1109/TBME.2016.2613124"),
  ("Goldberger AL et al. PhysioBank, PhysioToolkit, and PhysioNet. Circulation 101(23):e215-e220, 2000. "
   "doi:10.1161/01.CIR.101.23.e215"),
]
_log = logging.getLogger(__name__)


def load(folder: str, config: Any) -> list[Record]:
  """All BIDMC recordings below `folder`, in PhysioNet's layout (WFDB or `bidmc_csv`); any subset of the 53 will do.

  Raises:
    UserError: nothing is there, or a recording is broken (unless `config.skip_broken`: then it is left out and logged).
  """
  records = []
  for files in recordings(folder):
    try:
      records.append(_long_enough(read_record(files), config, files.signals))
    except UserError as error:
      if not config.skip_broken:
        raise
      _log.warning("left out: %s", error)
  if not records:
    raise UserError(f"no recording in {folder} can be used: --mode=inspect says why for each")
  return records


def read_record(files: bidmc_files.Files) -> Record:
  """One recording with patient, both annotators' breaths and the monitor's numerics (`annotations["monitor_*_k"]`)."""
  signals = bidmc_files.read_signals(files)
  patient, info = bidmc_files.read_fix(files)
  breaths = bidmc_files.read_breaths(files, len(signals["ppg_t"]) / bidmc_files.RATE_HZ)
  annotations = {**breaths, **bidmc_files.read_numerics(files)}
  return Record(files.id, patient, bidmc_files.RATE_HZ, signals, annotations, {**info, "source": "bidmc"})


def recordings(folder: str) -> list[bidmc_files.Files]:
  """The files of all recordings below `folder`; UserError if there is none."""
  if found := bidmc_files.find(folder):
    return found
  raise UserError(f"no BIDMC recording (bidmcNN.hea or bidmc_NN_Signals.csv) in {folder} or its bidmc/: "
                  "correct the folder, or fetch them by jaxsig.data.bidmc.download(folder)")


def sources(folder: str) -> list[pathlib.Path]:
  """The files that `load` reads; empty where there is no BIDMC recording."""
  return [path for files in bidmc_files.find(folder) for path in bidmc_files.paths(files)]


def inspect(folder: str) -> dict:
  """What is in the folder, with licence and citation; a broken recording is listed under "skipped" with the reason."""
  records, skipped = [], []
  for files in recordings(folder):
    try:
      records.append(_summary(read_record(files)))
    except UserError as error:
      skipped.append({"record": files.id, "why": str(error)})
  return {"records": records, "skipped": skipped, "licence": LICENCE, "citation": CITATION}


def _summary(record: Record) -> dict:
  breaths = [len(record.annotations[f"breaths_{a}_s"]) for a in (1, 2)]
  return {"record": record.id, "patient": record.group, "age": record.info["age"], "sex": record.info["sex"],
          "duration_s": round(record.duration_s, 2), "breaths_1": breaths[0], "breaths_2": breaths[1],
          "rate_difference_bpm": round(60 * (breaths[0] - breaths[1]) / record.duration_s, 2)}


def simulate(seed: int, n: int, config: Any) -> list[Record]:
  """Simulated recordings of `n` patients: see `simulate_respiration`."""
  return simulate_respiration.simulate(seed, n, config)


def read(path: str, rate_hz: float | None, config: Any) -> Record:
  """A user's own PPG (CSV, NPY or WFDB): see `ppg_file.read_ppg`; it must last one window at least."""
  return _long_enough(ppg_file.read_ppg(pathlib.Path(path), rate_hz), config, path)


def _long_enough(record: Record, config: Any, name: Any) -> Record:
  if record.duration_s < config.window_s:
    raise UserError(f"{name} lasts {record.duration_s:.1f} s, less than one window of {config.window_s:g} s: "
                    "use a longer recording")
  return record


def prepare(record: Record, config: Any) -> dict:
  """Windows of one record, from nothing but that record.

  As the published code of RespDiff: FFT resampling of the whole record, Butterworth of order 8 forward and backward
  (gain 0.5 at its edge), windows, minimum and maximum to the range. A window in which the sensor stood still is the
  middle of the range.

  Returns:
    {"ppg_b_t", "resp_b_t" (where the record has it), "start_s_b"} float32; the last window ends within the record.

  Raises:
    UserError: the record is shorter than a window, or the options contradict each other.
  """
  if config.normalise not in ("window", "record"):
    raise UserError(f"unknown data.normalise={config.normalise!r}: use window or record")
  size = _whole(config.window_s, config.rate_hz, "window_s")
  step = _whole(config.stride_s, config.rate_hz, "stride_s")
  samples = round(_long_enough(record, config, record.id).duration_s * record.rate_hz)
  length = int(samples * config.rate_hz / record.rate_hz + 1e-9)
  starts_b = np.arange(0, length - size + 1, step)
  windows = {"start_s_b": (starts_b / config.rate_hz).astype(np.float32)}
  for name in ("ppg", "resp"):
    if f"{name}_t" in record.signals:
      raw_t = record.signals[f"{name}_t"][:samples]
      x_t = scipy.signal.resample(np.asarray(raw_t, np.float64), length)
      x_t = _low_pass(x_t, config.rate_hz, getattr(config, f"{name}_low_pass_hz"), f"{name}_low_pass_hz")
      x_b_t = x_t[starts_b[:, None] + np.arange(size)]
      unit_b_t = _to_unit(x_b_t, {"window": x_b_t, "record": x_t}[config.normalise])
      # Resampling and filtering ring into a window where the sensor stood still: scaled up, that looks like a signal.
      unit_b_t[_still(raw_t, starts_b / config.rate_hz, config.window_s, record.rate_hz)] = 0.5
      low, high = getattr(config, f"{name}_range")
      windows[f"{name}_b_t"] = (low + unit_b_t * (high - low)).astype(np.float32)
  return windows


def _whole(seconds: float, rate_hz: float, name: str) -> int:
  samples = round(seconds * rate_hz)
  if samples < 1 or abs(seconds * rate_hz - samples) > 1e-6:
    raise UserError(f"data.{name}={seconds:g} at data.rate_hz={rate_hz:g} is no whole number of samples: change one")
  return samples


def _low_pass(x_t: np.ndarray, rate_hz: float, edge_hz: float, name: str) -> np.ndarray:
  if not edge_hz:
    return x_t
  if edge_hz >= rate_hz / 2:
    raise UserError(f"data.{name}={edge_hz:g} is not below half of data.rate_hz={rate_hz:g}: lower it (0 is no filter)")
  return scipy.signal.sosfiltfilt(scipy.signal.butter(8, edge_hz, fs=rate_hz, output="sos"), x_t)


def _to_unit(x_b_t: np.ndarray, of: np.ndarray) -> np.ndarray:
  low, high = of.min(-1, keepdims=True), of.max(-1, keepdims=True)
  return np.where(high > low, (x_b_t - low) / np.where(high > low, high - low, 1), 0.5)


def _still(raw_t: np.ndarray, starts_s_b: np.ndarray, window_s: float, rate_hz: float) -> np.ndarray:
  first_b = np.ceil(starts_s_b * rate_hz).astype(int)
  size = int(window_s * rate_hz)
  return np.array([np.ptp(raw_t[i:i + size]) == 0 for i in first_b])


def write(record: Record, folder: str) -> None:
  """Writes predictions: `<id>.csv` (time_s and a column a waveform or sample) and `<id>.json` (all the rest)."""
  folder = pathlib.Path(folder)
  folder.mkdir(parents=True, exist_ok=True)
  waves = {}
  for name, x in record.predictions.items():
    if name.endswith("_t"):
      x = np.asarray(x)
      waves |= {name[:-2]: x} if x.ndim == 1 else {f"{name[:-4]}_{i}": row for i, row in enumerate(x)}
  rest = {name: _plain(x) for name, x in record.predictions.items() if not name.endswith("_t")}
  (folder / f"{record.id}.json").write_text(json.dumps(rest, indent=2) + "\n")
  if waves:
    time_s = np.arange(len(next(iter(waves.values())))) / record.predictions["rate_hz"]
    np.savetxt(folder / f"{record.id}.csv", np.stack([time_s, *waves.values()], -1), "%.6g", ",",
               header=",".join(["time_s", *waves]), comments="")


def _plain(x: Any) -> Any:
  """Plain JSON of numbers and arrays; NaN, which JSON does not have, becomes null."""
  x = np.asarray(x).tolist()
  if isinstance(x, list):
    return [_plain(y) for y in x]
  return None if isinstance(x, float) and not np.isfinite(x) else x


def download(folder: str) -> None:
  """Fetches all 53 recordings (WFDB and the CSV parts, about 40 MB) from PhysioNet into `folder`/bidmc."""
  import wfdb
  names = [f"bidmc{n:02}.{end}" for n in range(1, 54) for end in ("hea", "dat")]
  names += [f"bidmc_csv/bidmc_{n:02}_{end}" for n in range(1, 54) for end in ("Breaths.csv", "Fix.txt", "Numerics.csv")]
  target = pathlib.Path(folder) / "bidmc"
  target.mkdir(parents=True, exist_ok=True)
  try:
    wfdb.dl_files("bidmc", str(target), names)
  except Exception as error:  # urllib's, requests' and wfdb's own: to a user they are all one
    raise UserError(f"BIDMC could not be fetched from physionet.org ({error}): check the network, or copy "
                    f"https://physionet.org/content/bidmc/1.0.0/ into {target} by hand") from error


DATA = Data(load, simulate, read, prepare, write, inspect, sources)
