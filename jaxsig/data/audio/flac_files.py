"""FLAC files written block by block by PyAV: integers of 16 or 24 bits, up to 8 channels."""
import pathlib
from typing import TYPE_CHECKING

import numpy as np

from jaxsig.data.audio.sample_formats import integers_of
from jaxsig.data.audio.unfinished_sound import UnfinishedSound
from jaxsig.errors import UserError

if TYPE_CHECKING:
  import av

BITS = {"int16": 16, "int24": 24}
LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")   # by number of channels
HIGHEST_HZ = 655350


class FlacWriter(UnfinishedSound):
  """A FLAC file that is being written."""

  def __init__(self, path: str | pathlib.Path, rate_hz: int, channels: int, sample_type: str):
    """Opens `path` for writing.

    Args:
      path: of the file; one that is there is replaced.
      rate_hz: sampling rate.
      channels: how many.
      sample_type: "int16" or "int24".

    Raises:
      UserError: it cannot be written, or FLAC does not hold such samples.
    """
    import av

    super().__init__(path)
    self._bits = _bits(self.path, rate_hz, channels, sample_type)
    self._rate_hz = rate_hz
    self._layout = LAYOUTS[channels - 1]
    self._format = {16: "s16", 24: "s32"}[self._bits]
    with self._told("name another place"):
      self._container = av.open(str(self._aside), "w", format="flac")
    self._stream = self._container.add_stream("flac", rate=rate_hz, layout=self._layout)
    self._stream.codec_context.format = self._format

  def write(self, samples_t_c: np.ndarray) -> None:
    """Adds samples [t, c], 1 is full scale; they are rounded and clipped.

    Raises:
      UserError: the disk is full.
    """
    import av

    if not len(samples_t_c):
      return
    numbers_t_c = integers_of(samples_t_c, self._bits)
    if self._bits == 16:
      numbers_t_c = numbers_t_c.astype(np.int16)
    else:
      numbers_t_c = numbers_t_c << 8   # 24 bits lie in the upper bits of 32
    packed = np.ascontiguousarray(numbers_t_c).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(packed, format=self._format, layout=self._layout)
    frame.sample_rate = self._rate_hz
    frame.pts = self.length_t
    self._mux(frame)
    self.length_t += len(samples_t_c)

  def _finish(self) -> None:
    self._mux(None)   # what the encoder holds
    self._container.close()

  def _abandon(self) -> None:
    self._container.close()

  def _mux(self, frame: "av.AudioFrame | None") -> None:
    with self._told():
      self._container.mux(self._stream.encode(frame))


def _bits(path: pathlib.Path, rate_hz: int, channels: int, sample_type: str) -> int:
  if sample_type not in BITS:
    raise UserError(f"{path} cannot hold {sample_type}: FLAC has int16 and int24; write WAV")
  if channels > len(LAYOUTS) or rate_hz > HIGHEST_HZ:
    raise UserError(
        f"{path} cannot hold {channels} channels at {rate_hz} Hz: FLAC has at most {len(LAYOUTS)} "
        f"and {HIGHEST_HZ} Hz; write WAV")
  return BITS[sample_type]
