"""What is made of a record and its settings, kept while the record is in use."""
import weakref
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.records import Record

MOST = 16_384   # records whose results are kept

Made = TypeVar("Made")


class _Entry(NamedTuple, Generic[Made]):
  """A result, and the arrays that it was made of: another record may have the same name."""
  arrays: "tuple[weakref.ref[np.ndarray], ...]"
  made: Made

  def is_of(self, arrays: tuple[np.ndarray, ...]) -> bool:
    """Whether it was made of these very arrays."""
    own = [array() for array in self.arrays]
    return len(own) == len(arrays) and all(x is y for x, y in zip(own, arrays, strict=True))


class Kept(Generic[Made]):
  """Makes something of a record once, however many methods ask for it."""

  def __init__(self, make: Callable[[Record, ConfigDict], Made]):
    """`make(record, config)` depends on the record's samples and labels and on `config.data`."""
    self._make = make
    self._entries: dict[tuple[str, float, int, str], _Entry[Made]] = {}

  def of(self, record: Record, config: ConfigDict) -> Made:
    """What `make` gives, made now or kept from an earlier call with the very same arrays."""
    arrays = (*record.signals.values(), *record.annotations.values())
    from_s = float(record.info.get("from_s", 0.0))   # parts of a record have its name
    length = max(len(x) for x in arrays)
    key = (record.id, from_s, length, config.to_json())
    entry = self._entries.get(key)
    if entry is not None and entry.is_of(arrays):
      return entry.made
    made = self._make(record, config)
    self._entries.pop(key, None)
    while len(self._entries) >= MOST:
      self._entries.pop(next(iter(self._entries)))   # the oldest
    self._entries[key] = _Entry(tuple(weakref.ref(array) for array in arrays), made)
    return made
