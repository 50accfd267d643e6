"""The ways to read a trained model: their names, and what they need of a config and its system."""
from typing import NamedTuple

import numpy as np

from jaxsig import config as configs
from jaxsig import paths
from jaxsig import system as systems
from jaxsig.engine.run import Run
from jaxsig.errors import UserError


class Reading(NamedTuple):
  """One way to read a trained model: what tables call it, and the run with its settings."""
  method: str
  run: Run


def readings_of(run: Run) -> list[Reading]:
  """The system as it is read plainly, then each of `config.readings`.

  They are made once for all members, as a task made anew is compiled anew.
  """
  every = []
  for label, config in configs.readings(run.config).items():
    own = run
    if label:
      own = run._replace(config=config, system=systems.make(config))
    every.append(Reading(method_name(config, label), own))
  return every


def method_name(config: configs.ConfigDict, label: str = "") -> str:
  """What tables call a reading."""
  name = config.read.method or config.system
  if label:
    name = f"{name}, {label}"
  return name


def method_names(config: configs.ConfigDict) -> list[str]:
  """What tables call every reading of a config."""
  return [method_name(own, label) for label, own in configs.readings(config).items()]


def require_names(config: configs.ConfigDict, system: systems.System) -> None:
  """Raises UserError where two methods bear one name, or one cannot be that of a folder."""
  baselines = system.protocol.baselines
  for method in method_names(config):
    if method in baselines:
      raise UserError(
          f"the method {method!r} is a baseline too: give the system another read.method")
  for method in (*method_names(config), *baselines):
    paths.require_name(method, "a method (read.method, with the label of a reading),")


def require_readable(run: Run) -> None:
  """Raises UserError where a reading shuffles what no window has: before a training, not after."""
  arrays = run.prepared.windows.take(np.arange(1))
  for config in configs.readings(run.config).values():
    for name in config.read.shuffle:
      if name not in arrays:
        raise UserError(
            f"read.shuffle names {name!r}, which no window has{configs.nearest(name, arrays)}")
