"""Records, their windows, and the order in which members see them: all of it a pure function of ids and seeds."""
import functools
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np


class Record(NamedTuple):
  """One recording of one patient; all `_t` arrays of `signals` share `rate_hz` and start at 0 s."""
  id: str
  group: str              # the patient: never in training and test at once
  rate_hz: float
  signals: dict           # {name_t: float32}
  annotations: dict       # {name_s: times in seconds}
  info: dict              # plain JSON values: age, sex, source, ...
  prepared: dict = {}     # its own windows, stitched: {name_t, "rate_hz"}: the target as the model sees it
  predictions: dict = {}  # a method's output, stitched: {name_t, name_s_t, ..., "rate_hz"}

  @property
  def duration_s(self) -> float:
    """Length of the shortest signal in seconds."""
    return min(len(x) for x in self.signals.values()) / self.rate_hz


class Windows(NamedTuple):
  """All windows of all records in one dict of arrays, with where each came from."""
  arrays: dict            # {name_b_...: [n, ...]}
  record_b: np.ndarray    # index of the record of each window
  id_b_2: np.ndarray      # uint32 (hash of the record's id, index in the record): a window's own name, for its random keys


def stable_hash(text: str) -> int:
  """A 32-bit hash that is the same on every machine and run (Python's own is salted)."""
  return zlib.crc32(text.encode())


def stack_windows(records: list, windows: list) -> Windows:
  """Joins each record's windows (dicts of [n_i, ...]) in the order of `records`."""
  lengths = [len(next(iter(w.values()))) for w in windows]
  arrays = {k: np.concatenate([w[k] for w in windows]) for k in windows[0]}
  record = np.repeat(np.arange(len(records)), lengths)
  hashes = np.repeat([stable_hash(r.id) for r in records], lengths)
  index = np.concatenate([np.arange(n) for n in lengths])
  return Windows(arrays, record, np.stack([hashes, index], -1).astype(np.uint32))


@functools.lru_cache(maxsize=256)
def _permutation(seed: int, name: str, epoch: int, n: int) -> np.ndarray:
  key = np.array([seed, (stable_hash(name) << 32) | epoch], np.uint64)   # typed: a list would turn to float and lose the epoch
  return np.random.Generator(np.random.Philox(key=key)).permutation(n)


def warped(record: Record, factor: float) -> Record:
  """The record as if all that it shows had gone `factor` times as fast."""
  times = {k: np.asarray(x) / factor if k.endswith("_s") else x for k, x in record.annotations.items()}
  return record._replace(rate_hz=record.rate_hz * factor, annotations=times)


