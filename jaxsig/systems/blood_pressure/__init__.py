"""Blood pressure from the PPG of a finger or a camera, with and without readings of a cuff."""
import functools

from ml_collections import ConfigDict

from jaxsig.data.ppg.pressure import data_sets
from jaxsig.setting_rules import choice
from jaxsig.system import System, data_of
from jaxsig.systems.blood_pressure import own_file, protocol, settings, task

DATA = data_sets.DATA
SETTINGS = {"data.name": choice(*DATA), **settings.SETTINGS}
RELATIONS = settings.RELATIONS


def make(config: ConfigDict) -> System:
  """The system of a config.

  Raises:
    UserError: an unknown data set, or settings that do not go together.
  """
  finish = functools.partial(protocol.finish, config)
  return System(
      data=data_of(config, DATA),
      task=task.make(config)._replace(finish=finish),
      protocol=protocol.make(config),
      own=own_file.OWN_FILE,
  )
