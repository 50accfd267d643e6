"""Transparent pixels of a user's own images."""
import gzip

import numpy as np
import pytest
from fake_bidmc import says
from fake_idx import idx_bytes
from fake_images import SIDE, drawn
from PIL import Image

from jaxsig.data.images.image_files import read_images


def soft() -> np.ndarray:
  """Opacity from 0 to 255 in many steps."""
  alpha = np.zeros((SIDE, SIDE), np.uint8)
  alpha[6:22, 6:22] = np.linspace(4, 255, 256).reshape(16, 16)
  return alpha


def with_alpha(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
  return np.stack([colour, colour, colour, alpha], -1)


def test_colours_multiplied_by_opacity_are_known_by_their_numbers():
  read = read_images(with_alpha(soft(), soft()), SIDE)
  np.testing.assert_allclose(read.image_t_y_x[0], soft(), atol=1)
  assert read.notes[0].startswith("Colours are taken as multiplied by their opacity")


@pytest.mark.parametrize("ink", [0, 60, 200, 255])
def test_colours_of_their_own_are_not(ink):
  read = read_images(with_alpha(np.full_like(soft(), ink), soft()), SIDE)
  assert not any("multiplied" in note for note in read.notes)
  largest = ink
  if ink < 128:
    largest = 255 - ink
  np.testing.assert_allclose(read.image_t_y_x[0], soft() * (largest / 255), atol=1)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_files_that_are_transparent_everywhere(tmp_path, mode, name):
  nothing = Image.fromarray(with_alpha(drawn(), np.zeros_like(drawn())))
  if mode != "PA":
    nothing.convert(mode).save(tmp_path / name)
  else:
    palette = Image.fromarray(drawn()).convert("P")
    palette.save(tmp_path / "a.png", transparency=bytes(256))
    name = "a.png"
  assert "shows nothing, it is transparent everywhere" in says(read_images, tmp_path / name, SIDE)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_arrays_that_are_transparent_everywhere(kind):
  x = with_alpha(drawn(), 0 * drawn()).astype(kind)
  assert "transparent everywhere" in says(read_images, x, SIDE)


def test_a_transparent_grey_of_16_bits_is_refused(tmp_path):
  x = drawn().astype(np.uint16) * 257
  Image.fromarray(x).save(tmp_path / "a.png", transparency=0)
  assert "without transparency" in says(read_images, tmp_path / "a.png", SIDE)


@pytest.mark.parametrize("mode", ["RGBA", "RGB", "P", "L", "1", "LA", "CMYK"])
def test_pillow_images(mode):
  image = Image.fromarray(255 * (drawn() > 0).astype(np.uint8)).convert(mode)
  read = read_images(image, SIDE)
  np.testing.assert_allclose(read.image_t_y_x[0], 255 * (drawn() > 0), atol=1)


@pytest.mark.parametrize("name", ["a.webp", "a.jp2", "a.pgm", "a.ico"])
def test_further_kinds_of_files(tmp_path, name):
  options = {}
  if name == "a.webp":
    options = {"lossless": True}
  if name == "a.ico":
    options = {"sizes": [(SIDE, SIDE)]}
  Image.fromarray(drawn()).save(tmp_path / name, **options)
  np.testing.assert_array_equal(read_images(tmp_path / name, SIDE).image_t_y_x[0], drawn())


@pytest.mark.parametrize("name", ["a.svg", "a.heic", "a.csv", "a.mat", "a.pdf"])
def test_kinds_of_files_that_are_not_read(tmp_path, name):
  (tmp_path / name).write_text("<svg></svg>")
  assert "or its numbers by numpy.save as .npy" in says(read_images, tmp_path / name, SIDE)


@pytest.mark.parametrize("name", ["t10k-images-idx3-ubyte", "mine-idx3-ubyte.gz"])
def test_files_of_mnist(tmp_path, name):
  content = idx_bytes(np.stack([drawn(), drawn(seed=1)]))
  if name.endswith(".gz"):
    content = gzip.compress(content)
  (tmp_path / name).write_bytes(content)
  read = read_images(tmp_path / name, SIDE)
  np.testing.assert_array_equal(read.image_t_y_x, np.stack([drawn(), drawn(seed=1)]))
  (tmp_path / name).write_bytes(content[:60])
  assert "truncated" in says(read_images, tmp_path / name, SIDE)


def test_archives_of_arrays(tmp_path):
  np.savez(tmp_path / "one.npz", drawn())
  np.testing.assert_array_equal(read_images(tmp_path / "one.npz", SIDE).image_t_y_x[0], drawn())
  np.savez(tmp_path / "two.npz", before=drawn(), after=drawn())
  sentence = says(read_images, tmp_path / "two.npz", SIDE)
  assert "holds 2 arrays (before (28 x 28), after (28 x 28))" in sentence
