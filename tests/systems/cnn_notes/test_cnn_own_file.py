"""A user's own images: read into records, and their classes as files, lines and a Python value."""
import csv
import json
import os
import pathlib

import numpy as np
import pytest
from builders import ROOT
from fake_bidmc import says
from ml_collections import ConfigDict
from PIL import Image

from jaxsig.data.images import image_blocks, image_classes
from jaxsig.data.records import Record
from jaxsig.system import OwnOptions, Told
from jaxsig.systems.cnn_notes import own_file

FASHION = image_classes.FAMILIES["fashion_mnist"].classes
NO_SPANS = np.zeros((0, 2))
LAYERS = {   # {layer: (side, maps)}, as sorted by name
    "c1": (28, 6),
    "c3": (10, 16),
    "f5": (1, 120),
    "s2": (14, 6),
    "s4": (5, 16),
}


def read(source: object, **changes: object) -> Record:
  data = ConfigDict({"family": "mnist", "shrink": 1, "size": 28, **changes})
  return own_file.read(source, OwnOptions(None, data, ConfigDict()))


def glyph() -> np.ndarray:
  image_y_x = np.zeros((28, 28), np.uint8)
  image_y_x[5:23, 12:16] = 230
  return image_y_x


@pytest.mark.parametrize("shrink", [1, 2])
def test_a_users_images_become_windows(tmp_path, shrink):
  folder = tmp_path / "my.photos"
  folder.mkdir()
  for name in ("b.png", "a.png"):
    Image.fromarray(255 - glyph()).save(folder / name)
  record = read(folder, shrink=shrink, family="kmnist")

  assert (record.id, record.group, record.rate_hz) == ("my.photos", "user", 1.0)
  assert record.duration_s == 2
  assert record.info["names"] == ["a.png", "b.png"]
  assert record.info["classes"][2] == "su"
  assert record.info["source"] == "user"
  assert any("Inverted" in note for note in record.info["notes"])
  assert len(record.info["notes"]) == shrink

  config = ConfigDict()
  windows = image_blocks.cut(record, image_blocks.spans(record, config), config)
  assert set(windows) == {"image_b_y_x", "id_b"}
  assert windows["image_b_y_x"].dtype == np.uint8
  side = 28 // shrink
  expected_y_x = glyph().reshape(side, shrink, side, shrink).mean((1, 3))
  np.testing.assert_allclose(windows["image_b_y_x"], np.stack([expected_y_x] * 2), atol=0.51)


def test_names_of_a_users_record(tmp_path, monkeypatch):
  Image.fromarray(glyph()).save(tmp_path / "seven.of.mine.png")
  assert read(tmp_path / "seven.of.mine.png").id == "seven.of.mine"
  assert read(glyph()).id == "images"
  monkeypatch.chdir(tmp_path)
  assert read(".").id == tmp_path.name
  assert read("seven.of.mine.png").info["names"] == ["seven.of.mine.png"]
  assert read(glyph()).info["classes"] == list(image_classes.FAMILIES["mnist"].classes)


def test_an_unknown_family_is_told():
  sentence = says(read, np.eye(28), family="emnist")
  known = "use one of fashion_mnist, mnist, kmnist"
  assert sentence == f"data.family='emnist' is unknown: {known}"


def ramp() -> np.ndarray:
  """An image of many numbers from 0 to 255."""
  image_y_x = np.zeros((28, 28), np.uint8)
  image_y_x[6:22, 6:22] = np.arange(256).reshape(16, 16)
  return image_y_x


NUMBERS = {   # by how many notes they are told
  "int32": (ramp().astype(np.int32), 0),
  "bytes in 16 bits": (ramp().astype(np.uint16), 1),
  "12 bits in 16": (ramp().astype(np.uint16) * 16, 1),
  "standardised": (((ramp() / 255 - 0.2860) / 0.3530).astype(np.float32), 1),
  "-1 to 1": ((ramp() / 127.5 - 1).astype(np.float32), 1),
  "flattened": (ramp().reshape(1, 784), 1),
  "channels first": (np.stack([ramp()] * 3)[None], 1),
}


@pytest.mark.parametrize("form", NUMBERS)
def test_the_same_image_in_other_numbers_and_axes(form):
  x, notes = NUMBERS[form]
  record = read(x)
  np.testing.assert_allclose(record.signals["image_t_y_x"], ramp()[None], atol=1)
  assert len(record.info["notes"]) == notes


@pytest.mark.parametrize(
    "x",
    [np.stack([ramp()] * 3), np.moveaxis(np.stack([ramp()] * 5), 0, -1), ramp().view(np.int8)],
    ids=["three channels or images", "images along the last axis", "bytes with a sign"],
)
def test_what_may_be_read_in_two_ways_is_refused(x):
  assert says(read, x)


