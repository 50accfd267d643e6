"""A user's own images: read, told on the console, written as files, and as a Python value."""
import csv
import dataclasses
import json
import pathlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from jaxsig.data.images import image_classes, image_files
from jaxsig.data.images.image_blocks import IMAGE_S
from jaxsig.data.recordings import plain
from jaxsig.data.records import Record
from jaxsig.plurals import count
from jaxsig.rows import Row
from jaxsig.system import OwnFile, OwnOptions, Predictions, Seen, Told

MOST_LINES = 30                       # of answers on the console
PLACES = ("start_s_b", "length_s_b")  # of windows in a record: images of their own have none


@dataclasses.dataclass(frozen=True, repr=False)
class Classes:
  """The classes of images by a model.

  Attributes:
    name: of the file or folder.
    images: [t] names of the images.
    classes: [k] names of the classes.
    probabilities: [t, k] of each class, calibrated on validation images where the model was
      evaluated; NaN where the network's outputs are not finite.
    answers: [t] the most probable class; None where the probabilities are not finite.
    answer_probabilities: [t] its probability; NaN where there is no answer.
    maps: {layer: [t, y, x, j] its feature maps after the activation}, from input to output.
    notes: a sentence for each thing that was done to some of the images.
  """
  name: str
  images: tuple[str, ...]
  classes: tuple[str, ...]
  probabilities: np.ndarray
  answers: tuple[str | None, ...]
  answer_probabilities: np.ndarray
  maps: Mapping[str, np.ndarray]
  notes: tuple[str, ...]

  def to_dict(self) -> dict[str, Any]:
    """Names, answers and probabilities of the images as plain JSON values, and the notes."""
    images = []
    for i, name in enumerate(self.images):
      probabilities = plain(self.probabilities[i])
      images.append({
          "name": name,
          "class": self.answers[i],
          "probability": plain(self.answer_probabilities[i]),
          "probabilities": dict(zip(self.classes, probabilities, strict=True)),
      })
    return {"name": self.name, "images": images, "notes": list(self.notes)}

  def __repr__(self) -> str:
    return f"<Classes of {self.name}: {_counts(self)}>"


def _counts(classes: Classes) -> str:
  """How often each answer was given: "3 images: 2 Bag, 1 without an answer"."""
  counts = Counter(classes.answers)
  without = counts.pop(None, 0)
  parts = [f"{n} {answer}" for answer, n in counts.most_common()]
  if without:
    parts.append(f"{without} without an answer")
  images = count(len(classes.images), "image", "images")
  return f"{images}: {', '.join(parts)}"


