"""The protocol of an evaluation: cut, predict, stitch, finish, assess, score; baselines alike.

It goes record by record: memory is that of one record's predictions.
"""
import dataclasses
import itertools
import pathlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jaxsig import config as configs
from jaxsig import system as systems
from jaxsig.data.records import Record, Segment, clipped
from jaxsig.data.splits import Member, check
from jaxsig.engine import mesh
from jaxsig.engine.log import phase
from jaxsig.engine.run import Run, folder_of
from jaxsig.engine.start import last_step, restored
from jaxsig.errors import UserError
from jaxsig.experiment.predictor import (
  Predictor,
  RecordWindows,
  compiled,
  predict_records,
)
from jaxsig.experiment.readings import Reading, readings_of
from jaxsig.experiment.workdir import version_of_code, write_json
from jaxsig.report.rows import read_rows, write_rows
from jaxsig.rows import Row, Stamp, finite_or_none
from jaxsig.stored_files import is_archive, is_json, read_json, require_no_folder, write_arrays
from jaxsig.system import Params, Plain, Protocol, Stats

CALIBRATION = "calibration.json"   # of a member: {method: what `Protocol.calibrate` has learnt}
SHOWN_WINDOWS = 4                  # that `Task.extras["show"]` sees


class Evaluation(NamedTuple):
  """What one member's evaluation made."""
  rows: list[Row]
  seconds: dict[str, float]        # {method: for a second of signal}
  calibrations: dict[str, Plain]   # {method: what was learnt on validation records}


class Sides(NamedTuple):
  """A member's records: for the rows, to calibrate methods by, and to fit baselines on."""
  test: list[Record]
  validation: list[Record]
  training: list[Record]


def evaluate(run: Run, members: Sequence[Member]) -> list[Row]:
  """Rows of all members' test segments; a member that has its rows is not evaluated again.

  Each of `config.readings` makes rows of its own, as the method "name, label". Writes
  `members/<member>/rows.jsonl`, `timing.json` and `calibration.json`,
  `predictions/<member>/<method>/<record>.npz`; rows and timings are joined in the workdir.
  """
  commit = version_of_code(run.config.system)
  every_reading = readings_of(run)
  rows = []
  for member in members:
    if not member.test:   # a model to be shipped has trained on everybody: nothing honest to score
      continue
    check(member, run.config.split.guard_s)
    stamp = _stamp(run, member, commit)
    folder = folder_of(run, member)
    done = _rows_of_stamp(folder / "rows.jsonl", stamp)
    if done is None or not _is_whole(run, member, done):
      for name in ("timing.json", CALIBRATION, "rows.jsonl"):
        require_no_folder(folder / name)   # before the evaluation, which may take hours
      evaluation = _evaluate_member(every_reading, member)
      done = [_stamped(row, stamp) for row in evaluation.rows]
      if mesh.is_main():
        # no training has made it where a model comes from elsewhere
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "timing.json", evaluation.seconds)
        write_json(folder / CALIBRATION, evaluation.calibrations)
        write_rows(folder / "rows.jsonl", done)
    rows += done
  if mesh.is_main():
    write_rows(run.workdir / "rows.jsonl", rows)
    write_json(run.workdir / "timing.json", _mean_seconds(run, members))
  return rows


def _stamp(run: Run, member: Member, commit: str) -> Stamp:
  return Stamp(
      member=member.name,
      fold=member.fold,
      seed=member.seed,
      step=last_step(run, member),
      config=configs.fingerprint(run.config),
      data=run.prepared.fingerprint,
      commit=commit,
      source=run.prepared.source,
      leaks=member.leaks,
  )


def _rows_of_stamp(path: pathlib.Path, stamp: Stamp) -> list[Row] | None:
  try:
    rows = read_rows(path)
  except UserError:   # it is missing or broken, and is made again
    return None
  if not rows or rows[0].stamp != stamp:
    return None
  return rows


def _is_whole(run: Run, member: Member, rows: Sequence[Row]) -> bool:
  """Whether all that a member's evaluation writes beside its rows is there and can be read."""
  folder = folder_of(run, member)
  if not is_json(folder / "timing.json") or not is_json(folder / CALIBRATION):
    return False
  if run.system.task.extras.get("show") is not None and not is_archive(folder / "shown.npz"):
    return False
  if run.system.protocol.keep is None:
    return True
  predictions = run.workdir / "predictions" / member.name
  kept = {predictions / row.method / f"{row.record}.npz" for row in rows}
  return all(is_archive(path) for path in kept)


