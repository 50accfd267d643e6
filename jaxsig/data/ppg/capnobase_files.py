"""Readers of the files of CapnoBase's respiratory-rate benchmark.

Each `UserError` names the file and the remedy. What the files look like is in `capnobase_fields`.
"""
import pathlib
import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from jaxsig.data.ppg.capnobase_fields import Field, read_part
from jaxsig.data.ppg.ppg_file import RATES_HZ
from jaxsig.data.ppg.signal_formats import check_signal
from jaxsig.errors import UserError

AGAIN = "download it again from https://doi.org/10.5683/SP2/NLB8IT"
KINDS = ("signal", "labels", "param", "meta")
_CASES = (
  re.compile(r"(\d{4})_8min\.mat"),
  re.compile(r"(\d{4})_8min_signal\.(?:csv|tab)"),
)
_TOPS = ("", "capnobase", "TBME2013-PPGRR-Benchmark_R3")   # the last as in the zip of capnobase.org
_PLACES = ("", "mat", "csv", "data", "data/mat", "data/csv")


class Files(NamedTuple):
  """Where the parts of one case are."""
  case: str                        # "0009", ...
  parts: dict[str, pathlib.Path]   # {one of KINDS: path} of the parts that exist


def find(folder: str | pathlib.Path) -> list[Files]:
  """Returns the files of all cases, in the order of their numbers.

  They may lie in `folder` or where the archives put them below it. A case that is there in both
  forms is read from its .mat.
  """
  places = _places(pathlib.Path(folder))
  path_of_case = {}
  for pattern in _CASES:
    for place in places:
      for path in sorted(place.iterdir()):
        match = pattern.fullmatch(path.name)
        if match:
          path_of_case.setdefault(match[1], path)

  cases = []
  for case in sorted(path_of_case):
    parts = _parts(case, path_of_case[case])
    cases.append(Files(case, parts))
  return cases


def _places(folder: pathlib.Path) -> list[pathlib.Path]:
  """The folders that may hold cases and exist."""
  places = []
  for top in _TOPS:
    for below in _PLACES:
      place = folder / top / below
      if place.is_dir():
        places.append(place)
  return places


def _parts(case: str, path: pathlib.Path) -> dict[str, pathlib.Path]:
  """{kind: path} of a case by the path of its .mat, or of its table of signals."""
  if path.suffix == ".mat":
    return dict.fromkeys(KINDS, path)

  suffixes = dict.fromkeys((path.suffix, ".csv", ".tab"))   # that of the signals first
  parts = {}
  for kind in KINDS:
    for suffix in suffixes:
      part = path.with_name(f"{case}_8min_{kind}{suffix}")
      if part.is_file():
        parts.setdefault(kind, part)
  return parts


def paths(files: Files) -> list[pathlib.Path]:
  """Returns every file that reading a case touches."""
  return list(dict.fromkeys(files.parts.values()))


def read_fields(files: Files) -> dict[str, Field]:
  """Reads {"labels.co2.startinsp.x": [n] float64, "labels.units.x": text, ...} of a case.

  Raises:
    UserError: a file is damaged.
  """
  fields = {}
  for kind, path in files.parts.items():
    try:
      part = read_part(path, kind)
    except Exception as error:   # of a damaged file, the two MATLAB readers raise nearly anything
      reason = " ".join(str(error).split())
      raise UserError(
        f"{path} cannot be read as CapnoBase's {kind} ({reason}): {AGAIN}"
      ) from error

    for name, value in part.items():
      fields[f"{kind}.{name}"] = value
  return fields


def numbers(files: Files, fields: Mapping[str, Field], key: str) -> np.ndarray:
  """Returns a field [n] float64.

  Raises:
    UserError: the field or its file is missing, or it holds text.
  """
  kind, _, _ = key.partition(".")
  if kind not in files.parts:
    signal = files.parts["signal"]
    missing = f"{files.case}_8min_{kind}{signal.suffix}"
    raise UserError(f"{signal} has no {missing} beside it: {AGAIN}")

  path = files.parts[kind]
  value = fields.get(key)
  if value is None:
    raise UserError(f"{path} has no {key}: {AGAIN}")
  if isinstance(value, str):
    start = value[:20]
    raise UserError(
      f"{path} has text in {key} ({start!r}) "
      f"where numbers belong: {AGAIN}"
    )
  return value


