"""Which signal of a file is the PPG; one that is something else is never taken for it."""
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

from jaxsig.data.ppg.signal_names import is_counter, is_ppg, quantity_of, quantity_of_file
from jaxsig.data.signal_files.channels import Channel
from jaxsig.errors import UserError

MOST_LISTED = 12   # names in a sentence
REMEDY = "--config.own.signal=NAME (its name, or its number from 0)"


class Choice(NamedTuple):
  """The channel that is the PPG, and a sentence where that was not plain."""
  channel: Channel
  notes: tuple[str, ...]


def chosen(channels: Sequence[Channel], signal: str, name: str) -> Choice:
  """The PPG among the channels of a file.

  It is the one that `signal` names; else the only one whose name holds PPG, PLETH or BVP; else a
  lone channel whose name says nothing else.

  Args:
    channels: in the order of the file.
    signal: a name as the file spells it, or a number from 0; empty: by the names.
    name: of the file, for the errors.

  Raises:
    UserError: there is none, or more than one.
  """
  if not channels:
    raise UserError(f"{name} holds no signal: name a file with a PPG")
  if signal.strip():
    channel = _named(channels, signal.strip(), name)
    return Choice(channel, _left_aside(channels, channel))

  candidates = [channel for channel in channels if is_ppg(channel.name)]
  if len(candidates) > 1:
    raise UserError(
      f"{name} holds {len(candidates)} signals named as a PPG, {_listed(channels, candidates)}: "
      f"choose one with {REMEDY}"
    )
  if candidates:
    return Choice(candidates[0], _left_aside(channels, candidates[0]))

  channel = _lone(channels, name)
  shown = "which has no name"
  if channel.name.strip():
    shown = f"'{channel.name}'"
  return Choice(channel, (f"The only signal, {shown}, was taken for the PPG.",))


def _named(channels: Sequence[Channel], wanted: str, name: str) -> Channel:
  """The channel of this name, or else of this number, or else of this name in other letters."""
  same = [channel for channel in channels if channel.name.strip() == wanted]
  is_number = wanted.isdecimal() and int(wanted) < len(channels)
  if not same and not is_number:
    same = [channel for channel in channels if _plain(channel.name) == _plain(wanted)]
  if len(same) > 1:
    raise UserError(
      f"{name} holds {len(same)} signals named {wanted!r}, {_listed(channels, same)}: "
      "choose one by its number, as in --config.own.signal=0"
    )
  if same:
    return same[0]
  if is_number:
    return channels[int(wanted)]
  raise UserError(
    f"{name} has no signal {wanted!r} (own.signal): it holds {_listed(channels, channels)}"
  )


def _plain(name: str) -> str:
  """A name without regard to capitals and to the comma in which PhysioNet's names end."""
  return name.strip(" ,").lower()


def _lone(channels: Sequence[Channel], name: str) -> Channel:
  """The only channel, besides counters of samples; its name must not say something else."""
  signals = list(channels)
  if len(channels) > 1:
    signals = [channel for channel in channels if not is_counter(channel.name)]
  unknown = [channel for channel in signals if not quantity_of(channel.name)]
  if len(signals) == 1 and unknown:
    first_part, _, _ = pathlib.PurePath(name).name.partition(".")
    of_file = quantity_of_file(first_part)
    if of_file and not unknown[0].name.strip():
      raise UserError(
        f"{name} is named after {of_file}, and its signal has no name: if it is a PPG, give "
        "--config.own.signal=0"
      )
    return signals[0]

  raise UserError(
    f"{name} holds {_listed(channels, signals or channels)}, and none is named as a PPG "
    f"(PPG, PLETH or BVP): choose one with {REMEDY} if it is one"
  )


def _left_aside(channels: Sequence[Channel], taken: Channel) -> tuple[str, ...]:
  """A sentence on which of several signals was read."""
  others = [channel for channel in channels if channel is not taken]
  if not others:
    return ()
  return (f"The signal {taken.name.strip()!r} was read, not {_listed(channels, others)}.",)


def _listed(channels: Sequence[Channel], some: Sequence[Channel]) -> str:
  """Names with what they say and their numbers: "'II' (0: ECG), 'PLETH' (1)"."""
  parts = []
  for number, channel in enumerate(channels):
    if not any(channel is one for one in some):
      continue
    quantity = quantity_of(channel.name)
    if quantity:
      quantity = f": {quantity}"
    shown = "unnamed"
    if channel.name.strip():
      shown = repr(channel.name.strip())
    parts.append(f"{shown} ({number}{quantity})")

  hidden = len(parts) - MOST_LISTED
  if hidden > 0:
    parts = parts[:MOST_LISTED]
    parts.append(f"{hidden} more")
  if len(parts) < 2:
    return "".join(parts)
  return f"{', '.join(parts[:-1])} and {parts[-1]}"
