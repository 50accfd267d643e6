"""Images as other numbers: the same image, with a note where anything was assumed, or a refusal."""
import struct
import zlib

import numpy as np
import pytest
from fake_bidmc import says
from fake_images import SIDE, drawn
from PIL import Image

from jaxsig.data.images.image_files import read_images


def ramp() -> np.ndarray:
  """An image with black, white and many numbers between them, dark at its border."""
  x = drawn()
  x[7:21, 7:21] = np.linspace(3, 255, 196).reshape(14, 14)
  return x


X = ramp()
TO_ONE = X / 255
SAME = {   # the numbers, and what the note says of them
  "bytes": (X, ""),
  "32 bits": (X.astype(np.int32), ""),
  "64 bits": (X.astype(np.uint64), ""),
  "bytes in 16 bits": (X.astype(np.uint16), "255: 8 bits, white 255 assumed"),
  "bytes in 16 bits with sign": (X.astype(np.int16), "white 255 assumed"),
  "10 bits": (X.astype(np.uint16) * 4, "1020: 10 bits, white 1023 assumed"),
  "12 bits": (X.astype(np.uint16) * 16, "4080: 12 bits, white 4095 assumed"),
  "12 bits in 32": (X.astype(np.int32) * 16, "white 4095 assumed"),
  "14 bits": (X.astype(np.uint16) * 64, "14 bits, white 16383 assumed"),
  "15 bits": (X.astype(np.int16) * 128, "32640: 15 bits, white 32767 assumed"),
  "16 bits without white": (X.astype(np.uint16) * 256, "65280: 16 bits, white 65535 assumed"),
  "16 bits": (X.astype(np.uint16) * 257, ""),
  "half of 16 bits in even steps": (X.astype(np.uint16) // 2 * 257, ""),
  "floats": (TO_ONE.astype(np.float16), ""),
  "floats to 255": (X.astype(np.float32), ""),
  "floats to 4095": (TO_ONE * 4095, "from 0 to 4095 in even steps"),
  "divided twice": (TO_ONE / 255, "in even steps"),
  "standardised": (((TO_ONE - 0.2860) / 0.3530).astype(np.float32), "in even steps are read as 0"),
  "standardised in 16 bits": (((TO_ONE - 0.2860) / 0.3530).astype(np.float16), "in even steps"),
  "standardised by itself": ((TO_ONE - TO_ONE.mean()) / TO_ONE.std(), "in even steps"),
  "without the mean": (TO_ONE - 0.5, "in even steps"),
  "-1 to 1": ((X / 127.5 - 1).astype(np.float32), "Numbers from -1 to 1"),
}


@pytest.mark.parametrize("numbers", SAME)
def test_the_same_image_in_other_numbers(numbers):
  x, words = SAME[numbers]
  read = read_images(x, SIDE)
  expected = X
  if numbers == "half of 16 bits in even steps":
    expected = X // 2
  np.testing.assert_allclose(read.image_t_y_x[0], expected, atol=1)
  assert len(read.notes) == (words != "")
  assert all(words in note for note in read.notes)


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.uint16])
def test_masks_of_0_and_1_in_integers(kind):
  read = read_images((X > 0).astype(kind), SIDE)
  np.testing.assert_array_equal(read.image_t_y_x[0], 255 * (X > 0))
  assert "The largest number is 1: 1 bit, white 1 assumed" in read.notes[0]


def test_minus_1_to_1_without_white_is_known_by_its_steps():
  dim = np.minimum(X, 180)
  read = read_images(dim / 127.5 - 1, SIDE)
  np.testing.assert_array_equal(read.image_t_y_x[0], dim)


NOISE = np.random.default_rng(0).normal(size=(9, 9))
MASKED = np.ma.masked_greater(X, 200)


