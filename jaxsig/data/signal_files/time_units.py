"""The unit of a column of times whose name says none, by the steps and the size of its values."""
import numpy as np

from jaxsig.data.signal_files.time_columns import WORDS

RATES_HZ = (5.0, 5000.0)       # of most signals: a factor of 1000, so that one unit is within
_SLOW_HZ = 0.6                 # some signals are as slow, so that the steps alone decide nothing
_POSSIBLE_HZ = (0.01, 2e5)
_UNITS_S = (1.0, 1e-3, 1e-6, 1e-9)
_UNIX_S = (6.3e8, 4.2e9)       # 1990 to 2103
_LATE_UNIX_S = 1e9             # 2001: no wearable is older
_DAYS = ((3e4, 7e4), (7.2e5, 7.7e5))   # since 1900, as spreadsheets count, and since the year 0
_AGREES = 0.05
_NEAR_PAIRS = 0.6   # one unit is 60 times the other, and few stamps tell the pace roughly


def unit_by_content(
    values_t: np.ndarray,
    pace: float,
    given_hz: float | None,
) -> tuple[float | None, str]:
  """Returns the unit of a time column in seconds, and why it is that.

  Args:
    values_t: [t] the times.
    pace: samples a unit of it.
    given_hz: rate that is known from elsewhere; None where it is not.

  Returns:
    (None, why) where it may be one or another, or none.
  """
  first = values_t[np.isfinite(values_t)][0]
  for unit_s in _UNITS_S:
    is_since_1970 = _UNIX_S[0] <= first * unit_s <= _UNIX_S[1]
    if is_since_1970 and _POSSIBLE_HZ[0] <= pace / unit_s <= _POSSIBLE_HZ[1]:
      if first * unit_s < _LATE_UNIX_S:
        return unit_s, "by their size"   # perhaps since 2001
      return unit_s, "since 1970"

  if given_hz is not None:
    for unit_s in (*_UNITS_S, 86400.0):
      if abs(pace / unit_s - given_hz) <= _AGREES * given_hz:
        return unit_s, f"as it fits {given_hz:g} samples/s"

  days_hz = pace / 86400
  is_day = any(lowest <= first <= highest for lowest, highest in _DAYS)
  if is_day and RATES_HZ[0] <= days_hz < RATES_HZ[1] and pace > _POSSIBLE_HZ[1]:
    return 86400.0, "by their size and steps"
  return _by_steps(values_t, pace)


def unit_of_pairs(pace: float, given_hz: float | None) -> tuple[float | None, str]:
  """Returns the unit in seconds of the second part of times such as 10:31, and why it is that.

  Args:
    pace: samples a second part.
    given_hz: rate that is known from elsewhere; None where it is not.
  """
  units = {1.0: "as minutes and seconds", 60.0: "as hours and minutes"}
  for unit_s, words in units.items():
    if given_hz is not None and abs(pace / unit_s - given_hz) <= _NEAR_PAIRS * given_hz:
      return unit_s, words
  fitting = [unit_s for unit_s in units if RATES_HZ[0] <= pace / unit_s < RATES_HZ[1]]
  if len(fitting) == 1:
    return fitting[0], units[fitting[0]]
  return None, (
    f"{pace:g} samples/s as minutes and seconds, {pace / 60:g} as hours and minutes"
  )


def is_since_1970(value: float) -> bool:
  """Returns whether a number is a time since 1970 in some unit, from 1990 on."""
  return any(_UNIX_S[0] <= value * unit_s <= _UNIX_S[1] for unit_s in _UNITS_S)


def _by_steps(values_t: np.ndarray, pace: float) -> tuple[float | None, str]:
  fitting = [unit_s for unit_s in _UNITS_S if RATES_HZ[0] <= pace / unit_s < RATES_HZ[1]]
  if not fitting:
    return None, f"a step of {1 / pace:g} fits no unit"
  unit_s = fitting[0]
  slower_hz = pace / (1000 * unit_s)
  if unit_s < 1 and slower_hz >= _SLOW_HZ:
    return None, (
      f"a step of {1 / pace:g} is {slower_hz:g} samples/s in {WORDS[_longer(unit_s)]} "
      f"and {pace / unit_s:g} in {WORDS[unit_s]}"
    )
  if unit_s == 1.0:
    return unit_s, ""
  return unit_s, "by their steps"


def _longer(unit_s: float) -> float:
  index = _UNITS_S.index(unit_s)
  return _UNITS_S[index - 1]
