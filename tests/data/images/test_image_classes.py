"""Images in classes: families of idx files, their names and licences, a user's own images from file to results."""
import csv
import json
import os
import pathlib

import numpy as np
import pytest
from fake_bidmc import says
from fake_idx import idx_bytes, write_family
from ml_collections import ConfigDict
from PIL import Image

from jaxsig import system as task
from jaxsig.data import cache
from jaxsig.data.images import image_classes, simulate_glyphs
from jaxsig.data.records import Record

FIELDS = dict(name="image_classes", family="mnist", source="auto", window_s=1.0, stride_s=1.0, train_images=0, test_images=0,
              block_images=10, shrink=1, size=28, simulate_seed=0, simulate_patients=40)


def options(**changes) -> ConfigDict:
  return ConfigDict({**FIELDS, **changes})


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
  return tmp_path / "data"


@pytest.fixture
def made(folder) -> dict:
  """{family: {part: (images, labels)}} of two families, of 23 + 7 and 12 + 4 images."""
  return {"mnist": write_family(folder / "mnist"), "kmnist": write_family(folder / "kmnist", 12, 4, packed=False)}


def joined(records: list[Record], part: str) -> np.ndarray:
  return np.concatenate([r.signals["image_t_y_x"] for r in records if r.info["part"] == part])


@pytest.mark.parametrize("family", ["mnist", "kmnist"])
def test_a_family_is_read_from_its_folder(folder, made, family):
  records = image_classes.load(folder, options(family=family))
  for part, (images, labels) in made[family].items():
    np.testing.assert_array_equal(joined(records, part), images)
    np.testing.assert_array_equal(np.concatenate([r.annotations["label_t"] for r in records if r.info["part"] == part]), labels)
  for record in records:
    assert record.info["source"] == family and record.group == record.id
    assert record.info["classes"] == list(image_classes.FAMILIES[family].classes)
    assert json.loads(json.dumps(record.info)) == record.info


def test_families_have_ten_different_classes():
  assert list(image_classes.FAMILIES) == ["fashion_mnist", "mnist", "kmnist"]
  for family in image_classes.FAMILIES.values():
    assert len(set(family.classes)) == 10 and all(name.isascii() for name in family.classes)
    assert family.home.startswith("http") and family.licence and family.citation


def test_files_that_lie_in_the_folder_itself_are_of_whatever_family_is_asked_for(folder, made):
  found = image_classes.load(folder / "mnist", options(family="fashion_mnist"))
  np.testing.assert_array_equal(joined(found, "train"), made["mnist"]["train"][0])
  loose = write_family(folder, 5, 3)
  for family, expected in (("fashion_mnist", loose), ("mnist", made["mnist"])):   # a folder of its own goes first
    np.testing.assert_array_equal(joined(image_classes.load(folder, options(family=family)), "train"), expected["train"][0])


def test_another_family_will_not_do(folder, made):
  sentence = says(image_classes.load, folder, options(family="fashion_mnist"))
  assert "train-images-idx3-ubyte.gz is missing" in sentence and "github.com/zalandoresearch" in sentence
  for call in (image_classes.load, lambda folder, config: image_classes.read(np.eye(28), None, config)):
    assert says(call, folder, options(family="emnist")) == "data.family='emnist' is unknown: use one of fashion_mnist, mnist, kmnist"
  (folder / "kmnist/t10k-labels-idx1-ubyte").write_bytes(idx_bytes(np.array([0, 1, 2, 26], np.uint8)))
  sentence = says(image_classes.load, folder, options(family="kmnist"))
  assert "a class 26, kmnist has none beyond 9: download it again from http://codh" in sentence


def test_the_first_images_and_blocks_of_each_part(folder, made):
  records = image_classes.load(folder, options(train_images=12, test_images=7, test_block_images=4))
  assert [(r.id, len(r.annotations["label_t"])) for r in records] == [("train_000", 10), ("train_001", 2), ("test_000", 4), ("test_001", 3)]
  np.testing.assert_array_equal(joined(records, "train"), made["mnist"]["train"][0][:12])
  records = image_classes.load(folder, options(train_block_images=5, block_images=100))
  assert [len(r.annotations["label_t"]) for r in records] == [5, 5, 5, 5, 3, 7]
  assert joined(image_classes.load(folder, options(shrink=2)), "test").shape == (7, 4, 4)
  for field, many in (("train_images", 24), ("test_images", 8), ("test_images", -1)):
    assert f"data.{field}={many}" in says(image_classes.load, folder, options(**{field: many}))
  assert "data.block_images=0 (test)" in says(image_classes.load, folder, options(test_block_images=0))


