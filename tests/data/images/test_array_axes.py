"""Which axes are those of images or frames: read, told, or refused with both readings."""
import numpy as np
import pytest
from fake_bidmc import says
from fake_images import SIDE, drawn
from fake_intensity import centred, intensity

from jaxsig.data.images.image_files import read_images
from jaxsig.data.images.intensities.intensity_file import read_intensity


def smooth(seed: int) -> np.ndarray:
  """An image whose neighbours are alike, unlike those of other seeds."""
  rows, columns = np.random.default_rng(seed).uniform(8, 20, 2)
  y, x = np.mgrid[:SIDE, :SIDE]
  bump = np.exp(-((y - rows) ** 2 + (x - columns) ** 2) / 18)
  return np.rint(255 * bump).astype(np.uint8)


IMAGES = np.stack([smooth(seed) for seed in range(24)])
SAME = {   # an array, and what the note says of it
  "[t, h, w]": (IMAGES, ""),
  "[t, h, w, 1]": (IMAGES[..., None], ""),
  "[t, 1, h, w]": (IMAGES[:, None], "read as [t, c, h, w]"),
  "[t, 3, h, w]": (np.stack([IMAGES] * 3, 1), "channels first"),
  "[t, 4, h, w]": (np.stack([*[IMAGES] * 3, 0 * IMAGES + 255], 1), "channels first"),
  "[t, h w]": (IMAGES.reshape(24, -1), "24 flattened images of 28 x 28"),
  "[t, h w, 1]": (IMAGES.reshape(24, -1, 1), "flattened"),
  "[t, 1, h w]": (IMAGES.reshape(24, 1, -1), "flattened"),
}


@pytest.mark.parametrize("axes", SAME)
def test_the_same_images_with_other_axes(axes):
  x, words = SAME[axes]
  read = read_images(x, SIDE)
  np.testing.assert_allclose(read.image_t_y_x, IMAGES, atol=1)
  assert len(read.notes) == (words != "")
  assert all(words in note for note in read.notes)


@pytest.mark.parametrize("t", [1, 2])
def test_few_flattened_images(t):
  read = read_images(IMAGES[:t].reshape(t, -1), SIDE)
  np.testing.assert_array_equal(read.image_t_y_x, IMAGES[:t])


def test_a_cube_is_noted():
  cube = np.stack([drawn(seed=k) for k in range(SIDE)])
  [note] = read_images(cube, SIDE).notes
  assert "does not tell which axis" in note


MANY = np.stack([smooth(seed) for seed in range(784)])


@pytest.mark.parametrize(
  ("x", "ways_out"),
  [
    (np.stack([IMAGES[0]] * 3), ("numpy.moveaxis(x, 0, -1)", "x[..., None]")),
    (np.stack([*[IMAGES[0]] * 3, 0 * IMAGES[0] + 255]), ("moveaxis(x, 0, -1)", "x[..., None]")),
    (MANY.reshape(784, 784), ("x[None]", "x.reshape(-1, 28, 28)")),
    (MANY[:300].reshape(300, 784), ("x[None]", "x.reshape(-1, 28, 28)")),
    (IMAGES[:10].reshape(10, 784).T, ("x.T.reshape(-1, 28, 28)", "x[None]")),
    (np.moveaxis(IMAGES[:5], 0, -1), ("numpy.moveaxis(x, -1, 0)", "x[..., None]")),
    (np.moveaxis(IMAGES[:5, :, 2:], 0, -1), ("numpy.moveaxis(x, -1, 0)", "x[..., None]")),
    (np.moveaxis(IMAGES[:2], 0, -1), ("x[..., 0]", "numpy.moveaxis(x, -1, 0)")),
    (np.moveaxis(np.stack([IMAGES] * 3, -1), 0, -1), ("numpy.moveaxis(x, -1, 0)",)),
    (IMAGES[None], ("x[0]",)),
    (np.stack([IMAGES] * 2, -1), ("[t, h, w]",)),
    (np.zeros((10, 3072)), ("x.reshape(-1, 32, 32, 3)",)),
    (IMAGES[None, None], ("(1, 1, 24, 28, 28)",)),
    (IMAGES[0].ravel(), ("shape (784,)",)),
    (np.tile(np.arange(196) % 11, (14, 1)), ("x[None]", "x.reshape(-1, 14, 14)")),
  ],
)
def test_what_may_be_read_in_two_ways_is_refused_with_ways_out(x, ways_out):
  sentence = says(read_images, x, SIDE)
  assert all(way in sentence for way in ways_out)


def test_the_ways_out_lead_out():
  colour = np.moveaxis(np.stack([IMAGES[0]] * 3), 0, -1)
  np.testing.assert_array_equal(read_images(colour, SIDE).image_t_y_x, IMAGES[:1])
  grey = IMAGES[:3][..., None]
  np.testing.assert_array_equal(read_images(grey, SIDE).image_t_y_x, IMAGES[:3])
  assert len(read_images(MANY.reshape(784, 784)[None], SIDE).names) == 1
  assert len(read_images(MANY.reshape(784, 784).reshape(-1, SIDE, SIDE), SIDE).names) == 784
  assert len(read_images(np.moveaxis(IMAGES[:5], 0, -1)[..., None], SIDE).names) == SIDE


@pytest.mark.parametrize("side", [64, 100, 144])
def test_square_pictures_of_a_square_number_of_columns_stay_pictures(side):
  picture = np.kron(IMAGES[0], np.ones((6, 6), np.uint8))[:side, :side]
  noise = np.random.default_rng(0).integers(0, 255, (side, side))
  assert len(read_images(picture, SIDE).names) == 1
  assert len(read_images(noise, SIDE).names) == 1


FRAME = centred(intensity(48))


@pytest.mark.parametrize(
  ("x", "t", "notes"),
  [
    (FRAME, 1, 0),
    (FRAME[None], 1, 0),
    (FRAME[..., None], 1, 1),
    (FRAME[None, None], 1, 1),
    (FRAME[None, :, None, :, None], 1, 1),
    (np.stack([FRAME] * 2), 2, 0),
    (np.stack([FRAME] * 20), 20, 0),
    (np.stack([FRAME] * 2)[:, None], 2, 1),
    (np.stack([FRAME] * 48), 48, 1),
  ],
)
def test_frames_and_stacks(x, t, notes):
  read = read_intensity(x)
  np.testing.assert_allclose(read.frames_t_v_u, np.stack([intensity(48)] * t), rtol=1e-6)
  assert len(read.notes) == notes


STACK = np.stack([FRAME] * 20)


@pytest.mark.parametrize(
  "x",
  [
    np.moveaxis(STACK, 0, -1),
    np.moveaxis(STACK[:2], 0, -1),
    np.moveaxis(STACK[:18, :40], 0, -1),
    np.moveaxis(STACK[:17, :, 2:], 0, -1),
    np.moveaxis(np.concatenate([STACK] * 3), 0, -1),
  ],
)
def test_time_along_the_last_axis_is_refused(x):
  assert "numpy.moveaxis(x, -1, 0)" in says(read_intensity, x)


@pytest.mark.parametrize("t", [20, 30])
def test_time_along_an_axis_that_may_be_the_last_is_noted(t):
  x = np.moveaxis(np.concatenate([STACK] * 2)[:t, :40], 0, -1)
  assert any("does not tell which axis" in note for note in read_intensity(x).notes)


def test_the_way_out_of_frames_that_are_no_squares():
  x = np.stack([FRAME[:, 14:34]] * 48)
  assert "give x[:, None]" in says(read_intensity, x)
  assert read_intensity(x[:, None]).frames_t_v_u.shape == (48, 20, 20)
