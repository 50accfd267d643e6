"""Everything Is Free by Software-Entwicklungskit: songs of an electronic album, CC0, as stems.

`1.Hydrogen/1.Hydrogen_Stem_VOX LEAD_mobile.m4a`: AAC of 24 and 48 kHz side by side in a song, all
aligned at their first sample. The names of the files tell which stem they are, by the table here.
A mastered version that lies beside them is no stem.
"""
import pathlib

from jaxsig.data.audio.song_parts import place_of
from jaxsig.data.audio.song_sets import SongSet
from jaxsig.data.audio.songs import Song
from jaxsig.data.audio.stem_folder import songs_by_table
from jaxsig.data.audio.stem_table import NO_STEM, TableRow
from jaxsig.errors import UserError

DATA_SET = "everything_is_free"
ARTIST = "Software-Entwicklungskit"
LICENCE = "CC0 1.0"
CITATION = ["Software-Entwicklungskit. Everything Is Free (album, stems released under CC0 1.0)."]
# In words of a file's name; the first that fits decides.
WORDS = (
    ("VOX", "vocals"),
    ("MELODY BREAK", "other"),
    ("DRUM", "drums"),
    ("HH", "drums"),
    ("HAT", "drums"),
    ("KICK", "drums"),
    ("BEAT", "drums"),
    ("SNARE", "drums"),
    ("K & SN", "drums"),
    ("TOM", "drums"),
    ("CRASH", "drums"),
    ("CLAP", "drums"),
    ("TOPS", "drums"),
    ("PRC", "drums"),
    ("PERC", "drums"),
    ("CYMBAL", "drums"),
    ("BREAK", "drums"),   # and BUILD: fills, some of them rising noises
    ("BUILD", "drums"),
    ("SY BASS", "bass"),
    ("BASS STAB", "bass"),
    ("", "other"),
)


def _table() -> list[TableRow]:
  rows = [TableRow("*_Master_*", NO_STEM)]
  for word, stem in WORDS:
    rows.append(TableRow(f"*_Stem_*{word}*", stem))
  return rows


TABLE = tuple(_table())


def songs(folder: str | pathlib.Path) -> list[Song]:
  """The songs of the album in `folder` or its everything_is_free/.

  Raises:
    UserError: there is none.
  """
  place = place_of(folder, ("everything_is_free",), ["*/*_Stem_*.m4a"])
  if place is None:
    raise UserError(
        f"no song of Everything Is Free (1.Hydrogen/1.Hydrogen_Stem_KICK_mobile.m4a) in {folder} "
        "or its everything_is_free/: correct the folder")
  found = []
  for song in songs_by_table(place, TABLE, DATA_SET):
    found.append(song._replace(name=song.name._replace(artist=ARTIST)))
  return found


SONGS = SongSet(DATA_SET, songs, LICENCE, CITATION)
