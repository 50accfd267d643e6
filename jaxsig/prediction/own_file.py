"""A user's own record in; predictions, judged rows and files out. Gaps give gaps, not numbers."""
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jaxsig import paths
from jaxsig.config import fingerprint
from jaxsig.data.gaps import Piece, gaps, pieces, stretches, uncovered
from jaxsig.data.records import Record, Spans, joined_spans, window_names
from jaxsig.data.stitching import Stitcher
from jaxsig.engine import mesh
from jaxsig.engine.log import Progress
from jaxsig.errors import UserError, printable
from jaxsig.experiment.evaluate import assessed
from jaxsig.experiment.predictor import Predictor, finished, predict_windows
from jaxsig.experiment.workdir import commit_of_code, say
from jaxsig.prediction import results
from jaxsig.prediction.inputs import fingerprint_of, input_of
from jaxsig.prediction.model import Model
from jaxsig.report.settings import read_settings
from jaxsig.rows import Row
from jaxsig.system import OwnOptions, Predictions, Seen, Told

BRIDGE_S = 1.0      # the longest gap that a straight line fills
BLOCK_S = 3600.0    # of a record that is cut and predicted at once
KEY = "own"         # in the place of a name: random keys come from the seed alone


class PieceWindows(NamedTuple):
  """A piece of a record and the windows that it answers for, in its own time."""
  piece: Piece
  spans: Spans
  count: int   # windows in the piece, of which it answers for some


class Layout(NamedTuple):
  """Length and stride of windows in seconds; None where there is no one length, or no grid."""
  window_s: float | None
  stride_s: float | None


def predict(
    source: object,
    rate_hz: float | None,
    model: Model,
    block_s: float = BLOCK_S,
    show: bool = False,
) -> Told:
  """Predicts a user's record: a path or array, of any length, with or without gaps.

  The same samples give the same predictions, whatever their file is called.

  Args:
    source: the path or array.
    rate_hz: its sampling rate, where the file does not say it.
    model: that predicts it.
    block_s: how much is cut and predicted at once.
    show: whether progress is printed.

  Raises:
    UserError: it cannot be read, or is shorter than one window.
  """
  system = model.system
  config = model.config
  if system.own is None or config.get("own") is None:
    raise UserError(
        f"the model {model.name} reads no files of your own: its system needs an OwnFile and its "
        "config a section own")
  _require_rate(rate_hz)
  given = input_of(source)
  record = system.own.read(given.value, OwnOptions(rate_hz, config.data, config.own))
  name = paths.short_name(record.id)
  found = gaps(record, BRIDGE_S)
  record = record._replace(id=KEY, info=_printable(record.info))
  record = _predicted(record, given.shown, model, block_s, show)
  record = assessed(system.protocol, record._replace(id=name), model.calibration)

  rows = _judged(system.protocol.score(record), record, found.bridged_s, model)
  primary_keys = read_settings(config.report).primary
  primary = [row for row in rows if row.quality and row.key in primary_keys]
  about = {
      "record": record.id,
      "model": model.name,
      "config": model.made_by or fingerprint(config),
      "commit": commit_of_code(),
  }
  return Told(
      record, rows, primary, found.lost_s, found.bridged_s, about, config, model.figures or {})


def _require_rate(rate_hz: object) -> None:
  is_number = isinstance(rate_hz, (int, float, np.integer, np.floating))
  if rate_hz is None or (is_number and not isinstance(rate_hz, bool) and 0 < rate_hz < np.inf):
    return
  raise UserError(
      f"rate_hz={rate_hz!r} is no sampling rate: give the samples in a second, a number above 0")


def _printable(info: object) -> object:
  """Plain values whose texts any console and file takes: they may hold names of files."""
  if isinstance(info, str):
    return printable(info)
  if isinstance(info, Mapping):
    return {key: _printable(value) for key, value in info.items()}
  if isinstance(info, (list, tuple)):
    return [_printable(value) for value in info]
  return info


def _layout(model: Model) -> Layout:
  data = model.config.data
  stride_s = None
  if model.system.own.stride_s is not None:
    stride_s = model.system.own.stride_s(data)
  return Layout(data.get("window_s"), stride_s)


