"""A song as a record: its stems at one rate, side by side in time; the mixture is their sum.

Fields of `config.data` that are read here:
  stems: their names, in order. A part of the music that is not among them joins "other".
  rate_hz: of the stems in the record.
  window_s: songs are padded with silence to whole windows of this length.
  sample_type: "int16", 2 bytes a sample, or "float32".
  group_by: what a split must not divide: the "song", or the "artist" where it is known.
  missing_stem: "silence", or "error" where a song lacks one.
  skip_broken: leave broken songs out, with a warning.
"""
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.audio.audio_files import AudioFile
from jaxsig.data.audio.resampling import resampled
from jaxsig.data.audio.sample_formats import floats_of
from jaxsig.data.audio.songs import Song, Source
from jaxsig.data.recordings import usable
from jaxsig.data.records import Record
from jaxsig.errors import UserError

CHANNELS = 2
LEAST_S = 1.0   # of a song


def read_songs(songs: Iterable[Song], config: ConfigDict) -> Iterator[Record]:
  """A record a song, one after another, so that one is in memory.

  Raises:
    UserError: a file is broken (unless `config.skip_broken`).
  """

  def read(song: Song) -> Record:
    return read_song(song, config)

  return usable(songs, read, config.skip_broken)


def read_song(song: Song, config: ConfigDict) -> Record:
  """A song's record with "<stem>_t_c" [t, 2], one a stem.

  Stems of int16 count from `info["full_scale"]`, which is 1 but where a stem goes beyond it:
  nothing is clipped. `info["length_t"]` is the song's length before padding, and `info["level"]`
  the root mean square of its mixture.

  Raises:
    UserError: a file is broken, or a stem is missing where that is an error.
  """
  sources = sources_of(song, config)
  stems = {}
  notes = []
  for stem in config.stems:
    stems[stem] = _summed(sources[stem], config.rate_hz)
    if not sources[stem]:
      notes.append(f"It has no {stem}: that stem is silent.")
  info = {
      "source": song.data_set,
      "artist": song.name.artist,
      "title": song.name.title,
      "part": song.part,
      "notes": notes,
  }
  return record_of(song.name.text, group_of(song, config), stems, info, config)


def group_of(song: Song, config: ConfigDict) -> str:
  """What a split must not divide: the same for one song or artist in every data set."""
  if config.group_by == "artist" and song.name.artist:
    return song.name._replace(title="").key.removesuffix(" - ")
  return song.name.key


def sources_of(song: Song, config: ConfigDict) -> dict[str, list[Source]]:
  """{stem: its sources} for the stems of the config; empty for one that the song lacks.

  Raises:
    UserError: a stem is missing where that is an error, or has no place among them.
  """
  sources = {stem: [] for stem in config.stems}
  for stem, files in song.stems.items():
    sources[place_of(stem, config.stems, song.name.text)] += files
  for stem, files in sources.items():
    if config.missing_stem == "error" and not files:
      raise UserError(
          f"{song.name.text} has no {stem}: leave the song out, or set data.missing_stem=silence")
  if not any(sources.values()):
    raise UserError(f"{song.name.text} has no stem: leave it out")
  return sources


def place_of(stem: str, stems: Sequence[str], name: str) -> str:
  """The stem of a record that a part of the music belongs to: its own, or "other".

  Raises:
    UserError: it has no place among them.
  """
  if stem in stems:
    return stem
  if "other" in stems:
    return "other"
  raise UserError(
      f"{name} has {stem}, which is not among data.stems: add it, or \"other\", which takes what "
      "is left")


def _summed(sources: Sequence[Source], rate_hz: float) -> np.ndarray:
  """[t, 2] the sum of sources at the rate; those of one rate are summed before it is changed."""
  of_rate = defaultdict(lambda: np.zeros((0, CHANNELS), np.float32))
  for source in sources:
    with AudioFile(source.path, source.stream) as file:
      native_hz = file.rate_hz
      of_rate[native_hz] = _added(of_rate[native_hz], file)
  total_t_c = np.zeros((0, CHANNELS), np.float32)
  for native_hz, samples_t_c in of_rate.items():
    total_t_c = padded_sum([total_t_c, resampled(samples_t_c, native_hz, rate_hz)])
  return total_t_c


