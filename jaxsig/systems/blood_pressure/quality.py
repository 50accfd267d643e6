"""How far a pressure may be trusted: one rule, fixed in advance."""
import dataclasses

from jaxsig.rows import Row
from jaxsig.system import Seen
from jaxsig.systems.blood_pressure.score import WINDOW

GOOD = "good"
DOUBTFUL = "doubtful"
NONE = "no estimate"
FROM_BEST = (GOOD, DOUBTFUL, NONE)

# Width of the 95 % interval that is as wide as that of people at large (SD 20 and 12 mmHg): what
# is as wide says nothing of this person.
POPULATION_95_MMHG = {"sbp": 78.0, "dbp": 47.0}
GOOD_95_MMHG = {"sbp": 40.0, "dbp": 26.0}   # two cuffs on one arm differ by half of that
MOST_AWAY_S = 300.0   # from a window to the nearest reading: as long as labelled recordings are
PLAUSIBLE_MMHG = {"sbp": (60.0, 240.0), "dbp": (25.0, 150.0)}


def judge(row: Row, seen: Seen) -> Row:
  """The row of a pressure with its quality, "good", "doubtful" or "no estimate", and why.

  "no estimate": there is none, it is outside of what people have, or its 95 % interval is as wide
  as that of people at large. "doubtful": the interval is unknown or wider than 40 (systolic) or 26
  mmHg (diastolic), or some of the window was bridged. Rows that are no pressures stay as they are.
  """
  if row.metric != WINDOW:
    return row
  why_none = _why_none(row)
  if why_none:
    return dataclasses.replace(
        row, quality=NONE, why=why_none, estimate=None, spread=None, interval={})
  why_doubtful = _why_doubtful(row, seen)
  if why_doubtful:
    return dataclasses.replace(row, quality=DOUBTFUL, why=why_doubtful)
  return dataclasses.replace(row, quality=GOOD, why="")


def _why_none(row: Row) -> str:
  if row.estimate is None:
    return "no pulse stands out"
  low, high = PLAUSIBLE_MMHG[row.target]
  if not low <= row.estimate <= high:
    return f"the estimate lies outside {low:g} to {high:g} mmHg"
  width = _width(row)
  if width is not None and width >= POPULATION_95_MMHG[row.target]:
    return (
        f"the 95 % interval is {width:.0f} mmHg wide, as wide as that of people at large: the "
        "window says nothing of this person's pressure")
  return ""


def _why_doubtful(row: Row, seen: Seen) -> str:
  width = _width(row)
  if width is None:
    return "the model does not say how sure it is"
  if width > GOOD_95_MMHG[row.target]:
    return f"the 95 % interval is {width:.0f} mmHg wide"
  if seen.bridged_s > 0:
    return f"{seen.bridged_s:.2g} s are bridged by a straight line"
  return ""


def _width(row: Row) -> float | None:
  """Width of the 95 % interval in mmHg; None where it is not known."""
  if "95" not in row.interval:
    return None
  low, high = row.interval["95"]
  return high - low
