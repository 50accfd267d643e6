"""Images in classes: families of idx files, their names and licences, the simulator, the cache."""
import json
import os
import pathlib

import numpy as np
import pytest
from builders import ROOT
from fake_bidmc import says
from fake_idx import idx_bytes, write_family
from ml_collections import ConfigDict

from jaxsig.data import cache
from jaxsig.data.images import image_classes, simulate_glyphs
from jaxsig.data.records import Record

FIELDS = {
    "name": "image_classes",
    "family": "mnist",
    "source": "auto",
    "train_images": 0,
    "test_images": 0,
    "block_images": 10,
    "shrink": 1,
    "size": 28,
    "simulate_seed": 0,
    "simulate_groups": 40,
}
UNKNOWN = "data.family='emnist' is unknown: use one of fashion_mnist, mnist, kmnist"


def options(**changes: object) -> ConfigDict:
  return ConfigDict({**FIELDS, **changes})


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
  return tmp_path / "data"


@pytest.fixture
def made(folder) -> dict:
  """{family: {part: (images, labels)}} of two families, of 23 + 7 and 12 + 4 images."""
  return {
      "mnist": write_family(folder / "mnist"),
      "kmnist": write_family(folder / "kmnist", 12, 4, packed=False),
  }


def of_part(records: list[Record], part: str) -> list[Record]:
  return [record for record in records if record.info["part"] == part]


def joined(records: list[Record], part: str) -> np.ndarray:
  """All images of a part."""
  return np.concatenate([record.signals["image_t_y_x"] for record in of_part(records, part)])


def labels_of(records: list[Record], part: str) -> np.ndarray:
  """All labels of a part."""
  return np.concatenate([record.annotations["label_t"] for record in of_part(records, part)])


def sizes(records: list[Record]) -> list[int]:
  return [len(record.annotations["label_t"]) for record in records]


@pytest.mark.parametrize("family", ["mnist", "kmnist"])
def test_a_family_is_read_from_its_folder(folder, made, family):
  records = image_classes.load(folder, options(family=family))
  for part, (images, labels) in made[family].items():
    np.testing.assert_array_equal(joined(records, part), images)
    np.testing.assert_array_equal(labels_of(records, part), labels)
  for record in records:
    assert record.info["source"] == family
    assert record.group == record.id
    assert record.info["classes"] == list(image_classes.FAMILIES[family].classes)
    assert json.loads(json.dumps(record.info)) == record.info


def test_families_have_ten_different_classes():
  assert list(image_classes.FAMILIES) == ["fashion_mnist", "mnist", "kmnist"]
  for family in image_classes.FAMILIES.values():
    assert len(set(family.classes)) == 10
    assert all(name.isascii() for name in family.classes)
    assert family.home.startswith("http")
    assert family.licence
    assert family.citation


def test_files_in_the_folder_itself_are_of_whatever_family_is_asked_for(folder, made):
  records = image_classes.load(folder / "mnist", options(family="fashion_mnist"))
  np.testing.assert_array_equal(joined(records, "train"), made["mnist"]["train"][0])


def test_a_family_in_a_folder_of_its_own_goes_first(folder, made):
  loose = write_family(folder, 5, 3)
  records = image_classes.load(folder, options(family="fashion_mnist"))
  np.testing.assert_array_equal(joined(records, "train"), loose["train"][0])
  records = image_classes.load(folder, options(family="mnist"))
  np.testing.assert_array_equal(joined(records, "train"), made["mnist"]["train"][0])


def test_another_family_will_not_do(folder, made):
  sentence = says(image_classes.load, folder, options(family="fashion_mnist"))
  assert "train-images-idx3-ubyte.gz is missing" in sentence
  assert "github.com/zalandoresearch" in sentence
  assert says(image_classes.load, folder, options(family="emnist")) == UNKNOWN
  assert says(image_classes.classes_of, options(family="emnist")) == UNKNOWN


