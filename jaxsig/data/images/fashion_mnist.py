"""Fashion-MNIST: 60,000 + 10,000 images of garments, 28 x 28, in ten classes.

Without a folder, simulated objects take their place. Fields of `config.data` that are read here:
  train_images, test_images     how many of each part, from its start; 0 for all
  train_classes, test_classes   only images of these classes; may be left out, or empty for all
  block_images                  images to a record; a record is on one side of every split
  shrink                        side of the squares that are averaged to a pixel: 1 for 28 x 28,
                                2 for 14 x 14
  complex_objects               give objects a phase: that of image i of a part is image i + 1, over
                                1.5 pi
  tfds                          read what tensorflow_datasets has prepared in the folder instead of
                                the idx files; its order is its own
  size                          of the simulator
"""
import pathlib
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.images import idx_files, simulate_objects
from jaxsig.data.images.image_blocks import WHITE, blocks, cut, masked_phase, spans, summary
from jaxsig.data.recordings import inspect_all
from jaxsig.data.records import Record
from jaxsig.errors import UserError
from jaxsig.system import Data

NAME = "fashion_mnist"
PARTS = ("train", "test")
AGAIN = "download it again from https://github.com/zalandoresearch/fashion-mnist"
LICENCE = "MIT, (c) 2017 Zalando SE"
CITATION = [
    "Xiao H, Rasul K, Vollgraf R. Fashion-MNIST: a novel image dataset for benchmarking machine "
    "learning algorithms. arXiv:1708.07747, 2017.",
]
PHASE_SPAN_RAD = 1.5 * np.pi   # short of a turn, so that the darkest and the brightest pixel differ


class Part(NamedTuple):
  """The images of a part and their classes."""
  image_t_y_x: np.ndarray   # uint8
  label_t: np.ndarray       # uint8


def load(folder: str | pathlib.Path, config: ConfigDict) -> list[Record]:
  """All records of both parts: see `image_blocks.blocks`.

  Raises:
    UserError: a file is missing or broken, or there are fewer images than are asked for.
  """
  records = []
  for part in PARTS:
    whole = _read(folder, part, config)
    chosen = _chosen(folder, part, whole.label_t, config)

    signals = {"image_t_y_x": whole.image_t_y_x}
    if config.complex_objects:
      signals["phase_t_y_x"] = _phases(whole.image_t_y_x)
    signals = {name: x[chosen] for name, x in signals.items()}
    records += blocks(part, signals, whole.label_t[chosen], config, NAME)
  return records


def _read(folder: str | pathlib.Path, part: str, config: ConfigDict) -> Part:
  if config.tfds:
    return _from_tfds(folder, part)
  return Part(*idx_files.read_part(folder, NAME, part, AGAIN))


def _chosen(
    folder: str | pathlib.Path,
    part: str,
    label_t: np.ndarray,
    config: ConfigDict,
) -> np.ndarray:
  """Which images of a part are asked for, by their classes and their number."""
  many = config[f"{part}_images"]
  classes = tuple(config.get(f"{part}_classes", ()))
  chosen = np.arange(len(label_t))
  of_classes = ""
  if classes:
    chosen = np.flatnonzero(np.isin(label_t, classes))
    of_classes = f" of the classes {classes}"

  if not 0 <= many <= len(chosen) or not len(chosen):
    raise UserError(
        f"data.{part}_images={many}, but {folder} has {len(chosen)} images in that part"
        f"{of_classes}: ask for as many at most, or 0 for all")
  if many:
    chosen = chosen[:many]
  return chosen


def _phases(image_t_y_x: np.ndarray) -> np.ndarray:
  """float32 radians: the phase of an image is the next image."""
  next_t_y_x = np.roll(image_t_y_x, -1, 0) / np.float32(WHITE)
  return masked_phase((next_t_y_x - 0.5) * PHASE_SPAN_RAD, image_t_y_x)


def _from_tfds(folder: str | pathlib.Path, part: str) -> Part:
  remedy = (f'prepare it by tensorflow_datasets.load("{NAME}", data_dir="{folder}"), or set '
            "data.tfds=False and have the idx files there")
  if not _prepared(folder):
    raise UserError(f"tensorflow_datasets has prepared no {NAME} in {folder}: {remedy}")
  try:
    import tensorflow_datasets as tfds
    builder = tfds.builder(NAME, data_dir=str(folder))
    dataset = builder.as_dataset(split=part, batch_size=-1, shuffle_files=False)
    rows = tfds.as_numpy(dataset)
  except Exception as error:   # TensorFlow's own, an import's, a missing file's: one to a user
    why = " ".join(repr(error).split())[:300]
    raise UserError(
        f"tensorflow_datasets cannot read {NAME} in {folder} ({why}): {remedy}") from error
  return Part(rows["image"][..., 0], rows["label"].astype(np.uint8))


def _prepared(folder: str | pathlib.Path) -> list[pathlib.Path]:
  """The files that tensorflow_datasets has prepared, in folder/fashion_mnist/<version>/."""
  files = []
  for info in pathlib.Path(folder).glob(f"{NAME}/*/dataset_info.json"):
    files += info.parent.iterdir()
  return sorted(files)


def sources(folder: str | pathlib.Path) -> list[pathlib.Path]:
  """The files that `load` reads, of both forms; empty where there are none."""
  idx = idx_files.find(folder, NAME)
  return [*idx.values(), *_prepared(folder)]


def inspect(folder: str | pathlib.Path) -> dict[str, object]:
  """What the idx files in the folder hold, with licence and citation.

  A broken part is listed under "skipped" with the reason.
  """
  def summary_of(part: str) -> dict[str, object]:
    whole = Part(*idx_files.read_part(folder, NAME, part, AGAIN))
    return summary(part, whole.image_t_y_x, whole.label_t)

  listed = inspect_all(PARTS, str, summary_of)
  return {**listed, "licence": LICENCE, "citation": CITATION}


def simulate(seed: int, n: int, config: ConfigDict) -> list[Record]:
  """Simulated objects: see `simulate_objects`."""
  return simulate_objects.simulate(seed, n, config)


DATA = Data(
    load=load,
    simulate=simulate,
    spans=spans,
    cut=cut,
    inspect=inspect,
    sources=sources,
)
