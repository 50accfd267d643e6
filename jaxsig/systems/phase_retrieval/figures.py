"""Pictures of what methods made of the same units: predictions that hold `aligned_b_y_x`, and the truth that ours were told."""
import pathlib
from collections.abc import Sequence

import matplotlib.figure
import numpy as np

MOST = 6   # units


def mosaic(methods: Sequence[str], workdirs: Sequence[pathlib.Path]) -> matplotlib.figure.Figure | None:
  """Truth and methods side by side, a unit a row; None where predictions are no images.

  Of each method the first workdir counts that has it, and of that its first member and record.
  """
  found = {m: x for m in methods if (x := _stored(m, workdirs))}
  truths = next((x["truth_b_y_x"] for x in found.values() if "truth_b_y_x" in x), None)
  if truths is None:
    return None
  by_index = {m: dict(zip(x.get("index_b", np.arange(len(x["aligned_b_y_x"]))), x["aligned_b_y_x"])) for m, x in found.items()}
  shared = sorted(set.intersection(*map(set, by_index.values())))
  chosen = [shared[i] for i in np.unique(np.linspace(0, len(shared) - 1, MOST).astype(int))] if shared else []
  if not chosen:
    return None
  columns = {"truth": dict(enumerate(truths)), **by_index}
  rows = [np.concatenate([_shown(images[i], truths[i]) for images in columns.values()], 1) for i in chosen]
  return _drawn(np.concatenate(rows), list(columns), [str(i) for i in chosen])


def _stored(method: str, workdirs: Sequence[pathlib.Path]) -> dict | None:
  for workdir in workdirs:
    for path in sorted(workdir.glob("predictions/*/*/*.npz")):
      if path.parent.name == method:
        with np.load(path, allow_pickle=False) as stored:
          if "aligned_b_y_x" in stored.files and len(stored["aligned_b_y_x"]):
            return {k: stored[k] for k in ("aligned_b_y_x", "truth_b_y_x", "index_b") if k in stored.files}
  return None


def _shown(image_y_x: np.ndarray, truth_y_x: np.ndarray) -> np.ndarray:
  """Of 0 to 1, the truth's maximum; complex images by their modulus; a white line to the right and below."""
  scale = max(float(np.abs(truth_y_x).max()), 1e-12)
  grey = np.abs(image_y_x) if np.iscomplexobj(image_y_x) else np.maximum(image_y_x, 0)
  return np.pad(np.clip(np.nan_to_num(grey) / scale, 0, 1), ((0, 1), (0, 1)), constant_values=1)


def _drawn(mosaic_y_x: np.ndarray, columns: list[str], rows: list[str]) -> matplotlib.figure.Figure:
  side_y, side_x = mosaic_y_x.shape[0] / len(rows), mosaic_y_x.shape[1] / len(columns)
  figure = matplotlib.figure.Figure(figsize=(9, 9 * len(rows) / max(len(columns), 6) + 1.6))
  axis = figure.subplots()
  axis.imshow(mosaic_y_x, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
  axis.set_xticks((np.arange(len(columns)) + 0.5) * side_x, columns, rotation=35, ha="right")
  axis.set_yticks((np.arange(len(rows)) + 0.5) * side_y, rows)
  axis.grid(visible=False)
  axis.spines[:].set_visible(False)
  axis.tick_params(length=0)
  return figure
