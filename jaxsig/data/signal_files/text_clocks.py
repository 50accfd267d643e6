"""Date and time texts as seconds: ISO 8601 and what loggers write."""
import datetime
import functools
import re
from collections.abc import Sequence

import numpy as np

from jaxsig.data.signal_files.text_cells import Numbers, bare, is_missing

MOMENT = "date and time"
CLOCK = "time of day"
PAIR = "two parts of a time"   # hours and minutes, or minutes and seconds
DATE = "date"

_DAY = r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})"
_FRACTION = r"(?:[.,]\d*|:\d{3}|:\d{6})"
_PATTERN = re.compile(
  rf"\[?(?:(?P<date>{_DAY})|(?P<days>\d+) days?,?)?"
  r"(?:[T_,;]?\s*"
  rf"(?:(?P<h>\d{{1,3}}):(?P<m>\d{{1,2}}):(?P<s>\d{{1,2}}{_FRACTION}?)"
  r"|(?P<m2>\d{1,3}):(?P<s2>\d{1,2}[.,]\d+)"
  r"|(?P<first>\d{1,3}):(?P<second>\d{2}))"
  r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
  r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?(?:\[[\w/+-]+\])?)?"
  rf"(?:\s+(?P<after>{_DAY}))?\]?"
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2}(?:[.,]\d+)?)(.*)")
_EPOCH = datetime.date(1970, 1, 1).toordinal()


def kind_of(cell: str) -> str:
  """Returns what a text says: MOMENT, CLOCK or DATE; "" where it is no time."""
  found = _match(cell)
  if found is None:
    return ""
  has_date = bool(found["date"] or found["after"])
  has_clock = bool(found["h"] or found["m2"] or found["first"])
  if not has_date and found["first"] and not found["half"]:
    return PAIR
  if not has_date:
    return CLOCK
  if not has_clock:
    return DATE
  return MOMENT


def seconds_of(cells: Sequence[str]) -> Numbers:
  """Converts a column of texts to seconds, since 1970 where they hold a date, or since midnight.

  A PAIR such as 10:31 is taken for minutes and seconds.
  """
  values_t = np.full(len(cells), np.nan)
  wrong = None
  for i, cell in enumerate(cells):
    seconds = _seconds(cell)
    if seconds is not None:
      values_t[i] = seconds
    elif not is_missing(cell) and wrong is None:
      wrong = i
  return Numbers(values_t, wrong)


def text_of(seconds: str, kind: str) -> str:
  """Returns seconds as `seconds_of` counts them as a text again."""
  moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=float(seconds))
  text = f"{moment:%Y-%m-%d %H:%M:%S.%f}".rstrip("0").rstrip(".")
  if kind == CLOCK:
    return text.partition(" ")[2]
  return text


def _match(cell: str) -> re.Match | None:
  text = bare(cell)
  if len(text) > 60:
    return None
  compact = _COMPACT.fullmatch(text)
  if compact:
    year, month, day, hour, minute, second, zone = compact.groups()
    text = f"{year}-{month}-{day}T{hour}:{minute}:{second}{zone}"

  found = _PATTERN.fullmatch(text)
  if found is None:
    return None
  parts = (found["date"], found["after"], found["h"], found["m2"], found["first"])
  if not any(parts):
    return None
  return found


def _seconds(cell: str) -> float | None:
  found = _match(cell)
  if found is None:
    return None

  days = int(found["days"] or 0)
  date = found["date"] or found["after"]
  if date:
    days = _day(date)
    if days is None:
      return None

  if found["first"] and kind_of(cell) == PAIR:
    return 60.0 * int(found["first"]) + int(found["second"])
  hours = int(found["h"] or found["first"] or 0)
  half = found["half"]
  if half:
    hours = hours % 12 + 12 * (half[0] in "Pp")
  minutes = int(found["m"] or found["m2"] or found["second"] or 0)
  seconds = float(_second_text(found["s"] or found["s2"] or "0"))
  return days * 86400 + hours * 3600 + minutes * 60 - _zone_s(found["zone"]) + seconds


def _second_text(text: str) -> str:
  return text.replace(",", ".").replace(":", ".")


@functools.lru_cache(maxsize=1024)
def _zone_s(zone: str | None) -> int:
  """How much local time is ahead of UTC."""
  if not zone or not zone.startswith(("+", "-")):
    return 0
  digits = zone[1:].replace(":", "").ljust(4, "0")
  ahead_s = int(digits[:2]) * 3600 + int(digits[2:]) * 60
  if zone.startswith("-"):
    return -ahead_s
  return ahead_s


@functools.lru_cache(maxsize=1024)
def _day(date: str) -> int | None:
  """Days since 1970; None where there is no such day."""
  first, second, third = (int(part) for part in re.split("[-/.]", date))
  year, month, day = first, second, third
  if first <= 31 and len(re.split("[-/.]", date)[0]) < 4:
    year = third
    if year < 100:
      year += 2000
    day, month = first, second
    if "/" in date and first <= 12:   # as in the United States, where both are possible
      month, day = first, second
  try:
    return datetime.date(year, month, day).toordinal() - _EPOCH
  except ValueError:
    return None
