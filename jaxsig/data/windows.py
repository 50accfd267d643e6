"""The windows of many records: where they lie, and their arrays, cut when they are asked for."""
import functools
import pathlib
import shutil
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data import window_store
from jaxsig.data.records import Record, Segment, joined_spans, window_names
from jaxsig.system import Data

WHOLE_RECORD_BYTES = 64 << 20   # up to this size all windows of a record are cut together and kept
KEPT_BYTES = 512 << 20          # of all records' windows that are kept


class Windows:
  """All windows of all records, by id: 0 to n - 1 in the order of records and of time.

  Attributes:
    record_b: index of the record of each window.
    spans: where each lies in its record.
    name_b_2: uint32, a window's own name for its random keys (see `records.window_names`).
  """

  def __init__(self, data: Data, config: ConfigDict, records: Sequence[Record]):
    """Lists the windows of `records`; `config` is the experiment's `config.data`."""
    self._data = data
    self._config = config
    self._records = records
    self._per_record = [data.spans(record, config) for record in records]
    counts = [len(spans) for spans in self._per_record]
    self._first = np.concatenate([[0], np.cumsum(counts)]).astype(int)
    self._index = {record.id: i for i, record in enumerate(records)}
    self._kept = OrderedDict()   # {record index: its windows' arrays}, least recently used first
    self._whole = None
    self._store = None

    self.record_b = np.repeat(np.arange(len(records)), counts)
    self.spans = joined_spans(self._per_record)
    names = []
    for record, n in zip(records, counts, strict=True):
      names.append(window_names(record.id, np.arange(n)))
    self.name_b_2 = np.concatenate(names)

  def __len__(self) -> int:
    return len(self.record_b)

  @property
  def records(self) -> Sequence[Record]:
    """The records that the windows are of."""
    return self._records

  def ids_of(self, segments: Iterable[Segment], augmented: bool = False) -> np.ndarray:
    """Ascending ids of the windows that lie wholly inside any of the segments.

    Augmented ones are among them only where asked for.
    """
    chosen_b = np.zeros(len(self), bool)
    for segment in segments:
      i = self._index[segment.record]
      of_record = slice(self._first[i], self._first[i + 1])
      spans = self._per_record[i]
      end_s_b = spans.start_s_b + spans.length_s_b
      begins_inside_b = spans.start_s_b >= segment.from_s - 1e-6
      ends_inside_b = end_s_b <= segment.to_s + 1e-6
      chosen_b[of_record] |= begins_inside_b & ends_inside_b
    if not augmented:
      chosen_b &= ~self.spans.augmented_b
    return np.flatnonzero(chosen_b)

  def take(self, ids_b: np.ndarray) -> dict[str, np.ndarray]:
    """The arrays {name_b_...: [n, ...]} of some windows, in the order of `ids_b`."""
    ids_b = np.asarray(ids_b)
    if self._store is not None:
      return self._store.take(ids_b)
    if self._whole is not None:
      return {name: x[ids_b] for name, x in self._whole.items()}
    record_b = self.record_b[ids_b]
    arrays = {}
    for i in np.unique(record_b):
      places = np.flatnonzero(record_b == i)
      part = self._of_record(int(i), ids_b[places] - self._first[i])
      for name, x in part.items():
        if name not in arrays:
          arrays[name] = np.empty((len(ids_b), *x.shape[1:]), x.dtype)
        arrays[name][places] = x
    return arrays

  def whole(self) -> dict[str, np.ndarray]:
    """The arrays of all windows; they are cut once and kept."""
    if self._whole is None:
      self._whole = self.take(np.arange(len(self)))
      self._kept.clear()
    return self._whole

  def store(self, folder: pathlib.Path, tell: Callable[[int], None]) -> None:
    """Keeps the arrays of all windows in a folder on disk, from which `take` then reads.

    They are cut once; a folder that holds them already is used as it is.

    Args:
      folder: of these windows and no others.
      tell: is called with the number of windows that are cut, after each record.

    Raises:
      UserError: it cannot be written.
    """
    if self._store is not None:
      return
    try:
      self._store = window_store.WindowStore(folder)
      return
    except (OSError, ValueError, LookupError, TypeError):   # missing or damaged: it is made
      shutil.rmtree(folder, ignore_errors=True)
    window_store.write(folder, self._cut_all(tell))
    self._store = window_store.WindowStore(folder)

  def _cut_all(self, tell: Callable[[int], None]) -> Iterator[dict[str, np.ndarray]]:
    """The windows of each record, so many at a time that they are of bounded size."""
    most = max(1, WHOLE_RECORD_BYTES // max(self._window_bytes, 1))
    for i, spans in enumerate(self._per_record):
      for first in range(0, len(spans), most):
        last = min(first + most, len(spans))
        yield self._cut(i, slice(first, last))
        tell(int(self._first[i]) + last)

  def _of_record(self, i: int, index_b: np.ndarray) -> dict[str, np.ndarray]:
    """Some windows of record i, from those that are kept or cut now."""
    if self._size_of(i) > WHOLE_RECORD_BYTES:
      return self._cut(i, index_b)
    if i not in self._kept:
      self._kept[i] = self._cut(i, slice(None))
      while len(self._kept) > 1 and sum(self._size_of(k) for k in self._kept) > KEPT_BYTES:
        self._kept.popitem(last=False)
    self._kept.move_to_end(i)
    return {name: x[index_b] for name, x in self._kept[i].items()}

  def _cut(self, i: int, index: np.ndarray | slice) -> dict[str, np.ndarray]:
    return self._data.cut(self._records[i], self._per_record[i].at(index), self._config)

  @functools.cached_property
  def _window_bytes(self) -> int:
    """Bytes of one window: that of the first record that has any."""
    for i, spans in enumerate(self._per_record):
      if len(spans):
        one = self._cut(i, slice(0, 1))
        return sum(x.nbytes for x in one.values())
    return 0

  def _size_of(self, i: int) -> int:
    """Bytes of all windows of record i."""
    return len(self._per_record[i]) * self._window_bytes

  def nbytes(self) -> int:
    """Bytes of all windows."""
    return len(self) * self._window_bytes