def test_sources_are_the_files_of_all_families(folder, made):
  paths = image_classes.sources(folder)
  assert len(paths) == 8 and {p.parent.name for p in paths} == {"mnist", "kmnist"} and all(p.is_file() for p in paths)
  assert len(image_classes.sources(folder / "mnist")) == 4
  write_family(folder)
  assert len(image_classes.sources(str(folder))) == len(set(image_classes.sources(folder))) == 12
  assert image_classes.sources(folder / "nowhere") == []


def test_inspect_lists_families_and_what_is_broken(folder, made):
  found = image_classes.inspect(folder)
  assert [(r["record"], r["images"], r["pixels"]) for r in found["records"]] == [
    ("mnist train", 23, "8 x 8"), ("mnist test", 7, "8 x 8"), ("kmnist train", 12, "8 x 8"), ("kmnist test", 4, "8 x 8")]
  assert found["records"][0]["images_per_class"] == "3 3 3 2 2 2 2 2 2 2" and not found["skipped"]
  assert found["records"][1]["mean"] == pytest.approx(made["mnist"]["test"][0].mean() / 255, abs=1e-4)
  assert "mnist: CC BY-SA 3.0" in found["licence"] and "fashion" not in found["licence"] and len(found["citation"]) == 2
  assert json.loads(json.dumps(found)) == found
  (folder / "mnist/t10k-images-idx3-ubyte.gz").write_bytes(b"")
  broken = image_classes.inspect(folder)
  assert len(broken["records"]) == 3 and broken["skipped"][0]["record"] == "mnist test" and "t10k-images" in broken["skipped"][0]["why"]
  loose = image_classes.inspect(folder / "kmnist")   # nothing says of which family they are
  assert [r["record"] for r in loose["records"]] == ["train", "test"] and len(loose["citation"]) == 3
  nothing = image_classes.inspect(folder / "nowhere")
  assert nothing["records"] == [] and [s["record"] for s in nothing["skipped"]] == ["train", "test"]


def test_the_simulator_takes_the_place_of_files(tmp_path):
  assert task.make_data(ConfigDict(dict(data=options()))) is image_classes.DATA
  records = image_classes.simulate(0, 40, options())
  assert {r.info["part"] for r in records} == {"train", "test"} and sum(r.duration_s for r in records) == 40
  assert all(r.info["classes"] == list(simulate_glyphs.CLASSES) and r.info["source"] == "simulated" for r in records)


@pytest.mark.parametrize("source", ["real", "simulated"])
def test_the_cache_gives_back_what_was_prepared(folder, made, tmp_path, source):
  config = ConfigDict(dict(data=options(source=source), data_dir=str(folder), cache_dir=str(tmp_path / "cache")))
  fresh = cache.load(image_classes.DATA, ConfigDict({**config.to_dict(), "cache_dir": ""}))
  for stored in (cache.load(image_classes.DATA, config), cache.load(image_classes.DATA, config)):
    assert stored.fingerprint == fresh.fingerprint
    assert [r.info for r in stored.records] == [r.info for r in fresh.records]
    for name, x in fresh.windows.arrays.items():
      np.testing.assert_array_equal(stored.windows.arrays[name], x)
  other = cache.load(image_classes.DATA, ConfigDict({**config.to_dict(), "data": options(source=source, family="kmnist")}))
  assert (other.fingerprint != fresh.fingerprint) == (source == "real")


def glyph() -> np.ndarray:
  x = np.zeros((28, 28), np.uint8)
  x[5:23, 12:16] = 230
  return x


