"""Recordings with gaps: short ones are bridged, long ones cut a recording into stretches.

Long stretches are cut into pieces. Arrays on disk are looked through block by block, and stay there
wherever nothing is bridged.
"""
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from jaxsig.data.records import Record
from jaxsig.data.stored import StoredArray

BLOCK_T = 1 << 20   # samples that are looked through at once


class Gaps(NamedTuple):
  """Where a recording's signals are missing, [k, 2] of (start, end) in seconds."""
  bridged_s: np.ndarray   # short, and between signal on both sides: a straight line will do
  lost_s: np.ndarray      # all others


class Stretch(NamedTuple):
  """A part of a recording without gaps, as a record of its own, and where it begins."""
  start_s: float
  record: Record


class Piece(NamedTuple):
  """A part of a stretch that is predicted at once; neighbours overlap, each has its own windows."""
  start_s: float
  record: Record
  from_s: float   # it answers for the windows that start at from_s or later ...
  to_s: float     # ... and before to_s, both counted from its own first sample


def runs(mask_t: np.ndarray) -> np.ndarray:
  """[k, 2] first and past-the-last index of each run of True in mask_t [t]."""
  outside = np.int8(0)   # of that type, or all would become int64
  steps_t = np.diff(np.asarray(mask_t, np.int8), prepend=outside, append=outside)
  return np.flatnonzero(steps_t).reshape(-1, 2)


def gaps(record: Record, bridge_s: float) -> Gaps:
  """The runs in which any signal of a record is not finite; one at either end is never bridged."""
  bridged, lost = _missing(record, bridge_s)
  return Gaps(bridged / record.rate_hz, lost / record.rate_hz)


def _missing(record: Record, bridge_s: float) -> tuple[np.ndarray, np.ndarray]:
  """The [k, 2] samples of gaps that are bridged, and of those that are not."""
  n = _shortest(record)
  parts = [np.zeros((0, 2), np.int64)]
  for first in range(0, n, BLOCK_T):
    finite_t = _finite(record, first, min(first + BLOCK_T, n))
    parts.append(first + runs(~finite_t))
  missing = _joined(np.concatenate(parts))
  inside = (missing[:, 0] > 0) & (missing[:, 1] < n)
  short = missing[:, 1] - missing[:, 0] <= bridge_s * record.rate_hz + 1e-6
  bridged = inside & short
  return missing[bridged], missing[~bridged]


def _shortest(record: Record) -> int:
  return min(len(x) for x in record.signals.values())


def _finite(record: Record, first: int, last: int) -> np.ndarray:
  """Whether all signals are finite, for the samples from `first` to before `last`."""
  finite_t = np.ones(last - first, bool)
  for x in record.signals.values():
    finite_t &= np.isfinite(x[first:last]).reshape(last - first, -1).all(1)
  return finite_t


def _joined(spans: np.ndarray) -> np.ndarray:
  """Ascending [k, 2] spans, those that touch made one."""
  is_apart = spans[1:, 0] > spans[:-1, 1]
  begins = np.concatenate([[True], is_apart])[:len(spans)]
  ends = np.concatenate([is_apart, [True]])[:len(spans)]
  return np.stack([spans[begins, 0], spans[ends, 1]], -1)


def stretches(record: Record, bridge_s: float, least_s: float = 0.0) -> list[Stretch]:
  """Cuts a record at its gaps.

  Args:
    record: its signals may hold NaN.
    bridge_s: longest gap in seconds that is bridged by a straight line.
    least_s: shortest stretch in seconds that is not left out.

  Returns:
    Stretches in order, without annotations. A record without a gap is one stretch with the very
    same signals.
  """
  bridged, lost = _missing(record, bridge_s)
  starts = np.concatenate([[0], lost[:, 1]])
  ends = np.concatenate([lost[:, 0], [_shortest(record)]])

  found = []
  for first, last in zip(starts, ends, strict=True):
    length = last - first
    if not length or length + 1e-6 < least_s * record.rate_hz:
      continue
    from_, to = np.searchsorted(bridged[:, 0], [first, last])
    inside = bridged[from_:to] - first
    signals = {}
    for name, x in record.signals.items():
      signals[name] = _bridge(_part(x, first, last), inside)
    stretch = record._replace(signals=signals, annotations={})
    found.append(Stretch(first / record.rate_hz, stretch))
  return found


