"""Sampling rates that a text file states above its samples."""
import datetime
import re
from typing import NamedTuple

import numpy as np

from jaxsig.data.signal_files.text_body import Table
from jaxsig.data.signal_files.text_head import NUMBERS

_NUMBER = r"([0-9]+(?:[.,][0-9]+)?(?:[eE][+-]?[0-9]+)?)"
_GAP = r"[^0-9A-Za-z]{1,6}"
_RATE = re.compile(
  r"\b(?:fs|sf|sfreq|srate|fps|abtastrate|frame[ _-]?rate"
  r"|sampl(?:e|ing)?[ _-]?(?:rate|freq(?:uency)?)|sample[ _-]?rate)"
  rf"(?:[ _]*[\[(]?(k?hz)[\])]?)?{_GAP}{_NUMBER}\s*(k?hz)?",
  re.IGNORECASE,
)
_INTERVAL = re.compile(
  r"\b(?:sampl(?:e|ing)[ _-]?(?:interval|period|time)|interval|dt)"
  rf"(?:[ _]*[\[(]?(ms|us|µs|s)[\])]?)?{_GAP}{_NUMBER}\s*(msec|ms|us|µs|sec|s)?\b",
  re.IGNORECASE,
)
_EACH = re.compile(rf"{_NUMBER}\s*(msec|ms|us|µs|sec|s)\s*/\s*sample", re.IGNORECASE)
_SECONDS = {
  "s": 1.0,
  "sec": 1.0,
  "ms": 1e-3,
  "msec": 1e-3,
  "us": 1e-6,
  "µs": 1e-6,
}
_UNIX_S = (6.3e8, 4.2e9)     # 1990 to 2103
_RATES_HZ = (0.1, 1e5)


class StatedRate(NamedTuple):
  """A rate above the samples; `rows` of the table are not samples but say it."""
  rate_hz: float
  rows: int
  note: str


def counted_rows(table: Table) -> int:
  """Returns 1 where the first row tells the number of samples below it, as AcqKnowledge does."""
  firsts = [column.values_t[0] for column in table.columns if column.kind == NUMBERS]
  below = len(table.line_t) - 1
  return int(len(firsts) > 1 and below > 1 and all(first == below for first in firsts))


def stated_rate(table: Table) -> StatedRate | None:
  """Returns the rate that the first lines of a file state; None where they state none, or two."""
  wearable = _start_and_rate(table)
  if wearable is not None:
    return wearable

  rates_hz = set()
  for line in table.remarks:
    rates_hz.update(_rates_in(line))
  if len(rates_hz) != 1:
    return None
  rate_hz = rates_hz.pop()
  return StatedRate(rate_hz, 0, f"{rate_hz:g} samples/s, as a line above the samples says")


def _rates_in(line: str) -> list[float]:
  rates_hz = []
  for unit, number, unit_after in _RATE.findall(line):
    scale = 1.0
    if "khz" in (unit.lower(), unit_after.lower()):
      scale = 1000.0
    rates_hz.append(scale * _value(number))

  intervals_s = []
  for unit, number, unit_after in _INTERVAL.findall(line):
    unit = (unit_after or unit).lower()
    if unit:
      intervals_s.append(_SECONDS[unit] * _value(number))
  for number, unit in _EACH.findall(line):
    intervals_s.append(_SECONDS[unit.lower()] * _value(number))

  rates_hz += [float(f"{1 / interval_s:.9g}") for interval_s in intervals_s if interval_s > 0]
  lowest_hz, highest_hz = _RATES_HZ
  return [rate_hz for rate_hz in rates_hz if lowest_hz <= rate_hz <= highest_hz]


def _value(number: str) -> float:
  return float(number.replace(",", "."))


def _start_and_rate(table: Table) -> StatedRate | None:
  """The two lines above the samples of an Empatica E4: the Unix time of the start, and the rate."""
  columns = table.columns
  if table.titled or len(table.line_t) < 4:
    return None
  if any(column.kind != NUMBERS for column in columns):
    return None

  heads = np.array([column.values_t[:2] for column in columns])
  if not (heads == heads[0]).all():
    return None
  start_s, rate_hz = heads[0]
  if not _UNIX_S[0] <= start_s <= _UNIX_S[1] or not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
    return None
  samples = np.array([column.values_t[2:1000] for column in columns])
  if np.nanmax(np.abs(samples), initial=0.0) > start_s / 100:   # as no start among samples would
    return None

  start = datetime.datetime.fromtimestamp(start_s, datetime.UTC)
  note = (
    f"the first two lines taken as the start, {start:%Y-%m-%d %H:%M:%S} UTC, "
    f"and the rate, {rate_hz:g} samples/s"
  )
  return StatedRate(float(rate_hz), 2, note)
