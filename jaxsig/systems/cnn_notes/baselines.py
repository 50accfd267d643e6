"""Classifiers of images without a network, and a constant: what a trained one must beat."""
from typing import Any

import numpy as np

from jaxsig.system import Method
from jaxsig.systems.cnn_notes.score import probabilities

NEIGHBOURS = 5
_AT_ONCE = 500      # images whose distances to all others fit in memory


def methods() -> dict[str, Method]:
  """{name: Method}: each predicts outputs [b, k] of a record's images, the largest of which is its answer."""
  return {"constant": Method(_fit_constant, _of(_constant)), "nearest class mean": Method(_fit_means, _of(_nearest_mean)),
          "linear (least squares)": Method(_fit_linear, _of(_linear)),
          f"{NEIGHBOURS} nearest neighbours": Method(_pixels, _of(_neighbours))}


def _of(classify: Any) -> Any:
  def predict(fitted: Any, record: Any) -> dict:
    output_b_k = classify(fitted, _flat(record))
    probability_b_k = probabilities(output_b_k)
    return {"output_b_k": output_b_k, "probability_b_k": probability_b_k, "label_b": np.asarray(record.annotations["label_t"], np.int32)}
  return predict


def _flat(record: Any) -> np.ndarray:
  """[t, pixels] from 0 to 1."""
  image_t_y_x = record.signals["image_t_y_x"]
  return image_t_y_x.reshape(len(image_t_y_x), -1).astype(np.float32) / 255


def _pixels(records: list) -> tuple[np.ndarray, np.ndarray]:
  """(images [t, pixels], one of k [t, k]) of all records."""
  label_t = np.concatenate([r.annotations["label_t"] for r in records]).astype(int)
  return np.concatenate([_flat(r) for r in records]), np.eye(label_t.max() + 1, dtype=np.float32)[label_t]


def _fit_constant(records: list) -> np.ndarray:
  return np.log(_pixels(records)[1].mean(0) + 1e-6)


def _constant(log_share_k: np.ndarray, x_b_p: np.ndarray) -> np.ndarray:
  return np.tile(log_share_k, (len(x_b_p), 1))


def _fit_means(records: list) -> np.ndarray:
  x_t_p, one_t_k = _pixels(records)
  return one_t_k.T @ x_t_p / np.maximum(one_t_k.sum(0)[:, None], 1)


def _nearest_mean(mean_k_p: np.ndarray, x_b_p: np.ndarray) -> np.ndarray:
  return 2 * x_b_p @ mean_k_p.T - (mean_k_p**2).sum(1)   # minus the squared distance, but for what all classes share


def _fit_linear(records: list) -> np.ndarray:
  """Least squares on +-1 targets with an intercept, and so little of a ridge that it only settles pixels that are always dark."""
  x_t_p, one_t_k = _pixels(records)
  x_t_p = _with_one(x_t_p).astype(np.float64)
  gram = x_t_p.T @ x_t_p
  return np.linalg.solve(gram + 1e-3 * np.trace(gram) / len(gram) * np.eye(len(gram)), x_t_p.T @ (2 * one_t_k - 1))


def _with_one(x_b_p: np.ndarray) -> np.ndarray:
  return np.pad(x_b_p, ((0, 0), (0, 1)), constant_values=1)


def _linear(weight_p_k: np.ndarray, x_b_p: np.ndarray) -> np.ndarray:
  return _with_one(x_b_p) @ weight_p_k


def _neighbours(fitted: tuple[np.ndarray, np.ndarray], x_b_p: np.ndarray) -> np.ndarray:
  """Log shares of the votes of the nearest training images, as if each class had half a vote more; the nearest settles a tie."""
  x_t_p, one_t_k = fitted
  square_t, out = (x_t_p**2).sum(1), []
  for first in range(0, len(x_b_p), _AT_ONCE):
    distance_b_t = square_t - 2 * x_b_p[first:first + _AT_ONCE] @ x_t_p.T
    near_b_n = np.argpartition(distance_b_t, min(NEIGHBOURS, len(x_t_p)) - 1, 1)[:, :NEIGHBOURS]
    nearest_b = np.argmin(distance_b_t, 1)
    out.append(np.log(one_t_k[near_b_n].sum(1) + 0.5 + 0.25 * one_t_k[nearest_b]))
  return np.concatenate(out)
