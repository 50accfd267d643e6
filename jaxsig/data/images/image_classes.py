"""Images in ten classes, in the files of MNIST and its relatives; or, without a folder, simulated handwriting.

Fields of `config.data` that are read here:
  family                        a key of FAMILIES: which folder is read, and what the classes are called
  train_images, test_images     how many of each part, from its start; 0 for all
  block_images                  images to a record; a record is on one side of every split
  train_block_images, test_block_images   the same for one part; may be left out
  shrink                        side of the squares that are averaged to a pixel: 1 for 28 x 28, 2 for 14 x 14
  size                          side of an image before it is shrunk, of the simulator and of a user's own images
"""
import csv
import json
import pathlib
from typing import Any, NamedTuple

import numpy as np

from jaxsig.data.images import fashion_mnist, idx_files, image_files, simulate_glyphs
from jaxsig.data.images.fashion_mnist import PARTS
from jaxsig.data.images.image_blocks import WHITE, blocks, prepare, summary
from jaxsig.data.recordings import inspect_all, plain
from jaxsig.data.records import Record
from jaxsig.errors import UserError
from jaxsig.system import Data


class Family(NamedTuple):
  """One data set in this form: 60,000 + 10,000 images of 28 x 28."""
  home: str
  licence: str
  citation: str
  classes: tuple[str, ...]


