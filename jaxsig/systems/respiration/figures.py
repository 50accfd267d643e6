"""Figures of respiration in a report: waveforms of the best, the median and the worst patient."""
import functools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib.axes
import matplotlib.figure
import numpy as np

from jaxsig.figure_style import INK, OURS, grid
from jaxsig.rows import Row
from jaxsig.system import Figure, Material, Predictions
from jaxsig.systems.respiration.protocol import UNIT, metrics
from jaxsig.systems.respiration.waveforms import LagCorrelation, signed_lag_correlation

SMALLEST_SD = 1e-12   # of a flat waveform, to divide by


class Example(NamedTuple):
  """A window of a patient, with what was stored of its recording."""
  which: str
  row: Row
  stored: Predictions


class Wave(NamedTuple):
  """A part of a waveform and when it was."""
  time_s: np.ndarray
  x_t: np.ndarray


def figures(material: Material) -> list[Figure]:
  """The figures that this system adds to a report."""
  return [
    Figure(
      name="examples",
      title=f"Best, median and worst patient of {material.reference}",
      note=(
        "By the mean absolute error, or the mean of another primary metric; of each the window "
        "that is nearest to it. Both waveforms "
        "are scaled to one standard deviation. Band: 1 SD of the method's samples. The reference's "
        "polarity and delay differ between recordings: the best sign and lag within 1 s are given."
      ),
      draw=functools.partial(_draw_examples, material),
    )
  ]


def _draw_examples(material: Material) -> matplotlib.figure.Figure | None:
  examples = _examples(material)
  if not examples:
    return None
  figure, axes = grid(len(examples), 2.1, columns=1)
  for example, axis in zip(examples, axes, strict=True):
    _draw_example(axis, example, material.reference)
  axes[-1].set_xlabel("time (s)")
  handles, labels = axes[0].get_legend_handles_labels()
  figure.legend(handles, labels, loc="outside upper right", ncols=2)
  return figure


def _examples(material: Material) -> list[Example]:
  """Windows of the best, the median and the worst patient that have a stored waveform."""
  rows_of_group = _rows_of_group(material)
  if not rows_of_group:
    return []

  mean_badness = {}
  for group, rows in rows_of_group.items():
    mean_badness[group] = np.mean([_badness(row) for row in rows])
  order = sorted(mean_badness, key=mean_badness.get)
  group_of = {
      "best": order[0],
      "median": order[len(order) // 2],
      "worst": order[-1],
  }

  examples = []
  drawn = set()
  for which, group in group_of.items():
    if group in drawn:
      continue
    drawn.add(group)
    row = _nearest_row(rows_of_group[group], mean_badness[group])
    stored = material.stored(material.reference, row)
    if stored is not None and "resp_t" in stored and "target_t" in stored:
      examples.append(Example(which, row, stored))
  return examples


def _rows_of_group(material: Material) -> Mapping[str, Sequence[Row]]:
  """The rows of the reference method in the primary metric, by patient."""
  rows_of_group = defaultdict(list)
  for row in material.rows:
    is_reference = row.method == material.reference
    is_primary = row.key == material.primary[0]
    if is_reference and is_primary and row.included and np.isfinite(row.result):
      rows_of_group[row.group].append(row)
  return rows_of_group


def _badness(row: Row) -> float:
  """The absolute error, or the value, turned where more of it is better."""
  if row.is_error:
    return abs(row.result)
  if metrics()[row.metric].better == "higher":
    return -row.result
  return row.result


def _nearest_row(rows: Sequence[Row], badness: float) -> Row:
  """The first row whose badness is nearest to `badness`."""
  distances = [abs(_badness(row) - badness) for row in rows]
  return rows[distances.index(min(distances))]


def _draw_example(axis: matplotlib.axes.Axes, example: Example, name: str) -> None:
  """Draws both waveforms of an example on one axis."""
  row = example.row
  stored = example.stored
  rate_hz = float(stored["rate_hz"])
  truth = _part(stored["target_t"], float(stored["target_rate_hz"]), row)
  estimate = _part(stored["resp_t"], rate_hz, row)
  scaled_truth_t = _standardised(truth.x_t)
  scaled_t = _standardised(estimate.x_t)

  axis.plot(truth.time_s, scaled_truth_t, color=INK, lw=1.1, label="reference")
  axis.plot(estimate.time_s, scaled_t, color=OURS, lw=1.4, label=name)
  if "resp_sd_t" in stored:
    spread = _part(stored["resp_sd_t"], rate_hz, row)
    spread_t = spread.x_t / _sd(estimate.x_t)
    axis.fill_between(
        estimate.time_s,
        scaled_t - spread_t,
        scaled_t + spread_t,
        color=OURS,
        alpha=0.2,
        linewidth=0,
    )

  lag = _lag(truth, estimate, rate_hz)
  axis.set_title(
      f"{example.which}: {row.record}, {row.unit}, {_told(row)}; "
      f"lag {lag.lag_s:+.1f} s, sign {lag.sign:+d}, correlation {lag.value:.2f}"
  )
  axis.set_ylabel("SD")
  axis.margins(x=0)


def _told(row: Row) -> str:
  """Truth and estimate of an error, or the value of another metric."""
  if row.is_error:
    return f"truth {row.truth:.1f}, estimate {row.estimate:.1f} {UNIT}"
  metric = metrics()[row.metric]
  return f"{metric.title}: {row.value:.{metric.decimals}f} {metric.unit}".rstrip()


def _sd(x_t: np.ndarray) -> float:
  return max(float(np.std(x_t)), SMALLEST_SD)


def _standardised(x_t: np.ndarray) -> np.ndarray:
  """A waveform of mean 0 and SD 1."""
  mean = float(np.mean(x_t))
  return (x_t - mean) / _sd(x_t)


def _lag(truth: Wave, estimate: Wave, rate_hz: float) -> LagCorrelation:
  """The best lag and sign of the estimate behind the truth."""
  truth_t = np.interp(estimate.time_s, truth.time_s, truth.x_t)
  return signed_lag_correlation(truth_t, estimate.x_t, rate_hz)


def _part(x_t: np.ndarray, rate_hz: float, row: Row) -> Wave:
  """The part of a waveform that lies in a row's window."""
  first = round(row.start_s * rate_hz)
  last = round(row.end_s * rate_hz)
  part_t = np.asarray(x_t)[first:last]
  sample_t = first + np.arange(len(part_t))
  return Wave(sample_t / rate_hz, part_t)
