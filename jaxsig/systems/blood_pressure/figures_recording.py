"""A picture of one user's recording: the pressures with their intervals, and the readings."""
import pathlib
from collections.abc import Sequence

import matplotlib
import matplotlib.axes
import matplotlib.figure
import numpy as np

from jaxsig.figure_style import ACCENT, FAINT, OURS, STYLE
from jaxsig.system import Told
from jaxsig.systems.blood_pressure import quality
from jaxsig.systems.blood_pressure.pressures import Pressure


def draw_recording(told: Told, pressures: Sequence[Pressure], path: pathlib.Path) -> None:
  """Draws the PPG, both pressures with 95 % intervals, and a cuff's readings to a file."""
  with matplotlib.rc_context(STYLE):
    figure = matplotlib.figure.Figure(figsize=(8, 5))
    signal, pressure = figure.subplots(2, 1, sharex=True, height_ratios=(1, 3))
    _draw_signal(signal, told)
    _draw_pressures(pressure, pressures)
    for time_s, sbp, dbp in told.record.info.get("readings", ()):
      pressure.plot([time_s, time_s], [dbp, sbp], color=ACCENT, marker="_", label="cuff")
    pressure.set_xlabel("time (s)")
    pressure.set_ylabel("mmHg")
    pressure.set_title("Systolic and diastolic pressure, with 95 % intervals")
    figure.savefig(path)


def _draw_signal(axes: matplotlib.axes.Axes, told: Told) -> None:
  ppg_t = np.asarray(told.record.signals["ppg_t"])
  step = max(1, len(ppg_t) // 4000)
  time_s = np.arange(len(ppg_t))[::step] / told.record.rate_hz
  axes.plot(time_s, ppg_t[::step], color=OURS, linewidth=0.5)
  axes.set_ylabel("PPG")
  for start_s, end_s in told.lost_s:
    axes.axvspan(start_s, end_s, color=FAINT)


def _draw_pressures(axes: matplotlib.axes.Axes, pressures: Sequence[Pressure]) -> None:
  for name in ("sbp", "dbp"):
    known = [one for one in pressures if getattr(one, f"{name}_mmhg") is not None]
    _draw_intervals(axes, known, name)
    for is_good, face in ((True, OURS), (False, "none")):
      own = [one for one in known if (one.quality == quality.GOOD) == is_good]
      values = [getattr(one, f"{name}_mmhg") for one in own]
      axes.plot(
          _middles_s(own), values, linestyle="none", marker="o", markersize=4, color=OURS,
          markerfacecolor=face)


def _draw_intervals(axes: matplotlib.axes.Axes, known: Sequence[Pressure], name: str) -> None:
  own = [one for one in known if getattr(one, f"{name}_low_95_mmhg") is not None]
  lows = [getattr(one, f"{name}_low_95_mmhg") for one in own]
  highs = [getattr(one, f"{name}_high_95_mmhg") for one in own]
  axes.vlines(_middles_s(own), lows, highs, color=FAINT, linewidth=2, zorder=1)


def _middles_s(pressures: Sequence[Pressure]) -> list[float]:
  return [(one.start_s + one.end_s) / 2 for one in pressures]
