"""The picture of one predicted recording: its signals, every predicted waveform, and the rate over time. Long ones as envelopes."""
import pathlib
from typing import Any

import matplotlib
import matplotlib.figure
import numpy as np

from jaxsig.report.figures import ACCENT, FAINT, MUTED, OURS, STYLE
from jaxsig.systems.respiration import quality

LONG_S = 20 * 60.0   # beyond, single waves cannot be told apart
COLUMNS = 1500       # of an envelope: about the pixels across


def draw(record: Any, rates: list[dict], lost_s: np.ndarray, unit: str, path: pathlib.Path) -> None:
  """Draws signals, predicted waveforms with their samples' standard deviation, and rates with their intervals; gaps are grey.

  Args:
    record: with stitched predictions, whose `_t` waveforms may hold NaN.
    rates: {"start_s", "end_s", "rate_bpm", "spread", "low_95", ..., "quality"}, from jaxsig.predict.own_file.
    lost_s: [k, 2] spans without a signal.
    unit: of the rates.
    path: of the PNG.
  """
  waves = {name[:-2]: np.asarray(x) for name, x in record.predictions.items() if name.endswith("_t") and np.ndim(x) == 1}
  per, name_of_time = (1.0, "s") if record.duration_s <= LONG_S else (60.0, "min") if record.duration_s < 4 * 3600 else (3600.0, "h")
  rows = len(record.signals) + len(waves) + bool(rates)
  with matplotlib.rc_context(STYLE):
    figure = matplotlib.figure.Figure(figsize=(9, 1.8 * rows + 0.4))
    axes = list(figure.subplots(rows, 1, sharex=True, squeeze=False).flat)
    for axis in axes:
      for start_s, end_s in _widest(lost_s):
        axis.axvspan(start_s / per, end_s / per, color=FAINT, linewidth=0)
    for axis, (name, x_t) in zip(axes, record.signals.items()):
      _wave(axis, np.asarray(x_t), record.rate_hz, per, MUTED)
      axis.set_title(name[:-2])
    for axis, (name, x_t) in zip(axes[len(record.signals):], waves.items()):
      rate_hz, samples = record.predictions["rate_hz"], record.predictions.get(f"{name}_s_t")
      _wave(axis, x_t, rate_hz, per, OURS, None if samples is None else np.asarray(samples).std(0))
      axis.set_title(f"{name}, predicted")
    if rates:
      _track(axes[-1], rates, per, unit)
    axes[-1].set(xlim=(0, record.duration_s / per), xlabel=f"time ({name_of_time})")
    figure.savefig(path)


def _widest(spans_s: np.ndarray, most: int = 300) -> np.ndarray:
  """Of very many gaps only the widest are worth drawing."""
  return spans_s[np.argsort(spans_s[:, 0] - spans_s[:, 1], kind="stable")[:most]]


def _wave(axis: Any, x_t: np.ndarray, rate_hz: float, per: float, color: str, spread_t: np.ndarray | None = None) -> None:
  """A line with its spread; of a long recording the range that it covers in each column."""
  if len(x_t) / rate_hz > LONG_S:
    at, low, high = envelope(x_t, rate_hz)
    axis.fill_between(at / per, low, high, color=color, alpha=0.7, linewidth=0)
    return
  at = np.arange(len(x_t)) / rate_hz / per
  if spread_t is not None:
    axis.fill_between(at, x_t - spread_t, x_t + spread_t, color=color, alpha=0.2, linewidth=0)
  axis.plot(at, x_t, color=color, linewidth=0.8)


def envelope(x_t: np.ndarray, rate_hz: float, columns: int = COLUMNS) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """(middle in seconds, lowest, highest) [k] of x_t in at most `columns` equal parts; NaN in a part where more than half is."""
  size = -(-len(x_t) // columns)
  x_k_i = np.pad(np.asarray(x_t, np.float32), (0, -len(x_t) % size), constant_values=np.nan).reshape(-1, size)
  empty_k = np.isnan(x_k_i).mean(1) > 0.5
  low, high = np.nanmin(np.where(empty_k[:, None], 0, x_k_i), 1), np.nanmax(np.where(empty_k[:, None], 0, x_k_i), 1)
  return (np.arange(len(x_k_i)) + 0.5) * size / rate_hz, np.where(empty_k, np.nan, low), np.where(empty_k, np.nan, high)


def _track(axis: Any, rates: list[dict], per: float, unit: str) -> None:
  """Each window's rate, filled where good and hollow where doubtful, on its 95 % interval (or two spreads to both sides)."""
  number = lambda name: np.array([np.nan if r.get(name) is None else r[name] for r in rates], float)
  middle, rate_k, spread_k = (number("start_s") + number("end_s")) / 2 / per, number("rate_bpm"), number("spread")
  low, high = (np.where(np.isfinite(number(n)), number(n), rate_k + s * 2 * spread_k) for n, s in (("low_95", -1), ("high_95", 1)))
  good = np.array([r["quality"] == quality.GOOD for r in rates])
  axis.vlines(middle, low, high, color=OURS, alpha=0.3, linewidth=max(0.8, min(6.0, 300 / len(rates))))
  size = max(3.0, min(30.0, 3000 / len(rates)))
  axis.scatter(middle[good], rate_k[good], s=size, color=OURS, zorder=3, label=quality.GOOD)
  axis.scatter(middle[~good], rate_k[~good], s=size, facecolor="none", edgecolor=ACCENT, linewidths=0.8, zorder=3, label=quality.DOUBTFUL)
  axis.set(title="rate and its interval", ylabel=unit)
  if np.isfinite(rate_k).any():
    axis.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.1, ncols=2)
  else:
    axis.text(0.5, 0.5, quality.NONE, transform=axis.transAxes, ha="center", color=ACCENT)
