"""Classical convolutional networks that classify images: Bouvrie's notes (2006) and LeNet-5."""
from ml_collections import ConfigDict

from jaxsig.data.images import image_classes
from jaxsig.setting_rules import choice
from jaxsig.system import System, data_of
from jaxsig.systems.cnn_notes import own_file, protocol, settings, task

DATA = {"image_classes": image_classes.DATA}
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
      protocol=protocol.PROTOCOL,
      own=own_file.OWN_FILE,
  )
