"""Records, their windows, and the order in which members see them: all of it a pure function of ids and seeds."""
import functools
import zlib
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


def stitch(outputs: dict, start_s_b: np.ndarray, window_s: float) -> dict[str, Any]:
  """Joins a record's windows: `_t` outputs are cross-faded, all others stay per window.

  Args:
    outputs: {name_b_..._t: [n, ..., T]} or {name_b_...: [n, ...]}.
    start_s_b: starts of the windows in seconds, ascending.
    window_s: their length in seconds.

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
    joined[name.replace("_b_", "_", 1)] = _cross_fade(x, np.rint(np.asarray(start_s_b) * rate_hz).astype(int))
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