@pytest.fixture
def predicted() -> Record:
  """Ten images: of image i class i is the most probable; all is NaN of the last but one."""
  generator = np.random.default_rng(0)
  probability_b_k = np.full((10, 10), 0.04, np.float32) + 0.6 * np.eye(10, dtype=np.float32)
  probability_b_k[8] = np.nan
  entropy_b = np.arange(10, dtype=np.float32)
  entropy_b[8] = np.inf
  predictions = {
      "output_b_k": probability_b_k,
      "probability_b_k": probability_b_k,
      "entropy_b": entropy_b,
      "start_s_b": np.arange(10.0),
      "length_s_b": np.ones(10),
  }
  for layer, (side, maps) in LAYERS.items():
    x = generator.normal(size=(10, side, side, maps)).astype(np.float32)
    predictions[f"maps_{layer}_b_y_x_j"] = x
  predictions["maps_c3_b_y_x_j"][8] = np.nan
  image_t_y_x = generator.integers(0, 256, (10, 28, 28)).astype(np.uint8)
  info = {
      "notes": ["Inverted."],
      "names": [f"{i}, a \u3042.png" for i in range(10)],
      "classes": list(FASHION),
  }
  return Record("mine", "user", 1.0, {"image_t_y_x": image_t_y_x}, {}, info, predictions)


def told(record: Record, **about: str) -> Told:
  return Told(record, (), (), NO_SPANS, NO_SPANS, about, ConfigDict())


def without_maps(record: Record) -> Record:
  only = {"probability_b_k": record.predictions["probability_b_k"]}
  return record._replace(predictions=only)


def images_of(record: Record, chosen: slice) -> Record:
  """Some images of a predicted record."""
  predictions = {name: x[chosen] for name, x in record.predictions.items()}
  signals = {name: x[chosen] for name, x in record.signals.items()}
  info = {**record.info, "names": record.info["names"][chosen]}
  return record._replace(predictions=predictions, signals=signals, info=info)


def test_classes_have_plain_names_and_are_plain_python_where_they_can(predicted):
  classes = own_file.result(told(predicted))
  assert classes.name == "mine"
  assert classes.images == tuple(predicted.info["names"])
  assert classes.classes == FASHION
  assert classes.answers == (*FASHION[:8], None, FASHION[9])
  np.testing.assert_array_equal(classes.probabilities, predicted.predictions["probability_b_k"])
  expected = np.full(10, 0.64)
  expected[8] = np.nan
  np.testing.assert_allclose(classes.answer_probabilities, expected, rtol=1e-6)
  assert [*classes.maps] == ["c1", "s2", "c3", "s4", "f5"]   # from input to output
  for layer, maps_t_y_x_j in classes.maps.items():
    np.testing.assert_array_equal(maps_t_y_x_j, predicted.predictions[f"maps_{layer}_b_y_x_j"])
  assert classes.notes == ("Inverted.",)


def test_classes_as_a_dict_are_json(predicted):
  as_dict = own_file.result(told(predicted)).to_dict()
  text = json.dumps(as_dict, allow_nan=False)
  assert json.loads(text) == as_dict
  assert set(as_dict) == {"name", "images", "notes"}
  assert as_dict["images"][3]["class"] == "Dress"
  assert as_dict["images"][8]["class"] is None


def test_classes_are_short_to_print_and_cannot_be_changed(predicted):
  classes = own_file.result(told(predicted))
  text = repr(classes)
  assert text.startswith("<Classes of mine: 10 images: 1 T-shirt/top, ")
  assert text.endswith(", 1 without an answer>")
  one = own_file.result(told(images_of(predicted, slice(1))))
  assert repr(one) == "<Classes of mine: 1 image: 1 T-shirt/top>"
  with pytest.raises(AttributeError):
    classes.name = "other"


def test_classes_without_maps(predicted):
  assert own_file.result(told(without_maps(predicted))).maps == {}


def test_the_console_has_a_line_an_image(predicted):
  lines = list(own_file.tell(told(predicted)))
  assert len(lines) == 10
  assert lines[3] == "3, a \u3042.png  Dress, probability 0.640"
  assert lines[8] == "8, a \u3042.png  no answer"


def test_of_many_images_the_console_has_counts(predicted):
  many = images_of(predicted, np.s_[:])
  signals = {name: np.concatenate([x] * 4) for name, x in many.signals.items()}
  predictions = {name: np.concatenate([x] * 4) for name, x in many.predictions.items()}
  info = {**many.info, "names": many.info["names"] * 4}
  many = many._replace(signals=signals, predictions=predictions, info=info)
  [line] = own_file.tell(told(many))
  assert line.startswith("40 images: 4 T-shirt/top, ")
  assert line.endswith("4 without an answer")


def test_the_json_file(tmp_path, predicted):
  own_file.write(told(predicted, model="tiny"), tmp_path)
  names = {path.name for path in tmp_path.iterdir()}
  assert names == {"mine_classes.json", "mine_classes.csv", "mine_classes.png"}

  text = (tmp_path / "mine_classes.json").read_text()
  summary = json.loads(text, parse_constant=lambda word: pytest.fail(word))   # no NaN
  assert set(summary) == {"model", "images", "notes", "entropy_b"}
  assert summary["model"] == "tiny"
  assert summary["notes"] == ["Inverted."]
  assert summary["entropy_b"] == [0, 1, 2, 3, 4, 5, 6, 7, None, 9]
  for i, image in enumerate(summary["images"]):
    assert image["name"] == f"{i}, a \u3042.png"
    assert list(image["probabilities"]) == list(FASHION)
    first = image["probabilities"][FASHION[0]]
    if i == 8:
      assert (image["class"], image["probability"], first) == (None, None, None)
    else:
      assert image["class"] == FASHION[i]
      assert image["probability"] == pytest.approx(0.64)
      assert first == pytest.approx(0.64 if i == 0 else 0.04)


