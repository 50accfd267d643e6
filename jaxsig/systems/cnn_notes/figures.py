"""Pictures of networks: what one shows of itself, what methods pay for what they save, and which classes are confused."""
import itertools
import pathlib
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import matplotlib
import matplotlib.axes
import matplotlib.colors
import matplotlib.figure
import numpy as np

from jaxsig.errors import UserError
from jaxsig.report.page import worded

WIDTH_IN, TALLEST_IN, TITLE_IN = 9.0, 2.2, 0.65   # of a figure; of a line of panels, and of what is written above and below it
WIDEST = 6                                        # times its height: a line of several panels
WORKDIRS = 8                                      # that show themselves
MOST_NUMBERS = 20                                 # classes whose shares are written out
PLACES_PT = [(far * x, far * y) for far in (7, 14, 24)   # of a label, from its point
             for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1), (0.7, 0.7), (-0.7, 0.7), (0.7, -0.7), (-0.7, -0.7))]


class _Panel(NamedTuple):
  """Tiles in one array, NaN between them, and where the tiles' own labels stand."""
  title: str
  mosaic_y_x: np.ndarray
  labels: list[tuple[float, str]]


def shown(workdirs: Sequence[pathlib.Path]) -> matplotlib.figure.Figure | None:
  """The arrays of `members/<member>/shown.npz`, of the first member of the first workdir that has it, and of the others' first members
  what came about in training, their rows of tiles; None without any.

  The number of axes says how an array is drawn: [r, c, y, x] as r rows of c tiles; [s, y, x] as a row of tiles, labelled by the
  numbers of `<stem>_at_s` where they are there; [y, x] as one. A tile of NaN stays blank, in a row it is left out. The tiles of an
  array share one scale, symmetric about zero where anything is negative.
  """
  paths = [path for w in workdirs for path in sorted(w.glob("members/*/shown.npz"))[:1]]
  panels = [[*_panels(path, f"{path.parents[2].name}: " if len(paths) > 1 else "", (2, 3, 4) if path == paths[0] else (3,))]
            for path in paths]
  lines = [line for own in [found for found in panels if found][:WORKDIRS] for line in _lines(own)]
  if not lines:
    return None
  tall = [min(WIDTH_IN / sum(map(_aspect, line)), TALLEST_IN) for line in lines]
  figure = matplotlib.figure.Figure(figsize=(WIDTH_IN, sum(tall) + TITLE_IN * len(lines)))
  grid = figure.add_gridspec(len(lines), 1, height_ratios=np.add(tall, TITLE_IN))
  for cell, line, height in zip(grid, lines, tall):
    widths = [*map(_aspect, line)]
    spare = max(WIDTH_IN / height - sum(widths), 1e-3)   # keeps the panels of a short line as tall as their line
    for place, panel in zip(cell.subgridspec(1, len(line) + 1, width_ratios=[*widths, spare]), line):
      _draw(figure.add_subplot(place), panel)
  return figure


def _panels(path: pathlib.Path, prefix: str, axes: tuple[int, ...]) -> Iterator[_Panel]:
  """Of the arrays with so many axes."""
  with np.load(path, allow_pickle=False) as stored:
    arrays = dict(stored)
  for name, x in arrays.items():
    if x.ndim not in axes or not np.isfinite(x).any():
      continue   # a companion, or nothing to see
    stem, labels, x = name.rsplit("_", x.ndim)[0], [], np.where(np.isfinite(x), x, np.nan)
    if x.ndim == 3:
      reached = ~np.isnan(x).all((1, 2))
      x, numbers = x[reached], arrays.get(f"{stem}_at_s", np.full(len(x), np.nan))[reached]
      labels = [(i * (x.shape[-1] + 1) + (x.shape[-1] - 1) / 2, f"{at:g}") for i, at in enumerate(numbers) if np.isfinite(at)]
    yield _Panel(prefix + stem.replace("_", " "), _mosaic(x.reshape((1,) * (4 - x.ndim) + x.shape)), labels)


def _mosaic(tiles_r_c_y_x: np.ndarray) -> np.ndarray:
  padded = np.pad(tiles_r_c_y_x, [(0, 0), (0, 0), (0, 1), (0, 1)], constant_values=np.nan)
  rows, columns, y, x = padded.shape
  return padded.swapaxes(1, 2).reshape(rows * y, columns * x)[:-1, :-1]


def _aspect(panel: _Panel) -> float:
  """Width over height; what is narrow leaves room for its title."""
  height, width = panel.mosaic_y_x.shape
  return max(width / height, 0.7)


