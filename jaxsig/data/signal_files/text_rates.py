"""Sampling rates that a text file states above its samples."""
import datetime
from typing import NamedTuple

import numpy as np

from jaxsig.data.signal_files.text_body import Table
from jaxsig.data.signal_files.text_head import NUMBERS
from jaxsig.data.signal_files.text_statements import is_of_another_stage, rates_stated
from jaxsig.data.signal_files.time_columns import words_of

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
  known = [first for first in firsts if not np.isnan(first)]   # blank in the column of times
  below = len(table.line_t) - 1
  all_count = bool(known) and all(first == below for first in known)
  return int(len(firsts) > 1 and below > 1 and all_count)


def stated_rate(table: Table) -> StatedRate | None:
  """Returns the rate that the first lines of a file state; None where none or two, or uncertain."""
  wearable = _start_and_rate(table)
  if wearable is not None:
    return wearable

  if any(is_of_another_stage(line) for line in table.remarks):
    return None
  own_words = set()
  for column in table.columns:
    own_words.update(words_of(column.name))
  rates_hz = set()
  for line in table.remarks:
    rates_hz.update(rates_stated(line, own_words))
  if len(rates_hz) != 1:
    return None
  rate_hz = rates_hz.pop()
  return StatedRate(rate_hz, 0, f"{rate_hz:g} samples/s, as a line above the samples says")


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
