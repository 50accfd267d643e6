"""The protocol: restore -> predict every window -> stitch -> score -> rows, for the learnt system and its rivals alike."""
import functools
import hashlib
import json
import os
import pathlib
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from jaxsig import rng
from jaxsig.config import EVALUATION, fingerprint, flat, nearest, override, under
from jaxsig.data.records import Record, pad_rows, stitch
from jaxsig.data.splits import Member, check, records_of
from jaxsig.engine import checkpoint, mesh, weights
from jaxsig.engine.log import Progress
from jaxsig.engine.train import Run, base_of, example, folder_of, window_ids
from jaxsig.errors import UserError
from jaxsig.system import Task, make

CALIBRATION = "calibration.json"   # of a member: {method: what `Task.calibrate` has found}
SHOWN = 4                          # windows that `Task.show` sees


def evaluate(run: Run, members: list[Member]) -> list[dict]:
  """Rows of all members' held-out records; a member whose rows are there already is not evaluated again.

  Each of `config.variants` (other samplers or scores of the same training) makes rows of its own, as the method "name, variant".
  Writes `members/<member>/rows.jsonl` and `timing.json`, `predictions/<member>/<method>/<record>.npz`, both joined in the workdir.
  """
  commit, readings = commit_of_code(), _readings(run)
  rows, timings = [], []
  for member in (m for m in members if m.test):   # a model to be shipped has trained on everybody: nothing honest to score
    check(member)
    stamp = {"member": member.name, "fold": member.fold, "seed": member.seed, "step": _last_step(run, member),
             "config": fingerprint(run.config), "data": run.prepared.fingerprint, "commit": commit, "source": run.prepared.source}
    folder = folder_of(run, member)
    done = _same_stamp(folder / "rows.jsonl", stamp)
    if done is None:
      found, timing, calibrations = _member_rows(readings, member, stamp["step"])
      done = [_complete(row, stamp) for row in found]
      if mesh.is_main():
        folder.mkdir(parents=True, exist_ok=True)   # no training has made it where a model comes from elsewhere
        (folder / "timing.json").write_text(json.dumps(timing))
        (folder / CALIBRATION).write_text(json.dumps(calibrations))
        write_rows(folder / "rows.jsonl", done)
    timings.append(json.loads((folder / "timing.json").read_text()) if (folder / "timing.json").is_file() else {})
    rows += done
  if mesh.is_main():
    write_rows(run.workdir / "rows.jsonl", rows)
    every = {method: [t[method] for t in timings if method in t] for t in timings for method in t}
    (run.workdir / "timing.json").write_text(json.dumps({m: float(np.mean(x)) for m, x in every.items()}, indent=1))
  return rows


def source_of(run: Run, member: Member) -> tuple[pathlib.Path, dict | None]:
  """(folder that holds a member's parameters, what they must have been made with).

  A member without training patients, or of no steps, was trained elsewhere: `config.init_from` names a workdir or a shipped model.

  Raises:
    UserError: what was trained elsewhere has seen one of the member's test patients.
  """
  if member.train and run.config.train.steps:
    return folder_of(run, member) / "checkpoints", run.meta
  if not weights.is_model(run.config.init_from):
    return base_of(run, member), None
  folder = weights.find(run.config.init_from)
  seen = sorted(set(weights.settings_of(folder).get("trained_on", ())) & set(member.test))
  if seen:
    raise UserError(f"the model {folder.name} was trained on patient {seen[0]}: test it on other patients")
  return folder, None


def _last_step(run: Run, member: Member) -> int:
  folder, meta = source_of(run, member)
  if (folder / "params.npz").is_file():
    return 0
  steps = checkpoint.steps(folder)
  if not steps:
    raise UserError(f"member {member.name} has no checkpoint in {folder}: run --mode=train with this --workdir first")
  checkpoint.check_meta(folder, steps[-1], meta or {})
  return steps[-1]


def _member_rows(readings: list[tuple[str, Run]], member: Member, step: int) -> tuple[list[dict], dict[str, float], dict[str, dict]]:
  run = readings[0][1]
  held = member.val if run.task.calibrate else ()   # a rival that had seen them would think too well of itself
  records, validation, training = (
      [run.prepared.records[i] for i in records_of(groups, run.prepared.groups)]
      for groups in (member.test, held, tuple({*member.train, *member.val} - {*held})))
  out = run.workdir / "predictions" / member.name
  state = restore_ema(run, member, step)
  if run.task.show:
    _show(run, member, *state)
  rows, timing, calibrations = [], {}, {}
  for method, score, every, seconds in _all_methods(readings, *state, validation + records, training):
    timing[method], predicted = seconds, every[len(validation):]
    if validation:
      calibrations[method] = run.task.calibrate(every[:len(validation)])
      predicted = [assessed(run.task, r, calibrations[method]) for r in predicted]
    for record in predicted:
      if mesh.is_main():
        _store(out / method / f"{record.id}.npz", record.predictions)
        _store(out / "_prepared" / f"{record.id}.npz", record.prepared)
      rows += [{"method": method, "record": record.id, "group": record.group, **row} for row in score(record)]
  return rows, timing, calibrations