def test_more_classes_than_the_family_has(folder, made):
  labels = np.array([0, 1, 2, 26], np.uint8)
  (folder / "kmnist/t10k-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
  sentence = says(image_classes.load, folder, options(family="kmnist"))
  assert "a class 26, kmnist has none beyond 9: download it again from http://codh" in sentence


def test_the_first_images_of_each_part_in_blocks(folder, made):
  config = options(train_images=12, test_images=7, test_block_images=4)
  records = image_classes.load(folder, config)
  names = [record.id for record in records]
  assert names == ["train_000", "train_001", "test_000", "test_001"]
  assert sizes(records) == [10, 2, 4, 3]
  np.testing.assert_array_equal(joined(records, "train"), made["mnist"]["train"][0][:12])


def test_blocks_of_one_part_may_have_a_size_of_their_own(folder, made):
  records = image_classes.load(folder, options(train_block_images=5, block_images=100))
  assert sizes(records) == [5, 5, 5, 5, 3, 7]


def test_images_are_shrunk(folder, made):
  records = image_classes.load(folder, options(shrink=2))
  assert joined(records, "test").shape == (7, 4, 4)


@pytest.mark.parametrize("field, many", [
    ("train_images", 24),
    ("test_images", 8),
    ("test_images", -1),
])
def test_more_images_than_there_are(folder, made, field, many):
  assert f"data.{field}={many}" in says(image_classes.load, folder, options(**{field: many}))


def test_blocks_of_no_images(folder, made):
  sentence = says(image_classes.load, folder, options(test_block_images=0))
  assert "data.block_images=0 (test)" in sentence


def test_sources_are_the_files_of_all_families(folder, made):
  paths = image_classes.sources(folder)
  assert len(paths) == 8
  assert {path.parent.name for path in paths} == {"mnist", "kmnist"}
  assert all(path.is_file() for path in paths)
  assert len(image_classes.sources(folder / "mnist")) == 4
  assert image_classes.sources(folder / "nowhere") == []

  write_family(folder)
  assert len(image_classes.sources(str(folder))) == 12
  assert len(set(image_classes.sources(folder))) == 12


def test_inspect_lists_families(folder, made):
  found = image_classes.inspect(folder)
  first = [(one["record"], one["images"], one["pixels"]) for one in found["records"]]
  assert first == [
      ("mnist train", 23, "8 x 8"),
      ("mnist test", 7, "8 x 8"),
      ("kmnist train", 12, "8 x 8"),
      ("kmnist test", 4, "8 x 8"),
  ]
  assert found["records"][0]["images_per_class"] == "3 3 3 2 2 2 2 2 2 2"
  assert not found["skipped"]
  mean = made["mnist"]["test"][0].mean() / 255
  assert found["records"][1]["mean"] == pytest.approx(mean, abs=1e-4)
  assert "mnist: CC BY-SA 3.0" in found["licence"]
  assert "fashion" not in found["licence"]
  assert len(found["citation"]) == 2
  assert json.loads(json.dumps(found)) == found


def test_inspect_lists_what_is_broken(folder, made):
  (folder / "mnist/t10k-images-idx3-ubyte.gz").write_bytes(b"")
  found = image_classes.inspect(folder)
  assert len(found["records"]) == 3
  [skipped] = found["skipped"]
  assert skipped["record"] == "mnist test"
  assert "t10k-images" in skipped["why"]


def test_inspect_cannot_tell_the_family_of_loose_files(folder, made):
  found = image_classes.inspect(folder / "kmnist")
  assert [one["record"] for one in found["records"]] == ["train", "test"]
  assert len(found["citation"]) == 3


def test_inspect_of_a_folder_without_images(folder):
  found = image_classes.inspect(folder / "nowhere")
  assert found["records"] == []
  assert [one["record"] for one in found["skipped"]] == ["train", "test"]


def test_the_simulator_takes_the_place_of_files():
  records = image_classes.DATA.simulate(0, 40, options())
  assert {record.info["part"] for record in records} == {"train", "test"}
  assert sum(record.duration_s for record in records) == 40
  for record in records:
    assert record.info["classes"] == list(simulate_glyphs.CLASSES)
    assert record.info["source"] == "simulated"


def prepared(folder: pathlib.Path, cache_dir: str, **changes: object) -> cache.Prepared:
  config = ConfigDict({
      "data": options(**changes),
      "data_dir": str(folder),
      "cache_dir": cache_dir,
  })
  return cache.load(image_classes.DATA, config)


@pytest.mark.parametrize("source", ["real", "simulated"])
def test_the_cache_gives_back_what_was_prepared(folder, made, tmp_path, source):
  cache_dir = str(tmp_path / "cache")
  fresh = prepared(folder, "", source=source)
  every = np.arange(len(fresh.windows))
  for _ in ("written", "read"):
    stored = prepared(folder, cache_dir, source=source)
    assert stored.fingerprint == fresh.fingerprint
    assert [record.info for record in stored.records] == [record.info for record in fresh.records]
    arrays = stored.windows.take(every)
    for name, x in fresh.windows.take(every).items():
      np.testing.assert_array_equal(arrays[name], x)

  other = prepared(folder, cache_dir, source=source, family="kmnist")
  assert other.fingerprint != fresh.fingerprint


def test_families_are_kept_apart_by_the_cache(folder, made, tmp_path):
  cache_dir = str(tmp_path / "cache")
  for family, images in (("mnist", 23), ("kmnist", 12)):
    stored = prepared(folder, cache_dir, source="real", family=family)
    assert len(joined(stored.records, "train")) == images


REAL = pathlib.Path(os.environ.get("JAXSIG_DATA_DIR", ROOT.parent / "shared/data"))
NO_REAL = "no Fashion-MNIST: name its folder with JAXSIG_DATA_DIR"


@pytest.mark.skipif(not (REAL / "fashion_mnist").is_dir(), reason=NO_REAL)
def test_the_real_images_are_all_read():
  config = options(family="fashion_mnist", block_images=500, test_block_images=10_000)
  records = image_classes.load(REAL, config)
  assert len(records) == 121
  assert records[-1].id == "test_000"
