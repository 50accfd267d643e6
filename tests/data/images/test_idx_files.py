"""idx files: what was written is read, gzipped or not, and each fault has a sentence of its own."""
import gzip
import pathlib

import numpy as np
import pytest
from fake_bidmc import says
from fake_idx import idx_bytes, write_family

from jaxsig.data.images import idx_files

FAMILY = "fashion_mnist"


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("below", ["", FAMILY])
def test_what_was_written_is_read(tmp_path, packed, below):
  made = write_family(tmp_path / below, packed=packed)
  assert len(idx_files.find(tmp_path, FAMILY)) == 4
  for part, (images, labels) in made.items():
    read = idx_files.read_part(tmp_path, FAMILY, part)
    np.testing.assert_array_equal(read.image_t_y_x, images)
    np.testing.assert_array_equal(read.label_t, labels)
    assert read.image_t_y_x.dtype == np.uint8
    assert read.label_t.dtype == np.uint8


def test_axes_are_in_the_files_order(tmp_path):
  x = np.arange(2 * 3 * 5).reshape(2, 3, 5)
  (tmp_path / "x").write_bytes(idx_bytes(x))
  np.testing.assert_array_equal(idx_files.read_idx(tmp_path / "x", 3), x)


def test_an_unpacked_file_that_kept_its_name_is_read(tmp_path):
  (tmp_path / "x.gz").write_bytes(idx_bytes(np.arange(4)))
  np.testing.assert_array_equal(idx_files.read_idx(tmp_path / "x.gz", 1), np.arange(4))


def test_another_family_in_another_folder_is_not_taken(tmp_path):
  write_family(tmp_path / "kmnist")
  assert idx_files.find(tmp_path, FAMILY) == {}
  assert len(idx_files.find(tmp_path, "kmnist")) == 4


GOOD = idx_bytes(np.arange(60).reshape(3, 4, 5))
HUGE = GOOD[:4] + b"\x7f\xff\xff\xff" * 3 + GOOD[16:]
NEGATIVE = GOOD[:4] + b"\xff\xff\xff\xff" + GOOD[8:]
PACKED = gzip.compress(GOOD, mtime=0)
BROKEN = {   # content, and words of the sentence
  "empty": (b"", ["begins with nothing"]),
  "text": (b"<html>404</html>", ["begins with 3c68746d", "00000803"]),
  "labels for images": (idx_bytes(np.arange(60)), ["begins with 00000801", "00000803"]),
  "floats": (idx_bytes(np.zeros((3, 4, 5)), kind=0x0D), ["begins with 00000d03"]),
  "header cut": (GOOD[:9], ["truncated"]),
  "values cut": (GOOD[:-1], ["truncated", "3 x 4 x 5", "76 bytes", "has 75"]),
  "more values": (GOOD + b"\0", ["wrong length", "76 bytes", "has 77"]),
  "huge": (HUGE, ["truncated", "2147483647 x"]),
  "negative": (NEGATIVE, ["4294967295 x 4 x 5"]),
  "gzip cut": (PACKED[:-12], ["truncated or damaged"]),
  "gzip damaged": (PACKED[:-6] + b"\0" * 6, ["cannot be read"]),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_named_with_its_remedy(tmp_path, case):
  content, words = BROKEN[case]
  path = tmp_path / "images"
  path.write_bytes(content)
  sentence = says(idx_files.read_idx, path, 3, "fetch it again")
  for word in (str(path), "fetch it again", *words):
    assert word in sentence


def sentence_on(folder: pathlib.Path, part: str) -> str:
  return says(idx_files.read_part, folder, FAMILY, part)


def test_missing_files_are_named(tmp_path):
  assert "train-images-idx3-ubyte.gz is missing" in sentence_on(tmp_path, "train")
  write_family(tmp_path)
  (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
  assert "t10k-labels-idx1-ubyte.gz is missing" in sentence_on(tmp_path, "test")


def test_images_and_labels_that_do_not_belong_together(tmp_path):
  write_family(tmp_path)
  labels = tmp_path / "train-labels-idx1-ubyte.gz"
  labels.write_bytes(idx_bytes(np.arange(22)))
  sentence = sentence_on(tmp_path, "train")
  assert "has 23 images" in sentence
  assert "has 22 labels" in sentence