@pytest.mark.parametrize("shrink", [1, 2])
def test_a_users_images_become_windows(tmp_path, shrink):
  (tmp_path / "my.photos").mkdir()
  for name in ("b.png", "a.png"):
    Image.fromarray(255 - glyph()).save(tmp_path / "my.photos" / name)
  config = options(shrink=shrink, family="kmnist")
  record = image_classes.read(tmp_path / "my.photos", None, config)
  assert (record.id, record.group, record.rate_hz, record.duration_s) == ("my.photos", "user", 1.0, 2)
  assert record.info["names"] == ["a.png", "b.png"] and record.info["classes"][2] == "su" and record.info["source"] == "user"
  assert any("Inverted" in note for note in record.info["notes"]) and len(record.info["notes"]) == shrink
  windows = image_classes.prepare(record, config)
  assert set(windows) == {"image_b_y_x", "id_b", "start_s_b"} and windows["image_b_y_x"].dtype == np.uint8
  expected = glyph().reshape(28 // shrink, shrink, 28 // shrink, shrink).mean((1, 3))
  np.testing.assert_allclose(windows["image_b_y_x"], np.stack([expected] * 2), atol=0.51)


def test_names_of_a_users_record(tmp_path, monkeypatch):
  Image.fromarray(glyph()).save(tmp_path / "seven.of.mine.png")
  read = lambda given: image_classes.read(given, None, options())
  assert read(tmp_path / "seven.of.mine.png").id == "seven.of.mine" and read(glyph()).id == "images"
  monkeypatch.chdir(tmp_path)
  assert read(".").id == tmp_path.name and read("seven.of.mine.png").info["names"] == ["seven.of.mine.png"]
  assert read(glyph()).info["classes"] == list(image_classes.FAMILIES["mnist"].classes)


@pytest.fixture
def predicted() -> Record:
  """Ten images: of image i class i is the most probable; all is NaN of the last but one."""
  rng = np.random.default_rng(0)
  probability = np.full((10, 10), 0.04, np.float32) + 0.6 * np.eye(10, dtype=np.float32)
  probability[8] = np.nan
  maps = {f"maps_{layer}_b_y_x_j": rng.normal(size=(10, side, side, j)).astype(np.float32)
          for layer, side, j in (("c1", 28, 6), ("c3", 10, 16), ("f5", 1, 120), ("s2", 14, 6), ("s4", 5, 16))}
  maps["maps_c3_b_y_x_j"][8] = np.nan
  info = {"notes": ["Inverted."], "names": [f"{i}, a \u3042.png" for i in range(10)],
          "classes": list(image_classes.FAMILIES["fashion_mnist"].classes)}
  entropy = np.arange(10, dtype=np.float32)
  entropy[8] = np.inf
  predictions = {"output_b_k": probability, "probability_b_k": probability, "entropy_b": entropy, **maps}
  return Record("mine", "user", 1.0, {"image_t_y_x": rng.integers(0, 256, (10, 28, 28)).astype(np.uint8)}, {}, info, {}, predictions)


def test_write_gives_json_and_csv(tmp_path, predicted):
  image_classes.write(predicted, tmp_path / "out")
  assert {p.name for p in (tmp_path / "out").iterdir()} == {"mine.json", "mine.csv", "mine.png"}
  said = json.loads((tmp_path / "out/mine.json").read_text(), parse_constant=lambda word: pytest.fail(word))
  assert set(said) == {"images", "notes", "entropy_b"} and said["notes"] == ["Inverted."]
  assert said["entropy_b"] == [0, 1, 2, 3, 4, 5, 6, 7, None, 9]
  classes = predicted.info["classes"]
  for i, answer in enumerate(said["images"]):
    assert answer["name"] == f"{i}, a \u3042.png" and list(answer["probabilities"]) == classes
    assert answer["class"] == (None if i == 8 else classes[i])
    assert answer["probability"] == (None if i == 8 else pytest.approx(0.64)) and answer["probabilities"][classes[0]] in (
      [None] if i == 8 else [pytest.approx(0.64 if i == 0 else 0.04)])
  with (tmp_path / "out/mine.csv").open(newline="", encoding="utf-8") as file:
    head, *lines = csv.reader(file)
  assert head == ["name", "class", "probability", *classes] and len(lines) == 10
  assert lines[3][:3] == ["3, a \u3042.png", "Dress", "0.64"]
  assert [float(p) for p in lines[3][3:]] == pytest.approx([0.04] * 3 + [0.64] + [0.04] * 6)
  assert lines[8][1:] == [""] * 12


def test_classes_are_called_as_the_model_calls_them(tmp_path, predicted):
  names = np.array([f"sign {k}" for k in range(10)])
  image_classes.write(predicted._replace(predictions={**predicted.predictions, "class_k": names}), tmp_path)
  [first, *_] = json.loads((tmp_path / f"{predicted.id}.json").read_text())["images"]
  assert [*first["probabilities"]] == [*names] and first["class"] in names


def test_the_picture_has_image_maps_and_bars(tmp_path, predicted):
  image_classes.write(predicted, tmp_path)
  sheet = np.array(Image.open(tmp_path / "mine.png")).astype(int)
  assert sheet.shape == (16 + 8 * 152, 6 * 152 + 260)   # eight of the ten images; image, five layers, text
  for row in range(8):
    cells = [sheet[16 + 152 * row:][:144, 152 * k:][:, :144] for k in range(6)]
    near = np.arange(144) * 28 // 144
    np.testing.assert_array_equal(cells[0], predicted.signals["image_t_y_x"][row][np.ix_(near, near)])
    for cell, (layer, across) in zip(cells[1:], (("c1", 3), ("s2", 3), ("c3", 4), ("s4", 4), ("f5", 11)), strict=True):   # by their sizes
      x_y_x_j = predicted.predictions[f"maps_{layer}_b_y_x_j"][row]
      wide = 144 // across
      for j in (0, across, x_y_x_j.shape[-1] - 1):
        tile = cell[j // across * wide:][:wide - 1, j % across * wide:][:, :wide - 1]
        assert tile[0, 0] == pytest.approx(127.5 + 127.5 * x_y_x_j[0, 0, j] / np.abs(x_y_x_j).max(), abs=0.51)
        assert tile[-1, -1] == pytest.approx(127.5 + 127.5 * x_y_x_j[-1, -1, j] / np.abs(x_y_x_j).max(), abs=0.51)
    bars = sheet[16 + 152 * row:][:152, 6 * 152:]
    assert (bars[28 + 17] == 96).sum() == 1 + round(240 * 0.64) and (bars[2 * 28 + 17] == 96).sum() == 1 + round(240 * 0.04)


def test_one_image_without_an_answer_or_maps(tmp_path, predicted):
  only = {k: x[8:9] for k, x in predicted.predictions.items()}
  one = predicted._replace(predictions=only, signals={"image_t_y_x": predicted.signals["image_t_y_x"][8:9]},
                           info={**predicted.info, "names": ["x\ny"]})
  image_classes.write(one, tmp_path)
  cell = np.array(Image.open(tmp_path / "mine.png"))[16:][:144, 3 * 152:][:, :144]
  assert cell[0, 0] == 128   # NaN is shown as nothing
  image_classes.write(one._replace(predictions={"probability_b_k": only["probability_b_k"]}), tmp_path)
  with Image.open(tmp_path / "mine.png") as sheet:
    assert sheet.size == (152 + 260, 16 + 152)


from builders import ROOT  # noqa: E402
REAL = pathlib.Path(os.environ.get("JAXSIG_DATA_DIR", ROOT.parent / "shared/data"))


@pytest.mark.skipif(not (REAL / "fashion_mnist").is_dir(), reason="no Fashion-MNIST: name its folder with JAXSIG_DATA_DIR")
def test_the_real_images_are_read_as_they_are_and_as_their_negatives():
  records = image_classes.load(REAL, options(family="fashion_mnist", block_images=500, test_block_images=10_000))
  assert len(records) == 121 and records[-1].id == "test_000"
  images = records[-1].signals["image_t_y_x"]
  for given in (images, 255 - images[:2000]):
    found = image_classes.read(given, None, options(family="fashion_mnist"))
    np.testing.assert_array_equal(found.signals["image_t_y_x"], images[:len(given)])
    assert len(found.info["notes"]) == (given is not images)
