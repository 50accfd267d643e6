"""Signals of WFDB records, of one segment or many."""
import pathlib
from functools import partial

from jaxsig.data.signal_files.channels import Channels
from jaxsig.data.signal_files.wfdb_header import AGAIN, read_header
from jaxsig.data.signal_files.wfdb_notes import notes_on
from jaxsig.data.signal_files.wfdb_segments import join_segments
from jaxsig.data.signal_files.wfdb_signals import channel_of, read_samples
from jaxsig.data.signal_files.wfdb_sizes import frames_of
from jaxsig.data.signal_files.wfdb_stated import notes_on_surplus
from jaxsig.errors import UserError


def read_wfdb_channels(path: pathlib.Path, remedy: str = AGAIN) -> Channels:
  """Reads the signals of a WFDB record; samples only once they are asked for.

  Args:
    path: its header, its data file, or its name without a suffix.
    remedy: what the user should do about a damaged file: the last words of its sentence.

  Returns:
    Channels in the order of the header. Segments that are missing, and signals that a segment
    does not have, are NaN there. `rate_hz` is None where the header has no rate.

  Raises:
    UserError: a file of the record is missing, truncated, damaged or not supported.
  """
  header = read_header(header_of(path), remedy)
  if header.segments:
    return join_segments(header, remedy)

  if all(signal.file == "~" for signal in header.signals):
    raise UserError(
      f"{header.path} is the layout of a longer record, without samples: name that record's header"
    )
  frames = frames_of(header, header.frames or None, remedy)
  channels = []
  for i, signal in enumerate(header.signals):
    load = partial(read_samples, header, i, frames)
    channels.append(channel_of(header, signal, header.rate_hz, frames, load))
  notes = [*notes_on([header], header.rate_hz), *notes_on_surplus(header, frames)]
  return Channels(tuple(channels), tuple(notes))


def header_of(path: pathlib.Path) -> pathlib.Path:
  """Returns the header that belongs to a file of a WFDB record.

  Raises:
    UserError: there is none beside it.
  """
  if path.suffix.lower() == ".hea":
    return path
  try:
    if path.is_dir():
      raise UserError(f"{path} is a folder: name the header (.hea) of one WFDB record in it")
    candidates = [path.with_name(path.name + ".hea")]
    candidates += [path.with_suffix(".HEA"), path.with_suffix(".hea")]
    for candidate in candidates:
      if candidate.is_file():
        return candidate
  except OSError as error:
    raise UserError(f"{path} cannot be opened ({error.strerror}): name a WFDB record") from error
  raise UserError(
    f"{path} has no {candidates[-1].name} beside it: name the header (.hea) of a WFDB record"
  )
