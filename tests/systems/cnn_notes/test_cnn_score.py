"""Classification metrics in closed form, rows of blocks, and the temperature of probabilities."""
import json

import numpy as np
import pytest

from jaxsig.data.records import Record
from jaxsig.rows import Row
from jaxsig.systems.cnn_notes import protocol, score

PROTOCOL = protocol.PROTOCOL


def test_probabilities_and_their_scores_in_closed_form():
  output_b_k = np.array([[0.0, np.log(3)], [5.0, 5.0]])
  probability_b_k = score.probabilities(output_b_k)
  label_b = np.array([0, 1])
  np.testing.assert_allclose(probability_b_k, [[0.25, 0.75], [0.5, 0.5]])
  np.testing.assert_allclose(score.probabilities(output_b_k, 0.5)[0], [0.1, 0.9])
  np.testing.assert_allclose(score.nll_nats(probability_b_k, label_b), [np.log(4), np.log(2)])
  np.testing.assert_allclose(score.brier(probability_b_k, label_b), [2 * 0.75**2, 0.5])


def test_an_impossible_class_that_is_right_has_a_finite_likelihood():
  assert np.isfinite(score.nll_nats(np.array([[0.0, 1.0]]), np.array([0]))).all()


def drawn(temperature: float, n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
  """Outputs, and labels that are drawn with their probabilities at a temperature."""
  generator = np.random.default_rng(1)
  output_b_k = generator.normal(size=(n, 5))
  probability_b_k = score.probabilities(output_b_k, temperature)
  label_b = (generator.random((n, 1)) > probability_b_k.cumsum(1)).sum(1)
  return output_b_k, label_b


@pytest.mark.parametrize("temperature", [0.2, 1.0, 4.0])
def test_the_temperature_of_labels_that_were_drawn_with_it_is_found(temperature):
  output_b_k, label_b = drawn(temperature)
  assert score.fit_temperature(output_b_k, label_b) == pytest.approx(temperature, rel=0.1)


def classified(n: int = 120) -> Record:
  """A record with random outputs and labels."""
  generator = np.random.default_rng(0)
  output_b_k = generator.normal(size=(n, 10))
  predictions = {
      "output_b_k": output_b_k,
      "probability_b_k": score.probabilities(output_b_k),
      "connections_b": np.full(n, 60.0),
  }
  annotations = {"label_t": generator.integers(0, 10, n)}
  return Record("test_000", "test_000", 1.0, {}, annotations, {}, predictions)


def of_metric(rows: list[Row], metric: str) -> list[Row]:
  return [row for row in rows if row.metric == metric]


def test_rows_are_of_blocks_and_their_mean_is_that_of_the_images():
  record = classified()
  label_b = record.annotations["label_t"]
  is_right_b = record.predictions["output_b_k"].argmax(1) == label_b
  rows = list(PROTOCOL.score(record))
  accuracy = of_metric(rows, "accuracy_top1")

  images = [row.end_s - row.start_s for row in accuracy]
  assert images == [50, 50, 20]
  assert [row.group for row in accuracy] == ["test_000_0", "test_000_50", "test_000_100"]
  assert [row.unit for row in accuracy] == ["images 0-49", "images 50-99", "images 100-119"]
  mean = sum(row.value * n for row, n in zip(accuracy, images, strict=True)) / 120
  assert mean == pytest.approx(is_right_b.mean())
  last = record.predictions["probability_b_k"][100:]
  assert accuracy[2].probability == pytest.approx(last.max(1).mean())


def test_sizes_of_the_network_are_rows_where_they_are_predicted():
  rows = list(PROTOCOL.score(classified()))
  assert {row.value for row in of_metric(rows, "connections")} == {60.0}
  assert not of_metric(rows, "parameters")
  assert {row.metric for row in rows} < set(PROTOCOL.metrics)


def test_images_without_labels_have_no_rows():
  record = classified()._replace(annotations={})
  assert not list(PROTOCOL.score(record))


def test_calibration_is_plain_and_gives_calibrated_answers():
  output_b_k, label_b = drawn(4.0)
  predictions = {"output_b_k": output_b_k, "label_b": label_b}
  half = {name: x[:10_000] for name, x in predictions.items()}
  rest = {name: x[10_000:] for name, x in predictions.items()}
  info = {"classes": ["a", "b", "c", "d", "e"]}
  records = (Record(name, name, 1.0, {}, {}, info, part) for name, part in zip("xy", (half, rest)))
  calibration = PROTOCOL.calibrate(records)

  assert json.loads(json.dumps(calibration)) == calibration
  assert calibration["temperature"] == pytest.approx(4, rel=0.1)
  assessed = PROTOCOL.assess(predictions, calibration)
  expected_b_k = score.probabilities(output_b_k, calibration["temperature"])
  np.testing.assert_array_equal(assessed["probability_b_k"], expected_b_k)
  np.testing.assert_array_equal(assessed["answer_b"], output_b_k.argmax(1))
  np.testing.assert_array_equal(assessed["answer_probability_b"], expected_b_k.max(1))
  assert list(assessed["class_k"]) == info["classes"]


def test_what_is_kept_is_what_a_confusion_matrix_needs():
  record = classified()
  predictions = {
      **record.predictions,
      "label_b": record.annotations["label_t"],
      "class_k": np.array(list("abcdefghij")),
      "maps_c1_b_y_x_j": np.zeros((120, 2, 2, 1)),
  }
  kept = PROTOCOL.keep(record._replace(predictions=predictions))
  assert set(kept) == {"probability_b_k", "label_b", "class_k"}
