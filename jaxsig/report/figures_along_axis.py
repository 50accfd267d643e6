"""The pictures of a report along one setting."""
import math
import pathlib
import textwrap
from collections.abc import Sequence

import matplotlib.figure
import numpy as np

from jaxsig.report.along_axis import is_error, kept, numbers
from jaxsig.report.figures import INK, OTHERS, OURS, drawn
from jaxsig.report.page import Picture, worded

MARKERS = "osD^vP"   # six, with the seven colours of OTHERS: no two of 42 methods look alike
WIDE = 20            # of positive values that span more than this factor, the logarithm is drawn


def draw(rows: list[dict], found: dict, report: dict, workdirs: Sequence[pathlib.Path], folder: pathlib.Path) -> list[Picture]:
  """Draws the primary metric along the setting, and the learning curves, into `folder`; for the arguments see `plots.draw`."""
  error = is_error(found, report["primary"])
  unit = f" ({report['unit']})" if error and report.get("unit") else ""
  label = worded(("mean absolute error" if error else report["primary"]) + unit, report)
  figures, at = {m: kept(found, report["primary"], m) for m in found["methods"]}, numbers(found)
  dotted = " Dotted: the step to infinity." if math.inf in at.values() else ""
  axis = ("axis", f"{report['primary']} along {found['axis']}", lambda: _lines(figures, at, found, label, 0 if error else None),
          f"Means over patients with their 95 % intervals; methods are set a little apart at each value.{dotted}")
  return drawn([axis], report, found["simulated"], workdirs, folder)


def places(values: Sequence[float]) -> list[float]:
  """Where ascending values stand: by their logarithm if the finite ones span a wide range; infinity one mean step after them."""
  finite = [v for v in values if math.isfinite(v)]
  wide = len(finite) > 1 and finite[0] > 0 and finite[-1] > WIDE * finite[0]
  place = [math.log10(v) if wide else float(v) for v in finite]
  step = (place[-1] - place[0]) / (len(place) - 1) if len(place) > 1 else 1.0
  return place + [place[-1] + step if place else 0.0] * (len(values) - len(finite))


def _lines(figures: dict[str, dict], numbers: dict[str, float], found: dict, label: str,
           bottom: float | None) -> matplotlib.figure.Figure | None:
  figures = {m: by_value for m, by_value in figures.items() if by_value.keys() & numbers.keys()}
  if not figures:
    return None
  at, looks = places([*numbers.values()]), _looks([*figures], found["reference"])
  apart = np.linspace(-1, 1, len(figures) + 2)[1:-1] * 0.02 * ((at[-1] - at[0]) or 1)
  figure = matplotlib.figure.Figure(figsize=(9, max(4.2, 1 + 0.3 * len(figures))))
  axis = figure.subplots()
  for (name, by_value), shift in zip(figures.items(), apart):
    none = {"mean": math.nan, "low": None, "high": None}   # a gap in the line
    _line(axis, np.add(at, shift), [by_value.get(v, none) for v in numbers], math.inf in numbers.values(), looks[name])
  axis.set_xticks(at, numbers)
  axis.set(xlabel=found["axis"], ylabel=label, ylim=(bottom, None))
  axis.grid(axis="x", visible=False)
  legend = figure.legend(*axis.get_legend_handles_labels(), loc="outside right upper", fontsize=9)
  for text, name in zip(legend.get_texts(), figures):
    text.set(color=OURS if name == found["reference"] else INK, weight="bold" if name == found["reference"] else "normal")
  return figure


def _looks(names: Sequence[str], ours: str) -> dict[str, dict]:
  rivals = [m for m in names if m != ours]
  look = {m: {"color": OTHERS[i % len(OTHERS)], "marker": MARKERS[i % len(MARKERS)], "lw": 1.3, "ms": 4.5}
          for i, m in enumerate(rivals)}
  look[ours] = {"color": OURS, "marker": "o", "lw": 2.6, "ms": 6.5, "zorder": 3}
  return {m: {**x, "label": textwrap.fill(m, 26)} for m, x in look.items()}


def _line(axis: matplotlib.axes.Axes, at: np.ndarray, figures: list[dict], infinite: bool, look: dict) -> None:
  mean, finite = [x["mean"] for x in figures], len(at) - infinite
  last = max(finite - 1, 0)
  axis.plot(at[:finite], mean[:finite], **look)
  axis.plot(at[last:], mean[last:], **{**look, "ls": ":", "label": None})
  bars = [(x, f["low"], f["high"]) for x, f in zip(at, figures) if f["low"] is not None]
  axis.vlines(*np.reshape(bars, (-1, 3)).T, color=look["color"], lw=look["lw"], alpha=0.6)