def _part(x: np.ndarray | StoredArray, first: int, last: int) -> np.ndarray | StoredArray:
  """The samples from `first` to before `last` of a signal; of one on disk they stay there."""
  if first == 0 and last == len(x):
    return x
  if isinstance(x, StoredArray):
    return x.between(first, last)
  return np.asarray(x[first:last])


def _bridge(x: np.ndarray | StoredArray, bridged: np.ndarray) -> np.ndarray | StoredArray:
  """The signal with straight lines over [k, 2] runs of its samples."""
  if not len(bridged):
    return x
  x_t = np.asarray(x)
  if x_t.ndim == 1:
    bridged_t = np.array(x_t)
    for first, last in bridged:
      ends = [first - 1, last]
      bridged_t[first:last] = np.interp(np.arange(first, last), ends, x_t[ends])
    return bridged_t
  columns = [_bridge(column_t, bridged) for column_t in x_t.reshape(len(x_t), -1).T]
  return np.stack(columns, -1).reshape(x_t.shape)


def pieces(stretch: Stretch, window_s: float, stride_s: float, block_s: float) -> Iterator[Piece]:
  """Cuts a long stretch into blocks, so that predicting it takes bounded memory.

  A block answers for the windows that start within its `block_s` (rounded to whole strides), and
  reaches one window further to both sides, where resampling and filtering ring. Windows keep the
  positions that they have in the whole stretch. Their content is that of the whole to about 1e-3 of
  a window's range where rate * stride is a whole number of samples; at other rates time differs by
  up to a sample of the prepared rate. What is normalised by the whole record is so by the block.
  Where whole strides leave a second or more at the end, one more window covers it, a whole number
  of seconds after the others.

  Args:
    stretch: without gaps.
    window_s, stride_s: of the windows that will be cut from the pieces, in seconds.
    block_s: how long the part is that a piece answers for, in seconds.
  """
  duration_s = stretch.record.duration_s
  margin_s = stride_s * max(1, round((window_s + stride_s / 2) / stride_s))
  block_s = stride_s * max(1, round(block_s / stride_s))

  if duration_s <= block_s + 2 * margin_s:
    yield Piece(stretch.start_s, stretch.record, 0.0, np.inf)
  else:
    for begin_s in np.arange(0, duration_s - window_s + 1e-6, block_s):
      first_s = max(0.0, begin_s - margin_s)
      last_s = begin_s + block_s + 2 * margin_s
      from_s = begin_s - first_s
      yield _piece(stretch, first_s, last_s, from_s, from_s + block_s)

  before_last_s, last_s = ends_s(duration_s, window_s, stride_s)
  if last_s > before_last_s:
    reach_s = min(before_last_s, margin_s)
    yield _piece(stretch, last_s - reach_s, np.inf, reach_s, np.inf)


def ends_s(duration_s: float, window_s: float, stride_s: float) -> tuple[float, float]:
  """Where the last window of whole strides begins, and where the last window of all does.

  They differ where whole strides leave a second or more at the end of a stretch.
  """
  strides = int((duration_s - window_s) / stride_s + 1e-6)
  left_s = max(0.0, float(np.floor(duration_s - window_s - strides * stride_s + 1e-6)))
  return strides * stride_s, strides * stride_s + left_s


def _piece(stretch: Stretch, first_s: float, last_s: float, from_s: float, to_s: float) -> Piece:
  record = stretch.record
  end_s = min(last_s, record.duration_s)
  first = int(first_s * record.rate_hz + 1e-6)
  last = round(end_s * record.rate_hz)
  signals = {name: _part(x, first, last) for name, x in record.signals.items()}
  return Piece(stretch.start_s + first_s, record._replace(signals=signals), from_s, to_s)


def uncovered(start_s_b: np.ndarray, length_s_b: np.ndarray, duration_s: float) -> np.ndarray:
  """[k, 2] spans in seconds of a recording that no window (starts ascending) covers."""
  reached_s_b = np.maximum.accumulate(np.asarray(start_s_b, np.float64) + length_s_b)
  covered_until_s = np.concatenate([[0.0], reached_s_b])
  next_start_s = np.concatenate([np.asarray(start_s_b, np.float64), [duration_s]])
  return np.stack([covered_until_s, next_start_s], -1)[next_start_s > covered_until_s + 1e-6]
