"""Two ways to the same batches, bit for bit: arrays that live on the device, or a tf.data stream of this host's rows."""
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from jaxsig.data.records import batch_positions, pad_rows

RESIDENT_LIMIT_BYTES = 2 << 30


class Order(NamedTuple):
  """The ids of every batch, a pure function of (seed, member, step)."""
  seeds: tuple[int, ...]           # by member
  names: tuple[str, ...]
  ids: tuple[np.ndarray, ...]      # each member's own training windows
  batch_size: int
  padded_size: int                 # what the mesh's data axis divides

  def at(self, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Window ids [m, b] and mask [m, b] of one step."""
    pairs = [pad_rows(ids[batch_positions(seed, name, step, len(ids), self.batch_size)], self.padded_size)
             for seed, name, ids in zip(self.seeds, self.names, self.ids, strict=True)]
    return tuple(np.stack(x) for x in zip(*pairs, strict=True))


class Feed(NamedTuple):
  """`steps(start, stop)` yields host inputs; `take(constants, input)` makes the batch of them inside the compiled step."""
  constants: dict
  steps: Callable[[int, int], Iterator[dict]]
  take: Callable[[dict, dict], dict]
  local: bool                      # True: inputs hold only this host's rows


def choose(kind: str, arrays: dict) -> str:
  """The feed that `auto` means: resident where the arrays fit."""
  if kind != "auto":
    return kind
  return "resident" if sum(a.nbytes for a in arrays.values()) <= RESIDENT_LIMIT_BYTES else "tfdata"


def resident(arrays: dict, order: Order) -> Feed:
  """Arrays stay on the device and the step gathers by id: no input cost at all."""
  def steps(start, stop):
    for step in range(start, stop):
      ids, mask = order.at(step)
      yield {"ids": ids.astype(np.int32), "mask": mask}

  def take(constants, inputs):
    return {**{k: a[inputs["ids"]] for k, a in constants.items()}, "mask_b": inputs["mask"]}

  return Feed(arrays, steps, take, False)


def tfdata(arrays: dict, order: Order, block: tuple[slice, slice], prefetch: int = 4) -> Feed:
  """Streams batches from (memory-mapped) host arrays; each host gathers only `block`, its rows of the one global list."""
  names = sorted(arrays)

  def gather(step):
    ids, mask = (x[block] for x in order.at(int(step)))
    return [np.asarray(arrays[k][ids]) for k in names] + [mask]

  def steps(start, stop):
    import tensorflow as tf  # 10 s to import: only where it is used
    types = [tf.as_dtype(arrays[k].dtype) for k in names] + [tf.float32]
    stream = tf.data.Dataset.range(start, stop).map(
        lambda s: tf.numpy_function(gather, [s], types, stateful=False), num_parallel_calls=2, deterministic=True)
    for values in stream.prefetch(prefetch).as_numpy_iterator():
      yield dict(zip(names + ["mask_b"], values, strict=True))

  return Feed({}, steps, lambda constants, inputs: inputs, True)
