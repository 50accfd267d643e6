"""Recordings with gaps: short ones are bridged, long ones cut a recording into stretches.

Long stretches are cut into pieces.
"""
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from jaxsig.data.records import Record, in_time


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
  finite_t = _finite(record)
  missing = runs(~finite_t)
  inside = (missing[:, 0] > 0) & (missing[:, 1] < len(finite_t))
  short = missing[:, 1] - missing[:, 0] <= bridge_s * record.rate_hz + 1e-6
  bridged = inside & short
  return Gaps(missing[bridged] / record.rate_hz, missing[~bridged] / record.rate_hz)


def _finite(record: Record) -> np.ndarray:
  n = min(len(x) for x in record.signals.values())
  finite_t = np.ones(n, bool)
  for x in record.signals.values():
    finite_t &= np.isfinite(x[:n]).reshape(n, -1).all(1)
  return finite_t


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
  finite_t = _finite(record)
  filled_t = finite_t.copy()
  bridged = np.rint(gaps(record, bridge_s).bridged_s * record.rate_hz).astype(int)
  for first, last in bridged:
    filled_t[first:last] = True

  found = []
  for first, last in runs(filled_t):
    if last - first + 1e-6 < least_s * record.rate_hz:
      continue
    good_t = finite_t[first:last]
    signals = {name: _bridge(x[first:last], good_t) for name, x in record.signals.items()}
    stretch = record._replace(signals=signals, annotations={})
    found.append(Stretch(first / record.rate_hz, stretch))
  return found


def _bridge(x_t: np.ndarray, good_t: np.ndarray) -> np.ndarray:
  if good_t.all():
    return x_t
  if x_t.ndim == 1:
    bridged_t = np.array(x_t)
    for first, last in runs(~good_t):
      ends = [first - 1, last]
      bridged_t[first:last] = np.interp(np.arange(first, last), ends, x_t[ends])
    return bridged_t
  columns = [_bridge(column_t, good_t) for column_t in x_t.reshape(len(x_t), -1).T]
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

  strides = int((duration_s - window_s) / stride_s + 1e-6)
  left_s = np.floor(duration_s - window_s - strides * stride_s + 1e-6)
  if left_s >= 1:
    reach_s = min(strides * stride_s, margin_s)
    yield _piece(stretch, left_s + strides * stride_s - reach_s, np.inf, reach_s, np.inf)


def _piece(stretch: Stretch, first_s: float, last_s: float, from_s: float, to_s: float) -> Piece:
  record = stretch.record
  end_s = min(last_s, record.duration_s)
  first = int(first_s * record.rate_hz + 1e-6)
  last = round(end_s * record.rate_hz)
  signals = in_time(record.signals, first, last)
  return Piece(stretch.start_s + first_s, record._replace(signals=signals), from_s, to_s)


def uncovered(start_s_b: np.ndarray, length_s_b: np.ndarray, duration_s: float) -> np.ndarray:
  """[k, 2] spans in seconds of a recording that no window (starts ascending) covers."""
  reached_s_b = np.maximum.accumulate(np.asarray(start_s_b, np.float64) + length_s_b)
  covered_until_s = np.concatenate([[0.0], reached_s_b])
  next_start_s = np.concatenate([np.asarray(start_s_b, np.float64), [duration_s]])
  return np.stack([covered_until_s, next_start_s], -1)[next_start_s > covered_until_s + 1e-6]
