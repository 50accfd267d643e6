"""The stems of a song as a Python value."""
import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from jaxsig.config import nearest
from jaxsig.errors import UserError
from jaxsig.systems.music_separation.separated import Level, Separated


@dataclasses.dataclass(frozen=True, repr=False)
class Stems:
  """What a model separates a song into; `stems["vocals"]` is a float32 array [t, c].

  It runs through its names, as a dict does.

  Stems have the song's own rate, channels and length. They lie in temporary files, which are
  deleted when this value is forgotten, and are read when they are asked for.

  Attributes:
    name: of the song.
    rate_hz: its sampling rate.
    channels: how many it has.
    duration_s: its length in seconds.
    names: of the stems, and of the rest where it was asked for.
    levels: how loud each of them is beside the mixture.
    notes: a sentence for each thing that was done to the song or limits what is made of it.
    separated: the files.
  """
  name: str
  rate_hz: int
  channels: int
  duration_s: float
  names: tuple[str, ...]
  levels: tuple[Level, ...]
  notes: tuple[str, ...]
  separated: Separated

  def __getitem__(self, name: str) -> np.ndarray:
    self._require(name)
    return self.separated.whole(name)

  def __iter__(self) -> Iterator[str]:
    return iter(self.names)

  def __len__(self) -> int:
    return len(self.names)

  def blocks(self, name: str) -> Iterator[np.ndarray]:
    """float32 [t, c] of one block after another, for a song that does not fit into memory.

    Raises:
      UserError: there is no such stem.
    """
    self._require(name)
    for block in self.separated.blocks([name]):
      yield block[name]

  def _require(self, name: str) -> None:
    if name not in self.names:
      suggestion = nearest(str(name), self.names)
      raise UserError(f"{name!r} is none of the stems of {self.name}{suggestion}")

  def to_dict(self) -> dict[str, Any]:
    """All but the samples as plain JSON values."""
    return {
        "name": self.name,
        "rate_hz": self.rate_hz,
        "channels": self.channels,
        "duration_s": self.duration_s,
        "stems": [level._asdict() for level in self.levels],
        "notes": list(self.notes),
    }

  def __repr__(self) -> str:
    return (
        f"<Stems of {self.name}: {', '.join(self.names)}, {self.duration_s:.1f} s at "
        f"{self.rate_hz} Hz>")
