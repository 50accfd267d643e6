"""Pictures of one user's recording; long recordings are drawn as envelopes."""
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import matplotlib
import matplotlib.axes
import matplotlib.figure
import numpy as np

from jaxsig.figure_style import ACCENT, FAINT, MUTED, OURS, STYLE
from jaxsig.system import Predictions, Told
from jaxsig.systems.respiration import quality
from jaxsig.systems.respiration.protocol import UNIT

if TYPE_CHECKING:
  from jaxsig.systems.respiration.own_file import Rate

LONG_S = 20 * 60.0     # beyond, single waves cannot be told apart
COLUMNS = 1500         # of an envelope: about the pixels across
MOST_GAPS = 300        # that are worth drawing


class TimeUnit(NamedTuple):
  """How a time axis counts."""
  seconds: float
  name: str


class Envelope(NamedTuple):
  """The range that a waveform covers in equal parts; NaN where a part is mostly missing."""
  middle_s_k: np.ndarray
  low_k: np.ndarray
  high_k: np.ndarray


def draw_recording(told: Told, rates: "Sequence[Rate]", path: pathlib.Path) -> None:
  """Draws a recording's signals, predicted waveforms and rates to a file.

  Waveforms are drawn with their samples' SD, rates with their intervals; gaps are grey.

  Args:
    told: with stitched predictions, whose `_t` waveforms may hold NaN.
    rates: one a scoring window.
    path: of the PNG.
  """
  record = told.record
  waveforms = _predicted_waveforms(record.predictions)
  unit = _time_unit(record.duration_s)
  lines = len(record.signals) + len(waveforms) + bool(rates)

  with matplotlib.rc_context(STYLE):
    figure = matplotlib.figure.Figure(figsize=(9, 1.8 * lines + 0.4))
    axes = list(figure.subplots(lines, 1, sharex=True, squeeze=False).flat)
    for axis in axes:
      _draw_gaps(axis, told.lost_s, unit)

    remaining = iter(axes)
    for name, x_t in record.signals.items():
      axis = next(remaining)
      _draw_wave(axis, np.asarray(x_t), record.rate_hz, unit, MUTED)
      axis.set_title(name.removesuffix("_t"))

    for name, x_t in waveforms.items():
      axis = next(remaining)
      spread_t = None
      samples = record.predictions.get(f"{name}_s_t")
      if samples is not None:
        spread_t = np.asarray(samples).std(0)
      _draw_wave(axis, x_t, record.predictions["rate_hz"], unit, OURS, spread_t)
      axis.set_title(f"{name}, predicted")

    if rates:
      _draw_rates(next(remaining), rates, unit)
    axes[-1].set_xlim(0, record.duration_s / unit.seconds)
    axes[-1].set_xlabel(f"time ({unit.name})")
    figure.savefig(path)


def _predicted_waveforms(predictions: Predictions) -> dict[str, np.ndarray]:
  """{name: [t]}, without their samples."""
  waveforms = {}
  for name, x in predictions.items():
    if name.endswith("_t") and np.ndim(x) == 1:
      waveforms[name.removesuffix("_t")] = np.asarray(x)
  return waveforms


def _time_unit(duration_s: float) -> TimeUnit:
  if duration_s <= LONG_S:
    return TimeUnit(1.0, "s")
  if duration_s < 4 * 3600:
    return TimeUnit(60.0, "min")
  return TimeUnit(3600.0, "h")


def _draw_gaps(
    axis: matplotlib.axes.Axes,
    lost_s: np.ndarray,
    unit: TimeUnit,
) -> None:
  """Draws where the signal is missing."""
  for start_s, end_s in _widest(lost_s):
    axis.axvspan(
        start_s / unit.seconds,
        end_s / unit.seconds,
        color=FAINT,
        linewidth=0,
    )


def _widest(spans_s: np.ndarray) -> np.ndarray:
  """Of very many gaps the widest."""
  negative_width_s = spans_s[:, 0] - spans_s[:, 1]
  by_width = np.argsort(negative_width_s, kind="stable")
  return spans_s[by_width[:MOST_GAPS]]


