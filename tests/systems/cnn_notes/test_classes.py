"""Classification metrics: closed forms, and rows of blocks."""
import types

import numpy as np
import pytest

from jaxsig.data.records import Record
from jaxsig.systems.cnn_notes import baselines as image_classes
from jaxsig.systems.cnn_notes import score as classes


def test_probabilities_and_their_scores_in_closed_form():
  output = np.array([[0.0, np.log(3)], [5.0, 5.0]])
  np.testing.assert_allclose(classes.probabilities(output), [[0.25, 0.75], [0.5, 0.5]])
  np.testing.assert_allclose(classes.probabilities(output, 0.5)[0], [0.1, 0.9])
  told, label = classes.probabilities(output), np.array([0, 1])
  np.testing.assert_allclose(classes.nll_nats(told, label), [np.log(4), np.log(2)])
  np.testing.assert_allclose(classes.brier(told, label), [2 * 0.75**2, 0.5])
  assert np.isfinite(classes.nll_nats(np.array([[0.0, 1.0]]), np.array([0]))).all()


@pytest.mark.parametrize("temperature", [0.2, 1.0, 4.0])
def test_the_temperature_of_labels_that_were_drawn_with_it_is_found(temperature):
  rng = np.random.default_rng(1)
  output = rng.normal(size=(20_000, 5))
  told = classes.probabilities(output, temperature)
  label = (rng.random((20_000, 1)) > told.cumsum(1)).sum(1)
  assert classes.fit_temperature(output, label) == pytest.approx(temperature, rel=0.1)


def test_rows_are_of_blocks_and_their_mean_is_that_of_the_images():
  rng = np.random.default_rng(0)
  output, label = rng.normal(size=(120, 10)), rng.integers(0, 10, 120)
  found = {"output_b_k": output, "probability_b_k": classes.probabilities(output), "connections_b": np.full(120, 60.0)}
  rows = list(classes.score_classes(types.SimpleNamespace(id="test_000", predictions=found, annotations={"label_t": label})))
  accuracy = [r for r in rows if r["metric"] == "accuracy_top1"]
  assert [r["images"] for r in accuracy] == [50, 50, 20] and len({r["group"] for r in accuracy}) == 3
  assert sum(r["value"] * r["images"] for r in accuracy) / 120 == pytest.approx((output.argmax(1) == label).mean())
  assert accuracy[2]["probability"] == pytest.approx(found["probability_b_k"][100:].max(1).mean())
  assert {r["value"] for r in rows if r["metric"] == "connections"} == {60.0}
  assert not [r for r in rows if r["metric"] == "parameters"]


def two_classes(n, seed):
  """Images whose class is which half is the brighter, but for noise."""
  rng = np.random.default_rng(seed)
  label = rng.integers(0, 2, n)
  image = rng.integers(0, 120, (n, 6, 6))
  image[:, :, :3] += 80 * (label == 0)[:, None, None]
  image[:, :, 3:] += 80 * (label == 1)[:, None, None]
  return Record(f"r{seed}", f"r{seed}", 1.0, {"image_t_y_x": image.astype(np.uint8)}, {"label_t": label}, {})


@pytest.mark.parametrize("name, least", [("nearest class mean", 0.97), ("linear (least squares)", 0.97), ("5 nearest neighbours", 0.9)])
def test_a_rival_learns_two_classes_and_the_constant_does_not(name, least):
  train, test = [two_classes(200, 0), two_classes(200, 1)], two_classes(300, 2)
  accuracy = {}
  for each in ("constant", name):
    method = image_classes.methods()[each]
    found = method.predict(method.fit(train), test)
    assert found["output_b_k"].shape == (300, 2)
    accuracy[each] = (found["output_b_k"].argmax(1) == test.annotations["label_t"]).mean()
  assert accuracy[name] > least and accuracy["constant"] < 0.6


def test_neighbours_are_those_of_all_distances():
  train, test = two_classes(150, 3), two_classes(40, 4)
  method = image_classes.methods()["5 nearest neighbours"]
  found = method.predict(method.fit([train]), test)["output_b_k"].argmax(1)
  flat = lambda r: r.signals["image_t_y_x"].reshape(len(r.annotations["label_t"]), -1).astype(float)
  order = np.argsort(((flat(test)[:, None] - flat(train)[None]) ** 2).sum(-1), 1)[:, :5]
  np.testing.assert_array_equal(found, train.annotations["label_t"][order].mean(1) > 0.5)
