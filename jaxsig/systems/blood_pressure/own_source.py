"""What a user gives of blood pressure: a PPG, traces of colour, or a video."""
import os
import pathlib

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg import one_signal, ppg_file
from jaxsig.data.ppg.camera import colour_pulse, video
from jaxsig.data.ppg.camera.colour_traces import read_traces
from jaxsig.data.records import Record
from jaxsig.errors import UserError
from jaxsig.system import OwnOptions

# settings of config.own that say nothing of an input, which are told where they are set
OF_COLOURS = ("camera", "box", "mask")
OF_PPG = ("signal", "polarity")
OF_VIDEO = ("box", "mask")
UNSET = ("", "auto", ())


def read_source(source: object, options: OwnOptions) -> Record:
  """A record with "ppg_t", from a video by its suffix, from traces of R, G and B, or from a PPG.

  Args:
    source: a path; or an array, [t] of a PPG or [t, 3] of R, G, B.
    options: `own.box` or `own.mask` name the skin of a video; `own.camera` how its pulse is made;
      a table of R, G and B of which `own.signal` names one is read as a PPG.

  Raises:
    UserError: it cannot be read, see the readers.
  """
  own = options.own
  if _is_video(source):
    record = video.read_video(source, own.box, own.mask)
    record = _with_notes(record, _rate_notes(record.rate_hz, options.rate_hz))
    return _pulse_of(record, str(source), own, OF_PPG)
  colours = _colours(source, options)
  if colours is not None:
    return _pulse_of(colours, _name_of(source), own, (*OF_PPG, *OF_VIDEO))
  record = ppg_file.read_ppg(source, options.rate_hz, own.signal, own.polarity)
  return _with_notes(record, _unused(own, OF_COLOURS, "a PPG"))


def _is_video(source: object) -> bool:
  if not isinstance(source, (str, os.PathLike)):
    return False
  return pathlib.Path(source).suffix.lower() in video.SUFFIXES


def _name_of(source: object) -> str:
  if isinstance(source, (str, os.PathLike)):
    return str(source)
  return "the array"


def _colours(source: object, options: OwnOptions) -> Record | None:
  """The traces of colour of a table or an array; None of one that holds a PPG."""
  if options.own.signal.strip():
    return None
  record_id = "recording"
  if isinstance(source, (str, os.PathLike)):
    path = pathlib.Path(source)
    if path.suffix.lower() != ".npy":
      return read_traces(path, options.rate_hz)
    array = _stored(path)
    record_id = path.stem
  else:
    array = one_signal.as_array(source)
  if array is None or not _are_colours(array):
    return None
  if options.rate_hz is None:
    raise UserError(
        f"{_name_of(source)} has 3 columns, which are taken for R, G and B: give the frames a "
        "second with --rate_hz (from Python rate_hz=)")
  return Record(
      id=record_id,
      group="user",
      rate_hz=float(options.rate_hz),
      signals={"rgb_t_c": np.asarray(array, np.float32)},
      annotations={},
      info={"source": "user", "notes": ["The 3 columns were taken for R, G and B."]},
  )


def _stored(path: pathlib.Path) -> np.ndarray | None:
  """The array of an NPY file; None where it has none, which the reader of a PPG tells."""
  try:
    return np.load(path, "r", allow_pickle=False)
  except Exception:   # a damaged header raises nearly anything
    return None


def _are_colours(array: np.ndarray) -> bool:
  if not isinstance(array, np.ndarray):   # an archive
    return False
  return array.ndim == 2 and array.shape[1] == 3 < len(array) and array.dtype.kind in "iuf"


def _pulse_of(record: Record, name: str, own: ConfigDict, others: tuple[str, ...]) -> Record:
  """The record with the pulse in its colours."""
  low_hz, high_hz = ppg_file.RATES_HZ
  if not low_hz <= record.rate_hz <= high_hz:
    raise UserError(
        f"{name} has {record.rate_hz:g} frames a second, where a pulse needs {low_hz:g} to "
        f"{high_hz:g}: record with more, or correct --rate_hz")
  record = _with_notes(record, _unused(own, others, "colours"))
  return colour_pulse.with_ppg(record, own.camera, name)


def _with_notes(record: Record, notes: list[str]) -> Record:
  if not notes:
    return record
  return record._replace(info={**record.info, "notes": [*record.info.get("notes", ()), *notes]})


def _unused(own: ConfigDict, keys: tuple[str, ...], kind: str) -> list[str]:
  """A sentence for each setting that was set and says nothing of this kind of input."""
  notes = []
  for key in keys:
    value = own[key]
    if isinstance(value, (list, tuple)):
      value = tuple(value)
    if value not in UNSET:
      notes.append(f"The input holds {kind}: own.{key}={value} was not used.")
  return notes


def _rate_notes(rate_hz: float, given_hz: float | None) -> list[str]:
  if given_hz is None or abs(given_hz - rate_hz) <= ppg_file.SAME_RATE * rate_hz:
    return []
  return [
      f"The frames bear their own times, {rate_hz:.4g} a second: --rate_hz={given_hz:g} was not "
      "used."
  ]
