"""A user's own PPG: reading it with readings of a cuff, and telling the pressures."""
import dataclasses
import json
import os
import pathlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.ppg.clipped_values import clipped_share
from jaxsig.data.recordings import plain
from jaxsig.data.records import Record
from jaxsig.errors import UserError
from jaxsig.plurals import count
from jaxsig.rows import Row
from jaxsig.system import OwnFile, OwnOptions, Told
from jaxsig.systems.blood_pressure import cuff_readings, limits, quality
from jaxsig.systems.blood_pressure.own_source import read_source
from jaxsig.systems.blood_pressure.pressures import Pressure, pressures_of

UNIT = "mmHg"
CLIPPED_SHARE = 0.02     # of a PPG's samples at its limits, from which on it is told
SATURATED_SHARE = 0.25   # and from which on it is refused
MOST_LINES = 30   # of windows on the console
WITHOUT_READING = (
    "without a reading of a cuff this is little better than the mean of people at large: give one "
    "with --config.own.calibration=SBP/DBP@SECONDS"
)


@dataclasses.dataclass(frozen=True, repr=False)
class BloodPressure:
  """What a model says of the pressure in a PPG.

  Attributes:
    name: of the recording.
    pressures: one `Pressure` a window, in mmHg with 95 % intervals; `why` says why one is not good.
    readings: [[time_s, sbp, dbp], ...] of a cuff, that were given.
    duration_s: length of the recording in seconds.
    lost_s: [k, 2] spans in seconds in which the signal is missing.
    notes: a sentence for each thing that was done to the input or limits what is told.
    rows: all metrics' rows.
  """
  name: str
  pressures: tuple[Pressure, ...]
  readings: tuple[tuple[float, float, float], ...]
  duration_s: float
  lost_s: np.ndarray
  notes: tuple[str, ...]
  rows: Sequence[Row]

  def to_dict(self) -> dict[str, Any]:
    """Pressures, readings and notes as plain JSON values."""
    return {
        "name": self.name,
        "duration_s": self.duration_s,
        "pressures": [pressure._asdict() for pressure in self.pressures],
        "quality": dict(Counter(pressure.quality for pressure in self.pressures)),
        "readings": [list(reading) for reading in self.readings],
        "lost_s": plain(self.lost_s),
        "notes": list(self.notes),
    }

  def __repr__(self) -> str:
    known = _known(self.pressures)
    windows = count(len(self.pressures), "window", "windows")
    summary = f"{len(known)} of {windows} with a pressure"
    if known:
      summary += f", median {_median_words(known)}"
    return f"<BloodPressure of {self.name}: {self.duration_s:.0f} s, {summary}>"


def read(source: object, options: OwnOptions) -> Record:
  """A user's own PPG, traces of colour or video, with the readings of `own.calibration`.

  See `own_source.read_source` for what else of `config.own` is read.

  Raises:
    UserError: it cannot be read, is shorter than a window, or a reading is none.
  """
  record = read_source(source, options)
  name = "the array"
  if isinstance(source, (str, os.PathLike)):
    name = str(source)
  if record.duration_s < options.data.window_s - 1e-6:
    raise UserError(
        f"{name} lasts {record.duration_s:g} s, less than one window of "
        f"{options.data.window_s:g} s: give a longer recording")
  readings = cuff_readings.parse(options.own.calibration, record.duration_s)
  notes = list(record.info.get("notes", ()))
  clipped = clipped_share(record.signals["ppg_t"])
  if clipped > SATURATED_SHARE:
    raise UserError(
        f"{name} rests on its highest or lowest value in {100 * clipped:.0f} % of the samples: the "
        "sensor was saturated; record again with less light or gain")
  if clipped > CLIPPED_SHARE:
    notes.append(
        f"The PPG rests on its highest or lowest value in {100 * clipped:.0f} % of the samples: "
        "the sensor was out of its range, and pressures are doubtful.")
  if not readings:
    notes.append(WITHOUT_READING[0].upper() + WITHOUT_READING[1:] + ".")
  plain_readings = [list(reading) for reading in readings]
  info = {
      **record.info,
      "notes": notes,
      "readings": plain_readings,
      "is_clipped": clipped > CLIPPED_SHARE or record.info.get("is_clipped", False),
  }
  return record._replace(info=info)


def _known(pressures: Sequence[Pressure]) -> list[Pressure]:
  return [pressure for pressure in pressures if pressure.sbp_mmhg is not None]


