"""Respiration from the PPG: waveform and rate.

By a conditional diffusion model or a one-pass regressor.
"""
from ml_collections import ConfigDict

from jaxsig.data.ppg import bidmc, capnobase
from jaxsig.setting_rules import choice
from jaxsig.system import System, data_of
from jaxsig.systems.respiration import own_file, protocol, settings, task

DATA = {"bidmc": bidmc.DATA, "capnobase": capnobase.DATA}
SETTINGS = {"data.name": choice(*DATA), **settings.SETTINGS}
RELATIONS = settings.RELATIONS


def make(config: ConfigDict) -> System:
  """The system of a config.

  Raises:
    UserError: an unknown data set, or settings that do not go together.
  """
  return System(
      data=data_of(config, DATA),
      task=task.make(config),
      protocol=protocol.make(config),
      own=own_file.OWN_FILE,
  )
