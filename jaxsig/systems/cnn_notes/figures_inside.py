"""Pictures of the inside of networks: kernels, feature maps, and weights over their training."""
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import matplotlib
import matplotlib.axes
import matplotlib.figure
import numpy as np

from jaxsig.figure_style import WIDTH_IN, bare, colours_through
from jaxsig.system import Predictions

TALLEST_IN = 2.2    # a line of panels
TITLE_IN = 0.65     # what is written above and below a line
WIDEST = 6          # times its height: a line of several panels
NARROWEST = 0.7     # times its height: a panel, so that its title has room
WORKDIRS = 8        # that show themselves
EVERY_ARRAY = (2, 3, 4)   # axes
OVER_TRAINING = (3,)
IN_WORDS = {"maps": "feature maps", "alpha": "weights of S2 in C3, by training step"}


class Label(NamedTuple):
  """A text below a tile."""
  x: float
  text: str


class Panel(NamedTuple):
  """Tiles in one array, NaN between them."""
  title: str
  mosaic_y_x: np.ndarray
  labels: Sequence[Label]


class Shown(NamedTuple):
  """The arrays of one workdir's first member."""
  workdir: str   # empty where there is one
  arrays: Predictions


def draw(members: Iterable[tuple[str, Predictions]]) -> matplotlib.figure.Figure | None:
  """The arrays that networks show of themselves; None without any.

  The first member's are drawn all; of the first members of further workdirs only what came about
  in training, their rows of tiles.

  The number of axes says how an array is drawn: [r, c, y, x] as r rows of c tiles; [s, y, x] as a
  row of tiles, labelled by the numbers of `<stem>_at_s` where they are there; [y, x] as one. A tile
  of NaN stays blank, in a row it is left out. The tiles of an array share one scale, symmetric
  about zero where anything is negative.

  Args:
    members: (name, arrays); with several workdirs the name is "workdir: member".
  """
  every = _first_members(members)
  lines = []
  workdirs = 0
  for number, shown in enumerate(every):
    axes = OVER_TRAINING
    if number == 0:
      axes = EVERY_ARRAY
    prefix = ""
    if len(every) > 1:
      prefix = f"{shown.workdir}: "
    panels = list(_panels(shown.arrays, prefix, axes))
    if panels and workdirs < WORKDIRS:
      lines += _lines(panels)
      workdirs += 1
  if not lines:
    return None
  return _drawn(lines)


def _first_members(members: Iterable[tuple[str, Predictions]]) -> list[Shown]:
  """One member of each workdir."""
  first = {}
  for name, arrays in members:
    workdir, _, _ = name.rpartition(": ")
    if workdir not in first:
      first[workdir] = Shown(workdir, arrays)
  return list(first.values())


def _panels(arrays: Predictions, prefix: str, axes: Sequence[int]) -> Iterator[Panel]:
  """A panel for each array with so many axes; companions and arrays of NaN have none."""
  for name, x in arrays.items():
    if x.ndim not in axes or not np.isfinite(x).any():
      continue
    stem = name.rsplit("_", x.ndim)[0]
    x = np.where(np.isfinite(x), x, np.nan)
    labels = []
    if x.ndim == 3:
      is_reached_s = ~np.isnan(x).all((1, 2))
      x = x[is_reached_s]
      if f"{stem}_at_s" in arrays:
        labels = _labels(arrays[f"{stem}_at_s"][is_reached_s], x.shape[-1])
    missing_axes = (1,) * (4 - x.ndim)
    title = prefix + _in_words(stem)
    yield Panel(title, _mosaic(x.reshape(missing_axes + x.shape)), labels)


def _in_words(stem: str) -> str:
  """What an array is called: "feature maps of C3" for "maps_c3"."""
  kind, _, layer = stem.partition("_")
  text = IN_WORDS.get(kind, kind)
  if layer:
    text = f"{text} of {layer.upper()}"
  return text


def _labels(number_s: np.ndarray, width: int) -> list[Label]:
  """The numbers below the middles of tiles that are so many pixels wide."""
  labels = []
  for i, number in enumerate(number_s):
    if np.isfinite(number):
      middle = i * (width + 1) + (width - 1) / 2
      labels.append(Label(middle, f"{number:g}"))
  return labels


def _mosaic(tiles_r_c_y_x: np.ndarray) -> np.ndarray:
  """All tiles in one array with lines of NaN between them."""
  padding = [(0, 0), (0, 0), (0, 1), (0, 1)]
  padded = np.pad(tiles_r_c_y_x, padding, constant_values=np.nan)
  rows, columns, y, x = padded.shape
  joined = padded.swapaxes(1, 2).reshape(rows * y, columns * x)
  return joined[:-1, :-1]


def _aspect(panel: Panel) -> float:
  """Width over height."""
  height, width = panel.mosaic_y_x.shape
  return max(width / height, NARROWEST)


def _width(line: Sequence[Panel]) -> float:
  """Width over height of a line of panels."""
  return sum(_aspect(panel) for panel in line)


def _lines(panels: Sequence[Panel]) -> list[list[Panel]]:
  """Fills lines in order; a panel that is wider than a line has one of its own."""
  lines = []
  for panel in panels:
    if not lines or _width([*lines[-1], panel]) > WIDEST:
      lines.append([])
    lines[-1].append(panel)
  return lines


def _drawn(lines: Sequence[Sequence[Panel]]) -> matplotlib.figure.Figure:
  heights_in = [min(WIDTH_IN / _width(line), TALLEST_IN) for line in lines]
  total_in = sum(heights_in) + TITLE_IN * len(lines)
  figure = matplotlib.figure.Figure(figsize=(WIDTH_IN, total_in))
  ratios = [height_in + TITLE_IN for height_in in heights_in]
  grid = figure.add_gridspec(len(lines), 1, height_ratios=ratios)

  for cell, line, height_in in zip(grid, lines, heights_in):
    widths = [_aspect(panel) for panel in line]
    spare = max(WIDTH_IN / height_in - sum(widths), 1e-3)   # keeps a short line's panels as tall
    places = cell.subgridspec(1, len(line) + 1, width_ratios=[*widths, spare])
    for place, panel in zip(places, line):
      _draw_panel(figure.add_subplot(place), panel)
  return figure


def _draw_panel(axis: matplotlib.axes.Axes, panel: Panel) -> None:
  largest = max(np.nanmax(np.abs(panel.mosaic_y_x)), 1e-12)
  if np.nanmin(panel.mosaic_y_x) < 0:
    least = -largest
    colours = colours_through("C0", "white", "C1")
  else:
    least = 0
    colours = colours_through("white", matplotlib.rcParams["text.color"])
  axis.imshow(panel.mosaic_y_x, cmap=colours, vmin=least, vmax=largest, interpolation="nearest")
  axis.set_title(panel.title)
  axis.set_xlabel(f"{least:.2g} to {largest:.2g}", fontsize=8, loc="left", labelpad=2)
  axis.set_anchor("NW")
  bare(axis)
  places = [label.x for label in panel.labels]
  texts = [label.text for label in panel.labels]
  axis.set_xticks(places, texts, fontsize=8)
  axis.set_yticks([])
