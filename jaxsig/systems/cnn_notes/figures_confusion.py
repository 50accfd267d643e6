"""The confusion matrix of a method: which classes it takes for which."""
from collections.abc import Iterable
from typing import NamedTuple

import matplotlib.axes
import matplotlib.figure
import numpy as np

from jaxsig.figure_style import WIDTH_IN, bare, colours_through
from jaxsig.system import Predictions

MOST_NUMBERS = 20       # classes whose shares are written out
LIGHT_ABOVE = 30        # per cent: the number in a darker cell is white
BOTTOM_IN = 1.6         # height of the figure without its rows
ROW_IN = 0.42
SHARPEST = 9.95         # per cent: below, a number has one decimal


class Confusion(NamedTuple):
  """How often each class was answered with each."""
  count_k_k: np.ndarray     # [true class, answer]
  classes: tuple[str, ...]  # empty where the predictions do not name them


def count(records: Iterable[Predictions]) -> Confusion | None:
  """Counts the answers of predicted records; None where no label is known.

  An image without a label in 0..k - 1 or without finite probabilities is left out.

  Args:
    records: with `probability_b_k`, `label_b` and maybe `class_k`, the names of the classes.
  """
  count_k_k = None
  classes = ()
  for predictions in records:
    if "probability_b_k" not in predictions or "label_b" not in predictions:
      continue
    own_k_k = _counts(predictions["probability_b_k"], predictions["label_b"])
    if count_k_k is None:
      count_k_k = np.zeros_like(own_k_k)
    count_k_k += own_k_k
    classes = tuple(str(name) for name in predictions.get("class_k", ()))

  if count_k_k is None or not count_k_k.any():
    return None
  return Confusion(count_k_k, classes)


def _counts(probability_b_k: np.ndarray, label_b: np.ndarray) -> np.ndarray:
  """[true class, answer] of one record."""
  k = probability_b_k.shape[1]
  is_finite_b = np.isfinite(probability_b_k).all(1)
  is_known_b = np.isin(label_b, np.arange(k)) & is_finite_b
  true_b = label_b[is_known_b].astype(int)
  answer_b = probability_b_k[is_known_b].argmax(1)
  return np.bincount(true_b * k + answer_b, minlength=k * k).reshape(k, k)


def draw(records: Iterable[Predictions], method: str) -> matplotlib.figure.Figure | None:
  """Per cent of each true class that a method gave to each class; None without labels.

  Args:
    records: predictions of all members: see `count`.
    method: for the axis label.
  """
  confusion = count(records)
  if confusion is None:
    return None
  total_k_1 = confusion.count_k_k.sum(1, keepdims=True)
  with np.errstate(invalid="ignore"):
    share_k_k = 100 * confusion.count_k_k / total_k_1   # NaN of a class without images

  k = len(share_k_k)
  figure = matplotlib.figure.Figure(figsize=(WIDTH_IN, BOTTOM_IN + ROW_IN * k))
  axis = figure.subplots()
  axis.imshow(
      share_k_k,
      cmap=colours_through("white", "C0"),
      norm=matplotlib.colors.PowerNorm(0.5, 0, 100),
      aspect="auto",
  )
  if k <= MOST_NUMBERS:
    _write_shares(axis, share_k_k)
  bare(axis)
  _name_classes(axis, k, confusion.classes)
  axis.set(xlabel=f"answer of {method} (% of the row)", ylabel="true class")
  return figure


def _write_shares(axis: matplotlib.axes.Axes, share_k_k: np.ndarray) -> None:
  for (true, answer), share in np.ndenumerate(share_k_k):
    if not share > 0:
      continue
    text = f"{share:.0f}"
    if share < SHARPEST:
      text = f"{share:.1f}"
    colour = None
    if share > LIGHT_ABOVE:
      colour = "white"
    axis.text(answer, true, text, ha="center", va="center", fontsize=8.5, color=colour)


def _name_classes(axis: matplotlib.axes.Axes, k: int, classes: tuple[str, ...]) -> None:
  places = range(k)
  if classes:
    axis.set_xticks(places, classes, rotation=35, ha="right")
    axis.set_yticks(places, classes)
  else:
    axis.set_xticks(places, places)
    axis.set_yticks(places, places)