def _draw_wave(
    axis: matplotlib.axes.Axes,
    x_t: np.ndarray,
    rate_hz: float,
    unit: TimeUnit,
    color: str,
    spread_t: np.ndarray | None = None,
) -> None:
  """Draws a line with its spread; of a long recording the range that it covers in each column."""
  if len(x_t) / rate_hz > LONG_S:
    drawn = envelope(x_t, rate_hz)
    axis.fill_between(
        drawn.middle_s_k / unit.seconds,
        drawn.low_k,
        drawn.high_k,
        color=color,
        alpha=0.7,
        linewidth=0,
    )
    return

  time_t = np.arange(len(x_t)) / rate_hz / unit.seconds
  if spread_t is not None:
    axis.fill_between(
        time_t,
        x_t - spread_t,
        x_t + spread_t,
        color=color,
        alpha=0.2,
        linewidth=0,
    )
  axis.plot(time_t, x_t, color=color, linewidth=0.8)


def envelope(x_t: np.ndarray, rate_hz: float, columns: int = COLUMNS) -> Envelope:
  """The range of x_t in each of at most `columns` equal parts; NaN where more than half is."""
  size = -(-len(x_t) // columns)   # rounded up
  padding = -len(x_t) % size
  padded_t = np.pad(np.asarray(x_t, np.float32), (0, padding), constant_values=np.nan)
  x_k_i = padded_t.reshape(-1, size)
  empty_k = np.isnan(x_k_i).mean(1) > 0.5

  # nanmin and nanmax warn of a part that is NaN throughout
  finite_k_i = np.where(empty_k[:, None], 0, x_k_i)
  low_k = np.nanmin(finite_k_i, 1)
  high_k = np.nanmax(finite_k_i, 1)
  middle_k = np.arange(len(x_k_i)) + 0.5
  return Envelope(
      middle_s_k=middle_k * size / rate_hz,
      low_k=np.where(empty_k, np.nan, low_k),
      high_k=np.where(empty_k, np.nan, high_k),
  )


def _draw_rates(
    axis: matplotlib.axes.Axes,
    rates: "Sequence[Rate]",
    unit: TimeUnit,
) -> None:
  """Draws each window's rate, filled where good and hollow where doubtful, on its interval."""
  middle_s_k = (_column(rates, "start_s") + _column(rates, "end_s")) / 2
  time_k = middle_s_k / unit.seconds
  rate_k = _column(rates, "rate_bpm")
  low_k, high_k = _intervals(rates)
  good_k = np.array([rate.quality == quality.GOOD for rate in rates])

  # the more there are, the smaller
  marker_size = np.clip(3000 / len(rates), 3.0, 30.0)
  line_width = np.clip(300 / len(rates), 0.8, 6.0)
  axis.vlines(
      time_k,
      low_k,
      high_k,
      color=OURS,
      alpha=0.3,
      linewidth=line_width,
  )
  axis.scatter(
      time_k[good_k],
      rate_k[good_k],
      s=marker_size,
      color=OURS,
      zorder=3,
      label=quality.GOOD,
  )
  axis.scatter(
      time_k[~good_k],
      rate_k[~good_k],
      s=marker_size,
      facecolor="none",
      edgecolor=ACCENT,
      linewidths=0.8,
      zorder=3,
      label=quality.DOUBTFUL,
  )
  axis.set(title="rate and its interval", ylabel=UNIT)
  if np.isfinite(rate_k).any():
    axis.legend(
        loc="lower right",
        bbox_to_anchor=(1, 1),
        borderaxespad=0.1,
        ncols=2,
    )
  else:
    axis.text(
        0.5,
        0.5,
        quality.NONE,
        transform=axis.transAxes,
        ha="center",
        color=ACCENT,
    )


def _intervals(rates: "Sequence[Rate]") -> tuple[np.ndarray, np.ndarray]:
  """(low, high) [k] of the 95 % intervals, or two spreads to both sides where there is none."""
  rate_k = _column(rates, "rate_bpm")
  spread_k = _column(rates, "spread_bpm")
  low_k = _column(rates, "low_95_bpm")
  high_k = _column(rates, "high_95_bpm")
  low_k = np.where(np.isfinite(low_k), low_k, rate_k - 2 * spread_k)
  high_k = np.where(np.isfinite(high_k), high_k, rate_k + 2 * spread_k)
  return low_k, high_k


def _column(rates: "Sequence[Rate]", name: str) -> np.ndarray:
  """One field of all rates, NaN for None."""
  values = [getattr(rate, name) for rate in rates]
  return np.array(values, float)
