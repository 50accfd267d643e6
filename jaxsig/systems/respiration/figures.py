"""Pictures of respiration: waveform examples of a report, and one user's recording. Long recordings are drawn as envelopes."""
import pathlib
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import matplotlib
import matplotlib.axes
import matplotlib.figure
import numpy as np

from jaxsig.figure_style import ACCENT, FAINT, INK, MUTED, OURS, STYLE, grid
from jaxsig.system import Figure, Material, Predictions, Row, Told
from jaxsig.systems.respiration import quality
from jaxsig.systems.respiration.waveforms import LagCorrelation, signed_lag_correlation

UNIT = "breaths/min"
LONG_S = 20 * 60.0     # beyond, single waves cannot be told apart
COLUMNS = 1500         # of an envelope: about the pixels across
MOST_GAPS = 300        # that are worth drawing
EXAMPLES = ("best", "median", "worst")


class Example(NamedTuple):
  """A window of a patient, with what was stored of its recording."""
  which: str
  row: Row
  stored: Predictions


class Wave(NamedTuple):
  """A part of a waveform and when it was."""
  time_s: np.ndarray
  x_t: np.ndarray


class Scale(NamedTuple):
  """How a time axis counts."""
  seconds: float
  name: str


def figures(material: Material) -> list[Figure]:
  """The figures that this system adds to a report."""
  return [
    Figure(
      name="examples",
      title=f"Best, median and worst patient of {material.reference}",
      note=(
        "By mean absolute error; of each the window whose error is nearest to it. Both waveforms are scaled to one standard "
        "deviation. Band: 1 SD of the method's samples. The reference's polarity and delay differ between recordings: "
        "the best sign and lag within 1 s are given."
      ),
      draw=lambda: _examples(material),
    )
  ]


def _examples(material: Material) -> matplotlib.figure.Figure | None:
  chosen = _chosen(material)
  if not chosen:
    return None
  figure, axes = grid(len(chosen), 2.1, columns=1)
  for example, axis in zip(chosen, axes, strict=True):
    _draw_example(axis, example, material.reference)
  axes[-1].set_xlabel("time (s)")
  handles, labels = axes[0].get_legend_handles_labels()
  figure.legend(handles, labels, loc="outside upper right", ncols=2)
  return figure


def _chosen(material: Material) -> list[Example]:
  """Windows of the best, the median and the worst patient that have a stored waveform."""
  rows_of_group = defaultdict(list)
  for row in material.rows:
    is_ours = row.method == material.reference and row.key == material.primary[0]
    if is_ours and row.included and np.isfinite(row.result):
      rows_of_group[row.group].append(row)
  if not rows_of_group:
    return []

  mean_error = {}
  for group, rows in rows_of_group.items():
    mean_error[group] = np.mean([abs(row.result) for row in rows])
  order = sorted(mean_error, key=mean_error.get)
  places = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}

  examples, drawn = [], set()
  for which in EXAMPLES:
    group = places[which]
    if group in drawn:
      continue
    drawn.add(group)
    row = min(rows_of_group[group], key=lambda row: abs(abs(row.result) - mean_error[group]))
    stored = material.stored(material.reference, row)
    if stored is not None and "resp_t" in stored and "target_t" in stored:
      examples.append(Example(which, row, stored))
  return examples


def _draw_example(axis: matplotlib.axes.Axes, example: Example, name: str) -> None:
  row, stored = example.row, example.stored
  truth = _part(stored["target_t"], float(stored["target_rate_hz"]), row)
  rate_hz = float(stored["rate_hz"])
  estimate = _part(stored["resp_t"], rate_hz, row)
  sd = max(float(np.std(estimate.x_t)), 1e-12)
  middle = float(np.mean(estimate.x_t))
  scaled_t = (estimate.x_t - middle) / sd
  truth_t = (truth.x_t - np.mean(truth.x_t)) / max(float(np.std(truth.x_t)), 1e-12)

  axis.plot(truth.time_s, truth_t, color=INK, lw=1.1, label="reference")
  axis.plot(estimate.time_s, scaled_t, color=OURS, lw=1.4, label=name)
  if "resp_sd_t" in stored:
    spread_t = _part(stored["resp_sd_t"], rate_hz, row).x_t / sd
    axis.fill_between(estimate.time_s, scaled_t - spread_t, scaled_t + spread_t, color=OURS, alpha=0.2, linewidth=0)
  lag = _lag(truth, estimate, rate_hz)
  axis.set_title(
    f"{example.which}: {row.record}, {row.unit}, truth {row.truth:.1f}, estimate {row.estimate:.1f} {UNIT}; "
    f"lag {lag.lag_s:+.1f} s, sign {lag.sign:+d}, correlation {lag.value:.2f}"
  )
  axis.set_ylabel("SD")
  axis.margins(x=0)


def _lag(truth: Wave, estimate: Wave, rate_hz: float) -> LagCorrelation:
  """The best lag and sign of the estimate behind the truth."""
  truth_t = np.interp(estimate.time_s, truth.time_s, truth.x_t)
  return signed_lag_correlation(truth_t, estimate.x_t, rate_hz)


def _part(x_t: np.ndarray, rate_hz: float, row: Row) -> Wave:
  """The part of a waveform that lies in a row's window."""
  first = round(row.start_s * rate_hz)
  last = round(row.end_s * rate_hz)
  part_t = np.asarray(x_t)[first:last]
  return Wave((first + np.arange(len(part_t))) / rate_hz, part_t)