def _stamped(row: Row, stamp: Stamp) -> Row:
  """The row with its stamp; numbers that are not finite become None."""
  return dataclasses.replace(
      row,
      stamp=stamp,
      value=finite_or_none(row.value),
      truth=finite_or_none(row.truth),
      estimate=finite_or_none(row.estimate),
      spread=finite_or_none(row.spread),
  )


def _mean_seconds(run: Run, members: Sequence[Member]) -> Mapping[str, float]:
  """{method: seconds}, means over members."""
  seconds = defaultdict(list)
  for member in members:
    path = folder_of(run, member) / "timing.json"
    if not path.exists():
      continue
    for method, value in read_json(path).items():
      seconds[method].append(value)
  return {method: float(np.mean(values)) for method, values in seconds.items()}


def _evaluate_member(readings: Sequence[Reading], member: Member) -> Evaluation:
  """Rows of all readings of a member's trained model and of all baselines."""
  run = readings[0].run
  params, stats = restored(run, member)
  _store_shown(run, member, params, stats)

  sides = _sides(run, member)
  every = Evaluation([], {}, {})
  for reading in readings:
    _evaluate_reading(every, reading, member, sides, params, stats)
  if run.config.baselines.run:
    for name in run.system.protocol.baselines:
      with phase(f"scoring {name}", show=mesh.is_main()):
        _evaluate_baseline(every, run, name, member, sides)
  return every


def _evaluate_reading(
    every: Evaluation,
    reading: Reading,
    member: Member,
    sides: Sides,
    params: Params,
    stats: Stats,
) -> None:
  """Adds what a reading of the trained model makes."""
  method, run = reading
  validation = ()
  if sides.validation:
    validation = _predict(run, params, stats, member.val)
  calibration = _calibrated(run.system.protocol, validation)
  for record in _predict(run, params, stats, member.test):
    every.rows.extend(_score(run, member, method, record, calibration))
  every.seconds[method] = _seconds_of_system(run, params, stats, member)
  if calibration is not None:
    every.calibrations[method] = calibration


def _evaluate_baseline(
    every: Evaluation,
    run: Run,
    name: str,
    member: Member,
    sides: Sides,
) -> None:
  """Adds what a baseline makes, with its time."""
  baseline = run.system.protocol.baselines[name]
  fitted = baseline.fit(sides.training)
  validation = (_with_predictions(baseline, fitted, record) for record in sides.validation)
  calibration = _calibrated(run.system.protocol, validation)
  elapsed_s, signal_s = 0.0, 0.0
  for record in sides.test:
    start = time.perf_counter()
    predicted = _with_predictions(baseline, fitted, record)
    elapsed_s += time.perf_counter() - start
    signal_s += predicted.predictions.get("timed_s", record.duration_s)
    every.rows.extend(_score(run, member, name, predicted, calibration))
  every.seconds[name] = elapsed_s / max(signal_s, 1e-9)
  if calibration is not None:
    every.calibrations[name] = calibration


def _sides(run: Run, member: Member) -> Sides:
  """The records of a member's sides.

  Where methods are calibrated, validation records are left out of what baselines are fitted on: one
  that had seen them would think too well of itself.
  """
  held = ()
  if run.system.protocol.calibrate is not None:
    held = member.val
  fitted_on = member.trained_on
  if not held:
    fitted_on = member.trained_on + member.val
  return Sides(_records(run, member.test), _records(run, held), _clipped(run, fitted_on))


def _records(run: Run, segments: Iterable[Segment]) -> list[Record]:
  """The whole records that segments are of, in the order of the data."""
  names = {segment.record for segment in segments}
  return [record for record in run.prepared.records if record.id in names]


def _clipped(run: Run, segments: Iterable[Segment]) -> list[Record]:
  """The parts of records that segments name, in the order of the data."""
  of_record = defaultdict(list)
  for segment in segments:
    of_record[segment.record].append(segment)
  parts = []
  for record in run.prepared.records:
    parts += [clipped(record, segment) for segment in of_record[record.id]]
  return parts


