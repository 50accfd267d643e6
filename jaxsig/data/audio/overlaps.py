"""Songs that stand in two data sets: all of DSD100 is also in MUSDB18, half of it for testing.

A song is known by the key of its artist and title, which is also the group of its record.
"""
import itertools
import pathlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from jaxsig.data.audio import dsd100, everything_is_free, musdb18, musdb18_hq, stem_folder
from jaxsig.data.audio.inspect_songs import named
from jaxsig.data.audio.song_sets import SongSet
from jaxsig.data.audio.songs import Song
from jaxsig.errors import UserError
from jaxsig.plurals import count

# those that are found by their folders
NAMED_SETS = (dsd100.SONGS, musdb18.SONGS, musdb18_hq.SONGS, everything_is_free.SONGS)
READERS = {one.name: one for one in (*NAMED_SETS, stem_folder.SONGS)}


def shared_songs(some: Sequence[Song], others: Sequence[Song]) -> list[tuple[Song, Song]]:
  """Pairs of songs of two data sets that have one artist and title."""
  of_key = {song.name.key: song for song in others}
  return [(song, of_key[song.name.key]) for song in some if song.name.key in of_key]


def require_apart(trained: Iterable[str], tested: Iterable[str]) -> None:
  """Raises UserError, with the names, where songs are both trained on and tested on.

  Args:
    trained, tested: groups of records, or keys of songs, of any data sets.
  """
  both = sorted(set(trained) & set(tested))
  if both:
    raise UserError(
        f"the training knows {count(len(both), 'song', 'songs')} of the test: {named(both)}; leave "
        "them out of one of the two")


def inspecting(data_set: SongSet) -> Callable[[str | pathlib.Path], dict[str, object]]:
  """The `inspect` of a data set, with songs told that also stand in another set of the folder."""

  def inspect(folder: str | pathlib.Path) -> dict[str, object]:
    listed = data_set.inspect(folder)
    return {**listed, "findings": [*listed["findings"], *findings(folder)]}

  return inspect


def findings(folder: str | pathlib.Path) -> list[str]:
  """A sentence for each two data sets of a folder that share songs."""
  found = {}
  for data_set in NAMED_SETS:
    if data_set.sources(folder):
      found[data_set.name] = data_set.songs(folder)
  sentences = []
  for one, other in itertools.combinations(found, 2):
    pairs = shared_songs(found[one], found[other])
    if pairs:
      sentences.append(_sentence(one, other, pairs))
  return sentences


def _sentence(one: str, other: str, pairs: Sequence[tuple[Song, Song]]) -> str:
  """How many songs two sets share, by their parts."""
  parts = Counter((first.part, second.part) for first, second in pairs)
  listed = []
  for (first, second), n in sorted(parts.items()):
    listed.append(f"{n} of its {first} in the {second} of {other}")
  songs = count(len(pairs), "song", "songs")
  return (
      f"{songs} of {one} also stand in {other} ({'; '.join(listed)}), such as "
      f"{named([first.name.text for first, _ in pairs[:2]])}: a training on one and a test on the "
      "other are refused where they share a song.")
