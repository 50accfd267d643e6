"""Audio files of any format that PyAV decodes, whole, in part, or block by block.

WAV, FLAC, MP3, AAC, M4A, OGG, the five streams of `.stem.mp4`, and the sound of videos; PyAV brings
its decoders, so no ffmpeg need be installed. soundfile is not needed: it reads no AAC, and of WAV,
AIFF and FLAC both give the same numbers.
"""
import pathlib
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jaxsig.data.audio.sample_formats import floats_of
from jaxsig.data.audio.wav_files import missing_bytes
from jaxsig.errors import UserError
from jaxsig.paths import kind_of

if TYPE_CHECKING:
  import av.container

SUFFIXES = (
    ".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".oga", ".opus", ".mp4", ".aif", ".aiff",
    ".caf", ".w64", ".wma", ".mka")
EXACT_LENGTHS = ("wav", "w64", "flac", "mov", "aiff", "caf")   # containers that say their length
LIKELY_LENGTHS = ("mp3", "matroska")   # and those that mostly do
SEEKABLE = ("wav", "w64", "flac", "mov", "aiff", "caf")        # and lead to any sample of it
PREROLL_S = 0.5        # is decoded and dropped before an excerpt: lossy frames need those before
MOST_MISSING_S = 0.5   # by which the samples may end before the container says that they do
LEAST_GAP = 512        # samples; times of Vorbis err by 448 where the lengths of blocks change
LONGEST_GAP_S = 10.0   # between frames that can be decoded
MOST_DAMAGED = 0.02    # of all packets, which are left out


class Audio(NamedTuple):
  """Samples of an audio file.

  Attributes:
    samples_t_c: float32 [t, c], 1 is full scale; not clipped.
    rate_hz: their sampling rate.
    notes: sentences on what is unusual in the file.
  """
  samples_t_c: np.ndarray
  rate_hz: int
  notes: list[str]


