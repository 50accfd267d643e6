"""What a line above the samples says of the sampling rate: only where it is certain."""
import json
import re
from collections.abc import Collection, Iterator

from jaxsig.data.signal_files.time_columns import words_of

_RATE_KEYS = frozenset((
  "fs", "sf", "sr", "sfreq", "srate", "fps", "framerate", "framespersecond", "samplerate",
  "samplingrate", "samplefreq", "samplingfreq", "samplefrequency", "samplingfrequency",
  "samplespersecond", "samplespersec", "abtastrate", "abtastfrequenz",
))
_STEP_KEYS = frozenset((
  "sampleinterval", "samplinginterval", "sampleperiod", "samplingperiod", "abtastintervall",
))
_SHORT_STEP_KEYS = frozenset(("dt", "interval", "sampletime", "samplingtime"))
_NEUTRAL = frozenset((
  "the", "of", "is", "in", "at", "data", "signal", "signals", "file", "recording", "this",
))
_BESIDE = frozenset((   # settings that may share a line with a rate
  "channels", "count", "gain", "resolution", "bits", "bit", "device", "date", "start",
  "version", "firmware", "serial", "units", "unit", "duration", "length", "id", "adc",
))
_RATE_UNITS = {
  "": 1.0, "hz": 1.0, "khz": 1000.0, "sps": 1.0, "fps": 1.0, "samples/s": 1.0, "s/s": 1.0,
  "samples/sec": 1.0, "samples/second": 1.0, "samples per second": 1.0, "sample/s": 1.0,
  "1/s": 1.0, "/s": 1.0, "frames/s": 1.0, "frames per second": 1.0, "hertz": 1.0,
}  # fmt: skip
_STEP_UNITS = {
  "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "msec": 1e-3,
  "milliseconds": 1e-3, "us": 1e-6, "usec": 1e-6, "µs": 1e-6, "μs": 1e-6, "microseconds": 1e-6,
}  # fmt: skip
_EACH = re.compile(r"([a-zµμ]+) ?(?:/|per) ?sample", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.])(?<![0-9],)[0-9][0-9.,']*(?:[eE][+-]?[0-9]+)?")
_GROUPS = re.compile(r"[0-9]{1,3}(?:([,'])[0-9]{3})(?:\1[0-9]{3})*(\.[0-9]+)?")
_WHOLE_OR_THOUSANDS = re.compile(r"[1-9]\.000")
_PLAIN = re.compile(r"[0-9]+(?:[.,][0-9]*)?(?:[eE][+-]?[0-9]+)?")
_LEAST_HZ = 5.0          # of a step whose key or lack of a unit leaves it open
_RATES_HZ = (0.1, 1e5)
_STAGE = re.compile(
  r"(?:decimat|(?:down|sub|re)[ _-]?sampl|averag|\bevery\b|thinn"
  r"|\b(?:output|export(?:ed)?|stored|saved|effective|final)\b"
  r"[ _-]*(?:sampl\w*)?[ _-]*(?:rate|freq|at\b))"
  r"[^0-9]*(?P<number>[0-9.]*)",
  re.IGNORECASE,
)


def rates_stated(line: str, own_words: Collection[str]) -> list[float]:
  """Returns the rates in Hz that a line certainly states for the samples below it.

  Args:
    line: above the samples.
    own_words: of the names of the table's columns, which the line may repeat.
  """
  text = line.strip().lstrip("#%/\"' ").strip()
  if text.startswith("{"):
    statements = list(_of_json(text))
  else:
    statements = _parts(text, own_words)

  rates_hz = []
  for statement in statements:
    rate_hz = _rate(statement, own_words)
    if rate_hz is not None:
      rates_hz.append(rate_hz)
  return rates_hz


def is_of_another_stage(line: str) -> bool:
  """Returns whether a line tells of a change of rate before the samples were written."""
  found = _STAGE.search(line)
  return found is not None and found["number"].strip(".") not in ("", "0", "1")


def _parts(text: str, own_words: Collection[str]) -> list[str]:
  """The settings of a line, where all but the rate's say nothing of rates."""
  if _rate(text, own_words) is not None:
    return [text]
  parts = [part for part in re.split(r"[;,|]\s+|[;|\t]|\s{2,}", text) if part.strip()]
  rates = [part for part in parts if _rate(part, own_words) is not None]
  others = [part for part in parts if part not in rates]
  for other in others:
    key = re.split(r"[:=]|\s[0-9]", other)[0]
    if not set(words_of(key)) <= _BESIDE or re.search("sampl|rate|hz", other, re.IGNORECASE):
      return []
  return rates


def _of_json(text: str) -> Iterator[str]:
  """The settings of a head in JSON, at any depth, as lines."""
  try:
    rest = [json.loads(text)]
  except ValueError:
    return
  while rest:
    value = rest.pop()
    if isinstance(value, list):
      rest += value
    elif isinstance(value, dict):
      rest += [inner for inner in value.values() if isinstance(inner, (dict, list))]
      for key, inner in value.items():
        if isinstance(inner, (int, float, str)):
          yield f"{key}: {inner}"


def _rate(text: str, own_words: Collection[str]) -> float | None:
  """The rate that one setting states; None where it states none, or not certainly."""
  numbers = _NUMBER.findall(text)
  if len(numbers) != 1:
    return None
  before, _, after = text.partition(numbers[0])
  if "-" in before[-1:]:
    return None
  value = _value(numbers[0])
  unit = after.strip(" \t,;:|\"'()[]{}.").lower()
  if not value:
    return None

  each = _EACH.fullmatch(unit)
  if each and not words_of(before):
    return _of_step(value * _STEP_UNITS.get(each[1].lower(), 0.0), 0.0)
  key, unit_in_key = _key(before, own_words)
  unit = unit or unit_in_key
  if key in _RATE_KEYS or (key == "rate" and unit_in_key):
    return _of_rate(value, unit, numbers[0])
  if key in _SHORT_STEP_KEYS and (unit or key != "interval"):
    return _of_step(value * _STEP_UNITS.get(unit or "s", 0.0), _LEAST_HZ)
  if key in _STEP_KEYS:
    least_hz = 0.0
    if not unit:
      least_hz = _LEAST_HZ
    return _of_step(value * _STEP_UNITS.get(unit or "s", 0.0), least_hz)
  return None


def _key(before: str, own_words: Collection[str]) -> tuple[str, str]:
  """A key without blanks and without the words of columns, and the unit in it."""
  plain = before.replace("kHz", "khz")
  words = [word for word in words_of(plain) if word not in _NEUTRAL]
  known = _RATE_KEYS | _STEP_KEYS | _SHORT_STEP_KEYS
  unit = ""
  last = "".join(words[-1:])
  if "".join(words) not in known and (last in _STEP_UNITS or last in ("hz", "khz")):
    unit = words.pop()
  if "".join(words) not in known:
    words = [word for word in words if word not in own_words]
  return "".join(words), unit


def _of_rate(value: float, unit: str, number: str) -> float | None:
  scale = _RATE_UNITS.get(unit)
  if scale is None or (_WHOLE_OR_THOUSANDS.fullmatch(number) and scale == 1.0):
    return None
  return _possible(value * scale)


def _of_step(step_s: float, least_hz: float) -> float | None:
  if not step_s > 0:
    return None
  rate_hz = _possible(float(f"{1 / step_s:.9g}"))
  if rate_hz is None or rate_hz < least_hz:
    return None
  return rate_hz


def _possible(rate_hz: float) -> float | None:
  lowest_hz, highest_hz = _RATES_HZ
  if lowest_hz <= rate_hz <= highest_hz:
    return rate_hz
  return None


def _value(number: str) -> float | None:
  """A number; None where a comma may be decimal or group thousands."""
  number = number.rstrip(".,'")
  groups = _GROUPS.fullmatch(number)
  if groups and (groups[1] == "'" or groups[2] or number.count(",") > 1):
    return float(number.replace(groups[1], ""))
  if groups or not _PLAIN.fullmatch(number):
    return None
  return float(number.replace(",", "."))
