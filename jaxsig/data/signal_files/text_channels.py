"""Signals of a text file on a uniform grid of time, whatever its layout and its times."""
import pathlib
import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from jaxsig.data.signal_files.channels import Channel, Channels
from jaxsig.data.signal_files.text_body import Column, Table
from jaxsig.data.signal_files.text_head import TEXT
from jaxsig.data.signal_files.text_rates import StatedRate, counted_rows, stated_rate
from jaxsig.data.signal_files.text_stacks import check_unstacked
from jaxsig.data.signal_files.text_table import read_table
from jaxsig.data.signal_files.time_checks import AGREES, checked_grid
from jaxsig.data.signal_files.time_grid import Grid
from jaxsig.data.signal_files.time_parts import with_parts_joined
from jaxsig.data.signal_files.time_stamps import SAMPLES, Stamps, only_times, times_of
from jaxsig.errors import UserError

_UNIT = re.compile(r"(.*\S)\s*\[([^\]]*)\]\s*")
_UNIT_IN_PARENTHESES = re.compile(r"(.*\S)\s*\(([munµ]?V|[mun]?A|a\.?u\.?|NU|counts?|%|g|raw)\)\s*")


def read_text_channels(path: pathlib.Path, rate_hz: float | None) -> Channels:
  """Returns the signals of a delimited text file.

  Times in it put the samples on a uniform grid: uneven ones are resampled, gaps are NaN.

  Args:
    path: .csv, .txt, .tsv, .dat, .asc or the like, plain or gz-compressed.
    rate_hz: given by the user, to decide what the file leaves open; a channel's own rate is None
      where the file does not say one.

  Raises:
    UserError: the file is no table of numbers, its times cannot be used, or they contradict the
      given rate.
  """
  if rate_hz is not None and not 0 < rate_hz < np.inf:
    rate_hz = None
  try:
    return _channels(read_table(path), rate_hz)
  except MemoryError as error:
    raise UserError(f"{path} is too large for the memory of this machine: cut it") from error


def _channels(table: Table, given_hz: float | None) -> Channels:
  stated = stated_rate(table)
  notes = list(table.notes)
  if stated is not None:
    table = _without_first(table, stated.rows)
  if counted_rows(table):
    table = _without_first(table, 1)
    notes.append("the first row taken as the number of samples below it")

  whole = table
  table = with_parts_joined(table)
  if table is not whole:
    notes.append("seconds and their parts in two columns taken as one time")

  known_hz = given_hz
  if known_hz is None and stated is not None:
    known_hz = stated.rate_hz
  try:
    times = times_of(table, known_hz)
  except UserError:
    check_unstacked(table, None)   # the better reason why times go back
    raise
  notes += times.notes
  in_lines_s = None
  if times.stamps is not None and times.stamps.order is None and times.stamps.unit != SAMPLES:
    in_lines_s = times.stamps.time_s
  check_unstacked(table, in_lines_s)
  grid = None
  if times.stamps is not None:
    grid = checked_grid(table, times.stamps, known_hz, given_hz)
    notes += grid.notes
    if stated is not None and abs(stated.rate_hz - grid.rate_hz) > AGREES * grid.rate_hz:
      notes.append(f"not {stated.note}: the times are taken")
  elif stated is not None:
    _check_stated(table, stated, given_hz)
    notes.append(stated.note)

  rate = None
  if grid is not None:
    rate = grid.rate_hz
    if times.stamps.unit == SAMPLES and known_hz is None:
      rate = None
  elif stated is not None:
    rate = stated.rate_hz

  channels = []
  for i, column in enumerate(table.columns):
    if i in times.columns or _is_blank(column) or only_times(table):
      continue
    if column.kind == TEXT:
      notes.append(f"column {column.name!r} holds {column.wrong}, left out")
    else:
      channels.append(_channel(table, column, rate, grid, times.stamps))
  if not channels:
    raise _no_samples(table)
  return Channels(tuple(channels), tuple(notes))


def _no_samples(table: Table) -> UserError:
  for column in table.columns:
    if column.kind == TEXT:
      return UserError(
        f"{table.path} has no column of samples, as {column.name!r} holds {column.wrong}: "
        "write plain numbers"
      )
  return UserError(
    f"{table.path} has no column of samples, only times or blank cells: add the samples"
  )


def _is_blank(column: Column) -> bool:
  """Whether a column has neither a name nor a value, as a delimiter at the lines' start makes."""
  return not column.name and column.kind != TEXT and bool(np.isnan(column.values_t).all())


def _without_first(table: Table, rows: int) -> Table:
  columns = tuple(column._replace(values_t=column.values_t[rows:]) for column in table.columns)
  return table._replace(columns=columns, line_t=table.line_t[rows:])


def _check_stated(table: Table, stated: StatedRate, given_hz: float | None) -> None:
  if given_hz is not None and abs(given_hz - stated.rate_hz) > AGREES * stated.rate_hz:
    raise UserError(
      f"{table.path} says {stated.rate_hz:g} samples/s above its samples, --rate_hz says "
      f"{given_hz:g}: leave --rate_hz out, or correct the file"
    )


class _Load(NamedTuple):
  """Returns a column's samples on the grid."""
  path: pathlib.Path
  column: Column
  order: np.ndarray | None
  place: Callable[[np.ndarray], np.ndarray] | None

  def __call__(self) -> np.ndarray:
    if self.column.wrong:
      raise UserError(
        f"column {self.column.name!r} of {self.path} holds {self.column.wrong}: "
        "correct or remove the line"
      )
    x_t = self.column.values_t
    if self.order is not None:
      x_t = x_t[self.order]
    if self.place is None:
      return x_t.copy()
    return self.place(x_t)


def _channel(
    table: Table,
    column: Column,
    rate_hz: float | None,
    grid: Grid | None,
    stamps: Stamps | None,
) -> Channel:
  name, unit = column.name, column.unit
  in_title = _UNIT.fullmatch(name) or _UNIT_IN_PARENTHESES.fullmatch(name)
  if in_title and not unit:
    name, unit = in_title.groups()

  load = _Load(table.path, column, None, None)
  samples = len(column.values_t)
  if grid is not None:
    load = _Load(table.path, column, stamps.order, grid.place)
    samples = grid.samples
  return Channel(name, unit, rate_hz, samples, load)
