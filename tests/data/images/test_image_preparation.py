"""What is done to a user's own images: scale, colours, contrast, form and size, with notes."""
import numpy as np
import pytest
from fake_images import SIDE, drawn, saved
from PIL import Image

from jaxsig.data.images import image_preparation
from jaxsig.data.images.image_files import read_images


def in_16_bits(x: np.ndarray) -> np.ndarray:
  return x * np.uint16(257)


SCALES = {
  "bytes": lambda x: x,
  "int64": lambda x: x.astype(np.int64),
  "float32 to 255": lambda x: x.astype(np.float32),
  "to 1": lambda x: x / 255,
  "16 bits": in_16_bits,
  "16 bits, swapped": lambda x: in_16_bits(x).astype(">u2"),
  "resampled": lambda x: x / 255 * 1.005 - 0.002,
}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("axes", [(), (0,), (2,), (0, 3)])
def test_number_types_and_layouts(tmp_path, scale, axes):
  x = np.expand_dims(SCALES[scale](drawn()), axes)
  for source in (x, saved(tmp_path / "a.npy", x)):
    read = read_images(source, SIDE)
    np.testing.assert_allclose(read.image_t_y_x[0], drawn(), atol=1)
    assert len(read.notes) == (scale == "resampled")
    assert all("are clipped to 0 to 1" in note for note in read.notes)


@pytest.fixture
def colours() -> np.ndarray:
  """A pixel each of red, green, blue and white on black."""
  x = np.zeros((6, 6, 3), np.uint8)
  x[1, 1] = (255, 0, 0)
  x[1, 4] = (0, 255, 0)
  x[4, 1] = (0, 0, 255)
  x[4, 4] = (255, 255, 255)
  return x


def test_colours_become_luma(tmp_path, colours):
  """As ITU-R BT.601 weighs them."""
  sources = [
    colours,
    colours / 255,
    colours[None],
    saved(tmp_path / "a.png", colours),
    saved(tmp_path / "a.npy", colours),
  ]
  for source in sources:
    read = read_images(source, 6)
    image = read.image_t_y_x[0]
    luma = [image[1, 1], image[1, 4], image[4, 1], image[4, 4]]
    assert luma == [76, 150, 29, 255]
    assert image.sum() == 510
    [note] = read.notes
    assert note.startswith("Colours are dropped")
  assert image_preparation.LUMA.sum() == pytest.approx(1)


@pytest.mark.parametrize(
  ("mode", "name"),
  [("P", "p.png"), ("CMYK", "p.tif")],
  ids=["a palette", "printers' colours"],
)
def test_other_codes_of_colours(tmp_path, colours, mode, name):
  Image.fromarray(colours).convert(mode).save(tmp_path / name)
  read = read_images(tmp_path / name, 6)
  expected = read_images(colours, 6)
  np.testing.assert_allclose(read.image_t_y_x, expected.image_t_y_x, atol=1)


def test_grey_in_three_channels_has_no_colours():
  grey = np.repeat(drawn()[..., None], 3, -1)
  assert read_images(grey, SIDE).notes == []


@pytest.mark.parametrize(
  ("ink", "ground", "notes"),
  [(0, "white", 2), (255, "black", 1)],
)
def test_transparent_pixels_are_what_the_ink_is_not(tmp_path, ink, ground, notes):
  """Ink on nothing: bright on dark in either case.

  The colour that transparent pixels claim to be does not matter.
  """
  alpha = drawn()
  x = np.full((SIDE, SIDE, 4), 255 - ink, np.uint8)
  x[alpha > 0, :3] = ink
  x[..., 3] = alpha
  sources = [
    x,
    x[None] / 255,
    saved(tmp_path / "a.png", x),
    saved(tmp_path / "a.tif", x),
  ]
  for source in sources:
    read = read_images(source, SIDE)
    np.testing.assert_allclose(read.image_t_y_x[0], alpha, atol=1)
    assert read.notes[0].startswith(f"Transparent pixels are made {ground}")
    assert len(read.notes) == notes   # dark ink on white is inverted besides


def test_opaque_pixels_are_as_they_are():
  x = drawn()
  opaque = np.full_like(x, 255)
  assert read_images(np.stack([x, x, x, opaque], -1), SIDE).notes == []


