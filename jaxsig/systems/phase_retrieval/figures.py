"""Pictures of what several methods reconstructed from the same measurements, beside the truth.

They are drawn from stored predictions that hold `aligned_b_y_x`; the truth, `truth_b_y_x`, is
stored with those of a trained network.
"""
import pathlib
from collections.abc import Mapping, Sequence

import matplotlib.figure
import numpy as np

MOST = 6   # units
FIELDS = ("aligned_b_y_x", "truth_b_y_x", "index_b")

Images = Mapping[int, np.ndarray]   # an image [y, x] by the number of its unit


def mosaic(
    methods: Sequence[str],
    workdirs: Sequence[pathlib.Path],
) -> matplotlib.figure.Figure | None:
  """Truth and methods side by side, a unit a row; None where predictions are no images.

  Of each method the first workdir counts that has it, and of that its first member and record.
  """
  truths = None
  images_of = {}
  for method in methods:
    stored = _stored(method, workdirs)
    if stored is None:
      continue
    images_of[method] = _by_unit(stored)
    if truths is None:
      truths = stored.get("truth_b_y_x")
  if truths is None:
    return None

  units = _chosen_units(list(images_of.values()))
  if not units:
    return None

  columns = {"truth": dict(enumerate(truths)), **images_of}
  rows = []
  for unit in units:
    row = [_grey(images[unit], truths[unit]) for images in columns.values()]
    rows.append(np.concatenate(row, 1))

  unit_names = [str(unit) for unit in units]
  return _drawn(np.concatenate(rows), list(columns), unit_names)


def _stored(method: str, workdirs: Sequence[pathlib.Path]) -> dict[str, np.ndarray] | None:
  """The first stored predictions of a method that hold aligned images, and None without any."""
  for workdir in workdirs:
    for path in sorted(workdir.glob("predictions/*/*/*.npz")):
      if path.parent.name != method:
        continue

      with np.load(path, allow_pickle=False) as stored:
        if "aligned_b_y_x" not in stored.files or not len(stored["aligned_b_y_x"]):
          continue
        return {name: stored[name] for name in FIELDS if name in stored.files}
  return None


def _by_unit(stored: Mapping[str, np.ndarray]) -> Images:
  """Aligned images by the numbers of their units; without numbers, they are 0, 1, 2, ..."""
  aligned = stored["aligned_b_y_x"]
  numbers = stored.get("index_b", np.arange(len(aligned)))
  return dict(zip(numbers, aligned))


def _chosen_units(images_of_methods: Sequence[Images]) -> list[int]:
  """At most MOST of the units that all methods have, evenly spread."""
  shared = set(images_of_methods[0])
  for images in images_of_methods[1:]:
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
  scale = max(float(np.abs(truth_y_x).max()), 1e-12)
  if np.iscomplexobj(image_y_x):
    value_y_x = np.abs(image_y_x)
  else:
    value_y_x = np.maximum(image_y_x, 0)

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
  height = 9 * len(rows) / max(len(columns), 6) + 1.6

  figure = matplotlib.figure.Figure(figsize=(9, height))
  axis = figure.subplots()
  axis.imshow(mosaic_y_x, cmap="gray", vmin=0, vmax=1, interpolation="nearest")

  middle_x = (np.arange(len(columns)) + 0.5) * side_x
  middle_y = (np.arange(len(rows)) + 0.5) * side_y
  axis.set_xticks(middle_x, columns, rotation=35, ha="right")
  axis.set_yticks(middle_y, rows)

  axis.grid(visible=False)
  axis.spines[:].set_visible(False)
  axis.tick_params(length=0)
  return figure
