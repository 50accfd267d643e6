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
    for one in pressures:
      value = getattr(one, f"{name}_mmhg")
      if value is None:
        continue
      middle_s = (one.start_s + one.end_s) / 2
      low = getattr(one, f"{name}_low_95_mmhg")
      if low is not None:
        high = getattr(one, f"{name}_high_95_mmhg")
        axes.plot([middle_s, middle_s], [low, high], color=FAINT, linewidth=2, zorder=1)
      face = OURS
      if one.quality != quality.GOOD:
        face = "none"
      axes.plot(middle_s, value, marker="o", markersize=4, color=OURS, markerfacecolor=face)