def _median_words(known: Sequence[Pressure]) -> str:
  sbp = np.median([pressure.sbp_mmhg for pressure in known])
  dbp = np.median([pressure.dbp_mmhg for pressure in known if pressure.dbp_mmhg is not None])
  return f"{sbp:.0f}/{dbp:.0f} {UNIT}"


def result(told: Told) -> BloodPressure:
  """What is told as a `BloodPressure`."""
  record = told.record
  readings = [tuple(reading) for reading in record.info.get("readings", ())]
  return BloodPressure(
      name=record.id,
      pressures=pressures_of(told),
      readings=tuple(readings),
      duration_s=record.duration_s,
      lost_s=told.lost_s,
      notes=_notes(told),
      rows=told.rows,
  )


def _notes(told: Told) -> tuple[str, ...]:
  """What was done to the input, and what limits what is told of it."""
  notes = list(told.record.info.get("notes", ()))
  sentence = _limit(told)
  if sentence:
    notes.append(sentence)
  return tuple(notes)


def _limit(told: Told) -> str:
  """The figures of the model on subjects who were held out; empty where they are not known."""
  if told.record.info.get("readings"):
    return limits.with_readings(told.figures)
  return limits.without_reading(told.figures)


def tell(told: Told) -> Iterator[str]:
  """A line a window with its 95 % interval and quality; of many windows only their summary."""
  pressures = pressures_of(told)
  if not pressures:
    yield "no pressure: no window of the recording shows a pulse that can be used"
  if len(pressures) <= MOST_LINES:
    for pressure in pressures:
      span = f"{pressure.start_s:g}-{pressure.end_s:g} s"
      yield f"{span:>14}  {_in_words(pressure)}"
  else:
    yield _summary(pressures)
  if _limit(told):
    yield _limit(told)


def _summary(pressures: Sequence[Pressure]) -> str:
  """A line on many windows."""
  counts = Counter(pressure.quality for pressure in pressures)
  shares = [f"{counts[name]} {name}" for name in (quality.GOOD, quality.DOUBTFUL, quality.NONE)]
  line = f"{len(pressures)} windows: {', '.join(shares)}"
  known = _known(pressures)
  if known:
    line += f", median {_median_words(known)}"
  return line


def _in_words(pressure: Pressure) -> str:
  why = ""
  if pressure.why:
    why = f" ({pressure.why})"
  if pressure.sbp_mmhg is None or pressure.dbp_mmhg is None:
    return f"{pressure.quality}{why}"
  words = f"{pressure.sbp_mmhg:.0f}/{pressure.dbp_mmhg:.0f} {UNIT}"
  if pressure.sbp_low_95_mmhg is not None:
    words += (
        f" (95 %: {pressure.sbp_low_95_mmhg:.0f} to {pressure.sbp_high_95_mmhg:.0f} / "
        f"{pressure.dbp_low_95_mmhg:.0f} to {pressure.dbp_high_95_mmhg:.0f})")
  return f"{words}, {pressure.quality}{why}"


def write(told: Told, folder: pathlib.Path) -> None:
  """Writes `<id>_pressures.csv`, `<id>_pressure.json` and `<id>_pressure.png`."""
  record = told.record
  pressures = pressures_of(told)
  lines = [",".join(Pressure._fields)]
  for pressure in pressures:
    cells = [_cell(value) for value in pressure]
    lines.append(",".join(cells))
  (folder / f"{record.id}_pressures.csv").write_text("\n".join(lines) + "\n")

  summary = {**told.about, "unit": UNIT, **result(told).to_dict()}
  json_path = folder / f"{record.id}_pressure.json"
  json_path.write_text(json.dumps(summary, indent=1) + "\n")

  from jaxsig.systems.blood_pressure import figures_recording  # draws: not needed in Python
  figures_recording.draw_recording(told, pressures, folder / f"{record.id}_pressure.png")


def _cell(value: float | str | None) -> str:
  if value is None:
    return ""
  if isinstance(value, str):
    return f'"{value}"'
  return f"{round(value, 3):.12g}"


def _stride_s(data: ConfigDict) -> float | None:
  """Seconds between windows; None where a window depends on more of the recording than itself."""
  if data.window != "time" or data.max_windows or data.known_input:
    return None
  return data.hop_s


OWN_FILE = OwnFile(
    read=read,
    judge=quality.judge,
    tell=tell,
    write=write,
    result=result,
    limits=limits.limits,
    free=("hop_s", "skip_broken", "max_windows"),
    options={
        "signal": "",
        "polarity": "auto",
        "calibration": "",
        "camera": "auto",
        "box": (),
        "mask": "",
    },
    stride_s=_stride_s,
)
