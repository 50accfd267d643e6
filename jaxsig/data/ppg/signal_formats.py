"""Signals of CSV tables; each `UserError` names the file and the remedy."""
import csv
import pathlib
from collections.abc import Sequence

import numpy as np

from jaxsig.errors import UserError


def plain_name(name: str) -> str:
  """Returns a signal's name in capitals and without the comma in which PhysioNet's names end."""
  return name.strip(" ,").upper()


def read_table(path: pathlib.Path) -> dict[str, np.ndarray]:
  """Reads a CSV file of numbers under one header line.

  Returns:
    {column name: [T] float64}; blanks are NaN.

  Raises:
    UserError: it is no table of numbers, or its rows have more cells than the header.
  """
  try:
    with open(path, newline="", encoding="utf-8-sig") as file:
      rows = [row for row in csv.reader(file) if row]
    if not rows:
      raise ValueError("it is empty")
    names = [cell.strip() for cell in rows.pop(0)]
    numbers = [numbers_of(row, len(names)) for row in rows]
    table = np.array(numbers)
    if table.shape != (len(rows), len(names)):
      raise ValueError(f"{len(names)} names for {table.shape[-1]} columns")
    return dict(zip(names, table.T, strict=True))
  except (ValueError, csv.Error) as error:   # a UnicodeDecodeError is a ValueError
    raise no_table(path, error) from error


def numbers_of(cells: Sequence[str], width: int) -> list[float]:
  """Converts a row of CSV cells to floats.

  A blank cell is NaN, and so is one that is missing at the end of a row of `width` cells.
  """
  missing = [""] * (width - len(cells))
  numbers = []
  for cell in [*cells, *missing]:
    text = cell.strip() or "nan"
    numbers.append(float(text))
  return numbers


def no_table(path: pathlib.Path, error: Exception) -> UserError:
  """Returns the error of a CSV file that cannot be read."""
  return UserError(
    f"{path} is no table of numbers under one header line ({error}): export it as plain CSV"
  )


def rate_of(time_s: np.ndarray) -> float:
  """Returns the sampling rate in Hz of a time column [T]; NaN where it has no length.

  The rate is that of the whole column, as single steps are rounded.
  """
  if len(time_s) < 2:
    return np.nan
  duration_s = time_s[-1] - time_s[0]
  if not duration_s > 0:
    return np.nan
  return (len(time_s) - 1) / duration_s


def check_signal(x_t: np.ndarray, rate_hz: float, name: str) -> np.ndarray:
  """Returns a float32 copy of a signal [T].

  Raises:
    UserError: a value is not finite, or the signal stands still for more than half its length.
  """
  missing = np.flatnonzero(~np.isfinite(x_t))
  if len(missing):
    first_s = missing[0] / rate_hz
    raise UserError(
      f"{name} has {len(missing)} missing values, the first at {first_s:.2f} s: "
      "cut the recording there, fill them, or leave the file out"
    )

  changes = np.flatnonzero(np.diff(x_t, prepend=np.inf, append=np.inf))
  if len(x_t) < 2 or np.diff(changes).max() > len(x_t) / 2:
    raise UserError(
      f"{name} is flat for more than half of the recording: "
      "check the sensor, or leave the file out"
    )
  return np.asarray(x_t, np.float32)
