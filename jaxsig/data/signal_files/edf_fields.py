"""Fields of EDF headers: text of a fixed width, padded with blanks."""
import math


def text_of(stored: bytes) -> str:
  """Returns the text of a field; it should be ASCII, but is not always."""
  stored = stored.rstrip(b" \x00")
  try:
    return stored.decode("utf-8").strip()
  except UnicodeDecodeError:
    return stored.decode("latin-1").strip()


def number_of(text: str) -> float:
  """Returns the number in a field, with a decimal point or comma; NaN where there is none."""
  if not text.isascii() or "_" in text:   # which Python takes for numbers, too
    return math.nan
  try:
    number = float(text.replace(",", "."))
  except ValueError:
    return math.nan
  if not math.isfinite(number):
    return math.nan
  return number


def whole_of(stored: bytes | str, what: str) -> int:
  """Returns a number of digits only; ValueError, with `what` it should be, for all else."""
  text = stored
  if isinstance(stored, bytes):
    text = text_of(stored)
  if not (text.isascii() and text.isdecimal()):
    raise ValueError(f"{text!r} is no {what}")
  return int(text)


def records_of(stored: bytes, present: int, record_s: float) -> tuple[int, tuple[str, ...]]:
  """Returns how many data records to read, and a note where that is not what the header says.

  Args:
    stored: the header's number; -1 while a recording goes on.
    present: how many the file has.
    record_s: length of one.
  """
  promised = number_of(text_of(stored))
  if promised == present:
    return present, ()
  if promised > present:
    missing_s = (promised - present) * record_s
    return present, (
      f"truncated: {present} of the {promised:g} data records that its header promises, "
      f"{missing_s:g} s are missing at the end",
    )
  if promised >= 1:
    return int(promised), (
      f"{present - int(promised)} data records beyond the {promised:g} that its header promises, "
      "left out",
    )
  return present, (f"its header does not say how long it is: all {present} data records are read",)


def record_s_of(stored: bytes) -> float:
  """Returns the length of a data record in seconds; ValueError where it cannot be one."""
  record_s = number_of(text_of(stored))
  if not record_s >= 0:
    raise ValueError(f"{text_of(stored)!r} is no length of a data record")
  return record_s
