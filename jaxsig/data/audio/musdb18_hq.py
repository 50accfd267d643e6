"""MUSDB18-HQ: the 150 songs of MUSDB18 as WAV files at 44.1 kHz."""
import pathlib

from jaxsig.data.audio.musdb18 import PARTS, part_of
from jaxsig.data.audio.song_parts import place_of, wav_song
from jaxsig.data.audio.song_sets import SongSet
from jaxsig.data.audio.songs import Song
from jaxsig.errors import UserError

DATA_SET = "musdb18_hq"
LICENCE = "for education and research only; some songs CC BY-NC-SA"
CITATION = [
  (
    "Rafii Z, Liutkus A, Stöter FR, Mimilakis SI, Bittner R. MUSDB18-HQ: an uncompressed version "
    "of MUSDB18. 2019. doi:10.5281/zenodo.3338373"
  ),
]


def songs(folder: str | pathlib.Path) -> list[Song]:
  """All songs of the set in `folder` or its musdb18hq/.

  Raises:
    UserError: there is none.
  """
  names = ("musdb18hq", "musdb18_hq", "musdb18-hq", "MUSDB18-HQ")
  place = place_of(folder, names, [f"{part}/*/mixture.wav" for part in PARTS])
  if place is None:
    raise UserError(
        f"no song of MUSDB18-HQ (train/Artist - Title/mixture.wav) in {folder} or its musdb18hq/: "
        "correct the folder, or unpack https://doi.org/10.5281/zenodo.3338373 there")
  found = []
  for part in PARTS:
    for stems in sorted((place / part).glob("*")):
      if stems.is_dir():
        song = wav_song(stems, stems / "mixture.wav", part, DATA_SET)
        found.append(song._replace(part=part_of(song.name, part)))
  return found


SONGS = SongSet(DATA_SET, songs, LICENCE, CITATION)
