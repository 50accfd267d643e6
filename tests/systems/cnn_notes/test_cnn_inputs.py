"""What goes into the network and what its loss is: standardised images, augmentation, formulas."""
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from jaxsig.systems.cnn_notes import inputs, losses


@pytest.fixture(scope="module")
def framed() -> jax.Array:
  """[20, 32, 32, 1] bright discs on a dark background, no two alike."""
  generator = np.random.default_rng(0)
  y, x = np.mgrid[:28, :28]
  images = np.zeros((20, 28, 28), np.uint8)
  for image_y_x in images:
    centre_y, centre_x = generator.uniform(8, 20, 2)
    distance = np.hypot(y - centre_y, x - centre_x)
    image_y_x[:] = np.clip(255 - 30 * distance, 0, 255)
  return inputs.framed(jnp.asarray(images), 2)


def test_a_frame_is_dark_and_the_image_reaches_from_0_to_1():
  image_b_y_x = np.full((1, 3, 4), 255, np.uint8)
  framed_b_y_x_i = np.asarray(inputs.framed(image_b_y_x, 2))
  assert framed_b_y_x_i.shape == (1, 7, 8, 1)
  np.testing.assert_array_equal(framed_b_y_x_i[0, 2:5, 2:6, 0], 1)
  assert framed_b_y_x_i.sum() == 12


def test_inputs_are_standardised_by_what_was_trained_on(framed):
  stats = inputs.first_sums()
  for _ in range(3):
    stats = inputs.counted(stats, framed, jnp.ones(20))
  x = inputs.standardised(stats, framed)
  assert float(x.mean()) == pytest.approx(0, abs=1e-4)
  assert float(x.std()) == pytest.approx(1, abs=1e-3)


def test_padding_rows_do_not_count_in_the_sums(framed):
  white = jnp.ones((5, *framed.shape[1:]))
  padded = jnp.concatenate([framed, white])
  mask_b = jnp.concatenate([jnp.ones(20), jnp.zeros(5)])
  own = inputs.counted(inputs.first_sums(), framed, jnp.ones(20))
  with_padding = inputs.counted(inputs.first_sums(), padded, mask_b)
  for name, total in own.items():
    assert float(with_padding[name]) == pytest.approx(float(total), rel=1e-6)
  assert with_padding["count"] == 20


def test_augmentation_moves_each_image_and_keeps_its_pixels(framed):
  moved = inputs.augmented(framed, jax.random.key(1), True, 2)
  sorted_before = np.sort(np.reshape(framed, (20, -1)))
  np.testing.assert_allclose(np.sort(np.reshape(moved, (20, -1))), sorted_before)
  change_b = jnp.abs(moved - framed).max((1, 2, 3))
  assert (change_b > 0.1).sum() > 15


def test_augmentation_of_an_image_depends_on_its_own_key_alone(framed):
  moved = inputs.augmented(framed, jax.random.key(1), True, 2)
  few = inputs.augmented(framed[:4], jax.random.key(1), True, 2)
  np.testing.assert_array_equal(few, moved[:4])


def test_no_augmentation_leaves_images_as_they_are(framed):
  same = inputs.augmented(framed, jax.random.key(1), False, 0)
  np.testing.assert_array_equal(same, framed)


def test_about_half_of_the_images_are_mirrored_left_to_right(framed):
  mirrored = inputs.augmented(framed, jax.random.key(1), True, 0)
  is_same_b = np.asarray(jnp.abs(mirrored - framed).max((1, 2, 3)) < 1e-6)
  assert 3 < is_same_b.sum() < 17
  turned = np.asarray(framed)[~is_same_b][:, :, ::-1]
  np.testing.assert_array_equal(np.asarray(mirrored)[~is_same_b], turned)


U_B_K = jnp.array([[2.0, -1.0, 0.5]])
LABEL_B = jnp.array([1])


@pytest.mark.parametrize("target", [1.0, 0.8])
def test_squared_error_is_its_formula(target):
  config = ConfigDict({"name": "squared", "target": target})
  output_b_k = losses.outputs("squared", "scaled_tanh", U_B_K)
  error_b = losses.error(config, output_b_k, LABEL_B)

  y_k = 1.7159 * np.tanh(2 * np.asarray(U_B_K[0]) / 3)
  wanted_k = target * np.array([-1, 1, -1])
  assert float(error_b[0]) == pytest.approx(0.5 * ((y_k - wanted_k) ** 2).sum(), rel=1e-6)


def test_cross_entropy_is_its_formula_on_outputs_that_are_not_activated():
  config = ConfigDict({"name": "cross_entropy", "target": 1.0})
  output_b_k = losses.outputs("cross_entropy", "scaled_tanh", U_B_K)
  np.testing.assert_array_equal(output_b_k, U_B_K)
  error_b = losses.error(config, output_b_k, LABEL_B)
  assert float(error_b[0]) == pytest.approx(np.log(np.exp(U_B_K[0]).sum()) + 1, rel=1e-6)
