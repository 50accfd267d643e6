"""CapnoBase's benchmark of respiratory rate: finger PPG and capnogram under anaesthesia.

It has 42 cases of 8 min at 300 Hz.

For scoring a model that was trained elsewhere (`split.kind="external"`): the authors ask that
nobody trains or tunes on it.
A case is a patient. `resp_t` is the capnogram as recorded: CO2 rises in *expiration*, plateaus, and
lags behind the chest by the sampling line. Its rate compares with that of other references, its
shape and sign do not (rows of the waveform). Breaths are the starts of inspiration that one expert
marked on the capnogram. So there is one annotator only, and no window is left out for disagreement.
The files' own `reference` is computed from the same labels and is not read.

The layout (see `capnobase_files`) is from public code; no deposited file was at hand:
  names, columns, blanks in a cell, six digits: karliwalti/capnobaseGUI, the depositor's own
    exporter of the tables.
  labels count samples from 1: the same, as its rating tool makes them; parag0hz/ppg2ecg measured it
    on pulses.
  structure of the .mat, field by field: simcak/bakalarka (a listing of case 0009),
    peterhcharlton/info (age, startinsp).
  300 Hz, 144001 samples, HDF5, empties, cells, artefacts are pairs of start and end:
    parag0hz/ppg2ecg, which measured it on all 42 files for PPG and ECG; two readers of the tables
    take those of the capnogram so, too.
  tables with tabs, `units` is "samples": featuregraph/featuregraph and others.
Assumed: what a filled-in gender looks like.

Fields of `config.data` that are read here, beside those of `ppg_windows`:
  skip_broken: leave a broken recording out, with a warning, instead of stopping at it.
  simulate_...: of the simulator, which is BIDMC's.
"""
import pathlib

from ml_collections import ConfigDict

from jaxsig.data.ppg import capnobase_files
from jaxsig.data.ppg.bidmc import simulate
from jaxsig.data.ppg.ppg_windows import cut, long_enough, spans
from jaxsig.data.recordings import inspect_all, load_all
from jaxsig.data.records import Record
from jaxsig.errors import UserError
from jaxsig.system import Data

LICENCE = (
  "the depositor's terms of use at https://doi.org/10.5683/SP2/NLB8IT "
  "(read them there: they are not repeated here); "
  "for tests and comparison, not for training or tuning"
)
CITATION = [
  (
    "Karlen W, Raman S, Ansermino JM, Dumont GA. "
    "Multiparameter respiratory rate estimation from the photoplethysmogram. "
    "IEEE Trans Biomed Eng 60(7):1946-1953, 2013. doi:10.1109/TBME.2013.2246160"
  ),
  (
    "Karlen W. CapnoBase IEEE TBME Respiratory Rate Benchmark. "
    "Borealis, 2021. doi:10.5683/SP2/NLB8IT"
  ),
]


def load(folder: str, config: ConfigDict) -> list[Record]:
  """All CapnoBase cases below `folder`, as .mat or as tables.

  Any subset of the 42 will do.

  Raises:
    UserError: nothing is there, or a recording is broken (unless `config.skip_broken`: then it is
      left out and logged).
  """
  def read(files: capnobase_files.Files) -> Record:
    return long_enough(read_record(files), config, files.parts["signal"])

  return load_all(folder, recordings(folder), read, config)


def read_record(files: capnobase_files.Files) -> Record:
  """One case with its expert's breaths and artefacts.

  The breaths are `breaths_1_s`, the artefacts of the PPG and the capnogram `artif_s` and
  `resp_artif_s`.
  """
  fields = capnobase_files.read_fields(files)
  rate_hz, signals = capnobase_files.read_signals(files, fields)
  samples = len(signals["ppg_t"])
  return Record(
      id=_name(files),
      group=files.case,
      rate_hz=rate_hz,
      signals=signals,
      annotations=capnobase_files.read_labels(files, fields, rate_hz, samples),
      info={**capnobase_files.read_meta(fields), "source": "capnobase"},
  )


def _name(files: capnobase_files.Files) -> str:
  return f"capnobase{files.case}"


def recordings(folder: str) -> list[capnobase_files.Files]:
  """The files of all cases below `folder`; UserError if there is none."""
  files = capnobase_files.find(folder)
  if not files:
    raise UserError(
        f"no CapnoBase recording (NNNN_8min.mat or NNNN_8min_signal.csv) in {folder} or its data/, "
        "mat/ or csv/: correct the folder, or download them from "
        "https://doi.org/10.5683/SP2/NLB8IT")
  return files


def sources(folder: str) -> list[pathlib.Path]:
  """The files that `load` reads; empty where there is no CapnoBase recording."""
  paths = []
  for files in capnobase_files.find(folder):
    paths.extend(capnobase_files.paths(files))
  return paths


def inspect(folder: str) -> dict[str, object]:
  """What is in the folder, with licence and citation.

  A broken recording is listed under "skipped" with the reason.
  """
  listed = inspect_all(recordings(folder), _name, _summary)
  return {**listed, "licence": LICENCE, "citation": CITATION}


def _summary(files: capnobase_files.Files) -> dict[str, object]:
  """One line of `inspect`."""
  record = read_record(files)
  artefacts_s = None
  if "artif_s" in record.annotations:
    from_s, to_s = record.annotations["artif_s"].T
    artefacts_s = round(float((to_s - from_s).sum()), 2)
  return {
    "record": record.id,
    "patient": record.group,
    "age": record.info["age"],
    "sex": record.info["sex"],
    "ventilation": record.info["ventilation"],
    "duration_s": round(record.duration_s, 2),
    "breaths_1": len(record.annotations["breaths_1_s"]),
    "artefacts_s": artefacts_s,
  }


DATA = Data(load, simulate, spans, cut, inspect, sources)
