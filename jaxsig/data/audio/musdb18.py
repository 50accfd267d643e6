"""MUSDB18: 150 songs as `.stem.mp4`, whose five streams are the mixture and four stems.

Streams are AAC: the mixture is not quite the sum of the stems, and is used for no record.
"""
import pathlib

from jaxsig.data.audio.song_names import SongName, song_name
from jaxsig.data.audio.song_parts import place_of
from jaxsig.data.audio.song_sets import SongSet
from jaxsig.data.audio.songs import Song, Source
from jaxsig.errors import UserError

DATA_SET = "musdb18"
LICENCE = "for education and research only; some songs CC BY-NC-SA"
CITATION = [
  (
    "Rafii Z, Liutkus A, Stöter FR, Mimilakis SI, Bittner R. MUSDB18: a corpus for music "
    "separation. 2017. doi:10.5281/zenodo.1117372"
  ),
]
ENDING = ".stem.mp4"
STREAMS = {"mixture": 0, "drums": 1, "bass": 2, "other": 3, "vocals": 4}
PARTS = ("train", "test")
VALIDATION = (   # songs of "train" that are usually set aside
    "Actions - One Minute Smile",
    "Alexander Ross - Goodbye Bolero",
    "ANiMAL - Rockshow",
    "Clara Berry And Wooldog - Waltz For My Victims",
    "Fergessen - Nos Palpitants",
    "James May - On The Line",
    "Johnny Lokke - Promises & Lies",
    "Leaf - Summerghost",
    "Meaxic - Take A Step",
    "Patrick Talbot - A Reason To Leave",
    "Skelpolu - Human Mistakes",
    "Traffic Experiment - Sirens",
    "Triviul - Angelsaint",
    "Young Griffo - Pennies",
)
_VALIDATION_KEYS = {song_name(text).key for text in VALIDATION}


def part_of(name: SongName, folder: str) -> str:
  """"train", "valid" or "test" of a song that lies in the folder train or test."""
  if folder == "train" and name.key in _VALIDATION_KEYS:
    return "valid"
  return folder


def songs(folder: str | pathlib.Path) -> list[Song]:
  """All songs of the set in `folder` or its musdb18/.

  Raises:
    UserError: there is none.
  """
  place = place_of(folder, ("musdb18", "MUSDB18"), [f"{part}/*{ENDING}" for part in PARTS])
  if place is None:
    raise UserError(
        f"no song of MUSDB18 (train/Artist - Title{ENDING}) in {folder} or its musdb18/: correct "
        "the folder, or unpack https://doi.org/10.5281/zenodo.1117372 there")
  found = []
  for part in PARTS:
    for path in sorted((place / part).glob(f"*{ENDING}")):
      found.append(_song(path, part))
  return found


def _song(path: pathlib.Path, folder: str) -> Song:
  name = song_name(path.name.removesuffix(ENDING))
  stems = {}
  for stem, stream in STREAMS.items():
    if stem != "mixture":
      stems[stem] = [Source(path, stream)]
  mixture = Source(path, STREAMS["mixture"])
  return Song(name, part_of(name, folder), stems, mixture, [], DATA_SET)


SONGS = SongSet(DATA_SET, songs, LICENCE, CITATION)
