"""A user's own song: decoded, checked and resampled block by block into a file on disk."""
import contextlib
import math
import os
import pathlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.audio.audio_files import AudioFile
from jaxsig.data.audio.resampling import resampled_blocks
from jaxsig.data.audio.sample_formats import floats_of
from jaxsig.data.audio.stem_records import CHANNELS, LEAST_S, in_stereo
from jaxsig.data.audio.wav_files import BITS
from jaxsig.data.records import Record
from jaxsig.errors import UserError
from jaxsig.system import OwnOptions
from jaxsig.systems.music_separation.own_settings import Plan, plan_of
from jaxsig.systems.music_separation.scratch import Scratch, ScratchWriter

BLOCK_T = 1 << 17          # samples of an array that are read at once
SILENT = 10 ** (-90 / 20)  # the largest sample of what is no sound
NO_FRACTION = 64.0         # the largest sample that is taken for a fraction of full scale
LOWEST_HZ, HIGHEST_HZ = 1000, 768_000
LARGEST_WAV_BYTES = 2**32 - 256
INTEGERS = (np.int16, np.int32)


class Sound(NamedTuple):
  """A song as it is given.

  Attributes:
    name: in sentences.
    id: of its record.
    path: of its file; empty of an array.
    rate_hz, channels: its own.
    blocks: of its samples, float32 [t, c].
    notes: sentences on what is unusual, complete when all blocks are read.
  """
  name: str
  id: str
  path: str
  rate_hz: int
  channels: int
  blocks: Iterator[np.ndarray]
  notes: list[str]


