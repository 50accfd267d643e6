"""BIDMC: finger PPG and chest impedance of intensive-care patients.

Recordings last 8 min each, and two annotators marked the breaths.

Fields of `config.data` that are read here, beside those of `ppg_windows`:
  skip_broken: leave a broken recording out, with a warning, instead of stopping at it.
  simulate_duration_s, simulate_rate_hz, simulate_records_per_patient: of the simulator.
"""
import pathlib

from ml_collections import ConfigDict

from jaxsig.data.ppg import bidmc_files
from jaxsig.data.ppg.ppg_windows import cut, long_enough, spans
from jaxsig.data.ppg.simulate_respiration import simulate
from jaxsig.data.recordings import inspect_all, load_all
from jaxsig.data.records import Record
from jaxsig.errors import UserError
from jaxsig.system import Data

LICENCE = "Open Data Commons Attribution License v1.0 (ODC-By 1.0)"
CITATION = [
  (
    "Pimentel MAF et al. Toward a robust estimation of respiratory rate from pulse oximeters. "
    "IEEE Trans Biomed Eng 64(8):1914-1923, 2017. doi:10.1109/TBME.2016.2613124"
  ),
  (
    "Goldberger AL et al. PhysioBank, PhysioToolkit, and PhysioNet. "
    "Circulation 101(23):e215-e220, 2000. doi:10.1161/01.CIR.101.23.e215"
  ),
]
RECORDINGS = range(1, 54)   # the numbers in their names


def load(folder: str, config: ConfigDict) -> list[Record]:
  """All BIDMC recordings below `folder`, in PhysioNet's layout (WFDB or `bidmc_csv`).

  Any subset of the 53 will do.

  Raises:
    UserError: nothing is there, or a recording is broken (unless `config.skip_broken`: then it is
      left out and logged).
  """
  def read(files: bidmc_files.Files) -> Record:
    return long_enough(read_record(files), config, files.signals)

  return load_all(folder, recordings(folder), read, config)


def read_record(files: bidmc_files.Files) -> Record:
  """One recording with its patient, both annotators' breaths and the monitor's numerics.

  The numerics are in `annotations["monitor_*_k"]`.
  """
  signals = bidmc_files.read_signals(files)
  patient, info = bidmc_files.read_fix(files)
  duration_s = len(signals["ppg_t"]) / bidmc_files.RATE_HZ
  breaths = bidmc_files.read_breaths(files, duration_s)
  numerics = bidmc_files.read_numerics(files)
  return Record(
      id=files.id,
      group=patient,
      rate_hz=bidmc_files.RATE_HZ,
      signals=signals,
      annotations={**breaths, **numerics},
      info={**info, "source": "bidmc"},
  )


def recordings(folder: str) -> list[bidmc_files.Files]:
  """The files of all recordings below `folder`; UserError if there is none."""
  files = bidmc_files.find(folder)
  if not files:
    raise UserError(
        f"no BIDMC recording (bidmcNN.hea or bidmc_NN_Signals.csv) in {folder} or its bidmc/: "
        "correct the folder, or fetch them by jaxsig.data.ppg.bidmc.download(folder)")
  return files


def sources(folder: str) -> list[pathlib.Path]:
  """The files that `load` reads; empty where there is no BIDMC recording."""
  paths = []
  for files in bidmc_files.find(folder):
    paths.extend(bidmc_files.paths(files))
  return paths


def inspect(folder: str) -> dict[str, object]:
  """What is in the folder, with licence and citation.

  A broken recording is listed under "skipped" with the reason.
  """
  listed = inspect_all(recordings(folder), _name, _summary)
  return {**listed, "licence": LICENCE, "citation": CITATION}


def _name(files: bidmc_files.Files) -> str:
  return files.id


def _summary(files: bidmc_files.Files) -> dict[str, object]:
  """One line of `inspect`."""
  record = read_record(files)
  breaths_1 = len(record.annotations["breaths_1_s"])
  breaths_2 = len(record.annotations["breaths_2_s"])
  difference_bpm = 60 * (breaths_1 - breaths_2) / record.duration_s
  return {
    "record": record.id,
    "patient": record.group,
    "age": record.info["age"],
    "sex": record.info["sex"],
    "duration_s": round(record.duration_s, 2),
    "breaths_1": breaths_1,
    "breaths_2": breaths_2,
    "rate_difference_bpm": round(difference_bpm, 2),
  }


def download(folder: str) -> None:
  """Fetches all 53 recordings from PhysioNet into `folder`/bidmc.

  That is WFDB and the CSV parts, about 40 MB.

  Raises:
    UserError: they could not be fetched.
  """
  import wfdb

  names = []
  for n in RECORDINGS:
    for ending in ("hea", "dat"):
      names.append(f"bidmc{n:02}.{ending}")
  for n in RECORDINGS:
    for ending in ("Breaths.csv", "Fix.txt", "Numerics.csv"):
      names.append(f"bidmc_csv/bidmc_{n:02}_{ending}")

  target = pathlib.Path(folder) / "bidmc"
  target.mkdir(parents=True, exist_ok=True)
  try:
    wfdb.dl_files("bidmc", str(target), names)
  except Exception as error:  # urllib's, requests' and wfdb's own: to a user they are all one
    raise UserError(
        f"BIDMC could not be fetched from physionet.org ({error}): check the network, or copy "
        f"https://physionet.org/content/bidmc/1.0.0/ into {target} by hand") from error


DATA = Data(load, simulate, spans, cut, inspect, sources)