def _show(run: Run, member: Member, params: Any, stats: Any) -> None:
  """Writes `members/<member>/shown.npz`: what the task shows of the network, on the first windows of the test records."""
  ids = window_ids(run.prepared, member.test)[:SHOWN]
  batch = {k: np.asarray(a[ids]) for k, a in run.prepared.windows.arrays.items()}
  arrays = _compiled(run.task.show)(params, stats, {**batch, "mask_b": np.ones(len(ids), np.float32)})
  if mesh.is_main():
    _store(folder_of(run, member) / "shown.npz", arrays)


def assessed(task: Task, record: Record, calibration: dict | None) -> Record:
  """The record with what a calibration says of its predictions."""
  return record._replace(predictions={**record.predictions, **task.assess(record.predictions, calibration)}) if calibration else record


def variants(config: Any) -> dict[str, Any]:
  """{name: config} of `config.variants`; UserError where one changes what training depends on."""
  out = {}
  for name, changes in config.variants.items():
    changes = flat(changes)
    wrong = [k for k in changes if not under(k, EVALUATION)]
    if wrong:
      raise UserError(f"the variant {name!r} changes {wrong[0]}, which needs a training of its own: list it under controls")
    out[name] = override(config, {**changes, "variants": {}})
  return out


def for_own_files(config: Any) -> tuple[str, Any]:
  """(name, config) of the variant that reads a user's own files, `config.predict_variant`; ("", config) where none is named."""
  name, found = config.get("predict_variant", ""), variants(config)
  if name and name not in found:
    raise UserError(f"predict_variant={name} is no variant of this config{nearest(name, found)}")
  return name, found[name] if name else config


def check_variants(config: Any, arrays: dict) -> None:
  """UserError where a config or a variant of it names what is not there: better before a training than after it."""
  for_own_files(config)
  for one in (config, *variants(config).values()):
    for name in one.eval.shuffle:
      if name not in arrays:
        raise UserError(f"eval.shuffle names {name!r}, which no window has{nearest(name, arrays)}")


def method_name(method: str, variant: str) -> str:
  """What the rows call a variant of a method; "" is the method itself."""
  return f"{method}, {variant}" if variant else method


def _readings(run: Run) -> list[tuple[str, Run]]:
  """(method, run) of the system and its variants: made once for all members, as a task made anew is compiled anew."""
  own = [(name, run._replace(config=config, task=make(config))) for name, config in variants(run.config).items()]
  return [(method_name(one.task.method, name), one) for name, one in [("", run), *own]]


def _all_methods(readings: list[tuple[str, Run]], params: Any, stats: Any, records: list[Record],
                 training: list[Record]) -> Iterator[tuple[str, Callable, list[Record], float]]:
  """(method, its score, records with its predictions, seconds for `report.timing_s`) of the system, variants, and rivals."""
  run = readings[0][1]
  ids = window_ids(run.prepared, tuple(dict.fromkeys(r.group for r in records)))
  for method, own in readings:
    yield method, own.task.score, predict_records(own, params, stats, records, ids), seconds_of(own, params, stats, ids)
  for name, method in run.task.rivals.items() if run.config.run_rivals else ():
    fitted, start = method.fit(training), time.perf_counter()
    predicted = [r._replace(predictions=method.predict(fitted, r)) for r in records]
    yield name, run.task.score, predicted, (time.perf_counter() - start) * _timed_s(run.config) / _asked_s(predicted)


def seconds_of(run: Run, params: Any, stats: Any, ids: np.ndarray) -> float:
  """Time of one full batch through the program that `predict_records` has compiled, for the windows of `report.timing_s` seconds."""
  config = run.config
  some = np.resize(ids, config.eval.batch_size)
  arrays = {k: np.asarray(a[some]) for k, a in run.prepared.windows.arrays.items()}
  start = time.perf_counter()
  predict_windows(run.task, params, stats, arrays, run.prepared.windows.id_b_2[some], len(some), config.eval.seed, "")
  windows = (_timed_s(config) - config.data.window_s) // config.data.stride_s + 1
  return float((time.perf_counter() - start) / len(some) * windows)


def _timed_s(config: Any) -> float:
  return config.report.get("timing_s", 480.0)   # eight minutes, where nothing is said


def _asked_s(predicted: list[Record]) -> float:
  """Seconds of signal that a rival was timed on; one that does only some units of a record says how many (`index_b`)."""
  return sum(len(r.predictions["index_b"]) if "index_b" in r.predictions else r.duration_s for r in predicted)