def _lines(panels: Sequence[_Panel]) -> list[list[_Panel]]:
  """Fills lines in order; a panel that is wider than a line has one of its own."""
  lines = []
  for panel in panels:
    if not lines or sum(map(_aspect, [*lines[-1], panel])) > WIDEST:
      lines.append([])
    lines[-1].append(panel)
  return lines


def _draw(axis: matplotlib.axes.Axes, panel: _Panel) -> None:
  top, signed = max(np.nanmax(np.abs(panel.mosaic_y_x)), 1e-12), np.nanmin(panel.mosaic_y_x) < 0
  colours = _through("C0", "white", "C1") if signed else _through("white", matplotlib.rcParams["text.color"])
  axis.imshow(panel.mosaic_y_x, cmap=colours, vmin=-top if signed else 0, vmax=top, interpolation="nearest")
  axis.set_title(panel.title)
  axis.set_xlabel(f"{-top if signed else 0:.2g} to {top:.2g}", fontsize=8, loc="left", labelpad=2)
  axis.set_anchor("NW")
  _bare(axis)
  axis.set_xticks([at for at, _ in panel.labels], [text for _, text in panel.labels], fontsize=8)
  axis.set_yticks([])


def _through(*colours: str) -> matplotlib.colors.Colormap:
  """A map through these colours ("C0": the style's own, of the reference); what is NaN has a faint one of edges."""
  edge = matplotlib.colors.to_rgba(matplotlib.rcParams["axes.edgecolor"], 0.55)
  return matplotlib.colors.LinearSegmentedColormap.from_list("", colours).with_extremes(bad=edge)


def _bare(axis: matplotlib.axes.Axes) -> None:
  axis.grid(visible=False)
  axis.spines[:].set_visible(False)
  axis.tick_params(length=0)


def trade(found: dict, report: dict) -> matplotlib.figure.Figure | None:
  """The primary metric's mean, with its interval, against the mean of the metric `report["against"]`: a point a method.

  A line joins a method with those that add ", " and one thing more to its name: readings of one training, of which it alone is
  labelled. A method that lacks one of the means is left out; None where all do, or where the report names no such metric.

  Raises:
    UserError: report.against is none of the report's metrics.
  """
  if not (against := report.get("against")):
    return None
  if against not in found["metrics"]:
    raise UserError(f"report.against names {against!r}, which the report does not aggregate: add it to report.metrics")
  points = _points(*(found["metrics"][name]["methods"] for name in (against, report["primary"])))
  if not points:
    return None
  error, unit = found["metrics"][report["primary"]]["is_error"], f" ({report['unit']})" if report.get("unit") else ""
  figure = matplotlib.figure.Figure(figsize=(WIDTH_IN, 5.4))
  axis = figure.subplots()
  axis.set(xlabel=against, ylabel=worded(f"mean absolute error{unit}" if error else report["primary"], report))
  axis.margins(0.1)
  labels, segments, colours = [], [], (f"C{1 + i % 7}" for i in itertools.count())
  families = _families([m for m in found["methods"] if m in points])
  for family in sorted(families, key=lambda family: (found["reference"] not in family, -len(family))):
    ours, alone = found["reference"] in family, len(family) == 1
    colour = "C0" if ours else matplotlib.rcParams["xtick.color"] if alone else next(colours)
    segments += _line(axis, sorted(points[m] for m in family), colour)
    name = min(family, key=len)
    labels.append((name, points[name][:2], colour))
  _label(axis, labels, segments)
  return figure


def _points(along: dict, up: dict) -> dict[str, tuple]:
  """{method: (x, y, low, high)} of those that have both means."""
  both = {m: (along[m]["kept"], up[m]["kept"]) for m in along if m in up}
  every = {m: (x["mean"], y["mean"], y["low"], y["high"]) for m, (x, y) in both.items()}
  return {m: point for m, point in every.items() if None not in point[:2]}


def _families(methods: list[str]) -> list[list[str]]:
  """"a" with its readings "a, b" and "a, c"; where "a (workdir)" tells two trainings apart, those are "a, b (workdir)"."""
  whole = {m: re.sub(r", [^,]*?( \([^()]*\))?$", r"\1", m) for m in methods}
  heads = {w for m, w in whole.items() if w != m and w in methods}
  families = defaultdict(list)
  for method in methods:
    families[whole[method] if whole[method] in heads and method not in heads else method].append(method)
  return list(families.values())


def _line(axis: matplotlib.axes.Axes, points: list[tuple], colour: str) -> list[tuple]:
  """Draws points (x, y, low, high) in order, and returns all strokes as ((x, y), (x, y))."""
  x, y, low, high = zip(*points)
  axis.plot(x, y, "o-", color=colour, lw=1.3, ms=6, mec="white")
  bars = [((at, a), (at, b)) for at, a, b in zip(x, low, high) if a is not None]
  for bar in bars:
    axis.plot(*zip(*bar), color=colour, lw=1.3, alpha=0.6, zorder=1.9)
  ends = list(zip(x, y))
  return [*zip(ends, ends[1:] or ends), *bars]


