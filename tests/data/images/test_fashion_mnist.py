"""Fashion-MNIST as records: blocks, shrinking, phases, ids, the cache, and the real files."""
import json
import os
import pathlib
import sys
import types

import numpy as np
import pytest
from builders import ROOT
from fake_bidmc import says
from fake_idx import write_family
from ml_collections import ConfigDict

from jaxsig.data import cache
from jaxsig.data.images import fashion_mnist, image_blocks
from jaxsig.data.records import Record, Segment, clipped
from jaxsig.data.stored import StoredArray

REAL = pathlib.Path(os.environ.get("JAXSIG_DATA_DIR", ROOT.parent / "shared/data"))
PARTS = ("train", "test")


def options(**changes) -> ConfigDict:
  fields = {
      "name": "fashion_mnist",
      "source": "auto",
      "tfds": False,
      "train_images": 0,
      "test_images": 0,
      "block_images": 10,
      "shrink": 1,
      "size": 8,
      "complex_objects": False,
      "simulate_seed": 0,
      "simulate_groups": 40,
      "n": 12,
  }
  return ConfigDict({**fields, **changes})


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
  return tmp_path / "data"


@pytest.fixture
def made(folder) -> dict:
  return write_family(folder / "fashion_mnist")


def joined(records: list[Record], part: str, name: str) -> np.ndarray:
  arrays = []
  for record in records:
    if record.info["part"] == part:
      arrays.append(record.signals.get(name, record.annotations.get(name)))
  return np.concatenate(arrays)


def windows_of(record: Record, config: ConfigDict) -> dict[str, np.ndarray]:
  data = fashion_mnist.DATA
  return data.cut(record, data.spans(record, config), config)


def test_records_are_blocks_of_consecutive_images(folder, made):
  records = fashion_mnist.load(folder, options())
  assert [r.id for r in records] == ["train_000", "train_001", "train_002", "test_000"]
  assert [len(r.signals["image_t_y_x"]) for r in records] == [10, 10, 3, 7]
  for record in records:
    assert record.group == record.id
    assert record.duration_s == len(record.annotations["label_t"])
    part, number = record.id.split("_")
    first = 10 * int(number)
    assert record.info == {"part": part, "first": first, "source": "fashion_mnist"}
  for part, (images, labels) in made.items():
    np.testing.assert_array_equal(joined(records, part, "image_t_y_x"), images)
    np.testing.assert_array_equal(joined(records, part, "label_t"), labels)


def test_the_first_images_of_each_part_are_used(folder, made):
  records = fashion_mnist.load(folder, options(train_images=12, test_images=3))
  for part, n in (("train", 12), ("test", 3)):
    np.testing.assert_array_equal(joined(records, part, "image_t_y_x"), made[part][0][:n])
  for field, many in (("train_images", 24), ("test_images", 8), ("test_images", -1)):
    words = says(fashion_mnist.load, folder, options(**{field: many}))
    assert f"data.{field}={many}" in words
  assert "data.block_images=0" in says(fashion_mnist.load, folder, options(block_images=0))


def test_only_the_classes_that_are_asked_for(folder, made):
  config = options(train_classes=(1, 4), test_classes=(0,), test_images=1)
  records = fashion_mnist.load(folder, config)
  images, labels = made["train"]
  expected = images[np.isin(labels, (1, 4))]
  np.testing.assert_array_equal(joined(records, "train", "image_t_y_x"), expected)
  assert set(joined(records, "train", "label_t")) == {1, 4}

  images, labels = made["test"]
  np.testing.assert_array_equal(joined(records, "test", "image_t_y_x"), images[labels == 0][:1])
  words = says(fashion_mnist.load, folder, options(train_classes=(11,)))
  assert "0 images in that part of the classes (11,)" in words


def test_windows_are_the_records_images(folder, made):
  record = fashion_mnist.load(folder, options())[1]
  windows = windows_of(record, options())
  assert {name: (x.dtype, x.shape) for name, x in windows.items()} == {
      "image_b_y_x": (np.uint8, (10, 8, 8)),
      "label_b": (np.int32, (10,)),
      "id_b": (np.uint32, (10,)),
  }
  np.testing.assert_array_equal(windows["image_b_y_x"], made["train"][0][10:20])
  np.testing.assert_array_equal(windows["label_b"], np.arange(10))

  spans = image_blocks.spans(record, options())
  np.testing.assert_array_equal(spans.start_s_b, np.arange(10))
  np.testing.assert_array_equal(spans.length_s_b, np.ones(10))
  assert not spans.augmented_b.any()


