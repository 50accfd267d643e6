"""Tables of flattened images with labels are refused, with the expression for the images."""
import numpy as np
import pytest
from fake_bidmc import says
from fake_images import SIDE
from test_array_axes import IMAGES, smooth

from jaxsig.data.images.image_files import read_images

FLAT = IMAGES.reshape(24, -1)
LABELS = np.arange(24)[:, None] % 10
MANY = np.stack([smooth(seed) for seed in range(700)]).reshape(700, -1)
COLOURS = np.repeat(FLAT[:, :, None], 3, 2).reshape(24, -1)


@pytest.mark.parametrize(
  ("x", "remedy"),
  [
    (np.hstack([LABELS, FLAT]), lambda x: x[:, 1:].reshape(-1, 28, 28)),
    (np.hstack([LABELS, FLAT]).astype(np.float32), lambda x: x[:, 1:].reshape(-1, 28, 28)),
    (np.hstack([LABELS, LABELS, FLAT]), lambda x: x[:, 2:].reshape(-1, 28, 28)),
    (np.hstack([LABELS, FLAT]).T, lambda x: x[1:].T.reshape(-1, 28, 28)),
    (np.hstack([np.arange(700)[:, None] % 10, MANY]), lambda x: x[:, 1:].reshape(-1, 28, 28)),
    (np.hstack([LABELS, COLOURS]), lambda x: x[:, 1:].reshape(-1, 28, 28, 3)),
  ],
  ids=["label", "floats", "index and label", "columns", "nearly square", "colours"],
)
def test_tables_with_labels(x, remedy):
  sentence = says(read_images, x, SIDE)
  assert "28 x 28" in sentence and "labels" in sentence
  read = read_images(remedy(x), SIDE)
  assert len(read.image_t_y_x) == len(remedy(x))
  np.testing.assert_allclose(read.image_t_y_x[3], smooth(3), atol=1)


@pytest.mark.parametrize("shape", [(785, 785), (300, 785), (65, 66), (101, 300)])
def test_pictures_of_such_sides_are_pictures(shape):
  y, x = np.mgrid[: shape[0], : shape[1]]
  bump = np.exp(-((y / shape[0] - 0.5) ** 2 + (x / shape[1] - 0.5) ** 2) / 0.02)
  assert read_images(np.rint(255 * bump).astype(np.uint8), SIDE).image_t_y_x.shape[0] == 1