def read(source: object, options: OwnOptions) -> Record:
  """A user's own images (a file, a folder, an array, ...): see `image_files.read_images`.

  Args:
    source: a path, an array or a pillow image.
    options: `data.family`, `data.size` and `data.shrink` are read; images have no `rate_hz`.

  Returns:
    Record with signals {"image_t_y_x": uint8 [t, size // shrink, size // shrink]} and in info
    "names" of the images, "classes", and "notes", a sentence for each thing that was done to some
    of them.

  Raises:
    UserError: an unknown family, or no image that can be used.
  """
  config = options.data
  classes = image_classes.classes_of(config)
  images = image_files.read_images(source, config.size // config.shrink)
  info = {
      "source": "user",
      "notes": images.notes,
      "names": images.names,
      "classes": list(classes),
  }
  signals = {"image_t_y_x": images.image_t_y_x}
  return Record(_name_of(source), "user", 1 / IMAGE_S, signals, {}, info)


def _name_of(source: object) -> str:
  """The name of the folder or the file without its ending; "images" for an array."""
  if not isinstance(source, (str, pathlib.Path)):
    return "images"
  path = pathlib.Path(source).resolve()
  if path.is_dir():
    return path.name
  return path.stem


def judge(row: Row, seen: Seen) -> Row:
  """The row as it is: a user's own images have no labels, so no rows either."""
  del seen
  return row


def result(told: Told) -> Classes:
  """What is told as a `Classes`."""
  record = told.record
  predictions = record.predictions
  classes = tuple(str(name) for name in predictions.get("class_k", record.info["classes"]))
  probability_t_k = np.asarray(predictions["probability_b_k"])

  answers = []
  answer_probabilities = np.full(len(probability_t_k), np.nan)
  for i, probability_k in enumerate(probability_t_k):
    answer = None
    if np.isfinite(probability_k).all():
      best = int(np.argmax(probability_k))
      answer = classes[best]
      answer_probabilities[i] = probability_k[best]
    answers.append(answer)

  return Classes(
      name=record.id,
      images=tuple(record.info["names"]),
      classes=classes,
      probabilities=probability_t_k,
      answers=tuple(answers),
      answer_probabilities=answer_probabilities,
      maps=_maps(predictions),
      notes=tuple(record.info.get("notes", ())),
  )


def _maps(predictions: Predictions) -> dict[str, np.ndarray]:
  """{layer: [t, y, x, j]}; layers nearer to the input have larger maps."""
  maps = {}
  for name, x in predictions.items():
    if name.startswith("maps_"):
      layer = name.removeprefix("maps_").removesuffix("_b_y_x_j")
      maps[layer] = np.asarray(x)

  def pixels(layer: str) -> int:
    y, x = maps[layer].shape[1:3]
    return y * x

  return {layer: maps[layer] for layer in sorted(maps, key=pixels, reverse=True)}


def tell(told: Told) -> Iterator[str]:
  """A line an image with its class and its probability; of many only how often each was given."""
  classes = result(told)
  if len(classes.images) > MOST_LINES:
    yield _counts(classes)
    return
  wide = max(len(name) for name in classes.images)
  for name, answer, probability in zip(
      classes.images, classes.answers, classes.answer_probabilities, strict=True):
    words = "no answer"
    if answer is not None:
      words = f"{answer}, probability {probability:.3f}"
    yield f"{name:>{wide}}  {words}"


def write(told: Told, folder: pathlib.Path) -> None:
  """Writes the classes of a user's images.

  `<id>_classes.json` has answers, probabilities, notes and other numbers `<name>_b` of the images;
  `<id>_classes.csv` a line for each image; `<id>_classes.png`, of the first images, what the
  network sees, its feature maps, and the most probable classes. The class of an image whose
  probabilities are not finite is null.
  """
  from jaxsig.systems.cnn_notes import answer_sheet  # draws: not needed in Python
  record = told.record
  classes = result(told)
  answers = classes.to_dict()
  summary = {
      **told.about,
      "images": answers["images"],
      "notes": answers["notes"],
      **_other_numbers(record.predictions),
  }
  (folder / f"{record.id}_classes.json").write_text(json.dumps(summary, indent=1) + "\n")
  _write_table(answers["images"], classes.classes, folder / f"{record.id}_classes.csv")
  sheet = answer_sheet.draw(classes, record.signals["image_t_y_x"])
  sheet.save(folder / f"{record.id}_classes.png")


def _other_numbers(predictions: Predictions) -> dict[str, object]:
  """Predictions of one number an image."""
  numbers = {}
  for name, x in predictions.items():
    if name.endswith("_b") and name not in PLACES:
      numbers[name] = plain(x)
  return numbers


def _write_table(
    images: Sequence[Mapping[str, Any]],
    classes: Sequence[str],
    path: pathlib.Path,
) -> None:
  """Writes name, class, its probability and those of all classes; what is unknown stays empty."""
  with path.open("w", newline="", encoding="utf-8") as file:
    table = csv.writer(file, lineterminator="\n")
    table.writerow(["name", "class", "probability", *classes])
    for image in images:
      numbers = [image["probability"], *image["probabilities"].values()]
      table.writerow([image["name"], image["class"], *map(_cell, numbers)])


def _cell(x: float | None) -> str:
  if x is None:
    return ""
  return f"{x:.6g}"


OWN_FILE = OwnFile(
    read=read,
    judge=judge,
    tell=tell,
    write=write,
    result=result,
    free=("family", "train_images", "test_images", "block_images", "test_block_images"),
)
