"""How groups, records and units of rows lie within each other."""
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from jaxsig.rows import Row
from jaxsig.system import Words


class Nesting(NamedTuple):
  """What is within what; as a rule units are within records and records within groups."""
  groups_in_records: bool = False   # a record consists of several groups
  units_are_groups: bool = False    # a unit is a group, one for one, and both have the same name


def nesting_of(rows: Iterable[Row], words: Words) -> Nesting:
  """The nesting that rows have."""
  records_of = defaultdict(set)
  groups_of = defaultdict(set)
  units_of = defaultdict(set)
  for row in rows:
    records_of[row.group].add(row.record)
    groups_of[row.record].add(row.group)
    units_of[row.group].add((row.record, row.unit))

  in_one_record = all(len(records) == 1 for records in records_of.values())
  several_groups = any(len(groups) > 1 for groups in groups_of.values())

  units = set().union(*units_of.values())
  one_for_one = all(len(own) == 1 for own in units_of.values()) and len(units) == len(units_of)
  return Nesting(
      groups_in_records=in_one_record and several_groups,
      units_are_groups=one_for_one and words.groups == words.units,
  )