def restore_ema(run: Run, member: Member, step: int) -> tuple[Any, Any]:
  """The averaged parameters and statistics of a member, as host arrays."""
  params, stats = jax.eval_shape(run.task.init, jax.random.key(0), example(run))
  folder, _ = source_of(run, member)
  if (folder / "params.npz").is_file():
    state = weights.read(folder, {"params": params, "stats": stats})
    return state["params"], state["stats"]
  state = checkpoint.restore_some(folder, step, {"ema": params, "stats": stats})
  return state["ema"], state["stats"]


@functools.lru_cache(maxsize=32)   # every variant of an experiment
def _compiled(predict: Callable) -> Callable:
  return jax.jit(predict)


def predict_windows(task: Task, params: Any, stats: Any, arrays: dict, id_b_2: np.ndarray, size: int, seed: int,
                    what: str = "predicting") -> dict[str, np.ndarray]:
  """Predicts windows [n, ...] in batches of `size`, padded and cut; a window's key comes from its own id.

  Returns:
    {name_b_...: [n, ...]}.
  """
  where = mesh.make(1)
  size = mesh.padded(size, where)
  params, stats = mesh.put((params, stats), mesh.replicated(where))
  step, key, n = _compiled(task.predict), rng.root(seed, "predict"), len(id_b_2)
  parts, bar = [], Progress(what, -(-n // size), show=bool(what) and mesh.is_main())
  for i, first in enumerate(range(0, n, size), 1):
    ids, mask = pad_rows(np.arange(first, min(first + size, n)), size)
    batch = {**{k: np.asarray(a[ids]) for k, a in arrays.items()}, "mask_b": mask}
    batch, keys = mesh.put((batch, rng.of_windows(key, id_b_2[ids])), mesh.rows(where))
    out = mesh.fetch(step(params, stats, batch, keys), where)
    parts.append({k: np.asarray(v)[:int(mask.sum())] for k, v in out.items()})
    bar.update(i)
  bar.close()
  return {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}


def predict_records(run: Run, params: Any, stats: Any, records: list[Record], ids: np.ndarray) -> list[Record]:
  """Predicts all windows `ids` of `records` and stitches each record."""
  windows, config = run.prepared.windows, run.config
  arrays = {k: a[ids] for k, a in windows.arrays.items()}
  if config.eval.shuffle:   # a control: each window is told of another one
    other = np.random.default_rng(config.eval.seed).permutation(len(ids))
    arrays |= {k: arrays[k][other] for k in config.eval.shuffle}
  out = predict_windows(run.task, params, stats, arrays, windows.id_b_2[ids], config.eval.batch_size, config.eval.seed)
  index = {r.id: i for i, r in enumerate(run.prepared.records)}
  done = []
  for record in records:
    mine = windows.record_b[ids] == index[record.id]
    starts_s = arrays["start_s_b"][mine]
    stitched = stitch({k: v[mine] for k, v in out.items()}, starts_s, config.data.window_s, getattr(config.data, "causal", False))
    done.append(record._replace(predictions={**stitched, "start_s_b": starts_s, "window_s": config.data.window_s}))
  return done


def _complete(row: dict, stamp: dict) -> dict:
  """Rows hold plain JSON: what is not finite becomes null."""
  plain = {k: (None if isinstance(v, float) and not np.isfinite(v) else v) for k, v in row.items()}
  return {**plain, **stamp}


def _store(path: pathlib.Path, arrays: dict) -> None:
  path.parent.mkdir(parents=True, exist_ok=True)
  aside = path.with_suffix(".tmp")
  with aside.open("wb") as file:
    np.savez(file, **arrays)
  os.replace(aside, path)


def write_rows(path: pathlib.Path, rows: list[dict]) -> None:
  """Writes rows as JSON lines, whole or not at all."""
  path.parent.mkdir(parents=True, exist_ok=True)
  aside = path.with_suffix(".tmp")
  aside.write_text("".join(json.dumps(r) + "\n" for r in rows))
  os.replace(aside, path)


def read_rows(path: pathlib.Path) -> list[dict]:
  """Reads rows written by `write_rows`."""
  return [json.loads(line) for line in path.read_text().splitlines()]


def _same_stamp(path: pathlib.Path, stamp: dict) -> list[dict] | None:
  rows = read_rows(path) if path.is_file() else []
  same = rows and all(rows[0].get(k) == v for k, v in stamp.items())
  return rows if same else None


def commit_of_code() -> str:
  """The commit of this package, with a hash of the changes where it has any; "unknown" outside a checkout."""
  root = pathlib.Path(__file__).parent.parent.parent
  git = lambda *args: subprocess.run(["git", "-C", str(root), *args], capture_output=True, text=True, check=True).stdout
  try:
    changes = git("diff", "HEAD", "--", "jaxsig", "configs")
    return git("rev-parse", "HEAD")[:12] + ("+" + hashlib.sha256(changes.encode()).hexdigest()[:6] if changes else "")
  except (OSError, subprocess.CalledProcessError):
    return "unknown"
