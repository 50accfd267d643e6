"""The pressures that a user is told, one a window."""
from typing import NamedTuple

from jaxsig.data.ppg.pressure.labels import TARGETS
from jaxsig.rows import Row
from jaxsig.system import Told
from jaxsig.systems.blood_pressure import quality


class Pressure(NamedTuple):
  """The blood pressure in a window, in mmHg; None where there is no estimate."""
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
  """The pressures of a record's windows, in the order of time."""
  of_window = {}
  for row in told.primary:
    of_window.setdefault((row.start_s, row.end_s), {})[row.target] = row
  pressures = []
  for (start_s, end_s), rows in sorted(of_window.items()):
    if all(target in rows for target in TARGETS):
      pressures.append(_pressure(start_s, end_s, rows["sbp"], rows["dbp"]))
  return tuple(pressures)


def _pressure(start_s: float, end_s: float, sbp: Row, dbp: Row) -> Pressure:
  worse = max((sbp, dbp), key=_rank)
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
