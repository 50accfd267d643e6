"""WAV files written block by block: integers of 16 or 24 bits, or floats of 32."""
import pathlib
import struct

import numpy as np

from jaxsig.data.audio.sample_formats import integers_of
from jaxsig.data.audio.unfinished_sound import UnfinishedSound
from jaxsig.errors import UserError

BITS = {"int16": 16, "int24": 24, "float32": 32}
_INTEGERS, _FLOATS = 1, 3      # format tags
_LARGEST_BYTES = 2**32 - 256   # sizes in the header have 32 bits
_STREAMED_BYTES = 0x7FFFFF00   # from which a size is that of a program that could not know it
_HEADER_BYTES = 58             # RIFF, fmt with its extension, fact, and the head of data


class WavWriter(UnfinishedSound):
  """A WAV file that is being written."""

  def __init__(self, path: str | pathlib.Path, rate_hz: int, channels: int, sample_type: str):
    """Opens `path` for writing.

    Args:
      path: of the file; one that is there is replaced.
      rate_hz: sampling rate.
      channels: how many.
      sample_type: "int16", "int24" or "float32".

    Raises:
      UserError: it cannot be written.
    """
    super().__init__(path)
    self._rate_hz = rate_hz
    self._channels = channels
    self._sample_type = sample_type
    with self._told("name another place"):
      self._file = self._aside.open("wb")
    self._file.write(self._header())

  def write(self, samples_t_c: np.ndarray) -> None:
    """Adds samples [t, c], 1 is full scale; integers are rounded and clipped.

    Raises:
      UserError: the disk is full, or the file grows beyond 4 GiB, which WAV cannot say.
    """
    data = _bytes_of(samples_t_c, self._sample_type)
    if self._data_bytes() + len(data) > _LARGEST_BYTES:
      raise UserError(
          f"{self.path} would grow beyond 4 GiB, which WAV cannot hold: write FLAC, or int16")
    with self._told():
      self._file.write(data)
    self.length_t += len(samples_t_c)

  def _finish(self) -> None:
    if self._data_bytes() % 2:   # chunks have even sizes
      self._file.write(b"\0")
    self._file.seek(0)
    self._file.write(self._header())
    self._file.close()

  def _abandon(self) -> None:
    self._file.close()

  def _frame_bytes(self) -> int:
    return self._channels * BITS[self._sample_type] // 8

  def _data_bytes(self) -> int:
    return self.length_t * self._frame_bytes()

  def _header(self) -> bytes:
    tag = _INTEGERS
    if self._sample_type == "float32":
      tag = _FLOATS
    size = self._data_bytes()
    riff = struct.pack("<4sI4s", b"RIFF", _HEADER_BYTES - 8 + size + size % 2, b"WAVE")
    per_second = self._rate_hz * self._frame_bytes()
    form = struct.pack(
        "<4sIHHIIHHH", b"fmt ", 18, tag, self._channels, self._rate_hz, per_second,
        self._frame_bytes(), BITS[self._sample_type], 0)
    fact = struct.pack("<4sII", b"fact", 4, self.length_t)
    return riff + form + fact + struct.pack("<4sI", b"data", size)


def _bytes_of(samples_t_c: np.ndarray, sample_type: str) -> bytes:
  """Little-endian samples, channels side by side."""
  if sample_type == "float32":
    return np.ascontiguousarray(samples_t_c, "<f4").tobytes()
  integers_t_c = integers_of(samples_t_c, BITS[sample_type])
  if sample_type == "int16":
    return integers_t_c.astype("<i2").tobytes()
  four_bytes = np.ascontiguousarray(integers_t_c, "<i4").view(np.uint8).reshape(-1, 4)
  return four_bytes[:, :3].tobytes()


def missing_bytes(path: pathlib.Path) -> int:
  """By how many bytes a WAV file is shorter than its header says, 0 where it says nothing."""
  size = path.stat().st_size
  with path.open("rb") as file:
    if file.read(4) != b"RIFF":   # RF64 says its size elsewhere
      return 0
    place = 12
    while place + 8 <= size:
      file.seek(place)
      name, length = struct.unpack("<4sI", file.read(8))
      if name == b"data":
        is_known = 0 < length < _STREAMED_BYTES
        return max(0, place + 8 + length - size) * is_known
      place += 8 + length + length % 2
  return 0
