"""The data sets of songs with stems, as the parts of a system."""
from jaxsig.data.audio.overlaps import READERS, inspecting
from jaxsig.data.audio.simulate_music import simulate
from jaxsig.data.audio.song_windows import cut, spans
from jaxsig.system import Data

DATA = {}
for _name, _songs in READERS.items():
  DATA[_name] = Data(
      load=_songs.load,
      simulate=simulate,
      spans=spans,
      cut=cut,
      inspect=inspecting(_songs),
      sources=_songs.sources,
      about={"licence": _songs.licence, "citation": _songs.citation},
  )
