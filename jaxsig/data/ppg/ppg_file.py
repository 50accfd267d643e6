"""A user's own PPG: a file of signals or an array in, a `Record` or one sentence out.

Where the signal is missing it is NaN, and what was assumed or done is told in `info["notes"]`.
"""
import numbers
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jaxsig.data.ppg import (
  counters,
  file_formats,
  interleaved,
  missing_values,
  one_signal,
  polarity,
  signal_choice,
)
from jaxsig.data.records import Record
from jaxsig.errors import UserError

RATES_HZ = (10.0, 1e4)        # below, a pulse of 150 a minute has no shape left
LONGEST_S = 7 * 24 * 3600.0
MOST_SAMPLES = 310_000_000    # a week at 500 Hz, 1.2 GB in single precision
SAME_RATE = 0.01              # a share by which the file's rate and the user's may differ


class _Source(NamedTuple):
  """One signal as it is given: it is loaded when its rate and its length are known to be fine.

  Attributes:
    name: of the file, for errors.
    rate_hz: None where the file does not say.
    samples: how many `load` returns.
    load: () -> [t] real numbers of any type.
    notes: on how it was found.
  """
  name: str
  rate_hz: float | None
  samples: int
  load: Callable[[], np.ndarray]
  notes: Sequence[str]


def read_ppg(
    source: str | os.PathLike | ArrayLike,
    rate_hz: float | None,
    signal: str = "",
    turned: str = "auto",
) -> Record:
  """Reads a user's own PPG from a file or an array.

  Args:
    source: an array, list or pandas Series [t], or the path of
      a text table (.csv, .tsv, .txt, .dat, each also as .gz);
      a .npy with one axis;
      a WFDB record: its header, its data file or its name;
      an .edf or .bdf.
    rate_hz: of the samples; only needed where the file does not say.
    signal: which signal of a file, as it spells it or by its number from 0; empty: the one that is
      named as a PPG, or a lone one; see `signal_choice`.
    turned: "auto" turns a PPG that is upside down, "upright" and "inverted" say which it is.

  Returns:
    Record with signals {"ppg_t"} float32, group "user". NaN where a value is missing, see
    `missing_values`; info["notes"] where anything was assumed or done.

  Raises:
    UserError: the file, its signal or its rate cannot be used.
  """
  given_hz = _number_or_none(rate_hz)
  if isinstance(source, (str, os.PathLike)):
    path = pathlib.Path(source)
    found = _in_file(path, given_hz, signal)
    record_id = file_formats.record_id(path)
  else:
    name = "the array"
    found = _as_source(one_signal.signal_of(source, name, "give"), name, signal)
    record_id = "recording"

  rate_hz = _agreed_rate(found.rate_hz, given_hz, found.name)
  name = f"the PPG of {found.name}"
  _require_bounded(found.samples, rate_hz, name)
  raw_t = found.load()
  layout_notes = interleaved.check(raw_t, rate_hz, _is_rate(found.rate_hz), name)
  ppg_t, notes = missing_values.cleaned(raw_t, rate_hz, name)
  counters.require_no_counter(ppg_t, name)
  ppg_t, polarity_notes = polarity.upright(ppg_t, rate_hz, turned)

  info = {"source": "user"}
  every_note = [*found.notes, *layout_notes, *notes, *polarity_notes]
  if every_note:
    info["notes"] = [sentence(note) for note in every_note]
  return Record(
    id=record_id,
    group="user",
    rate_hz=rate_hz,
    signals={"ppg_t": ppg_t},
    annotations={},
    info=info,
  )


def sentence(note: str) -> str:
  """A note with a capital and a full stop."""
  text = note[:1].upper() + note[1:]
  if not text.endswith("."):
    text += "."
  return text


def _in_file(path: pathlib.Path, rate_hz: float | None, signal: str) -> _Source:
  """The one signal of a file that is the PPG."""
  file_formats.require_file(path)
  name = str(path)
  if file_formats.is_npy(path):
    return _as_source(one_signal.read_npy(path), name, signal)

  channels, notes = file_formats.read_channels(path, rate_hz)
  channel, choice_notes = signal_choice.chosen(channels, signal, name)
  return _Source(
    name,
    channel.rate_hz,
    channel.samples,
    channel.load,
    (*notes, *choice_notes),
  )


def _as_source(array: one_signal.Signal, name: str, signal: str) -> _Source:
  """An array, which does not say its rate and has no names to choose from."""
  if signal.strip() not in ("", "0"):
    raise UserError(
      f"{name} is one signal without a name, and none is called {signal.strip()!r}: leave "
      "own.signal out"
    )

  def load() -> np.ndarray:
    return array.x_t

  return _Source(name, None, len(array.x_t), load, array.notes)


def _number_or_none(rate_hz: object) -> float | None:
  """A rate that a user gives as a float; None where there is none.

  Raises:
    UserError: it is no positive number.
  """
  if rate_hz is None:
    return None
  if isinstance(rate_hz, np.ndarray) and rate_hz.ndim == 0:
    rate_hz = rate_hz.item()
  is_number = isinstance(rate_hz, numbers.Real) and not isinstance(rate_hz, (bool, np.bool))
  if not is_number:
    raise UserError(f"rate_hz={rate_hz!r} is no sampling rate: give a number of samples a second")
  try:
    return float(rate_hz)
  except OverflowError:   # of Python's integers, which may be of any size
    return np.inf


def _is_rate(rate_hz: float | None) -> bool:
  return rate_hz is not None and 0 < rate_hz < np.inf


def _agreed_rate(file_hz: float | None, given_hz: float | None, name: str) -> float:
  """The rate in Hz that the file says, or else the user; UserError where they contradict."""
  if not _is_rate(file_hz):   # says nothing
    file_hz = None
  if file_hz is None and given_hz is None:
    raise UserError(
      f"{name} does not say its sampling rate: give it with --rate_hz (from Python rate_hz=)"
    )

  lowest_hz, highest_hz = RATES_HZ
  known = f"is no sampling rate of a PPG, which has {lowest_hz:g} to {highest_hz:g} Hz"
  if given_hz is not None and not lowest_hz <= given_hz <= highest_hz:
    raise UserError(f"--rate_hz={given_hz:g} {known}: give the samples a second")
  if file_hz is None:
    return given_hz

  if given_hz is not None and abs(file_hz - given_hz) > SAME_RATE * file_hz:
    raise UserError(
      f"{name} says {file_hz:g} Hz, --rate_hz says {given_hz:g}: "
      "leave --rate_hz out or correct the file"
    )
  if not lowest_hz <= file_hz <= highest_hz:
    raise UserError(f"{name} says {file_hz:g} Hz, which {known}: correct the file or name another")
  return float(file_hz)


def _require_bounded(samples: int, rate_hz: float, name: str) -> None:
  """Raises UserError where a recording is longer than what is read at once."""
  if samples > LONGEST_S * rate_hz:
    days = samples / rate_hz / 86400
    raise UserError(f"{name} lasts {days:.1f} days, more than {LONGEST_S / 86400:g}: cut it")
  if samples > MOST_SAMPLES:
    raise UserError(
      f"{name} has {samples:,} samples, more than {MOST_SAMPLES:,}: cut it, or keep every other "
      "sample"
    )
