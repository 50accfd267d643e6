"""Fashion-MNIST as records: blocks, shrinking, phases, ids, the cache's way with them, and the real files where they are."""
import json
import os
import pathlib
import sys
import types

import numpy as np
import pytest
from fake_bidmc import says
from fake_idx import write_family
from ml_collections import ConfigDict
from PIL import Image

from jaxsig.data import cache
from jaxsig.data import records as core
from jaxsig.data.images import fashion_mnist, image_blocks
from jaxsig.data.records import Record

FIELDS = dict(name="fashion_mnist", source="auto", tfds=False, window_s=1.0, stride_s=1.0, train_images=0, test_images=0, block_images=10,
              shrink=1, size=8, complex_objects=False, simulate_seed=0, simulate_patients=40, n=12)


def options(**changes) -> ConfigDict:
  return ConfigDict({**FIELDS, **changes})


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
  return tmp_path / "data"


@pytest.fixture
def made(folder) -> dict:
  return write_family(folder / "fashion_mnist")


def joined(records: list[Record], part: str, name: str) -> np.ndarray:
  return np.concatenate([r.signals.get(name, r.annotations.get(name)) for r in records if r.info["part"] == part])


def test_records_are_blocks_of_consecutive_images(folder, made):
  records = fashion_mnist.load(folder, options())
  assert [r.id for r in records] == ["train_000", "train_001", "train_002", "test_000"]
  assert [len(r.signals["image_t_y_x"]) for r in records] == [10, 10, 3, 7]
  for record in records:
    assert record.group == record.id and record.duration_s == len(record.annotations["label_t"])
    part, number = record.id.split("_")
    assert record.info == {"part": part, "first": 10 * int(number), "source": "fashion_mnist"}
  for part, (images, labels) in made.items():
    np.testing.assert_array_equal(joined(records, part, "image_t_y_x"), images)
    np.testing.assert_array_equal(joined(records, part, "label_t"), labels)


def test_the_first_images_of_each_part_are_used(folder, made):
  records = fashion_mnist.load(folder, options(train_images=12, test_images=3))
  for part, n in (("train", 12), ("test", 3)):
    np.testing.assert_array_equal(joined(records, part, "image_t_y_x"), made[part][0][:n])
  for field, many in (("train_images", 24), ("test_images", 8), ("test_images", -1)):
    assert f"data.{field}={many}" in says(fashion_mnist.load, folder, options(**{field: many}))
  assert "data.block_images=0" in says(fashion_mnist.load, folder, options(block_images=0))


def test_only_the_classes_that_are_asked_for(folder, made):
  records = fashion_mnist.load(folder, options(train_classes=(1, 4), test_classes=(0,), test_images=1))
  images, labels = made["train"]
  np.testing.assert_array_equal(joined(records, "train", "image_t_y_x"), images[np.isin(labels, (1, 4))])
  assert set(joined(records, "train", "label_t")) == {1, 4}
  np.testing.assert_array_equal(joined(records, "test", "image_t_y_x"), made["test"][0][made["test"][1] == 0][:1])
  assert "0 images in that part of the classes (11,)" in says(fashion_mnist.load, folder, options(train_classes=(11,)))


def test_windows_are_the_records_images(folder, made):
  records = fashion_mnist.load(folder, options())
  windows = fashion_mnist.prepare(records[1], options())
  assert {k: (x.dtype, x.shape) for k, x in windows.items()} == {
    "image_b_y_x": (np.uint8, (10, 8, 8)), "label_b": (np.int32, (10,)), "id_b": (np.uint32, (10,)), "start_s_b": (np.float32, (10,))}
  np.testing.assert_array_equal(windows["image_b_y_x"], made["train"][0][10:20])
  np.testing.assert_array_equal(windows["label_b"], np.arange(10))
  np.testing.assert_array_equal(windows["start_s_b"], np.arange(10))


def test_ids_are_unique_and_do_not_depend_on_blocks_or_how_many_are_loaded(folder, made):
  def ids(**changes) -> np.ndarray:
    config = options(**changes)
    return np.concatenate([fashion_mnist.prepare(r, config)["id_b"] for r in fashion_mnist.load(folder, config)])
  everything = ids()
  assert len(np.unique(everything)) == 30
  np.testing.assert_array_equal(ids(block_images=4), everything)
  np.testing.assert_array_equal(ids(train_images=5), np.concatenate([everything[:5], everything[23:]]))


def test_shrinking_is_the_mean_over_squares(folder, made):
  images = made["train"][0]
  got = joined(fashion_mnist.load(folder, options(shrink=2)), "train", "image_t_y_x")
  brute = [[[image[2 * y:2 * y + 2, 2 * x:2 * x + 2].mean() for x in range(4)] for y in range(4)] for image in images]
  assert got.dtype == np.uint8
  np.testing.assert_allclose(got, brute, atol=0.5)
  for factor in (0, 3, 16):
    assert f"data.shrink={factor}" in says(fashion_mnist.load, folder, options(shrink=factor))


