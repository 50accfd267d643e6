"""Classifiers without a network: they learn two classes, and the constant does not."""
import numpy as np
import pytest

from jaxsig.data.records import Record
from jaxsig.systems.cnn_notes import baselines

METHODS = baselines.methods()


def two_classes(n: int, seed: int) -> Record:
  """Images whose class is which half is the brighter, but for noise."""
  generator = np.random.default_rng(seed)
  label_t = generator.integers(0, 2, n)
  image_t_y_x = generator.integers(0, 120, (n, 6, 6))
  image_t_y_x[:, :, :3] += 80 * (label_t == 0)[:, None, None]
  image_t_y_x[:, :, 3:] += 80 * (label_t == 1)[:, None, None]
  signals = {"image_t_y_x": image_t_y_x.astype(np.uint8)}
  return Record(f"r{seed}", f"r{seed}", 1.0, signals, {"label_t": label_t}, {})


def answers(name: str, train: list[Record], test: Record) -> np.ndarray:
  """The classes that a baseline gives to the images of `test`."""
  baseline = METHODS[name]
  predictions = baseline.predict(baseline.fit(train), test)
  assert predictions["output_b_k"].shape == (len(test.annotations["label_t"]), 2)
  np.testing.assert_allclose(predictions["probability_b_k"].sum(1), 1)
  np.testing.assert_array_equal(predictions["label_b"], test.annotations["label_t"])
  return predictions["output_b_k"].argmax(1)


def accuracy(name: str) -> float:
  test = two_classes(300, 2)
  train = [two_classes(200, 0), two_classes(200, 1)]
  return (answers(name, train, test) == test.annotations["label_t"]).mean()


@pytest.mark.parametrize("name, least", [
    ("nearest class mean", 0.97),
    ("linear (least squares)", 0.97),
    ("5 nearest neighbours", 0.9),
])
def test_a_baseline_learns_two_classes(name, least):
  assert accuracy(name) > least


def test_the_constant_does_not_learn():
  assert accuracy("constant") < 0.6


def test_every_baseline_has_a_title():
  assert set(METHODS) == {
      "constant", "nearest class mean", "linear (least squares)", "5 nearest neighbours"}
  assert all(baseline.title for baseline in METHODS.values())


def flat(record: Record) -> np.ndarray:
  image_t_y_x = record.signals["image_t_y_x"]
  return image_t_y_x.reshape(len(image_t_y_x), -1).astype(float)


def test_neighbours_are_those_of_all_distances():
  train = two_classes(150, 3)
  test = two_classes(40, 4)
  answer_b = answers("5 nearest neighbours", [train], test)
  square_b_t_p = (flat(test)[:, None] - flat(train)[None]) ** 2
  nearest_b_5 = np.argsort(square_b_t_p.sum(-1), 1)[:, :5]
  majority_b = train.annotations["label_t"][nearest_b_5].mean(1) > 0.5
  np.testing.assert_array_equal(answer_b, majority_b)
