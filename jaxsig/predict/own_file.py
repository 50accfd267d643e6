"""A user's own recording in; waveform, rates with their quality and a picture out. Gaps give gaps, not numbers. Or an intensity: images."""
import glob
import json
import pathlib
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from jaxsig.config import fingerprint
from jaxsig.data import records as core
from jaxsig.engine import mesh
from jaxsig.errors import UserError
from jaxsig.experiment import evaluate
from jaxsig.experiment.sweep import say
from jaxsig.predict.model import Model
from jaxsig.systems.respiration import quality

BRIDGE_S = 1.0      # the longest gap that a straight line fills
BLOCK_S = 3600.0    # of a recording that is prepared and predicted at once
MOST_LINES = 30     # of rates on the console
TIMES = ("start_s_b", "window_s")   # where in a recording predictions lie: images of their own have no place


class Prediction(NamedTuple):
  """All that is said of a recording."""
  record: core.Record      # with stitched predictions over its whole length, NaN where no window lies
  rows: list[dict]         # of the task's score; those of a rate have a "quality"
  rates: list[dict]        # one a scoring window of the config's primary metric
  gaps: core.Gaps


def predict(source: Any, rate_hz: float | None, model: Model, block_s: float = BLOCK_S) -> Prediction:
  """Predicts a recording: a path or array, of any rate and length, with or without gaps.

  Raises:
    UserError: it cannot be read, or is shorter than one window.
  """
  config = model.config
  record = model.data.read(source, rate_hz, config.data)
  outputs, start_s_b = _windows(record, model, block_s)
  duration_s = record.duration_s
  stitched = core.stitch(outputs, start_s_b, config.data.window_s, getattr(config.data, "causal", False))
  stitched = {k: _fit(x, duration_s * stitched["rate_hz"]) if k.endswith("_t") else x for k, x in stitched.items()}
  record = record._replace(predictions=stitched | {"start_s_b": start_s_b, "window_s": float(config.data.window_s)})
  record = evaluate.assessed(model.task, record, model.calibration)
  gaps = core.gaps(record, BRIDGE_S)
  seen = start_s_b if _any_finite(outputs) else start_s_b[:0]
  unseen_s = core.uncovered(seen, config.data.window_s, duration_s)
  rows = [_judged(row, gaps.bridged_s, unseen_s) for row in model.task.score(record)]
  return Prediction(record, rows, [_rate(row) for row in rows if row["metric"] == config.report.primary and "quality" in row], gaps)


