"""Songs of data sets whose folders name their parts: where a set lies, and a song's files."""
import pathlib
from collections.abc import Sequence

from jaxsig.data.audio.song_names import name_of_folder
from jaxsig.data.audio.songs import STEMS, Song, Source

WAV_STEMS = tuple(f"{stem}.wav" for stem in STEMS)


def place_of(
    folder: str | pathlib.Path,
    names: Sequence[str],
    inside: Sequence[str],
) -> pathlib.Path | None:
  """Where a data set lies: in `folder`, or in a folder of it that has one of the names.

  Args:
    folder: that a user names.
    names: of the folder that holds the set.
    inside: glob patterns, one of which finds something in a folder that holds the set.
  """
  folder = pathlib.Path(folder)
  for place in (*(folder / name for name in names), folder):
    for pattern in inside:
      if next(place.glob(pattern), None) is not None:
        return place
  return None


def wav_song(
    stems_folder: pathlib.Path,
    mixture: pathlib.Path,
    part: str,
    data_set: str,
) -> Song:
  """A song with one WAV file a stem; a file that is missing is told when the song is read."""
  stems = {stem: [Source(stems_folder / f"{stem}.wav")] for stem in STEMS}
  return Song(name_of_folder(stems_folder), part, stems, Source(mixture), [], data_set)
