"""Which columns of a table hold times or count its rows, by their names."""
import re
from typing import NamedTuple

import numpy as np

from jaxsig.data.signal_files.text_body import Column
from jaxsig.data.signal_files.text_clocks import CLOCK, DATE, MOMENT, PAIR

_TIME_WORDS = frozenset((
  "time", "times", "timestamp", "timestamps", "timestep", "datetime", "ts", "unix", "unixtime",
  "epoch", "epochs", "elapsed", "clock", "zeit", "zeiten", "zeitstempel", "uhrzeit", "datumzeit",
  "temps", "horodatage", "tiempo", "tempo", "tid", "tijd", "czas", "aika", "millis", "micros",
  "date", "datum", "uhr",
))
_ALONE = frozenset((   # a time only where nothing else is in the name
  "t", "s", "sec", "secs", "second", "seconds", "sekunden", "ms", "msec", "msecs", "millisecond",
  "milliseconds", "us", "usec", "usecs", "microsecond", "microseconds", "ns", "nsec", "nsecs",
  "nanoseconds",
  "minutes", "hours",
))
_ALONE_IF_RISING = frozenset((   # else a minimum, or a letter
  "min", "mins", "minute", "h", "hr", "hrs", "hour", "day", "days",
))
_COUNT_WORDS = frozenset((
  "index", "idx", "sample", "samples", "frame", "frames", "row", "rows", "nr", "no", "num",
  "number", "count", "counter", "packet", "seq", "sequence", "unnamed", "id", "line", "n", "i",
  "nummer", "samplenumber", "sampleindex", "framenumber",
))
_ONLY_COUNTS = frozenset(("index", "idx", "nr", "no", "num", "number", "counter", "seq"))
_LEAST_UNIX = 1e8
_UNITS_S = {
  "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0, "sekunden": 1.0,
  "ms": 1e-3, "msec": 1e-3, "msecs": 1e-3, "millis": 1e-3, "millisecond": 1e-3,
  "milliseconds": 1e-3, "millisekunden": 1e-3,
  "usecs": 1e-6, "nsecs": 1e-9,
  "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "usec": 1e-6, "micros": 1e-6, "microsecond": 1e-6,
  "microseconds": 1e-6,
  "ns": 1e-9, "nsec": 1e-9, "nanos": 1e-9, "nanosecond": 1e-9, "nanoseconds": 1e-9,
  "min": 60.0, "mins": 60.0, "minutes": 60.0, "minute": 60.0,
  "h": 3600.0, "hr": 3600.0, "hrs": 3600.0, "hours": 3600.0, "hour": 3600.0,
  "day": 86400.0, "days": 86400.0,
}   # fmt: skip
WORDS = {
  1.0: "seconds",
  1e-3: "milliseconds",
  1e-6: "microseconds",
  1e-9: "nanoseconds",
  60.0: "minutes",
  3600.0: "hours",
  86400.0: "days",
}


class TimeName(NamedTuple):
  """What a column's name says of time.

  Attributes:
    is_time: it is called a time.
    is_sure: nothing else is in the name but times, units and what clock it is.
    unit_s: seconds of its unit; None where the name says none.
    counts: it is called a number of rows, samples or frames.
  """
  is_time: bool
  is_sure: bool
  unit_s: float | None
  counts: bool


def time_name(column: Column) -> TimeName:
  """Returns what the name and unit of a column say of time."""
  words = words_of(column.name)
  unit_s = _UNITS_S.get(column.unit.strip().lower())
  if unit_s is None:
    unit_s = _unit_in(words)

  if column.kind in (MOMENT, CLOCK, DATE):
    return TimeName(True, True, 1.0, False)
  if column.kind == PAIR:
    return TimeName(True, True, None, False)
  has_time = any(word in _TIME_WORDS for word in words)
  if words in (["epoch"], ["epochs"]):   # those of a recording are counted, too
    has_time = any(value > _LEAST_UNIX for value in column.values_t[:1])
  alone = len(words) == 1 and words[0] in _ALONE
  if len(words) == 1 and words[0] in _ALONE_IF_RISING:
    steps = np.diff(column.values_t)
    alone = len(steps) > 0 and bool((steps > 0).all())
  if words[:1] == ["t"] or words == ["time", "stamp"]:
    alone = all(word in _UNITS_S or word == "stamp" for word in words[1:])
  others = [word for word in words if word not in _TIME_WORDS and word not in _UNITS_S]
  counts = not words or any(word in _COUNT_WORDS for word in words)
  is_time = (has_time or alone) and not any(word in _ONLY_COUNTS for word in words)
  return TimeName(is_time, is_time and (alone or not others), unit_s, counts and not is_time)


def words_of(name: str) -> list[str]:
  """Returns the words of a name in lower case: ["time", "ms"] of "Time [ms]" and of "timeMs"."""
  apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
  return re.findall(r"[a-zäöüµμ]+", apart.lower())


def _unit_in(words: list[str]) -> float | None:
  """The last word that is a unit."""
  for word in reversed(words):
    if word in _UNITS_S:
      return _UNITS_S[word]
  return None