def test_the_csv_file(tmp_path, predicted):
  own_file.write(told(predicted), tmp_path)
  with (tmp_path / "mine_classes.csv").open(newline="", encoding="utf-8") as file:
    head, *lines = csv.reader(file)
  assert head == ["name", "class", "probability", *FASHION]
  assert len(lines) == 10
  assert lines[3][:3] == ["3, a \u3042.png", "Dress", "0.64"]
  numbers = [float(p) for p in lines[3][3:]]
  assert numbers == pytest.approx([0.04] * 3 + [0.64] + [0.04] * 6)
  assert lines[8][1:] == [""] * 12


def test_classes_are_called_as_the_model_calls_them(tmp_path, predicted):
  names = np.array([f"sign {k}" for k in range(10)])
  predictions = {**predicted.predictions, "class_k": names}
  own_file.write(told(predicted._replace(predictions=predictions)), tmp_path)
  [first, *_] = json.loads((tmp_path / "mine_classes.json").read_text())["images"]
  assert [*first["probabilities"]] == [*names]
  assert first["class"] in names


def test_the_picture_has_image_maps_and_bars(tmp_path, predicted):
  own_file.write(told(predicted), tmp_path)
  sheet = np.array(Image.open(tmp_path / "mine_classes.png")).astype(int)
  assert sheet.shape == (16 + 8 * 152, 6 * 152 + 260)   # eight of the ten images, five layers

  nearest = np.arange(144) * 28 // 144
  for row in range(8):
    of_row = sheet[16 + 152 * row:][:152]
    image_y_x = predicted.signals["image_t_y_x"][row]
    np.testing.assert_array_equal(of_row[:144, :144], image_y_x[np.ix_(nearest, nearest)])

    across = {"c1": 3, "s2": 3, "c3": 4, "s4": 4, "f5": 11}   # from the largest maps on
    for column, (layer, tiles) in enumerate(across.items(), 1):
      cell_y_x = of_row[:144, 152 * column:][:, :144]
      x_y_x_j = predicted.predictions[f"maps_{layer}_b_y_x_j"][row]
      for j in (0, tiles, x_y_x_j.shape[-1] - 1):
        check_tile(cell_y_x, x_y_x_j, j, tiles)

    bars = of_row[:, 6 * 152:]
    assert (bars[28 + 17] == 96).sum() == 1 + round(240 * 0.64)
    assert (bars[2 * 28 + 17] == 96).sum() == 1 + round(240 * 0.04)


def check_tile(cell_y_x: np.ndarray, x_y_x_j: np.ndarray, j: int, across: int) -> None:
  """The corners of a map's tile have the grey of its values."""
  wide = 144 // across
  tile_y_x = cell_y_x[j // across * wide:, j % across * wide:][:wide - 1, :wide - 1]
  largest = np.abs(x_y_x_j).max()
  for corner in (0, -1):
    grey = 127.5 + 127.5 * x_y_x_j[corner, corner, j] / largest
    assert tile_y_x[corner, corner] == pytest.approx(grey, abs=0.51)


def test_one_image_without_an_answer_or_maps(tmp_path, predicted):
  one = images_of(predicted, slice(8, 9))
  one = one._replace(info={**one.info, "names": ["x\ny"]})
  own_file.write(told(one), tmp_path)
  cell_y_x = np.array(Image.open(tmp_path / "mine_classes.png"))[16:][:144, 3 * 152:][:, :144]
  assert cell_y_x[0, 0] == 128   # NaN is shown as nothing

  own_file.write(told(without_maps(one)), tmp_path)
  with Image.open(tmp_path / "mine_classes.png") as sheet:
    assert sheet.size == (152 + 260, 16 + 152)


REAL = pathlib.Path(os.environ.get("JAXSIG_DATA_DIR", ROOT.parent / "shared/data"))
NO_REAL = "no Fashion-MNIST: name its folder with JAXSIG_DATA_DIR"


@pytest.mark.skipif(not (REAL / "fashion_mnist").is_dir(), reason=NO_REAL)
def test_real_images_and_their_negatives_are_read_as_they_are():
  config = ConfigDict({
      "family": "fashion_mnist",
      "train_images": 1,
      "test_images": 0,
      "block_images": 10_000,
      "shrink": 1,
  })
  images = image_classes.load(REAL, config)[-1].signals["image_t_y_x"]
  as_given = read(images, family="fashion_mnist")
  np.testing.assert_array_equal(as_given.signals["image_t_y_x"], images)
  assert as_given.info["notes"] == []

  negative = read(255 - images[:2000], family="fashion_mnist")
  np.testing.assert_array_equal(negative.signals["image_t_y_x"], images[:2000])
  assert len(negative.info["notes"]) == 1
