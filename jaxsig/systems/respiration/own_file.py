"""A user's own PPG: reading it, and telling what was found as lines, files and a Python value."""
import dataclasses
import json
import os
import pathlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg import ppg_file
from jaxsig.data.ppg.ppg_windows import long_enough
from jaxsig.data.recordings import plain
from jaxsig.data.records import Record
from jaxsig.plurals import count
from jaxsig.rows import Row
from jaxsig.system import OwnFile, OwnOptions, Predictions, Told
from jaxsig.systems.respiration import quality
from jaxsig.systems.respiration.own_rates import Rate, rates_of
from jaxsig.systems.respiration.protocol import UNIT
from jaxsig.systems.respiration.visible_breathing import silent_spans_s

MOST_LINES = 30   # of rates on the console
COLUMNS = (
  "start_s",
  "end_s",
  "rate_bpm",
  "low_95_bpm",
  "high_95_bpm",
  "spread_bpm",
  "quality",
  "why",
)


@dataclasses.dataclass(frozen=True, repr=False)
class Respiration:
  """What a model says of a PPG.

  Attributes:
    name: of the recording.
    rates: one `Rate` a scoring window of a minute; of a causal model one a window, each from the
      minute before its end. `why` says why one is not good.
    waveform: [t] respiratory waveform, without unit; NaN where nothing can be said.
    waveform_sd: [t] standard deviation of the model's samples; None where it draws none.
    waveform_rate_hz: sampling rate of both in Hz.
    duration_s: length of the recording in seconds.
    lost_s: [k, 2] spans in seconds in which the signal is missing.
    bridged_s: [k, 2] short gaps in seconds that a straight line fills.
    notes: a sentence for each thing that was done to the input or is wrong with it.
    rows: all metrics' rows.
    predictions: all outputs of the network by name, stitched: samples "resp_s_t", the rates'
      posteriors "rate_pmf_b_r".
  """
  name: str
  rates: tuple[Rate, ...]
  waveform: np.ndarray
  waveform_sd: np.ndarray | None
  waveform_rate_hz: float
  duration_s: float
  lost_s: np.ndarray
  bridged_s: np.ndarray
  notes: tuple[str, ...]
  rows: Sequence[Row]
  predictions: Mapping[str, Any]

  def to_dict(self) -> dict[str, Any]:
    """The rates, gaps and notes as plain JSON values, without the waveform."""
    count_of_quality = Counter(rate.quality for rate in self.rates)
    return {
        "name": self.name,
        "duration_s": self.duration_s,
        "rates": [rate._asdict() for rate in self.rates],
        "quality": dict(count_of_quality),
        "waveform_rate_hz": self.waveform_rate_hz,
        "lost_s": plain(self.lost_s),
        "bridged_s": plain(self.bridged_s),
        "notes": list(self.notes),
    }

  def __repr__(self) -> str:
    known = _known_rates_bpm(self.rates)
    summary = f"{len(known)} of {count(len(self.rates), 'window', 'windows')} with a rate"
    if known:
      summary += f", median {np.median(known):.1f} {UNIT}"
    return f"<Respiration of {self.name}: {self.duration_s:.0f} s, {summary}>"


def read(source: object, options: OwnOptions) -> Record:
  """A user's own PPG, a file or an array, NaN in gaps; see `ppg_file.read_ppg`.

  `options.own` says by `signal` which of a file's signals it is, and by `polarity` its way up.

  Raises:
    UserError: it cannot be read, or is shorter than a window.
  """
  own = options.own
  record = ppg_file.read_ppg(source, options.rate_hz, own.signal, own.polarity)
  name = "the array"
  if isinstance(source, (str, os.PathLike)):
    name = source
  silent_s = silent_spans_s(record.signals["ppg_t"], record.rate_hz)
  if silent_s:
    record.info["silent_s"] = silent_s
  return long_enough(record, options.data, name)


def _known_rates_bpm(rates: Sequence[Rate]) -> list[float]:
  return [rate.rate_bpm for rate in rates if rate.rate_bpm is not None]


def result(told: Told) -> Respiration:
  """What is told as a `Respiration`."""
  record = told.record
  predictions = record.predictions
  waveform_t = np.asarray(predictions.get("resp_t", np.zeros(0)))
  waveform_sd_t = None
  if predictions.get("resp_s_t") is not None:
    waveform_sd_t = np.asarray(predictions["resp_s_t"]).std(0)
  return Respiration(
      name=record.id,
      rates=rates_of(told),
      waveform=waveform_t,
      waveform_sd=waveform_sd_t,
      waveform_rate_hz=float(predictions.get("rate_hz", np.nan)),
      duration_s=record.duration_s,
      lost_s=told.lost_s,
      bridged_s=told.bridged_s,
      notes=tuple(record.info.get("notes", ())),
      rows=told.rows,
      predictions=predictions,
  )