def _predict(
    run: Run,
    params: Params,
    stats: Stats,
    segments: Sequence[Segment],
) -> Iterator[Record]:
  """The segments' records with the system's predictions."""
  windows = run.prepared.windows
  chosen = []
  ids = windows.ids_of(segments)
  record_b = windows.record_b[ids]
  for i in np.unique(record_b):   # in the order of the data
    chosen.append(RecordWindows(run.prepared.records[i], ids[record_b == i]))
  if not chosen:
    return iter(())
  predictor = _predictor(run, params, stats)
  return predict_records(predictor, run.system.task, windows, chosen, run.config)


def _predictor(run: Run, params: Params, stats: Stats) -> Predictor:
  config = run.config
  return Predictor(
      task=run.system.task,
      params=params,
      stats=stats,
      size=config.run.predict_batch_size,
      seed=config.read.seed,
  )


def _with_predictions(baseline: systems.Baseline, fitted: object, record: Record) -> Record:
  return record._replace(predictions=baseline.predict(fitted, record))


def _calibrated(protocol: Protocol, validation: Iterable[Record]) -> Plain | None:
  """What `Protocol.calibrate` learns of a method's own error; None without validation records."""
  if protocol.calibrate is None:
    return None
  validation = iter(validation)
  first = next(validation, None)
  if first is None:
    return None
  return protocol.calibrate(itertools.chain((first,), validation))


def assessed(protocol: Protocol, record: Record, calibration: Plain | None) -> Record:
  """The record with what a calibration says of its predictions."""
  if calibration is None or protocol.assess is None:
    return record
  more = protocol.assess(record.predictions, calibration)
  return record._replace(predictions={**record.predictions, **more})


def _score(
    run: Run,
    member: Member,
    method: str,
    record: Record,
    calibration: Plain | None,
) -> list[Row]:
  """Rows of one predicted record, on what is tested of it; stores what is kept for figures."""
  protocol = run.system.protocol
  record = assessed(protocol, record, calibration)
  if protocol.keep is not None and mesh.is_main():
    folder = run.workdir / "predictions" / member.name / method
    write_arrays(folder / f"{record.id}.npz", protocol.keep(record))
  tested = [segment for segment in member.test if segment.record == record.id]
  rows = []
  for row in protocol.score(record):
    if _is_tested(row, tested):
      rows.append(dataclasses.replace(row, method=method))
  return rows


def _is_tested(row: Row, segments: Sequence[Segment]) -> bool:
  """Whether a row's unit lies wholly inside one of the tested segments."""
  for segment in segments:
    if segment.from_s <= 0 and segment.to_s == np.inf:
      return True
    if row.start_s is None or row.end_s is None:
      raise ValueError(
          f"the metric {row.metric} does not say where its units lie (start_s, end_s): a split "
          "inside records needs that")
    if row.start_s >= segment.from_s - 1e-6 and row.end_s <= segment.to_s + 1e-6:
      return True
  return False


def _seconds_of_system(run: Run, params: Params, stats: Stats, member: Member) -> float:
  """Time for a second of signal, by one full batch through the compiled program."""
  windows = run.prepared.windows
  ids = windows.ids_of(member.test)
  if not len(ids):
    return 0.0
  signal_s = sum(record.duration_s for record in _records(run, member.test))
  predictor = _predictor(run, params, stats)
  some = np.resize(ids, predictor.size)
  arrays = windows.take(some)
  start = time.perf_counter()
  predictor(arrays, windows.name_b_2[some])
  window_s = (time.perf_counter() - start) / len(some)
  return float(window_s * len(ids) / signal_s)


def _store_shown(run: Run, member: Member, params: Params, stats: Stats) -> None:
  """Writes `members/<member>/shown.npz`: what the task shows of the network on a few windows."""
  show: Callable | None = run.system.task.extras.get("show")
  if show is None:
    return
  windows = run.prepared.windows
  ids = windows.ids_of(member.test)[:SHOWN_WINDOWS]
  batch = {**windows.take(ids), "mask_b": np.ones(len(ids), np.float32)}
  arrays = compiled(show)(params, stats, batch)
  if mesh.is_main():
    write_arrays(folder_of(run, member) / "shown.npz", arrays)