def _label(axis: matplotlib.axes.Axes, labels: list[tuple], segments: list[tuple]) -> None:
  """Puts each (text, (x, y), colour) beside its point, where it hides least of the strokes; one that would hide another is left out."""
  axis.figure.draw_without_rendering()   # lays the axes out
  strokes = axis.transData.transform(np.concatenate([np.linspace(*segment, 30) for segment in segments]))
  placed = []
  for text, at, colour in labels:
    tried = [_beside(axis, text, at, place, colour) for place in PLACES_PT]
    boxes = [label.get_window_extent() for label in tried]
    costs = [(2 - axis.bbox.count_contains(box.get_points()), box.count_overlaps(placed), box.count_contains(strokes)) for box in boxes]
    best = costs.index(min(costs))
    free = not costs[best][1]
    placed += [boxes[best]] * free
    for label in tried[:best] + tried[best + free:]:
      label.remove()


def _beside(axis: matplotlib.axes.Axes, text: str, at: tuple, place_pt: tuple, colour: str) -> Any:
  side = [int(np.sign(x)) for x in place_pt]
  return axis.annotate(text, at, place_pt, textcoords="offset points", color=colour, fontsize=8.5,
                       ha=("center", "left", "right")[side[0]], va=("center", "bottom", "top")[side[1]])


def confusion(workdirs: Sequence[pathlib.Path], reference: str) -> matplotlib.figure.Figure | None:
  """Of each true class, the per cent that the method `reference` gave to each class; None where it tells no classes.

  Counts the records of all members of the first workdir with predictions of `probability_b_k`, [n, k], and `label_b`, [n]: the
  true class 0..k - 1, or anything else (or NaN) where there is none, among them or in the prepared record. An example without a
  label or a finite probability is left out. A class is called as `class_k` among the predictions says, or by its number.
  """
  found = next(((counts, names) for w in workdirs for counts, names in [_counts(w, reference)] if np.any(counts)), None)
  if found is None:
    return None
  counts, names = found
  k = len(counts)
  with np.errstate(invalid="ignore"):
    share_k_k = 100 * counts / counts.sum(1, keepdims=True)
  figure = matplotlib.figure.Figure(figsize=(WIDTH_IN, 1.6 + 0.42 * k))
  axis = figure.subplots()
  axis.imshow(share_k_k, cmap=_through("white", "C0"), norm=matplotlib.colors.PowerNorm(0.5, 0, 100), aspect="auto")
  for (true, told), share in np.ndenumerate(share_k_k):
    if share > 0 and k <= MOST_NUMBERS:
      axis.text(told, true, f"{share:.{1 if share < 9.95 else 0}f}", ha="center", va="center", fontsize=8.5,
                color="white" if share > 30 else None)
  _bare(axis)
  axis.set_xticks(range(k), names or range(k), rotation=35 if names else 0, ha="right" if names else "center")
  axis.set_yticks(range(k), names or range(k))
  axis.set(xlabel=f"answer of {reference} (% of the row)", ylabel="true class")
  return figure


def _counts(workdir: pathlib.Path, method: str) -> tuple[np.ndarray | int, list[str]]:
  """[true class, answer] of all members and the classes' names; 0 where the method tells no probabilities, or nothing knows the labels."""
  total, names = 0, []
  for path in sorted(p for p in workdir.glob("predictions/*/*/*.npz") if p.parent.name == method):
    prepared = path.parents[1] / "_prepared" / path.name
    told, prepared = _read(path), _read(prepared) if prepared.is_file() else {}
    if "probability_b_k" in told and "label_b" in {**prepared, **told}:
      probability_b_k, k = told["probability_b_k"], told["probability_b_k"].shape[1]
      label_b = told["label_b"] if "label_b" in told else prepared["label_b"][told.get("index_b", slice(None))]
      known_b = np.isin(label_b, np.arange(k)) & np.isfinite(probability_b_k).all(1)
      pair_b = label_b[known_b].astype(int) * k + probability_b_k[known_b].argmax(1)
      total, names = total + np.bincount(pair_b, minlength=k * k).reshape(k, k), list(told.get("class_k", ()))
  return total, names


def _read(path: pathlib.Path) -> dict[str, np.ndarray]:
  with np.load(path, allow_pickle=False) as stored:
    return {name: stored[name] for name in ("probability_b_k", "label_b", "index_b", "class_k") if name in stored.files}
