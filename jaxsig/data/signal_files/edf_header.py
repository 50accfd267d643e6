"""The header of an EDF or BDF file, and how many of its data records are really there."""
import pathlib
from typing import NamedTuple

from jaxsig.data.signal_files.edf_fields import (
  number_of,
  record_s_of,
  records_of,
  text_of,
  whole_of,
)
from jaxsig.errors import UserError

AGAIN = "copy or export it again"
_FIXED_BYTES = 256
_SIGNAL_BYTES = 256
_KINDS = {   # by a file's first bytes
  b"0": "EDF",
  b"\xffBIOSEMI": "BDF",
}
_SAMPLE_BYTES = {"EDF": 2, "BDF": 3}
_FIELDS = {   # of all signals: where the field of the first one starts, times their number; width
  "label": (0, 16),
  "unit": (96, 8),
  "low": (104, 8),
  "high": (112, 8),
  "stored_low": (120, 8),
  "stored_high": (128, 8),
  "samples": (216, 8),
}


class Header(NamedTuple):
  """How a file is laid out: data records of equal length that hold all signals one after another.

  Attributes:
    kind: "EDF" or "BDF".
    header_bytes: how long the header is.
    records: how many data records are whole.
    record_s: length of one; 0 where the header does not say.
    is_interrupted: whether there may be gaps between data records.
    fields: {name of a field: its text for each signal}.
    samples: of each signal in a data record.
    notes: a sentence for each thing in which the file is not as its header says.
  """
  path: pathlib.Path
  kind: str
  header_bytes: int
  records: int
  record_s: float
  is_interrupted: bool
  fields: dict[str, tuple[str, ...]]
  samples: tuple[int, ...]
  notes: tuple[str, ...]

  @property
  def sample_bytes(self) -> int:
    """Bytes of a stored sample."""
    return _SAMPLE_BYTES[self.kind]

  @property
  def record_bytes(self) -> int:
    """Bytes of a data record."""
    return sum(self.samples) * self.sample_bytes

  def is_annotation(self, signal: int) -> bool:
    """Whether a signal holds text, not samples."""
    return self.fields["label"][signal] == f"{self.kind} Annotations"


def read_header(path: pathlib.Path) -> Header:
  """Reads the header of a file.

  Raises:
    UserError: it is missing, damaged or no EDF or BDF file, or holds no whole data record.
  """
  try:
    content, file_bytes = _content(path)
    return _parsed(path, content, file_bytes)
  except ValueError as error:
    raise UserError(
      f"{path} cannot be read as EDF or BDF ({str(error)[:200]}): {AGAIN}"
    ) from error


def _content(path: pathlib.Path) -> tuple[bytes, int]:
  """The header's bytes, and how many the whole file has."""
  try:
    if path.is_dir():
      raise UserError(f"{path} is a folder: name one .edf or .bdf file in it")
    if not path.is_file():
      raise UserError(f"{path} does not exist: name an .edf or .bdf file")
    file_bytes = path.stat().st_size
    with path.open("rb") as file:
      content = file.read(_FIXED_BYTES)
      if _kind(content) is not None:
        signals = whole_of(content[252:256], "number of signals")
        content += file.read(signals * _SIGNAL_BYTES)
  except OSError as error:
    raise UserError(f"{path} cannot be opened ({error.strerror}): {AGAIN}") from error
  return content, file_bytes


def _kind(content: bytes) -> str | None:
  return _KINDS.get(content[:8].rstrip(b" \x00"))


def _parsed(path: pathlib.Path, content: bytes, file_bytes: int) -> Header:
  kind = _kind(content)
  if not content:
    raise ValueError("it is empty")
  if kind is None:
    raise UserError(f"{path} does not start as EDF or BDF files do: name it by what it is")
  signals = whole_of(content[252:256], "number of signals")
  header_bytes = _FIXED_BYTES + signals * _SIGNAL_BYTES
  if not signals:
    raise ValueError("it has no signals")
  if len(content) < header_bytes:
    raise ValueError(f"its header of {signals} signals is cut off")
  if number_of(text_of(content[184:192])) != header_bytes:
    raise ValueError(f"its header does not have the {header_bytes} bytes of {signals} signals")

  fields = {}
  for name, (start, width) in _FIELDS.items():
    first = _FIXED_BYTES + start * signals
    texts = [content[first + i * width:first + (i + 1) * width] for i in range(signals)]
    fields[name] = tuple(text_of(text) for text in texts)
  samples = tuple(whole_of(text, "number of samples") for text in fields["samples"])

  record_bytes = sum(samples) * _SAMPLE_BYTES[kind]
  present = 0
  if record_bytes:
    present = (file_bytes - header_bytes) // record_bytes
  if not present:
    raise ValueError("it holds no whole data record")
  record_s = record_s_of(content[244:252])
  records, notes = records_of(content[236:244], present, record_s)
  return Header(
    path,
    kind,
    header_bytes,
    records,
    record_s,
    text_of(content[192:236]).startswith(f"{kind}+D"),
    fields,
    samples,
    notes,
  )
