"""Personal splits: what is trained on and what is tested of the recordings of each test group."""
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ml_collections import ConfigDict

from jaxsig.data.records import Record, Segment, stable_hash
from jaxsig.errors import UserError

FIRST, RANDOM = "first", "random"


class Personal(NamedTuple):
  """The two sides of the test groups' own recordings."""
  adapt: tuple[Segment, ...]
  test: tuple[Segment, ...]


def personal(records: Sequence[Record], groups: Iterable[str], config: ConfigDict) -> Personal:
  """The sides of the groups: a part of each one's first record, and what is tested.

  Args:
    records: all that there are.
    groups: that are tested.
    config: `config.split`; `adapt` is
      "first": the first `adapt_s` seconds are trained on;
      "random": as many seconds in blocks of `block_s`, drawn from the whole record. What is tested
      lies between them in time, so that this LEAKS; it is for showing how much.
      What begins `guard_s` after the first `adapt_s` is tested, without the drawn blocks where
      `adapt` is "random" or `spare_random` is set: both are then tested on the same.

  Raises:
    UserError: no time to adapt in, or a first record that leaves nothing to test.
  """
  if config.adapt_s <= 0:
    raise UserError(
        "split.kind=personal needs split.adapt_s above 0: "
        "how many seconds of each test group are trained on")
  adapt, test = [], []
  for group in groups:
    own = [record for record in records if record.group == group]
    sides = _of_first_record(own[0], config)
    adapt += sides.adapt
    test += sides.test
    test += [Segment(group, record.id) for record in own[1:]]
  return Personal(tuple(adapt), tuple(test))


def _of_first_record(record: Record, config: ConfigDict) -> Personal:
  begin_s = config.adapt_s + config.guard_s
  if begin_s >= record.duration_s:
    raise UserError(
        f"the record {record.id} of {record.group} lasts {record.duration_s:g} s, which leaves "
        f"nothing to test after split.adapt_s + split.guard_s = {begin_s:g} s: lower them")
  first = (Segment(record.group, record.id, 0.0, config.adapt_s),)
  later = (Segment(record.group, record.id, begin_s),)
  is_random = config.adapt == RANDOM
  if not is_random and not config.spare_random:
    return Personal(first, later)

  drawn = _drawn_blocks(record, config)
  spared = _without(record, drawn, begin_s, config.block_s)
  if not spared:
    raise UserError(
        f"the record {record.id} of {record.group} is too short for blocks of "
        f"split.block_s={config.block_s:g} s to be drawn and others to be tested: lower it")
  if is_random:
    first = tuple(_block(record, k, config.block_s) for k in drawn)
  return Personal(first, spared)


def _drawn_blocks(record: Record, config: ConfigDict) -> list[int]:
  """The numbers of the blocks that "random" trains on, ascending."""
  count = int(record.duration_s / config.block_s + 1e-6)
  wanted = max(1, round(config.adapt_s / config.block_s))

  def by_hash(k: int) -> int:
    return stable_hash(f"adapt:{config.salt}:{record.id}:{k}")

  return sorted(sorted(range(count), key=by_hash)[:wanted])


def _block(record: Record, k: int, block_s: float) -> Segment:
  return Segment(record.group, record.id, k * block_s, (k + 1) * block_s)


def _without(
    record: Record,
    drawn: Sequence[int],
    begin_s: float,
    block_s: float,
) -> tuple[Segment, ...]:
  """What a record has after `begin_s` between the drawn blocks."""
  segments = []
  from_s = begin_s
  for k in drawn:
    block = _block(record, k, block_s)
    if block.from_s > from_s:
      segments.append(Segment(record.group, record.id, from_s, block.from_s))
    from_s = max(from_s, block.to_s)
  if from_s < record.duration_s:
    segments.append(Segment(record.group, record.id, from_s))
  return tuple(segments)
