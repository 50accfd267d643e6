"""Respiration from the PPG: waveform and rate.

By a conditional diffusion model or a one-pass regressor.
"""
from ml_collections import ConfigDict

from jaxsig.config import nearest
from jaxsig.data.ppg import bidmc, capnobase
from jaxsig.errors import UserError
from jaxsig.system import System
from jaxsig.systems.respiration import own_file, protocol, task

DATA = {"bidmc": bidmc.DATA, "capnobase": capnobase.DATA}


def make(config: ConfigDict) -> System:
  """The system of a config.

  Raises:
    UserError: an unknown data set, or settings that do not go together.
  """
  name = config.data.name
  if name not in DATA:
    raise UserError(f"unknown data.name {name!r}{nearest(name, DATA)}")
  return System(
      data=DATA[name],
      task=task.make(config),
      protocol=protocol.make(config),
      own=own_file.OWN_FILE,
  )