def draw_recording(told: Told, rates: Sequence, path: pathlib.Path) -> None:
  """Draws a recording's signals, predicted waveforms with their samples' SD, and rates with their intervals; gaps are grey.

  Args:
    told: with stitched predictions, whose `_t` waveforms may hold NaN.
    rates: `own_file.Rate` a scoring window.
    path: of the PNG.
  """
  record = told.record
  waves = {}
  for name, x in record.predictions.items():
    if name.endswith("_t") and np.ndim(x) == 1:
      waves[name.removesuffix("_t")] = np.asarray(x)
  scale = _time_scale(record.duration_s)
  lines = len(record.signals) + len(waves) + bool(rates)

  with matplotlib.rc_context(STYLE):
    figure = matplotlib.figure.Figure(figsize=(9, 1.8 * lines + 0.4))
    axes = list(figure.subplots(lines, 1, sharex=True, squeeze=False).flat)
    for axis in axes:
      for start_s, end_s in _widest(told.lost_s):
        axis.axvspan(start_s / scale.seconds, end_s / scale.seconds, color=FAINT, linewidth=0)
    remaining = iter(axes)
    for name, x_t in record.signals.items():
      axis = next(remaining)
      _draw_wave(axis, np.asarray(x_t), record.rate_hz, scale, MUTED)
      axis.set_title(name.removesuffix("_t"))
    for name, x_t in waves.items():
      axis = next(remaining)
      samples = record.predictions.get(f"{name}_s_t")
      spread_t = None
      if samples is not None:
        spread_t = np.asarray(samples).std(0)
      _draw_wave(axis, x_t, record.predictions["rate_hz"], scale, OURS, spread_t)
      axis.set_title(f"{name}, predicted")
    if rates:
      _draw_rates(next(remaining), rates, scale)
    axes[-1].set(xlim=(0, record.duration_s / scale.seconds), xlabel=f"time ({scale.name})")
    figure.savefig(path)


def _time_scale(duration_s: float) -> Scale:
  if duration_s <= LONG_S:
    return Scale(1.0, "s")
  if duration_s < 4 * 3600:
    return Scale(60.0, "min")
  return Scale(3600.0, "h")


def _widest(spans_s: np.ndarray) -> np.ndarray:
  """Of very many gaps the widest."""
  by_width = np.argsort(spans_s[:, 0] - spans_s[:, 1], kind="stable")
  return spans_s[by_width[:MOST_GAPS]]


def _draw_wave(
  axis: matplotlib.axes.Axes,
  x_t: np.ndarray,
  rate_hz: float,
  scale: Scale,
  color: str,
  spread_t: np.ndarray | None = None,
) -> None:
  """A line with its spread; of a long recording the range that it covers in each column."""
  if len(x_t) / rate_hz > LONG_S:
    at_s, low, high = envelope(x_t, rate_hz)
    axis.fill_between(at_s / scale.seconds, low, high, color=color, alpha=0.7, linewidth=0)
    return
  at = np.arange(len(x_t)) / rate_hz / scale.seconds
  if spread_t is not None:
    axis.fill_between(at, x_t - spread_t, x_t + spread_t, color=color, alpha=0.2, linewidth=0)
  axis.plot(at, x_t, color=color, linewidth=0.8)


def envelope(x_t: np.ndarray, rate_hz: float, columns: int = COLUMNS) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """(middle in seconds, lowest, highest) [k] of x_t in at most `columns` equal parts; NaN in a part where more than half is."""
  size = -(-len(x_t) // columns)
  padded_t = np.pad(np.asarray(x_t, np.float32), (0, -len(x_t) % size), constant_values=np.nan)
  x_k_i = padded_t.reshape(-1, size)
  empty_k = np.isnan(x_k_i).mean(1) > 0.5
  without_empty_k_i = np.where(empty_k[:, None], 0, x_k_i)
  low_k = np.where(empty_k, np.nan, np.nanmin(without_empty_k_i, 1))
  high_k = np.where(empty_k, np.nan, np.nanmax(without_empty_k_i, 1))
  return (np.arange(len(x_k_i)) + 0.5) * size / rate_hz, low_k, high_k


def _draw_rates(axis: matplotlib.axes.Axes, rates: Sequence, scale: Scale) -> None:
  """Each window's rate, filled where good and hollow where doubtful, on its 95 % interval (or two spreads to both sides)."""
  middle_s = (_column(rates, "start_s") + _column(rates, "end_s")) / 2
  rate_k = _column(rates, "rate_bpm")
  spread_k = _column(rates, "spread_bpm")
  low_k = _column(rates, "low_95_bpm")
  high_k = _column(rates, "high_95_bpm")
  low_k = np.where(np.isfinite(low_k), low_k, rate_k - 2 * spread_k)
  high_k = np.where(np.isfinite(high_k), high_k, rate_k + 2 * spread_k)
  good_k = np.array([rate.quality == quality.GOOD for rate in rates])

  at = middle_s / scale.seconds
  size = max(3.0, min(30.0, 3000 / len(rates)))
  axis.vlines(at, low_k, high_k, color=OURS, alpha=0.3, linewidth=max(0.8, min(6.0, 300 / len(rates))))
  axis.scatter(at[good_k], rate_k[good_k], s=size, color=OURS, zorder=3, label=quality.GOOD)
  axis.scatter(
    at[~good_k],
    rate_k[~good_k],
    s=size,
    facecolor="none",
    edgecolor=ACCENT,
    linewidths=0.8,
    zorder=3,
    label=quality.DOUBTFUL,
  )
  axis.set(title="rate and its interval", ylabel=UNIT)
  if np.isfinite(rate_k).any():
    axis.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.1, ncols=2)
  else:
    axis.text(0.5, 0.5, quality.NONE, transform=axis.transAxes, ha="center", color=ACCENT)


def _column(rates: Sequence, name: str) -> np.ndarray:
  values = [getattr(rate, name) for rate in rates]
  return np.array([np.nan if value is None else value for value in values], float)
