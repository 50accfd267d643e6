"""A user's own readings of a cuff: "120/80@0; 125/82@300"."""
import re
from typing import NamedTuple

from jaxsig.errors import UserError
from jaxsig.systems.blood_pressure.quality import PLAUSIBLE_MMHG

LEAST_PULSE_MMHG = 10.0
MMHG_PER_KPA = 7.50062
NUMBER = r"(\d+(?:\.\d+)?)"
FORM = re.compile(rf"{NUMBER}/{NUMBER}@{NUMBER}")
ONE = r"\s*[\d.]+\s*/\s*[\d.]+\s*@\s*[\d.]+\s*"
SEVERAL = rf"({ONE}(;{ONE})*;?)?\s*"
IN_WORDS = "readings SBP/DBP@SECONDS, such as 120/80@0, with semicolons between them"
REMEDY = "write it as SBP/DBP@SECONDS, such as 120/80@0, several with a semicolon between them"


class CuffReading(NamedTuple):
  """A pressure that a cuff has shown."""
  time_s: float       # from the start of the recording
  sbp_mmhg: float
  dbp_mmhg: float


def parse(text: str, duration_s: float) -> list[CuffReading]:
  """The readings of `config.own.calibration`, in the order of time.

  Args:
    text: such as "120/80@0; 125/82@300"; empty for none.
    duration_s: of the recording, in seconds.

  Raises:
    UserError: another form, a pressure that no estimate may have, or a time outside the recording.
  """
  readings = []
  for part in text.split(";"):
    part = part.strip()
    if not part:
      continue
    found = FORM.fullmatch(part.replace(" ", ""))
    if found is None:
      raise UserError(f"own.calibration has {part!r}, which is no reading: {REMEDY}")
    sbp_mmhg, dbp_mmhg, time_s = map(float, found.groups())
    reading = CuffReading(time_s, sbp_mmhg, dbp_mmhg)
    _require_plausible(reading, part)
    if time_s > duration_s:
      raise UserError(
          f"the reading {part!r} of own.calibration is later than the recording, which lasts "
          f"{duration_s:g} s: correct its seconds, counted from the start of the recording")
    readings.append(reading)
  return sorted(readings)


def _require_plausible(reading: CuffReading, part: str) -> None:
  for name, value, (low, high) in (
      ("systolic", reading.sbp_mmhg, PLAUSIBLE_MMHG["sbp"]),
      ("diastolic", reading.dbp_mmhg, PLAUSIBLE_MMHG["dbp"]),
  ):
    if not low <= value <= high:
      _require_no_kpa(reading, part)
      raise UserError(
          f"the {name} pressure of {part!r} in own.calibration is {value:g} mmHg, outside "
          f"{low:g} to {high:g}: correct it ({REMEDY})")
  if reading.sbp_mmhg - reading.dbp_mmhg < LEAST_PULSE_MMHG:
    raise UserError(
        f"the reading {part!r} of own.calibration has a systolic pressure less than "
        f"{LEAST_PULSE_MMHG:g} mmHg above the diastolic one: the systolic one comes first")


def _require_no_kpa(reading: CuffReading, part: str) -> None:
  """Raises UserError where a reading that is none in mmHg is one in kPa."""
  sbp_mmhg = MMHG_PER_KPA * reading.sbp_mmhg
  dbp_mmhg = MMHG_PER_KPA * reading.dbp_mmhg
  lowest_sbp, highest_sbp = PLAUSIBLE_MMHG["sbp"]
  lowest_dbp, highest_dbp = PLAUSIBLE_MMHG["dbp"]
  if lowest_sbp <= sbp_mmhg <= highest_sbp and lowest_dbp <= dbp_mmhg <= highest_dbp:
    raise UserError(
        f"the reading {part!r} of own.calibration seems to be in kPa: give it in mmHg, as "
        f"{sbp_mmhg:.0f}/{dbp_mmhg:.0f}@{reading.time_s:g}")
