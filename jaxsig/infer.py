"""A user's own file in; waveform, numbers and a picture out, by a trained member."""
import json
import pathlib
from typing import Any

from jaxsig import checkpoint, evaluate, train
from jaxsig.data.cache import Prepared
from jaxsig.data.core import Record, stack_windows, stitch
from jaxsig.data.splits import Member
from jaxsig.errors import UserError
from jaxsig.sweep import same_config, say
from jaxsig.task import make, make_data


def predict_file(config: Any, workdir: pathlib.Path, path: pathlib.Path, rate_hz: float | None = None) -> tuple[Record, list[dict]]:
  """Predicts a recording with the first member of a workdir.

  Returns:
    (record with stitched predictions, rows of the task's score: without a reference only estimates and spreads).

  Raises:
    UserError: an unreadable file, or a workdir without a finished checkpoint of this config.
  """
  same_config(config, workdir)
  task, data = make(config), make_data(config)
  record = data.read(path, rate_hz, config.data)
  windows = data.prepare(record, config.data)
  record = record._replace(prepared=stitch(windows, windows["start_s_b"], config.data.window_s))
  prepared = Prepared([record], stack_windows([record], [windows]), "", record.info["source"])
  run = train.make_run(config, workdir, task, prepared)
  member = first_member(workdir)
  step = max(checkpoint.steps(train.folder_of(run, member) / "checkpoints"), default=0)
  if not step:
    raise UserError(f"{workdir} holds no checkpoint of {member.name}: run --mode=train with this --workdir first")
  params, stats = evaluate.restore_ema(run, member, step)
  [record] = evaluate.predict_records(run, params, stats, [record], train.window_ids(prepared, (record.group,)))
  return record, task.score(record)


def first_member(workdir: pathlib.Path) -> Member:
  """The first member that a workdir's split lists."""
  try:
    first = json.loads((workdir / "split.json").read_text())["members"][0]
  except (OSError, ValueError, LookupError):
    raise UserError(f"{workdir} holds no trained model (its split.json is missing or broken): name the --workdir of a training") from None
  return Member(first["member"], first["fold"], first["seed"], *(tuple(first[k]) for k in ("train", "val", "test")))


def run(config: Any, workdir: pathlib.Path, path: pathlib.Path, rate_hz: float | None) -> None:
  """The mode: writes the waveform (CSV), the numbers (JSON), the rows and a picture to `workdir/predict/`."""
  from jaxsig import plots
  record, rows = predict_file(config, workdir, path, rate_hz)
  folder = workdir / "predict"
  make_data(config).write(record, folder)
  evaluate.write_rows(folder / f"{record.id}.rows.jsonl", rows)
  plots.recording(record, folder / f"{record.id}.png")
  for row in rows:
    if row["metric"] == config.report.primary:
      spread = f" +- {row['spread']:.1f}" if row.get("spread") is not None else ""
      value = f"{row['estimate']:.1f}{spread} {config.report.unit}" if row["estimate"] is not None else "no estimate"
      say(f"{row['unit']:>14}  {value}")
  say(f"written to {folder}/{record.id}.csv, .json, .rows.jsonl and .png")
