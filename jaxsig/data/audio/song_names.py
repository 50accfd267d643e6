"""Names of songs: artist and title, and one key however a data set spells them."""
import pathlib
import re
import unicodedata
from typing import NamedTuple


class SongName(NamedTuple):
  """An artist, "" where unknown, and a title."""
  artist: str
  title: str

  @property
  def text(self) -> str:
    """"Artist - Title", or the title alone."""
    if not self.artist:
      return self.title
    return f"{self.artist} - {self.title}"

  @property
  def key(self) -> str:
    """Both in small letters and figures only: the same for "AC/DC - Café" and "acdc - cafe"."""
    return f"{_plain(self.artist)} - {_plain(self.title)}".removeprefix(" - ")


def song_name(text: str) -> SongName:
  """The name of "Artist - Title"; what has no dash between spaces is a title."""
  artist, dash, title = text.strip().partition(" - ")
  if not dash:
    return SongName("", text.strip())
  return SongName(artist.strip(), title.strip())


def name_of_folder(folder: pathlib.Path) -> SongName:
  """The name of a song by its folder's: "Artist - Title", "051 - Artist - Title" or "1.Title"."""
  return song_name(re.sub(r"^(\d{3} - |\d+\.\s*)", "", folder.name))


def _plain(text: str) -> str:
  """Small letters without accents, and figures; words have one space between them."""
  letters = unicodedata.normalize("NFKD", text.casefold())
  letters = "".join(letter for letter in letters if not unicodedata.combining(letter))
  letters = letters.replace("&", " and ").replace("-", " ")
  return " ".join(re.sub(r"[^\w\s]|_", "", letters).split())
