"""Archives of several arrays, folders of arrays and of other things, and idx files by any name."""
import gzip
import struct

import numpy as np
import pytest
from fake_bidmc import says
from fake_images import SIDE, drawn
from fake_intensity import centred, intensity
from PIL import Image

from jaxsig.data.images.image_files import read_images
from jaxsig.data.images.intensities.intensity_file import read_intensity

IMAGES = np.stack([drawn(seed=seed) for seed in range(5)])
FRAMES = np.stack([centred(intensity(seed=seed)) for seed in range(4)])


@pytest.mark.parametrize(
  "others",
  [
    {"labels": np.arange(5)}, {"y": np.arange(5)[:, None], "n": 5}, {"train_labels": np.eye(5, 10)},
    {"meta": np.array("hi")}, {"masks": IMAGES > 0}, {"energy": 7.1, "dates": np.array(["a", "b"])},
    {"objects": np.array([None, {}])},
  ],
  ids=lambda others: " ".join(others),
)
def test_the_only_array_that_can_be_images(tmp_path, others):
  np.savez(tmp_path / "a.npz", x=IMAGES, **others)
  read = read_images(tmp_path / "a.npz", SIDE)
  np.testing.assert_array_equal(read.image_t_y_x, IMAGES)
  assert read.notes[0] == f"Of the arrays of a.npz x is taken, not {', '.join(others)}."


@pytest.mark.parametrize("count", [2, 3, 20, 24])
def test_one_of_several_by_name(tmp_path, count):
  arrays = {f"a{k:02}": FRAMES[:k % 4 + 1] for k in range(count)}
  np.savez(tmp_path / "a.npz", **arrays)
  sentence = says(read_intensity, tmp_path / "a.npz")
  assert f"holds {count} arrays" in sentence and "own.dataset" in sentence
  assert ("..." in sentence) == (count > 20)
  assert "own.dataset" not in says(read_images, tmp_path / "a.npz", SIDE)
  read = read_intensity(tmp_path / "a.npz", f"a{count - 1:02}")
  assert len(read.frames_t_v_u) == (count - 1) % 4 + 1
  assert "has no array b: it has a00" in says(read_intensity, tmp_path / "a.npz", "b")


@pytest.mark.parametrize("form", ["array", "npy", "tif"])
def test_a_data_set_of_one_array_is_told_not_to_be_used(tmp_path, form):
  source = FRAMES[0].astype(np.float32)
  if form == "npy":
    np.save(tmp_path / "a.npy", source)
  if form == "tif":
    Image.fromarray(source).save(tmp_path / "a.tif")
  if form != "array":
    source = tmp_path / f"a.{form}"
  assert "own.dataset=x is not used" in read_intensity(source, "x").notes[0]


@pytest.mark.parametrize("reader", [read_intensity, lambda source: read_images(source, SIDE)])
def test_an_array_by_the_name_of_an_archive(tmp_path, reader):
  np.save(tmp_path / "a.npy", IMAGES)
  (tmp_path / "a.npy").rename(tmp_path / "a.npz")
  assert "holds one array and no archive: name it .npy" in says(reader, tmp_path / "a.npz")


@pytest.mark.parametrize("reader", [read_intensity, lambda source: read_images(source, SIDE)])
@pytest.mark.parametrize(
  "source", [[np.ones((9, 9)), np.ones((8, 8))], [[1, 2], [3]], [np.ones(3), np.ones((3, 3))]]
)
def test_lists_of_several_shapes(reader, source):
  sentence = says(reader, source)
  assert "their shapes differ" in sentence and "homogeneous" not in sentence


@pytest.mark.parametrize("scale", [1, 257, 1 / 255])
def test_a_folder_of_arrays(tmp_path, scale):
  kind = {1: np.uint8, 257: np.uint16}.get(scale, np.float32)
  for k, image in enumerate(IMAGES):
    np.save(tmp_path / f"{k}.npy", (image.astype(float) * scale).astype(kind))
  np.save(tmp_path / "several.npy", IMAGES)
  read = read_images(tmp_path, SIDE)
  np.testing.assert_allclose(read.image_t_y_x, IMAGES, atol=1)
  assert "several.npy holds 5 images: name it alone" in read.notes[0]


@pytest.mark.parametrize("what", ["folder", "link", "both"])
def test_what_else_is_in_a_folder(tmp_path, what):
  Image.fromarray(IMAGES[0]).save(tmp_path / "a.png")
  (tmp_path / ".hidden").mkdir()
  if what != "link":
    (tmp_path / "sub").mkdir()
  if what != "folder":
    (tmp_path / "b.png").symlink_to("nowhere")
  told = " ".join(read_images(tmp_path, SIDE).notes)
  assert ("folders in the folder: sub" in told) == (what != "link")
  assert ("links that lead nowhere or no files: b.png" in told) == (what != "folder")


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
  "name", ["a-idx3-ubyte", "a.idx3-ubyte", "a.idx", "images", "a.gz", "a.bin"]
)
def test_idx_files_by_any_name(tmp_path, name, zipped):
  content = struct.pack(">HBBIII", 0, 8, 3, *IMAGES.shape) + IMAGES.tobytes()
  if zipped:
    content = gzip.compress(content)
  (tmp_path / name).write_bytes(content)
  np.testing.assert_array_equal(read_images(tmp_path / name, SIDE).image_t_y_x, IMAGES)


def test_an_idx_header_of_very_many_images(tmp_path):
  (tmp_path / "a.idx").write_bytes(struct.pack(">HBBIII", 0, 8, 3, 2**31, 28, 28) + bytes(99))
  assert "its header says 2147483648 x 28 x 28" in says(read_images, tmp_path / "a.idx", SIDE)


@pytest.mark.parametrize("name", ["frames", "frames.h5", "frames.npy"])
def test_a_folder_is_no_intensity(tmp_path, name):
  (tmp_path / name).mkdir()
  assert f"{name} is a folder: name a file" in says(read_intensity, tmp_path / name)


def test_a_mask_among_other_arrays_is_refused(tmp_path):
  np.savez(tmp_path / "a.npz", data=FRAMES, mask=FRAMES[0] > 0)
  sentence = says(read_intensity, FRAMES, mask=tmp_path / "a.npz")
  assert "holds several arrays: save the mask alone" in sentence
