"""A user's own images: every form gives the same image, and each fault has one sentence."""
import pathlib
import struct
import zlib

import numpy as np
import pytest
from fake_bidmc import says
from fake_images import SIDE, drawn, saved
from PIL import Image

from jaxsig.data.images.image_files import read_images


@pytest.mark.parametrize(
  "name",
  ["a.png", "a.PNG", "a.tif", "a.tiff", "a.bmp", "a.gif", "a.npy", ""],
)
def test_every_form_gives_the_same_image(tmp_path, name):
  x = drawn()
  source = x
  if name:
    source = saved(tmp_path / name, x)
  read = read_images(source, SIDE)
  np.testing.assert_array_equal(read.image_t_y_x, x[None])
  assert read.image_t_y_x.dtype == np.uint8
  assert read.notes == []

  number = not name or name.endswith(".npy")
  assert read.names == ["0" if number else name]


def test_a_jpeg_is_near_it(tmp_path):
  x = np.kron(drawn(7, 7), np.ones((4, 4), np.uint8))
  path = saved(tmp_path / "a.jpg", x, quality=95)
  read = read_images(str(path), SIDE)
  assert np.abs(read.image_t_y_x[0] - x.astype(float)).mean() < 3
  assert read.notes == []


def test_masks_of_truth_values(tmp_path):
  x = drawn() > 0
  for source in (x, saved(tmp_path / "a.png", x), x.astype(float)):
    read = read_images(source, SIDE)
    np.testing.assert_array_equal(read.image_t_y_x[0], 255 * x)


@pytest.mark.parametrize(
  ("kind", "name"),
  [("uint16", "a.png"), (">u2", "a.tif"), ("float32", "a.tif")],
)
def test_files_of_more_than_eight_bits(tmp_path, kind, name):
  x = drawn().astype(np.float32) / 255
  if kind != "float32":
    x = np.rint(65535 * x).astype(kind)
  read = read_images(saved(tmp_path / name, x), SIDE)
  np.testing.assert_array_equal(read.image_t_y_x[0], drawn())


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
  """Three images, written in another order than that of their names, and what is none."""
  for k, name in enumerate(["c.png", "a.jpg", "b.tif"]):
    saved(tmp_path / name, drawn(seed=k))
  (tmp_path / ".hidden").write_text("x")
  (tmp_path / "below").mkdir()
  return tmp_path


def test_a_folder_by_names(folder):
  read = read_images(folder, SIDE)
  assert read.names == ["a.jpg", "b.tif", "c.png"]
  assert read.notes == ["Left out, as folders in the folder: below."]
  np.testing.assert_array_equal(read.image_t_y_x[2], drawn(seed=0))


def test_what_is_no_image_in_a_folder_is_left_out_and_noted(folder):
  images = read_images(folder, SIDE)
  for name in ("1.txt", "2.csv", "3.txt", "4.md"):
    (folder / name).write_text("hello")
  saved(folder / "5.png", np.zeros((9, 9), np.uint8))

  read = read_images(str(folder), SIDE)
  np.testing.assert_array_equal(read.image_t_y_x, images.image_t_y_x)
  assert read.names == images.names
  note, _ = read.notes
  assert "1.txt, 2.csv, 3.txt and 2 more of 8 files; the first: " in note
  assert "1.txt is no image" in note


def test_folders_without_images(tmp_path):
  sentence = says(read_images, tmp_path, SIDE)
  assert "has no files: name the one that holds the images themselves" in sentence

  (tmp_path / "a.txt").write_text("hello")
  sentence = says(read_images, tmp_path, SIDE)
  assert "no image that can be used (1 file, the first: " in sentence
  assert "a.txt is no image of a known kind" in sentence


@pytest.mark.parametrize("name", ["a.gif", "a.tif"])
def test_first_frames(tmp_path, name):
  frames = [Image.fromarray(drawn(seed=k)) for k in range(3)]
  frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
  read = read_images(tmp_path / name, SIDE)
  np.testing.assert_array_equal(read.image_t_y_x[0], drawn(seed=0))
  assert read.notes == [f"Only the first frame is read: {name}."]


def test_photographs_are_turned_as_the_camera_says(tmp_path):
  exif = Image.Exif()
  exif[0x0112] = 6   # to be turned clockwise by a quarter
  path = saved(tmp_path / "a.png", drawn(), exif=exif)
  read = read_images(path, SIDE)
  np.testing.assert_array_equal(read.image_t_y_x[0], np.rot90(drawn(), -1))


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.gif", "a.tif", "a.npy"])
@pytest.mark.parametrize("left", ["nothing", "five bytes", "half", "most"])
def test_truncated_files(tmp_path, name, left):
  path = saved(tmp_path / name, drawn(200, 200))
  content = path.read_bytes()
  sizes = {
    "nothing": 0,
    "five bytes": 5,
    "half": int(0.5 * len(content)),
    "most": int(0.95 * len(content)),
  }
  path.write_bytes(content[:sizes[left]])
  assert name in says(read_images, path, SIDE)