@pytest.mark.parametrize(
  ("x", "words"),
  [
    (NOISE, "standardised ones are x * deviation + mean"),
    ((np.minimum(TO_ONE, 0.7) - 0.2860) / 0.3530, "scale them to 0 to 1"),
    (X.view(np.int8), "x.view(numpy.uint8)"),
    (X.astype(np.int16) - 128, "values from -128 to 127"),
    (X.astype(np.uint32) * 2**24, "scale them"),
    ((X // 3 / 255 - 0.2860) / 0.3530, "scale them to 0 to 1"),
    (np.rint(TO_ONE * 16), "values from 0 to 16"),
    (np.rint(TO_ONE * 16).astype(int), "values from 0 to 16"),
    (np.round(TO_ONE * 2.8, 2) + 0.001, "scale them"),
    (np.abs(NOISE) * 1e-3, "scale them"),
    (np.where(X > 9, 2.0, -0.4), "values from -0.4 to 2"),
    (MASKED, "x.filled(0)"),
    (X * 1j, "numpy.abs(x)"),
    (X.astype(object), "holds object"),
    (X.astype(str), "not pixels"),
    (X.astype("datetime64[s]"), "not pixels"),
  ],
)
def test_numbers_that_mean_nothing_certain_are_refused(x, words):
  assert words in says(read_images, x, SIDE)


def test_a_masked_array_without_masked_numbers_is_an_array():
  np.testing.assert_array_equal(read_images(np.ma.array(X), SIDE).image_t_y_x[0], X)


def saved(path, x: np.ndarray, **options: object) -> None:
  Image.fromarray(x).save(path, **options)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_files_of_12_bits(tmp_path, name):
  saved(tmp_path / name, X.astype(np.uint16) * 16)
  read = read_images(tmp_path / name, SIDE)
  np.testing.assert_allclose(read.image_t_y_x[0], X, atol=1)
  assert "12 bits" in read.notes[0]


def png_of_16_bits(x_y_x_c: np.ndarray) -> bytes:
  """A PNG in colour, by hand: pillow writes none of 16 bits."""
  h, w, _ = x_y_x_c.shape
  rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in x_y_x_c)
  header = struct.pack(">IIBBBBB", w, h, 16, 2, 0, 0, 0)
  content = b"\x89PNG\r\n\x1a\n"
  for name, part in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
    checksum = struct.pack(">I", zlib.crc32(name + part))
    content += struct.pack(">I", len(part)) + name + part + checksum
  return content


def test_colours_of_16_bits_of_which_12_are_used_are_refused(tmp_path):
  colours = np.stack([X.astype(np.uint16)] * 3, -1)
  (tmp_path / "a.png").write_bytes(png_of_16_bits(colours * 257))
  np.testing.assert_array_equal(read_images(tmp_path / "a.png", SIDE).image_t_y_x[0], X)
  (tmp_path / "b.png").write_bytes(png_of_16_bits(colours * 16))
  assert "colours of 16 bits, none brighter than" in says(read_images, tmp_path / "b.png", SIDE)


def test_what_a_tiff_says_of_its_bits_is_believed(tmp_path):
  largest_number = 281   # a tag
  saved(tmp_path / "a.tif", X.astype(np.uint16) * 4, tiffinfo={largest_number: 4095})
  read = read_images(tmp_path / "a.tif", SIDE)
  np.testing.assert_allclose(read.image_t_y_x[0], X / 4, atol=1)
  assert read.notes[0].startswith("White is taken to be 4095, as the file says")


def test_files_of_a_folder_have_one_white(tmp_path):
  saved(tmp_path / "bright.png", X.astype(np.uint16) * 16)
  saved(tmp_path / "dark.png", X.astype(np.uint16) * 3)   # by itself it would be of 10 bits
  read = read_images(tmp_path, SIDE)
  np.testing.assert_allclose(read.image_t_y_x[1], X * (3 / 16), atol=1)
  assert "white 4095 assumed" in read.notes[0]
  assert "all 2 images" in read.notes[0]


def test_files_of_a_folder_that_are_standardised_each_by_itself_are_refused(tmp_path):
  saved(tmp_path / "a.tif", ((TO_ONE - 0.5) / 0.3).astype(np.float32))
  saved(tmp_path / "b.tif", ((TO_ONE - 0.2) / 0.4).astype(np.float32))
  assert "has values from -1.66667 to 2" in says(read_images, tmp_path, SIDE)
  (tmp_path / "b.tif").unlink()
  np.testing.assert_array_equal(read_images(tmp_path, SIDE).image_t_y_x[0], X)


def test_files_of_a_folder_on_two_scales_are_left_out(tmp_path):
  saved(tmp_path / "a.tif", X.astype(np.float32))
  saved(tmp_path / "b.tif", TO_ONE.astype(np.float32))
  read = read_images(tmp_path, SIDE)
  assert read.names == ["a.tif"]
  assert "give them one scale" in read.notes[0]
