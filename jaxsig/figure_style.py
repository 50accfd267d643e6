"""The look of all figures: style, colours, and axes in a grid."""
import textwrap
from collections.abc import Sequence

import matplotlib
import matplotlib.axes
import matplotlib.colors
import matplotlib.figure
import numpy as np

INK = "#1f2933"        # text and truths
MUTED = "#7b8794"      # what is beside the point
EDGE = "#9aa5b1"
FAINT = "#e8ecf0"      # grids and shades
OURS = "#0b7285"       # the method that a report is about
BASELINE = "#6b7f99"   # another method in a panel of its own
ACCENT = "#d9602b"     # marks and warnings
OTHERS = (             # other methods that share one panel
    "#d9602b",
    "#6b7f99",
    "#8a5fbf",
    "#3f8f4f",
    "#c29a1c",
    "#b0466f",
    "#4a4a4a",
)

STYLE = {
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": EDGE,
    "grid.color": FAINT,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.prop_cycle": matplotlib.cycler(color=(OURS, *OTHERS)),   # "C0" is ours
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 200,
}

WIDTH_IN = 9.0                # of every figure
CHARACTERS_PER_IN = 12        # of a label
PANEL_TITLE_CHARACTERS = 34   # of a panel, of which three share the width
MARK_IN = 1.2                 # of SIMULATED and LEAKS above a figure, at the left


def grid(
    n: int,
    height_in: float,
    columns: int = 3,
    share: bool = False,
) -> tuple[matplotlib.figure.Figure, list[matplotlib.axes.Axes]]:
  """A figure and its n axes, filled line by line.

  Args:
    n: axes.
    height_in: of each line.
    columns: at most.
    share: x and y ranges in common.
  """
  lines = -(-n // columns)
  columns = min(columns, n)
  figure = matplotlib.figure.Figure(figsize=(WIDTH_IN, 0.6 + height_in * lines))
  axes = figure.subplots(lines, columns, squeeze=False, sharex=share, sharey=share)
  for axis in axes.flat[n:]:
    axis.set_visible(False)
  return figure, list(axes.flat[:n])


def fitted(text: str, length_in: float) -> str:
  """A label in so many lines that each fits along an axis of that length."""
  characters = int(length_in * CHARACTERS_PER_IN)
  return textwrap.fill(text, max(characters, 20))


def panel_title(text: str) -> str:
  """A title in lines that fit above one of three panels."""
  return textwrap.fill(text, PANEL_TITLE_CHARACTERS)


def legend_columns(names: Sequence[str], most: int = 4) -> int:
  """How many columns of a legend fit beside the marks above a figure."""
  longest = max(len(name) for name in names)
  column_in = 0.7 + longest / CHARACTERS_PER_IN
  fitting = int((WIDTH_IN - MARK_IN) / column_in)
  return max(1, min(most, fitting, len(names)))


def panels(
    names: Sequence[str],
    ours: str,
    xlabel: str,
    ylabel: str,
) -> tuple[matplotlib.figure.Figure, list[matplotlib.axes.Axes]]:
  """A figure with a panel for each method, all of one range, with a line at zero."""
  figure, axes = grid(len(names), 2.5, share=True)
  for i, (name, axis) in enumerate(zip(names, axes)):
    axis.set_title(panel_title(name), color=text_colour(name, ours), weight=weight(name, ours))
    axis.axhline(0, color=MUTED, lw=0.8)
    axis.tick_params(labelbottom=i + 3 >= len(names))
  figure.supxlabel(fitted(xlabel, WIDTH_IN - 1), fontsize=10)
  figure.supylabel(fitted(ylabel, figure.get_figheight() - 0.5), fontsize=10)
  return figure, axes


def colour(name: str, ours: str) -> str:
  """The colour of a method's marks in a panel of its own."""
  if name == ours:
    return OURS
  return BASELINE


def text_colour(name: str, ours: str) -> str:
  """The colour of a method's name."""
  if name == ours:
    return OURS
  return INK


def weight(name: str, ours: str) -> str:
  """The weight of a method's name."""
  if name == ours:
    return "bold"
  return "normal"


def colours_through(*colours: str) -> matplotlib.colors.Colormap:
  """A colour map through these colours ("C0": ours); NaN has a faint one of edges."""
  edge = matplotlib.colors.to_rgba(matplotlib.rcParams["axes.edgecolor"], 0.55)
  colour_map = matplotlib.colors.LinearSegmentedColormap.from_list("", colours)
  return colour_map.with_extremes(bad=edge)


def bare(axis: matplotlib.axes.Axes) -> None:
  """Takes grid, frame and tick marks away."""
  axis.grid(visible=False)
  axis.spines[:].set_visible(False)
  axis.tick_params(length=0)


def columns(pairs: Sequence[tuple[float, float]]) -> np.ndarray:
  """[2, n]: the x and the y of points, of none too."""
  return np.reshape(pairs, (-1, 2)).T