def test_complex_objects_have_the_next_images_as_phase_and_shrink_as_complex_numbers(folder, made):
  images = made["train"][0]
  records = fashion_mnist.load(folder, options(complex_objects=True, train_images=20))
  phase = joined(records, "train", "phase_t_y_x")
  assert phase.dtype == np.float32 and np.abs(phase).max() < np.pi and (phase[images[:20] == 0] == 0).all()
  np.testing.assert_allclose(phase[19][images[19] > 0], (images[20][images[19] > 0] / 255 - 0.5) * 1.5 * np.pi, atol=1e-6)
  small = fashion_mnist.load(folder, options(complex_objects=True, shrink=2))
  whole = images[:20] * np.exp(1j * phase)
  expected = whole.reshape(20, 4, 2, 4, 2).mean((2, 4))
  got = joined(small, "train", "image_t_y_x") * np.exp(1j * joined(small, "train", "phase_t_y_x"))
  assert np.abs(got[:20] - expected).max() <= 0.5 + 1e-4
  windows = fashion_mnist.prepare(small[0], options())
  assert windows["phase_b_y_x"].shape == (10, 4, 4) and windows["phase_b_y_x"].dtype == np.float32


@pytest.mark.parametrize("source", ["real", "simulated"])
def test_the_cache_gives_back_what_was_prepared(folder, made, tmp_path, source):
  config = ConfigDict(dict(data=options(source=source, complex_objects=True), data_dir=str(folder), cache_dir=str(tmp_path / "cache")))
  fresh = cache.load(fashion_mnist.DATA, ConfigDict({**config.to_dict(), "cache_dir": ""}))
  for stored in (cache.load(fashion_mnist.DATA, config), cache.load(fashion_mnist.DATA, config)):
    assert stored.fingerprint == fresh.fingerprint and stored.source == ("fashion_mnist" if source == "real" else "simulated")
    assert [r.id for r in stored.records] == [r.id for r in fresh.records]
    np.testing.assert_array_equal(stored.records[0].annotations["label_t"], fresh.records[0].annotations["label_t"])
    for name, x in fresh.windows.arrays.items():
      np.testing.assert_array_equal(stored.windows.arrays[name], x)
      assert stored.windows.arrays[name].dtype == x.dtype


def test_time_leaves_names_alone_that_are_not_in_seconds(folder, made):
  record = fashion_mnist.load(folder, options())[0]
  warped = core.warped(record, 2.0)
  assert warped.annotations["label_t"] is record.annotations["label_t"] and warped.annotations["id_t"] is record.annotations["id_t"]


def test_a_folder_without_it_has_no_sources(tmp_path, folder, made):
  assert fashion_mnist.sources(tmp_path / "nowhere") == [] and len(fashion_mnist.sources(folder)) == 4
  assert "train-images-idx3-ubyte.gz is missing" in says(fashion_mnist.load, tmp_path, options())


def test_inspect_lists_parts_and_what_is_broken(folder, made):
  found = fashion_mnist.inspect(folder)
  assert [(r["record"], r["images"], r["pixels"]) for r in found["records"]] == [("train", 23, "8 x 8"), ("test", 7, "8 x 8")]
  assert found["records"][0]["images_per_class"] == "3 3 3 2 2 2 2 2 2 2" and not found["skipped"]
  assert found["records"][1]["mean"] == pytest.approx(made["test"][0].mean() / 255, abs=1e-4)
  assert "MIT" in found["licence"] and json.loads(json.dumps(found)) == found
  (folder / "fashion_mnist/t10k-images-idx3-ubyte.gz").write_bytes(b"")
  broken = fashion_mnist.inspect(folder)
  assert [r["record"] for r in broken["records"]] == ["train"] and "t10k-images" in broken["skipped"][0]["why"]


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
  monkeypatch.setitem(sys.modules, "tensorflow_datasets", types.SimpleNamespace(builder=builder, as_numpy=lambda x: x))
  assert "has prepared no fashion_mnist" in says(fashion_mnist.load, tmp_path, options(tfds=True))
  version = tmp_path / "fashion_mnist/3.0.1"
  version.mkdir(parents=True)
  (version / "dataset_info.json").write_text("{}")
  records = fashion_mnist.load(tmp_path, options(tfds=True))
  np.testing.assert_array_equal(joined(records, "test", "image_t_y_x"), images)
  np.testing.assert_array_equal(joined(records, "test", "label_t"), labels)
  assert asked == [("fashion_mnist", str(tmp_path)), ("train", -1, False), ("fashion_mnist", str(tmp_path)), ("test", -1, False)]
  assert fashion_mnist.sources(tmp_path) == [version / "dataset_info.json"]
  monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)   # as if it were not installed
  assert "cannot read fashion_mnist" in says(fashion_mnist.load, tmp_path, options(tfds=True))


