"""Classified images as rows, and the temperature that turns outputs into probabilities.

A row is one metric of a block of consecutive images, the group over which reports average.
"""
from collections.abc import Iterator

import numpy as np
import scipy.optimize

from jaxsig.data.images.image_blocks import IMAGE_S
from jaxsig.data.records import Record
from jaxsig.rows import Row
from jaxsig.system import Predictions

BLOCK = 50                              # images to a row
TEMPERATURES = (1e-3, 1e3)              # the range that is searched
LEAST = 1e-12                           # of a probability, so that its logarithm is finite
ACCURACY = "accuracy_top1"
SIZES = ("connections", "parameters")   # of the network: one number for all images


def probabilities(output_b_k: np.ndarray, temperature: float = 1.0) -> np.ndarray:
  """[b, k] softmax of outputs over a temperature."""
  scaled_b_k = np.asarray(output_b_k, np.float64) / temperature
  power_b_k = np.exp(scaled_b_k - scaled_b_k.max(-1, keepdims=True))
  return power_b_k / power_b_k.sum(-1, keepdims=True)


def nll_nats(probability_b_k: np.ndarray, label_b: np.ndarray) -> np.ndarray:
  """[b] minus the logarithm of the probability of the right class."""
  label_b_1 = label_b[:, None].astype(int)
  right_b = np.take_along_axis(probability_b_k, label_b_1, 1)[:, 0]
  return -np.log(np.maximum(right_b, LEAST))


def brier(probability_b_k: np.ndarray, label_b: np.ndarray) -> np.ndarray:
  """[b] squared error of the probabilities, summed over classes (Brier 1950): 0 to 2."""
  classes = probability_b_k.shape[1]
  one_b_k = np.eye(classes)[label_b]
  return ((probability_b_k - one_b_k) ** 2).sum(1)


def fit_temperature(output_b_k: np.ndarray, label_b: np.ndarray) -> float:
  """The temperature of the least mean negative log-likelihood (Guo et al. 2017).

  Args:
    output_b_k: of images that were not trained on.
    label_b: their classes.
  """
  def loss(log_temperature: float) -> float:
    probability_b_k = probabilities(output_b_k, np.exp(log_temperature))
    return nll_nats(probability_b_k, label_b).mean()

  best = scipy.optimize.minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded")
  return float(np.exp(best.x))


def score_classes(record: Record) -> Iterator[Row]:
  """Rows of a record whose images were classified.

  Args:
    record: `predictions` hold `output_b_k` and `probability_b_k` [b, k], and may hold what SIZES
      names, `<name>_b`; `annotations["label_t"]` are the classes.

  Returns:
    Rows of "accuracy_top1", "nll_nats", "brier" and the SIZES that the predictions hold, each the
    mean over a block of images; the accuracy's `probability` is the mean probability of the
    answers. The group is the block, named after the record and its first image.
  """
  label_b = np.asarray(record.annotations["label_t"])
  probability_b_k = record.predictions["probability_b_k"]
  value_b = _values(record.predictions, label_b)

  for first in range(0, len(label_b), BLOCK):
    stop = min(first + BLOCK, len(label_b))
    block = slice(first, stop)
    for metric, values in value_b.items():
      probability = None
      if metric == ACCURACY:
        probability = float(probability_b_k[block].max(1).mean())
      yield Row(
          metric=metric,
          group=f"{record.id}_{first}",
          record=record.id,
          unit=f"images {first}-{stop - 1}",
          value=float(np.mean(values[block])),
          probability=probability,
          start_s=first * IMAGE_S,
          end_s=stop * IMAGE_S,
      )


def _values(predictions: Predictions, label_b: np.ndarray) -> dict[str, np.ndarray]:
  """{metric: its value for each image}."""
  probability_b_k = predictions["probability_b_k"]
  answer_b = np.argmax(predictions["output_b_k"], 1)
  values = {
      ACCURACY: answer_b == label_b,
      "nll_nats": nll_nats(probability_b_k, label_b),
      "brier": brier(probability_b_k, label_b),
  }
  for name in SIZES:
    if f"{name}_b" in predictions:
      values[name] = predictions[f"{name}_b"]
  return values