def _predicted(record: Record, name: str, model: Model, block_s: float, show: bool) -> Record:
  """The record called `name` with predictions over its whole length; NaN where no window lies."""
  task = model.system.task
  collect = model.system.own.collect
  parts = _pieces(record, model, block_s)
  if not parts:
    nothing = _nothing(record, name, model)   # or the sentence on why there is none
    if collect is not None:
      return record._replace(predictions=collect(record, model.config, ()))
    return finished(task, record, nothing)

  most = max(part.count for part in parts)
  # few sizes, so few compilations, for records of all lengths
  size = min(model.config.run.predict_batch_size, -(-most // 8) * 8)
  predictor = Predictor(task, model.params, model.stats, size, model.config.read.seed)
  if collect is not None:
    batches = _batches(record, parts, model, predictor, show)
    return record._replace(predictions=collect(record, model.config, batches))

  moved = [part.spans.moved(part.piece.start_s) for part in parts]
  stitcher = Stitcher(joined_spans(moved), bool(model.config.data.get("causal", False)))
  number = 0   # of the window in the record: its random key does not depend on the pieces
  for i, part in enumerate(parts, 1):
    what = "predicting"
    if len(parts) > 1:
      what = f"predicting part {i} of {len(parts)}"
    if not show:
      what = ""
    arrays = model.system.data.cut(part.piece.record, part.spans, model.config.data)
    names_b_2 = window_names(record.id, number + np.arange(len(part.spans)))
    if len(part.spans):
      stitcher.add(predict_windows(predictor, arrays, names_b_2, what))
    number += len(part.spans)
  return finished(task, record, _fitted(stitcher.result(), record.duration_s))


def _batches(
    record: Record,
    parts: Sequence[PieceWindows],
    model: Model,
    predictor: Predictor,
    show: bool,
) -> Iterator[tuple[Spans, Predictions]]:
  """The windows of all pieces and their outputs, as many at once as the predictor takes."""
  total = sum(len(part.spans) for part in parts)
  done = 0   # windows in the record: their random keys do not depend on the pieces
  with Progress("predicting", total, show=show and mesh.is_main()) as progress:
    for part in parts:
      for first in range(0, len(part.spans), predictor.size):
        spans = part.spans.at(slice(first, first + predictor.size))
        arrays = model.system.data.cut(part.piece.record, spans, model.config.data)
        names_b_2 = window_names(record.id, done + np.arange(len(spans)))
        with progress.compiling("the prediction"):
          outputs = predictor(arrays, names_b_2)
        yield spans.moved(part.piece.start_s), outputs
        done += len(spans)
        progress.update(done)


def _pieces(record: Record, model: Model, block_s: float) -> list[PieceWindows]:
  """The pieces of all stretches of a record, with the windows that each answers for."""
  config = model.config.data
  layout = _layout(model)
  parts = []
  for stretch in stretches(record, BRIDGE_S, layout.window_s or 0.0):
    if layout.window_s is None or layout.stride_s is None:
      whole = [Piece(stretch.start_s, stretch.record, 0.0, np.inf)]
    else:
      whole = pieces(stretch, layout.window_s, layout.stride_s, block_s)
    for piece in whole:
      spans = model.system.data.spans(piece.record, config)
      spans = spans.at(~spans.augmented_b)
      count = len(spans)
      answers_b = (spans.start_s_b >= piece.from_s - 1e-3) & (spans.start_s_b < piece.to_s - 1e-3)
      parts.append(PieceWindows(piece, spans.at(answers_b), count))
  return [part for part in parts if part.count]


def _nothing(record: Record, name: str, model: Model) -> Predictions:
  """Predictions of a record in which no window lies: NaN, in the shapes of one window's.

  Raises:
    UserError: the record is shorter than any window, or none of its windows can be used.
  """
  config = model.config.data
  window_s = _layout(model).window_s or record.duration_s
  samples = int(np.ceil(window_s * record.rate_hz)) + 1
  signals = {}
  for signal, x in record.signals.items():
    signals[signal] = np.zeros((samples, *np.shape(x)[1:]), np.float32)
  blank = record._replace(signals=signals, annotations={})
  spans = model.system.data.spans(blank, config).at(slice(0, 1))
  if not len(spans) and _layout(model).window_s is not None:
    raise UserError(
        f"no window of {name} can be used: its signal is missing, stands still, or is not of the "
        "kind that the model was trained on: check the signal and its sampling rate")
  if not len(spans):
    raise UserError(
        f"{name} lasts {record.duration_s:g} s, which is too short for a window: "
        "use a longer recording")
  predictor = Predictor(model.system.task, model.params, model.stats, 1, model.config.read.seed)
  arrays = model.system.data.cut(blank, spans, config)
  outputs = predictor(arrays, window_names(record.id, np.arange(1)))
  stitcher = Stitcher(spans)
  stitcher.add({name: np.full(x.shape, np.nan) for name, x in outputs.items()})
  return _fitted(stitcher.result(), record.duration_s)


def _fitted(predictions: Predictions, duration_s: float) -> Predictions:
  """Predictions whose waveforms are cut or filled with NaN to the record's length."""
  fitted = dict(predictions)
  for name, x in predictions.items():
    if name.endswith("_t"):
      n = int(duration_s * predictions["rate_hz"] + 1e-3)
      missing = max(0, n - x.shape[-1])
      widths = [(0, 0)] * (x.ndim - 1) + [(0, missing)]
      fitted[name] = np.pad(x[..., :n], widths, constant_values=np.nan)
  return fitted


def _judged(
    rows: Sequence[Row],
    record: Record,
    bridged_s: np.ndarray,
    model: Model,
) -> list[Row]:
  """The rows, with their quality where they say where their unit lies."""
  rows = list(rows)
  placed = [i for i, row in enumerate(rows) if None not in (row.start_s, row.end_s)]
  if not placed:
    return rows
  unseen_s = _unseen_s(record)
  silent_s = np.reshape(record.info.get("silent_s", ()), (-1, 2))
  for i in placed:
    row = rows[i]
    seen = Seen(
        length_s=row.end_s - row.start_s,
        bridged_s=_shared_s(bridged_s, row),
        unseen_s=_shared_s(unseen_s, row),
        silent_s=_shared_s(silent_s, row),
    )
    rows[i] = model.system.own.judge(row, seen)
  return rows


def _unseen_s(record: Record) -> np.ndarray:
  """The spans [k, 2] in seconds of a predicted record for which no window answers."""
  predictions = record.predictions
  start_s_b, length_s_b = predictions["start_s_b"], predictions["length_s_b"]
  if not _any_finite(predictions):
    start_s_b, length_s_b = start_s_b[:0], length_s_b[:0]
  return uncovered(start_s_b, length_s_b, record.duration_s)


def _any_finite(predictions: Predictions) -> bool:
  for name, x in predictions.items():
    is_place = name in ("start_s_b", "length_s_b", "rate_hz")
    is_number = np.asarray(x).dtype.kind in "fc"
    if is_number and not is_place and np.isfinite(x).any():
      return True
  return False


def _shared_s(spans_s: np.ndarray, row: Row) -> float:
  """Seconds that [k, 2] spans share with a row's unit."""
  shared_s = np.minimum(spans_s[:, 1], row.end_s) - np.maximum(spans_s[:, 0], row.start_s)
  return float(np.clip(shared_s, 0, None).sum())


def run(model: Model, source: object, rate_hz: float | None, folder: pathlib.Path) -> None:
  """Predicts a user's record, writes the system's files into a folder and tells the answer.

  Raises:
    UserError: as `predict`, or the folder cannot be written.
  """
  given = input_of(source)
  folder = paths.writable_folder(folder, "--output")
  results.require_apart(given, folder)
  told = predict(given.value, rate_hz, model, show=True)
  if not mesh.is_main():
    return
  made_from = {"input": given.shown, "input_sha256": fingerprint_of(given)}
  told = told._replace(about={**told.about, **made_from})
  written = results.write(model.system, told, given, folder)
  for line in (*told.record.info.get("notes", ()), *model.system.own.tell(told)):
    say(line)
  if written.name != told.record.id:
    say(f"the results begin with {written.name}: other files in {folder} have the name of "
        f"{told.record.id}")
  say(f"written to {folder}: {', '.join(file.name for file in written.files)}")
