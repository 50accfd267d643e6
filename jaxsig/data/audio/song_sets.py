"""What every data set of songs does with the songs that it finds in a folder."""
import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Sequence

from ml_collections import ConfigDict

from jaxsig.data.audio.inspect_songs import inspect_songs
from jaxsig.data.audio.songs import Song, files_of
from jaxsig.data.audio.stem_records import read_songs
from jaxsig.data.records import Record
from jaxsig.errors import UserError


@dataclasses.dataclass(frozen=True)
class SongSet:
  """A data set of songs with stems.

  Attributes:
    name: of the data set.
    songs: (folder) -> its songs there; UserError where there is none.
    licence: of its songs.
    citation: sentences.
  """
  name: str
  songs: Callable[[str | pathlib.Path], list[Song]]
  licence: str
  citation: Sequence[str]

  def load(self, folder: str | pathlib.Path, config: ConfigDict) -> Iterator[Record]:
    """A record a song, one after another, so that one is in memory.

    Raises:
      UserError: there is none, or a file is broken (unless `config.skip_broken`).
    """
    return read_songs(self.songs(folder), config)

  def sources(self, folder: str | pathlib.Path) -> list[pathlib.Path]:
    """The files that `load` reads; empty where there is none."""
    try:
      return files_of(self.songs(folder))
    except UserError:
      return []

  def inspect(self, folder: str | pathlib.Path) -> dict[str, object]:
    """What is in the folder, which file is which stem, whose sums differ, licence and citation."""
    listed = inspect_songs(self.songs(folder))
    return {**listed, "licence": self.licence, "citation": self.citation}
