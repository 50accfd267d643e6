"""The figures that phase retrieval adds to a report: truth and every method's images side by side.

They are drawn from what `protocol.keep` stores: `aligned_b_y_x`, `truth_b_y_x` and `index_b`.
"""
import functools
from collections.abc import Mapping, Sequence

import matplotlib.figure
import numpy as np

from jaxsig.system import Figure, Material, Predictions

MOST = 6   # images

Images = Mapping[int, np.ndarray]   # an image [y, x] by its number in the record


def figures(material: Material) -> list[Figure]:
  """The figures that this system adds to a report."""
  return [Figure(
      name="pictures",
      title="Truth and every method, aligned",
      note=("The same images for all methods, evenly spread. Each picture from zero to the maximum "
            "of its truth."),
      draw=functools.partial(mosaic, material),
  )]


def mosaic(material: Material) -> matplotlib.figure.Figure | None:
  """Truth and methods side by side, an image a row; None where no image is stored of all.

  Of each method the first stored record with images counts.
  """
  columns = {}
  for method in material.methods:
    stored = _first_with_images(material, method)
    if stored is None:
      continue
    if "truth" not in columns:
      columns["truth"] = _by_number(stored, "truth_b_y_x")
    columns[method] = _by_number(stored, "aligned_b_y_x")

  numbers = _chosen(list(columns.values()))
  if not numbers:
    return None

  rows = []
  for number in numbers:
    truth_y_x = columns["truth"][number]
    row = [_grey(images[number], truth_y_x) for images in columns.values()]
    rows.append(np.concatenate(row, 1))
  names = [str(number) for number in numbers]
  return _drawn(np.concatenate(rows), list(columns), names)


def _first_with_images(material: Material, method: str) -> Predictions | None:
  """The first stored record of a method that holds aligned images."""
  for stored in material.records(method):
    if "aligned_b_y_x" in stored and len(stored["aligned_b_y_x"]):
      return stored
  return None


def _by_number(stored: Predictions, name: str) -> Images:
  return dict(zip(stored["index_b"].tolist(), stored[name], strict=True))


def _chosen(columns: Sequence[Images]) -> list[int]:
  """Numbers of at most MOST of the images that all columns have, evenly spread."""
  if not columns:
    return []
  shared = set(columns[0])
  for images in columns[1:]:
    shared &= set(images)
  if not shared:
    return []

  in_order = sorted(shared)
  places = np.linspace(0, len(in_order) - 1, MOST).astype(int)
  return [in_order[place] for place in np.unique(places)]


def _grey(image_y_x: np.ndarray, truth_y_x: np.ndarray) -> np.ndarray:
  """Grey values from 0 to 1, which is the truth's maximum, with a white line right and below.

  Complex images are shown by their modulus.
  """
  if np.iscomplexobj(image_y_x):
    value_y_x = np.abs(image_y_x)
  else:
    value_y_x = np.maximum(image_y_x, 0)
  scale = max(float(np.abs(truth_y_x).max()), 1e-12)
  grey_y_x = np.clip(np.nan_to_num(value_y_x) / scale, 0, 1)
  return np.pad(grey_y_x, ((0, 1), (0, 1)), constant_values=1)


def _drawn(
    mosaic_y_x: np.ndarray,
    columns: Sequence[str],
    rows: Sequence[str],
) -> matplotlib.figure.Figure:
  """The mosaic with the names of its columns and rows as ticks."""
  side_y = mosaic_y_x.shape[0] / len(rows)
  side_x = mosaic_y_x.shape[1] / len(columns)
  longest_name = max(len(name) for name in columns)
  height = 9 * len(rows) / max(len(columns), 6) + 0.6 + 0.035 * longest_name

  figure = matplotlib.figure.Figure(figsize=(9, height))
  axis = figure.subplots()
  axis.imshow(mosaic_y_x, cmap="gray", vmin=0, vmax=1, interpolation="nearest")

  middle_x = (np.arange(len(columns)) + 0.5) * side_x
  middle_y = (np.arange(len(rows)) + 0.5) * side_y
  axis.set_xticks(middle_x, columns, rotation=35, ha="right")
  axis.set_yticks(middle_y, rows)

  axis.set_anchor("N")
  axis.grid(visible=False)
  axis.spines[:].set_visible(False)
  axis.tick_params(length=0)
  return figure
