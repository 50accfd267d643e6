"""The order of batches, and two ways to them: arrays on the device, or a tf.data stream.

Both give the same batches, bit for bit.
"""
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from jaxsig.data.records import pad_rows, stable_hash
from jaxsig.data.windows import Windows
from jaxsig.errors import UserError
from jaxsig.system import Batch

RESIDENT_LIMIT_BYTES = 2 << 30
KINDS = ("auto", "resident", "tfdata")


@functools.lru_cache(maxsize=256)
def _permutation(seed: int, name: str, epoch: int, n: int) -> np.ndarray:
  # a typed key: of a list numpy would make floats, and lose the epoch
  key = np.array([seed, (stable_hash(name) << 32) | epoch], np.uint64)
  return np.random.Generator(np.random.Philox(key=key)).permutation(n)


def batch_positions(seed: int, name: str, step: int, n: int, size: int) -> np.ndarray:
  """Positions [size] into a member's n training windows at global `step`.

  Epochs are permutations, joined without gaps.
  """
  flat_b = step * size + np.arange(size)
  epoch_b = flat_b // n
  position_b = np.empty(size, np.int64)
  for epoch in np.unique(epoch_b):
    of_epoch = epoch_b == epoch
    position_b[of_epoch] = _permutation(seed, name, int(epoch), n)[flat_b[of_epoch] % n]
  return position_b


class Order(NamedTuple):
  """The ids of every batch, a pure function of (seed, member, step)."""
  seeds: tuple[int, ...]           # by member
  names: tuple[str, ...]
  ids: tuple[np.ndarray, ...]      # each member's own training windows
  batch_size: int
  padded_size: int                 # what the mesh's data axis divides

  def at(self, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Window ids [m, b] and mask [m, b] of one step."""
    ids_m_b, mask_m_b = [], []
    for seed, name, ids in zip(self.seeds, self.names, self.ids, strict=True):
      positions_b = batch_positions(seed, name, step, len(ids), self.batch_size)
      ids_b, mask_b = pad_rows(ids[positions_b], self.padded_size)
      ids_m_b.append(ids_b)
      mask_m_b.append(mask_b)
    return np.stack(ids_m_b), np.stack(mask_m_b)


def groups_alike(windows: Windows, ids_b: np.ndarray) -> np.ndarray:
  """The ids, those of groups with fewer windows repeated until all groups have as many.

  What is learnt of everybody, such as a mean, is then that over groups, as scores are.
  """
  names = [windows.records[i].group for i in windows.record_b[ids_b]]
  groups, group_b = np.unique(names, return_inverse=True)
  ids_of_group = [ids_b[group_b == k] for k in range(len(groups))]
  most = max(map(len, ids_of_group))
  return np.concatenate([np.resize(ids, most) for ids in ids_of_group])


class Feed(NamedTuple):
  """A way from steps to batches.

  Attributes:
    constants: arrays that stay on the device.
    steps: (start, stop) -> iterator of host inputs, one a step.
    take: (constants, inputs) -> the batch, inside the compiled step.
    local: whether inputs hold only this host's rows.
  """
  constants: Mapping[str, np.ndarray]
  steps: Callable[[int, int], Iterator[Batch]]
  take: Callable[[Batch, Batch], Batch]
  local: bool


def choose(kind: str, windows: Windows) -> str:
  """The feed that "auto" means: resident where all windows fit.

  Raises:
    UserError: an unknown feed.
  """
  if kind not in KINDS:
    raise UserError(f"unknown run.feed {kind!r}: use {', '.join(KINDS)}")
  if kind != "auto":
    return kind
  if windows.nbytes() <= RESIDENT_LIMIT_BYTES:
    return "resident"
  return "tfdata"


def taker(kind: str, windows: Windows) -> Callable[[Batch, Batch], Batch]:
  """The function that makes batches of a feed's inputs, by the name of the feed."""
  return {"resident": take_resident, "tfdata": take_streamed}[choose(kind, windows)]


def take_resident(constants: Batch, inputs: Batch) -> Batch:
  """The batch of inputs {"ids", "mask"}, gathered from arrays of all windows."""
  batch = {name: x[inputs["ids"]] for name, x in constants.items()}
  return {**batch, "mask_b": inputs["mask"]}


def take_streamed(constants: Batch, inputs: Batch) -> Batch:
  """The inputs, which are the batch already."""
  del constants
  return inputs


def resident(windows: Windows, order: Order) -> Feed:
  """Arrays of all windows stay on the device and the step gathers by id: no input cost at all.

  They are the same for all members, so that trainings of one shape share a compiled program.
  """
  def steps(start: int, stop: int) -> Iterator[Batch]:
    for step in range(start, stop):
      ids_m_b, mask_m_b = order.at(step)
      yield {"ids": ids_m_b.astype(np.int32), "mask": mask_m_b}

  return Feed(windows.whole(), steps, take_resident, False)


def tfdata(windows: Windows, order: Order, block: tuple[slice, slice], prefetch: int = 4) -> Feed:
  """Streams batches that are cut as they are needed.

  Each host cuts only `block`, its rows of the one global list.
  """
  example = windows.take(order.ids[0][:1])
  names = sorted(example)

  def gather(step: np.int64) -> list[np.ndarray]:
    ids_m_b, mask_m_b = (x[block] for x in order.at(int(step)))
    flat = windows.take(ids_m_b.ravel())
    shaped = [flat[name].reshape(ids_m_b.shape + flat[name].shape[1:]) for name in names]
    return [*shaped, mask_m_b]

  def steps(start: int, stop: int) -> Iterator[Batch]:
    import tensorflow as tf  # 10 s to import: only where it is used
    types = [tf.as_dtype(example[name].dtype) for name in names] + [tf.float32]
    stream = tf.data.Dataset.range(start, stop).map(
        lambda step: tf.numpy_function(gather, [step], types, stateful=False),
        num_parallel_calls=1,
        deterministic=True,
    )
    options = tf.data.Options()
    options.autotune.enabled = False   # nothing to tune, and its own threads cost time
    options.threading.private_threadpool_size = 1
    for values in stream.prefetch(prefetch).with_options(options).as_numpy_iterator():
      yield dict(zip([*names, "mask_b"], values, strict=True))

  return Feed({}, steps, take_streamed, True)