FAMILIES = {   # by the folder that each has in the data folder
  "fashion_mnist": Family("https://github.com/zalandoresearch/fashion-mnist", fashion_mnist.LICENCE, fashion_mnist.CITATION[0],
                          ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")),
  "mnist": Family("http://yann.lecun.com/exdb/mnist", "CC BY-SA 3.0, (c) Yann LeCun and Corinna Cortes",
                  "LeCun Y, Bottou L, Bengio Y, Haffner P. Gradient-based learning applied to document recognition. "
                  "Proc IEEE 86(11):2278-2324, 1998.", tuple("0123456789")),
  "kmnist": Family("http://codh.rois.ac.jp/kmnist", "CC BY-SA 4.0, KMNIST by CODH, adapted from the Kuzushiji data set by NIJL and others",
                   "Clanuwat T, Bober-Irizar M, Kitamoto A, Lamb A, Yamamoto K, Ha D. Deep learning for classical Japanese literature. "
                   "arXiv:1812.01718, 2018.", ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")),
}
_HERE = "."         # what a family is called whose files lie in the data folder itself: they do not say which it is
_SHOWN = 8          # images in a picture
_MOST_MAPS = 144    # of a layer in a picture
_TOP = 3            # classes in a picture
_ROW, _BAR = 144, 260   # pixels: height of a picture's rows, width of its text


def load(folder: str, config: Any) -> list[Record]:
  """All records of both parts (see `image_blocks.blocks`), with the names of the classes in info["classes"].

  The files lie in the subfolder that is named after `config.family`, or in the folder itself.

  Raises:
    UserError: an unknown family; a file is missing or broken, there are more classes, or fewer images than are asked for.
  """
  family = _family(config)
  place = _places(folder).get(config.family, folder)
  records = []
  for part, many in zip(PARTS, (config.train_images, config.test_images), strict=True):
    image_t_y_x, label_t = idx_files.read_part(place, config.family, part, f"download it again from {family.home}")
    if label_t.max() >= len(family.classes):
      raise UserError(f"{place} has a class {label_t.max()}, {config.family} has none beyond {len(family.classes) - 1}: "
                      f"download it again from {family.home}")
    if not 0 <= many <= len(label_t):
      raise UserError(f"data.{part}_images={many}, but {place} has {len(label_t)} images in that part: ask for as many at most, "
                      "or 0 for all")
    kept = slice(many or None)
    records += blocks(part, {"image_t_y_x": image_t_y_x[kept]}, label_t[kept], config, config.family)
  return [_named(r, family.classes) for r in records]


def _family(config: Any) -> Family:
  if config.family not in FAMILIES:
    raise UserError(f"data.family={config.family!r} is unknown: use one of {', '.join(FAMILIES)}")
  return FAMILIES[config.family]


def _named(record: Record, classes: tuple[str, ...]) -> Record:
  return record._replace(info={**record.info, "classes": list(classes)})


def _places(folder: str | pathlib.Path) -> dict[str, pathlib.Path]:
  """{family: the folder with any of its files} of those that are there."""
  places = {name: pathlib.Path(folder) / name for name in (*FAMILIES, _HERE)}
  return {name: place for name, place in places.items() if idx_files.find(place, _HERE)}


def sources(folder: str) -> list[pathlib.Path]:
  """The files of all families in the folder; empty where there are none."""
  return [path for place in _places(folder).values() for path in idx_files.find(place, _HERE).values()]


def inspect(folder: str) -> dict:
  """What the files of all families hold, with licences and citations; a broken part is listed under "skipped" with the reason."""
  places = _places(folder) or {_HERE: pathlib.Path(folder)}
  parts = [(name, part) for name in places for part in PARTS]
  found = inspect_all(parts, _title, lambda here: summary(_title(here), *idx_files.read_part(places[here[0]], *here)))
  known = FAMILIES if _HERE in places else places
  return {**found, "licence": "; ".join(f"{name}: {FAMILIES[name].licence}" for name in known),
          "citation": [FAMILIES[name].citation for name in known]}


def _title(here: tuple[str, str]) -> str:
  name, part = here
  return part if name == _HERE else f"{name} {part}"


def simulate(seed: int, n: int, config: Any) -> list[Record]:
  """Simulated handwriting, with the names of the signs in info["classes"]: see `simulate_glyphs`."""
  return [_named(r, simulate_glyphs.CLASSES) for r in simulate_glyphs.simulate(seed, n, config)]


def read(source: Any, rate_hz: float | None, config: Any) -> Record:
  """A user's own images (a file, a folder or an array): see `image_files.read_images`.

  Args:
    source: a path or an array.
    rate_hz: not used; images have none.
    config: `family`, `size`, `shrink`.

  Returns:
    Record with signals {"image_t_y_x": uint8 [t, size // shrink, size // shrink]} and in info "names" of the images, "classes", and
    "notes", a sentence for each thing that was done to some of them.
  """
  images = image_files.read_images(source, config.size // config.shrink)
  path = pathlib.Path(source).resolve() if isinstance(source, (str, pathlib.Path)) else pathlib.Path("images")
  info = {"source": "user", "notes": images.notes, "names": images.names, "classes": list(_family(config).classes)}
  return Record(path.name if path.is_dir() else path.stem, "user", 1.0, {"image_t_y_x": images.image_t_y_x}, {}, info)


def write(record: Record, folder: str) -> None:
  """Writes predictions `probability_b_k` [t, k], feature maps `maps_<layer>_b_y_x_j` and other numbers `<name>_b` of a user's own images.

  Classes are called as `class_k` among the predictions says, as they were where the model was trained, or else as their family's.

  `<id>.json` has them all but the maps, with the notes; `<id>.csv` a line for each image; `<id>.png`, of up to eight images, what the
  network sees, its maps, and the most probable classes. Where an image's probabilities are not finite its class is null.
  """
  folder = pathlib.Path(folder)
  folder.mkdir(parents=True, exist_ok=True)
  answers = _answers(record)
  others = {name: plain(x) for name, x in record.predictions.items() if name.endswith("_b")}
  said = {"images": answers, "notes": list(record.info.get("notes", ())), **others}
  (folder / f"{record.id}.json").write_text(json.dumps(said, indent=1) + "\n")
  with (folder / f"{record.id}.csv").open("w", newline="", encoding="utf-8") as file:
    table = csv.writer(file, lineterminator="\n")
    table.writerow(["name", "class", "probability", *_classes(record)])
    for a in answers:   # null is an empty cell
      table.writerow([a["name"], a["class"], *(x if x is None else f"{x:.6g}" for x in (a["probability"], *a["probabilities"].values()))])
  _picture(record, answers[:_SHOWN]).save(folder / f"{record.id}.png")


def _classes(record: Record) -> list[str]:
  return [str(name) for name in record.predictions.get("class_k", record.info["classes"])]


def _answers(record: Record) -> list[dict]:
  """For each image its name, class, probability and probabilities, as plain JSON values."""
  classes, out = _classes(record), []
  for name, p_k in zip(record.info["names"], np.asarray(record.predictions["probability_b_k"]), strict=True):
    best = int(np.argmax(p_k)) if np.isfinite(p_k).all() else None
    chosen = {"class": None, "probability": None} if best is None else {"class": classes[best], "probability": plain(p_k[best])}
    out.append({"name": name, **chosen, "probabilities": dict(zip(classes, plain(p_k), strict=True))})
  return out


def _picture(record: Record, answers: list[dict]) -> Any:
  """A row an image: what the network sees, its maps layer by layer, the most probable classes."""
  from PIL import Image, ImageDraw
  # Predictions come in the order of their names: that of the layers is that of their sizes.
  maps = sorted((k for k in record.predictions if k.startswith("maps_")), key=lambda k: -np.prod(record.predictions[k].shape[1:3]))
  grids = [_enlarged(record.signals["image_t_y_x"][:len(answers)], _ROW), *(_grids(record.predictions[k][:len(answers)]) for k in maps)]
  step, head = _ROW + 8, 16
  sheet = Image.new("L", (step * len(grids) + _BAR, head + step * len(answers)), WHITE)
  draw = ImageDraw.Draw(sheet)
  for column, (title, grid_t_y_x) in enumerate(zip(["image", *(k[5:].partition("_b_")[0] for k in maps)], grids, strict=True)):
    draw.text((step * column, 2), _ascii(title))
    for row, grid_y_x in enumerate(grid_t_y_x):
      sheet.paste(Image.fromarray(grid_y_x), (step * column, head + step * row))
  for row, answer in enumerate(answers):
    _bars(draw, step * len(grids), head + step * row, answer)
  return sheet


def _enlarged(x_t_y_x: np.ndarray, side: int) -> np.ndarray:
  """The nearest pixels, `side` of them to a side."""
  h, w = x_t_y_x.shape[1:]
  return x_t_y_x[:, np.arange(side)[:, None] * h // side, np.arange(side) * w // side]


def _grids(maps_b_y_x_j: np.ndarray) -> np.ndarray:
  """uint8 [b, row, row]: an image's maps side by side in a square; 0 is grey, and the largest modulus of the layer black or white."""
  x = np.nan_to_num(np.moveaxis(np.asarray(maps_b_y_x_j, np.float32), -1, 1), posinf=0, neginf=0)[:, :_MOST_MAPS]
  x = np.rint(WHITE / 2 * (1 + x / np.maximum(np.abs(x).max((1, 2, 3), keepdims=True), 1e-30))).astype(np.uint8)
  across = int(np.ceil(np.sqrt(x.shape[1])))
  cell = _ROW // across
  grid = np.full((len(x), _ROW, _ROW), WHITE, np.uint8)
  for j in range(x.shape[1]):
    top, left = j // across * cell, j % across * cell
    grid[:, top:top + cell - 1, left:left + cell - 1] = _enlarged(x[:, j], cell - 1)
  return grid


def _bars(draw: Any, left: int, top: int, answer: dict) -> None:
  draw.text((left, top), _ascii(answer["name"]))
  likely = sorted(answer["probabilities"].items(), key=lambda item: -item[1])[:_TOP] if answer["class"] else []
  for row, (name, p) in enumerate(likely, 1):
    draw.text((left, top + 28 * row), f"{p:.3f}  {_ascii(name)}")
    draw.rectangle((left, top + 28 * row + 14, left + round((_BAR - 20) * p), top + 28 * row + 20), fill=96)


def _ascii(text: str) -> str:
  """Up to 40 characters that pillow's own font has."""
  return text.encode("ascii", "replace").decode()[:40].replace("\n", " ")


DATA = Data(load, simulate, read, prepare, write, inspect, sources)
