"""A user's own images: every form gives the same image, and each thing that may be wrong one sentence or one note."""
import pathlib
import struct
import zlib

import numpy as np
import pytest
from fake_bidmc import says
from PIL import Image

from jaxsig.data.images import image_preparation
from jaxsig.data.images.image_files import read_images

SIDE = 28
COLOURS = "Colours are dropped"


def drawn(h: int = SIDE, w: int = SIDE, seed: int = 0) -> np.ndarray:
  """uint8 [h, w], a bright textured rectangle on black."""
  x = np.zeros((h, w), np.uint8)
  x[h // 4:h - h // 4, w // 4:w - w // 4] = np.random.default_rng(seed).integers(100, 256, (h - 2 * (h // 4), w - 2 * (w // 4)))
  return x


def saved(path: pathlib.Path, x: np.ndarray, **options) -> pathlib.Path:
  np.save(path, x) if path.suffix == ".npy" else Image.fromarray(x).save(path, **options)
  return path


def chunk(name: bytes, content: bytes) -> bytes:
  return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_bytes(width: int, height: int) -> bytes:
  """A PNG's beginning, which promises so many pixels and has none."""
  return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("name", ["a.png", "a.PNG", "a.tif", "a.tiff", "a.bmp", "a.gif", "a.npy", ""])
def test_every_form_gives_the_same_image(tmp_path, name):
  x = drawn()
  found = read_images(saved(tmp_path / name, x) if name else x, SIDE)
  np.testing.assert_array_equal(found.image_t_y_x, x[None])
  assert found.image_t_y_x.dtype == np.uint8 and found.notes == []
  assert found.names == [name if name and not name.endswith(".npy") else "0"]


def test_a_jpeg_is_near_it(tmp_path):
  x = np.kron(drawn(7, 7), np.ones((4, 4), np.uint8))
  found = read_images(str(saved(tmp_path / "a.jpg", x, quality=95)), SIDE)
  assert np.abs(found.image_t_y_x[0] - x.astype(float)).mean() < 3 and found.notes == []


@pytest.mark.parametrize("scaled", [
  lambda x: x, lambda x: x.astype(np.int64), lambda x: x.astype(np.float32), lambda x: x / 255, lambda x: x * np.uint16(257),
  lambda x: (x * np.uint16(257)).astype(">u2"), lambda x: x / 255 * 1.005 - 0.002])
@pytest.mark.parametrize("axes", [(), (0,), (2,), (0, 3)])
def test_number_types_and_layouts(tmp_path, scaled, axes):
  x = np.expand_dims(scaled(drawn()), axes)
  for source in (x, saved(tmp_path / "a.npy", x)):
    found = read_images(source, SIDE)
    np.testing.assert_allclose(found.image_t_y_x[0], drawn(), atol=1)
    assert found.notes == []


def test_masks_of_truth_values(tmp_path):
  x = drawn() > 0
  for source in (x, saved(tmp_path / "a.png", x), x.astype(float)):
    np.testing.assert_array_equal(read_images(source, SIDE).image_t_y_x[0], 255 * x)


@pytest.mark.parametrize("kind", ["uint16", ">u2", "float32"])
def test_files_of_more_than_eight_bits(tmp_path, kind):
  x = drawn().astype(np.float32) / 255
  x = x if kind == "float32" else np.rint(65535 * x).astype(kind)
  path = tmp_path / ("a.tif" if kind != "uint16" else "a.png")
  np.testing.assert_array_equal(read_images(saved(path, x), SIDE).image_t_y_x[0], drawn())


def test_colours_become_luma(tmp_path):
  """A pixel each of red, green, blue and white on black: ITU-R BT.601."""
  x = np.zeros((6, 6, 3), np.uint8)
  x[1, 1], x[1, 4], x[4, 1], x[4, 4] = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
  for source in (x, x / 255, x[None], saved(tmp_path / "a.png", x), saved(tmp_path / "a.npy", x)):
    image, _, notes = read_images(source, 6)
    assert image[0][[1, 1, 4, 4], [1, 4, 1, 4]].tolist() == [76, 150, 29, 255] and image.sum() == 510
    assert len(notes) == 1 and notes[0].startswith(COLOURS)
  assert read_images(np.repeat(drawn()[..., None], 3, -1), SIDE).notes == []   # grey, in three channels
  coded = Image.fromarray(x)
  for mode in ("P", "CMYK"):   # a palette, and printers' colours
    name = {"P": "p.png", "CMYK": "p.tif"}[mode]
    coded.convert(mode).save(tmp_path / name)
    np.testing.assert_allclose(read_images(tmp_path / name, 6).image_t_y_x, image, atol=1)


@pytest.mark.parametrize("ink, ground", [(0, "white"), (255, "black")])
def test_transparent_pixels_are_what_the_ink_is_not(tmp_path, ink, ground):
  """Ink on nothing: bright on dark in either case, whatever colour the transparent pixels claim to be."""
  alpha = drawn()
  x = np.full((SIDE, SIDE, 4), 255 - ink, np.uint8)
  x[alpha > 0, :3], x[..., 3] = ink, alpha
  for source in (x, x[None] / 255, saved(tmp_path / "a.png", x), saved(tmp_path / "a.tif", x)):
    image, _, notes = read_images(source, SIDE)
    np.testing.assert_allclose(image[0], alpha, atol=1)
    assert notes[0].startswith(f"Transparent pixels are made {ground}") and len(notes) == (2 if ground == "white" else 1)
  assert read_images(np.stack([alpha, alpha, alpha, np.full_like(alpha, 255)], -1), SIDE).notes == []


def test_a_palette_with_a_transparent_colour(tmp_path):
  shown = Image.fromarray(np.where(drawn() > 0, 7, 3).astype(np.uint8), "L").convert("P")
  shown.save(tmp_path / "a.gif", transparency=3)
  image, _, notes = read_images(tmp_path / "a.gif", SIDE)
  assert notes[0].startswith("Transparent pixels are made white")
  np.testing.assert_array_equal(image[0] > 100, drawn() > 0)


def test_what_is_dark_on_bright_is_inverted():
  x = drawn()
  for given in (255 - x, 1 - x / 255):
    image, _, notes = read_images(given, SIDE)
    np.testing.assert_allclose(image[0], x, atol=1)
    assert len(notes) == 1 and notes[0].startswith("Inverted, as the border is brighter")
  wide = np.zeros((SIDE, SIDE), np.uint8)
  wide[:20, 9:19], wide[10:12] = 200, 180   # it reaches the border at three sides
  assert read_images(wide, SIDE).notes == []
  hook = np.zeros((SIDE, SIDE), np.uint8)
  hook[0], hook[:10, 0], hook[12:16, 12:16] = 255, 255, 200   # its border is the brighter part on average, not for the most part
  assert read_images(hook, SIDE).notes == []


def test_sizes_are_means_over_areas():
  rng = np.random.default_rng(1)
  x = np.pad(rng.uniform(0.4, 1, (36, 36)), 10)
  got = read_images(x, 28).image_t_y_x[0]   # 2 pixels to one
  np.testing.assert_allclose(got, 255 * x.reshape(28, 2, 28, 2).mean((1, 3)), atol=0.51)
  got = read_images(x, 24).image_t_y_x[0]   # 7 thirds to one: exact where each pixel is 3 x 3 of thirds
  np.testing.assert_allclose(got, 255 * np.kron(x, np.ones((3, 3))).reshape(24, 7, 24, 7).mean((1, 3)), atol=0.51)
  np.testing.assert_array_equal(read_images(drawn(7, 7), 28).image_t_y_x[0], np.kron(drawn(7, 7), np.ones((4, 4))))
  assert "Resized to 24 x 24 pixels" in read_images(x, 24).notes[0]


@pytest.mark.parametrize("h, w", [(28, 14), (14, 28), (13, 28), (56, 3)])
@pytest.mark.parametrize("ground", [0.0, 0.25, 0.9])
def test_other_shapes_lie_in_the_middle_of_a_square_of_their_background(h, w, ground):
  x = np.full((h, w), ground)
  x[h // 3:h - h // 3, w // 3:w - w // 3] = 1 - ground
  long = max(h, w)
  padded = np.full((2 * long, 2 * long), ground)   # on half pixels, so that an odd rest has a middle
  top, left = long - h, long - w
  padded[top:top + 2 * h, left:left + 2 * w] = np.kron(x, np.ones((2, 2)))
  expected = padded.reshape(28, long // 14, 28, long // 14).mean((1, 3))
  image, _, notes = read_images(x, 28)
  np.testing.assert_allclose(image[0], 255 * (1 - expected if ground == 0.9 else expected), atol=0.51)
  assert any(note.startswith("Filled up to a square") for note in notes)


def test_nothing_else_is_said_of_two_sizes_of_the_same_image():
  image, names, notes = read_images(np.stack([drawn(56, 56, seed) for seed in range(5)]), 28)
  assert image.shape == (5, 28, 28) and names == ["0", "1", "2", "3", "4"]
  assert notes == ["Resized to 28 x 28 pixels: all 5 images."]
  half = np.stack([255 - drawn() if k % 2 else drawn() for k in range(10)])
  assert read_images(half, 28).notes == ["Inverted, as the border is brighter than the inside: 1, 3, 5 and 2 more of 10 images."]


def test_a_folder_by_names(tmp_path):
  for k, name in enumerate(["c.png", "a.jpg", "b.tif"]):
    saved(tmp_path / name, drawn(seed=k))
  (tmp_path / ".hidden").write_text("x")
  (tmp_path / "below").mkdir()
  found = read_images(tmp_path, SIDE)
  assert found.names == ["a.jpg", "b.tif", "c.png"] and found.notes == []
  np.testing.assert_array_equal(found.image_t_y_x[2], drawn(seed=0))
  for name in ("1.txt", "2.csv", "3.txt", "4.md"):
    (tmp_path / name).write_text("hello")
  saved(tmp_path / "5.png", np.zeros((9, 9), np.uint8))
  again = read_images(str(tmp_path), SIDE)
  np.testing.assert_array_equal(again.image_t_y_x, found.image_t_y_x)
  assert len(again.notes) == 1 and again.names == found.names
  assert "1.txt, 2.csv, 3.txt and 2 more of 8 files; the first: " in again.notes[0] and "1.txt is no image" in again.notes[0]


def test_folders_without_images(tmp_path):
  assert "has no files: name the one that holds the images themselves" in says(read_images, tmp_path, SIDE)
  (tmp_path / "a.txt").write_text("hello")
  sentence = says(read_images, tmp_path, SIDE)
  assert "no image that can be used (1 files, the first: " in sentence and "a.txt is no image of a known kind" in sentence


def test_first_frames(tmp_path):
  frames = [Image.fromarray(drawn(seed=k)) for k in range(3)]
  for name in ("a.gif", "a.tif"):
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    image, _, notes = read_images(tmp_path / name, SIDE)
    np.testing.assert_array_equal(image[0], drawn(seed=0))
    assert notes == [f"Only the first frame is read: {name}."]


def test_photographs_are_turned_as_the_camera_says(tmp_path):
  exif = Image.Exif()
  exif[0x0112] = 6   # to be turned clockwise by a quarter
  saved(tmp_path / "a.png", drawn(), exif=exif)
  np.testing.assert_array_equal(read_images(tmp_path / "a.png", SIDE).image_t_y_x[0], np.rot90(drawn(), -1))


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.gif", "a.tif", "a.npy"])
@pytest.mark.parametrize("left", [0, 5, 0.5, 0.95])
def test_truncated_files(tmp_path, name, left):
  content = saved(tmp_path / name, drawn(200, 200)).read_bytes()
  (tmp_path / name).write_bytes(content[:left if left in (0, 5) else int(left * len(content))])
  assert name in says(read_images, tmp_path / name, SIDE)


def test_files_that_hold_something_else(tmp_path):
  for name in ("a.txt", "a.png", "a"):
    (tmp_path / name).write_text("hello")
    assert f"{name} is no image of a known kind: save it as PNG, JPEG, TIFF, BMP or GIF" in says(read_images, tmp_path / name, SIDE)
  (tmp_path / "a.npy").write_text("hello")
  assert "is not a NumPy array of numbers" in says(read_images, tmp_path / "a.npy", SIDE)
  np.save(tmp_path / "b.npy", np.array([{}, None], object), allow_pickle=True)
  assert "it holds Python objects" in says(read_images, tmp_path / "b.npy", SIDE)
  for name in ("c.png", "c.npy", "c/d.png", "c"):
    assert "does not exist" in says(read_images, tmp_path / name, SIDE)
  saved(tmp_path / "e.gif", drawn()).rename(tmp_path / "e.png")   # a wrong ending does not matter
  np.testing.assert_array_equal(read_images(tmp_path / "e.png", SIDE).image_t_y_x[0], drawn())


@pytest.mark.parametrize("width, height", [(20_000, 20_000), (9000, 9000), (8193, 100), (2**31 - 1, 2)])
def test_huge_images_are_refused_before_they_are_unpacked(tmp_path, width, height):
  (tmp_path / "a.png").write_bytes(png_bytes(width, height))
  sentence = says(read_images, tmp_path / "a.png", SIDE)
  assert "a.png" in sentence and "8192" in sentence and "to a side" in sentence


@pytest.mark.parametrize("x, words", [
  (np.zeros(5), "the array has the shape (5,): give images as [h, w]"), (np.float64(3), "has the shape ()"),
  (np.zeros((2, 3, 4, 5)), "(2, 3, 4, 5)"), (np.zeros((1, 1, 8, 8, 3)), "(1, 1, 8, 8, 3)"), (np.zeros((0, 8, 8)), "(0, 8, 8)"),
  (np.zeros((2, 9)), "2 x 9 pixels"), (np.ones((9000, 9)), "9000 x 9 pixels"),
  (np.eye(9) * 1j, "complex128, not pixels"), (np.full((8, 8), "x"), "<U1"), (np.array([[None]]), "object"),
  (np.eye(9) * 300, "values from 0 to 300: scale them"), (np.eye(9) - 1, "values from -1 to 0"), (np.eye(9) * 70000, "70000"),
  (np.where(np.eye(9) > 0, np.nan, 0.5), "NaN or infinite in 9 of 81 values"), (np.where(np.eye(9) > 0, np.inf, 0.5), "infinite in 9"),
  ([np.zeros((8, 8)), np.zeros((9, 9))], "do not make one array"),
  (np.zeros((9, 9)), "image 0 of the array shows nothing"), (np.full((9, 9), 0.3), "shows nothing"),
  (np.stack([drawn(), drawn() * 0]), "image 1 of the array shows nothing"), (np.zeros((9, 9, 4)), "shows nothing")])
def test_arrays_that_cannot_be_used(tmp_path, x, words):
  assert words in says(read_images, x, SIDE)
  if isinstance(x, np.ndarray) and x.dtype.kind != "O":
    np.save(tmp_path / "a.npy", x)
    assert words.replace("the array", str(tmp_path / "a.npy")) in says(read_images, tmp_path / "a.npy", SIDE)


def test_files_of_one_colour_or_nan(tmp_path):
  assert "a.png shows nothing, it is of one colour" in says(read_images, saved(tmp_path / "a.png", np.full((9, 9), 200, np.uint8)), SIDE)
  x = drawn().astype(np.float32) / 255
  x[3, 4] = np.nan
  assert "b.tif is NaN or infinite in 1 of 784 values" in says(read_images, saved(tmp_path / "b.tif", x), SIDE)


def test_faint_images_are_noted():
  image, _, notes = read_images((drawn() > 0).astype(np.uint8), SIDE)   # a mask of 0 and 1 in bytes
  assert image.max() == 1 and notes[0].startswith("Faint")
  assert read_images(drawn().astype(np.uint16) * 16, SIDE).notes[0].startswith("Faint")   # 12 bits


def test_the_callers_array_is_left_alone():
  x = 1 - drawn() / 255
  before = x.copy()
  read_images(x, 14)
  np.testing.assert_array_equal(x, before)
  assert image_preparation.LUMA.sum() == pytest.approx(1)