class AudioFile:
  """An audio file that is opened for reading in blocks.

  Attributes:
    path: of the file.
    rate_hz: sampling rate of its decoded samples.
    channels: how many it has.
    streams: how many audio streams the file has.
    codec: its name, such as "aac".
    length_t: samples as the container says, or None where it does not.
    notes: sentences on what is unusual, complete when all blocks are read.
  """

  def __init__(self, path: str | pathlib.Path, stream: int = 0):
    """Opens a file and decodes its first frame.

    Args:
      path: of the file.
      stream: which of its audio streams is meant.

    Raises:
      UserError: it is no file, empty, holds no audio, or cannot be decoded.
    """
    self.path = pathlib.Path(path)
    self.notes = []
    self._stream = stream
    _require_file(self.path)
    self._container = self._opened()
    try:
      self._learn()
    except BaseException:
      self.close()
      raise

  def __enter__(self) -> "AudioFile":
    return self

  def __exit__(
      self,
      kind: type[BaseException] | None,
      error: BaseException | None,
      trace: TracebackType | None,
  ) -> None:
    self.close()

  def close(self) -> None:
    """Closes the file."""
    self._container.close()

  @property
  def duration_s(self) -> float | None:
    """Length in seconds as the container says, or None where it does not."""
    if self.length_t is None:
      return None
    return self.length_t / self.rate_hz

  def blocks(
      self,
      start_s: float = 0.0,
      duration_s: float | None = None,
  ) -> Iterator[np.ndarray]:
    """Decoded samples one frame after another: float32 [t, c] of some thousand samples each.

    Args:
      start_s: where they begin.
      duration_s: how long they last; None: to the end.

    Raises:
      UserError: the file is damaged or truncated, or has values that are not finite.
    """
    first = round(start_s * self.rate_hz)
    last = None
    if duration_s is not None:
      last = first + round(duration_s * self.rate_hz)
    end = 0
    for position, samples_t_c in self._frames(first):
      end = position + len(samples_t_c)
      inside_t_c = samples_t_c[max(0, first - position):]
      if last is not None and end > last:
        inside_t_c = inside_t_c[:max(0, len(inside_t_c) - (end - last))]
      if len(inside_t_c):
        if not np.isfinite(inside_t_c).all():
          raise UserError(
              f"{self.path} has values that are no numbers after {position / self.rate_hz:.1f} s: "
              "repair it")
        yield inside_t_c
      if last is not None and end >= last:
        return
    if end:
      self._require_whole(end)

  def _opened(self) -> "av.container.InputContainer":
    import av  # takes long to import: only where audio is read

    try:
      return av.open(str(self.path))
    except av.error.FFmpegError as error:
      reason = error.strerror or error
      raise UserError(
          f"{self.path} cannot be read as audio ({reason}): copy it again, or convert it to WAV"
      ) from error

  def _learn(self) -> None:
    """Reads what the file says of itself, and from its first frame what a decoder makes of it."""
    every = self._container.streams.audio
    self.streams = len(every)
    if not every:
      raise UserError(f"{self.path} holds no audio: name a file with sound")
    if self._stream >= len(every):
      raise UserError(
          f"{self.path} has {len(every)} audio streams, and number {self._stream + 1} is asked for")
    stream = every[self._stream]
    if stream.codec_context is None:
      raise UserError(
          f"the audio of {self.path} is encrypted or of an unknown kind: convert it to WAV")
    self.codec = stream.codec_context.name
    first = next(self._decoded(), None)
    if first is None:
      raise UserError(f"{self.path} holds no samples that can be decoded: copy it again")
    self.rate_hz = int(first.sample_rate)
    self.channels = int(first.layout.nb_channels)
    self.length_t = None
    self._start_pts = first.pts or 0
    if self._is_among(("wav",)) and missing_bytes(self.path) > 0:
      raise UserError(f"{self.path} is truncated: its header says that it is longer; copy it again")
    if self._is_among(EXACT_LENGTHS) and stream.duration:
      self.length_t = round(stream.duration * stream.time_base * self.rate_hz)

  def _is_among(self, formats: tuple[str, ...]) -> bool:
    return bool(set(self._container.format.name.split(",")) & set(formats))

  def _decoded(self) -> Iterator["av.AudioFrame"]:
    """Frames from where the container stands; damaged packets are left out and counted."""
    import av

    stream = self._container.streams.audio[self._stream]
    packets, damaged = 0, 0
    for packet in self._container.demux(stream):
      packets += 1
      try:
        decoded = packet.decode()
      except av.error.FFmpegError as error:
        damaged += 1
        if damaged > max(3, MOST_DAMAGED * packets):
          raise self._damaged(error) from error
        continue
      yield from decoded
    if damaged:
      self.notes.append(
          f"{damaged} of its {packets} packets cannot be decoded: the sound breaks off there.")

  def _damaged(self, error: Exception) -> UserError:
    reason = getattr(error, "strerror", None) or error
    return UserError(
        f"the audio of {self.path} cannot be decoded ({reason}), it is damaged or encrypted: copy "
        "it again, or convert it to WAV")

  def _frames(self, first: int) -> Iterator[tuple[int, np.ndarray]]:
    """(index of its first sample, samples [t, c]) of frames, from at or before sample `first`."""
    self._container.close()
    self._container = self._opened()
    stream = self._container.streams.audio[self._stream]
    wanted_s = first / self.rate_hz - PREROLL_S
    may_seek = self._is_among(SEEKABLE) and stream.time_base <= 1 / self.rate_hz
    if wanted_s > 0 and may_seek:
      self._container.seek(self._start_pts + int(wanted_s / stream.time_base), stream=stream)
    samples_per_pts = float(stream.time_base * self.rate_hz)
    expected = None
    for frame in self._decoded():
      position = self._position(frame, samples_per_pts, expected)
      samples_t_c = self._samples(frame, position)
      if expected is not None and position > expected:   # what lay between is damaged
        yield expected, self._silence(expected, position)
      if self.length_t is not None and position + len(samples_t_c) > self.length_t:
        samples_t_c = samples_t_c[:max(0, self.length_t - position)]   # an encoder's padding
      expected = position + len(samples_t_c)
      yield position, samples_t_c

  def _silence(self, start: int, end: int) -> np.ndarray:
    """[t, c] of zeros in place of what could not be decoded."""
    missing_s = (end - start) / self.rate_hz
    if missing_s > LONGEST_GAP_S:
      raise UserError(
          f"{self.path} is damaged: {missing_s:.0f} s are missing after "
          f"{start / self.rate_hz:.1f} s; copy it again")
    self.notes.append(
        f"It is damaged at {start / self.rate_hz:.1f} s, where {missing_s:.2f} s are silent.")
    return np.zeros((end - start, self.channels), np.float32)

  def _position(
      self,
      frame: "av.AudioFrame",
      samples_per_pts: float,
      expected: int | None,
  ) -> int:
    """Index of a frame's first sample: by its time, but for the rounding of times."""
    position = expected or 0
    if frame.pts is not None:
      said = round((frame.pts - self._start_pts) * samples_per_pts)
      least = max(frame.samples // 2, LEAST_GAP)
      is_gap = expected is None or said - expected > least
      if is_gap:
        position = said
    return position

  def _samples(self, frame: "av.AudioFrame", position: int) -> np.ndarray:
    """[t, c] of a planar or packed frame."""
    channels = frame.layout.nb_channels
    if frame.sample_rate != self.rate_hz or channels != self.channels:
      raise UserError(
          f"{self.path} changes from {self.rate_hz} Hz and {self.channels} channels to "
          f"{frame.sample_rate} Hz and {channels} after {position / self.rate_hz:.1f} s: split it")
    numbers = frame.to_ndarray()
    if frame.format.is_planar:
      return floats_of(numbers).T
    return floats_of(numbers).reshape(-1, channels)

  def _require_whole(self, end: int) -> None:
    end_s = end / self.rate_hz
    if self.length_t is None:
      said_s = (self._container.duration or 0) / 1e6
      if self._is_among(LIKELY_LENGTHS) and said_s - end_s > MOST_MISSING_S:
        self.notes.append(
            f"It says that it lasts {said_s:.1f} s, and ends after {end_s:.1f} s: it may be "
            "truncated.")
      return
    missing_s = (self.length_t - end) / self.rate_hz
    if missing_s > MOST_MISSING_S:
      raise UserError(
          f"{self.path} is truncated: it says that it lasts {self.duration_s:.1f} s, and ends "
          f"after {end_s:.1f} s; copy it again")


def read_audio(
    path: str | pathlib.Path,
    start_s: float = 0.0,
    duration_s: float | None = None,
    stream: int = 0,
    least_s: float = 0.0,
) -> Audio:
  """Returns the samples of an audio file or of a part of it.

  Args:
    path: of the file.
    start_s, duration_s: the part; None: to the end.
    stream: which of its audio streams.
    least_s: how much of it is needed.

  Raises:
    UserError: see `AudioFile`; nothing lies after `start_s`, or less than `least_s`.
  """
  with AudioFile(path, stream) as file:
    blocks = list(file.blocks(start_s, duration_s))
    if not blocks:
      raise UserError(f"{file.path} has nothing after {start_s:g} s: it ends before")
    samples_t_c = np.concatenate(blocks)
    length_s = len(samples_t_c) / file.rate_hz
    if length_s < least_s:
      raise UserError(
          f"{file.path} has {length_s:.2f} s of audio, and at least {least_s:g} s are needed: "
          "give a longer one")
    return Audio(samples_t_c, file.rate_hz, file.notes)


def _require_file(path: pathlib.Path) -> None:
  kind = kind_of(path)
  if kind == "folder":
    raise UserError(f"{path} is a folder: name an audio file")
  if not kind:
    raise UserError(f"{path} is missing: name an audio file")
  if not path.stat().st_size:
    raise UserError(f"{path} is empty: copy it again")
