"""What a report plays: a system's sounds as MP3 files beside the page, which also holds them."""
from collections.abc import Sequence

from etils import epath

from jaxsig.report.aggregate import ReportFigures
from jaxsig.report.along_axis import AxisFigures
from jaxsig.report.join import Results
from jaxsig.report.material import material_of
from jaxsig.report.page import Player, Track
from jaxsig.system import Listening, Protocol


def write_sounds(
    found: ReportFigures | AxisFigures,
    results: Results,
    protocol: Protocol,
    workdirs: Sequence[epath.Path],
    folder: epath.Path,
) -> list[Player]:
  """Writes the sounds of a report into `folder`; a report along an axis has none.

  Args:
    found: the figures of the tables.
    results: the rows they are of.
    protocol: may have sounds.
    workdirs: of the report.
    folder: for the MP3 files.
  """
  if protocol.listening is None or isinstance(found, AxisFigures):
    return []
  players = []
  for listening in protocol.listening(material_of(found, results, workdirs)):
    players.append(_written(listening, folder))
  return players


def _written(listening: Listening, folder: epath.Path) -> Player:
  tracks = []
  for number, sound in enumerate(listening.sounds, 1):
    path = folder / f"{listening.name}_{number:02d}.mp3"
    path.write_bytes(sound.encode())
    tracks.append(Track(sound.label, path))
  return Player(listening.title, listening.note, tracks)