def batch_positions(seed: int, name: str, step: int, n: int, size: int) -> np.ndarray:
  """Positions [size] into a member's n training windows at global `step`; epochs are permutations, joined without gaps."""
  flat = step * size + np.arange(size)
  out = np.empty(size, np.int64)
  for epoch in np.unique(flat // n):
    here = flat // n == epoch
    out[here] = _permutation(seed, name, int(epoch), n)[flat[here] % n]
  return out


def pad_rows(ids_b: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
  """Pads ids to `size` by repeating the first; returns (ids, mask) with mask 0 on the padding."""
  extra = size - len(ids_b)
  mask = np.concatenate([np.ones(len(ids_b), np.float32), np.zeros(extra, np.float32)])
  return np.concatenate([ids_b, np.full(extra, ids_b[0])]), mask


def stitch(outputs: dict, start_s_b: np.ndarray, window_s: float, trailing: bool = False) -> dict[str, Any]:
  """Joins a record's windows: `_t` outputs are cross-faded, all others stay per window.

  Args:
    outputs: {name_b_..._t: [n, ..., T]} or {name_b_...: [n, ...]}.
    start_s_b: starts of the windows in seconds, ascending.
    window_s: their length in seconds.
    trailing: no cross-fade: each sample is that of the first window that reaches it, so that it owes nothing to what comes later
      than that window's end.

  Returns:
    {name_..._t: [..., total]} (the `b` axis is gone; gaps between windows are NaN) and {name_b_...} unchanged; "rate_hz" where
    there is any `_t`.
  """
  joined = {}
  for name, x in outputs.items():
    if not name.endswith("_t"):
      joined[name] = np.asarray(x)
      continue
    x = np.asarray(x)
    rate_hz = x.shape[-1] / window_s
    join = _first_wins if trailing else _cross_fade
    joined[name.replace("_b_", "_", 1)] = join(x, np.rint(np.asarray(start_s_b) * rate_hz).astype(int))
    joined["rate_hz"] = rate_hz
  return joined


def _cross_fade(x: np.ndarray, starts_b: np.ndarray) -> np.ndarray:
  t = x.shape[-1]
  # A window without overlap keeps its samples whatever the weights are, as each sample is divided by its sum of weights.
  weight = np.minimum(np.arange(1, t + 1), np.arange(t, 0, -1)).astype(np.float64)
  total = np.zeros(x.shape[1:-1] + (int(starts_b[-1]) + t,))
  norm = np.zeros(total.shape[-1])
  for piece, start in zip(x, starts_b, strict=True):
    total[..., start:start + t] += weight * piece
    norm[start:start + t] += weight
  with np.errstate(invalid="ignore"):
    return (total / norm).astype(np.float32)


def _first_wins(x: np.ndarray, starts_b: np.ndarray) -> np.ndarray:
  t = x.shape[-1]
  total = np.full(x.shape[1:-1] + (int(starts_b[-1]) + t,), np.nan, np.float32)
  for piece, start in zip(x[::-1], starts_b[::-1], strict=True):
    total[..., start:start + t] = piece
  return total


class Gaps(NamedTuple):
  """Where a recording's signals are missing, [k, 2] of (start, end) in seconds."""
  bridged_s: np.ndarray   # short, and between signal on both sides: a straight line will do
  lost_s: np.ndarray      # all others


class Stretch(NamedTuple):
  """A part of a recording without gaps, as a record of its own, and where its first sample lies in the recording."""
  start_s: float
  record: Record


class Piece(NamedTuple):
  """A part of a stretch that is prepared at once; its neighbours overlap it, so each answers only for some windows."""
  start_s: float
  record: Record
  from_s: float   # it answers for the windows that start at from_s or later ...
  to_s: float     # ... and before to_s, both counted from its own first sample


def runs(mask_t: np.ndarray) -> np.ndarray:
  """[k, 2] first and past-the-last index of each run of True in mask_t [t]."""
  return np.flatnonzero(np.diff(np.asarray(mask_t, np.int8), prepend=0, append=0)).reshape(-1, 2)


def gaps(record: Record, bridge_s: float) -> Gaps:
  """The runs in which any signal of a record is not finite; one at either end is never bridged, however short."""
  finite = _finite(record)
  found = runs(~finite)
  inside = (found[:, 0] > 0) & (found[:, 1] < len(finite))
  short = inside & (found[:, 1] - found[:, 0] <= bridge_s * record.rate_hz + 1e-6)
  return Gaps(found[short] / record.rate_hz, found[~short] / record.rate_hz)


def _finite(record: Record) -> np.ndarray:
  n = min(len(x) for x in record.signals.values())
  return np.all([np.isfinite(x[:n]).reshape(n, -1).all(1) for x in record.signals.values()], 0)


def stretches(record: Record, bridge_s: float, least_s: float = 0.0) -> list[Stretch]:
  """Cuts a record at its gaps; gaps up to `bridge_s` are bridged by a straight line, stretches shorter than `least_s` left out.

  Args:
    record: its signals may hold NaN.
    bridge_s: longest gap to bridge, in seconds.
    least_s: shortest stretch to keep, in seconds.

  Returns:
    Stretches in order; annotations are left behind. A record without a gap is one stretch with the very same signals.
  """
  finite = _finite(record)
  filled = finite.copy()
  for first, last in np.rint(gaps(record, bridge_s).bridged_s * record.rate_hz).astype(int):
    filled[first:last] = True
  out = []
  for first, last in runs(filled):
    if last - first + 1e-6 < least_s * record.rate_hz:
      continue
    good = finite[first:last]
    signals = {k: _bridge(x[first:last], good) for k, x in record.signals.items()}
    out.append(Stretch(first / record.rate_hz, record._replace(signals=signals, annotations={})))
  return out


def _bridge(x_t: np.ndarray, good_t: np.ndarray) -> np.ndarray:
  if good_t.all():
    return x_t
  where = np.arange(len(x_t))
  return np.interp(where, where[good_t], x_t[good_t]).astype(x_t.dtype)


def pieces(stretch: Stretch, window_s: float, stride_s: float, block_s: float) -> Iterator[Piece]:
  """Cuts a long stretch into blocks, so that preparing and predicting it takes bounded memory; and gives it a last window.

  A block answers for the windows that start within its `block_s` (rounded to whole strides), and reaches one window further
  to both sides, where resampling and filtering ring. Windows keep the positions that they have in the whole stretch. Their
  content is that of the whole to about 1e-3 of a window's range where rate * stride is a whole number of samples; at other
  rates time differs by up to a sample of the prepared rate. What is normalised by the whole record is so by the block.
  Where whole strides leave a second or more at the end, one more window covers it, a whole number of seconds after the others.
  """
  duration_s = stretch.record.duration_s
  margin_s, block_s = (stride_s * max(1, round(x / stride_s)) for x in (window_s + stride_s / 2, block_s))
  strides = int((duration_s - window_s) / stride_s + 1e-6)
  if duration_s <= block_s + 2 * margin_s:
    yield Piece(stretch.start_s, stretch.record, 0.0, np.inf)
  else:
    for begin_s in np.arange(0, duration_s - window_s + 1e-6, block_s):
      first_s = max(0.0, begin_s - margin_s)
      yield _piece(stretch, first_s, begin_s + block_s + 2 * margin_s, begin_s - first_s, begin_s - first_s + block_s)
  left_s = np.floor(duration_s - window_s - strides * stride_s + 1e-6)
  if left_s >= 1:
    reach_s = min(strides * stride_s, margin_s)
    yield _piece(stretch, left_s + strides * stride_s - reach_s, np.inf, reach_s, np.inf)


def _piece(stretch: Stretch, first_s: float, last_s: float, from_s: float, to_s: float) -> Piece:
  record, end_s = stretch.record, min(last_s, stretch.record.duration_s)
  first, last = int(first_s * record.rate_hz + 1e-6), round(end_s * record.rate_hz)
  signals = {k: x[first:last] for k, x in record.signals.items()}
  return Piece(stretch.start_s + first_s, record._replace(signals=signals), from_s, to_s)


def uncovered(start_s_b: np.ndarray, window_s: float, duration_s: float) -> np.ndarray:
  """[k, 2] spans in seconds of a recording that no window (starts ascending) covers."""
  ends = np.concatenate([[0.0], np.asarray(start_s_b, np.float64) + window_s])
  starts = np.concatenate([np.asarray(start_s_b, np.float64), [duration_s]])
  return np.stack([ends, starts], -1)[starts > ends + 1e-6]
