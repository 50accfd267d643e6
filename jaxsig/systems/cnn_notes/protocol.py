"""How classifiers of images are judged: metrics, calibration, and what is kept for figures."""
from collections.abc import Iterable

import numpy as np

from jaxsig.data.records import Record
from jaxsig.rows import Row
from jaxsig.system import Figure, Material, Metric, Plain, Predictions, Protocol, Words
from jaxsig.systems.cnn_notes import baselines, score

METRICS = {
    score.ACCURACY: Metric("Accuracy: share of right answers", better="higher", decimals=3),
    "nll_nats": Metric("Negative log-likelihood of the right class", "nats", decimals=3),
    "brier": Metric("Brier score: squared error of the probabilities, 0 to 2", decimals=3),
    "connections": Metric("Connections from S2 to C3", better="", decimals=1, is_count=True),
    "parameters": Metric("Trained parameters", better="", decimals=0, is_count=True),
}
WORDS = Words(
    group="block",
    groups="blocks",
    record="part",
    records="parts",
    unit="block",
    units="blocks",
)
STORED = ("probability_b_k", "label_b", "class_k")


def _score(record: Record) -> Iterable[Row]:
  """Rows of a record with labels; a user's own images have none."""
  if "label_t" not in record.annotations:
    return ()
  return score.score_classes(record)


def _calibrate(records: Iterable[Record]) -> Plain:
  """The temperature of the outputs and the names of the classes, from validation records."""
  outputs = []
  labels = []
  classes = []
  for record in records:
    outputs.append(record.predictions["output_b_k"])
    labels.append(record.predictions["label_b"])
    classes = record.info["classes"]
  temperature = score.fit_temperature(np.concatenate(outputs), np.concatenate(labels))
  return {"temperature": temperature, "classes": classes}


def _assess(predictions: Predictions, calibration: Plain) -> dict[str, np.ndarray]:
  """Calibrated probabilities, the answers they give, and what the classes are called."""
  output_b_k = predictions["output_b_k"]
  probability_b_k = score.probabilities(output_b_k, calibration["temperature"])
  return {
      "probability_b_k": probability_b_k,
      "class_k": np.array(calibration["classes"]),
      "answer_b": probability_b_k.argmax(1),
      "answer_probability_b": probability_b_k.max(1),
  }


def _keep(record: Record) -> dict[str, np.ndarray]:
  """Probabilities, labels and the names of the classes: what a confusion matrix needs."""
  return {name: record.predictions[name] for name in STORED if name in record.predictions}


def _figures(material: Material) -> list[Figure]:
  from jaxsig.systems.cnn_notes import figures_report  # draws: not needed before
  return figures_report.figures(material)


PROTOCOL = Protocol(
    score=_score,
    metrics=METRICS,
    baselines=baselines.methods(),
    words=WORDS,
    calibrate=_calibrate,
    assess=_assess,
    keep=_keep,
    figures=_figures,
)