def read_signals(
    files: Files,
    fields: Mapping[str, Field],
) -> tuple[float, dict[str, np.ndarray]]:
  """Returns the rate in Hz and {"ppg_t", "resp_t"} [T] float32.

  Raises:
    UserError: a signal or its rate is missing, the two differ in rate or length, or one is flat
      or has missing values.
  """
  path = files.parts["signal"]
  ppg_rate = numbers(files, fields, "param.samplingrate.pleth")
  co2_rate = numbers(files, fields, "param.samplingrate.co2")
  ppg_t = numbers(files, fields, "signal.pleth.y")
  co2_t = numbers(files, fields, "signal.co2.y")

  ppg_rate_hz = _one_rate(ppg_rate, files)
  co2_rate_hz = _one_rate(co2_rate, files)
  if ppg_rate_hz != co2_rate_hz or len(ppg_t) != len(co2_t):
    raise UserError(
      f"{path} has {len(ppg_t)} samples of pleth at {ppg_rate_hz:g} Hz "
      f"but {len(co2_t)} of co2 at {co2_rate_hz:g} Hz: {AGAIN}"
    )
  if len(ppg_t) == 0:
    raise UserError(f"{path} has not one sample of pleth and co2: {AGAIN}")

  rate_hz = ppg_rate_hz
  signals = {
    "ppg_t": check_signal(ppg_t, rate_hz, f"pleth of {path}"),
    "resp_t": check_signal(co2_t, rate_hz, f"co2 of {path}"),
  }
  return rate_hz, signals


def _one_rate(rates_hz: np.ndarray, files: Files) -> float:
  lowest_hz, highest_hz = RATES_HZ
  if len(rates_hz) != 1 or not lowest_hz <= rates_hz[0] <= highest_hz:
    raise UserError(
      f"{files.parts['param']} gives no sampling rate "
      f"from {lowest_hz:g} to {highest_hz:g} Hz: {AGAIN}"
    )
  return float(rates_hz[0])


def read_labels(
    files: Files,
    fields: Mapping[str, Field],
    rate_hz: float,
    n: int,
) -> dict[str, np.ndarray]:
  """Returns an expert's labels in seconds; sample 1 of `n` is at 0 s.

  Returns:
    {"breaths_1_s": [k] starts of inspiration,
    "artif_s": [k, 2] from when to when the expert calls the PPG an artefact,
    "resp_artif_s": [k, 2] the same of the capnogram}; artefacts are left out where the files do
    not tell of any.

  Raises:
    UserError: labels are missing, lie outside of the recording, or are not what they should be.
  """
  labels = files.parts.get("labels")
  units = fields.get("labels.units.x", "samples")
  if not isinstance(units, str) or units.strip() != "samples":
    raise UserError(f"{labels} counts its labels in {units!r}, not in samples: {AGAIN}")

  inspirations = _samples(files, fields, "labels.co2.startinsp.x", n)
  first_from_0 = np.maximum(np.unique(inspirations) - 1, 0)
  annotations = {"breaths_1_s": first_from_0 / rate_hz}

  artefacts = {
    "artif_s": "labels.pleth.artif.x",
    "resp_artif_s": "labels.co2.artif.x",
  }
  for name, key in artefacts.items():
    if key in fields:
      samples = _samples(files, fields, key, n)
      annotations[name] = _spans(files, key, samples, n) / rate_hz
  return annotations


def _samples(files: Files, fields: Mapping[str, Field], key: str, n: int) -> np.ndarray:
  """The finite numbers of a label, which count samples from 1."""
  x = numbers(files, fields, key)
  x = x[np.isfinite(x)]
  outside = x[(x < 0) | (x > n + 1)]   # 0 occurs, for "from the first on"
  if len(outside):
    raise UserError(
      f"{files.parts['labels']} has {key} at sample {outside[0]:g}, "
      f"outside of the {n} in {files.parts['signal']}: "
      f"the two belong to different recordings, {AGAIN}"
    )
  return x


def _spans(files: Files, key: str, samples: np.ndarray, n: int) -> np.ndarray:
  """[k, 2] of first and past-the-last sample, counted from 0."""
  labels = files.parts["labels"]
  if len(samples) % 2:
    raise UserError(
      f"{labels} has {len(samples)} numbers in {key}, "
      f"which are pairs of start and end: {AGAIN}"
    )

  starts, ends = np.reshape(samples, (-1, 2)).T
  starts = np.maximum(starts - 1, 0)
  ends = np.minimum(ends, n)   # the end is within: as past-the-last from 0 it keeps its number
  if (ends < starts).any():
    raise UserError(
      f"{labels} has a span that ends before it starts in {key}: {AGAIN}"
    )
  return np.stack([starts, ends], -1)


def read_meta(fields: Mapping[str, Field]) -> dict[str, float | str | None]:
  """Returns {"age": years, "sex": "F" or "M", "ventilation": text}, None where unknown.

  Nothing of it is needed, so nothing of it is an error.
  """
  return {
    "age": _age(fields.get("meta.subject.age", "")),
    "sex": _sex(fields.get("meta.subject.gender", "")),
    "ventilation": _ventilation(fields.get("meta.treatment.ventilation", "")),
  }


def _age(value: Field) -> float | None:
  if isinstance(value, str):
    return None
  finite = value[np.isfinite(value)]
  if len(finite) == 0:
    return None
  return float(finite[0])


def _sex(value: Field) -> str | None:
  if not isinstance(value, str):
    return None
  initial = value.strip().upper()[:1]
  if initial not in ("F", "M"):
    return None
  return initial


def _ventilation(value: Field) -> str | None:
  if not isinstance(value, str):
    return None
  return value.strip() or None