def _added(total_t_c: np.ndarray, file: AudioFile) -> np.ndarray:
  """A sum with the samples of a file added in place, longer where the file is."""
  end = 0
  for block_t_c in file.blocks():
    start, end = end, end + len(block_t_c)
    if end > len(total_t_c):
      wanted = max(end, file.length_t or 0, len(total_t_c) * 3 // 2)
      total_t_c = _padded(total_t_c, wanted)
    total_t_c[start:end] += in_stereo(block_t_c, str(file.path))
  return total_t_c


def in_stereo(samples_t_c: np.ndarray, name: str) -> np.ndarray:
  """[t, 2] of one channel, which stands on both sides, or of two.

  Raises:
    UserError: there are more.
  """
  channels = samples_t_c.shape[1]
  if channels > CHANNELS:
    raise UserError(f"{name} has {channels} channels: mix it to stereo")
  return np.broadcast_to(samples_t_c, (len(samples_t_c), CHANNELS))


def padded_sum(parts: Sequence[np.ndarray]) -> np.ndarray:
  """The sum of signals [t, 2] that start together, as long as the longest."""
  longest = max(len(part) for part in parts)
  total_t_c = np.zeros((longest, CHANNELS), np.float32)
  for part in parts:
    total_t_c[:len(part)] += part
  return total_t_c


def _padded(samples_t_c: np.ndarray, length: int) -> np.ndarray:
  padded_t_c = np.zeros((length, CHANNELS), np.float32)
  padded_t_c[:len(samples_t_c)] = samples_t_c
  return padded_t_c


def record_of(
    name: str,
    group: str,
    stems: Mapping[str, np.ndarray],
    info: Mapping[str, object],
    config: ConfigDict,
) -> Record:
  """The record of a song's stems {stem: float32 [t, 2]}, which start together.

  Raises:
    UserError: the song is shorter than a second, or the type of its samples is unknown.
  """
  length = max(len(x) for x in stems.values())
  if length < LEAST_S * config.rate_hz:
    raise UserError(
        f"{name} lasts {length / config.rate_hz:.2f} s, and at least {LEAST_S:g} s are needed: "
        "leave it out")
  windows = math.ceil(length / config.rate_hz / config.window_s - 1e-9)
  padded = round(windows * config.window_s * config.rate_hz)
  full_scale = 1.0
  for x in stems.values():
    highest, lowest = float(x.max(initial=0)), float(x.min(initial=0))
    full_scale = max(full_scale, highest * 2**15 / (2**15 - 1), -lowest)
  signals = {}
  for stem, x in stems.items():
    whole_t_c = _padded(x, max(padded, length))
    signals[f"{stem}_t_c"] = _stored(whole_t_c, full_scale, config.sample_type)
  about = {
      **info,
      "length_t": length,
      "full_scale": full_scale,
      "level": level_of(padded_sum(list(stems.values()))),
  }
  return Record(name, group, float(config.rate_hz), signals, {}, about)


def level_of(samples_t_c: np.ndarray) -> float:
  """The root mean square of samples."""
  return float(np.sqrt(np.mean(np.square(samples_t_c), dtype=np.float64)))


def _stored(samples_t_c: np.ndarray, full_scale: float, sample_type: str) -> np.ndarray:
  if sample_type == "float32":
    return samples_t_c
  if sample_type != "int16":
    raise UserError(f"data.sample_type={sample_type!r} is unknown: use int16 or float32")
  samples_t_c *= 2**15 / full_scale
  np.rint(samples_t_c, out=samples_t_c)
  np.clip(samples_t_c, -(2**15), 2**15 - 1, out=samples_t_c)
  return samples_t_c.astype(np.int16)


def stems_of(
    record: Record,
    stems: Iterable[str],
    first: int = 0,
    last: int | None = None,
) -> np.ndarray:
  """Stems of a record from one sample to before another: float32 [t, j, c], 1 is full scale."""
  parts = []
  for stem in stems:
    numbers_t_c = np.asarray(record.signals[f"{stem}_t_c"][first:last])
    samples_t_c = floats_of(numbers_t_c)
    if numbers_t_c.dtype == np.int16:
      samples_t_c *= np.float32(record.info["full_scale"])
    parts.append(samples_t_c)
  return np.stack(parts, 1)


def mixture_of(record: Record, first: int = 0, last: int | None = None) -> np.ndarray:
  """The sum of all stems of a record as float32 [t, c]; it may go beyond 1, and is not clipped."""
  stems = [name.removesuffix("_t_c") for name in record.signals]
  return stems_of(record, stems, first, last).sum(1)
