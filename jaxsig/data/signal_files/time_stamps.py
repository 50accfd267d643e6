"""The times of a table's rows: which column has them, in which unit and order."""
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from jaxsig.data.signal_files.text_body import Column, Table
from jaxsig.data.signal_files.text_clocks import CLOCK, DATE, MOMENT, PAIR, text_of
from jaxsig.data.signal_files.text_head import NUMBERS, TEXT
from jaxsig.data.signal_files.time_columns import WORDS, TimeName, time_name
from jaxsig.data.signal_files.time_counts import count_of, count_title, ramps, time_counts
from jaxsig.data.signal_files.time_order import ordered
from jaxsig.data.signal_files.time_pace import pace_of, resolution_of
from jaxsig.data.signal_files.time_units import is_since_1970, unit_by_content, unit_of_pairs
from jaxsig.errors import UserError

SAMPLES = "samples"   # the unit of a column that counts
_REPLACE = "give --rate_hz, which replaces it"
_SAME = 0.05   # by how much the spans of two clocks may differ


class Stamps(NamedTuple):
  """The times of a table's rows.

  Attributes:
    title: the column, for sentences: "time column 'timestamp'".
    time_s: [t] ascending, from 0 on.
    resolution_s: to which they are rounded.
    order: [t] row of the table of each; None where they are in order.
    unit: in words.
    notes: a sentence for each thing that was assumed or done.
  """
  title: str
  time_s: np.ndarray
  resolution_s: float
  order: np.ndarray | None
  unit: str
  notes: tuple[str, ...]


class Times(NamedTuple):
  """Stamps, None where a table has none; and the columns that are no signals."""
  stamps: Stamps | None
  columns: frozenset[int]
  notes: tuple[str, ...]


class _Unusable(Exception):
  """A column is no time.

  Attributes:
    rate_helps: with a rate it may be left out.
    rises: as times do, so that it is no signal.
  """

  def __init__(self, why: str, rate_helps: bool = False, rises: bool = False):
    super().__init__(why)
    self.rate_helps = rate_helps
    self.rises = rises

  @property
  def short(self) -> str:
    """The sentence without its remedy."""
    return str(self).partition(": ")[0]


def times_of(table: Table, given_hz: float | None) -> Times:
  """Returns the times of a table's rows.

  Args:
    table: of the file.
    given_hz: a rate that is known from elsewhere, which decides where a unit is not certain.

  Raises:
    UserError: a column that is called a time has none that can be used, or no certain unit.
  """
  names = [time_name(column) for column in table.columns]
  counting, notes = time_counts(table, names)
  named = [i for i, name in enumerate(names) if name.is_time]
  if not named:
    named = ramps(table, counting)

  found = []
  used = set(counting)
  problems = []
  for i, column in _joined(table, named):
    try:
      found.append((i, _stamps(table, column, names[i], given_hz)))
    except _Unusable as problem:
      if not names[i].is_sure and not problem.rises:
        continue   # a signal that has a time in its name
      problems.append((i, problem))
    used.add(i)
  used.update(i for i in named if table.columns[i].kind in (DATE, CLOCK))

  if found:
    stamps = _best([stamps for _, stamps in found], table)
    notes += [f"{_title(table.columns[i])} {problem.short}, not used" for i, problem in problems]
    notes += [f"{other.title} not used" for _, other in found if other.title != stamps.title]
    return Times(stamps, frozenset(used), (*notes, *stamps.notes))

  notes += _without_time(table, problems, given_hz)
  stamps = _counted(table, counting, given_hz)
  if stamps is not None:
    notes += stamps.notes
  return Times(stamps, frozenset(used), tuple(notes))


def only_times(table: Table) -> bool:
  """Returns whether a single column rises as times since 1970 do, such as those of events."""
  if len(table.columns) > 1 or len(table.line_t) < 2 or table.columns[0].kind == TEXT:
    return False
  values_t = table.columns[0].values_t
  since_1970 = is_since_1970(values_t[0]) and is_since_1970(values_t[-1])
  return since_1970 and bool((np.diff(values_t) > 0).all())


def _title(column: Column) -> str:
  if not column.name:
    return "the first column"
  return f"time column {column.name!r}"


def _counted(table: Table, counting: Sequence[int], given_hz: float | None) -> Stamps | None:
  """Stamps by the first column that counts samples, where it skips some."""
  for i in counting:
    column = table.columns[i]
    count = count_of(column)
    if count.restart is not None:
      line = table.line_t[count.restart]
      raise UserError(
        f"{count_title(column)} of {table.path} goes back after line {line}, "
        "as if another recording began there: cut the file there"
      )
    counts_t = count.counts_t
    lost = round(counts_t[-1]) + 1 - len(counts_t)
    if lost > 0:
      rate_hz = given_hz or 1.0
      return Stamps(
        title=count_title(column),
        time_s=counts_t / rate_hz,
        resolution_s=1e-3 / rate_hz,
        order=None,
        unit=SAMPLES,
        notes=(f"{count_title(column)} skips {lost}, which are left without samples",),
      )
  return None