def test_some_windows_are_those_of_all(folder, made, tmp_path):
  record = fashion_mnist.load(folder, options(complex_objects=True))[1]
  whole = windows_of(record, options())
  np.save(tmp_path / "images.npy", record.signals["image_t_y_x"])
  on_disk = {**record.signals, "image_t_y_x": StoredArray(tmp_path / "images.npy")}
  for seen in (record, record._replace(signals=on_disk)):
    for index in (np.array([7, 2, 3]), np.array([4]), np.zeros(0, int)):
      spans = image_blocks.spans(seen, options()).at(index)
      some = image_blocks.cut(seen, spans, options())
      assert some.keys() == whole.keys()
      for name, x in some.items():
        np.testing.assert_array_equal(x, whole[name][index])
        assert x.dtype == whole[name].dtype


def test_ids_are_unique_and_do_not_depend_on_blocks_or_how_many_are_loaded(folder, made):
  def ids(**changes) -> np.ndarray:
    config = options(**changes)
    parts = []
    for record in fashion_mnist.load(folder, config):
      parts.append(windows_of(record, config)["id_b"])
    return np.concatenate(parts)

  everything = ids()
  assert len(np.unique(everything)) == 30
  np.testing.assert_array_equal(ids(block_images=4), everything)
  first_five_and_test = np.concatenate([everything[:5], everything[23:]])
  np.testing.assert_array_equal(ids(train_images=5), first_five_and_test)


def test_shrinking_is_the_mean_over_squares(folder, made):
  images = made["train"][0]
  got = joined(fashion_mnist.load(folder, options(shrink=2)), "train", "image_t_y_x")
  expected = np.zeros((len(images), 4, 4))
  for y in range(4):
    for x in range(4):
      expected[:, y, x] = images[:, 2 * y:2 * y + 2, 2 * x:2 * x + 2].mean((1, 2))
  assert got.dtype == np.uint8
  np.testing.assert_allclose(got, expected, atol=0.5)
  for factor in (0, 3, 16):
    words = says(fashion_mnist.load, folder, options(shrink=factor))
    assert f"data.shrink={factor}" in words


def test_complex_objects_have_the_next_images_as_phase_and_shrink_as_complex_numbers(folder, made):
  images = made["train"][0]
  records = fashion_mnist.load(folder, options(complex_objects=True, train_images=20))
  phase = joined(records, "train", "phase_t_y_x")
  assert phase.dtype == np.float32
  assert np.abs(phase).max() < np.pi
  assert (phase[images[:20] == 0] == 0).all()
  seen = images[19] > 0
  expected = (images[20][seen] / 255 - 0.5) * 1.5 * np.pi
  np.testing.assert_allclose(phase[19][seen], expected, atol=1e-6)

  small = fashion_mnist.load(folder, options(complex_objects=True, shrink=2))
  whole = images[:20] * np.exp(1j * phase)
  expected = whole.reshape(20, 4, 2, 4, 2).mean((2, 4))
  small_phase = joined(small, "train", "phase_t_y_x")
  got = joined(small, "train", "image_t_y_x") * np.exp(1j * small_phase)
  assert np.abs(got[:20] - expected).max() <= 0.5 + 1e-4
  windows = windows_of(small[0], options())
  assert windows["phase_b_y_x"].shape == (10, 4, 4)
  assert windows["phase_b_y_x"].dtype == np.float32


@pytest.mark.parametrize("source", ["real", "simulated"])
def test_the_cache_gives_back_what_was_read(folder, made, tmp_path, source):
  config = ConfigDict({
      "data": options(source=source, complex_objects=True),
      "data_dir": str(folder),
      "cache_dir": str(tmp_path / "cache"),
  })
  uncached = ConfigDict({**config.to_dict(), "cache_dir": ""})
  fresh = cache.load(fashion_mnist.DATA, uncached)
  everything = np.arange(len(fresh.windows))
  expected = fresh.windows.take(everything)
  name = {"real": "fashion_mnist", "simulated": "simulated"}[source]
  for _ in range(2):
    stored = cache.load(fashion_mnist.DATA, config)
    assert stored.fingerprint == fresh.fingerprint
    assert stored.source == name
    assert [r.id for r in stored.records] == [r.id for r in fresh.records]
    np.testing.assert_array_equal(
        stored.records[0].annotations["label_t"], fresh.records[0].annotations["label_t"])
    for key, x in stored.windows.take(everything).items():
      np.testing.assert_array_equal(x, expected[key])
      assert x.dtype == expected[key].dtype


