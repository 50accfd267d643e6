"""Audio written as WAV or FLAC, with what was clipped told."""
import pathlib
from types import TracebackType

import numpy as np

from jaxsig.data.audio.flac_files import FlacWriter
from jaxsig.data.audio.wav_files import BITS, WavWriter
from jaxsig.errors import UserError
from jaxsig.plurals import count

WRITERS = {".wav": WavWriter, ".flac": FlacWriter}
SAMPLE_TYPES = tuple(BITS)


class AudioWriter:
  """A WAV or FLAC file that is written block by block.

  Attributes:
    path: of the file.
    peak: the largest size of a sample so far; 1 is full scale.
    clipped: how many samples lay beyond full scale, and were clipped.
  """

  def __init__(
      self,
      path: str | pathlib.Path,
      rate_hz: int,
      channels: int,
      sample_type: str = "int16",
  ):
    """Opens a file for writing.

    Args:
      path: ends in .wav or .flac; a file that is there is replaced.
      rate_hz: sampling rate.
      channels: how many.
      sample_type: "int16", "int24" or, in WAV, "float32", which is never clipped.

    Raises:
      UserError: another ending or type, or the place cannot be written.
    """
    self.path = pathlib.Path(path)
    self.peak = 0.0
    self.clipped = 0
    self._is_integer = sample_type != "float32"
    if sample_type not in SAMPLE_TYPES:
      raise UserError(f"samples of {sample_type!r} cannot be written: use int16, int24 or float32")
    if self.path.suffix.lower() not in WRITERS:
      raise UserError(f"{self.path} has an ending that is not written: use .wav or .flac")
    writer = WRITERS[self.path.suffix.lower()]
    self._writer = writer(self.path, rate_hz, channels, sample_type)

  def __enter__(self) -> "AudioWriter":
    return self

  def __exit__(
      self,
      kind: type[BaseException] | None,
      error: BaseException | None,
      trace: TracebackType | None,
  ) -> None:
    self._writer.__exit__(kind, error, trace)

  def write(self, samples_t_c: np.ndarray) -> None:
    """Adds samples [t, c]; 1 is full scale.

    Raises:
      UserError: they are not finite, or the disk is full.
    """
    if not np.isfinite(samples_t_c).all():
      raise UserError(f"what was to be written to {self.path} has values that are no numbers")
    sizes_t_c = np.abs(samples_t_c)
    self.peak = max(self.peak, float(sizes_t_c.max(initial=0)))
    if self._is_integer:
      self.clipped += int((sizes_t_c > 1).sum())
    self._writer.write(samples_t_c)

  def notes(self) -> list[str]:
    """A sentence where samples were clipped."""
    if not self.clipped:
      return []
    samples = count(self.clipped, "sample was", "samples were")
    return [
        f"In {self.path.name} {samples} clipped, the largest at {self.peak:.2f} of full scale: "
        "write float32 to keep them."
    ]


def write_audio(
    path: str | pathlib.Path,
    samples_t_c: np.ndarray,
    rate_hz: int,
    sample_type: str = "int16",
) -> list[str]:
  """Writes samples [t, c] to a WAV or FLAC file; returns a sentence where some were clipped.

  Raises:
    UserError: see `AudioWriter`.
  """
  with AudioWriter(path, rate_hz, samples_t_c.shape[1], sample_type) as writer:
    writer.write(samples_t_c)
  return writer.notes()