class Meter:
  """Length, largest sample and root mean square of the blocks that pass through."""

  def __init__(self):
    self.length_t = 0
    self.peak = 0.0
    self._squares = 0.0   # their sum over samples, and mean over channels

  def through(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The same blocks."""
    for block_t_c in blocks:
      self.length_t += len(block_t_c)
      self.peak = max(self.peak, float(np.abs(block_t_c).max(initial=0)))
      squares = np.sum(np.square(block_t_c), dtype=np.float64)
      self._squares += float(squares) / block_t_c.shape[1]
      yield block_t_c

  @property
  def level(self) -> float:
    """The root mean square, over full scale."""
    return math.sqrt(self._squares / max(1, self.length_t))


def read(source: object, options: OwnOptions) -> Record:
  """A user's song as a record with "mixture_t_c" [t, 2] at `data.rate_hz`, on disk.

  Where the rest of the mixture is asked for, the song as it is given is annotation "song_t_c".
  info["length_t"] is the mixture's length before it is padded to whole windows, "level" its root
  mean square; "song_rate_hz", "song_channels" and "song_length_t" are those of the song itself.

  Args:
    source: path of any file with sound, or an array [t] or [t, c] of fractions of full scale, or
      of int16 or int32.
    options: the rate of an array; `data.rate_hz`, `window_s` and `stems`; what is asked for.

  Raises:
    UserError: it holds no sound that can be separated, or the disk is full.
  """
  plan = plan_of(options.data.stems, options.own)
  with _opened(source, options.rate_hz) as sound:
    if sound.channels > CHANNELS:
      raise UserError(f"{sound.name} has {sound.channels} channels: mix it to stereo")
    if not LOWEST_HZ <= sound.rate_hz <= HIGHEST_HZ:
      raise UserError(
          f"{sound.name} has a sampling rate of {sound.rate_hz} Hz, and rates from {LOWEST_HZ} to "
          f"{HIGHEST_HZ} Hz are read: correct it, or resample it")
    scratch = Scratch()
    try:
      record = _stored(sound, plan, options.data, scratch)
    except BaseException:
      scratch.remove()
      raise
  return record


def _stored(sound: Sound, plan: Plan, data: ConfigDict, scratch: Scratch) -> Record:
  meter = Meter()
  annotations = {}
  with contextlib.ExitStack() as stack:
    mixture = stack.enter_context(ScratchWriter(scratch, "mixture", CHANNELS))
    blocks = meter.through(sound.blocks)
    if plan.rest:
      song = stack.enter_context(ScratchWriter(scratch, "song", sound.channels))
      blocks = _copied(blocks, song)
    at_model = Meter()
    resampled = resampled_blocks(blocks, sound.rate_hz, data.rate_hz)
    for block_t_c in at_model.through(resampled):
      mixture.write(in_stereo(block_t_c, sound.name))
    _require_sound(sound, meter)
    length_t = mixture.length_t
    windows = math.ceil(length_t / data.rate_hz / data.window_s - 1e-9)
    padded_t = round(windows * data.window_s * data.rate_hz)
    mixture.write(np.zeros((padded_t - length_t, CHANNELS), np.float32))
    _require_room(sound, meter, plan)
    signals = {"mixture_t_c": mixture.stored()}
    if plan.rest:
      annotations["song_t_c"] = song.stored()
  info = {
      "source": "a song of the user's",
      "notes": list(sound.notes),
      "length_t": length_t,
      "level": at_model.level,
      "song_rate_hz": sound.rate_hz,
      "song_channels": sound.channels,
      "song_length_t": meter.length_t,
      "path": sound.path,
  }
  return Record(sound.id, "user", float(data.rate_hz), signals, annotations, info)


def _copied(blocks: Iterable[np.ndarray], writer: ScratchWriter) -> Iterator[np.ndarray]:
  for block_t_c in blocks:
    writer.write(block_t_c)
    yield block_t_c


def _require_sound(sound: Sound, meter: Meter) -> None:
  length_s = meter.length_t / sound.rate_hz
  if length_s < LEAST_S:
    raise UserError(
        f"{sound.name} lasts {length_s:.2f} s, and at least {LEAST_S:g} s are needed: give a "
        "longer one")
  if meter.peak < SILENT:
    raise UserError(
        f"{sound.name} is silent, all of it is below -90 dB of full scale: give a song with sound")
  if meter.peak > NO_FRACTION:
    raise UserError(
        f"{sound.name} has samples of up to {meter.peak:.4g}, where 1 is full scale: divide it by "
        "its full scale, which is 32768 for 16 bits")


def _require_room(sound: Sound, meter: Meter, plan: Plan) -> None:
  """Raises UserError where the stems of a file would be larger than WAV files can be."""
  size = meter.length_t * sound.channels * BITS[plan.sample_type] // 8
  if sound.path and plan.ending == ".wav" and size > LARGEST_WAV_BYTES:
    raise UserError(
        f"each stem of {sound.name} would take {size / 2**30:.1f} GiB, and a WAV file holds 4: set "
        "own.format=flac and own.sample_type to int16 or int24")


@contextlib.contextmanager
def _opened(source: object, rate_hz: float | None) -> Iterator[Sound]:
  """The song in a file or an array, while its blocks are read."""
  if not isinstance(source, (str, os.PathLike)):
    yield _of_array(source, rate_hz)
    return
  path = pathlib.Path(source)
  with AudioFile(path) as file:
    if rate_hz is not None and rate_hz != file.rate_hz:
      raise UserError(
          f"{path} has {file.rate_hz} Hz, and rate_hz={rate_hz:g} is given: leave it out")
    if file.streams > 1:
      file.notes.append(f"It has {file.streams} audio streams, the first of which is separated.")
    name = path.stem.removesuffix(".stem")
    yield Sound(str(path), name, str(path), file.rate_hz, file.channels, file.blocks(), file.notes)


def _of_array(source: object, rate_hz: float | None) -> Sound:
  """The song in an array [t] or [t, c].

  Raises:
    UserError: it is none.
  """
  if np.ma.is_masked(source):
    raise UserError("the array has masked samples: fill them")
  try:
    samples = np.asarray(source)
  except ValueError:   # rows of unequal length
    raise UserError("the array is ragged: give one of samples [t] or [t, c]") from None
  _require_samples(samples)
  if rate_hz is None:
    raise UserError("an array does not say its sampling rate: give rate_hz")
  if rate_hz != round(rate_hz):
    raise UserError(
        f"rate_hz={rate_hz:g} is no whole number, as files with sound need: resample the array")
  notes = []
  if samples.dtype.type in INTEGERS:
    bits = 8 * samples.dtype.itemsize
    notes.append(
        f"The whole numbers of the array were divided by 2**{bits - 1}, the full scale of {bits} "
        "bits.")
  samples_t_c = samples.reshape(len(samples), -1)
  blocks = _blocks_of(samples_t_c)
  return Sound("the array", "array", "", round(rate_hz), samples_t_c.shape[1], blocks, notes)


def _require_samples(samples: np.ndarray) -> None:
  """Raises UserError where an array is no song by its type or shape."""
  is_integer = samples.dtype.type in INTEGERS
  if samples.dtype.kind != "f" and not is_integer:
    raise UserError(
        f"the array holds {samples.dtype}: give floats, 1 being full scale, or int16 or int32")
  if samples.ndim not in (1, 2):
    raise UserError(
        f"the array has {samples.ndim} axes: give samples [t], or [t, c] with the channels last")
  if not samples.size:
    raise UserError("the array is empty: give the samples of a song")
  if samples.ndim == 2 and samples.shape[0] <= CHANNELS < samples.shape[1]:
    raise UserError(
        f"the array has the shape {samples.shape}, channels first: transpose it to [t, c]")


def _blocks_of(samples_t_c: np.ndarray) -> Iterator[np.ndarray]:
  for first in range(0, len(samples_t_c), BLOCK_T):
    with np.errstate(over="ignore"):   # what is no float32 is told below
      block_t_c = floats_of(samples_t_c[first:first + BLOCK_T])
    if not np.isfinite(block_t_c).all():
      raise UserError(
          f"the array has values that are no numbers after sample {first}: repair or cut it")
    yield block_t_c
