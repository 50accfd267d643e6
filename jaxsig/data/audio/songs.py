"""Songs as they lie on disk: which audio files each part of the music is the sum of."""
import pathlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from jaxsig.data.audio.song_names import SongName

STEMS = ("vocals", "drums", "bass", "other")   # in the order of tables


class Source(NamedTuple):
  """An audio stream of a file."""
  path: pathlib.Path
  stream: int = 0


class Song(NamedTuple):
  """A song's files.

  Attributes:
    name: artist and title.
    part: of the data set, such as "train" or "test"; "" where it has none.
    stems: {stem: the sources whose sum it is}.
    mixture: the recording of the whole song, where there is one.
    left_out: names of files beside them that are no stem.
    data_set: that it is of.
  """
  name: SongName
  part: str
  stems: Mapping[str, Sequence[Source]]
  mixture: Source | None
  left_out: Sequence[str]
  data_set: str


def files_of(songs: Sequence[Song]) -> list[pathlib.Path]:
  """All files that the songs are read from, each once; one that is missing is not among them."""
  files = set()
  for song in songs:
    for sources in song.stems.values():
      files |= {source.path for source in sources}
    if song.mixture is not None:
      files.add(song.mixture.path)
  return sorted(path for path in files if path.is_file())
