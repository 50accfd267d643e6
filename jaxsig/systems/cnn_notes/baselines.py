"""Classifiers of images without a network, and a constant: what a trained network must beat."""
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from jaxsig.data.records import Record
from jaxsig.system import Baseline, Predictions
from jaxsig.systems.cnn_notes.score import probabilities

NEIGHBOURS = 5
_AT_ONCE = 500   # images whose distances to all others fit in memory
_RIDGE = 1e-3    # of the mean square of a pixel: settles only pixels that are always dark

Classify = Callable[..., np.ndarray]   # (what was fitted, x_b_p) -> output_b_k


class Pixels(NamedTuple):
  """Training images and their classes."""
  x_t_p: np.ndarray     # [images, pixels] from 0 to 1
  one_t_k: np.ndarray   # [images, classes], 1 at an image's own class, else 0


def methods() -> dict[str, Baseline]:
  """{name: Baseline}; each predicts outputs [b, k] of a record's images.

  The largest output of an image is its answer.
  """
  return {
      "constant": Baseline(
          fit=_fit_constant,
          predict=_predict_by(_constant),
          title="Constant: the shares of the classes among the training images",
      ),
      "nearest class mean": Baseline(
          fit=_fit_means,
          predict=_predict_by(_nearest_mean),
          title="Nearest class mean: the class whose mean image is nearest",
      ),
      "linear (least squares)": Baseline(
          fit=_fit_linear,
          predict=_predict_by(_linear),
          title="Linear map of the pixels by least squares",
      ),
      f"{NEIGHBOURS} nearest neighbours": Baseline(
          fit=_pixels,
          predict=_predict_by(_neighbours),
          title=f"Vote of the {NEIGHBOURS} nearest training images",
      ),
  }


def _predict_by(classify: Classify) -> Callable[..., Predictions]:
  """(what was fitted, record) -> predictions, by a function of the pixels."""
  def predict(fitted: object, record: Record) -> Predictions:
    output_b_k = classify(fitted, _flat(record))
    return {
        "output_b_k": output_b_k,
        "probability_b_k": probabilities(output_b_k),
        "label_b": np.asarray(record.annotations["label_t"], np.int32),
    }

  return predict


def _flat(record: Record) -> np.ndarray:
  """[t, pixels] from 0 to 1."""
  image_t_y_x = np.asarray(record.signals["image_t_y_x"])
  return image_t_y_x.reshape(len(image_t_y_x), -1).astype(np.float32) / 255


def _pixels(records: Sequence[Record]) -> Pixels:
  """The images of all records with their classes."""
  label_t = np.concatenate([record.annotations["label_t"] for record in records]).astype(int)
  classes = label_t.max() + 1
  x_t_p = np.concatenate([_flat(record) for record in records])
  return Pixels(x_t_p, np.eye(classes, dtype=np.float32)[label_t])


def _fit_constant(records: Sequence[Record]) -> np.ndarray:
  """[k] log shares of the classes."""
  share_k = _pixels(records).one_t_k.mean(0)
  return np.log(share_k + 1e-6)


def _constant(log_share_k: np.ndarray, x_b_p: np.ndarray) -> np.ndarray:
  return np.tile(log_share_k, (len(x_b_p), 1))


def _fit_means(records: Sequence[Record]) -> np.ndarray:
  """[k, pixels] mean image of each class."""
  x_t_p, one_t_k = _pixels(records)
  count_k = one_t_k.sum(0)
  return one_t_k.T @ x_t_p / np.maximum(count_k[:, None], 1)


def _nearest_mean(mean_k_p: np.ndarray, x_b_p: np.ndarray) -> np.ndarray:
  """Minus the squared distances, without the part that all classes share."""
  return 2 * x_b_p @ mean_k_p.T - (mean_k_p**2).sum(1)


def _fit_linear(records: Sequence[Record]) -> np.ndarray:
  """[pixels + 1, k] least squares on +-1 targets, with an intercept and a small ridge."""
  pixels = _pixels(records)
  x_t_p = _with_one(pixels.x_t_p).astype(np.float64)
  target_t_k = 2 * pixels.one_t_k - 1
  gram_p_p = x_t_p.T @ x_t_p
  n = len(gram_p_p)
  ridge_p_p = _RIDGE * np.trace(gram_p_p) / n * np.eye(n)
  return np.linalg.solve(gram_p_p + ridge_p_p, x_t_p.T @ target_t_k)


def _with_one(x_b_p: np.ndarray) -> np.ndarray:
  return np.pad(x_b_p, ((0, 0), (0, 1)), constant_values=1)


def _linear(weight_p_k: np.ndarray, x_b_p: np.ndarray) -> np.ndarray:
  return _with_one(x_b_p) @ weight_p_k


def _neighbours(pixels: Pixels, x_b_p: np.ndarray) -> np.ndarray:
  """Log shares of the votes of the nearest training images.

  Each class has half a vote more, so that none is impossible, and the nearest image a quarter of
  one, which settles ties.
  """
  x_t_p, one_t_k = pixels
  square_t = (x_t_p**2).sum(1)
  last = min(NEIGHBOURS, len(x_t_p)) - 1
  parts = []
  for first in range(0, len(x_b_p), _AT_ONCE):
    some_b_p = x_b_p[first:first + _AT_ONCE]
    distance_b_t = square_t - 2 * some_b_p @ x_t_p.T
    near_b_n = np.argpartition(distance_b_t, last, 1)[:, :NEIGHBOURS]
    nearest_b = np.argmin(distance_b_t, 1)
    votes_b_k = one_t_k[near_b_n].sum(1)
    parts.append(np.log(votes_b_k + 0.5 + 0.25 * one_t_k[nearest_b]))
  return np.concatenate(parts)
