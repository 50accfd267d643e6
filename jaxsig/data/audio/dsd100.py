"""DSD100: 100 songs at 44.1 kHz as the sum of four stems, half of them for development."""
import pathlib

from jaxsig.data.audio.song_parts import place_of, wav_song
from jaxsig.data.audio.song_sets import SongSet
from jaxsig.data.audio.songs import Song
from jaxsig.errors import UserError

DATA_SET = "dsd100"
LICENCE = "for research only; some songs CC BY-NC-SA 3.0 or 4.0"
CITATION = [
  (
    "Liutkus A, Stöter FR, Rafii Z, Kitamura D, Rivet B, Ito N, Ono N, Fontecave J. The 2016 "
    "Signal Separation Evaluation Campaign. LVA/ICA 2017, 323-332. "
    "doi:10.1007/978-3-319-53547-0_31"
  ),
]
PARTS = {"Dev": "dev", "Test": "test"}   # songs 051 to 100, and 001 to 050


def songs(folder: str | pathlib.Path) -> list[Song]:
  """All songs of the set in `folder` or its DSD100/, those for development first.

  Raises:
    UserError: there is none.
  """
  place = place_of(folder, ("DSD100", "dsd100"), [f"Sources/{part}/*" for part in PARTS])
  if place is None:
    raise UserError(
        f"no song of DSD100 (Sources/Dev/051 - Artist - Title) in {folder} or its DSD100/: correct "
        "the folder, or unpack the set from sigsep.github.io there")
  found = []
  for name, part in PARTS.items():
    for stems in sorted((place / "Sources" / name).glob("*")):
      if stems.is_dir():
        mixture = place / "Mixtures" / name / stems.name / "mixture.wav"
        found.append(wav_song(stems, mixture, part, DATA_SET))
  return found


SONGS = SongSet(DATA_SET, songs, LICENCE, CITATION)
