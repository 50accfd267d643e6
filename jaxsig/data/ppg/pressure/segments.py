"""Segments of one subject, each with one label, laid one after another."""
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

GAP_S = 1.0   # of NaN between segments, so that no window reaches over two


class Laid(NamedTuple):
  """Signals and annotations of a record."""
  signals: dict[str, np.ndarray]
  annotations: dict[str, np.ndarray]


def with_gaps(
    segments: Sequence[np.ndarray],
    pressures: Sequence[Mapping[str, float]],
    rate_hz: float,
) -> Laid:
  """The PPG of all segments, with the pressures of each at each of its samples.

  Args:
    segments: [t] PPG of each.
    pressures: {"sbp", "dbp"} of each, in mmHg.
    rate_hz: sampling rate of all.
  """
  gap_t = np.full(round(GAP_S * rate_hz), np.nan, np.float32)
  columns = {"ppg_t": [], "sbp_t": [], "dbp_t": []}
  for ppg_t, pressure in zip(segments, pressures, strict=True):
    columns["ppg_t"] += [np.asarray(ppg_t, np.float32), gap_t]
    for target in ("sbp", "dbp"):
      level_t = np.full(len(ppg_t), pressure[target], np.float32)
      columns[f"{target}_t"] += [level_t, gap_t]
  arrays = {}
  for name, parts in columns.items():
    arrays[name] = np.concatenate(parts[:-1])
  return Laid(
      signals={"ppg_t": arrays["ppg_t"]},
      annotations={"sbp_t": arrays["sbp_t"], "dbp_t": arrays["dbp_t"]},
  )
