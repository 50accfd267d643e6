"""Windows joined again to records."""
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxsig.data.records import Spans


class Stitcher:
  """Joins a record's windows batch by batch.

  Outputs in `_t` are cross-faded, all others stay per window.

  Memory is that of the record's outputs once, whatever the overlap of the windows is.
  """

  def __init__(self, spans: Spans, trailing: bool = False):
    """Prepares for all windows of `spans`, which will be added in order.

    Args:
      spans: of one length, where any output ends in `_t`.
      trailing: no cross-fade: each sample is that of the first window that reaches it, so that it
        does not depend on what comes later than that window's end.
    """
    self._spans = spans
    self._trailing = trailing
    self._added = 0
    self._rate_hz = None
    self._per_window = {}
    self._sums = {}     # {name: [..., total]}, divided by the weights in the end
    self._weights = {}  # {name: [total]}

  def add(self, outputs: Mapping[str, np.ndarray]) -> None:
    """Adds the outputs {name_b_...: [n, ...]} of the next n windows."""
    n = len(next(iter(outputs.values())))
    start_s_b = self._spans.start_s_b[self._added:self._added + n]
    for name, x in outputs.items():
      if name.endswith("_t"):
        self._add_waves(name.replace("_b_", "_", 1), np.asarray(x), start_s_b)
      else:
        self._per_window.setdefault(name, []).append(np.asarray(x))
    self._added += n

  def _add_waves(self, name: str, x: np.ndarray, start_s_b: np.ndarray) -> None:
    length_s = float(self._spans.length_s_b[0])
    if np.any(self._spans.length_s_b != length_s):
      raise ValueError(
          f"{name} cannot be stitched: its windows differ in length, so predict it per window")
    t = x.shape[-1]
    self._rate_hz = t / length_s
    starts_b = np.rint(start_s_b * self._rate_hz).astype(int)

    if name not in self._sums:
      total = int(np.rint(self._spans.start_s_b[-1] * self._rate_hz)) + t
      self._sums[name] = np.zeros(x.shape[1:-1] + (total,))
      self._weights[name] = np.zeros(total)
    total_t, weight_t = self._sums[name], self._weights[name]

    # A window without overlap keeps its samples whatever the weights are, as each sample is
    # divided by its sum of weights.
    fade_t = np.minimum(np.arange(1, t + 1), np.arange(t, 0, -1)).astype(np.float64)
    for piece, start in zip(x, starts_b, strict=True):
      covered = slice(start, start + t)
      if self._trailing:
        new_t = weight_t[covered] == 0
        total_t[..., covered] = np.where(new_t, piece, total_t[..., covered])
        weight_t[covered] = 1
      else:
        total_t[..., covered] += fade_t * piece
        weight_t[covered] += fade_t

  def result(self) -> dict[str, Any]:
    """The joined outputs.

    Returns:
      {name_..._t: float32 [..., total]} (the `b` axis is gone; gaps between windows are NaN),
      {name_b_...} of all windows, "rate_hz" where there is any `_t`, and "start_s_b", "length_s_b".
    """
    joined = {}
    for name, total_t in self._sums.items():
      with np.errstate(invalid="ignore"):
        joined[name] = (total_t / self._weights[name]).astype(np.float32)
    if self._rate_hz is not None:
      joined["rate_hz"] = self._rate_hz
    for name, parts in self._per_window.items():
      joined[name] = np.concatenate(parts)
    joined["start_s_b"] = self._spans.start_s_b
    joined["length_s_b"] = self._spans.length_s_b
    return joined


def stitch(
    outputs: Mapping[str, np.ndarray],
    spans: Spans,
    trailing: bool = False,
) -> dict[str, Any]:
  """Joins all windows of a record at once: see `Stitcher`."""
  stitcher = Stitcher(spans, trailing)
  stitcher.add(outputs)
  return stitcher.result()