def tell(told: Told) -> Iterator[str]:
  """A line a rate with its 95 % interval and quality; of many rates only their summary."""
  rates = rates_of(told)
  if not rates:
    yield "no rate: no scoring window lies inside the recording"
  if len(rates) <= MOST_LINES:
    for rate in rates:
      span = f"{rate.start_s:g}-{rate.end_s:g} s"
      yield f"{span:>14}  {_in_words(rate)}"
    return

  counts = Counter(rate.quality for rate in rates)
  shares = []
  for name in (quality.GOOD, quality.DOUBTFUL, quality.NONE):
    shares.append(f"{counts[name]} {name}")
  line = f"{count(len(rates), 'window', 'windows')}: {', '.join(shares)}"
  known = _known_rates_bpm(rates)
  if known:
    line += f", median {np.median(known):.1f} {UNIT}"
  if counts[quality.GOOD] < len(rates):
    line += " (the table of rates says why each is not good)"
  yield line


def _in_words(rate: Rate) -> str:
  why = ""
  if rate.why:
    why = f" ({rate.why})"
  if rate.rate_bpm is None:
    return f"{rate.quality}{why}"
  words = f"{rate.rate_bpm:.1f} {UNIT}"
  if rate.low_95_bpm is not None:
    words += f" (95 %: {rate.low_95_bpm:.1f} to {rate.high_95_bpm:.1f})"
  elif rate.spread_bpm is not None:
    words += f" +- {rate.spread_bpm:.1f}"
  return f"{words}, {rate.quality}{why}"


def write(told: Told, folder: pathlib.Path) -> None:
  """Writes the files of a recording.

  They are `<id>_waveform.csv`, `<id>_rates.csv`, `<id>_respiration.json` (all but the waveforms)
  and `<id>_respiration.png`.
  """
  record = told.record
  rates = rates_of(told)
  _write_waveforms(record, folder / f"{record.id}_waveform.csv")
  _write_rates(rates, folder / f"{record.id}_rates.csv")

  summary = {
      **told.about,
      "rate_hz": record.rate_hz,
      "metric": told.config.report.primary,
      "unit": UNIT,
      **result(told).to_dict(),
  }
  json_path = folder / f"{record.id}_respiration.json"
  json_path.write_text(json.dumps(summary, indent=1) + "\n")

  from jaxsig.systems.respiration import figures_recording  # draws: not needed in Python
  figures_recording.draw_recording(told, rates, folder / f"{record.id}_respiration.png")


def _write_waveforms(record: Record, path: pathlib.Path) -> None:
  """Writes time_s and a column a waveform, the mean before its samples."""
  columns = _waveform_columns(record.predictions)
  if not columns:
    return

  length = len(next(iter(columns.values())))
  time_s = np.arange(length) / record.predictions["rate_hz"]
  table = np.stack([time_s, *columns.values()], -1)
  # of a day, six digits would not tell the samples apart
  formats = ["%.9g"] + ["%.6g"] * len(columns)
  np.savetxt(
      path,
      table,
      fmt=formats,
      delimiter=",",
      header=",".join(["time_s", *columns]),
      comments="",
  )


def _waveform_columns(predictions: Predictions) -> dict[str, np.ndarray]:
  """{name: [t]} of the waveforms in `predictions`, then {name_0: [t], ...} of their samples."""
  means = {}
  samples = {}
  for name, x in predictions.items():
    if not name.endswith("_t"):
      continue
    x = np.asarray(x)
    if x.ndim == 1:
      means[name.removesuffix("_t")] = x
    else:
      stem = name[:-4]   # of resp_s_t: resp
      for i, sample_t in enumerate(x):
        samples[f"{stem}_{i}"] = sample_t
  return means | samples


def _write_rates(rates: Sequence[Rate], path: pathlib.Path) -> None:
  lines = [",".join(COLUMNS)]
  for rate in rates:
    cells = [_cell(getattr(rate, column)) for column in COLUMNS]
    lines.append(",".join(cells))
  path.write_text("\n".join(lines) + "\n")


def _cell(value: float | str | None) -> str:
  if value is None:
    return ""
  if isinstance(value, str):
    return value
  if float(value).is_integer():
    return f"{value:.9g}"
  return f"{value:.4f}"


def _stride_s(data: ConfigDict) -> float:
  return data.stride_s


OWN_FILE = OwnFile(
    read=read,
    judge=quality.judge,
    tell=tell,
    write=write,
    result=result,
    free=("causal", "stride_s", "skip_broken", "time_warp_factors"),
    options={"signal": "", "polarity": "auto"},
    stride_s=_stride_s,
)
