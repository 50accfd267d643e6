"""Music separation: the stems of a song, from amplitudes and phases of its spectrogram."""
from ml_collections import ConfigDict

from jaxsig.data.audio.data_sets import DATA
from jaxsig.setting_rules import choice
from jaxsig.system import System, data_of
from jaxsig.systems.music_separation import own_file, own_settings, protocol, settings, task

SETTINGS = {"data.name": choice(*DATA), **settings.SETTINGS, **own_settings.SETTINGS}
RELATIONS = (*settings.RELATIONS, *own_settings.RELATIONS)


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
