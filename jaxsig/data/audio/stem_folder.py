"""A folder of songs, each a folder of stems: song/vocals.wav, drums.flac, bass.m4a, other.wav.

Files of other names are told apart by a table in `stems.csv` beside the songs:

  file,stem
  *VOX*,vocals
  *KICK*,drums
  *master*,

The first pattern that fits decides; several files of a stem are summed; an empty stem leaves files
out, and "mixture" names the recording of the whole. Of a song's folder "Artist - Title" tells both.
"""
import pathlib
from collections import defaultdict
from collections.abc import Sequence

from jaxsig.data.audio.audio_files import SUFFIXES
from jaxsig.data.audio.song_names import name_of_folder
from jaxsig.data.audio.song_sets import SongSet
from jaxsig.data.audio.songs import Song, Source, files_of
from jaxsig.data.audio.stem_table import (
  FILE_NAME,
  MIXTURE,
  NO_STEM,
  TableRow,
  read_table,
  stem_of,
)
from jaxsig.errors import UserError

DATA_SET = "stem_folder"
LICENCE = "that of the songs, which the folder's owner knows"
CITATION = []


def songs(folder: str | pathlib.Path) -> list[Song]:
  """The songs of a folder by name.

  Raises:
    UserError: it has none, a file fits no row of the table, or two songs have one name.
  """
  folder = pathlib.Path(folder)
  found = songs_by_table(folder, read_table(folder), DATA_SET)
  if not found:
    raise UserError(
        f"no song in {folder}: lay a folder a song there, with vocals.wav, drums.wav, bass.wav and "
        f"other.wav, or write a table {FILE_NAME} that says which file is which stem")
  return found


def songs_by_table(
    folder: pathlib.Path,
    table: Sequence[TableRow],
    data_set: str,
) -> list[Song]:
  """The songs whose files a table tells apart; a folder without audio is none."""
  found = {}
  for place in sorted(folder.iterdir()):
    if not place.is_dir() or place.name.startswith("."):
      continue
    song = _song(place, table, data_set)
    if song is None:
      continue
    key = song.name.key
    if key in found:
      raise UserError(
          f"{place} and another folder are both {song.name.text}: give one another name")
    found[key] = song
  return list(found.values())


def _song(place: pathlib.Path, table: Sequence[TableRow], data_set: str) -> Song | None:
  stems = defaultdict(list)
  mixture = None
  left_out = []
  for path in sorted(place.iterdir()):
    is_audio = path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    if not is_audio:
      continue
    stem = stem_of(path.name, table)
    if stem is None:
      raise UserError(
          f"{path} is no known stem: name it in a row of {place.parent / FILE_NAME}, with an empty "
          "stem to leave it out")
    if stem == NO_STEM:
      left_out.append(path.name)
    elif stem == MIXTURE:
      mixture = Source(path)
    else:
      stems[stem].append(Source(path))
  if not stems:
    return None
  return Song(name_of_folder(place), "", dict(stems), mixture, left_out, data_set)


class _StemFolder(SongSet):
  """Whose table is a source too, and told where it is broken."""

  def sources(self, folder: str | pathlib.Path) -> list[pathlib.Path]:
    folder = pathlib.Path(folder)
    found = files_of(songs_by_table(folder, read_table(folder), DATA_SET))
    if found and (folder / FILE_NAME).is_file():
      found.append(folder / FILE_NAME)
    return found


SONGS = _StemFolder(DATA_SET, songs, LICENCE, CITATION)
