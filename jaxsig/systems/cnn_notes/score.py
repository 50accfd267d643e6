"""Classified images as rows, one a metric and a block of consecutive images; and the temperature that makes outputs probabilities."""
from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.optimize

BLOCK = 50                        # images to a row
TEMPERATURES = (1e-3, 1e3)        # between which one is sought
LEAST = 1e-12                     # of a probability, so that its logarithm is finite
SIZES = ("connections", "parameters")   # what a prediction may say of its network, one number for all images


def probabilities(output_b_k: np.ndarray, temperature: float = 1.0) -> np.ndarray:
  """[b, k] softmax of outputs over a temperature."""
  scaled = np.asarray(output_b_k, np.float64) / temperature
  powers = np.exp(scaled - scaled.max(-1, keepdims=True))
  return powers / powers.sum(-1, keepdims=True)


def nll_nats(probability_b_k: np.ndarray, label_b: np.ndarray) -> np.ndarray:
  """[b] minus the logarithm of the probability of the right class."""
  return -np.log(np.maximum(np.take_along_axis(probability_b_k, label_b[:, None].astype(int), 1)[:, 0], LEAST))


def brier(probability_b_k: np.ndarray, label_b: np.ndarray) -> np.ndarray:
  """[b] squared error of the probabilities, summed over classes (Brier 1950): 0 to 2."""
  return ((probability_b_k - np.eye(probability_b_k.shape[1])[label_b]) ** 2).sum(1)


def fit_temperature(output_b_k: np.ndarray, label_b: np.ndarray) -> float:
  """The temperature of the least mean negative log-likelihood (Guo et al. 2017), on images that were not trained on."""
  loss = lambda log_t: nll_nats(probabilities(output_b_k, np.exp(log_t)), label_b).mean()
  return float(np.exp(scipy.optimize.minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded").x))


def score_classes(record: Any) -> Iterator[dict[str, Any]]:
  """Rows of a record whose images were classified.

  Args:
    record: `predictions` hold `output_b_k` and `probability_b_k` [b, k], and may hold what SIZES names, `<name>_b`;
      `annotations["label_t"]` the classes.

  Returns:
    {"metric": "accuracy_top1" | "nll_nats" | "brier" | one of SIZES, "unit", "group": the block, "value": the mean over it, "images", ...};
    of the accuracy also "probability", the mean that was told of the answers.
  """
  found, label_b = record.predictions, np.asarray(record.annotations["label_t"])
  told_b_k, answer_b = found["probability_b_k"], np.argmax(found["output_b_k"], 1)
  values = {"accuracy_top1": answer_b == label_b, "nll_nats": nll_nats(told_b_k, label_b), "brier": brier(told_b_k, label_b),
            **{name: found[f"{name}_b"] for name in SIZES if f"{name}_b" in found}}
  for first in range(0, len(label_b), BLOCK):
    here = slice(first, min(first + BLOCK, len(label_b)))
    of_block = {"unit": f"images {here.start}-{here.stop - 1}", "group": f"{record.id}_{first}", "kept": True, "why": "",
                "images": here.stop - here.start}
    for name, value_b in values.items():
      told = {"probability": float(told_b_k[here].max(1).mean())} if name == "accuracy_top1" else {}
      yield {"metric": name, **of_block, "value": float(np.mean(value_b[here])), **told}
