"""Whether the data files of a WFDB record are there, and as long as its header promises."""
import itertools
import operator
import pathlib
from collections.abc import Sequence

from jaxsig.data.signal_files.wfdb_header import Header
from jaxsig.data.signal_files.wfdb_lines import Signal
from jaxsig.errors import UserError

_FLAC_FORMATS = ("508", "516", "524")
_PADDING = 2   # samples that may fill the last bytes of a file
_BYTES_A_SAMPLE = {   # by WFDB format: (bytes, samples)
  "8": (1, 1),
  "16": (2, 1),
  "24": (3, 1),
  "32": (4, 1),
  "61": (2, 1),
  "80": (1, 1),
  "160": (2, 1),
  "212": (3, 2),
  "310": (4, 3),
  "311": (4, 3),
}


def frames_of(header: Header, promised: int | None, remedy: str) -> int:
  """Returns how many frames a record of one segment has.

  Args:
    header: of the record.
    promised: how many frames it must have; None where only its files tell.
    remedy: the last words of the sentence on a damaged file.

  Raises:
    UserError: a data file is missing, truncated or in a format that cannot be read.
  """
  present = {}
  for file, signals in _signals_by_file(header).items():
    data = header.path.parent / file
    if not data.is_file():
      raise UserError(f"{data} is missing beside its header {header.path.name}: {remedy}")
    present[data] = _present_frames(data, signals, promised, remedy)

  frames = promised
  if frames is None:
    frames = min(present.values(), default=0)
    if present and max(present.values()) > frames + _PADDING:
      longest = max(present, key=present.get)
      shortest = min(present, key=present.get)
      raise UserError(
        f"{shortest} has {frames} frames, {longest.name} {present[longest]}, "
        f"and {header.path.name} does not say how many there are: {remedy}"
      )
  if frames == 0:
    raise UserError(f"{header.path} has no samples: name the header of a whole record")
  return frames


def frames_in_files(header: Header) -> dict[pathlib.Path, int]:
  """Returns how many frames each data file of a record holds, which `frames_of` has checked."""
  present = {}
  for file, signals in _signals_by_file(header).items():
    data = header.path.parent / file
    present[data] = _present_frames(data, signals, None, "")
  return present


def _signals_by_file(header: Header) -> dict[str, list[Signal]]:
  """The signals that share a file; they must stand in a row and be stored alike."""
  groups = {}
  for file, signals in itertools.groupby(header.signals, operator.attrgetter("file")):
    if file == "~":
      continue
    group = list(signals)
    formats = {signal.format for signal in group}
    if file in groups or len(formats) > 1:
      raise UserError(
        f"{header.path} describes the signals of {file} apart or in different formats, "
        "which WFDB does not allow: correct the header"
      )
    groups[file] = group
  return groups


def _present_frames(
  data: pathlib.Path,
  signals: Sequence[Signal],
  promised: int | None,
  remedy: str,
) -> int:
  first = signals[0]
  frame_samples = sum(signal.frame_samples for signal in signals)
  if first.format in _FLAC_FORMATS:
    frames = _flac_samples(data, remedy) // first.frame_samples
    if promised is not None and frames < promised:
      raise UserError(
        f"{data} is truncated, {frames} frames of the {promised} its header promises: {remedy}"
      )
    return frames

  if first.format not in _BYTES_A_SAMPLE:
    raise UserError(
      f"{data} is stored in format {first.format[:20]}, which wfdb does not read: "
      "rewrite the record in format 16"
    )
  size_bytes, size_samples = _BYTES_A_SAMPLE[first.format]
  actual_bytes = data.stat().st_size
  if promised is not None:
    samples = promised * frame_samples
    expected_bytes = first.offset - (-samples * size_bytes // size_samples)
    if actual_bytes < expected_bytes:
      raise UserError(
        f"{data} is truncated, {actual_bytes} bytes "
        f"of the {expected_bytes} its header promises: {remedy}"
      )
  sample_bytes = max(actual_bytes - first.offset, 0)
  return sample_bytes * size_samples // size_bytes // frame_samples


def _flac_samples(data: pathlib.Path, remedy: str) -> int:
  """Samples of each signal in a FLAC file."""
  try:
    import soundfile
  except (ImportError, OSError) as error:   # its shared library is missing
    raise UserError(
      f"{data} is a FLAC file, which needs soundfile ({error}): pip install soundfile"
    ) from error

  try:
    with data.open("rb") as file:
      return soundfile.info(file).frames
  except (OSError, RuntimeError) as error:   # soundfile's own errors are RuntimeErrors
    raise UserError(f"{data} cannot be read as FLAC ({error}): {remedy}") from error
