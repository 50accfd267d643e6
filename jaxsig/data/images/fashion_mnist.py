"""Fashion-MNIST: 60,000 + 10,000 images of garments, 28 x 28, in ten classes; or, without a folder, simulated objects.

Fields of `config.data` that are read here:
  train_images, test_images     how many of each part, from its start; 0 for all
  train_classes, test_classes   only images of these classes; may be left out, or empty for all
  block_images                  images to a record; a record is on one side of every split
  shrink                        side of the squares that are averaged to a pixel: 1 for 28 x 28, 2 for 14 x 14
  complex_objects               give objects a phase: that of image i of a part is image i + 1, over 1.5 pi
  tfds                          read what tensorflow_datasets has prepared in the folder instead of the idx files; its order is its own
  size                          of the simulator
  n                             of a user's own intensity: side of the object in pixels, for the note on sampling
  intensity_dataset, intensity_mask, intensity_centred     of a user's own intensity: see `intensity_file.read_intensity`; may be left out
"""
import json
import pathlib
from typing import Any

import numpy as np

from jaxsig.data.images import idx_files, intensity_file, simulate_objects
from jaxsig.data.images.image_blocks import WHITE, blocks, masked_phase, prepare, summary
from jaxsig.data.recordings import inspect_all, plain
from jaxsig.data.records import Record
from jaxsig.errors import UserError
from jaxsig.system import Data

NAME = "fashion_mnist"
PARTS = ("train", "test")
AGAIN = "download it again from https://github.com/zalandoresearch/fashion-mnist"
LICENCE = "MIT, (c) 2017 Zalando SE"
CITATION = [("Xiao H, Rasul K, Vollgraf R. Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms. "
             "arXiv:1708.07747, 2017.")]
PHASE_SPAN_RAD = 1.5 * np.pi   # short of a turn, so that the darkest and the brightest pixel differ
UNDETERMINED = "shift, conjugate flip (a turn by 180 degrees of a real image) and global phase are not determined by the intensity"
_SHEET = 100                   # images in one picture


def load(folder: str, config: Any) -> list[Record]:
  """All records of both parts: see `image_blocks.blocks`.

  Raises:
    UserError: a file is missing or broken, or there are fewer images than are asked for.
  """
  records = []
  for part, many in zip(PARTS, (config.train_images, config.test_images), strict=True):
    image_t_y_x, label_t = _from_tfds(folder, part) if config.tfds else idx_files.read_part(folder, NAME, part, AGAIN)
    classes = tuple(getattr(config, f"{part}_classes", ()))
    kept = np.flatnonzero(np.isin(label_t, classes)) if classes else np.arange(len(label_t))
    if not 0 <= many <= len(kept) or not len(kept):
      raise UserError(f"data.{part}_images={many}, but {folder} has {len(kept)} images in that part"
                      f"{f' of the classes {classes}' if classes else ''}: ask for as many at most, or 0 for all")
    signals = {"image_t_y_x": image_t_y_x}
    if config.complex_objects:
      phase = (np.roll(image_t_y_x, -1, 0) / np.float32(WHITE) - 0.5) * PHASE_SPAN_RAD
      signals["phase_t_y_x"] = masked_phase(phase, image_t_y_x)
    kept = kept[:many or None]
    records += blocks(part, {k: x[kept] for k, x in signals.items()}, label_t[kept], config, NAME)
  return records


def _from_tfds(folder: str, part: str) -> tuple[np.ndarray, np.ndarray]:
  remedy = f'prepare it by tensorflow_datasets.load("{NAME}", data_dir="{folder}"), or set data.tfds=False and have the idx files there'
  if not _prepared(folder):
    raise UserError(f"tensorflow_datasets has prepared no {NAME} in {folder}: {remedy}")
  try:
    import tensorflow_datasets as tfds
    dataset = tfds.builder(NAME, data_dir=str(folder)).as_dataset(split=part, batch_size=-1, shuffle_files=False)
    rows = tfds.as_numpy(dataset)
  except Exception as error:   # TensorFlow's own, an import's, a missing file's: to a user they are all one
    why = " ".join(repr(error).split())[:300]
    raise UserError(f"tensorflow_datasets cannot read {NAME} in {folder} ({why}): {remedy}") from error
  return rows["image"][..., 0], rows["label"].astype(np.uint8)


