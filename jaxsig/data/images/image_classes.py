"""Images in ten classes: the files of MNIST and its relatives, or simulated digits.

Fields of `config.data` that are read here:
  family                        a key of FAMILIES: which folder is read, and what its classes are
  train_images, test_images     how many of each part, from its start; 0 for all
  block_images                  images to a record; a record is on one side of every split
  train_block_images, test_block_images   the same for one part; may be left out
  shrink                        side of the squares that are averaged to a pixel: 1 for 28 x 28,
                                2 for 14 x 14
  size                          side of a simulated image before it is shrunk
"""
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

from ml_collections import ConfigDict

from jaxsig.data.images import fashion_mnist, idx_files, image_blocks, simulate_glyphs
from jaxsig.data.images.fashion_mnist import PARTS
from jaxsig.data.recordings import inspect_all
from jaxsig.data.records import Record
from jaxsig.errors import UserError
from jaxsig.system import Data


class Family(NamedTuple):
  """A data set of 60,000 + 10,000 images of 28 x 28 in the files of MNIST."""
  home: str                  # where it is downloaded
  licence: str
  citation: str
  classes: tuple[str, ...]


class FamilyPart(NamedTuple):
  """One part of a family's files."""
  family: str
  part: str


FAMILIES = {   # by the folder that each has in the data folder
    "fashion_mnist": Family(
        home="https://github.com/zalandoresearch/fashion-mnist",
        licence=fashion_mnist.LICENCE,
        citation=fashion_mnist.CITATION[0],
        classes=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
    ),
    "mnist": Family(
        home="http://yann.lecun.com/exdb/mnist",
        licence="CC BY-SA 3.0, (c) Yann LeCun and Corinna Cortes",
        citation=(
            "LeCun Y, Bottou L, Bengio Y, Haffner P. Gradient-based learning applied to document "
            "recognition. Proc IEEE 86(11):2278-2324, 1998."
        ),
        classes=tuple("0123456789"),
    ),
    "kmnist": Family(
        home="http://codh.rois.ac.jp/kmnist",
        licence=(
            "CC BY-SA 4.0, KMNIST by CODH, adapted from the Kuzushiji data set by NIJL and others"
        ),
        citation=(
            "Clanuwat T, Bober-Irizar M, Kitamoto A, Lamb A, Yamamoto K, Ha D. Deep learning for "
            "classical Japanese literature. arXiv:1812.01718, 2018."
        ),
        classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    ),
}
_LOOSE = "."   # the family of files in the data folder itself: they do not tell which it is


def load(folder: str | pathlib.Path, config: ConfigDict) -> list[Record]:
  """All records of both parts (see `image_blocks.blocks`), class names in info["classes"].

  The files lie in the subfolder that is named after `config.family`, or in the folder itself.

  Raises:
    UserError: an unknown family; a file is missing or broken, there are more classes, or fewer
      images than are asked for.
  """
  classes = classes_of(config)
  place = _places(folder).get(config.family, folder)
  records = []
  for part in PARTS:
    records += _load_part(place, part, config)
  return [_with_classes(record, classes) for record in records]


def _load_part(place: str | pathlib.Path, part: str, config: ConfigDict) -> list[Record]:
  """The first `config.<part>_images` images of a part in blocks."""
  family = FAMILIES[config.family]
  remedy = f"download it again from {family.home}"
  images = idx_files.read_part(place, config.family, part, remedy)

  last_class = len(family.classes) - 1
  if images.label_t.max() > last_class:
    raise UserError(
        f"{place} has a class {images.label_t.max()}, {config.family} has none beyond "
        f"{last_class}: {remedy}")

  wanted = config[f"{part}_images"]
  available = len(images.label_t)
  if not 0 <= wanted <= available:
    raise UserError(
        f"data.{part}_images={wanted}, but {place} has {available} images in that part: "
        "ask for as many at most, or 0 for all")
  if wanted == 0:
    wanted = available
  signals = {"image_t_y_x": images.image_t_y_x[:wanted]}
  return image_blocks.blocks(part, signals, images.label_t[:wanted], config, config.family)


def classes_of(config: ConfigDict) -> tuple[str, ...]:
  """The names of the classes of `config.family`.

  Raises:
    UserError: an unknown family.
  """
  if config.family not in FAMILIES:
    known = ", ".join(FAMILIES)
    raise UserError(f"data.family={config.family!r} is unknown: use one of {known}")
  return FAMILIES[config.family].classes


def _with_classes(record: Record, classes: Sequence[str]) -> Record:
  return record._replace(info={**record.info, "classes": list(classes)})


def _places(folder: str | pathlib.Path) -> dict[str, pathlib.Path]:
  """{family: the folder with any of its files} of those that exist."""
  places = {}
  for name in (*FAMILIES, _LOOSE):
    place = pathlib.Path(folder) / name
    if idx_files.find(place, _LOOSE):
      places[name] = place
  return places


def sources(folder: str | pathlib.Path) -> list[pathlib.Path]:
  """The files of all families in the folder; empty where there are none."""
  paths = []
  for place in _places(folder).values():
    paths += idx_files.find(place, _LOOSE).values()
  return paths


def inspect(folder: str | pathlib.Path) -> dict[str, object]:
  """What the files of all families hold, with licences and citations.

  A broken part is listed under "skipped" with the reason.
  """
  places = _places(folder) or {_LOOSE: pathlib.Path(folder)}
  parts = []
  for family in places:
    for part in PARTS:
      parts.append(FamilyPart(family, part))

  def summary(one: FamilyPart) -> dict[str, object]:
    images = idx_files.read_part(places[one.family], one.family, one.part)
    return image_blocks.summary(_title(one), images.image_t_y_x, images.label_t)

  found = inspect_all(parts, _title, summary)
  known = places
  if _LOOSE in places:
    known = FAMILIES
  licences = [f"{name}: {FAMILIES[name].licence}" for name in known]
  return {
      **found,
      "licence": "; ".join(licences),
      "citation": [FAMILIES[name].citation for name in known],
  }


def _title(one: FamilyPart) -> str:
  if one.family == _LOOSE:
    return one.part
  return f"{one.family} {one.part}"


def simulate(seed: int, n: int, config: ConfigDict) -> list[Record]:
  """Simulated handwritten digits, their names in info["classes"]: see `simulate_glyphs`."""
  records = simulate_glyphs.simulate(seed, n, config)
  return [_with_classes(record, simulate_glyphs.CLASSES) for record in records]


DATA = Data(
    load=load,
    simulate=simulate,
    spans=image_blocks.spans,
    cut=image_blocks.cut,
    inspect=inspect,
    sources=sources,
)
