"""The pressures that a user is told, one a window."""
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jaxsig.data.gaps import ends_s, runs
from jaxsig.data.ppg.pressure.labels import TARGETS
from jaxsig.rows import Row
from jaxsig.system import Told
from jaxsig.systems.blood_pressure import pulse_doubt, quality

SAME_S = 1e-3   # between two starts of one window


class Pressure(NamedTuple):
  """The blood pressure in a window, in mmHg; None where there is no estimate of both."""
  start_s: float
  end_s: float
  sbp_mmhg: float | None
  dbp_mmhg: float | None
  sbp_low_95_mmhg: float | None
  sbp_high_95_mmhg: float | None
  dbp_low_95_mmhg: float | None
  dbp_high_95_mmhg: float | None
  quality: str        # "good", "doubtful" or "no estimate"
  why: str = ""       # it is not good


def pressures_of(told: Told) -> tuple[Pressure, ...]:
  """The pressures of a record's windows, in the order of time; "no estimate" without a pulse."""
  of_window = {}
  for row in told.primary:
    of_window.setdefault((row.start_s, row.end_s), {})[row.target] = row
  pressures = []
  for (start_s, end_s), rows in sorted(of_window.items()):
    if all(target in rows for target in TARGETS):
      pressure = _pressure(start_s, end_s, rows["sbp"], rows["dbp"])
      pressures.append(with_caution(pressure, told.record.info))
  pressures = _with_pulse_doubts(pressures, told)
  every = [*pressures, *_left_out(pressures, told)]
  return tuple(sorted(every, key=lambda pressure: pressure.start_s))


def _with_pulse_doubts(pressures: Sequence[Pressure], told: Told) -> list[Pressure]:
  """Good pressures called doubtful where the PPG shows no pulse that a model was trained on."""
  data = told.config.data
  judged = list(pressures)
  if data.window != "time":
    return judged
  good = [k for k, pressure in enumerate(pressures) if pressure.quality == quality.GOOD]
  starts = [pressures[k].start_s for k in good]
  why_b = pulse_doubt.doubts(told.record, starts, data.window_s, data.rate_limits_bpm)
  for k, why in zip(good, why_b, strict=True):
    if why:
      judged[k] = pressures[k]._replace(quality=quality.DOUBTFUL, why=why)
  return judged


def _left_out(pressures: Sequence[Pressure], told: Told) -> list[Pressure]:
  """The windows in which no pulse was found, so that a model was not asked."""
  data = told.config.data
  if data.window != "time" or data.max_windows:
    return []
  slowest_bpm, fastest_bpm = data.rate_limits_bpm
  why = f"the PPG shows no pulse of {slowest_bpm:g} to {fastest_bpm:g} beats/min"
  known_s = np.array([pressure.start_s for pressure in pressures])
  left_out = []
  for start_s in _every_start(told):
    place = np.searchsorted(known_s, start_s - SAME_S)
    is_known = place < len(known_s) and known_s[place] < start_s + SAME_S
    if not is_known:
      nothing = [None] * 6
      left_out.append(Pressure(start_s, start_s + data.window_s, *nothing, quality.NONE, why))
  return left_out


def _every_start(told: Told) -> list[float]:
  """Where windows begin in seconds: every hop of each part without gaps, and at its end."""
  data = told.config.data
  rate_hz = told.record.rate_hz
  is_there_t = np.isfinite(told.record.signals["ppg_t"])
  for from_s, to_s in told.bridged_s:
    is_there_t[round(from_s * rate_hz):round(to_s * rate_hz)] = True
  starts = []
  for first, last in runs(is_there_t):
    duration_s = (last - first) / rate_hz
    if duration_s < data.window_s - 1e-6:
      continue
    before_last_s, last_s = ends_s(duration_s, data.window_s, data.hop_s)
    of_part_s = list(np.arange(0, before_last_s + 1e-6, data.hop_s))
    if last_s > before_last_s:
      of_part_s.append(last_s)
    starts += [first / rate_hz + start_s for start_s in of_part_s]
  return [float(start_s) for start_s in starts]


def with_caution(pressure: Pressure, info: Mapping[str, object]) -> Pressure:
  """A good pressure called doubtful where the recording gives reason to doubt it."""
  if pressure.quality != quality.GOOD:
    return pressure
  why = ""
  if info.get("is_clipped"):
    why = "the PPG is cut off"
  readings = info.get("readings") or []
  if readings:
    away_s = min(abs(time_s - pressure.start_s) for time_s, *_ in readings)
    if away_s > quality.MOST_AWAY_S:
      why = (
          f"the nearest reading is {away_s / 60:.0f} min away, and what was learnt of errors "
          f"reaches {quality.MOST_AWAY_S / 60:.0f} min")
  if not why:
    return pressure
  return pressure._replace(quality=quality.DOUBTFUL, why=why)


def _pressure(start_s: float, end_s: float, sbp: Row, dbp: Row) -> Pressure:
  worse = max((sbp, dbp), key=_rank)
  if worse.quality == quality.NONE:
    nothing = [None] * 6
    return Pressure(start_s, end_s, *nothing, worse.quality, worse.why)
  sbp_low, sbp_high = sbp.interval.get("95", (None, None))
  dbp_low, dbp_high = dbp.interval.get("95", (None, None))
  return Pressure(
      start_s=start_s,
      end_s=end_s,
      sbp_mmhg=sbp.estimate,
      dbp_mmhg=dbp.estimate,
      sbp_low_95_mmhg=sbp_low,
      sbp_high_95_mmhg=sbp_high,
      dbp_low_95_mmhg=dbp_low,
      dbp_high_95_mmhg=dbp_high,
      quality=worse.quality,
      why=worse.why,
  )


def _rank(row: Row) -> int:
  return quality.FROM_BEST.index(row.quality)