def _prepared(folder: str) -> list[pathlib.Path]:
  """The files of a data set that tensorflow_datasets has prepared, in folder/fashion_mnist/<version>/."""
  return sorted(p for info in pathlib.Path(folder).glob(f"{NAME}/*/dataset_info.json") for p in info.parent.iterdir())


def sources(folder: str) -> list[pathlib.Path]:
  """The files that `load` reads, of both forms; empty where there are none."""
  return [*idx_files.find(folder, NAME).values(), *_prepared(folder)]


def inspect(folder: str) -> dict:
  """What the idx files in the folder hold, with licence and citation; a broken part is listed under "skipped" with the reason."""
  found = inspect_all(PARTS, str, lambda part: summary(part, *idx_files.read_part(folder, NAME, part, AGAIN)))
  return {**found, "licence": LICENCE, "citation": CITATION}


def simulate(seed: int, n: int, config: Any) -> list[Record]:
  """Simulated objects: see `simulate_objects`."""
  return simulate_objects.simulate(seed, n, config)


def read(source: Any, rate_hz: float | None, config: Any) -> Record:
  """A user's own diffraction intensity (file or array): see `intensity_file.read_intensity`.

  Args:
    source: a path or an array.
    rate_hz: not used; an intensity has none.
    config: `n`, and where there are any `intensity_dataset`, `intensity_mask`, `intensity_centred`.

  Returns:
    Record with signals {"intensity_t_v_u": float32 [t, m, m]} with zero frequency at [0, 0], "mask_t_v_u": bool, False where
    pixels do not count, and info["notes"], a sentence for each thing that was done to the intensity or is wrong with its sampling.
  """
  options = {k: getattr(config, f"intensity_{k}", default) for k, default in (("dataset", ""), ("mask", ""), ("centred", "auto"))}
  found = intensity_file.read_intensity(source, **options)
  sampling = intensity_file.undersampled_note(found.frames_t_v_u.shape[-1], config.n)
  name = pathlib.Path(source).stem if isinstance(source, (str, pathlib.Path)) else "intensity"
  frames = found.frames_t_v_u
  mask = np.broadcast_to(True if found.mask_v_u is None else found.mask_v_u, frames.shape)
  info = {"source": "user", "notes": [*found.notes, *([sampling] if sampling else [])]}
  return Record(name, "user", 1.0, {"intensity_t_v_u": frames, "mask_t_v_u": mask}, {}, info)


def write(record: Record, folder: str) -> None:
  """Writes predictions: of each `<name>_b_<row>_<column>` an NPY and a PNG, and `<id>.json` with all the rest and the notes.

  A PNG shows up to 100 images side by side, each from 0 to its own maximum; of complex ones the modulus.
  """
  folder = pathlib.Path(folder)
  folder.mkdir(parents=True, exist_ok=True)
  rest = {"notes": [*record.info.get("notes", ()), UNDETERMINED]}
  for name, x in record.predictions.items():
    x = np.asarray(x)
    if x.ndim != 3:
      rest[name] = plain(x)
      continue
    stem = folder / f"{record.id}_{name.partition('_b_')[0]}"
    np.save(stem.with_name(stem.name + ".npy"), x, allow_pickle=False)
    _save_png(stem.with_name(stem.name + ".png"), x[:_SHEET])
  (folder / f"{record.id}.json").write_text(json.dumps(rest, indent=2) + "\n")


def _save_png(path: pathlib.Path, x_b_y_x: np.ndarray) -> None:
  from PIL import Image
  x = np.nan_to_num(np.abs(x_b_y_x) if np.iscomplexobj(x_b_y_x) else np.maximum(x_b_y_x, 0).astype(float))
  x = np.pad(x / np.maximum(x.max((1, 2), keepdims=True), 1e-30), ((0, 0), (0, 1), (0, 1)), constant_values=0.5)
  across = int(np.ceil(np.sqrt(len(x))))
  x = np.pad(x, ((0, -len(x) % across), (0, 0), (0, 0)))
  rows = x.reshape(-1, across, *x.shape[1:]).swapaxes(1, 2)
  sheet = rows.reshape(rows.shape[0] * rows.shape[1], -1)[:-1, :-1]   # without the last of the lines between images
  Image.fromarray(np.rint(255 * sheet).astype(np.uint8)).save(path)


DATA = Data(load, simulate, read, prepare, write, inspect, sources)
