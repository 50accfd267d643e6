"""Data sets of images as records: a record is a block of consecutive images, and an image takes the place of a second."""
from collections.abc import Callable
from typing import Any

import numpy as np

from jaxsig.data.records import Record, stable_hash
from jaxsig.errors import UserError

WHITE = 255                # the uint8 value that stands for 1.0
FIRST_ID = {"train": 0, "test": 2**31}


def blocks(part: str, signals: dict, label_t: np.ndarray, config: Any, source: str) -> list[Record]:
  """Records of as many images each as a block has (the last may have fewer), shrunk by `config.shrink`.

  Args:
    part: "train" or "test".
    signals: {"image_t_y_x": uint8 [t, h, w], maybe "phase_t_y_x": float32 radians}.
    label_t: [t] classes.
    config: `block_images`, or for one part `train_block_images` or `test_block_images`; `shrink`.
    source: for `info`.

  Returns:
    Records "train_000", ..., each a group of its own, so that a block is on one side of every split. `info["first"]` is how
    many images of the part come before it. `annotations["id_t"]` (uint32)
    numbers the images of the whole data set (those of the test part from 2**31 on), whatever the size of the blocks is.

  Raises:
    UserError: no such block or shrinkage.
  """
  size = getattr(config, f"{part}_block_images", config.block_images)
  if size < 1:
    raise UserError(f"data.block_images={size} ({part}) is no number of images: use 1 or more")
  signals, label_t = shrunk(signals, config.shrink), np.asarray(label_t, np.uint8)
  id_t = (FIRST_ID[part] + np.arange(len(label_t))).astype(np.uint32)
  out = []
  for number, first in enumerate(range(0, len(label_t), size)):
    here, name = slice(first, first + size), f"{part}_{number:03}"
    annotations = {"label_t": label_t[here], "id_t": id_t[here]}
    info = {"part": part, "first": first, "source": source}
    out.append(Record(name, name, 1.0, {k: x[here] for k, x in signals.items()}, annotations, info))
  return out


def simulated(n: int, config: Any, least: int, draw: Callable) -> list[Record]:
  """`blocks` of n simulated images, of both parts together.

  Args:
    n: images.
    config: `size` (side of an image in pixels, before `shrink`), `test_images` (of the n, at most half of them; a seventh, as of MNIST and
      its relatives, where it is 0), `train_images` (of the others; all of them where it is 0), and what `blocks` reads.
    least: pixels to a side.
    draw: numbers of images [b] -> (signals {"image_t_y_x", ...}, labels [b]); image i of a part is the same whatever n is.

  Raises:
    UserError: too few images, or too small ones.
  """
  if n < 1 or config.size < least:
    raise UserError(f"data.simulate_patients={n} of data.size={config.size} are too few or too small: take at least one of {least} pixels")
  test = min(config.test_images or n // 7, n // 2)
  counts = {"train": min(config.train_images or n, n - test), "test": test}
  drawn = {part: draw(FIRST_ID[part] + np.arange(count)) for part, count in counts.items()}
  return [record for part, found in drawn.items() for record in blocks(part, *found, config, "simulated")]


def shrunk(signals: dict, factor: int) -> dict:
  """Images averaged over blocks of factor x factor pixels; complex ones as image * exp(i phase). uint8 again, so off by 0.002 at most.

  Raises:
    UserError: `factor` does not divide the images' sides.
  """
  image_t_y_x = signals["image_t_y_x"]
  t, h, w = image_t_y_x.shape
  if factor < 1 or h % factor or w % factor:
    raise UserError(f"data.shrink={factor} does not divide images of {h} x {w}: use 1 or a divisor of both")
  if factor == 1:
    return signals
  def mean(x_t_y_x: np.ndarray) -> np.ndarray:
    return x_t_y_x.reshape(t, h // factor, factor, w // factor, factor).mean((2, 4))
  if "phase_t_y_x" not in signals:
    return {"image_t_y_x": np.rint(mean(image_t_y_x)).astype(np.uint8)}
  object_t_y_x = mean(image_t_y_x * np.exp(1j * signals["phase_t_y_x"]).astype(np.complex64))
  image_t_y_x = np.rint(np.abs(object_t_y_x)).astype(np.uint8)
  return {"image_t_y_x": image_t_y_x, "phase_t_y_x": masked_phase(np.angle(object_t_y_x), image_t_y_x)}


def masked_phase(phase_t_y_x: np.ndarray, image_t_y_x: np.ndarray) -> np.ndarray:
  """float32 phase, 0 where the image is: there it means nothing."""
  return np.where(image_t_y_x > 0, phase_t_y_x, 0).astype(np.float32)


def summary(name: str, image_t_y_x: np.ndarray, label_t: np.ndarray) -> dict[str, Any]:
  """What `--mode=inspect` says of the images of a part; `name` is what it calls them."""
  h, w = image_t_y_x.shape[1:]
  return {"record": name, "images": len(label_t), "pixels": f"{h} x {w}", "mean": round(float(image_t_y_x.mean()) / WHITE, 4),
          "images_per_class": " ".join(map(str, np.bincount(label_t)))}


def prepare(record: Record, config: Any) -> dict[str, np.ndarray]:
  """One window an image: a record's arrays under the names of a batch.

  Args:
    record: as `blocks` makes it, or of a user's own intensity, `signals["intensity_t_v_u"]` [t, m, m] and `signals["mask_t_v_u"]`, the
      pixels that count.
    config: nothing of it is read.

  Returns:
    {"image_b_y_x": uint8 [b, h, w], 255 for 1.0, a quarter of the memory of float32; "phase_b_y_x": float32 in radians, of complex objects
    only; "label_b": int32} or {"intensity_b_v_u": float32, "mask_b_v_u": bool}; and of both "id_b": uint32, an image's own number in the
    data set, and "start_s_b": float32, 0, 1, 2, ...
  """
  windows = {name.replace("_t_", "_b_", 1): x for name, x in record.signals.items()}
  n = len(next(iter(windows.values())))
  notes = record.annotations
  if "label_t" in notes:
    windows["label_b"] = notes["label_t"].astype(np.int32)
  windows["id_b"] = notes["id_t"] if "id_t" in notes else (stable_hash(record.id) + np.arange(n)).astype(np.uint32)
  return {**windows, "start_s_b": np.arange(n, dtype=np.float32)}
