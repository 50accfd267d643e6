"""Data sets of images as records: a record is a block of consecutive images, one image a second."""
from collections.abc import Callable, Mapping

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.records import Record, Spans, spans_of, stable_hash
from jaxsig.errors import UserError

WHITE = 255                # the uint8 value that stands for 1.0
FIRST_ID = {"train": 0, "test": 2**31}
IMAGE_S = 1.0              # an image takes the place of a second

Arrays = dict[str, np.ndarray]
Draw = Callable[[np.ndarray], tuple[Arrays, np.ndarray]]   # numbers [b] -> (signals, labels [b])


def blocks(
    part: str,
    signals: Mapping[str, np.ndarray],
    label_t: np.ndarray,
    config: ConfigDict,
    source: str,
) -> list[Record]:
  """Records of `block_images` images each (the last may have fewer), shrunk by `config.shrink`.

  Args:
    part: "train" or "test".
    signals: {"image_t_y_x": uint8 [t, h, w], maybe "phase_t_y_x": float32 radians}.
    label_t: [t] classes.
    config: `block_images`, or for one part `train_block_images` or `test_block_images`; `shrink`.
    source: for `info`.

  Returns:
    Records "train_000", ..., each a group of its own, so that a block is on one side of every
    split. `info["part"]` is the part, `info["first"]` how many images of it come before the block.
    `annotations["id_t"]` (uint32) numbers the images of the whole data set (those of the test part
    from 2**31 on), whatever the size of the blocks is.

  Raises:
    UserError: no such block or shrinkage.
  """
  size = config.get(f"{part}_block_images", config.block_images)
  if size < 1:
    raise UserError(f"data.block_images={size} ({part}) is no number of images: use 1 or more")
  signals = shrunk(signals, config.shrink)
  label_t = np.asarray(label_t, np.uint8)
  id_t = (FIRST_ID[part] + np.arange(len(label_t))).astype(np.uint32)

  records = []
  for number, first in enumerate(range(0, len(label_t), size)):
    block = slice(first, first + size)
    name = f"{part}_{number:03}"
    record = Record(
        id=name,
        group=name,
        rate_hz=1 / IMAGE_S,
        signals={key: x[block] for key, x in signals.items()},
        annotations={"label_t": label_t[block], "id_t": id_t[block]},
        info={"part": part, "first": first, "source": source},
    )
    records.append(record)
  return records