def _joined(table: Table, named: Sequence[int]) -> Iterator[tuple[int, Column]]:
  """The time columns; a date and a time of day in two columns are one."""
  dates = [i for i in named if table.columns[i].kind == DATE]
  clocks = [i for i in named if table.columns[i].kind == CLOCK]
  for i in named:
    column = table.columns[i]
    if column.kind == DATE and clocks:
      continue
    if column.kind == CLOCK and dates:
      date = table.columns[dates[0]]
      values_t = column.values_t + date.values_t
      column = Column(column.name, "", "date and time", values_t, date.wrong or column.wrong)
    yield i, column


def _stamps(table: Table, column: Column, name: TimeName, given_hz: float | None) -> Stamps:
  if column.kind == TEXT:
    raise _Unusable(f"holds {column.wrong}, no time: correct it, or {_REPLACE}", True)
  if column.wrong:
    raise _Unusable(f"holds {column.wrong}: correct or remove the line")

  order = ordered(column.values_t, column.kind)
  if order.order is not None and not name.is_sure:
    raise _Unusable("does not rise")
  if order.why_not:
    line = table.line_t[order.at]
    why_not = order.why_not
    if column.kind in (MOMENT, CLOCK):
      why_not = re.sub(r"-?\d+(\.\d+)?", lambda found: text_of(found[0], column.kind), why_not)
    raise _Unusable(*_disorder(why_not, int(line)))

  values_t = order.values_t - order.values_t[0]
  pace = pace_of(values_t)
  unit_s, why = name.unit_s, ""
  if column.kind == PAIR:
    unit_s, why = unit_of_pairs(pace, given_hz)
  elif unit_s is None:
    unit_s, why = unit_by_content(order.values_t, pace, given_hz)
  counts = False
  if unit_s is None:
    counts = given_hz is not None and _rises_by_one(values_t)
    if not counts:
      raise _Unusable(_without_unit(column, why, given_hz), rises=True)
    unit_s = 1 / given_hz

  unit = WORDS.get(unit_s, SAMPLES)
  note = f"{_title(column)} in {unit} {why}".rstrip()
  if counts:
    note = f"{_title(column)} rises by 1 a line, taken to count the samples"
  if column.kind != NUMBERS:
    note = f"{_title(column)} of texts of {column.kind} {why}".rstrip()
  return Stamps(
    title=_title(column),
    time_s=values_t * unit_s,
    resolution_s=resolution_of(order.values_t) * unit_s,
    order=order.order,
    unit=unit,
    notes=(note, *order.notes),
  )


def _without_unit(column: Column, why: str, given_hz: float | None) -> str:
  name = f"name the unit, such as {column.name or 'time'}_s or _ms"
  if column.kind == PAIR:
    name = "write three parts, such as 10:31:00"
  if given_hz is not None:
    return (
      f"fits {given_hz:g} samples/s, as given, in no unit ({why}): correct the rate, or {name}"
    )
  return f"has no certain unit ({why}): {name}, or give --rate_hz"


def _disorder(why_not: str, line: int) -> tuple[str, bool]:
  if why_not.startswith("goes back"):
    return (
      f"{why_not} after line {line}, as if another recording began there: "
      "cut the file there"
    ), False
  return f"{why_not}: correct it, or {_REPLACE}", True


def _rises_by_one(values_t: np.ndarray) -> bool:
  return bool((np.diff(values_t) == 1).all())


def _best(found: Sequence[Stamps], table: Table) -> Stamps:
  """The stamps with the finest times; they have to agree."""
  for one, other in itertools.combinations(found, 2):
    span_s, other_s = one.time_s[-1], other.time_s[-1]
    if abs(span_s - other_s) > _SAME * max(span_s, other_s) + 2.0:
      raise UserError(
        f"{table.path} has two times that contradict each other: {one.title} spans {span_s:g} s, "
        f"{other.title} {other_s:g} s: leave one of them out"
      )

  def coarseness(stamps: Stamps) -> tuple[float, float]:
    repeats = np.mean(np.diff(stamps.time_s) == 0)
    return float(repeats), stamps.resolution_s

  best = min(found, key=coarseness)
  notes = []
  for other in found:
    span_s, other_s = best.time_s[-1], other.time_s[-1]
    slack_s = 2 * (best.resolution_s + other.resolution_s) + 0.001 * span_s
    if abs(span_s - other_s) > slack_s:
      notes.append(f"{other.title} spans {other_s:.6g} s, not {span_s:.6g} as {best.title} does")
  return best._replace(notes=(*best.notes, *notes))


def _without_time(
    table: Table,
    problems: Sequence[tuple[int, _Unusable]],
    given_hz: float | None,
) -> list[str]:
  """Notes on time columns that a given rate replaces; UserError where it may not."""
  notes = []
  for i, problem in problems:
    title = _title(table.columns[i])
    if given_hz is None or not problem.rate_helps:
      raise UserError(f"{title} of {table.path} {problem}")
    notes.append(f"{title} {problem.short}: not used, the rate taken from elsewhere")
  return notes
