"""Checks of what one report will join, before the first training."""
import itertools
from collections.abc import Callable, Mapping

from ml_collections import ConfigDict

from jaxsig import config as configs
from jaxsig import system as systems
from jaxsig.data import cache
from jaxsig.data.splits import members
from jaxsig.errors import UserError
from jaxsig.report.join import is_value

Scored = set[tuple[str, str]]   # {(member, record)}


def require_joinable(every: Mapping[str, ConfigDict]) -> None:
  """Raises UserError where the report of several trainings would refuse their rows.

  Args:
    every: {how a sentence calls it: config}; the first that tests anybody says what the report is.
  """
  tested = {name: config for name, config in every.items() if config.split.kind != "all"}
  if not tested:
    return
  axis = next(iter(tested.values())).report.axis
  if axis:
    for name, config in tested.items():
      _require_value(name, config, axis)
  _require_alike(tested, "systems", lambda config: config.system)
  _require_alike(tested, "sources (simulated or real records)", _source)
  _require_same_data(tested, axis)


def _require_value(name: str, config: ConfigDict, axis: str) -> None:
  value = configs.flat(config).get(axis)
  if not is_value(value):
    raise UserError(
        f"report.axis is {axis!r}, along which the report goes, and {name} has {value!r} there: "
        "name a setting of numbers, or leave report.axis empty")


def _source(config: ConfigDict) -> str:
  return cache.source_of(systems.make(config).data, config)


def _require_alike(
    every: Mapping[str, ConfigDict],
    what: str,
    value_of: Callable[[ConfigDict], str],
) -> None:
  """All have one value, as they share tables."""
  names = {}
  for name, config in every.items():
    names.setdefault(value_of(config), name)
  if len(names) > 1:
    (one, its), (other, others) = list(names.items())[:2]
    raise UserError(
        f"{its} and {others} are of different {what}, {one} and {other}, which share no report: "
        "run them apart, with a --workdir each")


def _require_same_data(every: Mapping[str, ConfigDict], axis: str) -> None:
  """Baselines that several share are scored on the same data, at each value of the axis."""
  scored = {}

  def scored_by(name: str) -> Scored:
    if name not in scored:
      scored[name] = _scored(every[name])
    return scored[name]

  for one, other in itertools.combinations(every, 2):
    keys = _differing_data(every[one], every[other])
    if not keys or not _share_baselines(every[one], every[other]):
      continue
    if axis and _at(every[one], axis) != _at(every[other], axis):
      continue
    if scored_by(one) & scored_by(other):
      raise UserError(
          f"{other} differs from {one} in {', '.join(keys)}, and one report cannot compare the "
          "baselines of both, which are scored on other data: set baselines.run=False in one of "
          "them, set report.axis to the setting that differs, or run them apart, with a --workdir "
          "each")


def _at(config: ConfigDict, axis: str) -> object:
  return configs.flat(config)[axis]


def _differing_data(one: ConfigDict, other: ConfigDict) -> list[str]:
  """The settings of records and windows in which two configs differ."""
  values, others = configs.flat(one.data, "data."), configs.flat(other.data, "data.")
  keys = sorted(values.keys() | others.keys())
  return [key for key in keys if key != "data.source" and values.get(key) != others.get(key)]


def _share_baselines(one: ConfigDict, other: ConfigDict) -> bool:
  if not one.baselines.run or not other.baselines.run:
    return False
  if (one.split.kind == "mixed") != (other.split.kind == "mixed"):
    return False   # what leaks has names of its own
  names = systems.make(one).protocol.baselines.keys()
  return bool(names & systems.make(other).protocol.baselines.keys())


def _scored(config: ConfigDict) -> Scored:
  """The members of a config and the records on which they are tested."""
  prepared = cache.load(systems.make(config).data, config)
  pairs = set()
  for member in members(prepared.records, config.split):
    for segment in member.test:
      pairs.add((member.name, segment.record))
  return pairs