def test_a_palette_with_a_transparent_colour(tmp_path):
  numbers = np.where(drawn() > 0, 7, 3).astype(np.uint8)
  image = Image.fromarray(numbers, "L").convert("P")
  image.save(tmp_path / "a.gif", transparency=3)
  read = read_images(tmp_path / "a.gif", SIDE)
  assert read.notes[0].startswith("Transparent pixels are made white")
  np.testing.assert_array_equal(read.image_t_y_x[0] > 100, drawn() > 0)


@pytest.mark.parametrize("negative", [255 - drawn(), 1 - drawn() / 255], ids=["bytes", "floats"])
def test_what_is_dark_on_bright_is_inverted(negative):
  read = read_images(negative, SIDE)
  np.testing.assert_allclose(read.image_t_y_x[0], drawn(), atol=1)
  [note] = read.notes
  assert note.startswith("Inverted, as the border is brighter")


def test_an_object_that_reaches_the_border_is_not_inverted():
  wide = np.zeros((SIDE, SIDE), np.uint8)
  wide[:20, 9:19] = 200
  wide[10:12] = 180   # it reaches the border at three sides
  assert read_images(wide, SIDE).notes == []


def test_a_border_that_is_brighter_on_average_only_is_not_inverted():
  hook = np.zeros((SIDE, SIDE), np.uint8)
  hook[0] = 255
  hook[:10, 0] = 255
  hook[12:16, 12:16] = 200
  assert read_images(hook, SIDE).notes == []


@pytest.fixture(scope="module")
def large() -> np.ndarray:
  """56 x 56 pixels."""
  texture = np.random.default_rng(1).uniform(0.4, 1, (36, 36))
  return np.pad(texture, 10)


def test_two_pixels_to_one_are_their_mean(large):
  image = read_images(large, 28).image_t_y_x[0]
  expected = large.reshape(28, 2, 28, 2).mean((1, 3))
  np.testing.assert_allclose(image, 255 * expected, atol=0.51)


def test_seven_thirds_of_a_pixel_to_one_are_their_mean(large):
  """Exact where each pixel is 3 x 3 of thirds."""
  read = read_images(large, 24)
  thirds = np.kron(large, np.ones((3, 3)))
  expected = thirds.reshape(24, 7, 24, 7).mean((1, 3))
  np.testing.assert_allclose(read.image_t_y_x[0], 255 * expected, atol=0.51)
  assert "Resized to 24 x 24 pixels" in read.notes[0]


def test_a_pixel_to_four_by_four_is_repeated():
  image = read_images(drawn(7, 7), 28).image_t_y_x[0]
  np.testing.assert_array_equal(image, np.kron(drawn(7, 7), np.ones((4, 4))))


@pytest.mark.parametrize(("h", "w"), [(28, 14), (14, 28), (13, 28), (56, 3)])
@pytest.mark.parametrize("ground", [0.0, 0.25, 0.9])
def test_other_shapes_lie_in_the_middle_of_a_square_of_their_background(h, w, ground):
  x = np.full((h, w), ground)
  x[h // 3:h - h // 3, w // 3:w - w // 3] = 1 - ground

  long = max(h, w)
  top = long - h
  left = long - w
  padded = np.full((2 * long, 2 * long), ground)   # half pixels: an odd rest has a middle
  padded[top:top + 2 * h, left:left + 2 * w] = np.kron(x, np.ones((2, 2)))
  expected = padded.reshape(28, long // 14, 28, long // 14).mean((1, 3))
  if ground == 0.9:
    expected = 1 - expected

  read = read_images(x, 28)
  np.testing.assert_allclose(read.image_t_y_x[0], 255 * expected, atol=0.51)
  assert any(note.startswith("Filled up to a square") for note in read.notes)


def test_what_is_done_to_all_images_is_one_note():
  large = np.stack([drawn(56, 56, seed) for seed in range(5)])
  read = read_images(large, 28)
  assert read.image_t_y_x.shape == (5, 28, 28)
  assert read.names == ["0", "1", "2", "3", "4"]
  assert read.notes == ["Resized to 28 x 28 pixels: all 5 images."]


def test_what_is_done_to_some_images_names_the_first_of_them():
  x = np.stack([drawn()] * 10)
  x[1::2] = 255 - x[1::2]
  [note] = read_images(x, 28).notes
  assert note == (
    "Inverted, as the border is brighter than the inside: 1, 3, 5 and 2 more of 10 images."
  )
