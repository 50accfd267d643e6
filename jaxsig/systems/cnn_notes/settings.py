"""What the settings of the notes' networks may be, and which of them go together."""
from ml_collections import ConfigDict

from jaxsig.data.images.image_classes import FAMILIES
from jaxsig.errors import UserError
from jaxsig.setting_rules import (
    choice,
    either,
    items,
    number,
    optional,
    positive,
    whole,
    yes_or_no,
)
from jaxsig.systems.cnn_notes import from_config, simplex
from jaxsig.systems.cnn_notes.feature_maps import ACTIVATIONS, TABLES, connections
from jaxsig.systems.cnn_notes.layers import POOLINGS
from jaxsig.systems.cnn_notes.losses import LOSSES

IMAGES = whole(0, 10**6)
BLOCK = whole(1, 10**6)
MAPS = whole(1, 4096)
INPUTS = items(whole(0, 4095), 1, distinct=True)   # of an output map

SETTINGS = {
    "data.family": choice(*FAMILIES),
    "data.train_images": IMAGES,
    "data.test_images": IMAGES,
    "data.block_images": BLOCK,
    "data.train_block_images": optional(BLOCK),
    "data.test_block_images": optional(BLOCK),
    "data.shrink": whole(1, 256),
    "data.size": whole(8, 1024),

    "model.margin": whole(0, 256),
    "model.maps": items(MAPS, 2, 2),
    "model.kernel": whole(1, 64),
    "model.block": whole(1, 64),
    "model.hidden": items(whole(0, 65_536), 2, 2),
    "model.parameters": whole(1),
    "model.table": either(choice(*TABLES), items(INPUTS, 1, 4096)),
    "model.combination": choice("", *simplex.KINDS),
    "model.shared": yes_or_no(),
    "model.pooling": choice(*POOLINGS),
    "model.activation": choice(*ACTIVATIONS),
    "model.dropout": number(0, below=1),

    "loss.name": choice(*LOSSES),
    "loss.target": positive(100),
    "loss.last_temperature": positive(100),
    "loss.penalty.name": choice(*simplex.PENALTIES),
    "loss.penalty.weight": number(0, 1e4),
    "loss.penalty.p": number(above=0, high=1),
    "loss.penalty.ramp": number(0, 1),

    "augment.flip": yes_or_no(),
    "augment.shift_px": whole(0, 1024),

    "read.pruning.keep": whole(0, 4096),
    "read.pruning.threshold": number(0, below=1),
}


def layers_fit(config: ConfigDict) -> None:
  """An image is as large as its kernels and blocks, and both hidden layers have units."""
  data, model = config.data, config.model
  if data.size % data.shrink:
    raise UserError(
        f"data.shrink={data.shrink} does not divide data.size={data.size}: use 1 or a divisor")
  side = data.size // data.shrink + 2 * model.margin
  for _ in model.maps:
    side = (side - model.kernel + 1) // model.block
    if side < 1:
      raise UserError(
          f"images of data.size / data.shrink + 2 model.margin pixels are too small for two layers "
          f"of model.kernel={model.kernel} and model.block={model.block}: enlarge them, or lower "
          "these")
  if not model.hidden[1]:
    raise UserError("model.hidden[1] is 0: F6 needs a unit at least")


def connections_fit(config: ConfigDict) -> None:
  """The table is one of as many maps; what is of learnt connections is not asked of others."""
  from_config.check(config)
  if not config.model.combination:
    connections(config.model.table, *config.model.maps)


RELATIONS = (layers_fit, connections_fit)