def test_a_part_of_a_block_has_its_own_labels_and_ids(folder, made):
  record = fashion_mnist.load(folder, options())[0]
  assert clipped(record, Segment(record.group, record.id)) is record
  part = clipped(record, Segment(record.group, record.id, 2.0, 5.0))
  whole = windows_of(record, options())
  for name, x in windows_of(part, options()).items():
    np.testing.assert_array_equal(x, whole[name][2:5])


def test_a_folder_without_it_has_no_sources(tmp_path, folder, made):
  assert fashion_mnist.sources(tmp_path / "nowhere") == []
  assert len(fashion_mnist.sources(folder)) == 4
  words = says(fashion_mnist.load, tmp_path, options())
  assert "train-images-idx3-ubyte.gz is missing" in words


def test_inspect_lists_parts_and_what_is_broken(folder, made):
  listed = fashion_mnist.inspect(folder)
  parts = [(r["record"], r["images"], r["pixels"]) for r in listed["records"]]
  assert parts == [("train", 23, "8 x 8"), ("test", 7, "8 x 8")]
  assert listed["records"][0]["images_per_class"] == "3 3 3 2 2 2 2 2 2 2"
  assert not listed["skipped"]
  mean = made["test"][0].mean() / 255
  assert listed["records"][1]["mean"] == pytest.approx(mean, abs=1e-4)
  assert "MIT" in listed["licence"]
  assert json.loads(json.dumps(listed)) == listed

  (folder / "fashion_mnist/t10k-images-idx3-ubyte.gz").write_bytes(b"")
  broken = fashion_mnist.inspect(folder)
  assert [r["record"] for r in broken["records"]] == ["train"]
  assert "t10k-images" in broken["skipped"][0]["why"]


def test_tfds_is_asked_for_what_lies_in_the_folder(tmp_path, monkeypatch):
  images, labels = write_family(tmp_path / "made")["test"]
  asked = []

  class Builder:
    def as_dataset(self, split, batch_size, shuffle_files):
      asked.append((split, batch_size, shuffle_files))
      return {"image": images[..., None], "label": labels.astype(np.int64)}

  def builder(name, data_dir):
    asked.append((name, data_dir))
    return Builder()

  fake = types.SimpleNamespace(builder=builder, as_numpy=lambda x: x)
  monkeypatch.setitem(sys.modules, "tensorflow_datasets", fake)
  words = says(fashion_mnist.load, tmp_path, options(tfds=True))
  assert "has prepared no fashion_mnist" in words

  version = tmp_path / "fashion_mnist/3.0.1"
  version.mkdir(parents=True)
  (version / "dataset_info.json").write_text("{}")
  records = fashion_mnist.load(tmp_path, options(tfds=True))
  np.testing.assert_array_equal(joined(records, "test", "image_t_y_x"), images)
  np.testing.assert_array_equal(joined(records, "test", "label_t"), labels)
  opened = ("fashion_mnist", str(tmp_path))
  assert asked == [opened, ("train", -1, False), opened, ("test", -1, False)]
  assert fashion_mnist.sources(tmp_path) == [version / "dataset_info.json"]

  monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)   # as if it were not installed
  words = says(fashion_mnist.load, tmp_path, options(tfds=True))
  assert "cannot read fashion_mnist" in words


@pytest.mark.skipif(
    not fashion_mnist.sources(REAL),
    reason="no Fashion-MNIST: name its folder with JAXSIG_DATA_DIR")
def test_the_real_images():
  records = fashion_mnist.load(REAL, options(block_images=500))
  assert len(records) == 140
  train = joined(records, "train", "image_t_y_x")
  test = joined(records, "test", "image_t_y_x")
  assert train.shape == (60_000, 28, 28) and test.shape == (10_000, 28, 28)
  assert train.mean() / 255 == pytest.approx(0.2860, abs=1e-4)   # as published
  assert joined(records, "train", "label_t")[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
  assert np.bincount(joined(records, "test", "label_t")).tolist() == [1000] * 10
  ids = np.concatenate([joined(records, part, "id_t") for part in PARTS])
  assert len(np.unique(ids)) == 70_000


@pytest.mark.skipif(
    not fashion_mnist._prepared(REAL),
    reason="tensorflow_datasets has prepared no Fashion-MNIST there")
def test_the_real_images_by_tfds():
  records = fashion_mnist.load(REAL, options(tfds=True))
  train = joined(records, "train", "image_t_y_x")
  assert train.mean() / image_blocks.WHITE == pytest.approx(0.2860, abs=1e-4)
