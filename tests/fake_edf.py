"""For the tests of EDF and BDF: files written by hand, so that every field can be odd."""
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

STORED = np.random.default_rng(0).integers(-900, 900, 400)   # 10 data records of 40 samples
SLOW = STORED[:20] // 2   # 2 samples in each
PHYSICAL = STORED / 250   # of -1000 to 1000 for -4 to 4
FIELDS = {   # of a signal, in the order of the header, with their widths
  "label": ("PPG", 16),
  "sensor": ("", 80),
  "unit": ("mV", 8),
  "low": ("-4", 8),
  "high": ("4", 8),
  "stored_low": ("-1000", 8),
  "stored_high": ("1000", 8),
  "filters": ("", 80),
  "samples": ("40", 8),
  "reserved": ("", 32),
}
Signal = tuple[Mapping[str, object], np.ndarray]   # fields, and what is stored [record, sample]


def fast(**fields: object) -> Signal:
  """The signal of 40 samples in a data record."""
  return fields, STORED.reshape(10, 40)


def slow(**fields: object) -> Signal:
  """A signal of 2 samples in a data record."""
  return {"label": "Resp", "samples": 2, **fields}, SLOW.reshape(10, 2)


def marks(onsets_s: Sequence[object], kind: str = "EDF", width: int = 30) -> Signal:
  """The signal of annotations that tells when each data record starts."""
  content = b"".join(f"+{onset}\x14\x14\x00".encode().ljust(width, b"\x00") for onset in onsets_s)
  size = 2 if kind == "EDF" else 3
  fields = {"label": f"{kind} Annotations", "samples": width // size}
  return fields, np.frombuffer(content, np.uint8).reshape(len(onsets_s), width)


def edf_bytes(
  *signals: Signal,
  kind: str = "EDF",
  records: object = 10,
  record_s: object = 1,
  reserved: str = "",
  header_bytes: object = None,
  count: object = None,
) -> bytes:
  """The bytes of a file of these signals."""
  version = b"0       " if kind == "EDF" else b"\xffBIOSEMI"
  size = 2 if kind == "EDF" else 3
  fixed = [
    ("patient", 80),
    ("recording", 80),
    ("01.01.20", 8),
    ("10.00.00", 8),
    (header_bytes or 256 * (len(signals) + 1), 8),
    (reserved, 44),
    (records, 8),
    (record_s, 8),
    (count or len(signals), 4),
  ]
  content = version + b"".join(field(value, width) for value, width in fixed)
  for name, (usual, width) in FIELDS.items():
    for fields, _ in signals:
      content += field(fields.get(name, usual), width)

  columns = []
  for _, stored in signals:
    if stored.dtype != np.uint8:
      stored = stored.astype("<i4").view(np.uint8).reshape(*stored.shape, 4)[..., :size]
    columns.append(stored.reshape(len(stored), -1))
  return content + np.concatenate(columns, axis=1).tobytes()


def field(value: object, width: int) -> bytes:
  """A field of the header; bytes are taken as they are."""
  if not isinstance(value, bytes):
    value = str(value).encode()
  assert len(value) <= width
  return value.ljust(width)


def write(folder: pathlib.Path, *signals: Signal, **changes: object) -> pathlib.Path:
  """Writes a file by hand."""
  path = folder / "a.edf"
  path.write_bytes(edf_bytes(*signals, **changes))
  return path
