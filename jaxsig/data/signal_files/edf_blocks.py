"""The samples of a signal in an EDF or BDF file, block by block, so that memory is bounded."""
import io
from collections.abc import Iterator, Sequence

import numpy as np

from jaxsig.data.signal_files.edf_fields import number_of
from jaxsig.data.signal_files.edf_header import AGAIN, Header
from jaxsig.errors import UserError

_BLOCK_BYTES = 2**22   # read at a time
_RANGE = ("low", "high", "stored_low", "stored_high")
_VERSION = {"EDF": "0", "BDF": "\xffBIOSEMI"}


def is_calibrated(header: Header, signal: int) -> bool:
  """Returns whether the header says what a stored number of a signal means."""
  low, high, stored_low, stored_high = _range_of(header, signal)
  is_whole = stored_low.is_integer() and stored_high.is_integer()   # not of NaN
  if not (is_whole and max(abs(stored_low), abs(stored_high)) <= 2**23):
    return False
  return bool(np.isfinite([low, high]).all() and low != high and stored_low != stored_high)


def _range_of(header: Header, signal: int) -> list[float]:
  return [number_of(header.fields[name][signal]) for name in _RANGE]


def read_blocks(header: Header, signal: int) -> Iterator[tuple[int, np.ndarray]]:
  """Yields the number of a block's first data record, and a signal's samples [r, s] in it.

  They are float64, in physical units where these are known, else as stored.

  Raises:
    UserError: the file cannot be read any more.
  """
  step = max(_BLOCK_BYTES // header.record_bytes, 1)
  try:
    with header.path.open("rb") as file:
      file.seek(header.header_bytes)
      for first in range(0, header.records, step):
        records = min(step, header.records - first)
        content = file.read(records * header.record_bytes)
        yield first, _decoded(header, signal, records, content)
  except OSError as error:
    raise UserError(f"{header.path} cannot be read ({error.strerror}): {AGAIN}") from error


def _decoded(header: Header, signal: int, records: int, content: bytes) -> np.ndarray:
  """A signal's samples [r, s] in a few data records."""
  import edfio

  if len(content) < records * header.record_bytes:
    raise UserError(f"{header.path} has changed while it was read: read it again")
  read = {"EDF": edfio.read_edf, "BDF": edfio.read_bdf}[header.kind]
  block = read(io.BytesIO(_block_header(header, records) + content))
  stored = block.signals[signal]
  x_t = stored.digital.astype(np.float64)
  if is_calibrated(header, signal):
    x_t = stored.data
  return x_t.reshape(records, -1)


def _block_header(header: Header, records: int) -> bytes:
  """The header of a file of so many data records, as strictly as edfio takes it."""
  signals = range(len(header.samples))
  fields = [   # (width, value)
    (8, _VERSION[header.kind]),
    (176, ""),   # of whom, of what, date and time
    (8, header.header_bytes),
    (44, ""),
    (8, records),
    (8, 1),      # s in a data record: any number will do
    (4, len(signals)),
  ]
  fields += [(16, i) for i in signals]   # no label, so that annotations are counted like signals
  fields += [(88, "") for _ in signals]  # transducer and unit

  ranges = [_plain_range(header, i) for i in signals]
  for limits in zip(*ranges, strict=True):
    fields += [(8, limit) for limit in limits]
  fields += [(80, "") for _ in signals]  # filters
  fields += [(8, samples) for samples in header.samples]

  texts = [str(value).ljust(width)[:width] for width, value in fields]
  content = "".join(texts)
  return content.ljust(header.header_bytes).encode("latin-1", "replace")


def _plain_range(header: Header, signal: int) -> Sequence[str]:
  """The four limits of a signal as edfio takes them; blank where it has none that can be used."""
  if not is_calibrated(header, signal):
    return ("",) * len(_RANGE)
  _, _, stored_low, stored_high = _range_of(header, signal)
  low = header.fields["low"][signal].replace(",", ".")
  high = header.fields["high"][signal].replace(",", ".")
  return (low, high, str(int(stored_low)), str(int(stored_high)))
