"""Cells of a text table: numbers, words for missing ones, quotes, decimal commas."""
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

MISSING = frozenset((
  "", "nan", "na", "n/a", "n.a.", "null", "none", "nil", "nat", "missing", "-", "--", "---", "?",
  ".", "..", "...", "-nan", "+nan", "<na>", "(null)", "nan(ind)", "-nan(ind)", "1.#qnan",
  "1.#ind", "-1.#ind", "#n/a", "#na", "#nan", "#null!", "#div/0!", "#value!", "#num!", "#ref!",
))
_POINT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?")
_COMMA = re.compile(r"[+-]?(\d+,?\d*|,\d+)([eEdD][+-]?\d+)?")
_SPECIAL = frozenset(("inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"))


class Numbers(NamedTuple):
  """A column's cells as numbers.

  Attributes:
    values_t: float64, NaN where a cell is missing or no number.
    wrong: index of the first cell that is neither a number nor a word for a missing one; else None.
  """
  values_t: np.ndarray
  wrong: int | None


def bare(cell: str) -> str:
  """Returns a cell without the blanks and quotes around it."""
  return cell.strip().strip("\"'").strip()


def is_missing(cell: str) -> bool:
  """Returns whether a cell stands for a missing value."""
  return bare(cell).lower() in MISSING


def is_number(cell: str, decimal: str) -> bool:
  """Returns whether a cell is a number with this decimal mark."""
  text = bare(cell).replace("\u2212", "-")
  if text.lower() in _SPECIAL:
    return True
  pattern = _POINT
  if decimal == ",":
    pattern = _COMMA
  return pattern.fullmatch(text) is not None


def numbers_of(cells: Sequence[str], decimal: str) -> Numbers:
  """Converts a column of cells to numbers."""
  plain = cells
  if decimal == ",":
    plain = [_with_point(cell) for cell in cells]
  try:
    return Numbers(np.fromiter(map(float, plain), np.float64, len(plain)), None)
  except ValueError:
    return _one_by_one(cells, decimal)


def _with_point(cell: str) -> str:
  """A point groups thousands where the comma is the decimal mark: no number for `float`."""
  return cell.replace(".", "?").replace(",", ".")


def _one_by_one(cells: Sequence[str], decimal: str) -> Numbers:
  values_t = np.full(len(cells), np.nan)
  wrong = None
  for i, cell in enumerate(cells):
    if is_number(cell, decimal):
      values_t[i] = _number(bare(cell), decimal)
    elif not is_missing(cell) and wrong is None:
      wrong = i
  return Numbers(values_t, wrong)


def _number(text: str, decimal: str) -> float:
  plain = text.replace("\u2212", "-").lower()
  if plain not in _SPECIAL:
    plain = plain.replace("d", "e")   # Fortran's exponents
  if decimal == ",":
    plain = plain.replace(",", ".")
  return float(plain)
