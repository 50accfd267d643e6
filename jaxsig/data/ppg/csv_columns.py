"""A user's CSV file: its columns, read in bounded memory, and samples on a uniform grid of time."""
import csv
import itertools
import pathlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TextIO

import numpy as np

from jaxsig.data.ppg.signal_formats import no_table, numbers_of
from jaxsig.errors import UserError

LONGEST_S = 7 * 24 * 3600.0   # a longer time column is taken to be wrong
_LINES = 200_000              # read at once: as Python's lists, a night of PPG takes gigabytes
_STEPS = 100_000              # of a time column, from which its median step is taken
_SMALLEST_JUMP_S = 0.1


def read_columns(path: pathlib.Path) -> dict[str, np.ndarray]:
  """Reads a CSV file of numbers, with or without a header line.

  Returns:
    {column name: [t] float64}; blanks are NaN. Columns without a header are named by their
    number from 0 on.

  Raises:
    UserError: it is no table of numbers, or its rows have more cells than the header.
  """
  has_header = not _starts_with_number(path)
  names = None
  try:
    with open(path, newline="", encoding="utf-8-sig") as file:
      if has_header:
        names = _header_of(file)
      parts = list(_parts(file, names))
    if not parts:
      raise ValueError("it has no numbers")
    table = np.concatenate(parts)
    if names is None:
      names = [str(i) for i in range(table.shape[1])]
    return dict(zip(names, table.T, strict=True))
  except (ValueError, csv.Error) as error:   # a UnicodeDecodeError is a ValueError
    raise no_table(path, error) from error


def _starts_with_number(path: pathlib.Path) -> bool:
  with open(path, encoding="utf-8-sig", errors="replace") as file:
    first_cell, _, _ = file.readline(1000).partition(",")
  try:
    float(first_cell)
  except ValueError:
    return False
  return True


def _header_of(file: TextIO) -> list[str] | None:
  """The names in the first line; None where it is blank."""
  header = next(csv.reader(file), None)
  if header is None:
    raise ValueError("it is empty")
  names = [cell.strip() for cell in header]
  return names or None


def _parts(file: TextIO, names: Sequence[str] | None) -> Iterator[np.ndarray]:
  """The table [t, columns] in parts of `_LINES` lines that are not blank."""
  width = None
  if names is not None:
    width = len(names)

  lines_with_text = filter(str.strip, file)
  while True:
    lines = list(itertools.islice(lines_with_text, _LINES))
    if not lines:
      return

    part = _numbers_in(lines, width)
    if width is None:
      width = part.shape[1]
    if part.shape[1:] != (width,):
      raise ValueError(f"{width} names for {part.shape[-1]} columns")
    yield part


def _numbers_in(lines: list[str], width: int | None) -> np.ndarray:
  """[lines, columns] float64; `width` is None where no line before has told it."""
  try:
    # Ten times faster than the csv module, but it does not know blanks.
    return np.loadtxt(lines, np.float64, comments=None, delimiter=",", ndmin=2)
  except ValueError:
    rows = list(csv.reader(lines))

  if width is None:
    width = len(rows[0])
  return np.array([numbers_of(row, width) for row in rows])


def on_a_grid(
    time_s: np.ndarray,
    x_t: np.ndarray,
    path: pathlib.Path,
) -> tuple[float, np.ndarray]:
  """Puts samples on a uniform grid from the first time on.

  Args:
    time_s: [t] times in seconds, which may be rounded.
    x_t: [t] samples.
    path: for the errors.

  Returns:
    The rate in Hz, and the samples; where the time jumps forward, NaN fills the gap.

  Raises:
    UserError: the time runs backwards, has missing values, or spans more than a week.
  """
  _check_time(time_s, path)
  rate_hz, starts = _rate_and_jumps(time_s)
  if len(starts) == 0:
    return rate_hz, x_t

  firsts = [0, *starts]
  lasts = [*starts, len(x_t)]
  pieces = []
  filled = 0   # samples on the grid so far
  for first, last in zip(firsts, lasts, strict=True):
    gap = 0
    if first > 0:
      position = round((time_s[first] - time_s[0]) * rate_hz)
      gap = max(0, position - filled)
    pieces.append(np.full(gap, np.nan))
    pieces.append(x_t[first:last])
    filled += gap + last - first
  return rate_hz, np.concatenate(pieces)


def _check_time(time_s: np.ndarray, path: pathlib.Path) -> None:
  ascending = np.diff(time_s) >= 0   # False where a time is NaN
  wrong = np.flatnonzero(~ascending)
  if len(wrong):
    last_s = time_s[wrong[0]]
    raise UserError(
      f"the time column of {path} runs backwards or is missing after {last_s:g} "
      "(it must count seconds): sort or cut the recording, "
      "or drop the column and give --rate_hz"
    )

  duration_s = time_s[-1] - time_s[0]
  if duration_s > LONGEST_S:
    raise UserError(
      f"the time column of {path} spans {duration_s / 86400:.1f} days, "
      f"more than {LONGEST_S / 86400:g} (it must count seconds): correct or cut it"
    )


class _Steps(NamedTuple):
  """The steps of a time column from one of its different times to the next."""
  start_k: np.ndarray   # index of the first sample with the step's later time
  samples_k: np.ndarray   # samples that the step passes
  length_s_k: np.ndarray


def _steps(time_s: np.ndarray) -> _Steps:
  new_times = np.flatnonzero(np.diff(time_s) > 0) + 1
  firsts = np.concatenate([[0], new_times])
  return _Steps(
    start_k=firsts[1:],
    samples_k=np.diff(firsts),
    length_s_k=np.diff(time_s[firsts]),
  )


def _rate_and_jumps(time_s: np.ndarray) -> tuple[float, np.ndarray]:
  """Rate of a time column, and indices of the samples before which it jumps forward.

  A rounded column repeats a time and then steps over as much. So only what a step has beyond the
  samples it passed is a jump.
  """
  steps = _steps(time_s)
  if len(steps.start_k) == 0:
    return np.nan, steps.start_k

  every = max(1, len(steps.start_k) // _STEPS)
  median_step_s = np.median(steps.length_s_k[::every])
  rate_hz = _median_rate(steps.samples_k[::every], steps.length_s_k[::every])

  # The median is as coarse as the rounding; the mean of all steps that are no jumps is not.
  for _ in range(2):
    excess_s_k = steps.length_s_k - steps.samples_k / rate_hz
    smallest_jump_s = max(_SMALLEST_JUMP_S, 3 / rate_hz, median_step_s)
    jumps_k = excess_s_k > smallest_jump_s
    samples = steps.samples_k[~jumps_k].sum()
    duration_s = steps.length_s_k[~jumps_k].sum()
    rate_hz = samples / duration_s
  return rate_hz, steps.start_k[jumps_k]


def _median_rate(samples_k: np.ndarray, length_s_k: np.ndarray) -> float:
  """Median of the steps' rates in Hz, weighted by the samples they pass."""
  order = np.argsort(length_s_k / samples_k)
  passed = np.cumsum(samples_k[order])
  middle = np.searchsorted(passed, samples_k.sum() / 2)
  rate_hz_k = samples_k / length_s_k
  return rate_hz_k[order][middle]
