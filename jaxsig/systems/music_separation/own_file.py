"""A user's own song: any audio file or array in, a file a stem out, in constant memory."""
import contextlib
import json
import pathlib
from collections.abc import Iterator
from typing import NamedTuple

from jaxsig.data.audio.audio_writing import AudioWriter
from jaxsig.plurals import count
from jaxsig.rows import Row
from jaxsig.system import OwnFile, Plain, Seen, Told
from jaxsig.systems.music_separation.own_settings import OPTIONS
from jaxsig.systems.music_separation.own_song import read
from jaxsig.systems.music_separation.score import SONG
from jaxsig.systems.music_separation.separated import Level, Separated, collect
from jaxsig.systems.music_separation.stems import Stems

# Methods of which a card tells.
SHOWN = {
    "ours": "this model",
    "constant": "a constant filter from mean spectra",
    "hpss": "medians over time and frequency, without a network",
    "oracle_wiener": "a Wiener filter that knows the true stems",
}
STATE_OF_THE_ART = (
    "the best separators reach 9 to 10 dB on average over four stems of MUSDB18 (HT Demucs 9.0, "
    "BS-RoFormer 9.8), by much larger networks and data"
)


def judge(row: Row, seen: Seen) -> Row:
  """The row as it is: a song without its true stems has no score."""
  del seen
  return row


def result(told: Told) -> Stems:
  """What is told as `Stems`."""
  separated = _separated(told)
  return Stems(
      name=told.record.id,
      rate_hz=separated.rate_hz,
      channels=separated.channels,
      duration_s=separated.length_t / separated.rate_hz,
      names=separated.plan.names,
      levels=separated.levels,
      notes=(*told.record.info.get("notes", ()), *separated.notes),
      separated=separated,
  )


def _separated(told: Told) -> Separated:
  return told.record.predictions["separated"]


def tell(told: Told) -> Iterator[str]:
  """A line a stem, what was clipped, and how good such a model is."""
  separated = _separated(told)
  widest = max(len(level.name) for level in separated.levels)
  for level in separated.levels:
    yield f"{level.name:<{widest}}  {_in_words(level)}"
  yield from separated.notes
  sentence = held_out(told)
  if sentence:
    yield sentence


def _in_words(level: Level) -> str:
  if level.level_db is None:
    return "silent"
  return (
      f"{level.level_db:+.1f} dB of the mixture, above -50 dB of full scale in "
      f"{100 * level.heard_share:.0f} % of its seconds")


def held_out(told: Told) -> str:
  """How good the model's stems are on songs that were held out, beside the state of the art.

  Empty where its figures, in dB of SDR, are not known.
  """
  found = _sdr_of(told.figures, told.config.read.get("method", ""))
  if not found.words:
    return ""
  counted = count(found.songs, "song that was", "songs that were")
  return f"On {counted} held out its SDR is {found.words}; {STATE_OF_THE_ART}."


def limits(figures: Plain) -> list[str]:
  """The sentences for a model's card.

  Args:
    figures: of songs that were held out, as `system.Told.figures`; may be empty.
  """
  sentences = [
      "**The stems of this model are sketches, far from the state of the art**: it is small, has "
      "heard few songs of one kind, and every stem holds some of the others. For comparison, "
      f"{STATE_OF_THE_ART}."
  ]
  for method, title in SHOWN.items():
    found = _sdr_of(figures, method)
    if found.words:
      sentences.append(f"SDR of whole songs that were held out, {title}: {found.words}.")
  return sentences


class _Sdr(NamedTuple):
  """The SDR of a method's stems in words, and of how many songs."""
  words: str
  songs: int


def _sdr_of(figures: Plain, method: str) -> _Sdr:
  """The whole songs' SDR of a method; no words where it is not known."""
  found, songs = [], 0
  for key, of_method in figures.items():
    metric, _, stem = key.partition("/")
    figure = of_method.get(method)
    if metric == SONG and figure is not None:
      found.append(f"{figure['value']:.1f} dB ({stem})")
      songs = figure["groups"]
  return _Sdr(", ".join(found), songs)


def write(told: Told, folder: pathlib.Path) -> None:
  """Writes `<id>_<stem>.wav` or `.flac`, one a stem, and `<id>_stems.json`.

  Raises:
    UserError: the disk is full.
  """
  separated = _separated(told)
  plan = separated.plan
  writers = {}
  with contextlib.ExitStack() as stack:
    for name in plan.names:
      path = folder / f"{told.record.id}_{name}{plan.ending}"
      writer = AudioWriter(path, separated.rate_hz, separated.channels, plan.sample_type)
      writers[name] = stack.enter_context(writer)
    for blocks in separated.blocks(plan.names, plan.sample_type):
      for name, samples_t_c in blocks.items():
        writers[name].write(samples_t_c)

  separated.notes.clear()
  for writer in writers.values():
    separated.notes += writer.notes()
  files = {name: writer.path.name for name, writer in writers.items()}
  summary = {
      **told.about,
      **result(told).to_dict(),
      "sample_type": plan.sample_type,
      "files": files,
  }
  json_path = folder / f"{told.record.id}_stems.json"
  json_path.write_text(json.dumps(summary, indent=1) + "\n")


OWN_FILE = OwnFile(
    read=read,
    judge=judge,
    tell=tell,
    write=write,
    result=result,
    limits=limits,
    free=("skip_broken",),
    options=OPTIONS,
    collect=collect,
)