def _windows(record: core.Record, model: Model, block_s: float) -> tuple[dict, np.ndarray]:
  """Outputs {name_b_...: [n, ...]} and starts [n] in seconds of all windows of all stretches; one window of NaN where there is none."""
  options = model.config.data
  stretches = core.stretches(record, BRIDGE_S, options.window_s)
  pieces = [p for s in stretches for p in core.pieces(s, options.window_s, options.stride_s, block_s)]
  if not pieces:
    outputs, _ = _predict(model, _blank(record, options.window_s), 0, 1, "")
    return {k: np.full(x.shape, np.nan) for k, x in outputs.items()}, np.zeros(1)
  most = max(int((p.record.duration_s - options.window_s) / options.stride_s) + 1 for p in pieces)
  size = min(model.config.eval.batch_size, -(-most // 8) * 8)   # one size, so one compilation; few sizes for recordings of all lengths
  found, starts, n = [], [], 0
  for i, piece in enumerate(pieces, 1):
    outputs, start_s_b = _predict(model, piece, n, size, f"predicting part {i} of {len(pieces)}" if len(pieces) > 1 else "predicting")
    found.append(outputs)
    starts.append(piece.start_s + start_s_b)
    n += len(start_s_b)
  return {k: np.concatenate([f[k] for f in found]) for k in found[0]}, np.concatenate(starts)


def _predict(model: Model, piece: core.Piece, first: int, size: int, what: str) -> tuple[dict, np.ndarray]:
  """Outputs and starts, in the piece, of the windows that a piece answers for; the first of them is the record's window `first`."""
  windows = model.data.prepare(piece.record, model.config.data)
  start_s_b = windows["start_s_b"].astype(np.float64)
  mine = (start_s_b >= piece.from_s - 1e-3) & (start_s_b < piece.to_s - 1e-3)
  index = first + np.arange(mine.sum())   # the key of a window is its number in the record, whatever the blocks
  ids = np.stack([np.full(len(index), core.stable_hash(piece.record.id)), index], -1).astype(np.uint32)
  arrays = {k: x[mine] for k, x in windows.items()}
  out = evaluate.predict_windows(model.task, model.params, model.stats, arrays, ids, size, model.config.eval.seed, what)
  return out, start_s_b[mine]


def _blank(record: core.Record, window_s: float) -> core.Piece:
  """One window of nothing, which gives the outputs their shapes."""
  signals = {k: np.zeros(int(np.ceil(window_s * record.rate_hz)) + 1, np.float32) for k in record.signals}
  return core.Piece(0.0, record._replace(signals=signals), 0.0, 1e-2)


def _fit(x_t: np.ndarray, length: float) -> np.ndarray:
  """[..., t] cut or filled with NaN to `length` samples."""
  n = int(length + 1e-3)
  return np.pad(x_t[..., :n], [(0, 0)] * (x_t.ndim - 1) + [(0, max(0, n - x_t.shape[-1]))], constant_values=np.nan)


def _any_finite(outputs: dict) -> bool:
  return any(np.isfinite(x).any() for x in outputs.values())


def _span(row: dict) -> tuple[float, float] | None:
  """Start and end in seconds of a row's unit "60-120 s"."""
  found = re.fullmatch(r"([\d.e+]+)-([\d.e+]+) s", row["unit"])
  return tuple(map(float, found.groups())) if found else None


def _judged(row: dict, bridged_s: np.ndarray, unseen_s: np.ndarray) -> dict:
  span = _span(row)
  if "estimate" not in row or span is None:
    return row
  found = quality.judge(row, _within(bridged_s, span), _within(unseen_s, span), span[1] - span[0])
  return {**(quality.emptied(row) if found == quality.NONE else row), "quality": found}


def _within(spans_s: np.ndarray, span: tuple[float, float]) -> float:
  """Seconds that [k, 2] spans share with one."""
  return float(np.clip(np.minimum(spans_s[:, 1], span[1]) - np.maximum(spans_s[:, 0], span[0]), 0, None).sum())


def _rate(row: dict) -> dict:
  start_s, end_s = _span(row)
  numbers = {k: row.get(k) for k in quality.NUMBERS if k != "estimate"}
  return {"start_s": start_s, "end_s": end_s, "rate_bpm": row["estimate"], **numbers, "quality": row["quality"]}


def results(found: Prediction) -> dict:
  """What `jaxsig.predict` returns, by name: of a waveform predictions, rates, rows and gaps, of images predictions; and notes of both."""
  notes = {"notes": list(found.record.info.get("notes", ()))}
  if not _is_wave(found.record):
    return {**_of_images(found.record), **notes}
  return {**found.record.predictions, "rates": found.rates, "rows": found.rows, **found.gaps._asdict(), **notes}


def _of_images(record: core.Record) -> dict:
  return {k: x for k, x in record.predictions.items() if k not in TIMES}


def run(model: Model, source: str | pathlib.Path, rate_hz: float | None, folder: pathlib.Path) -> None:
  """The mode: writes to a folder `<id>.json` and what the data set writes; of a waveform `<id>_rates.csv`, `.rows.jsonl` and `.png` too.

  Raises:
    UserError: as `predict`, or the folder cannot be written.
  """
  found = predict(source, rate_hz, model)
  if not mesh.is_main():
    return
  try:
    folder.mkdir(parents=True, exist_ok=True)
    write(found, model, folder)
  except OSError as error:
    raise UserError(f"the folder {folder} cannot be written ({error.strerror}): name another with --output") from error
  for line in [*found.record.info.get("notes", ()), *_lines(found, model.config.report.unit)]:
    say(line)
  say(f"written to {folder}: {', '.join(sorted(p.name for p in folder.glob(f'{glob.escape(found.record.id)}[._]*')))}")


def write(found: Prediction, model: Model, folder: pathlib.Path) -> None:
  """Writes all files of a prediction."""
  record, name = found.record, found.record.id
  if not _is_wave(record):
    model.data.write(record._replace(predictions=_of_images(record)), folder)
    said = json.loads((folder / f"{name}.json").read_text())
    (folder / f"{name}.json").write_text(json.dumps({**summary(found, model), **said}, indent=1) + "\n")
    return
  from jaxsig.systems.respiration import figures as plots_recording  # draws: not needed in Python
  waves = {k: x for k, x in record.predictions.items() if k.endswith("_t") or k == "rate_hz"}
  waves = dict(sorted(waves.items(), key=lambda item: np.ndim(item[1])))   # a waveform before its samples
  model.data.write(record._replace(predictions=waves), folder)
  (folder / f"{name}.json").write_text(json.dumps(summary(found, model), indent=1) + "\n")
  columns = ("start_s", "end_s", "rate_bpm", "low_95", "high_95", "spread", "quality")
  cell = lambda x: "" if x is None else x if isinstance(x, str) else f"{x:.9g}" if float(x).is_integer() else f"{x:.4f}"
  lines = [",".join(columns), *(",".join(cell(rate[c]) for c in columns) for rate in found.rates)]
  (folder / f"{name}_rates.csv").write_text("\n".join(lines) + "\n")
  evaluate.write_rows(folder / f"{name}.rows.jsonl", found.rows)
  plots_recording.draw(record, found.rates, found.gaps.lost_s, model.config.report.unit, folder / f"{name}.png")


def _is_wave(record: core.Record) -> bool:
  return any(k.endswith("_t") for k in record.predictions)


def summary(found: Prediction, model: Model) -> dict:
  """What was predicted, by which model, as plain JSON values."""
  record = found.record
  made_by = {"record": record.id, "model": model.name, "config": fingerprint(model.config), "commit": evaluate.commit_of_code()}
  if not _is_wave(record):
    return made_by
  return {**made_by, "rate_hz": record.rate_hz, "duration_s": record.duration_s, "metric": model.config.report.primary,
          "unit": model.config.report.unit, "lost_s": found.gaps.lost_s.tolist(), "bridged_s": found.gaps.bridged_s.tolist(),
          "quality": Counter(rate["quality"] for rate in found.rates), "rates": found.rates}


def _lines(found: Prediction, unit: str) -> Iterator[str]:
  rates = found.rates
  if not _is_wave(found.record):   # units of their own: what is said of each in one number
    numbers = {k[:-2].replace("_", " "): x for k, x in _of_images(found.record).items() if k.endswith("_b")}
    for i in range(min(MOST_LINES, len(found.record.predictions["start_s_b"]))):
      yield f"{i}: ".rjust(6) + ", ".join(f"{name} {float(x[i]):.3g}" for name, x in numbers.items())
    return
  if not rates:
    yield "no rate: no scoring window lies inside the recording"
  if len(rates) <= MOST_LINES:
    for r in rates:
      spread = f" +- {r['spread']:.1f}" if r["spread"] is not None else ""
      value = f"{r['rate_bpm']:.1f}{spread} {unit}, {r['quality']}" if r["rate_bpm"] is not None else r["quality"]
      yield f"{r['start_s']:g}-{r['end_s']:g} s".rjust(14) + f"  {value}"
    return
  known = [r["rate_bpm"] for r in rates if r["rate_bpm"] is not None]
  counts = Counter(r["quality"] for r in rates)
  middle = f", median {np.median(known):.1f} {unit}" if known else ""
  yield f"{len(rates)} windows: " + ", ".join(f"{counts[q]} {q}" for q in (quality.GOOD, quality.DOUBTFUL, quality.NONE)) + middle