def test_a_users_intensity_becomes_windows(tmp_path):
  x = np.zeros((32, 32))
  x[3:9, 4:11] = np.random.default_rng(0).uniform(0.2, 1, (6, 7))
  intensity = np.abs(np.fft.fft2(x))**2
  broken = intensity.copy()
  broken[5, 5] = np.nan
  np.save(tmp_path / "mine.npy", np.fft.fftshift(broken))
  record = fashion_mnist.read(tmp_path / "mine.npy", None, options(n=17))
  assert record.id == "mine" and record.group == "user" and record.info["source"] == "user" and record.duration_s == 1
  assert len(record.info["notes"]) == 2 and "2 n - 1 = 33" in record.info["notes"][1]
  windows = fashion_mnist.prepare(record, options())
  assert windows["mask_b_v_u"].shape == (1, 32, 32) and windows["mask_b_v_u"].dtype == bool
  assert np.argwhere(~windows["mask_b_v_u"][0]).tolist() == [[5, 5]]
  good = windows["mask_b_v_u"][0]
  np.testing.assert_allclose(windows["intensity_b_v_u"][0][good], intensity[good], rtol=1e-6)
  assert windows["id_b"].dtype == np.uint32 and windows["start_s_b"].tolist() == [0] and "label_b" not in windows
  whole = fashion_mnist.read(np.stack([intensity, intensity]), None, options(n=16, intensity_centred="no"))
  assert whole.info["notes"] == [] and whole.signals["mask_t_v_u"].all()
  assert fashion_mnist.prepare(whole, options())["mask_b_v_u"].all()


def test_write_gives_images_and_all_the_rest(tmp_path):
  rng = np.random.default_rng(0)
  image, field = rng.normal(size=(5, 6, 6)), rng.normal(size=(2, 4, 4)) * 1j
  predictions = {"image_b_v_u": image, "field_b_y_x": field, "residual_b": np.array([0.1, np.nan]), "rate_hz": 1.0}
  record = Record("mine", "user", 1.0, {}, {}, {"notes": ["Cut."]}, {}, predictions)
  fashion_mnist.write(record, tmp_path / "out")
  np.testing.assert_array_equal(np.load(tmp_path / "out/mine_image.npy", allow_pickle=False), image)
  np.testing.assert_array_equal(np.load(tmp_path / "out/mine_field.npy", allow_pickle=False), field)
  rest = json.loads((tmp_path / "out/mine.json").read_text())
  assert rest["residual_b"] == [0.1, None] and rest["notes"][0] == "Cut." and "not determined" in rest["notes"][1]
  sheet = np.array(Image.open(tmp_path / "out/mine_image.png"))
  assert sheet.shape == (13, 20)   # two rows of three, with lines between
  for k, image_y_x in enumerate(image):
    part = sheet[7 * (k // 3):, 7 * (k % 3):][:6, :6]
    np.testing.assert_array_equal(part, np.rint(255 * np.maximum(image_y_x, 0) / image_y_x.max()))
  assert np.array(Image.open(tmp_path / "out/mine_field.png")).max() == 255


from builders import ROOT  # noqa: E402
REAL = pathlib.Path(os.environ.get("JAXSIG_DATA_DIR", ROOT.parent / "shared/data"))


@pytest.mark.skipif(not fashion_mnist.sources(REAL), reason="no Fashion-MNIST: name its folder with JAXSIG_DATA_DIR")
def test_the_real_images():
  records = fashion_mnist.load(REAL, options(block_images=500))
  assert len(records) == 140 and sum(len(r.annotations["label_t"]) for r in records) == 70_000
  train = joined(records, "train", "image_t_y_x")
  assert train.shape == (60_000, 28, 28) and train.mean() / 255 == pytest.approx(0.2860, abs=1e-4)   # as published
  assert joined(records, "train", "label_t")[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
  assert np.bincount(joined(records, "test", "label_t")).tolist() == [1000] * 10
  assert len(np.unique(np.concatenate([r.annotations["id_t"] for r in records]))) == 70_000


@pytest.mark.skipif(not fashion_mnist._prepared(REAL), reason="tensorflow_datasets has prepared no Fashion-MNIST there")
def test_the_real_images_by_tfds():
  records = fashion_mnist.load(REAL, options(tfds=True))
  assert joined(records, "train", "image_t_y_x").mean() / image_blocks.WHITE == pytest.approx(0.2860, abs=1e-4)