def simulated(n: int, config: ConfigDict, least: int, draw: Draw) -> list[Record]:
  """`blocks` of n simulated images, of both parts together.

  Args:
    n: images.
    config: `size` (side of an image in pixels, before `shrink`), `test_images` (of the n, at most
      half of them; a seventh, as of MNIST and its relatives, where it is 0), `train_images` (of the
      others; all of them where it is 0), and what `blocks` reads.
    least: pixels to a side.
    draw: numbers of images [b] -> (signals {"image_t_y_x", ...}, labels [b]); image i of a part is
      the same whatever n is.

  Raises:
    UserError: too few images, or too small ones.
  """
  if n < 1 or config.size < least:
    raise UserError(
        f"data.simulate_groups={n} of data.size={config.size} are too few or too small: "
        f"take at least one of {least} pixels")
  n_test = min(config.test_images or n // 7, n // 2)
  n_train = min(config.train_images or n, n - n_test)

  records = []
  for part, count in (("train", n_train), ("test", n_test)):
    signals, label_t = draw(FIRST_ID[part] + np.arange(count))
    records += blocks(part, signals, label_t, config, "simulated")
  return records


def shrunk(signals: Mapping[str, np.ndarray], factor: int) -> Mapping[str, np.ndarray]:
  """Images averaged over squares of factor x factor pixels; complex ones as image * exp(i phase).

  uint8 again, so off by 0.002 at most.

  Raises:
    UserError: `factor` does not divide the images' sides.
  """
  image_t_y_x = signals["image_t_y_x"]
  height, width = image_t_y_x.shape[1:]
  if factor < 1 or height % factor or width % factor:
    raise UserError(
        f"data.shrink={factor} does not divide images of {height} x {width}: "
        "use 1 or a divisor of both")
  if factor == 1:
    return signals
  if "phase_t_y_x" not in signals:
    return {"image_t_y_x": _as_grey(_mean_over_squares(image_t_y_x, factor))}

  turn_t_y_x = np.exp(1j * signals["phase_t_y_x"]).astype(np.complex64)
  object_t_y_x = _mean_over_squares(image_t_y_x * turn_t_y_x, factor)
  image_t_y_x = _as_grey(np.abs(object_t_y_x))
  return {
      "image_t_y_x": image_t_y_x,
      "phase_t_y_x": masked_phase(np.angle(object_t_y_x), image_t_y_x),
  }


def _mean_over_squares(x_t_y_x: np.ndarray, factor: int) -> np.ndarray:
  t, height, width = x_t_y_x.shape
  squares = x_t_y_x.reshape(t, height // factor, factor, width // factor, factor)
  return squares.mean((2, 4))


def _as_grey(x_t_y_x: np.ndarray) -> np.ndarray:
  return np.rint(x_t_y_x).astype(np.uint8)


def masked_phase(phase_t_y_x: np.ndarray, image_t_y_x: np.ndarray) -> np.ndarray:
  """float32 phase, 0 where the image is: there it means nothing."""
  return np.where(image_t_y_x > 0, phase_t_y_x, 0).astype(np.float32)


def summary(name: str, image_t_y_x: np.ndarray, label_t: np.ndarray) -> dict[str, object]:
  """What `--mode=inspect` tells of the images of a part; `name` is what it calls them."""
  height, width = image_t_y_x.shape[1:]
  return {
      "record": name,
      "images": len(label_t),
      "pixels": f"{height} x {width}",
      "mean": round(float(image_t_y_x.mean()) / WHITE, 4),
      "images_per_class": " ".join(map(str, np.bincount(label_t))),
  }


def spans(record: Record, config: ConfigDict) -> Spans:
  """One window an image: image i lies from i to i + 1 seconds; nothing of `config` is read."""
  del config
  n = len(next(iter(record.signals.values())))
  return spans_of(IMAGE_S * np.arange(n), IMAGE_S)


def cut(record: Record, spans: Spans, config: ConfigDict) -> Arrays:
  """The images of some windows of a record, under the names of a batch.

  Args:
    record: as `blocks` makes it, or of a user's own intensity, `signals["intensity_t_v_u"]`
      [t, m, m] and `signals["mask_t_v_u"]`, the pixels that count.
    spans: of the function `spans`, or some of them.
    config: nothing of it is read.

  Returns:
    {"image_b_y_x": uint8 [b, h, w], 255 for 1.0, a quarter of the memory of float32; "phase_b_y_x":
    float32 in radians, of complex objects only; "label_b": int32} or {"intensity_b_v_u": float32,
    "mask_b_v_u": bool}; and of both "id_b": uint32, an image's own number in the data set.
  """
  del config
  index_b = np.rint(spans.start_s_b / IMAGE_S).astype(int)

  windows = {}
  for name, x_t in record.signals.items():
    windows[name.replace("_t_", "_b_", 1)] = _at(x_t, index_b)
  if "label_t" in record.annotations:
    windows["label_b"] = record.annotations["label_t"][index_b].astype(np.int32)
  if "id_t" in record.annotations:
    windows["id_b"] = record.annotations["id_t"][index_b]
  else:
    windows["id_b"] = (stable_hash(record.id) + index_b).astype(np.uint32)
  return windows


def _at(x_t: np.ndarray, index_b: np.ndarray) -> np.ndarray:
  """x_t[index_b], by one slice: a signal may lie on disk."""
  if not len(index_b):
    return np.asarray(x_t[:0])
  first = index_b.min()
  last = index_b.max() + 1
  return np.asarray(x_t[first:last])[index_b - first]
