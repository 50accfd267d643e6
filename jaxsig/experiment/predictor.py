"""Windows through a trained network, in batches of one size, and joined to records."""
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from jaxsig import rng
from jaxsig.data.records import Record, pad_rows
from jaxsig.data.stitching import Stitcher
from jaxsig.data.windows import Windows
from jaxsig.engine import mesh
from jaxsig.engine.log import Progress
from jaxsig.system import Batch, Params, Predictions, Stats, Task


class RecordWindows(NamedTuple):
  """A record and the ids of those of its windows that are predicted, ascending."""
  record: Record
  ids: np.ndarray


@functools.lru_cache(maxsize=32)   # every reading of an experiment
def compiled(predict: Callable) -> Callable:
  """`predict`, jitted once however often it is asked for."""
  return jax.jit(predict)


class Predictor:
  """Predicts batches of at most `size` windows, padded to it.

  A window's random key comes from its own name.
  """

  def __init__(self, task: Task, params: Params, stats: Stats, size: int, seed: int):
    self._mesh = mesh.make(1)
    self.size = mesh.padded(size, self._mesh)
    self._params, self._stats = mesh.put((params, stats), mesh.replicated(self._mesh))
    self._step = compiled(task.predict)
    self._key = rng.root(seed, "predict")

  def __call__(self, arrays: Batch, name_b_2: np.ndarray) -> dict[str, np.ndarray]:
    """Outputs {name_b_...: [n, ...]} of windows {name_b_...: [n, ...]} of these names [n, 2]."""
    n = len(name_b_2)
    rows_b, mask_b = pad_rows(np.arange(n), self.size)
    batch = {name: np.asarray(x)[rows_b] for name, x in arrays.items()}
    keys_b = rng.of_windows(self._key, name_b_2[rows_b])
    batch, keys_b = mesh.put(({**batch, "mask_b": mask_b}, keys_b), mesh.rows(self._mesh))
    outputs = mesh.fetch(self._step(self._params, self._stats, batch, keys_b), self._mesh)
    return {name: np.asarray(x)[:n] for name, x in outputs.items()}


def predict_windows(
    predictor: Predictor,
    arrays: Batch,
    name_b_2: np.ndarray,
    what: str = "predicting",
) -> dict[str, np.ndarray]:
  """Outputs of windows [n, ...], batch by batch."""
  n = len(name_b_2)
  parts = []
  batches = -(-n // predictor.size)
  progress = Progress(what, batches, show=bool(what) and mesh.is_main())
  for i, first in enumerate(range(0, n, predictor.size), 1):
    rows = slice(first, first + predictor.size)
    batch = {name: x[rows] for name, x in arrays.items()}
    with progress.compiling("the prediction"):
      outputs = predictor(batch, name_b_2[rows])
    parts.append(outputs)
    progress.update(i)
  progress.close()
  return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def predict_records(
  predictor: Predictor,
  task: Task,
  windows: Windows,
  chosen: Sequence[RecordWindows],
  config: ConfigDict,
  what: str = "predicting",
) -> Iterator[Record]:
  """Records with predictions, one after another.

  Windows of consecutive records share batches, and memory is that of one record.

  Args:
    predictor: of the task.
    task: whose `finish` is called once a record.
    windows: from which the records' windows are cut.
    chosen: records with their windows.
    config: of the experiment: `read.shuffle` names arrays that are taken from another window (a
      control), `read.seed` says which; `data.causal`, where there is one, joins windows without
      looking ahead.
    what: of the progress line; empty: none.
  """
  ids = np.concatenate([one.ids for one in chosen])
  shuffled_ids = ids[np.random.default_rng(config.read.seed).permutation(len(ids))]
  trailing = bool(config.data.get("causal", False))
  waiting = list(chosen)
  stitcher, missing = None, 0
  progress = Progress(what, -(-len(ids) // predictor.size), show=bool(what) and mesh.is_main())

  for i, first in enumerate(range(0, len(ids), predictor.size), 1):
    rows = slice(first, first + predictor.size)
    arrays = windows.take(ids[rows])
    if config.read.shuffle:
      others = windows.take(shuffled_ids[rows])
      arrays |= {name: others[name] for name in config.read.shuffle}
    with progress.compiling("the prediction"):
      outputs = predictor(arrays, windows.name_b_2[ids[rows]])
    progress.update(i)

    n = len(ids[rows])
    taken = 0
    while taken < n:
      if stitcher is None:
        stitcher = Stitcher(windows.spans.at(waiting[0].ids), trailing)
        missing = len(waiting[0].ids)
      some = min(missing, n - taken)
      stitcher.add({name: x[taken:taken + some] for name, x in outputs.items()})
      taken += some
      missing -= some
      if not missing:
        yield finished(task, waiting.pop(0).record, stitcher.result())
        stitcher = None
  progress.close()


def finished(task: Task, record: Record, predictions: Predictions) -> Record:
  """The record with its stitched predictions, after the task's `finish`."""
  if task.finish is not None:
    predictions = task.finish(record, predictions)
  return record._replace(predictions=predictions)
