"""The contracts a system is made of: `Task` (model, loss, score), `Method` (a rival) and `Data` (records in, windows out)."""
import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

from jaxsig.config import nearest
from jaxsig.errors import UserError


class Task(NamedTuple):
  """A learnt system as pure functions; nothing here knows of members, devices or files.

  Batches are dicts of arrays whose names end in their axes (`x_b_t`); `mask_b` is 0 for padding rows.
  """
  init: Callable     # (key, batch) -> (params, stats)
  loss: Callable     # (params, stats, batch, key) -> (scalar, (stats, {name: scalar})); all randomness is here, by key
  predict: Callable  # (params, stats, batch, keys_b) -> {name_axes: array}, one key an example
  score: Callable    # (record with predictions) -> [row], numpy; one row a metric and scoring unit (see evaluate.py)
  rivals: dict       # {name: Method}: training-free methods and controls
  method: str = ""   # what the tables call this system
  calibrate: Callable | None = None   # (validation records with predictions) -> plain dict: what a method's output says of its own error
  assess: Callable | None = None      # (predictions, that dict) -> {name_b: array}: what joins the predictions of other records
  curvature: Callable | None = None   # (params, stats, batch, key) -> like params: diagonal of the Gauss-Newton matrix (see optim)
  show: Callable | None = None        # (params, stats, batch) -> {name_axes: array}: kernels, maps, weights over training, for pictures


class Method(NamedTuple):
  """A rival: the same records, the same score, the same rows as the learnt system.

  It sees the record rather than the model's windows: beats need the native rate, and a rate needs a minute of signal.
  """
  fit: Callable      # (training records) -> params, possibly None (a constant predictor learns its constant here)
  predict: Callable  # (params, record) -> {name_axes: array, "rate_hz": float}, as the stitched output of a Task


class Data(NamedTuple):
  """A data set, numpy only. `config` is the whole experiment's `config.data`."""
  load: Callable      # (folder, config) -> [Record]; UserError names the first file that cannot be used and the remedy
  simulate: Callable  # (seed, n, config) -> [Record] of the same form: the embedded default, n patients
  read: Callable      # (path or array, rate_hz or None, config) -> Record of a user's own recording, NaN in gaps
  prepare: Callable   # (record, config) -> windows: a batch of all of them, plus start_s_b; no window reaches beyond the record
  write: Callable     # (record with predictions, folder)
  inspect: Callable   # (folder) -> {"records": [{...}], "skipped": [{"record", "why"}], "licence": str, "citation": [str]}
  sources: Callable   # (folder) -> [path] the files that load reads; empty where there is no such data


SYSTEMS = {"respdiff": "respiration", "phase_retrieval": "phase_retrieval", "cnn_notes": "cnn_notes"}
READERS = {"bidmc": "ppg", "capnobase": "ppg", "fashion_mnist": "images", "image_classes": "images"}


def make(config: Any) -> Task:
  """Makes the task that `config.task` names."""
  if config.task not in SYSTEMS:
    raise UserError(f"unknown task {config.task!r}{nearest(config.task, SYSTEMS)}")
  return importlib.import_module(f"jaxsig.systems.{SYSTEMS[config.task]}.task").make(config)


def make_data(config: Any) -> Data:
  """Makes the data set that `config.data.name` names."""
  name = config.data.name
  if name not in READERS:
    raise UserError(f"unknown data {name!r}{nearest(name, READERS)}")
  return importlib.import_module(f"jaxsig.data.{READERS[name]}.{name}").DATA
