"""The grid of a table's rows, checked: too long, too coarse, or not at the rate that is given."""
import numpy as np

from jaxsig.data.signal_files.text_body import Table
from jaxsig.data.signal_files.time_coarse import Coarse, coarse_of
from jaxsig.data.signal_files.time_grid import LONGEST_S, Grid, even_grid, grid_at, grid_of
from jaxsig.data.signal_files.time_stamps import SAMPLES, Stamps
from jaxsig.errors import UserError
from jaxsig.plurals import count

AGREES = 0.01         # by how much a given rate may differ from even stamps
_SAME = 0.002         # two ways to the rate of coarse stamps
_ABOUT = 0.1           # and from uneven ones
_MOST_GROWTH = 10      # a grid may be so much longer than the file ...
_ALWAYS_FINE = 200_000   # ... or hold so many samples


def checked_grid(
    table: Table,
    stamps: Stamps,
    known_hz: float | None,
    given_hz: float | None,
) -> Grid:
  """Returns the uniform grid of a table's rows.

  Args:
    table: of the file.
    stamps: its times.
    known_hz: a rate that is given or that the file states.
    given_hz: by the user.

  Raises:
    UserError: the times jump far, leave the rate open, or contradict the one that is given.
  """
  too_long = _too_long(table, stamps)
  if stamps.time_s[-1] > LONGEST_S:
    raise too_long
  grid = grid_of(stamps.time_s, stamps.resolution_s, known_hz)
  if stamps.unit != SAMPLES:
    grid = _with_coarse(table, stamps, grid, known_hz)
  shared = int((np.diff(stamps.time_s) == 0).sum())
  if shared:
    lines = count(shared, "line has", "lines have")
    note = f"{lines} the time of the line before, spread evenly"
    grid = grid._replace(notes=(note, *grid.notes))
  if grid.samples > max(_ALWAYS_FINE, _MOST_GROWTH * len(stamps.time_s)):
    raise too_long

  if given_hz is not None:
    slow_hz, fast_hz = grid.paces_hz
    tolerance = AGREES
    if slow_hz != fast_hz:
      tolerance = _ABOUT
    if not (1 - tolerance) * slow_hz <= given_hz <= (1 + tolerance) * fast_hz:
      raise UserError(
        f"{stamps.title} of {table.path} (in {stamps.unit}) runs at {fast_hz:.6g} samples/s, "
        f"--rate_hz says {given_hz:g}: leave --rate_hz out, or correct the file"
      )
  return grid


def _too_long(table: Table, stamps: Stamps) -> UserError:
  span_s = stamps.time_s[-1]
  largest = int(np.argmax(np.diff(stamps.time_s)))
  jump_s = stamps.time_s[largest + 1] - stamps.time_s[largest]
  rows = np.array([largest, largest + 1])
  if stamps.order is not None:
    rows = stamps.order[rows]
  before, after = table.line_t[rows]
  title = f"{stamps.title} of {table.path} (in {stamps.unit})"
  if span_s > LONGEST_S and jump_s <= span_s / 10:
    return UserError(
      f"{title} spans {_duration(span_s)}, more than {LONGEST_S / 86400:g} days: correct the "
      "times or cut the recording"
    )
  return UserError(
    f"{title} jumps by {_duration(jump_s)} from line {before} to line {after}: cut the recording "
    "there, or correct the times"
  )


def _duration(seconds: float) -> str:
  if seconds >= 86400:
    return f"{seconds / 86400:.1f} days"
  return f"{seconds:.4g} s"


def _with_coarse(table: Table, stamps: Stamps, grid: Grid, known_hz: float | None) -> Grid:
  """The grid, or another one where the stamps are so coarse that its rate may be wrong."""
  coarse = coarse_of(stamps.time_s)
  if coarse is None:
    return grid
  if known_hz is not None and _agree(grid.rate_hz, known_hz) and coarse.allows(known_hz):
    if coarse.certain_hz is None:
      grid = grid._replace(notes=(*grid.notes, _note(coarse)))
    return grid
  if coarse.certain_hz is not None:
    rate_hz = coarse.plain_hz(known_hz)
    if abs(grid.rate_hz - rate_hz) <= _SAME * rate_hz:
      return grid
    if coarse.is_even:
      return even_grid(len(stamps.time_s), rate_hz)
    return grid_at(stamps.time_s, stamps.resolution_s, rate_hz)
  return _by_known_rate(table, stamps, coarse, known_hz)


def _agree(rate_hz: float, other_hz: float) -> bool:
  return abs(rate_hz - other_hz) <= AGREES * other_hz


def _by_known_rate(table: Table, stamps: Stamps, coarse: Coarse, known_hz: float | None) -> Grid:
  title = f"{stamps.title} of {table.path} (in {stamps.unit})"
  if known_hz is None:
    raise UserError(
      f"{title} rises by {coarse.step_s:.4g} s at a time, so that its rate is not certain: give "
      "--rate_hz"
    )
  if not coarse.allows(known_hz):
    slow_hz, fast_hz = coarse.rates_hz
    raise UserError(
      f"{title} allows {slow_hz:.4g} to {fast_hz:.4g} samples/s, not {known_hz:g}: correct "
      "--rate_hz, or leave the column out of the file"
    )
  grid = even_grid(len(stamps.time_s), known_hz)
  return grid._replace(notes=(_note(coarse),))


def _note(coarse: Coarse) -> str:
  return f"the times rise by {coarse.step_s:.4g} s at a time, the rate taken from elsewhere"