@pytest.mark.parametrize("name", ["a.txt", "a.png", "a"])
def test_files_that_hold_something_else(tmp_path, name):
  (tmp_path / name).write_text("hello")
  words = f"{name} is no image of a known kind: save it as PNG, JPEG, TIFF, BMP or GIF"
  assert words in says(read_images, tmp_path / name, SIDE)


def test_npy_files_that_hold_something_else(tmp_path):
  (tmp_path / "a.npy").write_text("hello")
  assert "is not a NumPy array of numbers" in says(read_images, tmp_path / "a.npy", SIDE)
  np.save(tmp_path / "b.npy", np.array([{}, None], object), allow_pickle=True)
  assert "it holds Python objects" in says(read_images, tmp_path / "b.npy", SIDE)


LONG = 3000 * "c"


@pytest.mark.parametrize("name", ["c.png", "c.npy", "c/d.png", "c", LONG, LONG + ".npy"])
def test_files_that_do_not_exist(tmp_path, name):
  assert "does not exist" in says(read_images, tmp_path / name, SIDE)


def test_a_wrong_ending_does_not_matter(tmp_path):
  saved(tmp_path / "e.gif", drawn()).rename(tmp_path / "e.png")
  read = read_images(tmp_path / "e.png", SIDE)
  np.testing.assert_array_equal(read.image_t_y_x[0], drawn())


def png_start(width: int, height: int) -> bytes:
  """A PNG's beginning, which promises so many pixels and has none."""
  header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
  return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IEND", b"")


def chunk(name: bytes, content: bytes) -> bytes:
  length = struct.pack(">I", len(content))
  checksum = struct.pack(">I", zlib.crc32(name + content))
  return length + name + content + checksum


@pytest.mark.parametrize(
  ("width", "height"),
  [(20_000, 20_000), (9000, 9000), (8193, 100), (2**31 - 1, 2)],
)
def test_huge_images_are_refused_before_they_are_unpacked(tmp_path, width, height):
  (tmp_path / "a.png").write_bytes(png_start(width, height))
  sentence = says(read_images, tmp_path / "a.png", SIDE)
  for words in ("a.png", "8192", "to a side"):
    assert words in sentence


DIAGONAL = np.eye(9)
WRONG = [   # an array, and words of the sentence
  (np.zeros(5), "the array has the shape (5,): give images as [h, w]"),
  (np.float64(3), "has the shape ()"),
  (np.zeros((2, 3, 4, 5)), "(2, 3, 4, 5)"),
  (np.zeros((1, 1, 8, 8, 3)), "(1, 1, 8, 8, 3)"),
  (np.zeros((0, 8, 8)), "(0, 8, 8)"),
  (np.zeros((2, 9)), "2 x 9 pixels"),
  (np.ones((9000, 9)), "9000 x 9 pixels"),
  (DIAGONAL * 1j, "complex128, not pixels"),
  (np.full((8, 8), "x"), "<U1"),
  (DIAGONAL * 300, "values from 0 to 300: scale them"),
  (DIAGONAL - 1, "values from -1 to 0"),
  (DIAGONAL * 70000, "70000"),
  (np.where(DIAGONAL > 0, np.nan, 0.5), "NaN or infinite in 9 of 81 values"),
  (np.where(DIAGONAL > 0, np.inf, 0.5), "infinite in 9"),
  (np.zeros((9, 9)), "image 0 of the array shows nothing"),
  (np.full((9, 9), 0.3), "shows nothing"),
  (np.stack([drawn(), drawn() * 0]), "image 1 of the array shows nothing"),
  (np.zeros((9, 9, 4)), "shows nothing"),
]


@pytest.mark.parametrize(("x", "words"), WRONG)
def test_arrays_that_cannot_be_used(x, words):
  assert words in says(read_images, x, SIDE)


@pytest.mark.parametrize(
  ("x", "words"),
  [case for case in WRONG if isinstance(case[0], np.ndarray)],
)
def test_npy_files_that_cannot_be_used(tmp_path, x, words):
  path = saved(tmp_path / "a.npy", x)
  assert words.replace("the array", str(path)) in says(read_images, path, SIDE)


@pytest.mark.parametrize(
  ("source", "words"),
  [
    (np.array([[None]]), "object"),
    ([np.zeros((8, 8)), np.zeros((9, 9))], "do not make one array"),
  ],
  ids=["objects", "several shapes"],
)
def test_lists_and_objects_that_cannot_be_used(source, words):
  assert words in says(read_images, source, SIDE)


def test_a_file_of_one_colour(tmp_path):
  path = saved(tmp_path / "a.png", np.full((9, 9), 200, np.uint8))
  assert "a.png shows nothing, it is of one colour" in says(read_images, path, SIDE)


def test_a_file_with_nan(tmp_path):
  x = drawn().astype(np.float32) / 255
  x[3, 4] = np.nan
  path = saved(tmp_path / "b.tif", x)
  assert "b.tif is NaN or infinite in 1 of 784 values" in says(read_images, path, SIDE)


def test_the_callers_array_is_left_alone():
  x = 1 - drawn() / 255
  before = x.copy()
  read_images(x, 14)
  np.testing.assert_array_equal(x, before)
